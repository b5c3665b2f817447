// SPDX-License-Identifier: GPL-2.0
/* Releases in the registry, and how far they are rolled out. */
#include <errno.h>
#include <string.h>

#include "store/fleet_db.h"

#define COLUMNS "id, model, version, file, notes, signer, size, sha256, sha1, md5, added, percent," \
		" paused, stopped, stop_after, failures"

/**
 * db_read_release - a row of releases
 * @stmt: on it
 * @out: set
 */
void db_read_release(sqlite3_stmt *stmt, struct firmware_release *out)
{
	memset(out, 0, sizeof(*out));
	out->id = sqlite3_column_int64(stmt, 0);
	db_text(stmt, 1, out->model, sizeof(out->model));
	db_text(stmt, 2, out->version, sizeof(out->version));
	db_text(stmt, 3, out->file, sizeof(out->file));
	db_text(stmt, 4, out->notes, sizeof(out->notes));
	db_text(stmt, 5, out->signer, sizeof(out->signer));
	out->size = sqlite3_column_int64(stmt, 6);
	db_blob(stmt, 7, out->hashes.sha256, sizeof(out->hashes.sha256));
	db_blob(stmt, 8, out->hashes.sha1, sizeof(out->hashes.sha1));
	db_blob(stmt, 9, out->hashes.md5, sizeof(out->hashes.md5));
	out->added = sqlite3_column_int64(stmt, 10);
	out->percent = sqlite3_column_int(stmt, 11);
	out->paused = sqlite3_column_int(stmt, 12);
	out->stopped = sqlite3_column_int(stmt, 13);
	out->stop_after = sqlite3_column_int(stmt, 14);
	out->failures = sqlite3_column_int(stmt, 15);
}

/* Ends @stmt. 0, -ENOENT untold, or -errno. */
static int one(struct store *s, sqlite3_stmt *stmt, struct firmware_release *out)
{
	int got = db_step(s, stmt);

	if (got == 1)
		db_read_release(stmt, out);
	else
		memset(out, 0, sizeof(*out));
	return db_end(stmt, got == 1 ? 0 : got ? got : -ENOENT);
}

static int gone(struct store *s, int64_t id)
{
	return db_refuse(s, -ENOENT, "no release %lld in the registry", (long long)id);
}

/**
 * store_release_get - a release by its number
 * @s: the registry
 * @id: its
 * @out: set on success, otherwise zeroed
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_release_get(struct store *s, int64_t id, struct firmware_release *out)
{
	int err = one(s, db_bind(s, DB_RELEASE_GET, "i", id), out);

	return err == -ENOENT ? gone(s, id) : err;
}

/**
 * store_release_find - a release by its version
 * @s: the registry
 * @model: of devices
 * @version: 1.0 and 1.0.0 are one
 * @out: set on success, otherwise zeroed
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_release_find(struct store *s, const char *model, const char *version, struct firmware_release *out)
{
	int err = one(s, db_bind(s, DB_RELEASE_FIND, "tt", model, version), out);

	return err == -ENOENT ?
	       db_refuse(s, err, "no version %.64s of model '%.40s' in the registry", version, model) : err;
}

static int check_words(struct store *s, const struct firmware_release *r)
{
	if (!firmware_model_is_valid(r->model))
		return db_refuse(s, -EINVAL, "not a model's name: '%.31s'", r->model);
	if (!firmware_version_is_valid(r->version))
		return db_refuse(s, -EINVAL, "not a version: '%.63s'", r->version);
	if (!firmware_file_is_valid(r->file))
		return db_refuse(s, -EINVAL, "not a file name for devices: '%.127s'", r->file);
	if (!r->size || r->size > FIRMWARE_SIZE_MAX)
		return db_refuse(s, -EINVAL, "an artifact has 1 byte to 4 GiB");
	if (r->percent > 100)
		return db_refuse(s, -EINVAL, "a roll-out is of 0 to 100 %%, not %u", r->percent);
	return 0;
}

static int check_file(struct store *s, const struct firmware_release *r)
{
	sqlite3_stmt *stmt = db_bind(s, DB_RELEASE_FILE, "bt", r->hashes.sha256, sizeof(r->hashes.sha256),
				     r->model);
	char version[FIRMWARE_VERSION_LEN];
	int got = db_step(s, stmt);

	if (got == 1)
		db_text(stmt, 0, version, sizeof(version));
	if (db_end(stmt, got) <= 0)
		return got;
	return db_refuse(s, -EEXIST, "that file is version %s of model '%s' already", version, r->model);
}

/* An old file by a new name would be a roll-back, and so would an old version. */
static int check_new(struct store *s, const struct firmware_release *r)
{
	char floor[FIRMWARE_VERSION_LEN];
	struct firmware_release same;
	int err;

	err = store_release_find(s, r->model, r->version, &same);
	if (!err)
		return db_refuse(s, -EEXIST, "model '%s' has version %s already", r->model, same.version);
	err = err == -ENOENT ? check_file(s, r) : err;
	if (!err)
		err = db_floor_now(s, r->model, floor);
	if (!err && *floor && firmware_version_compare(r->version, floor) < 0)
		err = db_refuse(s, -EPERM, "version %s is below the floor of model '%s', %s", r->version,
				r->model, floor);
	return err;
}

static int add(struct store *s, struct firmware_release *r)
{
	const struct firmware_hashes *h = &r->hashes;
	int err = check_new(s, r);

	if (!err)
		err = db_run(s, db_bind(s, DB_RELEASE_PUT, "tttttibbbiiii", r->model, r->version, r->file, r->notes,
					r->signer, (int64_t)r->size, h->sha256, sizeof(h->sha256), h->sha1,
					sizeof(h->sha1), h->md5, sizeof(h->md5), (int64_t)r->added,
					(int64_t)r->percent, (int64_t)r->paused, (int64_t)r->stop_after));
	if (err)
		return err;
	r->id = sqlite3_last_insert_rowid(s->db);
	err = db_fleet_release_added(s, r->model, r->version);
	return err ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "firmware"));
}

/**
 * store_release_add - a release, verified and stored, that may be offered from now on
 * @s: the registry; without a transaction it makes one
 * @release: @id is set on success, @stopped and @failures are none
 *
 * Return: 0; -EEXIST, the model has that version, or that file; -EPERM, it is below the floor;
 * -EINVAL; another -errno.
 */
int store_release_add(struct store *s, struct firmware_release *release)
{
	bool own;
	int err;

	err = check_words(s, release);
	if (!err)
		err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, add(s, release));
}

/**
 * store_release_each - every release, by model, the newest first
 * @s: the registry
 * @model: of one model; NULL, all
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_release_each(struct store *s, const char *model,
		       int (*each)(const struct firmware_release *r, void *arg), void *arg)
{
	static const char all[] =
		"SELECT " COLUMNS " FROM firmware_release ORDER BY model, version COLLATE firmware DESC";
	static const char some[] =
		"SELECT " COLUMNS " FROM firmware_release WHERE model = ?1 ORDER BY version COLLATE firmware DESC";
	struct firmware_release release;
	sqlite3_stmt *stmt = NULL;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, model ? some : all, -1, &stmt, NULL))
		return db_fail(s, "read");
	if (model)
		sqlite3_bind_text(stmt, 1, model, -1, SQLITE_STATIC);
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			db_read_release(stmt, &release);
		ret = got == 1 ? each(&release, arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}

/* One statement on one release, and what is judged by it is judged anew. */
static int change(struct store *s, int64_t id, sqlite3_stmt *stmt)
{
	int err = db_run(s, stmt);

	if (!err && !sqlite3_changes(s->db))
		err = gone(s, id);
	return err ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "firmware"));
}

/**
 * store_release_remove - nobody is offered it any more
 * @s: the registry; without a transaction it makes one
 * @id: of the release
 *
 * Offers that a device has begun become FIRMWARE_CANCELING. Its file is the caller's to remove, afterwards.
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_release_remove(struct store *s, int64_t id)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_RELEASE_CANCEL, "i", id));
	if (!err)
		err = db_fleet_release_removed(s, id);
	if (!err)
		err = change(s, id, db_bind(s, DB_RELEASE_DEL, "i", id));
	return db_leave(s, own, err);
}

/**
 * store_release_rollout - to how many it is offered
 * @s: the registry; without a transaction it makes one
 * @id: of the release
 * @percent: of the model's devices; fewer than before takes no offer back, but 0 offers it to nobody
 * @paused: nobody is offered it, for now
 * @stop_after: that many failures; 0, none
 *
 * Return: 0; -ENOENT; -EINVAL, @percent; another -errno.
 */
int store_release_rollout(struct store *s, int64_t id, unsigned int percent, bool paused, unsigned int stop_after)
{
	bool own;
	int err;

	if (percent > 100)
		return db_refuse(s, -EINVAL, "a roll-out is of 0 to 100 %%, not %u", percent);
	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, change(s, id, db_bind(s, DB_RELEASE_ROLLOUT, "iiii", id,
								 (int64_t)percent, (int64_t)paused,
								 (int64_t)stop_after)));
}

/**
 * store_release_resume - go on with a roll-out that was paused, or that failures have stopped
 * @s: the registry; without a transaction it makes one
 * @id: of the release
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_release_resume(struct store *s, int64_t id)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, change(s, id, db_bind(s, DB_RELEASE_RESUME, "i", id)));
}

/**
 * store_release_tally - how far a roll-out is
 * @s: the registry
 * @id: of the release
 * @tally: offers in each state
 *
 * Return: 0 or -errno.
 */
int store_release_tally(struct store *s, int64_t id, unsigned int tally[FIRMWARE_FAILED + 1])
{
	sqlite3_stmt *stmt = db_bind(s, DB_RELEASE_TALLY, "i", id);
	int got, state;

	memset(tally, 0, (FIRMWARE_FAILED + 1) * sizeof(*tally));
	while ((got = db_step(s, stmt)) == 1) {
		state = sqlite3_column_int(stmt, 0);
		if (state >= 0 && state <= FIRMWARE_FAILED)
			tally[state] = sqlite3_column_int(stmt, 1);
	}
	return db_end(stmt, got);
}

/**
 * store_release_has_file - does any release have this artifact
 * @s: the registry
 * @sha256: of it
 *
 * Return: 1, 0 or -errno.
 */
int store_release_has_file(struct store *s, const uint8_t sha256[32])
{
	sqlite3_stmt *stmt = db_bind(s, DB_RELEASE_HAS_FILE, "b", sha256, (size_t)32);
	int got = db_step(s, stmt);

	return db_end(stmt, got == 1 ? sqlite3_column_int(stmt, 0) : got);
}
