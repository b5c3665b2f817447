// SPDX-License-Identifier: GPL-2.0
/* Devices, and what the databases know of them. */
#include <errno.h>
#include <search.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "history/writer.h"

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct history_device *)a)->mac, ((const struct history_device *)b)->mac, 6);
}

/**
 * history_find - a device by its MAC
 * @w: the writer
 * @mac: of the device
 *
 * Return: NULL, it is not tracked.
 */
struct history_device *history_find(const struct history_writer *w, const u8 mac[6])
{
	struct history_device key, **at;

	memcpy(key.mac, mac, 6);
	at = tfind(&key, &w->tree, compare);
	return at ? *at : NULL;
}

/** history_named - a device by its name; NULL, it is not tracked. Slow */
struct history_device *history_named(const struct history_writer *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!strcmp(w->list[i]->name, name))
			return w->list[i];
	return NULL;
}

static int add(struct history_writer *w, struct history_device *t)
{
	struct history_device **list = w->list;

	if (w->n == w->room) {
		list = reallocarray(list, w->room ? 2 * w->room : 64, sizeof(*list));
		if (!list)
			return -ENOMEM;
		w->list = list;
		w->room = w->room ? 2 * w->room : 64;
	}
	if (!tsearch(t, &w->tree, compare))
		return -ENOMEM;
	list[w->n++] = t;
	return 0;
}

/** history_untrack - the kernel does not know it any more */
void history_untrack(struct history_writer *w, struct history_device *t)
{
	size_t i;

	tdelete(t, &w->tree, compare);
	for (i = 0; i < w->n && w->list[i] != t; i++)
		;
	if (i < w->n)
		w->list[i] = w->list[--w->n];
	free(t);
}

/* One that no policy lists and that has no row gets one while there is room: whoever is nearby makes up MACs. */
static void find_row(struct history_writer *w, struct history_device *t, time_t now)
{
	static const char known[] = "SELECT id FROM device WHERE mac = ?1";
	static const char put[] =
		"INSERT INTO device(mac, name, segment, first, last) VALUES(?1, ?2, ?3, ?4, ?4)"
		" ON CONFLICT(mac) DO UPDATE SET name = ?2, segment = ?3, last = ?4 RETURNING id";
	char mac[18];
	int err;

	policy_mac_text(t->mac, mac);
	if (!t->listed) {
		err = history_get(w, &t->id, known, "t", mac);
		if (err == -ENOENT && w->unlisted < HISTORY_UNLISTED)
			w->unlisted++;
		else if (err == -ENOENT)
			return;
	}
	history_get(w, &t->id, put, "ttti", mac, t->name[0] ? t->name : mac, t->listed ? t->segment : "", (int64_t)now);
}

static void read_base(struct history_writer *w, struct history_device *t)
{
	static const char sql[] =
		"SELECT boot, rx_packets, rx_bytes, tx_packets, tx_bytes, denied, anomalies FROM base WHERE device = ?1";
	static const char kinds[] = "SELECT kind, count FROM base_anomaly WHERE device = ?1";
	char text[HISTORY_BOOT_LEN];
	sqlite3_stmt *stmt = history_query(w, sql, "i", t->id);
	bool same = true;
	int i, kind;

	if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		history_copy(stmt, 0, text, sizeof(text));
		same = !strcmp(text, w->boot);
		for (i = 0; same && i < HISTORY_COUNTS; i++)
			t->base[i] = sqlite3_column_int64(stmt, 1 + i);
		t->restarted = !same;
	}
	sqlite3_reset(stmt);
	stmt = history_query(w, kinds, "i", t->id);
	while (same && stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		history_copy(stmt, 0, text, sizeof(text));
		kind = policy_kind_find(text);
		if (kind >= 0)
			t->kinds_base[kind] = sqlite3_column_int64(stmt, 1);
	}
	sqlite3_reset(stmt);
}

static void read_state(struct history_writer *w, struct history_device *t)
{
	static const char sql[] = "SELECT state, segment, at, why FROM state WHERE device = ?1 ORDER BY at DESC LIMIT 1";
	sqlite3_stmt *stmt = history_query(w, sql, "i", t->id);
	char state[32];
	int64_t first;

	if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		history_copy(stmt, 0, state, sizeof(state));
		history_copy(stmt, 1, t->effective, sizeof(t->effective));
		t->since = sqlite3_column_int64(stmt, 2);
		history_copy(stmt, 3, t->why, sizeof(t->why));
		for (t->state = 0; t->state <= CORDON_STATE_QUARANTINED && strcmp(policy_state_name(t->state), state) != 0;)
			t->state++;
		t->known = t->state <= CORDON_STATE_QUARANTINED;
	}
	sqlite3_reset(stmt);
	if (!history_get(w, &first, "SELECT first FROM device WHERE id = ?1", "i", t->id))
		t->first = (time_t)first;
}

/* Of a device that is listed by now, or under another name, what its row says. */
static void follow(struct history_writer *w, struct history_device *t, const struct cnl_device *d, time_t now)
{
	bool listed = !d->def.unlisted;

	if (!strcmp(t->name, d->def.name) && !strcmp(t->segment, d->segment) && t->listed == listed)
		return;
	if (listed && !t->listed && t->id != HISTORY_NOBODY && w->unlisted)
		w->unlisted--;
	t->listed = listed;
	memcpy(t->name, d->def.name, sizeof(t->name));
	memcpy(t->segment, d->segment, sizeof(t->segment));
	find_row(w, t, now);
	if (t->id != HISTORY_NOBODY && t->live < 0)
		t->live = t->id;
}

/**
 * history_track - see that a device is tracked
 * @w: the writer, in a transaction
 * @d: the device as the kernel has it
 * @now: the time
 *
 * Return: NULL, no memory, or the transaction has failed.
 */
struct history_device *history_track(struct history_writer *w, const struct cnl_device *d, time_t now)
{
	struct history_device *t = history_find(w, d->def.mac);

	if (t) {
		follow(w, t, d, now);
		return w->failed ? NULL : t;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	memcpy(t->mac, d->def.mac, 6);
	memcpy(t->name, d->def.name, sizeof(t->name));
	memcpy(t->segment, d->segment, sizeof(t->segment));
	t->listed = !d->def.unlisted;
	t->acted = CORDON_KINDS;
	t->first = now;
	find_row(w, t, now);
	if (t->id != HISTORY_NOBODY) {
		read_base(w, t);
		read_state(w, t);
		history_state_known(w, t);
	}
	t->live = t->id != HISTORY_NOBODY ? t->id : w->next_live--;
	if (w->failed || add(w, t)) {
		free(t);
		return NULL;
	}
	return t;
}
