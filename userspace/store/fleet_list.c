// SPDX-License-Identifier: GPL-2.0
/* All that etcd has, at one moment; and what it has not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

#define BATCH	256	/* keys at once */

/** struct unseen - a key that did not come */
struct unseen {
	char key[STORE_KEY_LEN];
	int64_t revision;
};

static int check_transaction(struct store *s)
{
	return sqlite3_get_autocommit(s->db) ? db_refuse(s, -EINVAL, "no transaction to take a list over in") : 0;
}

/**
 * store_fleet_list_begin - all keys follow, as they are at one revision
 * @s: the registry, in a transaction of the caller's, which goes on until the list is at its end
 *
 * Return: 0; -ENOENT, the registry is in no fleet; another -errno.
 */
int store_fleet_list_begin(struct store *s)
{
	int err = check_transaction(s);

	if (!err)
		err = db_run(s, db_bind(s, DB_FLEET_LIST_BEGIN, ""));
	if (!err && !sqlite3_changes(s->db))
		err = db_refuse(s, -ENOENT, "the registry is in no fleet");
	return err;
}

static int next_unseen(struct store *s, const char *after, struct unseen *list, size_t *n)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_UNSEEN, "ti", after, (int64_t)BATCH);
	int got;

	for (*n = 0; (got = db_step(s, stmt)) == 1 && *n < BATCH; (*n)++) {
		db_text(stmt, 0, list[*n].key, sizeof(list[*n].key));
		list[*n].revision = sqlite3_column_int64(stmt, 1);
	}
	return db_end(stmt, got < 0 ? got : 0);
}

/* What this gateway put after the last event that it heard of may have been put after the list was made. */
static bool is_late(const struct fleet_in *in, int64_t revision, int64_t reached)
{
	return revision > reached && (in->k.kind == FLEET_DEVICE || in->k.kind == FLEET_CERT);
}

static int take_away(struct store *s, const struct unseen *u, const char *self, int64_t reached, unsigned int *gone)
{
	struct store_fleet_effect effect = { .what = STORE_FLEET_NOTHING };
	struct fleet_in in = { .key = u->key, .effect = &effect };
	int err = 0;

	memcpy(in.self, self, sizeof(in.self));
	/* One that never made sense has no row. */
	if (db_fleet_parse(u->key, &in.k)) {
		;
	} else if (is_late(&in, u->revision, reached)) {
		err = db_fleet_note(s, u->key, false);
	} else {
		++*gone;
		err = db_fleet_take(s, &in);
	}
	return err ? err : db_run(s, db_bind(s, DB_FLEET_UNKNOW, "t", u->key));
}

static int take_all_away(struct store *s, struct unseen *list, unsigned int *gone)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_GET, "");
	int got = db_step(s, stmt), err;
	char self[STORE_GATEWAY_LEN] = "", after[STORE_KEY_LEN] = "";
	int64_t reached = 0;
	size_t n, i;

	if (got == 1) {
		db_text(stmt, 0, self, sizeof(self));
		reached = sqlite3_column_int64(stmt, 7);
	}
	err = db_end(stmt, got < 0 ? got : 0);
	do {
		if (!err)
			err = next_unseen(s, after, list, &n);
		for (i = 0; !err && i < n; i++)
			err = take_away(s, &list[i], self, reached, gone);
		if (!err && n)
			memcpy(after, list[n - 1].key, sizeof(after));
	} while (!err && n == BATCH);
	return err;
}

/**
 * store_fleet_list_end - all keys have come: what has not is deleted
 * @s: the registry, in the transaction of store_fleet_list_begin()
 * @gone: how many keys; may be NULL
 *
 * But revocations that have not ended, which are noted, so that etcd has them again, and what is noted as changed.
 *
 * Return: 0 or -errno.
 */
int store_fleet_list_end(struct store *s, unsigned int *gone)
{
	struct unseen *list;
	unsigned int n = 0;
	int err = check_transaction(s);

	if (err)
		return err;
	list = calloc(BATCH, sizeof(*list));
	if (!list)
		return db_refuse(s, -ENOMEM, "no memory for a list");
	err = take_all_away(s, list, &n);
	free(list);
	if (gone)
		*gone = n;
	return err ? err : db_run(s, db_bind(s, DB_FLEET_LIST_END, ""));
}
