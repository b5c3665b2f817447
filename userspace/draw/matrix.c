// SPDX-License-Identifier: GPL-2.0
/* The matrix: a row for who opens, a column for towards whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "draw/cell.h"

#define LEVEL		8	/* columns whose names are not turned */
#define LEVEL_NAME	12	/* characters of the longest of them */
#define NARROW		28	/* a column, at least */
#define DEMAND_CHARACTER 7	/* of the smaller font */
#define NONE		UINT32_MAX

/**
 * struct matrix - where all is
 * @c: what is in it
 * @row: of each segment, which row; NONE
 * @column: likewise, which column
 * @height: of each row
 * @width: of each column
 * @x: where each column begins; one more, where the last one ends
 * @y: likewise, each row
 * @n_rows: how many
 * @n_columns: how many
 * @turned: the columns' names are written upwards
 */
struct matrix {
	struct cells c;
	uint32_t *row;
	uint32_t *column;
	unsigned int *x;
	unsigned int *y;
	uint32_t n_rows;
	uint32_t n_columns;
	bool turned;
};

static unsigned int name_width(const struct draw_segment *s)
{
	return svg_length(s->name, SIZE_MAX, SVG_NAME) * SVG_CHARACTER;
}

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

/* How wide the columns are, and how high the rows; x[0] and y[0] are what the names take. */
static void measure(struct matrix *m)
{
	const struct draw_policy *p = m->c.p;
	struct cell_line lines[CELL_LINES];
	const char *below[3];
	unsigned int n, j;
	uint32_t i;

	for (i = 0; i < p->n_segments; i++) {
		if (m->column[i] != NONE)
			m->x[m->column[i] + 1] = m->turned ? NARROW : name_width(&p->segments[i]) + 2 * SVG_PAD;
		if (m->column[i] != NONE)
			raise(&m->y[0], m->turned ? name_width(&p->segments[i]) + 3 * SVG_PAD : SVG_LINE + 2 * SVG_PAD);
		if (m->row[i] == NONE)
			continue;
		raise(&m->x[0], name_width(&p->segments[i]) + 3 * SVG_PAD);
		n = demands(&p->segments[i], below);
		m->y[m->row[i] + 1] = (1 + n) * SVG_LINE + SVG_PAD;
		for (j = 0; j < n; j++)
			raise(&m->x[0], svg_length(below[j], SIZE_MAX, SVG_NAME) * DEMAND_CHARACTER + 3 * SVG_PAD);
	}
	for (i = 0; i < m->c.n; i++) {
		const uint32_t row = m->row[m->c.list[i].from], column = m->column[m->c.list[i].to];

		if (row == NONE || column == NONE)
			continue;
		n = cell_lines(&m->c, &m->c.list[i], lines);
		raise(&m->y[row + 1], n * SVG_LINE + SVG_PAD);
		for (j = 0; j < n; j++)
			raise(&m->x[column + 1], cell_line_width(&lines[j]) + 2 * SVG_PAD);
	}
	for (i = 0; i < m->n_columns; i++)
		m->x[i + 1] += m->x[i];
	for (i = 0; i < m->n_rows; i++)
		m->y[i + 1] += m->y[i];
}

static void draw_grid(const struct matrix *m, FILE *out)
{
	uint32_t i;

	fputs("<path class=\"grid\" d=\"", out);
	for (i = 0; i <= m->n_rows; i++)
		fprintf(out, "M%d %uH%u", SVG_PAD, m->y[i], m->x[m->n_columns]);
	for (i = 0; i <= m->n_columns; i++)
		fprintf(out, "M%u %dV%u", m->x[i], SVG_PAD, m->y[m->n_rows]);
	fputs("\"/>\n", out);
}

static void draw_column_name(const struct matrix *m, uint32_t segment, FILE *out)
{
	const uint32_t column = m->column[segment];
	const unsigned int middle = (m->x[column] + m->x[column + 1]) / 2;

	if (m->turned)
		fprintf(out, "<text class=\"name\" transform=\"translate(%u %u) rotate(-90)\">", middle + 4, m->y[0] - SVG_PAD);
	else
		fprintf(out, "<text class=\"name\" x=\"%u\" y=\"%u\">", m->x[column] + SVG_PAD, m->y[0] - SVG_PAD - 3);
	svg_text(m->c.p->segments[segment].name, SIZE_MAX, SVG_NAME, out);
	fputs("</text>\n", out);
}

static void draw_row_name(const struct matrix *m, uint32_t segment, FILE *out)
{
	const struct draw_segment *s = &m->c.p->segments[segment];
	unsigned int y = m->y[m->row[segment]] + SVG_LINE - 2, n, i;
	const char *below[3];

	fprintf(out, "<text class=\"name\" x=\"%d\" y=\"%u\">", 2 * SVG_PAD, y);
	svg_text(s->name, SIZE_MAX, SVG_NAME, out);
	fputs("</text>\n", out);
	n = demands(s, below);
	for (i = 0; i < n; i++) {
		fprintf(out, "<text class=\"demand\" x=\"%d\" y=\"%u\">", 2 * SVG_PAD, y += SVG_LINE);
		svg_text(below[i], SIZE_MAX, SVG_NAME, out);
		fputs("</text>\n", out);
	}
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
		m->x[column + 1] - m->x[column], m->y[row + 1] - m->y[row]);
	n = cell_lines(&m->c, cell, lines);
	for (i = 0; i < n; i++)
		cell_line_draw(&lines[i], m->x[column] + SVG_PAD, m->y[row] + (i + 1) * SVG_LINE - 2, out);
	fputs("\n</g>\n", out);
}

static int draw(const struct matrix *m, FILE *out)
{
	const struct draw_policy *p = m->c.p;
	unsigned int width, height, right = m->x[m->n_columns], bottom = m->y[m->n_rows];
	uint32_t i;

	svg_legend_size(p, &width, &height);
	raise(&width, right);
	svg_begin(p, "matrix", width + 2 * SVG_PAD, bottom + height + 3 * SVG_PAD, out);
	for (i = 0; i < m->c.n; i++)
		draw_cell(m, &m->c.list[i], out);
	draw_grid(m, out);
	for (i = 0; i < p->n_segments; i++) {
		if (m->column[i] != NONE)
			draw_column_name(m, i, out);
		if (m->row[i] != NONE)
			draw_row_name(m, i, out);
	}
	svg_legend(p, "row: who opens; column: towards whom", 2 * SVG_PAD, bottom + 2 * SVG_PAD, out);
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
	m.y = calloc(room, sizeof(*m.y));
	if (m.row && m.column && m.x && m.y) {
		place(&m);
		measure(&m);
		err = draw(&m, out);
	} else {
		err = -ENOMEM;
	}
	free(m.row);
	free(m.column);
	free(m.x);
	free(m.y);
	cells_free(&m.c);
	return err;
}
