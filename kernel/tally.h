/* SPDX-License-Identifier: GPL-2.0 */
/* Counted anomalies. */
#ifndef _CORDON_TALLY_H
#define _CORDON_TALLY_H

#include <linux/atomic.h>

#include "core/policy.h"
#include "core/sketch.h"

struct cordon_destinations;

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
 * struct cordon_scan - towards what a device opened something, in the present window of its limit
 * @busy: a CPU is at the rest
 * @acted: the limit has acted in this window
 * @window: when it began, in ticks
 * @committed: number of the policy whose limit it is; 0, a window begins with the next target
 * @sketch: the targets
 */
struct cordon_scan {
	atomic_t busy;
	bool acted;
	u32 window;
	u32 committed;
	struct cordon_sketch sketch;
};

/* No more than a slab of that size: this is what Documentation/man/cordon-policy.5 says. */
static_assert(sizeof(struct cordon_scan) <= 512);

/**
 * struct cordon_tallies - what is remembered of what a device did wrong, or may be about to do
 * @kind: anomalies by kind
 * @scan: targets, or NULL; see cordon_device_scan()
 * @destinations: where it has been, or NULL; see cordon_device_remember()
 * @committed: number of the policy by whose limit connections are counted, as @kind's rate
 */
struct cordon_tallies {
	struct cordon_tally kind[CORDON_KINDS];
	struct cordon_scan *scan;
	struct cordon_destinations *destinations;
	u32 committed;
};

static_assert(sizeof(struct cordon_tallies) <= 512);

/**
 * cordon_tally_count - how many anomalies there were of one kind
 * @tally: all kinds, of a device or namespace; NULL, it has none yet
 * @kind: enum cordon_kind
 */
static inline s64 cordon_tally_count(const struct cordon_tally *tally, u8 kind)
{
	return tally ? atomic64_read(&tally[kind].count) : 0;
}

/**
 * struct cordon_target - towards what a device opens something
 * @addr: its address
 * @proto: IANA number
 * @port: port, or type of ICMP
 */
struct cordon_target {
	struct cordon_addr addr;
	u8 proto;
	u16 port;
};

bool cordon_scan_limit(struct cordon_scan *s, const struct cordon_limit *limit, u32 committed,
		       const struct cordon_target *target);
void cordon_tallies_anew(struct cordon_tallies *t);
bool cordon_tally_limit(struct cordon_tally *t, const struct cordon_limit *limit);
bool cordon_tally_event(struct cordon_tally *t, u32 *suppressed);

#endif
