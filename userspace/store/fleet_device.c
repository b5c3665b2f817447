// SPDX-License-Identifier: GPL-2.0
/* all/device/NAME. When it checked in, and how often, is known where it did. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

/** db_fleet_device_value - of its row */
int db_fleet_device_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	struct store_device d;
	int err = store_device_get(s, k->name, &d);
	json_t *o;

	*out = NULL;
	*len = 0;
	if (err)
		return err == -ENOENT ? 0 : err;
	o = db_fleet_object();
	db_fleet_set_mac(o, "mac", d.mac);
	db_fleet_set_bool(o, "approval", d.approval);
	db_fleet_set_bool(o, "approved", d.approved);
	db_fleet_set_int(o, "enrolled", d.enrolled);
	db_fleet_set_text(o, "firmware", d.firmware);
	db_fleet_set_text(o, "model", d.model);
	db_fleet_set_int(o, "retired", d.retired);
	return db_fleet_dump(s, o, out, len);
}

static bool read_device(const json_t *o, struct store_device *d)
{
	int64_t enrolled, retired;
	bool good;

	good = db_fleet_get_mac(o, "mac", d->mac) && db_fleet_get_bool(o, "approval", &d->approval) &&
	       db_fleet_get_bool(o, "approved", &d->approved) &&
	       db_fleet_get_int(o, "enrolled", FLEET_TIME_MAX, &enrolled) &&
	       db_fleet_get_int(o, "retired", FLEET_TIME_MAX, &retired) &&
	       db_fleet_get_text(o, "firmware", d->firmware, sizeof(d->firmware)) &&
	       db_fleet_get_text(o, "model", d->model, sizeof(d->model)) &&
	       (!*d->firmware || db_is_word(d->firmware, sizeof(d->firmware))) &&
	       (!*d->model || firmware_model_is_valid(d->model));
	d->enrolled = good ? enrolled : 0;
	d->retired = good ? retired : 0;
	return good;
}

/*
 * Both sides changed it. By another MAC it is another device, and whoever was first in etcd has said which. Otherwise
 * what is stricter stays: retired, not approved, approval needed; and of what it runs this gateway has heard.
 */
static void merge(const struct store_device *own, struct store_device *d)
{
	if (memcmp(own->mac, d->mac, sizeof(d->mac)))
		return;
	d->approval |= own->approval;
	d->approved &= own->approved;
	if (own->retired && (!d->retired || own->retired < d->retired))
		d->retired = own->retired;
	if (own->enrolled && (!d->enrolled || own->enrolled < d->enrolled))
		d->enrolled = own->enrolled;
	memcpy(d->firmware, own->firmware, sizeof(d->firmware));
	memcpy(d->model, own->model, sizeof(d->model));
	/* As retiring leaves it. */
	if (d->retired) {
		d->approved = false;
		d->model[0] = 0;
	}
}

static int put(struct store *s, const char *name, const struct store_device *d, bool judged)
{
	int err = db_run(s, db_bind(s, DB_FIRMWARE_FORGET, "tb", name, d->mac, sizeof(d->mac)));

	if (!err)
		err = db_run(s, db_bind(s, DB_ACTION_FORGET, "tb", name, d->mac, sizeof(d->mac)));
	if (!err)
		err = db_run(s, db_bind(s, DB_FLEET_DEVICE_PUT, "tbiiiti", name, d->mac, sizeof(d->mac),
					(int64_t)d->approval, (int64_t)d->approved, (int64_t)d->enrolled, d->firmware,
					(int64_t)d->retired));
	if (!err)
		err = store_device_model(s, name, d->model);
	/* Whoever keeps what was judged by its version judges anew. */
	return err || !judged ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "firmware"));
}

/* What came before its device. It is kept again, should it still not fit. */
static int take_waiting(struct store *s, const struct fleet_in *in, const char *key)
{
	struct fleet_in late = { .key = key, .effect = in->effect };
	char *value;
	int err = db_fleet_text_get(s, key, &value, &late.len);

	if (err || !value)
		return err;
	late.value = value;
	late.json = json_loadb(value, late.len, JSON_REJECT_DUPLICATES, NULL);
	memcpy(late.self, in->self, sizeof(late.self));
	err = db_fleet_parse(key, &late.k);
	if (!err)
		err = db_fleet_text_drop(s, key);
	if (!err)
		err = db_fleet_find_note(s, &late);
	if (!err)
		err = late.k.kind == FLEET_TOKEN ? db_fleet_token_apply(s, &late) : db_fleet_pending_apply(s, &late);
	json_decref((json_t *)late.json);
	free(value);
	return err;
}

static int take_all_waiting(struct store *s, const struct fleet_in *in)
{
	char key[STORE_KEY_LEN], to[STORE_KEY_LEN];
	int err, got = 0;

	err = take_waiting(s, in, db_fleet_name_key(key, "token", in->k.name));
	/* Behind '/' comes '0'. */
	snprintf(key, sizeof(key), "all/pending/%.63s/", in->k.name);
	snprintf(to, sizeof(to), "all/pending/%.63s0", in->k.name);
	while (!err && (got = db_fleet_text_next(s, key, to, key)) == 1)
		err = take_waiting(s, in, key);
	return err ? err : got;
}

/*
 * It is retired. Who did it has revoked what he knew of, and used its token up: what was made here at the same time is
 * this gateway's to revoke, and so is a token that he did not know.
 */
static int retire(struct store *s, struct fleet_in *in)
{
	uint8_t serial[STORE_SERIAL_LEN];
	char key[STORE_KEY_LEN];
	sqlite3_stmt *stmt;
	int got;

	got = db_run(s, db_bind(s, DB_TOKEN_BURN_OF, "t", in->k.name));
	if (!got && sqlite3_changes(s->db))
		got = db_fleet_note(s, db_fleet_name_key(key, "token", in->k.name), false);
	if (got)
		return got;

	do {
		stmt = db_bind(s, DB_FLEET_CERT_LIVE, "t", in->k.name);
		got = db_step(s, stmt);
		if (got == 1)
			db_blob(stmt, 0, serial, sizeof(serial));
		db_end(stmt, 0);
		if (got == 1 && db_fleet_revoke(s, in, serial))
			return -EIO;
	} while (got == 1);
	return got;
}

/* Its token, keys and offers go with it; a model's devices are counted by its changes. */
static int drop(struct store *s, const char *name)
{
	int err = store_device_model(s, name, "");

	return err == -ENOENT ? 0 : err ? err : db_run(s, db_bind(s, DB_FLEET_DEVICE_DROP, "t", name));
}

/* What was said here of the one before counts no more, which somebody may have to hear. */
static void tell(struct fleet_in *in, const struct store_device *own, const struct store_device *d)
{
	in->effect->what = STORE_FLEET_NAME;
	snprintf(in->effect->name, sizeof(in->effect->name), "%s", in->k.name);
	memcpy(in->effect->mac, d->mac, sizeof(d->mac));
	memcpy(in->effect->had, own->mac, sizeof(own->mac));
}

/** db_fleet_device_apply - its row, by the value */
int db_fleet_device_apply(struct store *s, struct fleet_in *in)
{
	struct store_device d = { .name = "" }, own;
	bool retires, judged, other;
	int err;

	/* One that was changed here is put again. */
	if (!in->value)
		return in->noted ? 0 : drop(s, in->k.name);
	if (!read_device(in->json, &d))
		return -EPROTO;
	err = store_device_get(s, in->k.name, &own);
	if (err && err != -ENOENT)
		return err;
	if (!err && in->noted)
		merge(&own, &d);
	retires = d.retired && (err || !own.retired);
	judged = err || strcmp(own.firmware, d.firmware);
	other = !err && memcmp(own.mac, d.mac, sizeof(d.mac));
	if (other && in->noted)
		tell(in, &own, &d);
	err = other ? db_fleet_pending_set_aside(s, in->k.name) : 0;
	if (!err)
		err = put(s, in->k.name, &d, judged);
	if (!err && retires)
		err = retire(s, in);
	return err ? err : take_all_waiting(s, in);
}
