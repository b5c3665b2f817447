// SPDX-License-Identifier: GPL-2.0
/* A registry that is copied, put back, and takes over what was signed since. */
#include <openssl/evp.h>

#include "../../userspace/store/store.h"
#include "store_help.h"

static struct store_certificate adopted_of(unsigned int n, unsigned int d)
{
	struct store_certificate c = cert_of(n, d, 1);

	memset(c.fingerprint, 0x5a, sizeof(c.fingerprint));
	return c;
}

static int adopt(struct store *s, const struct store_certificate *c)
{
	static const uint8_t der[] = { 0x30, 0x00 };

	return store_cert_adopt(s, c, der, sizeof(der));
}

static void check_adopt(void)
{
	struct store_certificate c = adopted_of(1, 1), other = adopted_of(2, 1), got;
	struct store_device d;
	struct store s;

	help_open(&s);
	ok(!adopt(&s, &c) && !store_cert_get(&s, c.serial, &got, NULL, NULL) && got.state == STORE_DELIVERED &&
	   !memcmp(got.fingerprint, c.fingerprint, 32), "adopt: it is delivered");
	ok(!store_device_get(&s, "dev-1", &d) && !memcmp(d.mac, c.mac, 6) && d.enrolled == c.not_before,
	   "adopt: and its device is known");
	ok(!store_checkin(&s, "dev-1", c.serial, NOW, NULL), "adopt: which checks in");
	ok(adopt(&s, &c) == -EEXIST, "adopt: not twice: %s", s.error);
	ok(!adopt(&s, &other), "adopt: another one of the device");
	other = adopted_of(3, 1);
	mac_of(9, other.mac);
	ok(adopt(&s, &other) == -EPERM && strstr(s.error, "in the registry, not"), "adopt: another MAC: %s", s.error);
	other = adopted_of(3, 2);
	mac_of(1, other.mac);
	ok(adopt(&s, &other) == -EPERM && strstr(s.error, "that of 'dev-1'"), "adopt: another name: %s", s.error);
	ok(store_device_get(&s, "dev-2", &d) == -ENOENT, "adopt: and nothing of it is left");
	other = adopted_of(3, 3);
	other.not_after = other.not_before;
	ok(adopt(&s, &other) == -EINVAL, "adopt: not one that ends before it begins");
	other = adopted_of(3, 3);
	strcpy(other.name, "not a name");
	ok(adopt(&s, &other) == -EINVAL, "adopt: nor one of a name that is none");
	ok(is_sound(&s), "adopt: it is sound");
	store_close(&s);
	help_remove();
}

/* A device that was renamed has rows under both names. */
static void check_adopt_renamed(void)
{
	struct store_certificate c = adopted_of(1, 2);
	char token[STORE_TOKEN_LEN];
	uint8_t mac[6];
	struct store s;

	help_open(&s);
	mac_of(2, mac);
	ok(!store_token_new(&s, "old", mac, NULL, DAY, false, NOW, token, sizeof(token)) && !token_of(&s, 2, token) &&
	   !adopt(&s, &c), "adopt: a device that had another name before");
	store_close(&s);
	help_remove();
}

static int tell(const char *device, bool knows, void *arg)
{
	sprintf((char *)arg + strlen(arg), "%s%s ", device, knows ? "+" : "");
	return 0;
}

static int first(const struct store_certificate *c, void *arg)
{
	memcpy(arg, c->serial, STORE_SERIAL_LEN);
	return 1;
}

/* It says nothing of what its device has learned, and is older than what was made here. */
static void check_adopt_order(void)
{
	struct store_certificate old = adopted_of(1, 1), older = adopted_of(2, 1);
	struct store_certificate now = cert_of(3, 1, 1), two = cert_of(4, 2, 1);
	uint8_t serial[STORE_SERIAL_LEN];
	char text[128] = "";
	struct store s;

	help_open(&s);
	ok(!adopt(&s, &old) && !store_rollover_begin(&s, KEY(7)) && !adopt(&s, &older) &&
	   !store_rollover_each(&s, KEY(7), NOW, tell, text) && !strcmp(text, "dev-1 "),
	   "adopt: its device does not count as one that knows the next root: %s", text);
	text[0] = 0;
	ok(!store_cert_reserve(&s, &two) && !issue(&s, &two) && !store_cert_delivered(&s, two.serial) &&
	   !store_rollover_each(&s, KEY(7), NOW, tell, text) && !strcmp(text, "dev-1 dev-2+ "),
	   "adopt: control: who gets one then does: %s", text);
	ok(!store_cert_reserve(&s, &now) && !issue(&s, &now) && store_cert_newest(&s, "dev-1", 1, first, serial) == 1 &&
	   !memcmp(serial, now.serial, sizeof(serial)), "adopt: the newest is the one that was made here");
	older = adopted_of(5, 1);
	ok(!adopt(&s, &older) && store_cert_newest(&s, "dev-1", 1, first, serial) == 1 &&
	   !memcmp(serial, now.serial, sizeof(serial)), "adopt: also when another one comes later");
	store_close(&s);
	help_remove();
}

static void check_revoked(void)
{
	struct store_certificate known = cert_of(1, 1, 1), c = cert_of(2, 2, 1), odd = cert_of(3, 3, 1), got;
	uint64_t before, after, number;
	bool news = false;
	struct store s;

	help_open(&s);
	ok(!enrol(&s, 1, 1) && !store_revocations(&s, &before), "revoked: a device");
	ok(!store_revoked_add(&s, known.serial, NOW, 1, NOW + DAY, &news) && news &&
	   !store_cert_get(&s, known.serial, &got, NULL, NULL) && got.state == STORE_REVOKED && got.reason == 1,
	   "revoked: its certificate is on a list");
	ok(!store_revoked_add(&s, c.serial, NOW, 4, NOW + DAY, &news) && news &&
	   !store_cert_get(&s, c.serial, &got, NULL, NULL) && got.state == STORE_REVOKED &&
	   !strcmp(got.name, STORE_LOST) && got.not_after == NOW + DAY, "revoked: one that is not known here");
	ok(!store_revocations(&s, &after) && after == before + 2, "revoked: both are counted");
	ok(!store_revoked_add(&s, c.serial, NOW, 4, NOW + DAY, &news) && !news, "revoked: once");
	ok(!store_revocations(&s, &before) && after == before, "revoked: and not counted again");
	ok(adopt(&s, &c) == -EEXIST, "revoked: it is not adopted: %s", s.error);
	ok(store_cert_reserve(&s, &c) == -EEXIST, "revoked: nor is its serial number given again: %s", s.error);
	ok(!store_revoked_add(&s, odd.serial, NOW, 7, NOW + DAY, &news) &&
	   !store_cert_get(&s, odd.serial, &got, NULL, NULL) && !got.reason, "revoked: for no reason that there is");
	ok(!store_crl_raise(&s, 40) && !store_crl_last(&s, &number) && number == 40 && !store_crl_number(&s, &number) &&
	   number == 41, "revoked: the next list's number is greater");
	ok(!store_crl_raise(&s, 7) && !store_crl_last(&s, &number) && number == 41, "revoked: and never less");
	ok(store_crl_raise(&s, UINT64_MAX) == -EINVAL, "revoked: a number that would be the last: %s", s.error);
	store_close(&s);
	help_remove();
}

static void check_burn(void)
{
	char fresh[STORE_TOKEN_LEN], pending[STORE_TOKEN_LEN], later[STORE_TOKEN_LEN];
	struct store_certificate c = cert_of(1, 2, 1);
	unsigned int burnt = 0;
	bool approved = true;
	time_t when = 1;
	struct store s;

	help_open(&s);
	ok(!token_of(&s, 1, fresh) && !token_of(&s, 2, pending) && !reserve_for_token(&s, &c) && !issue(&s, &c),
	   "burn: a token, and one whose certificate may not have arrived");
	ok(!store_restored_get(&s, &when) && !when, "burn: the registry was never restored");
	ok(!store_tokens_burn(&s, NOW - 1, &burnt) && !burnt && verdict_of(&s, 1, fresh, 1, NOW) == STORE_TOKEN_GOOD,
	   "burn: not what was made later");
	store_device_approve(&s, "dev-1");
	ok(!store_tokens_burn(&s, NOW, &burnt) && burnt == 2, "burn: both");
	ok(!store_pending_approved(&s, "dev-1", KEY(5), &approved) && !approved, "burn: no approval of before counts");
	ok(verdict_of(&s, 1, fresh, 1, NOW) == STORE_TOKEN_USED &&
	   verdict_of(&s, 2, pending, 1, NOW) == STORE_TOKEN_USED,
	   "burn: neither is any good");
	ok(!token_of(&s, 1, later) && verdict_of(&s, 1, later, 1, NOW) == STORE_TOKEN_GOOD, "burn: a new one is");
	ok(!store_restored_put(&s, NOW) && !store_restored_get(&s, &when) && when == NOW,
	   "burn: when it was restored is kept");
	store_close(&s);
	help_remove();
}

static void on_fault(const char *fault, bool damage, void *arg)
{
	sprintf((char *)arg + strlen(arg), "%s%s\n", damage ? "!" : "", fault);
}

static const struct {
	const char *sql;
	const char *fault;
} faults[] = {
	{ "UPDATE certificate SET state = 9", "in a state, or of a kind, that does not exist" },
	{ "UPDATE certificate SET not_after = not_before", "ends before it begins" },
	{ "UPDATE certificate SET state = 3", "is revoked at no time" },
	{ "UPDATE certificate SET revoked = 1", "is revoked at no time, or not revoked" },
	{ "UPDATE certificate SET name = 'dev-7'", "of dev-7: there is no such device" },
	{ "UPDATE certificate SET der = x'3001'", "!certificate 010000000000000000000000000000" },
	{ "UPDATE token SET salt = x''", "the token of dev-1 makes no sense" },
	{ "DELETE FROM counter WHERE name = 'crl'", "the counter 'crl' is missing" },
	{ "INSERT INTO firmware_model VALUES ('m', 3)", "wrongly counted, model m: 3 devices, and there are 0" },
	{ "DROP TABLE checkin", "!table 'checkin' is missing" },
	{ "DROP INDEX certificate_end", "!index 'certificate_end' is missing" },
	{ "CREATE TABLE more (x)", "!table 'more' does not belong there" },
	{ "CREATE TRIGGER t AFTER INSERT ON token BEGIN DELETE FROM certificate; END",
	  "!trigger 't' does not belong there" },
	{ "DROP TRIGGER firmware_action_gone; CREATE TRIGGER firmware_action_gone AFTER DELETE ON firmware_action BEGIN"
	  " DELETE FROM token; END", "!trigger 'firmware_action_gone' is missing, or not as it should be" },
	{ "PRAGMA foreign_keys = OFF; INSERT INTO checkin VALUES (77, 0, 0, x'', '')",
	  "!a row belongs to nothing: table checkin" },
};

/* A certificate whose fingerprint is right, which those of store_help.h are not. */
static bool sound_one(struct store *s)
{
	static const uint8_t der[] = { 0x30, 0x00 };
	struct store_certificate c = cert_of(1, 1, 1);
	char token[STORE_TOKEN_LEN];

	return EVP_Q_digest(NULL, "SHA256", NULL, der, sizeof(der), c.fingerprint, NULL) &&
	       !token_of(s, 1, token) && !reserve_for_token(s, &c) &&
	       !store_cert_issued(s, c.serial, der, sizeof(der), c.fingerprint, c.not_after);
}

static void check_check(void)
{
	char text[4096] = "";
	unsigned int n, damage;
	struct store s;
	size_t i;

	help_open(&s);
	ok(sound_one(&s) && !store_check(&s, on_fault, text, &n, &damage) && !n && !damage,
	   "check: a sound one: %s", text);
	store_close(&s);
	help_remove();
	for (i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		help_open(&s);
		text[0] = 0;
		if (!sound_one(&s) || sqlite3_exec(s.db, faults[i].sql, NULL, NULL, NULL))
			ok(false, "check: %s", sqlite3_errmsg(s.db));
		ok(!store_check(&s, on_fault, text, &n, &damage) && n && strstr(text, faults[i].fault) &&
		   !damage == (faults[i].fault[0] != '!'), "check: %s: %s", faults[i].sql, text);
		store_close(&s);
		help_remove();
	}
}

static bool is_private(const char *path)
{
	struct stat st;

	return !stat(path, &st) && (st.st_mode & 07777) == 0600;
}

static void check_backup(void)
{
	char path[96], staged[128], kept[128];
	struct store s, copy;
	char text[4096] = "";

	snprintf(path, sizeof(path), "%s/backup.db", help_dir);
	help_open(&s);
	ok(sound_one(&s) && !store_backup(&s, path, on_fault, text), "backup: %s", s.error);
	ok(is_private(path) && !store_look(&copy, path) && ask(&copy, "SELECT count(*) FROM certificate") == 1,
	   "backup: 0600, and all is in it");
	store_close(&copy);
	ok(sqlite3_exec(s.db, "UPDATE certificate SET der = x'3001'", NULL, NULL, NULL) == SQLITE_OK &&
	   store_backup(&s, path, on_fault, text) == -EBADMSG, "backup: of a damaged one: %s", s.error);
	ok(!store_look(&copy, path) && ask(&copy, "SELECT length(der) = 2 AND der = x'3000' FROM certificate") == 1,
	   "backup: leaves the one that is there");
	store_close(&copy);
	ok(store_backup(&s, help_path, NULL, NULL) == -EINVAL, "backup: not onto itself: %s", s.error);
	ok(store_backup(&s, help_dir, NULL, NULL) == -EINVAL, "backup: not onto a directory: %s", s.error);
	ok(store_backup(&s, "/nowhere/at/all", NULL, NULL) == -ENOENT, "backup: into no directory: %s", s.error);
	/* While it is open: who has it open sees the one or the other. */
	ok(!store_stage(&copy, path, help_path, staged, sizeof(staged)) && is_private(staged) &&
	   !store_open(&copy, staged, false), "restore: a copy of it: %s", copy.error);
	ok(!store_replace(&copy, help_path, kept, sizeof(kept)) && is_private(kept), "restore: %s", copy.error);
	store_close(&copy);
	store_unstage(staged);
	ok(ask(&s, "SELECT der = x'3000' FROM certificate") == 1 && is_sound(&s),
	   "restore: who has it open sees the new one");
	store_close(&s);
	ok(!store_look(&copy, kept) && ask(&copy, "SELECT der = x'3001' FROM certificate") == 1,
	   "restore: the old one is kept");
	store_close(&copy);
	remove_all(kept);
	ok(store_stage(&copy, help_path, help_path, staged, sizeof(staged)) == -EINVAL && !staged[0],
	   "restore: not of itself: %s", copy.error);
	ok(store_stage(&copy, help_dir, help_path, staged, sizeof(staged)) == -EINVAL && !staged[0],
	   "restore: not of a directory: %s", copy.error);
	remove_all(path);
	help_remove();
}

/* A machine that has nothing yet, and paths through symbolic links. */
static void check_places(void)
{
	char link[96], path[128], fresh[128], staged[160], kept[160], dir[96];
	struct store s, copy;

	snprintf(link, sizeof(link), "%s/link", help_dir);
	snprintf(path, sizeof(path), "%s/backup.db", link);
	snprintf(dir, sizeof(dir), "%s/new", help_dir);
	snprintf(fresh, sizeof(fresh), "%s/registry.db", dir);
	help_open(&s);
	ok(sound_one(&s) && !symlink(help_dir, link) && !store_backup(&s, path, NULL, NULL) && is_private(path),
	   "backup: by a symbolic link to the directory: %s", s.error);
	store_close(&s);
	ok(!store_stage(&copy, path, fresh, staged, sizeof(staged)) && !store_open(&copy, staged, false) &&
	   !store_replace(&copy, fresh, kept, sizeof(kept)) && !kept[0] && is_private(fresh),
	   "restore: where there is neither registry nor directory: %s", copy.error);
	store_close(&copy);
	store_unstage(staged);
	ok(!store_open(&s, fresh, false) && ask(&s, "SELECT count(*) FROM certificate") == 1, "restore: it is there");
	store_close(&s);
	remove_all(fresh);
	ok(!rmdir(dir), "restore: and nothing beside it");
	remove_all(path);
	unlink(link);
	help_remove();
}

/* A backup from before the last upgrade. */
static void check_older_version(void)
{
	static const char older[] = NO_FLEET "DROP TABLE pending; ALTER TABLE token DROP COLUMN maker; "
				    "ALTER TABLE device DROP COLUMN rekeyed; ALTER TABLE device DROP COLUMN retired;"
				    " PRAGMA user_version = 2";
	char file[128], staged[128];
	struct store s, copy;
	unsigned int n;

	help_open(&s);
	if (!sound_one(&s) || sqlite3_exec(s.db, older, NULL, NULL, NULL))
		ok(false, "restore: version 2: %s", sqlite3_errmsg(s.db));
	store_close(&s);
	ok(!store_look(&s, help_path) && !store_check(&s, NULL, NULL, &n, NULL) && !n, "check: one of version 2");
	store_close(&s);
	snprintf(file, sizeof(file), "%s/other.db", help_dir);
	rename(help_path, file);
	ok(!store_stage(&s, file, help_path, staged, sizeof(staged)) && !store_open(&copy, staged, false) &&
	   ask(&copy, "SELECT count(*) FROM device WHERE rekeyed = 0") == 1, "restore: one of version 2 is renewed");
	store_close(&copy);
	store_unstage(staged);
	remove_all(file);
	help_remove();
}

int main(void)
{
	help_begin();
	check_adopt();
	check_adopt_renamed();
	check_adopt_order();
	check_revoked();
	check_burn();
	check_check();
	check_backup();
	check_places();
	check_older_version();
	help_end();
	return tap_done();
}
