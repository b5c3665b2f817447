/* SPDX-License-Identifier: GPL-2.0 */
/* Which segments are on the link behind an interface. */
#ifndef _CORDON_LINK_H
#define _CORDON_LINK_H

#include <linux/netdevice.h>
#include <linux/rcupdate.h>

#include "core/reach.h"

struct cordon_net;
struct cordon_ports;

/**
 * struct cordon_links - the segments of the devices behind each port
 * @rcu: frees it
 * @first: of each port, its first place in @reach; one more marks the end of the last
 * @subnets: the networks of all ports
 * @n_subnets: length of @subnets
 * @demands: of each port, a byte for each segment, see cordon_reach_device(); under the
 *	namespace's lock
 * @reach: of all ports, each port's in ascending order of segments
 *
 * @subnets and @demands tell of a device that is added whether it changes anything here. They are
 * at most 1.3 KB for a port and a byte for each pair of a port and a segment.
 */
struct cordon_links {
	struct rcu_head rcu;
	u32 *first;
	struct cordon_subnet *subnets;
	u32 n_subnets;
	u8 *demands;
	struct cordon_reach reach[];
};

struct cordon_links *cordon_links_new(struct net *net, const struct cordon_policy *policy,
				      u32 also);
void cordon_links_free(struct cordon_links *links);
void cordon_links_touch(struct cordon_net *cn);
void cordon_links_shrink(struct cordon_net *cn);
void cordon_links_grow(struct cordon_net *cn, u32 device);
void cordon_links_update(struct work_struct *work);
u32 cordon_link_uplink(const struct cordon_policy *p, const struct cordon_ports *ports,
		       const struct net_device *dev, struct cordon_reach *reach);
u16 cordon_link_segment(const struct cordon_policy *p, const struct cordon_ports *ports,
			const struct net_device *dev);

/**
 * cordon_link_port - the segments of the devices behind a port
 * @links: of the ruleset in force
 * @port: the port
 * @n: gets how many
 */
static inline const struct cordon_reach *cordon_link_port(const struct cordon_links *links,
							  u16 port, u32 *n)
{
	*n = links->first[port + 1] - links->first[port];
	return &links->reach[links->first[port]];
}

int cordon_link_init(void);
void cordon_link_exit(void);

#endif
