// SPDX-License-Identifier: GPL-2.0
/* Rulesets: a policy as it is made of a draft, with the devices and segments that it is about. */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "caps.h"
#include "core/change.h"
#include "links.h"
#include "net.h"
#include "ruleset.h"

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
		[CORDON_OBJECT_SERVER] = "DHCP server",
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
		[CORDON_FAULT_NOT_A_DEVICE] = "is no device's address",
		[CORDON_FAULT_VLAN] = "a VLAN is from 1 to 4094, and of a port",
		[CORDON_FAULT_PORTS] = "too many ports, or one twice",
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

/* Devices that have learned more than there is room for where they are sealed. */
static u32 count_wide(struct cordon_net *cn, const struct cordon_draft *d)
{
	const struct cordon_device_def *v = d->devices;
	u32 n = 0;

	for (; v < d->devices + d->n_devices; v++)
		n += v->learn && cordon_device_fixed(v) +
		     cordon_learned_count(&cn->learned, v->mac) > cordon_device_room(v);
	return min(n, CORDON_MAX_WIDE);
}

/* With room for an eighth more devices, so that single ones can be changed in place. */
static struct cordon_policy *seal(struct cordon_net *cn, const struct cordon_draft *draft,
				  struct netlink_ext_ack *extack)
{
	struct cordon_draft roomy = *draft;
	struct cordon_policy *policy;
	void *scratch;
	int ret;

	roomy.learners = cordon_draft_learners(draft);
	roomy.wide = roomy.learners ? count_wide(cn, draft) : 0;
	roomy.spare = clamp_t(u32, draft->n_devices / 8, CORDON_MIN_SPARE, CORDON_MAX_SPARE) +
		      cn->unlisted.n;
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
	return cordon_device_new(cn->traffic, mac, cn->caps->tallies);
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

/**
 * cordon_ruleset_remember - have room for where a device has been, if its segment asks for that
 * @p: the policy
 * @def: what it says of the device
 * @device: the device
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -ENOMEM.
 */
int cordon_ruleset_remember(const struct cordon_policy *p, const struct cordon_device_def *def,
			    struct cordon_device *device)
{
	const struct cordon_limit *limits = p->draft.segments[def->segment].limits;

	return limits[CORDON_KIND_NEW_DESTINATION].window ? cordon_device_remember(device) : 0;
}

static int adopt(struct cordon_net *cn, struct cordon_ruleset *rs)
{
	const struct cordon_draft *d = &rs->policy->draft;
	u32 i;

	for (i = 0; i < d->n_devices; i++) {
		rs->devices[i] = adopt_device(cn, d->devices[i].mac);
		if (!rs->devices[i] ||
		    cordon_ruleset_remember(rs->policy, &d->devices[i], rs->devices[i]))
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
	const struct cordon_limit *limits = p->draft.segments[d->segment].limits;
	struct cordon_host *host = &rs->hosts[place];

	/*
	 * In a VLAN of a bridge, its packets take the slow path; elsewhere no port has such a
	 * device. So do those of one that is tied to several: none other pays for it.
	 */
	host->port = d->vlan || d->n_also ? CORDON_NO_PORT : d->port;
	host->segment = d->segment;
	host->device = rs->devices[place];
	host->sent = rs->segments[d->segment]->traffic;
	host->certificate = cordon_device_authentication(p, d) == CORDON_AUTHENTICATION_CERTIFICATE;
	host->watched = limits[CORDON_KIND_SCAN].window || limits[CORDON_KIND_RATE].window ||
			limits[CORDON_KIND_NEW_DESTINATION].window;
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
	rs->cn = cn;
	rs->policy = seal(cn, draft, extack);
	if (IS_ERR(rs->policy)) {
		ret = PTR_ERR(rs->policy);
		rs->policy = NULL;
		goto err;
	}
	rs->macs = rs->policy->by_mac.slots;
	rs->macs_mask = rs->policy->by_mac.mask;
	rs->multiplier = cordon_multiplier(&rs->policy->multipliers);
	rs->room = rs->policy->places.room;
	places = rs->room + 1;
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
	if (cordon_net_ruleset(cn))
		cordon_policy_carry_used(rs->policy, cordon_net_ruleset(cn)->policy);
	return rs;
err:
	cordon_ruleset_free(rs);
	return ERR_PTR(ret);
}

/**
 * cordon_ruleset_carry - devices that no policy lists go on in another one
 * @cn: the namespace
 * @rs: the ruleset, which no packet can see
 *
 * But those that it lists; and none, if it has no segment for them.
 *
 * Context: cordon_net.lock held; may sleep.
 */
void cordon_ruleset_carry(struct cordon_net *cn, struct cordon_ruleset *rs)
{
	const struct cordon_ruleset *old = cordon_net_ruleset(cn);
	const struct cordon_places *places;
	struct cordon_device_def def;
	struct cordon_error err;
	u32 i, place;

	if (!old || !rs->policy->draft.unknown || !cn->unlisted.n)
		return;
	places = &old->policy->places;
	for (i = places->next[places->room]; i != places->room; i = places->next[i]) {
		cond_resched();
		def = old->policy->draft.devices[i];
		if (!def.unlisted || cordon_policy_device_by_mac(rs->policy, def.mac) !=
				     CORDON_NO_DEVICE)
			continue;
		def.segment = rs->policy->draft.unknown;
		def.n = 0;
		def.fixed = 0;
		if (cordon_ruleset_remember(rs->policy, &def, old->devices[i]))
			continue;
		if (cordon_change_prepare(rs->policy, CORDON_NO_DEVICE, &def, NULL, &place, &err))
			continue;
		rs->devices[place] = cordon_device_get(old->devices[i]);
		cordon_ruleset_host(rs, place);
		cordon_change_publish(rs->policy, CORDON_NO_DEVICE, place);
	}
}

/* Nobody sees the ruleset, so what is gone is gone at once. */
static void reclaim(struct cordon_ruleset *rs)
{
	u32 place;

	while ((place = cordon_change_reclaim(rs->policy)) != CORDON_NO_DEVICE) {
		cordon_device_put(rs->devices[place]);
		rs->devices[place] = NULL;
	}
}

static void install(struct cordon_learned *l, struct cordon_ruleset *rs, u32 old)
{
	const struct cordon_draft *d = &rs->policy->draft;
	struct cordon_addr addresses[CORDON_MAX_DEVICE_ADDRESSES];
	struct cordon_device_def def = d->devices[old];
	struct cordon_error err;
	u32 place;

	memcpy(addresses, &d->addresses[def.first], def.n * sizeof(addresses[0]));
	cordon_learned_append(l, rs->policy, &def, addresses);
	if (def.n == d->devices[old].n &&
	    !memcmp(addresses, &d->addresses[def.first], def.n * sizeof(addresses[0])))
		return;
	if (cordon_change_prepare(rs->policy, old, &def, addresses, &place, &err))
		return;
	rs->devices[place] = cordon_device_get(rs->devices[old]);
	cordon_ruleset_host(rs, place);
	cordon_change_publish(rs->policy, old, place);
	cordon_host_leave(&rs->hosts[old]);
	reclaim(rs);
}

/**
 * cordon_ruleset_learn - give the devices of a ruleset what they have learned
 * @cn: the namespace
 * @rs: the ruleset, which no packet can see
 *
 * What it cannot have, as another device has it there, cordon_learned_sweep() forgets.
 *
 * Context: cordon_net.lock held; may sleep.
 */
void cordon_ruleset_learn(struct cordon_net *cn, struct cordon_ruleset *rs)
{
	const struct cordon_policy *p = rs->policy;
	u32 i, next;

	lockdep_assert_held(&cn->lock);
	if (!READ_ONCE(p->learns))
		return;
	reclaim(rs);
	for (i = p->places.next[p->places.room]; i != p->places.room; i = next) {
		next = p->places.next[i];
		if (p->draft.devices[i].learn)
			install(&cn->learned, rs, i);
		cond_resched();
	}
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
 * between. Under a policy that has been sealed meanwhile it begins again; a device that changes
 * meanwhile may be counted twice, or not at all.
 *
 * Context: may sleep.
 */
void cordon_ruleset_recount(struct cordon_net *cn)
{
	u32 held[CORDON_BUILTIN_SEGMENTS], sealed = 0, at = 0;
	struct cordon_ruleset *rs;
	int i;

	do {
		rcu_read_lock();
		rs = rcu_dereference(cn->ruleset);
		if (rs && (!at || rs->sealed != sealed)) {
			sealed = rs->sealed;
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
