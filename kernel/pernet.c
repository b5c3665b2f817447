// SPDX-License-Identifier: GPL-2.0
/* The life of a namespace: it has hooks from its first policy on, or from lockdown. */
#include <linux/slab.h>

#include "bind.h"
#include "caps.h"
#include "change.h"
#include "egress.h"
#include "event.h"
#include "inspect.h"
#include "link.h"
#include "net.h"
#include "netfilter.h"
#include "pernet.h"
#include "publish.h"
#include "snoop.h"
#include "stats.h"
#include "transaction.h"
#include "watch.h"

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
	INIT_DELAYED_WORK(&cn->rollback, cordon_publish_rollback);
	seqcount_init(&cn->changes);
	INIT_DELAYED_WORK(&cn->settle_changes, cordon_change_settle);
	INIT_DELAYED_WORK(&cn->links_work, cordon_links_update);
	INIT_WORK(&cn->settle, cordon_watch_settle);
	INIT_DELAYED_WORK(&cn->expire, cordon_bind_expire);
	INIT_LIST_HEAD(&cn->egress);
	cordon_snoop_init(&cn->snoop);
	cordon_unlisted_init(&cn->unlisted);
	/* Jiffies do not begin at 0. */
	cn->links_due = jiffies;
	ret = cordon_learned_init(&cn->learned);
	if (ret)
		return ret;
	cn->traffic = cordon_traffic_pool_new();
	ret = -ENOMEM;
	if (!cn->traffic)
		goto err_learned;
	ret = cordon_sysfs_net_add(cn);
	if (ret)
		goto err;
	if (!cordon_lockdown)
		return 0;
	mutex_lock(&cn->lock);
	ret = cordon_netfilter_start(cn);
	mutex_unlock(&cn->lock);
	if (!ret)
		return 0;
	cordon_sysfs_net_del(cn);
err:
	cordon_traffic_pool_put(cn->traffic);
err_learned:
	cordon_learned_exit(&cn->learned);
	return ret;
}

static void __net_exit net_pre_exit(struct net *net)
{
	struct cordon_net *cn = cordon_net(net);

	mutex_lock(&cn->lock);
	cn->dying = true;
	mutex_unlock(&cn->lock);
	cancel_delayed_work_sync(&cn->rollback);
	cordon_egress_stop(cn);
	cordon_netfilter_stop(cn);
}

static void __net_exit net_exit(struct net *net)
{
	struct cordon_net *cn = cordon_net(net);

	cordon_inspector_stop(cn);
	kfree(cn->hooks);
	cordon_snoop_exit(&cn->snoop);
	cordon_transactions_abort(cn);
	cordon_publish_withdraw(cn);
	/* Interfaces that go find no ruleset any more, and queue nothing. */
	cancel_delayed_work_sync(&cn->expire);
	cancel_delayed_work_sync(&cn->settle_changes);
	cancel_delayed_work_sync(&cn->links_work);
	cancel_work_sync(&cn->settle);
	cordon_learned_exit(&cn->learned);
	cordon_unlisted_exit(&cn->unlisted);
	cordon_sysfs_net_del(cn);
	cordon_traffic_pool_put(cn->traffic);
	mutex_destroy(&cn->ports_lock);
	mutex_destroy(&cn->lock);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.pre_exit = net_pre_exit,
	.exit = net_exit,
	.id = &cordon_net_id,
	.size = sizeof(struct cordon_net),
};

/** cordon_pernet_init - be present in all namespaces. Return: 0 or -errno. */
int cordon_pernet_init(void)
{
	return register_pernet_subsys(&net_ops);
}

/** cordon_pernet_exit - leave all namespaces */
void cordon_pernet_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
