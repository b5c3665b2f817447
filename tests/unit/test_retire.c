// SPDX-License-Identifier: GPL-2.0
/* Devices that go out of use: in the registry. */
#include "store_help.h"

static void check_retire(void)
{
	struct store_certificate c[] = { cert_of(1, 1, 1), cert_of(2, 1, 1), cert_of(3, 1, 1), cert_of(4, 2, 1) };
	struct store_token_facts facts;
	struct store_retired done;
	struct store_device d;
	char token[STORE_TOKEN_LEN];
	uint8_t mac[6];
	struct store s;

	help_open(&s);
	ok(store_device_retire(&s, "dev-1", NULL, NOW, 5, &done) == -ENOENT, "retire: nobody: %s", s.error);
	if (token_of(&s, 1, token) || store_cert_reserve(&s, &c[0]) || issue(&s, &c[0]) || store_cert_reserve(&s, &c[1]) ||
	    store_cert_reserve(&s, &c[3]) || issue(&s, &c[3]))
		abort();
	ok(!store_token_facts(&s, "dev-1", &facts) && facts.known && !facts.used && facts.made == NOW &&
	   facts.expires == NOW + DAY, "facts: a token");
	ok(!store_token_facts(&s, "dev-2", &facts) && !facts.known, "facts: none");
	ok(store_device_retire(&s, "dev-1", NULL, NOW, 7, &done) == -EINVAL && verdict_of(&s, 1, token, 1, NOW) == STORE_TOKEN_GOOD,
	   "retire: no such reason, nothing is changed");
	ok(!store_device_retire(&s, "dev-1", NULL, NOW, 5, &done) && done.revoked == 2 && done.token && !done.again,
	   "retire: a certificate, and one that is about to be made");
	ok(ask(&s, "SELECT count(*) FROM certificate WHERE state = 3 AND reason = 5 AND name = 'dev-1'") == 2 &&
	   ask(&s, "SELECT count(*) FROM certificate WHERE state = 3 AND name = 'dev-2'") == 0, "retire: no one else's");
	ok(verdict_of(&s, 1, token, 1, NOW) == STORE_TOKEN_USED && !store_token_facts(&s, "dev-1", &facts) && facts.used,
	   "retire: its token is no good");
	ok(!store_device_get(&s, "dev-1", &d) && d.retired == NOW, "retire: the registry knows it");
	ok(store_cert_reserve(&s, &c[2]) == -EPERM && strstr(s.error, "was retired"), "retire: no certificate: %s", s.error);
	ok(!store_device_retire(&s, "dev-1", NULL, NOW + 9, 5, &done) && !done.revoked && !done.token && done.again &&
	   !store_device_get(&s, "dev-1", &d) && d.retired == NOW, "retire: once more");
	sqlite3_exec(s.db, "UPDATE device SET model = 'm' WHERE name = 'dev-2';"
		     "INSERT INTO firmware_action (device, release, version, state, offered, changed, round)"
		     " SELECT id, 1, '1.0', 1, 0, 0, 1 FROM device WHERE name = 'dev-2'", NULL, NULL, NULL);
	ok(ask(&s, "SELECT devices FROM firmware_model WHERE model = 'm'") == 1 && !store_device_retire(&s, "dev-2", NULL, NOW, 5, &done) &&
	   ask(&s, "SELECT devices FROM firmware_model WHERE model = 'm'") == 0 &&
	   ask(&s, "SELECT state FROM firmware_action") == 3, "retire: its offer is over, and no roll-out counts it");
	ok(!enrol(&s, 5, 3) && !store_device_retire(&s, "dev-3", NULL, NOW, 5, &done) && done.revoked == 1 && !done.token && is_sound(&s),
	   "retire: one that has enrolled");
	mac_of(1, mac);
	ok(!store_device_of_mac(&s, mac, &d) && !strcmp(d.name, "dev-1"), "by its MAC");
	mac_of(9, mac);
	ok(store_device_of_mac(&s, mac, &d) == -ENOENT, "by a MAC of nobody's: %s", s.error);
	ok(!token_of(&s, 1, token) && !store_device_get(&s, "dev-1", &d) && !d.retired && !store_cert_reserve(&s, &c[2]),
	   "retire: a new token takes it back");
	store_close(&s);
	help_remove();
}

/* By the policy's name and MAC: the registry may not know it, or by another name, or the name by another MAC. */
static void check_retire_mac(void)
{
	struct store_certificate c[] = { cert_of(1, 1, 1), cert_of(2, 2, 1), cert_of(3, 3, 1) };
	uint8_t mac[6], moved[6];
	struct store_retired done;
	struct store_device d;
	struct store s;
	bool news;
	struct store_pending p = { .name = "dev-2", .last = NOW };

	help_open(&s);
	mac_of(1, mac);
	ok(!store_device_retire(&s, "dev-1", mac, NOW, 5, &done) && !done.revoked && !done.again && !done.token,
	   "retire by MAC: one that the registry does not know");
	ok(!store_device_get(&s, "dev-1", &d) && d.retired == NOW && store_cert_reserve(&s, &c[0]) == -EPERM,
	   "retire by MAC: then it does: %s", s.error);
	mac_of(2, mac);
	if (store_cert_reserve(&s, &c[1]) || issue(&s, &c[1]) || store_pending_note(&s, &p, &news) ||
	    store_pending_approve(&s, "dev-2", KEY(7)))
		abort();
	ok(!store_device_retire(&s, "new-2", mac, NOW, 5, &done) && done.revoked == 1 && !done.again,
	   "retire by MAC: renamed: what it had by the name before");
	ok(!store_device_get(&s, "dev-2", &d) && d.retired && !store_device_get(&s, "new-2", &d) && d.retired,
	   "retire by MAC: renamed: both names");
	ok(ask(&s, "SELECT count(*) FROM pending") == 0, "retire: neither do keys wait, nor are any approved");
	ok(!store_device_retire(&s, "new-2", mac, NOW, 5, &done) && !done.revoked && done.again, "retire by MAC: once more");
	if (store_cert_reserve(&s, &c[2]) || issue(&s, &c[2]))
		abort();
	mac_of(4, moved);
	ok(!store_device_retire(&s, "dev-3", moved, NOW, 5, &done) && done.revoked == 1 && !store_device_get(&s, "dev-3", &d) &&
	   d.retired && !memcmp(d.mac, moved, sizeof(moved)), "retire by MAC: another than before");
	ok(!store_device_meet(&s, "dev-3", moved) && !store_device_get(&s, "dev-3", &d) && d.retired && is_sound(&s),
	   "retire by MAC: who meets it does not take it back");
	store_close(&s);
	help_remove();
}

int main(void)
{
	help_begin();
	check_retire();
	check_retire_mac();
	help_end();
	return tap_done();
}
