// SPDX-License-Identifier: GPL-2.0
/* What changes between two policies, for people. */
#include <stdio.h>
#include <string.h>

#include "ctl/changes.h"

static void print_change(const struct policy_change *c)
{
	switch (c->op) {
	case POLICY_ADD:
		printf("+ %s %s%s%s\n", c->object, c->name, c->after ? ": " : "",
		       c->after ? c->after : "");
		break;
	case POLICY_DELETE:
		printf("- %s %s%s%s\n", c->object, c->name, c->before ? ": " : "",
		       c->before ? c->before : "");
		break;
	case POLICY_CHANGE:
		/* What there is one of, as the mode. */
		if (!strcmp(c->object, c->name)) {
			printf("~ %s: %s -> %s\n", c->object, c->before, c->after);
			break;
		}
		printf("~ %s %s: %s: %s -> %s\n", c->object, c->name, c->field ? c->field : "",
		       c->before ? c->before : "-", c->after ? c->after : "-");
		break;
	}
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
