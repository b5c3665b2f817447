// SPDX-License-Identifier: GPL-2.0
/* Which devices have come to know the root of a CA that is to follow. */
#include <errno.h>
#include <stdio.h>

#include "lib/policy.h"
#include "store/db.h"

#define NAME_LEN	(sizeof("rollover:") + 64)

static const char *mark_name(const uint8_t root[32], char out[NAME_LEN])
{
	char text[2 * 32 + 1];

	snprintf(out, NAME_LEN, "rollover:%s", policy_hex_text(root, 32, text));
	return out;
}

static int put_mark(struct store *s, const uint8_t root[32])
{
	sqlite3_stmt *stmt = NULL;
	char name[NAME_LEN];
	int err;

	if (sqlite3_prepare_v2(s->db, "INSERT OR IGNORE INTO counter (name, value)"
			       " SELECT ?1, coalesce(max(id), 0) FROM certificate", -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_text(stmt, 1, mark_name(root, name), -1, SQLITE_STATIC);
	err = db_step(s, stmt);
	sqlite3_finalize(stmt);
	return err < 0 ? err : 0;
}

/**
 * store_rollover_begin - from now on, who gets a certificate is given the next root as well
 * @s: the registry; without a transaction it makes a durable one
 * @root: SHA-256 of the next root; said twice, the first time counts
 *
 * Kept is the last certificate of before, not the time: clocks are set.
 *
 * Return: 0 or -errno.
 */
int store_rollover_begin(struct store *s, const uint8_t root[32])
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, put_mark(s, root));
}

/**
 * store_rollover_each - every device that has a certificate, and whether it knows the next root
 * @s: the registry
 * @root: SHA-256 of the next root
 * @now: what has ended by then does not count
 * @each: told of each, in the order of names; what it returns but 0 ends the walk
 * @arg: for @each
 *
 * A device knows it by a certificate that has reached it since store_rollover_begin().
 *
 * Return: 0; what @each returned; -errno.
 */
int store_rollover_each(struct store *s, const uint8_t root[32], time_t now,
			int (*each)(const char *device, bool knows, void *arg), void *arg)
{
	static const char sql[] =
		"SELECT name, max(state = 2 AND id > coalesce((SELECT value FROM counter WHERE name = ?1),"
		" 9223372036854775807)) FROM certificate WHERE kind = 0 AND state IN (1, 2)"
		" AND not_after > ?2 AND gateway = '' GROUP BY name ORDER BY name";
	char mark[NAME_LEN], device[64];
	sqlite3_stmt *stmt = NULL;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_text(stmt, 1, mark_name(root, mark), -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, now);
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			db_text(stmt, 0, device, sizeof(device));
		ret = got == 1 ? each(device, sqlite3_column_int(stmt, 1), arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}
