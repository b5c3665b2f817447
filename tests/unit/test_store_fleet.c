// SPDX-License-Identifier: GPL-2.0
/* What a fleet shares of the registry: joined and left, told and taken over, merged. */
#include "fleet_help.h"

static unsigned int triggers(struct store *s)
{
	return (unsigned int)ask(s, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'fleet%'");
}

static void check_alone(void)
{
	struct store_fleet f;
	unsigned int faults, damage;
	char token[STORE_TOKEN_LEN];
	struct store s;
	bool held = true;

	help_open(&s);
	token_of(&s, 1, token);
	ok(!triggers(&s), "alone: no trigger");
	ok(store_fleet_get(&s, &f) == -ENOENT, "alone: in no fleet: %s", s.error);
	ok(!ask(&s, "SELECT count(*) FROM fleet_note"), "alone: nothing is noted");
	ok(store_fleet_mark(&s, cert_of(1, 1, 1).mac, true, "x", NOW) == -ENOENT, "alone: no mark: %s", s.error);
	ok(!store_fleet_held(&s, cert_of(1, 1, 1).mac, &held) && !held, "alone: holds nothing for anybody");
	ok(!store_check(&s, NULL, NULL, &faults, &damage) && !faults, "alone: sound");
	store_close(&s);
	help_remove();
}

static void check_join(void)
{
	struct gateway g;
	struct store_fleet f;
	unsigned int faults, damage, n;
	struct store_certificate c = cert_of(1, 1, 1);
	char token[STORE_TOKEN_LEN];

	gateway_open(&g, "gw-a");
	token_of(&g.s, 1, token);
	reserve_for_token(&g.s, &c);
	ok(store_fleet_join(&g.s, "a/b") == -EINVAL && !triggers(&g.s), "join: no name: %s", g.s.error);
	ok(!store_fleet_join(&g.s, "gw-a") && triggers(&g.s), "join: has triggers");
	n = triggers(&g.s);
	ok(!store_fleet_get(&g.s, &f) && !strcmp(f.gateway, "gw-a") && !f.revision, "join: nothing was taken over yet");
	ok(notes(&g) == 3, "join: device, token and certificate are noted: %llu", (unsigned long long)notes(&g));
	ok(!store_fleet_join(&g.s, "gw-a") && triggers(&g.s) == n && notes(&g) == 3, "join: again is nothing");
	ok(store_fleet_join(&g.s, "gw-b") == -EEXIST, "join: by another name: %s", g.s.error);
	ok(!store_check(&g.s, NULL, NULL, &faults, &damage) && !faults, "join: sound");
	ok(!store_fleet_leave(&g.s) && !triggers(&g.s) && !notes(&g) && store_fleet_get(&g.s, &f) == -ENOENT,
	   "leave: neither triggers nor notes");
	ok(!store_check(&g.s, NULL, NULL, &faults, &damage) && !faults &&
	   ask(&g.s, "SELECT count(*) FROM certificate") == 1, "leave: sound, and all rows are there");
	ok(!store_fleet_join(&g.s, "gw-b") && notes(&g) == 3, "join: by another name, after it has left");
	gateway_end(&g);
}

static void check_share(void)
{
	struct store_fleet_effect e;
	struct store_certificate c = cert_of(1, 1, 1), d;
	struct gateway g[2];
	char name[STORE_GATEWAY_LEN], key[STORE_KEY_LEN];
	uint8_t *der = (uint8_t *)1;
	bool expelled;
	size_t len;

	gateway_begin(&g[0], "gw-a");
	gateway_begin(&g[1], "gw-b");
	enrol(&g[0].s, 1, 1);
	ok(settle_all(g, 2) && same_dump(&g[0], &g[1]) && same_digest(&g[0], &g[1]), "share: both have all");
	ok(!store_cert_get(&g[1].s, c.serial, &d, &der, &len) && !der && !len && !strcmp(d.gateway, "gw-a") &&
	   d.state == STORE_DELIVERED, "share: a certificate without its DER");
	ok(!store_fleet_issuer(&g[1].s, c.serial, name, &expelled) && !strcmp(name, "gw-a"), "share: issuer");
	ok(!store_fleet_issuer(&g[0].s, c.serial, name, &expelled) && !strcmp(name, "gw-a"), "share: its own");
	ok(!store_checkin(&g[1].s, "dev-1", c.serial, NOW + 5, "1.7"), "share: checks in at the other one");
	ok(settle_all(g, 2) && same_dump(&g[0], &g[1]) && ask(&g[0].s, "SELECT firmware = '1.7' FROM device"),
	   "share: its firmware is told");
	ok(!store_checkin(&g[1].s, "dev-1", c.serial, NOW + 6, "1.7") && !notes(&g[1]), "share: a check-in is not noted");
	ok(!store_cert_revoke(&g[1].s, c.serial, NOW + 7, 1), "share: revoked by the other one");
	gateway_tell(&g[1], 1);
	serial_key("revoked", c.serial, key);
	ok(etcd_value(key), "share: a revocation is told first");
	ok(!take(&g[0], key, etcd_value(key), etcd_mod(key), &e) && e.what == STORE_FLEET_REVOKED && !memcmp(e.mac, c.mac, 6) &&
	   !memcmp(e.fingerprint, KEY(9), 32) && state_of(&g[0], c.serial) == STORE_REVOKED, "share: and taken over");
	ok(settle_all(g, 2) && same_dump(&g[0], &g[1]) && same_digest(&g[0], &g[1]), "share: all the same in the end");
	gateway_end(&g[0]);
	gateway_end(&g[1]);
	etcd_end();
}

/* A revocation that etcd has lost, a device that it never had, and one that was deleted there. */
static void check_list(void)
{
	struct store_certificate c = cert_of(1, 1, 1);
	struct gateway g[2];
	char key[STORE_KEY_LEN], token[STORE_TOKEN_LEN];
	struct store_device d;

	gateway_begin(&g[0], "gw-a");
	gateway_begin(&g[1], "gw-b");
	c.not_before = time(NULL) - DAY;
	c.not_after = time(NULL) + DAY;
	if (token_of(&g[0].s, 1, token) || reserve_for_token(&g[0].s, &c) || issue(&g[0].s, &c) ||
	    store_cert_revoke(&g[0].s, c.serial, NOW, 1) || token_of(&g[0].s, 2, token) || !settle_all(g, 2))
		abort();
	serial_key("revoked", c.serial, key);
	etcd_put(key, NULL);
	etcd_put("all/token/dev-2", NULL);
	etcd_put("all/device/dev-2", NULL);
	token_of(&g[1].s, 3, token);
	ok(gateway_list(&g[1]) == 3 && store_device_get(&g[1].s, "dev-2", &d) == -ENOENT, "list: what did not come is gone");
	ok(!store_device_get(&g[1].s, "dev-3", &d), "list: but what etcd has not been told");
	ok(state_of(&g[1], c.serial) == STORE_REVOKED && notes(&g[1]) == 3, "list: and a revocation, which is told again");
	ok(settle_all(g, 2) && same_dump(&g[0], &g[1]) && etcd_value(key) && is_sound(&g[0].s), "list: both agree");
	gateway_end(&g[0]);
	gateway_end(&g[1]);
	etcd_end();
}

/** struct told - what was handed out last */
struct told {
	unsigned int n;
	struct store_fleet_changed last;
	bool value;
};

static int look(const struct store_fleet_changed *c, void *arg)
{
	struct told *t = arg;

	t->n++;
	t->last = *c;
	t->value = c->value;
	return 0;
}

/* A row that changes while it is put; one that is deleted meanwhile, and made again. */
static void check_done(void)
{
	struct store_fleet_effect e;
	struct gateway g;
	char token[STORE_TOKEN_LEN];
	struct told t = { 0 };
	int64_t revision, at;
	uint64_t n;
	time_t oldest = 0;

	gateway_begin(&g, "gw-a");
	token_of(&g.s, 1, token);
	ok(!store_fleet_changed_count(&g.s, &n, NULL) && n == 2 && !store_fleet_changed_count(&g.s, &n, &oldest) &&
	   oldest <= time(NULL) && oldest > time(NULL) - 60, "done: how many wait, and since when");
	gateway_tell(&g, 100);
	ok(!notes(&g), "done: nothing waits");
	token_of(&g.s, 1, token);
	store_fleet_changed_each(&g.s, 1, look, &t);
	ok(t.n == 1 && t.value && t.last.revision == etcd_mod(t.last.key) && !t.last.wins, "done: compared with what is known");
	store_device_approve(&g.s, "dev-1");
	store_fleet_changed_each(&g.s, 9, look, &t);
	if (strcmp(t.last.key, "all/device/dev-1"))
		abort();
	store_device_model(&g.s, "dev-1", "acme");
	at = etcd_put("all/device/dev-1", "{}");
	ok(!store_fleet_changed_done(&g.s, t.last.key, t.last.seq, at) && ask(&g.s, "SELECT count(*) FROM fleet_note WHERE"
	   " key = 'all/device/dev-1'") == 1 && !store_fleet_revision(&g.s, t.last.key, &revision) && revision == at,
	   "done: it changed since: the note stays, and the revision is known");
	ok(!take(&g, "all/device/dev-1", "{\"v\":1,\"mac\":\"02:00:00:00:00:09\",\"approval\":false,\"approved\":false,"
		 "\"enrolled\":0,\"firmware\":\"\",\"model\":\"\",\"retired\":0}", at, &e) &&
	   ask(&g.s, "SELECT model = 'acme' FROM device") == 1, "done: what is not newer than that is left out");
	gateway_tell(&g, 100);
	store_token_withdraw(&g.s, "dev-1");
	store_fleet_changed_each(&g.s, 1, look, &t);
	ok(!t.value && !strcmp(t.last.key, "all/token/dev-1") && t.last.revision, "done: one that is to be deleted");
	token_of(&g.s, 1, token);
	ok(!store_fleet_changed_done(&g.s, t.last.key, t.last.seq, etcd_put(t.last.key, NULL)) &&
	   !store_fleet_revision(&g.s, t.last.key, &revision) && !revision, "done: deleted, though it is there again");
	gateway_tell(&g, 100);
	ok(!notes(&g) && etcd_value("all/token/dev-1"), "done: and put again");
	gateway_end(&g);
	etcd_end();
}

/* etcd is an older one of itself: what closes is told again, what opens is not. */
static void check_lost(void)
{
	struct store_certificate c[2] = { cert_of(1, 1, 1), cert_of(2, 2, 1) };
	char token[4][STORE_TOKEN_LEN], key[STORE_KEY_LEN];
	struct gateway g[2];
	unsigned int i;

	gateway_begin(&g[0], "gw-a");
	gateway_begin(&g[1], "gw-b");
	for (i = 0; i < 2; i++) {
		c[i].not_before = time(NULL);
		c[i].not_after = c[i].not_before + DAY;
	}
	if (token_of(&g[0].s, 1, token[0]) || token_of(&g[0].s, 2, token[1]) || !settle_all(g, 2))
		abort();
	/* From here on it is lost. */
	if (reserve_for_token(&g[0].s, &c[0]) || issue(&g[0].s, &c[0]) || store_cert_delivered(&g[0].s, c[0].serial) ||
	    reserve_for_token(&g[0].s, &c[1]) || issue(&g[0].s, &c[1]) || store_cert_revoke(&g[0].s, c[1].serial, NOW, 1) ||
	    token_of(&g[0].s, 3, token[2]) || store_fleet_mark(&g[0].s, c[0].mac, true, "x", NOW))
		abort();
	sqlite3_exec(g[0].s.db, "DELETE FROM fleet_note; UPDATE fleet_key SET revision = revision + 100;"
		     " INSERT INTO fleet_key VALUES ('all/token/dev-3', 90, 0, 0, 0), ('all/device/dev-3', 91, 0, 0, 0)",
		     NULL, NULL, NULL);
	put_position(&g[0], 200);
	ok(!store_fleet_note_all(&g[0].s, true), "lost: noted");
	put_position(&g[0], 0);
	gateway_list(&g[0]);
	ok(settle_all(g, 2) && same_dump(&g[0], &g[1]) && same_digest(&g[0], &g[1]), "lost: both agree");
	ok(state_of(&g[1], c[0].serial) == STORE_DELIVERED && state_of(&g[1], c[1].serial) == STORE_REVOKED &&
	   etcd_value(serial_key("revoked", c[1].serial, key)), "lost: certificates, and the revocation");
	ok(verdict_of(&g[1].s, 1, token[0], 1, NOW) == STORE_TOKEN_USED, "lost: a token that is used up");
	ok(verdict_of(&g[1].s, 2, token[1], 1, NOW) == STORE_TOKEN_USED, "lost: nor is one good whose certificate was revoked");
	ok(verdict_of(&g[0].s, 3, token[2], 1, NOW) == STORE_TOKEN_WRONG, "lost: but none that is fresh");
	ok(ask(&g[1].s, "SELECT count(*) FROM fleet_mark") == 1, "lost: the quarantine");
	gateway_end(&g[0]);
	gateway_end(&g[1]);
	etcd_end();
}

/* A backup of yesterday, put back: what etcd knows better, it does not tell. */
static void check_restore(void)
{
	struct store_certificate c = cert_of(1, 1, 1);
	char token[2][STORE_TOKEN_LEN], copy[128];
	unsigned int burnt, faults, damage;
	struct store_fleet f;
	struct gateway g[2];

	gateway_begin(&g[0], "gw-a");
	gateway_begin(&g[1], "gw-b");
	c.not_before = time(NULL);
	c.not_after = c.not_before + DAY;
	snprintf(copy, sizeof(copy), "%s/copy.db", help_dir);
	if (token_of(&g[0].s, 1, token[0]) || token_of(&g[0].s, 2, token[1]) || !settle_all(g, 2))
		abort();
	ok(!store_backup(&g[0].s, copy, NULL, NULL), "restore: a backup: %s", g[0].s.error);
	if (reserve_for_token(&g[1].s, &c) || issue(&g[1].s, &c) || store_cert_delivered(&g[1].s, c.serial) || !settle_all(g, 2))
		abort();
	store_close(&g[0].s);
	remove_all(g[0].path);
	rename(copy, g[0].path);
	must(&g[0], store_open(&g[0].s, g[0].path, false), "open");
	ok(!store_tokens_burn(&g[0].s, INT64_MAX, &burnt) && burnt == 2 && !store_restored_put(&g[0].s, NOW), "restore: put back");
	ok(!store_check(&g[0].s, NULL, NULL, &faults, &damage) && !faults, "restore: sound, and in the fleet");
	ok(!store_fleet_get(&g[0].s, &f) && !f.revision && !*f.witness && !notes(&g[0]), "restore: nothing is taken as known");
	/* cordon-fleet ran meanwhile, and did not see it. */
	put_position(&g[0], 77);
	ok(!store_fleet_get(&g[0].s, &f) && !f.revision, "restore: whatever is put");
	gateway_list(&g[0]);
	ok(!store_fleet_get(&g[0].s, &f) && f.revision == etcd.revision, "restore: until it was listed");
	ok(settle_all(g, 2) && same_dump(&g[0], &g[1]) && same_digest(&g[0], &g[1]), "restore: both agree");
	ok(verdict_of(&g[0].s, 1, token[0], 1, NOW) == STORE_TOKEN_USED && verdict_of(&g[0].s, 2, token[1], 1, NOW) == STORE_TOKEN_GOOD,
	   "restore: a token that was used is used, and one that was not is not");
	gateway_end(&g[0]);
	gateway_end(&g[1]);
	etcd_end();
}

static void check_held(void)
{
	const uint8_t mac[6] = { 2, 1 };
	struct gateway g;
	bool held = false;

	gateway_begin(&g, "gw-a");
	ok(!store_fleet_hold(&g.s, mac, true) && !store_fleet_hold(&g.s, mac, true) && !store_fleet_held(&g.s, mac, &held) && held &&
	   !notes(&g), "held: it is, and nobody is told");
	ok(!store_fleet_hold(&g.s, mac, false) && !store_fleet_held(&g.s, mac, &held) && !held, "held: not any more");
	gateway_end(&g);
}

/* A number that was reserved in the fleet is this gateway's to use, and nobody else's. */
static void check_reserve(void)
{
	struct store_certificate c = cert_of(1, 1, 1), other;
	struct store_fleet_effect e;
	struct gateway g[2];
	char *value = NULL, token[STORE_TOKEN_LEN];
	size_t len;

	gateway_begin(&g[0], "gw-a");
	gateway_begin(&g[1], "gw-b");
	if (store_cert_reserve(&g[0].s, &c) || !settle_all(g, 2))
		abort();
	must(&g[0], store_fleet_value(&g[0].s, "all/cert/01000000000000000000000000000001", &value, &len), "value");
	ok(!store_cert_reserve(&g[0].s, &c), "reserve: again, by whose it is");
	other = c;
	other.key_id[0] = 1;
	ok(store_cert_reserve(&g[0].s, &other) == -EEXIST, "reserve: for another key: %s", g[0].s.error);
	ok(store_cert_reserve(&g[1].s, &c) == -EEXIST, "reserve: by another gateway: %s", g[1].s.error);
	ok(!issue(&g[0].s, &c) && store_cert_reserve(&g[0].s, &c) == -EEXIST, "reserve: after it was made: %s", g[0].s.error);
	/* As it comes back to whoever has lost all. */
	store_fleet_leave(&g[0].s);
	gateway_end(&g[0]);
	gateway_begin(&g[0], "gw-a");
	if (token_of(&g[0].s, 1, token))
		abort();
	ok(!take(&g[0], "all/cert/01000000000000000000000000000001", value, 90, &e) && !store_cert_get(&g[0].s, c.serial, &other, NULL, NULL) &&
	   !*other.gateway && other.state == STORE_RESERVED, "reserve: its own comes back as its own");
	free(value);
	gateway_end(&g[0]);
	gateway_end(&g[1]);
	etcd_end();
}

static bool rollout(struct gateway *g, unsigned int percent, unsigned int failures, bool stopped)
{
	struct firmware_release r;

	return !store_release_find(&g->s, "acme", "1.2", &r) && r.percent == percent && r.failures == failures &&
	       r.stopped == stopped;
}

static const char failed[] = "UPDATE firmware_release SET failures = failures + 1, stopped = stopped OR"
			     " (stop_after > 0 AND failures + 1 >= stop_after)";

static void check_release(void)
{
	struct firmware_release r = { .model = "acme", .version = "1.2", .file = "f.bin", .size = 1, .percent = 10,
				      .stop_after = 3 }, other = r;
	struct gateway g[3];
	int i;

	gateway_begin(&g[0], "gw-a");
	gateway_begin(&g[1], "gw-b");
	gateway_begin(&g[2], "gw-c");
	if (store_release_add(&g[0].s, &r) || !settle_all(g, 3))
		abort();
	r.percent = 100;
	ok(!store_release_add(&g[1].s, &r) && rollout(&g[1], 10, 0, false), "release: added where the fleet's roll-out is known");
	ok(settle_all(g, 3) && rollout(&g[0], 10, 0, false), "release: which it does not change");
	other.hashes.sha256[0] = 1;
	other.percent = 50;
	ok(!store_release_add(&g[2].s, &other) && settle_all(g, 3) && rollout(&g[2], 50, 0, false) && rollout(&g[0], 10, 0, false),
	   "release: another file has a roll-out of its own");
	for (i = 0; i < 2; i++)
		sqlite3_exec(g[i].s.db, failed, NULL, NULL, NULL);
	ok(settle_all(g, 3) && rollout(&g[0], 10, 2, false) && rollout(&g[1], 10, 2, false), "release: failures are added up");
	for (i = 0; i < 2; i++)
		sqlite3_exec(g[i].s.db, failed, NULL, NULL, NULL);
	ok(settle_all(g, 3) && rollout(&g[0], 10, 4, true) && rollout(&g[1], 10, 4, true), "release: too many stop it everywhere");
	ok(!store_release_resume(&g[0].s, 1) && !sqlite3_exec(g[1].s.db, failed, NULL, NULL, NULL) && settle_all(g, 3) &&
	   rollout(&g[0], 10, 0, false) && rollout(&g[1], 10, 0, false), "release: resumed, it counts anew");
	if (store_release_rollout(&g[0].s, 1, 60, false, 3) || sqlite3_exec(g[1].s.db, failed, NULL, NULL, NULL))
		abort();
	gateway_tell(&g[1], 9);
	ok(settle_all(g, 3) && rollout(&g[0], 60, 1, false) && rollout(&g[1], 60, 1, false),
	   "release: an operator's word and a failure, at once");
	ok(!store_release_remove(&g[0].s, 1) && settle_all(g, 3) && rollout(&g[1], 60, 1, false), "release: removed at one");
	ok(!store_release_add(&g[0].s, &r) && settle_all(g, 3) && rollout(&g[0], 60, 1, false) && rollout(&g[1], 60, 1, false),
	   "release: and added again");
	for (i = 0; i < 3; i++)
		gateway_end(&g[i]);
	etcd_end();
}

/* Also of statements that are made when they are first wanted: the registry may be damaged, or the memory gone, by then. */
static void check_unreadable(void)
{
	struct store_fleet_effect e;
	struct gateway g;
	uint64_t n = 1;
	bool has = true;
	int most;

	gateway_begin(&g, "gw-a");
	most = sqlite3_limit(g.s.db, SQLITE_LIMIT_SQL_LENGTH, 1);
	ok(store_fleet_version(&g.s, &n) < 0 && !n && g.s.error[0], "unreadable: its version: %s", g.s.error);
	ok(store_fleet_has_issued(&g.s, "gw-a", &has) < 0 && !has, "unreadable: what was issued: %s", g.s.error);
	sqlite3_limit(g.s.db, SQLITE_LIMIT_SQL_LENGTH, most);
	ok(!store_fleet_version(&g.s, &n) && n, "unreadable: only for a time");
	must(&g, sqlite3_exec(g.s.db, "DROP TABLE fleet_text", NULL, NULL, NULL), "drop");
	must(&g, store_begin(&g.s, false), "begin");
	ok(store_fleet_apply(&g.s, "all/policy/common", "x", 1, 2, &e) == -EIO && strstr(g.s.error, "fleet_text"),
	   "unreadable: a table is gone: %s", g.s.error);
	store_rollback(&g.s);
	gateway_end(&g);
}

/* As the outbox asks it each time: one statement, which is kept. */
static void check_version(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	uint64_t first, n;
	struct gateway g;
	struct store s;

	gateway_begin(&g, "gw-a");
	must(&g, store_open(&s, g.path, false), "open");
	ok(!store_fleet_version(&g.s, &first) && !store_fleet_version(&g.s, &n) && n == first, "version: nothing was written");
	must(&g, store_fleet_mark(&g.s, mac, true, "x", NOW), "mark");
	ok(!store_fleet_version(&g.s, &n) && n == first, "version: what this one writes is none");
	must(&g, store_fleet_mark(&s, mac, false, "x", NOW + 1), "mark");
	ok(!store_fleet_version(&g.s, &n) && n != first, "version: another one has written");
	store_close(&s);
	gateway_end(&g);
}

int main(void)
{
	etcd_end();
	help_begin();
	check_alone();
	check_join();
	check_share();
	check_list();
	check_done();
	check_lost();
	check_restore();
	check_held();
	check_reserve();
	check_release();
	check_unreadable();
	check_version();
	help_end();
	return tap_done();
}
