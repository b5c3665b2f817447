/* SPDX-License-Identifier: GPL-2.0 */
/* The ends of a connection. */
#ifndef _CORDON_ENDPOINT_H
#define _CORDON_ENDPOINT_H

#include "pkt.h"

struct cordon_end cordon_endpoint(const struct cordon_pkt *pkt, const struct cordon_addr *addr);
bool cordon_endpoint_is_outsider(const struct cordon_pkt *pkt);
u32 cordon_endpoint_neighbour(const struct cordon_pkt *pkt, const struct net_device *dev);
bool cordon_endpoint_leaves_elsewhere(const struct cordon_pkt *pkt,
				      const struct cordon_end *receiver);

#endif
