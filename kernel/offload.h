/* SPDX-License-Identifier: GPL-2.0 */
/* Connections of devices stay out of flow tables. */
#ifndef _CORDON_OFFLOAD_H
#define _CORDON_OFFLOAD_H

#include <linux/netdevice.h>

struct nf_conn;

bool cordon_keep_from_flow_tables(struct nf_conn *ct);
bool cordon_lower_has_ingress(struct net_device *dev);
void cordon_tear_out_of_flow_tables(struct net *net);

/**
 * cordon_may_bypass - packets that come in on an interface may be forwarded before a hook sees them
 * @dev: the interface
 *
 * A flow table has a hook at the ingress of an interface, or is an action of tc there; perhaps of
 * one below, as for a VLAN.
 *
 * Context: RCU read side.
 */
static __always_inline bool cordon_may_bypass(struct net_device *dev)
{
	return cordon_dev_has_ingress(dev) ||
	       (!list_empty(&dev->adj_list.lower) && cordon_lower_has_ingress(dev));
}

#endif
