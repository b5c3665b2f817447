// SPDX-License-Identifier: GPL-2.0
/* Counters of accepted packets. */
#include <linux/percpu.h>

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
