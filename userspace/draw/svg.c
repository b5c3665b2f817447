// SPDX-License-Identifier: GPL-2.0
/* How long a text is; the beginning and the end of a picture. */
#include <errno.h>
#include <string.h>

#include "draw/svg.h"
#include "lib/utf8.h"

/**
 * svg_length - how many characters of a text are shown
 * @text: NUL-terminated
 * @len: how many bytes of it are meant
 * @most: so many, at most
 */
unsigned int svg_length(const char *text, size_t len, unsigned int most)
{
	const char *end = text + strnlen(text, len);
	unsigned int n = 0;
	uint32_t code;

	while (text < end && n < most) {
		text += utf8_next(text, &code);
		n++;
	}
	return n;
}

/**
 * svg_begin - the beginning of a picture: its size, what it is in words, how it looks
 * @p: what is drawn
 * @form: of the picture, for its names
 * @width: in units
 * @height: in units
 * @out: where to
 */
void svg_begin(const struct draw_policy *p, const char *form, unsigned int width, unsigned int height, FILE *out)
{
	if (!p->embedded)
		fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"cordon-policy\" role=\"img\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" aria-labelledby=\"policy-%s-title policy-%s-desc\">\n"
		"<title id=\"policy-%s-title\">Policy: who may open what towards whom</title>\n<desc id=\"policy-%s-desc\">",
		width, height, width, height, form, form, form, form);
	svg_describe(p, out);
	fputs("</desc>\n", out);
	if (!p->embedded) {
		fputs("<style>\n", out);
		draw_style(out);
		fputs("</style>\n", out);
	}
	fprintf(out, "<rect class=\"ground\" width=\"%u\" height=\"%u\"/>\n", width, height);
}

/**
 * svg_end - the end of a picture
 * @out: where to
 *
 * Return: 0, or -EIO.
 */
int svg_end(FILE *out)
{
	fputs("</svg>\n", out);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
