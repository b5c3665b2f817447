// SPDX-License-Identifier: GPL-2.0
/* Connection tracking in every namespace and nothing else: what the hooks' cost is held against. */
#include <linux/module.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>

static int __net_init tracked_net_init(struct net *net)
{
	return nf_ct_netns_get(net, NFPROTO_INET);
}

static void __net_exit tracked_net_exit(struct net *net)
{
	nf_ct_netns_put(net, NFPROTO_INET);
}

static struct pernet_operations tracked_net_ops = {
	.init = tracked_net_init,
	.exit = tracked_net_exit,
};

static int __init tracked_init(void)
{
	return register_pernet_subsys(&tracked_net_ops);
}

static void __exit tracked_exit(void)
{
	unregister_pernet_subsys(&tracked_net_ops);
}

module_init(tracked_init);
module_exit(tracked_exit);
MODULE_DESCRIPTION("connection tracking and nothing else");
MODULE_LICENSE("GPL");
