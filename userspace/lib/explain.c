// SPDX-License-Identifier: GPL-2.0
/* What the hooks would do to one packet, found out with the code that they run. */
#include <stdio.h>

#include "explain_in.h"

static struct cordon_network_def net_of(const struct explain_link *link, u32 i)
{
	struct cordon_network_def net = link->net[i];
	struct cordon_addr rest = cordon_prefix_last(&(struct cordon_addr){ 0, 0 }, net.len);

	net.addr.hi &= ~rest.hi;
	net.addr.lo &= ~rest.lo;
	return net;
}

static bool holds(const struct cordon_network_def *net, const struct cordon_addr *a)
{
	struct cordon_addr last = cordon_prefix_last(&net->addr, net->len);

	return cordon_addr_is_v4(a) == cordon_addr_is_v4(&net->addr) &&
	       cordon_addr_compare(&net->addr, a) <= 0 && cordon_addr_compare(a, &last) <= 0;
}

/**
 * explain_on_link - two addresses are in one network of an interface
 * @link: the interface
 * @a: one
 * @b: the other
 */
bool explain_on_link(const struct explain_link *link, const struct cordon_addr *a, const struct cordon_addr *b)
{
	struct cordon_network_def net;
	u32 i;

	for (i = 0; i < link->n; i++) {
		net = net_of(link, i);
		if (holds(&net, a) && holds(&net, b))
			return true;
	}
	return false;
}

/* The interface on whose link an address is: that with the longest network that holds it. */
static const struct explain_link *find_on_link(const struct explain *e, const struct cordon_addr *a)
{
	const struct explain_link *found = NULL;
	u32 i, j, best = 0;

	if (cordon_addr_is_link_local(a) || cordon_addr_is_unspecified(a))
		return NULL;
	for (i = 0; i < e->n_links; i++)
		for (j = 0; j < e->links[i].n; j++) {
			struct cordon_network_def net = net_of(&e->links[i], j);

			if (holds(&net, a) && (!found || net.len > best)) {
				found = &e->links[i];
				best = net.len;
			}
		}
	return found;
}

static bool is_self(const struct explain *e, const struct cordon_addr *a)
{
	u32 i, j;

	for (i = 0; i < e->n_links; i++)
		for (j = 0; j < e->links[i].n; j++)
			if (cordon_addr_equal(&e->links[i].self[j], a))
				return true;
	return false;
}

/**
 * explain_broadcast - the interface whose network's broadcast address this is
 * @e: the gateway
 * @a: the address
 *
 * Return: NULL, it is none's.
 */
const struct explain_link *explain_broadcast(const struct explain *e, const struct cordon_addr *a)
{
	u32 i, j;

	for (i = 0; cordon_addr_is_v4(a) && i < e->n_links; i++)
		for (j = 0; j < e->links[i].n; j++) {
			struct cordon_network_def net = net_of(&e->links[i], j);
			struct cordon_addr last = cordon_prefix_last(&net.addr, net.len);

			if (cordon_addr_is_v4(&net.addr) && net.len < 96 + 31 && cordon_addr_equal(&last, a))
				return &e->links[i];
		}
	return NULL;
}

/**
 * explain_is_many - a packet is for more than one host
 * @e: the gateway
 * @packet: the packet
 */
bool explain_is_many(const struct explain *e, const struct explain_packet *packet)
{
	return packet->arp || (!packet->to_gateway && (cordon_addr_is_multicast(&packet->flow.dst) ||
						       explain_broadcast(e, &packet->flow.dst)));
}

/* For its link only: 255.255.255.255, 224.0.0.0/24; scopes up to that of the link (RFC 4291, 2.7). */
static bool stays_on_link(const struct cordon_addr *group)
{
	if (cordon_addr_is_v4(group))
		return (u32)group->lo == 0xffffffff || ((u32)group->lo >> 8) == 0xe00000;
	return ((group->hi >> 48) & 0xf) <= 2;
}

static bool is_for_its_link(const struct cordon_addr *src)
{
	return cordon_addr_is_link_local(src) || cordon_addr_is_unspecified(src);
}

/* The sender of a question, as cordon_neighbour_arp(). */
static struct cordon_verdict decide_arp(const struct cordon_policy *p, const struct explain_packet *packet)
{
	const struct cordon_addr *src = &packet->flow.src;

	if (packet->device == CORDON_NO_DEVICE)
		return explain_deny(CORDON_DENY_UNKNOWN_DEVICE, CORDON_KIND_UNKNOWN_DEVICE);
	if (cordon_addr_is_unspecified(src) || cordon_policy_device_has(p, packet->device, src))
		return explain_pass(CORDON_PASS_SOURCE);
	return explain_deny(CORDON_DENY_SPOOFED, CORDON_KIND_ARP_SPOOF);
}

/* Prerouting on a port, as cordon_slow_prerouting(). */
static struct cordon_verdict decide_port(const struct explain *e, const struct explain_packet *packet,
					const struct explain_link *in)
{
	u16 port = explain_port(e, in);
	struct cordon_verdict v;

	if (packet->device != CORDON_NO_DEVICE) {
		if (port != CORDON_ANY_PORT && !explain_may_have(e, packet->device, in))
			return explain_deny(CORDON_DENY_MOVED, CORDON_KIND_MOVED_PORT);
		v = explain_enters(e, packet->device, in);
		if (!v.accept)
			return v;
		port = e->p->draft.devices[packet->device].port;
	}
	if (packet->arp)
		return decide_arp(e->p, packet);
	return cordon_decide_source(e->p, packet->device, port, 0, &packet->flow);
}

/* The source of what comes in on an uplink, which may be unknown. */
static struct cordon_verdict decide_uplink(const struct explain *e, const struct cordon_addr *src,
					  const struct explain_link *in)
{
	u16 segment;

	if (cordon_policy_device_by_addr(e->p, src) != CORDON_NO_DEVICE)
		return explain_deny(CORDON_DENY_SPOOFED, CORDON_KIND_SPOOFED_SOURCE);
	segment = cordon_policy_network_segment(e->p, src);
	if (in && segment != CORDON_NO_SEGMENT && !cordon_addr_is_unspecified(src) &&
	    !cordon_addr_is_link_local(src) &&
	    !cordon_policy_segment_is_at(e->p, segment, in->name))
		return explain_deny(CORDON_DENY_SPOOFED, CORDON_KIND_SPOOFED_SOURCE);
	return explain_pass(CORDON_PASS_SOURCE);
}

/* The segment of a sender on an uplink, as cordon_link_segment() where the address does not tell. */
static u16 sender_segment(const struct explain *e, const struct cordon_addr *src,
			  const struct explain_link *in)
{
	struct cordon_reach reach[CORDON_MAX_REACH];

	if (!cordon_addr_is_unspecified(src) && !cordon_addr_is_link_local(src))
		return cordon_policy_network_segment(e->p, src);
	if (in && (explain_reach_uplink(e->p, in, reach) == 1 || explain_own_segments(e->p, in, reach) == 1))
		return reach[0].segment;
	return CORDON_NO_SEGMENT;
}

/* A copy for many that leaves by an interface, as the slow path (kernel/slowpath.c) forwards it. */
static void decide_many(const struct explain *e, const struct explain_packet *packet,
		       struct explain_answer *a)
{
	struct cordon_reach uplink[CORDON_MAX_REACH], *reach = NULL;
	u16 port = explain_port(e, a->out);
	u32 n;

	a->to = (struct cordon_end){ CORDON_NO_DEVICE, CORDON_NO_SEGMENT, 0 };
	if (packet->gateway) {
		a->v = explain_pass(CORDON_PASS_GATEWAY);
	} else if (explain_role(e, a->out) == CORDON_ROLE_UNLISTED) {
		a->v = explain_deny(CORDON_DENY_UNLISTED, CORDON_KIND_UNLISTED);
	} else if (is_for_its_link(&packet->flow.src)) {
		a->v = explain_deny(CORDON_DENY_LINK_ONLY, CORDON_KIND_UNJUDGED);
	} else if (port == CORDON_BRIDGE_PORT) {
		a->v = explain_deny(CORDON_DENY_NO_LINK, CORDON_KIND_UNJUDGED);
	} else if (port == CORDON_ANY_PORT) {
		explain_each(e, packet, uplink, explain_reach_uplink(e->p, a->out, uplink), a);
	} else {
		n = explain_reach_port(e, port, &reach);
		explain_each(e, packet, reach, n, a);
	}
	free(reach);
}

/* The bridge brings it to no interface of the gateway. */
static void deny_home(struct explain_answer *a)
{
	a->v = explain_deny(EXPLAIN_DENY_NO_GATEWAY, CORDON_KIND_UNJUDGED);
	a->uncounted = true;
}

static void decide_local(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
			struct explain_answer *a)
{
	const u8 role = packet->device != CORDON_NO_DEVICE && !in ? CORDON_ROLE_PORT : explain_role(e, in);

	a->local = true;
	a->to = cordon_end_gateway();
	if (packet->gateway)
		a->v = explain_pass(CORDON_PASS_GATEWAY);
	else if (!explain_is_home(e, packet->device, in))
		deny_home(a);
	else if (role == CORDON_ROLE_UPLINK && cordon_flow_is_for_host(&packet->flow))
		a->v = explain_pass(CORDON_PASS_UPKEEP);
	else
		a->v = cordon_decide_connection(e->p, &a->from, &a->to, packet->flow.proto, packet->flow.dport);
}

/* To one host, as the slow path (kernel/slowpath.c) forwards and sends. */
static void decide_one(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
		      struct explain_answer *a)
{
	const u32 device = a->to.device;

	if (device == CORDON_NO_DEVICE && explain_has_devices(e, a->out))
		a->to.segment = CORDON_NO_SEGMENT;
	if (!packet->gateway && !explain_is_home(e, packet->device, in))
		deny_home(a);
	else if (!packet->gateway && explain_role(e, a->out) == CORDON_ROLE_UNLISTED)
		a->v = explain_deny(CORDON_DENY_UNLISTED, CORDON_KIND_UNLISTED);
	else if (a->out && device != CORDON_NO_DEVICE && !explain_may_lead(e, device, a->out))
		a->v = explain_deny(CORDON_DENY_WRONG_PORT, CORDON_KIND_MOVED_PORT);
	else if (packet->gateway)
		a->v = explain_pass(CORDON_PASS_GATEWAY);
	else
		a->v = cordon_decide_connection(e->p, &a->from, &a->to, packet->flow.proto, packet->flow.dport);
	if (a->v.accept && device != CORDON_NO_DEVICE)
		explain_brought(e, device, a);
}

/* Where a packet to one host leaves: on whose link it is; a link-local one does not leave its link. */
static const struct explain_link *find_out(const struct explain *e, const struct explain_packet *packet,
					   const struct explain_link *in)
{
	u32 device = cordon_policy_device_by_addr(e->p, &packet->flow.dst);
	const struct explain_link *out;

	if (packet->out)
		return packet->out;
	if (cordon_addr_is_link_local(&packet->flow.dst))
		return in;
	out = find_on_link(e, &packet->flow.dst);
	if (!out && device != CORDON_NO_DEVICE && e->p->draft.devices[device].port != CORDON_ANY_PORT)
		out = explain_place(e, device);
	return out;
}

/*
 * Where a packet comes in if nobody says so: of no device, on whose link its source is; of a device, where that
 * is, or the bridge behind one of whose ports it is.
 */
static const struct explain_link *find_in(const struct explain *e, const struct explain_packet *packet)
{
	const struct explain_link *place;
	const struct cordon_device_def *d;
	u32 i;

	if (packet->in || packet->gateway)
		return packet->in;
	if (packet->device == CORDON_NO_DEVICE)
		return find_on_link(e, &packet->flow.src);
	place = explain_place(e, packet->device);
	d = &e->p->draft.devices[packet->device];
	for (i = 0; !place && cordon_device_ports(d) != 1 && i < d->n; i++) {
		place = find_on_link(e, &e->p->draft.addresses[d->first + i]);
		if (explain_role(e, place) != CORDON_ROLE_BRIDGE)
			place = NULL;
	}
	return place;
}

/* Who sends it, and may he, from there? */
static struct cordon_verdict decide_sender(const struct explain *e, const struct explain_packet *packet,
					  const struct explain_link *in, struct cordon_end *from)
{
	u8 role = explain_role(e, in);
	struct cordon_verdict v;

	*from = cordon_end_gateway();
	if (packet->gateway)
		return explain_pass(CORDON_PASS_GATEWAY);
	if (packet->device != CORDON_NO_DEVICE) {
		*from = e->ends[packet->device];
		if (!in)
			role = CORDON_ROLE_PORT;
	} else {
		*from = (struct cordon_end){ CORDON_NO_DEVICE, CORDON_NO_SEGMENT, 0 };
		if (role == CORDON_ROLE_UPLINK)
			from->segment = sender_segment(e, &packet->flow.src, in);
	}
	if (role == CORDON_ROLE_UNLISTED)
		return explain_deny(CORDON_DENY_UNLISTED, CORDON_KIND_UNLISTED);
	if (role == CORDON_ROLE_UPLINK)
		return decide_uplink(e, &packet->flow.src, in);
	v = decide_port(e, packet, in);
	return v.accept ? explain_sound(e, packet, in) : v;
}

/* Where a bridge may switch a connection, too, no stamp says that its packets pass. */
static bool may_be_switched(const struct explain *e, const struct explain_link *in, const struct explain_answer *a)
{
	const struct explain_link *bridge = explain_bridge(e, in);

	return a->switched || (bridge && bridge == explain_bridge(e, a->out));
}

/* Nor of a device that may be behind several ports, or is in a VLAN of them. */
static bool takes_slow_path(const struct explain *e, u32 device)
{
	const struct cordon_device_def *d = &e->p->draft.devices[device];

	return device != CORDON_NO_DEVICE && (d->n_also || d->vlan);
}

static void finish(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
		   struct explain_answer *a)
{
	a->rule = CORDON_NO_DEVICE;
	a->encryption = CORDON_ENCRYPTION_ANY;
	a->fast = false;
	if (!a->v.accept)
		return;
	if (a->v.reason == CORDON_PASS_RULE)
		a->rule = cordon_policy_rule(e->p, a->from.segment, a->to.segment, packet->flow.proto,
					     packet->flow.dport);
	a->encryption = cordon_decide_encryption(e->p, &a->v, &a->from, &a->to);
	a->fast = !packet->gateway && !a->local && !explain_is_many(e, packet) && !may_be_switched(e, in, a) &&
		  !takes_slow_path(e, a->from.device) && !takes_slow_path(e, a->to.device) &&
		  cordon_decide_may_stamp(&packet->flow, &a->from, &a->to);
}

/* Whom a question of ARP reaches: the gateway, if it is asked, or ports of the bridge. */
static u32 explain_arp(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
		       const struct explain_answer *base, struct explain_answer *answers)
{
	u32 n = explain_copies(e, packet, in, base, answers);

	if (n && !is_self(e, &packet->flow.dst))
		return n;
	answers[0] = *base;
	answers[0].local = is_self(e, &packet->flow.dst);
	answers[0].uncounted = true;
	answers[0].v = answers[0].local ? explain_pass(EXPLAIN_PASS_ARP) :
		       explain_deny(EXPLAIN_DENY_NO_BRIDGE, CORDON_KIND_UNJUDGED);
	return 1;
}

/* A copy for many is routed to an interface: to all that are listed, or, if @out is set, to that one. */
static bool is_routed_to(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
			const struct explain_link *out, const struct explain_link *link)
{
	bool own = !packet->gateway && is_for_its_link(&packet->flow.src);
	const struct explain_link *home = explain_home(e, packet->device, in);

	/* Nothing is routed to a port in a bridge, but to the bridge. */
	if (explain_bridge(e, link) && explain_role(e, link) != CORDON_ROLE_BRIDGE)
		return false;
	if (!packet->gateway && !explain_is_home(e, packet->device, in))
		return false;
	if (out)
		return out == link && (packet->gateway || !explain_bridge(e, in) || link != home);
	return !own && !stays_on_link(&packet->flow.dst) && explain_role(e, link) != CORDON_ROLE_UNLISTED &&
	       link != home;
}

/* The interface that a copy for many is routed to, if it is for one alone; NULL, each. */
static const struct explain_link *routed_out(const struct explain *e, const struct explain_packet *packet)
{
	const struct explain_link *home;

	if (!packet->out)
		return explain_broadcast(e, &packet->flow.dst);
	home = explain_home(e, packet->device, packet->out);
	return home ? home : packet->out;
}

/* The bridge that it comes in on makes copies of it; if a member is given, for that one. */
static bool may_copy(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
		    const struct explain_link *out)
{
	const struct explain_link *bridge = explain_bridge(e, in);

	if (!bridge || !out)
		return bridge;
	if (packet->out && explain_role(e, packet->out) == CORDON_ROLE_PORT)
		return explain_bridge(e, packet->out) == bridge;
	return out == explain_home(e, packet->device, in);
}

/*
 * One copy to the gateway, and one for each interface that the policy lists, but, for groups, for the
 * one it came in on; or for one alone. In a bridge, one for each of its other ports.
 */
static u32 explain_many(const struct explain *e, const struct explain_packet *packet,
			const struct explain_link *in,
			const struct explain_answer *base, struct explain_answer *answers)
{
	const struct explain_link *out = routed_out(e, packet);
	u32 i, n = 0;

	if (packet->arp)
		return explain_arp(e, packet, in, base, answers);
	if (!packet->gateway && !packet->out) {
		answers[n] = *base;
		decide_local(e, packet, in, &answers[n++]);
	}
	for (i = 0; i < e->n_links; i++) {
		if (!is_routed_to(e, packet, in, out, &e->links[i]))
			continue;
		answers[n] = *base;
		answers[n].out = &e->links[i];
		decide_many(e, packet, &answers[n++]);
	}
	if (may_copy(e, packet, in, out))
		n += explain_copies(e, packet, in, base, answers + n);
	return n;
}

/* The end that a packet is for, by its address alone. */
static struct cordon_end find_to(const struct explain *e, const struct explain_packet *packet)
{
	u32 device = cordon_policy_device_by_addr(e->p, &packet->flow.dst);

	if (packet->to_gateway)
		return cordon_end_gateway();
	if (explain_is_many(e, packet))
		return (struct cordon_end){ CORDON_NO_DEVICE, CORDON_NO_SEGMENT, 0 };
	return device == CORDON_NO_DEVICE ? cordon_end_address(e->p, &packet->flow.dst) : e->ends[device];
}

/**
 * explain_packet - what becomes of a packet
 * @e: the gateway
 * @packet: the packet
 * @answers: room for one more than the gateway has interfaces
 *
 * Of a packet for many there is an answer for the gateway, and each port and uplink, or port of the bridge; of
 * any other, or where it is refused for its source, one.
 *
 * Return: how many.
 */
u32 explain_packet(const struct explain *e, const struct explain_packet *packet,
		   struct explain_answer *answers)
{
	const struct explain_link *in = find_in(e, packet);
	struct explain_answer base = { 0 };
	u32 i, n = 1;

	base.v = decide_sender(e, packet, in, &base.from);
	base.to = find_to(e, packet);
	answers[0] = base;
	if (!base.v.accept) {
		/* The bridge itself drops it, behind the hook. */
		answers[0].uncounted = base.v.reason == EXPLAIN_DENY_NOT_IN_VLAN;
	} else if (explain_is_many(e, packet)) {
		n = explain_many(e, packet, in, &base, answers);
	} else if (packet->to_gateway || is_self(e, &packet->flow.dst)) {
		decide_local(e, packet, in, &answers[0]);
	} else if (explain_is_switched(e, packet, in)) {
		explain_switched(e, packet, in, &answers[0]);
	} else {
		answers[0].out = find_out(e, packet, in);
		decide_one(e, packet, in, &answers[0]);
	}
	for (i = 0; i < n; i++)
		finish(e, packet, in, &answers[i]);
	return n;
}

/**
 * explain_reason - a verdict's reason in words
 * @reason: enum cordon_reason or explain_reason
 */
const char *explain_reason(u8 reason)
{
	static const char *const text[] = {
		[CORDON_PASS_RULE] = "a rule opens it",
		[CORDON_PASS_SERVICE] = "open to every device that is not quarantined",
		[CORDON_PASS_SEGMENT] = "both ends are in one segment, and nothing isolates them",
		[CORDON_PASS_SOURCE] = "the source is the device's own",
		[CORDON_PASS_GATEWAY] = "the gateway itself opens it",
		[CORDON_DENY_NO_RULE] = "no rule opens it",
		[CORDON_DENY_ISOLATED] = "the segment isolates its devices",
		[CORDON_DENY_NO_SEGMENT] = "an end belongs to no segment",
		[CORDON_DENY_UNAUTHENTICATED] = "the device has no lease, and no rule opens it to onboarding",
		[CORDON_DENY_UNKNOWN_DEVICE] = "it comes in on a port, and its sender is no device of the policy",
		[CORDON_DENY_MOVED] = "the device is not behind its port",
		[CORDON_DENY_SPOOFED] = "the source address is not the sender's",
		[CORDON_DENY_MALFORMED] = "malformed",
		[CORDON_PASS_CLAIM] = "the source is the device's own, which claims it",
		[CORDON_DENY_RELATED] = "another connection announced it, and its rule admits nothing that it announces",
		[CORDON_DENY_RECEIVER] = "the receiving device is quarantined, outdated or without a lease",
		[CORDON_DENY_UNLISTED] = "the policy does not list the interface",
		[CORDON_DENY_WRONG_PORT] = "it would leave by another port than the receiving device's",
		[CORDON_DENY_UNENCRYPTED] = "encryption is demanded, which what is for many cannot have",
		[CORDON_DENY_NO_LINK] = "nobody is known to be on that link",
		[CORDON_DENY_LINK_ONLY] = "its source is good for its own link only",
		[CORDON_PASS_UPKEEP] = "the gateway needs it as a host on its uplink",
		[CORDON_DENY_FLAGS] = "flags of TCP that no stack sets together",
		[CORDON_DENY_FRAGMENT] = "a fragment as no stack cuts it",
		[EXPLAIN_PASS_NEIGHBOURS] = "one of the two may open something towards the other",
		[EXPLAIN_PASS_BESIDE] = "both are behind one port, and it does not come through the gateway",
		[EXPLAIN_PASS_ARP] = "it asks for the gateway, which answers each device",
		[EXPLAIN_DENY_NEIGHBOURS] = "neither of the two may open anything towards the other",
		[EXPLAIN_DENY_NOBODY] = "no other device has that address",
		[EXPLAIN_DENY_ELSEWHERE] = "the device is behind another port",
		[EXPLAIN_DENY_VLAN] = "the device is in another VLAN of the bridge",
		[EXPLAIN_DENY_NO_PVID] = "without a tag it is in no VLAN: that port of the bridge has no PVID",
		[EXPLAIN_DENY_NOT_IN_VLAN] = "that port of the bridge is not in the device's VLAN",
		[EXPLAIN_DENY_TAG] = "its tag says nothing of VLANs: the bridge's are 802.1ad's, or it filters none",
		[EXPLAIN_DENY_NO_GATEWAY] = "the gateway itself is not in that VLAN of the bridge",
		[EXPLAIN_DENY_OF_LINK] = "it is for the gateway alone",
		[EXPLAIN_DENY_ROGUE] = "no device is a router, or gives addresses",
		[EXPLAIN_DENY_LEASE] = "the device's lease holds on another port of the bridge",
		[EXPLAIN_DENY_NO_BRIDGE] = "it stays on its link, and that is no bridge's",
	};
	static_assert(sizeof(text) / sizeof(*text) == EXPLAIN_REASONS, "a reason without words");

	return reason < EXPLAIN_REASONS && text[reason] ? text[reason] : "?";
}
