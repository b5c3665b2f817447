// SPDX-License-Identifier: GPL-2.0
/* What the hooks would do to one packet, found out with the code that they run. */
#include <netinet/in.h>
#include <stdio.h>

#include "explain.h"

#define DHCP_CLIENT	68
#define DHCP6_CLIENT	546
#define EPHEMERAL	49152	/* a source port that means nothing */

#define MLD_REPORT	131
#define MLD_DONE	132
#define MLD2_REPORT	143

enum role { UNLISTED, PORT, UPLINK };

static u16 port_named(const struct cordon_policy *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->draft.n_ports; i++)
		if (!strcmp(p->draft.ports[i].name, name))
			return i;
	return CORDON_ANY_PORT;
}

/* The port that an interface is to packets: what shares the wire of a port is that port. */
static u16 port_of(const struct cordon_policy *p, const struct explain_link *link)
{
	u16 own, wire;

	if (!link)
		return CORDON_ANY_PORT;
	own = port_named(p, link->name);
	wire = port_named(p, link->wire);
	return wire != CORDON_ANY_PORT && (own != CORDON_ANY_PORT || cordon_policy_is_uplink(p, link->name)) ?
	       wire : own;
}

/* An interface that is not known is taken for an uplink. */
static enum role role_of(const struct cordon_policy *p, const struct explain_link *link)
{
	if (port_of(p, link) != CORDON_ANY_PORT)
		return PORT;
	return !link || cordon_policy_is_uplink(p, link->name) ? UPLINK : UNLISTED;
}

static const struct explain_link *link_of_port(const struct explain *e, u16 port)
{
	return explain_find_link(e, e->p->draft.ports[port].name);
}

/* What is tied to a port may be behind another, or the same; as cordon_ports_may_be(). */
static bool may_be(const struct explain *e, u16 tied, u16 at)
{
	const struct explain_link *link;

	if (tied == CORDON_ANY_PORT || tied == at)
		return true;
	link = link_of_port(e, tied);
	return link && port_of(e->p, link) == at;
}

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
	return !packet->to_gateway && (cordon_addr_is_multicast(&packet->flow.dst) ||
				       explain_broadcast(e, &packet->flow.dst));
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

static struct cordon_verdict deny(enum cordon_reason reason, enum cordon_kind kind)
{
	return (struct cordon_verdict){ .reason = reason, .kind = kind };
}

static struct cordon_verdict pass(enum cordon_reason reason)
{
	return (struct cordon_verdict){ .accept = true, .plaintext = true, .reason = reason };
}

/* Prerouting on a port, as cordon_slow_prerouting(). */
static struct cordon_verdict decide_port(const struct explain *e, const struct explain_packet *packet,
					const struct explain_link *in)
{
	u16 port = port_of(e->p, in), tied;

	if (packet->device != CORDON_NO_DEVICE) {
		tied = e->p->draft.devices[packet->device].port;
		if (port == CORDON_ANY_PORT || may_be(e, tied, port))
			port = tied;
	}
	return cordon_decide_source(e->p, packet->device, port, 0, &packet->flow);
}

/* The source of what comes in on an uplink, which may be unknown. */
static struct cordon_verdict decide_uplink(const struct explain *e, const struct cordon_addr *src,
					  const struct explain_link *in)
{
	u16 segment;

	if (cordon_policy_device_by_addr(e->p, src) != CORDON_NO_DEVICE)
		return deny(CORDON_DENY_SPOOFED, CORDON_KIND_SPOOFED_SOURCE);
	segment = cordon_policy_network_segment(e->p, src);
	if (in && segment != CORDON_NO_SEGMENT && !cordon_addr_is_unspecified(src) &&
	    !cordon_addr_is_link_local(src) &&
	    !cordon_policy_segment_is_at(e->p, segment, in->name))
		return deny(CORDON_DENY_SPOOFED, CORDON_KIND_SPOOFED_SOURCE);
	return pass(CORDON_PASS_SOURCE);
}

static u32 own_segments(const struct cordon_policy *p, const struct explain_link *link,
			struct cordon_reach *reach)
{
	u32 i, counted = 0, n = 0;

	for (i = 0; i < link->n; i++)
		counted += !cordon_addr_is_link_local(&link->net[i].addr);
	if (counted > CORDON_MAX_SUBNETS)
		return 0;
	for (i = 0; i < link->n; i++)
		n = cordon_reach_own(p, &link->net[i].addr, reach, n);
	return n;
}

/* The segments on the link of an uplink, as cordon_link_uplink(). */
static u32 reach_uplink(const struct cordon_policy *p, const struct explain_link *link,
			struct cordon_reach *reach)
{
	const struct cordon_draft *d = &p->draft;
	u32 i, n = 0;

	for (i = 0; i < d->n_interfaces; i++)
		if (cordon_ifname_matches(d->interfaces[i].name, link->name))
			n = cordon_reach_add(reach, n, d->interfaces[i].segment);
	if (!n)
		n = own_segments(p, link, reach);
	return n <= CORDON_MAX_REACH ? n : 0;
}

/* The segment of a sender on an uplink, as cordon_link_segment() where the address does not tell. */
static u16 sender_segment(const struct explain *e, const struct cordon_addr *src,
			  const struct explain_link *in)
{
	struct cordon_reach reach[CORDON_MAX_REACH];

	if (!cordon_addr_is_unspecified(src) && !cordon_addr_is_link_local(src))
		return cordon_policy_network_segment(e->p, src);
	if (in && (reach_uplink(e->p, in, reach) == 1 || own_segments(e->p, in, reach) == 1))
		return reach[0].segment;
	return CORDON_NO_SEGMENT;
}

static u32 port_subnets(const struct explain *e, struct cordon_subnet *subnets)
{
	struct cordon_network_def own[CORDON_MAX_SUBNETS];
	const struct explain_link *link;
	u32 port, i, n = 0, n_own;

	for (port = 0; port < e->p->draft.n_ports; port++) {
		link = link_of_port(e, port);
		for (i = n_own = 0; link && i < link->n; i++) {
			if (cordon_addr_is_link_local(&link->net[i].addr))
				continue;
			if (n_own < CORDON_MAX_SUBNETS)
				own[n_own] = link->net[i];
			n_own++;
		}
		n = cordon_subnets_add(subnets, n, port, own, n_own);
	}
	cordon_subnets_sort(subnets, n);
	return n;
}

/* What is behind a port that shares the wire of another is behind that one. */
static void gather_wires(const struct explain *e, u16 port, u8 *demands)
{
	const struct cordon_draft *d = &e->p->draft;
	u32 i, s;

	for (i = 0; i < d->n_ports; i++)
		for (s = 0; i != port && may_be(e, i, port) && s < d->n_segments; s++)
			demands[port * d->n_segments + s] |= demands[i * d->n_segments + s];
}

/* The segments behind a port, as cordon_links_new(); free() them. */
static u32 reach_port(const struct explain *e, u16 port, struct cordon_reach **out)
{
	const struct cordon_draft *d = &e->p->draft;
	struct cordon_subnet *subnets = calloc((size_t)d->n_ports * CORDON_MAX_SUBNETS, sizeof(*subnets));
	u8 *demands = calloc(d->n_ports, d->n_segments);
	u32 i, n = 0;

	*out = calloc(d->n_segments, sizeof(**out));
	if (subnets && demands && *out) {
		n = port_subnets(e, subnets);
		for (i = 0; i < d->n_devices; i++)
			cordon_reach_device(e->p, subnets, n, i, demands);
		gather_wires(e, port, demands);
		n = cordon_reach_port(e->p, demands, port, *out);
	}
	free(subnets);
	free(demands);
	return n;
}

/* Towards each of the segments by itself, so that the one that denies it is known. */
static void decide_each(const struct explain *e, const struct explain_packet *packet,
		       const struct cordon_reach *reach, u32 n, struct explain_answer *a)
{
	u32 i;

	a->v = cordon_decide_many(e->p, &a->from, reach, 0, packet->flow.proto, packet->flow.dport);
	for (i = 0; i < n; i++) {
		a->to = (struct cordon_end){ CORDON_NO_DEVICE, reach[i].segment, 0 };
		a->v = cordon_decide_many(e->p, &a->from, &reach[i], 1, packet->flow.proto,
					  packet->flow.dport);
		if (!a->v.accept)
			return;
	}
}

/* A copy for many that leaves by an interface, as the slow path (kernel/slowpath.c) forwards it. */
static void decide_many(const struct explain *e, const struct explain_packet *packet,
		       struct explain_answer *a)
{
	struct cordon_reach uplink[CORDON_MAX_REACH], *reach = NULL;
	u16 port = port_of(e->p, a->out);
	u32 n;

	a->to = (struct cordon_end){ CORDON_NO_DEVICE, CORDON_NO_SEGMENT, 0 };
	if (packet->gateway) {
		a->v = pass(CORDON_PASS_GATEWAY);
	} else if (role_of(e->p, a->out) == UNLISTED) {
		a->v = deny(CORDON_DENY_UNLISTED, CORDON_KIND_UNLISTED);
	} else if (is_for_its_link(&packet->flow.src)) {
		a->v = deny(CORDON_DENY_LINK_ONLY, CORDON_KIND_UNJUDGED);
	} else if (port == CORDON_ANY_PORT) {
		decide_each(e, packet, uplink, reach_uplink(e->p, a->out, uplink), a);
	} else {
		n = reach_port(e, port, &reach);
		decide_each(e, packet, reach, n, a);
	}
	free(reach);
}

static void decide_local(const struct explain *e, const struct explain_packet *packet, enum role in,
			struct explain_answer *a)
{
	a->local = true;
	a->to = cordon_end_gateway();
	if (packet->gateway)
		a->v = pass(CORDON_PASS_GATEWAY);
	else if (in == UPLINK && cordon_flow_is_for_host(&packet->flow))
		a->v = pass(CORDON_PASS_UPKEEP);
	else
		a->v = cordon_decide_connection(e->p, &a->from, &a->to, packet->flow.proto, packet->flow.dport);
}

/* To one host, as the slow path (kernel/slowpath.c) forwards and sends. */
static void decide_one(const struct explain *e, const struct explain_packet *packet,
		      struct explain_answer *a)
{
	u16 tied = CORDON_ANY_PORT;

	if (a->to.device != CORDON_NO_DEVICE)
		tied = e->p->draft.devices[a->to.device].port;
	else if (role_of(e->p, a->out) == PORT)
		a->to.segment = CORDON_NO_SEGMENT;
	if (!packet->gateway && role_of(e->p, a->out) == UNLISTED)
		a->v = deny(CORDON_DENY_UNLISTED, CORDON_KIND_UNLISTED);
	else if (a->out && !may_be(e, tied, port_of(e->p, a->out)))
		a->v = deny(CORDON_DENY_WRONG_PORT, CORDON_KIND_MOVED_PORT);
	else if (packet->gateway)
		a->v = pass(CORDON_PASS_GATEWAY);
	else
		a->v = cordon_decide_connection(e->p, &a->from, &a->to, packet->flow.proto, packet->flow.dport);
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
		out = link_of_port(e, e->p->draft.devices[device].port);
	return out;
}

/* Where a packet comes in if nobody says so: of no device, on whose link its source is. */
static const struct explain_link *find_in(const struct explain *e, const struct explain_packet *packet)
{
	u16 port;

	if (packet->in || packet->gateway)
		return packet->in;
	if (packet->device == CORDON_NO_DEVICE)
		return find_on_link(e, &packet->flow.src);
	port = e->p->draft.devices[packet->device].port;
	return port != CORDON_ANY_PORT ? link_of_port(e, port) : NULL;
}

/* Who sends it, and may he, from there? */
static struct cordon_verdict decide_sender(const struct explain *e, const struct explain_packet *packet,
					  const struct explain_link *in, struct cordon_end *from)
{
	enum role role = role_of(e->p, in);

	*from = cordon_end_gateway();
	if (packet->gateway)
		return pass(CORDON_PASS_GATEWAY);
	if (packet->device != CORDON_NO_DEVICE) {
		*from = e->ends[packet->device];
		if (!in)
			role = PORT;
	} else {
		*from = (struct cordon_end){ CORDON_NO_DEVICE, CORDON_NO_SEGMENT, 0 };
		if (role == UPLINK)
			from->segment = sender_segment(e, &packet->flow.src, in);
	}
	if (role == UNLISTED)
		return deny(CORDON_DENY_UNLISTED, CORDON_KIND_UNLISTED);
	return role == PORT ? decide_port(e, packet, in) : decide_uplink(e, &packet->flow.src, in);
}

static void finish(const struct explain *e, const struct explain_packet *packet, struct explain_answer *a)
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
	a->fast = !packet->gateway && !a->local && !explain_is_many(e, packet) &&
		  cordon_decide_may_stamp(&packet->flow, &a->from, &a->to);
}

/*
 * One copy to the gateway, and one for each interface that the policy lists, but, for groups, for the
 * one it came in on; or for one alone.
 */
static u32 explain_many(const struct explain *e, const struct explain_packet *packet,
			const struct explain_link *in, enum role role,
			const struct explain_answer *base, struct explain_answer *answers)
{
	const struct explain_link *out = packet->out ? packet->out :
							explain_broadcast(e, &packet->flow.dst);
	bool own = !packet->gateway && is_for_its_link(&packet->flow.src);
	bool far = !own && !stays_on_link(&packet->flow.dst);
	u32 i, n = 0;

	if (!packet->gateway && !packet->out) {
		answers[n] = *base;
		decide_local(e, packet, role, &answers[n++]);
	}
	for (i = 0; i < e->n_links; i++) {
		if (out ? out != &e->links[i] : !far || role_of(e->p, &e->links[i]) == UNLISTED)
			continue;
		if (!out && in == &e->links[i])
			continue;
		answers[n] = *base;
		answers[n].out = &e->links[i];
		decide_many(e, packet, &answers[n++]);
	}
	return n;
}

static bool is_listener_report(const struct cordon_flow *f)
{
	return f->proto == IPPROTO_ICMPV6 &&
	       (f->dport == MLD_REPORT || f->dport == MLD_DONE || f->dport == MLD2_REPORT);
}

/* By which of its addresses the gateway is reached from a source that is good for the link only. */
static struct cordon_addr gateway_address(const struct cordon_flow *f)
{
	if (cordon_addr_is_v4(&f->src))
		return cordon_addr_v4(0xffffffff);
	if (cordon_addr_is_unspecified(&f->src) || is_listener_report(f))
		return (struct cordon_addr){ 0xff02000000000000ULL, 1 };
	return (struct cordon_addr){ 0xfe80000000000000ULL, 1 };
}

/**
 * explain_complete - fill in what nobody asks about, as a sound packet has it
 * @e: the gateway
 * @packet: source and destination, protocol and destination port are known
 *
 * The source port of a DHCP client, the hop limits of neighbour discovery (RFC 4861, 7.1) and of
 * listener reports (RFC 3810, 5); who solicits asks for an address of his own.
 */
void explain_complete(const struct explain *e, struct explain_packet *packet)
{
	const struct cordon_device_def *d;
	struct cordon_flow *f = &packet->flow;
	u32 i;

	f->sport = EPHEMERAL;
	if (f->proto == IPPROTO_UDP && f->dport == CORDON_PORT_DHCP)
		f->sport = DHCP_CLIENT;
	if (f->proto == IPPROTO_UDP && f->dport == CORDON_PORT_DHCP6)
		f->sport = DHCP6_CLIENT;
	f->hop_limit = f->proto == IPPROTO_ICMPV6 ? 255 : 64;
	if (is_listener_report(f))
		f->hop_limit = 1;
	if (packet->to_gateway)
		f->dst = gateway_address(f);
	d = packet->device == CORDON_NO_DEVICE ? NULL : &e->p->draft.devices[packet->device];
	for (i = 0; d && i < d->n; i++)
		if (!cordon_addr_is_v4(&e->p->draft.addresses[d->first + i]))
			f->target = e->p->draft.addresses[d->first + i];
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
 * Of a packet for many there is an answer for the gateway and each port and uplink; of any other,
 * or where it is refused for its source, one.
 *
 * Return: how many.
 */
u32 explain_packet(const struct explain *e, const struct explain_packet *packet,
		   struct explain_answer *answers)
{
	const struct explain_link *in = find_in(e, packet);
	struct explain_answer base = { 0 };
	enum role role;
	u32 i, n = 1;

	base.v = decide_sender(e, packet, in, &base.from);
	role = packet->device != CORDON_NO_DEVICE && !in ? PORT : role_of(e->p, in);
	base.to = find_to(e, packet);
	answers[0] = base;
	if (!base.v.accept) {
		n = 1;
	} else if (explain_is_many(e, packet)) {
		n = explain_many(e, packet, in, role, &base, answers);
	} else if (packet->to_gateway || is_self(e, &packet->flow.dst)) {
		decide_local(e, packet, role, &answers[0]);
	} else {
		answers[0].out = find_out(e, packet, in);
		decide_one(e, packet, &answers[0]);
	}
	for (i = 0; i < n; i++)
		finish(e, packet, &answers[i]);
	return n;
}

/**
 * explain_reason - a verdict's reason in words
 * @reason: enum cordon_reason
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
	};
	static_assert(sizeof(text) / sizeof(*text) == CORDON_REASONS, "a reason without words");

	return reason < CORDON_REASONS && text[reason] ? text[reason] : "?";
}
