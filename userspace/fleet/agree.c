// SPDX-License-Identifier: GPL-2.0
/* What the kernel has, beside what the registry says: marks, revoked certificates, leases. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "fleet/kernel.h"

/** struct seen - a device, as far as it is compared */
struct seen {
	struct fleet_lease lease;
	bool quarantined;
	bool unlisted;
	uint8_t certificate[32];
};

/**
 * struct view - what is compared
 * @seen: devices of the kernel, ordered by MAC
 * @n: how many
 * @size: that there is memory for
 * @marks: of the registry
 * @revoked: fingerprints of revoked certificates, ordered
 * @n_revoked: how many
 * @revoked_size: that there is memory for
 * @expelled: a gateway is
 */
struct view {
	struct seen *seen;
	size_t n;
	size_t size;
	struct macs marks;
	uint8_t (*revoked)[32];
	size_t n_revoked;
	size_t revoked_size;
	bool expelled;
};

static void *grow(void *list, size_t n, size_t *size, size_t each)
{
	size_t more = *size ? 2 * *size : 256;

	if (n < *size)
		return list;
	list = realloc(list, more * each);
	if (list)
		*size = more;
	return list;
}

static int see(const struct cnl_device *d, void *arg)
{
	struct view *v = arg;
	struct seen *grown = grow(v->seen, v->n, &v->size, sizeof(*v->seen)), *s;

	if (!grown)
		return -ENOMEM;
	v->seen = grown;
	s = &v->seen[v->n++];
	memset(s, 0, sizeof(*s));
	kernel_lease(d, &s->lease);
	s->quarantined = d->state == CORDON_STATE_QUARANTINED;
	s->unlisted = d->def.unlisted;
	memcpy(s->certificate, d->certificate, sizeof(s->certificate));
	return 0;
}

static int by_mac(const void *a, const void *b)
{
	return memcmp(((const struct seen *)a)->lease.mac, ((const struct seen *)b)->lease.mac, 6);
}

static int by_fingerprint(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static int see_mark(const uint8_t mac[6], const char *why, const char *by, time_t since, void *arg)
{
	(void)why;
	(void)by;
	(void)since;
	return macs_add(&((struct view *)arg)->marks, mac);
}

static int see_revoked(const struct store_certificate *c, void *arg)
{
	struct view *v = arg;
	uint8_t (*grown)[32] = grow(v->revoked, v->n_revoked, &v->revoked_size, sizeof(*v->revoked));

	if (!grown)
		return -ENOMEM;
	v->revoked = grown;
	memcpy(v->revoked[v->n_revoked++], c->fingerprint, 32);
	return 0;
}

static int see_gateway(const struct store_fleet_gateway *g, void *arg)
{
	((struct view *)arg)->expelled |= !!g->expelled;
	return 0;
}

static int look(struct fleet_kernel *k, struct view *v, bool all)
{
	struct fleet *f = k->f;
	int err = cnl_device_each(&f->nl, see, v);

	if (err)
		return err;
	if (v->n)
		qsort(v->seen, v->n, sizeof(*v->seen), by_mac);
	err = store_fleet_mark_each(&f->store, see_mark, v);
	if (!err && all)
		err = store_revoked_each(&f->store, time(NULL), see_revoked, v);
	if (!err && all)
		err = store_fleet_gateway_each(&f->store, see_gateway, v);
	if (err)
		serve_log(LOG_ERR, "the registry cannot be compared with the kernel", "why", f->store.error, NULL);
	if (v->n_revoked)
		qsort(v->revoked, v->n_revoked, sizeof(*v->revoked), by_fingerprint);
	return err;
}

static void complain(struct fleet_kernel *k, const struct seen *s, const char *what, int err, int *first)
{
	char text[18];

	if (!err || err == -ENOENT)
		return;
	serve_log(LOG_ERR, what, "mac", policy_mac_text(s->lease.mac, text), "why", k->f->nl.error, NULL);
	*first = *first ? *first : err;
}

/*
 * Quarantined and not marked: the mark went, if there was one; else the kernel was first. Marked and not quarantined:
 * either a release of which an event will tell, or a kernel that does not know of it.
 */
static void compare_mark(struct fleet_kernel *k, const struct view *v, const struct seen *s, bool all, int *first)
{
	const uint8_t *mac = s->lease.mac;
	bool marked = macs_has(&v->marks, mac), known = macs_has(&k->marked, mac);

	if (s->quarantined && marked) {
		macs_add(&k->marked, mac);
	} else if (s->quarantined && (known || macs_has(&k->owed, mac))) {
		complain(k, s, "a quarantine cannot be ended; it is tried again", kernel_release(k, mac), first);
	} else if (s->quarantined && !s->unlisted) {
		if (!kernel_mark(k, mac, true))
			macs_add(&k->marked, mac);
	} else if (marked && !s->quarantined && (all || !known)) {
		complain(k, s, "a device cannot be held in quarantine; it is tried again", kernel_quarantine(k, mac),
			 first);
	} else if (!marked && !s->quarantined) {
		macs_del(&k->marked, mac);
	}
}

static void compare_marks(struct fleet_kernel *k, const struct view *v, bool all, int *first)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		compare_mark(k, v, &v->seen[i], all, first);
}

/** struct issuer - who issued a certificate: its fingerprint, and the serial number when it was found */
struct issuer {
	const uint8_t *fingerprint;
	bool found;
	uint8_t serial[STORE_SERIAL_LEN];
};

static int is_it(const struct store_certificate *c, void *arg)
{
	struct issuer *i = arg;

	if (i->found || memcmp(c->fingerprint, i->fingerprint, sizeof(c->fingerprint)) != 0)
		return 0;
	i->found = true;
	memcpy(i->serial, c->serial, sizeof(i->serial));
	return 0;
}

/* The policy may call the device otherwise than the registry. */
static bool of_expelled(struct fleet_kernel *k, const struct seen *s)
{
	struct issuer i = { .fingerprint = s->certificate };
	struct store *store = &k->f->store;
	char gateway[STORE_GATEWAY_LEN];
	struct store_device device;
	bool expelled = false;

	store_cert_each(store, s->lease.name, is_it, &i);
	if (!i.found && !store_device_of_mac(store, s->lease.mac, &device))
		store_cert_each(store, device.name, is_it, &i);
	return i.found && !store_fleet_issuer(store, i.serial, gateway, &expelled) && expelled;
}

static void compare_certificate(struct fleet_kernel *k, const struct view *v, struct seen *s, int *first)
{
	struct cnl_device now;
	char text[18];
	int err;

	if (!s->lease.left || !s->lease.certified)
		return;
	if (!(v->n_revoked && bsearch(s->certificate, v->revoked, v->n_revoked, 32, by_fingerprint)) &&
	    !(v->expelled && of_expelled(k, s)))
		return;
	err = cnl_lease_end(&k->f->nl, s->lease.mac, s->certificate, &now);
	complain(k, s, "a lease cannot be ended; it is tried again", err, first);
	if (err)
		return;
	s->lease.left = 0;
	serve_log(LOG_NOTICE, "a lease ended: its certificate is revoked", "device", s->lease.name, "mac",
		  policy_mac_text(s->lease.mac, text), NULL);
}

static int tell_leases(struct fleet_kernel *k, const struct view *v)
{
	struct fleet_lease *leases = malloc((v->n + 1) * sizeof(*leases));
	size_t i, n = 0;

	if (!leases)
		return -ENOMEM;
	for (i = 0; i < v->n; i++)
		if (v->seen[i].lease.left)
			leases[n++] = v->seen[i].lease;
	fleet_holder_leases(k->f, leases, n);
	free(leases);
	return 0;
}

int kernel_agree(struct fleet_kernel *k, bool all)
{
	struct view v = { .seen = NULL };
	int err = look(k, &v, all), failed = 0;
	size_t i;

	/* Nothing is compared with half of what there is: a mark that was not read is not one that went. */
	for (i = 0; all && !err && i < v.n; i++)
		compare_certificate(k, &v, &v.seen[i], &failed);
	if (!err)
		compare_marks(k, &v, all, &failed);
	if (!err && !failed)
		macs_free(&k->owed);
	if (!err)
		err = tell_leases(k, &v);
	free(v.seen);
	free(v.revoked);
	macs_free(&v.marks);
	return err ? err : failed;
}
