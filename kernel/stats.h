/* SPDX-License-Identifier: GPL-2.0 */
/* Counters: per CPU where packets are accepted, atomic where they are denied. */
#ifndef _CORDON_STATS_H
#define _CORDON_STATS_H

#include <linux/atomic.h>
#include <linux/bottom_half.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/u64_stats_sync.h>

#include "core/policy.h"

/**
 * struct cordon_traffic - accepted packets, of one CPU
 * @syncp: lets 32-bit readers see whole numbers
 * @rx_packets: that it sent
 * @rx_bytes: network header and payload
 * @tx_packets: that were sent to it
 * @tx_bytes: network header and payload
 */
struct cordon_traffic {
	struct u64_stats_sync syncp;
	u64_stats_t rx_packets;
	u64_stats_t rx_bytes;
	u64_stats_t tx_packets;
	u64_stats_t tx_bytes;
};

/** struct cordon_totals - the sum of all CPUs' struct cordon_traffic */
struct cordon_totals {
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_packets;
	u64 tx_bytes;
};

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

/*
 * Counters are written with bottom halves off: a packet that a softirq handles on this CPU must not
 * find a write half done. Most callers are in a softirq; local out runs in process context, too.
 */
static inline bool cordon_traffic_lock(void)
{
	bool process = !softirq_count();

	if (unlikely(process))
		local_bh_disable();
	return process;
}

static inline void cordon_traffic_unlock(bool process)
{
	if (unlikely(process))
		local_bh_enable();
}

/**
 * cordon_traffic_rx - count what a device or a segment sent
 * @stats: its counters
 * @packets: how many, as cordon_pkt_count() says
 * @bytes: network header and payload
 *
 * Context: any but hard interrupts.
 */
static inline void cordon_traffic_rx(struct cordon_traffic __percpu *stats,
				     unsigned int packets, unsigned int bytes)
{
	bool process = cordon_traffic_lock();
	struct cordon_traffic *t = this_cpu_ptr(stats);

	u64_stats_update_begin(&t->syncp);
	u64_stats_add(&t->rx_packets, packets);
	u64_stats_add(&t->rx_bytes, bytes);
	u64_stats_update_end(&t->syncp);
	cordon_traffic_unlock(process);
}

/**
 * cordon_traffic_tx - count what was sent to a device
 * @stats: its counters
 * @packets: how many, as cordon_pkt_count() says
 * @bytes: network header and payload
 *
 * Context: any but hard interrupts.
 */
static inline void cordon_traffic_tx(struct cordon_traffic __percpu *stats,
				     unsigned int packets, unsigned int bytes)
{
	bool process = cordon_traffic_lock();
	struct cordon_traffic *t = this_cpu_ptr(stats);

	u64_stats_update_begin(&t->syncp);
	u64_stats_add(&t->tx_packets, packets);
	u64_stats_add(&t->tx_bytes, bytes);
	u64_stats_update_end(&t->syncp);
	cordon_traffic_unlock(process);
}

/**
 * cordon_traffic_both - count what a segment sent, and a device was sent
 * @sender: counters of the segment
 * @receiver: of the device; NULL, it was sent to none
 * @packets: how many, as cordon_pkt_count() says
 * @bytes: network header and payload
 *
 * Context: any but hard interrupts.
 */
static __always_inline void cordon_traffic_both(struct cordon_traffic __percpu *sender,
						struct cordon_traffic __percpu *receiver,
						unsigned int packets, unsigned int bytes)
{
	bool process = cordon_traffic_lock();
	struct cordon_traffic *t = this_cpu_ptr(sender);

	u64_stats_update_begin(&t->syncp);
	u64_stats_add(&t->rx_packets, packets);
	u64_stats_add(&t->rx_bytes, bytes);
	u64_stats_update_end(&t->syncp);
	if (receiver) {
		t = this_cpu_ptr(receiver);
		u64_stats_update_begin(&t->syncp);
		u64_stats_add(&t->tx_packets, packets);
		u64_stats_add(&t->tx_bytes, bytes);
		u64_stats_update_end(&t->syncp);
	}
	cordon_traffic_unlock(process);
}

struct cordon_traffic __percpu *cordon_traffic_new(void);
void cordon_traffic_read(const struct cordon_traffic __percpu *stats, struct cordon_totals *out);

/* Time on the packet path: 2^27 ns, about 0.13 s; wraps after 18 years of uptime. */
#define CORDON_TICK_SHIFT	27

u32 cordon_now(void);
u32 cordon_ticks(u32 seconds);
u32 cordon_tick_seconds(u32 ticks);

bool cordon_tally_limit(struct cordon_tally *t, const struct cordon_limit *limit);
bool cordon_tally_event(struct cordon_tally *t, u32 *suppressed);

#endif
