/* SPDX-License-Identifier: GPL-2.0 */
/* Counters that are looked at again and again: rates, and what they were in the last minutes. */
#ifndef CORDON_WATCH_H
#define CORDON_WATCH_H

#include <stdio.h>

#include "policy.h"

#define WATCH_HISTORY	120	/* samples that are remembered */

/** enum watch_key - what a table is sorted by, and what is remembered */
enum watch_key {
	WATCH_TRAFFIC,		/* bytes in both directions */
	WATCH_DENIED,
	WATCH_ANOMALIES,
	WATCH_REMEMBERED,
	WATCH_NAME = WATCH_REMEMBERED,
	WATCH_KEYS
};

/** enum watch_count - the counters */
enum watch_count {
	WATCH_C_RX_PACKETS,	/* rx: from the device */
	WATCH_C_RX_BYTES,
	WATCH_C_TX_PACKETS,
	WATCH_C_TX_BYTES,
	WATCH_C_DENIED,
	WATCH_C_ANOMALIES,
	WATCH_COUNTS
};

/**
 * struct watch_row - a device
 * @mac: its MAC
 * @state: enum cordon_state
 * @name: its name
 * @segment: the segment that it is held in
 * @counts: its counters
 * @known: it was there before, so that @rates says something
 * @rates: of each counter, how much it grew in a second
 * @past: what is remembered, by sample number modulo WATCH_HISTORY; NULL, all of it is 0
 */
struct watch_row {
	u8 mac[6];
	u8 state;
	char name[CORDON_DEVICE_NAME_LEN];
	char segment[CORDON_NAME_LEN];
	u64 counts[WATCH_COUNTS];
	bool known;
	float rates[WATCH_COUNTS];
	float (*past)[WATCH_REMEMBERED];
};

/**
 * struct watch - the devices, and what they did between the last two samples
 * @rows: by MAC in ascending order, after watch_sampled()
 * @n: how many
 * @room: length of @rows
 * @before: those of the sample before, while one is taken
 * @n_before: how many
 * @sample: number of the last sample; the first is 1
 * @at: when it was taken, in seconds
 * @seconds: between the last two; 0, there was only one
 */
struct watch {
	struct watch_row *rows;
	size_t n;
	size_t room;
	struct watch_row *before;
	size_t n_before;
	u64 sample;
	double at;
	double seconds;
};

void watch_begin(struct watch *w);
int watch_add(struct watch *w, const struct watch_row *row);
void watch_sampled(struct watch *w, double at);
void watch_undo(struct watch *w);
void watch_free(struct watch *w);
const struct watch_row **watch_sorted(const struct watch *w, enum watch_key key);
int watch_key_parse(const char *word);
const char *watch_key_name(enum watch_key key);
float watch_past(const struct watch *w, const struct watch_row *row, enum watch_key key, u32 ago);

/* watch_text.c */

/**
 * struct watch_screen - where a table goes
 * @columns: how wide; 0, a line is as long as it is
 * @lines: how many rows at most; 0, all
 * @utf8: other characters than those of ASCII are shown
 * @colour: escape sequences may be used
 * @exact: rates to their last digit, and no graph
 * @key: what it is sorted by
 */
struct watch_screen {
	unsigned int columns;
	unsigned int lines;
	bool utf8;
	bool colour;
	bool exact;
	enum watch_key key;
};

#define WATCH_NUMBER_LEN 16

const char *watch_number(double value, char out[WATCH_NUMBER_LEN]);
size_t watch_table(const struct watch *w, const struct watch_screen *screen, FILE *out);
void watch_line(const struct watch_screen *screen, const char *text, FILE *out);

#endif
