// SPDX-License-Identifier: GPL-2.0
/* Numbers as people read them. */
#include "ctl/ctl.h"
#include "lib/watch.h"

#define SHORT	10000	/* what is less is printed to its last digit */

/**
 * people_number - a count, or a size in bytes
 * @n: it
 * @exact: to its last digit, as programs read it
 * @out: where to
 *
 * Return: @out; thousands are 12k, 3.4M, 56G.
 */
const char *people_number(u64 n, bool exact, char out[PEOPLE_LEN])
{
	char text[WATCH_NUMBER_LEN];

	if (exact || n < SHORT)
		snprintf(out, PEOPLE_LEN, "%llu", (unsigned long long)n);
	else
		snprintf(out, PEOPLE_LEN, "%s", watch_number((double)n, text));
	return out;
}

/**
 * people_time - a length of time in its largest unit
 * @seconds: it
 * @out: where to
 *
 * Return: @out; two of a unit at least: 119s, 119m, 47h, 400d.
 */
const char *people_time(u64 seconds, char out[PEOPLE_LEN])
{
	static const struct {
		unsigned int seconds;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (seconds >= 2ULL * units[i].seconds) {
			snprintf(out, PEOPLE_LEN, "%llu%c", (unsigned long long)seconds / units[i].seconds,
				 units[i].name);
			return out;
		}
	snprintf(out, PEOPLE_LEN, "%llus", (unsigned long long)seconds);
	return out;
}
