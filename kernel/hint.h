/* SPDX-License-Identifier: GPL-2.0 */
/* From prerouting to the hooks behind it: which device sent a packet. */
#ifndef _CORDON_HINT_H
#define _CORDON_HINT_H

#include <linux/percpu.h>
#include <linux/skbuff.h>

#define CORDON_HINTS	8	/* a batch of received packets passes prerouting first */

/**
 * struct cordon_hints - the devices that prerouting found last, by packet
 * @device: places in the ruleset of that time
 *
 * Whoever takes one from here compares the MAC: a wrong hint costs the look-up that a right one
 * saves.
 */
struct cordon_hints {
	u32 device[CORDON_HINTS];
};

DECLARE_PER_CPU(struct cordon_hints, cordon_hints);

static __always_inline u32 cordon_hint_slot(const struct sk_buff *skb)
{
	return ((unsigned long)skb >> 8) % CORDON_HINTS;
}

static __always_inline void cordon_hint_note(const struct sk_buff *skb, u32 device)
{
	this_cpu_write(cordon_hints.device[cordon_hint_slot(skb)], device);
}

static __always_inline u32 cordon_hint(const struct sk_buff *skb)
{
	return this_cpu_read(cordon_hints.device[cordon_hint_slot(skb)]);
}

#endif
