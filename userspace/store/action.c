// SPDX-License-Identifier: GPL-2.0
/* Offers that were made, and what became of them. */
#include <errno.h>
#include <string.h>

#include "store/db.h"

static const char * const states[] = { "offered", "running", "canceling", "canceled", "succeeded", "failed" };

static void read_action(sqlite3_stmt *stmt, struct db_action *out)
{
	struct firmware_action *a = &out->a;

	memset(out, 0, sizeof(*out));
	a->id = sqlite3_column_int64(stmt, 0);
	db_text(stmt, 1, a->device, sizeof(a->device));
	a->release = sqlite3_column_int64(stmt, 2);
	db_text(stmt, 3, a->version, sizeof(a->version));
	a->state = sqlite3_column_int(stmt, 4);
	a->offered = sqlite3_column_int64(stmt, 5);
	a->changed = sqlite3_column_int64(stmt, 6);
	db_text(stmt, 7, a->detail, sizeof(a->detail));
	out->device = sqlite3_column_int64(stmt, 8);
	out->barred = sqlite3_column_int(stmt, 9);
}

/* Ends @stmt. */
static int one(struct store *s, sqlite3_stmt *stmt, struct db_action *out)
{
	int got = db_step(s, stmt);

	if (got == 1)
		read_action(stmt, out);
	else
		memset(out, 0, sizeof(*out));
	return db_end(stmt, got == 1 ? 0 : got ? got : -ENOENT);
}

/**
 * db_action_open - the offer of a device that is not over
 * @s: the registry
 * @device: its row
 * @out: set on success, otherwise zeroed
 *
 * Return: 0; -ENOENT, untold; another -errno.
 */
int db_action_open(struct store *s, int64_t device, struct db_action *out)
{
	return one(s, db_bind(s, DB_ACTION_OPEN, "i", device), out);
}

/**
 * db_action_set - write down where an offer is
 * @s: the registry
 * @action: its state, time, detail and bar
 *
 * Return: 0 or -errno.
 */
int db_action_set(struct store *s, const struct db_action *action)
{
	const struct firmware_action *a = &action->a;

	return db_run(s, db_bind(s, DB_ACTION_SET, "iiiti", a->id, (int64_t)a->state, (int64_t)a->changed,
				 a->detail, (int64_t)action->barred));
}

static int get(struct store *s, int64_t id, struct db_action *out)
{
	int err = one(s, db_bind(s, DB_ACTION_GET, "i", id), out);

	return err == -ENOENT ? db_refuse(s, err, "no action %lld in the registry", (long long)id) : err;
}

/**
 * store_action_get - an offer by its number
 * @s: the registry
 * @id: its
 * @out: set on success, otherwise zeroed
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_action_get(struct store *s, int64_t id, struct firmware_action *out)
{
	struct db_action action;
	int err = get(s, id, &action);

	*out = action.a;
	return err;
}

/**
 * store_action_each - every offer, the last first
 * @s: the registry
 * @device: of one device; NULL, all
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_action_each(struct store *s, const char *device,
		      int (*each)(const struct firmware_action *a, void *arg), void *arg)
{
#define SELECT "SELECT a.id, d.name, a.release, a.version, a.state, a.offered, a.changed, a.detail, a.device," \
	       " a.barred FROM firmware_action AS a JOIN device AS d ON d.id = a.device"
	static const char all[] = SELECT " ORDER BY a.id DESC";
	static const char some[] = SELECT " WHERE d.name = ?1 ORDER BY a.id DESC";
#undef SELECT
	sqlite3_stmt *stmt = NULL;
	struct db_action action;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, device ? some : all, -1, &stmt, NULL))
		return db_fail(s, "read");
	if (device)
		sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			read_action(stmt, &action);
		ret = got == 1 ? each(&action.a, arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}

/* Words of a device, which are printed and logged. */
static void set_detail(char *to, size_t size, const char *detail)
{
	size_t i;

	for (i = 0; i + 1 < size && detail[i]; i++)
		to[i] = detail[i] >= ' ' && detail[i] <= '~' ? detail[i] : '?';
	to[i] = 0;
}

static int count_failure(struct store *s, int64_t release, bool *stopped)
{
	sqlite3_stmt *stmt = db_bind(s, DB_RELEASE_FAILED, "i", release);
	int got = db_step(s, stmt);

	if (got == 1)
		*stopped = sqlite3_column_int(stmt, 0);
	return db_end(stmt, got < 0 ? got : 0);
}

static int succeed(struct store *s, const struct db_action *was, time_t now)
{
	struct db_device device;
	int err = db_firmware_get(s, was->a.device, &device);

	if (err || !strcmp(device.firmware, was->a.version))
		return err;
	return db_firmware_report(s, &device, was->a.version, "update", now);
}

static int change(struct store *s, int64_t id, enum firmware_action_state state, const char *detail, time_t now,
		  bool *stopped)
{
	enum firmware_action_state was;
	struct db_action action;
	int err;

	err = get(s, id, &action);
	if (err)
		return err;
	was = action.a.state;
	if (was >= FIRMWARE_CANCELED)
		return was == state ? 0 : db_refuse(s, -EALREADY, "action %lld is over: %s", (long long)id,
						    states[was]);
	/* What never ran need not be stopped. */
	action.a.state = state == FIRMWARE_CANCELING && was == FIRMWARE_OFFERED ? FIRMWARE_CANCELED : state;
	action.a.changed = now;
	if (detail)
		set_detail(action.a.detail, sizeof(action.a.detail), detail);
	/* A cancellation that came from here says by itself whether the device may be asked again. */
	if (state == FIRMWARE_FAILED ||
	    (was != FIRMWARE_CANCELING && (state == FIRMWARE_CANCELING || state == FIRMWARE_CANCELED)))
		action.barred = true;
	err = db_action_set(s, &action);
	if (!err && state == FIRMWARE_FAILED)
		err = count_failure(s, action.a.release, stopped);
	if (!err && state == FIRMWARE_SUCCEEDED)
		err = succeed(s, &action, now);
	if (!err && *stopped)
		err = db_run(s, db_bind(s, DB_COUNT_UP, "t", "firmware"));
	return err;
}

/**
 * store_action_change - a device has told how far it is, or an operator takes the offer back
 * @s: the registry; without a transaction it makes one, durable where the offer is over with it
 * @id: of the offer
 * @state: where it is, FIRMWARE_CANCELING from an operator
 * @detail: in words; what is not printable ASCII becomes a '?', what is too long is cut; NULL, as it was
 * @now: when
 * @stopped: the roll-out has stopped, by this failure or before; may be NULL
 *
 * Return: 0; -ENOENT; -EALREADY, it is over in another way; -EINVAL, @state; another -errno.
 */
int store_action_change(struct store *s, int64_t id, enum firmware_action_state state, const char *detail, time_t now,
			bool *stopped)
{
	bool own, unheard = false;
	int err;

	if (!stopped)
		stopped = &unheard;
	*stopped = false;
	if (state <= FIRMWARE_OFFERED || state > FIRMWARE_FAILED)
		return db_refuse(s, -EINVAL, "an action does not become %d", (int)state);
	err = db_enter(s, state != FIRMWARE_RUNNING, &own);
	return err ? err : db_leave(s, own, change(s, id, state, detail, now, stopped));
}
