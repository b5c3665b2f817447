// SPDX-License-Identifier: GPL-2.0
/*
 * Which segments are on the link behind an interface. A packet to a group, or for broadcast, is
 * decided on by these, as its destination address says nothing of who receives it; and a packet
 * from an uplink with no address of its own, as a DHCP request, is taken as from there.
 */
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>

#include "lease.h"
#include "link.h"
#include "net.h"
#include "netfilter.h"
#include "pkt.h"
#include "ports.h"
#include "ruleset.h"
#include "stack.h"

#define CHUNK	1024	/* devices that are looked at before others may run */

/**
 * struct survey - what is found out about the ports of a policy
 * @policy: the policy
 * @n: length of @subnets
 * @subnets: the networks of all ports
 * @demands: see cordon_reach_device()
 */
struct survey {
	const struct cordon_policy *policy;
	u32 n;
	struct cordon_subnet *subnets;
	u8 *demands;
};

/* IPv6 addresses of an interface, of @n so far. Context: RCU read side. Return: how many now. */
static u32 own_v6(const struct net_device *dev, struct cordon_network_def *own, u32 n)
{
	const struct inet6_dev *in6 = __in6_dev_get(dev);
	const struct inet6_ifaddr *a;

	if (!in6)
		return n;
	list_for_each_entry_rcu(a, &in6->addr_list, if_list) {
		if (ipv6_addr_type(&a->addr) & IPV6_ADDR_LINKLOCAL)
			continue;
		if (n == CORDON_MAX_SUBNETS)
			return n + 1;
		own[n++] = (struct cordon_network_def){
			.addr = cordon_pkt_v6(&a->addr), .len = a->prefix_len,
		};
	}
	return n;
}

/*
 * The addresses of an interface, with the lengths of their networks; of a point-to-point one that
 * of its peer. There are @n so far. Context: RCU read side. Return: how many now; more than
 * CORDON_MAX_SUBNETS, there are others.
 */
static u32 own_addresses(const struct net_device *dev, struct cordon_network_def *own, u32 n)
{
	const struct in_device *in4 = __in_dev_get_rcu(dev);
	const struct in_ifaddr *a;

	if (n > CORDON_MAX_SUBNETS)
		return n;
	if (!in4)
		return own_v6(dev, own, n);
	in_dev_for_each_ifa_rcu(a, in4) {
		if (n == CORDON_MAX_SUBNETS)
			return n + 1;
		own[n++] = (struct cordon_network_def){
			.addr = cordon_addr_v4(ntohl(a->ifa_address)), .len = 96 + a->ifa_prefixlen,
		};
	}
	return own_v6(dev, own, n);
}

/* Those of a bridge and of the VLANs on it, each of which may be untagged at some member. */
static u32 bridge_addresses(struct net_device *bridge, struct cordon_network_def *own)
{
	u32 n = own_addresses(bridge, own, 0);
	struct net_device *upper;
	struct list_head *i;

	netdev_for_each_upper_dev_rcu(bridge, upper, i)
		if (is_vlan_dev(upper) && net_eq(dev_net(upper), dev_net(bridge)))
			n = own_addresses(upper, own, n);
	return n;
}

static void survey_subnets(struct survey *s, struct net *net)
{
	struct cordon_network_def own[CORDON_MAX_SUBNETS];
	const struct cordon_draft *d = &s->policy->draft;
	struct net_device *dev, *master;
	u32 i, n;

	rcu_read_lock();
	for (i = 0; i < d->n_ports; i++) {
		dev = dev_get_by_name_rcu(net, d->ports[i].name);
		if (!dev)
			continue;
		/* What is behind a port of a bridge is in the bridge's networks. */
		master = netdev_master_upper_dev_get_rcu(dev);
		n = master && netif_is_bridge_master(master) ? bridge_addresses(master, own) :
							      own_addresses(dev, own, 0);
		s->n = cordon_subnets_add(s->subnets, s->n, i, own, n);
	}
	rcu_read_unlock();
	cordon_subnets_sort(s->subnets, s->n);
}

static void survey_devices(struct survey *s, u32 also)
{
	u32 i;

	for (i = 0; i < s->policy->draft.n_devices; i++) {
		if (i == also || cordon_policy_is_device(s->policy, i))
			cordon_reach_device(s->policy, s->subnets, s->n, i, s->demands);
		if (!(i % CHUNK))
			cond_resched();
	}
}

/* To packets, what is behind a port that shares the wire of another is behind that one. */
static void survey_wires(struct survey *s, struct net *net)
{
	struct cordon_ports *ports = cordon_stack_ports(net, s->policy, NULL);
	const struct cordon_draft *d = &s->policy->draft;
	u8 *from, *to;
	u32 i, k;
	u16 wire;

	for (i = 0; i < d->n_ports; i++) {
		wire = cordon_ports_wire(ports, i);
		if (wire == i)
			continue;
		from = &s->demands[(size_t)i * d->n_segments];
		to = &s->demands[(size_t)wire * d->n_segments];
		for (k = 0; k < d->n_segments; k++)
			to[k] = max(to[k], from[k]);
	}
	cordon_ports_free(ports);
}

/* Return: the links, or NULL when there is no memory. */
static struct cordon_links *survey_links(const struct survey *s)
{
	u32 ports = s->policy->draft.n_ports, segments = s->policy->draft.n_segments, i, n = 0;
	struct cordon_links *links;
	size_t size;

	for (i = 0; i < ports; i++)
		n += cordon_reach_port(s->policy, s->demands, i, NULL);
	size = round_up(struct_size(links, reach, n), sizeof(u64));
	links = kvzalloc(size + s->n * sizeof(*links->subnets) +
			 (ports + 1) * sizeof(*links->first) + ports * segments,
			 GFP_KERNEL_ACCOUNT);
	if (!links)
		return NULL;
	links->subnets = (void *)links + size;
	links->n_subnets = s->n;
	memcpy(links->subnets, s->subnets, s->n * sizeof(*links->subnets));
	links->first = (u32 *)(links->subnets + s->n);
	links->demands = (u8 *)(links->first + ports + 1);
	memcpy(links->demands, s->demands, ports * segments);
	for (i = 0; i < ports; i++)
		links->first[i + 1] = links->first[i] +
			cordon_reach_port(s->policy, s->demands, i, &links->reach[links->first[i]]);
	return links;
}

/**
 * cordon_links_new - the segments behind each port of a policy, as addresses are now
 * @net: the namespace
 * @policy: the policy
 * @also: a device that is about to be added to it, or CORDON_NO_DEVICE
 *
 * Takes time in proportion to the addresses of the policy's devices.
 *
 * Context: sleeps. Return: the links, or NULL when there is no memory.
 */
struct cordon_links *cordon_links_new(struct net *net, const struct cordon_policy *policy,
				      u32 also)
{
	u32 ports = max(policy->draft.n_ports, 1U);
	struct cordon_links *links = NULL;
	struct survey s = { .policy = policy };

	s.subnets = kvmalloc_array(ports * CORDON_MAX_SUBNETS, sizeof(*s.subnets),
				   GFP_KERNEL_ACCOUNT);
	s.demands = kvcalloc(ports, policy->draft.n_segments, GFP_KERNEL_ACCOUNT);
	if (s.subnets && s.demands) {
		survey_subnets(&s, net);
		survey_devices(&s, also);
		survey_wires(&s, net);
		links = survey_links(&s);
	}
	kvfree(s.subnets);
	kvfree(s.demands);
	return links;
}

/**
 * cordon_links_touch - have the links of the ruleset in force brought up to date
 * @cn: the namespace
 *
 * Not at once, if it was done just before: whoever changes addresses in a loop gets a tenth of a
 * processor's time at most.
 *
 * Context: any.
 */
void cordon_links_touch(struct cordon_net *cn)
{
	unsigned long due = READ_ONCE(cn->links_due), now = jiffies;

	mod_delayed_work(system_wq, &cn->links_work, time_before(now, due) ? due - now : 0);
}

/**
 * cordon_links_shrink - have it found out what is no longer behind a port
 * @cn: the namespace
 *
 * Until then, packets for many are still judged as if it were. So there is time: all devices are
 * looked at for that, once a second at most.
 *
 * Context: any.
 */
void cordon_links_shrink(struct cordon_net *cn)
{
	schedule_delayed_work(&cn->links_work, HZ);
}

/**
 * cordon_links_grow - a device is about to be added to the ruleset in force
 * @cn: the namespace
 * @device: its place
 *
 * Most add nothing to what is behind a port. For one that does, all devices are looked at anew.
 *
 * Context: cordon_net.lock held; may sleep.
 */
void cordon_links_grow(struct cordon_net *cn, u32 device)
{
	struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_links *old;

	old = rcu_dereference_protected(rs->links, lockdep_is_held(&cn->lock));
	if (old && cordon_reach_device(rs->policy, old->subnets, old->n_subnets, device,
				       old->demands))
		return;
	rcu_assign_pointer(rs->links, cordon_links_new(cn->net, rs->policy, device));
	if (old)
		kvfree_rcu(old, rcu);
	if (!rcu_access_pointer(rs->links))
		cordon_links_touch(cn);
}

/**
 * cordon_links_update - addresses have changed
 * @work: cordon_net.links_work
 *
 * Without memory for the new links there are none, ports are closed to groups, and it is tried
 * again a second later.
 */
void cordon_links_update(struct work_struct *work)
{
	struct cordon_net *cn = container_of(to_delayed_work(work), struct cordon_net, links_work);
	struct cordon_links *old, *links;
	unsigned long start, wait;
	struct cordon_ruleset *rs;
	bool bridged;

	mutex_lock(&cn->lock);
	rs = cordon_net_ruleset(cn);
	if (rs) {
		start = jiffies;
		links = cordon_links_new(cn->net, rs->policy, CORDON_NO_DEVICE);
		old = rcu_replace_pointer(rs->links, links, lockdep_is_held(&cn->lock));
		if (old)
			kvfree_rcu(old, rcu);
		rcu_read_lock();
		bridged = cordon_ports_bridged(rcu_dereference(rs->ports));
		rcu_read_unlock();
		if (bridged)
			cordon_netfilter_track_bridges(cn);
		/* It may be an interface that has come. */
		if (cn->leases_wait)
			cordon_leases_bind(cn);
		wait = max(10 * (jiffies - start), (unsigned long)HZ / 10);
		WRITE_ONCE(cn->links_due, jiffies + wait);
		if (!links)
			schedule_delayed_work(&cn->links_work, HZ);
	}
	mutex_unlock(&cn->lock);
}

/* Those that the policy puts there: the places of an interface are neighbours. */
static u32 placed_segments(const struct cordon_ports *ports, int ifindex,
			   struct cordon_reach *reach)
{
	u32 lo = 0, hi = ports->n_places, n = 0;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (ports->places[mid].ifindex < ifindex)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < ports->n_places && ports->places[lo].ifindex == ifindex; lo++)
		n = cordon_reach_add(reach, n, ports->places[lo].segment);
	return n;
}

/* Those of the networks that the interface's own addresses lie in. */
static u32 own_segments(const struct cordon_policy *p, const struct net_device *dev,
			struct cordon_reach *reach)
{
	struct cordon_network_def own[CORDON_MAX_SUBNETS];
	u32 n_own = own_addresses(dev, own, 0), i, n = 0;

	if (n_own > CORDON_MAX_SUBNETS)
		return 0;
	for (i = 0; i < n_own; i++)
		n = cordon_reach_own(p, &own[i].addr, reach, n);
	return n;
}

/**
 * cordon_link_uplink - the segments on the link behind an uplink
 * @p: the policy
 * @ports: of the ruleset
 * @dev: the uplink
 * @reach: room for CORDON_MAX_REACH
 *
 * Those that name it among their interfaces; if none does, those of the networks that its own
 * addresses lie in, CORDON_NO_SEGMENT among them where an address lies in none.
 *
 * Context: RCU read side.
 * Return: how many; 0, nobody knows: it has no address, or addresses or segments are too many.
 */
u32 cordon_link_uplink(const struct cordon_policy *p, const struct cordon_ports *ports,
		       const struct net_device *dev, struct cordon_reach *reach)
{
	u32 n = placed_segments(ports, dev->ifindex, reach);

	if (!n)
		n = own_segments(p, dev, reach);
	return n <= CORDON_MAX_REACH ? n : 0;
}

/**
 * cordon_link_segment - the segment of a host on an uplink that has no address yet
 * @p: the policy
 * @ports: of the ruleset
 * @dev: the uplink
 *
 * Context: RCU read side.
 * Return: the segment; CORDON_NO_SEGMENT, there is none, or more than one.
 */
u16 cordon_link_segment(const struct cordon_policy *p, const struct cordon_ports *ports,
			const struct net_device *dev)
{
	struct cordon_reach reach[CORDON_MAX_REACH];

	if (cordon_link_uplink(p, ports, dev, reach) == 1 || own_segments(p, dev, reach) == 1)
		return reach[0].segment;
	return CORDON_NO_SEGMENT;
}

/*
 * Context: any; notifiers of IPv6 addresses are called with bottom halves off. The namespace keeps
 * its struct cordon_net as long as it has interfaces.
 */
static void touch(const struct net_device *dev)
{
	struct cordon_net *cn = cordon_net(dev_net(dev));

	if (rcu_access_pointer(cn->ruleset))
		cordon_links_touch(cn);
}

static int v4_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct in_ifaddr *ifa = ptr;

	touch(ifa->ifa_dev->dev);
	return NOTIFY_DONE;
}

static int v6_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct inet6_ifaddr *ifa = ptr;

	touch(ifa->idev->dev);
	return NOTIFY_DONE;
}

static int device_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	if (event == NETDEV_REGISTER || event == NETDEV_CHANGENAME || event == NETDEV_CHANGEUPPER)
		touch(netdev_notifier_info_to_dev(ptr));
	return NOTIFY_DONE;
}

static struct notifier_block v4_notifier = { .notifier_call = v4_event };
static struct notifier_block v6_notifier = { .notifier_call = v6_event };
static struct notifier_block device_notifier = { .notifier_call = device_event };

/** cordon_link_init - follow the addresses of all namespaces */
int cordon_link_init(void)
{
	int ret;

	ret = register_netdevice_notifier(&device_notifier);
	if (ret)
		return ret;
	register_inetaddr_notifier(&v4_notifier);
	register_inet6addr_notifier(&v6_notifier);
	return 0;
}

/** cordon_link_exit - the reverse of cordon_link_init() */
void cordon_link_exit(void)
{
	unregister_inet6addr_notifier(&v6_notifier);
	unregister_inetaddr_notifier(&v4_notifier);
	unregister_netdevice_notifier(&device_notifier);
}
