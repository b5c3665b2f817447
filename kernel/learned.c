// SPDX-License-Identifier: GPL-2.0
/* Addresses that devices have learned, from policy to policy. */
#include <linux/etherdevice.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "learned.h"

#define FEW	4	/* bindings that a device has room for, unless it needs more */

/**
 * struct learner - a device that has learned something
 * @node: in cordon_learned.devices
 * @next: in cordon_learned.ends, if @timed
 * @timed: one of its bindings has an end
 * @n: bindings
 * @room: FEW, or CORDON_MAX_DEVICE_ADDRESSES
 * @mac: EUI-48
 * @at: the bindings, no address twice
 * @rcu: frees it, since who resizes the table may still look at it
 */
struct learner {
	struct rhash_head node;
	struct timerqueue_node next;
	bool timed;
	u8 n;
	u8 room;
	u8 mac[ETH_ALEN] __aligned(2);
	struct rcu_head rcu;
	struct cordon_binding at[];
};

static const struct rhashtable_params params = {
	.key_len = ETH_ALEN,
	.key_offset = offsetof(struct learner, mac),
	.head_offset = offsetof(struct learner, node),
	.automatic_shrinking = true,
};

/**
 * cordon_learned_init - nothing has been learned
 * @l: overwritten
 *
 * Return: 0 or -ENOMEM.
 */
int cordon_learned_init(struct cordon_learned *l)
{
	spin_lock_init(&l->lock);
	timerqueue_init_head(&l->ends);
	return rhashtable_init(&l->devices, &params);
}

static void free_learner(void *learner, void *arg)
{
	kfree(learner);
}

/** cordon_learned_exit - forget all; nobody looks any more */
void cordon_learned_exit(struct cordon_learned *l)
{
	rhashtable_free_and_destroy(&l->devices, free_learner, NULL);
}

static u64 now(void)
{
	return ktime_get_boottime_ns();
}

static u32 now_seconds(void)
{
	return div_u64(now(), NSEC_PER_SEC);
}

/**
 * cordon_binding_init - a binding that is learned now
 * @b: overwritten
 * @addr: the address
 * @origin: enum cordon_origin
 * @seconds: how long it lasts; 0, it has no end
 */
void cordon_binding_init(struct cordon_binding *b, const struct cordon_addr *addr, u8 origin,
			 u32 seconds)
{
	*b = (struct cordon_binding){
		.addr = *addr, .origin = origin, .used = now_seconds(),
		.end = seconds ? now() + (u64)seconds * NSEC_PER_SEC : 0,
	};
}

/**
 * cordon_binding_seconds - what is left of a binding that has an end
 * @b: the binding
 *
 * Return: seconds, rounded up; 0, it has ended.
 */
u32 cordon_binding_seconds(const struct cordon_binding *b)
{
	const u64 at = now();

	return b->end > at ? div_u64(b->end - at + NSEC_PER_SEC - 1, NSEC_PER_SEC) : 0;
}

static struct learner *find(struct cordon_learned *l, const u8 *mac)
{
	lockdep_assert_held(&l->lock);
	return rhashtable_lookup_fast(&l->devices, mac, params);
}

static struct cordon_binding *find_binding(struct learner *d, const struct cordon_addr *addr)
{
	u32 i;

	for (i = 0; d && i < d->n; i++)
		if (cordon_addr_equal(&d->at[i].addr, addr))
			return &d->at[i];
	return NULL;
}

/* One of its bindings has another end than before. */
static void retime(struct cordon_learned *l, struct learner *d)
{
	u64 first = U64_MAX;
	u32 i;

	if (d->timed)
		timerqueue_del(&l->ends, &d->next);
	for (i = 0; i < d->n; i++)
		if (d->at[i].end)
			first = min(first, d->at[i].end);
	d->timed = first != U64_MAX;
	if (!d->timed)
		return;
	timerqueue_init(&d->next);
	d->next.expires = first;
	timerqueue_add(&l->ends, &d->next);
}

static void forget(struct cordon_learned *l, struct learner *d)
{
	if (d->timed)
		timerqueue_del(&l->ends, &d->next);
	rhashtable_remove_fast(&l->devices, &d->node, params);
	kfree_rcu(d, rcu);
}

/* With room for one more. Return: NULL, there is no memory. */
static struct learner *enlarge(struct cordon_learned *l, struct learner *d, struct learner *more)
{
	int ret;

	if (d) {
		memcpy(more->at, d->at, d->n * sizeof(d->at[0]));
		more->n = d->n;
		forget(l, d);
	}
	ret = rhashtable_insert_fast(&l->devices, &more->node, params);
	if (!ret) {
		retime(l, more);
		return more;
	}
	kfree(more);
	return NULL;
}

static struct learner *learner_new(const u8 *mac, u8 room)
{
	struct learner *d = kzalloc(struct_size(d, at, room), GFP_KERNEL_ACCOUNT);

	if (d) {
		d->room = room;
		ether_addr_copy(d->mac, mac);
	}
	return d;
}

/**
 * cordon_learned_put - a device has learned an address, or the end of one has changed
 * @l: the table
 * @mac: of the device
 * @b: the binding
 *
 * Context: changes are one at a time, cordon_net.lock held; may sleep.
 * Return: 0; -ENOSPC, it has as many as it may have; -ENOMEM, and then it may have lost what it
 * had.
 */
int cordon_learned_put(struct cordon_learned *l, const u8 *mac, const struct cordon_binding *b)
{
	struct learner *d, *more = NULL;
	struct cordon_binding *old;
	int ret = 0;
	u8 room;

	spin_lock_bh(&l->lock);
	d = find(l, mac);
	old = find_binding(d, &b->addr);
	room = d && d->n >= FEW ? CORDON_MAX_DEVICE_ADDRESSES : FEW;
	if (!old && d && d->n == CORDON_MAX_DEVICE_ADDRESSES)
		ret = -ENOSPC;
	spin_unlock_bh(&l->lock);
	if (ret)
		return ret;
	if (!old && (!d || d->n == d->room)) {
		more = learner_new(mac, room);
		if (!more)
			return -ENOMEM;
	}
	spin_lock_bh(&l->lock);
	if (more)
		d = enlarge(l, d, more);
	if (d) {
		if (!old)
			old = &d->at[d->n++];
		*old = *b;
		retime(l, d);
	}
	spin_unlock_bh(&l->lock);
	return d ? 0 : -ENOMEM;
}

/**
 * cordon_learned_drop - a device has an address no longer
 * @l: the table
 * @mac: of the device
 * @addr: the address
 *
 * Context: cordon_net.lock held. Return: it had it.
 */
bool cordon_learned_drop(struct cordon_learned *l, const u8 *mac, const struct cordon_addr *addr)
{
	struct cordon_binding *b;
	struct learner *d;

	spin_lock_bh(&l->lock);
	d = find(l, mac);
	b = find_binding(d, addr);
	if (b) {
		*b = d->at[--d->n];
		if (d->n)
			retime(l, d);
		else
			forget(l, d);
	}
	spin_unlock_bh(&l->lock);
	return b;
}

/**
 * cordon_learned_forget - a device learns no addresses any more
 * @l: the table
 * @mac: of the device
 *
 * Context: cordon_net.lock held.
 */
void cordon_learned_forget(struct cordon_learned *l, const u8 *mac)
{
	struct learner *d;

	spin_lock_bh(&l->lock);
	d = find(l, mac);
	if (d)
		forget(l, d);
	spin_unlock_bh(&l->lock);
}

/**
 * cordon_learned_find - what is known of an address that a device has learned
 * @l: the table
 * @mac: of the device
 * @addr: the address
 * @out: gets a copy; or NULL
 *
 * Context: any but hard interrupts. Return: it has learned it.
 */
bool cordon_learned_find(struct cordon_learned *l, const u8 *mac, const struct cordon_addr *addr,
			 struct cordon_binding *out)
{
	struct cordon_binding *b;

	spin_lock_bh(&l->lock);
	b = find_binding(find(l, mac), addr);
	if (b && out)
		*out = *b;
	spin_unlock_bh(&l->lock);
	return b;
}

/**
 * cordon_learned_count - how many addresses a device has learned
 * @l: the table
 * @mac: of the device
 */
u32 cordon_learned_count(struct cordon_learned *l, const u8 *mac)
{
	struct learner *d;
	u32 n;

	spin_lock_bh(&l->lock);
	d = find(l, mac);
	n = d ? d->n : 0;
	spin_unlock_bh(&l->lock);
	return n;
}

/**
 * cordon_learned_all - what a device has learned
 * @l: the table
 * @mac: of the device
 * @out: gets up to CORDON_MAX_DEVICE_ADDRESSES bindings
 *
 * Return: how many.
 */
u32 cordon_learned_all(struct cordon_learned *l, const u8 *mac, struct cordon_binding *out)
{
	struct learner *d;
	u32 n = 0;

	spin_lock_bh(&l->lock);
	d = find(l, mac);
	if (d) {
		n = d->n;
		memcpy(out, d->at, n * sizeof(*out));
	}
	spin_unlock_bh(&l->lock);
	return n;
}

/**
 * cordon_learned_seen - a device uses an address on its link
 * @l: the table
 * @mac: of the device
 * @addr: the address, which it may have learned or not
 *
 * Context: any but hard interrupts.
 */
void cordon_learned_seen(struct cordon_learned *l, const u8 *mac, const struct cordon_addr *addr)
{
	struct cordon_binding *b;

	spin_lock_bh(&l->lock);
	b = find_binding(find(l, mac), addr);
	if (b)
		b->used = now_seconds();
	spin_unlock_bh(&l->lock);
}

/* What no server gave lasts as long as it is used. Return: it has not ended. */
static bool prolong(struct cordon_binding *b, u64 at)
{
	const u64 end = (u64)(b->used + CORDON_LEARNED_IDLE) * NSEC_PER_SEC;

	if (b->origin == CORDON_ORIGIN_DHCP || end <= at)
		return false;
	b->end = end;
	return true;
}

/* The binding of a device that has ended, or NULL; those that are still used go on. */
static struct cordon_binding *ended(struct cordon_learned *l, struct learner *d, u64 at)
{
	struct cordon_binding *b = NULL;
	u32 i;

	for (i = 0; i < d->n && !b; i++)
		if (d->at[i].end && d->at[i].end <= at && !prolong(&d->at[i], at))
			b = &d->at[i];
	if (!b)
		retime(l, d);
	return b;
}

/**
 * cordon_learned_due - a binding that has ended
 * @l: the table
 * @mac: gets the device's
 * @out: gets the binding
 *
 * Context: cordon_net.lock held. Return: 0, there is one; else when the next one ends, in
 * nanoseconds since boot, or U64_MAX.
 */
u64 cordon_learned_due(struct cordon_learned *l, u8 *mac, struct cordon_binding *out)
{
	struct timerqueue_node *next;
	struct cordon_binding *b;
	const u64 at = now();
	struct learner *d;
	u64 due;

	spin_lock_bh(&l->lock);
	for (;;) {
		next = timerqueue_getnext(&l->ends);
		due = next ? next->expires : U64_MAX;
		if (due > at)
			break;
		d = container_of(next, struct learner, next);
		b = ended(l, d, at);
		if (b) {
			ether_addr_copy(mac, d->mac);
			*out = *b;
			due = 0;
			break;
		}
	}
	spin_unlock_bh(&l->lock);
	return due;
}

/**
 * cordon_learned_append - give a device what it has learned, behind what the policy gives it
 * @l: the table
 * @p: a policy; what another device has there is left out
 * @def: the device; how many addresses it has is changed
 * @addresses: of the device, has room for CORDON_MAX_DEVICE_ADDRESSES
 */
void cordon_learned_append(struct cordon_learned *l, const struct cordon_policy *p,
			   struct cordon_device_def *def, struct cordon_addr *addresses)
{
	struct cordon_binding all[CORDON_MAX_DEVICE_ADDRESSES];
	u32 i, j, n, owner;

	def->n = cordon_device_fixed(def);
	n = def->learn ? cordon_learned_all(l, def->mac, all) : 0;
	for (i = 0; i < n && def->n < CORDON_MAX_DEVICE_ADDRESSES; i++) {
		if (all[i].origin == CORDON_ORIGIN_ARP && def->learn != CORDON_LEARN_AUTO_STATIC)
			continue;
		owner = cordon_policy_device_by_addr(p, &all[i].addr);
		if (owner != CORDON_NO_DEVICE &&
		    !ether_addr_equal(p->draft.devices[owner].mac, def->mac))
			continue;
		for (j = 0; j < def->fixed; j++)
			if (cordon_addr_equal(&addresses[j], &all[i].addr))
				break;
		if (j == def->fixed)
			addresses[def->n++] = all[i].addr;
	}
}

/* A device has an address in the policy, and not by it. */
static bool has_learned(const struct cordon_policy *p, const u8 *mac,
			const struct cordon_addr *addr)
{
	u32 device = p ? cordon_policy_device_by_mac(p, mac) : CORDON_NO_DEVICE;

	return device != CORDON_NO_DEVICE && cordon_policy_device_learned(p, device, addr);
}

/* Return: nothing is left of it. */
static bool sweep(struct cordon_learned *l, const struct cordon_policy *p, struct learner *d)
{
	u32 i = 0;

	while (i < d->n)
		if (has_learned(p, d->mac, &d->at[i].addr))
			i++;
		else
			d->at[i] = d->at[--d->n];
	if (!d->n)
		return true;
	retime(l, d);
	return false;
}

/**
 * cordon_learned_sweep - forget what devices do not have
 * @l: the table
 * @p: the policy in force, which awaits no confirmation; NULL, there is none
 *
 * Context: cordon_net.lock held; may sleep.
 */
void cordon_learned_sweep(struct cordon_learned *l, const struct cordon_policy *p)
{
	struct rhashtable_iter iter;
	struct learner *d;
	u32 n = 0;

	rhashtable_walk_enter(&l->devices, &iter);
	rhashtable_walk_start(&iter);
	while ((d = rhashtable_walk_next(&iter))) {
		/* The table was resized: what comes twice, or not, does no harm. */
		if (IS_ERR(d))
			continue;
		spin_lock_bh(&l->lock);
		if (sweep(l, p, d))
			forget(l, d);
		spin_unlock_bh(&l->lock);
		if (++n % 64)
			continue;
		rhashtable_walk_stop(&iter);
		cond_resched();
		rhashtable_walk_start(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}
