// SPDX-License-Identifier: GPL-2.0
/* No more entries than somebody can read: the first few of a kind in a minute, then one that sums up the others. */
#include <string.h>

#include "event/event.h"

static bool is_over(const struct tally_count *c, int64_t now)
{
	return now - c->from >= TALLY_WINDOW;
}

/**
 * tally_find - the count of a device and a kind; one begins where there is none
 * @t: all counts, after tally_end()
 * @key: of what
 * @name: of the device
 * @now: by a clock that only goes on, in ms
 *
 * Return: with TALLY_KEYS counts already, one for all that have none of their own.
 */
struct tally_count *tally_find(struct tally *t, const struct tally_key *key, const char *name, int64_t now)
{
	struct tally_count *c;
	u32 i;

	for (i = 0; i < t->n; i++)
		if (!memcmp(&t->list[i].key, key, sizeof(*key)))
			return &t->list[i];
	c = t->n < TALLY_KEYS ? &t->list[t->n++] : &t->others;
	if (c == &t->others && c->more)
		return c;
	*c = (struct tally_count){ .key = *key, .from = now };
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

/**
 * tally_may_tell - this one gets an entry of its own
 * @t: all counts
 * @c: one of them; what gets none is to be added to its @more
 */
bool tally_may_tell(struct tally *t, struct tally_count *c)
{
	if (c == &t->others || c->told >= TALLY_TOLD)
		return false;
	c->told++;
	return true;
}

/**
 * tally_due - when the next window ends
 * @t: all counts
 * @now: as in tally_find()
 *
 * Return: ms from now; -1, there is none.
 */
int64_t tally_due(const struct tally *t, int64_t now)
{
	int64_t due = t->others.more ? t->others.from : INT64_MAX;
	u32 i;

	for (i = 0; i < t->n; i++)
		if (t->list[i].from < due)
			due = t->list[i].from;
	if (due == INT64_MAX)
		return -1;
	due += TALLY_WINDOW - now;
	return due > 0 ? due : 0;
}

/* Return: true, nothing is left of it. */
static bool end(struct tally_count *c, int64_t now, int (*more)(const struct tally_count *c, int64_t ms, void *arg),
		void *arg)
{
	if (!c->more || !more(c, now - c->from, arg)) {
		c->more = 0;
		return true;
	}
	c->from = now;
	c->told = TALLY_TOLD;
	return false;
}

/**
 * tally_end - end windows
 * @t: all counts
 * @now: as in tally_find()
 * @all: also those that are not over
 * @more: told of each in which there was more than was told, and for how long; whatever but 0 keeps it for later
 * @arg: for @more
 *
 * Return: how many counts are left.
 */
int tally_end(struct tally *t, int64_t now, bool all, int (*more)(const struct tally_count *c, int64_t ms, void *arg),
	      void *arg)
{
	u32 i, left = 0;

	for (i = 0; i < t->n; i++)
		if ((!all && !is_over(&t->list[i], now)) || !end(&t->list[i], now, more, arg))
			t->list[left++] = t->list[i];
	t->n = left;
	if (t->others.more && (all || is_over(&t->others, now)))
		end(&t->others, now, more, arg);
	return t->n;
}
