// SPDX-License-Identifier: GPL-2.0
/* What came in a minute, and by that in an hour and a day. */
#include <string.h>

#include "history/writer.h"

#define ADD(column) column " = max(" column ", excluded." column ")"
#define SUM "sum(rx_packets), sum(rx_bytes), sum(tx_packets), sum(tx_bytes), sum(denied), sum(anomalies)"
/* Never less than there is: minutes and hours that are old are gone. */
#define ROLL(table, from, seconds) \
	"INSERT INTO " table "(device, at, rx_packets, rx_bytes, tx_packets, tx_bytes, denied, anomalies)" \
	" SELECT device, at / " seconds " * " seconds " AS begun, " SUM " FROM " from \
	" WHERE at >= ?1 / " seconds " * " seconds " GROUP BY device, begun" \
	" ON CONFLICT(device, at) DO UPDATE SET " ADD("rx_packets") ", " ADD("rx_bytes") ", " ADD("tx_packets") ", " \
	ADD("tx_bytes") ", " ADD("denied") ", " ADD("anomalies")

static void put(struct history_writer *w, int64_t device, const u64 d[HISTORY_COUNTS])
{
	static const char sql[] =
		"INSERT INTO minute(device, at, rx_packets, rx_bytes, tx_packets, tx_bytes, denied, anomalies)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(device, at) DO UPDATE SET"
		" rx_packets = rx_packets + ?3, rx_bytes = rx_bytes + ?4, tx_packets = tx_packets + ?5, tx_bytes = tx_bytes + ?6,"
		" denied = denied + ?7, anomalies = anomalies + ?8";

	history_run(w, sql, "iicccccc", device, (int64_t)w->minute, d[0], d[1], d[2], d[3], d[4], d[5]);
	if (w->minute < w->rolled)
		w->rolled = w->minute;
}

/**
 * history_roll - hours have what minutes say, and days what hours say
 * @w: the writer
 * @now: the time
 *
 * Every few minutes: a disk need not take each minute three times.
 *
 * Return: 0; -EIO, nothing of it was written.
 */
int history_roll(struct history_writer *w, time_t now)
{
	static const char hour[] = ROLL("hour", "minute", "3600"), day[] = ROLL("day", "hour", "86400");
	int err;

	history_begin(w, now);
	history_run(w, hour, "i", (int64_t)w->rolled);
	history_run(w, day, "i", (int64_t)w->rolled);
	err = history_commit(w);
	if (!err)
		w->rolled = now;
	return err;
}

/**
 * history_base_put - the counters up to which minutes have what a device did
 * @w: the writer, in a transaction
 * @t: the device, with a row
 */
void history_base_put(struct history_writer *w, struct history_device *t)
{
	static const char base[] = "INSERT OR REPLACE INTO base VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	static const char kind_sql[] = "INSERT OR REPLACE INTO base_anomaly VALUES(?1, ?2, ?3)";
	const u64 *b = t->base;
	u32 kind;

	if (t->id == HISTORY_NOBODY)
		return;
	history_run(w, base, "itcccccc", t->id, w->boot, b[0], b[1], b[2], b[3], b[4], b[5]);
	for (kind = 0; kind < CORDON_KINDS; kind++)
		if (t->kinds_base[kind])
			history_run(w, kind_sql, "itc", t->id, policy_kind_name(kind), t->kinds_base[kind]);
}

/** history_base_drop - the device will count from nothing if it comes back */
void history_base_drop(struct history_writer *w, struct history_device *t)
{
	history_run(w, "DELETE FROM base WHERE device = ?1", "i", t->id);
	history_run(w, "DELETE FROM base_anomaly WHERE device = ?1", "i", t->id);
}

/**
 * history_minute_device - write what a device did since the last minute
 * @w: the writer, in a transaction
 * @t: the device
 * @now: the time
 */
void history_minute_device(struct history_writer *w, struct history_device *t, time_t now)
{
	static const char restart[] = "INSERT OR IGNORE INTO restart VALUES(?1, ?2)";
	u64 delta[HISTORY_COUNTS], any = 0;
	int i;

	if (!t->counted || t->id == HISTORY_NOBODY)
		return;
	for (i = 0; i < HISTORY_COUNTS; i++) {
		delta[i] = t->owed[i] + t->now[i] - t->base[i];
		any |= delta[i];
	}
	if (!any && !t->restarted)
		return;
	if (any)
		put(w, t->id, delta);
	if (t->restarted) {
		history_run(w, restart, "ii", t->id, (int64_t)now);
		history_run(w, "DELETE FROM base_anomaly WHERE device = ?1", "i", t->id);
	}
	history_run(w, "UPDATE device SET last = ?2 WHERE id = ?1", "ii", t->id, (int64_t)now);
	memcpy(t->base, t->now, sizeof(t->base));
	memset(t->owed, 0, sizeof(t->owed));
	t->restarted = false;
	history_base_put(w, t);
}

/**
 * history_minute - write what all did since the last minute
 * @w: the writer
 * @now: the time
 *
 * It is told of the minute in which the last one was written, or the writer began.
 *
 * Return: 0; -EIO, nothing of it was written.
 */
int history_minute(struct history_writer *w, time_t now)
{
	size_t i;
	int err;

	history_begin(w, now);
	for (i = 0; i < w->n; i++)
		history_minute_device(w, w->list[i], now);
	history_episodes_end(w, now);
	err = history_commit(w);
	if (err)
		return err;
	w->minute = now / 60 * 60;
	return now / HISTORY_ROLL != w->rolled / HISTORY_ROLL ? history_roll(w, now) : 0;
}

/**
 * history_boot - the gateway was booted, or the module loaded, and all counters started again
 * @w: the writer
 * @boot: which boot, and which load of the module
 * @now: the time
 */
void history_boot(struct history_writer *w, const char *boot, time_t now)
{
	if (!strcmp(w->boot, boot))
		return;
	history_minute(w, now);
	history_forget(w);
	snprintf(w->boot, sizeof(w->boot), "%s", boot);
}
