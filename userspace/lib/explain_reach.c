// SPDX-License-Identifier: GPL-2.0
/* Whom a packet for many reaches, found out with the code that the kernel runs. */
#include <stdlib.h>

#include "explain_in.h"

/**
 * explain_own_segments - the segments of the networks that an interface's own addresses lie in
 * @p: the policy
 * @link: the interface
 * @reach: room for CORDON_MAX_REACH
 *
 * Return: how many.
 */
u32 explain_own_segments(const struct cordon_policy *p, const struct explain_link *link, struct cordon_reach *reach)
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

/**
 * explain_reach_uplink - the segments on the link of an uplink, as cordon_link_uplink()
 * @p: the policy
 * @link: the uplink
 * @reach: room for CORDON_MAX_REACH
 *
 * Return: how many.
 */
u32 explain_reach_uplink(const struct cordon_policy *p, const struct explain_link *link, struct cordon_reach *reach)
{
	const struct cordon_draft *d = &p->draft;
	u32 i, n = 0;

	for (i = 0; i < d->n_interfaces; i++)
		if (cordon_ifname_matches(d->interfaces[i].name, link->name))
			n = cordon_reach_add(reach, n, d->interfaces[i].segment);
	if (!n)
		n = explain_own_segments(p, link, reach);
	return n <= CORDON_MAX_REACH ? n : 0;
}

/* Networks of an interface, and how many there are then. */
static u32 add_own(const struct explain_link *link, struct cordon_network_def *own, u32 n)
{
	u32 i;

	for (i = 0; link && i < link->n; i++) {
		if (cordon_addr_is_link_local(&link->net[i].addr))
			continue;
		if (n < CORDON_MAX_SUBNETS)
			own[n] = link->net[i];
		n++;
	}
	return n;
}

static u32 port_subnets(const struct explain *e, struct cordon_subnet *subnets)
{
	struct cordon_network_def own[CORDON_MAX_SUBNETS];
	const struct explain_link *link, *bridge;
	u32 port, i, n = 0, n_own;

	for (port = 0; port < e->p->draft.n_ports; port++) {
		link = explain_link_of_port(e, port);
		/* What is behind a port of a bridge is in the networks of the bridge and of its VLANs. */
		bridge = explain_bridge(e, link);
		n_own = add_own(bridge ? bridge : link, own, 0);
		for (i = 0; bridge && i < e->n_links; i++)
			if (!strcmp(e->links[i].below, bridge->name))
				n_own = add_own(&e->links[i], own, n_own);
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
		for (s = 0; i != port && explain_may_be(e, i, port) && s < d->n_segments; s++)
			demands[port * d->n_segments + s] |= demands[i * d->n_segments + s];
}

/**
 * explain_reach_port - the segments behind a port, as cordon_links_new()
 * @e: the gateway
 * @port: the port
 * @out: gets them; free() it
 *
 * Return: how many.
 */
u32 explain_reach_port(const struct explain *e, u16 port, struct cordon_reach **out)
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

/**
 * explain_each - decide on a packet for many towards each of the segments by itself
 * @e: the gateway
 * @packet: the packet
 * @reach: the segments that it reaches
 * @n: how many
 * @a: gets the verdict, and the segment that denies it
 */
void explain_each(const struct explain *e, const struct explain_packet *packet, const struct cordon_reach *reach,
		  u32 n, struct explain_answer *a)
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
