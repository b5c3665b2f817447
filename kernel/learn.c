// SPDX-License-Identifier: GPL-2.0
/* Where devices are in bridges, as those have learned it before a policy was there. */
#include <linux/if_bridge.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>

#include "learn.h"
#include "ruleset.h"
#include "vlan.h"

#define DEFAULT_PVID	1	/* of a bridge that filters VLANs */

#if IS_ENABLED(CONFIG_BRIDGE)
typedef struct net_device *(*find_fn)(const struct net_device *, const unsigned char *, __u16);

static int member_of(find_fn find, const struct net_device *bridge, const u8 *mac)
{
	const struct net_device *member = find(bridge, mac, 0) ?: find(bridge, mac, DEFAULT_PVID);

	return member ? member->ifindex : 0;
}

static void learn_from(const struct cordon_ruleset *rs, find_fn find,
		       const struct net_device *bridge)
{
	struct cordon_device *device;
	int member;
	u32 i;

	for (i = 0; i < rs->policy->draft.n_devices; i++) {
		device = rs->devices[i];
		if (!cordon_policy_is_device(rs->policy, i) || READ_ONCE(device->seen))
			continue;
		member = member_of(find, bridge, device->mac);
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
	const struct net_device *bridge;
	find_fn find = NULL;
	u32 i;

	ASSERT_RTNL();
	for (i = 0; i <= ports->mask; i++) {
		if (ports->slots[i].role != CORDON_ROLE_BRIDGE)
			continue;
		cordon_vlan_follow();
		/* Who has no bridge need not load the module for them. */
		find = find ?: symbol_get(br_fdb_find_port);
		bridge = find ? __dev_get_by_index(net, ports->slots[i].ifindex) : NULL;
		if (bridge)
			learn_from(rs, find, bridge);
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
