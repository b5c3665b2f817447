/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel without br_netfilter declares nothing of it. */
#ifndef _CORDON_COMPAT_NETFILTER_BRIDGE_H
#define _CORDON_COMPAT_NETFILTER_BRIDGE_H

#include_next <linux/netfilter_bridge.h>

#if !IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
static inline struct net_device *nf_bridge_get_physoutdev(const struct sk_buff *skb)
{
	return NULL;
}
#endif

#endif
