/* SPDX-License-Identifier: GPL-2.0 */
/* A fleet: an etcd that is a table with revisions, and gateways that put into it and take over from it. */
#ifndef FLEET_HELP_H
#define FLEET_HELP_H

#include <stdio.h>

#include "../../userspace/store/fleet.h"
#include "../../userspace/store/firmware.h"
#include "store_help.h"

#define KEYS	4096
#define EVENTS	65536

/** struct kv - a key, or what became of one; value NULL: it is not there */
struct kv {
	char *key;
	char *value;
	int64_t mod;
};

static struct {
	struct kv keys[KEYS];
	size_t n_keys;
	struct kv events[EVENTS];
	size_t n_events;
	int64_t revision;
} etcd;

/** struct gateway - one of the fleet */
struct gateway {
	const char *name;
	char path[96];
	struct store s;
	size_t heard;		/* events */
	bool away;		/* etcd is not reached */
	unsigned int refused;	/* compares */
};

static struct kv *etcd_find(const char *key)
{
	size_t i;

	for (i = 0; i < etcd.n_keys; i++)
		if (!strcmp(etcd.keys[i].key, key))
			return &etcd.keys[i];
	if (etcd.n_keys == KEYS)
		abort();
	etcd.keys[etcd.n_keys].key = strdup(key);
	return &etcd.keys[etcd.n_keys++];
}

static int64_t etcd_mod(const char *key)
{
	struct kv *kv = etcd_find(key);

	return kv->value ? kv->mod : 0;
}

/* value NULL: delete. At the revision of now: etcd_next() before. */
static void etcd_set(const char *key, const char *value)
{
	struct kv *kv = etcd_find(key);

	if (!value && !kv->value)
		return;
	if (etcd.n_events == EVENTS)
		abort();
	free(kv->value);
	kv->value = value ? strdup(value) : NULL;
	kv->mod = etcd.revision;
	etcd.events[etcd.n_events++] = (struct kv){ kv->key, value ? strdup(value) : NULL, etcd.revision };
}

static int64_t etcd_put(const char *key, const char *value)
{
	etcd.revision++;
	etcd_set(key, value);
	return etcd.revision;
}

static inline const char *etcd_value(const char *key)
{
	return etcd_find(key)->value;
}

static void etcd_end(void)
{
	size_t i;

	for (i = 0; i < etcd.n_keys; i++) {
		free(etcd.keys[i].key);
		free(etcd.keys[i].value);
	}
	for (i = 0; i < etcd.n_events; i++)
		free(etcd.events[i].value);
	memset(&etcd, 0, sizeof(etcd));
	etcd.revision = 1;
}

static void gateway_open(struct gateway *g, const char *name)
{
	memset(g, 0, sizeof(*g));
	g->name = name;
	snprintf(g->path, sizeof(g->path), "%s/%s.db", help_dir, name);
	if (store_open(&g->s, g->path, true)) {
		printf("Bail out! %s\n", g->s.error);
		exit(1);
	}
}

static void gateway_begin(struct gateway *g, const char *name)
{
	gateway_open(g, name);
	if (store_fleet_join(&g->s, name)) {
		printf("Bail out! %s\n", g->s.error);
		exit(1);
	}
}

static void gateway_end(struct gateway *g)
{
	store_close(&g->s);
	remove_all(g->path);
}

static void must(struct gateway *g, int err, const char *what)
{
	if (!err)
		return;
	printf("Bail out! %s: %s: %d, %s\n", g->name, what, err, g->s.error);
	exit(1);
}

static int tell_one(const struct store_fleet_changed *c, void *arg)
{
	struct gateway *g = arg;

	if (!c->wins && etcd_mod(c->key) != c->revision) {
		g->refused++;
		return 0;
	}
	must(g, store_fleet_changed_done(&g->s, c->key, c->seq, etcd_put(c->key, c->value)), "done");
	return 0;
}

/* What is noted, into etcd: so many notes at most. */
static void gateway_tell(struct gateway *g, unsigned int most)
{
	must(g, store_fleet_changed_each(&g->s, most, tell_one, g), "changed");
}

static void put_position(struct gateway *g, int64_t revision)
{
	struct store_fleet f;

	must(g, store_fleet_get(&g->s, &f), "get");
	f.revision = revision;
	must(g, store_fleet_put(&g->s, &f), "put");
}

/* So many events at most, in one transaction that ends where a revision does. */
static void gateway_hear(struct gateway *g, size_t most)
{
	struct store_fleet_effect effect;
	struct kv *e;
	int err;

	must(g, store_begin(&g->s, false), "begin");
	while (g->heard < etcd.n_events && (most || etcd.events[g->heard].mod == etcd.events[g->heard - 1].mod)) {
		e = &etcd.events[g->heard++];
		err = store_fleet_apply(&g->s, e->key, e->value, e->value ? strlen(e->value) : 0, e->mod, &effect);
		must(g, err == -EPROTO ? 0 : err, "apply");
		put_position(g, e->mod);
		most -= !!most;
	}
	must(g, store_commit(&g->s), "commit");
}

/* All keys, as they are now; what happened until now is heard with it. */
static inline unsigned int gateway_list(struct gateway *g)
{
	struct store_fleet_effect effect;
	unsigned int gone;
	size_t i;
	int err;

	must(g, store_begin(&g->s, false), "begin");
	must(g, store_fleet_list_begin(&g->s), "list");
	for (i = 0; i < etcd.n_keys; i++) {
		struct kv *kv = &etcd.keys[i];

		if (!kv->value)
			continue;
		err = store_fleet_apply(&g->s, kv->key, kv->value, strlen(kv->value), kv->mod, &effect);
		must(g, err == -EPROTO ? 0 : err, "apply");
	}
	must(g, store_fleet_list_end(&g->s, &gone), "list end");
	put_position(g, etcd.revision);
	must(g, store_commit(&g->s), "commit");
	g->heard = etcd.n_events;
	return gone;
}

static uint64_t notes(struct gateway *g)
{
	uint64_t n = 0;
	time_t oldest;

	must(g, store_fleet_changed_count(&g->s, &n, &oldest), "count");
	return n;
}

/* Until nobody has anything to say any more; false, they do not come to an end. */
static bool settle_all(struct gateway *g, size_t n)
{
	unsigned int rounds;
	bool quiet = false;
	size_t i;

	for (rounds = 0; !quiet && rounds < 100; rounds++) {
		quiet = true;
		for (i = 0; i < n; i++) {
			gateway_hear(&g[i], EVENTS);
			gateway_tell(&g[i], 1000);
		}
		for (i = 0; i < n; i++)
			quiet &= g[i].heard == etcd.n_events && !notes(&g[i]);
	}
	return quiet;
}

/* All that a fleet shares, as text: free(). */
static char *dump(struct gateway *g)
{
	static const char sql[] =
		"SELECT group_concat(l, char(10)) FROM (SELECT 'device ' || name || ' ' || hex(mac) || ' ' || approval || ' ' ||"
		" approved || ' ' || enrolled || ' ' || firmware || ' ' || model || ' ' || retired AS l FROM device"
		" UNION ALL SELECT 'token ' || d.name || ' ' || hex(salt) || ' ' || hex(hash) || ' ' || made || ' ' || expires"
		" || ' ' || state || ' ' || coalesce(hex(key_id), '-') || ' ' || coalesce(hex(serial), '-') || ' ' || maker"
		" FROM token AS t JOIN device AS d ON d.id = t.device"
		" UNION ALL SELECT 'pending ' || d.name || ' ' || hex(key_id) || ' ' || way || ' ' || first || ' ' || p.approved"
		" FROM pending AS p JOIN device AS d ON d.id = p.device"
		" UNION ALL SELECT 'cert ' || hex(serial) || ' ' || kind || ' ' || state || ' ' || name || ' ' || hex(mac) || ' ' ||"
		" hex(key_id) || ' ' || coalesce(hex(fingerprint), '-') || ' ' || not_before || ' ' || not_after || ' ' || revoked ||"
		" ' ' || reason || ' ' || iif(gateway = '', (SELECT gateway FROM fleet), gateway) FROM certificate"
		" UNION ALL SELECT 'mark ' || hex(mac) || ' ' || why || ' ' || gateway || ' ' || since FROM fleet_mark"
		" UNION ALL SELECT 'release ' || model || ' ' || version || ' ' || percent || ' ' || paused || ' ' || stopped || ' ' ||"
		" stop_after || ' ' || failures || ' ' || round FROM firmware_release ORDER BY l)";
	sqlite3_stmt *stmt = NULL;
	char *out = NULL;

	if (!sqlite3_prepare_v2(g->s.db, sql, -1, &stmt, NULL) && sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_text(stmt, 0))
		out = strdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return out ? out : strdup("");
}

static bool same_dump(struct gateway *a, struct gateway *b)
{
	char *x = dump(a), *y = dump(b);
	bool same = !strcmp(x, y);

	if (!same)
		printf("# %s:\n%s\n# %s:\n%s\n", a->name, x, b->name, y);
	free(x);
	free(y);
	return same;
}

static bool same_digest(struct gateway *a, struct gateway *b)
{
	uint8_t x[32], y[32];
	uint64_t n, m;

	must(a, store_fleet_digest(&a->s, x, &n), "digest");
	must(b, store_fleet_digest(&b->s, y, &m), "digest");
	return n == m && !memcmp(x, y, sizeof(x));
}

static const char *serial_key(const char *kind, const uint8_t serial[STORE_SERIAL_LEN], char out[STORE_KEY_LEN])
{
	int at = snprintf(out, STORE_KEY_LEN, "all/%s/", kind), i;

	for (i = 0; i < STORE_SERIAL_LEN; i++)
		at += snprintf(out + at, STORE_KEY_LEN - at, "%02x", serial[i]);
	return out;
}

static int state_of(struct gateway *g, const uint8_t serial[STORE_SERIAL_LEN])
{
	struct store_certificate c;

	return store_cert_get(&g->s, serial, &c, NULL, NULL) ? -1 : (int)c.state;
}

/* Apply one value at once; the result. */
static inline int take(struct gateway *g, const char *key, const char *value, int64_t revision, struct store_fleet_effect *effect)
{
	int err;

	must(g, store_begin(&g->s, false), "begin");
	err = store_fleet_apply(&g->s, key, value, value ? strlen(value) : 0, revision, effect);
	if (err && err != -EPROTO)
		store_rollback(&g->s);
	else
		must(g, store_commit(&g->s), "commit");
	return err;
}

#endif
