/* SPDX-License-Identifier: GPL-2.0 */
/* What each interface of a namespace is to the policy in force. */
#ifndef _CORDON_PORTS_H
#define _CORDON_PORTS_H

#include <linux/netdevice.h>
#include <linux/rcupdate.h>

#include "core/interface.h"

#define CORDON_INTERFACE_WAS_PORT	0x01	/* bore the name of a port under this policy */
#define CORDON_INTERFACE_UNTOLD		0x02	/* closed, and no event has told it yet */
#define CORDON_INTERFACE_GONE		0x04	/* there is no such interface any more */
#define CORDON_INTERFACE_BRIDGE		0x08	/* a bridge, or a VLAN of one, by its members */

/**
 * struct cordon_interface - an interface that the policy lists, or listed by another name
 * @ifindex: its index; 0, the slot is free
 * @wire: index of the port whose wire it shares: of a macvlan, the one below it; 0 of a bridge of
 *        ports; else its own
 * @port: which port it is to packets, of a macvlan that of @wire; CORDON_BRIDGE_PORT of a bridge of
 *        ports; or CORDON_ANY_PORT
 * @entry: what lists it, see cordon_interface_entry(); or CORDON_NO_ENTRY
 * @role: enum cordon_role, unless it is closed
 * @listed: enum cordon_role, what its name alone makes of it
 * @closed: enum cordon_closed; this and @role may change while packets read the rest
 * @flags: CORDON_INTERFACE_*
 */
struct cordon_interface {
	int ifindex;
	int wire;
	u16 port;
	u16 entry;
	u8 role;
	u8 listed;
	u8 closed;
	u8 flags;
};

/**
 * struct cordon_place - an interface through which the networks of a segment are reached
 * @ifindex: of an uplink
 * @segment: the segment
 */
struct cordon_place {
	int ifindex;
	u16 segment;
};

/**
 * struct cordon_ports - the interfaces that the policy lists, by index
 * @mask: number of slots less one
 * @used: slots that are not free, those of interfaces that are gone included
 * @n_places: length of @places
 * @places: by interface and segment in ascending order, for segments that name interfaces
 * @by_port: of each port of the policy, the slot of its interface and one more; 0, there was none
 * @slots: open addressing; what is not found is closed
 *
 * Packets read it under RCU. While they do, a free slot may be filled and an interface be
 * closed; for everything else a copy takes its place. A slot is never filled a second time.
 */
struct cordon_ports {
	u32 mask;
	u32 used;
	u32 n_places;
	struct cordon_place *places;
	u32 *by_port;
	struct cordon_interface slots[];
};

struct cordon_ports *cordon_ports_alloc(const struct cordon_policy *policy, u32 interfaces,
					u32 places);
struct cordon_ports *cordon_ports_copy(const struct cordon_ports *ports,
				       const struct cordon_policy *policy, int without);
void cordon_ports_free(struct cordon_ports *ports);
void cordon_ports_add(struct cordon_ports *ports, const struct cordon_policy *policy,
		      const char *ifname, const struct cordon_interface *interface);
u32 cordon_ports_places(const struct cordon_policy *policy, const char *ifname);
bool cordon_ports_has_room(const struct cordon_ports *ports);
void cordon_interface_init(struct cordon_interface *interface, const struct cordon_policy *policy,
			   const struct net_device *dev, const struct cordon_interface *before);
u16 cordon_ports_wire(const struct cordon_ports *ports, u16 port);
int cordon_ports_ifindex(const struct cordon_ports *ports, u16 port);
bool cordon_ports_bridged(const struct cordon_ports *ports);
bool cordon_ports_holds(const struct cordon_ports *ports, int ifindex, u16 segment);
u16 cordon_ports_segment(const struct cordon_ports *ports, int ifindex);

/**
 * cordon_ports_known - what is known of an interface, closed or not
 * @ports: the ports
 * @ifindex: the interface
 *
 * Return: NULL, its name is in no list, nor was it.
 */
static inline const struct cordon_interface *cordon_ports_known(const struct cordon_ports *ports,
								int ifindex)
{
	u32 slot = ifindex & ports->mask;
	int there;

	/* Pairs with the release in ports.c: the rest of the slot was written before. */
	for (; (there = smp_load_acquire(&ports->slots[slot].ifindex));
	     slot = (slot + 1) & ports->mask)
		if (there == ifindex)
			return &ports->slots[slot];
	return NULL;
}

/**
 * cordon_ports_find - what an interface is to packets
 * @ports: the ports
 * @ifindex: the interface
 *
 * Return: NULL, it is closed.
 */
static inline const struct cordon_interface *cordon_ports_find(const struct cordon_ports *ports,
							       int ifindex)
{
	const struct cordon_interface *interface = cordon_ports_known(ports, ifindex);

	return interface && !READ_ONCE(interface->closed) ? interface : NULL;
}

/* The same as cordon_ports_known() for whoever may change it. */
static inline struct cordon_interface *cordon_ports_slot(struct cordon_ports *ports, int ifindex)
{
	return (struct cordon_interface *)cordon_ports_known(ports, ifindex);
}

/**
 * cordon_ports_may_be - a device may be behind a port: it is one of its own, or one's wire
 * @ports: the ports
 * @device: the device
 * @at: the port, as an interface has it; or CORDON_ANY_PORT, no port
 *
 * Of what comes in on a bridge of ports, the hooks at its members have seen where it came in, and
 * of what leaves by one they see where it leaves.
 */
static inline bool cordon_ports_may_be(const struct cordon_ports *ports,
				       const struct cordon_device_def *device, u16 at)
{
	u32 i;

	if (likely(cordon_device_may_be_at(device, at)) || at == CORDON_BRIDGE_PORT)
		return true;
	for (i = 0; i < cordon_device_ports(device); i++)
		if (cordon_ports_wire(ports, cordon_device_port(device, i)) == at)
			return true;
	return false;
}

/**
 * cordon_ports_may_have - a device may be behind an interface, as the hooks of IP and ARP see it
 * @ports: the ports
 * @device: the device
 * @at: as for cordon_ports_may_be()
 *
 * In a VLAN of its ports, it is behind a bridge: where no bridge is, a VLAN has an interface and is
 * no port's.
 */
static inline bool cordon_ports_may_have(const struct cordon_ports *ports,
					 const struct cordon_device_def *device, u16 at)
{
	return unlikely(device->vlan) ? at == CORDON_BRIDGE_PORT :
					cordon_ports_may_be(ports, device, at);
}

/* Its name, or the one that it had, says something; else it has no slot. */
static inline bool cordon_interface_is_kept(const struct cordon_interface *interface)
{
	return !(interface->flags & CORDON_INTERFACE_GONE) &&
	       (interface->listed != CORDON_ROLE_UNLISTED ||
		interface->flags & (CORDON_INTERFACE_WAS_PORT | CORDON_INTERFACE_BRIDGE));
}

/* Devices live behind it. */
static inline bool cordon_interface_has_devices(const struct cordon_interface *interface)
{
	return interface->role == CORDON_ROLE_PORT || interface->role == CORDON_ROLE_BRIDGE;
}

/* Something above it must not become an uplink. */
static inline bool cordon_interface_is_port(const struct cordon_interface *interface)
{
	return interface && !(interface->flags & CORDON_INTERFACE_GONE) &&
	       (interface->listed == CORDON_ROLE_PORT ||
		interface->flags & CORDON_INTERFACE_WAS_PORT);
}

#endif
