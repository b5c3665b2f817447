// SPDX-License-Identifier: GPL-2.0
/* all/pending/NAME/KEY. From where, and when, it came last is known where it came. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

/** struct pending - a row of keys that wait */
struct pending {
	uint8_t mac[6];
	int64_t way;
	int64_t first;
	bool approved;
};

/* 1, there is one; 0 or -errno. */
static int get(struct store *s, const struct fleet_key *k, struct pending *p)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_PENDING_GET, "tb", k->name, k->id, sizeof(k->id));
	int got = db_step(s, stmt);

	memset(p, 0, sizeof(*p));
	if (got == 1) {
		db_blob(stmt, 0, p->mac, sizeof(p->mac));
		p->way = sqlite3_column_int64(stmt, 1);
		p->first = sqlite3_column_int64(stmt, 2);
		p->approved = sqlite3_column_int(stmt, 3);
	}
	return db_end(stmt, got);
}

/** db_fleet_pending_value - of its row */
int db_fleet_pending_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	struct pending p;
	int got = get(s, k, &p);
	json_t *o;

	*out = NULL;
	*len = 0;
	if (got != 1)
		return got;
	o = db_fleet_object();
	db_fleet_set_mac(o, "mac", p.mac);
	db_fleet_set_int(o, "way", p.way);
	db_fleet_set_int(o, "first", p.first);
	db_fleet_set_bool(o, "approved", p.approved);
	return db_fleet_dump(s, o, out, len);
}

static bool read_pending(const json_t *o, struct pending *p)
{
	return db_fleet_get_mac(o, "mac", p->mac) && db_fleet_get_int(o, "way", STORE_WAY_IDEVID, &p->way) &&
	       db_fleet_get_int(o, "first", FLEET_TIME_MAX, &p->first) && db_fleet_get_bool(o, "approved", &p->approved);
}

/* It is of the device that has the name now. */
static int fits(struct store *s, const struct fleet_in *in, const struct pending *p)
{
	struct store_device d;
	int err = store_device_get(s, in->k.name, &d);

	return err == -ENOENT ? 0 : err ? err : !memcmp(d.mac, p->mac, sizeof(d.mac));
}

static int drop(struct store *s, const struct fleet_in *in)
{
	int err = db_run(s, db_bind(s, DB_FLEET_PENDING_DROP, "tb", in->k.name, in->k.id, sizeof(in->k.id)));

	return err ? err : db_fleet_text_drop(s, in->key);
}

/** db_fleet_pending_apply - its row, by the value: an approval is given by whoever gives it, and gone when it is used */
int db_fleet_pending_apply(struct store *s, struct fleet_in *in)
{
	struct pending p, own;
	int64_t known = 0;
	int got;

	if (!in->value) {
		/* One that etcd never had is not deleted there. */
		got = in->noted ? store_fleet_revision(s, in->key, &known) : 0;
		return got ? got : in->noted && !known ? 0 : drop(s, in);
	}
	if (!read_pending(in->json, &p))
		return -EPROTO;
	got = fits(s, in, &p);
	if (got != 1)
		return got ? got : db_fleet_wait(s, in);
	got = in->noted ? get(s, &in->k, &own) : 0;
	if (got < 0)
		return got;
	/* Gone here since. */
	if (in->noted && !got)
		return db_fleet_text_drop(s, in->key);
	if (in->noted) {
		p.approved |= own.approved;
		if (own.first && (!p.first || own.first < p.first))
			p.first = own.first;
	}
	got = db_fleet_text_drop(s, in->key);
	return got ? got : db_run(s, db_bind(s, DB_FLEET_PENDING_PUT, "tbiii", in->k.name, in->k.id, sizeof(in->k.id), p.way,
					     p.first, (int64_t)p.approved));
}

static int set_aside(struct store *s, const struct fleet_key *k)
{
	char key[STORE_KEY_LEN], hex[65], *value;
	struct fleet_in in = { .key = key, .k = *k };
	size_t len;
	int err;

	snprintf(key, sizeof(key), "all/pending/%s/%s", k->name, policy_hex_text(k->id, sizeof(k->id), hex));
	err = db_fleet_find_note(s, &in);
	if (!err)
		err = db_fleet_pending_value(s, k, &value, &len);
	if (err)
		return err;
	/* What was changed here for the device before, is gone. */
	if (value && !in.noted)
		err = db_fleet_text_put(s, key, value, len);
	free(value);
	return err ? err : db_run(s, db_bind(s, DB_FLEET_PENDING_DROP, "tb", k->name, k->id, sizeof(k->id)));
}

/**
 * db_fleet_pending_set_aside - the name is about to be another device's: its keys wait for the one before
 * @s: the registry, in a transaction, with its triggers still
 * @name: of the device
 *
 * Return: 0 or -errno.
 */
int db_fleet_pending_set_aside(struct store *s, const char *name)
{
	struct fleet_key k = { .kind = FLEET_PENDING };
	sqlite3_stmt *stmt;
	int got, err = 0;

	snprintf(k.name, sizeof(k.name), "%s", name);
	do {
		stmt = db_bind(s, DB_FLEET_PENDING_NEXT, "t", name);
		got = db_step(s, stmt);
		if (got == 1)
			db_blob(stmt, 0, k.id, sizeof(k.id));
		db_end(stmt, 0);
		if (got == 1)
			err = set_aside(s, &k);
	} while (got == 1 && !err);
	return err ? err : got;
}
