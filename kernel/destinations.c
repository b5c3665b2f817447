// SPDX-License-Identifier: GPL-2.0
/* Where a device has been: learned, then held against what it opens. */
#include <linux/random.h>
#include <linux/slab.h>

#include "clock.h"
#include "destinations.h"

/**
 * cordon_destinations_new - of a device that has opened nothing so far
 * @gfp: for the memory
 *
 * Return: them, free with kfree(); NULL, there is no memory.
 */
struct cordon_destinations *cordon_destinations_new(gfp_t gfp)
{
	struct cordon_destinations *d = kzalloc(sizeof(*d), gfp);
	struct cordon_key key;

	if (!d)
		return NULL;
	spin_lock_init(&d->lock);
	get_random_bytes(&key, sizeof(key));
	cordon_known_init(&d->known, &key);
	return d;
}

/* The end is written first: who sees that it runs sees until when. */
static void learn_for(struct cordon_destinations *d, u32 seconds)
{
	WRITE_ONCE(d->end, cordon_now() + cordon_ticks(seconds));
	/* Pairs with cordon_destinations_left(). */
	smp_store_release(&d->learning, seconds ? CORDON_LEARNING_RUNS : CORDON_LEARNING_OVER);
}

/**
 * cordon_destinations_meet - a device opens something, and is let
 * @d: the device's
 * @to: towards what
 * @learn: seconds for which destinations are learned, from the first one on
 *
 * What is known takes no lock. Once there are as many as there is room for, none is learned any
 * more, and none is counted.
 *
 * Context: softirq, or bottom halves off.
 * Return: it has never been there, and its destinations have been learned. Only once for each.
 */
bool cordon_destinations_meet(struct cordon_destinations *d, const struct cordon_destination *to,
			      u32 learn)
{
	bool first;
	u32 left;

	if (cordon_known_has(&d->known, cordon_known_hash(&d->known, to)) ||
	    cordon_known_is_full(&d->known))
		return false;
	spin_lock(&d->lock);
	if (d->learning == CORDON_LEARNING_WAITS)
		learn_for(d, learn);
	/* By the key of now: another one may just have come. */
	first = cordon_known_add(&d->known, cordon_known_hash(&d->known, to)) &&
		cordon_destinations_left(d, &left) && !left;
	spin_unlock(&d->lock);
	return first;
}

/**
 * cordon_destinations_set_left - let learning go on for so long
 * @d: a device's, which nobody else can see
 * @seconds: 0, it is over
 */
void cordon_destinations_set_left(struct cordon_destinations *d, u32 seconds)
{
	learn_for(d, seconds);
}

/**
 * cordon_destinations_left - how long a device's destinations will go on to be learned
 * @d: the device's
 * @seconds: gets that, rounded up; 0, it is over
 *
 * Return: it has begun.
 */
bool cordon_destinations_left(const struct cordon_destinations *d, u32 *seconds)
{
	/* Pairs with learn_for(). */
	const u8 learning = smp_load_acquire(&d->learning);
	const s32 left = READ_ONCE(d->end) - cordon_now();

	*seconds = learning == CORDON_LEARNING_RUNS && left > 0 ? cordon_tick_seconds(left) : 0;
	return learning != CORDON_LEARNING_WAITS;
}

/**
 * cordon_destinations_anew - forget where a device has been, and learn it from its next connection
 * @d: the device's
 */
void cordon_destinations_anew(struct cordon_destinations *d)
{
	spin_lock_bh(&d->lock);
	cordon_known_init(&d->known, &d->known.key);
	WRITE_ONCE(d->learning, CORDON_LEARNING_WAITS);
	spin_unlock_bh(&d->lock);
}

/**
 * cordon_destinations_copy - give a device what was saved
 * @d: the device's
 * @from: what was saved, which nobody else can see
 *
 * Who looks without the lock meanwhile may find a destination missing, and looks again under it.
 */
void cordon_destinations_copy(struct cordon_destinations *d,
			      const struct cordon_destinations *from)
{
	u32 i;

	spin_lock_bh(&d->lock);
	cordon_known_init(&d->known, &from->known.key);
	for (i = 0; i < CORDON_KNOWN_SLOTS; i++)
		if (from->known.slots[i])
			cordon_known_add(&d->known, from->known.slots[i]);
	WRITE_ONCE(d->end, from->end);
	/* Pairs with cordon_destinations_left(). */
	smp_store_release(&d->learning, from->learning);
	spin_unlock_bh(&d->lock);
}
