// SPDX-License-Identifier: GPL-2.0
/* What devices run, what they ran, and which model they are. */
#include <errno.h>
#include <string.h>

#include "store/db.h"

#define SOURCE_LEN	16	/* terminated */

/**
 * db_firmware_get - what is known of a device's firmware
 * @s: the registry
 * @name: of the device
 * @out: set on success, otherwise zeroed
 *
 * Return: 0; -ENOENT, told; another -errno.
 */
int db_firmware_get(struct store *s, const char *name, struct db_device *out)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FIRMWARE_GET, "t", name);
	int got = db_step(s, stmt);

	memset(out, 0, sizeof(*out));
	if (got == 1) {
		out->id = sqlite3_column_int64(stmt, 0);
		db_text(stmt, 1, out->model, sizeof(out->model));
		db_text(stmt, 2, out->firmware, sizeof(out->firmware));
		return db_end(stmt, 0);
	}
	if (db_end(stmt, got) < 0)
		return got;
	return db_refuse(s, -ENOENT, "no device '%.64s' in the registry", name);
}

/* Told only by how it is called now, and a device that dies before its last words has done it, too. */
static int close_open(struct store *s, int64_t device, const char *version, time_t now)
{
	struct db_action open;
	int err = db_action_open(s, device, &open);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (!firmware_version_is_valid(version) || firmware_version_compare(version, open.a.version))
		return 0;
	open.a.state = FIRMWARE_SUCCEEDED;
	open.a.changed = now;
	open.barred = false;
	return db_action_set(s, &open);
}

/**
 * db_firmware_report - a device runs another version than was known
 * @s: the registry; in a transaction
 * @device: as of now
 * @version: a word
 * @source: a word
 * @now: when
 *
 * Return: 0 or -errno.
 */
int db_firmware_report(struct store *s, const struct db_device *device, const char *version, const char *source,
		       time_t now)
{
	int err;

	err = db_run(s, db_bind(s, DB_FIRMWARE_SET, "it", device->id, version));
	if (!err)
		err = db_run(s, db_bind(s, DB_FIRMWARE_PUT, "iitt", device->id, (int64_t)now, version, source));
	if (!err)
		err = db_run(s, db_bind(s, DB_FIRMWARE_PRUNE, "ii", device->id, (int64_t)DB_VERSIONS));
	if (!err)
		err = close_open(s, device->id, version, now);
	return err ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "firmware"));
}

/**
 * store_firmware_report - a device has told its version
 * @s: the registry; without a transaction it makes one if there is something to write
 * @device: its name
 * @version: printable ASCII; free text is kept, too, and compared with nothing
 * @source: how it told: "check-in", "ddi", "update"
 * @now: when
 *
 * Return: 0; -ENOENT, no such device; -EINVAL, @version or @source; another -errno.
 */
int store_firmware_report(struct store *s, const char *device, const char *version, const char *source, time_t now)
{
	struct db_device was;
	bool own;
	int err;

	if (!db_is_word(version, FIRMWARE_VERSION_LEN))
		return db_refuse(s, -EINVAL, "the firmware's version is empty, longer than %d bytes, or not "
				 "printable ASCII", FIRMWARE_VERSION_LEN - 1);
	if (!db_is_word(source, SOURCE_LEN))
		return db_refuse(s, -EINVAL, "the source of a version is a word of 1 to %d bytes",
				 SOURCE_LEN - 1);
	/* Devices tell it again and again: the lock is for what is new. */
	err = db_firmware_get(s, device, &was);
	if (err || !strcmp(was.firmware, version))
		return err;
	err = db_enter(s, false, &own);
	if (err)
		return err;
	err = db_firmware_get(s, device, &was);
	if (!err && strcmp(was.firmware, version))
		err = db_firmware_report(s, &was, version, source, now);
	return db_leave(s, own, err);
}

/**
 * store_firmware_history - versions that a device ran, the last first
 * @s: the registry
 * @device: its name; one that is not known has none
 * @each: called with each; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_firmware_history(struct store *s, const char *device,
			   int (*each)(const char *version, const char *source, time_t at, void *arg), void *arg)
{
	char version[FIRMWARE_VERSION_LEN], source[SOURCE_LEN];
	sqlite3_stmt *stmt = NULL;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT h.version, h.source, h.at FROM firmware_history AS h"
			       " JOIN device AS d ON d.id = h.device WHERE d.name = ?1 ORDER BY h.seq DESC",
			       -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1) {
			db_text(stmt, 0, version, sizeof(version));
			db_text(stmt, 1, source, sizeof(source));
			ret = each(version, source, sqlite3_column_int64(stmt, 2), arg);
		} else {
			ret = got;
		}
	}
	sqlite3_finalize(stmt);
	return ret;
}

/**
 * store_device_model - a device's model, as the policy says
 * @s: the registry; without a transaction it makes one if there is something to write
 * @device: its name
 * @model: or "", it has none
 *
 * Return: 0; -ENOENT, no such device; -EINVAL, @model; another -errno.
 */
int store_device_model(struct store *s, const char *device, const char *model)
{
	struct db_device was;
	bool own;
	int err;

	if (*model && !firmware_model_is_valid(model))
		return db_refuse(s, -EINVAL, "not a model's name: '%.40s'", model);
	err = db_firmware_get(s, device, &was);
	if (err || !strcmp(was.model, model))
		return err;
	err = db_enter(s, false, &own);
	return err ? err : db_leave(s, own, db_run(s, db_bind(s, DB_MODEL_SET, "iti", was.id, model,
							     firmware_place(device))));
}

/**
 * store_firmware_generation - does anything look different
 * @s: the registry
 * @generation: another one than before, if a floor, release, roll-out or version that a device runs is
 *
 * Return: 0 or -errno.
 */
int store_firmware_generation(struct store *s, uint64_t *generation)
{
	sqlite3_stmt *stmt = db_bind(s, DB_COUNT, "t", "firmware");
	int got = db_step(s, stmt);

	if (got == 1)
		*generation = sqlite3_column_int64(stmt, 0);
	else if (!got)
		got = db_refuse(s, -EIO, "the registry has no counter of its firmware");
	return db_end(stmt, got < 0 ? got : 0);
}
