/* SPDX-License-Identifier: GPL-2.0 */
/* What tc has at an interface's ingress has another name since 6.6. */
#ifndef _CORDON_COMPAT_LINUX_NETDEVICE_H
#define _CORDON_COMPAT_LINUX_NETDEVICE_H

#include_next <linux/netdevice.h>
#include <linux/version.h>

/* Packets that come in here may be seen by nftables or tc before the hooks of IP. */
static inline bool cordon_dev_has_ingress(const struct net_device *dev)
{
	bool tc = false;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#ifdef CONFIG_NET_XGRESS
	tc = rcu_access_pointer(dev->tcx_ingress);
#endif
#elif defined(CONFIG_NET_CLS_ACT)
	tc = rcu_access_pointer(dev->miniq_ingress);
#endif
#ifdef CONFIG_NETFILTER_INGRESS
	return tc || rcu_access_pointer(dev->nf_hooks_ingress);
#else
	return tc;
#endif
}

#endif
