// SPDX-License-Identifier: GPL-2.0
/* Marks, and the legend that says what they mean. None differs from another by its colour alone. */
#include <string.h>

#include "draw/svg.h"

#define NOTE_CHARACTER	7	/* of the legend's smaller font */

static const struct {
	char letter;
	const char *text;
} marks_text[SVG_MARKS] = {
	[SVG_PLAINTEXT] = { 'P', "plaintext, too" },
	[SVG_RELATED] = { 'R', "related: what its connections announce, too" },
	[SVG_RECENT] = { 0, "used in the last day" },
	[SVG_EARLIER] = { 0, "used before that" },
	[SVG_NEVER] = { 0, "not used since rules were last changed" },
	[SVG_SERVICES] = { 'S', "of devices: DHCP, DNS, NTP, enrolment, check-in" },
	[SVG_ISOLATED] = { 0, "isolated: its devices do not reach each other" },
	[SVG_WITHIN] = { 0, "any, in grey: within a segment, without a rule" },
};

static const char replies[] = "nothing: closed; replies, and what the gateway opens, pass";
static const char observing[] = "mode observe: what is closed passes, and is counted";

/** svg_opening_marks - the marks of a rule, as bits */
unsigned int svg_opening_marks(const struct draw_opening *o)
{
	unsigned int marks = 0;

	if (o->plaintext)
		marks |= SVG_BIT(SVG_PLAINTEXT);
	if (o->related)
		marks |= SVG_BIT(SVG_RELATED);
	switch (o->use) {
	case DRAW_USE_RECENT:
		return marks | SVG_BIT(SVG_RECENT);
	case DRAW_USE_EARLIER:
		return marks | SVG_BIT(SVG_EARLIER);
	case DRAW_USE_NEVER:
		return marks | SVG_BIT(SVG_NEVER);
	default:
		return marks;
	}
}

/** svg_marks_width - how wide marks are */
unsigned int svg_marks_width(unsigned int marks)
{
	return __builtin_popcount(marks) * SVG_MARK;
}

static void draw_mark(enum svg_mark mark, unsigned int x, unsigned int y, FILE *out)
{
	if (marks_text[mark].letter) {
		fprintf(out, "<rect class=\"mark\" x=\"%u\" y=\"%u\" width=\"12\" height=\"12\" rx=\"2\"/>"
			"<text class=\"letter\" x=\"%u\" y=\"%u\">%c</text>", x, y - 10, x + 6, y, marks_text[mark].letter);
		return;
	}
	if (mark == SVG_WITHIN)
		return;
	fprintf(out, "<circle class=\"mark%s\" cx=\"%u\" cy=\"%u\" r=\"5\"/>", mark == SVG_RECENT ? " full" : "", x + 6, y - 4);
	if (mark == SVG_EARLIER)
		fprintf(out, "<path class=\"full\" d=\"M%u %ua5 5 0 0 1 0 10z\"/>", x + 6, y - 9);
	if (mark == SVG_ISOLATED)
		fprintf(out, "<path class=\"mark\" d=\"M%u %ul7 7\"/>", x + 2, y - 8);
}

/**
 * svg_marks - draw marks, one beside the other
 * @marks: bits of enum svg_mark
 * @x: where the first one begins
 * @y: the base line of the text that they belong to
 * @out: where to
 */
void svg_marks(unsigned int marks, unsigned int x, unsigned int y, FILE *out)
{
	enum svg_mark m;

	for (m = 0; m < SVG_MARKS; m++)
		if (marks & SVG_BIT(m)) {
			draw_mark(m, x, y, out);
			x += SVG_MARK;
		}
}

/* Those that occur. */
static unsigned int all_marks(const struct draw_policy *p)
{
	unsigned int marks = 0;
	uint32_t i;

	for (i = 0; i < p->n_openings; i++)
		marks |= svg_opening_marks(&p->openings[i]);
	for (i = 0; i < p->n_segments; i++) {
		if (p->segments[i].services)
			marks |= SVG_BIT(SVG_SERVICES);
		if (p->segments[i].role == DRAW_OWN && p->segments[i].within != DRAW_OPEN)
			marks |= SVG_BIT(SVG_ISOLATED);
		if (p->segments[i].role == DRAW_OWN && p->segments[i].within != DRAW_ISOLATED)
			marks |= SVG_BIT(SVG_WITHIN);
	}
	return marks;
}

static unsigned int widest(unsigned int width, const char *text)
{
	unsigned int w = SVG_MARK + (unsigned int)strlen(text) * NOTE_CHARACTER;

	return w > width ? w : width;
}

/**
 * svg_legend_size - the room that the legend takes
 * @p: what is drawn
 * @width: set
 * @height: set
 */
void svg_legend_size(const struct draw_policy *p, unsigned int *width, unsigned int *height)
{
	unsigned int marks = all_marks(p);
	enum svg_mark m;

	*width = widest(0, replies);
	if (p->observe)
		*width = widest(*width, observing);
	for (m = 0; m < SVG_MARKS; m++)
		if (marks & SVG_BIT(m))
			*width = widest(*width, marks_text[m].text);
	*height = (2 + p->observe + (unsigned int)__builtin_popcount(marks)) * SVG_LINE;
}

static void note(const char *text, unsigned int x, unsigned int y, FILE *out)
{
	fprintf(out, "<text class=\"note\" x=\"%u\" y=\"%u\">%s</text>\n", x, y, text);
}

/**
 * svg_legend - what the marks that occur mean
 * @p: what is drawn
 * @reading: how to read it
 * @x: where it begins
 * @y: where it begins
 * @out: where to
 */
void svg_legend(const struct draw_policy *p, const char *reading, unsigned int x, unsigned int y, FILE *out)
{
	unsigned int marks = all_marks(p);
	enum svg_mark m;

	fputs("<g class=\"legend\">\n", out);
	note(reading, x, y += SVG_LINE - 4, out);
	note(replies, x, y += SVG_LINE, out);
	if (p->observe)
		note(observing, x, y += SVG_LINE, out);
	for (m = 0; m < SVG_MARKS; m++)
		if (marks & SVG_BIT(m)) {
			draw_mark(m, x, y += SVG_LINE, out);
			note(marks_text[m].text, x + (m == SVG_WITHIN ? 0 : SVG_MARK + 3), y, out);
		}
	fputs("</g>\n", out);
}
