/* SPDX-License-Identifier: GPL-2.0 */
/* What an interface is to a policy, by its name and by what it lies on. */
#ifndef _CORDON_INTERFACE_H
#define _CORDON_INTERFACE_H

#include "policy.h"

#define CORDON_NO_ENTRY		0xffff

/** enum cordon_shape - how an interface gets frames from those below it */
enum cordon_shape {
	CORDON_SHAPE_PLAIN,	/* by itself, or as the master of members that do not name it */
	CORDON_SHAPE_SHARED,	/* macvlan, macvtap, ipvlan: as they are on the wire below */
	CORDON_SHAPE_TAGGED,	/* VLAN, MACsec: those below that bear its tag */
	CORDON_SHAPE_BRIDGE,	/* from members, between which it switches before its own hooks */
	CORDON_SHAPE_SWITCH,	/* Open vSwitch: likewise, and no hook sees what it switches */
	CORDON_SHAPE_VRF,	/* from members, on which they are seen first */
};

/**
 * struct cordon_interface_facts - facts about an interface
 * @listed: enum cordon_role, what its name alone makes of it
 * @shape: enum cordon_shape
 * @enslaved: it is in a bond, team, bridge, VRF or the like, as which its packets arrive
 * @bridged: that is a bridge, of CORDON_SHAPE_BRIDGE, in the same namespace, in no list, and in
 *	nothing itself
 * @beside_port: it is in a bridge in which a port is, too
 * @has_ports: a member of it, a bridge, is a port by its name, or was one under this policy
 * @was_port: it was a port under this policy, and was renamed
 * @on_port: an interface below it, at any depth, is a port by its name, or was one
 * @below: of a shared or tagged one, what its name makes of the interface right below
 * @below_known: there is one right below, in the same namespace
 * @below_port: that one is a port by its name, or was one under this policy
 * @on_bridge: it is a VLAN of 802.1Q right above a bridge of ports
 * @below_open: the one right below is a port to packets now, or that bridge is one of ports
 */
struct cordon_interface_facts {
	u8 listed;
	u8 shape;
	bool enslaved;
	bool bridged;
	bool beside_port;
	bool has_ports;
	bool was_port;
	bool on_port;
	u8 below;
	bool below_known;
	bool below_port;
	bool on_bridge;
	bool below_open;
};

/** enum cordon_stack_fault - why a policy cannot be put in force over the interfaces as they are */
enum cordon_stack_fault {
	CORDON_STACK_SOUND,
	CORDON_STACK_ENSLAVED,		/* a port is in something */
	CORDON_STACK_SWITCH,		/* a port is a bridge */
	CORDON_STACK_BESIDE,		/* an uplink is in a bridge in which a port is, too */
	CORDON_STACK_VRF,		/* a port is a VRF */
	CORDON_STACK_UPLINK,		/* an uplink lies on a port */
	CORDON_STACK_UNLISTED,		/* what lies on a port is not listed */
	CORDON_STACK_BELOW,		/* what lies below a port is not listed */
};

u8 cordon_interface_listed(const struct cordon_draft *d, const char *ifname, u16 *entry);
const char *cordon_interface_entry(const struct cordon_draft *d, u8 listed, u16 entry);
bool cordon_interface_shares(const struct cordon_interface_facts *f);
u8 cordon_interface_role(const struct cordon_interface_facts *f, u8 *closed);
enum cordon_stack_fault cordon_interface_fault(const struct cordon_interface_facts *f);

#endif
