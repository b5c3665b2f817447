/* SPDX-License-Identifier: GPL-2.0 */
/* Where a device has been: learned, then held against what it opens. */
#ifndef _CORDON_DESTINATIONS_H
#define _CORDON_DESTINATIONS_H

#include <linux/gfp.h>
#include <linux/spinlock.h>

#include "core/known.h"

/**
 * enum cordon_learning - how far the learning of a device's destinations is
 * @CORDON_LEARNING_WAITS: the device has opened nothing so far
 * @CORDON_LEARNING_RUNS: until its end
 * @CORDON_LEARNING_OVER: it was over when it was saved
 */
enum cordon_learning {
	CORDON_LEARNING_WAITS,
	CORDON_LEARNING_RUNS,
	CORDON_LEARNING_OVER,
};

/**
 * struct cordon_destinations - where a device has been
 * @lock: for whoever changes the rest; inside all others, with bottom halves off. Packets take it
 *	for a destination that is not in @known, and read the rest without it
 * @end: of learning, in ticks, with CORDON_LEARNING_RUNS
 * @learning: enum cordon_learning
 * @known: the destinations
 */
struct cordon_destinations {
	spinlock_t lock;	/* the rest */
	u32 end;
	u8 learning;
	struct cordon_known known;
};

/* No more than a slab of that size: this is what Documentation/man/cordon-policy.5 says. */
static_assert(sizeof(struct cordon_destinations) <= 1024);

struct cordon_destinations *cordon_destinations_new(gfp_t gfp);
bool cordon_destinations_meet(struct cordon_destinations *d, const struct cordon_destination *to,
			      u32 learn);
void cordon_destinations_set_left(struct cordon_destinations *d, u32 seconds);
bool cordon_destinations_left(const struct cordon_destinations *d, u32 *seconds);
void cordon_destinations_anew(struct cordon_destinations *d);
void cordon_destinations_copy(struct cordon_destinations *d,
			      const struct cordon_destinations *from);

#endif
