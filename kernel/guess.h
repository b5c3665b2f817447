/* SPDX-License-Identifier: GPL-2.0 */
/* From prerouting to the hooks behind it: which device sent a packet. */
#ifndef _CORDON_GUESS_H
#define _CORDON_GUESS_H

#include <linux/percpu.h>
#include <linux/skbuff.h>

#define CORDON_GUESSES	8	/* a batch of received packets passes prerouting first */

/**
 * struct cordon_guesses - the devices that prerouting found last, by packet
 * @device: places in the ruleset of that time
 *
 * Whoever takes one from here compares the MAC: a wrong guess costs the look-up that a right one
 * saves.
 */
struct cordon_guesses {
	u32 device[CORDON_GUESSES];
};

DECLARE_PER_CPU(struct cordon_guesses, cordon_guesses);

static __always_inline u32 cordon_guess_slot(const struct sk_buff *skb)
{
	return ((unsigned long)skb >> 8) % CORDON_GUESSES;
}

static __always_inline void cordon_guess_note(const struct sk_buff *skb, u32 device)
{
	this_cpu_write(cordon_guesses.device[cordon_guess_slot(skb)], device);
}

static __always_inline u32 cordon_guess(const struct sk_buff *skb)
{
	return this_cpu_read(cordon_guesses.device[cordon_guess_slot(skb)]);
}

#endif
