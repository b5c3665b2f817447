// SPDX-License-Identifier: GPL-2.0
/* What the hooks in bridges would do to a frame (kernel/hook_link.c), found out with the code that they run. */
#include <stdlib.h>

#include "../../kernel/core/neighbour.h"

#include "explain_in.h"

static bool has_network(const struct explain_link *bridge, const struct cordon_addr *a)
{
	u32 i;

	for (i = 0; i < bridge->n; i++)
		if (!cordon_addr_is_link_local(&bridge->net[i].addr) &&
		    cordon_addr_is_v4(&bridge->net[i].addr) == cordon_addr_is_v4(a))
			return true;
	return false;
}

/* The device that has an address, a link-local one by its MAC. */
static u32 owner_of(const struct cordon_policy *p, const struct cordon_addr *a)
{
	u32 device = cordon_policy_device_by_addr(p, a);
	u8 mac[6];

	if (device == CORDON_NO_DEVICE && cordon_addr_is_link_local(a) && cordon_mac_of_identifier(a->lo, mac))
		device = cordon_policy_device_by_mac(p, mac);
	return device;
}

/* A device that is behind a port of the bridge is in the VLAN that the packet is in. */
static bool is_in_vlan_of(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
			  u32 device, const struct explain_link *port)
{
	return explain_vlan(e, device, port) == explain_vlan(e, packet->device, in);
}

/**
 * explain_is_switched - a packet for one host is switched, and not routed
 * @e: the gateway
 * @packet: the packet, not for the gateway
 * @in: interface that it comes in on, or NULL
 *
 * The sender asks for the receiver's own MAC, where both are in one of the networks of the bridge, or of its VLAN.
 * Of one without addresses nobody knows; then where the receiver is says it.
 */
bool explain_is_switched(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in)
{
	const struct explain_link *bridge = explain_bridge(e, in), *place = NULL, *home;
	const struct cordon_addr *dst = &packet->flow.dst;
	u32 target = owner_of(e->p, dst);

	if (!bridge || packet->gateway || (packet->out && explain_bridge(e, packet->out) != bridge))
		return false;
	home = explain_home(e, packet->device, in);
	if (packet->out && explain_role(e, packet->out) == CORDON_ROLE_BRIDGE && packet->out != home)
		return false;
	if (cordon_addr_is_link_local(dst))
		return true;
	if (home && has_network(home, dst))
		return explain_on_link(home, dst, &packet->flow.src);
	if (target != CORDON_NO_DEVICE)
		place = explain_place(e, target);
	return place && explain_bridge(e, place) == bridge && is_in_vlan_of(e, packet, in, target, place);
}

/* The lease that a device has holds on another port of the bridge. */
static bool is_leased_elsewhere(const struct explain *e, const struct explain_packet *packet,
				const struct explain_link *in)
{
	const struct cordon_device_def *d;

	if (packet->device == CORDON_NO_DEVICE || !e->places || explain_role(e, in) == CORDON_ROLE_BRIDGE)
		return false;
	d = &e->p->draft.devices[packet->device];
	return cordon_device_authentication(e->p, d) == CORDON_AUTHENTICATION_CERTIFICATE &&
	       (e->ends[packet->device].state == CORDON_STATE_ACTIVE ||
		e->ends[packet->device].state == CORDON_STATE_OUTDATED) &&
	       e->places[packet->device].lease[0] && strcmp(e->places[packet->device].lease, in->name);
}

/**
 * explain_sound - may a device say on its link what it says; as cordon_neighbour_ip(), and as judge() in bridges
 * @e: the gateway
 * @packet: the packet, whose source is its device's own
 * @in: interface that it comes in on, or NULL
 */
struct cordon_verdict explain_sound(const struct explain *e, const struct explain_packet *packet,
				    const struct explain_link *in)
{
	const struct explain_link *bridge = explain_bridge(e, in);

	if (bridge && is_leased_elsewhere(e, packet, in))
		return explain_deny(EXPLAIN_DENY_LEASE, CORDON_KIND_MOVED_PORT);
	if (cordon_flow_is_router(&packet->flow))
		return explain_deny(EXPLAIN_DENY_ROGUE, CORDON_KIND_ROGUE_RA);
	if (bridge && cordon_flow_is_server(&packet->flow) &&
	    !cordon_policy_is_server(e->p, packet->device))
		return explain_deny(EXPLAIN_DENY_ROGUE, CORDON_KIND_ROGUE_DHCP);
	return explain_pass(CORDON_PASS_SOURCE);
}

/* By the policy, or as it was learned; where nobody knows, it may be. As may_be_behind() in the kernel. */
static bool may_be_behind(const struct explain *e, u32 device, const struct explain_link *link)
{
	const struct explain_link *place = explain_place(e, device);

	if (place && cordon_device_ports(&e->p->draft.devices[device]) != 1)
		return place == link;
	return explain_may_be_at(e, device, explain_port(e, link));
}

static struct cordon_verdict decide_neighbours(const struct explain *e, const struct explain_answer *a)
{
	if (cordon_decide_neighbours(e->p, &a->from, &a->to))
		return explain_pass(EXPLAIN_PASS_NEIGHBOURS);
	return explain_deny(EXPLAIN_DENY_NEIGHBOURS, CORDON_KIND_UNJUDGED);
}

/**
 * explain_switched - a frame for one device, as cordon_slow_switched()
 * @e: the gateway
 * @packet: the packet
 * @in: the port that it comes in on, or the bridge, if nobody knows
 * @a: gets the verdict; @a->from is known
 */
void explain_switched(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
		      struct explain_answer *a)
{
	const struct explain_link *out = packet->out;
	u32 target = owner_of(e->p, &packet->flow.dst);

	a->switched = true;
	if (target == CORDON_NO_DEVICE) {
		a->to = (struct cordon_end){ CORDON_NO_DEVICE, CORDON_NO_SEGMENT, 0 };
		a->v = explain_deny(EXPLAIN_DENY_NOBODY, CORDON_KIND_UNJUDGED);
		return;
	}
	a->to = e->ends[target];
	a->neighbours = cordon_decide_neighbours(e->p, &a->from, &a->to);
	a->out = out && explain_role(e, out) != CORDON_ROLE_BRIDGE ? out : explain_place(e, target);
	a->uncounted = true;
	if (a->out && !is_in_vlan_of(e, packet, in, target, a->out)) {
		a->v = explain_deny(EXPLAIN_DENY_VLAN, CORDON_KIND_UNJUDGED);
	} else if (a->out && a->out == in) {
		a->v = explain_pass(EXPLAIN_PASS_BESIDE);
	} else if (a->out && !explain_leaves(e, a->out, explain_vlan(e, target, a->out)).accept) {
		a->v = explain_leaves(e, a->out, explain_vlan(e, target, a->out));
	} else if (a->out && !may_be_behind(e, target, a->out)) {
		a->v = explain_deny(CORDON_DENY_WRONG_PORT, CORDON_KIND_UNJUDGED);
	} else if (cordon_flow_is_of_link(&packet->flow)) {
		a->v = decide_neighbours(e, a);
	} else {
		a->uncounted = false;
		a->v = cordon_decide_connection(e->p, &a->from, &a->to, packet->flow.proto, packet->flow.dport);
	}
}

/**
 * explain_brought - the bridge brings what the gateway sends to where a device is; as output() in bridges
 * @e: the gateway
 * @device: the device
 * @a: passes so far, by @a->out; gets the verdict
 */
void explain_brought(const struct explain *e, u32 device, struct explain_answer *a)
{
	const struct explain_link *bridge = explain_bridge(e, a->out);
	const bool inside = bridge && explain_role(e, a->out) == CORDON_ROLE_BRIDGE;
	const struct explain_link *place = inside ? explain_place(e, device) : a->out;
	struct cordon_verdict v = explain_pass(CORDON_PASS_SOURCE);
	u16 vlan, own;

	if (!bridge)
		return;
	/* By a member that somebody names, it would leave in the device's VLAN there. */
	vlan = explain_vlan(e, inside ? CORDON_NO_DEVICE : device, a->out);
	own = explain_vlan(e, device, place);
	if (vlan == EXPLAIN_NO_VLAN && !bridge->filters)
		v = explain_deny(EXPLAIN_DENY_TAG, CORDON_KIND_UNJUDGED);
	else if (!explain_is_home(e, inside ? CORDON_NO_DEVICE : device, a->out))
		v = explain_deny(EXPLAIN_DENY_NO_GATEWAY, CORDON_KIND_UNJUDGED);
	else if (place && explain_bridge(e, place) != bridge)
		v = explain_deny(EXPLAIN_DENY_ELSEWHERE, CORDON_KIND_UNJUDGED);
	else if (place && own != EXPLAIN_NO_VLAN && own != vlan)
		v = explain_deny(EXPLAIN_DENY_VLAN, CORDON_KIND_UNJUDGED);
	else if (place)
		v = explain_leaves(e, place, own);
	if (v.accept)
		return;
	a->v = v;
	a->uncounted = true;
}

/* For the owner of an address alone, as forward_question() in the kernel. */
static void decide_question(const struct explain *e, const struct explain_packet *packet,
			    const struct explain_link *in, u32 asked, struct explain_answer *a)
{
	if (asked == CORDON_NO_DEVICE || asked == packet->device) {
		a->v = explain_deny(EXPLAIN_DENY_NOBODY, CORDON_KIND_UNJUDGED);
		return;
	}
	a->to = e->ends[asked];
	a->neighbours = cordon_decide_neighbours(e->p, &a->from, &a->to);
	if (!is_in_vlan_of(e, packet, in, asked, a->out))
		a->v = explain_deny(EXPLAIN_DENY_VLAN, CORDON_KIND_UNJUDGED);
	else if (may_be_behind(e, asked, a->out))
		a->v = decide_neighbours(e, a);
	else
		a->v = explain_deny(EXPLAIN_DENY_ELSEWHERE, CORDON_KIND_UNJUDGED);
}

/* A copy for one of the ports, as forward_copy() in the kernel. */
static void decide_copy(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
			struct explain_answer *a)
{
	enum cordon_asks asks = CORDON_ASKS_OWNER;
	struct cordon_reach *reach = NULL;
	u32 n = explain_reach_port(e, explain_port(e, a->out), &reach), asked;

	if (packet->arp)
		asked = cordon_policy_device_by_addr(e->p, &packet->flow.dst);
	else
		asks = cordon_flow_asks(e->p, &packet->flow, &asked);
	if (asks == CORDON_ASKS_OWNER)
		decide_question(e, packet, in, asked, a);
	else if (asks == CORDON_ASKS_LINK)
		a->v = cordon_decide_near(e->p, &a->from, reach, n) ?
		       explain_pass(EXPLAIN_PASS_NEIGHBOURS) :
		       explain_deny(EXPLAIN_DENY_NEIGHBOURS, CORDON_KIND_UNJUDGED);
	else if (cordon_flow_is_of_link(&packet->flow))
		a->v = explain_deny(EXPLAIN_DENY_OF_LINK, CORDON_KIND_UNJUDGED);
	else
		explain_each(e, packet, reach, n, a);
	free(reach);
}

/**
 * explain_copies - a frame for many, to the other ports of its bridge
 * @e: the gateway
 * @packet: the packet
 * @in: the port that it comes in on, or the bridge, if nobody knows
 * @base: what is known so far
 * @answers: room for one for each interface
 *
 * Return: how many.
 */
u32 explain_copies(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
		   const struct explain_answer *base, struct explain_answer *answers)
{
	const struct explain_link *bridge = explain_bridge(e, in), *link;
	const u16 vlan = explain_vlan(e, packet->device, in);
	u32 i, n = 0;

	for (i = 0; bridge && i < e->n_links; i++) {
		link = &e->links[i];
		if (link == in || explain_role(e, link) != CORDON_ROLE_PORT || explain_bridge(e, link) != bridge ||
		    !explain_leaves(e, link, vlan).accept ||
		    (packet->out && explain_role(e, packet->out) != CORDON_ROLE_BRIDGE && packet->out != link))
			continue;
		answers[n] = *base;
		answers[n].out = link;
		answers[n].switched = answers[n].uncounted = true;
		decide_copy(e, packet, in, &answers[n++]);
	}
	return n;
}
