/* SPDX-License-Identifier: GPL-2.0 */
/* Facts out of packets. */
#ifndef _CORDON_PKT_H
#define _CORDON_PKT_H

#include <linux/if_arp.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/unaligned.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "core/parts.h"
#include "ruleset.h"

struct cordon_net;
struct nf_conn;

/**
 * struct cordon_pkt - a packet on the slow path, and what has been found out about it
 * @cn: the namespace
 * @rs: the ruleset that decides on it, this one and no other
 * @ports: the ruleset's interfaces as they are now
 * @skb: the packet
 * @state: the hook's
 * @interface: what it came in on; NULL, not listed, or the gateway sends it
 * @out: what it leaves by, where it is forwarded; NULL, not listed
 * @in: port that it came in on, or CORDON_ANY_PORT: from an uplink
 * @vlan: in a bridge of ports the VLAN that it is in, see vlan.h
 * @device: the device that sent it, by MAC; or CORDON_NO_DEVICE
 * @source: its source address
 * @flow: the connection that it is of; of a packet without one, its own headers
 * @unread: nothing had to be known of @flow, which is not set
 * @switched: a bridge takes it from one port to another
 * @again: what it tells of addresses has been told where it came in
 * @ct: its entry, or NULL
 * @word: where the entry has its stamp, what was there before anything was decided
 * @established: both ends have sent, and it is no ICMP error
 * @original: it goes in the original direction, as the packet that opened the connection
 * @related: an ICMP error about the connection, or the first packet of one that was announced
 * @from: the end that opened the connection
 * @to: the end it was opened to
 */
struct cordon_pkt {
	struct cordon_net *cn;
	const struct cordon_ruleset *rs;
	const struct cordon_ports *ports;
	struct sk_buff *skb;
	const struct nf_hook_state *state;
	const struct cordon_interface *interface;
	const struct cordon_interface *out;
	u16 in;
	u16 vlan;
	u32 device;
	struct cordon_addr source;
	struct cordon_flow flow;
	bool unread;
	bool switched;
	bool again;
	struct nf_conn *ct;
	u64 word;
	bool established;
	bool original;
	bool related;
	struct cordon_end from;
	struct cordon_end to;
};

/* The policy only observes: nothing is refused. */
static inline bool cordon_pkt_observes(const struct cordon_pkt *pkt)
{
	return pkt->rs->policy->draft.mode == CORDON_MODE_OBSERVE;
}

static inline const struct cordon_end *cordon_pkt_sender(const struct cordon_pkt *pkt)
{
	return pkt->original ? &pkt->from : &pkt->to;
}

static inline const struct cordon_end *cordon_pkt_receiver(const struct cordon_pkt *pkt)
{
	return pkt->original ? &pkt->to : &pkt->from;
}

static inline struct cordon_addr cordon_pkt_v6(const struct in6_addr *a)
{
	return (struct cordon_addr){
		.hi = get_unaligned_be64(&a->s6_addr[0]),
		.lo = get_unaligned_be64(&a->s6_addr[8]),
	};
}

/* Source address of a packet whose network header is pulled. */
static inline struct cordon_addr cordon_pkt_source(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV4 ? cordon_addr_v4(ntohl(ip_hdr(skb)->saddr)) :
				    cordon_pkt_v6(&ipv6_hdr(skb)->saddr);
}

/* Destination address, likewise. */
static inline struct cordon_addr cordon_pkt_destination(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV4 ? cordon_addr_v4(ntohl(ip_hdr(skb)->daddr)) :
				    cordon_pkt_v6(&ipv6_hdr(skb)->daddr);
}

/* An address of IPv6 is an IPv4-mapped one, which no packet may bear (RFC 4291, 2.5.5.2). */
static inline bool cordon_pkt_is_mapped(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV6 && (ipv6_addr_v4mapped(&ipv6_hdr(skb)->saddr) ||
				      ipv6_addr_v4mapped(&ipv6_hdr(skb)->daddr));
}

/* A packet in which the sender's own address alone does not tell that it is sound. */
static __always_inline bool cordon_pkt_must_be_read(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV4 ? ip_is_fragment(ip_hdr(skb)) :
				    ipv6_ext_hdr(ipv6_hdr(skb)->nexthdr) ||
				    ipv6_hdr(skb)->nexthdr == NEXTHDR_ICMP ||
				    cordon_pkt_is_mapped(skb, pf);
}

#define CORDON_TCP_FLAGS	13	/* the byte of them in a header of TCP */

/*
 * Likewise, of a packet that is none of these: it is TCP, and its flags are not sound, or not in
 * the linear part.
 */
static __always_inline bool cordon_pkt_has_odd_flags(const struct sk_buff *skb, u8 pf)
{
	const bool v4 = pf == NFPROTO_IPV4;
	const unsigned int at = (v4 ? ip_hdr(skb)->ihl * 4 : sizeof(struct ipv6hdr)) +
				CORDON_TCP_FLAGS;

	if ((v4 ? ip_hdr(skb)->protocol : ipv6_hdr(skb)->nexthdr) != IPPROTO_TCP)
		return false;
	return unlikely(skb_network_offset(skb) + at >= skb_headlen(skb) ||
			!cordon_tcp_flags_are_sound(skb_network_header(skb)[at]));
}

/* Source MAC, or NULL of a packet that came without one. */
static inline const u8 *cordon_pkt_mac(const struct sk_buff *skb)
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
static inline unsigned int cordon_pkt_count(const struct sk_buff *skb)
{
	const struct skb_shared_info *shared = skb_shinfo(skb);

	if (likely(!shared->gso_size))
		return 1;
	return shared->gso_segs ? shared->gso_segs : DIV_ROUND_UP(skb->len, shared->gso_size);
}

void cordon_pkt_part(const struct sk_buff *skb, u8 pf, struct cordon_part *part);
int cordon_pkt_payload(const struct sk_buff *skb, u8 pf, unsigned int *offset);
void cordon_pkt_flow(const struct sk_buff *skb, u8 pf, struct cordon_flow *flow);
void cordon_pkt_connection(const struct nf_conn *ct, struct cordon_flow *flow);
u8 cordon_pkt_track(struct cordon_pkt *pkt);
bool cordon_pkt_is_for_many(const struct cordon_pkt *pkt);

#endif
