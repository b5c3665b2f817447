// SPDX-License-Identifier: GPL-2.0
/*
 * Which segments are on the link behind an interface. A packet to a group, or for broadcast, is
 * judged towards these, as its destination address says nothing of who receives it; and a packet
 * from an uplink with no address of its own, as a DHCP request, is judged as from there.
 */
#include <linux/inetdevice.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>

#include "link.h"
#include "net.h"
#include "packet.h"
#include "ports.h"
#include "ruleset.h"

#define MAX_SUBNETS	32	/* of one port; with more, a device may be behind it by any address */

/**
 * struct subnets - the networks that the addresses of an interface lie in
 * @n: how many; more than MAX_SUBNETS, the rest is not known
 * @net: their first address and their length, as in struct cordon_network_def
 */
struct subnets {
	u32 n;
	struct cordon_network_def net[MAX_SUBNETS];
};

static void add_subnet(struct subnets *s, struct cordon_addr addr, u8 len)
{
	struct cordon_addr rest = cordon_prefix_last(&(struct cordon_addr){ 0, 0 }, len);

	if (s->n < MAX_SUBNETS) {
		addr.hi &= ~rest.hi;
		addr.lo &= ~rest.lo;
		s->net[s->n] = (struct cordon_network_def){ .addr = addr, .len = len };
	}
	s->n++;
}

/* Context: RCU read side. */
static void find_subnets(const struct net_device *dev, struct subnets *s)
{
	const struct in_device *in4 = __in_dev_get_rcu(dev);
	const struct inet6_dev *in6 = __in6_dev_get(dev);
	const struct inet6_ifaddr *a6;
	const struct in_ifaddr *a4;

	if (in4)
		in_dev_for_each_ifa_rcu(a4, in4)
			add_subnet(s, cordon_addr_v4(ntohl(a4->ifa_local)), 96 + a4->ifa_prefixlen);
	if (in6)
		list_for_each_entry_rcu(a6, &in6->addr_list, if_list)
			if (!(ipv6_addr_type(&a6->addr) & IPV6_ADDR_LINKLOCAL))
				add_subnet(s, cordon_packet_v6(&a6->addr), a6->prefix_len);
}

static bool holds(const struct subnets *s, const struct cordon_addr *addr)
{
	struct cordon_addr last;
	u32 i;

	if (s->n > MAX_SUBNETS)
		return true;
	for (i = 0; i < s->n; i++) {
		last = cordon_prefix_last(&s->net[i].addr, s->net[i].len);
		if (cordon_addr_is_v4(&s->net[i].addr) == cordon_addr_is_v4(addr) &&
		    cordon_addr_compare(&s->net[i].addr, addr) <= 0 &&
		    cordon_addr_compare(addr, &last) <= 0)
			return true;
	}
	return false;
}

/* A device that is tied to no port is behind those in whose subnets it has an address. */
static bool is_behind(const struct cordon_policy *p, u32 device, u16 port, const struct subnets *s)
{
	const struct cordon_device_def *d = &p->draft.devices[device];
	u32 i;

	if (d->port != CORDON_ANY_PORT)
		return d->port == port;
	for (i = 0; i < d->n; i++)
		if (holds(s, &p->draft.addresses[d->first + i]))
			return true;
	return false;
}

/* The segments of one port, at the end of @links; @seen has a byte for each segment. */
static u32 add_port(struct cordon_links *links, struct net *net, const struct cordon_policy *p,
		    u16 port, u8 *seen)
{
	u32 i, n = links->first[port];
	struct net_device *dev;
	struct subnets s;

	s.n = 0;
	rcu_read_lock();
	dev = dev_get_by_name_rcu(net, p->draft.ports[port].name);
	if (dev)
		find_subnets(dev, &s);
	rcu_read_unlock();
	memset(seen, 0, p->draft.n_segments);
	for (i = 0; i < p->draft.n_devices; i++) {
		if (!seen[p->draft.devices[i].segment] && is_behind(p, i, port, &s))
			seen[p->draft.devices[i].segment] = 1;
		if (!(i % 1024))
			cond_resched();
	}
	for (i = 0; i < p->draft.n_segments; i++)
		if (seen[i])
			links->segments[n++] = i;
	return n;
}

/**
 * cordon_links_new - the segments behind each port of a policy, as addresses are now
 * @net: the namespace
 * @policy: the policy
 *
 * Context: sleeps. Return: the links, or NULL when there is no memory.
 */
struct cordon_links *cordon_links_new(struct net *net, const struct cordon_policy *policy)
{
	u32 ports = policy->draft.n_ports, segments = policy->draft.n_segments, i;
	struct cordon_links *links = kzalloc(sizeof(*links), GFP_KERNEL_ACCOUNT);
	u8 *seen = kvmalloc(segments, GFP_KERNEL_ACCOUNT);

	if (!links || !seen)
		goto fail;
	links->first = kvcalloc(ports + 1, sizeof(*links->first), GFP_KERNEL_ACCOUNT);
	links->segments = kvcalloc(max(ports * segments, 1U), sizeof(*links->segments),
				   GFP_KERNEL_ACCOUNT);
	if (!links->first || !links->segments)
		goto fail;
	for (i = 0; i < ports; i++)
		links->first[i + 1] = add_port(links, net, policy, i, seen);
	kvfree(seen);
	return links;
fail:
	kvfree(seen);
	cordon_links_free(links);
	return NULL;
}

/**
 * cordon_links_free - free links that no packet can see
 * @links: NULL is let through
 */
void cordon_links_free(struct cordon_links *links)
{
	if (!links)
		return;
	kvfree(links->first);
	kvfree(links->segments);
	kfree(links);
}

static void links_free_rcu(struct rcu_head *rcu)
{
	cordon_links_free(container_of(rcu, struct cordon_links, rcu));
}

/**
 * cordon_links_update - addresses have changed
 * @work: cordon_net.links_work
 *
 * Without memory for the new links there are none, and ports are closed to groups.
 */
void cordon_links_update(struct work_struct *work)
{
	struct cordon_net *cn = container_of(work, struct cordon_net, links_work);
	struct cordon_links *old, *links;
	struct cordon_ruleset *rs;

	mutex_lock(&cn->lock);
	rs = cordon_net_ruleset(cn);
	if (rs) {
		links = cordon_links_new(cn->net, rs->policy);
		old = rcu_replace_pointer(rs->links, links, lockdep_is_held(&cn->lock));
		if (old)
			call_rcu(&old->rcu, links_free_rcu);
	}
	mutex_unlock(&cn->lock);
}

static u32 add_segment(u16 *segments, u32 n, u16 segment)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (segments[i] == segment)
			return n;
	if (n < CORDON_LINK_MAX_SEGMENTS)
		segments[n] = segment;
	return n + 1;
}

/* Segments of the networks that the interface's own addresses lie in. */
static u32 own_segments(const struct cordon_policy *p, const struct net_device *dev, u16 *segments)
{
	const struct in_device *in4 = __in_dev_get_rcu(dev);
	const struct inet6_dev *in6 = __in6_dev_get(dev);
	const struct inet6_ifaddr *a6;
	const struct in_ifaddr *a4;
	struct cordon_addr addr;
	u32 n = 0;

	if (in4)
		in_dev_for_each_ifa_rcu(a4, in4) {
			addr = cordon_addr_v4(ntohl(a4->ifa_local));
			n = add_segment(segments, n, cordon_policy_network_segment(p, &addr));
		}
	if (in6)
		list_for_each_entry_rcu(a6, &in6->addr_list, if_list) {
			if (ipv6_addr_type(&a6->addr) & IPV6_ADDR_LINKLOCAL)
				continue;
			addr = cordon_packet_v6(&a6->addr);
			n = add_segment(segments, n, cordon_policy_network_segment(p, &addr));
		}
	return n;
}

/**
 * cordon_link_uplink - the segments on the link behind an uplink
 * @p: the policy
 * @ports: of the ruleset
 * @dev: the uplink
 * @segments: room for CORDON_LINK_MAX_SEGMENTS
 *
 * Those that name it among their interfaces; if none does, those of the networks that its own
 * addresses lie in, CORDON_NO_SEGMENT among them where an address lies in none.
 *
 * Context: RCU read side. Return: how many; 0, nobody knows, or they are too many.
 */
u32 cordon_link_uplink(const struct cordon_policy *p, const struct cordon_ports *ports,
		       const struct net_device *dev, u16 *segments)
{
	u32 i, n = 0;

	for (i = 0; i < ports->n_places; i++)
		if (ports->places[i].ifindex == dev->ifindex)
			n = add_segment(segments, n, ports->places[i].segment);
	if (!n)
		n = own_segments(p, dev, segments);
	return n <= CORDON_LINK_MAX_SEGMENTS ? n : 0;
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
	u16 segments[CORDON_LINK_MAX_SEGMENTS];

	if (cordon_link_uplink(p, ports, dev, segments) == 1 ||
	    own_segments(p, dev, segments) == 1)
		return segments[0];
	return CORDON_NO_SEGMENT;
}

static void touch(const struct net_device *dev)
{
	struct cordon_net *cn = cordon_net(dev_net(dev));

	if (rcu_access_pointer(cn->ruleset))
		schedule_work(&cn->links_work);
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
	if (event == NETDEV_REGISTER || event == NETDEV_CHANGENAME)
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
