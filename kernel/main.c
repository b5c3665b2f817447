// SPDX-License-Identifier: GPL-2.0
/* Load and unload: what user space can reach comes last, and goes first. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "device.h"
#include "egress.h"
#include "fragment.h"
#include "hook_inet.h"
#include "hook_link.h"
#include "inspect.h"
#include "link.h"
#include "netfilter.h"
#include "netlink.h"
#include "pernet.h"
#include "sysfs.h"
#include "vlan.h"
#include "watch.h"

static int __init cordon_init(void)
{
	int ret;

	ret = cordon_fragment_init();
	if (ret)
		return ret;
	ret = cordon_inspect_init();
	if (ret)
		goto err_fragment;
	ret = cordon_device_init();
	if (ret)
		goto err_inspect;
	ret = cordon_sysfs_init();
	if (ret)
		goto err_device;
	cordon_netfilter_add(cordon_inet_hooks, CORDON_INET_HOOKS);
	if (IS_ENABLED(CONFIG_NETFILTER_FAMILY_ARP))
		cordon_netfilter_add(cordon_arp_hooks, CORDON_ARP_HOOKS);
	if (IS_ENABLED(CONFIG_NETFILTER_FAMILY_BRIDGE))
		cordon_netfilter_add(cordon_bridge_hooks, CORDON_BRIDGE_HOOKS);
	cordon_egress_set(&cordon_egress_hook);
	ret = cordon_pernet_init();
	if (ret)
		goto err_sysfs;
	ret = cordon_watch_init();
	if (ret)
		goto err_pernet;
	ret = cordon_link_init();
	if (ret)
		goto err_watch;
	ret = cordon_netlink_init();
	if (ret)
		goto err_link;
	return 0;

err_link:
	cordon_link_exit();
err_watch:
	cordon_watch_exit();
err_pernet:
	cordon_pernet_exit();
err_sysfs:
	cordon_sysfs_exit();
err_device:
	rcu_barrier();
	cordon_device_exit();
err_inspect:
	cordon_inspect_exit();
err_fragment:
	cordon_fragment_exit();
	return ret;
}

static void __exit cordon_exit(void)
{
	cordon_netlink_exit();
	cordon_link_exit();
	cordon_watch_exit();
	cordon_pernet_exit();
	cordon_sysfs_exit();
	/* Devices and segments are freed by callbacks of this module. */
	rcu_barrier();
	cordon_vlan_exit();
	cordon_device_exit();
	cordon_inspect_exit();
	cordon_fragment_exit();
}

module_init(cordon_init);
module_exit(cordon_exit);

MODULE_AUTHOR("The Cordon authors");
MODULE_DESCRIPTION("Guard of the IoT devices behind a gateway");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
