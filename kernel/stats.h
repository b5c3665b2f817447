/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of accepted packets, per CPU. */
#ifndef _CORDON_STATS_H
#define _CORDON_STATS_H

#include <linux/bitops.h>
#include <linux/bottom_half.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>

struct cordon_tallies;

/**
 * struct cordon_traffic - accepted packets, of one CPU
 * @syncp: lets 32-bit readers see whole numbers
 * @rx_packets: that it sent
 * @rx_bytes: network header and payload
 * @tx_packets: that were sent to it
 * @tx_bytes: network header and payload
 *
 * In one cache line, where a device's and its neighbour's lie side by side.
 */
struct cordon_traffic {
	struct u64_stats_sync syncp;
	u64_stats_t rx_packets;
	u64_stats_t rx_bytes;
	u64_stats_t tx_packets;
	u64_stats_t tx_bytes;
} __aligned(4 * sizeof(u64));

/* Devices of a block: nearly as many as a word has bits, so that a block takes 512 bytes. */
#define CORDON_TRAFFIC_PLACES	(BITS_PER_LONG - 8)

/**
 * struct cordon_traffic_pool - where the devices of a namespace have their counters from
 * @refs: one of the namespace, one of each block
 * @lock: see DOC: locking
 * @open: blocks in which a place is free; under @lock
 */
struct cordon_traffic_pool {
	refcount_t refs;
	spinlock_t lock;	/* the list, and what is free in the blocks */
	struct list_head open;
};

/**
 * struct cordon_traffic_block - counters of several devices: per-CPU memory is dear to ask for
 * @list: in the pool's list, while a place is free
 * @pool: the pool
 * @free: places that are, as bits; under cordon_traffic_pool.lock
 * @traffic: packets that passed, of the device at each place
 * @tallies: what is remembered of the device at each place, or NULL; device.c's
 */
struct cordon_traffic_block {
	struct list_head list;
	struct cordon_traffic_pool *pool;
	unsigned long free;
	struct cordon_traffic __percpu *traffic;
	struct cordon_tallies *tallies[CORDON_TRAFFIC_PLACES];
};

/** struct cordon_totals - the sum of all CPUs' struct cordon_traffic */
struct cordon_totals {
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_packets;
	u64 tx_bytes;
};

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
struct cordon_traffic_pool *cordon_traffic_pool_new(void);
void cordon_traffic_pool_put(struct cordon_traffic_pool *pool);
struct cordon_traffic_block *cordon_traffic_take(struct cordon_traffic_pool *pool,
						 unsigned int *place);
void cordon_traffic_give(struct cordon_traffic_block *block, unsigned int place);
void cordon_traffic_read(const struct cordon_traffic __percpu *stats, struct cordon_totals *out);

#endif
