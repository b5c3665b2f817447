// SPDX-License-Identifier: GPL-2.0
/* What is old goes, so much at a time. */
#include <sqlite3.h>

#include "history/writer.h"

static void prune_series(struct history_writer *w, time_t now)
{
	static const char minute[] = "DELETE FROM minute WHERE (device, at) IN (SELECT device, at FROM minute WHERE at < ?1 LIMIT ?2)";
	static const char hour[] = "DELETE FROM hour WHERE (device, at) IN (SELECT device, at FROM hour WHERE at < ?1 LIMIT ?2)";
	static const char day[] = "DELETE FROM day WHERE (device, at) IN (SELECT device, at FROM day WHERE at < ?1 LIMIT ?2)";
	const int64_t some = HISTORY_PRUNED;

	history_run(w, minute, "ii", (int64_t)now - HISTORY_MINUTES_KEPT, some);
	history_run(w, hour, "ii", (int64_t)now - HISTORY_HOURS_KEPT, some);
	history_run(w, day, "ii", (int64_t)now - HISTORY_DAYS_KEPT, some);
}

static void prune_events(struct history_writer *w, time_t now)
{
	static const char episode[] = "DELETE FROM episode WHERE id IN (SELECT id FROM episode WHERE last < ?1 LIMIT ?2)";
	static const char state[] = "DELETE FROM state WHERE (device, at) IN (SELECT device, at FROM state WHERE at < ?1"
		" AND at < (SELECT max(at) FROM state s WHERE s.device = state.device) LIMIT ?2)";
	static const char applied[] = "DELETE FROM applied WHERE rowid IN (SELECT rowid FROM applied WHERE at < ?1 LIMIT ?2)";
	static const char use[] =
		"DELETE FROM rule_use WHERE (from_segment, to_segment, matches) IN"
		" (SELECT from_segment, to_segment, matches FROM rule_use WHERE used < ?1 LIMIT ?2)";
	const char *const all[] = { episode, state, applied, use };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		history_run(w, all[i], "ii", (int64_t)now - HISTORY_DAYS_KEPT, (int64_t)HISTORY_PRUNED);
}

static void prune_device(struct history_writer *w, int64_t id)
{
	static const char minute[] = "DELETE FROM minute WHERE device = ?1", hour[] = "DELETE FROM hour WHERE device = ?1",
		day[] = "DELETE FROM day WHERE device = ?1", episode[] = "DELETE FROM episode WHERE device = ?1",
		denial[] = "DELETE FROM denial WHERE device = ?1", state[] = "DELETE FROM state WHERE device = ?1",
		peer[] = "DELETE FROM peer WHERE device = ?1", restart[] = "DELETE FROM restart WHERE device = ?1",
		base[] = "DELETE FROM base WHERE device = ?1", base_anomaly[] = "DELETE FROM base_anomaly WHERE device = ?1",
		device[] = "DELETE FROM device WHERE id = ?1";
	const char *const all[] = { minute, hour, day, episode, denial, state, peer, restart, base, base_anomaly, device };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		history_run(w, all[i], "i", id);
}

static bool is_tracked(const struct history_writer *w, int64_t id)
{
	size_t i;

	for (i = 0; i < w->n && w->list[i]->id != id; i++)
		;
	return i < w->n;
}

/* One of them at a time: those that no policy lists after a month, the others when nothing is left of them. */
static void prune_devices(struct history_writer *w, time_t now)
{
	static const char unlisted[] = "SELECT id FROM device WHERE id <> 0 AND segment = '' AND last < ?1 ORDER BY last LIMIT 1";
	static const char listed[] = "SELECT id FROM device WHERE segment <> '' AND last < ?1 ORDER BY last LIMIT 1";
	int64_t id;

	if (!history_get(w, &id, unlisted, "i", (int64_t)now - HISTORY_UNLISTED_KEPT) && !is_tracked(w, id)) {
		prune_device(w, id);
		w->unlisted -= !!w->unlisted;
	}
	if (!history_get(w, &id, listed, "i", (int64_t)now - HISTORY_DAYS_KEPT) && !is_tracked(w, id))
		prune_device(w, id);
}

/* What has no index by time: that would cost more, at each write, than it spares here. */
static void prune_rows(struct history_writer *w, int64_t id, time_t now)
{
	static const char denial[] = "DELETE FROM denial WHERE device = ?1 AND last < ?2";
	static const char peer[] = "DELETE FROM peer WHERE device = ?1 AND last < ?2";
	static const char restart[] = "DELETE FROM restart WHERE device = ?1 AND at < ?2";
	/* Of a device that changes its state all the time. */
	static const char count[] = "SELECT count(*) FROM state WHERE device = ?1";
	static const char states[] =
		"DELETE FROM state WHERE device = ?1 AND at IN (SELECT at FROM state WHERE device = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)";
	const int64_t before = (int64_t)now - HISTORY_DAYS_KEPT;
	int64_t n = 0;

	history_run(w, denial, "ii", id, before);
	history_run(w, peer, "ii", id, before);
	history_run(w, restart, "ii", id, before);
	if (!history_get(w, &n, count, "i", id) && n > HISTORY_STATES_KEPT)
		history_run(w, states, "ii", id, (int64_t)HISTORY_STATES_KEPT);
}

/* Some devices at a time, one after the other. Of one that is gone, rows stay until all of it goes. */
static void prune_some(struct history_writer *w, time_t now)
{
	size_t i;

	prune_rows(w, HISTORY_NOBODY, now);
	for (i = 0; i < HISTORY_PRUNED_DEVICES && i < w->n; i++)
		prune_rows(w, w->list[w->pruned++ % w->n]->id, now);
}

/**
 * history_prune - remove what is old
 * @w: the writer, in a transaction
 * @now: the time
 *
 * It is called each minute, and reads no whole table: at most HISTORY_PRUNED rows of those that have an index by time,
 * HISTORY_PRUNED_DEVICES devices of the others.
 */
void history_prune(struct history_writer *w, time_t now)
{
	prune_series(w, now);
	prune_events(w, now);
	prune_devices(w, now);
	prune_some(w, now);
	if (!w->failed)
		sqlite3_exec(w->h.db, "PRAGMA main.incremental_vacuum(64)", NULL, NULL, NULL);
}
