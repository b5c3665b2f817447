// SPDX-License-Identifier: GPL-2.0
/* Text as XML. */
#include <string.h>

#include "lib/utf8.h"
#include "lib/xml.h"

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
		if (code == UTF8_REPLACEMENT || utf8_is_hidden(code))
			fputs(UTF8_REPLACEMENT_TEXT, out);
		else
			fwrite(at, 1, len, out);
	}
}

/**
 * xml_text - write text that may be anybody's, as character data or in an attribute
 * @text: NUL-terminated; for what is no character, or should not be, stands U+FFFD
 * @len: how many bytes of it are meant
 * @most: characters that are written; of a longer text, the last one is an ellipsis
 * @out: where to
 */
void xml_text(const char *text, size_t len, unsigned int most, FILE *out)
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
