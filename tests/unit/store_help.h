/* SPDX-License-Identifier: GPL-2.0 */
/* A registry in a directory of its own, and a device that enrols with it. */
#ifndef STORE_HELP_H
#define STORE_HELP_H

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../userspace/store/store.h"
#include "tap.h"

#define NOW	1800000000
#define DAY	86400
/* As before there were fleets. */
#define NO_FLEET "DROP TABLE fleet; DROP TABLE fleet_key; DROP TABLE fleet_note; DROP TABLE fleet_revoked;" \
		 " DROP TABLE fleet_mark; DROP TABLE fleet_gateway; DROP TABLE fleet_held; DROP TABLE fleet_text;" \
		 " DROP TABLE fleet_failed; ALTER TABLE certificate DROP COLUMN gateway; "
#define KEY(n)	((const uint8_t[32]){ [31] = (n) })

static char help_dir[32], help_path[64];

/* In memory where there is some: no test cuts the power, and every commit is synchronised. */
static void help_begin(void)
{
	snprintf(help_dir, sizeof(help_dir), "%s/store-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(help_dir)) {
		perror("mkdtemp");
		exit(1);
	}
	snprintf(help_path, sizeof(help_path), "%s/registry.db", help_dir);
}

static void remove_all(const char *name)
{
	static const char * const ends[] = { "", "-wal", "-shm", "-journal" };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		snprintf(path, sizeof(path), "%s%s", name, ends[i]);
		unlink(path);
	}
}

static void help_remove(void)
{
	remove_all(help_path);
}

static void help_end(void)
{
	help_remove();
	rmdir(help_dir);
}

static inline void help_open(struct store *s)
{
	if (store_open(s, help_path, true)) {
		printf("Bail out! %s\n", s->error);
		exit(1);
	}
}

/* What a query's only value is; -1 when it fails. */
static int64_t ask(struct store *s, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (!sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static inline bool is_sound(struct store *s)
{
	sqlite3_stmt *stmt = NULL;
	bool sound;

	sqlite3_prepare_v2(s->db, "PRAGMA integrity_check", -1, &stmt, NULL);
	sound = sqlite3_step(stmt) == SQLITE_ROW &&
		!strcmp((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	return sound && ask(s, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

static void mac_of(unsigned int n, uint8_t mac[6])
{
	const uint8_t bytes[6] = { 2, 0, n >> 24, n >> 16, n >> 8, n };

	memcpy(mac, bytes, 6);
}

/* Certificate n of device d, with key k. */
static struct store_certificate cert_of(unsigned int n, unsigned int d, uint8_t k)
{
	struct store_certificate c = { .not_before = NOW, .not_after = NOW + 30 * DAY };

	snprintf(c.name, sizeof(c.name), "dev-%u", d);
	mac_of(d, c.mac);
	memcpy(c.serial, &n, sizeof(n));
	c.serial[15] = 1;
	c.key_id[31] = k;
	return c;
}

static int token_of(struct store *s, unsigned int d, char token[STORE_TOKEN_LEN])
{
	char name[32];
	uint8_t mac[6];

	snprintf(name, sizeof(name), "dev-%u", d);
	mac_of(d, mac);
	return store_token_new(s, name, mac, NULL, DAY, false, NOW, token, STORE_TOKEN_LEN);
}

/* The verdict; -1 on an error. */
static int verdict_of(struct store *s, unsigned int d, const char *token, uint8_t k, time_t now)
{
	enum store_token verdict;
	char name[32];

	snprintf(name, sizeof(name), "dev-%u", d);
	return store_token_check(s, name, token, KEY(k), now, &verdict, NULL, NULL) ? -1 :
	       (int)verdict;
}

static int reserve_for_token(struct store *s, const struct store_certificate *c)
{
	int err = store_begin(s, true);

	if (!err)
		err = store_cert_reserve(s, c);
	if (!err)
		err = store_token_claim(s, c->name, c->key_id, c->serial);
	if (!err)
		return store_commit(s);
	store_rollback(s);
	return err;
}

static int issue(struct store *s, const struct store_certificate *c)
{
	uint8_t der[700] = { 0x30 };

	memcpy(der + 1, c->serial, STORE_SERIAL_LEN);
	return store_cert_issued(s, c->serial, der, sizeof(der), KEY(9), c->not_after);
}

/* From the token to the certificate's arrival: as many transactions as in earnest. */
static inline int enrol(struct store *s, unsigned int n, unsigned int d)
{
	struct store_certificate c = cert_of(n, d, 1);
	char token[STORE_TOKEN_LEN];
	int err;

	err = token_of(s, d, token);
	if (!err && verdict_of(s, d, token, 1, NOW) != STORE_TOKEN_GOOD)
		err = -EPERM;
	if (!err)
		err = reserve_for_token(s, &c);
	if (!err)
		err = issue(s, &c);
	return err ? err : store_cert_delivered(s, c.serial);
}

#endif
