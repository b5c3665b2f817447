// SPDX-License-Identifier: GPL-2.0
/* What an interface is to packets, by the kernel's own code, and where a device is. */
#include "../../kernel/core/interface.h"

#include "explain_in.h"

static u8 listed(const struct explain *e, const struct explain_link *link)
{
	u16 entry;

	return cordon_interface_listed(&e->p->draft, link->name, &entry);
}

/* What it is in, if that is a bridge. */
static const struct explain_link *master_of(const struct explain *e, const struct explain_link *link)
{
	const struct explain_link *master = link->master[0] ? explain_find_link(e, link->master) : NULL;

	return master && master->is_bridge ? master : NULL;
}

/* A member of a bridge is a port by its name. */
static bool has_ports(const struct explain *e, const struct explain_link *bridge)
{
	u32 i;

	for (i = 0; i < e->n_links; i++)
		if (master_of(e, &e->links[i]) == bridge && listed(e, &e->links[i]) == CORDON_ROLE_PORT)
			return true;
	return false;
}

/**
 * explain_role - what an interface is to packets, as cordon_stack_classify()
 * @e: the gateway
 * @link: the interface; NULL, it is not known, and taken for an uplink
 *
 * What lies below it is not looked at, but for the wire that it shares.
 *
 * Return: enum cordon_role.
 */
u8 explain_role(const struct explain *e, const struct explain_link *link)
{
	struct cordon_interface_facts f = { 0 };
	const struct explain_link *master, *wire, *below;
	u8 closed;

	if (!link)
		return CORDON_ROLE_UPLINK;
	master = master_of(e, link);
	f.listed = listed(e, link);
	f.enslaved = link->master[0];
	f.bridged = master && listed(e, master) == CORDON_ROLE_UNLISTED && !master->master[0];
	f.beside_port = master && has_ports(e, master);
	f.shape = link->is_bridge ? CORDON_SHAPE_BRIDGE : link->wire[0] ? CORDON_SHAPE_SHARED : CORDON_SHAPE_PLAIN;
	f.has_ports = link->is_bridge && has_ports(e, link);
	wire = link->wire[0] ? explain_find_link(e, link->wire) : NULL;
	f.below_port = wire && listed(e, wire) == CORDON_ROLE_PORT;
	f.below_open = f.below_port && explain_role(e, wire) == CORDON_ROLE_PORT;
	below = link->vlan ? explain_find_link(e, link->below) : NULL;
	f.on_bridge = below && below->is_bridge && listed(e, below) == CORDON_ROLE_UNLISTED && has_ports(e, below);
	f.below_open |= f.on_bridge && explain_role(e, below) == CORDON_ROLE_BRIDGE;
	return cordon_interface_role(&f, &closed);
}

static u16 port_named(const struct cordon_policy *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->draft.n_ports; i++)
		if (!strcmp(p->draft.ports[i].name, name))
			return i;
	return CORDON_ANY_PORT;
}

/**
 * explain_port - the port that an interface is to packets
 * @e: the gateway
 * @link: the interface, or NULL
 *
 * Return: of what shares the wire of a port, that one; of a bridge of ports CORDON_BRIDGE_PORT; of what
 * is none CORDON_ANY_PORT.
 */
u16 explain_port(const struct explain *e, const struct explain_link *link)
{
	u16 wire;

	switch (link ? explain_role(e, link) : CORDON_ROLE_UPLINK) {
	case CORDON_ROLE_BRIDGE:
		return CORDON_BRIDGE_PORT;
	case CORDON_ROLE_PORT:
		wire = port_named(e->p, link->wire);
		return wire != CORDON_ANY_PORT ? wire : port_named(e->p, link->name);
	default:
		return CORDON_ANY_PORT;
	}
}

/**
 * explain_has_devices - devices live behind an interface
 * @e: the gateway
 * @link: the interface, or NULL
 */
bool explain_has_devices(const struct explain *e, const struct explain_link *link)
{
	return explain_port(e, link) != CORDON_ANY_PORT;
}

/**
 * explain_link_of_port - the interface that is a port
 * @e: the gateway
 * @port: the port
 *
 * Return: NULL, there is none.
 */
const struct explain_link *explain_link_of_port(const struct explain *e, u16 port)
{
	return explain_find_link(e, e->p->draft.ports[port].name);
}

/**
 * explain_may_be - what is behind a port may be behind another, or the same
 * @e: the gateway
 * @tied: that port
 * @at: the other one
 */
bool explain_may_be(const struct explain *e, u16 tied, u16 at)
{
	if (tied == at || at == CORDON_BRIDGE_PORT)
		return true;
	return at != CORDON_ANY_PORT && explain_port(e, explain_link_of_port(e, tied)) == at;
}

/**
 * explain_may_be_at - a device may be behind a port, as cordon_ports_may_be()
 * @e: the gateway
 * @device: the device
 * @at: the port
 */
bool explain_may_be_at(const struct explain *e, u32 device, u16 at)
{
	const struct cordon_device_def *d = &e->p->draft.devices[device];
	u32 i;

	for (i = 0; i < cordon_device_ports(d); i++)
		if (explain_may_be(e, cordon_device_port(d, i), at))
			return true;
	return !i;
}

/**
 * explain_bridge - the bridge of ports that an interface is, or is a VLAN of, or is a port in
 * @e: the gateway
 * @link: the interface, or NULL
 *
 * Return: NULL, there is none.
 */
const struct explain_link *explain_bridge(const struct explain *e, const struct explain_link *link)
{
	u8 role = link ? explain_role(e, link) : CORDON_ROLE_UNLISTED;

	if (role == CORDON_ROLE_BRIDGE)
		return link->vlan ? explain_find_link(e, link->below) : link;
	return role == CORDON_ROLE_PORT ? master_of(e, link) : NULL;
}

/**
 * explain_place - where a device is: by the policy, or, if that does not say, as the bridge has learned
 * @e: the gateway
 * @device: the device
 *
 * Return: the interface; NULL, nobody knows.
 */
const struct explain_link *explain_place(const struct explain *e, u32 device)
{
	const struct cordon_device_def *d = &e->p->draft.devices[device];
	const struct explain_link *link;

	if (cordon_device_ports(d) == 1)
		return explain_link_of_port(e, d->port);
	link = e->places ? explain_find_link(e, e->places[device].seen) : NULL;
	return link && explain_bridge(e, link) && explain_may_be_at(e, device, explain_port(e, link)) ? link : NULL;
}

static bool has_vlan(const u8 *vlans, u16 vlan)
{
	return vlan <= CORDON_MAX_VLAN && vlans[vlan / 8] & 1 << vlan % 8;
}

/**
 * explain_vlan - the VLAN of its bridge that a device is in, if it is behind an interface; as cordon_vlan_of()
 * @e: the gateway
 * @device: the device; CORDON_NO_DEVICE, whatever comes in there untagged
 * @link: the bridge, a VLAN of it, a port in it, or what is in none; or NULL
 *
 * Return: 0, the bridge does not filter them; EXPLAIN_NO_VLAN, it is in none there.
 */
u16 explain_vlan(const struct explain *e, u32 device, const struct explain_link *link)
{
	const struct explain_link *bridge = explain_bridge(e, link);

	if (!bridge)
		return 0;
	if (device != CORDON_NO_DEVICE && e->p->draft.devices[device].vlan)
		return e->p->draft.devices[device].vlan;
	if (!bridge->filters)
		return link->vlan ? EXPLAIN_NO_VLAN : 0;
	if (link->vlan)
		return link->vlan;
	return link->pvid ? link->pvid : EXPLAIN_NO_VLAN;
}

/**
 * explain_home - by which interface the gateway itself is on the link behind another
 * @e: the gateway
 * @device: who sends there, or CORDON_NO_DEVICE
 * @link: the other, as for explain_vlan()
 *
 * Return: the VLAN of a bridge, or the bridge; NULL, by none; of what is in no bridge of ports, itself.
 */
const struct explain_link *explain_home(const struct explain *e, u32 device, const struct explain_link *link)
{
	const struct explain_link *bridge = explain_bridge(e, link);
	u16 vlan = explain_vlan(e, device, link);
	u32 i;

	if (!bridge || !vlan)
		return bridge ? bridge : link;
	for (i = 0; i < e->n_links; i++)
		if (e->links[i].vlan == vlan && !strcmp(e->links[i].below, bridge->name))
			return &e->links[i];
	return bridge->pvid == vlan ? bridge : NULL;
}

/**
 * explain_is_home - the gateway itself gets what a device sends to it, or has routed
 * @e: the gateway
 * @device: who sends, or CORDON_NO_DEVICE
 * @link: where it comes in, as for explain_vlan(); or NULL
 *
 * A VLAN of the bridge may have no interface, and the bridge itself may not be in it.
 */
bool explain_is_home(const struct explain *e, u32 device, const struct explain_link *link)
{
	const struct explain_link *bridge = explain_bridge(e, link);
	u16 vlan = explain_vlan(e, device, link);

	return !bridge || !vlan || (explain_home(e, device, link) && has_vlan(bridge->in_vlan, vlan));
}

/**
 * explain_may_have - a device may be behind an interface; as cordon_ports_may_have(), and as the hooks in bridges
 * @e: the gateway
 * @device: the device
 * @link: the interface
 */
bool explain_may_have(const struct explain *e, u32 device, const struct explain_link *link)
{
	const struct cordon_device_def *d = &e->p->draft.devices[device];
	const struct explain_link *bridge = explain_bridge(e, link), *place;
	const bool inside = bridge && explain_role(e, link) == CORDON_ROLE_BRIDGE;
	u16 vlan;

	if (d->vlan && (!bridge || !bridge->filters))
		return false;
	if (inside) {
		/* It was seen at a member before. */
		vlan = explain_vlan(e, CORDON_NO_DEVICE, link);
		place = explain_place(e, device);
		if (vlan == EXPLAIN_NO_VLAN ||
		    (place && explain_bridge(e, place) == bridge && explain_vlan(e, device, place) != vlan))
			return false;
	}
	return explain_may_be_at(e, device, explain_port(e, link));
}

/**
 * explain_may_lead - what leaves by an interface may be for a device; as cordon_ports_may_have()
 * @e: the gateway
 * @device: the device
 * @link: the interface
 *
 * In a bridge the hook at the member has its say later, see explain_brought().
 */
bool explain_may_lead(const struct explain *e, u32 device, const struct explain_link *link)
{
	const struct cordon_device_def *d = &e->p->draft.devices[device];

	return (!d->vlan || explain_bridge(e, link)) && explain_may_be_at(e, device, explain_port(e, link));
}

/**
 * explain_enters - a member of a bridge takes a device's frames, in its VLAN; as judge_vlan() in the kernel, and the bridge
 * @e: the gateway
 * @device: the device
 * @link: the member; or whatever it comes in on, or NULL
 */
struct cordon_verdict explain_enters(const struct explain *e, u32 device, const struct explain_link *link)
{
	const struct explain_link *bridge = explain_bridge(e, link);
	u16 vlan = explain_vlan(e, device, link);

	if (!bridge || !bridge->filters || explain_role(e, link) == CORDON_ROLE_BRIDGE)
		return explain_pass(CORDON_PASS_SOURCE);
	if (vlan == EXPLAIN_NO_VLAN)
		return explain_deny(EXPLAIN_DENY_NO_PVID, CORDON_KIND_UNJUDGED);
	if (bridge->provider && link->pvid != vlan)
		return explain_deny(EXPLAIN_DENY_TAG, CORDON_KIND_UNJUDGED);
	return has_vlan(link->in_vlan, vlan) ? explain_pass(CORDON_PASS_SOURCE) :
					       explain_deny(EXPLAIN_DENY_NOT_IN_VLAN, CORDON_KIND_UNJUDGED);
}

/**
 * explain_leaves - frames of a VLAN leave by a member of a bridge; as cordon_vlan_leaves(), and the bridge
 * @e: the gateway
 * @link: the member
 * @vlan: the VLAN, as from explain_vlan()
 */
struct cordon_verdict explain_leaves(const struct explain *e, const struct explain_link *link, u16 vlan)
{
	const struct explain_link *bridge = explain_bridge(e, link);

	if (!bridge || !bridge->filters)
		return vlan ? explain_deny(EXPLAIN_DENY_VLAN, CORDON_KIND_UNJUDGED) :
			      explain_pass(CORDON_PASS_SOURCE);
	if (vlan == EXPLAIN_NO_VLAN)
		return explain_deny(EXPLAIN_DENY_NO_PVID, CORDON_KIND_UNJUDGED);
	if (!has_vlan(link->in_vlan, vlan))
		return explain_deny(EXPLAIN_DENY_NOT_IN_VLAN, CORDON_KIND_UNJUDGED);
	return bridge->provider && !has_vlan(link->untagged, vlan) ?
	       explain_deny(EXPLAIN_DENY_TAG, CORDON_KIND_UNJUDGED) : explain_pass(CORDON_PASS_SOURCE);
}
