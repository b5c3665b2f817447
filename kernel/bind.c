// SPDX-License-Identifier: GPL-2.0
/* Bindings that are learned are made, and end, in the ruleset in force. */
#include <linux/etherdevice.h>
#include <linux/timekeeping.h>
#include <net/addrconf.h>
#include <net/route.h>

#include "bind.h"
#include "change.h"
#include "event.h"
#include "learned.h"
#include "net.h"
#include "ruleset.h"

#define SETTLED		10		/* seconds; what is younger makes no room for another */
#define LONGEST_WAIT	(3600 * HZ)

/* Until the next binding ends. */
static void wait_for_end(struct cordon_net *cn, u64 due)
{
	const u64 now = ktime_get_boottime_ns();
	unsigned long wait = LONGEST_WAIT;

	if (due == U64_MAX || cn->dying)
		return;
	if (due < now + (u64)LONGEST_WAIT / HZ * NSEC_PER_SEC)
		wait = due > now ? nsecs_to_jiffies(due - now) + 1 : 1;
	mod_delayed_work(system_wq, &cn->expire, wait);
}

/* The device has in the policy in force what it has learned, no more and no less. */
static int relearn(struct cordon_net *cn, const u8 *mac, struct netlink_ext_ack *extack)
{
	u32 device = cordon_policy_device_by_mac(cordon_net_ruleset(cn)->policy, mac);

	return device == CORDON_NO_DEVICE ? 0 : cordon_device_relearn(cn, device, extack);
}

static void tell(struct cordon_net *cn, const u8 *mac, const struct cordon_binding *b, bool ended)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;
	u32 device = cordon_policy_device_by_mac(p, mac);

	if (device != CORDON_NO_DEVICE)
		cordon_netlink_binding(cn, &p->draft.devices[device], b, ended);
}

/* Its device has it until that relearns. */
static void drop(struct cordon_net *cn, const u8 *mac, const struct cordon_binding *b)
{
	cordon_learned_drop(&cn->learned, mac, &b->addr);
	tell(cn, mac, b, true);
}

/* Where there is no room for the change now, it is tried again. */
static int end_one(struct cordon_net *cn, const u8 *mac, const struct cordon_binding *b)
{
	struct cordon_binding again;
	int ret;

	drop(cn, mac, b);
	ret = relearn(cn, mac, NULL);
	if (!ret)
		return 0;
	cordon_binding_init(&again, &b->addr, CORDON_ORIGIN_DHCP, 1);
	if (!cordon_learned_put(&cn->learned, mac, &again))
		wait_for_end(cn, again.end);
	return ret;
}

/**
 * cordon_unbind - an address that a device has learned is its own no longer
 * @cn: the namespace, a policy is in force
 * @mac: of the device
 * @addr: the address
 *
 * Context: cordon_net.lock held; may sleep. Return: 0; -ENOENT, it has not learned it; -errno.
 */
int cordon_unbind(struct cordon_net *cn, const u8 *mac, const struct cordon_addr *addr)
{
	struct cordon_binding b;

	lockdep_assert_held(&cn->lock);
	if (!cordon_learned_find(&cn->learned, mac, addr, &b))
		return -ENOENT;
	return end_one(cn, mac, &b);
}

static bool is_dhcp4(const struct cordon_binding *b)
{
	return b->origin == CORDON_ORIGIN_DHCP && cordon_addr_is_v4(&b->addr);
}

/**
 * cordon_bind_refused - a server has told a device that it has no address of IPv4
 * @cn: the namespace, a policy is in force
 * @mac: of the device
 *
 * Context: cordon_net.lock held; may sleep.
 */
void cordon_bind_refused(struct cordon_net *cn, const u8 *mac)
{
	struct cordon_binding all[CORDON_MAX_DEVICE_ADDRESSES];
	u32 i, n;

	lockdep_assert_held(&cn->lock);
	n = cordon_learned_all(&cn->learned, mac, all);
	for (i = 0; i < n; i++)
		if (is_dhcp4(&all[i]))
			end_one(cn, mac, &all[i]);
}

/* A server gives a client one address of IPv4: another one is in its place. */
static void replace_dhcp4(struct cordon_net *cn, const struct cordon_told *told)
{
	struct cordon_binding all[CORDON_MAX_DEVICE_ADDRESSES];
	u32 i, n;

	if (told->origin != CORDON_ORIGIN_DHCP || !cordon_addr_is_v4(&told->addr))
		return;
	n = cordon_learned_all(&cn->learned, told->mac, all);
	for (i = 0; i < n; i++)
		if (is_dhcp4(&all[i]) && !cordon_addr_equal(&all[i].addr, &told->addr))
			drop(cn, told->mac, &all[i]);
}

/* The one that was used least lately, among those that no server gave, makes room. */
static int make_room(struct cordon_net *cn, const struct cordon_told *told, u32 fixed)
{
	const u32 now = div_u64(ktime_get_boottime_ns(), NSEC_PER_SEC);
	struct cordon_binding all[CORDON_MAX_DEVICE_ADDRESSES];
	const struct cordon_binding *oldest = NULL;
	u32 i, n;

	n = cordon_learned_all(&cn->learned, told->mac, all);
	if (fixed + n < CORDON_MAX_DEVICE_ADDRESSES)
		return 0;
	for (i = 0; i < n; i++)
		if (all[i].origin != CORDON_ORIGIN_DHCP && now - all[i].used >= SETTLED &&
		    (!oldest || (s32)(all[i].used - oldest->used) < 0))
			oldest = &all[i];
	if (!oldest)
		return -ENOSPC;
	drop(cn, told->mac, oldest);
	return 0;
}

/* It is the gateway's own. */
static bool is_local(struct net *net, const struct cordon_addr *addr)
{
	struct in6_addr v6;
	__be64 half[2];

	if (cordon_addr_is_v4(addr))
		return inet_addr_type(net, cpu_to_be32((u32)addr->lo)) == RTN_LOCAL;
	half[0] = cpu_to_be64(addr->hi);
	half[1] = cpu_to_be64(addr->lo);
	memcpy(&v6, half, sizeof(v6));
	return ipv6_chk_addr(net, &v6, NULL, 0);
}

static bool may_learn(const struct cordon_device_def *def, u8 origin)
{
	return origin == CORDON_ORIGIN_ARP ? def->learn == CORDON_LEARN_AUTO_STATIC : def->learn;
}

/*
 * Another device has the address. What a server says goes before what that has taken by itself, but
 * not before its lease: who asks with another's client identifier would be given its address.
 */
static int take_over(struct cordon_net *cn, const struct cordon_told *told, u32 owner,
		     struct netlink_ext_ack *extack)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;
	const struct cordon_device_def *def = &p->draft.devices[owner];
	struct cordon_binding b;

	if (cordon_policy_device_learned(p, owner, &told->addr)) {
		/* What is left of one that could not be ended. */
		if (!cordon_learned_find(&cn->learned, def->mac, &told->addr, &b))
			return relearn(cn, def->mac, extack);
		if (told->over || (told->origin == CORDON_ORIGIN_DHCP &&
				   b.origin != CORDON_ORIGIN_DHCP))
			return end_one(cn, def->mac, &b);
	}
	NL_SET_ERR_MSG_FMT(extack, "the address is bound to %.40s already", def->name);
	return -EADDRINUSE;
}

/* Return: 1, the policy gives it the address already; 0, it may be bound; or -errno. */
static int check(struct cordon_net *cn, const struct cordon_told *told,
		 struct netlink_ext_ack *extack)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;
	u32 device = cordon_policy_device_by_mac(p, told->mac);
	const struct cordon_device_def *def;
	u32 owner;

	if (device == CORDON_NO_DEVICE) {
		NL_SET_ERR_MSG_FMT(extack, "no device %pM", told->mac);
		return -ENOENT;
	}
	def = &p->draft.devices[device];
	if (!may_learn(def, told->origin)) {
		NL_SET_ERR_MSG_FMT(extack, "%.40s learns no such addresses", def->name);
		return -EOPNOTSUPP;
	}
	if (cordon_policy_check_address(&told->addr) || cordon_policy_serves(p, &told->addr) ||
	    is_local(cn->net, &told->addr)) {
		NL_SET_ERR_MSG(extack, "not an address that a device can have");
		return -EADDRNOTAVAIL;
	}
	owner = cordon_policy_device_by_addr(p, &told->addr);
	if (owner == device)
		return !cordon_policy_device_learned(p, device, &told->addr);
	return owner == CORDON_NO_DEVICE ? 0 : take_over(cn, told, owner, extack);
}

static int put(struct cordon_net *cn, const struct cordon_told *told,
	       const struct cordon_binding *b, struct netlink_ext_ack *extack)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;
	u32 device = cordon_policy_device_by_mac(p, told->mac);
	int ret;

	replace_dhcp4(cn, told);
	ret = make_room(cn, told, cordon_device_fixed(&p->draft.devices[device]));
	if (!ret)
		ret = cordon_learned_put(&cn->learned, told->mac, b);
	if (ret == -ENOSPC)
		NL_SET_ERR_MSG(extack, "the device has as many addresses as it may have");
	if (ret)
		return ret;
	ret = relearn(cn, told->mac, extack);
	if (!ret)
		return 0;
	cordon_learned_drop(&cn->learned, told->mac, &b->addr);
	return ret;
}

static bool is_bound(struct cordon_net *cn, const struct cordon_told *told)
{
	const struct cordon_policy *p = cordon_net_ruleset(cn)->policy;

	return cordon_policy_device_learned(p, cordon_policy_device_by_mac(p, told->mac),
					    &told->addr);
}

/**
 * cordon_bind - a device that learns its addresses has one more, or has it for longer
 * @cn: the namespace
 * @told: the binding
 * @extack: gets a sentence, or NULL
 *
 * Context: cordon_net.lock held; may sleep.
 * Return: 0, it has it; -ENOENT, there is no such device or no policy; -EOPNOTSUPP, it learns no
 * such addresses; -EADDRINUSE, another has it; -EADDRNOTAVAIL, none can have it; -ENOSPC, it has
 * as many as it may have; or what cordon_device_relearn() says.
 */
int cordon_bind(struct cordon_net *cn, const struct cordon_told *told,
		struct netlink_ext_ack *extack)
{
	struct cordon_binding b, old;
	u8 mac[ETH_ALEN] __aligned(2);
	int ret;

	lockdep_assert_held(&cn->lock);
	if (!cordon_net_ruleset(cn)) {
		NL_SET_ERR_MSG(extack, "no policy is in force");
		return -ENOENT;
	}
	ret = check(cn, told, extack);
	if (ret)
		return min(ret, 0);
	cordon_binding_init(&b, &told->addr, told->origin, told->seconds);
	if (cordon_learned_find(&cn->learned, told->mac, &told->addr, &old)) {
		/* Whoever a server has given an address cannot make it last. */
		if (old.origin == CORDON_ORIGIN_DHCP && told->origin != CORDON_ORIGIN_DHCP)
			return 0;
		ret = cordon_learned_put(&cn->learned, told->mac, &b);
		if (!ret && !is_bound(cn, told))
			ret = relearn(cn, told->mac, extack);
	} else {
		ret = put(cn, told, &b, extack);
	}
	if (!ret) {
		tell(cn, told->mac, &b, false);
		wait_for_end(cn, cordon_learned_due(&cn->learned, mac, &old));
	}
	return ret;
}

/**
 * cordon_bind_restore - what was bound before is known, for a policy that is about to be in force
 * @cn: the namespace
 * @told: the binding; nothing is changed if its device has it, or the policy in force binds it
 *
 * Context: cordon_net.lock held; may sleep.
 */
void cordon_bind_restore(struct cordon_net *cn, const struct cordon_told *told)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_binding b;
	u8 mac[ETH_ALEN] __aligned(2);

	lockdep_assert_held(&cn->lock);
	if (cordon_policy_check_address(&told->addr) ||
	    (rs && cordon_policy_device_by_addr(rs->policy, &told->addr) != CORDON_NO_DEVICE) ||
	    cordon_learned_find(&cn->learned, told->mac, &told->addr, NULL))
		return;
	cordon_binding_init(&b, &told->addr, told->origin, told->seconds);
	if (!cordon_learned_put(&cn->learned, told->mac, &b))
		wait_for_end(cn, cordon_learned_due(&cn->learned, mac, &b));
}

/**
 * cordon_bind_expire - end the bindings that have lasted long enough
 * @work: cordon_net.expire
 */
void cordon_bind_expire(struct work_struct *work)
{
	struct cordon_net *cn = container_of(to_delayed_work(work), struct cordon_net, expire);
	struct cordon_binding b;
	u8 mac[ETH_ALEN] __aligned(2);
	u64 due;

	mutex_lock(&cn->lock);
	while (!(due = cordon_learned_due(&cn->learned, mac, &b))) {
		if (cordon_net_ruleset(cn))
			end_one(cn, mac, &b);
		else
			cordon_learned_drop(&cn->learned, mac, &b.addr);
		cond_resched();
	}
	wait_for_end(cn, due);
	mutex_unlock(&cn->lock);
}
