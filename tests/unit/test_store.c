// SPDX-License-Identifier: GPL-2.0
/* The registry: who may open it, what a token opens, what becomes of a certificate. */
#include "store_help.h"

static const uint8_t mac1[6] = { 2, 0, 0, 0, 0, 1 };

static void check_open_create(void)
{
	mode_t mask = umask(0);
	char path[96], dir[80];
	struct store s;
	struct stat st;

	snprintf(dir, sizeof(dir), "%s/a", help_dir);
	snprintf(path, sizeof(path), "%s/r.db", dir);
	ok(store_open(&s, path, false) == -ENOENT && strstr(s.error, "cannot open the registry"),
	   "open: not there, and not to be made: %s", s.error);
	ok(stat(dir, &st) && errno == ENOENT, "open: and its directory is not made");
	ok(!store_open(&s, path, true), "open: made with its directory, umask 0");
	ok(!stat(dir, &st) && (st.st_mode & 07777) == 0700, "open: directory has mode 0700");
	ok(!stat(path, &st) && (st.st_mode & 07777) == 0600, "open: file has mode 0600");
	strcat(path, "-wal");
	ok(!stat(path, &st) && (st.st_mode & 07777) == 0600, "open: log has mode 0600");
	store_close(&s);
	*strrchr(path, '-') = 0;
	remove_all(path);
	rmdir(dir);
	umask(0777);
	ok(!store_open(&s, path, true) && !stat(path, &st) && (st.st_mode & 07777) == 0600,
	   "open: file has mode 0600, umask 0777");
	umask(mask);
	store_close(&s);
	ok(!store_open(&s, path, false), "open: what is there needs no create");
	store_close(&s);
	remove_all(path);
	rmdir(dir);
}

struct place {
	const char *name;
	mode_t file, dir;
	const char *message;	/* NULL, it opens */
};

static const struct place places[] = {
	{ "private", 0600, 0700, NULL },
	{ "readable", 0644, 0755, NULL },
	{ "its group may write", 0660, 0700, "mode 0660: others may write to it" },
	{ "anybody may write", 0602, 0700, "mode 0602: others may write to it" },
	{ "directory of a group's", 0600, 0770, "mode 0770: others may write there" },
	{ "directory of anybody's", 0600, 0777, "mode 0777: others may write there" },
	{ "sticky directory", 0600, 01777, NULL },
};

static void check_open_place(void)
{
	char link[80];
	struct store s;
	size_t i;
	int err;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		help_open(&s);
		store_close(&s);
		chmod(help_path, places[i].file);
		chmod(help_dir, places[i].dir);
		err = store_open(&s, help_path, true);
		if (places[i].message)
			ok(err == -EPERM && strstr(s.error, places[i].message), "open: %s: %s",
			   places[i].name, s.error);
		else
			ok(!err, "open: %s", places[i].name);
		if (!err)
			store_close(&s);
		chmod(help_dir, 0700);
		help_remove();
	}
	snprintf(link, sizeof(link), "%s/link", help_dir);
	ok(!symlink("/dev/null", link) && store_open(&s, link, true) == -ELOOP,
	   "open: a symbolic link: %s", s.error);
	unlink(link);
	ok(!mkdir(link, 0700) && store_open(&s, link, true) == -EISDIR, "open: a directory: %s",
	   s.error);
	rmdir(link);
}

static void run_sql(const char *sql)
{
	sqlite3 *db;

	sqlite3_open(help_path, &db);
	sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	chmod(help_path, 0600);
}

static void check_peek(void)
{
	struct store_device d;
	struct store s, r;
	char token[STORE_TOKEN_LEN];

	ok(store_peek(&r, help_path) == -ENOENT, "peek: not there, and not made: %s", r.error);
	help_open(&s);
	if (token_of(&s, 1, token) || store_begin(&s, false))
		abort();
	ok(!store_peek(&r, help_path) && !store_device_get(&r, "dev-1", &d), "peek: what is there, while another writes");
	store_rollback(&s);
	ok(store_device_approve(&r, "dev-1") == -EROFS, "peek: nothing is written: %s", r.error);
	store_close(&r);
	store_close(&s);
	ok(!store_peek(&r, help_path) && !store_device_get(&r, "dev-1", &d), "peek: when nobody else has it");
	store_close(&r);
	run_sql("PRAGMA user_version = 1");
	ok(store_peek(&r, help_path) == -EPROTO && strstr(r.error, "of version 1: whoever writes"), "peek: older: %s", r.error);
	run_sql("PRAGMA user_version = 6");
	help_remove();
}

static void check_open_version(void)
{
	struct store s;
	FILE *file;

	help_open(&s);
	ok(ask(&s, "PRAGMA user_version") == 6 && ask(&s, "PRAGMA foreign_keys") == 1 &&
	   ask(&s, "PRAGMA temp_store") == 2, "open: version 6, foreign keys, nothing on disk");
	store_close(&s);
	run_sql("PRAGMA user_version = 7");
	ok(store_open(&s, help_path, true) == -EPROTO &&
	   !strcmp(s.error, "the registry is of version 7, and the newest that is known here is 6: "
	   "a newer cordonctl wrote it"), "open: newer: %s", s.error);
	help_remove();
	run_sql("CREATE TABLE t (a)");
	ok(store_open(&s, help_path, true) == -EPROTO &&
	   !strcmp(s.error, "the database is not a registry"), "open: another's: %s", s.error);
	run_sql("DROP TABLE t; PRAGMA journal_mode = DELETE");
	ok(!store_open(&s, help_path, true), "open: an empty database becomes one");
	store_close(&s);
	help_remove();
	file = fopen(help_path, "w");
	fprintf(file, "%4096s", "no database");
	fclose(file);
	chmod(help_path, 0600);
	ok(store_open(&s, help_path, true) == -EIO && strstr(s.error, "file is not a database"),
	   "open: no database: %s", s.error);
	help_remove();
}

struct bad_token {
	const char *name;
	const char *device;
	uint8_t mac[6];
	unsigned int valid;
	const char *secret;
	size_t size;
	const char *message;
};

#define LONG_NAME "a123456789012345678901234567890123456789012345678901234567890123"

static const struct bad_token bad_tokens[] = {
	{ "no name", "", { 2 }, 1, NULL, 27, "not a device's name: ''" },
	{ "name with a slash", "a/b", { 2 }, 1, NULL, 27, "not a device's name: 'a/b'" },
	{ "name of 64 bytes", LONG_NAME, { 2 }, 1, NULL, 27,
	  "not a device's name: '" LONG_NAME "'" },
	{ "MAC of zeros", "a", { 0 }, 1, NULL, 27, "not the MAC of a device: 00:00:00:00:00:00" },
	{ "MAC of a group", "a", { 1 }, 1, NULL, 27, "not the MAC of a device: 01:00:00:00:00:00" },
	{ "valid for nothing", "a", { 2 }, 0, NULL, 27,
	  "a token is valid for 1 s to 365 d, not 0 s" },
	{ "valid for too long", "a", { 2 }, 31536001, NULL, 27,
	  "a token is valid for 1 s to 365 d, not 31536001 s" },
	{ "little room", "a", { 2 }, 1, NULL, 26, "no room for the secret" },
	{ "an empty secret", "a", { 2 }, 1, "", 27, "a secret must have 1 to 128 bytes" },
	{ "little room for an own", "a", { 2 }, 1, "abcd", 4, "no room for the secret" },
};

static void check_token_new(void)
{
	char first[STORE_TOKEN_LEN], out[STORE_TOKEN_LEN];
	struct store s;
	size_t i;

	help_open(&s);
	for (i = 0; i < sizeof(bad_tokens) / sizeof(*bad_tokens); i++) {
		const struct bad_token *b = &bad_tokens[i];

		memset(out, 'x', sizeof(out));
		ok(store_token_new(&s, b->device, b->mac, b->secret, b->valid, false, NOW, out,
				   b->size) == -EINVAL &&
	   !strcmp(s.error, b->message) && !*out, "token_new: %s: %s", b->name, s.error);
	}
	ok(ask(&s, "SELECT count(*) FROM device") == 0, "token_new: refused ones left nothing");
	ok(!token_of(&s, 1, first) && strlen(first) == 26 &&
	   strspn(first, "abcdefghijklmnopqrstuvwxyz234567") == 26, "token_new: 26 of base32");
	ok(!token_of(&s, 1, out) && strcmp(first, out), "token_new: another time, another one");
	ok(verdict_of(&s, 1, first, 1, NOW) == STORE_TOKEN_WRONG, "token_new: replaces the older");
	ok(verdict_of(&s, 1, out, 1, NOW) == STORE_TOKEN_GOOD, "token_new: the newer is good");
	ok(ask(&s, "SELECT count(*) FROM token") == 1 &&
	   ask(&s, "SELECT length(salt) FROM token") == 16 &&
	   ask(&s, "SELECT length(hash) FROM token") == 32, "token_new: a salted hash is kept");
	store_close(&s);
	help_remove();
}

static void check_token_own(void)
{
	char out[64], random[STORE_TOKEN_LEN];
	struct store s;

	help_open(&s);
	token_of(&s, 2, random);
	ok(!store_token_new(&s, "dev-1", mac1, "Gr8-otter-lamp", DAY, false, NOW, out,
			    sizeof(out)) &&
	   !strcmp(out, "Gr8-otter-lamp"),
	   "token own: is what it was set to");
	ok(ask(&s, "SELECT count(*) FROM token WHERE algorithm = 2") == 1,
	   "token own: hashed slowly");
	ok(verdict_of(&s, 1, "Gr8-otter-lamp", 1, NOW) == STORE_TOKEN_GOOD, "token own: good");
	ok(verdict_of(&s, 1, "Gr8-otter-lamq", 1, NOW) == STORE_TOKEN_WRONG, "token own: another");
	ok(verdict_of(&s, 2, random, 1, NOW) == STORE_TOKEN_GOOD,
	   "token own: a random one beside it");
	ok(verdict_of(&s, 2, "Gr8-otter-lamp", 1, NOW) == STORE_TOKEN_WRONG,
	   "token own: another's");
	store_close(&s);
	help_remove();
}

struct moment {
	const char *name;
	time_t at;
	int fresh, used;
};

static const struct moment moments[] = {
	{ "at once", NOW, STORE_TOKEN_GOOD, STORE_TOKEN_USED },
	{ "in its last second", NOW + DAY - 1, STORE_TOKEN_GOOD, STORE_TOKEN_USED },
	{ "at its end", NOW + DAY, STORE_TOKEN_EXPIRED, STORE_TOKEN_USED },
	{ "clock corrected by a minute", NOW - 60, STORE_TOKEN_GOOD, STORE_TOKEN_USED },
	{ "clock set back by a day", NOW - DAY, STORE_TOKEN_EXPIRED, STORE_TOKEN_USED },
	{ "clock at 1970", 0, STORE_TOKEN_EXPIRED, STORE_TOKEN_USED },
};

static void check_token_time(void)
{
	struct store_certificate c = cert_of(1, 1, 1);
	char fresh[STORE_TOKEN_LEN], used[STORE_TOKEN_LEN];
	struct store s;
	size_t i;

	help_open(&s);
	token_of(&s, 2, fresh);
	token_of(&s, 1, used);
	ok(!reserve_for_token(&s, &c) && !issue(&s, &c) && !store_cert_delivered(&s, c.serial),
	   "token: used up");
	for (i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
		ok(verdict_of(&s, 2, fresh, 1, moments[i].at) == moments[i].fresh,
	   "token, fresh: %s", moments[i].name);
		ok(verdict_of(&s, 1, used, 1, moments[i].at) == moments[i].used,
	   "token, used: %s", moments[i].name);
	}
	store_close(&s);
	help_remove();
}

static void check_token_wrong(void)
{
	char token[STORE_TOKEN_LEN], near[STORE_TOKEN_LEN], huge[300];
	struct store_device device;
	enum store_token verdict;
	uint8_t serial[16];
	struct store s;

	help_open(&s);
	token_of(&s, 1, token);
	memcpy(near, token, sizeof(near));
	near[25] = near[25] == 'a' ? 'b' : 'a';
	memset(huge, 'a', sizeof(huge));
	huge[299] = 0;
	ok(verdict_of(&s, 1, near, 1, NOW) == STORE_TOKEN_WRONG, "token: last letter");
	ok(verdict_of(&s, 1, "", 1, NOW) == STORE_TOKEN_WRONG, "token: empty");
	ok(verdict_of(&s, 1, huge, 1, NOW) == STORE_TOKEN_WRONG, "token: huge");
	ok(verdict_of(&s, 2, token, 1, NOW) == STORE_TOKEN_WRONG, "token: of another device");
	ok(verdict_of(&s, 1, near, 1, NOW + DAY) == STORE_TOKEN_WRONG,
	   "token: expired, but not it");
	memset(&device, 1, sizeof(device));
	ok(!store_token_check(&s, "nobody", token, KEY(1), NOW, &verdict, &device, serial) &&
	   verdict == STORE_TOKEN_WRONG && !device.name[0], "token: nobody's, no device is told");
	ok(!store_token_check(&s, "dev-1", token, KEY(1), NOW, &verdict, &device, serial) &&
	   verdict == STORE_TOKEN_GOOD && !strcmp(device.name, "dev-1") && device.mac[5] == 1,
	   "token: its own, the device is told");
	store_close(&s);
	help_remove();
}

static void check_token_claim(void)
{
	struct store_certificate c = cert_of(1, 1, 1), other = cert_of(2, 1, 2),
				 third = cert_of(3, 2, 1);
	char token[STORE_TOKEN_LEN];
	enum store_token verdict;
	uint8_t serial[16];
	struct store s;

	help_open(&s);
	token_of(&s, 1, token);
	ok(store_token_claim(&s, "dev-1", KEY(1), c.serial) == -ENOENT, "claim: no certificate: %s",
	   s.error);
	ok(!reserve_for_token(&s, &c), "claim: reserved");
	ok(!store_token_check(&s, "dev-1", token, KEY(1), NOW, &verdict, NULL, serial) &&
	   verdict == STORE_TOKEN_PENDING && !memcmp(serial, c.serial, 16),
	   "claim: same key: pending");
	issue(&s, &c);
	ok(!store_token_check(&s, "dev-1", token, KEY(1), NOW, &verdict, NULL, serial) &&
	   verdict == STORE_TOKEN_PENDING && !memcmp(serial, c.serial, 16),
	   "claim: issued: pending");
	ok(!store_token_check(&s, "dev-1", token, KEY(2), NOW, &verdict, NULL, serial) &&
	   verdict == STORE_TOKEN_OTHER_KEY && !memcmp(serial, c.serial, 16), "claim: another key");
	ok(verdict_of(&s, 1, token, 1, NOW + DAY) == STORE_TOKEN_EXPIRED,
	   "claim: expired beats pending");
	ok(reserve_for_token(&s, &other) == -EPERM &&
	   strstr(s.error, "is claimed for certificate 01"),
	   "claim: for a second one: %s", s.error);
	ok(ask(&s, "SELECT count(*) FROM certificate") == 1, "claim: and that is not reserved");
	ok(!store_cert_revoke(&s, c.serial, NOW, 4) && !reserve_for_token(&s, &other) &&
	   !issue(&s, &other), "claim: for a second one, the first superseded");
	ok(store_cert_delivered(&s, c.serial) == -EPERM, "claim: the first cannot arrive: %s",
	   s.error);
	ok(verdict_of(&s, 1, token, 2, NOW) == STORE_TOKEN_PENDING,
	   "claim: the token is the second's");
	ok(!store_cert_delivered(&s, other.serial) &&
	   verdict_of(&s, 1, token, 2, NOW) == STORE_TOKEN_USED,
	   "claim: used up by the second's arrival");
	third.key_id[31] = 7;
	ok(store_cert_reserve(&s, &third) == 0 &&
	   store_token_claim(&s, "dev-1", KEY(7), third.serial) == -EPERM,
	   "claim: another's: %s", s.error);
	store_close(&s);
	help_remove();
}

static void check_token_undone(void)
{
	struct store_certificate c = cert_of(1, 1, 1), d = cert_of(2, 2, 1);
	char token[STORE_TOKEN_LEN], second[STORE_TOKEN_LEN];
	unsigned int abandoned = 0;
	struct store s;

	help_open(&s);
	token_of(&s, 1, token);
	token_of(&s, 2, second);
	reserve_for_token(&s, &c);
	reserve_for_token(&s, &d);
	issue(&s, &d);
	ok(!store_recover(&s, &abandoned) && abandoned == 1, "recover: what was reserved only");
	ok(verdict_of(&s, 1, token, 2, NOW) == STORE_TOKEN_GOOD,
	   "recover: its token is good, any key");
	ok(verdict_of(&s, 2, second, 1, NOW) == STORE_TOKEN_PENDING,
	   "recover: an issued one is pending");
	ok(issue(&s, &c) == -EPERM && strstr(s.error, "is abandoned, not reserved"),
	   "recover: not issued any more: %s", s.error);
	store_cert_revoke(&s, d.serial, NOW, 1);
	ok(verdict_of(&s, 2, second, 1, NOW) == STORE_TOKEN_USED,
	   "token: its certificate was revoked");
	store_close(&s);
	help_remove();
}

static void check_rekey(void)
{
	struct store_certificate c = cert_of(1, 1, 1);
	struct store s;
	time_t when = 1;
	bool has = true;

	help_open(&s);
	ok(!store_rekey_get(&s, "dev-1", &when) && !when, "rekey: of nobody: never");
	ok(!store_cert_has_key(&s, c.name, c.mac, c.key_id, NOW, &has) && !has, "has_key: nobody has one");
	store_cert_reserve(&s, &c);
	ok(!store_cert_has_key(&s, c.name, c.mac, c.key_id, NOW, &has) && !has, "has_key: reserved is not made");
	issue(&s, &c);
	ok(!store_cert_has_key(&s, c.name, c.mac, c.key_id, NOW, &has) && has, "has_key: issued: it has");
	ok(!store_cert_has_key(&s, c.name, c.mac, KEY(7), NOW, &has) && !has, "has_key: not another key");
	ok(!store_cert_has_key(&s, "dev-2", c.mac, c.key_id, NOW, &has) && !has, "has_key: not another device");
	ok(!store_cert_has_key(&s, c.name, KEY(9), c.key_id, NOW, &has) && !has, "has_key: not another MAC");
	ok(!store_cert_has_key(&s, c.name, c.mac, c.key_id, c.not_after + 1, &has) && !has, "has_key: not when it is over");
	store_cert_revoke(&s, c.serial, NOW, 1);
	ok(!store_cert_has_key(&s, c.name, c.mac, c.key_id, NOW, &has) && !has, "has_key: not when it was revoked");
	ok(!store_rekey_put(&s, "dev-1", c.mac, NOW) && !store_rekey_get(&s, "dev-1", &when) && when == NOW, "rekey: noted");
	ok(!store_rekey_put(&s, "dev-3", c.mac, NOW + 1) && !store_rekey_get(&s, "dev-3", &when) && when == NOW + 1,
	   "rekey: of a device that was not met yet");
	store_close(&s);
	help_remove();
}

static void check_device(void)
{
	const uint8_t mac2[6] = { 2, 0, 0, 0, 0, 2 };
	char token[STORE_TOKEN_LEN];
	struct store_device d;
	struct store s;

	help_open(&s);
	ok(store_device_get(&s, "dev-1", &d) == -ENOENT && strstr(s.error, "no device 'dev-1'"),
	   "device: nobody: %s", s.error);
	ok(store_device_approve(&s, "dev-1") == -ENOENT, "approve: nobody");
	store_token_new(&s, "dev-1", mac1, NULL, DAY, true, NOW, token, sizeof(token));
	ok(!store_device_get(&s, "dev-1", &d) && d.approval && !d.approved && !d.enrolled &&
	   !memcmp(d.mac, mac1, 6), "device: waits for an approval");
	ok(!store_device_approve(&s, "dev-1") && !store_device_get(&s, "dev-1", &d) && d.approved,
	   "approve: approved");
	store_token_new(&s, "dev-1", mac1, NULL, DAY, true, NOW, token, sizeof(token));
	ok(!store_device_get(&s, "dev-1", &d) && !d.approved, "approve: a new token takes it back");
	ok(!enrol(&s, 1, 1) && !store_device_get(&s, "dev-1", &d) && d.enrolled == NOW,
	   "device: enrolled");
	store_token_new(&s, "dev-1", mac2, NULL, DAY, false, NOW, token, sizeof(token));
	ok(!store_device_get(&s, "dev-1", &d) && !d.enrolled && !memcmp(d.mac, mac2, 6),
	   "device: with another MAC it is another");
	store_close(&s);
	help_remove();
}

static int count_cert(const struct store_certificate *c, void *arg)
{
	int *seen = arg;

	(void)c;
	return ++*seen == 2 ? 42 : 0;
}

static void check_certificate(void)
{
	struct store_certificate c = cert_of(1, 1, 1), got, bad = cert_of(2, 2, 1);
	uint64_t before = 0, after = 0, number = 0, next = 0;
	uint8_t *der = NULL;
	size_t len = 1;
	struct store s;
	int seen = 0;

	help_open(&s);
	ok(store_cert_get(&s, c.serial, &got, NULL, NULL) == -ENOENT, "cert: unknown: %s", s.error);
	ok(!store_cert_reserve(&s, &c), "reserve: done");
	ok(store_cert_reserve(&s, &c) == -EEXIST &&
	   strstr(s.error, "serial number 01000000000000000000000000000001 is taken"),
	   "reserve: twice: %s", s.error);
	memcpy(bad.name, "a b", 4);
	ok(store_cert_reserve(&s, &bad) == -EINVAL, "reserve: a bad name: %s", s.error);
	memset(bad.name, 'a', sizeof(bad.name));
	ok(store_cert_reserve(&s, &bad) == -EINVAL, "reserve: a name without end");
	bad = cert_of(2, 1, 1);
	bad.mac[5] = 9;
	ok(store_cert_reserve(&s, &bad) == -EPERM &&
	   strstr(s.error, "has MAC 02:00:00:00:00:01 in the registry, not 02:00:00:00:00:09"),
	   "reserve: another MAC: %s", s.error);
	bad = cert_of(2, 1, 1);
	bad.not_after = bad.not_before;
	ok(store_cert_reserve(&s, &bad) == -EINVAL, "reserve: %s", s.error);
	bad = cert_of(2, 0, 1);
	bad.kind = 1;
	memcpy(bad.name, "*.example.org", 14);
	ok(!store_cert_reserve(&s, &bad) && ask(&s, "SELECT count(*) FROM device") == 1,
	   "reserve: a server's makes no device");
	ok(store_cert_delivered(&s, c.serial) == -EPERM &&
	   strstr(s.error, "is reserved, not issued"),
	   "delivered: not issued: %s", s.error);
	ok(!store_cert_get(&s, c.serial, &got, &der, &len) && !der && !len &&
	   got.state == STORE_RESERVED,
	   "cert: reserved, nothing made");
	ok(store_cert_issued(&s, c.serial, c.serial, 0, KEY(9), NOW + 1) == -EINVAL, "issued: %s",
	   s.error);
	ok(!issue(&s, &c) && issue(&s, &c) == -EPERM, "issued: once only: %s", s.error);
	ok(!store_cert_get(&s, c.serial, &got, &der, &len) && len == 700 && der[1] == 1 &&
	   got.state == STORE_ISSUED && got.fingerprint[31] == 9 && got.key_id[31] == 1 &&
	   got.not_before == NOW && !memcmp(got.mac, c.mac, 6), "cert: as it was issued");
	free(der);
	ok(!store_cert_delivered(&s, c.serial) && !store_cert_delivered(&s, c.serial),
	   "delivered: a second time changes nothing");
	store_revocations(&s, &before);
	ok(store_cert_revoke(&s, c.serial, NOW, 7) == -EINVAL, "revoke: %s", s.error);
	ok(!store_cert_revoke(&s, c.serial, NOW + 5, 1) && !store_revocations(&s, &after) &&
	   after == before + 1, "revoke: changes the generation");
	ok(store_cert_revoke(&s, c.serial, NOW + 6, 4) == -EALREADY &&
	   !store_revocations(&s, &after) && after == before + 1,
	   "revoke: twice: %s", s.error);
	ok(!store_cert_get(&s, c.serial, &got, NULL, NULL) && got.state == STORE_REVOKED &&
	   got.revoked == NOW + 5 && got.reason == 1, "revoke: the first stands");
	ok(store_cert_revoke(&s, KEY(5), NOW, 1) == -ENOENT, "revoke: unknown: %s", s.error);
	ok(!store_cert_each(&s, "dev-1", count_cert, &seen) && seen == 1, "each: of one device");
	seen = 0;
	ok(store_cert_each(&s, NULL, count_cert, &seen) == 42 && seen == 2, "each: ends when told");
	seen = 0;
	ok(!store_revoked_each(&s, c.not_after, count_cert, &seen) && seen == 1 &&
	   !store_revoked_each(&s, c.not_after + 1, count_cert, &seen) && seen == 1,
	   "each revoked: one that has not ended, and no other");
	ok(!store_crl_number(&s, &number) && !store_crl_number(&s, &next) && next == number + 1,
	   "crl number: counts up");
	store_close(&s);
	help_open(&s);
	ok(!store_crl_number(&s, &number) && number == next + 1, "crl number: also the next time");
	store_close(&s);
	help_remove();
}

static void check_checkin(void)
{
	struct store_certificate c = cert_of(1, 1, 1), other = cert_of(2, 2, 1),
				 late = cert_of(3, 3, 1);
	char token[STORE_TOKEN_LEN];
	struct store_device d;
	struct store s;
	int i, err = 0;

	help_open(&s);
	enrol(&s, 1, 1);
	enrol(&s, 2, 2);
	for (i = 1; i <= 20; i++)
		err |= store_checkin(&s, "dev-1", c.serial, NOW + i, i == 20 ? NULL : "1.4.2");
	ok(!err && !store_device_get(&s, "dev-1", &d) && d.checkin == NOW + 20 &&
	   !strcmp(d.firmware, "1.4.2"), "checkin: recorded, the firmware as last told");
	ok(ask(&s, "SELECT count(*) FROM checkin") == 16 &&
	   ask(&s, "SELECT min(at) FROM checkin") == NOW + 5, "checkin: the last 16 are kept");
	ok(store_checkin(&s, "dev-1", other.serial, NOW, "1") == -EPERM, "checkin: another's: %s",
	   s.error);
	ok(store_checkin(&s, "nobody", c.serial, NOW, "1") == -ENOENT, "checkin: nobody: %s",
	   s.error);
	ok(store_checkin(&s, "dev-1", late.serial, NOW, "1") == -ENOENT, "checkin: unknown: %s",
	   s.error);
	ok(store_checkin(&s, "dev-1", c.serial, NOW, "1\n") == -EINVAL, "checkin: %s", s.error);
	store_cert_revoke(&s, other.serial, NOW, 1);
	ok(store_checkin(&s, "dev-2", other.serial, NOW, "1") == -EPERM &&
	   strstr(s.error, "is revoked"),
	   "checkin: revoked: %s", s.error);
	ok(ask(&s, "SELECT max(checkin) FROM device") == NOW + 20,
	   "checkin: refused ones left nothing");
	token_of(&s, 3, token);
	reserve_for_token(&s, &late);
	ok(store_checkin(&s, "dev-3", late.serial, NOW, "1") == -EPERM, "checkin: %s", s.error);
	issue(&s, &late);
	ok(!store_checkin(&s, "dev-3", late.serial, NOW, "") &&
	   verdict_of(&s, 3, token, 1, NOW) == STORE_TOKEN_USED, "checkin: proves the delivery");
	store_close(&s);
	help_remove();
}

static void check_transaction(void)
{
	struct store_certificate c = cert_of(1, 1, 1);
	struct store s;

	help_open(&s);
	ok(store_commit(&s) == -EINVAL, "commit: %s", s.error);
	ok(!store_begin(&s, false) && store_begin(&s, false) == -EINVAL, "begin: %s", s.error);
	ok(ask(&s, "PRAGMA synchronous") == 1, "begin: not durable");
	store_cert_reserve(&s, &c);
	store_rollback(&s);
	store_rollback(&s);
	ok(ask(&s, "SELECT count(*) FROM certificate") == 0 &&
	   ask(&s, "SELECT count(*) FROM device") == 0,
	   "rollback: nothing is left, and a second one does no harm");
	ok(!store_begin(&s, true) && ask(&s, "PRAGMA synchronous") == 2, "begin: durable");
	store_cert_reserve(&s, &c);
	ok(!store_commit(&s) && ask(&s, "SELECT count(*) FROM certificate") == 1,
	   "commit: it stays");
	store_begin(&s, true);
	store_cert_revoke(&s, c.serial, NOW, 1);
	store_close(&s);
	help_open(&s);
	ok(ask(&s, "SELECT state FROM certificate") == STORE_RESERVED && is_sound(&s),
	   "close: rolls back");
	store_close(&s);
	help_remove();
}

/* Names of devices, with a + where they know the next root. */
static int tell(const char *device, bool knows, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s%s ", device, knows ? "+" : "");
	return 0;
}

static const char *told(struct store *s, const uint8_t root[32], time_t now)
{
	static char text[256];

	text[0] = 0;
	return store_rollover_each(s, root, now, tell, text) ? "?" : text;
}

static void check_rollover(void)
{
	struct store_certificate c[] = { cert_of(1, 1, 1), cert_of(2, 2, 1), cert_of(3, 1, 1), cert_of(4, 3, 1) };
	struct store s;
	size_t i;

	help_open(&s);
	for (i = 0; i < 2; i++)
		if (store_cert_reserve(&s, &c[i]) || issue(&s, &c[i]) || store_cert_delivered(&s, c[i].serial))
			ok(false, "roll-over: a certificate: %s", s.error);
	ok(!strcmp(told(&s, KEY(7), NOW), "dev-1 dev-2 "), "roll-over: nobody was told of the next root");
	ok(!store_rollover_begin(&s, KEY(7)), "roll-over: begun");
	ok(!strcmp(told(&s, KEY(7), NOW), "dev-1 dev-2 "), "roll-over: who has a certificate of before does not know it");
	ok(!store_cert_reserve(&s, &c[2]) && !issue(&s, &c[2]), "roll-over: a new one");
	ok(!strcmp(told(&s, KEY(7), NOW), "dev-1 dev-2 "), "roll-over: which may not have arrived");
	ok(!store_cert_delivered(&s, c[2].serial) && !store_rollover_begin(&s, KEY(7)), "roll-over: begun twice");
	ok(!strcmp(told(&s, KEY(7), NOW), "dev-1+ dev-2 "), "roll-over: who has one of since knows it");
	ok(!strcmp(told(&s, KEY(8), NOW), "dev-1 dev-2 "), "roll-over: but no other");
	ok(!store_cert_revoke(&s, c[1].serial, NOW, 1), "roll-over: a device is taken back");
	ok(!strcmp(told(&s, KEY(7), NOW), "dev-1+ "), "roll-over: and does not count");
	ok(!strcmp(told(&s, KEY(7), c[0].not_after), ""), "roll-over: nor who has none that is good");
	store_close(&s);
	help_remove();
}

int main(void)
{
	help_begin();
	check_open_create();
	check_open_place();
	check_open_version();
	check_peek();
	check_token_new();
	check_token_own();
	check_token_time();
	check_token_wrong();
	check_token_claim();
	check_token_undone();
	check_rekey();
	check_device();
	check_certificate();
	check_checkin();
	check_transaction();
	check_rollover();
	help_end();
	return tap_done();
}
