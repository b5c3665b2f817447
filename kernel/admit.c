// SPDX-License-Identifier: GPL-2.0
/* A device that the policy in force does not list is held in the segment for such. */
#include <linux/kernel.h>

#include "admit.h"
#include "caps.h"
#include "change.h"
#include "event.h"
#include "net.h"
#include "ruleset.h"

/* Another goes, if need be. Return: there is room for one more, at the port @in. */
static bool make_room(struct cordon_net *cn, int in)
{
	u8 mac[ETH_ALEN] __aligned(2);
	u32 device;

	if (cn->unlisted.n < cn->caps->unlisted)
		return true;
	if (!cordon_unlisted_spare(&cn->unlisted, in, mac))
		return false;
	device = cordon_policy_device_by_mac(cordon_net_ruleset(cn)->policy, mac);
	if (device != CORDON_NO_DEVICE)
		cordon_device_dismiss(cn, device);
	cordon_unlisted_del(&cn->unlisted, mac);
	return true;
}

/**
 * cordon_admit - a frame of a MAC that no device has came in on a port
 * @cn: the namespace, a policy is in force
 * @mac: six bytes, a unicast address
 * @in: index of the port
 *
 * From now on it is a device like others: its addresses are learned, and its segment is
 * cordon_draft.unknown.
 *
 * Context: cordon_net.lock held; may sleep.
 * Return: 0; -EOPNOTSUPP, the policy wants none; -ENOSPC, there are as many as may be;
 * -EBUSY, too many come at a time; or what cordon_device_admit() says.
 */
int cordon_admit(struct cordon_net *cn, const u8 *mac, int in)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;
	struct cordon_device_change change;
	int ret;

	lockdep_assert_held(&cn->lock);
	if (!p->draft.unknown)
		return -EOPNOTSUPP;
	if (cordon_policy_device_by_mac(p, mac) != CORDON_NO_DEVICE)
		return 0;
	if (cordon_unlisted_hurries(&cn->unlisted, in))
		return -EBUSY;
	if (!make_room(cn, in))
		return -ENOSPC;
	cordon_device_change_init(&change);
	memcpy(change.def.mac, mac, sizeof(change.def.mac));
	snprintf(change.def.name, sizeof(change.def.name), "unknown-%02x%02x%02x%02x%02x%02x",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	change.def.segment = p->draft.unknown;
	change.def.learn = CORDON_LEARN_AUTO_STATIC;
	change.def.unlisted = 1;
	ret = cordon_unlisted_add(&cn->unlisted, mac, in);
	if (!ret)
		ret = cordon_device_admit(cn, &change);
	if (ret) {
		cordon_unlisted_del(&cn->unlisted, mac);
		return ret;
	}
	rcu_read_lock();
	cordon_netlink_device(cn, rcu_dereference(cn->ruleset),
			      cordon_policy_device_by_mac(cordon_net_ruleset(cn)->policy, mac));
	rcu_read_unlock();
	return 0;
}
