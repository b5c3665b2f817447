// SPDX-License-Identifier: GPL-2.0
/*
 * Keep netfilter's static keys on, so that the first and last hook of a kind patch no kernel text.
 *
 * The emulator runs each CPU in a thread of its own, and translates code. While text is patched, other CPUs
 * meet a breakpoint there. Guests whose hooks came and went under traffic ended in soft lockups: CPUs took
 * that breakpoint again and again at the same place, with the same registers, long after memory held it no
 * more. It looks as if a stale translation stays; with these keys held, the same script runs to its end.
 */
#include <linux/jump_label.h>
#include <linux/module.h>
#include <linux/netfilter.h>

static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_ARP, NFPROTO_BRIDGE };

static int __init steady_init(void)
{
	int i, hook;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (hook = 0; hook < NF_INET_NUMHOOKS; hook++)
			static_key_slow_inc(&nf_hooks_needed[families[i]][hook]);
	return 0;
}

/* No exit: it stays as long as the guest. */
module_init(steady_init);
MODULE_DESCRIPTION("keeps the text of the packet path as it is, for the emulator's sake");
MODULE_LICENSE("GPL");
