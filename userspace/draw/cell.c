// SPDX-License-Identifier: GPL-2.0
/* Pairs of segments between which something is open or said, and the lines that say it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "draw/cell.h"
#include "lib/xml.h"

static int by_pair(const void *a, const void *b, void *arg)
{
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct draw_policy *p = arg;
	const struct draw_opening *x = &p->openings[i], *y = &p->openings[j];

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return i < j ? -1 : i > j;
}

static int by_place(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* What rules open. One that names a segment which is not there is left out. */
static void find_open(struct cells *c)
{
	const struct draw_policy *p = c->p;
	const struct draw_opening *o;
	uint32_t i, n = 0;

	for (i = 0; i < p->n_openings; i++)
		if (p->openings[i].from < p->n_segments && p->openings[i].to < p->n_segments)
			c->order[n++] = i;
	qsort_r(c->order, n, sizeof(*c->order), by_pair, (void *)p);
	for (i = 0; i < n; i++) {
		o = &p->openings[c->order[i]];
		if (!c->n || c->list[c->n - 1].from != o->from || c->list[c->n - 1].to != o->to)
			c->list[c->n++] = (struct cell){ o->from, o->to, i, 0 };
		c->list[c->n - 1].n++;
	}
}

static void add(struct cells *c, uint32_t from, uint32_t to, uint32_t open)
{
	const struct cell new = { from, to, 0, 0 };

	if (!bsearch(&new, c->list, open, sizeof(new), by_place))
		c->list[c->n++] = new;
}

/* What is said without a rule: services of the gateway, and what is open in a segment. */
static void find_unruled(struct cells *c)
{
	const uint32_t open = c->n;
	uint32_t gateway = 0, i;

	while (gateway < c->p->n_segments && c->p->segments[gateway].role != DRAW_GATEWAY)
		gateway++;
	for (i = 0; i < c->p->n_segments; i++) {
		if (c->p->segments[i].services && gateway < c->p->n_segments)
			add(c, i, gateway, open);
		if (i != gateway)
			add(c, i, i, open);
	}
}

/**
 * cells_find - all pairs of which there is something to say
 * @c: filled
 * @p: what is drawn; it is needed until cells_free()
 *
 * Return: 0 or -ENOMEM.
 */
int cells_find(struct cells *c, const struct draw_policy *p)
{
	*c = (struct cells){ .p = p };
	c->order = calloc((size_t)p->n_openings + 1, sizeof(*c->order));
	c->list = calloc((size_t)p->n_openings + 2 * (size_t)p->n_segments + 1, sizeof(*c->list));
	if (!c->order || !c->list) {
		cells_free(c);
		return -ENOMEM;
	}
	find_open(c);
	find_unruled(c);
	qsort(c->list, c->n, sizeof(*c->list), by_place);
	return 0;
}

/** cells_free - give back what cells_find() took */
void cells_free(struct cells *c)
{
	free(c->order);
	free(c->list);
}

/* The lines in the order in which they come; those that have no room any more are counted, their marks kept. */
static void add_line(struct cell_line *lines, unsigned int *n, const struct cell_line *line)
{
	if (*n < CELL_LINES) {
		lines[(*n)++] = *line;
		return;
	}
	if (!lines[CELL_LINES - 1].more)
		lines[CELL_LINES - 1].more = 1;
	lines[CELL_LINES - 1].more++;
	lines[CELL_LINES - 1].marks |= line->marks & (SVG_BIT(SVG_PLAINTEXT) | SVG_BIT(SVG_RELATED));
}

static void add_unruled(const struct cells *c, const struct cell *cell, struct cell_line *lines, unsigned int *n)
{
	const struct draw_segment *from = &c->p->segments[cell->from], *to = &c->p->segments[cell->to];
	struct cell_line line = { .text = "", .quiet = true };

	if (from->role == DRAW_GATEWAY)
		return;
	if (from->services && to->role == DRAW_GATEWAY) {
		line.marks = SVG_BIT(SVG_SERVICES);
		add_line(lines, n, &line);
	}
	if (cell->from != cell->to)
		return;
	line.marks = from->within == DRAW_OPEN ? 0 : SVG_BIT(SVG_ISOLATED);
	line.text = from->within == DRAW_ISOLATED ? "" : "any";
	line.len = strlen(line.text);
	add_line(lines, n, &line);
}

/**
 * cell_lines - what is in a cell, line by line
 * @c: all cells
 * @cell: the cell
 * @lines: filled; the last one may stand for those that have no room
 *
 * Return: how many.
 */
unsigned int cell_lines(const struct cells *c, const struct cell *cell, struct cell_line lines[CELL_LINES])
{
	const struct draw_opening *o;
	struct cell_line line = { 0 };
	unsigned int n = 0;
	const char *at;
	uint32_t i;

	add_unruled(c, cell, lines, &n);
	for (i = cell->first; i < cell->first + cell->n; i++) {
		o = &c->p->openings[c->order[i]];
		line.marks = svg_opening_marks(o);
		for (at = o->text; at; at = strstr(at, ", ") ? strstr(at, ", ") + 2 : NULL) {
			line.text = at;
			line.len = strstr(at, ", ") ? (size_t)(strstr(at, ", ") - at) : strlen(at);
			add_line(lines, &n, &line);
		}
	}
	return n;
}

/** cell_line_width - how wide a line is */
unsigned int cell_line_width(const struct cell_line *line)
{
	char more[16];
	unsigned int n = line->more ? (unsigned int)snprintf(more, sizeof(more), "+%u", line->more) :
				      svg_length(line->text, line->len, SVG_TEXT);

	return n * SVG_CHARACTER + svg_marks_width(line->marks) + (n && line->marks ? 3 : 0);
}

/**
 * cell_line_draw - write a line of a cell
 * @line: the line
 * @x: where it begins
 * @y: its base line
 * @out: where to
 */
void cell_line_draw(const struct cell_line *line, unsigned int x, unsigned int y, FILE *out)
{
	unsigned int width = cell_line_width(line);

	if (line->more) {
		fprintf(out, "<text class=\"quiet\" x=\"%u\" y=\"%u\">+%u</text>", x, y, line->more);
	} else if (line->len) {
		fprintf(out, "<text%s x=\"%u\" y=\"%u\">", line->quiet ? " class=\"quiet\"" : "", x, y);
		xml_text(line->text, line->len, SVG_TEXT, out);
		fputs("</text>", out);
	}
	svg_marks(line->marks, x + width - svg_marks_width(line->marks), y, out);
}

/**
 * cell_begin - begin the group of a cell: of which segments it is, for scripts, and in words for who points at it
 * @c: all cells
 * @cell: the cell
 * @out: where to
 */
void cell_begin(const struct cells *c, const struct cell *cell, FILE *out)
{
	const struct draw_segment *from = &c->p->segments[cell->from], *to = &c->p->segments[cell->to];
	bool plaintext = false;
	uint32_t i;

	for (i = cell->first; i < cell->first + cell->n; i++)
		plaintext |= c->p->openings[c->order[i]].plaintext;
	fprintf(out, "<g class=\"%s%s\" data-from=\"", cell->n ? "open" : "unruled", plaintext ? " plaintext" : "");
	xml_text(from->name, SIZE_MAX, SVG_NAME, out);
	fputs("\" data-to=\"", out);
	xml_text(to->name, SIZE_MAX, SVG_NAME, out);
	fputs("\"><title>", out);
	xml_text(from->name, SIZE_MAX, SVG_NAME, out);
	fputs(" \xe2\x86\x92 ", out);
	xml_text(to->name, SIZE_MAX, SVG_NAME, out);
	for (i = cell->first; i < cell->first + cell->n && i < cell->first + CELL_LINES; i++) {
		fputs(i > cell->first ? ", " : ": ", out);
		xml_text(c->p->openings[c->order[i]].text, SIZE_MAX, 8 * SVG_TEXT, out);
	}
	fputs("</title>\n", out);
}
