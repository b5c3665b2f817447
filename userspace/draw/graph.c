// SPDX-License-Identifier: GPL-2.0
/* The graph: segments in a circle, an arrow for each pair between which rules open something. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draw/cell.h"
#include "lib/xml.h"

#define LABEL_LINES	3	/* at an arrow */
#define RADIUS		130	/* of the circle, at least */
#define GAP		24	/* between two nodes beside each other */
#define ARROW		9	/* length of an arrow's head */
#define DEMANDS		3	/* lines below a name, at most */
#define BEND		0.13	/* how far an arrow is bent, of its length */

/** struct spot - a point */
struct spot {
	double x;
	double y;
};

/**
 * struct node - a segment
 * @segment: its place
 * @own: what is open in it
 * @at: the middle of its box
 * @width: of the box
 * @height: of the box
 */
struct node {
	uint32_t segment;
	const struct cell *own;
	struct spot at;
	unsigned int width;
	unsigned int height;
};

/**
 * struct graph - where all is
 * @c: what is in it
 * @nodes: the segments that are shown
 * @n: how many
 * @of: of each segment, its node or NULL
 * @width: of the picture, without the legend
 * @height: likewise
 */
struct graph {
	struct cells c;
	struct node *nodes;
	uint32_t n;
	struct node **of;
	unsigned int width;
	unsigned int height;
};

static bool is_edge(const struct cell *c)
{
	return c->n && c->from != c->to;
}

/* A built-in segment that no rule names is not shown. */
static void find_nodes(struct graph *g)
{
	const struct draw_policy *p = g->c.p;
	uint32_t i;

	for (i = 0; i < g->c.n; i++)
		if (g->c.list[i].n) {
			g->of[g->c.list[i].from] = g->nodes;
			g->of[g->c.list[i].to] = g->nodes;
		}
	for (i = 0; i < p->n_segments; i++) {
		if (p->segments[i].role == DRAW_BUILTIN && !g->of[i])
			continue;
		g->of[i] = &g->nodes[g->n++];
		g->of[i]->segment = i;
	}
	for (i = 0; i < g->c.n; i++)
		if (g->c.list[i].from == g->c.list[i].to && g->of[g->c.list[i].from])
			g->of[g->c.list[i].from]->own = &g->c.list[i];
}

static const char *demand(const struct draw_segment *s, unsigned int i)
{
	const char *text = i == 0 ? s->authentication : i == 1 ? s->encryption : s->unlisted ? "unlisted devices" : NULL;

	return text && *text ? text : NULL;
}

/* What is in a node's box below its name: what is demanded, and what is open in it. */
static void measure_node(const struct graph *g, struct node *v)
{
	const struct draw_segment *s = &g->c.p->segments[v->segment];
	unsigned int width = svg_length(s->name, SIZE_MAX, SVG_NAME) * SVG_CHARACTER, rows = 1, n, i, w;
	struct cell_line lines[CELL_LINES];

	width += s->services ? 3 + SVG_MARK : 0;
	for (i = 0; i < DEMANDS; i++) {
		w = demand(s, i) ? svg_length(demand(s, i), SIZE_MAX, SVG_NAME) * SVG_CHARACTER : 0;
		width = w > width ? w : width;
		rows += !!demand(s, i);
	}
	n = v->own ? cell_lines(&g->c, v->own, lines) : 0;
	for (i = 0; i < n; i++) {
		w = cell_line_width(&lines[i]);
		width = w > width ? w : width;
	}
	v->width = width + 2 * SVG_PAD;
	v->height = (rows + n) * SVG_LINE + SVG_PAD;
}

/* In an ellipse, so wide that neighbours do not touch wherever they are in it. */
static void place_nodes(struct graph *g)
{
	unsigned int width = 0, height = 0;
	double rx, ry, angle;
	uint32_t i;

	for (i = 0; i < g->n; i++) {
		measure_node(g, &g->nodes[i]);
		width = g->nodes[i].width > width ? g->nodes[i].width : width;
		height = g->nodes[i].height > height ? g->nodes[i].height : height;
	}
	rx = fmax(RADIUS, 1.5 * g->n * (width + GAP) / (2 * M_PI));
	ry = fmax(RADIUS, 1.5 * g->n * (height + GAP) / (2 * M_PI));
	for (i = 0; i < g->n; i++) {
		angle = 2 * M_PI * i / g->n;
		g->nodes[i].at = (struct spot){ rx * sin(angle), -ry * cos(angle) };
	}
}

/**
 * struct edge - an arrow
 * @begin: where it begins, at a node's box
 * @bend: the control point of its curve
 * @end: where it ends, at the other's
 * @label: the middle of what is written at it
 * @width: of that
 * @height: likewise
 */
struct edge {
	struct spot begin;
	struct spot bend;
	struct spot end;
	struct spot label;
	unsigned int width;
	unsigned int height;
};

/* Where the line from the middle of a node towards a point leaves its box. */
static struct spot border(const struct node *v, struct spot to)
{
	double dx = to.x - v->at.x, dy = to.y - v->at.y;
	double part = fmin((v->width / 2.0 + 2) / fmax(fabs(dx), 1e-6), (v->height / 2.0 + 2) / fmax(fabs(dy), 1e-6));

	return (struct spot){ v->at.x + part * dx, v->at.y + part * dy };
}

/* Of a cell, as much as is written at an arrow. The last line stands for those that have no room. */
static unsigned int label_lines(const struct graph *g, const struct cell *cell, struct cell_line lines[CELL_LINES])
{
	unsigned int n = cell_lines(&g->c, cell, lines), i = 0, j;

	/* What no rule says is in the node. */
	while (i < n && lines[i].quiet)
		i++;
	memmove(lines, lines + i, (n - i) * sizeof(*lines));
	n -= i;
	for (j = LABEL_LINES; j < n; j++) {
		lines[LABEL_LINES - 1].more += (lines[LABEL_LINES - 1].more ? 0 : 1) + (lines[j].more ? lines[j].more : 1);
		lines[LABEL_LINES - 1].marks |= lines[j].marks & (SVG_BIT(SVG_PLAINTEXT) | SVG_BIT(SVG_RELATED));
	}
	return n > LABEL_LINES ? LABEL_LINES : n;
}

/* Bent to its right, so that one each way leaves room for the other. */
static void find_edge(const struct graph *g, const struct cell *cell, struct edge *e)
{
	const struct node *from = g->of[cell->from], *to = g->of[cell->to];
	double dx = to->at.x - from->at.x, dy = to->at.y - from->at.y;
	struct cell_line lines[CELL_LINES];
	unsigned int n, i, w;

	e->bend = (struct spot){ (from->at.x + to->at.x) / 2 - 2 * BEND * dy, (from->at.y + to->at.y) / 2 + 2 * BEND * dx };
	e->begin = border(from, e->bend);
	e->end = border(to, e->bend);
	e->label = (struct spot){ (e->begin.x + 2 * e->bend.x + e->end.x) / 4, (e->begin.y + 2 * e->bend.y + e->end.y) / 4 };
	n = label_lines(g, cell, lines);
	for (i = 0, e->width = 0; i < n; i++) {
		w = cell_line_width(&lines[i]);
		e->width = w > e->width ? w : e->width;
	}
	e->height = n * SVG_LINE;
}

static void widen(struct spot *least, struct spot *most, struct spot at, double width, double height)
{
	least->x = fmin(least->x, at.x - width / 2);
	least->y = fmin(least->y, at.y - height / 2);
	most->x = fmax(most->x, at.x + width / 2);
	most->y = fmax(most->y, at.y + height / 2);
}

/* All of it begins at (SVG_PAD, SVG_PAD). */
static void move_in(struct graph *g)
{
	struct spot least = { 0, 0 }, most = { 0, 0 };
	struct edge e;
	uint32_t i;

	for (i = 0; i < g->n; i++)
		widen(&least, &most, g->nodes[i].at, g->nodes[i].width, g->nodes[i].height);
	for (i = 0; i < g->c.n; i++)
		if (is_edge(&g->c.list[i])) {
			find_edge(g, &g->c.list[i], &e);
			widen(&least, &most, e.label, e.width, e.height);
		}
	for (i = 0; i < g->n; i++) {
		g->nodes[i].at.x = round(g->nodes[i].at.x - least.x + SVG_PAD);
		g->nodes[i].at.y = round(g->nodes[i].at.y - least.y + SVG_PAD);
	}
	g->width = (unsigned int)ceil(most.x - least.x) + 2 * SVG_PAD;
	g->height = (unsigned int)ceil(most.y - least.y) + 2 * SVG_PAD;
}

/* Never less than nothing: what was rounded may be. */
static unsigned int whole(double x)
{
	return x > 0 ? (unsigned int)lround(x) : 0;
}

static void draw_arrow(const struct edge *e, FILE *out)
{
	double dx = e->end.x - e->bend.x, dy = e->end.y - e->bend.y, len = fmax(hypot(dx, dy), 1);
	double ux = dx / len, uy = dy / len, bx = e->end.x - ARROW * ux, by = e->end.y - ARROW * uy;

	fprintf(out, "<path class=\"edge\" d=\"M%u %uQ%u %u %u %u\"/>", whole(e->begin.x), whole(e->begin.y),
		whole(e->bend.x), whole(e->bend.y), whole(bx), whole(by));
	fprintf(out, "<path class=\"head\" d=\"M%u %uL%u %uL%u %uz\"/>\n", whole(e->end.x), whole(e->end.y),
		whole(bx - 4 * uy), whole(by + 4 * ux), whole(bx + 4 * uy), whole(by - 4 * ux));
}

static void draw_label(const struct graph *g, const struct cell *cell, FILE *out)
{
	struct cell_line lines[CELL_LINES];
	unsigned int n, i, x, y;
	struct edge e;

	find_edge(g, cell, &e);
	cell_begin(&g->c, cell, out);
	x = whole(e.label.x - e.width / 2.0);
	y = whole(e.label.y - e.height / 2.0);
	fprintf(out, "<rect class=\"cell\" rx=\"3\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n", x, y, e.width, e.height);
	n = label_lines(g, cell, lines);
	for (i = 0; i < n; i++)
		cell_line_draw(&lines[i], x, y + (i + 1) * SVG_LINE - 4, out);
	fputs("\n</g>\n", out);
}

static void draw_node(const struct graph *g, const struct node *v, FILE *out)
{
	const struct draw_segment *s = &g->c.p->segments[v->segment];
	unsigned int left = whole(v->at.x - v->width / 2.0), top = whole(v->at.y - v->height / 2.0);
	unsigned int x = left + SVG_PAD, y = top + SVG_LINE - 2, n, i;
	struct cell_line lines[CELL_LINES];

	fprintf(out, "<rect class=\"node\" rx=\"4\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n<text class=\"name\" x=\"%u\" "
		"y=\"%u\">", left, top, v->width, v->height, x, y);
	xml_text(s->name, SIZE_MAX, SVG_NAME, out);
	fputs("</text>\n", out);
	if (s->services)
		svg_marks(SVG_BIT(SVG_SERVICES), x + svg_length(s->name, SIZE_MAX, SVG_NAME) * SVG_CHARACTER + 3, y, out);
	for (i = 0; i < DEMANDS; i++)
		if (demand(s, i)) {
			fprintf(out, "<text class=\"demand\" x=\"%u\" y=\"%u\">", x, y += SVG_LINE);
			xml_text(demand(s, i), SIZE_MAX, SVG_NAME, out);
			fputs("</text>\n", out);
		}
	if (!v->own)
		return;
	cell_begin(&g->c, v->own, out);
	n = cell_lines(&g->c, v->own, lines);
	for (i = 0; i < n; i++)
		cell_line_draw(&lines[i], x, y += SVG_LINE, out);
	fputs("\n</g>\n", out);
}

static int draw(const struct graph *g, FILE *out)
{
	unsigned int width, height;
	struct edge e;
	uint32_t i;

	svg_legend_size(g->c.p, &width, &height);
	width += 3 * SVG_PAD;
	svg_begin(g->c.p, "graph", width > g->width ? width : g->width, g->height + height + 2 * SVG_PAD, out);
	for (i = 0; i < g->c.n; i++)
		if (is_edge(&g->c.list[i])) {
			find_edge(g, &g->c.list[i], &e);
			draw_arrow(&e, out);
		}
	for (i = 0; i < g->c.n; i++)
		if (is_edge(&g->c.list[i]))
			draw_label(g, &g->c.list[i], out);
	for (i = 0; i < g->n; i++)
		draw_node(g, &g->nodes[i], out);
	svg_legend(g->c.p, "arrow: who opens, towards whom", 2 * SVG_PAD, g->height + SVG_PAD, out);
	return svg_end(out);
}

/**
 * draw_graph - draw a policy as a graph
 * @p: the policy
 * @out: where to
 *
 * Return: 0; -ENOMEM; -EIO, @out cannot be written to.
 */
int draw_graph(const struct draw_policy *p, FILE *out)
{
	struct graph g = { 0 };
	int err;

	err = cells_find(&g.c, p);
	if (err)
		return err;
	g.nodes = calloc((size_t)p->n_segments + 1, sizeof(*g.nodes));
	g.of = calloc((size_t)p->n_segments + 1, sizeof(*g.of));
	if (g.nodes && g.of) {
		find_nodes(&g);
		place_nodes(&g);
		move_in(&g);
		err = draw(&g, out);
	} else {
		err = -ENOMEM;
	}
	free(g.nodes);
	free(g.of);
	cells_free(&g.c);
	return err;
}
