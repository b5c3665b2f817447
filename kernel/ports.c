// SPDX-License-Identifier: GPL-2.0
/* Interfaces come, go and change names; the ports of the policy in force follow. */
#include <linux/log2.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "net.h"
#include "ports.h"
#include "ruleset.h"

/**
 * cordon_ports_new - the ports of a policy, as the interfaces are now
 * @net: the namespace
 * @draft: the policy's
 *
 * May sleep; does not fail, since a port that is not known as one would be taken
 * for an uplink.
 */
struct cordon_ports *cordon_ports_new(struct net *net, const struct cordon_draft *draft)
{
	u32 slots = roundup_pow_of_two(2 * draft->n_ports + 2);
	struct cordon_ports *ports;
	struct net_device *dev;
	u32 i, slot;

	ports = kzalloc(struct_size(ports, slots, slots), GFP_KERNEL | __GFP_NOFAIL);
	ports->mask = slots - 1;
	rcu_read_lock();
	for (i = 0; i < draft->n_ports; i++) {
		dev = dev_get_by_name_rcu(net, draft->ports[i].name);
		if (!dev)
			continue;
		slot = dev->ifindex & ports->mask;
		while (ports->slots[slot].ifindex)
			slot = (slot + 1) & ports->mask;
		ports->slots[slot].ifindex = dev->ifindex;
		ports->slots[slot].port = i;
	}
	rcu_read_unlock();
	return ports;
}

/**
 * cordon_ports_bridged - a port of a policy that is a bridge's port
 * @net: the namespace
 * @draft: the policy's
 *
 * What a bridge switches between its ports never reaches the hooks.
 *
 * Context: RCU read side. Return: the first one, or NULL.
 */
const struct net_device *cordon_ports_bridged(struct net *net,
					      const struct cordon_draft *draft)
{
	struct net_device *dev;
	u32 i;

	for (i = 0; i < draft->n_ports; i++) {
		dev = dev_get_by_name_rcu(net, draft->ports[i].name);
		if (dev && netif_is_bridge_port(dev))
			return dev;
	}
	return NULL;
}

/**
 * cordon_ports_ifindex - the interface that is a port now
 * @ports: the ports
 * @port: which one
 *
 * Return: its index, 0 when there is none.
 */
int cordon_ports_ifindex(const struct cordon_ports *ports, u16 port)
{
	u32 slot;

	for (slot = 0; slot <= ports->mask; slot++)
		if (ports->slots[slot].ifindex && ports->slots[slot].port == port)
			return ports->slots[slot].ifindex;
	return 0;
}

static void follow(struct cordon_net *cn)
{
	struct cordon_ports *old, *ports;
	struct cordon_ruleset *rs;

	mutex_lock(&cn->ports_lock);
	rs = rcu_dereference_protected(cn->ruleset, lockdep_is_held(&cn->ports_lock));
	if (rs) {
		ports = cordon_ports_new(cn->net, &rs->policy->draft);
		old = rcu_replace_pointer(rs->ports, ports, lockdep_is_held(&cn->ports_lock));
		kfree_rcu(old, rcu);
	}
	mutex_unlock(&cn->ports_lock);
}

static bool is_port(struct cordon_net *cn, const struct net_device *dev)
{
	struct cordon_ruleset *rs;
	bool found = false;

	rcu_read_lock();
	rs = rcu_dereference(cn->ruleset);
	if (rs)
		found = cordon_ports_find(rcu_dereference(rs->ports), dev) != CORDON_ANY_PORT;
	rcu_read_unlock();
	return found;
}

static int device_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct cordon_net *cn = cordon_net(dev_net(dev));
	struct netdev_notifier_changeupper_info *upper;

	switch (event) {
	case NETDEV_REGISTER:
	case NETDEV_UNREGISTER:
	case NETDEV_CHANGENAME:
		follow(cn);
		break;
	case NETDEV_PRECHANGEUPPER:
		upper = ptr;
		if (upper->linking && netif_is_bridge_master(upper->upper_dev) &&
		    is_port(cn, dev)) {
			NL_SET_ERR_MSG_FMT(netdev_notifier_info_to_extack(&upper->info),
					   "%s is a port of cordon's policy, which cannot be in a bridge",
					   dev->name);
			return notifier_from_errno(-EBUSY);
		}
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = device_event };

/** cordon_ports_init - follow the interfaces of all namespaces */
int cordon_ports_init(void)
{
	return register_netdevice_notifier(&notifier);
}

/** cordon_ports_exit - the reverse of cordon_ports_init() */
void cordon_ports_exit(void)
{
	unregister_netdevice_notifier(&notifier);
}
