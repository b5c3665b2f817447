// SPDX-License-Identifier: GPL-2.0
/* Ranges and conditions of HTTP (RFC 9110, 13 and 14): one range of bytes, and lists of entity tags. */
#include <string.h>
#include <strings.h>

#include "serve/front/range.h"

/* At most @limit, since what is larger is beyond the end just as well. False: no number. */
static bool take_number(const char **p, uint64_t limit, uint64_t *out)
{
	const char *c = *p;
	uint64_t n = 0;

	for (; *c >= '0' && *c <= '9'; c++)
		n = n > limit / 10 ? limit : n * 10 + (*c - '0');
	if (c == *p)
		return false;
	*p = c;
	*out = n < limit ? n : limit;
	return true;
}

static const char *skip_blanks(const char *c)
{
	return c + strspn(c, " \t");
}

/**
 * range_parse - which bytes a Range field asks for
 * @field: its value, or NULL
 * @size: of the whole, less than 2^62
 * @first: first byte, for RANGE_PART
 * @end: behind the last one
 *
 * More than one range is answered with everything, as is what cannot be read (RFC 9110, 14.2).
 */
enum range range_parse(const char *field, uint64_t size, uint64_t *first, uint64_t *end)
{
	const uint64_t limit = 1ULL << 62;
	uint64_t from, to = size;
	const char *c = field;

	if (!c || strncasecmp(c, "bytes=", 6))
		return RANGE_ALL;
	c = skip_blanks(c + 6);
	if (*c == '-') {
		c++;
		if (!take_number(&c, limit, &from) || *skip_blanks(c))
			return RANGE_ALL;
		if (!from || !size)
			return RANGE_BEYOND;
		*first = from < size ? size - from : 0;
		*end = size;
		return RANGE_PART;
	}
	if (!take_number(&c, limit, &from) || *c++ != '-')
		return RANGE_ALL;
	if (*c >= '0' && *c <= '9') {
		if (!take_number(&c, limit, &to) || to < from)
			return RANGE_ALL;
		to++;
	}
	if (*skip_blanks(c))
		return RANGE_ALL;
	if (from >= size)
		return RANGE_BEYOND;
	*first = from;
	*end = to < size ? to : size;
	return RANGE_PART;
}

/**
 * range_etag_matches - is an entity tag in a list of them, or is that "*"
 * @field: value of If-None-Match, or NULL
 * @etag: with its quotes
 *
 * Weak comparison (RFC 9110, 8.8.3.2).
 */
bool range_etag_matches(const char *field, const char *etag)
{
	size_t len = strlen(etag);
	const char *c, *tag;

	for (c = field; c && *c; c += *c == ',') {
		c = skip_blanks(c);
		if (*c == ',')	/* an empty element (5.6.1) */
			continue;
		if (*c == '*')
			return true;
		tag = strncmp(c, "W/", 2) ? c : c + 2;
		if (!strncmp(tag, etag, len))
			return true;
		c = *tag == '"' ? strchr(tag + 1, '"') : NULL;
		if (!c)
			return false;
		c = skip_blanks(c + 1);
		if (*c && *c != ',')
			return false;
	}
	return false;
}
