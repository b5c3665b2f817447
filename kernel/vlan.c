// SPDX-License-Identifier: GPL-2.0
/* The VLANs of frames in bridges of ports, as the bridges have them. */
#include <linux/if_bridge.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>

#include "vlan.h"

static DEFINE_MUTEX(following);	/* what follows is being filled in */

/*
 * The bridges' own functions, kept from when a port is in a bridge for the first time on: who has
 * no bridge need not load the module for them. @enabled is written last.
 */
static struct {
	bool (*enabled)(const struct net_device *dev);
	int (*get_pvid)(const struct net_device *dev, u16 *pvid);
	int (*get_proto)(const struct net_device *dev, u16 *proto);
	int (*get_info)(const struct net_device *dev, u16 vid, struct bridge_vlan_info *info);
} bridge;

static void put_all(void)
{
	if (bridge.get_pvid)
		symbol_put(br_vlan_get_pvid_rcu);
	if (bridge.get_proto)
		symbol_put(br_vlan_get_proto);
	if (bridge.get_info)
		symbol_put(br_vlan_get_info_rcu);
}

static void get_all(void)
{
	bool (*enabled)(const struct net_device *dev);

	lockdep_assert_held(&following);
	bridge.get_pvid = symbol_get(br_vlan_get_pvid_rcu);
	bridge.get_proto = symbol_get(br_vlan_get_proto);
	bridge.get_info = symbol_get(br_vlan_get_info_rcu);
	enabled = symbol_get(br_vlan_enabled);
	if (enabled && bridge.get_pvid && bridge.get_proto && bridge.get_info) {
		/* Pairs with is_filter(). */
		smp_store_release(&bridge.enabled, enabled);
		return;
	}
	if (enabled)
		symbol_put(br_vlan_enabled);
	put_all();
}

/**
 * cordon_vlan_follow - a port is in a bridge: from now on its VLANs are known
 *
 * Until then, and where the kernel's bridges cannot filter VLANs, they are taken for such that do
 * not: a device in a VLAN is nowhere.
 *
 * Context: sleeps.
 */
void cordon_vlan_follow(void)
{
	if (!IS_ENABLED(CONFIG_BRIDGE_VLAN_FILTERING))
		return;
	mutex_lock(&following);
	if (!bridge.enabled)
		get_all();
	mutex_unlock(&following);
}

/** cordon_vlan_exit - let go of the bridges' functions. Context: no packet is seen any more. */
void cordon_vlan_exit(void)
{
	if (!bridge.enabled)
		return;
	symbol_put(br_vlan_enabled);
	put_all();
}

/* It is a bridge that filters VLANs, and its functions are there. */
static bool is_filter(const struct net_device *dev)
{
	bool (*enabled)(const struct net_device *dev);

	/* Pairs with get_all(): the other functions are there, too. */
	enabled = smp_load_acquire(&bridge.enabled);
	return enabled && netif_is_bridge_master(dev) && enabled(dev);
}

/* Return: the bridge of a member, if it filters VLANs; else NULL. */
static const struct net_device *filters(const struct net_device *member)
{
	const struct net_device *master;

	master = netdev_master_upper_dev_get_rcu((struct net_device *)member);
	return master && is_filter(master) ? master : NULL;
}

static u16 pvid_of(const struct net_device *dev)
{
	u16 pvid;

	return !bridge.get_pvid(dev, &pvid) && pvid ? pvid : CORDON_NO_VLAN;
}

/* The tags of this bridge are 802.1Q's. */
static bool is_of_customers(const struct net_device *master)
{
	u16 proto;

	return !bridge.get_proto(master, &proto) && proto == ETH_P_8021Q;
}

/* A tag that says nothing of VLANs but a priority (IEEE 802.1Q, 6.9.1). */
static bool is_priority(const struct sk_buff *skb)
{
	return skb->vlan_proto == htons(ETH_P_8021Q) && !skb_vlan_tag_get_id(skb);
}

/**
 * cordon_vlan_pvid - the VLAN of untagged frames that come in on a member of a bridge
 * @member: the member
 *
 * Context: RCU read side.
 * Return: the VLAN; 0, its bridge does not filter them; CORDON_NO_VLAN, such frames are in none.
 */
u16 cordon_vlan_pvid(const struct net_device *member)
{
	return filters(member) ? pvid_of(member) : 0;
}

/**
 * cordon_vlan_entered - the VLAN of a frame that came in on a member of a bridge
 * @skb: the frame, as it came in
 * @member: the member
 *
 * Context: RCU read side.
 * Return: the VLAN; 0, its bridge does not filter them; CORDON_NO_VLAN, it cannot be told.
 */
u16 cordon_vlan_entered(const struct sk_buff *skb, const struct net_device *member)
{
	const struct net_device *master = filters(member);

	if (!skb_vlan_tag_present(skb) || is_priority(skb))
		return master ? pvid_of(member) : 0;
	if (!master || skb->vlan_proto != htons(ETH_P_8021Q) || !is_of_customers(master) ||
	    skb_vlan_tag_get_id(skb) > CORDON_MAX_VLAN)
		return CORDON_NO_VLAN;
	return skb_vlan_tag_get_id(skb);
}

/**
 * cordon_vlan_leaves - a frame that is to leave by a member of a bridge may be in a VLAN
 * @skb: the frame, as it will leave
 * @member: the member
 * @vlan: the VLAN; 0, as in a bridge that does not filter them
 *
 * One without a tag may be in any that is untagged there.
 *
 * Context: RCU read side.
 */
bool cordon_vlan_leaves(const struct sk_buff *skb, const struct net_device *member, u16 vlan)
{
	const struct net_device *master = filters(member);
	struct bridge_vlan_info info;

	/* In the data, a tag may stand where the gateway itself has sent it. */
	if (eth_type_vlan(skb->protocol) || (master ? !vlan : vlan) || vlan == CORDON_NO_VLAN)
		return false;
	if (!master)
		return !skb_vlan_tag_present(skb) || is_priority(skb);
	if (skb_vlan_tag_present(skb))
		return skb->vlan_proto == htons(ETH_P_8021Q) && skb_vlan_tag_get_id(skb) == vlan;
	return !bridge.get_info(member, vlan, &info) && info.flags & BRIDGE_VLAN_INFO_UNTAGGED;
}

/**
 * cordon_vlan_interface - by which interface the gateway itself is in a VLAN of a bridge
 * @bridge_dev: the bridge
 * @vlan: the VLAN; 0, the bridge does not filter them
 *
 * Context: RCU read side.
 * Return: the VLAN's interface on the bridge, or the bridge itself, where the VLAN is untagged;
 * NULL, it is not in there.
 */
struct net_device *cordon_vlan_interface(struct net_device *bridge_dev, u16 vlan)
{
	struct net_device *dev;

	if (!vlan)
		return bridge_dev;
	dev = __vlan_find_dev_deep_rcu(bridge_dev, htons(ETH_P_8021Q), vlan);
	if (dev)
		return net_eq(dev_net(dev), dev_net(bridge_dev)) ? dev : NULL;
	return is_filter(bridge_dev) && pvid_of(bridge_dev) == vlan ? bridge_dev : NULL;
}
