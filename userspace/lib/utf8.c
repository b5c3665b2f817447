// SPDX-License-Identifier: GPL-2.0
/* Text that may not be UTF-8, for formats in which all text is. */
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/**
 * utf8_next - the first character of a text
 * @text: NUL-terminated, not empty
 * @code: its code point; UTF8_REPLACEMENT where the first byte begins none (RFC 3629)
 *
 * Return: how many bytes it takes, 1 where it is none.
 */
size_t utf8_next(const char *text, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0, i;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7f >> n);

	for (i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			n = 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!n || c < least[n] || c > 0x10ffff || c >> 11 == 0x1b) {
		*code = UTF8_REPLACEMENT;
		return 1;
	}
	*code = c;
	return n;
}

/**
 * utf8_is_hidden - a character that does not show, or changes how its neighbours show
 * @c: the character
 *
 * Control characters, joiners, marks and overrides of the direction, tags, variation selectors, and what is no character.
 */
bool utf8_is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x3164 ||
	       c == 0xffa0 || (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
	       (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xe0000 && c <= 0xe0fff) || c >= 0xf0000;
}

/**
 * utf8_repair - a text as UTF-8
 * @text: any bytes, NUL-terminated
 *
 * Return: a copy in which U+FFFD stands for each byte that belongs to no character; free() it.
 * NULL without memory.
 */
char *utf8_repair(const char *text)
{
	char *out = malloc(3 * strlen(text) + 1), *at = out;
	uint32_t code;
	size_t n;

	for (; out && *text; text += n) {
		n = utf8_next(text, &code);
		if (code == UTF8_REPLACEMENT)
			at = stpcpy(at, UTF8_REPLACEMENT_TEXT);
		else
			at = mempcpy(at, text, n);
	}
	if (out)
		*at = 0;
	return out;
}
