// SPDX-License-Identifier: GPL-2.0
/* Counters of accepted packets. */
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "stats.h"

#define ALL_PLACES	GENMASK(CORDON_TRAFFIC_PLACES - 1, 0)

static void clear(struct cordon_traffic __percpu *stats)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct cordon_traffic *t = per_cpu_ptr(stats, cpu);

		memset(t, 0, sizeof(*t));
		u64_stats_init(&t->syncp);
	}
}

/**
 * cordon_traffic_new - counters of one segment, all zero
 *
 * May sleep. Return: NULL when there is no memory. Free with free_percpu().
 */
struct cordon_traffic __percpu *cordon_traffic_new(void)
{
	struct cordon_traffic __percpu *stats;

	stats = alloc_percpu_gfp(struct cordon_traffic, GFP_KERNEL_ACCOUNT);
	if (stats)
		clear(stats);
	return stats;
}

/**
 * cordon_traffic_pool_new - before the first device of a namespace
 *
 * May sleep. Return: a pool with one reference, NULL when there is no memory.
 */
struct cordon_traffic_pool *cordon_traffic_pool_new(void)
{
	struct cordon_traffic_pool *pool = kmalloc(sizeof(*pool), GFP_KERNEL_ACCOUNT);

	if (!pool)
		return NULL;
	refcount_set(&pool->refs, 1);
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->open);
	return pool;
}

/**
 * cordon_traffic_pool_put - give a reference back
 * @pool: freed with the last one. Devices may outlive their namespace for a grace period.
 */
void cordon_traffic_pool_put(struct cordon_traffic_pool *pool)
{
	if (refcount_dec_and_test(&pool->refs))
		kfree(pool);
}

static struct cordon_traffic_block *block_new(struct cordon_traffic_pool *pool)
{
	struct cordon_traffic_block *block = kzalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);

	if (!block)
		return NULL;
	block->traffic = __alloc_percpu_gfp(sizeof(struct cordon_traffic) * CORDON_TRAFFIC_PLACES,
					    __alignof__(struct cordon_traffic),
					    GFP_KERNEL_ACCOUNT);
	if (!block->traffic) {
		kfree(block);
		return NULL;
	}
	block->free = ALL_PLACES;
	block->pool = pool;
	refcount_inc(&pool->refs);
	return block;
}

/**
 * cordon_traffic_take - counters for a device, all zero
 * @pool: of its namespace; the caller has a reference
 * @place: set to their place in the block
 *
 * May sleep. Return: the block, NULL when there is no memory. Give back with cordon_traffic_give().
 */
struct cordon_traffic_block *cordon_traffic_take(struct cordon_traffic_pool *pool,
						 unsigned int *place)
{
	struct cordon_traffic_block *block;

	spin_lock_bh(&pool->lock);
	block = list_first_entry_or_null(&pool->open, struct cordon_traffic_block, list);
	if (!block) {
		spin_unlock_bh(&pool->lock);
		block = block_new(pool);
		if (!block)
			return NULL;
		spin_lock_bh(&pool->lock);
		list_add(&block->list, &pool->open);
	}
	*place = __ffs(block->free);
	block->free &= ~BIT(*place);
	if (!block->free)
		list_del(&block->list);
	spin_unlock_bh(&pool->lock);
	clear(block->traffic + *place);
	return block;
}

/**
 * cordon_traffic_give - give a device's counters back
 * @block: the block; freed when all its places are free
 * @place: which no packet sees any more
 *
 * Context: any but hard interrupts.
 */
void cordon_traffic_give(struct cordon_traffic_block *block, unsigned int place)
{
	struct cordon_traffic_pool *pool = block->pool;
	bool unused;

	spin_lock_bh(&pool->lock);
	if (!block->free)
		list_add(&block->list, &pool->open);
	block->free |= BIT(place);
	unused = block->free == ALL_PLACES;
	if (unused)
		list_del(&block->list);
	spin_unlock_bh(&pool->lock);
	if (!unused)
		return;
	free_percpu(block->traffic);
	kfree(block);
	cordon_traffic_pool_put(pool);
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
