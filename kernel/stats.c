// SPDX-License-Identifier: GPL-2.0
/* Counters, their clock, and the limits on them. */
#include <linux/math64.h>
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "stats.h"

/**
 * cordon_traffic_new - counters of one device or segment, all zero
 *
 * May sleep. Return: NULL when there is no memory. Free with free_percpu().
 */
struct cordon_traffic __percpu *cordon_traffic_new(void)
{
	struct cordon_traffic __percpu *stats;
	int cpu;

	stats = alloc_percpu_gfp(struct cordon_traffic, GFP_KERNEL_ACCOUNT);
	if (!stats)
		return NULL;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(stats, cpu)->syncp);
	return stats;
}

/**
 * cordon_traffic_read - sum over all CPUs
 * @stats: the counters
 * @out: their sum
 */
void cordon_traffic_read(const struct cordon_traffic __percpu *stats, struct cordon_totals *out)
{
	struct cordon_totals one;
	unsigned int start;
	int cpu;

	memset(out, 0, sizeof(*out));
	for_each_possible_cpu(cpu) {
		const struct cordon_traffic *t = per_cpu_ptr(stats, cpu);

		do {
			start = u64_stats_fetch_begin(&t->syncp);
			one.rx_packets = u64_stats_read(&t->rx_packets);
			one.rx_bytes = u64_stats_read(&t->rx_bytes);
			one.tx_packets = u64_stats_read(&t->tx_packets);
			one.tx_bytes = u64_stats_read(&t->tx_bytes);
		} while (u64_stats_fetch_retry(&t->syncp, start));
		out->rx_packets += one.rx_packets;
		out->rx_bytes += one.rx_bytes;
		out->tx_packets += one.tx_packets;
		out->tx_bytes += one.tx_bytes;
	}
}

/**
 * cordon_now - the clock of the packet path
 *
 * Goes on while the machine sleeps, so that a lease does.
 *
 * Return: ticks, see CORDON_TICK_SHIFT.
 */
u32 cordon_now(void)
{
	return ktime_get_coarse_boottime_ns() >> CORDON_TICK_SHIFT;
}

/**
 * cordon_ticks - seconds in the clock of the packet path
 * @seconds: at most CORDON_MAX_LEASE
 */
u32 cordon_ticks(u32 seconds)
{
	return ((u64)seconds * NSEC_PER_SEC) >> CORDON_TICK_SHIFT;
}

/**
 * cordon_tick_seconds - ticks in seconds, rounded up
 * @ticks: as from cordon_ticks()
 */
u32 cordon_tick_seconds(u32 ticks)
{
	return div_u64(((u64)ticks << CORDON_TICK_SHIFT) + NSEC_PER_SEC - 1, NSEC_PER_SEC);
}

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
