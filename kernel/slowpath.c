// SPDX-License-Identifier: GPL-2.0
/*
 * The slow path of the hooks: any packet that the fast path (hook_inet.c) does not accept. In this
 * order: facts about it (pkt.c), its source (source.c), the ends of its connection (endpoint.c),
 * the verdict (verdict.c), and what is counted of it (anomaly.c, stats.c).
 */
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/udp.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "anomaly.h"
#include "endpoint.h"
#include "fragment.h"
#include "hint.h"
#include "link.h"
#include "neighbour.h"
#include "net.h"
#include "netfilter.h"
#include "slowpath.h"
#include "snoop.h"
#include "source.h"
#include "verdict.h"

/* A copy of what the gateway sends to a group or for broadcast. No wire sets this type. */
static bool is_copy(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_LOOPBACK;
}

static const struct cordon_interface *interface_of(const struct cordon_ports *ports,
						   const struct net_device *dev)
{
	return dev ? cordon_ports_find(ports, dev->ifindex) : NULL;
}

static unsigned int count_sent(const struct cordon_ruleset *rs, u32 device,
			       const struct sk_buff *skb)
{
	cordon_traffic_rx(rs->devices[device]->traffic, cordon_pkt_count(skb), skb->len);
	return NF_ACCEPT;
}

/* Before connection tracking, a packet is refused whatever its headers say. */
static noinline unsigned int prerouting_refused(struct cordon_net *cn, struct sk_buff *skb,
						const struct nf_hook_state *state,
						const struct cordon_ruleset *rs, u16 in, u8 kind)
{
	const struct cordon_pkt pkt = {
		.cn = cn, .skb = skb, .state = state, .rs = rs, .in = in,
		.device = CORDON_NO_DEVICE, .unread = true,
	};

	return cordon_deny_unblamed(&pkt, kind);
}

/**
 * cordon_slow_stranger - a frame of Ethernet comes in on a port, and its MAC is no device's
 * @cn: the namespace
 * @skb: the packet, before connection tracking
 * @state: the hook's
 * @rs: the ruleset that says so
 * @in: the port
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_slow_stranger(struct cordon_net *cn, struct sk_buff *skb,
				  const struct nf_hook_state *state,
				  const struct cordon_ruleset *rs, u16 in)
{
	if (unlikely(is_copy(skb)))
		return NF_ACCEPT;
	if (unlikely(rs->policy->draft.unknown))
		cordon_snoop_stranger(cn, cordon_pkt_mac(skb), state->in->ifindex);
	return prerouting_refused(cn, skb, state, rs, in, CORDON_KIND_UNKNOWN_DEVICE);
}

/*
 * Or else it is sound by its source alone, or all of its headers are read here. What is only needed
 * now and then has functions of its own: kernels clear what a function has on its stack, each time.
 */
static noinline unsigned int prerouting_read(struct cordon_net *cn, struct sk_buff *skb,
					     const struct nf_hook_state *state,
					     const struct cordon_ruleset *rs,
					     const struct cordon_ports *ports, u16 in, u32 device)
{
	struct cordon_pkt pkt = {
		.cn = cn, .skb = skb, .state = state, .rs = rs, .in = in, .device = device,
		.ports = ports,
	};
	struct cordon_verdict v;
	int kind;

	cordon_pkt_flow(skb, state->pf, &pkt.flow);
	v = cordon_source_decide(&pkt, &pkt.flow);
	kind = v.accept ? cordon_neighbour_ip(&pkt) : cordon_neighbour_source(&pkt, v.kind);
	if (kind < 0 && cordon_fragment_is_bad(&pkt))
		kind = CORDON_KIND_FRAGMENT;
	if (kind == CORDON_KIND_UNJUDGED)
		return cordon_deny_unblamed(&pkt, kind);
	return kind < 0 ? count_sent(rs, device, skb) : cordon_deny(&pkt, kind);
}

/**
 * cordon_slow_prerouting - a packet comes in: which device sent it, and is the source its own
 * @cn: the namespace
 * @skb: the packet, before defragmentation and connection tracking
 * @state: the hook's
 *
 * Of packets from uplinks only what no packet may be is refused here; the later hooks
 * look at them. Headers of the payload are left to connection tracking, but for fragments and for
 * TCP's flags.
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_slow_prerouting(struct cordon_net *cn, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	const struct cordon_ruleset *rs = rcu_dereference(cn->ruleset);
	const struct cordon_interface *interface;
	const struct cordon_ports *ports;
	struct cordon_addr source;
	u32 device;
	const u8 *mac;

	if (!rs || unlikely(is_copy(skb)))
		return NF_ACCEPT;
	ports = rcu_dereference(rs->ports);
	interface = interface_of(ports, state->in);
	if (unlikely(!interface))
		return prerouting_refused(cn, skb, state, rs, CORDON_ANY_PORT,
					  CORDON_KIND_UNLISTED);
	/* It came in on a port of the bridge, and was decided on there. */
	if (interface->role == CORDON_ROLE_BRIDGE)
		return NF_ACCEPT;
	if (interface->role != CORDON_ROLE_PORT) {
		if (likely(!cordon_pkt_is_mapped(skb, state->pf)))
			return NF_ACCEPT;
		return prerouting_refused(cn, skb, state, rs, CORDON_ANY_PORT,
					  CORDON_KIND_MALFORMED);
	}
	mac = cordon_pkt_mac(skb);
	device = mac ? cordon_policy_device_by_mac(rs->policy, mac) : CORDON_NO_DEVICE;
	if (unlikely(device == CORDON_NO_DEVICE)) {
		if (unlikely(rs->policy->draft.unknown))
			cordon_snoop_stranger(cn, mac, state->in->ifindex);
		return prerouting_refused(cn, skb, state, rs, interface->port,
					  CORDON_KIND_UNKNOWN_DEVICE);
	}
	cordon_hint_note(skb, device);
	source = cordon_pkt_source(skb, state->pf);
	if (unlikely(cordon_pkt_must_be_read(skb, state->pf) ||
		     cordon_pkt_has_odd_flags(skb, state->pf) ||
		     !cordon_source_is_bound(rs->policy, ports, device, interface->port, &source)))
		return prerouting_read(cn, skb, state, rs, ports, interface->port, device);
	return count_sent(rs, device, skb);
}

/* A packet for more than one host is forwarded: towards all that are where it leaves. */
static noinline unsigned int forward_many(struct cordon_pkt *pkt)
{
	const struct cordon_policy *p = pkt->rs->policy;
	struct cordon_reach buffer[CORDON_MAX_REACH];
	const struct cordon_reach *reach = buffer;
	const struct cordon_links *links;
	struct cordon_verdict v;
	u32 n = 0;

	pkt->from = cordon_endpoint(pkt, &pkt->flow.src);
	pkt->to = (struct cordon_end){ CORDON_NO_DEVICE, CORDON_NO_SEGMENT, 0 };
	/* Good for its link alone (RFC 4291, 2.5.6), though multicast routes take it further. */
	if (cordon_addr_is_link_local(&pkt->source) || cordon_addr_is_unspecified(&pkt->source))
		return cordon_deny_unblamed(pkt, CORDON_KIND_UNJUDGED);
	if (pkt->out->role == CORDON_ROLE_UPLINK) {
		n = cordon_link_uplink(p, pkt->ports, pkt->state->out, buffer);
	} else if (pkt->out->role == CORDON_ROLE_PORT) {
		links = rcu_dereference(pkt->rs->links);
		if (links)
			reach = cordon_link_port(links, pkt->out->port, &n);
	}
	v = cordon_decide_many(p, &pkt->from, reach, n, pkt->flow.proto, pkt->flow.dport);
	if (v.reason == CORDON_DENY_NO_LINK)
		return cordon_deny_unblamed(pkt, v.kind);
	if (!v.accept)
		return cordon_verdict_deny(pkt, &v, true);
	cordon_verdict_note_many(pkt, &v, reach, n);
	cordon_traffic_rx(pkt->rs->segments[pkt->from.segment]->traffic,
			  cordon_pkt_count(pkt->skb), pkt->skb->len);
	return NF_ACCEPT;
}

/*
 * A bridge hands frames to br_netfilter that it only switches: these have a member that they leave
 * by. Those of an uplink are not decided on, and those of a bridge of ports have been, by the hooks
 * at its members.
 */
static bool is_switched(const struct cordon_pkt *pkt)
{
	return pkt->interface->role != CORDON_ROLE_PORT && nf_bridge_get_physoutdev(pkt->skb);
}

/**
 * cordon_slow_unruled - no policy is in force: nothing is forwarded in lockdown
 * @cn: the namespace
 * @skb: what is to be forwarded
 *
 * Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_slow_unruled(struct cordon_net *cn, const struct sk_buff *skb)
{
	if (!cordon_lockdown)
		return NF_ACCEPT;
	atomic64_add(cordon_pkt_count(skb), &cn->denied);
	atomic64_inc(&cn->tally[CORDON_KIND_UNJUDGED].count);
	return NF_DROP;
}

/* The source is not its sender's own. */
static unsigned int deny_source(struct cordon_pkt *pkt)
{
	/* Where it only observes, prerouting has counted what came in on a port. */
	if (cordon_pkt_observes(pkt) && pkt->in != CORDON_ANY_PORT)
		return NF_ACCEPT;
	pkt->unread = true;
	return cordon_deny(pkt, pkt->in != CORDON_ANY_PORT && pkt->device == CORDON_NO_DEVICE ?
		    CORDON_KIND_UNKNOWN_DEVICE : CORDON_KIND_SPOOFED_SOURCE);
}

/* A packet that cordon_pkt_track() has a kind for. */
static unsigned int deny_unsound(const struct cordon_pkt *pkt, u8 kind)
{
	/* Where it only observes, prerouting has counted this. */
	if (cordon_pkt_observes(pkt) && kind != CORDON_KIND_UNJUDGED &&
	    pkt->in != CORDON_ANY_PORT && (cordon_pkt_must_be_read(pkt->skb, pkt->state->pf) ||
					   cordon_pkt_has_odd_flags(pkt->skb, pkt->state->pf)))
		return NF_ACCEPT;
	return cordon_deny(pkt, kind);
}

static unsigned int input(struct cordon_pkt *pkt)
{
	int kind;

	kind = pkt->device != CORDON_NO_DEVICE ? cordon_neighbour_input(pkt) : -1;
	if (unlikely(kind >= 0))
		return cordon_deny(pkt, kind);
	if (!pkt->original || (pkt->in == CORDON_ANY_PORT && cordon_flow_is_for_host(&pkt->flow)))
		return NF_ACCEPT;
	pkt->from = cordon_endpoint(pkt, &pkt->flow.src);
	pkt->to = cordon_end_gateway();
	return cordon_verdict(pkt);
}

/* The source is the gateway's, also while it looks for an address. */
static bool is_own(const struct cordon_pkt *pkt)
{
	if (cordon_addr_is_unspecified(&pkt->source))
		return true;
	if (pkt->state->pf == NFPROTO_IPV4)
		return inet_addr_type(pkt->state->net, ip_hdr(pkt->skb)->saddr) == RTN_LOCAL;
	return ipv6_chk_addr(pkt->state->net, &ipv6_hdr(pkt->skb)->saddr, pkt->state->in, 0);
}

/*
 * A copy for the gateway as a member of a group: of what it sends itself, or of what it has
 * forwarded to the group for somebody, who then opens this towards the gateway, too.
 */
static noinline unsigned int copy(struct cordon_pkt *pkt)
{
	if (is_own(pkt))
		return NF_ACCEPT;
	if (cordon_pkt_track(pkt))
		return cordon_drop(pkt);
	pkt->from = cordon_endpoint(pkt, &pkt->source);
	pkt->to = cordon_end_gateway();
	return cordon_verdict(pkt);
}

/*
 * The packet goes elsewhere than to the other end of its connection: by a source route, which
 * IPv4 writes into the header behind this hook only, and IPv6 before it; or by a translation that
 * connection tracking knows nothing of.
 */
static bool is_diverted(const struct cordon_pkt *pkt)
{
	const struct cordon_addr to = cordon_pkt_destination(pkt->skb, pkt->state->pf);

	if (pkt->state->pf == NFPROTO_IPV4 && unlikely(IPCB(pkt->skb)->opt.srr_is_hit))
		return true;
	return !cordon_addr_equal(&to, pkt->original ? &pkt->flow.dst : &pkt->flow.src);
}

static unsigned int forward(struct cordon_pkt *pkt)
{
	struct cordon_end *receiver;

	if (unlikely(is_diverted(pkt)))
		return cordon_deny_unblamed(pkt, CORDON_KIND_UNJUDGED);
	if (unlikely(pkt->original && cordon_pkt_is_for_many(pkt)))
		return forward_many(pkt);
	pkt->from = cordon_endpoint(pkt, &pkt->flow.src);
	pkt->to = cordon_endpoint(pkt, &pkt->flow.dst);
	receiver = pkt->original ? &pkt->to : &pkt->from;
	/* Behind a port live devices; an address there that is no device's is in no segment. */
	if (receiver->device == CORDON_NO_DEVICE && cordon_interface_has_devices(pkt->out))
		receiver->segment = CORDON_NO_SEGMENT;
	if (unlikely(cordon_endpoint_leaves_elsewhere(pkt, receiver)))
		return cordon_deny_unblamed(pkt, CORDON_KIND_MOVED_PORT);
	return cordon_verdict(pkt);
}

/*
 * Find the interface that the packet came in on. Return: false, there is none in the policy, or the
 * packet bears a mapped address; where the policy only observes, prerouting has counted it.
 */
static bool find_interface(struct cordon_pkt *pkt)
{
	pkt->ports = rcu_dereference(pkt->rs->ports);
	pkt->interface = interface_of(pkt->ports, pkt->state->in);
	if (unlikely(!pkt->interface || cordon_pkt_is_mapped(pkt->skb, pkt->state->pf)))
		return false;
	pkt->in = pkt->interface->port;
	return true;
}

/*
 * The packet has its sender's own source, belongs to a connection, and its sender has part in that.
 * Otherwise false, and @denied says what becomes of it.
 */
static bool is_sound(struct cordon_pkt *pkt, unsigned int *denied)
{
	u8 kind;

	if (unlikely(!cordon_source_holds(pkt))) {
		*denied = deny_source(pkt);
		return false;
	}
	kind = cordon_pkt_track(pkt);
	if (unlikely(kind)) {
		*denied = deny_unsound(pkt, kind);
		return false;
	}
	if (unlikely(cordon_endpoint_is_outsider(pkt))) {
		*denied = cordon_deny(pkt, CORDON_KIND_SEGMENT_VIOLATION);
		return false;
	}
	return true;
}

/**
 * cordon_slow_forward - a packet is to be forwarded
 * @cn: the namespace
 * @skb: the packet, after connection tracking
 * @state: the hook's
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_slow_forward(struct cordon_net *cn, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct cordon_pkt pkt = {
		.cn = cn, .skb = skb, .state = state, .rs = rcu_dereference(cn->ruleset),
		.in = CORDON_ANY_PORT, .device = CORDON_NO_DEVICE,
	};
	unsigned int denied;

	if (!pkt.rs)
		return cordon_slow_unruled(cn, skb);
	pkt.source = cordon_pkt_source(skb, state->pf);
	if (unlikely(is_copy(skb)))
		return copy(&pkt);
	if (!find_interface(&pkt))
		return cordon_drop(&pkt);
	pkt.out = interface_of(pkt.ports, state->out);
	if (unlikely(is_switched(&pkt)))
		return NF_ACCEPT;
	if (!is_sound(&pkt, &denied))
		return denied;
	if (unlikely(!pkt.out))
		return cordon_deny_unblamed(&pkt, CORDON_KIND_UNLISTED);
	return forward(&pkt);
}

/**
 * cordon_slow_switched - a bridge takes a packet from one port to another
 * @pkt: the packet, after connection tracking, and what it came in on and leaves by, both ports
 * @target: the device whose MAC it is for, which is there
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_slow_switched(struct cordon_pkt *pkt, u32 target)
{
	const struct cordon_addr to = cordon_pkt_destination(pkt->skb, pkt->state->pf);
	const struct cordon_addr *there;
	struct cordon_end *receiver;
	unsigned int denied;

	pkt->source = cordon_pkt_source(pkt->skb, pkt->state->pf);
	if (!is_sound(pkt, &denied))
		return denied;
	there = pkt->original ? &pkt->flow.dst : &pkt->flow.src;
	pkt->from = cordon_endpoint(pkt, &pkt->flow.src);
	pkt->to = cordon_endpoint(pkt, &pkt->flow.dst);
	receiver = pkt->original ? &pkt->to : &pkt->from;
	/* The policy lists no such addresses. */
	if (cordon_addr_is_link_local(there))
		*receiver = cordon_ruleset_end(pkt->rs, target);
	/* Or else its MAC is one device's and its address another's. */
	if (!cordon_addr_equal(&to, there) || receiver->device == CORDON_NO_DEVICE ||
	    !cordon_ruleset_is_same(pkt->rs, receiver->device, target))
		return cordon_deny_unblamed(pkt, CORDON_KIND_UNJUDGED);
	return cordon_verdict(pkt);
}

/**
 * cordon_slow_refusal - no rule admits the connection that a device's packet would open
 * @cn: the namespace
 * @skb: the packet, sound, for one host, and as its connection tracking entry says
 * @state: of the hook that forwards
 * @first: what is known of it
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_slow_refusal(struct cordon_net *cn, struct sk_buff *skb,
				 const struct nf_hook_state *state,
				 const struct cordon_first *first)
{
	struct cordon_pkt pkt = {
		.cn = cn, .skb = skb, .state = state, .rs = first->rs, .interface = first->in,
		.in = first->in->port, .device = first->from.device,
		.original = true,
		.from = first->from, .to = first->to,
	};
	enum ip_conntrack_info ctinfo;

	pkt.ct = nf_ct_get(skb, &ctinfo);
	cordon_pkt_connection(pkt.ct, &pkt.flow);
	return cordon_verdict_deny(&pkt, &first->v, false);
}

/**
 * cordon_slow_input - a packet is for the gateway
 * @cn: the namespace
 * @skb: the packet, after connection tracking
 * @state: the hook's
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_slow_input(struct cordon_net *cn, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	struct cordon_pkt pkt = {
		.cn = cn, .skb = skb, .state = state, .rs = rcu_dereference(cn->ruleset),
		.in = CORDON_ANY_PORT, .device = CORDON_NO_DEVICE,
	};
	unsigned int denied;

	if (!pkt.rs || unlikely(state->in->flags & IFF_LOOPBACK))
		return NF_ACCEPT;
	pkt.source = cordon_pkt_source(skb, state->pf);
	if (unlikely(is_copy(skb)))
		return copy(&pkt);
	if (!find_interface(&pkt))
		return cordon_drop(&pkt);
	return is_sound(&pkt, &denied) ? input(&pkt) : denied;
}

/* A server of DHCP answers a client, whose address it may be about to acknowledge. */
static bool is_from_dhcp_server(const struct sk_buff *skb)
{
	const struct udphdr *udp;
	struct udphdr buf;

	if (skb->protocol != htons(ETH_P_IP) || ip_hdr(skb)->protocol != IPPROTO_UDP)
		return false;
	udp = skb_header_pointer(skb, skb_network_offset(skb) + ip_hdrlen(skb), sizeof(buf), &buf);
	return udp && udp->source == htons(CORDON_PORT_DHCP) &&
	       udp->dest == htons(CORDON_PORT_DHCP_CLIENT);
}

/* The gateway answers @device, or whoever has the destination's address. */
static unsigned int answer(struct cordon_pkt *pkt, u32 device)
{
	cordon_pkt_track(pkt);
	pkt->from = device != CORDON_NO_DEVICE ? cordon_ruleset_end(pkt->rs, device) :
					       cordon_endpoint(pkt, &pkt->flow.src);
	pkt->to = cordon_end_gateway();
	return cordon_verdict(pkt);
}

/**
 * cordon_slow_output - the gateway sends a packet of its own
 * @cn: the namespace
 * @skb: the packet
 * @state: the hook's
 *
 * What it opens passes. What it answers stops with the device's right to ask. What is for a device
 * that is tied to a port leaves by that port.
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_slow_output(struct cordon_net *cn, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	struct cordon_pkt pkt = {
		.cn = cn, .skb = skb, .state = state, .rs = rcu_dereference(cn->ruleset),
		.in = CORDON_ANY_PORT, .device = CORDON_NO_DEVICE,
	};
	const struct net_device *dev = skb_dst(skb)->dev; /* state->out: before translation */
	struct cordon_end receiver = { 0 };
	enum ip_conntrack_info ctinfo;
	struct cordon_addr to;
	bool is_answer;

	if (!pkt.rs || (dev->flags & IFF_LOOPBACK))
		return NF_ACCEPT;
	pkt.ports = rcu_dereference(pkt.rs->ports);
	pkt.out = interface_of(pkt.ports, dev);
	pkt.source = cordon_pkt_source(skb, state->pf);
	to = cordon_pkt_destination(skb, state->pf);
	receiver.device = cordon_policy_device_by_addr(pkt.rs->policy, &to);
	if (unlikely(cordon_endpoint_leaves_elsewhere(&pkt, &receiver))) {
		pkt.unread = true;
		return cordon_deny_unblamed(&pkt, CORDON_KIND_MOVED_PORT);
	}
	if (!pkt.out || !cordon_interface_has_devices(pkt.out))
		return NF_ACCEPT;
	is_answer = nf_ct_get(skb, &ctinfo) && ctinfo == IP_CT_ESTABLISHED_REPLY;
	if (unlikely(cordon_addr_is_link_local(&to))) {
		receiver.device = cordon_endpoint_neighbour(&pkt, dev);
		/* What was asked has been decided on when it came in. */
		if (receiver.device == CORDON_NO_DEVICE)
			return NF_ACCEPT;
	}
	if (is_answer && receiver.device == CORDON_NO_DEVICE && is_from_dhcp_server(skb))
		return NF_ACCEPT;
	if (is_answer)
		return answer(&pkt, receiver.device);
	if (receiver.device != CORDON_NO_DEVICE)
		cordon_traffic_tx(pkt.rs->devices[receiver.device]->traffic,
				  cordon_pkt_count(skb), skb->len);
	return NF_ACCEPT;
}
