// SPDX-License-Identifier: GPL-2.0
/* A look at all devices: what they are now, and what they have counted since the last one. */
#include <errno.h>
#include <string.h>

#include "history/writer.h"

static void read_counts(const struct cnl_stats *s, u64 out[HISTORY_COUNTS])
{
	u32 kind;

	out[0] = s->rx_packets;
	out[1] = s->rx_bytes;
	out[2] = s->tx_packets;
	out[3] = s->tx_bytes;
	out[4] = s->denied;
	out[5] = 0;
	for (kind = 0; kind < CORDON_KINDS; kind++)
		out[5] += s->anomalies[kind];
}

static bool is_less(const u64 *now, const u64 *before, u32 n)
{
	u32 i;

	for (i = 0; i < n && now[i] >= before[i]; i++)
		;
	return i < n;
}

/* Counters that are less than they were have started again: all of what they say is new. */
static void count(struct history_device *t, const struct cnl_stats *s)
{
	const u64 *before = t->counted ? t->now : t->base;
	const u64 *kinds = t->counted ? t->kinds : t->kinds_base;
	u64 now[HISTORY_COUNTS];
	int i;

	read_counts(s, now);
	if (is_less(now, before, HISTORY_COUNTS) || is_less(s->anomalies, kinds, CORDON_KINDS)) {
		for (i = 0; t->counted && i < HISTORY_COUNTS; i++)
			t->owed[i] += t->now[i] - t->base[i];
		memset(t->base, 0, sizeof(t->base));
		memset(t->kinds_base, 0, sizeof(t->kinds_base));
		memset(t->told, 0, sizeof(t->told));
		t->restarted = true;
	}
	memcpy(t->now, now, sizeof(t->now));
	memcpy(t->kinds, s->anomalies, sizeof(t->kinds));
	t->counted = true;
}

/**
 * history_sample_begin - a look begins
 * @w: the writer
 * @now: the time
 */
void history_sample_begin(struct history_writer *w, time_t now)
{
	size_t i;

	history_begin(w, now);
	for (i = 0; i < w->n; i++)
		w->list[i]->seen = false;
}

/**
 * history_sample_device - one device of a look
 * @w: the writer
 * @d: the device
 * @now: the time
 *
 * Return: 0; -ENOMEM, or -EIO: the look has failed.
 */
int history_sample_device(struct history_writer *w, const struct cnl_device *d, time_t now)
{
	struct history_device *t = history_track(w, d, now);

	if (!t)
		return w->failed ? -EIO : -ENOMEM;
	t->seen = true;
	count(t, &d->stats);
	if (w->fresh) {
		memcpy(t->base, t->now, sizeof(t->base));
		memcpy(t->kinds_base, t->kinds, sizeof(t->kinds_base));
		history_base_put(w, t);
	}
	history_state(w, t, d, now);
	history_episode_count(w, t, now);
	history_now_put(w, t, d);
	return w->failed ? -EIO : 0;
}

static void drop(struct history_writer *w, struct history_device *t, time_t now)
{
	history_minute_device(w, t, now);
	history_base_drop(w, t);
	history_run(w, "DELETE FROM live.now WHERE id = ?1", "i", t->live);
	history_run(w, "DELETE FROM live.now_anomaly WHERE device = ?1", "i", t->live);
	history_untrack(w, t);
}

/* Devices that went while nobody looked: when they come back, they count from nothing. */
static void sweep(struct history_writer *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		history_run(w, "INSERT OR IGNORE INTO temp.kept VALUES(?1)", "i", w->list[i]->live);
	history_run(w, "DELETE FROM live.now WHERE id NOT IN (SELECT key FROM temp.kept)", "");
	history_run(w, "DELETE FROM live.now_anomaly WHERE device NOT IN (SELECT key FROM temp.kept)", "");
	history_run(w, "DELETE FROM base WHERE device NOT IN (SELECT key FROM temp.kept)", "");
	history_run(w, "DELETE FROM base_anomaly WHERE device NOT IN (SELECT key FROM temp.kept)", "");
	history_run(w, "DELETE FROM temp.kept", "");
	w->swept = true;
}

/**
 * history_sample_end - a look is over
 * @w: the writer
 * @all: the kernel has told of every device
 * @now: the time
 *
 * Return: 0; -EIO, nothing of it was written.
 */
int history_sample_end(struct history_writer *w, bool all, time_t now)
{
	size_t i;
	int err;

	for (i = w->n; all && i--;)
		if (!w->list[i]->seen)
			drop(w, w->list[i], now);
	if (all && !w->swept)
		sweep(w);
	err = history_commit(w);
	if (!err && all)
		w->fresh = false;
	return err;
}
