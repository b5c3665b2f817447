// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of single devices in the ruleset in force: in place (core/change.h), or where there is no
 * room left for that, in a policy that is sealed anew.
 */
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/slab.h>

#include "caps.h"
#include "change.h"
#include "core/change.h"
#include "event.h"
#include "inspect.h"
#include "learned.h"
#include "link.h"
#include "net.h"
#include "publish.h"
#include "ruleset.h"

/**
 * cordon_device_change_init - a device that demands nothing of its own
 * @change: overwritten
 */
void cordon_device_change_init(struct cordon_device_change *change)
{
	memset(change, 0, sizeof(*change));
	change->def.port = CORDON_ANY_PORT;
	change->def.authentication = CORDON_INHERIT;
	change->def.encryption = CORDON_INHERIT;
	change->def.firmware = CORDON_INHERIT;
}

/*
 * Let a device be found at @place, and no longer at @old; one of the two may be CORDON_NO_DEVICE.
 * Dumps that began before notice, and none begins until it is done. What is learned makes no
 * generation: the policy is the same.
 */
static void switch_places(struct cordon_net *cn, u32 old, u32 place, bool learned)
{
	struct cordon_ruleset *rs = cordon_net_ruleset(cn);

	preempt_disable();
	write_seqcount_begin(&cn->changes);
	if (place != CORDON_NO_DEVICE)
		cordon_change_publish(rs->policy, old, place);
	else
		cordon_change_remove(rs->policy, old);
	if (old != CORDON_NO_DEVICE)
		cordon_host_leave(&rs->hosts[old]);
	if (learned)
		WRITE_ONCE(cn->revision, cn->revision + 1);
	else
		WRITE_ONCE(cn->generation, cn->generation + 1);
	WRITE_ONCE(rs->generation, cn->generation);
	WRITE_ONCE(rs->revision, cn->revision);
	write_seqcount_end(&cn->changes);
	preempt_enable();
	schedule_delayed_work(&cn->settle_changes, HZ);
}

/* The state of a device that changes or is new, with its directory, and with what @def needs. */
static struct cordon_device *state_of(struct cordon_net *cn, u32 old,
				      const struct cordon_device_def *def)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_device *device;
	int ret;

	if (old != CORDON_NO_DEVICE)
		device = cordon_device_get(rs->devices[old]);
	else
		device = cordon_device_new(cn->traffic, def->mac, cn->caps->tallies);
	if (!device)
		return ERR_PTR(-ENOMEM);
	ret = cordon_ruleset_remember(rs->policy, def, device);
	if (!ret && old == CORDON_NO_DEVICE)
		ret = cordon_sysfs_device_add(cn, device);
	if (!ret)
		return device;
	cordon_device_put(device);
	return ERR_PTR(ret);
}

/* Something is demanded that the ruleset has not demanded of any device so far. */
static int demand(struct cordon_net *cn, u32 place, struct netlink_ext_ack *extack)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;

	if (p->encrypted || cordon_device_encryption(p, &p->draft.devices[place]) ==
			    CORDON_ENCRYPTION_ANY)
		return 0;
	return cordon_inspector_label(cn, true, extack);
}

static bool has_same_ports(const struct cordon_device_def *a, const struct cordon_device_def *b)
{
	u32 i;

	if (cordon_device_ports(a) != cordon_device_ports(b))
		return false;
	for (i = 0; i < cordon_device_ports(a); i++)
		if (cordon_device_port(a, i) != cordon_device_port(b, i))
			return false;
	return true;
}

/* What was behind a port by @old may not be so by @place. */
static bool may_shrink(const struct cordon_policy *p, u32 old, u32 place)
{
	const struct cordon_device_def *was = &p->draft.devices[old];
	const struct cordon_device_def *is = &p->draft.devices[place];

	return was->segment != is->segment || !has_same_ports(was, is) ||
	       was->encryption != is->encryption ||
	       (is->port == CORDON_ANY_PORT &&
		(was->n != is->n || cordon_change_binds(p, old, place)));
}

/* Of the device's addresses, some are bound that were not; nobody can find them yet. */
static void note_bound(struct cordon_ruleset *rs, const struct cordon_device_def *def)
{
	u32 i;

	for (i = def->first; i < def->first + def->n; i++)
		cordon_bound_add(&rs->bound, &rs->policy->draft.addresses[i]);
	/* Pairs with cordon_ruleset_has_bound(): whoever sees this sees where they are. */
	smp_store_release(&rs->rebound, true);
}

/* Return: as cordon_change_prepare(), or -errno of what it needs besides. */
static int put_in_place(struct cordon_net *cn, u32 old, const struct cordon_device_change *change,
			bool learned, struct netlink_ext_ack *extack)
{
	struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_device *device;
	struct cordon_error err;
	u32 place;
	int ret;

	ret = cordon_change_prepare(rs->policy, old, &change->def, change->addresses, &place,
				    &err);
	if (ret == -EINVAL)
		cordon_ruleset_explain(&rs->policy->draft, &err, extack);
	if (ret)
		return ret;
	ret = demand(cn, place, extack);
	if (!ret) {
		device = state_of(cn, old, &change->def);
		ret = PTR_ERR_OR_ZERO(device);
	}
	if (ret) {
		cordon_change_cancel(rs->policy, place);
		return ret;
	}
	rs->devices[place] = device;
	cordon_ruleset_host(rs, place);
	cordon_links_grow(cn, place);
	if (cordon_change_binds(rs->policy, old, place))
		note_bound(rs, &rs->policy->draft.devices[place]);
	switch_places(cn, old, place, learned);
	if (old != CORDON_NO_DEVICE && may_shrink(rs->policy, old, place))
		cordon_links_shrink(cn);
	return 0;
}

static void take_away(struct cordon_net *cn, u32 old, bool learned)
{
	struct cordon_device *device = cordon_net_ruleset(cn)->devices[old];

	switch_places(cn, old, CORDON_NO_DEVICE, learned);
	if (device->node)
		cordon_sysfs_device_del(device);
	cordon_links_shrink(cn);
}

static void carry_over(struct cordon_draft *d, const struct cordon_device_def *def,
		       const struct cordon_addr *addresses)
{
	struct cordon_device_def *to = &d->devices[d->n_devices++];

	*to = *def;
	to->first = d->n_addresses;
	memcpy(&d->addresses[d->n_addresses], addresses, def->n * sizeof(*addresses));
	d->n_addresses += def->n;
}

/* The devices of a policy, one of them changed, in their order; as in cordon_device_change(). */
static void carry_all(struct cordon_draft *d, const struct cordon_policy *p, u32 device,
		      const struct cordon_device_change *change)
{
	const struct cordon_places *places = &p->places;
	const struct cordon_draft *old = &p->draft;
	u32 i;

	d->n_devices = 0;
	d->n_addresses = 0;
	for (i = places->next[places->room]; i != places->room; i = places->next[i]) {
		if (i != device)
			carry_over(d, &old->devices[i], &old->addresses[old->devices[i].first]);
		else
			carry_over(d, &change->def, change->addresses);
		cond_resched();
	}
	if (device == CORDON_NO_DEVICE)
		carry_over(d, &change->def, change->addresses);
}

/* Seal a copy of the policy, with the change, and with room for others to come. */
static int seal_anew(struct cordon_net *cn, u32 device, const struct cordon_device_change *change,
		     bool learned, struct netlink_ext_ack *extack)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;
	struct cordon_draft d = p->draft;
	struct cordon_ruleset *rs;
	int ret = -ENOMEM;

	d.devices = kvmalloc_array(d.n_devices + 1, sizeof(*d.devices), GFP_KERNEL_ACCOUNT);
	d.addresses = kvmalloc_array(d.n_addresses + CORDON_MAX_DEVICE_ADDRESSES,
				     sizeof(*d.addresses), GFP_KERNEL_ACCOUNT);
	if (!d.devices || !d.addresses)
		goto out;
	carry_all(&d, p, device, change);
	rs = cordon_ruleset_new(cn, &d, extack);
	ret = PTR_ERR_OR_ZERO(rs);
	if (ret)
		goto out;
	ret = learned ? cordon_publish_learned(cn, rs, extack) : cordon_publish(cn, rs, 0, extack);
	if (ret)
		cordon_ruleset_free(rs);
out:
	kvfree(d.devices);
	kvfree(d.addresses);
	return ret;
}

/* In place, or else the policy is sealed anew. */
static int put_anywhere(struct cordon_net *cn, u32 device,
			const struct cordon_device_change *change, bool learned,
			struct netlink_ext_ack *extack)
{
	int ret = put_in_place(cn, device, change, learned, extack);

	if (ret == -ENOSPC && !cordon_publish_settle(cn))
		ret = put_in_place(cn, device, change, learned, extack);
	if (ret == -ENOSPC || ret == -EAGAIN)
		ret = seal_anew(cn, device, change, learned, extack);
	else if (!ret && !learned)
		cordon_netlink_policy(cn);
	return ret;
}

/* An address of a trusted server of DHCP would be nobody's, for whoever learns it. */
static bool orphans_server(const struct cordon_policy *p, u32 device,
			   const struct cordon_device_change *change)
{
	const struct cordon_device_def *def = &p->draft.devices[device];
	u32 i, j, n = change ? cordon_device_fixed(&change->def) : 0;

	for (i = def->first; i < def->first + cordon_device_fixed(def); i++) {
		for (j = 0; j < n; j++)
			if (cordon_addr_equal(&change->addresses[j], &p->draft.addresses[i]))
				break;
		if (j == n && cordon_policy_serves(p, &p->draft.addresses[i]))
			return true;
	}
	return false;
}

/* What servers of DHCP say is to be heard, from now on at the latest. */
static void hear_servers(struct cordon_net *cn)
{
	mutex_lock(&cn->ports_lock);
	schedule_work(&cn->settle);
	mutex_unlock(&cn->ports_lock);
}

/* The device is gone, and what was known of it besides its state. */
static void forget(struct cordon_net *cn, const struct cordon_device_def *def)
{
	cordon_learned_forget(&cn->learned, def->mac);
	cordon_unlisted_del(&cn->unlisted, def->mac);
}

/**
 * cordon_device_change - change one device of the policy in force
 * @cn: the namespace
 * @device: the one to be changed or deleted; CORDON_NO_DEVICE, add one
 * @change: what it becomes, with the same MAC; NULL, delete it
 * @extack: gets a sentence
 *
 * It is at another place afterwards. Takes microseconds and some more for the device's directory;
 * but once in as many changes as an eighth of the devices, 64 at least, it waits for two grace
 * periods, unless a second without changes came before, and once in as many additions it seals the
 * policy anew.
 *
 * Context: cordon_net.lock held, a ruleset is in force; may sleep.
 * Return: 0; -EBUSY, it awaits confirmation, or @device is a server that others rely on; -E2BIG,
 * the namespace may have no more devices; or what cordon_ruleset_new() and cordon_publish() say.
 */
int cordon_device_change(struct cordon_net *cn, u32 device,
			 const struct cordon_device_change *change,
			 struct netlink_ext_ack *extack)
{
	struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_device_change with;
	int ret;

	lockdep_assert_held(&cn->lock);
	if (cordon_publish_awaits(cn, extack))
		return -EBUSY;
	if (device == CORDON_NO_DEVICE && rs->policy->places.n >= cn->caps->devices) {
		cordon_caps_explain(extack, cn->caps->devices, "devices");
		return -E2BIG;
	}
	if (device != CORDON_NO_DEVICE && orphans_server(rs->policy, device, change)) {
		NL_SET_ERR_MSG(extack, "the policy trusts this address as a server of DHCP");
		return -EBUSY;
	}
	if (!change) {
		take_away(cn, device, false);
		forget(cn, &rs->policy->draft.devices[device]);
		cordon_netlink_policy(cn);
		return 0;
	}
	with = *change;
	cordon_learned_append(&cn->learned, rs->policy, &with.def, with.addresses);
	ret = put_anywhere(cn, device, &with, false, extack);
	if (ret)
		return ret;
	if (!with.def.unlisted)
		cordon_unlisted_del(&cn->unlisted, with.def.mac);
	if (with.def.learn)
		hear_servers(cn);
	else
		cordon_learned_forget(&cn->learned, with.def.mac);
	return 0;
}

/**
 * cordon_device_relearn - a device has learned, or lost, an address
 * @cn: the namespace
 * @device: the device
 * @extack: gets a sentence, or NULL
 *
 * As cordon_device_change(), also while the policy awaits confirmation, and nobody is told that
 * another policy is in force.
 *
 * Context: cordon_net.lock held, a ruleset is in force; may sleep. Return: likewise.
 */
int cordon_device_relearn(struct cordon_net *cn, u32 device, struct netlink_ext_ack *extack)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;
	struct cordon_device_change change;

	lockdep_assert_held(&cn->lock);
	change.def = p->draft.devices[device];
	memcpy(change.addresses, &p->draft.addresses[change.def.first],
	       change.def.n * sizeof(change.addresses[0]));
	cordon_learned_append(&cn->learned, p, &change.def, change.addresses);
	return put_anywhere(cn, device, &change, true, extack);
}

/**
 * cordon_device_admit - add a device that no policy lists
 * @cn: the namespace
 * @change: the device
 *
 * Context: as for cordon_device_relearn(). Return: likewise; or -E2BIG, the namespace may have no
 * more devices.
 */
int cordon_device_admit(struct cordon_net *cn, const struct cordon_device_change *change)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;
	const bool heard = READ_ONCE(p->learns);
	int ret;

	lockdep_assert_held(&cn->lock);
	if (p->places.n >= cn->caps->devices)
		return -E2BIG;
	ret = put_anywhere(cn, CORDON_NO_DEVICE, change, true, NULL);
	if (!ret && !heard)
		hear_servers(cn);
	return ret;
}

/**
 * cordon_device_dismiss - delete a device that no policy lists
 * @cn: the namespace
 * @device: the device
 *
 * Context: cordon_net.lock held, a ruleset is in force; may sleep.
 */
void cordon_device_dismiss(struct cordon_net *cn, u32 device)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;

	lockdep_assert_held(&cn->lock);
	take_away(cn, device, true);
	forget(cn, &p->draft.devices[device]);
}

/**
 * cordon_change_settle - a second after a change, let what it left behind be used again
 * @work: cordon_net.settle_changes
 */
void cordon_change_settle(struct work_struct *work)
{
	struct cordon_net *cn = container_of(to_delayed_work(work), struct cordon_net,
					     settle_changes);
	struct cordon_ruleset *rs;

	mutex_lock(&cn->lock);
	rs = cordon_net_ruleset(cn);
	if (rs && (rs->rebound || rs->policy->places.gone != CORDON_NO_DEVICE) &&
	    cordon_publish_settle(cn))
		schedule_delayed_work(&cn->settle_changes, HZ);
	mutex_unlock(&cn->lock);
}
