// SPDX-License-Identifier: GPL-2.0
/* Floors: the oldest version of a model that is let out, and the ones that were it before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"

static int put(struct store *s, const char *model, const char *version, time_t now)
{
	struct firmware_floor floor;
	int err;

	err = db_run(s, db_bind(s, DB_FLOOR_PUT, "tti", model, version, (int64_t)now));
	if (!err)
		err = db_run(s, db_bind(s, DB_FLOOR_CUT, "tt", model, version));
	while (!err) {
		err = store_floor_get(s, model, &floor);
		if (err != -EOVERFLOW)
			return err;
		err = db_run(s, db_bind(s, DB_FLOOR_MERGE, "t", model));
		if (!err)
			err = db_run(s, db_bind(s, DB_FLOOR_DROP, "t", model));
	}
	return err;
}

/**
 * store_floor_set - what is older may talk to its update only
 * @s: the registry; without a transaction it makes one
 * @model: of which devices
 * @version: the floor; NULL, there is none, and what was is forgotten
 * @now: the grace begins, for those that were not below it before
 *
 * Return: 0; -EINVAL, @model or @version; another -errno.
 */
int store_floor_set(struct store *s, const char *model, const char *version, time_t now)
{
	bool own;
	int err;

	if (!firmware_model_is_valid(model))
		return db_refuse(s, -EINVAL, "not a model's name: '%.40s'", model);
	if (version && !firmware_version_is_valid(version))
		return db_refuse(s, -EINVAL, "not a version: '%.64s'", version);
	err = db_enter(s, true, &own);
	if (err)
		return err;
	if (version)
		err = put(s, model, version, now);
	else
		err = db_run(s, db_bind(s, DB_FLOOR_CLEAR, "t", model));
	if (!err)
		err = db_run(s, db_bind(s, DB_COUNT_UP, "t", "firmware"));
	return db_leave(s, own, err);
}

/* The highest comes first. -EOVERFLOW: there are more than are kept. */
static int read_floor(struct store *s, sqlite3_stmt *stmt, struct firmware_floor *out)
{
	size_t n = 0;
	int got;

	while ((got = db_step(s, stmt)) == 1) {
		if (!n) {
			db_text(stmt, 0, out->version, sizeof(out->version));
			out->since = sqlite3_column_int64(stmt, 1);
		} else if (n <= FIRMWARE_FLOORS) {
			db_text(stmt, 0, out->older[n - 1].version, sizeof(out->older[0].version));
			out->older[n - 1].since = sqlite3_column_int64(stmt, 1);
			out->n_older = n;
		} else {
			return -EOVERFLOW;
		}
		n++;
	}
	return got ? got : n ? 0 : -ENOENT;
}

/**
 * store_floor_get - the floor of a model
 * @s: the registry
 * @model: which
 * @out: set on success
 *
 * Return: 0; -ENOENT, it has none; another -errno.
 */
int store_floor_get(struct store *s, const char *model, struct firmware_floor *out)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLOOR_GET, "t", model);
	int err;

	memset(out, 0, sizeof(*out));
	snprintf(out->model, sizeof(out->model), "%s", model);
	err = db_end(stmt, read_floor(s, stmt, out));
	return err == -ENOENT ? db_refuse(s, err, "model '%.40s' has no floor", model) : err;
}

/**
 * db_floor_now - the floor of a model, without what it was
 * @s: the registry
 * @model: which
 * @version: set; empty, it has none
 *
 * Return: 0 or -errno.
 */
int db_floor_now(struct store *s, const char *model, char version[FIRMWARE_VERSION_LEN])
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLOOR_NOW, "t", model);
	int got = db_step(s, stmt);

	*version = 0;
	if (got == 1)
		db_text(stmt, 0, version, FIRMWARE_VERSION_LEN);
	return db_end(stmt, got < 0 ? got : 0);
}

/**
 * store_floor_each - every floor, by model
 * @s: the registry
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_floor_each(struct store *s, int (*each)(const struct firmware_floor *f, void *arg), void *arg)
{
	char model[FIRMWARE_MODEL_LEN];
	struct firmware_floor floor;
	sqlite3_stmt *stmt = NULL;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT DISTINCT model FROM firmware_floor ORDER BY model", -1,
			       &stmt, NULL))
		return db_fail(s, "read");
	while (!ret && (got = db_step(s, stmt))) {
		ret = got;
		if (got < 0)
			break;
		db_text(stmt, 0, model, sizeof(model));
		ret = store_floor_get(s, model, &floor);
		/* Taken away between the two. */
		if (ret == -ENOENT)
			ret = 0;
		else if (!ret)
			ret = each(&floor, arg);
	}
	sqlite3_finalize(stmt);
	return ret;
}
