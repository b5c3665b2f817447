// SPDX-License-Identifier: GPL-2.0
/* Follows interfaces that come, go, are renamed and stacked, and tells what becomes of them. */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

#include "egress.h"
#include "event.h"
#include "learn.h"
#include "net.h"
#include "ruleset.h"
#include "stack.h"
#include "watch.h"

/*
 * The notifier is called under RTNL, so that one change follows the other; what a change
 * concerns is classified anew, and only that. Names are compared with the policy when an interface
 * comes or is renamed; stacks are compared with what is known of names. Closing needs no memory
 * where an interface goes.
 *
 * No moment is open, with one exception:
 * - A new interface is not listed, hence closed, until it is added. One that is made on top of
 *   another is registered first and linked then, and is down until both are done: what it is by
 *   its name alone is never seen by a packet.
 * - Before a link is made, whatever it would put above a port is closed, and all packets that
 *   saw it open have ended. Bridges, teams and Open vSwitch let a member's
 *   packets in after the link only, and no longer than until it ends.
 * - A bond lets them in before the link is announced, from netdev_rx_handler_register() in
 *   bond_enslave() on, and until after the link has ended. They bear nothing that tells where
 *   they came in: skb->dev and skb->skb_iif are the bond. So all bonds that are uplinks are closed
 *   when a port is about to join something (NETDEV_JOIN, which bond_enslave() sends before it
 *   opens the member), and what a member leaves behind is opened once RTNL is free: by settle,
 *   which classifies all interfaces anew.
 * - What was closed for a link that failed is opened by settle, too.
 * - A policy that comes into force between the two notifications of one link takes the link into
 *   account with the second. Only then, for that moment, frames of a bond's new member may be
 *   taken for the bond's.
 * - A port that gets another name is closed, if that is an uplink's, too. It and what lies on it
 *   stay closed until the name comes back or the whole policy is replaced.
 */

static bool leaving;	/* cordon_watch_exit() was called */

/* The name of the one that explains what an interface is. */
static const char *other(const struct cordon_report *report, const struct cordon_stack *stack)
{
	const struct net_device *dev = NULL;

	switch (report->closed) {
	case CORDON_CLOSED_NOT_LISTED:
	case CORDON_CLOSED_ON_PORT:
		dev = stack->port;
		break;
	case CORDON_CLOSED_IN_MASTER:
	case CORDON_CLOSED_BESIDE_PORT:
		dev = stack->master;
		break;
	case CORDON_CLOSED_ON_CLOSED:
		dev = stack->below;
		break;
	case CORDON_CLOSED_NONE:
		if (report->role == CORDON_ROLE_BRIDGE)
			dev = stack->port;
		else if (cordon_interface_shares(&stack->facts))
			dev = stack->below;
		break;
	}
	return dev ? dev->name : "";
}

/**
 * cordon_report_fill - an interface, as it is to a ruleset
 * @report: overwritten
 * @rs: the ruleset
 * @dev: the interface
 *
 * Context: RCU read side, which @report->named_by is good for.
 */
void cordon_report_fill(struct cordon_report *report, const struct cordon_ruleset *rs,
			struct net_device *dev)
{
	const struct cordon_ports *ports = rcu_dereference(rs->ports);
	const struct cordon_interface *interface = cordon_ports_known(ports, dev->ifindex);
	struct cordon_stack stack;

	*report = (struct cordon_report){
		.ifindex = dev->ifindex, .closed = CORDON_CLOSED_NOT_LISTED,
		.up = dev->flags & IFF_UP,
	};
	strscpy(report->name, dev->name, sizeof(report->name));
	cordon_stack_look(ports, dev, &stack);
	if (interface) {
		report->closed = READ_ONCE(interface->closed);
		report->role = report->closed ? CORDON_ROLE_UNLISTED : interface->role;
		report->listed = interface->listed;
		report->named_by = cordon_interface_entry(&rs->policy->draft, report->listed,
							  interface->entry);
	}
	strscpy(report->other, other(report, &stack), sizeof(report->other));
}

static bool is_there(struct net *net, const char *name)
{
	const struct net_device *dev = dev_get_by_name_rcu(net, name);

	/* It may be found by another name of its, which is not what policies go by. */
	return dev && !strcmp(dev->name, name);
}

/* The same name may stand in the list of uplinks and in those of segments. */
static bool is_repeated(const struct cordon_draft *d, u16 entry)
{
	const char *name = cordon_interface_entry(d, CORDON_ROLE_UPLINK, entry);
	u16 first;

	for (first = 0; first < entry; first++)
		if (!strcmp(cordon_interface_entry(d, CORDON_ROLE_UPLINK, first), name))
			return true;
	return false;
}

/**
 * cordon_report_names - how many names and patterns of interfaces a policy has
 * @rs: the ruleset
 */
u32 cordon_report_names(const struct cordon_ruleset *rs)
{
	const struct cordon_draft *d = &rs->policy->draft;

	return d->n_ports + d->n_uplinks + d->n_interfaces;
}

static void report_name(struct cordon_report *report, u8 listed, const char *name)
{
	*report = (struct cordon_report){ .role = listed, .listed = listed, .named_by = name };
	strscpy(report->name, name, sizeof(report->name));
}

/**
 * cordon_report_missing - an interface that a ruleset names and that is not there
 * @report: overwritten
 * @rs: the ruleset
 * @net: the namespace
 * @i: which name or pattern, below cordon_report_names()
 *
 * Context: RCU read side.
 * Return: false, it is there, or a pattern, or was reported with a smaller @i.
 */
bool cordon_report_missing(struct cordon_report *report, const struct cordon_ruleset *rs,
			   struct net *net, u32 i)
{
	const struct cordon_draft *d = &rs->policy->draft;
	u8 listed = i < d->n_ports ? CORDON_ROLE_PORT : CORDON_ROLE_UPLINK;
	u16 entry = i < d->n_ports ? i : i - d->n_ports;
	const char *name = cordon_interface_entry(d, listed, entry);

	if (strchr(name, '*') || is_there(net, name) ||
	    (listed == CORDON_ROLE_UPLINK && is_repeated(d, entry)))
		return false;
	report_name(report, listed, name);
	return true;
}

/* What became of one interface. RCU read side. */
static void tell(struct cordon_net *cn, const struct cordon_ruleset *rs, struct net_device *dev)
{
	struct cordon_report report;

	if (!cordon_netlink_listening(cn))
		return;
	cordon_report_fill(&report, rs, dev);
	cordon_netlink_interface(cn, &report);
}

/* That there is no interface any more that is called so. */
static void tell_gone(struct cordon_net *cn, u8 listed, const char *name)
{
	struct cordon_report report;

	if (!cordon_netlink_listening(cn) ||
	    (listed != CORDON_ROLE_PORT && listed != CORDON_ROLE_UPLINK))
		return;
	report_name(&report, listed, name);
	cordon_netlink_interface(cn, &report);
}

static bool differs(const struct cordon_interface *was, const struct cordon_interface *now)
{
	if (!was || was->role != now->role || was->listed != now->listed ||
	    was->entry != now->entry)
		return true;
	/* As far as anybody has heard, it was open. */
	if (was->flags & CORDON_INTERFACE_UNTOLD)
		return now->closed;
	return was->closed != now->closed;
}

/* What became of the interfaces of @new, other than in @old. */
static void tell_changes(struct cordon_net *cn, const struct cordon_ruleset *rs,
			 const struct cordon_ports *old, const struct cordon_ports *new)
{
	const struct cordon_interface *now;
	struct net_device *dev;
	u32 i;

	if (!cordon_netlink_listening(cn))
		return;
	rcu_read_lock();
	for (i = 0; i <= new->mask; i++) {
		now = &new->slots[i];
		if (!now->ifindex || now->listed == CORDON_ROLE_LOOPBACK ||
		    now->flags & CORDON_INTERFACE_UNTOLD ||
		    !differs(cordon_ports_known(old, now->ifindex), now))
			continue;
		dev = dev_get_by_index_rcu(cn->net, now->ifindex);
		if (dev)
			tell(cn, rs, dev);
	}
	rcu_read_unlock();
}

/**
 * struct change - a map of interfaces that is about to be changed
 * @cn: the namespace
 * @rs: in force
 * @old: what packets see
 * @ports: what packets see; @old, or the copy that takes its place
 * @changed: something is not as @ports says
 */
struct change {
	struct cordon_net *cn;
	struct cordon_ruleset *rs;
	struct cordon_ports *old;
	struct cordon_ports *ports;
	bool changed;
};

/* Takes the lock; false, it does not: no policy is in force, so that there is no map, either. */
static bool change_begin(struct change *c, struct cordon_net *cn)
{
	*c = (struct change){ .cn = cn };
	mutex_lock(&cn->ports_lock);
	c->rs = rcu_dereference_protected(cn->ruleset, lockdep_is_held(&cn->ports_lock));
	if (!c->rs) {
		mutex_unlock(&cn->ports_lock);
		return false;
	}
	c->old = rcu_dereference_protected(c->rs->ports, lockdep_is_held(&cn->ports_lock));
	c->ports = c->old;
	return true;
}

static void change_end(struct change *c)
{
	mutex_unlock(&c->cn->ports_lock);
}

/* When this returns, no packet sees the map before any more. */
static void change_publish(struct change *c)
{
	rcu_assign_pointer(c->rs->ports, c->ports);
	synchronize_net();
	tell_changes(c->cn, c->rs, c->old, c->ports);
	cordon_ports_free(c->old);
	c->old = c->ports;
}

/* Find out what an interface is; say whether that differs, and write it down in a copy. */
static int classify(struct net_device *dev, struct netdev_nested_priv *priv)
{
	struct change *c = (struct change *)priv->data;
	struct cordon_interface *slot = NULL, now;

	if (net_eq(dev_net(dev), c->cn->net))
		slot = cordon_ports_slot(c->ports, dev->ifindex);
	if (!slot)
		return 0;
	now = *slot;
	if (!cordon_stack_classify(c->ports, dev, &now))
		return 0;
	c->changed = true;
	if (c->ports == c->old)
		return 1;
	*slot = now;
	return 0;
}

/* An interface, and, if what it is differs or @above, all that lies on it. RCU read side. */
static void classify_stack(struct change *c, struct net_device *dev, bool above)
{
	struct netdev_nested_priv priv = { .data = c };
	bool before = c->changed;

	c->changed = false;
	classify(dev, &priv);
	if (c->changed || above)
		netdev_walk_all_upper_dev_rcu(dev, classify, &priv);
	c->changed |= before;
}

/* A listed interface that was not there before, in the map that packets see. */
static void add_in_place(struct change *c, struct net_device *dev, struct cordon_interface *now)
{
	rcu_read_lock();
	cordon_stack_classify(c->old, dev, now);
	cordon_ports_add(c->old, c->rs->policy, dev->name, now);
	if (now->listed != CORDON_ROLE_LOOPBACK)
		tell(c->cn, c->rs, dev);
	rcu_read_unlock();
}

static void replace(struct change *c, struct net_device *dev, const struct cordon_interface *now)
{
	c->ports = cordon_ports_copy(c->old, c->rs->policy, dev->ifindex);
	if (cordon_interface_is_kept(now))
		cordon_ports_add(c->ports, c->rs->policy, dev->name, now);
	rcu_read_lock();
	classify_stack(c, dev, true);
	rcu_read_unlock();
	change_publish(c);
}

/* A renamed interface leaves a name behind, unless a pattern listed it, or lists it still. */
static void tell_renamed(struct change *c, const struct cordon_interface *was,
			 const struct cordon_interface *now)
{
	const char *name = cordon_interface_entry(&c->rs->policy->draft, was->listed, was->entry);

	if (name && !strchr(name, '*') &&
	    (was->listed != now->listed || was->entry != now->entry))
		tell_gone(c->cn, was->listed, name);
}

/* An interface came, or has another name. */
static void follow_name(struct net_device *dev)
{
	struct cordon_interface now, was = { .listed = CORDON_ROLE_UNLISTED };
	const struct cordon_interface *slot;
	struct change c;

	if (!change_begin(&c, cordon_net(dev_net(dev))))
		return;
	slot = cordon_ports_known(c.old, dev->ifindex);
	if (slot && cordon_interface_is_kept(slot))
		was = *slot;
	cordon_interface_init(&now, c.rs->policy, dev, slot);
	if (slot || (cordon_interface_is_kept(&now) &&
		     (!cordon_ports_has_room(c.old) ||
		      cordon_ports_places(c.rs->policy, dev->name))))
		replace(&c, dev, &now);
	else if (cordon_interface_is_kept(&now))
		add_in_place(&c, dev, &now);
	/* What servers of DHCP send by it is to be heard, or not any more. */
	if ((now.listed == CORDON_ROLE_PORT || was.listed == CORDON_ROLE_PORT) &&
	    READ_ONCE(c.rs->policy->learns))
		schedule_work(&c.cn->settle);
	tell_renamed(&c, &was, &now);
	if (!cordon_interface_is_kept(&now)) {
		rcu_read_lock();
		tell(c.cn, c.rs, dev);
		rcu_read_unlock();
	}
	change_end(&c);
}

static void close_slot(struct cordon_interface *slot, u8 why)
{
	WRITE_ONCE(slot->closed, why);
	WRITE_ONCE(slot->role, CORDON_ROLE_UNLISTED);
}

/* An interface goes. Packets that still come in on it are refused. */
static void follow_gone(struct net_device *dev)
{
	struct cordon_interface *slot;
	struct change c;

	if (!change_begin(&c, cordon_net(dev_net(dev))))
		return;
	slot = cordon_ports_slot(c.old, dev->ifindex);
	if (slot) {
		close_slot(slot, CORDON_CLOSED_NOT_LISTED);
		slot->flags |= CORDON_INTERFACE_GONE;
		tell_gone(c.cn, slot->listed, dev->name);
	}
	change_end(&c);
}

static int close_uplink(struct net_device *dev, struct netdev_nested_priv *priv)
{
	struct change *c = (struct change *)priv->data;
	struct cordon_interface *slot = NULL;

	if (net_eq(dev_net(dev), c->cn->net))
		slot = cordon_ports_slot(c->old, dev->ifindex);
	if (slot && slot->role == CORDON_ROLE_UPLINK && !slot->closed) {
		close_slot(slot, CORDON_CLOSED_ON_PORT);
		slot->flags |= CORDON_INTERFACE_UNTOLD;
		c->changed = true;
	}
	return 0;
}

/* An interface and all that lies on it. RCU read side. */
static void close_stack(struct change *c, struct net_device *dev)
{
	struct netdev_nested_priv priv = { .data = c };

	close_uplink(dev, &priv);
	netdev_walk_all_upper_dev_rcu(dev, close_uplink, &priv);
}

/* An interface is a port, or lies on one. RCU read side. */
static bool is_on_port(const struct change *c, struct net_device *dev)
{
	struct cordon_stack stack;

	cordon_stack_look(c->old, dev, &stack);
	return stack.port || cordon_interface_is_port(cordon_ports_known(c->old, dev->ifindex));
}

/* Whether what was closed stays so is found out when RTNL is free. */
static void close_end(struct change *c)
{
	if (c->changed) {
		synchronize_net();
		schedule_work(&c->cn->settle);
	}
	change_end(c);
}

/* @dev is about to join something, which is not said: perhaps a bond. */
static void before_join(struct net_device *dev)
{
	struct net_device *upper;
	struct change c;

	if (!change_begin(&c, cordon_net(dev_net(dev))))
		return;
	rcu_read_lock();
	if (is_on_port(&c, dev))
		for_each_netdev_rcu(c.cn->net, upper)
			if (netif_is_bond_master(upper))
				close_stack(&c, upper);
	rcu_read_unlock();
	close_end(&c);
}

/* @upper is about to be linked above @dev: close what must not be an uplink then. */
static void before_link(struct net_device *dev, struct net_device *upper)
{
	struct change c;

	if (!net_eq(dev_net(dev), dev_net(upper)) ||
	    !change_begin(&c, cordon_net(dev_net(upper))))
		return;
	rcu_read_lock();
	if (is_on_port(&c, dev))
		close_stack(&c, upper);
	rcu_read_unlock();
	close_end(&c);
}

/* Once to see whether anything differs, and then in a copy. Either interface may be NULL. */
static void classify_both(struct change *c, struct net_device *dev, struct net_device *upper)
{
	rcu_read_lock();
	if (dev)
		classify_stack(c, dev, false);
	if (upper)
		classify_stack(c, upper, true);
	rcu_read_unlock();
}

/* What is stacked with an interface of one namespace is not what it was. */
static void follow_stack(struct cordon_net *cn, struct net_device *dev, struct net_device *upper)
{
	struct change c;

	if (!change_begin(&c, cn))
		return;
	classify_both(&c, dev, upper);
	if (c.changed) {
		c.ports = cordon_ports_copy(c.old, c.rs->policy, 0);
		classify_both(&c, dev, upper);
		change_publish(&c);
	}
	change_end(&c);
}

static void follow_link(struct net_device *dev, struct net_device *upper)
{
	if (net_eq(dev_net(dev), dev_net(upper))) {
		follow_stack(cordon_net(dev_net(dev)), dev, upper);
	} else {
		follow_stack(cordon_net(dev_net(dev)), dev, NULL);
		follow_stack(cordon_net(dev_net(upper)), NULL, upper);
	}
}

static void classify_all(struct change *c)
{
	struct netdev_nested_priv priv = { .data = c };
	struct net_device *dev;

	rcu_read_lock();
	for_each_netdev_rcu(c->cn->net, dev)
		classify(dev, &priv);
	rcu_read_unlock();
}

/**
 * cordon_watch_settle - classify all interfaces of a namespace anew, and see who is in bridges
 * @work: cordon_net.settle
 *
 * Context: takes RTNL, so that whatever was being linked is linked, or is not.
 */
void cordon_watch_settle(struct work_struct *work)
{
	struct change c;

	rtnl_lock();
	if (change_begin(&c, container_of(work, struct cordon_net, settle))) {
		classify_all(&c);
		if (c.changed) {
			c.ports = cordon_ports_copy(c.old, c.rs->policy, 0);
			classify_all(&c);
			change_publish(&c);
		}
		cordon_learn(c.cn->net, c.rs, c.ports);
		if (!READ_ONCE(leaving) && !READ_ONCE(c.cn->dying))
			cordon_egress_update(c.cn, c.rs, c.ports);
		change_end(&c);
	}
	rtnl_unlock();
}

/* Also as a bond's member has left it, of which the bond still takes frames. */
static void settle_later(struct cordon_net *cn)
{
	struct change c;

	if (!change_begin(&c, cn))
		return;
	schedule_work(&cn->settle);
	change_end(&c);
}

static int device_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct netdev_notifier_changeupper_info *link = ptr;

	if (event == NETDEV_UNREGISTER)
		cordon_egress_gone(cordon_net(dev_net(dev)), dev);
	if (READ_ONCE(leaving))
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_REGISTER:
	case NETDEV_CHANGENAME:
		follow_name(dev);
		break;
	case NETDEV_UNREGISTER:
		follow_gone(dev);
		break;
	case NETDEV_JOIN:
		before_join(dev);
		break;
	case NETDEV_PRECHANGEUPPER:
		if (link->linking)
			before_link(dev, link->upper_dev);
		break;
	case NETDEV_CHANGEUPPER:
		if (!link->linking && netif_is_bond_master(link->upper_dev)) {
			settle_later(cordon_net(dev_net(dev)));
			break;
		}
		follow_link(dev, link->upper_dev);
		/* What the other members are depends on this one. */
		if (netif_is_bridge_master(link->upper_dev))
			settle_later(cordon_net(dev_net(dev)));
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = device_event };

/** cordon_watch_init - follow the interfaces of all namespaces */
int cordon_watch_init(void)
{
	return register_netdevice_notifier(&notifier);
}

/** cordon_watch_exit - the reverse of cordon_watch_init() */
void cordon_watch_exit(void)
{
	/* To unregister is to be told that all interfaces go. */
	WRITE_ONCE(leaving, true);
	unregister_netdevice_notifier(&notifier);
}
