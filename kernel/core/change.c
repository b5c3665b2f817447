// SPDX-License-Identifier: GPL-2.0
/* Changes of single devices in a sealed policy, in place and while packets look at it. */
#include "change.h"
#include "index.h"

/* The least width that so many addresses fit in. */
static u32 width_for(u32 n)
{
	u32 width = 0;

	while (1U << width < n)
		width++;
	return width;
}

/* A place that was used before, with room for so many addresses; or CORDON_NO_DEVICE. */
static u32 take_free(struct cordon_places *places, u32 width)
{
	u32 place;

	for (; width < CORDON_WIDTHS; width++) {
		place = places->free[width];
		if (place == CORDON_NO_DEVICE)
			continue;
		places->free[width] = places->chain[place];
		return place;
	}
	return CORDON_NO_DEVICE;
}

/* A place that was never used, likewise. */
static u32 take_new(struct cordon_policy *p, u32 width)
{
	struct cordon_draft *d = &p->draft;
	u32 place = d->n_devices;

	if (place == p->places.room || 1U << width > p->places.room_addresses - d->n_addresses)
		return CORDON_NO_DEVICE;
	d->devices[place].first = d->n_addresses;
	p->places.width[place] = width;
	d->n_addresses += 1U << width;
	WRITE_ONCE(d->n_devices, place + 1);
	return place;
}

static int fault(struct cordon_error *err, enum cordon_fault why, enum cordon_object object,
		 u32 index, u32 other)
{
	*err = (struct cordon_error){ why, object, index, other };
	return -EINVAL;
}

static bool is_other(u32 found, u32 old)
{
	return found != CORDON_NO_DEVICE && found != old;
}

static int check_addresses(const struct cordon_policy *p, u32 old, u32 place,
			   struct cordon_error *err)
{
	const struct cordon_device_def *v = &p->draft.devices[place];
	const struct cordon_addr *a = &p->draft.addresses[v->first];
	u32 i, j, other;

	for (i = 0; i < v->n; i++) {
		if (cordon_policy_check_address(&a[i]))
			return fault(err, CORDON_FAULT_ADDRESS, CORDON_OBJECT_ADDRESS,
				     v->first + i, place);
		other = cordon_policy_device_by_addr(p, &a[i]);
		for (j = 0; j < i; j++)
			if (cordon_addr_equal(&a[j], &a[i]))
				other = place;
		if (is_other(other, old))
			return fault(err, CORDON_FAULT_DUPLICATE_ADDRESS, CORDON_OBJECT_ADDRESS,
				     v->first + i, other);
	}
	return 0;
}

static int check(const struct cordon_policy *p, u32 old, u32 place, struct cordon_error *err)
{
	const struct cordon_device_def *v = &p->draft.devices[place];
	u32 other;
	int ret;

	if (old == CORDON_NO_DEVICE && p->places.n >= CORDON_MAX_DEVICES)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_DEVICE, place, 0);
	ret = cordon_policy_check_device(p, place, v->first, err);
	if (ret)
		return ret;
	other = cordon_policy_device_by_mac(p, v->mac);
	if (is_other(other, old))
		return fault(err, CORDON_FAULT_DUPLICATE_MAC, CORDON_OBJECT_DEVICE, place, other);
	other = cordon_policy_device_by_name(p, v->name);
	if (is_other(other, old))
		return fault(err, CORDON_FAULT_DUPLICATE_NAME, CORDON_OBJECT_DEVICE, place, other);
	return check_addresses(p, old, place, err);
}

/* Each object could be added to its index, as if all of them were new. */
static int try_indexes(const struct cordon_policy *p, u32 place)
{
	const struct cordon_device_def *v = &p->draft.devices[place];
	const struct cordon_addr *a = &p->draft.addresses[v->first];
	u32 i;

	for (i = 0; i < v->n; i++)
		if (cordon_index_try(&p->by_addr, cordon_hash_addr(p, &a[i])))
			return -EAGAIN;
	return cordon_index_try(&p->by_mac, cordon_hash_mac(p, v->mac)) ||
	       cordon_index_try(&p->by_name, cordon_hash_name(p, v->name)) ? -EAGAIN : 0;
}

static void give_back(struct cordon_places *places, u32 place)
{
	u32 *head = &places->free[places->width[place]];

	places->chain[place] = *head;
	*head = place;
}

/**
 * cordon_change_cancel - give back what cordon_change_prepare() took
 * @p: the policy
 * @place: the place; no packet has seen it
 */
void cordon_change_cancel(struct cordon_policy *p, u32 place)
{
	give_back(&p->places, place);
}

/**
 * cordon_change_prepare - write a device to a place where nobody finds it
 * @p: the policy
 * @old: the device that it is to replace; CORDON_NO_DEVICE, it is new
 * @def: the device; @def->first does not matter
 * @addresses: its addresses
 * @place: gets the place, also where -EINVAL is returned
 * @err: why not, where -EINVAL is returned; it is about the policy's draft
 *
 * Return: 0; -EINVAL, @err says why; -ENOSPC, there is no room left, unless places can be
 * reclaimed; -EAGAIN, too many objects collide. The last two are no fault of the device's: sealed
 * anew, the policy takes it.
 */
int cordon_change_prepare(struct cordon_policy *p, u32 old, const struct cordon_device_def *def,
			  const struct cordon_addr *addresses, u32 *place,
			  struct cordon_error *err)
{
	const u32 most = CORDON_MAX_DEVICE_ADDRESSES, n = def->n < most ? def->n : most;
	/* What it learns next fits as well. */
	const u32 width = width_for(def->learn && n < CORDON_LEARN_ADDRESSES ?
				    CORDON_LEARN_ADDRESSES : n);
	struct cordon_device_def *to;
	u32 first, i;
	int ret;

	*place = take_free(&p->places, width);
	if (*place == CORDON_NO_DEVICE)
		*place = take_new(p, width);
	if (*place == CORDON_NO_DEVICE)
		return -ENOSPC;
	to = &p->draft.devices[*place];
	first = to->first;
	*to = *def;
	to->first = first;
	for (i = 0; i < n; i++) {
		p->draft.addresses[first + i] = addresses[i];
		p->owner[first + i] = *place;
	}
	ret = check(p, old, *place, err);
	if (!ret)
		ret = try_indexes(p, *place);
	if (ret)
		cordon_change_cancel(p, *place);
	return ret;
}

/* Where a device has an address; CORDON_NO_DEVICE, nowhere. */
static u32 find_address(const struct cordon_policy *p, u32 device, const struct cordon_addr *addr)
{
	const struct cordon_device_def *v;
	u32 i;

	if (device == CORDON_NO_DEVICE)
		return CORDON_NO_DEVICE;
	v = &p->draft.devices[device];
	for (i = v->first; i < v->first + v->n; i++)
		if (cordon_addr_equal(&p->draft.addresses[i], addr))
			return i;
	return CORDON_NO_DEVICE;
}

/**
 * cordon_change_binds - a change binds an address that was not bound before
 * @p: the policy
 * @old: as for cordon_change_prepare()
 * @place: from there
 */
bool cordon_change_binds(const struct cordon_policy *p, u32 old, u32 place)
{
	const struct cordon_device_def *v = &p->draft.devices[place];
	u32 i;

	for (i = v->first; i < v->first + v->n; i++)
		if (find_address(p, old, &p->draft.addresses[i]) == CORDON_NO_DEVICE)
			return true;
	return false;
}

static void publish_addresses(struct cordon_policy *p, u32 old, u32 place)
{
	const struct cordon_device_def *v = &p->draft.devices[place];
	u32 i, at, hash;

	for (i = v->first; i < v->first + v->n; i++) {
		at = find_address(p, old, &p->draft.addresses[i]);
		hash = cordon_hash_addr(p, &p->draft.addresses[i]);
		if (at == CORDON_NO_DEVICE)
			cordon_index_add(&p->by_addr, hash, i);
		else
			cordon_index_move(&p->by_addr, hash, at, i);
	}
}

static u32 hash_of_addr(const struct cordon_policy *p, u32 place)
{
	return cordon_hash_addr(p, &p->draft.addresses[place]);
}

static u32 hash_of_mac(const struct cordon_policy *p, u32 place)
{
	return cordon_hash_mac(p, p->draft.devices[place].mac);
}

static u32 hash_of_name(const struct cordon_policy *p, u32 place)
{
	return cordon_hash_name(p, p->draft.devices[place].name);
}

/* Those that it does not have at @place, which is CORDON_NO_DEVICE where it has none any more. */
static void withdraw_addresses(struct cordon_policy *p, u32 old, u32 place)
{
	const struct cordon_device_def *v = &p->draft.devices[old];
	const struct cordon_addr *a = p->draft.addresses;
	u32 i;

	for (i = v->first; i < v->first + v->n; i++)
		if (find_address(p, place, &a[i]) == CORDON_NO_DEVICE)
			cordon_index_remove(&p->by_addr, i, hash_of_addr, p);
}

/* In the order, a place comes where another one was, or behind the last one. */
static void link_place(struct cordon_places *places, u32 old, u32 place)
{
	const bool replaces = old != CORDON_NO_DEVICE;
	const u32 prev = replaces ? places->prev[old] : places->prev[places->room];
	const u32 next = replaces ? places->next[old] : places->room;

	WRITE_ONCE(places->next[place], next);
	WRITE_ONCE(places->prev[place], prev);
	/* Dumps find the place by this, with all that is there. */
	smp_store_release(&places->next[prev], place);
	WRITE_ONCE(places->prev[next], place);
}

/* No index leads to a place any more. */
static void leave(struct cordon_policy *p, u32 place)
{
	struct cordon_places *places = &p->places;
	u32 *members = &p->members[p->draft.devices[place].segment];

	WRITE_ONCE(*members, *members - 1);
	WRITE_ONCE(places->n, places->n - 1);
	WRITE_ONCE(places->prev[place], CORDON_NO_DEVICE);
	places->chain[place] = places->gone;
	places->gone = place;
}

static void replace(struct cordon_policy *p, u32 old, u32 place)
{
	const struct cordon_device_def *was = &p->draft.devices[old];
	const struct cordon_device_def *is = &p->draft.devices[place];

	cordon_index_move(&p->by_mac, cordon_hash_mac(p, is->mac), old, place);
	if (!strcmp(was->name, is->name)) {
		cordon_index_move(&p->by_name, cordon_hash_name(p, is->name), old, place);
	} else {
		cordon_index_add(&p->by_name, cordon_hash_name(p, is->name), place);
		cordon_index_remove(&p->by_name, old, hash_of_name, p);
	}
	withdraw_addresses(p, old, place);
	leave(p, old);
}

/**
 * cordon_change_publish - let a device be found that was prepared
 * @p: the policy
 * @old: as for cordon_change_prepare(); its MAC is the new one's
 * @place: from there
 *
 * An address that the device keeps is bound to it at any time; one that it loses is bound to it
 * until it has the others.
 */
void cordon_change_publish(struct cordon_policy *p, u32 old, u32 place)
{
	const struct cordon_device_def *v = &p->draft.devices[place];
	u32 *members = &p->members[v->segment];

	if (cordon_device_encryption(p, v) != CORDON_ENCRYPTION_ANY)
		WRITE_ONCE(p->encrypted, true);
	if (v->learn)
		WRITE_ONCE(p->learns, true);
	WRITE_ONCE(*members, *members + 1);
	WRITE_ONCE(p->places.n, p->places.n + 1);
	publish_addresses(p, old, place);
	link_place(&p->places, old, place);
	if (old != CORDON_NO_DEVICE) {
		replace(p, old, place);
		return;
	}
	cordon_index_add(&p->by_mac, cordon_hash_mac(p, v->mac), place);
	cordon_index_add(&p->by_name, cordon_hash_name(p, v->name), place);
}

/**
 * cordon_change_remove - let a device not be found any more
 * @p: the policy
 * @place: the device
 */
void cordon_change_remove(struct cordon_policy *p, u32 place)
{
	struct cordon_places *places = &p->places;
	u32 next = places->next[place], prev = places->prev[place];

	cordon_index_remove(&p->by_mac, place, hash_of_mac, p);
	cordon_index_remove(&p->by_name, place, hash_of_name, p);
	withdraw_addresses(p, place, CORDON_NO_DEVICE);
	WRITE_ONCE(places->next[prev], next);
	WRITE_ONCE(places->prev[next], prev);
	leave(p, place);
}

/**
 * cordon_change_reclaim - a place that is gone may be used again
 * @p: the policy; nobody who found a place that is gone is left
 *
 * Return: the place; CORDON_NO_DEVICE, all of them are reclaimed.
 */
u32 cordon_change_reclaim(struct cordon_policy *p)
{
	u32 place = p->places.gone;

	if (place == CORDON_NO_DEVICE)
		return place;
	p->places.gone = p->places.chain[place];
	give_back(&p->places, place);
	return place;
}
