// SPDX-License-Identifier: GPL-2.0
/* Rulesets come into force, and go: commit, confirmation, roll-back. */
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "core/change.h"
#include "egress.h"
#include "event.h"
#include "inspect.h"
#include "learned.h"
#include "lease.h"
#include "link.h"
#include "net.h"
#include "netfilter.h"
#include "offload.h"
#include "publish.h"
#include "ruleset.h"
#include "stack.h"
#include "vlan.h"

/* Take away what @old shows and @rs has not. Either may be NULL. */
static void hide(struct cordon_ruleset *old, const struct cordon_ruleset *rs)
{
	u32 i;

	for (i = 0; old && i < old->policy->draft.n_devices; i++) {
		if (old->devices[i] && old->devices[i]->node &&
		    (!rs || cordon_policy_device_by_mac(rs->policy, old->devices[i]->mac) ==
		     CORDON_NO_DEVICE))
			cordon_sysfs_device_del(old->devices[i]);
		cond_resched();
	}
	for (i = 0; old && i < old->policy->draft.n_segments; i++) {
		if (old->segments[i]->node &&
		    (!rs || cordon_policy_segment_by_name(rs->policy, old->segments[i]->name) ==
		     CORDON_NO_SEGMENT))
			cordon_sysfs_segment_del(old->segments[i]);
		cond_resched();
	}
}

/* Show what is new in @rs; on failure take that away again. */
static int show(struct cordon_net *cn, struct cordon_ruleset *rs)
{
	u32 i;
	int ret = 0;

	for (i = 0; !ret && i < rs->policy->draft.n_devices; i++) {
		if (cordon_policy_is_device(rs->policy, i) && !rs->devices[i]->node)
			ret = cordon_sysfs_device_add(cn, rs->devices[i]);
		cond_resched();
	}
	for (i = 0; !ret && i < rs->policy->draft.n_segments; i++) {
		if (!rs->segments[i]->node)
			ret = cordon_sysfs_segment_add(cn, rs->segments[i]);
		cond_resched();
	}
	if (ret)
		hide(rs, cordon_net_ruleset(cn));
	return ret;
}

/*
 * Find out anew what the interfaces are. What was a port under this policy, and has lost the
 * name, still closes what lies on it: since the policy was checked, since it was in force before
 * another was tried, or, if it was only sealed anew, since the one before.
 */
static void renew_ports(struct cordon_net *cn, struct cordon_ruleset *rs)
{
	struct cordon_ports *mine, *before;
	struct cordon_ruleset *old;

	mine = rcu_dereference_protected(rs->ports, lockdep_is_held(&cn->ports_lock));
	old = cordon_net_ruleset(cn);
	before = mine;
	if (!before && old)
		before = rcu_dereference_protected(old->ports, lockdep_is_held(&cn->ports_lock));
	rcu_assign_pointer(rs->ports, cordon_stack_ports(cn->net, rs->policy, before));
	cordon_ports_free(mine);
}

static void begin_epoch(struct cordon_net *cn, struct cordon_ruleset *rs)
{
	u32 epoch = cn->inspector.epoch + 1;

	rs->stamp = cordon_stamp_key(cn->inspector.key, epoch);
	rs->rebound = false;
	cordon_bound_clear(&rs->bound);
	/* Whoever finds a stamp of this ruleset finds no older number here. */
	smp_store_release(&cn->inspector.epoch, epoch);
}

/*
 * What is learned makes no generation and begins no window of a limit: the policy is the same. The
 * sum of generation and revision tells the two rulesets apart.
 */
static void number(struct cordon_net *cn, struct cordon_ruleset *rs, bool learned)
{
	if (learned) {
		WRITE_ONCE(cn->revision, cn->revision + 1);
		rs->committed = cordon_net_ruleset(cn)->committed;
	} else {
		rs->committed = ++cn->generation;
	}
	rs->generation = cn->generation;
	rs->revision = cn->revision;
	rs->sealed = rs->generation + rs->revision;
}

/* Replace the pointer; when this returns, no packet is seen by the ruleset before any more. */
static struct cordon_ruleset *replace(struct cordon_net *cn, struct cordon_ruleset *rs,
				      bool learned)
{
	struct cordon_ruleset *old;
	struct cordon_links *links;

	if (rs) {
		links = rcu_dereference_protected(rs->links, lockdep_is_held(&cn->lock));
		rcu_assign_pointer(rs->links, cordon_links_new(cn->net, rs->policy,
							       CORDON_NO_DEVICE));
		cordon_links_free(links);
	}
	mutex_lock(&cn->ports_lock);
	if (rs) {
		renew_ports(cn, rs);
		number(cn, rs, learned);
		begin_epoch(cn, rs);
		if (cordon_ports_bridged(rcu_dereference_protected(rs->ports, true)) ||
		    rs->policy->learns || !list_empty(&cn->egress))
			schedule_work(&cn->settle);
	}
	old = rcu_replace_pointer(cn->ruleset, rs, lockdep_is_held(&cn->lock));
	mutex_unlock(&cn->ports_lock);
	synchronize_rcu();
	cordon_leases_bind(cn);
	/* While there was none in force, nobody noted that addresses changed. */
	if (rs && (!old || !rcu_access_pointer(rs->links)))
		cordon_links_touch(cn);
	hide(old, rs);
	return old;
}

/**
 * cordon_publish_check - see whether the interfaces, as they are, let a policy be put in force
 * @cn: the namespace
 * @rs: a new ruleset
 * @extack: gets a sentence
 *
 * For whole policies, whose author can be told what is wrong. A change of one device for which the
 * policy is sealed anew is not refused for what was stacked since; that is closed.
 *
 * Context: cordon_net.lock held; sleeps. Return: 0, or what cordon_stack_check() says.
 */
int cordon_publish_check(struct cordon_net *cn, struct cordon_ruleset *rs,
			 struct netlink_ext_ack *extack)
{
	struct cordon_ports *ports = cordon_stack_ports(cn->net, rs->policy, NULL);

	lockdep_assert_held(&cn->lock);
	rcu_assign_pointer(rs->ports, ports);
	return cordon_stack_check(ports, cn->net, extack);
}

/**
 * cordon_publish_settle - let what single changes left behind be used again
 * @cn: the namespace
 *
 * Another epoch begins: the ruleset goes on under another pointer, by which no stamp of before is
 * believed. Until then, no place may become another device's, and what is stamped with a segment
 * and bears an address that was bound since is not believed either. Packets see the key of the
 * stamps and cordon_ruleset.rebound through one pointer, and so of one epoch.
 *
 * Of the two grace periods, the first lets packets end that looked an address up before it was
 * bound, and would stamp what they found with the new epoch; the second those that believed a stamp
 * of the old one.
 *
 * Context: cordon_net.lock held, a ruleset is in force; sleeps. Return: 0 or -ENOMEM.
 */
int cordon_publish_settle(struct cordon_net *cn)
{
	struct cordon_ruleset *rs = cordon_net_ruleset(cn), *next;
	u32 place;

	lockdep_assert_held(&cn->lock);
	next = kmalloc(sizeof(*next), GFP_KERNEL_ACCOUNT);
	if (!next)
		return -ENOMEM;
	synchronize_rcu();
	mutex_lock(&cn->ports_lock);
	*next = *rs;
	begin_epoch(cn, next);
	rcu_assign_pointer(cn->ruleset, next);
	mutex_unlock(&cn->ports_lock);
	synchronize_rcu();
	kfree(rs);
	for (;;) {
		place = cordon_change_reclaim(next->policy);
		if (place == CORDON_NO_DEVICE)
			return 0;
		cordon_device_put(next->devices[place]);
		next->devices[place] = NULL;
		cond_resched();
	}
}

/**
 * cordon_publish_awaits - whether the ruleset in force still awaits confirmation
 * @cn: the namespace
 * @extack: gets a sentence, if it does
 *
 * Context: cordon_net.lock held.
 */
bool cordon_publish_awaits(struct cordon_net *cn, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&cn->lock);
	if (cn->awaiting)
		NL_SET_ERR_MSG_FMT(extack, "generation %u awaits confirmation", cn->generation);
	return cn->awaiting;
}

/* Nothing is waited for, so what the devices in force have not learned is no longer known. */
static void sweep(struct cordon_net *cn)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);

	cordon_learned_sweep(&cn->learned, rs ? rs->policy : NULL);
	cordon_unlisted_sweep(&cn->unlisted, rs ? rs->policy : NULL);
}

/* What bridges switch can be decided on, if a port was in one when the policy was checked. */
static int track_bridges(struct cordon_net *cn, const struct cordon_ruleset *rs,
			 struct netlink_ext_ack *extack)
{
	const struct cordon_ports *ports = rcu_dereference_protected(rs->ports, true);

	if (!ports || !cordon_ports_bridged(ports))
		return 0;
	cordon_vlan_follow();
	if (!cordon_netfilter_track_bridges(cn))
		return 0;
	NL_SET_ERR_MSG(extack, "a port is in a bridge: the kernel lacks nf_conntrack_bridge");
	return -EOPNOTSUPP;
}

/* What a ruleset needs to be put in force. Return: 0, or what cordon_publish() says. */
static int prepare(struct cordon_net *cn, struct cordon_ruleset *rs, struct netlink_ext_ack *extack)
{
	int ret = cordon_netfilter_start(cn);

	if (!ret)
		ret = track_bridges(cn, rs, extack);
	if (!ret && rs->policy->learns && !cordon_egress_is_possible()) {
		NL_SET_ERR_MSG(extack, "addresses: auto: the kernel lacks CONFIG_NETFILTER_EGRESS");
		ret = -EOPNOTSUPP;
	}
	if (!ret)
		ret = cordon_inspector_label(cn, rs->policy->encrypted, extack);
	if (!ret)
		ret = show(cn, rs);
	if (!ret)
		cordon_ruleset_learn(cn, rs);
	return ret;
}

/**
 * cordon_publish - put a ruleset in force
 * @cn: the namespace
 * @rs: the ruleset; the caller's still, when an error is returned
 * @confirm: seconds after which the one before comes back unless
 *	cordon_publish_confirm() is called; 0, never
 * @extack: gets a sentence
 *
 * Context: cordon_net.lock held; sleeps for a grace period.
 * Return: 0; -EBUSY, the one in force awaits confirmation; -EOPNOTSUPP, the kernel has no
 * conntrack labels, or hooks of egress, or does not track what bridges switch; -ENOMEM.
 */
int cordon_publish(struct cordon_net *cn, struct cordon_ruleset *rs, u32 confirm,
		   struct netlink_ext_ack *extack)
{
	struct cordon_ruleset *old;
	int ret;

	lockdep_assert_held(&cn->lock);
	if (cordon_publish_awaits(cn, extack))
		return -EBUSY;
	ret = prepare(cn, rs, extack);
	if (ret)
		return ret;
	old = replace(cn, rs, false);
	if (!old)
		cordon_tear_out_of_flow_tables(cn->net);
	if (confirm) {
		cn->fallback = old;
		cn->awaiting = true;
		cn->deadline = cordon_now() + cordon_ticks(confirm);
		schedule_delayed_work(&cn->rollback, confirm * HZ);
	} else {
		cordon_ruleset_free(old);
		sweep(cn);
	}
	cordon_netlink_policy(cn);
	return 0;
}

/**
 * cordon_publish_learned - put in force a policy that was sealed anew for what a device has learned
 * @cn: the namespace, a ruleset is in force
 * @rs: the ruleset; the caller's still, when an error is returned
 * @extack: gets a sentence
 *
 * It is the same policy, so one that awaits confirmation goes on waiting, and no transaction has
 * to begin anew.
 *
 * Context: cordon_net.lock held; sleeps for a grace period. Return: as cordon_publish().
 */
int cordon_publish_learned(struct cordon_net *cn, struct cordon_ruleset *rs,
			   struct netlink_ext_ack *extack)
{
	int ret;

	lockdep_assert_held(&cn->lock);
	ret = prepare(cn, rs, extack);
	if (ret)
		return ret;
	cordon_ruleset_free(replace(cn, rs, true));
	if (!cn->awaiting)
		sweep(cn);
	return 0;
}

/**
 * cordon_publish_confirm - keep what is in force
 * @cn: the namespace
 * @extack: gets a sentence
 *
 * Context: cordon_net.lock held. Return: 0, or -ENOENT when nothing awaits it.
 */
int cordon_publish_confirm(struct cordon_net *cn, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&cn->lock);
	if (!cn->awaiting) {
		NL_SET_ERR_MSG(extack, "no policy awaits confirmation");
		return -ENOENT;
	}
	/* If it runs already, it waits for the lock and finds nothing to do. */
	cancel_delayed_work(&cn->rollback);
	cn->awaiting = false;
	cordon_ruleset_free(cn->fallback);
	cn->fallback = NULL;
	sweep(cn);
	return 0;
}

/**
 * cordon_publish_rollback - nobody confirmed in time
 * @work: cordon_net.rollback
 */
void cordon_publish_rollback(struct work_struct *work)
{
	struct cordon_net *cn = container_of(to_delayed_work(work), struct cordon_net, rollback);
	struct cordon_ruleset *old;

	mutex_lock(&cn->lock);
	if (cn->awaiting && !cn->dying && (s32)(cn->deadline - cordon_now()) <= 1) {
		cn->awaiting = false;
		if (cn->fallback && show(cn, cn->fallback))
			pr_warn_once("sysfs is incomplete: out of memory at a roll-back\n");
		if (cn->fallback)
			cordon_ruleset_learn(cn, cn->fallback);
		else
			cn->generation++;
		old = replace(cn, cn->fallback, false);
		cn->fallback = NULL;
		cordon_ruleset_free(old);
		sweep(cn);
		cordon_netlink_policy(cn);
	}
	mutex_unlock(&cn->lock);
}

/**
 * cordon_publish_withdraw - the namespace goes away
 * @cn: the namespace
 *
 * Context: sleeps; the hooks are unregistered and the work is cancelled.
 */
void cordon_publish_withdraw(struct cordon_net *cn)
{
	mutex_lock(&cn->lock);
	cordon_ruleset_free(cn->fallback);
	cn->fallback = NULL;
	if (cordon_net_ruleset(cn))
		cordon_ruleset_free(replace(cn, NULL, false));
	mutex_unlock(&cn->lock);
}
