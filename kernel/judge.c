// SPDX-License-Identifier: GPL-2.0
/* Packets before the ruleset in force: judged, counted, passed or dropped. */
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "event.h"
#include "guess.h"
#include "judge.h"
#include "link.h"
#include "net.h"
#include "offload.h"
#include "packet.h"
#include "ruleset.h"

#define ICMP_ROUTER_ADVERT	9	/* RFC 1256 */
#define ICMP_ROUTER_SOLICIT	10

/**
 * struct hearing - one packet, and what is found out about it
 * @cn: the namespace
 * @rs: the ruleset that judges it, this one and no other
 * @ports: the ruleset's interfaces as they are now
 * @skb: the packet
 * @state: the hook's
 * @interface: what it came in on; NULL, not listed, or the gateway sends it
 * @out: what it leaves by, where it is forwarded; NULL, not listed
 * @in: port that it came in on, or CORDON_ANY_PORT: from an uplink
 * @device: the device that sent it, by MAC; or CORDON_NO_DEVICE
 * @source: its source address
 * @flow: the connection that it is of
 * @ct: its entry, or NULL
 * @word: where the entry has its stamp, what was there before anything was decided
 * @established: both ends have sent, and it is no ICMP error
 * @opener: it goes in the original direction
 * @related: an ICMP error about the connection, or the first packet of one that was announced
 * @from: the end that opened the connection
 * @to: the end it was opened to
 */
struct hearing {
	struct cordon_net *cn;
	const struct cordon_ruleset *rs;
	const struct cordon_ports *ports;
	struct sk_buff *skb;
	const struct nf_hook_state *state;
	const struct cordon_interface *interface;
	const struct cordon_interface *out;
	u16 in;
	u32 device;
	struct cordon_addr source;
	struct cordon_flow flow;
	struct nf_conn *ct;
	u64 word;
	bool established;
	bool opener;
	bool related;
	struct cordon_end from;
	struct cordon_end to;
};

DEFINE_PER_CPU(struct cordon_guesses, cordon_guesses);

static u32 find_by_mac(const struct hearing *h, const u8 *mac)
{
	const struct cordon_ruleset *rs = h->rs;
	const u64 key = cordon_mac_key(mac);
	u32 guess = cordon_guess(h->skb);

	if (likely(guess < rs->policy->draft.n_devices && rs->hosts[guess].mac == key))
		return guess;
	return cordon_ruleset_by_mac(rs, key);
}

static bool observe(const struct hearing *h)
{
	return h->rs->policy->draft.mode == CORDON_MODE_OBSERVE;
}

/*
 * The limit of a kind is reached: what follows, if this is the anomaly that reaches it. A mode that
 * only observes counts towards no limit, so that nothing follows when the mode changes.
 */
static bool reach(const struct hearing *h, u32 at, u8 kind, u8 *action)
{
	const struct cordon_draft *d = &h->rs->policy->draft;
	struct cordon_device *device = h->rs->devices[at];
	const struct cordon_limit *limit;

	limit = &d->segments[d->devices[at].segment].limits[kind];
	if (observe(h) || !limit->window || !cordon_tally_limit(&device->tally[kind], limit))
		return false;
	*action = limit->action;
	/* Whoever is at another port may have taken the device's MAC. */
	if (kind == CORDON_KIND_MOVED_PORT)
		*action = CORDON_ACTION_EVENT;
	if (*action == CORDON_ACTION_QUARANTINE &&
	    !test_and_set_bit(CORDON_DEVICE_QUARANTINED, &device->flags))
		cordon_view.device(h->cn, h->rs, at);
	return true;
}

static void tell(const struct hearing *h, u32 device, u8 kind, bool acted, u8 action,
		 const struct cordon_tls_facts *tls)
{
	const struct cordon_draft *d = &h->rs->policy->draft;
	bool known = device != CORDON_NO_DEVICE;
	struct cordon_tally *tally = known ? h->rs->devices[device]->tally : h->cn->tally;
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
		a.name = d->devices[device].name;
		a.mac = d->devices[device].mac;
		if (kind == CORDON_KIND_MOVED_PORT)
			a.port = d->ports[d->devices[device].port].name;
	}
	cordon_view.anomaly(h->cn, &a);
}

/* Count an anomaly, for a device if it is to blame for it. @limit: its limit may act on it. */
static void charge(const struct hearing *h, u32 device, u8 kind, bool limit,
		   const struct cordon_tls_facts *tls)
{
	bool acted = false;
	u8 action = 0;

	atomic64_inc(&h->cn->tally[kind].count);
	if (device != CORDON_NO_DEVICE) {
		atomic64_inc(&h->rs->devices[device]->tally[kind].count);
		acted = limit && reach(h, device, kind, &action);
	}
	tell(h, device, kind, acted, action, tls);
}

/* What becomes of a packet that is denied. */
static unsigned int drop(const struct hearing *h)
{
	return observe(h) ? NF_ACCEPT : NF_DROP;
}

/*
 * Deny a packet before its connection is known; its sender is to blame, if it is a device. What
 * connection tracking makes nothing of counts as the sender's, but no limit acts on it: what the
 * other end sent, and what was lost behind the gateway, may be the cause.
 */
static unsigned int deny(const struct hearing *h, u8 kind)
{
	atomic64_add(cordon_packet_count(h->skb), &h->cn->denied);
	if (h->device != CORDON_NO_DEVICE)
		atomic64_add(cordon_packet_count(h->skb), &h->rs->devices[h->device]->denied);
	charge(h, h->device, kind, kind != CORDON_KIND_UNJUDGED, NULL);
	return drop(h);
}

/* Deny a packet for which no device is to blame. */
static unsigned int deny_unblamed(const struct hearing *h, u8 kind)
{
	atomic64_add(cordon_packet_count(h->skb), &h->cn->denied);
	if (h->device != CORDON_NO_DEVICE)
		atomic64_add(cordon_packet_count(h->skb), &h->rs->devices[h->device]->denied);
	charge(h, CORDON_NO_DEVICE, kind, false, NULL);
	return drop(h);
}

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

/* Judge the source of a packet that came in on a port; note what it claims. */
static struct cordon_verdict judge_source(const struct hearing *h, struct cordon_flow *packet)
{
	struct cordon_device *device = NULL;
	struct cordon_verdict v;
	u16 in = h->in, tied;
	u64 claim = 0;

	if (h->device != CORDON_NO_DEVICE) {
		device = h->rs->devices[h->device];
		claim = atomic64_read(&device->claim);
		tied = h->rs->policy->draft.devices[h->device].port;
		if (cordon_ports_may_be(h->ports, tied, in))
			in = tied;
	}
	/* A device that has no other address yet asks for a service of the gateway from it. */
	if (cordon_addr_is_link_local(&packet->src) &&
	    ipv6_chk_addr(h->state->net, &ipv6_hdr(h->skb)->daddr, NULL, 0))
		packet->flags |= CORDON_FLOW_GATEWAY;
	v = cordon_decide_door(h->rs->policy, h->device, in, claim, packet);
	if (v.accept && v.reason == CORDON_PASS_CLAIM && !observe(h))
		atomic64_set(&device->claim, cordon_flow_claim(packet));
	return v;
}

/* The source is bound to the device, and the device may be behind this port. */
static bool is_bound(const struct cordon_policy *p, const struct cordon_ports *ports, u32 device,
		     u16 in, const struct cordon_addr *source)
{
	if (device == CORDON_NO_DEVICE || !cordon_policy_device_has(p, device, source))
		return false;
	return cordon_ports_may_be(ports, p->draft.devices[device].port, in);
}

static unsigned int count_sent(const struct cordon_ruleset *rs, u32 device,
			       const struct sk_buff *skb)
{
	cordon_traffic_rx(rs->devices[device]->traffic, cordon_packet_count(skb), skb->len);
	return NF_ACCEPT;
}

/*
 * Before connection tracking, a packet is sound by its source alone, or all of its headers are read
 * here. What is only needed now and then has functions of its own: kernels clear what a function
 * has on its stack, each time. @kind: what it is denied as in any case, or 0.
 */
static noinline unsigned int judge_read(struct cordon_net *cn, struct sk_buff *skb,
					const struct nf_hook_state *state,
					const struct cordon_ruleset *rs,
					const struct cordon_ports *ports, u16 in, u32 device,
					u8 kind)
{
	struct hearing h = {
		.cn = cn, .skb = skb, .state = state, .rs = rs, .in = in, .device = device,
		.ports = ports,
	};
	struct cordon_verdict v;

	cordon_packet_flow(skb, state->pf, &h.flow);
	if (kind)
		return deny_unblamed(&h, kind);
	v = judge_source(&h, &h.flow);
	return v.accept ? count_sent(rs, device, skb) : deny(&h, v.kind);
}

/**
 * cordon_judge_door - a packet comes in: whose is it, and is its source its own
 * @cn: the namespace
 * @skb: the packet, before defragmentation and connection tracking
 * @state: the hook's
 *
 * Of packets from uplinks only what no packet may be is refused here; cordon_judge_room() looks
 * at them. Headers of the payload are left to connection tracking, but for fragments.
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_judge_door(struct cordon_net *cn, struct sk_buff *skb,
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
		return judge_read(cn, skb, state, rs, ports, CORDON_ANY_PORT, CORDON_NO_DEVICE,
				  CORDON_KIND_UNLISTED);
	if (interface->role != CORDON_ROLE_PORT) {
		if (likely(!cordon_packet_is_mapped(skb, state->pf)))
			return NF_ACCEPT;
		return judge_read(cn, skb, state, rs, ports, CORDON_ANY_PORT, CORDON_NO_DEVICE,
				  CORDON_KIND_MALFORMED);
	}
	mac = cordon_packet_mac(skb);
	device = mac ? cordon_policy_device_by_mac(rs->policy, mac) : CORDON_NO_DEVICE;
	cordon_guess_note(skb, device);
	source = cordon_packet_source(skb, state->pf);
	if (unlikely(cordon_packet_must_be_read(skb, state->pf) ||
		     !is_bound(rs->policy, ports, device, interface->port, &source)))
		return judge_read(cn, skb, state, rs, ports, interface->port, device, 0);
	return count_sent(rs, device, skb);
}

/* The segment of an address on the uplink at hand, if its networks are reached there. */
static u16 uplink_segment(const struct hearing *h, const struct cordon_addr *addr)
{
	const struct cordon_policy *p = h->rs->policy;

	/* Who has no address yet, or one of the link, is in the segment of the link. */
	if (cordon_addr_is_unspecified(addr) || cordon_addr_is_link_local(addr))
		return cordon_link_segment(p, h->ports, h->state->in);
	return cordon_policy_network_segment(p, addr);
}

static bool recognise_uplink(const struct hearing *h)
{
	const struct cordon_policy *p = h->rs->policy;
	u16 segment;

	if (cordon_policy_device_by_addr(p, &h->source) != CORDON_NO_DEVICE)
		return false;
	if (likely(!p->draft.n_interfaces))
		return true;
	segment = cordon_policy_network_segment(p, &h->source);
	return segment == CORDON_NO_SEGMENT || !p->located[segment] ||
	       cordon_addr_is_unspecified(&h->source) || cordon_addr_is_link_local(&h->source) ||
	       cordon_ports_holds(h->ports, h->interface->ifindex, segment);
}

static noinline bool recognise_read(const struct hearing *h)
{
	struct cordon_flow packet;

	cordon_packet_flow(h->skb, h->state->pf, &packet);
	return judge_source(h, &packet).accept;
}

/*
 * Prerouting has been passed, but perhaps under another ruleset. Under this one, is the source
 * still the sender's own? What comes from an uplink must bear no device's address, and the
 * address of a segment that names its interfaces only if it came in on one of them.
 */
static bool recognise(struct hearing *h)
{
	const u8 *mac;

	if (h->in == CORDON_ANY_PORT)
		return recognise_uplink(h);
	mac = cordon_packet_mac(h->skb);
	if (mac)
		h->device = find_by_mac(h, mac);
	return likely(is_bound(h->rs->policy, h->ports, h->device, h->in, &h->source)) ||
	       recognise_read(h);
}

/*
 * Connection tracking knows nothing of IGMP's types, and some kernels' nothing of the ports of DCCP
 * and UDP-Lite: then each packet is judged by its own. Return: as identify().
 */
static noinline u8 read_ports(struct hearing *h)
{
	struct cordon_flow packet;

	switch (h->flow.proto) {
	case IPPROTO_IGMP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		break;
	default:
		return 0;
	}
	cordon_packet_flow(h->skb, h->state->pf, &packet);
	/* An ICMP error has none of these: it is judged as of port 0. */
	if (packet.proto != h->flow.proto)
		return 0;
	h->flow.sport = h->opener ? packet.sport : packet.dport;
	h->flow.dport = h->opener || packet.proto == IPPROTO_IGMP ? packet.dport : packet.sport;
	return packet.flags & CORDON_FLOW_MALFORMED ? CORDON_KIND_MALFORMED : 0;
}

/*
 * Messages that are no request, no reply and no error: connection tracking leaves some of them
 * untracked, and calls the others invalid, whatever they hold.
 */
static bool is_notice(const struct cordon_flow *packet)
{
	switch (packet->proto) {
	case IPPROTO_ICMP:
		return packet->dport == ICMP_ROUTER_ADVERT ||
		       packet->dport == ICMP_ROUTER_SOLICIT;
	case IPPROTO_ICMPV6:
		return packet->dport > ICMPV6_ECHO_REPLY && packet->dport != ICMPV6_NI_QUERY &&
		       packet->dport != ICMPV6_NI_REPLY;
	default:
		return false;
	}
}

static u64 read_word(const struct nf_conn *ct)
{
#ifdef CONFIG_64BIT
	return cordon_inspect_stamp(ct);
#else
	return 0;
#endif
}

/*
 * Which connection, and which way. Return: 0, or the kind of what connection tracking makes
 * nothing of: a packet whose headers contradict one another is malformed, any other unjudged.
 */
static u8 identify(struct hearing *h)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(h->skb, &ctinfo);

	h->ct = ct;
	if (likely(ct)) {
		h->word = read_word(ct);
		h->established = ctinfo % IP_CT_IS_REPLY == IP_CT_ESTABLISHED;
		cordon_packet_connection(ct, &h->flow);
		h->opener = CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL;
		h->related = ctinfo % IP_CT_IS_REPLY == IP_CT_RELATED;
		return likely(h->flow.dport) ? 0 : read_ports(h);
	}
	cordon_packet_flow(h->skb, h->state->pf, &h->flow);
	h->opener = true;
	if (h->flow.flags & CORDON_FLOW_MALFORMED)
		return CORDON_KIND_MALFORMED;
	return ctinfo == IP_CT_UNTRACKED || is_notice(&h->flow) ? 0 : CORDON_KIND_UNJUDGED;
}

static struct cordon_end find_end(const struct hearing *h, const struct cordon_addr *addr)
{
	bool sender = cordon_addr_equal(addr, &h->source);
	struct cordon_end end;
	u32 device = h->device;

	/* A device is known by its MAC, even where its source is :: or 0.0.0.0. */
	if (device == CORDON_NO_DEVICE || !sender)
		device = cordon_policy_device_by_addr(h->rs->policy, addr);
	/* Its own by MAC, by whichever address: an ICMP error may come from another one. */
	if (device != CORDON_NO_DEVICE && device == h->device)
		return cordon_ruleset_sender(h->rs, device, h->interface->wire);
	if (device != CORDON_NO_DEVICE)
		return cordon_ruleset_end(h->rs, device);
	end = cordon_end_address(h->rs->policy, addr);
	if (unlikely(sender && h->interface &&
		     (cordon_addr_is_unspecified(addr) || cordon_addr_is_link_local(addr))))
		end.segment = uplink_segment(h, addr);
	return end;
}

/*
 * An ICMP error is judged as the connection that it is about, whoever sends it. Where the end on
 * whose side it is sent is a device, only that device may; beyond an uplink, any router.
 */
static bool is_outsider(const struct hearing *h)
{
	return h->related &&
	       find_end(h, h->opener ? &h->flow.src : &h->flow.dst).device != h->device;
}

/*
 * The device that has a link-local address on a port. The policy does not list such addresses: the
 * neighbour table says to whose MAC the packet goes. Return: CORDON_NO_DEVICE, it is not resolved.
 */
static u32 find_neighbour(const struct hearing *h, const struct net_device *dev)
{
	u32 device = CORDON_NO_DEVICE;
	struct neighbour *n;
	u8 mac[ETH_ALEN];

	if (dev->type != ARPHRD_ETHER)
		return device;
	rcu_read_lock_bh();
	n = __ipv6_neigh_lookup_noref((struct net_device *)dev, &ipv6_hdr(h->skb)->daddr);
	if (n && READ_ONCE(n->nud_state) & NUD_VALID) {
		neigh_ha_snapshot((char *)mac, n, dev);
		device = cordon_policy_device_by_mac(h->rs->policy, mac);
	}
	rcu_read_unlock_bh();
	return device;
}

/* Count a packet that is denied when both of its ends are known, for both. */
static void count_denied(const struct hearing *h)
{
	const struct cordon_end *sender = h->opener ? &h->from : &h->to;
	const struct cordon_end *receiver = h->opener ? &h->to : &h->from;
	u32 device = h->device != CORDON_NO_DEVICE ? h->device : sender->device;

	atomic64_add(cordon_packet_count(h->skb), &h->cn->denied);
	if (sender->segment != CORDON_NO_SEGMENT)
		atomic64_add(cordon_packet_count(h->skb),
			     &h->rs->segments[sender->segment]->denied);
	if (device != CORDON_NO_DEVICE)
		atomic64_add(cordon_packet_count(h->skb), &h->rs->devices[device]->denied);
	if (receiver->device != CORDON_NO_DEVICE && receiver->device != device)
		atomic64_add(cordon_packet_count(h->skb),
			     &h->rs->devices[receiver->device]->denied);
}

/* The packet itself, not its connection, is for more than one host. */
static bool is_for_many(const struct hearing *h)
{
	const struct rtable *rt;

	if (h->state->pf == NFPROTO_IPV6)
		return ipv6_addr_is_multicast(&ipv6_hdr(h->skb)->daddr);
	if (ipv4_is_multicast(ip_hdr(h->skb)->daddr) || ipv4_is_lbcast(ip_hdr(h->skb)->daddr))
		return true;
	rt = skb_rtable(h->skb);
	return rt && rt->rt_type == RTN_BROADCAST;
}

/* An ICMP error, with which an end answers what the other one sent. */
static bool is_error(const struct hearing *h)
{
	return h->related && !h->ct->master;
}

/*
 * Connection tracking has seen no SYN of it, as after a restart of the gateway, and the policy lets
 * the other end open it: what looks like its opener may be the end that answers.
 */
static bool may_be_answer(const struct hearing *h)
{
	return h->flow.proto == IPPROTO_TCP && h->ct &&
	       h->ct->proto.tcp.seen[0].flags & IP_CT_TCP_FLAG_BE_LIBERAL &&
	       cordon_decide_answer(h->rs->policy, &h->from, &h->to, h->flow.proto,
				    h->flow.sport);
}

/*
 * Datagrams say nothing of who began. Where the policy lets the other end ask, this may be an
 * answer whose entry is gone: it timed out, or others filled connection tracking.
 */
static bool may_be_late(const struct hearing *h)
{
	return h->flow.proto == IPPROTO_UDP && h->ct && !h->related &&
	       cordon_decide_answer(h->rs->policy, &h->from, &h->to, h->flow.proto,
				    h->flow.sport);
}

/*
 * Deny by what the policy says of the connection. The end that opened it is to blame; its own
 * packets count as the anomaly; no limit acts on what may be a late answer. What answers it, ICMP
 * errors among that, and what only fails for the state of the other end, is denied and no anomaly;
 * nor is what every host says to all on its link.
 */
static unsigned int deny_connection(const struct hearing *h, const struct cordon_verdict *v,
				    bool many)
{
	struct cordon_verdict blame;

	count_denied(h);
	if (!h->opener || is_error(h) || v->reason == CORDON_DENY_RECEIVER || may_be_answer(h))
		return drop(h);
	blame = cordon_decide_blame(h->rs->policy, v, &h->from, &h->to, h->flow.proto,
				    h->flow.dport);
	if (blame.reason == CORDON_DENY_RECEIVER)
		return drop(h);
	if (many && h->to.segment == CORDON_SEGMENT_GATEWAY)
		return drop(h);
	charge(h, h->from.device, v->kind, !may_be_late(h), NULL);
	return drop(h);
}

/* A packet is refused at the TLS gate: tell the ends. Return: NF_ACCEPT, it is a reset now. */
static unsigned int tell_ends(const struct hearing *h, const struct cordon_end *sender, bool both)
{
	if (h->flow.proto == IPPROTO_TCP)
		return cordon_inspect_reset(h->skb, h->state, both);
	/* Not what comes from outside: its source may be anybody's. */
	if (h->flow.proto == IPPROTO_UDP && sender->device != CORDON_NO_DEVICE)
		cordon_inspect_unreachable(h->skb, h->state);
	return NF_DROP;
}

/*
 * Slow path for a connection whose TLS version is not known yet: inspect it, and refuse it if it
 * cannot become what the policy demands. The sender is to blame, if it is a device. What others
 * send on a connection that a device opened is counted of that device, but no limit acts on it:
 * they may be the cause. What others send on a connection that they opened is theirs.
 */
static noinline unsigned int gate(const struct hearing *h, const struct cordon_end *sender,
				  u8 demand)
{
	const bool others = h->from.device == CORDON_NO_DEVICE;
	const bool own = sender->device != CORDON_NO_DEVICE;
	struct cordon_tls_facts facts;
	struct cordon_look look = {
		.facts = &facts,
		.ct = h->ct,
		.device = h->rs->devices[others ? h->to.device : h->from.device],
		.skb = h->skb,
		.pf = h->state->pf,
		.opener = h->opener,
		.others = others,
		.demand = demand,
		.observe = observe(h),
	};
	enum cordon_inspect what = cordon_inspect(h->cn, &look);

	if (likely(what == CORDON_INSPECT_PASS))
		return NF_ACCEPT;
	if (what == CORDON_INSPECT_HOLD)
		return drop(h);
	count_denied(h);
	if (what == CORDON_INSPECT_REFUSE)
		charge(h, own ? sender->device : h->from.device, look.kind, own && !look.blameless,
		       look.told ? &facts : NULL);
	if (observe(h))
		return NF_ACCEPT;
	return tell_ends(h, sender, look.unseen || what == CORDON_INSPECT_REFUSED);
}

/* A device's connection is forwarded where flow tables may be: its packets must pass the hooks. */
static bool keep_from_flow_tables(const struct hearing *h)
{
	if (likely(!cordon_may_bypass(h->state->in) && !cordon_may_bypass(h->state->out)))
		return true;
	if (!h->ct || (h->from.device == CORDON_NO_DEVICE && h->to.device == CORDON_NO_DEVICE))
		return true;
	return cordon_keep_from_flow_tables(h->ct);
}

/* The receiver is tied to a port, and the packet would leave by another interface. */
static bool leaves_elsewhere(const struct hearing *h, const struct cordon_end *receiver)
{
	u16 port;

	if (receiver->device == CORDON_NO_DEVICE)
		return false;
	port = h->rs->policy->draft.devices[receiver->device].port;
	if (!h->out)
		return port != CORDON_ANY_PORT;
	return !cordon_ports_may_be(h->ports, port, h->out->port);
}

static bool is_held(const struct cordon_end *end)
{
	return end->device != CORDON_NO_DEVICE && end->state != CORDON_STATE_ACTIVE;
}

/* An end of a connection has part in the one that announced it: the device, or else its segment. */
static bool has_part(const struct hearing *master, const struct cordon_end *end)
{
	return (end->device == master->from.device && end->segment == master->from.segment) ||
	       (end->device == master->to.device && end->segment == master->to.segment);
}

/*
 * A connection that a helper of connection tracking announced: it is judged as the one that
 * announced it, if that one's rule admits it, and between the same ends: what is announced is the
 * word of one of them, which says nothing about other devices. What the gateway opened admits what
 * it announces.
 */
static noinline struct cordon_verdict judge_related(const struct hearing *h)
{
	struct hearing master = *h;
	struct cordon_verdict v;
	bool own;

	cordon_packet_connection(h->ct->master, &master.flow);
	own = h->to.segment == CORDON_SEGMENT_GATEWAY || h->from.segment == CORDON_SEGMENT_GATEWAY;
	if (own && cordon_addr_equal(&master.flow.src, &h->flow.dst))
		return (struct cordon_verdict){
			.accept = true, .plaintext = true, .reason = CORDON_PASS_GATEWAY,
		};
	master.from = find_end(h, &master.flow.src);
	master.to = own ? cordon_end_gateway() : find_end(h, &master.flow.dst);
	v = cordon_decide_room(h->rs->policy, &master.from, &master.to, master.flow.proto,
			       master.flow.dport);
	if (v.accept && v.related && has_part(&master, &h->from) && has_part(&master, &h->to))
		return v;
	/* An end that is held: what it announced in good state is nobody's anomaly. */
	return (struct cordon_verdict){
		.reason = is_held(&master.from) || is_held(&master.to) ? CORDON_DENY_RECEIVER :
									  CORDON_DENY_RELATED,
		.kind = CORDON_KIND_SEGMENT_VIOLATION,
	};
}

#ifdef CONFIG_64BIT
/* An end as a stamp has it; false, what holds for it may change without another ruleset. */
static bool end_of_stamp(const struct cordon_end *end, const struct cordon_addr *addr, u32 *out)
{
	if (cordon_addr_is_unspecified(addr) || cordon_addr_is_link_local(addr))
		return false;
	*out = end->device != CORDON_NO_DEVICE ? end->device :
						 CORDON_STAMP_SEGMENT | end->segment;
	return end->device == CORDON_NO_DEVICE || end->state == CORDON_STATE_ACTIVE;
}

/*
 * The packet is accepted: so are the next ones of its connection, if that is all there is to ask.
 * Of what is announced by another connection, and where each packet has ports of its own, it is
 * not. Whatever happened to the entry since its word was read, among that another verdict of the
 * TLS gate, has changed the word, and there is no stamp.
 */
static void stamp(const struct hearing *h, bool gated)
{
	u64 *word = cordon_inspect_stamp_word(h->ct);
	u32 from, to;
	u64 body;

	if (!word || h->ct->master || h->flow.proto == IPPROTO_IGMP ||
	    h->flow.proto == IPPROTO_UDPLITE || h->flow.proto == IPPROTO_DCCP ||
	    !end_of_stamp(&h->from, &h->flow.src, &from) ||
	    !end_of_stamp(&h->to, &h->flow.dst, &to))
		return;
	body = cordon_stamp_body(from, to) | (gated ? CORDON_STAMP_GATED : 0);
	cmpxchg64(word, h->word,
		  cordon_stamp_seal(&h->rs->stamp, (unsigned long)h->ct, body));
}
#else
static void stamp(const struct hearing *h, bool gated)
{
}
#endif

static unsigned int judge(struct hearing *h)
{
	const struct cordon_end *sender = h->opener ? &h->from : &h->to;
	const struct cordon_end *receiver = h->opener ? &h->to : &h->from;
	const struct cordon_ruleset *rs = h->rs;
	struct cordon_verdict v;
	bool decided;
	u8 demand;

	v = cordon_decide_room(rs->policy, &h->from, &h->to, h->flow.proto, h->flow.dport);
	if (unlikely(!v.accept && h->ct && h->ct->master))
		v = judge_related(h);
	if (unlikely(!v.accept))
		return deny_connection(h, &v, is_for_many(h));
	demand = cordon_decide_encryption(rs->policy, &v, &h->from, &h->to);
	decided = demand == CORDON_ENCRYPTION_ANY ||
		  likely(cordon_inspect_passed(&h->cn->inspector, h->ct, h->skb, h->state->pf,
					       demand));
	if (!decided && gate(h, sender, demand) != NF_ACCEPT)
		return NF_DROP;
	if (h->state->hook == NF_INET_FORWARD) {
		if (unlikely(!keep_from_flow_tables(h)) &&
		    deny_unblamed(h, CORDON_KIND_UNJUDGED) != NF_ACCEPT)
			return NF_DROP;
		if (decided && h->established)
			stamp(h, demand != CORDON_ENCRYPTION_ANY);
	}
	cordon_traffic_rx(rs->segments[sender->segment]->traffic,
			  cordon_packet_count(h->skb), h->skb->len);
	if (receiver->device != CORDON_NO_DEVICE)
		cordon_traffic_tx(rs->devices[receiver->device]->traffic,
				  cordon_packet_count(h->skb), h->skb->len);
	return NF_ACCEPT;
}

/* A packet for more than one host is forwarded: towards all that are where it leaves. */
static noinline unsigned int judge_many(struct hearing *h)
{
	const struct cordon_policy *p = h->rs->policy;
	struct cordon_reach buffer[CORDON_MAX_REACH];
	const struct cordon_reach *reach = buffer;
	const struct cordon_links *links;
	struct cordon_verdict v;
	u32 n = 0;

	h->from = find_end(h, &h->flow.src);
	h->to = (struct cordon_end){ CORDON_NO_DEVICE, CORDON_NO_SEGMENT, 0 };
	/* Good for its link alone (RFC 4291, 2.5.6), though multicast routes take it further. */
	if (cordon_addr_is_link_local(&h->source) || cordon_addr_is_unspecified(&h->source))
		return deny_unblamed(h, CORDON_KIND_UNJUDGED);
	if (h->out->role != CORDON_ROLE_PORT) {
		n = cordon_link_uplink(p, h->ports, h->state->out, buffer);
	} else {
		links = rcu_dereference(h->rs->links);
		if (links)
			reach = cordon_link_port(links, h->out->port, &n);
	}
	v = cordon_decide_many(p, &h->from, reach, n, h->flow.proto, h->flow.dport);
	if (v.reason == CORDON_DENY_NO_LINK)
		return deny_unblamed(h, v.kind);
	if (!v.accept)
		return deny_connection(h, &v, true);
	cordon_traffic_rx(h->rs->segments[h->from.segment]->traffic,
			  cordon_packet_count(h->skb), h->skb->len);
	return NF_ACCEPT;
}

/* A bridge that is an uplink hands frames to br_netfilter that it only switches. */
static bool is_switched(const struct hearing *h)
{
	return h->state->in == h->state->out && h->interface->role == CORDON_ROLE_UPLINK &&
	       nf_bridge_get_physoutdev(h->skb);
}

/* No policy is in force: the gateway itself is open, what it forwards is closed in lockdown. */
static unsigned int judge_unruled(struct cordon_net *cn, const struct sk_buff *skb, bool local)
{
	if (local || !cordon_lockdown)
		return NF_ACCEPT;
	atomic64_add(cordon_packet_count(skb), &cn->denied);
	atomic64_inc(&cn->tally[CORDON_KIND_UNJUDGED].count);
	return NF_DROP;
}

/* The source is not what it may be. */
static unsigned int deny_source(struct hearing *h)
{
	/* Where it only observes, prerouting has counted what came in on a port. */
	if (observe(h) && h->in != CORDON_ANY_PORT)
		return NF_ACCEPT;
	cordon_packet_flow(h->skb, h->state->pf, &h->flow);
	return deny(h, h->in != CORDON_ANY_PORT && h->device == CORDON_NO_DEVICE ?
		    CORDON_KIND_UNKNOWN_DEVICE : CORDON_KIND_SPOOFED_SOURCE);
}

/* A packet that identify() has a kind for. */
static unsigned int deny_unsound(const struct hearing *h, u8 kind)
{
	/* Where it only observes, prerouting has counted this. */
	if (observe(h) && kind == CORDON_KIND_MALFORMED && h->in != CORDON_ANY_PORT &&
	    cordon_packet_must_be_read(h->skb, h->state->pf))
		return NF_ACCEPT;
	return deny(h, kind);
}

static unsigned int judge_input(struct hearing *h)
{
	if (!h->opener || (h->in == CORDON_ANY_PORT && cordon_flow_is_upkeep(&h->flow)))
		return NF_ACCEPT;
	h->from = find_end(h, &h->flow.src);
	h->to = cordon_end_gateway();
	return judge(h);
}

/* The source is the gateway's, also while it looks for an address. */
static bool is_own(const struct hearing *h)
{
	if (cordon_addr_is_unspecified(&h->source))
		return true;
	if (h->state->pf == NFPROTO_IPV4)
		return inet_addr_type(h->state->net, ip_hdr(h->skb)->saddr) == RTN_LOCAL;
	return ipv6_chk_addr(h->state->net, &ipv6_hdr(h->skb)->saddr, h->state->in, 0);
}

/*
 * A copy for the gateway as a member of a group: of what it sends itself, or of what it has
 * forwarded to the group for somebody, who then opens this towards the gateway, too.
 */
static noinline unsigned int judge_copy(struct hearing *h)
{
	if (is_own(h))
		return NF_ACCEPT;
	if (identify(h))
		return drop(h);
	h->from = find_end(h, &h->source);
	h->to = cordon_end_gateway();
	return judge(h);
}

/*
 * The packet goes elsewhere than to the other end of its connection: by a source route, which
 * IPv4 writes into the header behind this hook only, and IPv6 before it; or by a translation that
 * connection tracking knows nothing of.
 */
static bool is_diverted(const struct hearing *h)
{
	const struct cordon_addr to = cordon_packet_destination(h->skb, h->state->pf);

	if (h->state->pf == NFPROTO_IPV4 && unlikely(IPCB(h->skb)->opt.srr_is_hit))
		return true;
	return !cordon_addr_equal(&to, h->opener ? &h->flow.dst : &h->flow.src);
}

static unsigned int judge_forward(struct hearing *h)
{
	struct cordon_end *receiver;

	if (unlikely(is_diverted(h)))
		return deny_unblamed(h, CORDON_KIND_UNJUDGED);
	if (unlikely(h->opener && is_for_many(h)))
		return judge_many(h);
	h->from = find_end(h, &h->flow.src);
	h->to = find_end(h, &h->flow.dst);
	receiver = h->opener ? &h->to : &h->from;
	/* Behind a port live devices; an address there that is no device's is in no segment. */
	if (receiver->device == CORDON_NO_DEVICE && h->out->role == CORDON_ROLE_PORT)
		receiver->segment = CORDON_NO_SEGMENT;
	if (unlikely(leaves_elsewhere(h, receiver)))
		return deny_unblamed(h, CORDON_KIND_MOVED_PORT);
	return judge(h);
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
	struct hearing h = {
		.cn = cn, .skb = skb, .state = state, .rs = rcu_dereference(cn->ruleset),
		.in = CORDON_ANY_PORT, .device = CORDON_NO_DEVICE,
	};
	bool local = state->hook == NF_INET_LOCAL_IN;
	u8 kind;

	if (!h.rs)
		return judge_unruled(cn, skb, local);
	if (local && unlikely(state->in->flags & IFF_LOOPBACK))
		return NF_ACCEPT;
	h.source = cordon_packet_source(skb, state->pf);
	if (unlikely(is_copy(skb)))
		return judge_copy(&h);
	h.ports = rcu_dereference(h.rs->ports);
	h.interface = interface_of(h.ports, state->in);
	h.out = local ? NULL : interface_of(h.ports, state->out);
	/* Where it only observes, prerouting has counted this. */
	if (unlikely(!h.interface || cordon_packet_is_mapped(skb, state->pf)))
		return drop(&h);
	h.in = h.interface->port;
	if (unlikely(!local && is_switched(&h)))
		return NF_ACCEPT;
	if (unlikely(!recognise(&h)))
		return deny_source(&h);
	kind = identify(&h);
	if (unlikely(kind))
		return deny_unsound(&h, kind);
	if (unlikely(is_outsider(&h)))
		return deny(&h, CORDON_KIND_SEGMENT_VIOLATION);
	if (unlikely(!local && !h.out))
		return deny_unblamed(&h, CORDON_KIND_UNLISTED);
	return local ? judge_input(&h) : judge_forward(&h);
}

/* The gateway answers @device, or whoever has the destination's address. */
static unsigned int judge_answer(struct hearing *h, u32 device)
{
	identify(h);
	h->from = device != CORDON_NO_DEVICE ? cordon_ruleset_end(h->rs, device) :
					       find_end(h, &h->flow.src);
	h->to = cordon_end_gateway();
	return judge(h);
}

/**
 * cordon_judge_out - the gateway sends a packet of its own
 * @cn: the namespace
 * @skb: the packet
 * @state: the hook's
 *
 * What it opens passes. What it answers stops with the device's right to ask. What is for a device
 * that is tied to a port leaves by that port.
 *
 * Context: RCU read side. Return: NF_ACCEPT or NF_DROP.
 */
unsigned int cordon_judge_out(struct cordon_net *cn, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	struct hearing h = {
		.cn = cn, .skb = skb, .state = state, .rs = rcu_dereference(cn->ruleset),
		.in = CORDON_ANY_PORT, .device = CORDON_NO_DEVICE,
	};
	const struct net_device *dev = skb_dst(skb)->dev; /* state->out: before translation */
	struct cordon_end receiver = { 0 };
	enum ip_conntrack_info ctinfo;
	struct cordon_addr to;
	bool answer;

	if (!h.rs || (dev->flags & IFF_LOOPBACK))
		return NF_ACCEPT;
	h.ports = rcu_dereference(h.rs->ports);
	h.out = interface_of(h.ports, dev);
	h.source = cordon_packet_source(skb, state->pf);
	to = cordon_packet_destination(skb, state->pf);
	receiver.device = cordon_policy_device_by_addr(h.rs->policy, &to);
	if (unlikely(leaves_elsewhere(&h, &receiver))) {
		cordon_packet_flow(skb, state->pf, &h.flow);
		return deny_unblamed(&h, CORDON_KIND_MOVED_PORT);
	}
	if (!h.out || h.out->role != CORDON_ROLE_PORT)
		return NF_ACCEPT;
	answer = nf_ct_get(skb, &ctinfo) && ctinfo == IP_CT_ESTABLISHED_REPLY;
	if (unlikely(cordon_addr_is_link_local(&to))) {
		receiver.device = find_neighbour(&h, dev);
		/* What was asked has been judged when it came in. */
		if (receiver.device == CORDON_NO_DEVICE)
			return NF_ACCEPT;
	}
	if (answer)
		return judge_answer(&h, receiver.device);
	if (receiver.device != CORDON_NO_DEVICE)
		cordon_traffic_tx(h.rs->devices[receiver.device]->traffic,
				  cordon_packet_count(skb), skb->len);
	return NF_ACCEPT;
}
