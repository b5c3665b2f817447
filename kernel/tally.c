// SPDX-License-Identifier: GPL-2.0
/* Counted anomalies: the limits on them, and how many events there are of them. */
#include <linux/minmax.h>

#include "clock.h"
#include "tally.h"

/**
 * cordon_tally_limit - count an anomaly against its limit
 * @t: the device's tally of its kind
 * @limit: the limit
 *
 * Windows follow one another; the first anomaly after the end of one opens the
 * next. Two CPUs may both open it: one of the two counts is lost, no more.
 * A limit that is lowered within a window acts at the next anomaly.
 *
 * Return: true for the first anomaly of a window that finds the limit reached, and for no other one
 * of that window.
 */
bool cordon_tally_limit(struct cordon_tally *t, const struct cordon_limit *limit)
{
	u32 limited = min(limit->count, CORDON_TALLY_ACTED - 1);
	u32 now = cordon_now();

	if (now - READ_ONCE(t->window) >= cordon_ticks(limit->window) ||
	    !atomic_read(&t->in_window)) {
		WRITE_ONCE(t->window, now);
		atomic_set(&t->in_window, 0);
	}
	if ((u32)atomic_read(&t->in_window) & CORDON_TALLY_ACTED ||
	    (u32)atomic_inc_return(&t->in_window) < limited)
		return false;
	return !((u32)atomic_fetch_or(CORDON_TALLY_ACTED, &t->in_window) & CORDON_TALLY_ACTED);
}

static bool is_in_window(const struct cordon_scan *s, const struct cordon_limit *limit,
			 u32 committed)
{
	return READ_ONCE(s->committed) == committed &&
	       cordon_now() - s->window < cordon_ticks(limit->window);
}

/**
 * cordon_scan_limit - count a target against a limit
 * @s: the device's targets
 * @limit: how many of them are allowed
 * @committed: number of the policy that says so; its windows begin with it
 * @target: the target
 *
 * Nobody waits here: a packet that finds another CPU at work goes uncounted.
 *
 * Return: true for the first target of a window that is one too many, and for no other one of that
 * window.
 */
bool cordon_scan_limit(struct cordon_scan *s, const struct cordon_limit *limit, u32 committed,
		       const struct cordon_target *target)
{
	bool acts;

	if (atomic_xchg_acquire(&s->busy, 1))
		return false;
	if (!is_in_window(s, limit, committed)) {
		cordon_sketch_clear(&s->sketch);
		s->acted = false;
		s->window = cordon_now();
		WRITE_ONCE(s->committed, committed);
	}
	acts = cordon_sketch_add(&s->sketch, &target->addr, target->proto, target->port) &&
	       !s->acted && cordon_sketch_count(&s->sketch) > limit->count;
	s->acted |= acts;
	atomic_set_release(&s->busy, 0);
	return acts;
}

/**
 * cordon_tallies_anew - windows of all limits begin anew
 * @t: what is remembered of a device
 *
 * Whatever packets count meanwhile may be lost.
 */
void cordon_tallies_anew(struct cordon_tallies *t)
{
	/* Pairs with cmpxchg() in device.c. */
	struct cordon_scan *scan = smp_load_acquire(&t->scan);
	u32 kind;

	for (kind = 0; kind < CORDON_KINDS; kind++)
		atomic_set(&t->kind[kind].in_window, 0);
	if (scan)
		WRITE_ONCE(scan->committed, 0);
}

/**
 * cordon_tally_event - whether this anomaly gets an event of its own
 * @t: the tally, with this anomaly counted
 * @suppressed: how many since the last event got none
 *
 * At most one in a second; of several CPUs one wins.
 */
bool cordon_tally_event(struct cordon_tally *t, u32 *suppressed)
{
	u32 last = READ_ONCE(t->event);
	u32 now = cordon_now() | 1;	/* never 0 */
	u32 count;

	if (last && now - last < cordon_ticks(1))
		return false;
	if (cmpxchg(&t->event, last, now) != last)
		return false;
	count = (u32)atomic64_read(&t->count);
	*suppressed = count - READ_ONCE(t->told) - 1;
	WRITE_ONCE(t->told, count);
	return true;
}
