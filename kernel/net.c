// SPDX-License-Identifier: GPL-2.0
/* Namespaces: each has a policy of its own, or none and then no hooks either. */
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netns/generic.h>

#include "caps.h"
#include "event.h"
#include "link.h"
#include "net.h"
#include "ruleset.h"
#include "transaction.h"
#include "watch.h"

bool cordon_lockdown;
module_param_named(lockdown, cordon_lockdown, bool, 0444);
MODULE_PARM_DESC(lockdown, "forward nothing in a namespace before its first policy (default: off)");

static unsigned int net_id;
static const struct nf_hook_ops *hooks;
static unsigned int n_hooks;

/**
 * cordon_net - what a namespace has
 * @net: the namespace
 */
struct cordon_net *cordon_net(const struct net *net)
{
	return net_generic(net, net_id);
}

/**
 * cordon_net_hook - from now on, see packets
 * @cn: the namespace
 *
 * Does nothing the second time.
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -errno.
 */
int cordon_net_hook(struct cordon_net *cn)
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
	cordon_inspector_stop(cn);
put:
	nf_ct_netns_put(cn->net, NFPROTO_INET);
free:
	kfree(own);
	return ret;
}

static int __net_init net_init(struct net *net)
{
	struct cordon_net *cn = cordon_net(net);
	int ret;

	cn->net = net;
	mutex_init(&cn->lock);
	mutex_init(&cn->ports_lock);
	spin_lock_init(&cn->transactions_lock);
	INIT_LIST_HEAD(&cn->transactions);
	cn->caps = cordon_caps(net);
	INIT_DELAYED_WORK(&cn->rollback, cordon_ruleset_rollback);
	INIT_DELAYED_WORK(&cn->links_work, cordon_links_update);
	INIT_WORK(&cn->settle, cordon_watch_settle);
	/* Jiffies do not begin at 0. */
	cn->links_due = jiffies;
	ret = cordon_view.net_add(cn);
	if (ret || !cordon_lockdown)
		return ret;
	mutex_lock(&cn->lock);
	ret = cordon_net_hook(cn);
	mutex_unlock(&cn->lock);
	if (ret)
		cordon_view.net_del(cn);
	return ret;
}

static void __net_exit net_pre_exit(struct net *net)
{
	struct cordon_net *cn = cordon_net(net);

	mutex_lock(&cn->lock);
	cn->dying = true;
	mutex_unlock(&cn->lock);
	cancel_delayed_work_sync(&cn->rollback);
	if (cn->hooks) {
		nf_unregister_net_hooks(net, cn->hooks, n_hooks);
		nf_ct_netns_put(net, NFPROTO_INET);
	}
}

static void __net_exit net_exit(struct net *net)
{
	struct cordon_net *cn = cordon_net(net);

	cordon_inspector_stop(cn);
	kfree(cn->hooks);
	cordon_transactions_abort(cn);
	cordon_ruleset_withdraw(cn);
	/* Interfaces that go find no ruleset any more, and queue nothing. */
	cancel_delayed_work_sync(&cn->links_work);
	cancel_work_sync(&cn->settle);
	cordon_view.net_del(cn);
	mutex_destroy(&cn->ports_lock);
	mutex_destroy(&cn->lock);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.pre_exit = net_pre_exit,
	.exit = net_exit,
	.id = &net_id,
	.size = sizeof(struct cordon_net),
};

/**
 * cordon_net_init - be present in all namespaces
 * @ops: hooks that a namespace gets with its first policy
 * @n: how many
 *
 * Return: 0 or -errno.
 */
int cordon_net_init(const struct nf_hook_ops *ops, unsigned int n)
{
	hooks = ops;
	n_hooks = n;
	return register_pernet_subsys(&net_ops);
}

/** cordon_net_exit - leave all namespaces */
void cordon_net_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
