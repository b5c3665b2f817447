// SPDX-License-Identifier: GPL-2.0
/* What an interface is to a policy, by its name and by what it lies on. */
#include "interface.h"

/* The first uplink that matches, a name before a pattern; segments' interfaces follow them. */
static u16 find_uplink(const struct cordon_draft *d, const char *ifname)
{
	u16 found = CORDON_NO_ENTRY;
	u32 i;

	for (i = 0; i < d->n_uplinks + d->n_interfaces; i++) {
		const char *name = cordon_interface_entry(d, CORDON_ROLE_UPLINK, i);

		if (!strcmp(name, ifname))
			return i;
		if (found == CORDON_NO_ENTRY && cordon_ifname_matches(name, ifname))
			found = i;
	}
	return found;
}

/**
 * cordon_interface_listed - what a name alone makes of an interface
 * @d: the policy's draft
 * @ifname: of the interface
 * @entry: gets the place of what lists it, see cordon_interface_entry(); or CORDON_NO_ENTRY
 *
 * Return: enum cordon_role, but never that of the loopback interface.
 */
u8 cordon_interface_listed(const struct cordon_draft *d, const char *ifname, u16 *entry)
{
	u32 i;

	for (i = 0; i < d->n_ports; i++)
		if (!strcmp(d->ports[i].name, ifname)) {
			*entry = i;
			return CORDON_ROLE_PORT;
		}
	*entry = find_uplink(d, ifname);
	return *entry == CORDON_NO_ENTRY ? CORDON_ROLE_UNLISTED : CORDON_ROLE_UPLINK;
}

/**
 * cordon_interface_entry - the name or pattern that lists an interface
 * @d: the policy's draft
 * @listed: enum cordon_role
 * @entry: place in the list of ports; or in that of uplinks, which the segments' interfaces follow
 *
 * Return: NULL, nothing lists it.
 */
const char *cordon_interface_entry(const struct cordon_draft *d, u8 listed, u16 entry)
{
	if (listed == CORDON_ROLE_PORT)
		return d->ports[entry].name;
	if (listed != CORDON_ROLE_UPLINK)
		return NULL;
	return entry < d->n_uplinks ? d->uplinks[entry].name :
				      d->interfaces[entry - d->n_uplinks].name;
}

/**
 * cordon_interface_shares - an interface is, to packets, the port right below it
 * @f: facts about it
 *
 * A gateway puts such an interface on its port for a second MAC address: keepalived for VRRP. What
 * comes in on it was sent by the devices behind that port.
 */
bool cordon_interface_shares(const struct cordon_interface_facts *f)
{
	return f->shape == CORDON_SHAPE_SHARED && f->below_port &&
	       (f->listed == CORDON_ROLE_PORT || f->listed == CORDON_ROLE_UPLINK);
}

static bool is_switch(const struct cordon_interface_facts *f)
{
	return f->shape == CORDON_SHAPE_BRIDGE || f->shape == CORDON_SHAPE_SWITCH;
}

/* What comes in on it has come in on a port before, and was seen there. */
static bool is_bridge_of_ports(const struct cordon_interface_facts *f)
{
	return f->listed == CORDON_ROLE_UNLISTED && f->shape == CORDON_SHAPE_BRIDGE &&
	       f->has_ports;
}

/* A VLAN of such a bridge: likewise. */
static bool is_vlan_of_ports(const struct cordon_interface_facts *f)
{
	return f->listed == CORDON_ROLE_UNLISTED && f->on_bridge;
}

/* Its frames arrive as its master's, and no hook sees them before. */
static bool is_swallowed(const struct cordon_interface_facts *f)
{
	return f->enslaved && (!f->bridged || cordon_interface_shares(f));
}

/* Why a port must be closed. */
static u8 port_closed(const struct cordon_interface_facts *f)
{
	if (cordon_interface_shares(f) && !f->below_open)
		return CORDON_CLOSED_ON_CLOSED;
	if (is_swallowed(f))
		return CORDON_CLOSED_IN_MASTER;
	if (is_switch(f))
		return CORDON_CLOSED_SWITCH;
	if (f->shape == CORDON_SHAPE_VRF)
		return CORDON_CLOSED_VRF;
	return CORDON_CLOSED_NONE;
}

/* Why a bridge of ports, or a VLAN of one, must be closed. */
static u8 bridge_closed(const struct cordon_interface_facts *f)
{
	if (f->enslaved)
		return CORDON_CLOSED_IN_MASTER;
	return f->on_bridge && !f->below_open ? CORDON_CLOSED_ON_CLOSED : CORDON_CLOSED_NONE;
}

/**
 * cordon_interface_role - what an interface is to packets
 * @f: facts about it
 * @closed: gets enum cordon_closed
 *
 * An uplink that lies on a port, or is in a bridge with one, is closed: a device behind the port
 * could tag its frames into it, or have them switched there, and would be believed any source
 * address. So would those behind a port that a new name makes an uplink.
 *
 * Return: enum cordon_role.
 */
u8 cordon_interface_role(const struct cordon_interface_facts *f, u8 *closed)
{
	u8 role = f->listed;

	*closed = CORDON_CLOSED_NONE;
	if (is_bridge_of_ports(f) || is_vlan_of_ports(f)) {
		role = CORDON_ROLE_BRIDGE;
		*closed = bridge_closed(f);
	} else if (role == CORDON_ROLE_UNLISTED) {
		*closed = CORDON_CLOSED_NOT_LISTED;
	} else if (role == CORDON_ROLE_PORT || cordon_interface_shares(f)) {
		role = CORDON_ROLE_PORT;
		*closed = port_closed(f);
	} else if (role == CORDON_ROLE_UPLINK && f->was_port) {
		*closed = CORDON_CLOSED_WAS_PORT;
	} else if (role == CORDON_ROLE_UPLINK && f->on_port) {
		*closed = CORDON_CLOSED_ON_PORT;
	} else if (role == CORDON_ROLE_UPLINK && f->beside_port) {
		*closed = CORDON_CLOSED_BESIDE_PORT;
	}
	return *closed ? CORDON_ROLE_UNLISTED : role;
}

/* A port whose frames cannot be decided on. */
static enum cordon_stack_fault port_fault(const struct cordon_interface_facts *f)
{
	if (is_swallowed(f))
		return CORDON_STACK_ENSLAVED;
	if (is_switch(f))
		return CORDON_STACK_SWITCH;
	return f->shape == CORDON_SHAPE_VRF ? CORDON_STACK_VRF : CORDON_STACK_SOUND;
}

/**
 * cordon_interface_fault - whether a policy can be put in force over an interface as it is
 * @f: facts about it
 *
 * What is wrong with ports is asked of the ports themselves; their masters have no fault of
 * their own that would name the cause better.
 */
enum cordon_stack_fault cordon_interface_fault(const struct cordon_interface_facts *f)
{
	bool tells = f->shape == CORDON_SHAPE_SHARED || f->shape == CORDON_SHAPE_TAGGED;
	enum cordon_stack_fault fault = CORDON_STACK_SOUND;

	if (f->listed == CORDON_ROLE_PORT || cordon_interface_shares(f))
		fault = port_fault(f);
	if (fault || (f->shape == CORDON_SHAPE_SHARED && f->below_port))
		return fault;
	if (f->beside_port && f->listed == CORDON_ROLE_UPLINK)
		return CORDON_STACK_BESIDE;
	if (is_bridge_of_ports(f) || is_vlan_of_ports(f))
		return f->enslaved ? CORDON_STACK_ENSLAVED : CORDON_STACK_SOUND;
	if (f->on_port && f->listed == CORDON_ROLE_UPLINK)
		return CORDON_STACK_UPLINK;
	if (f->on_port && f->listed == CORDON_ROLE_UNLISTED)
		return CORDON_STACK_UNLISTED;
	if (f->listed == CORDON_ROLE_PORT && tells && f->below_known &&
	    f->below == CORDON_ROLE_UNLISTED)
		return CORDON_STACK_BELOW;
	return CORDON_STACK_SOUND;
}
