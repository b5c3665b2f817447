// SPDX-License-Identifier: GPL-2.0
/* What interfaces lie on, and are in, and what follows for the policy. */
#include <linux/if_vlan.h>
#include <net/rtnetlink.h>

#include "stack.h"

/* A kernel may be built without hooks in bridges. */
#define CORDON_SEES_BRIDGES	IS_ENABLED(CONFIG_NETFILTER_FAMILY_BRIDGE)

static u8 shape(const struct net_device *dev)
{
	static const struct {
		const char *kind;
		u8 shape;
	} kinds[] = {
		{ "macvlan", CORDON_SHAPE_SHARED }, { "macvtap", CORDON_SHAPE_SHARED },
		{ "ipvlan", CORDON_SHAPE_SHARED }, { "ipvtap", CORDON_SHAPE_SHARED },
		{ "vlan", CORDON_SHAPE_TAGGED }, { "macsec", CORDON_SHAPE_TAGGED },
	};
	int i;

	if (netif_is_ovs_master(dev) || (netif_is_bridge_master(dev) && !CORDON_SEES_BRIDGES))
		return CORDON_SHAPE_SWITCH;
	if (netif_is_bridge_master(dev))
		return CORDON_SHAPE_BRIDGE;
	if (netif_is_l3_master(dev))
		return CORDON_SHAPE_VRF;
	for (i = 0; dev->rtnl_link_ops && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(dev->rtnl_link_ops->kind, kinds[i].kind))
			return kinds[i].shape;
	return CORDON_SHAPE_PLAIN;
}

/**
 * struct descent - a look at all that lies below an interface
 * @ports: what is known by names
 * @net: the interface's namespace; one in another is not what the policy names
 * @out: gets what is found
 */
struct descent {
	const struct cordon_ports *ports;
	struct net *net;
	struct cordon_stack *out;
};

static const struct cordon_interface *find(const struct descent *d, const struct net_device *dev)
{
	return net_eq(dev_net(dev), d->net) ? cordon_ports_known(d->ports, dev->ifindex) : NULL;
}

static int see(struct net_device *lower, struct netdev_nested_priv *priv)
{
	struct descent *d = (struct descent *)priv->data;

	if (!d->out->below)
		d->out->below = lower;
	if (!d->out->port && cordon_interface_is_port(find(d, lower)))
		d->out->port = lower;
	return !!d->out->port;
}

/** struct membership - a look at the members of a bridge */
struct membership {
	const struct cordon_ports *ports;
	const struct net_device *bridge;
};

static int is_member_port(struct net_device *lower, struct netdev_nested_priv *priv)
{
	const struct membership *m = priv->data;

	return netdev_master_upper_dev_get_rcu(lower) == m->bridge &&
	       net_eq(dev_net(lower), dev_net(m->bridge)) &&
	       cordon_interface_is_port(cordon_ports_known(m->ports, lower->ifindex));
}

/* A member of a bridge is a port by its name, or was one. */
static bool has_ports(const struct cordon_ports *ports, struct net_device *bridge)
{
	struct membership m = { ports, bridge };
	struct netdev_nested_priv priv = { .data = &m };

	return netdev_walk_all_lower_dev_rcu(bridge, is_member_port, &priv);
}

/* A VLAN of a bridge in which a port is. Of an 802.1ad one, the bridge's members know no frames. */
static bool is_on_bridge(const struct cordon_ports *ports, const struct net_device *dev,
			 struct net_device *below, const struct cordon_interface *known)
{
	return is_vlan_dev(dev) && vlan_dev_vlan_proto(dev) == htons(ETH_P_8021Q) &&
	       shape(below) == CORDON_SHAPE_BRIDGE && known->listed == CORDON_ROLE_UNLISTED &&
	       has_ports(ports, below);
}

static void look_below(const struct cordon_ports *ports, struct net_device *dev,
		       struct cordon_stack *out)
{
	struct descent d = { ports, dev_net(dev), out };
	struct netdev_nested_priv priv = { .data = &d };
	const struct cordon_interface *known;

	netdev_walk_all_lower_dev_rcu(dev, see, &priv);
	out->facts.on_port = out->port;
	if (!out->below || !net_eq(dev_net(out->below), d.net))
		return;
	out->facts.below_known = true;
	known = find(&d, out->below);
	if (!known)
		return;
	out->facts.below = known->listed;
	out->facts.below_port = cordon_interface_is_port(known);
	out->facts.on_bridge = is_on_bridge(ports, dev, out->below, known);
	if (!out->facts.on_bridge &&
	    (out->facts.shape != CORDON_SHAPE_SHARED || !out->facts.below_port))
		return;
	/* What is known of it may be about to change, too. As deep as interfaces nest: eight. */
	out->beneath = *known;
	cordon_stack_classify(ports, out->below, &out->beneath);
	out->facts.below_open = out->beneath.role == (out->facts.on_bridge ? CORDON_ROLE_BRIDGE :
									     CORDON_ROLE_PORT);
}

/* What an interface is in, and what is in it. */
static void look_beside(const struct cordon_ports *ports, struct net_device *dev,
			struct cordon_stack *out)
{
	struct net_device *master = netdev_master_upper_dev_get_rcu(dev);
	const struct cordon_interface *known;

	out->master = master;
	out->facts.enslaved = master;
	out->facts.has_ports = out->facts.shape == CORDON_SHAPE_BRIDGE && has_ports(ports, dev);
	if (!master || shape(master) != CORDON_SHAPE_BRIDGE ||
	    !net_eq(dev_net(master), dev_net(dev)))
		return;
	known = cordon_ports_known(ports, master->ifindex);
	out->facts.bridged = known && known->listed == CORDON_ROLE_UNLISTED &&
			     !netdev_master_upper_dev_get_rcu(master);
	out->facts.beside_port = has_ports(ports, master);
}

/**
 * cordon_stack_look - see an interface among those that it is stacked with
 * @ports: what is known of all interfaces by their names
 * @dev: the interface
 * @out: filled
 *
 * Context: RCU read side; what is found is good until its end.
 */
void cordon_stack_look(const struct cordon_ports *ports, struct net_device *dev,
		       struct cordon_stack *out)
{
	const struct cordon_interface *known = cordon_ports_known(ports, dev->ifindex);

	memset(out, 0, sizeof(*out));
	out->facts.listed = known ? known->listed : CORDON_ROLE_UNLISTED;
	out->facts.was_port = known && known->flags & CORDON_INTERFACE_WAS_PORT;
	out->facts.shape = shape(dev);
	look_beside(ports, dev, out);
	look_below(ports, dev, out);
}

/**
 * cordon_stack_classify - what an interface is to packets
 * @ports: what is known of all interfaces by their names
 * @dev: the interface
 * @interface: what is known of it; gets role, port, wire, and why it is closed
 *
 * Context: RCU read side. Return: something changed.
 */
bool cordon_stack_classify(const struct cordon_ports *ports, struct net_device *dev,
			   struct cordon_interface *interface)
{
	struct cordon_interface was = *interface;
	struct cordon_stack stack;

	/* No padding: two of them are compared as bytes. */
	static_assert(sizeof(was) == 2 * sizeof(int) + 2 * sizeof(u16) + 4);
	cordon_stack_look(ports, dev, &stack);
	/* It may not be among @ports yet. */
	stack.facts.listed = interface->listed;
	stack.facts.was_port = interface->flags & CORDON_INTERFACE_WAS_PORT;
	interface->wire = dev->ifindex;
	interface->port = CORDON_ANY_PORT;
	interface->flags &= ~CORDON_INTERFACE_UNTOLD;
	interface->role = cordon_interface_role(&stack.facts, &interface->closed);
	if (interface->role == CORDON_ROLE_PORT && cordon_interface_shares(&stack.facts)) {
		interface->wire = stack.beneath.wire;
		interface->port = stack.beneath.port;
	} else if (interface->role == CORDON_ROLE_PORT) {
		interface->port = interface->entry;
	} else if (interface->role == CORDON_ROLE_BRIDGE) {
		interface->wire = 0;
		interface->port = CORDON_BRIDGE_PORT;
	}
	return memcmp(&was, interface, sizeof(was));
}

static void tell_enslaved(const struct cordon_ports *ports, const struct net_device *dev,
			  const struct cordon_stack *stack, struct netlink_ext_ack *extack)
{
	const struct cordon_interface *master = cordon_ports_known(ports, stack->master->ifindex);

	if (shape(stack->master) == CORDON_SHAPE_BRIDGE && master &&
	    master->listed == CORDON_ROLE_UPLINK)
		NL_SET_ERR_MSG_FMT(extack, "%s is the bridge of port %s: take it out of uplinks",
				   stack->master->name, dev->name);
	else if (shape(stack->master) == CORDON_SHAPE_BRIDGE && master &&
		 master->listed == CORDON_ROLE_PORT)
		NL_SET_ERR_MSG_FMT(extack, "port %s is a bridge: list its members instead",
				   stack->master->name);
	else
		NL_SET_ERR_MSG_FMT(extack, "%s %s is in %s: packets arrive as %s's",
				   stack->facts.has_ports ? "bridge" :
				   stack->facts.on_bridge ? "VLAN" : "port", dev->name,
				   stack->master->name, stack->master->name);
}

/* One sentence of at most 79 characters. */
static int refuse(const struct cordon_ports *ports, const struct net_device *dev,
		  const struct cordon_stack *stack,
		  enum cordon_stack_fault fault, struct netlink_ext_ack *extack)
{
	switch (fault) {
	case CORDON_STACK_ENSLAVED:
		tell_enslaved(ports, dev, stack, extack);
		return -EOPNOTSUPP;
	case CORDON_STACK_SWITCH:
		NL_SET_ERR_MSG_FMT(extack, "port %s is a bridge: list its members instead",
				   dev->name);
		return -EOPNOTSUPP;
	case CORDON_STACK_BESIDE:
		NL_SET_ERR_MSG_FMT(extack, "uplink %s is in %s with a port: list it in ports",
				   dev->name, stack->master->name);
		return -EINVAL;
	case CORDON_STACK_VRF:
		NL_SET_ERR_MSG_FMT(extack,
				   "port %s is a VRF: its members' packets arrive as theirs",
				   dev->name);
		return -EOPNOTSUPP;
	case CORDON_STACK_UPLINK:
		if (stack->facts.on_bridge)
			NL_SET_ERR_MSG_FMT(extack,
					   "%s is a VLAN of a bridge of ports: take it out of uplinks",
					   dev->name);
		else
			NL_SET_ERR_MSG_FMT(extack,
					   "%s lies on port %s: list it in ports, not in uplinks",
					   dev->name, stack->port->name);
		return -EINVAL;
	case CORDON_STACK_UNLISTED:
		NL_SET_ERR_MSG_FMT(extack, "%s lies on port %s and is not listed", dev->name,
				   stack->port->name);
		return -EINVAL;
	case CORDON_STACK_BELOW:
		if (stack->facts.on_bridge)
			NL_SET_ERR_MSG_FMT(extack,
					   "%s is a VLAN of a bridge of ports: take it out of ports",
					   dev->name);
		else
			NL_SET_ERR_MSG_FMT(extack, "%s is below port %s and is not listed",
					   stack->below->name, dev->name);
		return -EINVAL;
	default:
		return 0;
	}
}

/**
 * cordon_stack_check - whether a policy can be put in force over the interfaces as they are
 * @ports: what they are to it
 * @net: the namespace
 * @extack: gets a sentence
 *
 * What is wrong with a port itself is told first: it explains what is wrong above it.
 *
 * Context: takes the RCU read side.
 * Return: 0; -EOPNOTSUPP, a port is in something, or is a bridge or VRF; -EINVAL, something
 * above or below a port is not listed, or is listed as an uplink.
 */
int cordon_stack_check(const struct cordon_ports *ports, struct net *net,
		       struct netlink_ext_ack *extack)
{
	struct cordon_stack stack;
	struct net_device *dev;
	int pass, ret = 0;
	bool port;

	rcu_read_lock();
	for (pass = 0; !ret && pass < 2; pass++) {
		for_each_netdev_rcu(net, dev) {
			cordon_stack_look(ports, dev, &stack);
			port = stack.facts.listed == CORDON_ROLE_PORT;
			if (port == !pass)
				ret = refuse(ports, dev, &stack,
					     cordon_interface_fault(&stack.facts),
					     extack);
			if (ret)
				break;
		}
	}
	rcu_read_unlock();
	return ret;
}

/* What there is to keep of all interfaces. */
static void count(struct net *net, const struct cordon_policy *policy,
		  const struct cordon_ports *before, u32 *interfaces, u32 *places)
{
	struct cordon_interface interface;
	struct net_device *dev;

	*interfaces = 0;
	*places = 0;
	rcu_read_lock();
	for_each_netdev_rcu(net, dev) {
		cordon_interface_init(&interface, policy, dev,
				      before ? cordon_ports_known(before, dev->ifindex) : NULL);
		*interfaces += cordon_interface_is_kept(&interface);
		*places += cordon_ports_places(policy, dev->name);
	}
	rcu_read_unlock();
}

/* False: there are more interfaces, or places, than there is room for. */
static bool fill(struct cordon_ports *ports, struct net *net, const struct cordon_policy *policy,
		 const struct cordon_ports *before, u32 interfaces, u32 places)
{
	struct cordon_interface interface, *slot;
	struct net_device *dev;
	bool fits = true;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev) {
		cordon_interface_init(&interface, policy, dev,
				      before ? cordon_ports_known(before, dev->ifindex) : NULL);
		if (!cordon_interface_is_kept(&interface))
			continue;
		fits = ports->used < interfaces &&
		       ports->n_places + cordon_ports_places(policy, dev->name) <= places;
		if (!fits)
			break;
		cordon_ports_add(ports, policy, dev->name, &interface);
	}
	/* Only now that all names are known. */
	for_each_netdev_rcu(net, dev) {
		slot = cordon_ports_slot(ports, dev->ifindex);
		if (slot)
			cordon_stack_classify(ports, dev, slot);
	}
	rcu_read_unlock();
	return fits;
}

/**
 * cordon_stack_ports - what the interfaces are to a policy, as they are now
 * @net: the namespace
 * @policy: the policy
 * @before: what they were under this policy, or one with the same names; or NULL
 *
 * Context: sleeps. For a map that packets are to see, cordon_net.ports_lock held, so that a change
 * during the call is followed after it.
 */
struct cordon_ports *cordon_stack_ports(struct net *net, const struct cordon_policy *policy,
					const struct cordon_ports *before)
{
	struct cordon_ports *ports;
	u32 interfaces, places;

	for (;;) {
		count(net, policy, before, &interfaces, &places);
		ports = cordon_ports_alloc(policy, interfaces + 1, places);
		if (fill(ports, net, policy, before, interfaces + 1, places))
			return ports;
		cordon_ports_free(ports);
	}
}
