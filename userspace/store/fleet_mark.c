// SPDX-License-Identifier: GPL-2.0
/* all/mark/MAC: quarantine that every gateway keeps. */
#include <errno.h>
#include <string.h>

#include "store/fleet_db.h"

#define WHY_LEN	256

/** struct mark - a mark's row */
struct mark {
	char why[WHY_LEN];
	char by[STORE_GATEWAY_LEN];
	int64_t since;
};

/* 1, there is one; 0 or -errno. */
static int get(struct store *s, const uint8_t mac[6], struct mark *m)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_MARK_GET, "b", mac, (size_t)6);
	int got = db_step(s, stmt);

	memset(m, 0, sizeof(*m));
	if (got == 1) {
		db_text(stmt, 0, m->why, sizeof(m->why));
		db_text(stmt, 1, m->by, sizeof(m->by));
		m->since = sqlite3_column_int64(stmt, 2);
	}
	return db_end(stmt, got);
}

static int put(struct store *s, const uint8_t mac[6], const struct mark *m)
{
	return db_run(s, db_bind(s, DB_FLEET_MARK_PUT, "btti", mac, (size_t)6, m->why, m->by, m->since));
}

/** db_fleet_mark_value - of its row */
int db_fleet_mark_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	struct mark m;
	int got = get(s, k->id, &m);
	json_t *o;

	*out = NULL;
	*len = 0;
	if (got != 1)
		return got;
	o = db_fleet_object();
	db_fleet_set_bool(o, "quarantine", true);
	db_fleet_set_text(o, "why", m.why);
	db_fleet_set_text(o, "by", m.by);
	db_fleet_set_int(o, "since", m.since);
	return db_fleet_dump(s, o, out, len);
}

/** db_fleet_mark_apply - its row, by the value: of a quarantine and the end of one, said at once, the quarantine stays */
int db_fleet_mark_apply(struct store *s, struct fleet_in *in)
{
	bool quarantine = false;
	struct mark m, own;
	int got;

	if (in->value && (!db_fleet_get_bool(in->json, "quarantine", &quarantine) ||
			  !db_fleet_get_text(in->json, "why", m.why, sizeof(m.why)) ||
			  !db_fleet_get_text(in->json, "by", m.by, sizeof(m.by)) ||
			  !cordon_name_is_valid(m.by, sizeof(m.by)) ||
			  !db_fleet_get_int(in->json, "since", FLEET_TIME_MAX, &m.since)))
		return -EPROTO;
	got = in->noted ? get(s, in->k.id, &own) : 0;
	if (got < 0)
		return got;
	in->effect->what = STORE_FLEET_MARK;
	in->effect->quarantine = quarantine || got;
	memcpy(in->effect->mac, in->k.id, sizeof(in->effect->mac));
	if (quarantine)
		return put(s, in->k.id, &m);
	return got ? 0 : db_run(s, db_bind(s, DB_FLEET_MARK_DROP, "b", in->k.id, (size_t)6));
}

static int mark(struct store *s, const uint8_t mac[6], bool quarantine, const char *why, time_t when)
{
	struct mark m = { .since = when }, own;
	struct store_fleet f;
	int got = store_fleet_get(s, &f);

	if (got)
		return got;
	got = get(s, mac, &own);
	if (got < 0 || quarantine == !!got)
		return got < 0 ? got : 0;
	if (!quarantine)
		return db_run(s, db_bind(s, DB_FLEET_MARK_DROP, "b", mac, (size_t)6));
	snprintf(m.why, sizeof(m.why), "%s", why);
	memcpy(m.by, f.gateway, sizeof(m.by));
	return put(s, mac, &m);
}

/**
 * store_fleet_mark - quarantine in the whole fleet, or no more
 * @s: the registry; without a transaction it makes a durable one
 * @mac: of the device
 * @quarantine: whether
 * @why: in words, printable; what is too long is cut
 * @when: since then
 *
 * Return: 0, also where it is so already; -ENOENT, the registry is in no fleet; -EINVAL, @mac; another -errno.
 */
int store_fleet_mark(struct store *s, const uint8_t mac[6], bool quarantine, const char *why, time_t when)
{
	char text[18];
	bool own;
	int err;

	if (!db_is_mac(mac) || when < 0)
		return db_refuse(s, -EINVAL, "not the MAC of a device: %s", policy_mac_text(mac, text));
	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, mark(s, mac, quarantine, why, when));
}

/**
 * store_fleet_mark_each - every device that the fleet quarantines, by MAC
 * @s: the registry
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_fleet_mark_each(struct store *s, int (*each)(const uint8_t mac[6], const char *why, const char *by,
						       time_t since, void *arg), void *arg)
{
	sqlite3_stmt *stmt = NULL;
	uint8_t mac[6];
	struct mark m;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT mac, why, gateway, since FROM fleet_mark ORDER BY mac", -1, &stmt, NULL))
		return db_fail(s, "read");
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1) {
			db_blob(stmt, 0, mac, sizeof(mac));
			db_text(stmt, 1, m.why, sizeof(m.why));
			db_text(stmt, 2, m.by, sizeof(m.by));
			m.since = sqlite3_column_int64(stmt, 3);
		}
		ret = got == 1 ? each(mac, m.why, m.by, m.since, arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}
