// SPDX-License-Identifier: GPL-2.0
/* all/gateway/NAME, as far as this gateway writes it itself: version, issuing certificate, interfaces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/internal.h"
#include "lib/policy.h"

#define LOOK_MS		60000U	/* between two looks at what may have changed */
#define LOOK_MAX	3600000U
#define EVENTS		100U	/* that all rows may cause in a ms: each change is told to every gateway */

/**
 * struct fleet_row - the row
 * @f: cordon-fleet
 * @timer: the next look
 * @call: on its way; NULL, none
 * @pem: the issuing certificate, and those before and to follow; NULL, there is none
 * @issuer: SHA-256 of the present one in hexadecimal
 */
struct fleet_row {
	struct fleet *f;
	struct event *timer;
	struct etcd_call *call;
	char *pem;
	char issuer[65];
};

static void read_issuer(struct fleet_row *r)
{
	uint8_t digest[PKI_FINGERPRINT_LEN];

	r->pem = fleet_issuers_own(r->f, digest);
	if (r->pem)
		policy_hex_text(digest, sizeof(digest), r->issuer);
}

/* Interfaces that a policy may name; the kernel's module knows which are uplinks now. */
static void set_interfaces(const struct fleet *f, json_t *row)
{
	struct cnl_interfaces all = { .n = 0 };
	json_t *ports, *uplinks;
	u32 i;

	if (!f->connected || cnl_interfaces((struct cnl *)&f->nl, &all))
		return;
	ports = json_array();
	uplinks = json_array();
	for (i = 0; i < all.n; i++)
		if (all.list[i].ifindex && strcmp(all.list[i].name, "lo") != 0)
			json_array_append_new(all.list[i].role == CORDON_ROLE_UPLINK ? uplinks : ports,
					      json_string(all.list[i].name));
	cnl_interfaces_free(&all);
	json_object_set_new(row, "ports", ports);
	json_object_set_new(row, "uplinks", uplinks);
}

/* Until the others have the issuing certificate they let in nobody who was certified here. */
static void try_again(struct fleet_row *r)
{
	fleet_after(r->timer, 1000 + fleet_spread(r->f, 3, 1000, 30000));
}

static void done(const struct etcd_answer *a, void *arg)
{
	struct fleet_row *r = arg;

	r->call = NULL;
	/* What the watch tells comes later, and until then each write would fail. */
	if (a->result == ETCD_OK && a->succeeded)
		r->f->self = a->revision;
	else
		try_again(r);
}

static void put(struct fleet_row *r, const char *text, int64_t revision)
{
	char key[ETCD_KEY_MAX];
	const struct etcd_compare compare = { .key = key, .target = ETCD_MOD, .number = revision };
	const struct etcd_op op = { .verb = ETCD_PUT, .key = key, .value = text, .len = strlen(text) };
	const struct etcd_txn t = { .compares = &compare, .n_compares = 1, .then = &op, .n_then = 1 };

	snprintf(key, sizeof(key), "all/gateway/%s", r->f->at.gateway);
	r->call = etcd_txn(r->f->etcd, &t, 0, done, r);
	if (!r->call)
		try_again(r);
}

static void compare(struct fleet_row *r)
{
	struct fleet *f = r->f;
	char key[STORE_KEY_LEN], *old = NULL, *text = NULL;
	int64_t revision = 0;
	json_t *row, *is;
	size_t len;

	snprintf(key, sizeof(key), "all/gateway/%s", f->at.gateway);
	if (store_fleet_value(&f->store, key, &old, &len) || !old || store_fleet_revision(&f->store, key, &revision) ||
	    revision != f->self) {
		free(old);
		try_again(r);
		return;
	}
	is = json_loadb(old, len, 0, NULL);
	row = json_deep_copy(is);
	if (row) {
		json_object_set_new(row, "version", json_string(CORDON_VERSION));
		if (fleet_client(f)[0])
			json_object_set_new(row, "client", json_string(fleet_client(f)));
		if (r->pem) {
			json_object_set_new(row, "certificate", json_string(r->pem));
			json_object_set_new(row, "issuer", json_string(r->issuer));
		}
		set_interfaces(f, row);
		if (!json_equal(row, is))
			text = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
	}
	if (text)
		put(r, text, revision);
	free(text);
	free(old);
	json_decref(row);
	json_decref(is);
}

/* Interfaces of containers come and go: of 10,000 gateways each writes every 17 minutes at most. */
static unsigned int pause_ms(struct fleet *f)
{
	uint64_t n = fleet_gateways_count(f), ms = n * n / EVENTS;

	return ms < LOOK_MS ? LOOK_MS : ms > LOOK_MAX ? LOOK_MAX : (unsigned int)ms;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_row *r = arg;

	(void)fd;
	(void)what;
	fleet_after(r->timer, r->f->reachable ? pause_ms(r->f) : 1000);
	if (!r->call && r->f->reachable)
		compare(r);
}

/**
 * fleet_row_begin - keep the row as it should be
 * @f: cordon-fleet, which may still open files
 *
 * Return: 0; -ENOMEM.
 */
int fleet_row_begin(struct fleet *f)
{
	struct fleet_row *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	f->row = r;
	r->f = f;
	r->timer = evtimer_new(f->base, on_time, r);
	if (!r->timer)
		return -ENOMEM;
	read_issuer(r);
	fleet_after(r->timer, 1000);
	return 0;
}

/**
 * fleet_row_end - no more
 * @f: cordon-fleet
 */
void fleet_row_end(struct fleet *f)
{
	struct fleet_row *r = f->row;

	if (!r)
		return;
	if (r->call)
		etcd_cancel(r->call);
	if (r->timer)
		event_free(r->timer);
	free(r->pem);
	free(r);
	f->row = NULL;
}
