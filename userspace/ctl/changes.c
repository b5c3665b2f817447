// SPDX-License-Identifier: GPL-2.0
/* What changes between two policies, for people. */
#include <stdio.h>
#include <string.h>

#include "ctl/changes.h"
#include "ctl/colour.h"

static void print_change(const struct policy_change *c)
{
	static const enum colour colours[] = {
		[POLICY_ADD] = COLOUR_GOOD, [POLICY_DELETE] = COLOUR_BAD, [POLICY_CHANGE] = COLOUR_CHANGE,
	};
	const char *only = c->op == POLICY_DELETE ? c->before : c->after;

	fputs(colour(colours[c->op]), stdout);
	if (c->op != POLICY_CHANGE)
		printf("%c %s %s%s%s", c->op == POLICY_ADD ? '+' : '-', c->object, c->name, only ? ": " : "",
		       only ? only : "");
	else if (!strcmp(c->object, c->name))
		/* What there is one of, as the mode. */
		printf("~ %s: %s -> %s", c->object, c->before, c->after);
	else
		printf("~ %s %s: %s: %s -> %s", c->object, c->name, c->field ? c->field : "",
		       c->before ? c->before : "-", c->after ? c->after : "-");
	printf("%s\n", colour(COLOUR_END));
}

/**
 * changes_print - differences, a line each
 * @d: they
 * @most: so many; of others only their number is told
 */
void changes_print(const struct policy_diff *d, size_t most)
{
	size_t i;

	for (i = 0; i < d->n && i < most; i++)
		print_change(&d->changes[i]);
	if (i < d->n)
		printf("... and %zu more changes\n", d->n - i);
}
