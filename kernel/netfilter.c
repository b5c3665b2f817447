// SPDX-License-Identifier: GPL-2.0
/* The hooks of a namespace. */
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>

#include "inspect.h"
#include "net.h"
#include "netfilter.h"

bool cordon_lockdown;
module_param_named(lockdown, cordon_lockdown, bool, 0444);
MODULE_PARM_DESC(lockdown, "forward nothing in a namespace before its first policy (default: off)");

static struct nf_hook_ops hooks[CORDON_MAX_HOOKS];
static unsigned int n_hooks;

/**
 * cordon_netfilter_add - hooks that each namespace gets
 * @ops: the hooks; each namespace has a copy with its struct cordon_net as the argument
 * @n: how many
 *
 * Context: before there is a namespace.
 */
void cordon_netfilter_add(const struct nf_hook_ops *ops, unsigned int n)
{
	if (WARN_ON(n_hooks + n > CORDON_MAX_HOOKS))
		return;
	memcpy(&hooks[n_hooks], ops, n * sizeof(*ops));
	n_hooks += n;
}

/**
 * cordon_netfilter_start - register the hooks of a namespace
 * @cn: the namespace
 *
 * Does nothing the second time.
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -errno.
 */
int cordon_netfilter_start(struct cordon_net *cn)
{
	struct nf_hook_ops *own;
	unsigned int i;
	int ret;

	lockdep_assert_held(&cn->lock);
	if (cn->hooks)
		return 0;
	own = kmemdup(hooks, n_hooks * sizeof(*own), GFP_KERNEL_ACCOUNT);
	if (!own)
		return -ENOMEM;
	for (i = 0; i < n_hooks; i++)
		own[i].priv = cn;
	ret = nf_ct_netns_get(cn->net, NFPROTO_INET);
	if (ret)
		goto free;
	ret = cordon_inspector_start(cn);
	if (ret)
		goto put;
	ret = nf_register_net_hooks(cn->net, own, n_hooks);
	if (ret)
		goto stop;
	cn->hooks = own;
	return 0;
stop:
	/* Who lists hooks may still look at those that were there. */
	synchronize_rcu();
	cordon_inspector_stop(cn);
put:
	nf_ct_netns_put(cn->net, NFPROTO_INET);
free:
	kfree(own);
	return ret;
}

/**
 * cordon_netfilter_track_bridges - have connection tracking see what bridges switch
 * @cn: the namespace, which has its hooks
 *
 * As soon as a port is in a bridge. Until then, and where the kernel cannot, nothing between ports
 * of a bridge is tracked, and so it is unjudged and refused. Does nothing the second time, nor once
 * cordon_netfilter_stop() is due, behind which nobody would undo it.
 *
 * Context: cordon_net.lock held; may sleep and load a module, so not under RTNL.
 * Return: 0 or -errno.
 */
int cordon_netfilter_track_bridges(struct cordon_net *cn)
{
	int ret;

	lockdep_assert_held(&cn->lock);
	if (cn->tracks_bridges || cn->dying)
		return 0;
	request_module("nf_conntrack_bridge");
	ret = nf_ct_netns_get(cn->net, NFPROTO_BRIDGE);
	cn->tracks_bridges = !ret;
	return ret;
}

/**
 * cordon_netfilter_stop - no packet of a namespace is seen any more
 * @cn: the namespace, which goes away; its hooks are freed after a grace period
 */
void cordon_netfilter_stop(struct cordon_net *cn)
{
	if (!cn->hooks)
		return;
	nf_unregister_net_hooks(cn->net, cn->hooks, n_hooks);
	if (cn->tracks_bridges)
		nf_ct_netns_put(cn->net, NFPROTO_BRIDGE);
	nf_ct_netns_put(cn->net, NFPROTO_INET);
}
