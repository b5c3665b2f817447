// SPDX-License-Identifier: GPL-2.0
/* Keys that wait for an operator's approval. Each has shown a device's token or manufacturer's certificate. */
#include <errno.h>
#include <string.h>

#include "store/db.h"

#define NOTE_EACH	10	/* seconds: who comes more often is not written down each time */

/**
 * db_pending_drop - a device has neither keys that wait nor any that are approved, nor is the first one that comes
 * @s: the registry
 * @name: the device's
 *
 * Return: 0 or -errno.
 */
int db_pending_drop(struct store *s, const char *name)
{
	int err = db_run(s, db_bind(s, DB_PENDING_DROP, "t", name));

	return err ? err : db_run(s, db_bind(s, DB_DEVICE_UNAPPROVE, "t", name));
}

/* 1, the key is known; 0, it is not; -errno. */
static int find(struct store *s, const char *name, const uint8_t key_id[32], bool *approved, time_t *last)
{
	sqlite3_stmt *stmt = db_bind(s, DB_PENDING_GET, "tb", name, key_id, (size_t)32);
	int got = db_step(s, stmt);

	*approved = got == 1 && sqlite3_column_int(stmt, 0);
	*last = got == 1 ? sqlite3_column_int64(stmt, 1) : 0;
	return db_end(stmt, got);
}

/**
 * store_pending_approved - may a device have a certificate of this key
 * @s: the registry
 * @name: the device's
 * @key_id: of the key
 * @approved: the key is approved, or the first key of this device that comes
 *
 * Return: 0; -ENOENT, no such device; another -errno.
 */
int store_pending_approved(struct store *s, const char *name, const uint8_t key_id[32], bool *approved)
{
	struct store_device device;
	time_t last;
	int got = find(s, name, key_id, approved, &last);

	if (got < 0 || *approved)
		return got < 0 ? got : 0;
	got = store_device_get(s, name, &device);
	*approved = !got && device.approved;
	return got;
}

static int note(struct store *s, const struct store_pending *p, bool *news)
{
	bool approved;
	time_t last;
	int got = find(s, p->name, p->key_id, &approved, &last);

	if (got < 0)
		return got;
	*news = !got;
	if (got && last <= p->last && p->last - last < NOTE_EACH)
		return 0;
	got = db_run(s, db_bind(s, DB_PENDING_PUT, "tbiti", p->name, p->key_id, sizeof(p->key_id), (int64_t)p->way,
				p->peer, (int64_t)p->last));
	if (!got)
		got = db_run(s, db_bind(s, DB_PENDING_PRUNE, "ti", p->name, (int64_t)DB_PENDING));
	return got;
}

/**
 * store_pending_note - write down that a key waits
 * @s: the registry; without a transaction it makes one that is not durable
 * @p: name, key_id, way, peer and last
 * @news: it did not wait before
 *
 * Of a device the 8 keys that came last are kept, and those that are approved.
 *
 * Return: 0 or -errno.
 */
int store_pending_note(struct store *s, const struct store_pending *p, bool *news)
{
	bool own;
	int err;

	*news = false;
	err = db_enter(s, false, &own);
	return err ? err : db_leave(s, own, note(s, p, news));
}

/**
 * store_pending_approve - an operator lets a device have a certificate of this key, and of no other
 * @s: the registry; without a transaction it makes one
 * @name: the device's
 * @key_id: of the key, which need not have come yet
 *
 * Return: 0; -ENOENT, no such device; another -errno.
 */
int store_pending_approve(struct store *s, const char *name, const uint8_t key_id[32])
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_PENDING_APPROVE, "tb", name, key_id, (size_t)32));
	if (!err && !sqlite3_changes(s->db))
		err = db_refuse(s, -ENOENT, "no device '%.64s' in the registry", name);
	return db_leave(s, own, err);
}

/**
 * store_pending_done - a device has got its certificate: an approval is for one
 * @s: the registry; without a transaction it makes one
 * @name: the device's
 *
 * Return: 0 or -errno.
 */
int store_pending_done(struct store *s, const char *name)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, db_pending_drop(s, name));
}

static void read_pending(sqlite3_stmt *stmt, struct store_pending *out)
{
	memset(out, 0, sizeof(*out));
	db_text(stmt, 0, out->name, sizeof(out->name));
	db_blob(stmt, 1, out->mac, sizeof(out->mac));
	db_blob(stmt, 2, out->key_id, sizeof(out->key_id));
	out->way = sqlite3_column_int(stmt, 3);
	db_text(stmt, 4, out->peer, sizeof(out->peer));
	out->first = sqlite3_column_int64(stmt, 5);
	out->last = sqlite3_column_int64(stmt, 6);
	out->approved = sqlite3_column_int(stmt, 7);
}

/**
 * store_pending_each - every key that waits or is approved, by the device's name, the one that came first first
 * @s: the registry
 * @name: of one device; NULL, all
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_pending_each(struct store *s, const char *name,
		       int (*each)(const struct store_pending *p, void *arg), void *arg)
{
	static const char sql[] =
		"SELECT d.name, d.mac, p.key_id, p.way, p.peer, p.first, p.last, p.approved FROM pending AS p"
		" JOIN device AS d ON d.id = p.device WHERE ?1 IS NULL OR d.name = ?1"
		" ORDER BY d.name, p.first, p.key_id";
	struct store_pending pending;
	sqlite3_stmt *stmt = NULL;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL))
		return db_fail(s, "read");
	if (name)
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			read_pending(stmt, &pending);
		ret = got == 1 ? each(&pending, arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}
