/* SPDX-License-Identifier: GPL-2.0 */
/* Which interface is which port of a policy. */
#ifndef _CORDON_PORTS_H
#define _CORDON_PORTS_H

#include <linux/netdevice.h>
#include <linux/rcupdate.h>

#include "core/policy.h"

/**
 * struct cordon_ports - interfaces that are ports, by index
 * @rcu: frees it
 * @mask: number of slots less one
 * @slots: open addressing; ifindex 0 is free
 */
struct cordon_ports {
	struct rcu_head rcu;
	u32 mask;
	struct {
		int ifindex;
		u16 port;
	} slots[];
};

struct cordon_ports *cordon_ports_new(struct net *net, const struct cordon_draft *draft);
const struct net_device *cordon_ports_bridged(struct net *net,
					      const struct cordon_draft *draft);
int cordon_ports_ifindex(const struct cordon_ports *ports, u16 port);

/**
 * cordon_ports_find_index - which port an interface is, by its index
 * @ports: the ports
 * @ifindex: the interface
 *
 * Return: the port, or CORDON_ANY_PORT when it is none.
 */
static inline u16 cordon_ports_find_index(const struct cordon_ports *ports, int ifindex)
{
	u32 slot;

	for (slot = ifindex & ports->mask; ports->slots[slot].ifindex;
	     slot = (slot + 1) & ports->mask)
		if (ports->slots[slot].ifindex == ifindex)
			return ports->slots[slot].port;
	return CORDON_ANY_PORT;
}

/**
 * cordon_ports_find - which port an interface is
 * @ports: the ports
 * @dev: the interface, may be NULL
 *
 * Return: the port, or CORDON_ANY_PORT when it is none.
 */
static inline u16 cordon_ports_find(const struct cordon_ports *ports,
				    const struct net_device *dev)
{
	return dev ? cordon_ports_find_index(ports, dev->ifindex) : CORDON_ANY_PORT;
}

int cordon_ports_init(void);
void cordon_ports_exit(void);

#endif
