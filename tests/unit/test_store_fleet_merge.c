// SPDX-License-Identifier: GPL-2.0
/* A row that was changed here and in etcd, before either heard of the other; and values that make no sense. */
#include <jansson.h>

#include "fleet_help.h"

#define SERIAL	"01000000000000000000000000000001"
#define KEY1	"0000000000000000000000000000000000000000000000000000000000000001"
#define CERT	"all/cert/" SERIAL
#define DEVICE	"all/device/dev-1"
#define TOKEN	"all/token/dev-1"

static struct gateway g[2];
static char secret[STORE_TOKEN_LEN];

/* Both have device 1 with a token, and etcd has it. */
static void begin(void)
{
	gateway_begin(&g[0], "gw-a");
	gateway_begin(&g[1], "gw-b");
	if (token_of(&g[0].s, 1, secret) || !settle_all(g, 2))
		abort();
}

static void end(void)
{
	gateway_end(&g[0]);
	gateway_end(&g[1]);
	etcd_end();
}

/* First gw-b tells, then gw-a hears, which has changed it, too; in the end both agree. */
static void meet(const char *what)
{
	bool done;

	gateway_tell(&g[1], 100);
	gateway_tell(&g[0], 100);
	done = settle_all(g, 2);
	ok(done && same_dump(&g[0], &g[1]) && same_digest(&g[0], &g[1]), "%s: both agree", what);
}

static int64_t both(const char *sql)
{
	int64_t a = ask(&g[0].s, sql), b = ask(&g[1].s, sql);

	return a == b ? a : -2;
}

static struct store_certificate later(unsigned int n, uint8_t k)
{
	struct store_certificate c = cert_of(n, 1, k);

	c.not_before = time(NULL);
	c.not_after = c.not_before + 30 * DAY;
	return c;
}

static void check_device(void)
{
	struct store_retired r;
	char token[STORE_TOKEN_LEN];

	begin();
	if (store_device_approve(&g[0].s, "dev-1") || store_device_model(&g[1].s, "dev-1", "acme"))
		abort();
	meet("device: approved here, a model there");
	ok(!both("SELECT approved FROM device") && g[0].refused, "device: an approval is asked for again");
	end();
	begin();
	if (store_device_retire(&g[0].s, "dev-1", NULL, NOW, 5, &r) ||
	    store_firmware_report(&g[1].s, "dev-1", "1.1", "check-in", NOW))
		abort();
	meet("device: retired here, and an update there");
	ok(both("SELECT retired FROM device") == NOW && both("SELECT state FROM token") == 2, "device: retired it stays");
	end();
	begin();
	if (store_token_new(&g[0].s, "dev-1", (const uint8_t[6]){ 2, 9 }, NULL, DAY, false, NOW, token, sizeof(token)) ||
	    store_token_new(&g[1].s, "dev-1", (const uint8_t[6]){ 2, 8 }, NULL, DAY, false, NOW, token, sizeof(token)))
		abort();
	meet("device: two MACs");
	ok(both("SELECT hex(mac) = '020800000000' FROM device") == 1, "device: the one that etcd had first");
	ok(verdict_of(&g[0].s, 1, token, 1, NOW) == STORE_TOKEN_GOOD && verdict_of(&g[0].s, 1, secret, 1, NOW) == STORE_TOKEN_WRONG,
	   "device: with its token");
	end();
}

/* What only one side can know, or was told before. */
static void check_order(void)
{
	struct store_certificate c = later(1, 1), d;
	struct store_fleet_effect e;
	struct store_retired r;
	char *value = NULL, *other;
	int64_t revision;
	size_t len;

	begin();
	if (store_device_model(&g[0].s, "dev-1", "acme") || store_device_approve(&g[1].s, "dev-1"))
		abort();
	meet("device: a model here, approved there");
	ok(!both("SELECT approved FROM device"), "device: the approval is asked for again");
	if (store_cert_reserve(&g[1].s, &c) || issue(&g[1].s, &c) || store_fleet_value(&g[1].s, CERT, &value, &len) ||
	    store_device_retire(&g[0].s, "dev-1", NULL, NOW, 5, &r))
		abort();
	ok(!take(&g[0], CERT, value, 500, &e) && state_of(&g[0], c.serial) == STORE_REVOKED && e.what == STORE_FLEET_REVOKED,
	   "order: made there while it was retired here: revoked");
	other = strdup(value);
	memcpy(strstr(other, "\"key\":\"") + 7, "ff", 2);
	ok(take(&g[0], CERT, other, 501, &e) == -EPROTO && !store_cert_get(&g[0].s, c.serial, &d, NULL, NULL) && !d.key_id[0],
	   "order: another certificate by that number is none: %s", g[0].s.error);
	free(other);
	free(value);
	ok(!store_fleet_changed_done(&g[0].s, CERT, 1, 400) && !store_fleet_revision(&g[0].s, CERT, &revision) && revision == 501,
	   "order: an event came before the answer");
	end();
	begin();
	if (store_cert_reserve(&g[0].s, &c) || issue(&g[0].s, &c))
		abort();
	must(&g[0], store_begin(&g[0].s, false), "begin");
	must(&g[0], store_fleet_changed_done(&g[0].s, CERT, ask(&g[0].s, "SELECT seq FROM fleet_note WHERE key = '" CERT "'"), 900), "done");
	must(&g[0], store_commit(&g[0].s), "commit");
	gateway_list(&g[0]);
	ok(ask(&g[0].s, "SELECT length(der) FROM certificate") == 700 && notes(&g[0]),
	   "order: put after the list was made, and not in it: it stays");
	end();
}

static void check_token(void)
{
	struct store_certificate a = later(1, 1), b = later(2, 2);
	char first[STORE_TOKEN_LEN], second[STORE_TOKEN_LEN];

	begin();
	/* As by two that did not ask. */
	if (reserve_for_token(&g[0].s, &a) || issue(&g[0].s, &a) || reserve_for_token(&g[1].s, &b) || issue(&g[1].s, &b))
		abort();
	meet("token: claimed by two");
	ok(both("SELECT hex(serial) = '02000000000000000000000000000001' FROM token") == 1 &&
	   state_of(&g[0], b.serial) == STORE_ISSUED && state_of(&g[1], a.serial) == STORE_REVOKED,
	   "token: the one that etcd had first has it, the other's certificate is revoked");
	end();
	begin();
	if (reserve_for_token(&g[0].s, &a) || issue(&g[0].s, &a) || store_cert_delivered(&g[0].s, a.serial) ||
	    reserve_for_token(&g[1].s, &b) || issue(&g[1].s, &b))
		abort();
	meet("token: used by one and claimed by one");
	ok(both("SELECT state FROM token") == 2 && state_of(&g[1], a.serial) == STORE_DELIVERED &&
	   state_of(&g[0], b.serial) == STORE_REVOKED, "token: who used it has it");
	end();
	begin();
	if (store_token_new(&g[0].s, "dev-1", cert_of(1, 1, 1).mac, NULL, DAY, false, NOW + 9, first, sizeof(first)) ||
	    store_token_new(&g[1].s, "dev-1", cert_of(1, 1, 1).mac, NULL, DAY, false, NOW + 5, second, sizeof(second)))
		abort();
	meet("token: two new ones");
	ok(verdict_of(&g[1].s, 1, first, 1, NOW + 10) == STORE_TOKEN_GOOD &&
	   verdict_of(&g[1].s, 1, second, 1, NOW + 10) == STORE_TOKEN_WRONG, "token: the later one counts");
	end();
	begin();
	if (store_token_withdraw(&g[0].s, "dev-1") || store_token_maker(&g[1].s, "dev-1", "someone"))
		abort();
	meet("token: withdrawn here, changed there");
	ok(!both("SELECT count(*) FROM token") && !etcd_value(TOKEN), "token: it is gone");
	end();
	begin();
	if (store_token_withdraw(&g[0].s, "dev-1") ||
	    store_token_new(&g[1].s, "dev-1", cert_of(1, 1, 1).mac, NULL, DAY, false, NOW, second, sizeof(second)))
		abort();
	meet("token: withdrawn here, a new one there");
	ok(verdict_of(&g[0].s, 1, second, 1, NOW) == STORE_TOKEN_GOOD, "token: the new one is not meant");
	end();
	begin();
	if (token_of(&g[0].s, 1, first) || store_token_withdraw(&g[1].s, "dev-1"))
		abort();
	meet("token: a new one here, the old one withdrawn there");
	ok(verdict_of(&g[1].s, 1, first, 1, NOW) == STORE_TOKEN_GOOD, "token: the new one counts");
	end();
	begin();
	if (store_token_maker(&g[0].s, "dev-1", "someone") || store_token_withdraw(&g[1].s, "dev-1"))
		abort();
	meet("token: changed here, withdrawn there");
	ok(!both("SELECT count(*) FROM token"), "token: and gone it is");
	end();
}

/* Where a certificate was made decides what a token is good for. */
static void check_verdict(void)
{
	struct store_certificate c = later(1, 1), d = later(2, 1);
	uint8_t serial[STORE_SERIAL_LEN];
	enum store_token verdict;
	unsigned int n = 0;

	begin();
	if (reserve_for_token(&g[0].s, &c) || !settle_all(g, 2))
		abort();
	ok(verdict_of(&g[0].s, 1, secret, 1, NOW) == STORE_TOKEN_PENDING, "verdict: reserved here: wait for it");
	ok(verdict_of(&g[1].s, 1, secret, 1, NOW) == STORE_TOKEN_OTHER_KEY, "verdict: reserved there: a new one takes its place");
	ok(!store_recover(&g[1].s, &n) && !n && !store_recover(&g[0].s, &n) && n == 1, "verdict: who reserved it gives it up");
	ok(settle_all(g, 2) && verdict_of(&g[1].s, 1, secret, 1, NOW) == STORE_TOKEN_GOOD, "verdict: then it is free again");
	if (reserve_for_token(&g[0].s, &d) || issue(&g[0].s, &d) || !settle_all(g, 2))
		abort();
	ok(verdict_of(&g[0].s, 1, secret, 1, NOW) == STORE_TOKEN_PENDING, "verdict: made here: hand it out again");
	ok(!store_token_check(&g[1].s, "dev-1", secret, KEY(1), NOW, &verdict, NULL, serial) &&
	   verdict == STORE_TOKEN_OTHER_KEY && !memcmp(serial, d.serial, sizeof(serial)), "verdict: made there: revoke and make anew");
	end();
}

static void check_cert(void)
{
	struct store_certificate c = later(1, 1);
	struct store_fleet_effect e;
	char key[STORE_KEY_LEN];

	begin();
	if (store_cert_reserve(&g[0].s, &c) || issue(&g[0].s, &c) || !settle_all(g, 2) ||
	    store_cert_revoke(&g[0].s, c.serial, NOW + 9, 1) || store_cert_revoke(&g[1].s, c.serial, NOW + 5, 5))
		abort();
	meet("certificate: revoked by both");
	ok(both("SELECT revoked FROM certificate") == NOW + 5 && both("SELECT reason FROM certificate") == 5,
	   "certificate: since the first time");
	ok(!take(&g[1], CERT, etcd_value(CERT), etcd.revision + 1, &e) && state_of(&g[1], c.serial) == STORE_REVOKED &&
	   e.what == STORE_FLEET_REVOKED, "certificate: no value of it takes that back");
	ok(!take(&g[1], CERT, NULL, etcd.revision + 2, &e) && state_of(&g[1], c.serial) == STORE_REVOKED,
	   "certificate: nor that it is deleted");
	serial_key("revoked", c.serial, key);
	ok(!take(&g[1], key, NULL, etcd.revision + 3, &e) && state_of(&g[1], c.serial) == STORE_REVOKED && notes(&g[1]) == 1,
	   "certificate: nor that the revocation is: it is told again");
	end();
	begin();
	etcd_put("all/revoked/" SERIAL, "{\"v\":1,\"when\":5,\"reason\":1,\"until\":9999999999,\"name\":\"?\","
		 "\"mac\":\"00:00:00:00:00:00\",\"by\":\"gw-c\"}");
	gateway_hear(&g[0], 100);
	ok(state_of(&g[0], c.serial) == STORE_REVOKED && ask(&g[0].s, "SELECT name = '?' FROM certificate") == 1,
	   "certificate: revoked before it is known");
	if (store_cert_reserve(&g[1].s, &c) || issue(&g[1].s, &c))
		abort();
	meet("certificate: known afterwards");
	ok(both("SELECT state FROM certificate") == 3 && both("SELECT name = 'dev-1' FROM certificate") == 1,
	   "certificate: revoked it is");
	end();
	begin();
	if (store_cert_reserve(&g[0].s, &c) || issue(&g[0].s, &c) || !settle_all(g, 2) ||
	    store_cert_delivered(&g[0].s, c.serial) || store_checkin(&g[1].s, "dev-1", c.serial, NOW, NULL))
		abort();
	meet("certificate: delivered by both");
	ok(both("SELECT state FROM certificate") == 2, "certificate: delivered it is");
	ok(ask(&g[0].s, "SELECT length(der) FROM certificate") == 700 && !ask(&g[1].s, "SELECT length(der) FROM certificate"),
	   "certificate: its DER is where it was made");
	end();
}

static void check_mark(void)
{
	struct store_fleet_effect e;
	uint8_t mac[6];

	begin();
	mac_of(1, mac);
	ok(!store_fleet_mark(&g[0].s, mac, true, "scans", NOW) && notes(&g[0]) == 1, "mark: noted");
	ok(!store_fleet_mark(&g[0].s, mac, true, "again", NOW + 1) && notes(&g[0]) == 1, "mark: again is nothing");
	meet("mark: quarantine");
	ok(both("SELECT since FROM fleet_mark") == NOW && store_fleet_mark(&g[0].s, (const uint8_t[6]){ 1 }, true, "x", NOW) == -EINVAL,
	   "mark: there, but for what is no device's: %s", g[0].s.error);
	etcd_put("all/mark/02:00:00:00:00:01", "{\"v\":1,\"quarantine\":true,\"why\":\"worse\",\"by\":\"gw-c\",\"since\":9}");
	if (store_fleet_mark(&g[0].s, mac, false, "", NOW))
		abort();
	gateway_tell(&g[0], 9);
	ok(g[0].refused == 1 && etcd_value("all/mark/02:00:00:00:00:01"), "mark: an end is said with a compare");
	ok(!take(&g[0], "all/mark/02:00:00:00:00:01", etcd_value("all/mark/02:00:00:00:00:01"), etcd.revision, &e) &&
	   e.what == STORE_FLEET_MARK && e.quarantine && !memcmp(e.mac, mac, 6), "mark: a quarantine stands against an end");
	meet("mark: said anew");
	ok(both("SELECT since FROM fleet_mark") == 9, "mark: the new one stands");
	if (store_fleet_mark(&g[1].s, mac, false, "", NOW) || !settle_all(g, 2))
		abort();
	ok(!both("SELECT count(*) FROM fleet_mark") && !etcd_value("all/mark/02:00:00:00:00:01"), "mark: ended");
	if (store_fleet_mark(&g[0].s, mac, true, "a", NOW) || !settle_all(g, 2) || store_fleet_mark(&g[0].s, mac, false, "", NOW) ||
	    store_fleet_mark(&g[0].s, mac, true, "b", NOW + 3))
		abort();
	ok(!take(&g[0], "all/mark/02:00:00:00:00:01", NULL, etcd.revision + 1, &e) && e.quarantine && notes(&g[0]) == 1,
	   "mark: said here, ended there: it stands");
	end();
}

static void check_gateway(void)
{
	static const char row[] = "{\"v\":1,\"issuer\":\"" KEY1 "\",\"certificate\":\"-----BEGIN\\nx\\n\",\"ports\":[\"lan0\"]}";
	static const char out[] = "{\"v\":1,\"issuer\":\"" KEY1 "\",\"certificate\":\"x\",\"expelled\":7,\"why\":\"stolen\"}";
	struct store_certificate c = later(1, 1);
	struct store_fleet_effect e;
	char name[STORE_GATEWAY_LEN], *value = NULL;
	bool known, expelled;
	unsigned int n = 0;
	size_t len;

	begin();
	if (store_cert_reserve(&g[1].s, &c) || issue(&g[1].s, &c) || !settle_all(g, 2))
		abort();
	ok(!store_fleet_issuer(&g[0].s, c.serial, name, &expelled) && expelled && !store_fleet_issuer(&g[1].s, c.serial, name, &expelled) &&
	   !expelled, "gateway: who is not known counts at nobody's but its own");
	ok(!take(&g[0], "all/gateway/gw-b", row, 100, &e) && e.what == STORE_FLEET_GATEWAY && !strcmp(e.name, "gw-b"),
	   "gateway: came");
	ok(!store_fleet_gateway_get(&g[0].s, "gw-b", &known, &expelled) && known && !expelled &&
	   !store_fleet_issuer(&g[0].s, c.serial, name, &expelled) && !strcmp(name, "gw-b") && !expelled, "gateway: counts");
	ok(!store_fleet_value(&g[0].s, "all/gateway/gw-b", &value, &len) && value && !strcmp(value, row), "gateway: as it came");
	free(value);
	ok(!take(&g[0], "all/gateway/gw-b", out, 101, &e) && !store_fleet_issuer(&g[0].s, c.serial, name, &expelled) && expelled,
	   "gateway: expelled, and so is what it signed");
	ok(!take(&g[0], "all/gateway/gw-b", row, 102, &e) && !store_fleet_issuer(&g[0].s, c.serial, name, &expelled) && expelled &&
	   ask(&g[0].s, "SELECT count(*) FROM fleet_note WHERE key = 'all/gateway/gw-b'") == 1,
	   "gateway: that it is not any more is not taken, and told again");
	ok(!take(&g[0], "all/gateway/gw-b", out, 103, &e) && !notes(&g[0]), "gateway: until it has been told");
	ok(!take(&g[0], "all/gateway/gw-b", NULL, 104, &e) && !store_fleet_gateway_get(&g[0].s, "gw-b", &known, &expelled) &&
	   known && expelled && !store_fleet_value(&g[0].s, "all/gateway/gw-b", &value, &len) && value && !strcmp(value, out) &&
	   notes(&g[0]) == 1, "gateway: nor is it forgotten");
	free(value);
	ok(!take(&g[0], "all/gateway/gw-b", out, 105, &e) && !notes(&g[0]) &&
	   take(&g[0], "all/gateway/gw-b", "{\"v\":2}", 106, &e) == -EPROTO && notes(&g[0]) == 1, "gateway: nor hidden in what makes no sense");
	ok(!take(&g[0], "all/gateway/gw-d", "{\"v\":1,\"expelled\":7,\"issuer\":\"x\",\"certificate\":5,\"why\":6}", 107, &e) &&
	   !store_fleet_gateway_get(&g[0].s, "gw-d", &known, &expelled) && expelled, "gateway: expelled, whatever else is said");
	ok(take(&g[0], "all/gateway/gw-e", "{\"v\":1,\"issuer\":\"x\"}", 108, &e) == -EPROTO, "gateway: one that is not is to make sense");
	ok(!take(&g[0], "all/gateway/gw-c", row, 110, &e) && !take(&g[0], "all/gateway/gw-c", NULL, 111, &e) &&
	   !store_fleet_gateway_get(&g[0].s, "gw-c", &known, &expelled) && !known, "gateway: one that was not is");
	if (store_fleet_note_all(&g[0].s, true))
		abort();
	ok(!take(&g[0], "all/gateway/gw-b", row, 50, &e) && !store_fleet_gateway_get(&g[0].s, "gw-b", &known, &expelled) && expelled,
	   "gateway: expelled it stays where etcd has lost that");
	ok(!store_prune(&g[0].s, c.not_after + 1, &n) && n == 1 && ask(&g[0].s, "SELECT count(*) FROM fleet_note WHERE key = '" CERT "'") == 1,
	   "gateway: what it made is deleted by others");
	end();
}

struct strange {
	const char *what, *key, *value;
};

static const struct strange strange[] = {
	{ "no JSON", DEVICE, "{" },
	{ "no object", DEVICE, "[]" },
	{ "no version", DEVICE, "{}" },
	{ "another version", DEVICE, "{\"v\":2}" },
	{ "a field twice", DEVICE, "{\"v\":1,\"v\":1}" },
	{ "fields missing", DEVICE, "{\"v\":1}" },
	{ "a group's MAC", DEVICE, "{\"v\":1,\"mac\":\"01:00:00:00:00:01\",\"approval\":false,\"approved\":false,\"enrolled\":0,"
	  "\"firmware\":\"\",\"model\":\"\",\"retired\":0}" },
	{ "a MAC in capitals", DEVICE, "{\"v\":1,\"mac\":\"02:00:00:00:00:0A\",\"approval\":false,\"approved\":false,\"enrolled\":0,"
	  "\"firmware\":\"\",\"model\":\"\",\"retired\":0}" },
	{ "a number for a truth", DEVICE, "{\"v\":1,\"mac\":\"02:00:00:00:00:01\",\"approval\":0,\"approved\":false,\"enrolled\":0,"
	  "\"firmware\":\"\",\"model\":\"\",\"retired\":0}" },
	{ "a time before 1970", DEVICE, "{\"v\":1,\"mac\":\"02:00:00:00:00:01\",\"approval\":false,\"approved\":false,"
	  "\"enrolled\":-1,\"firmware\":\"\",\"model\":\"\",\"retired\":0}" },
	{ "no model's name", DEVICE, "{\"v\":1,\"mac\":\"02:00:00:00:00:01\",\"approval\":false,\"approved\":false,\"enrolled\":0,"
	  "\"firmware\":\"\",\"model\":\"a/b\",\"retired\":0}" },
	{ "firmware with a newline", DEVICE, "{\"v\":1,\"mac\":\"02:00:00:00:00:01\",\"approval\":false,\"approved\":false,"
	  "\"enrolled\":0,\"firmware\":\"1\\n2\",\"model\":\"\",\"retired\":0}" },
	{ "claimed by nobody", TOKEN, "{\"v\":1,\"algorithm\":1,\"salt\":\"00112233445566778899aabbccddeeff\",\"hash\":\"" KEY1 "\","
	  "\"made\":1,\"expires\":2,\"state\":1,\"key\":null,\"serial\":null,\"maker\":\"\"}" },
	{ "ends before it was made", TOKEN, "{\"v\":1,\"algorithm\":1,\"salt\":\"00112233445566778899aabbccddeeff\",\"hash\":\"" KEY1
	  "\",\"made\":2,\"expires\":2,\"state\":0,\"key\":null,\"serial\":null,\"maker\":\"\"}" },
	{ "a short salt", TOKEN, "{\"v\":1,\"algorithm\":1,\"salt\":\"00\",\"hash\":\"" KEY1
	  "\",\"made\":1,\"expires\":2,\"state\":0,\"key\":null,\"serial\":null,\"maker\":\"\"}" },
	{ "another algorithm", TOKEN, "{\"v\":1,\"algorithm\":3,\"salt\":\"00112233445566778899aabbccddeeff\",\"hash\":\"" KEY1
	  "\",\"made\":1,\"expires\":2,\"state\":0,\"key\":null,\"serial\":null,\"maker\":\"\"}" },
	{ "revoked by the wrong key", CERT, "{\"v\":1,\"name\":\"dev-1\",\"mac\":\"02:00:00:00:00:01\",\"kind\":0,\"state\":3,"
	  "\"fingerprint\":\"" KEY1 "\",\"key\":\"" KEY1 "\",\"from\":1,\"until\":2,\"gateway\":\"gw-b\"}" },
	{ "issued without a fingerprint", CERT, "{\"v\":1,\"name\":\"dev-1\",\"mac\":\"02:00:00:00:00:01\",\"kind\":0,\"state\":1,"
	  "\"fingerprint\":null,\"key\":\"" KEY1 "\",\"from\":1,\"until\":2,\"gateway\":\"gw-b\"}" },
	{ "by nobody", CERT, "{\"v\":1,\"name\":\"dev-1\",\"mac\":\"02:00:00:00:00:01\",\"kind\":0,\"state\":0,"
	  "\"fingerprint\":null,\"key\":\"" KEY1 "\",\"from\":1,\"until\":2,\"gateway\":\"\"}" },
	{ "of a name that is none", CERT, "{\"v\":1,\"name\":\"?\",\"mac\":\"02:00:00:00:00:01\",\"kind\":0,\"state\":0,"
	  "\"fingerprint\":null,\"key\":\"" KEY1 "\",\"from\":1,\"until\":2,\"gateway\":\"gw-b\"}" },
	{ "a revocation at no time", "all/revoked/" SERIAL, "{\"v\":1,\"when\":0,\"reason\":1,\"until\":9,\"name\":\"?\","
	  "\"mac\":\"00:00:00:00:00:00\",\"by\":\"gw-b\"}" },
	{ "no reason", "all/revoked/" SERIAL, "{\"v\":1,\"when\":1,\"reason\":11,\"until\":9,\"name\":\"?\","
	  "\"mac\":\"00:00:00:00:00:00\",\"by\":\"gw-b\"}" },
	{ "a mark that says nothing", "all/mark/02:00:00:00:00:01", "{\"v\":1}" },
	{ "an issuer that is none", "all/gateway/gw-b", "{\"v\":1,\"issuer\":\"x\"}" },
	{ "more than all", "all/release/acme/1.2", "{\"v\":1,\"sha256\":\"" KEY1 "\",\"percent\":101,\"paused\":false,"
	  "\"stopped\":false,\"stop_after\":0,\"failures\":0,\"round\":1,\"failed\":{}}" },
	{ "failures of nobody", "all/release/acme/1.2", "{\"v\":1,\"sha256\":\"" KEY1 "\",\"percent\":1,\"paused\":false,"
	  "\"stopped\":false,\"stop_after\":0,\"failures\":0,\"round\":1,\"failed\":{\"a/b\":1}}" },
	{ "an unknown kind", "all/other/x", "{\"v\":1}" },
	{ "a name with a slash", "all/device/a/b", "{\"v\":1}" },
	{ "a serial number in capitals", "all/cert/A1000000000000000000000000000001", "{\"v\":1}" },
	{ "a short serial number", "all/revoked/01", "{\"v\":1}" },
	{ "words for a terminal", "all/mark/02:00:00:00:00:01", "{\"v\":1,\"quarantine\":true,\"why\":\"\\u009b2J\",\"by\":\"gw-b\","
	  "\"since\":0}" },
	{ "no MAC", "all/mark/02-00-00-00-00-01", "{\"v\":1,\"quarantine\":true,\"why\":\"\",\"by\":\"gw-b\",\"since\":0}" },
	{ "a key of nothing", "all/pending/dev-1", "{\"v\":1}" },
	{ "a policy without a name", "all/policy/", "x" },
};

static void check_strange(void)
{
	struct store_fleet_effect e;
	char *before, *after, *big;
	uint64_t n = 0;
	size_t i;

	begin();
	before = dump(&g[0]);
	for (i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		int err = take(&g[0], strange[i].key, strange[i].value, 1000 + (int64_t)i, &e);

		after = dump(&g[0]);
		ok(err == -EPROTO && !strcmp(before, after) && e.what == STORE_FLEET_NOTHING, "strange: %s: %s", strange[i].what,
		   g[0].s.error);
		free(after);
	}
	ok(!store_fleet_strange(&g[0].s, &n) && n == 14, "strange: counted by key");
	ok(!take(&g[0], DEVICE, etcd_value(DEVICE), 2000, &e) && !store_fleet_strange(&g[0].s, &n) && n == 13,
	   "strange: not any more");
	big = calloc(1, 70000);
	memset(big, ' ', 69000);
	memcpy(big, etcd_value(DEVICE), strlen(etcd_value(DEVICE)));
	ok(take(&g[0], DEVICE, big, 2001, &e) == -EPROTO, "strange: 69,000 bytes");
	big[60000] = 0;
	ok(!take(&g[0], DEVICE, big, 2002, &e), "strange: 60,000 are let through");
	ok(!take(&g[0], "all/policy/common", big, 2003, &e) && e.what == STORE_FLEET_POLICY, "strange: a policy is a text");
	free(big);
	free(before);
	end();
}

int main(void)
{
	etcd_end();
	help_begin();
	check_device();
	check_order();
	check_token();
	check_verdict();
	check_cert();
	check_mark();
	check_gateway();
	check_strange();
	help_end();
	return tap_done();
}
