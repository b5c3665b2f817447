// SPDX-License-Identifier: GPL-2.0
/* What comes from etcd, into the registry: all that belongs together in one transaction. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/internal.h"

/* Of a list, or of the events of one revision: more is no registry of gateways. */
#define BATCH_BYTES	(1UL << 30)
#define STRANGE		20	/* lines a minute */
#define GATEWAY		"all/gateway/"

/**
 * fleet_batch_add - a key more
 * @b: the batch
 * @kv: what etcd has
 * @deleted: it is gone
 *
 * Return: 0; -ENOMEM; -EFBIG.
 */
int fleet_batch_add(struct fleet_batch *b, const struct etcd_kv *kv, bool deleted)
{
	struct fleet_item *at, *grown;
	size_t room = b->room ? 2 * b->room : 64;

	if (b->bytes + strlen(kv->key) + kv->len > BATCH_BYTES)
		return -EFBIG;
	if (b->n == b->room) {
		grown = reallocarray(b->items, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		b->items = grown;
		b->room = room;
	}
	at = &b->items[b->n];
	*at = (struct fleet_item){ .key = strdup(kv->key), .revision = kv->mod_revision };
	if (!deleted) {
		at->value = malloc(kv->len + 1);
		at->len = kv->len;
	}
	if (!at->key || (!deleted && !at->value)) {
		free(at->key);
		free(at->value);
		return -ENOMEM;
	}
	if (kv->len && at->value)
		memcpy(at->value, kv->value, kv->len);
	if (at->value)
		at->value[kv->len] = 0;
	b->n++;
	b->bytes += strlen(kv->key) + kv->len;
	return 0;
}

/**
 * fleet_batch_clear - it is empty, and holds nothing
 * @b: the batch
 */
void fleet_batch_clear(struct fleet_batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		free(b->items[i].key);
		free(b->items[i].value);
	}
	free(b->items);
	*b = (struct fleet_batch){ .n = 0 };
}

/* One gateway that writes nonsense does not fill the logs of all: 'fleet status' has how many keys it is. */
static void complain(const char *key, const char *why)
{
	static time_t minute;
	static unsigned int said;
	time_t now = time(NULL) / 60;

	said = now == minute ? said + 1 : 1;
	minute = now;
	if (said <= STRANGE)
		serve_log(LOG_ERR, "what etcd has makes no sense: it is left out", "key", key, "why", why, NULL);
	else if (said == STRANGE + 1)
		serve_log(LOG_ERR, "more of what etcd has makes no sense: 'cordonctl fleet status' counts it", NULL);
}

/* A value that makes no sense is left out: what was there stays. */
static int apply(struct fleet *f, struct fleet_batch *b, struct store_fleet_effect *effects, size_t *n)
{
	size_t i;
	int err;

	for (i = 0; i < b->n; i++) {
		const struct fleet_item *at = &b->items[i];

		if (!strcmp(at->key, FLEET_TICK))
			continue;
		effects[*n].what = STORE_FLEET_NOTHING;
		err = store_fleet_apply(&f->store, at->key, at->value, at->len, at->revision, &effects[*n]);
		if (err == -EPROTO)
			complain(at->key, f->store.error);
		else if (err)
			return err;
		else if (effects[*n].what != STORE_FLEET_NOTHING)
			++*n;
	}
	return 0;
}

static void position(struct store_fleet *at, const struct etcd_position *to)
{
	at->revision = to->revision;
	snprintf(at->witness, sizeof(at->witness), "%s", to->witness);
	at->mod_revision = to->mod_revision;
}

static int transact(struct fleet *f, struct fleet_batch *b, const struct store_fleet *at, bool all,
		    struct store_fleet_effect *effects, size_t *n)
{
	unsigned int gone = 0;
	char text[16];
	/* A power cut takes the position as well. */
	int err = store_begin(&f->store, false);

	if (err)
		return err;
	if (all)
		err = store_fleet_list_begin(&f->store);
	if (!err)
		err = apply(f, b, effects, n);
	if (!err && all)
		err = store_fleet_list_end(&f->store, &gone);
	if (!err)
		err = store_fleet_put(&f->store, at);
	if (!err)
		err = store_commit(&f->store);
	if (err)
		store_rollback(&f->store);
	snprintf(text, sizeof(text), "%u", gone);
	if (!err && gone)
		serve_log(LOG_NOTICE, "the fleet has no longer what this registry had", "rows", text, NULL);
	return err;
}

/* What the batch says of this gateway itself, and of the tick; of a list, also that it is not there. */
static void own(struct fleet *f, const struct fleet_batch *b, bool all)
{
	const struct fleet_item *self = NULL;
	size_t i;

	for (i = 0; i < b->n; i++)
		if (!strncmp(b->items[i].key, GATEWAY, strlen(GATEWAY)) &&
		    !strcmp(b->items[i].key + strlen(GATEWAY), f->at.gateway))
			self = &b->items[i];
	if (self && self->value)
		fleet_self(f, self->value, self->len, self->revision);
	else if (self || all)
		fleet_self(f, NULL, 0, 0);
}

/* Nothing was taken over, as on a full disk, and the registry lets them in still: but what closes is not put off. */
static void close_only(struct fleet *f, const struct store_fleet_effect *effects, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (effects[i].what == STORE_FLEET_REVOKED)
			fleet_kernel_revoked(f, effects[i].mac, effects[i].fingerprint);
}

/**
 * fleet_batch_take - into the registry, with how far it is then; effects follow the commit
 * @f: cordon-fleet
 * @b: the batch; empty afterwards
 * @to: how far; NULL, as far as before
 * @all: it is all that there is
 *
 * Return: 0; -errno, which is logged, and nothing was taken over; leases of what is revoked have ended all the same.
 */
int fleet_batch_take(struct fleet *f, struct fleet_batch *b, const struct etcd_position *to, bool all)
{
	struct store_fleet_effect *effects = calloc(b->n + 1, sizeof(*effects));
	struct store_fleet at = f->at;
	size_t n = 0, i;
	int err;

	if (to)
		position(&at, to);
	at.cluster = etcd_cluster(f->etcd);
	err = effects ? transact(f, b, &at, all, effects, &n) : -ENOMEM;
	if (err) {
		serve_log(LOG_ERR, "the registry does not take over what etcd has", "why", f->store.error, NULL);
		close_only(f, effects, n);
	} else {
		f->at = at;
		if (all)
			fleet_kernel_agree(f);
		for (i = 0; i < n; i++)
			fleet_effect(f, &effects[i]);
		own(f, b, all);
	}
	free(effects);
	fleet_batch_clear(b);
	return err;
}
