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
	ok(!store_fleet_issuer(&g[1].s, c.serial, name, &expelled) && !strcmp(name, "gw-a") && !expelled, "share: issuer");
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

int main(void)
{
	etcd_end();
	help_begin();
	check_alone();
	check_join();
	check_share();
	check_list();
	help_end();
	return tap_done();
}
