// SPDX-License-Identifier: GPL-2.0
/* Packets before the ruleset in force: judged, counted, passed or dropped. */
#include <linux/netfilter.h>
#include <net/netfilter/nf_conntrack.h>

#include "event.h"
#include "judge.h"
#include "net.h"
#include "packet.h"
#include "ruleset.h"

/**
 * struct hearing - one packet, and what is found out about it
 * @cn: the namespace
 * @rs: the ruleset that judges it, this one and no other
 * @skb: the packet
 * @state: the hook's
 * @in: port that it came in on, or CORDON_ANY_PORT: from an uplink
 * @device: whose it is, or CORDON_NO_DEVICE
 * @source: its source address
 * @flow: the connection that it is of
 * @ct: its entry, or NULL
 * @opener: it goes the way that the connection was opened
 * @from: the end that opened the connection
 * @to: the end it was opened to
 */
struct hearing {
	struct cordon_net *cn;
	const struct cordon_ruleset *rs;
	struct sk_buff *skb;
	const struct nf_hook_state *state;
	u16 in;
	u32 device;
	struct cordon_addr source;
	struct cordon_flow flow;
	struct nf_conn *ct;
	bool opener;
	struct cordon_end from;
	struct cordon_end to;
};

static u16 port_of(const struct cordon_ports *ports, const struct net_device *dev)
{
	const struct cordon_interface *interface;

	interface = dev ? cordon_ports_find(ports, dev->ifindex) : NULL;
	return interface ? interface->port : CORDON_ANY_PORT;
}

static bool observe(const struct hearing *h)
{
	return h->rs->policy->draft.mode == CORDON_MODE_OBSERVE;
}

/* The limit of a kind is reached: what follows, if this is the anomaly that reaches it. */
static bool reach(const struct hearing *h, u8 kind, u8 *action)
{
	const struct cordon_draft *d = &h->rs->policy->draft;
	struct cordon_device *device = h->rs->devices[h->device];
	const struct cordon_limit *limit;

	limit = &d->segments[d->devices[h->device].segment].limits[kind];
	if (!limit->window || !cordon_tally_limit(&device->tally[kind], limit))
		return false;
	*action = limit->action;
	if (limit->action == CORDON_ACTION_QUARANTINE &&
	    !test_and_set_bit(CORDON_DEVICE_QUARANTINED, &device->flags))
		cordon_view.device(h->cn, h->rs, h->device);
	return true;
}

static void tell(const struct hearing *h, u8 kind, bool acted, u8 action,
		 const struct cordon_tls_facts *tls)
{
	bool known = h->device != CORDON_NO_DEVICE;
	struct cordon_tally *tally = known ? h->rs->devices[h->device]->tally : h->cn->tally;
	struct cordon_anomaly a = {
		.kind = kind,
		.mac = h->in == CORDON_ANY_PORT ? NULL : cordon_packet_mac(h->skb),
		.tls = tls,
		.ifindex = h->state->in ? h->state->in->ifindex : 0,
		.flow = &h->flow,
		.denied = !observe(h),
		.acted = acted,
		.action = action,
	};

	if (!cordon_view.listening(h->cn))
		return;
	if (!cordon_tally_event(&tally[kind], &a.suppressed) && !acted)
		return;
	if (known) {
		a.name = h->rs->policy->draft.devices[h->device].name;
		a.mac = h->rs->policy->draft.devices[h->device].mac;
	}
	cordon_view.anomaly(h->cn, &a);
}

/* Count a packet that is denied, tell of it, and drop it unless only observing. */
static unsigned int deny_tls(const struct hearing *h, u8 kind, const struct cordon_tls_facts *tls)
{
	bool acted = false;
	u8 action = 0;

	atomic64_inc(&h->cn->denied);
	atomic64_inc(&h->cn->tally[kind].count);
	if (h->device != CORDON_NO_DEVICE) {
		atomic64_inc(&h->rs->devices[h->device]->denied);
		atomic64_inc(&h->rs->devices[h->device]->tally[kind].count);
		acted = reach(h, kind, &action);
	}
	tell(h, kind, acted, action, tls);
	return observe(h) ? NF_ACCEPT : NF_DROP;
}

static unsigned int deny(const struct hearing *h, u8 kind)
{
	return deny_tls(h, kind, NULL);
}

/**
 * cordon_judge_door - a packet comes in: whose is it, and is its source its own
 * @cn: the namespace
 * @skb: the packet, before defragmentation and connection tracking
 * @state: the hook's
 *
 * Packets from uplinks pass; cordon_judge_room() looks at them.
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_judge_door(struct cordon_net *cn, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	struct hearing h = { .cn = cn, .skb = skb, .state = state };
	struct cordon_verdict v;
	const u8 *mac;

	h.rs = rcu_dereference(cn->ruleset);
	if (!h.rs)
		return NF_ACCEPT;
	h.in = port_of(rcu_dereference(h.rs->ports), state->in);
	if (h.in == CORDON_ANY_PORT)
		return NF_ACCEPT;
	mac = cordon_packet_mac(skb);
	h.device = mac ? cordon_policy_device_by_mac(h.rs->policy, mac) : CORDON_NO_DEVICE;
	cordon_packet_flow(skb, state->pf, &h.flow);
	v = cordon_decide_door(h.rs->policy, h.device, h.in, &h.flow);
	if (unlikely(!v.accept))
		return deny(&h, v.kind);
	cordon_traffic_rx(h.rs->devices[h.device]->traffic, skb->len);
	return NF_ACCEPT;
}

/*
 * The door has been passed, but perhaps under another ruleset. Under this one, is the
 * source still the sender's own? What comes from an uplink must not bear a device's address.
 */
static bool recognise(struct hearing *h)
{
	const struct cordon_policy *p = h->rs->policy;
	struct cordon_flow packet;
	const u8 *mac;

	h->device = CORDON_NO_DEVICE;
	if (h->in == CORDON_ANY_PORT)
		return cordon_policy_device_by_addr(p, &h->source) == CORDON_NO_DEVICE;
	mac = cordon_packet_mac(h->skb);
	if (mac)
		h->device = cordon_policy_device_by_mac(p, mac);
	if (likely(h->device != CORDON_NO_DEVICE &&
		   cordon_policy_device_has(p, h->device, &h->source) &&
		   (p->draft.devices[h->device].port == CORDON_ANY_PORT ||
		    p->draft.devices[h->device].port == h->in)))
		return true;
	cordon_packet_flow(h->skb, h->state->pf, &packet);
	return cordon_decide_door(p, h->device, h->in, &packet).accept;
}

/* Which connection, and which way. False: connection tracking makes nothing of the packet. */
static bool identify(struct hearing *h)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(h->skb, &ctinfo);

	h->ct = ct;
	if (likely(ct)) {
		cordon_packet_connection(ct, &h->flow);
		h->opener = CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL;
		return true;
	}
	cordon_packet_flow(h->skb, h->state->pf, &h->flow);
	h->opener = true;
	return ctinfo == IP_CT_UNTRACKED && !(h->flow.flags & CORDON_FLOW_MALFORMED);
}

static struct cordon_end find_end(const struct hearing *h, const struct cordon_addr *addr)
{
	u32 device = h->device;

	/* A device is known by its MAC, even where its source is :: or 0.0.0.0. */
	if (device == CORDON_NO_DEVICE || !cordon_addr_equal(addr, &h->source))
		device = cordon_policy_device_by_addr(h->rs->policy, addr);
	/* Its own by MAC, by whichever address: an ICMP error may come from another one. */
	if (device != CORDON_NO_DEVICE && device == h->device)
		return cordon_ruleset_sender(h->rs, device, h->state->in->ifindex);
	return device == CORDON_NO_DEVICE ? cordon_end_address(h->rs->policy, addr) :
					    cordon_ruleset_end(h->rs, device);
}

/* What an uplink needs: neighbour discovery, routers, multicast membership, its own DHCPv6. */
static bool is_uplink_upkeep(const struct hearing *h)
{
	const struct cordon_flow *f = &h->flow;

	switch (f->proto) {
	case IPPROTO_ICMPV6:
		return (f->dport >= 130 && f->dport <= 137) || f->dport == 143;
	case IPPROTO_IGMP:
		return true;
	case IPPROTO_UDP:
		return f->dport == 546 && cordon_addr_is_link_local(&f->src);
	default:
		return false;
	}
}

/* deny() counts for @h's device. */
static void count_ends(const struct hearing *h, const struct cordon_end *sender,
		       const struct cordon_end *receiver)
{
	if (sender->segment != CORDON_NO_SEGMENT)
		atomic64_inc(&h->rs->segments[sender->segment]->denied);
	if (receiver->device != CORDON_NO_DEVICE && receiver->device != h->device)
		atomic64_inc(&h->rs->devices[receiver->device]->denied);
}

/* Not known to be what is demanded: it is read, and what it must not be is refused. */
static noinline unsigned int gate(struct hearing *h, const struct cordon_end *sender,
				  const struct cordon_end *receiver, u8 demand)
{
	struct cordon_inspected why = { .kind = 0 };
	enum cordon_inspect what;

	/* It is the opener's connection, if that is a device. */
	h->device = h->from.device != CORDON_NO_DEVICE ? h->from.device : h->to.device;
	what = cordon_inspect(h->cn, h->rs->devices[h->device], h->ct, h->skb, h->state->pf,
			      h->opener, demand, observe(h), &why);
	if (likely(what == CORDON_INSPECT_PASS))
		return NF_ACCEPT;
	if (what == CORDON_INSPECT_HOLD)
		return observe(h) ? NF_ACCEPT : NF_DROP;
	if (what == CORDON_INSPECT_REFUSE) {
		count_ends(h, sender, receiver);
		if (deny_tls(h, why.kind, &why.facts) == NF_ACCEPT)
			return NF_ACCEPT;
	} else {
		atomic64_inc(&h->cn->denied);
		atomic64_inc(&h->rs->devices[h->device]->denied);
	}
	if (h->flow.proto != IPPROTO_TCP)
		return NF_DROP;
	return cordon_inspect_reset(h->skb, h->state, what == CORDON_INSPECT_REFUSED);
}

static unsigned int judge(struct hearing *h)
{
	const struct cordon_end *sender = h->opener ? &h->from : &h->to;
	const struct cordon_end *receiver = h->opener ? &h->to : &h->from;
	const struct cordon_ruleset *rs = h->rs;
	struct cordon_verdict v;
	u8 demand;

	v = cordon_decide_room(rs->policy, &h->from, &h->to, h->flow.proto, h->flow.dport);
	if (likely(v.accept)) {
		demand = cordon_decide_encryption(rs->policy, &v, &h->from, &h->to);
		if (demand != CORDON_ENCRYPTION_ANY &&
		    unlikely(!cordon_inspect_passed(h->ct, demand)) &&
		    gate(h, sender, receiver, demand) != NF_ACCEPT)
			return NF_DROP;
		cordon_traffic_rx(rs->segments[sender->segment]->traffic, h->skb->len);
		if (receiver->device != CORDON_NO_DEVICE)
			cordon_traffic_tx(rs->devices[receiver->device]->traffic, h->skb->len);
		return NF_ACCEPT;
	}
	h->device = sender->device;
	count_ends(h, sender, receiver);
	return deny(h, v.kind);
}

/**
 * cordon_judge_room - a packet is to be forwarded, or delivered here
 * @cn: the namespace
 * @skb: the packet, after connection tracking
 * @state: the hook's
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_judge_room(struct cordon_net *cn, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	struct hearing h = { .cn = cn, .skb = skb, .state = state };
	bool local = state->hook == NF_INET_LOCAL_IN;
	const struct cordon_ports *ports;
	struct cordon_end *receiver;

	h.rs = rcu_dereference(cn->ruleset);
	if (!h.rs) {
		if (local || !cordon_lockdown)
			return NF_ACCEPT;
		atomic64_inc(&cn->denied);
		atomic64_inc(&cn->tally[CORDON_KIND_UNJUDGED].count);
		return NF_DROP;
	}
	if (local && (state->in->flags & IFF_LOOPBACK))
		return NF_ACCEPT;
	ports = rcu_dereference(h.rs->ports);
	h.in = port_of(ports, state->in);
	h.source = cordon_packet_source(skb, state->pf);
	if (unlikely(!recognise(&h))) {
		/* Where it only observes, the door has counted it. */
		if (observe(&h) && h.in != CORDON_ANY_PORT)
			return NF_ACCEPT;
		cordon_packet_flow(skb, state->pf, &h.flow);
		return deny(&h, h.in != CORDON_ANY_PORT && h.device == CORDON_NO_DEVICE ?
			    CORDON_KIND_UNKNOWN_DEVICE : CORDON_KIND_SPOOFED_SOURCE);
	}
	if (unlikely(!identify(&h)))
		return deny(&h, CORDON_KIND_UNJUDGED);
	if (local && (!h.opener || (h.in == CORDON_ANY_PORT && is_uplink_upkeep(&h))))
		return NF_ACCEPT;
	h.from = find_end(&h, &h.flow.src);
	h.to = local ? cordon_end_gateway() : find_end(&h, &h.flow.dst);
	/* Behind a port live devices, and whoever is none is in no segment there. */
	receiver = h.opener ? &h.to : &h.from;
	if (!local && receiver->device == CORDON_NO_DEVICE &&
	    port_of(ports, state->out) != CORDON_ANY_PORT)
		receiver->segment = CORDON_NO_SEGMENT;
	return judge(&h);
}

/**
 * cordon_judge_out - the gateway sends a packet of its own
 * @cn: the namespace
 * @skb: the packet
 * @state: the hook's
 *
 * What it opens passes. What it answers stops with the device's right to ask.
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_judge_out(struct cordon_net *cn, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	struct hearing h = {
		.cn = cn, .skb = skb, .state = state,
		.in = CORDON_ANY_PORT, .device = CORDON_NO_DEVICE,
	};
	enum ip_conntrack_info ctinfo;
	struct cordon_addr to;
	u32 device;

	h.rs = rcu_dereference(cn->ruleset);
	if (!h.rs || port_of(rcu_dereference(h.rs->ports), state->out) ==
	    CORDON_ANY_PORT)
		return NF_ACCEPT;
	if (nf_ct_get(skb, &ctinfo) && ctinfo == IP_CT_ESTABLISHED_REPLY) {
		identify(&h);
		h.from = find_end(&h, &h.flow.src);
		h.to = cordon_end_gateway();
		return judge(&h);
	}
	to = cordon_packet_destination(skb, state->pf);
	device = cordon_policy_device_by_addr(h.rs->policy, &to);
	if (device != CORDON_NO_DEVICE)
		cordon_traffic_tx(h.rs->devices[device]->traffic, skb->len);
	return NF_ACCEPT;
}
