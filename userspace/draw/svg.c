// SPDX-License-Identifier: GPL-2.0
/* Text as XML; the beginning and the end of a picture. */
#include <errno.h>
#include <string.h>

#include "draw/svg.h"
#include "lib/utf8.h"

/* Characters that XML has no place for, and those that would turn round the text beside them. */
static bool is_shown(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
		return false;
	return !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) &&
	       c != 0x61c && c != 0xfeff;
}

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

static void put(const char *at, size_t len, uint32_t code, FILE *out)
{
	switch (code) {
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '&':
		fputs("&amp;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '\'':
		fputs("&#39;", out);
		break;
	default:
		if (code == UTF8_REPLACEMENT || !is_shown(code))
			fputs(UTF8_REPLACEMENT_TEXT, out);
		else
			fwrite(at, 1, len, out);
	}
}

/**
 * svg_text - write text that may be anybody's, as character data or in an attribute
 * @text: NUL-terminated; for what is no character, or should not be, stands U+FFFD
 * @len: how many bytes of it are meant
 * @most: characters that are written; of a longer text, the last one is an ellipsis
 * @out: where to
 */
void svg_text(const char *text, size_t len, unsigned int most, FILE *out)
{
	const char *end = text + strnlen(text, len);
	unsigned int n = 0;
	uint32_t code;
	size_t took;

	for (; text < end; text += took) {
		took = utf8_next(text, &code);
		if (++n == most && text + took < end) {
			fputs("\xe2\x80\xa6", out);
			return;
		}
		put(text, took, code, out);
	}
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
