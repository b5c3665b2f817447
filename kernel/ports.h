/* SPDX-License-Identifier: GPL-2.0 */
/* What each interface of a namespace is to the policy in force. */
#ifndef _CORDON_PORTS_H
#define _CORDON_PORTS_H

#include <linux/netdevice.h>
#include <linux/rcupdate.h>

#include "core/policy.h"

/** enum cordon_role - what an interface is to the policy */
enum cordon_role {
	CORDON_ROLE_UNLISTED,	/* closed: in neither list, or stacked on what closes it */
	CORDON_ROLE_PORT,	/* devices live behind it */
	CORDON_ROLE_UPLINK,	/* listed, and no port */
	CORDON_ROLE_LOOPBACK,	/* the namespace's own */
};

/**
 * struct cordon_interface - an interface that the policy lists
 * @ifindex: its index; 0, the slot is free
 * @wire: index of the port whose wire it shares: of a macvlan, the one below it; else its own
 * @port: which port it is, of a macvlan that of @wire; or CORDON_ANY_PORT
 * @role: enum cordon_role
 */
struct cordon_interface {
	int ifindex;
	int wire;
	u16 port;
	u8 role;
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
 * @rcu: frees it
 * @mask: number of slots less one
 * @n_places: length of @places
 * @places: by interface and segment in ascending order, for segments that name interfaces
 * @slots: open addressing; what is not found is closed
 */
struct cordon_ports {
	struct rcu_head rcu;
	u32 mask;
	u32 n_places;
	struct cordon_place *places;
	struct cordon_interface slots[];
};

struct cordon_ports *cordon_ports_new(struct net *net, const struct cordon_policy *policy);
void cordon_ports_free(struct cordon_ports *ports);
const struct net_device *cordon_ports_bridged(struct net *net,
					      const struct cordon_draft *draft);
int cordon_ports_ifindex(const struct cordon_ports *ports, u16 port);
bool cordon_ports_holds(const struct cordon_ports *ports, int ifindex, u16 segment);
u16 cordon_ports_segment(const struct cordon_ports *ports, int ifindex);

/**
 * cordon_ports_find - what an interface is, by its index
 * @ports: the ports
 * @ifindex: the interface
 *
 * Return: NULL, it is not listed.
 */
static inline const struct cordon_interface *cordon_ports_find(const struct cordon_ports *ports,
							       int ifindex)
{
	u32 slot;

	for (slot = ifindex & ports->mask; ports->slots[slot].ifindex;
	     slot = (slot + 1) & ports->mask)
		if (ports->slots[slot].ifindex == ifindex)
			return &ports->slots[slot];
	return NULL;
}

int cordon_ports_init(void);
void cordon_ports_exit(void);

#endif
