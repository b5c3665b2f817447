// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks of ARP, and in bridges whose members are ports. What comes in on a member is attributed to
 * a device there, and ARP and neighbour discovery are held against its addresses; what is switched
 * from one member to another is decided on like what is forwarded from one port to another. What
 * the bridge takes for the gateway goes on to the hooks of ARP and IP, which know that it was seen
 * here.
 */
#include <linux/netfilter_arp.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <net/netfilter/nf_conntrack.h>

#include "anomaly.h"
#include "endpoint.h"
#include "fragment.h"
#include "hint.h"
#include "hook_link.h"
#include "link.h"
#include "neighbour.h"
#include "net.h"
#include "netfilter.h"
#include "slowpath.h"
#include "snoop.h"
#include "source.h"
#include "verdict.h"
#include "vlan.h"

/**
 * struct frame - a frame at one of the hooks
 * @pkt: what the hooks of IP would know of it, had it come in on a port and left by another
 * @state: likewise
 * @open: its bridge is one of ports, and not closed
 */
struct frame {
	struct cordon_pkt pkt;
	struct nf_hook_state state;
	bool open;
};

static bool is_port(const struct cordon_interface *interface)
{
	return interface && interface->role == CORDON_ROLE_PORT;
}

/* Its bridge is one of ports, and not closed. */
static bool is_open(const struct cordon_ports *ports, const struct net_device *member)
{
	struct net_device *bridge = netdev_master_upper_dev_get_rcu((struct net_device *)member);
	const struct cordon_interface *slot;

	slot = bridge ? cordon_ports_find(ports, bridge->ifindex) : NULL;
	return slot && slot->role == CORDON_ROLE_BRIDGE;
}

/* Return: false, the policy has nothing to say of frames in this bridge. */
static bool begin(struct frame *f, struct cordon_net *cn, struct sk_buff *skb,
		  const struct nf_hook_state *state, const struct cordon_ruleset *rs)
{
	struct cordon_pkt *pkt = &f->pkt;

	*f = (struct frame){
		.pkt = {
			.cn = cn, .rs = rs, .skb = skb, .state = &f->state,
			.ports = rcu_dereference(rs->ports), .in = CORDON_ANY_PORT,
			.device = CORDON_NO_DEVICE, .original = true, .switched = true,
		},
		.state = *state,
	};
	f->state.pf = skb->protocol == htons(ETH_P_IPV6) ? NFPROTO_IPV6 : NFPROTO_IPV4;
	f->open = is_open(pkt->ports, state->in ?: state->out);
	if (state->in)
		pkt->interface = cordon_ports_find(pkt->ports, state->in->ifindex);
	if (state->out)
		pkt->out = cordon_ports_find(pkt->ports, state->out->ifindex);
	if (is_port(pkt->interface))
		pkt->in = pkt->interface->port;
	return f->open || is_port(pkt->interface) || is_port(pkt->out);
}

static bool is_ipv4(struct sk_buff *skb)
{
	const struct iphdr *iph;
	unsigned int len;

	if (!pskb_may_pull(skb, sizeof(*iph)))
		return false;
	iph = ip_hdr(skb);
	if (iph->version != 4 || iph->ihl < 5 || !pskb_may_pull(skb, iph->ihl * 4))
		return false;
	iph = ip_hdr(skb);
	len = ntohs(iph->tot_len);
	if (!len && skb_is_gso(skb))
		len = skb->len;
	return !ip_fast_csum(iph, iph->ihl) && len >= iph->ihl * 4 && len <= skb->len &&
	       !pskb_trim_rcsum(skb, len);
}

static bool is_ipv6(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6;
	unsigned int len;

	if (!pskb_may_pull(skb, sizeof(*ip6)))
		return false;
	ip6 = ipv6_hdr(skb);
	len = sizeof(*ip6) + ntohs(ip6->payload_len);
	if (!ip6->payload_len && skb_is_gso(skb))
		len = skb->len;
	return ip6->version == 6 && len <= skb->len && !pskb_trim_rcsum(skb, len);
}

/* Its headers are sound enough for those that read packets of IP. */
static bool is_ip(const struct cordon_pkt *pkt)
{
	switch (pkt->skb->protocol) {
	case htons(ETH_P_IP):
		return is_ipv4(pkt->skb);
	case htons(ETH_P_IPV6):
		return is_ipv6(pkt->skb);
	default:
		return false;
	}
}

/* The lease that a device has holds on another port: what comes in here has no part in it. */
static bool is_leased_elsewhere(const struct cordon_pkt *pkt)
{
	return cordon_ruleset_sender(pkt->rs, pkt->device, pkt->interface->wire).state !=
	       cordon_ruleset_end(pkt->rs, pkt->device).state;
}

static const struct cordon_device_def *def_of(const struct cordon_pkt *pkt, u32 device)
{
	return &pkt->rs->policy->draft.devices[device];
}

/* The VLAN that a device is in, if it is behind this member. */
static u16 vlan_of(const struct cordon_pkt *pkt, u32 device, const struct net_device *member)
{
	return cordon_vlan_of(def_of(pkt, device), member);
}

/* The port where a device was seen last, if it may be there now; 0, nobody knows where it is. */
static int seen_at(const struct cordon_pkt *pkt, u32 device)
{
	int seen = READ_ONCE(pkt->rs->devices[device]->seen);
	const struct cordon_interface *at = seen ? cordon_ports_find(pkt->ports, seen) : NULL;

	return is_port(at) && cordon_ports_may_be(pkt->ports, def_of(pkt, device), at->port) ?
	       seen : 0;
}

/*
 * The device is behind the port that the frame leaves by: by the policy, or as it was seen last.
 * One that is tied to several ports, and was seen at none of them, may be behind any.
 */
static bool is_behind(const struct cordon_pkt *pkt, u32 device)
{
	const struct cordon_device_def *def = def_of(pkt, device);
	int at;

	if (def->port == CORDON_ANY_PORT)
		return READ_ONCE(pkt->rs->devices[device]->seen) == pkt->out->ifindex;
	at = def->n_also ? seen_at(pkt, device) : 0;
	return at ? at == pkt->out->ifindex :
		    cordon_ports_may_be(pkt->ports, def, pkt->out->port);
}

/* The frame leaves to where the device is, in its VLAN. */
static bool leads_to(const struct cordon_pkt *pkt, u32 device)
{
	return is_behind(pkt, device) && vlan_of(pkt, device, pkt->state->out) == pkt->vlan;
}

/* Likewise; or nobody knows where it is, and it may be there. */
static bool may_lead_to(const struct cordon_pkt *pkt, u32 device)
{
	if (def_of(pkt, device)->port == CORDON_ANY_PORT && !seen_at(pkt, device))
		return vlan_of(pkt, device, pkt->state->out) == pkt->vlan;
	return leads_to(pkt, device);
}

/* What a device sends with IP. Return: a kind, if it must not. */
static int judge_ip(struct cordon_pkt *pkt)
{
	struct cordon_verdict v;
	int kind;

	if (!is_ip(pkt))
		return CORDON_KIND_MALFORMED;
	cordon_pkt_flow(pkt->skb, pkt->state->pf, &pkt->flow);
	v = cordon_source_decide(pkt, &pkt->flow);
	kind = v.accept ? cordon_neighbour_ip(pkt) : cordon_neighbour_source(pkt, v.kind);
	return kind < 0 && cordon_fragment_is_bad(pkt) ? CORDON_KIND_FRAGMENT : kind;
}

/*
 * The frame is in its device's VLAN. Where it leaves, its tag is what that member makes of its
 * VLAN, and says whether that may be the device's. Return: a kind, if it is not; or -1.
 */
static int judge_vlan(struct cordon_pkt *pkt)
{
	u16 own = vlan_of(pkt, pkt->device, pkt->state->in);

	if (pkt->again)
		pkt->vlan = cordon_vlan_leaves(pkt->skb, pkt->state->out, own) ?
			    own : CORDON_NO_VLAN;
	else
		pkt->vlan = cordon_vlan_entered(pkt->skb, pkt->state->in);
	if (pkt->vlan == CORDON_NO_VLAN)
		return CORDON_KIND_UNJUDGED;
	return pkt->vlan == own ? -1 : CORDON_KIND_MOVED_PORT;
}

/* What a device sends. Return: a kind, if it must not; or -1. */
static int judge(struct cordon_pkt *pkt)
{
	int kind;

	if (!cordon_ports_may_be(pkt->ports, def_of(pkt, pkt->device), pkt->in) ||
	    is_leased_elsewhere(pkt))
		return CORDON_KIND_MOVED_PORT;
	kind = judge_vlan(pkt);
	if (kind >= 0)
		return kind;
	switch (pkt->skb->protocol) {
	case htons(ETH_P_ARP):
		return cordon_neighbour_arp(pkt);
	case htons(ETH_P_IP):
	case htons(ETH_P_IPV6):
		return judge_ip(pkt);
	default:
		return CORDON_KIND_UNJUDGED;
	}
}

/* A frame of nobody whom the policy knows. */
static unsigned int stranger(struct cordon_pkt *pkt, u8 kind)
{
	pkt->unread = is_ip(pkt);
	return cordon_deny_unblamed(pkt, kind);
}

/* Of a MAC that no device has. In another VLAN than that of untagged frames none is let in. */
static void note_stranger(const struct cordon_pkt *pkt)
{
	u16 vlan = cordon_vlan_entered(pkt->skb, pkt->state->in);

	if (vlan != CORDON_NO_VLAN && vlan == cordon_vlan_pvid(pkt->state->in))
		cordon_snoop_stranger(pkt->cn, eth_hdr(pkt->skb)->h_source,
				      pkt->state->in->ifindex);
}

/* A frame comes in on a member: which device sent it, and may it say what it says. */
static unsigned int prerouting(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct cordon_net *cn = priv;
	const struct cordon_ruleset *rs = rcu_dereference(cn->ruleset);
	struct cordon_device *device;
	struct cordon_pkt *pkt;
	struct frame f;
	int kind;

	if (!rs || !begin(&f, cn, skb, state, rs))
		return NF_ACCEPT;
	pkt = &f.pkt;
	if (!f.open || !is_port(pkt->interface))
		return stranger(pkt, CORDON_KIND_UNLISTED);
	pkt->device = cordon_policy_device_by_mac(rs->policy, eth_hdr(skb)->h_source);
	if (pkt->device == CORDON_NO_DEVICE) {
		if (unlikely(rs->policy->draft.unknown))
			note_stranger(pkt);
		return stranger(pkt, CORDON_KIND_UNKNOWN_DEVICE);
	}
	kind = judge(pkt);
	if (kind == CORDON_KIND_UNJUDGED)
		return cordon_deny_unblamed(pkt, kind);
	if (kind >= 0)
		return cordon_deny(pkt, kind);
	device = rs->devices[pkt->device];
	if (READ_ONCE(device->seen) != state->in->ifindex)
		WRITE_ONCE(device->seen, state->in->ifindex);
	cordon_hint_note(skb, pkt->device);
	if (skb->protocol != htons(ETH_P_ARP))
		cordon_traffic_rx(device->traffic, cordon_pkt_count(skb), skb->len);
	return NF_ACCEPT;
}

/* Both may know each other's MAC: one may open something to the other, or gives addresses. */
static bool may_know(const struct cordon_pkt *pkt, u32 other)
{
	const struct cordon_policy *p = pkt->rs->policy;

	if (cordon_decide_neighbours(p, &pkt->from, &pkt->to))
		return true;
	return p->draft.n_servers && (cordon_policy_is_server(p, pkt->device) ||
				      cordon_policy_is_server(p, other));
}

/* For the owner of an address alone, if one of the two may open something towards the other. */
static unsigned int forward_question(struct cordon_pkt *pkt, u32 asked)
{
	if (asked == CORDON_NO_DEVICE || asked == pkt->device ||
	    !may_lead_to(pkt, asked))
		return cordon_drop(pkt);
	pkt->to = cordon_ruleset_end(pkt->rs, asked);
	return may_know(pkt, asked) ? NF_ACCEPT : cordon_drop(pkt);
}

/* A listed server of DHCP is behind this port, or may be. */
static bool has_server(const struct cordon_pkt *pkt)
{
	const struct cordon_draft *d = &pkt->rs->policy->draft;
	u32 i, server;

	for (i = 0; i < d->n_servers; i++) {
		server = cordon_policy_device_by_addr(pkt->rs->policy, &d->servers[i]);
		if (server != CORDON_NO_DEVICE && server != pkt->device &&
		    may_lead_to(pkt, server))
			return true;
	}
	return false;
}

/* What a server sends for all is for one client. */
static bool has_client(const struct cordon_pkt *pkt)
{
	u32 client = cordon_snoop_client(pkt);

	return client != CORDON_NO_DEVICE && may_lead_to(pkt, client);
}

/*
 * A copy of a frame for all, or for a group, for one of the members. The others get theirs, so a
 * copy that goes nowhere is not counted.
 */
static unsigned int forward_copy(struct cordon_pkt *pkt)
{
	const struct cordon_ruleset *rs = pkt->rs;
	const struct cordon_reach *reach = NULL;
	const struct cordon_links *links;
	enum cordon_dhcp_from dhcp;
	struct cordon_verdict v;
	enum cordon_asks asks;
	u32 n = 0, asked;

	pkt->from = cordon_ruleset_sender(rs, pkt->device, pkt->interface->wire);
	links = rcu_dereference(rs->links);
	if (links)
		reach = cordon_link_port(links, pkt->out->port, &n);
	asks = cordon_neighbour_asked(pkt, &asked);
	if (asks == CORDON_ASKS_LINK)
		return cordon_decide_near(rs->policy, &pkt->from, reach, n) ?
		       NF_ACCEPT : cordon_drop(pkt);
	if (asks == CORDON_ASKS_OWNER)
		return forward_question(pkt, asked);
	dhcp = cordon_neighbour_dhcp(pkt);
	if (dhcp != CORDON_DHCP_FROM_NOBODY)
		return (dhcp == CORDON_DHCP_FROM_CLIENT ? has_server(pkt) : has_client(pkt)) ?
		       NF_ACCEPT : cordon_drop(pkt);
	if (cordon_neighbour_is_of_link(pkt))
		return cordon_drop(pkt);
	v = cordon_decide_many(rs->policy, &pkt->from, reach, n, pkt->flow.proto, pkt->flow.dport);
	if (!v.accept)
		return cordon_drop(pkt);
	cordon_verdict_note_many(pkt, &v, reach, n);
	cordon_traffic_rx(rs->segments[pkt->from.segment]->traffic, cordon_pkt_count(pkt->skb),
			  pkt->skb->len);
	return NF_ACCEPT;
}

/* One member's device says to another's who has which address. */
static unsigned int forward_answer(struct cordon_pkt *pkt, u32 target)
{
	pkt->from = cordon_ruleset_sender(pkt->rs, pkt->device, pkt->interface->wire);
	pkt->to = cordon_ruleset_end(pkt->rs, target);
	return may_know(pkt, target) ? NF_ACCEPT : cordon_drop(pkt);
}

/* A listed server of DHCP and a client talk to each other, whatever rules say. */
static bool is_dhcp(struct cordon_pkt *pkt, u32 target)
{
	enum cordon_dhcp_from dhcp;

	pkt->from = cordon_ruleset_sender(pkt->rs, pkt->device, pkt->interface->wire);
	dhcp = cordon_neighbour_dhcp(pkt);
	return dhcp == CORDON_DHCP_FROM_SERVER ||
	       (dhcp == CORDON_DHCP_FROM_CLIENT &&
		cordon_policy_is_server(pkt->rs->policy, target));
}

/* A frame of one member's device for another's. */
static unsigned int forward_frame(struct cordon_pkt *pkt)
{
	u32 target = cordon_policy_device_by_mac(pkt->rs->policy, eth_hdr(pkt->skb)->h_dest);

	if (target == CORDON_NO_DEVICE)
		return cordon_deny_unblamed(pkt, CORDON_KIND_UNJUDGED);
	/* A copy for another member than the receiver's, or in another VLAN. */
	if (!leads_to(pkt, target))
		return cordon_drop(pkt);
	if (cordon_neighbour_is_of_link(pkt))
		return forward_answer(pkt, target);
	if (is_dhcp(pkt, target))
		return NF_ACCEPT;
	return cordon_slow_switched(pkt, target);
}

/* A frame is to leave by another member. What must not be here was counted where it came in. */
static unsigned int forward(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct cordon_net *cn = priv;
	const struct cordon_ruleset *rs = rcu_dereference(cn->ruleset);
	struct cordon_pkt *pkt;
	struct frame f;
	bool many;

	if (!rs)
		return cordon_slow_unruled(cn, skb);
	if (!begin(&f, cn, skb, state, rs))
		return NF_ACCEPT;
	pkt = &f.pkt;
	if (!f.open || !is_port(pkt->interface))
		return cordon_drop(pkt);
	pkt->again = true;
	many = is_multicast_ether_addr(eth_hdr(skb)->h_dest);
	if (!is_port(pkt->out))
		return many ? cordon_drop(pkt) :
			      cordon_deny_unblamed(pkt, CORDON_KIND_UNLISTED);
	pkt->device = cordon_policy_device_by_mac(rs->policy, eth_hdr(skb)->h_source);
	if (pkt->device == CORDON_NO_DEVICE || judge(pkt) >= 0)
		return cordon_drop(pkt);
	return many ? forward_copy(pkt) : forward_frame(pkt);
}

/*
 * The gateway sends a frame: to a device by the member that it is behind, in its VLAN, and by no
 * other.
 */
static unsigned int output(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct cordon_net *cn = priv;
	const struct cordon_ruleset *rs = rcu_dereference(cn->ruleset);
	const u8 *to = eth_hdr(skb)->h_dest;
	struct cordon_pkt *pkt;
	struct frame f;
	u32 target;

	if (!rs || !begin(&f, cn, skb, state, rs))
		return NF_ACCEPT;
	pkt = &f.pkt;
	if (is_multicast_ether_addr(to))
		return f.open && is_port(pkt->out) ? NF_ACCEPT : cordon_drop(pkt);
	if (!f.open || !is_port(pkt->out))
		return cordon_deny_unblamed(pkt, CORDON_KIND_UNLISTED);
	target = cordon_policy_device_by_mac(rs->policy, to);
	if (target == CORDON_NO_DEVICE)
		return cordon_deny_unblamed(pkt, CORDON_KIND_UNJUDGED);
	return is_behind(pkt, target) &&
	       cordon_vlan_leaves(skb, state->out, vlan_of(pkt, target, state->out)) ?
	       NF_ACCEPT : cordon_drop(pkt);
}

/* A message of ARP for the gateway, that came in on a port in no bridge. */
static unsigned int arp(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct cordon_net *cn = priv;
	const struct cordon_ruleset *rs = rcu_dereference(cn->ruleset);
	struct cordon_pkt pkt = {
		.cn = cn, .skb = skb, .state = state, .rs = rs, .original = true,
	};
	const u8 *mac;
	int kind;

	if (!rs)
		return NF_ACCEPT;
	pkt.ports = rcu_dereference(rs->ports);
	pkt.interface = cordon_ports_find(pkt.ports, state->in->ifindex);
	if (!is_port(pkt.interface))
		return NF_ACCEPT;
	pkt.in = pkt.interface->port;
	mac = cordon_pkt_mac(skb);
	pkt.device = mac ? cordon_policy_device_by_mac(rs->policy, mac) : CORDON_NO_DEVICE;
	if (pkt.device == CORDON_NO_DEVICE) {
		if (unlikely(rs->policy->draft.unknown))
			cordon_snoop_stranger(cn, mac, state->in->ifindex);
		return cordon_deny_unblamed(&pkt, CORDON_KIND_UNKNOWN_DEVICE);
	}
	if (!cordon_ports_may_have(pkt.ports, def_of(&pkt, pkt.device), pkt.in))
		return cordon_deny(&pkt, CORDON_KIND_MOVED_PORT);
	kind = cordon_neighbour_arp(&pkt);
	return kind < 0 ? NF_ACCEPT : cordon_deny(&pkt, kind);
}

static bool may_be_dhcp(const struct sk_buff *skb)
{
	const u8 *at = skb->data + ETH_HLEN;

	if (skb->protocol == htons(ETH_P_IP))
		return skb_headlen(skb) >= ETH_HLEN + sizeof(struct iphdr) &&
		       at[offsetof(struct iphdr, protocol)] == IPPROTO_UDP;
	return skb->protocol == htons(ETH_P_IPV6) &&
	       skb_headlen(skb) >= ETH_HLEN + sizeof(struct ipv6hdr) &&
	       at[offsetof(struct ipv6hdr, nexthdr)] == IPPROTO_UDP;
}

/* A packet leaves by a port, where devices learn their addresses. */
static unsigned int egress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct cordon_net *cn = priv;
	const struct cordon_ruleset *rs;

	if (!may_be_dhcp(skb))
		return NF_ACCEPT;
	rs = rcu_dereference(cn->ruleset);
	return rs ? cordon_snoop_reply(cn, rs, skb) : NF_ACCEPT;
}

#define HOOK(fn, family, num, prio) \
	{ .hook = (fn), .pf = (family), .hooknum = (num), .priority = (prio) }

const struct nf_hook_ops cordon_arp_hooks[CORDON_ARP_HOOKS] = {
	HOOK(arp, NFPROTO_ARP, NF_ARP_IN, NF_IP_PRI_FIRST),
};

const struct nf_hook_ops cordon_egress_hook =
	HOOK(egress, NFPROTO_NETDEV, NF_NETDEV_EGRESS, NF_IP_PRI_FIRST);

/* Prerouting before connection tracking and br_netfilter, the others behind it and before that. */
const struct nf_hook_ops cordon_bridge_hooks[CORDON_BRIDGE_HOOKS] = {
	HOOK(prerouting, NFPROTO_BRIDGE, NF_BR_PRE_ROUTING, NF_BR_PRI_FIRST),
	HOOK(forward, NFPROTO_BRIDGE, NF_BR_FORWARD, NF_BR_PRI_FILTER_BRIDGED),
	HOOK(output, NFPROTO_BRIDGE, NF_BR_LOCAL_OUT, NF_BR_PRI_FILTER_OTHER),
};
