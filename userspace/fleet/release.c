// SPDX-License-Identifier: GPL-2.0
/*
 * What is held here, beside the kernel's leases, and beside etcd's word. None of it is urgent, and a power cut ends
 * thousands of leases: one after the other.
 *
 *	held, no lease		no more held, then holder/MAC is deleted
 *	a lease, not held	claimed; another gateway's, it ends
 *	held, holder/ says other	the lease ends
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/holder.h"

#define CLAIM_LEASE	86400	/* seconds that a lease holds at most, where nobody says so */

void hold_pace(struct fleet_holder *h)
{
	struct timeval in = { h->every / 1000, h->every % 1000 * 1000 };

	if (h->f->reachable && (h->look.n || h->check.n) && !event_pending(h->pace, EV_TIMEOUT, NULL))
		event_add(h->pace, &in);
}

static unsigned int count_paced(const struct fleet_holder *h)
{
	unsigned int n = 0;
	const struct hold *w;

	TAILQ_FOREACH(w, &h->works, entry)
		n += w->kind != HOLD_ASKED;
	return n;
}

static bool is_held(struct fleet_holder *h, const uint8_t mac[6])
{
	bool held = false;

	if (store_fleet_held(&h->f->store, mac, &held))
		serve_log(LOG_ERR, "the registry does not say what is held", "why", h->f->store.error, NULL);
	return held;
}

static void claim(struct fleet_holder *h, const struct fleet_lease *lease)
{
	struct hold *w = hold_new(h, HOLD_CLAIM, lease->mac);

	if (!w)
		return;
	snprintf(w->name, sizeof(w->name), "%s", lease->name);
	snprintf(w->port, sizeof(w->port), "%s", lease->port);
	w->lease = lease->left > CLAIM_LEASE ? lease->left : CLAIM_LEASE;
	w->roam = lease->roam;
	hold_begin(w);
}

/* First in the registry, by which agent knows that it must ask: a lease that it gives meanwhile is claimed. */
static void release(struct fleet_holder *h, const uint8_t mac[6], bool held)
{
	struct hold *w;

	if (held && store_fleet_hold(&h->f->store, mac, false))
		return;
	w = hold_new(h, HOLD_RELEASE, mac);
	if (w)
		hold_begin(w);
	else
		macs_add(&h->retry, mac);
}

static void look_at(struct fleet_holder *h, const uint8_t mac[6])
{
	bool held = is_held(h, mac);
	struct fleet_lease lease;
	int err;

	if (hold_find(h, mac))
		return;
	err = fleet_kernel_lease(h->f, mac, &lease);
	if (!err && lease.certified && !held)
		claim(h, &lease);
	else if (err == -ENOENT && (held ? !hold_fresh(h, mac) : macs_has(&h->retry, mac)))
		release(h, mac, held);
}

/* It may have become ours while the question was on its way; or it is on its way to become so. */
static void compare_owner(struct fleet_holder *h, const uint8_t mac[6], const struct etcd_reply *r, int64_t revision)
{
	struct hold_owner owner;

	hold_owner_read(r->kv, r->n, &owner);
	if (hold_find(h, mac) || hold_revision(h, mac) > revision || !is_held(h, mac))
		return;
	if (!owner.revision) {
		if (!store_fleet_hold(&h->f->store, mac, false))
			macs_add(&h->look, mac);
	} else if (owner.sound && strcmp(owner.gateway, h->f->config->fleet.gateway) != 0) {
		hold_lost(h, mac, owner.gateway);
	}
}

static void checked(const struct etcd_answer *a, void *arg)
{
	struct fleet_holder *h = arg;
	size_t i;

	h->check_call = NULL;
	/* What failed is asked again when the kernel has been looked at, or etcd is there again. */
	for (i = 0; i < h->n_checking; i++) {
		if (a->result == ETCD_OK && i < a->n_replies)
			compare_owner(h, h->checking[i], &a->replies[i], a->revision);
		else
			macs_add(&h->check, h->checking[i]);
	}
	h->n_checking = 0;
	if (a->result == ETCD_OK)
		hold_pace(h);
}

static void check_some(struct fleet_holder *h)
{
	size_t i, n = h->check.n < HOLD_CHECK ? h->check.n : HOLD_CHECK, from = h->check.n - n;
	char keys[HOLD_CHECK][HOLD_KEY];
	struct etcd_op ops[HOLD_CHECK];
	const struct etcd_txn t = { NULL, 0, ops, n, NULL, 0 };

	for (i = 0; i < n; i++)
		ops[i] = (struct etcd_op){ .verb = ETCD_GET, .key = hold_key(keys[i], h->check.list[from + i]) };
	h->check_call = etcd_txn(h->f->etcd, &t, 0, checked, h);
	if (!h->check_call)
		return;
	memcpy(h->checking, h->check.list + from, n * sizeof(*h->checking));
	h->n_checking = n;
	h->check.n = from;
}

void hold_look(struct fleet_holder *h)
{
	uint8_t mac[6];

	if (!h->f->reachable)
		return;
	if (h->check.n && !h->check_call)
		check_some(h);
	if (h->look.n && count_paced(h) < HOLD_PACED) {
		memcpy(mac, h->look.list[h->look.n - 1], sizeof(mac));
		h->look.n--;
		look_at(h, mac);
	}
	hold_pace(h);
}

static int add_mac(const uint8_t mac[6], void *arg)
{
	return macs_add(arg, mac);
}

void hold_check_all(struct fleet_holder *h)
{
	if (store_fleet_held_each(&h->f->store, add_mac, &h->check))
		serve_log(LOG_ERR, "the registry does not say what is held", "why", h->f->store.error, NULL);
	hold_pace(h);
}

/**
 * fleet_holder_lease_ended - a device has no lease here any more
 * @f: cordon-fleet
 * @mac: the device
 */
void fleet_holder_lease_ended(struct fleet *f, const uint8_t mac[6])
{
	struct fleet_holder *h = f->holder;

	if (!h || !is_held(h, mac))
		return;
	macs_add(&h->look, mac);
	hold_pace(h);
}

/**
 * fleet_holder_leased - a check-in has given a device a lease
 * @f: cordon-fleet
 * @mac: the device
 *
 * Agent has asked before. Who has not, as hostapd's, or whom another gateway overtook, is found here.
 */
void fleet_holder_leased(struct fleet *f, const uint8_t mac[6])
{
	struct fleet_holder *h = f->holder;

	if (!h || is_held(h, mac))
		return;
	if (f->reachable && count_paced(h) < HOLD_PACED) {
		look_at(h, mac);
		return;
	}
	macs_add(&h->look, mac);
	hold_pace(h);
}

static int by_mac(const void *a, const void *b)
{
	return memcmp(a, ((const struct fleet_lease *)b)->mac, 6);
}

/**
 * fleet_holder_leases - compare the kernel's leases with what is held
 * @f: cordon-fleet
 * @leases: all of them, ordered by MAC
 * @n: how many
 *
 * The end of a lease is no event. Who is held and has none is given time for one: until the next look.
 */
void fleet_holder_leases(struct fleet *f, const struct fleet_lease *leases, size_t n)
{
	struct macs held = { .list = NULL }, idle = { .list = NULL };
	struct fleet_holder *h = f->holder;
	size_t i;

	if (!h || store_fleet_held_each(&f->store, add_mac, &held))
		return;
	for (i = 0; i < held.n; i++) {
		if (n && bsearch(held.list[i], leases, n, sizeof(*leases), by_mac))
			continue;
		macs_add(macs_has(&h->idle, held.list[i]) ? &h->look : &idle, held.list[i]);
	}
	for (i = 0; i < n; i++)
		if (leases[i].certified && !macs_has(&held, leases[i].mac))
			macs_add(&h->look, leases[i].mac);
	for (i = 0; i < h->retry.n; i++)
		macs_add(&h->look, h->retry.list[i]);
	macs_free(&held);
	macs_free(&h->idle);
	h->idle = idle;
	hold_pace(h);
}
