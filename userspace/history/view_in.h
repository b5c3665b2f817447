/* SPDX-License-Identifier: GPL-2.0 */
/* How the files of view ask. */
#ifndef CORDON_HISTORY_VIEW_IN_H
#define CORDON_HISTORY_VIEW_IN_H

#include "history/view.h"

/** struct view_field - where a column of the answer goes in a row's struct */
struct view_field {
	size_t offset;
	bool text;
};

/** struct view_shape - a row's struct, whose fields are in the order of the answer's columns */
struct view_shape {
	const struct view_field *fields;
	size_t n;
};

#define VIEW_TEXT(type, member)		{ offsetof(struct type, member), true }
#define VIEW_NUMBER(type, member)	{ offsetof(struct type, member), false }
#define VIEW_SHAPE(fields)		{ fields, sizeof(fields) / sizeof(*(fields)) }

int view_each(struct history *h, const struct view_shape *shape, view_fn *fn, void *ctx, const char *sql, const char *types,
	      ...);
int view_number(struct history *h, int64_t *out, const char *sql, const char *types, ...);

#endif
