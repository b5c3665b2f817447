/* SPDX-License-Identifier: GPL-2.0 */
/* Which segments are on the link behind an interface. */
#ifndef _CORDON_LINK_H
#define _CORDON_LINK_H

#include <linux/netdevice.h>
#include <linux/rcupdate.h>

#include "links.h"

struct cordon_net;
struct cordon_ports;

struct cordon_links *cordon_links_new(struct net *net, const struct cordon_policy *policy,
				      u32 also);
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
