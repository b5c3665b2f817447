// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks by which packets leave ports, where devices learn their addresses. Servers of DHCP send by
 * packet sockets, which pass no hook of IP.
 */
#include <linux/netfilter.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "egress.h"
#include "net.h"
#include "ruleset.h"

/**
 * struct egress - the hook of one port
 * @list: in cordon_net.egress
 * @ops: the hook
 * @due: the policy in force needs it
 * @rcu: frees it, since who lists hooks may still look at @ops
 */
struct egress {
	struct list_head list;
	struct nf_hook_ops ops;
	bool due;
	struct rcu_head rcu;
};

static const struct nf_hook_ops *hook;

/** cordon_egress_is_possible - the kernel has such hooks */
bool cordon_egress_is_possible(void)
{
	return IS_ENABLED(CONFIG_NETFILTER_EGRESS);
}

/** cordon_egress_set - the hook that ports get. Context: before there is a namespace. */
void cordon_egress_set(const struct nf_hook_ops *ops)
{
	hook = ops;
}

static void drop(struct cordon_net *cn, struct egress *e)
{
	nf_unregister_net_hook(cn->net, &e->ops);
	list_del(&e->list);
	kfree_rcu(e, rcu);
}

static struct egress *find(struct cordon_net *cn, const struct net_device *dev)
{
	struct egress *e;

	list_for_each_entry(e, &cn->egress, list)
		if (e->ops.dev == dev)
			return e;
	return NULL;
}

static void add(struct cordon_net *cn, struct net_device *dev)
{
	struct egress *e = find(cn, dev);

	if (!e) {
		e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
		if (!e)
			return;
		e->ops = *hook;
		e->ops.priv = cn;
		e->ops.dev = dev;
		if (nf_register_net_hook(cn->net, &e->ops)) {
			kfree(e);
			return;
		}
		list_add(&e->list, &cn->egress);
	}
	e->due = true;
}

/**
 * cordon_egress_update - the policy in force, or what interfaces are, has changed
 * @cn: the namespace
 * @rs: in force
 * @ports: its interfaces
 *
 * Where there is no memory for a hook, what servers say there makes no binding.
 *
 * Context: RTNL and cordon_net.ports_lock held; sleeps.
 */
void cordon_egress_update(struct cordon_net *cn, const struct cordon_ruleset *rs,
			  const struct cordon_ports *ports)
{
	struct net_device *dev;
	struct egress *e, *tmp;
	u32 i;

	ASSERT_RTNL();
	if (!cordon_egress_is_possible())
		return;
	list_for_each_entry(e, &cn->egress, list)
		e->due = false;
	for (i = 0; READ_ONCE(rs->policy->learns) && i <= ports->mask; i++) {
		if (ports->slots[i].role != CORDON_ROLE_PORT)
			continue;
		dev = __dev_get_by_index(cn->net, ports->slots[i].ifindex);
		if (dev && dev->reg_state == NETREG_REGISTERED)
			add(cn, dev);
	}
	list_for_each_entry_safe(e, tmp, &cn->egress, list)
		if (!e->due)
			drop(cn, e);
}

/**
 * cordon_egress_gone - an interface goes away
 * @cn: the namespace
 * @dev: the interface
 *
 * Context: RTNL held; sleeps.
 */
void cordon_egress_gone(struct cordon_net *cn, const struct net_device *dev)
{
	struct egress *e;

	ASSERT_RTNL();
	e = find(cn, dev);
	if (e)
		drop(cn, e);
}

/**
 * cordon_egress_stop - the namespace goes away
 * @cn: the namespace; nothing updates its hooks any more
 */
void cordon_egress_stop(struct cordon_net *cn)
{
	struct egress *e, *tmp;

	rtnl_lock();
	list_for_each_entry_safe(e, tmp, &cn->egress, list)
		drop(cn, e);
	rtnl_unlock();
}
