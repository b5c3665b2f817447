// SPDX-License-Identifier: GPL-2.0
/* The matrix: a row for who opens, a column for towards whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "draw/cell.h"
#include "lib/xml.h"

#define LEVEL		8	/* columns whose names are not turned */
#define LEVEL_NAME	12	/* characters of the longest of them */
#define NARROW		28	/* a column, at least */
#define DEMAND_CHARACTER 7	/* of the smaller font */
#define BAND		16	/* rows or columns, and the names come again ... */
#define BANDS		8	/* ... so many times, at most */
#define NONE		UINT32_MAX

/**
 * struct matrix - where all is
 * @c: what is in it
 * @row: of each segment, which row; NONE
 * @column: likewise, which column
 * @x: where each column begins
 * @width: of each column
 * @y: where each row begins
 * @height: of each row
 * @n_rows: how many
 * @n_columns: how many
 * @names_width: what the rows' names take
 * @names_height: likewise, the columns'
 * @right: where the last column ends
 * @bottom: where the last row ends
 * @turned: the columns' names are written upwards
 */
struct matrix {
	struct cells c;
	uint32_t *row;
	uint32_t *column;
	unsigned int *x;
	unsigned int *width;
	unsigned int *y;
	unsigned int *height;
	uint32_t n_rows;
	uint32_t n_columns;
	unsigned int names_width;
	unsigned int names_height;
	unsigned int right;
	unsigned int bottom;
	bool turned;
};

static void raise(unsigned int *to, unsigned int least)
{
	if (*to < least)
		*to = least;
}

/* Which segments have a row, and which a column. */
static void place(struct matrix *m)
{
	const struct draw_policy *p = m->c.p;
	uint32_t i;

	for (i = 0; i < p->n_segments; i++) {
		m->row[i] = p->segments[i].role == DRAW_GATEWAY ? NONE : 0;
		m->column[i] = p->segments[i].role == DRAW_BUILTIN ? NONE : 0;
	}
	for (i = 0; i < m->c.n; i++)
		if (m->c.list[i].n) {
			m->row[m->c.list[i].from] = 0;
			m->column[m->c.list[i].to] = 0;
		}
	for (i = 0; i < p->n_segments; i++) {
		if (!m->row[i])
			m->row[i] = m->n_rows++;
		if (!m->column[i]) {
			m->column[i] = m->n_columns++;
			m->turned |= svg_length(p->segments[i].name, SIZE_MAX, SVG_NAME) > LEVEL_NAME;
		}
	}
	m->turned |= m->n_columns > LEVEL;
}

/* What stands below a segment's name. Return: how many lines. */
static unsigned int demands(const struct draw_segment *s, const char *out[3])
{
	unsigned int n = 0;

	if (s->authentication && *s->authentication)
		out[n++] = s->authentication;
	if (s->encryption && *s->encryption)
		out[n++] = s->encryption;
	if (s->unlisted)
		out[n++] = "unlisted devices";
	return n;
}

/* Names come before this row or column. */
static bool begins_band(uint32_t i, uint32_t n)
{
	const uint32_t band = n > BAND * BANDS ? (n + BANDS - 1) / BANDS : BAND;

	return i % band == 0;
}

/* The room that names and demands take. */
static void measure_segment(struct matrix *m, uint32_t segment)
{
	const struct draw_segment *s = &m->c.p->segments[segment];
	const unsigned int name = svg_length(s->name, SIZE_MAX, SVG_NAME) * SVG_CHARACTER;
	const uint32_t row = m->row[segment], column = m->column[segment];
	const char *below[3];
	unsigned int n, i;

	if (column != NONE) {
		m->width[column] = m->turned ? NARROW : name + 2 * SVG_PAD;
		raise(&m->names_height, m->turned ? name + 2 * SVG_PAD : SVG_LINE + SVG_PAD);
	}
	if (row == NONE)
		return;
	n = demands(s, below);
	m->height[row] = (1 + n) * SVG_LINE + SVG_PAD;
	raise(&m->names_width, name + 2 * SVG_PAD);
	for (i = 0; i < n; i++)
		raise(&m->names_width, svg_length(below[i], SIZE_MAX, SVG_NAME) * DEMAND_CHARACTER + 2 * SVG_PAD);
}

static void measure_cell(struct matrix *m, const struct cell *cell)
{
	const uint32_t row = m->row[cell->from], column = m->column[cell->to];
	struct cell_line lines[CELL_LINES];
	unsigned int n, i;

	if (row == NONE || column == NONE)
		return;
	n = cell_lines(&m->c, cell, lines);
	raise(&m->height[row], n * SVG_LINE + SVG_PAD);
	for (i = 0; i < n; i++)
		raise(&m->width[column], cell_line_width(&lines[i]) + 2 * SVG_PAD);
}

static void measure(struct matrix *m)
{
	uint32_t i;

	for (i = 0; i < m->c.p->n_segments; i++)
		measure_segment(m, i);
	for (i = 0; i < m->c.n; i++)
		measure_cell(m, &m->c.list[i]);
	m->right = m->bottom = SVG_PAD;
	for (i = 0; i < m->n_columns; i++) {
		m->x[i] = m->right + (begins_band(i, m->n_columns) ? m->names_width : 0);
		m->right = m->x[i] + m->width[i];
	}
	for (i = 0; i < m->n_rows; i++) {
		m->y[i] = m->bottom + (begins_band(i, m->n_rows) ? m->names_height : 0);
		m->bottom = m->y[i] + m->height[i];
	}
}

static void draw_grid(const struct matrix *m, FILE *out)
{
	uint32_t i;

	fputs("<path class=\"grid\" d=\"", out);
	for (i = 0; i < m->n_rows; i++) {
		if (i && begins_band(i, m->n_rows))
			fprintf(out, "M%d %uH%u", SVG_PAD, m->y[i] - m->names_height, m->right);
		fprintf(out, "M%d %uH%u", SVG_PAD, m->y[i], m->right);
	}
	for (i = 0; i < m->n_columns; i++) {
		if (i && begins_band(i, m->n_columns))
			fprintf(out, "M%u %dV%u", m->x[i] - m->names_width, SVG_PAD, m->bottom);
		fprintf(out, "M%u %dV%u", m->x[i], SVG_PAD, m->bottom);
	}
	fprintf(out, "M%d %uH%uV%d\"/>\n", SVG_PAD, m->bottom, m->right, SVG_PAD);
}

/* @y: where the cells below it begin. */
static void draw_column_name(const struct matrix *m, uint32_t segment, unsigned int y, FILE *out)
{
	const uint32_t column = m->column[segment];

	if (m->turned)
		fprintf(out, "<text class=\"name\" transform=\"translate(%u %u) rotate(-90)\">",
			m->x[column] + m->width[column] / 2 + 4, y - SVG_PAD);
	else
		fprintf(out, "<text class=\"name\" x=\"%u\" y=\"%u\">", m->x[column] + SVG_PAD, y - SVG_PAD - 2);
	xml_text(m->c.p->segments[segment].name, SIZE_MAX, SVG_NAME, out);
	fputs("</text>\n", out);
}

/* @x: where the cells beside it begin. */
static void draw_row_name(const struct matrix *m, uint32_t segment, unsigned int x, FILE *out)
{
	const struct draw_segment *s = &m->c.p->segments[segment];
	unsigned int y = m->y[m->row[segment]] + SVG_LINE - 2, n, i;
	const char *below[3];

	x = x - m->names_width + SVG_PAD;
	fprintf(out, "<text class=\"name\" x=\"%u\" y=\"%u\">", x, y);
	xml_text(s->name, SIZE_MAX, SVG_NAME, out);
	fputs("</text>\n", out);
	n = demands(s, below);
	for (i = 0; i < n; i++) {
		fprintf(out, "<text class=\"demand\" x=\"%u\" y=\"%u\">", x, y += SVG_LINE);
		xml_text(below[i], SIZE_MAX, SVG_NAME, out);
		fputs("</text>\n", out);
	}
}

static void draw_names(const struct matrix *m, uint32_t segment, FILE *out)
{
	uint32_t i;

	for (i = 0; i < m->n_rows && m->column[segment] != NONE; i++)
		if (begins_band(i, m->n_rows))
			draw_column_name(m, segment, m->y[i], out);
	for (i = 0; i < m->n_columns && m->row[segment] != NONE; i++)
		if (begins_band(i, m->n_columns))
			draw_row_name(m, segment, m->x[i], out);
}

static void draw_cell(const struct matrix *m, const struct cell *cell, FILE *out)
{
	const uint32_t row = m->row[cell->from], column = m->column[cell->to];
	struct cell_line lines[CELL_LINES];
	unsigned int n, i;

	if (row == NONE || column == NONE)
		return;
	cell_begin(&m->c, cell, out);
	fprintf(out, "<rect class=\"cell\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n", m->x[column], m->y[row],
		m->width[column], m->height[row]);
	n = cell_lines(&m->c, cell, lines);
	for (i = 0; i < n; i++)
		cell_line_draw(&lines[i], m->x[column] + SVG_PAD, m->y[row] + (i + 1) * SVG_LINE - 2, out);
	fputs("\n</g>\n", out);
}

static int draw(const struct matrix *m, FILE *out)
{
	const struct draw_policy *p = m->c.p;
	unsigned int width, height;
	uint32_t i;

	svg_legend_size(p, &width, &height);
	raise(&width, m->right);
	svg_begin(p, "matrix", width + 2 * SVG_PAD, m->bottom + height + 3 * SVG_PAD, out);
	for (i = 0; i < m->c.n; i++)
		draw_cell(m, &m->c.list[i], out);
	draw_grid(m, out);
	for (i = 0; i < p->n_segments; i++)
		draw_names(m, i, out);
	svg_legend(p, "row: who opens; column: towards whom", 2 * SVG_PAD, m->bottom + 2 * SVG_PAD, out);
	return svg_end(out);
}

/**
 * draw_matrix - draw a policy as a matrix
 * @p: the policy
 * @out: where to
 *
 * Return: 0; -ENOMEM; -EIO, @out cannot be written to.
 */
int draw_matrix(const struct draw_policy *p, FILE *out)
{
	const size_t room = (size_t)p->n_segments + 1;
	struct matrix m = { 0 };
	int err;

	err = cells_find(&m.c, p);
	if (err)
		return err;
	m.row = calloc(room, sizeof(*m.row));
	m.column = calloc(room, sizeof(*m.column));
	m.x = calloc(room, sizeof(*m.x));
	m.width = calloc(room, sizeof(*m.width));
	m.y = calloc(room, sizeof(*m.y));
	m.height = calloc(room, sizeof(*m.height));
	if (m.row && m.column && m.x && m.width && m.y && m.height) {
		place(&m);
		measure(&m);
		err = draw(&m, out);
	} else {
		err = -ENOMEM;
	}
	free(m.row);
	free(m.column);
	free(m.x);
	free(m.width);
	free(m.y);
	free(m.height);
	cells_free(&m.c);
	return err;
}
