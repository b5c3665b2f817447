// SPDX-License-Identifier: GPL-2.0
/* Counters that are looked at again and again: rates, and what they were in the last minutes. */
#include <stdlib.h>
#include <string.h>

#include "watch.h"

static const char *const keys[WATCH_KEYS] = {
	[WATCH_TRAFFIC] = "traffic", [WATCH_DENIED] = "denied", [WATCH_ANOMALIES] = "anomalies", [WATCH_NAME] = "name",
};

/**
 * watch_key_parse - what a table is to be sorted by
 * @word: its name, or the letter that this begins with
 *
 * Return: enum watch_key, or -1.
 */
int watch_key_parse(const char *word)
{
	int i;

	for (i = 0; i < WATCH_KEYS; i++)
		if (!strcmp(word, keys[i]) || (word[0] == keys[i][0] && !word[1]))
			return i;
	return -1;
}

/**
 * watch_key_name - the reverse of watch_key_parse()
 * @key: the key
 */
const char *watch_key_name(enum watch_key key)
{
	return keys[key];
}

/**
 * watch_begin - a sample begins: the last one becomes the one before
 * @w: the devices; all zero at first
 */
void watch_begin(struct watch *w)
{
	w->before = w->rows;
	w->n_before = w->n;
	w->rows = NULL;
	w->n = w->room = 0;
}

/**
 * watch_add - one device of a sample
 * @w: the devices
 * @row: MAC, name, segment, state and counters; copied
 *
 * Return: 0 or -ENOMEM.
 */
int watch_add(struct watch *w, const struct watch_row *row)
{
	struct watch_row *rows = w->rows;

	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 16;
		rows = reallocarray(rows, w->room, sizeof(*rows));
		if (!rows) {
			w->room = w->n;
			return -ENOMEM;
		}
		w->rows = rows;
	}
	rows[w->n] = *row;
	rows[w->n].known = false;
	rows[w->n].past = NULL;
	memset(rows[w->n++].rates, 0, sizeof(row->rates));
	return 0;
}

static int by_mac(const void *a, const void *b)
{
	const struct watch_row *x = a, *y = b;

	return memcmp(x->mac, y->mac, sizeof(x->mac));
}

/* A counter that got less has begun again: the device was taken away and added, or the module loaded anew. */
static void find_rates(struct watch_row *row, const struct watch_row *before, double seconds)
{
	bool again = false;
	int i;

	for (i = 0; i < WATCH_COUNTS; i++)
		again |= row->counts[i] < before->counts[i];
	for (i = 0; i < WATCH_COUNTS; i++)
		row->rates[i] = (row->counts[i] - (again ? 0 : before->counts[i])) / seconds;
	row->known = true;
}

static bool is_idle(const float now[WATCH_REMEMBERED])
{
	int i;

	for (i = 0; i < WATCH_REMEMBERED; i++)
		if (now[i] != 0)
			return false;
	return true;
}

/* Most devices do nothing most of the time, and have no history. Without memory for one, nothing is remembered. */
static void remember(struct watch *w, struct watch_row *row)
{
	const float now[WATCH_REMEMBERED] = {
		[WATCH_TRAFFIC] = row->rates[WATCH_C_RX_BYTES] + row->rates[WATCH_C_TX_BYTES],
		[WATCH_DENIED] = row->rates[WATCH_C_DENIED],
		[WATCH_ANOMALIES] = row->rates[WATCH_C_ANOMALIES],
	};
	u32 i;

	if (!row->past && is_idle(now))
		return;
	if (!row->past)
		row->past = calloc(WATCH_HISTORY, sizeof(*row->past));
	if (!row->past)
		return;
	memcpy(row->past[w->sample % WATCH_HISTORY], now, sizeof(now));
	for (i = 0; i < WATCH_HISTORY && is_idle(row->past[i]); i++)
		;
	if (i == WATCH_HISTORY) {
		free(row->past);
		row->past = NULL;
	}
}

static void free_rows(struct watch_row *rows, size_t n)
{
	while (n--)
		free(rows[n].past);
	free(rows);
}

/**
 * watch_sampled - a sample is complete
 * @w: the devices
 * @at: when it was begun, in seconds, by a clock that only goes forward
 *
 * Rates are found for devices that were there in the sample before.
 */
void watch_sampled(struct watch *w, double at)
{
	struct watch_row *old = w->before;
	size_t left = w->n_before, i;
	int order;

	w->seconds = w->sample++ && at > w->at ? at - w->at : 0;
	w->at = at;
	if (w->n)
		qsort(w->rows, w->n, sizeof(*w->rows), by_mac);
	for (i = 0; i < w->n; i++) {
		order = -1;
		for (; left && (order = by_mac(old, &w->rows[i])) < 0; old++, left--)
			;
		if (left && !order && w->seconds > 0) {
			w->rows[i].past = old->past;
			old->past = NULL;
			find_rates(&w->rows[i], old, w->seconds);
		}
		remember(w, &w->rows[i]);
	}
	free_rows(w->before, w->n_before);
	w->before = NULL;
	w->n_before = 0;
}

/**
 * watch_undo - a sample that was begun is not to be had: the last one stays
 * @w: the devices
 */
void watch_undo(struct watch *w)
{
	free_rows(w->rows, w->n);
	w->rows = w->before;
	w->n = w->room = w->n_before;
	w->before = NULL;
	w->n_before = 0;
}

/**
 * watch_free - forget all
 * @w: the devices
 */
void watch_free(struct watch *w)
{
	free_rows(w->rows, w->n);
	free_rows(w->before, w->n_before);
	*w = (struct watch){ .n = 0 };
}

static float traffic(const struct watch_row *row)
{
	return row->rates[WATCH_C_RX_BYTES] + row->rates[WATCH_C_TX_BYTES];
}

static int descending(float a, float b)
{
	return a > b ? -1 : a < b;
}

static int by_name(const void *a, const void *b)
{
	const struct watch_row *x = *(const struct watch_row *const *)a, *y = *(const struct watch_row *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : by_mac(x, y);
}

static int by_traffic(const void *a, const void *b)
{
	const struct watch_row *x = *(const struct watch_row *const *)a, *y = *(const struct watch_row *const *)b;
	int order = descending(traffic(x), traffic(y));

	return order ? order : by_name(a, b);
}

static int by_denied(const void *a, const void *b)
{
	const struct watch_row *x = *(const struct watch_row *const *)a, *y = *(const struct watch_row *const *)b;
	int order = descending(x->rates[WATCH_C_DENIED], y->rates[WATCH_C_DENIED]);

	return order ? order : by_traffic(a, b);
}

static int by_anomalies(const void *a, const void *b)
{
	const struct watch_row *x = *(const struct watch_row *const *)a, *y = *(const struct watch_row *const *)b;
	int order = descending(x->rates[WATCH_C_ANOMALIES], y->rates[WATCH_C_ANOMALIES]);

	return order ? order : by_traffic(a, b);
}

/**
 * watch_sorted - the devices in an order
 * @w: the devices
 * @key: most of it first; or by name
 *
 * Return: @w->n of them, good until the next sample; free() it. NULL, there is no memory.
 */
const struct watch_row **watch_sorted(const struct watch *w, enum watch_key key)
{
	static int (*const compare[WATCH_KEYS])(const void *a, const void *b) = {
		[WATCH_TRAFFIC] = by_traffic, [WATCH_DENIED] = by_denied, [WATCH_ANOMALIES] = by_anomalies,
		[WATCH_NAME] = by_name,
	};
	const struct watch_row **sorted = calloc(w->n + 1, sizeof(*sorted));
	size_t i;

	for (i = 0; sorted && i < w->n; i++)
		sorted[i] = &w->rows[i];
	if (sorted && w->n)
		qsort(sorted, w->n, sizeof(*sorted), compare[key]);
	return sorted;
}

/**
 * watch_past - what a device did some samples ago
 * @w: the devices
 * @row: the device
 * @key: of what; WATCH_NAME is traffic
 * @ago: how many samples; 0, the last one
 */
float watch_past(const struct watch *w, const struct watch_row *row, enum watch_key key, u32 ago)
{
	if (!row->past || ago >= WATCH_HISTORY || ago >= w->sample)
		return 0;
	return row->past[(w->sample - ago) % WATCH_HISTORY][key == WATCH_NAME ? WATCH_TRAFFIC : key];
}
