/* SPDX-License-Identifier: GPL-2.0 */
/* Test Anything Protocol, as little of it as is needed. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_count, tap_failed;

/* A quoted word of a file may hold anything; a '#' would begin a directive. */
__attribute__((format(printf, 2, 3)))
static bool ok(bool good, const char *fmt, ...)
{
	char name[256];
	va_list args;
	size_t i;

	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	for (i = 0; name[i]; i++)
		if (name[i] == '#' || name[i] == '\n')
			name[i] = ' ';
	printf("%sok %u - %s\n", good ? "" : "not ", ++tap_count, name);
	tap_failed += !good;
	fflush(stdout);
	return good;
}

static int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return !!tap_failed;
}

#endif
