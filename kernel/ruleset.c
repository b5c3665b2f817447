// SPDX-License-Identifier: GPL-2.0
/* Rulesets: made from drafts, put in force at one stroke, taken back unless confirmed. */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "caps.h"
#include "core/change.h"
#include "event.h"
#include "inspect.h"
#include "link.h"
#include "net.h"
#include "netfilter.h"
#include "offload.h"
#include "ruleset.h"
#include "stack.h"

static const char *object_name(const struct cordon_draft *d, const struct cordon_error *e)
{
	switch (e->object) {
	case CORDON_OBJECT_PORT:
		return d->ports[e->index].name;
	case CORDON_OBJECT_UPLINK:
		return d->uplinks[e->index].name;
	case CORDON_OBJECT_INTERFACE:
		return d->interfaces[e->index].name;
	case CORDON_OBJECT_SEGMENT:
		return d->segments[e->index].name;
	case CORDON_OBJECT_DEVICE:
		return d->devices[e->index].name;
	default:
		return "";
	}
}

static void explain_address(const struct cordon_draft *d, const struct cordon_error *e,
			    struct netlink_ext_ack *extack)
{
	const struct cordon_addr *a = &d->addresses[e->index];
	__be64 v6[2] = { cpu_to_be64(a->hi), cpu_to_be64(a->lo) };
	__be32 v4 = cpu_to_be32((u32)a->lo);

	if (e->fault == CORDON_FAULT_DUPLICATE_ADDRESS && cordon_addr_is_v4(a))
		NL_SET_ERR_MSG_FMT(extack, "address %pI4 is bound to device %.40s already", &v4,
				   d->devices[e->other].name);
	else if (e->fault == CORDON_FAULT_DUPLICATE_ADDRESS)
		NL_SET_ERR_MSG_FMT(extack, "address %pI6c is bound to %.20s already", v6,
				   d->devices[e->other].name);
	else if (cordon_addr_is_v4(a))
		NL_SET_ERR_MSG_FMT(extack, "address %pI4 is not a unicast address", &v4);
	else
		NL_SET_ERR_MSG_FMT(extack, "address %pI6c is not unicast", v6);
}

/**
 * cordon_ruleset_explain - why a draft, or a device in it, was refused
 * @d: the draft
 * @e: what the core found
 * @extack: gets one sentence of at most 79 characters
 */
void cordon_ruleset_explain(const struct cordon_draft *d, const struct cordon_error *e,
			    struct netlink_ext_ack *extack)
{
	static const char * const object[] = {
		[CORDON_OBJECT_POLICY] = "policy", [CORDON_OBJECT_PORT] = "port",
		[CORDON_OBJECT_SEGMENT] = "segment", [CORDON_OBJECT_NETWORK] = "network",
		[CORDON_OBJECT_RULE] = "rule", [CORDON_OBJECT_DEVICE] = "device",
		[CORDON_OBJECT_ADDRESS] = "address", [CORDON_OBJECT_UPLINK] = "uplink",
		[CORDON_OBJECT_INTERFACE] = "interface",
	};
	static const char * const why[] = {
		[CORDON_FAULT_NONE] = "no fault",
		[CORDON_FAULT_NAME] = "not a valid name",
		[CORDON_FAULT_BUILTIN] = "a built-in segment cannot stand here",
		[CORDON_FAULT_DUPLICATE_NAME] = "the name is taken",
		[CORDON_FAULT_DUPLICATE_MAC] = "the MAC is taken",
		[CORDON_FAULT_DUPLICATE_NETWORK] = "the network is given twice",
		[CORDON_FAULT_MAC] = "the MAC is not a unicast address",
		[CORDON_FAULT_HOST_BITS] = "bits beyond the prefix length",
		[CORDON_FAULT_UNKNOWN_SEGMENT] = "unknown segment",
		[CORDON_FAULT_UNKNOWN_PORT] = "unknown port",
		[CORDON_FAULT_NO_MATCH] = "nothing is allowed",
		[CORDON_FAULT_MATCH] = "range is upside down or too large",
		[CORDON_FAULT_LOOSER] = "demands less than its segment",
		[CORDON_FAULT_NO_ADDRESS] = "no address",
		[CORDON_FAULT_LEASE] = "lease out of range",
		[CORDON_FAULT_VALUE] = "value out of range",
		[CORDON_FAULT_IS_PORT] = "is a port of this policy",
		[CORDON_FAULT_NO_NETWORK] = "its segment has no network",
		[CORDON_FAULT_NO_PORTS] = "ports of a protocol without any",
	};
	const char *name;

	if (e->fault == CORDON_FAULT_TOO_MANY && e->object != CORDON_OBJECT_DEVICE) {
		NL_SET_ERR_MSG_FMT(extack, "too many %ss", object[e->object]);
	} else if (e->fault == CORDON_FAULT_TOO_MANY) {
		NL_SET_ERR_MSG(extack, "too many devices, or addresses of one");
	} else if (e->object == CORDON_OBJECT_ADDRESS) {
		explain_address(d, e, extack);
	} else {
		name = object_name(d, e);
		if (*name)
			NL_SET_ERR_MSG_FMT(extack, "%s %.31s: %s", object[e->object], name,
					   why[e->fault]);
		else
			NL_SET_ERR_MSG_FMT(extack, "%s number %u: %s", object[e->object],
					   e->index, why[e->fault]);
	}
}

static bool pause(void)
{
	cond_resched();
	return fatal_signal_pending(current);
}

/* By a key of its own, so that what collides in one policy does not collide in the next. */
static int build(struct cordon_policy *policy, const struct cordon_draft *draft, void *scratch,
		 struct netlink_ext_ack *extack)
{
	struct cordon_build how = { .pause = pause };
	struct cordon_error err;
	int tries, ret;

	for (tries = 0; tries < CORDON_MAX_KEYS; tries++) {
		get_random_bytes(&how.key, sizeof(how.key));
		ret = cordon_policy_build(policy, draft, &how, scratch, &err);
		if (ret != -EAGAIN)
			break;
	}
	if (ret == -EINVAL)
		cordon_ruleset_explain(draft, &err, extack);
	if (ret == -EAGAIN)
		NL_SET_ERR_MSG(extack, "too many objects collide by every key that was tried");
	return ret;
}

/* With room for an eighth more devices, so that single ones can be changed in place. */
static struct cordon_policy *seal(const struct cordon_draft *draft, struct netlink_ext_ack *extack)
{
	struct cordon_draft roomy = *draft;
	struct cordon_policy *policy;
	void *scratch;
	int ret;

	roomy.spare = clamp_t(u32, draft->n_devices / 8, CORDON_MIN_SPARE, CORDON_MAX_SPARE);
	policy = kvmalloc(cordon_policy_size(&roomy), GFP_KERNEL_ACCOUNT);
	scratch = kvmalloc(cordon_policy_scratch_size(&roomy), GFP_KERNEL_ACCOUNT);
	if (!policy || !scratch) {
		ret = -ENOMEM;
		goto out;
	}
	ret = build(policy, &roomy, scratch, extack);
out:
	kvfree(scratch);
	if (ret) {
		kvfree(policy);
		return ERR_PTR(ret);
	}
	return policy;
}

/* A device that stays keeps its state and counters: found in what is in force, or comes back. */
static struct cordon_device *adopt_device(struct cordon_net *cn, const u8 *mac)
{
	struct cordon_ruleset *from[] = { cordon_net_ruleset(cn), cn->fallback };
	u32 found;
	int i;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		if (!from[i])
			continue;
		found = cordon_policy_device_by_mac(from[i]->policy, mac);
		if (found != CORDON_NO_DEVICE)
			return cordon_device_get(from[i]->devices[found]);
	}
	return cordon_device_new(mac);
}

static struct cordon_segment *adopt_segment(struct cordon_net *cn, const char *name)
{
	struct cordon_ruleset *from[] = { cordon_net_ruleset(cn), cn->fallback };
	u16 found;
	int i;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		if (!from[i])
			continue;
		found = cordon_policy_segment_by_name(from[i]->policy, name);
		if (found != CORDON_NO_SEGMENT)
			return cordon_segment_get(from[i]->segments[found]);
	}
	return cordon_segment_new(name);
}

static int adopt(struct cordon_net *cn, struct cordon_ruleset *rs)
{
	const struct cordon_draft *d = &rs->policy->draft;
	u32 i;

	for (i = 0; i < d->n_devices; i++) {
		rs->devices[i] = adopt_device(cn, d->devices[i].mac);
		if (!rs->devices[i])
			return -ENOMEM;
		if (pause())
			return -EINTR;
	}
	for (i = 0; i < d->n_segments; i++) {
		rs->segments[i] = adopt_segment(cn, d->segments[i].name);
		if (!rs->segments[i])
			return -ENOMEM;
	}
	return 0;
}

/* An address that no packet may bear, so that none is taken for it (RFC 4291, 2.5.5.2). */
static const struct in6_addr no_address = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

static void set_addresses(struct cordon_host *host, const struct cordon_policy *p,
			  const struct cordon_device_def *d)
{
	const struct cordon_addr *a;
	u32 i;

	host->v4 = 0;
	host->v6 = no_address;
	for (i = d->n; i; i--) {
		a = &p->draft.addresses[d->first + i - 1];
		if (cordon_addr_is_v4(a)) {
			host->v4 = cpu_to_be32((u32)a->lo);
		} else {
			put_unaligned_be64(a->hi, &host->v6.s6_addr[0]);
			put_unaligned_be64(a->lo, &host->v6.s6_addr[8]);
		}
	}
}

/**
 * cordon_ruleset_host - write a line of the table that packets see
 * @rs: the ruleset
 * @place: of the device, where no packet finds it yet
 */
void cordon_ruleset_host(struct cordon_ruleset *rs, u32 place)
{
	const struct cordon_policy *p = rs->policy;
	const struct cordon_device_def *d = &p->draft.devices[place];
	struct cordon_host *host = &rs->hosts[place];

	host->port = d->port;
	host->segment = d->segment;
	host->device = rs->devices[place];
	host->sent = rs->segments[d->segment]->traffic;
	host->certificate = cordon_device_authentication(p, d) == CORDON_AUTHENTICATION_CERTIFICATE;
	set_addresses(host, p, d);
	/* Pairs with cordon_ruleset_is_at(). */
	smp_store_release(&host->mac, cordon_mac_key(d->mac));
}

/* The table that packets see, of what has been adopted. */
static int tabulate(struct cordon_ruleset *rs)
{
	u32 i;

	for (i = 0; i < rs->policy->draft.n_devices; i++) {
		cordon_ruleset_host(rs, i);
		if (pause())
			return -EINTR;
	}
	for (; i <= rs->policy->places.room; i++)
		cordon_host_leave(&rs->hosts[i]);
	return 0;
}

/* A single change may outgrow what a transaction could stage. */
static bool fits(const struct cordon_caps *caps, const struct cordon_draft *d,
		 struct netlink_ext_ack *extack)
{
	if (d->n_devices > caps->devices) {
		cordon_caps_explain(extack, caps->devices, "devices");
		return false;
	}
	return true;
}

/**
 * cordon_ruleset_new - seal a draft for a namespace
 * @cn: the namespace
 * @draft: the draft
 * @extack: gets a sentence on -EINVAL
 *
 * Nothing is changed but references.
 *
 * Context: cordon_net.lock held; may sleep.
 * Return: the ruleset, or an ERR_PTR: -EINVAL, the draft is not sound; -E2BIG, it
 * is larger than the namespace may have; -EINTR, the caller is being killed;
 * -ENOMEM; -EAGAIN, no key was found that its objects do not collide by.
 */
struct cordon_ruleset *cordon_ruleset_new(struct cordon_net *cn, const struct cordon_draft *draft,
					  struct netlink_ext_ack *extack)
{
	struct cordon_ruleset *rs;
	int ret = -ENOMEM;
	u32 places;

	lockdep_assert_held(&cn->lock);
	if (!fits(cn->caps, draft, extack))
		return ERR_PTR(-E2BIG);
	rs = kzalloc(sizeof(*rs), GFP_KERNEL_ACCOUNT);
	if (!rs)
		return ERR_PTR(-ENOMEM);
	rs->policy = seal(draft, extack);
	if (IS_ERR(rs->policy)) {
		ret = PTR_ERR(rs->policy);
		rs->policy = NULL;
		goto err;
	}
	places = rs->policy->places.room + 1;
	rs->devices = kvcalloc(places, sizeof(*rs->devices), GFP_KERNEL_ACCOUNT);
	rs->segments = kvcalloc(draft->n_segments, sizeof(*rs->segments), GFP_KERNEL_ACCOUNT);
	rs->hosts = kvcalloc(places, sizeof(*rs->hosts), GFP_KERNEL_ACCOUNT);
	if (!rs->devices || !rs->segments || !rs->hosts)
		goto err;
	ret = adopt(cn, rs);
	if (!ret)
		ret = tabulate(rs);
	if (ret)
		goto err;
	return rs;
err:
	cordon_ruleset_free(rs);
	return ERR_PTR(ret);
}

/**
 * cordon_ruleset_free - free a ruleset that no packet can see
 * @rs: the ruleset, NULL is let through
 *
 * Context: may sleep.
 */
void cordon_ruleset_free(struct cordon_ruleset *rs)
{
	u32 i;

	if (!rs)
		return;
	for (i = 0; rs->policy && rs->devices && i < rs->policy->draft.n_devices; i++) {
		cordon_device_put(rs->devices[i]);
		cond_resched();
	}
	for (i = 0; rs->policy && rs->segments && i < rs->policy->draft.n_segments; i++)
		cordon_segment_put(rs->segments[i]);
	kvfree(rs->hosts);
	kvfree(rs->devices);
	kvfree(rs->segments);
	kvfree(rs->policy);
	cordon_ports_free(rcu_dereference_protected(rs->ports, true));
	cordon_links_free(rcu_dereference_protected(rs->links, true));
	kfree(rs);
}

/* Take away what @old shows and @rs has not. Either may be NULL. */
static void hide(struct cordon_ruleset *old, const struct cordon_ruleset *rs)
{
	u32 i;

	for (i = 0; old && i < old->policy->draft.n_devices; i++) {
		if (old->devices[i] && old->devices[i]->node &&
		    (!rs || cordon_policy_device_by_mac(rs->policy, old->devices[i]->mac) ==
		     CORDON_NO_DEVICE))
			cordon_view.device_del(old->devices[i]);
		cond_resched();
	}
	for (i = 0; old && i < old->policy->draft.n_segments; i++) {
		if (old->segments[i]->node &&
		    (!rs || cordon_policy_segment_by_name(rs->policy, old->segments[i]->name) ==
		     CORDON_NO_SEGMENT))
			cordon_view.segment_del(old->segments[i]);
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
			ret = cordon_view.device_add(cn, rs->devices[i]);
		cond_resched();
	}
	for (i = 0; !ret && i < rs->policy->draft.n_segments; i++) {
		if (!rs->segments[i]->node)
			ret = cordon_view.segment_add(cn, rs->segments[i]);
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

/* The interface of the port that a lease waits for; 0, there is none so far. */
static int lease_wire(const struct cordon_ruleset *rs, const char *name)
{
	const struct cordon_draft *d = &rs->policy->draft;
	const struct cordon_interface *interface;
	int wire = 0;
	u32 port;

	for (port = 0; port < d->n_ports; port++)
		if (!strcmp(d->ports[port].name, name))
			break;
	if (port == d->n_ports)
		return 0;
	rcu_read_lock();
	interface = cordon_ports_find(rcu_dereference(rs->ports),
				      cordon_ports_ifindex(rcu_dereference(rs->ports), port));
	if (interface)
		wire = interface->wire;
	rcu_read_unlock();
	return wire;
}

/**
 * cordon_ruleset_bind - bind the leases that wait for the interface of a port
 * @cn: the namespace
 *
 * Context: cordon_net.lock held; may sleep.
 */
void cordon_ruleset_bind(struct cordon_net *cn)
{
	struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_device *device;
	int wire;
	u32 i;

	cn->leases_wait = false;
	for (i = 0; rs && i < rs->policy->draft.n_devices; i++) {
		device = rs->devices[i];
		if (cordon_policy_is_device(rs->policy, i) &&
		    device->lease_ifindex == CORDON_LEASE_WAITS) {
			wire = lease_wire(rs, device->lease_port);
			if (wire)
				cordon_device_bind(device, wire);
			else
				cn->leases_wait = true;
		}
		cond_resched();
	}
}

static void begin_epoch(struct cordon_net *cn, struct cordon_ruleset *rs)
{
	u32 epoch = cn->inspector.epoch + 1;

	rs->stamp = cordon_stamp_key(cn->inspector.key, epoch);
	rs->rebound = false;
	/* Whoever finds a stamp of this ruleset finds no older number here. */
	smp_store_release(&cn->inspector.epoch, epoch);
}

/* Replace the pointer; when this returns, no packet is seen by the ruleset before any more. */
static struct cordon_ruleset *replace(struct cordon_net *cn, struct cordon_ruleset *rs)
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
		rs->generation = ++cn->generation;
		rs->committed = rs->generation;
		begin_epoch(cn, rs);
	}
	old = rcu_replace_pointer(cn->ruleset, rs, lockdep_is_held(&cn->lock));
	mutex_unlock(&cn->ports_lock);
	synchronize_rcu();
	cordon_ruleset_bind(cn);
	/* While there was none in force, nobody noted that addresses changed. */
	if (rs && (!old || !rcu_access_pointer(rs->links)))
		cordon_links_touch(cn);
	hide(old, rs);
	return old;
}

/**
 * cordon_ruleset_check - see whether the interfaces, as they are, let a policy be put in force
 * @cn: the namespace
 * @rs: a new ruleset
 * @extack: gets a sentence
 *
 * For whole policies, whose author can be told what is wrong. A change of one device for which the
 * policy is sealed anew is not refused for what was stacked since; that is closed.
 *
 * Context: cordon_net.lock held; sleeps. Return: 0, or what cordon_stack_check() says.
 */
int cordon_ruleset_check(struct cordon_net *cn, struct cordon_ruleset *rs,
			 struct netlink_ext_ack *extack)
{
	struct cordon_ports *ports = cordon_stack_ports(cn->net, rs->policy, NULL);

	lockdep_assert_held(&cn->lock);
	rcu_assign_pointer(rs->ports, ports);
	return cordon_stack_check(ports, cn->net, extack);
}

/**
 * cordon_ruleset_settle - let what single changes left behind be used again
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
int cordon_ruleset_settle(struct cordon_net *cn)
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
 * cordon_ruleset_awaits - whether the ruleset in force still awaits confirmation
 * @cn: the namespace
 * @extack: gets a sentence, if it does
 *
 * Context: cordon_net.lock held.
 */
bool cordon_ruleset_awaits(struct cordon_net *cn, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&cn->lock);
	if (cn->awaiting)
		NL_SET_ERR_MSG_FMT(extack, "generation %u awaits confirmation", cn->generation);
	return cn->awaiting;
}

/**
 * cordon_ruleset_publish - put a ruleset in force
 * @cn: the namespace
 * @rs: the ruleset; the caller's still, when an error is returned
 * @confirm: seconds after which the one before comes back unless
 *	cordon_ruleset_confirm() is called; 0, never
 * @extack: gets a sentence
 *
 * Context: cordon_net.lock held; sleeps for a grace period.
 * Return: 0; -EBUSY, the one in force awaits confirmation; -EOPNOTSUPP, the kernel has no
 * conntrack labels; -ENOMEM.
 */
int cordon_ruleset_publish(struct cordon_net *cn, struct cordon_ruleset *rs, u32 confirm,
			   struct netlink_ext_ack *extack)
{
	struct cordon_ruleset *old;
	int ret;

	lockdep_assert_held(&cn->lock);
	if (cordon_ruleset_awaits(cn, extack))
		return -EBUSY;
	ret = cordon_netfilter_start(cn);
	if (!ret)
		ret = cordon_inspector_label(cn, rs->policy->encrypted, extack);
	if (!ret)
		ret = show(cn, rs);
	if (ret)
		return ret;
	old = replace(cn, rs);
	if (!old)
		cordon_tear_out_of_flow_tables(cn->net);
	if (confirm) {
		cn->fallback = old;
		cn->awaiting = true;
		cn->deadline = cordon_now() + cordon_ticks(confirm);
		schedule_delayed_work(&cn->rollback, confirm * HZ);
	} else {
		cordon_ruleset_free(old);
	}
	cordon_view.policy(cn);
	return 0;
}

/**
 * cordon_ruleset_confirm - keep what is in force
 * @cn: the namespace
 * @extack: gets a sentence
 *
 * Context: cordon_net.lock held. Return: 0, or -ENOENT when nothing awaits it.
 */
int cordon_ruleset_confirm(struct cordon_net *cn, struct netlink_ext_ack *extack)
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
	return 0;
}

/**
 * cordon_ruleset_rollback - nobody confirmed in time
 * @work: cordon_net.rollback
 */
void cordon_ruleset_rollback(struct work_struct *work)
{
	struct cordon_net *cn = container_of(to_delayed_work(work), struct cordon_net, rollback);
	struct cordon_ruleset *old;

	mutex_lock(&cn->lock);
	if (cn->awaiting && !cn->dying && (s32)(cn->deadline - cordon_now()) <= 1) {
		cn->awaiting = false;
		if (cn->fallback && show(cn, cn->fallback))
			pr_warn_once("sysfs is incomplete: out of memory at a roll-back\n");
		if (!cn->fallback)
			cn->generation++;
		old = replace(cn, cn->fallback);
		cn->fallback = NULL;
		cordon_ruleset_free(old);
		cordon_view.policy(cn);
	}
	mutex_unlock(&cn->lock);
}

/**
 * cordon_ruleset_withdraw - the namespace goes away
 * @cn: the namespace
 *
 * Context: sleeps; the hooks are unregistered and the work is cancelled.
 */
void cordon_ruleset_withdraw(struct cordon_net *cn)
{
	mutex_lock(&cn->lock);
	cordon_ruleset_free(cn->fallback);
	cn->fallback = NULL;
	if (cordon_net_ruleset(cn))
		cordon_ruleset_free(replace(cn, NULL));
	mutex_unlock(&cn->lock);
}

/**
 * cordon_ruleset_end - a device as an end of a connection, as it is now
 * @rs: the ruleset
 * @device: the device
 */
struct cordon_end cordon_ruleset_end(const struct cordon_ruleset *rs, u32 device)
{
	return cordon_ruleset_sender(rs, device, 0);
}

/**
 * cordon_ruleset_sender - a device as the end that sent the packet at hand
 * @rs: the ruleset
 * @device: the device
 * @ifindex: the interface that the packet came in on
 *
 * A lease that is bound to another interface is none.
 */
struct cordon_end cordon_ruleset_sender(const struct cordon_ruleset *rs, u32 device, int ifindex)
{
	struct cordon_posture posture;

	cordon_device_posture(rs->devices[device], ifindex, &posture);
	return cordon_end_device(rs->policy, device, &posture);
}

/*
 * Count so many of the devices from @at on that are held in built-in segments. Return: where to go
 * on, 0 when all are counted.
 */
static u32 count_held(const struct cordon_ruleset *rs, u32 at, u32 *held)
{
	u32 end = min(rs->policy->draft.n_devices, at + 1024);
	u16 segment;

	for (; at < end; at++) {
		if (!cordon_policy_is_device(rs->policy, at))
			continue;
		segment = cordon_ruleset_end(rs, at).segment;
		if (segment < CORDON_BUILTIN_SEGMENTS)
			held[segment]++;
	}
	return at < rs->policy->draft.n_devices ? at : 0;
}

/**
 * cordon_ruleset_recount - count anew which devices are held in built-in segments
 * @cn: the namespace
 *
 * A lease ends by the clock alone, so that nobody knows the number without looking at each device.
 * All of them are looked at once, at the reader's expense: no lock is taken, and others run in
 * between. Under a policy that has been committed meanwhile it begins again; a device that changes
 * meanwhile may be counted twice, or not at all.
 *
 * Context: may sleep.
 */
void cordon_ruleset_recount(struct cordon_net *cn)
{
	u32 held[CORDON_BUILTIN_SEGMENTS], committed = 0, at = 0;
	struct cordon_ruleset *rs;
	int i;

	do {
		rcu_read_lock();
		rs = rcu_dereference(cn->ruleset);
		if (rs && (!at || rs->committed != committed)) {
			committed = rs->committed;
			memset(held, 0, sizeof(held));
			at = 0;
		}
		at = rs ? count_held(rs, at, held) : 0;
		for (i = 0; rs && !at && i < CORDON_BUILTIN_SEGMENTS; i++)
			WRITE_ONCE(rs->held[i], held[i]);
		rcu_read_unlock();
	} while (at && !pause());
}

/**
 * cordon_ruleset_count - devices of a segment
 * @rs: the ruleset
 * @segment: the segment
 *
 * Return: how many the policy puts into it; of a built-in one, how many were held
 * in it at the last cordon_ruleset_recount().
 */
u32 cordon_ruleset_count(const struct cordon_ruleset *rs, u16 segment)
{
	return segment < CORDON_BUILTIN_SEGMENTS ? READ_ONCE(rs->held[segment]) :
						   READ_ONCE(rs->policy->members[segment]);
}
