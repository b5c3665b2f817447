// SPDX-License-Identifier: GPL-2.0
/* What a query says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "page/page_in.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a value; returns how many bytes it takes, or -EINVAL. */
static int decode(const char *at, char *out)
{
	int high, low;

	*out = *at == '+' ? ' ' : *at;
	if (*at != '%')
		return 1;
	high = digit(at[1]);
	low = high < 0 ? -1 : digit(at[2]);
	if (low < 0)
		return -EINVAL;
	*out = (char)(high << 4 | low);
	return *out ? 3 : -EINVAL;
}

static int take(const char *at, char *out, size_t size)
{
	size_t len = 0;
	int n;

	while (*at && *at != '&') {
		if (len + 1 >= size)
			return -E2BIG;
		n = decode(at, &out[len++]);
		if (n < 0)
			return n;
		at += n;
	}
	out[len] = 0;
	return 0;
}

/**
 * page_query - the value of a name in a query
 * @query: as it was sent, or NULL
 * @name: of letters
 * @out: is filled; "" if the query does not have it. The first one counts.
 * @size: of @out
 *
 * Return: 0; -E2BIG, it is longer than that; -EINVAL, it is not encoded as it should be.
 */
int page_query(const char *query, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	*out = 0;
	while (query && *query) {
		if (!strncmp(query, name, len) && query[len] == '=')
			return take(query + len + 1, out, size);
		query = strchr(query, '&');
		if (query)
			query++;
	}
	return 0;
}

/**
 * page_query_number - a number of a query
 * @query: as it was sent, or NULL
 * @name: of letters
 * @most: that it may be
 * @out: is filled; as it was if the query does not have it
 *
 * Return: 0, or -EINVAL.
 */
int page_query_number(const char *query, const char *name, int64_t most, int64_t *out)
{
	char text[PAGE_WORD], *end;
	long long n;

	if (page_query(query, name, text, sizeof(text)))
		return -EINVAL;
	if (!*text)
		return 0;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > most)
		return -EINVAL;
	*out = n;
	return 0;
}

/** page_is_mac - a device's address, as it stands in a path */
bool page_is_mac(const char *text)
{
	size_t i;

	for (i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : digit(text[i]) < 0 || (text[i] >= 'A' && text[i] <= 'F'))
			return false;
	return !text[17];
}
