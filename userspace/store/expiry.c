// SPDX-License-Identifier: GPL-2.0
/* When certificates end that are in use: of each name the one that ends last. */
#include "store/db.h"

/**
 * store_expiry_each - of each name of a kind, the certificate that ends last
 * @s: the registry
 * @kind: enum pki_kind
 * @since: what ended before is left out
 * @each: told name, beginning and end, the earliest end first; what it returns but 0 ends the walk
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_expiry_each(struct store *s, int kind, time_t since,
		      int (*each)(const char *name, time_t from, time_t until, void *arg), void *arg)
{
	static const char sql[] =
		"SELECT name, not_before, max(not_after) AS until FROM certificate"
		" WHERE kind = ?1 AND state IN (1, 2) AND not_after > ?2 GROUP BY name ORDER BY until, name";
	sqlite3_stmt *stmt = NULL;
	char name[64];
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_int(stmt, 1, kind);
	sqlite3_bind_int64(stmt, 2, since);
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			db_text(stmt, 0, name, sizeof(name));
		ret = got == 1 ? each(name, sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2), arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}

/**
 * store_expiry_of - when the certificate of a name ends that ends last
 * @s: the registry
 * @kind: enum pki_kind
 * @name: of device or server
 * @until: 0, there is none
 *
 * Return: 0 or -errno.
 */
int store_expiry_of(struct store *s, int kind, const char *name, time_t *until)
{
	static const char sql[] =
		"SELECT max(not_after) FROM certificate WHERE kind = ?1 AND name = ?2 AND state IN (1, 2)";
	sqlite3_stmt *stmt = NULL;
	int got;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_int(stmt, 1, kind);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	got = db_step(s, stmt);
	*until = got == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return got < 0 ? got : 0;
}
