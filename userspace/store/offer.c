// SPDX-License-Identifier: GPL-2.0
/* Which release a device is offered. */
#include <errno.h>
#include <string.h>

#include "store/db.h"

#define SUCCESSES	3	/* of one release, after which the device runs something older: no more */

/**
 * struct offer - a device, and what it may be offered
 * @name: of the device
 * @model: of the device, as the caller knows
 * @device: as the registry knows
 * @floor: of the model; empty, none
 * @open: the offer that is not over; @open.a.id 0, none
 * @release: of @open; its id 0, it is gone
 * @best: release that fits best; its id 0, none does
 */
struct offer {
	const char *name;
	const char *model;
	struct db_device device;
	char floor[FIRMWARE_VERSION_LEN];
	struct db_action open;
	struct firmware_release release;
	struct firmware_release best;
};

static bool is_upgrade(const struct offer *o, const char *version)
{
	if (*o->floor && firmware_version_compare(version, o->floor) < 0)
		return false;
	return !firmware_version_is_valid(o->device.firmware) ||
	       firmware_version_compare(version, o->device.firmware) > 0;
}

static int number(struct store *s, sqlite3_stmt *stmt, int64_t *out)
{
	int got = db_step(s, stmt);

	*out = got == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	return db_end(stmt, got < 0 ? got : 0);
}

static int between(struct store *s, const char *model, int64_t from, int64_t to, int64_t max, int64_t *n)
{
	return number(s, db_bind(s, DB_MODEL_AHEAD, "tiii", model, from, to, max), n);
}

/* Devices from where the roll-out begins to this one, round the circle; of more than @max it does not matter. */
static int count_ahead(struct store *s, const struct offer *o, int64_t release, int64_t max, int64_t *ahead)
{
	const int64_t first = firmware_place_first(release), own = firmware_place(o->name);
	int64_t rest = 0;
	int err;

	if (first <= own)
		return between(s, o->model, first, own, max, ahead);
	err = between(s, o->model, first, INT64_MAX, max, ahead);
	if (!err && *ahead < max)
		err = between(s, o->model, 0, own, max - *ahead, &rest);
	*ahead += rest;
	return err;
}

/* 1, it is its turn; 0 or -errno. */
static int has_turn(struct store *s, const struct offer *o, const struct firmware_release *r)
{
	int64_t share = 0, admitted = 0, ahead;
	sqlite3_stmt *stmt;
	int got;

	if (r->percent == 100)
		return 1;
	stmt = db_bind(s, DB_MODEL_COUNT, "i", r->id);
	got = db_step(s, stmt);
	if (got == 1) {
		share = firmware_share(sqlite3_column_int64(stmt, 0), r->percent);
		admitted = sqlite3_column_int64(stmt, 1);
	}
	/* Devices that came later may stand before some that have it: it is not offered to more for that. */
	if (db_end(stmt, got) < 0 || admitted >= share)
		return got < 0 ? got : 0;
	got = count_ahead(s, o, r->id, share, &ahead);
	return got ? got : ahead < share;
}

/*
 * How often a device may succeed with a release that it then does not say it runs. Free text does not say
 * what runs, so once is enough.
 */
static int most_successes(const struct offer *o)
{
	const char *runs = o->device.firmware;

	return !*runs || firmware_version_is_valid(runs) ? SUCCESSES : 1;
}

/* 1, it may be offered it; 0 or -errno. */
static int may_have(struct store *s, const struct offer *o, const struct firmware_release *r)
{
	int64_t round, offers, barred, successes;
	sqlite3_stmt *stmt;
	int got;

	got = number(s, db_bind(s, DB_RELEASE_ROUND, "i", r->id), &round);
	if (got)
		return got;
	stmt = db_bind(s, DB_ACTION_SEEN, "iii", o->device.id, r->id, round);
	got = db_step(s, stmt);
	if (got != 1)
		return db_end(stmt, got);
	offers = sqlite3_column_int64(stmt, 0);
	barred = sqlite3_column_int64(stmt, 1);
	successes = sqlite3_column_int64(stmt, 2);
	db_end(stmt, 0);
	if (barred || successes >= most_successes(o))
		return 0;
	return offers ? 1 : has_turn(s, o, r);
}

/* The newest comes first. */
static int find_best(struct store *s, struct offer *o)
{
	sqlite3_stmt *stmt = db_bind(s, DB_RELEASE_NEWEST, "t", o->model);
	struct firmware_release r;
	int got, may = 0;

	while ((got = db_step(s, stmt)) == 1) {
		db_read_release(stmt, &r);
		if (!is_upgrade(o, r.version))
			break;
		may = may_have(s, o, &r);
		if (may)
			break;
	}
	if (may == 1)
		o->best = r;
	return db_end(stmt, got < 0 ? got : may < 0 ? may : 0);
}

static int look(struct store *s, struct offer *o)
{
	int err;

	err = db_floor_now(s, o->model, o->floor);
	if (!err)
		err = db_action_open(s, o->device.id, &o->open);
	if (!err)
		err = store_release_get(s, o->open.a.release, &o->release);
	if (err == -ENOENT)
		err = 0;
	return err ? err : find_best(s, o);
}

/* Does the open offer still make sense. */
static bool stands(const struct offer *o)
{
	return o->release.id && !strcmp(o->release.model, o->model) && is_upgrade(o, o->release.version);
}

static bool is_held(const struct firmware_release *r)
{
	return r->paused || r->stopped || !r->percent;
}

enum plan {
	GIVE,		/* the open one */
	NOTHING,
	REPLACE,	/* the open one by the best, or by none */
	MAKE,		/* of the best */
};

static enum plan plan(const struct offer *o)
{
	const bool begun = o->open.a.state == FIRMWARE_RUNNING;

	if (!o->open.a.id)
		return o->best.id ? MAKE : NOTHING;
	if (o->open.a.state == FIRMWARE_CANCELING)
		return GIVE;
	if (!stands(o))
		return REPLACE;
	if (o->best.id && firmware_version_compare(o->best.version, o->release.version) > 0)
		return REPLACE;
	if (begun || !is_held(&o->release))
		return GIVE;
	return o->best.id ? REPLACE : NOTHING;
}

static int make(struct store *s, struct offer *o, time_t now)
{
	int64_t round;
	int err;

	err = number(s, db_bind(s, DB_RELEASE_ROUND, "i", o->best.id), &round);
	if (!err)
		err = db_run(s, db_bind(s, DB_ACTION_PUT, "iitii", o->device.id, o->best.id, o->best.version,
					(int64_t)now, round));
	if (!err)
		err = db_run(s, db_bind(s, DB_ACTION_PRUNE, "ii", o->device.id, (int64_t)DB_ACTIONS));
	if (!err)
		err = db_action_open(s, o->device.id, &o->open);
	o->release = o->best;
	return err;
}

/* The open one is over, or the device must be told that it is. */
static int replace(struct store *s, struct offer *o, time_t now)
{
	const bool begun = o->open.a.state == FIRMWARE_RUNNING;
	int err;

	o->open.a.state = begun ? FIRMWARE_CANCELING : FIRMWARE_CANCELED;
	o->open.a.changed = now;
	snprintf(o->open.a.detail, sizeof(o->open.a.detail), "%s", stands(o) ?
		 "another release takes its place" : "it does not fit the device any more");
	err = db_action_set(s, &o->open);
	if (err || begun)
		return err;
	return o->best.id ? make(s, o, now) : -ENOENT;
}

/* In a transaction. -ENOENT: there is no offer, which is as good a reason to keep what was written as one. */
static int settle(struct store *s, struct offer *o, time_t now)
{
	int err = store_device_model(s, o->name, o->model);

	memset(&o->open, 0, sizeof(o->open));
	memset(&o->release, 0, sizeof(o->release));
	memset(&o->best, 0, sizeof(o->best));
	if (!err)
		err = look(s, o);
	if (err)
		return err;
	switch (plan(o)) {
	case GIVE:
		return 0;
	case NOTHING:
		return -ENOENT;
	case REPLACE:
		return replace(s, o, now);
	case MAKE:
		return make(s, o, now);
	}
	return -EINVAL;
}

static int find(struct store *s, struct offer *o, time_t now)
{
	bool own, none;
	int err;

	err = db_firmware_get(s, o->name, &o->device);
	if (err)
		return err;
	if (!strcmp(o->device.model, o->model)) {
		err = look(s, o);
		if (err || plan(o) == GIVE)
			return err;
		if (plan(o) == NOTHING)
			return -ENOENT;
	}
	/* Durable: the device will know the offer by its number, which must not be another's later. */
	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_firmware_get(s, o->name, &o->device);
	if (!err)
		err = settle(s, o, now);
	none = err == -ENOENT;
	err = db_leave(s, own, none ? 0 : err);
	return err ? err : none ? -ENOENT : 0;
}

/**
 * store_offer - what is there for a device
 * @s: the registry; without a transaction it makes one, if there is something to write
 * @device: its name
 * @model: which it is, by the policy; NULL or empty, none, and nothing is offered
 * @now: when
 * @action: the offer, on success; FIRMWARE_CANCELING, the device is to be told to stop
 * @release: that is offered, on success; zeroed where it is gone
 *
 * Return: 0; -ENOENT, nothing, or no such device; -EINVAL, @model; another -errno.
 */
int store_offer(struct store *s, const char *device, const char *model, time_t now, struct firmware_action *action,
		struct firmware_release *release)
{
	struct offer o = { .name = device, .model = model ? model : "" };
	int err;

	if (*o.model && !firmware_model_is_valid(o.model))
		return db_refuse(s, -EINVAL, "not a model's name: '%.40s'", o.model);
	err = find(s, &o, now);
	if (err == -ENOENT)
		return db_refuse(s, err, "nothing to offer to device '%.64s'", device);
	if (err)
		return err;
	*action = o.open.a;
	*release = o.release;
	return 0;
}
