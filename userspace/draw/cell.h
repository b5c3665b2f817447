/* SPDX-License-Identifier: GPL-2.0 */
/* For the files in this folder: pairs of segments between which something is open or said. */
#ifndef CORDON_DRAW_CELL_H
#define CORDON_DRAW_CELL_H

#include "draw/svg.h"

#define CELL_LINES	8	/* that a cell has, at most */

/**
 * struct cell - one segment towards another
 * @from: who opens
 * @to: towards whom
 * @first: its rules in the order of all
 * @n: how many; 0, no rule opens anything
 */
struct cell {
	uint32_t from;
	uint32_t to;
	uint32_t first;
	uint32_t n;
};

/**
 * struct cells - all of them, by @from and @to
 * @p: what is drawn
 * @order: places of its openings, by pair
 * @list: they
 * @n: length of @list
 */
struct cells {
	const struct draw_policy *p;
	uint32_t *order;
	struct cell *list;
	uint32_t n;
};

/**
 * struct cell_line - a line of what is in a cell
 * @text: begins here
 * @len: bytes of it
 * @marks: behind it
 * @more: instead of @text, so many are not shown
 * @quiet: no rule says it
 */
struct cell_line {
	const char *text;
	size_t len;
	unsigned int marks;
	unsigned int more;
	bool quiet;
};

int cells_find(struct cells *c, const struct draw_policy *p);
void cells_free(struct cells *c);
unsigned int cell_lines(const struct cells *c, const struct cell *cell, struct cell_line lines[CELL_LINES]);
unsigned int cell_line_width(const struct cell_line *line);
void cell_line_draw(const struct cell_line *line, unsigned int x, unsigned int y, FILE *out);
void cell_begin(const struct cells *c, const struct cell *cell, FILE *out);

#endif
