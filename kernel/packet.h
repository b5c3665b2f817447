/* SPDX-License-Identifier: GPL-2.0 */
/* Facts out of packets. */
#ifndef _CORDON_PACKET_H
#define _CORDON_PACKET_H

#include <linux/if_arp.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/unaligned.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "core/flow.h"

struct nf_conn;

static inline struct cordon_addr cordon_packet_v6(const struct in6_addr *a)
{
	return (struct cordon_addr){
		.hi = get_unaligned_be64(&a->s6_addr[0]),
		.lo = get_unaligned_be64(&a->s6_addr[8]),
	};
}

/* Source address of a packet whose network header is pulled. */
static inline struct cordon_addr cordon_packet_source(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV4 ? cordon_addr_v4(ntohl(ip_hdr(skb)->saddr)) :
				    cordon_packet_v6(&ipv6_hdr(skb)->saddr);
}

/* Destination address, likewise. */
static inline struct cordon_addr cordon_packet_destination(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV4 ? cordon_addr_v4(ntohl(ip_hdr(skb)->daddr)) :
				    cordon_packet_v6(&ipv6_hdr(skb)->daddr);
}

/* An address of IPv6 is an IPv4-mapped one, which no packet may bear (RFC 4291, 2.5.5.2). */
static inline bool cordon_packet_is_mapped(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV6 && (ipv6_addr_v4mapped(&ipv6_hdr(skb)->saddr) ||
				      ipv6_addr_v4mapped(&ipv6_hdr(skb)->daddr));
}

/* A packet in which the sender's own address alone does not tell that it is sound. */
static __always_inline bool cordon_packet_must_be_read(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV4 ? ip_is_fragment(ip_hdr(skb)) :
				    ipv6_ext_hdr(ipv6_hdr(skb)->nexthdr) ||
				    cordon_packet_is_mapped(skb, pf);
}

/* Source MAC, or NULL of a packet that came without one. */
static inline const u8 *cordon_packet_mac(const struct sk_buff *skb)
{
	if (!skb->dev || skb->dev->type != ARPHRD_ETHER || !skb_mac_header_was_set(skb) ||
	    skb_mac_header(skb) + ETH_HLEN > skb_network_header(skb))
		return NULL;
	return eth_hdr(skb)->h_source;
}

/*
 * How many packets of the wire it is: the stack merges those of a flow on reception, and cuts them
 * only when they are sent. A tap gives the size of each but not their number.
 */
static inline unsigned int cordon_packet_count(const struct sk_buff *skb)
{
	const struct skb_shared_info *shared = skb_shinfo(skb);

	if (likely(!shared->gso_size))
		return 1;
	return shared->gso_segs ? shared->gso_segs : DIV_ROUND_UP(skb->len, shared->gso_size);
}

void cordon_packet_flow(const struct sk_buff *skb, u8 pf, struct cordon_flow *flow);
void cordon_packet_connection(const struct nf_conn *ct, struct cordon_flow *flow);

#endif
