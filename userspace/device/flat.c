// SPDX-License-Identifier: GPL-2.0
/* One JSON object of strings and numbers, read and written without a library. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flat.h"
#include "lib/utf8.h"

/* A document on its way; @bad stays once it is set, and nothing is taken after that. */
struct cursor {
	const char *p;
	const char *end;
	bool bad;
};

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && *c->p && strchr(" \t\r\n", *c->p))
		c->p++;
}

static bool next_is(struct cursor *c, char wanted)
{
	skip_space(c);
	if (c->bad || c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

static void must(struct cursor *c, char wanted)
{
	if (!next_is(c, wanted))
		c->bad = true;
}

/* \uXXXX; what is no printable ASCII has no place in a name and becomes '?'. */
static char unescape_code(struct cursor *c)
{
	char hex[5] = "";

	if (c->end - c->p < 4) {
		c->bad = true;
		return 0;
	}
	memcpy(hex, c->p, 4);
	c->p += 4;
	if (strspn(hex, "0123456789abcdefABCDEF") != 4)
		c->bad = true;
	return strtol(hex, NULL, 16) < ' ' || strtol(hex, NULL, 16) > '~' ?
	       '?' : (char)strtol(hex, NULL, 16);
}

static char unescape(struct cursor *c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/?????";
	const char *at;

	if (c->p == c->end || !*c->p) {
		c->bad = true;
		return 0;
	}
	if (*c->p == 'u') {
		c->p++;
		return unescape_code(c);
	}
	at = strchr(from, *c->p++);
	if (!at) {
		c->bad = true;
		return 0;
	}
	return to[at - from];
}

/* out NULL: it is skipped, however long it is. */
static void read_text(struct cursor *c, char *out, size_t size)
{
	size_t n = 0;
	char ch;

	must(c, '"');
	while (!c->bad && c->p < c->end && *c->p != '"') {
		ch = *c->p++;
		if ((unsigned char)ch < ' ' || (out && n == size - 1)) {
			c->bad = true;
			break;
		}
		if (ch == '\\')
			ch = unescape(c);
		else if ((unsigned char)ch > '~')
			ch = '?';
		if (out)
			out[n++] = ch;
	}
	if (out)
		out[n] = 0;
	if (c->bad || c->p == c->end)
		c->bad = true;
	else
		c->p++;
}

/* Up to fifteen digits: what a double holds. Fractions are not what this protocol has. */
static int64_t read_number(struct cursor *c)
{
	const char *begin = c->p;
	int64_t n = 0;
	bool minus;

	minus = next_is(c, '-');
	if (minus)
		begin = c->p;
	while (c->p < c->end && *c->p >= '0' && *c->p <= '9' && c->p - begin < 16)
		n = n * 10 + (*c->p++ - '0');
	if (c->p == begin || c->p - begin > 15 || (*begin == '0' && c->p - begin > 1))
		c->bad = true;
	return minus ? -n : n;
}

static bool read_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len) != 0)
		return false;
	c->p += len;
	return true;
}

static void read_member(struct cursor *c, struct flat_field *fields, size_t n)
{
	struct flat_field *f = NULL;
	char name[FLAT_TEXT_LEN];
	int64_t number;
	size_t i;

	read_text(c, name, sizeof(name));
	must(c, ':');
	skip_space(c);
	for (i = 0; i < n && !c->bad; i++)
		if (!strcmp(fields[i].name, name))
			f = &fields[i];
	if (c->bad || (f && f->found) || c->p == c->end) {
		c->bad = true;
	} else if (*c->p == '"') {
		read_text(c, f ? f->text : NULL, f && f->size ? f->size : FLAT_TEXT_LEN);
		if (f && f->text && !c->bad)
			f->found = true;
	} else if (!read_word(c, "true") && !read_word(c, "false") && !read_word(c, "null")) {
		number = read_number(c);
		if (f && f->number && !c->bad) {
			*f->number = number;
			f->found = true;
		}
	}
}

/**
 * flat_read - find members of an object
 * @json: the document: one object without objects or arrays in it
 * @len: of @json
 * @fields: what is looked for; a member of another type counts as not there
 * @n: of @fields
 *
 * Text comes out as printable ASCII; other characters as '?'.
 *
 * Return: 0, or -EINVAL: it is no such object; what was found is not to be used.
 */
int flat_read(const char *json, size_t len, struct flat_field *fields, size_t n)
{
	struct cursor c = { .p = json, .end = json + len };

	must(&c, '{');
	if (!next_is(&c, '}')) {
		do {
			read_member(&c, fields, n);
		} while (next_is(&c, ','));
		must(&c, '}');
	}
	skip_space(&c);
	return c.bad || c.p != c.end ? -EINVAL : 0;
}

/**
 * flat_put_text - write a string of JSON
 * @out: where to
 * @text: what it says; each byte that is no UTF-8, as a path may have it, becomes U+FFFD
 */
void flat_put_text(FILE *out, const char *text)
{
	uint32_t code;
	size_t n;

	putc('"', out);
	for (; *text; text += n) {
		n = utf8_next(text, &code);
		if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (char)code);
		else if (code < ' ' || code == 127 || code == UTF8_REPLACEMENT)
			fprintf(out, "\\u%04x", code);
		else
			fwrite(text, 1, n, out);
	}
	putc('"', out);
}
