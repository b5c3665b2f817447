// SPDX-License-Identifier: GPL-2.0
/* Fragments that overlap others of their datagram. */
#include <linux/percpu.h>
#include <linux/random.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "clock.h"
#include "fragment.h"

/*
 * A processor's own, as the fragments of a datagram come to one: receive scaling hashes fragments
 * by their addresses alone. So packets take no lock. Where one comes to another processor, or a
 * flood of datagrams has driven this one out, the overlap is dropped by whoever puts the datagram
 * together, and counted by nobody. All modules share 8 KiB of what DEFINE_PER_CPU() gives: this is
 * too much of it.
 */
static struct cordon_parts __percpu *fragments;
static struct cordon_key fragment_key __ro_after_init;

/**
 * cordon_fragment_init - once, before any packet is seen
 *
 * Return: 0 or -ENOMEM.
 */
int __init cordon_fragment_init(void)
{
	get_random_bytes(&fragment_key, sizeof(fragment_key));
	fragments = alloc_percpu(struct cordon_parts);
	return fragments ? 0 : -ENOMEM;
}

/** cordon_fragment_exit - no packet is seen any more */
void cordon_fragment_exit(void)
{
	free_percpu(fragments);
}

/**
 * cordon_fragment_overlaps - a fragment overlaps others of its datagram, or some of them did before
 * @pkt: a fragment, at the first hook that sees it; its flow is its own
 *
 * Context: bottom halves off; once for each packet. Remembered as long as the kernel itself holds
 * them: after that, another datagram of IPv4 may have the same number.
 */
bool cordon_fragment_overlaps(const struct cordon_pkt *pkt)
{
	const u8 pf = pkt->state->pf;
	const u32 held = (pf == NFPROTO_IPV4 ? IP_FRAG_TIME : IPV6_FRAG_TIMEOUT) / HZ;
	struct cordon_part part;
	bool overlaps;

	cordon_pkt_part(pkt->skb, pf, &part);
	part.where |= pkt->state->net->net_cookie << 8;
	/* A kernel for real time preempts softirqs, too. */
	overlaps = cordon_parts_overlap(get_cpu_ptr(fragments), &fragment_key, &part,
					cordon_now(), cordon_ticks(held));
	put_cpu_ptr(fragments);
	return overlaps;
}
