/* SPDX-License-Identifier: GPL-2.0 */
/* Whom a packet for many reaches: the segments on the link that it leaves by. */
#ifndef _CORDON_REACH_H
#define _CORDON_REACH_H

#include "policy.h"

/**
 * struct cordon_reach - one of the segments on a link
 * @segment: the segment; CORDON_NO_SEGMENT, there are hosts that are in none
 * @encryption: enum cordon_encryption, the strictest that its devices there demand
 */
struct cordon_reach {
	u16 segment;
	u8 encryption;
};

/**
 * struct cordon_subnet - a network that an address of a port lies in
 * @addr: its first address
 * @parent: the smallest of the others that holds it; CORDON_NO_SUBNET, none does
 * @port: the port
 * @len: prefix length, as in struct cordon_network_def
 */
struct cordon_subnet {
	struct cordon_addr addr;
	u32 parent;
	u16 port;
	u8 len;
};

#define CORDON_NO_SUBNET	0xffffffffU
#define CORDON_MAX_SUBNETS	32	/* addresses of an interface that are looked at */
#define CORDON_MAX_REACH	64	/* segments on one uplink; with more, none is known */

u32 cordon_subnets_add(struct cordon_subnet *subnets, u32 n, u16 port,
		       const struct cordon_network_def *own, u32 n_own);
void cordon_subnets_sort(struct cordon_subnet *subnets, u32 n);
bool cordon_reach_device(const struct cordon_policy *p, const struct cordon_subnet *subnets,
			 u32 n, u32 device, u8 *demands);
u32 cordon_reach_port(const struct cordon_policy *p, const u8 *demands, u16 port,
		      struct cordon_reach *out);
u32 cordon_reach_add(struct cordon_reach *out, u32 n, u16 segment);
u32 cordon_reach_own(const struct cordon_policy *p, const struct cordon_addr *own,
		     struct cordon_reach *out, u32 n);

#endif
