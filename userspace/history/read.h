/* SPDX-License-Identifier: GPL-2.0 */
/* What `cordonctl history` reads. */
#ifndef CORDON_HISTORY_READ_H
#define CORDON_HISTORY_READ_H

#include "history/history.h"

#define HISTORY_COLUMNS	20

/** enum history_table - of what rows are read */
enum history_table {
	HISTORY_SERIES,		/* counts, by @step of the scope; the oldest first, as are all but peers */
	HISTORY_STATES,
	HISTORY_EPISODES,
	HISTORY_DENIED,
	HISTORY_APPLIED,
	HISTORY_RESTARTS,
	HISTORY_TALKS,		/* with whom; the most connections first */
	HISTORY_TABLES
};

/**
 * struct history_scope - which rows
 * @device: of this one; negative, of all
 * @segment: of devices that the policy has in this; NULL, in any
 * @kind: of this kind, where rows have one; NULL, of any
 * @since: not before
 * @step: 60, 3600 or 86400 seconds; of HISTORY_SERIES
 */
struct history_scope {
	int64_t device;
	const char *segment;
	const char *kind;
	time_t since;
	unsigned int step;
};

/**
 * struct history_value - one column of a row
 * @name: of the column
 * @text: its text; NULL, it is a number, or nothing
 * @number: its number
 * @none: it is nothing
 */
struct history_value {
	const char *name;
	const char *text;
	int64_t number;
	bool none;
};

/**
 * struct history_row - a row
 * @n: how many columns
 * @value: they
 */
struct history_row {
	unsigned int n;
	struct history_value value[HISTORY_COLUMNS];
};

/**
 * struct history_name - a device that has a history
 * @id: of its row
 * @name: its
 * @mac: its
 * @segment: where the policy had it last; empty, it lists it not
 */
struct history_name {
	int64_t id;
	char name[64];
	char mac[18];
	char segment[32];
};

/* Return: 0; what @each returned; -ENOENT; or -EIO, with a sentence in h->error. */
int history_read(struct history *h, enum history_table table, const struct history_scope *s,
		 int (*each)(const struct history_row *row, void *arg), void *arg);
int history_lookup(struct history *h, const char *word, struct history_name *out);
int history_has_segment(struct history *h, const char *segment);
unsigned int history_step(time_t seconds);
const struct history_value *history_value(const struct history_row *row, const char *name);

#endif
