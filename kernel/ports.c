// SPDX-License-Identifier: GPL-2.0
/* What each interface of a namespace is to the policy in force: the map that packets read. */
#include <linux/if_vlan.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "ports.h"

/**
 * cordon_ports_alloc - an empty map
 * @policy: the policy
 * @interfaces: how many there is room for
 * @places: likewise
 *
 * Context: sleeps, and does not fail.
 */
struct cordon_ports *cordon_ports_alloc(const struct cordon_policy *policy, u32 interfaces,
					u32 places)
{
	u32 slots = roundup_pow_of_two(2 * interfaces + 2);
	struct cordon_ports *ports;

	/*
	 * An interface takes kilobytes itself; the map has 64 bytes and its places for each. For a
	 * port of the policy it has four bytes.
	 */
	ports = kvzalloc(struct_size(ports, slots, slots), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	ports->mask = slots - 1;
	ports->places = kvcalloc(max(places, 1U), sizeof(*ports->places),
				 GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	ports->by_port = kvcalloc(max(policy->draft.n_ports, 1U), sizeof(*ports->by_port),
				  GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	return ports;
}

/**
 * cordon_ports_free - free ports that no packet can see
 * @ports: NULL is let through
 */
void cordon_ports_free(struct cordon_ports *ports)
{
	if (!ports)
		return;
	kvfree(ports->by_port);
	kvfree(ports->places);
	kvfree(ports);
}

static int compare_places(const void *a, const void *b)
{
	const struct cordon_place *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return (int)x->segment - (int)y->segment;
}

/* A place, unless it was the last one, too. */
static void add_place(struct cordon_ports *ports, struct cordon_place place)
{
	if (!ports->n_places ||
	    compare_places(&ports->places[ports->n_places - 1], &place))
		ports->places[ports->n_places++] = place;
}

/* New interfaces have the highest index, as a rule, and leave the order as it is. */
static void sort_places(struct cordon_ports *ports)
{
	u32 i;

	for (i = 1; i < ports->n_places; i++)
		if (compare_places(&ports->places[i - 1], &ports->places[i]) > 0) {
			sort(ports->places, ports->n_places, sizeof(*ports->places),
			     compare_places, NULL);
			break;
		}
}

/**
 * cordon_ports_places - of how many segments an interface's name is given as the place
 * @policy: the policy
 * @ifname: of the interface
 *
 * A segment counts for each name or pattern of its own that matches.
 */
u32 cordon_ports_places(const struct cordon_policy *policy, const char *ifname)
{
	u32 i, n = 0;

	for (i = 0; i < policy->draft.n_interfaces; i++)
		n += cordon_ifname_matches(policy->draft.interfaces[i].name, ifname);
	return n;
}

static void add_places(struct cordon_ports *ports, const struct cordon_policy *policy,
		       const char *ifname, int ifindex)
{
	const struct cordon_interface_def *defs = policy->draft.interfaces;
	u32 i;

	for (i = 0; i < policy->draft.n_interfaces; i++)
		if (cordon_ifname_matches(defs[i].name, ifname))
			add_place(ports, (struct cordon_place){ ifindex, defs[i].segment });
	sort_places(ports);
}

static void add(struct cordon_ports *ports, const struct cordon_interface *interface)
{
	u32 slot = interface->ifindex & ports->mask;
	struct cordon_interface *to;

	while (ports->slots[slot].ifindex)
		slot = (slot + 1) & ports->mask;
	to = &ports->slots[slot];
	to->wire = interface->wire;
	to->port = interface->port;
	to->entry = interface->entry;
	to->role = interface->role;
	to->listed = interface->listed;
	to->closed = interface->closed;
	to->flags = interface->flags;
	ports->used++;
	/* Pairs with cordon_ports_known(). */
	smp_store_release(&to->ifindex, interface->ifindex);
	if (interface->listed == CORDON_ROLE_PORT)
		/* Pairs with find_port(). */
		smp_store_release(&ports->by_port[interface->entry], slot + 1);
}

/**
 * cordon_ports_has_room - one more interface can be added while packets read
 * @ports: the ports
 */
bool cordon_ports_has_room(const struct cordon_ports *ports)
{
	return ports->used < (ports->mask + 1) / 2;
}

/**
 * cordon_ports_add - add an interface, and where it is for segments that name interfaces
 * @ports: with room for it; no packet may see them, unless no segment names the interface
 * @policy: the policy
 * @ifname: of the interface
 * @interface: what it is
 *
 * Context: cordon_net.ports_lock held, or the only user.
 */
void cordon_ports_add(struct cordon_ports *ports, const struct cordon_policy *policy,
		      const char *ifname, const struct cordon_interface *interface)
{
	add(ports, interface);
	if (interface->listed == CORDON_ROLE_UPLINK)
		add_places(ports, policy, ifname, interface->ifindex);
}

/**
 * cordon_interface_init - what an interface is by its name; its role is still to be found
 * @interface: overwritten
 * @policy: the policy
 * @dev: the interface
 * @before: what it was before, under this policy; or NULL
 *
 * It is kept closed until cordon_stack_classify().
 */
void cordon_interface_init(struct cordon_interface *interface, const struct cordon_policy *policy,
			   const struct net_device *dev, const struct cordon_interface *before)
{
	*interface = (struct cordon_interface){
		.ifindex = dev->ifindex, .wire = dev->ifindex, .port = CORDON_ANY_PORT,
		.entry = CORDON_NO_ENTRY, .closed = CORDON_CLOSED_NOT_LISTED,
	};
	if (dev->flags & IFF_LOOPBACK)
		interface->listed = CORDON_ROLE_LOOPBACK;
	else
		interface->listed = cordon_interface_listed(&policy->draft, dev->name,
							    &interface->entry);
	if (interface->listed != CORDON_ROLE_PORT && cordon_interface_is_port(before))
		interface->flags |= CORDON_INTERFACE_WAS_PORT;
	if (netif_is_bridge_master(dev) ||
	    (is_vlan_dev(dev) && netif_is_bridge_master(vlan_dev_real_dev(dev))))
		interface->flags |= CORDON_INTERFACE_BRIDGE;
}

/**
 * cordon_ports_copy - the same once more, with room for another interface
 * @ports: the ports
 * @policy: the policy
 * @without: index of an interface that is left out; 0, none
 *
 * Interfaces that are gone are left out, too.
 *
 * Context: cordon_net.ports_lock held; sleeps.
 */
struct cordon_ports *cordon_ports_copy(const struct cordon_ports *ports,
				       const struct cordon_policy *policy, int without)
{
	struct cordon_ports *to;
	u32 i, n = 1;

	for (i = 0; i <= ports->mask; i++)
		n += cordon_interface_is_kept(&ports->slots[i]);
	to = cordon_ports_alloc(policy, n, ports->n_places + policy->draft.n_interfaces);
	for (i = 0; i <= ports->mask; i++)
		if (cordon_interface_is_kept(&ports->slots[i]) &&
		    ports->slots[i].ifindex != without)
			add(to, &ports->slots[i]);
	for (i = 0; i < ports->n_places; i++)
		if (cordon_ports_known(to, ports->places[i].ifindex))
			add_place(to, ports->places[i]);
	return to;
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
 * cordon_ports_bridged - a port is in a bridge
 * @ports: the ports
 */
bool cordon_ports_bridged(const struct cordon_ports *ports)
{
	u32 i;

	for (i = 0; i <= ports->mask; i++)
		if (READ_ONCE(ports->slots[i].role) == CORDON_ROLE_BRIDGE)
			return true;
	return false;
}

static const struct cordon_interface *find_port(const struct cordon_ports *ports, u16 port)
{
	/* Pairs with the release in add(). */
	u32 slot = smp_load_acquire(&ports->by_port[port]);

	return slot ? &ports->slots[slot - 1] : NULL;
}

/**
 * cordon_ports_wire - which port a port is to packets
 * @ports: the ports
 * @port: one of the policy's
 *
 * Return: of a macvlan or the like that lies on another port, that one; else @port, also if it has
 * no interface or is closed.
 */
u16 cordon_ports_wire(const struct cordon_ports *ports, u16 port)
{
	const struct cordon_interface *interface = find_port(ports, port);

	return interface && !READ_ONCE(interface->closed) ? interface->port : port;
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
	const struct cordon_interface *interface = find_port(ports, port);

	return interface && cordon_interface_is_kept(interface) ? interface->ifindex : 0;
}
