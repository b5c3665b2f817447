// SPDX-License-Identifier: GPL-2.0
/* Notes: keys whose rows were changed here, until etcd has them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

#define MOST	1024	/* that are handed out at once */

/** enum sent - what was handed out last of a note */
enum sent { SENT_NOTHING, SENT_VALUE, SENT_GONE };

/** struct note - the name of a note */
struct note {
	char key[STORE_KEY_LEN];
	int64_t seq;
};

/** db_fleet_note - a key is to be put; @first: before others; 0 or -errno */
int db_fleet_note(struct store *s, const char *key, bool first)
{
	int err = db_run(s, db_bind(s, DB_FLEET_SEQ, ""));

	return err ? err : db_run(s, db_bind(s, DB_FLEET_NOTE, "ti", key, (int64_t)!first));
}

/** db_fleet_unnote - etcd has it as it is here; 0 or -errno */
int db_fleet_unnote(struct store *s, const char *key)
{
	return db_run(s, db_bind(s, DB_FLEET_NOTE_DROP, "t", key));
}

/** db_fleet_find_note - whether a key is noted, and what was there before; 0 or -errno */
int db_fleet_find_note(struct store *s, struct fleet_in *in)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_NOTE_GET, "t", in->key);
	int got = db_step(s, stmt);

	in->noted = got == 1;
	in->withdrawn = got == 1 && db_blob(stmt, 1, in->salt, sizeof(in->salt));
	in->anew = got == 1 && sqlite3_column_type(stmt, 1) == SQLITE_BLOB && !sqlite3_column_bytes(stmt, 1);
	return db_end(stmt, got < 0 ? got : 0);
}

/**
 * db_fleet_know - what etcd has of a key
 * @s: the registry, in a transaction
 * @key: the key
 * @revision: of its last change
 * @gone: which was that it was deleted
 * @strange: which makes no sense here
 *
 * Return: 0 or -errno.
 */
int db_fleet_know(struct store *s, const char *key, int64_t revision, bool gone, bool strange)
{
	return db_run(s, db_bind(s, DB_FLEET_KNOW, "tiii", key, revision, (int64_t)gone, (int64_t)strange));
}

static int collect(struct store *s, unsigned int most, struct note *list, size_t *n)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_NOTES, "i", (int64_t)most);
	int got;

	while ((got = db_step(s, stmt)) == 1 && *n < most) {
		db_text(stmt, 0, list[*n].key, sizeof(list[*n].key));
		list[(*n)++].seq = sqlite3_column_int64(stmt, 1);
	}
	return db_end(stmt, got < 0 ? got : 0);
}

static bool wins(const struct store_fleet_changed *c)
{
	struct fleet_key k;

	/* That a quarantine is over is said with a compare, and so is that a revocation has ended. */
	return c->value && !db_fleet_parse(c->key, &k) &&
	       (k.kind == FLEET_REVOKED || k.kind == FLEET_MARK || k.kind == FLEET_GATEWAY);
}

static int hand_out(struct store *s, const struct note *note,
		    int (*each)(const struct store_fleet_changed *c, void *arg), void *arg)
{
	struct store_fleet_changed c = { .seq = note->seq };
	int err;

	memcpy(c.key, note->key, sizeof(c.key));
	err = store_fleet_value(s, c.key, &c.value, &c.len);
	if (!err)
		err = store_fleet_revision(s, c.key, &c.revision);
	if (!err)
		err = db_run(s, db_bind(s, DB_FLEET_NOTE_SENT, "ti", c.key,
					(int64_t)(c.value ? SENT_VALUE : SENT_GONE)));
	c.wins = wins(&c);
	if (!err)
		err = each(&c, arg);
	free(c.value);
	return err;
}

static int each_note(struct store *s, unsigned int most, struct note *list,
		     int (*each)(const struct store_fleet_changed *c, void *arg), void *arg)
{
	size_t n = 0, i;
	int err = collect(s, most, list, &n);

	for (i = 0; !err && i < n; i++)
		err = hand_out(s, &list[i], each, arg);
	return err;
}

/**
 * store_fleet_changed_each - what is to be put, revocations and marks first, the oldest first
 * @s: the registry; without a transaction each note is marked as handed out in one of its own
 * @most: so many at most
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_fleet_changed_each(struct store *s, unsigned int most,
			     int (*each)(const struct store_fleet_changed *c, void *arg), void *arg)
{
	struct note *list;
	int err;

	if (most > MOST)
		most = MOST;
	list = calloc(most ? most : 1, sizeof(*list));
	if (!list)
		return db_refuse(s, -ENOMEM, "no memory for %u notes", most);
	err = each_note(s, most, list, each, arg);
	free(list);
	return err;
}

static int done(struct store *s, const char *key, int64_t seq, int64_t revision)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_NOTE_GET, "t", key);
	int got = db_step(s, stmt), sent = SENT_NOTHING;
	bool gone, same = false;
	int64_t known = 0;
	char *value = NULL;
	size_t len;
	int err;

	if (got == 1) {
		same = sqlite3_column_int64(stmt, 0) == seq;
		sent = sqlite3_column_int(stmt, 2);
	}
	err = db_end(stmt, got < 0 ? got : 0);
	if (!err && sent == SENT_NOTHING)
		err = store_fleet_value(s, key, &value, &len);
	gone = sent == SENT_NOTHING ? !value : sent == SENT_GONE;
	free(value);
	if (!err)
		err = store_fleet_revision(s, key, &known);
	/* Its own event may have come first. */
	if (!err && revision > known)
		err = db_fleet_know(s, key, revision, gone, false);
	else if (!err && gone && !revision)
		err = db_run(s, db_bind(s, DB_FLEET_UNKNOW, "t", key));
	return !err && same ? db_fleet_unnote(s, key) : err;
}

/**
 * store_fleet_changed_done - it is in etcd
 * @s: the registry; without a transaction it makes one
 * @key: its key
 * @seq: number of the note, as it was handed out
 * @revision: at which it was put or deleted
 *
 * The note stays where its row changed since.
 *
 * Return: 0 or -errno.
 */
int store_fleet_changed_done(struct store *s, const char *key, int64_t seq, int64_t revision)
{
	bool own;
	int err;

	err = db_enter(s, false, &own);
	return err ? err : db_leave(s, own, done(s, key, seq, revision));
}
