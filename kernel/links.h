/* SPDX-License-Identifier: GPL-2.0 */
/* The segments behind each port, as packets see them. */
#ifndef _CORDON_LINKS_H
#define _CORDON_LINKS_H

#include <linux/mm.h>

#include "core/reach.h"

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

/**
 * cordon_links_free - free links that no packet can see
 * @links: NULL is let through
 */
static inline void cordon_links_free(struct cordon_links *links)
{
	kvfree(links);
}

#endif
