// SPDX-License-Identifier: GPL-2.0
/* Where devices are in bridges, as those have learned it before a policy was there. */
#include <linux/if_bridge.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>

#include "learn.h"
#include "ruleset.h"
#include "vlan.h"

#define DEFAULT_PVID	1	/* of a bridge that filters VLANs */

#if IS_ENABLED(CONFIG_BRIDGE)
typedef struct net_device *(*find_fn)(const struct net_device *, const unsigned char *, __u16);

/* @dev: the bridge, or a VLAN of one. @vlan: of the device. Return: 0, it is not known there. */
static int member_of(find_fn find, struct net_device *dev, const u8 *mac, u16 vlan)
{
	const struct net_device *member;

	if (is_vlan_dev(dev))
		member = find(vlan_dev_real_dev(dev), mac, vlan_dev_vlan_id(dev));
	else
		member = find(dev, mac, vlan) ?: find(dev, mac, DEFAULT_PVID);
	return member ? member->ifindex : 0;
}

static void learn_from(const struct cordon_ruleset *rs, find_fn find, struct net_device *dev)
{
	const struct cordon_device_def *d;
	struct cordon_device *device;
	int member;
	u32 i;

	for (i = 0; i < rs->policy->draft.n_devices; i++) {
		device = rs->devices[i];
		if (!cordon_policy_is_device(rs->policy, i) || READ_ONCE(device->seen))
			continue;
		d = &rs->policy->draft.devices[i];
		member = member_of(find, dev, d->mac, d->vlan);
		/* Unless a packet of its came in meanwhile. */
		if (member)
			cmpxchg(&device->seen, 0, member);
		cond_resched();
	}
}

/**
 * cordon_learn - note where devices are that no hook has seen so far
 * @net: the namespace
 * @rs: the ruleset in force
 * @ports: its interfaces
 *
 * What is sent to a device in a bridge goes to the port where it is, and to no other.
 *
 * Context: RTNL and cordon_net.ports_lock held; sleeps.
 */
void cordon_learn(struct net *net, const struct cordon_ruleset *rs,
		  const struct cordon_ports *ports)
{
	struct net_device *dev;
	find_fn find = NULL;
	u32 i;

	ASSERT_RTNL();
	for (i = 0; i <= ports->mask; i++) {
		if (ports->slots[i].role != CORDON_ROLE_BRIDGE)
			continue;
		cordon_vlan_follow();
		/* Who has no bridge need not load the module for them. */
		find = find ?: symbol_get(br_fdb_find_port);
		dev = find ? __dev_get_by_index(net, ports->slots[i].ifindex) : NULL;
		if (dev)
			learn_from(rs, find, dev);
	}
	if (find)
		symbol_put(br_fdb_find_port);
}
#else
void cordon_learn(struct net *net, const struct cordon_ruleset *rs,
		  const struct cordon_ports *ports)
{
}
#endif
