// SPDX-License-Identifier: GPL-2.0
/* How far a registry is with what its fleet shares. */
#include <errno.h>
#include <string.h>

#include "store/fleet_db.h"

/**
 * store_fleet_get - which fleet, and how far
 * @s: the registry
 * @out: set on success
 *
 * Return: 0; -ENOENT, it is in none; another -errno.
 */
int store_fleet_get(struct store *s, struct store_fleet *out)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_GET, "");
	int got = db_step(s, stmt);

	memset(out, 0, sizeof(*out));
	if (got == 1) {
		db_text(stmt, 0, out->gateway, sizeof(out->gateway));
		out->cluster = (uint64_t)sqlite3_column_int64(stmt, 1);
		out->revision = sqlite3_column_int64(stmt, 2);
		if (out->revision) {
			db_text(stmt, 3, out->witness, sizeof(out->witness));
			out->mod_revision = sqlite3_column_int64(stmt, 4);
		}
		out->heard = sqlite3_column_int64(stmt, 5);
		out->refused = sqlite3_column_int(stmt, 6);
	}
	if (db_end(stmt, got) < 0)
		return got;
	return got ? 0 : db_refuse(s, -ENOENT, "the registry is in no fleet");
}

static int put(struct store *s, const struct store_fleet *f)
{
	int err = db_run(s, db_bind(s, DB_FLEET_PUT, "iitiii", (int64_t)f->cluster, f->revision, f->witness,
				    f->mod_revision, (int64_t)f->heard, (int64_t)f->refused));

	if (!err && !sqlite3_changes(s->db))
		err = db_refuse(s, -ENOENT, "the registry is in no fleet");
	/* What was deleted is remembered until its event has come. */
	return err ? err : db_run(s, db_bind(s, DB_FLEET_SWEEP, "i", f->revision));
}

/**
 * store_fleet_put - how far it is now
 * @s: the registry; without a transaction it makes one
 * @f: all but the gateway's name
 *
 * A registry that was restored has revision 0 until a list is at its end, whatever is put.
 *
 * Return: 0; -ENOENT, it is in no fleet; another -errno.
 */
int store_fleet_put(struct store *s, const struct store_fleet *f)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, put(s, f));
}

static int number(struct store *s, sqlite3_stmt *stmt, uint64_t *n, time_t *when)
{
	int got = db_step(s, stmt);

	*n = got == 1 ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
	if (when)
		*when = got == 1 ? sqlite3_column_int64(stmt, 1) : 0;
	return db_end(stmt, got < 0 ? got : 0);
}

/** store_fleet_strange - how many keys have a value in etcd that makes no sense here; 0 or -errno */
int store_fleet_strange(struct store *s, uint64_t *n)
{
	return number(s, db_bind(s, DB_FLEET_STRANGE, ""), n, NULL);
}

/** store_fleet_changed_count - how many notes there are, and of when the oldest is: 0, there is none; 0 or -errno */
int store_fleet_changed_count(struct store *s, uint64_t *n, time_t *oldest)
{
	return number(s, db_bind(s, DB_FLEET_NOTE_COUNT, ""), n, oldest);
}

/** store_fleet_version - another number when other connections have written; 0 or -errno */
int store_fleet_version(struct store *s, uint64_t *version)
{
	return number(s, db_bind(s, DB_FLEET_VERSION, ""), version, NULL);
}

/**
 * store_fleet_revision - what a write compares with
 * @s: the registry
 * @key: the key
 * @revision: its mod revision as far as is known; 0, etcd has none
 *
 * Return: 0 or -errno.
 */
int store_fleet_revision(struct store *s, const char *key, int64_t *revision)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_KNOWN, "t", key);
	int got = db_step(s, stmt);

	*revision = got == 1 && !sqlite3_column_int(stmt, 1) ? sqlite3_column_int64(stmt, 0) : 0;
	return db_end(stmt, got < 0 ? got : 0);
}

static bool add(EVP_MD_CTX *ctx, const char *key, int64_t revision)
{
	uint8_t number[8];
	size_t i;

	for (i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)((uint64_t)revision >> (56 - 8 * i));
	return EVP_DigestUpdate(ctx, key, strlen(key) + 1) && EVP_DigestUpdate(ctx, number, sizeof(number));
}

/**
 * store_fleet_digest - the same on two gateways that have taken over the same
 * @s: the registry
 * @out: SHA-256 over each key, its NUL, and its revision, 8 bytes big-endian; in the keys' order
 * @keys: how many; may be NULL
 *
 * It reads all keys: some 1 s for a million.
 *
 * Return: 0 or -errno.
 */
int store_fleet_digest(struct store *s, uint8_t out[32], uint64_t *keys)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	sqlite3_stmt *stmt = NULL;
	uint64_t n = 0;
	int got = 0;
	bool good;

	if (sqlite3_prepare_v2(s->db, "SELECT key, revision FROM fleet_key WHERE NOT gone AND revision ORDER BY key", -1,
			       &stmt, NULL)) {
		EVP_MD_CTX_free(ctx);
		return db_fail(s, "read");
	}
	good = ctx && EVP_DigestInit_ex2(ctx, s->st->sha256, NULL);
	while (good && (got = db_step(s, stmt)) == 1) {
		good = add(ctx, (const char *)sqlite3_column_text(stmt, 0), sqlite3_column_int64(stmt, 1));
		n++;
	}
	good = good && EVP_DigestFinal_ex(ctx, out, NULL);
	sqlite3_finalize(stmt);
	EVP_MD_CTX_free(ctx);
	if (!good)
		return db_refuse(s, -EIO, "OpenSSL cannot hash the keys");
	if (keys)
		*keys = n;
	return got;
}

/** store_fleet_held - does this gateway hold the device's lease; 0 or -errno */
int store_fleet_held(struct store *s, const uint8_t mac[6], bool *held)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_HELD_GET, "b", mac, (size_t)6);
	int got = db_step(s, stmt);

	*held = got == 1;
	return db_end(stmt, got < 0 ? got : 0);
}

/** store_fleet_hold - it does, or does no more; without a transaction it makes one; 0 or -errno */
int store_fleet_hold(struct store *s, const uint8_t mac[6], bool held)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, db_run(s, db_bind(s, held ? DB_FLEET_HELD_PUT : DB_FLEET_HELD_DROP, "b", mac,
							     (size_t)6)));
}

/**
 * store_fleet_held_each - every device that this gateway holds, by MAC
 * @s: the registry
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_fleet_held_each(struct store *s, int (*each)(const uint8_t mac[6], void *arg), void *arg)
{
	sqlite3_stmt *stmt = NULL;
	uint8_t mac[6];
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT mac FROM fleet_held ORDER BY mac", -1, &stmt, NULL))
		return db_fail(s, "read");
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			db_blob(stmt, 0, mac, sizeof(mac));
		ret = got == 1 ? each(mac, arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}
