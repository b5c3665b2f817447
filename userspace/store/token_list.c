// SPDX-License-Identifier: GPL-2.0
/* What is known of tokens but the secret: listed, and withdrawn. */
#include <errno.h>
#include <string.h>

#include "store/db.h"

static void read_token(sqlite3_stmt *stmt, struct store_token_info *out)
{
	int state = sqlite3_column_int(stmt, 5);

	memset(out, 0, sizeof(*out));
	db_text(stmt, 0, out->name, sizeof(out->name));
	db_blob(stmt, 1, out->mac, sizeof(out->mac));
	db_text(stmt, 2, out->maker, sizeof(out->maker));
	out->made = sqlite3_column_int64(stmt, 3);
	out->expires = sqlite3_column_int64(stmt, 4);
	out->used = state == DB_TOKEN_USED;
	out->claimed = state == DB_TOKEN_CLAIMED;
	out->chosen = sqlite3_column_int(stmt, 6) == DB_SCRYPT;
	out->approval = sqlite3_column_int(stmt, 7);
}

/**
 * store_token_each - every token, by the device's name
 * @s: the registry
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Neither the secret nor its hash is read.
 *
 * Return: 0; what @each returned; -errno.
 */
int store_token_each(struct store *s, int (*each)(const struct store_token_info *t, void *arg), void *arg)
{
	static const char sql[] =
		"SELECT d.name, d.mac, t.maker, t.made, t.expires, t.state, t.algorithm, d.approval"
		" FROM token AS t JOIN device AS d ON d.id = t.device ORDER BY d.name";
	struct store_token_info token;
	sqlite3_stmt *stmt = NULL;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL))
		return db_fail(s, "read");
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			read_token(stmt, &token);
		ret = got == 1 ? each(&token, arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}

/**
 * store_token_maker - note who made a device's token
 * @s: the registry
 * @name: the device's
 * @maker: in words; what is not printable ASCII becomes a '?', what is too long is cut
 *
 * Return: 0 or -errno.
 */
int store_token_maker(struct store *s, const char *name, const char *maker)
{
	char text[sizeof(((struct store_token_info *)0)->maker)];
	size_t i;

	for (i = 0; i + 1 < sizeof(text) && maker[i]; i++)
		text[i] = maker[i] >= ' ' && maker[i] <= '~' ? maker[i] : '?';
	text[i] = 0;
	return db_run(s, db_bind(s, DB_TOKEN_MAKER, "tt", name, text));
}

static int withdraw(struct store *s, const char *name)
{
	struct store_device device;
	uint64_t mark = 0;
	int err = store_device_get(s, name, &device);

	if (!err)
		err = store_token_mark(s, name, &mark);
	if (err)
		return err;
	if (!mark)
		return db_refuse(s, -ENOENT, "device '%.64s' has no token", name);
	err = db_run(s, db_bind(s, DB_TOKEN_WITHDRAW, "ti", name, (int64_t)DB_TOKEN_USED));
	if (!err && !sqlite3_changes(s->db))
		return db_refuse(s, -EPERM, "the token of '%.64s' is used up", name);
	return err ? err : db_pending_drop(s, name);
}

/**
 * store_token_withdraw - a device's token is of no use from now on, and no key of the device is approved
 * @s: the registry; without a transaction it makes one
 * @name: the device's
 *
 * A certificate that was issued for it stays.
 *
 * Return: 0; -ENOENT, no such device, or it has none; -EPERM, it is used up; another -errno.
 */
int store_token_withdraw(struct store *s, const char *name)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, withdraw(s, name));
}
