/* SPDX-License-Identifier: GPL-2.0 */
/* Counted anomalies. */
#ifndef _CORDON_TALLY_H
#define _CORDON_TALLY_H

#include <linux/atomic.h>

#include "core/policy.h"

/**
 * struct cordon_tally - anomalies of one kind, of one device or namespace
 * @count: all of them
 * @window: when the present window of the kind's limit began, in ticks
 * @in_window: how many since then, until the limit has acted; then CORDON_TALLY_ACTED is set
 * @event: when the last event was sent, in ticks; 0, never
 * @told: the lower half of @count at that time
 */
struct cordon_tally {
	atomic64_t count;
	u32 window;
	atomic_t in_window;
	u32 event;
	u32 told;
};

/* In struct cordon_tally.in_window: the limit has acted in this window. */
#define CORDON_TALLY_ACTED	0x80000000U

/**
 * cordon_tally_count - how many anomalies there were of one kind
 * @tally: all kinds, of a device or namespace; NULL, it has none yet
 * @kind: enum cordon_kind
 */
static inline s64 cordon_tally_count(const struct cordon_tally *tally, u8 kind)
{
	return tally ? atomic64_read(&tally[kind].count) : 0;
}

bool cordon_tally_limit(struct cordon_tally *t, const struct cordon_limit *limit);
bool cordon_tally_event(struct cordon_tally *t, u32 *suppressed);

#endif
