// SPDX-License-Identifier: GPL-2.0
/*
 * Connection tracking in every namespace and nothing else: what the hooks' cost is held against. With drop_first or
 * drop_second, a hook that drops every packet, where Cordon's first or second one is.
 */
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>

static bool drop_first;
module_param(drop_first, bool, 0444);
static bool drop_second;
module_param(drop_second, bool, 0444);

static unsigned int drop(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return NF_DROP;
}

static const struct nf_hook_ops first_ops = {
	.hook = drop, .pf = NFPROTO_IPV4, .hooknum = NF_INET_PRE_ROUTING, .priority = NF_IP_PRI_FIRST,
};

static const struct nf_hook_ops second_ops = {
	.hook = drop, .pf = NFPROTO_IPV4, .hooknum = NF_INET_FORWARD, .priority = NF_IP_PRI_FILTER,
};

static int __net_init tracked_net_init(struct net *net)
{
	int err = nf_ct_netns_get(net, NFPROTO_INET);

	if (!err && drop_first)
		err = nf_register_net_hook(net, &first_ops);
	if (!err && drop_second)
		err = nf_register_net_hook(net, &second_ops);
	return err;
}

static void __net_exit tracked_net_exit(struct net *net)
{
	if (drop_second)
		nf_unregister_net_hook(net, &second_ops);
	if (drop_first)
		nf_unregister_net_hook(net, &first_ops);
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
