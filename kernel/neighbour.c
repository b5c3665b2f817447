// SPDX-License-Identifier: GPL-2.0
/*
 * What devices say on their link: who has which address (ARP, RFC 826; NDP, RFC 4861), and who
 * gives them.
 */
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "neighbour.h"
#include "net.h"
#include "snoop.h"

#define MAX_OPTIONS		16	/* of a message of neighbour discovery; five are defined */

/** struct arp_message - ARP for Ethernet and IPv4 */
struct arp_message {
	struct arphdr head;
	u8 sender_mac[ETH_ALEN];
	__be32 sender;
	u8 target_mac[ETH_ALEN];
	__be32 target;
} __packed;

static const struct arp_message *read_arp(const struct sk_buff *skb, struct arp_message *buf)
{
	const struct arp_message *arp;

	arp = skb_header_pointer(skb, skb_network_offset(skb), sizeof(*buf), buf);
	if (!arp || arp->head.ar_hrd != htons(ARPHRD_ETHER) ||
	    arp->head.ar_pro != htons(ETH_P_IP) || arp->head.ar_hln != ETH_ALEN ||
	    arp->head.ar_pln != sizeof(arp->sender) ||
	    (arp->head.ar_op != htons(ARPOP_REQUEST) && arp->head.ar_op != htons(ARPOP_REPLY)))
		return NULL;
	return arp;
}

/* A device says that it has an address: it is its own, or becomes it. */
static bool takes(const struct cordon_pkt *pkt, const struct cordon_addr *addr)
{
	if (!cordon_policy_device_has(pkt->rs->policy, pkt->device, addr))
		return cordon_snoop_address(pkt, addr);
	cordon_snoop_seen(pkt, addr);
	return true;
}

/**
 * cordon_neighbour_arp - may a device say what it says with ARP
 * @pkt: the frame; its device is set; the addresses of sender and target become those of @pkt->flow
 *
 * The sender's addresses must be the device's own; a request without one asks whether an address is
 * free (RFC 5227).
 *
 * Return: -1, it may; or enum cordon_kind.
 */
int cordon_neighbour_arp(struct cordon_pkt *pkt)
{
	struct arp_message buf;
	const struct arp_message *arp = read_arp(pkt->skb, &buf);

	if (!arp)
		return CORDON_KIND_MALFORMED;
	pkt->flow.src = cordon_addr_v4(ntohl(arp->sender));
	pkt->flow.dst = cordon_addr_v4(ntohl(arp->target));
	if (!ether_addr_equal(arp->sender_mac, eth_hdr(pkt->skb)->h_source))
		return CORDON_KIND_ARP_SPOOF;
	if (!arp->sender && arp->head.ar_op == htons(ARPOP_REQUEST))
		return -1;
	return takes(pkt, &pkt->flow.src) ? -1 : CORDON_KIND_ARP_SPOOF;
}

/* Where the message of ICMPv6 begins; 0, it is not to be had. */
static unsigned int message_at(const struct sk_buff *skb)
{
	unsigned int offset = 0;

	return ipv6_find_hdr(skb, &offset, IPPROTO_ICMPV6, NULL, NULL) < 0 ? 0 : offset;
}

/* The link-layer addresses that a message tells are the sender's own (RFC 4861, 4.6.1). */
static bool tells_own_mac(const struct sk_buff *skb, unsigned int at)
{
	struct nd_opt_hdr buf;
	const struct nd_opt_hdr *option;
	const u8 *mac;
	u8 mac_buf[ETH_ALEN];
	int n;

	for (n = 0; n < MAX_OPTIONS && at < skb->len; n++) {
		option = skb_header_pointer(skb, at, sizeof(buf), &buf);
		if (!option || !option->nd_opt_len)
			return false;
		if (option->nd_opt_type == ND_OPT_SOURCE_LL_ADDR ||
		    option->nd_opt_type == ND_OPT_TARGET_LL_ADDR) {
			mac = skb_header_pointer(skb, at + sizeof(buf), ETH_ALEN, mac_buf);
			if (!mac || !ether_addr_equal_unaligned(mac, eth_hdr(skb)->h_source))
				return false;
		}
		at += option->nd_opt_len * 8;
	}
	return n < MAX_OPTIONS;
}

/* The address that a message of neighbour discovery is about. */
static bool target_of(const struct sk_buff *skb, unsigned int at, struct cordon_addr *target)
{
	struct in6_addr buf;
	const struct in6_addr *a;

	a = skb_header_pointer(skb, at + sizeof(struct icmp6hdr), sizeof(buf), &buf);
	if (a)
		*target = cordon_pkt_v6(a);
	return a;
}

/* An address is the device's, bound to it or of its link. */
static bool is_own(const struct cordon_pkt *pkt, const struct cordon_addr *a)
{
	u64 claim = atomic64_read(&pkt->rs->devices[pkt->device]->claim);
	const struct cordon_flow packet = {
		.src = *a, .dst = *a, .proto = IPPROTO_ICMPV6,
		.dport = NDISC_NEIGHBOUR_ADVERTISEMENT, .flags = CORDON_FLOW_GATEWAY,
	};
	u16 tied = pkt->rs->policy->draft.devices[pkt->device].port;

	return takes(pkt, a) ||
	       cordon_decide_source(pkt->rs->policy, pkt->device, tied, claim, &packet).accept;
}

/* What a device says with neighbour discovery. */
static int discovery(const struct cordon_pkt *pkt)
{
	const struct cordon_flow *f = &pkt->flow;
	unsigned int at = message_at(pkt->skb);
	struct cordon_addr target;

	if (cordon_flow_is_router(f))
		return CORDON_KIND_ROGUE_RA;
	/* Whoever receives it ignores a fragment (RFC 6980), and others than from the link. */
	if (f->flags & CORDON_FLOW_FRAGMENT || f->hop_limit != 255 || !at)
		return CORDON_KIND_ND_SPOOF;
	if (f->dport == NDISC_ROUTER_SOLICITATION)
		return tells_own_mac(pkt->skb, at + sizeof(struct rs_msg)) ?
		       -1 : CORDON_KIND_ND_SPOOF;
	if (!target_of(pkt->skb, at, &target) ||
	    !tells_own_mac(pkt->skb, at + sizeof(struct nd_msg)))
		return CORDON_KIND_ND_SPOOF;
	/* To ask whether an address is free is to take it, if nobody has it (RFC 4862, 5.4). */
	if (f->dport == NDISC_NEIGHBOUR_SOLICITATION)
		takes(pkt, cordon_addr_is_unspecified(&f->src) ? &target : &f->src);
	return f->dport == NDISC_NEIGHBOUR_SOLICITATION || is_own(pkt, &target) ?
	       -1 : CORDON_KIND_ND_SPOOF;
}

/**
 * cordon_neighbour_ip - may a device say what it says on its link with IP
 * @pkt: the packet, whose source is its device's own; @flow is its headers
 *
 * No device is a router, or, in a bridge, a server of DHCP that the policy does not list. Elsewhere
 * what a server says reaches the gateway alone, and is decided on as any other packet.
 *
 * Return: -1, it may; or enum cordon_kind.
 */
int cordon_neighbour_ip(const struct cordon_pkt *pkt)
{
	const struct cordon_flow *f = &pkt->flow;

	if (f->flags & CORDON_FLOW_LATER)
		return -1;
	if (cordon_flow_is_discovery(f))
		return discovery(pkt);
	if (cordon_flow_is_server(f))
		return pkt->switched && !cordon_policy_is_server(pkt->rs->policy, pkt->device) ?
		       CORDON_KIND_ROGUE_DHCP : -1;
	if (!cordon_flow_is_for_server(f))
		return -1;
	/* Put together, it would be read nowhere. */
	return f->flags & CORDON_FLOW_FRAGMENT ? CORDON_KIND_FRAGMENT : cordon_snoop_request(pkt);
}

/**
 * cordon_neighbour_source - a packet has a source that is not its device's own
 * @pkt: the packet; its device is set, @flow is its headers
 * @kind: what it is otherwise
 *
 * Return: @kind; or CORDON_KIND_UNJUDGED, the device learns its addresses, and this one is its own
 * in a moment.
 */
int cordon_neighbour_source(const struct cordon_pkt *pkt, int kind)
{
	if (kind == CORDON_KIND_SPOOFED_SOURCE && cordon_snoop_address(pkt, &pkt->flow.src))
		return CORDON_KIND_UNJUDGED;
	return kind;
}

/**
 * cordon_neighbour_input - what a device says to the gateway from an address of its own
 * @pkt: the packet; its device is set
 *
 * What came in on a port in a bridge, or from an address that was not the device's, has been looked
 * at there.
 *
 * Return: -1, it may say so; or enum cordon_kind.
 */
int cordon_neighbour_input(const struct cordon_pkt *pkt)
{
	const struct cordon_flow *f = &pkt->flow;
	struct cordon_flow packet;

	/* Of an answer the flow is what it answers; a server asks neither. */
	if (unlikely(!pkt->original && f->proto == IPPROTO_UDP)) {
		cordon_pkt_flow(pkt->skb, pkt->state->pf, &packet);
		f = &packet;
	}
	if (pkt->interface->role != CORDON_ROLE_PORT ||
	    !cordon_policy_device_has(pkt->rs->policy, pkt->device, &pkt->source))
		return -1;
	if (cordon_flow_is_discovery(f))
		cordon_snoop_seen(pkt, &pkt->source);
	return cordon_flow_is_for_server(f) ? cordon_snoop_request(pkt) : -1;
}

/**
 * cordon_neighbour_dhcp - whether a frame is between clients of DHCP and servers on the link
 * @pkt: the frame; cordon_neighbour_ip() lets it through
 *
 * Return: which of them it comes from; servers are those that the policy lists.
 */
enum cordon_dhcp_from cordon_neighbour_dhcp(const struct cordon_pkt *pkt)
{
	const struct cordon_policy *p = pkt->rs->policy;
	const struct cordon_flow *f = &pkt->flow;

	if (!p->draft.n_servers || pkt->skb->protocol == htons(ETH_P_ARP) ||
	    pkt->from.segment == CORDON_SEGMENT_QUARANTINE)
		return CORDON_DHCP_FROM_NOBODY;
	if (cordon_flow_is_server(f) && cordon_policy_is_server(p, pkt->device))
		return CORDON_DHCP_FROM_SERVER;
	return cordon_flow_is_for_server(f) ? CORDON_DHCP_FROM_CLIENT : CORDON_DHCP_FROM_NOBODY;
}

/**
 * cordon_neighbour_is_of_link - a frame is about the link, and no connection
 * @pkt: the frame; unless it is ARP, @flow is its headers
 *
 * ARP, neighbour discovery, and who is in which group.
 */
bool cordon_neighbour_is_of_link(const struct cordon_pkt *pkt)
{
	return pkt->skb->protocol == htons(ETH_P_ARP) || cordon_flow_is_of_link(&pkt->flow);
}

/**
 * cordon_neighbour_asked - whom a frame for many asks for the MAC of an address
 * @pkt: the frame; cordon_neighbour_arp() or cordon_neighbour_ip() lets it through
 * @device: gets the device that has the address; or CORDON_NO_DEVICE
 *
 * Return: what it asks.
 */
enum cordon_asks cordon_neighbour_asked(const struct cordon_pkt *pkt, u32 *device)
{
	const struct cordon_policy *p = pkt->rs->policy;

	if (pkt->skb->protocol != htons(ETH_P_ARP))
		return cordon_flow_asks(p, &pkt->flow, device);
	*device = cordon_policy_device_by_addr(p, &pkt->flow.dst);
	return CORDON_ASKS_OWNER;
}
