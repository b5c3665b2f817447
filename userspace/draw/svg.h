/* SPDX-License-Identifier: GPL-2.0 */
/* For the files in this folder: text as XML, and what both pictures have. */
#ifndef CORDON_DRAW_SVG_H
#define CORDON_DRAW_SVG_H

#include <stddef.h>

#include "draw/draw.h"

/* All is laid out in whole units and by characters of one width, so that it comes out the same everywhere. */
#define SVG_LINE	17	/* from one line to the next */
#define SVG_CHARACTER	8	/* as wide as a character is taken to be */
#define SVG_MARK	15	/* likewise, a mark, with the space before it */
#define SVG_PAD		6	/* around what is in a box */
#define SVG_NAME	32	/* characters of a name that are shown */
#define SVG_TEXT	40	/* likewise, of a line */

/** enum svg_mark - marks that a line may have, and the legend explains */
enum svg_mark {
	SVG_PLAINTEXT,
	SVG_RELATED,
	SVG_RECENT,
	SVG_EARLIER,
	SVG_NEVER,
	SVG_SERVICES,
	SVG_ISOLATED,
	SVG_WITHIN,
	SVG_MARKS,
};

#define SVG_BIT(mark)	(1u << (mark))

/* svg.c */
unsigned int svg_length(const char *text, size_t len, unsigned int most);
void svg_begin(const struct draw_policy *p, const char *form, unsigned int width, unsigned int height, FILE *out);
int svg_end(FILE *out);

/* mark.c */
unsigned int svg_opening_marks(const struct draw_opening *o);
unsigned int svg_marks_width(unsigned int marks);
void svg_marks(unsigned int marks, unsigned int x, unsigned int y, FILE *out);
void svg_legend_size(const struct draw_policy *p, unsigned int *width, unsigned int *height);
void svg_legend(const struct draw_policy *p, const char *reading, unsigned int x, unsigned int y, FILE *out);

/* describe.c */
void svg_describe(const struct draw_policy *p, FILE *out);

#endif
