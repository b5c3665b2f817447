// SPDX-License-Identifier: GPL-2.0
/*
 * One piece of work on holder/MAC: it is read, decided on, and written with what was read as the compare. If somebody
 * was faster, that is seen by it, and it begins anew. A write whose answer is lost is read again, and known by its
 * number.
 *
 *	nobody, or we		written
 *	another, expelled	written: nothing of it counts
 *	another, and it roams	written, and to/OTHER/moved/MAC in the same transaction
 *	another		not written, unless that gateway is away for longer than any lease of it can be
 *
 * How long that is: who finds here/OTHER gone puts to/OTHER/gone, with the time. OTHER deletes it when it is back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "fleet/holder.h"

static void again(struct hold *w, const char *why);

static void own_key(const struct hold *w, char out[HOLD_KEY])
{
	snprintf(out, HOLD_KEY, "all/gateway/%s", w->h->f->config->fleet.gateway);
}

static void answer(struct hold *w, const char *is, json_t *more)
{
	json_t *id = w->id;

	w->id = NULL;
	if (w->kind == HOLD_ASKED)
		fleet_answer(w->h->f, w->client, id, is, more);
	else
		json_decref(more);
}

/* Not done; or it was, and the key says that the device is ours: with the kernel's next look it is found out. */
static void fail(struct hold *w, const char *is, const char *why)
{
	answer(w, is, json_pack("{s:s}", "why", why));
	if (w->kind == HOLD_RELEASE || w->attempt[0])
		macs_add(&w->h->retry, w->mac);
	hold_end(w);
}

static void elsewhere(struct hold *w)
{
	const char *gateway = w->owner.gateway;

	answer(w, "elsewhere", json_pack("{s:s}", "gateway", gateway));
	/* A lease that nobody asked for. */
	if (w->kind == HOLD_CLAIM)
		hold_lost(w->h, w->mac, gateway);
	hold_end(w);
}

static void got(struct hold *w, int64_t revision)
{
	struct fleet *f = w->h->f;
	char why[STORE_ERROR_LEN];

	/* Another one has taken it from us since, and that was told before this answer came. */
	if (w->moved > revision) {
		again(w, "other gateways want this device, too");
		return;
	}
	if (store_fleet_hold(&f->store, w->mac, true)) {
		snprintf(why, sizeof(why), "%s", f->store.error);
		serve_log(LOG_ERR, "the registry does not take that a device is held", "device", w->name, "why", why,
			  NULL);
		fail(w, "refused", why);
		return;
	}
	hold_note(w->h, w->mac, revision);
	macs_del(&w->h->retry, w->mac);
	answer(w, "done", NULL);
	hold_end(w);
}

static void wrote(const struct etcd_answer *a, void *arg)
{
	struct hold *w = arg;

	w->call = NULL;
	if (a->result != ETCD_OK && !a->unsure) {
		fail(w, "unreachable", a->why);
	} else if (a->result != ETCD_OK || !a->succeeded) {
		again(w, a->result == ETCD_OK ? "other gateways want this device, too" : a->why);
	} else if (w->kind == HOLD_RELEASE) {
		macs_del(&w->h->retry, w->mac);
		hold_end(w);
	} else {
		got(w, a->revision);
	}
}

static char *holder_value(struct hold *w)
{
	const struct serve_fleet *c = &w->h->f->config->fleet;
	json_int_t now = time(NULL);
	char *text;
	json_t *j;

	j = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:s}", "v", 1, "gateway", c->gateway, "port", w->port, "name",
		      w->name, "since", now, "until", now + (json_int_t)w->lease + (json_int_t)c->offline, "attempt",
		      w->attempt);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

static char *moved_value(const struct hold *w)
{
	json_t *j = json_pack("{s:i, s:s, s:I}", "v", 1, "to", w->h->f->config->fleet.gateway, "at",
			      (json_int_t)time(NULL));
	char *text = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	return text;
}

static void attempt(struct hold *w)
{
	unsigned char bytes[16];

	evutil_secure_rng_get_bytes(bytes, sizeof(bytes));
	policy_hex_text(bytes, sizeof(bytes), w->attempt);
}

/* From whom it is taken must be told, but one that was expelled. */
static bool is_taken(const struct hold *w)
{
	bool known, expelled = false;

	if (!w->owner.gateway[0] || !strcmp(w->owner.gateway, w->h->f->config->fleet.gateway))
		return false;
	return store_fleet_gateway_get(&w->h->f->store, w->owner.gateway, &known, &expelled) || !expelled;
}

static void write_holder(struct hold *w)
{
	char key[HOLD_KEY], own[HOLD_KEY], mine[2 * HOLD_KEY], there[HOLD_KEY], gone[HOLD_KEY], moved[2 * HOLD_KEY];
	struct fleet *f = w->h->f;
	struct etcd_compare compares[4] = {
		{ .key = hold_key(key, w->mac), .target = ETCD_MOD, .number = w->owner.revision },
		{ .key = own, .target = ETCD_MOD, .number = f->self },
		{ .key = there, .target = ETCD_VERSION, .number = 0 },
		{ .key = gone, .target = ETCD_MOD, .number = w->gone },
	};
	char *value, *word = moved_value(w), mac[18];
	struct etcd_op ops[3] = { { .verb = ETCD_PUT, .key = key }, { .verb = ETCD_DELETE, .key = mine },
				  { .verb = ETCD_PUT, .key = moved } };
	struct etcd_txn t = { compares, w->gone ? 4 : 2, ops, is_taken(w) ? 3 : 2, NULL, 0 };

	attempt(w);
	value = holder_value(w);
	policy_mac_text(w->mac, mac);
	own_key(w, own);
	snprintf(mine, sizeof(mine), "%smoved/%s", w->h->to, mac);
	snprintf(there, sizeof(there), "here/%s", w->owner.gateway);
	snprintf(gone, sizeof(gone), "to/%s/gone", w->owner.gateway);
	snprintf(moved, sizeof(moved), "to/%s/moved/%s", w->owner.gateway, mac);
	if (value && word) {
		ops[0].value = value;
		ops[0].len = strlen(value);
		ops[2].value = word;
		ops[2].len = strlen(word);
		w->call = etcd_txn(f->etcd, &t, 0, wrote, w);
	}
	free(value);
	free(word);
	if (!w->call)
		fail(w, "unreachable", "too many questions wait for etcd");
}

static void delete_holder(struct hold *w)
{
	char key[HOLD_KEY], own[HOLD_KEY];
	struct fleet *f = w->h->f;
	const struct etcd_compare compares[] = {
		{ .key = hold_key(key, w->mac), .target = ETCD_MOD, .number = w->owner.revision },
		{ .key = own, .target = ETCD_MOD, .number = f->self },
	};
	const struct etcd_op op = { .verb = ETCD_DELETE, .key = key };
	const struct etcd_txn t = { compares, 2, &op, 1, NULL, 0 };

	own_key(w, own);
	w->call = etcd_txn(f->etcd, &t, 0, wrote, w);
	if (!w->call)
		fail(w, "unreachable", "too many questions wait for etcd");
}

/* Whatever became of it: it may be that somebody else was faster, or that the gateway is back. */
static void told_gone(const struct etcd_answer *a, void *arg)
{
	struct hold *w = arg;

	(void)a;
	w->call = NULL;
	elsewhere(w);
}

static void tell_gone(struct hold *w)
{
	char own[HOLD_KEY], there[HOLD_KEY], gone[HOLD_KEY], value[STORE_GATEWAY_LEN + 64];
	struct fleet *f = w->h->f;
	const struct etcd_compare compares[] = {
		{ .key = own, .target = ETCD_MOD, .number = f->self },
		{ .key = there, .target = ETCD_VERSION, .number = 0 },
		{ .key = gone, .target = ETCD_CREATE, .number = 0 },
	};
	struct etcd_op op = { .verb = ETCD_PUT, .key = gone, .value = value };
	const struct etcd_txn t = { compares, 3, &op, 1, NULL, 0 };

	own_key(w, own);
	snprintf(there, sizeof(there), "here/%s", w->owner.gateway);
	snprintf(gone, sizeof(gone), "to/%s/gone", w->owner.gateway);
	snprintf(value, sizeof(value), "{\"v\":1,\"at\":%lld,\"by\":\"%s\"}", (long long)time(NULL),
		 f->config->fleet.gateway);
	op.len = strlen(value);
	w->call = etcd_txn(f->etcd, &t, 0, told_gone, w);
	if (!w->call)
		elsewhere(w);
}

/* Since when the gateway is known to be away; 0, that makes no sense. */
static int64_t read_gone(const struct etcd_kv *kv)
{
	json_t *j = json_loadb((const char *)kv->value, kv->len, JSON_REJECT_DUPLICATES, NULL);
	int64_t at = json_integer_value(json_object_get(j, "at"));

	json_decref(j);
	return at > 0 && at < INT64_MAX / 2 ? at : 0;
}

static void saw_other(const struct etcd_answer *a, void *arg)
{
	struct hold *w = arg;
	int64_t at;

	w->call = NULL;
	if (a->result != ETCD_OK || a->n_replies != 2) {
		fail(w, "unreachable", a->result == ETCD_OK ? "etcd's answer is not understood" : a->why);
	} else if (a->replies[0].n) {
		elsewhere(w);
	} else if (!a->replies[1].n) {
		tell_gone(w);
	} else {
		at = read_gone(a->replies[1].kv);
		if (at && at + w->owner.span + HOLD_SKEW < time(NULL)) {
			w->gone = a->replies[1].kv->mod_revision;
			write_holder(w);
		} else {
			elsewhere(w);
		}
	}
}

static void look_for_other(struct hold *w)
{
	char there[HOLD_KEY], gone[HOLD_KEY];
	const struct etcd_op ops[] = { { .verb = ETCD_GET, .key = there }, { .verb = ETCD_GET, .key = gone } };
	const struct etcd_txn t = { NULL, 0, ops, 2, NULL, 0 };

	snprintf(there, sizeof(there), "here/%s", w->owner.gateway);
	snprintf(gone, sizeof(gone), "to/%s/gone", w->owner.gateway);
	w->call = etcd_txn(w->h->f->etcd, &t, 0, saw_other, w);
	if (!w->call)
		fail(w, "unreachable", "too many questions wait for etcd");
}

static void decide(struct hold *w)
{
	struct fleet *f = w->h->f;
	bool ours = !strcmp(w->owner.gateway, f->config->fleet.gateway), known, expelled = false;

	if (w->kind == HOLD_RELEASE && (!ours || !w->owner.revision)) {
		macs_del(&w->h->retry, w->mac);
		hold_end(w);
	} else if (w->kind == HOLD_RELEASE) {
		delete_holder(w);
	} else if (ours && w->attempt[0] && !strcmp(w->owner.attempt, w->attempt)) {
		got(w, w->owner.revision);
	} else if (!w->owner.revision || ours || w->roam) {
		write_holder(w);
	} else if (!w->owner.sound) {
		fail(w, "refused", "what etcd has below holder/ for this device makes no sense");
	} else if (!store_fleet_gateway_get(&f->store, w->owner.gateway, &known, &expelled) && expelled) {
		write_holder(w);
	} else {
		look_for_other(w);
	}
}

static void read_holder(const struct etcd_answer *a, void *arg)
{
	struct hold *w = arg;

	w->call = NULL;
	if (a->result != ETCD_OK) {
		fail(w, "unreachable", a->why);
		return;
	}
	hold_owner_read(a->kv, a->n, &w->owner);
	decide(w);
}

static void again(struct hold *w, const char *why)
{
	struct fleet *f = w->h->f;
	char key[HOLD_KEY];

	if (w->tries++ >= HOLD_TRIES) {
		fail(w, "unreachable", why);
		return;
	}
	w->gone = 0;
	w->call = f->reachable && f->self ? etcd_get(f->etcd, hold_key(key, w->mac), 0, read_holder, w) : NULL;
	if (!w->call)
		fail(w, "unreachable", f->self ? "etcd is out of reach" : "this gateway is not in the fleet");
}

/**
 * hold_begin - it is its turn
 * @w: of no other work on this device; it may be over when this returns
 */
void hold_begin(struct hold *w)
{
	struct fleet *f = w->h->f;
	bool known, expelled = false;

	w->running = true;
	if (!store_fleet_gateway_get(&f->store, f->config->fleet.gateway, &known, &expelled) && expelled)
		fail(w, "refused", "this gateway is expelled");
	else
		again(w, "");
}
