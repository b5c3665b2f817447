// SPDX-License-Identifier: GPL-2.0
/*
 * all/release/MODEL/VERSION: how far a roll-out is. Its file is added at each gateway; where it is not, the value waits.
 * Each gateway counts the failures that it saw, so that none is lost where two count at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

#define COUNT_MAX	UINT32_MAX

/**
 * struct rollout - of a release
 * @id: its row
 * @sum: of all gateways' failures
 */
struct rollout {
	int64_t id;
	uint8_t sha256[32];
	int64_t percent;
	bool paused;
	bool stopped;
	int64_t stop_after;
	int64_t sum;
	int64_t round;
};

static const char *release_key(char out[STORE_KEY_LEN], const char *model, const char *version)
{
	snprintf(out, STORE_KEY_LEN, "all/release/%s/%s", model, version);
	return out;
}

/* 1, there is one; 0 or -errno. */
static int get(struct store *s, const struct fleet_key *k, struct rollout *r)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_RELEASE_GET, "tt", k->name, k->version);
	int got = db_step(s, stmt);

	memset(r, 0, sizeof(*r));
	if (got == 1) {
		r->id = sqlite3_column_int64(stmt, 0);
		db_blob(stmt, 1, r->sha256, sizeof(r->sha256));
		r->percent = sqlite3_column_int64(stmt, 2);
		r->paused = sqlite3_column_int(stmt, 3);
		r->stopped = sqlite3_column_int(stmt, 4);
		r->stop_after = sqlite3_column_int64(stmt, 5);
		r->sum = sqlite3_column_int64(stmt, 6);
		r->round = sqlite3_column_int64(stmt, 7);
	}
	return db_end(stmt, got);
}

/* Failures by gateway; NULL, an error. */
static json_t *get_failed(struct store *s, const struct fleet_key *k)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_FAILED_EACH, "tt", k->name, k->version);
	json_t *o = json_object();
	int got;

	while ((got = db_step(s, stmt)) == 1)
		json_object_set_new(o, (const char *)sqlite3_column_text(stmt, 0),
				    json_integer(sqlite3_column_int64(stmt, 1)));
	db_end(stmt, 0);
	if (!got && o)
		return o;
	json_decref(o);
	return NULL;
}

/** db_fleet_release_value - of its row; where there is none, what waits for one */
int db_fleet_release_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	char key[STORE_KEY_LEN];
	struct rollout r;
	int got = get(s, k, &r);
	json_t *o, *failed;

	*out = NULL;
	*len = 0;
	if (got < 0)
		return got;
	if (!got)
		return db_fleet_text_get(s, release_key(key, k->name, k->version), out, len);
	failed = get_failed(s, k);
	if (!failed)
		return db_refuse(s, -EIO, "the failures of a roll-out cannot be read");
	o = db_fleet_object();
	db_fleet_set_hex(o, "sha256", r.sha256, sizeof(r.sha256), false);
	db_fleet_set_int(o, "percent", r.percent);
	db_fleet_set_bool(o, "paused", r.paused);
	db_fleet_set_bool(o, "stopped", r.stopped);
	db_fleet_set_int(o, "stop_after", r.stop_after);
	db_fleet_set_int(o, "failures", r.sum);
	db_fleet_set_int(o, "round", r.round);
	json_object_set_new(o, "failed", failed);
	return db_fleet_dump(s, o, out, len);
}

static bool read_rollout(const json_t *o, struct rollout *r)
{
	json_t *failed = json_object_get(o, "failed"), *n;
	const char *name;

	memset(r, 0, sizeof(*r));
	if (!db_fleet_get_hex(o, "sha256", r->sha256, sizeof(r->sha256), NULL) ||
	    !db_fleet_get_int(o, "percent", 100, &r->percent) || !db_fleet_get_bool(o, "paused", &r->paused) ||
	    !db_fleet_get_bool(o, "stopped", &r->stopped) ||
	    !db_fleet_get_int(o, "stop_after", COUNT_MAX, &r->stop_after) ||
	    !db_fleet_get_int(o, "round", COUNT_MAX, &r->round) || !r->round || !json_is_object(failed))
		return false;
	json_object_foreach(failed, name, n)
		if (strlen(name) >= STORE_GATEWAY_LEN || !cordon_name_is_valid(name, STORE_GATEWAY_LEN) ||
		    !json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > COUNT_MAX)
			return false;
	return true;
}

/* Of two counts of one gateway the greater is the later one. */
static void merge_failed(json_t *failed, const json_t *own)
{
	const char *name;
	json_t *n;

	json_object_foreach((json_t *)own, name, n)
		if (json_integer_value(n) > json_integer_value(json_object_get(failed, name)))
			json_object_set(failed, name, n);
}

/* Both sides changed it; an operator's word of here is later than what etcd has. */
static void merge(const struct fleet_in *in, const struct rollout *own, struct rollout *r)
{
	if (in->anew || own->round > r->round) {
		r->percent = own->percent;
		r->paused = own->paused;
		r->stop_after = own->stop_after;
	}
	if (own->round == r->round)
		r->stopped |= own->stopped;
	else if (own->round > r->round)
		r->stopped = own->stopped;
	if (own->round > r->round)
		r->round = own->round;
}

static int put_failed(struct store *s, const struct fleet_key *k, json_t *failed, int64_t *sum)
{
	int err = db_run(s, db_bind(s, DB_FLEET_FAILED_CLEAR, "tt", k->name, k->version));
	const char *name;
	json_t *n;

	*sum = 0;
	json_object_foreach(failed, name, n) {
		if (!err && json_integer_value(n))
			err = db_run(s, db_bind(s, DB_FLEET_FAILED_PUT, "ttti", k->name, k->version, name,
						(int64_t)json_integer_value(n)));
		*sum += json_integer_value(n);
	}
	return err;
}

static int put(struct store *s, const struct fleet_in *in, const struct rollout *own, struct rollout *r)
{
	const json_t *theirs = json_object_get(in->json, "failed");
	json_t *failed = NULL, *ours = get_failed(s, &in->k);
	int err;

	/* Of a round that is over nothing counts any more. */
	if (ours)
		failed = json_deep_copy(in->noted && own->round > r->round ? ours : theirs);
	if (failed && in->noted && own->round == r->round)
		merge_failed(failed, ours);
	if (in->noted)
		merge(in, own, r);
	err = failed ? put_failed(s, &in->k, failed, &r->sum) : db_refuse(s, -ENOMEM, "no memory for a roll-out");
	json_decref(failed);
	json_decref(ours);
	if (err)
		return err;
	r->stopped |= r->stop_after && r->sum >= r->stop_after;
	err = db_run(s, db_bind(s, DB_FLEET_RELEASE_SET, "iiiiiii", own->id, r->percent, (int64_t)r->paused,
				(int64_t)r->stopped, r->stop_after, r->sum, r->round));
	return err ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "firmware"));
}

/** db_fleet_release_apply - its row, by the value; a release itself is neither added nor removed */
int db_fleet_release_apply(struct store *s, struct fleet_in *in)
{
	struct rollout r, own;
	int got;

	if (!in->value)
		return db_fleet_text_drop(s, in->key);
	if (!read_rollout(in->json, &r))
		return -EPROTO;
	got = get(s, &in->k, &own);
	if (got < 0)
		return got;
	in->effect->what = STORE_FLEET_RELEASE;
	if (got && !memcmp(own.sha256, r.sha256, sizeof(r.sha256))) {
		got = db_fleet_text_drop(s, in->key);
		return got ? got : put(s, in, &own, &r);
	}
	/* Another file by the same version: the fleet's roll-out is not of this one. */
	if (got && in->noted) {
		in->noted = false;
		got = db_fleet_unnote(s, in->key);
		if (got)
			return got;
	}
	return db_fleet_wait(s, in);
}

/**
 * db_fleet_release_added - take over what waits for a release
 * @s: the registry, in a transaction
 * @model: of the release
 * @version: likewise
 *
 * Return: 0 or -errno.
 */
int db_fleet_release_added(struct store *s, const char *model, const char *version)
{
	struct store_fleet_effect effect = { .what = STORE_FLEET_NOTHING };
	char key[STORE_KEY_LEN], *value;
	struct fleet_in in = { .key = release_key(key, model, version), .effect = &effect };
	int err = db_fleet_text_get(s, key, &value, &in.len);
	json_t *json;

	if (err || !value)
		return err;
	json = json_loadb(value, in.len, JSON_REJECT_DUPLICATES, NULL);
	in.value = value;
	in.json = json;
	err = db_fleet_parse(key, &in.k);
	if (!err)
		err = db_fleet_take(s, &in);
	json_decref(json);
	free(value);
	return err;
}

/**
 * db_fleet_release_removed - what the fleet says of a release waits until it is added again
 * @s: the registry, in a transaction
 * @id: of the release, which is about to be deleted
 *
 * Return: 0 or -errno.
 */
int db_fleet_release_removed(struct store *s, int64_t id)
{
	struct fleet_key k = { .kind = FLEET_RELEASE };
	struct firmware_release release;
	char key[STORE_KEY_LEN], *value;
	struct store_fleet f;
	int64_t revision;
	size_t len;
	int err = store_fleet_get(s, &f);

	if (!err)
		err = store_release_get(s, id, &release);
	if (err)
		return err == -ENOENT ? 0 : err;
	snprintf(k.name, sizeof(k.name), "%s", release.model);
	snprintf(k.version, sizeof(k.version), "%s", release.version);
	err = store_fleet_revision(s, release_key(key, k.name, k.version), &revision);
	if (err || !revision)
		return err;
	err = db_fleet_release_value(s, &k, &value, &len);
	if (!err)
		err = db_fleet_text_put(s, key, value, len);
	free(value);
	return err;
}
