// SPDX-License-Identifier: GPL-2.0
/* What each interface is to the policy in force; it follows interfaces that come, go and change names. */
#include <linux/log2.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "net.h"
#include "ports.h"
#include "ruleset.h"

/* What an interface is to a policy, by its name. */
static bool classify(const struct cordon_policy *policy, const struct net_device *dev,
		     struct cordon_interface *out)
{
	u32 i;

	*out = (struct cordon_interface){
		.ifindex = dev->ifindex, .wire = dev->ifindex, .port = CORDON_ANY_PORT,
	};
	if (dev->flags & IFF_LOOPBACK) {
		out->role = CORDON_ROLE_LOOPBACK;
		return true;
	}
	for (i = 0; i < policy->draft.n_ports; i++)
		if (!strcmp(policy->draft.ports[i].name, dev->name)) {
			out->role = CORDON_ROLE_PORT;
			out->port = i;
			return true;
		}
	out->role = CORDON_ROLE_UPLINK;
	return cordon_policy_is_uplink(policy, dev->name);
}

static void add(struct cordon_ports *ports, const struct cordon_interface *interface)
{
	u32 slot = interface->ifindex & ports->mask;

	while (ports->slots[slot].ifindex)
		slot = (slot + 1) & ports->mask;
	ports->slots[slot] = *interface;
}

/* The places of one uplink, in ascending order of segments, each once. */
static void add_places(struct cordon_ports *ports, const struct cordon_policy *policy,
		       const struct net_device *dev)
{
	const struct cordon_interface_def *defs = policy->draft.interfaces;
	struct cordon_place *last;
	u32 i;

	for (i = 0; i < policy->draft.n_interfaces; i++) {
		if (!cordon_ifname_matches(defs[i].name, dev->name))
			continue;
		last = ports->n_places ? &ports->places[ports->n_places - 1] : NULL;
		if (!last || last->ifindex != dev->ifindex || last->segment != defs[i].segment)
			ports->places[ports->n_places++] = (struct cordon_place){
				dev->ifindex, defs[i].segment
			};
	}
}

static int compare_places(const void *a, const void *b)
{
	const struct cordon_place *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return (int)x->segment - (int)y->segment;
}

/* How many interfaces a policy lists now. */
static u32 count_listed(struct net *net, const struct cordon_policy *policy)
{
	struct cordon_interface interface;
	struct net_device *dev;
	u32 n = 0;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev)
		n += classify(policy, dev, &interface);
	rcu_read_unlock();
	return n;
}

static struct cordon_ports *ports_alloc(u32 interfaces, u32 defs)
{
	u32 slots = roundup_pow_of_two(2 * interfaces + 2);
	struct cordon_ports *ports;

	ports = kvzalloc(struct_size(ports, slots, slots), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	ports->mask = slots - 1;
	ports->places = kvcalloc(max(interfaces * defs, 1U), sizeof(*ports->places),
				 GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	return ports;
}

/* False: there are more interfaces than there is room for. */
static bool fill(struct cordon_ports *ports, struct net *net, const struct cordon_policy *policy,
		 u32 room)
{
	struct cordon_interface interface;
	struct net_device *dev;
	bool fits = true;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev) {
		if (!classify(policy, dev, &interface))
			continue;
		fits = room--;
		if (!fits)
			break;
		add(ports, &interface);
		if (interface.role == CORDON_ROLE_UPLINK)
			add_places(ports, policy, dev);
	}
	rcu_read_unlock();
	sort(ports->places, ports->n_places, sizeof(*ports->places), compare_places, NULL);
	return fits;
}

/**
 * cordon_ports_new - what the interfaces are to a policy, as they are now
 * @net: the namespace
 * @policy: the policy
 *
 * Context: cordon_net.ports_lock held, so that a change during the call is followed after it; sleeps.
 */
struct cordon_ports *cordon_ports_new(struct net *net, const struct cordon_policy *policy)
{
	struct cordon_ports *ports;
	u32 room;

	for (;;) {
		room = count_listed(net, policy) + 1;
		ports = ports_alloc(room, policy->draft.n_interfaces);
		if (fill(ports, net, policy, room))
			return ports;
		cordon_ports_free(ports);
	}
}

static void ports_free_rcu(struct rcu_head *rcu)
{
	cordon_ports_free(container_of(rcu, struct cordon_ports, rcu));
}

/**
 * cordon_ports_free - free ports that no packet can see
 * @ports: NULL is let through
 */
void cordon_ports_free(struct cordon_ports *ports)
{
	if (!ports)
		return;
	kvfree(ports->places);
	kvfree(ports);
}

/**
 * cordon_ports_holds - the networks of a segment are reached through an interface
 * @ports: the ports
 * @ifindex: of an uplink
 * @segment: one that names interfaces
 */
bool cordon_ports_holds(const struct cordon_ports *ports, int ifindex, u16 segment)
{
	const struct cordon_place wanted = { ifindex, segment };
	u32 lo = 0, hi = ports->n_places;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (compare_places(&ports->places[mid], &wanted) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ports->n_places && !compare_places(&ports->places[lo], &wanted);
}

/**
 * cordon_ports_segment - the segment that names an interface as its own
 * @ports: the ports
 * @ifindex: of an uplink
 *
 * Return: the segment; CORDON_NO_SEGMENT, none names it, or more than one does.
 */
u16 cordon_ports_segment(const struct cordon_ports *ports, int ifindex)
{
	u16 found = CORDON_NO_SEGMENT;
	u32 i;

	for (i = 0; i < ports->n_places; i++) {
		if (ports->places[i].ifindex != ifindex)
			continue;
		if (found != CORDON_NO_SEGMENT)
			return CORDON_NO_SEGMENT;
		found = ports->places[i].segment;
	}
	return found;
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
		ports = cordon_ports_new(cn->net, rs->policy);
		old = rcu_replace_pointer(rs->ports, ports, lockdep_is_held(&cn->ports_lock));
		if (old)
			call_rcu(&old->rcu, ports_free_rcu);
	}
	mutex_unlock(&cn->ports_lock);
}

static bool is_port(struct cordon_net *cn, const struct net_device *dev)
{
	const struct cordon_interface *interface;
	struct cordon_ruleset *rs;
	bool found = false;

	rcu_read_lock();
	rs = rcu_dereference(cn->ruleset);
	if (rs) {
		interface = cordon_ports_find(rcu_dereference(rs->ports), dev->ifindex);
		found = interface && interface->role == CORDON_ROLE_PORT;
	}
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
