// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever can cause a line could fill the disk, and push out what was written before. So of each reason and address a
 * few are told in ten minutes, of all together not many more; what is not told is counted, and told as a number.
 */
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"

/**
 * audit_tally_may - this one gets a line of its own
 * @t: all counts, after audit_tally_end()
 * @what: reason and address
 * @now: seconds by a clock that only goes on
 *
 * Return: false, it is counted.
 */
bool audit_tally_may(struct audit_tally *t, const char *what, int64_t now)
{
	struct audit_count *c = NULL;
	size_t i;

	if (!t->n && !t->others)
		t->from = now;
	for (i = 0; i < t->n && !c; i++)
		if (!strcmp(t->list[i].what, what))
			c = &t->list[i];
	if (!c && t->n < AUDIT_TALLY_KEYS) {
		c = &t->list[t->n++];
		memset(c, 0, sizeof(*c));
		snprintf(c->what, sizeof(c->what), "%s", what);
	}
	if (!c) {
		t->others++;
		return false;
	}
	if (c->told < AUDIT_TALLY_TOLD && t->told < AUDIT_TALLY_ALL) {
		c->told++;
		t->told++;
		return true;
	}
	c->more++;
	return false;
}

/**
 * audit_tally_end - end the window
 * @t: all counts
 * @now: as in audit_tally_may()
 * @all: also if it is not over
 * @more: told of each of which there was more than was told, and for how long; an empty @what is of all others
 * @arg: for @more
 */
void audit_tally_end(struct audit_tally *t, int64_t now, bool all,
		     void (*more)(const char *what, uint64_t n, int64_t seconds, void *arg), void *arg)
{
	size_t i;

	if ((!t->n && !t->others) || (!all && now - t->from < AUDIT_TALLY_WINDOW))
		return;
	for (i = 0; i < t->n; i++)
		if (t->list[i].more)
			more(t->list[i].what, t->list[i].more, now - t->from, arg);
	if (t->others)
		more("", t->others, now - t->from, arg);
	memset(t, 0, sizeof(*t));
}
