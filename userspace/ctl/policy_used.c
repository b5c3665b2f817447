// SPDX-License-Identifier: GPL-2.0
/* Which of a policy's rules were used, for its picture. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/policy_used.h"

#define FRESH	300	/* seconds: what is older says nothing of today */

/**
 * struct used - rules by what they say
 * @d: their policy
 * @order: their places, sorted
 * @now: the time
 */
struct used {
	struct draw_policy *d;
	uint32_t *order;
	time_t now;
};

/* As in live.db: a rule is known by what it says. Two that say the same are used together. */
static int compare(const struct draw_policy *d, const struct draw_opening *o, const struct history_rule *r)
{
	int c = strcmp(d->segments[o->from].name, r->from);

	c = c ? c : strcmp(d->segments[o->to].name, r->to);
	c = c ? c : strcmp(o->text, r->matches);
	c = c ? c : o->plaintext - r->plaintext;
	return c ? c : o->related - r->related;
}

static int by_text(const void *a, const void *b, void *arg)
{
	const struct draw_policy *d = arg;
	const struct draw_opening *o = &d->openings[*(const uint32_t *)b];
	const struct history_rule r = { d->segments[o->from].name, d->segments[o->to].name, o->text, o->plaintext,
					o->related, 0 };

	return compare(d, &d->openings[*(const uint32_t *)a], &r);
}

static enum draw_use use(time_t used, time_t now)
{
	if (!used)
		return DRAW_USE_NEVER;
	return used >= now - DRAW_RECENT ? DRAW_USE_RECENT : DRAW_USE_EARLIER;
}

/* One that the policy does not have was there before it was fetched. */
static int mark(const struct history_rule *r, void *arg)
{
	struct used *u = arg;
	uint32_t first = 0, end = u->d->n_openings, middle;

	while (first < end) {
		middle = first + (end - first) / 2;
		if (compare(u->d, &u->d->openings[u->order[middle]], r) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	for (; first < u->d->n_openings && !compare(u->d, &u->d->openings[u->order[first]], r); first++) {
		enum draw_use *of = &u->d->openings[u->order[first]].use, is = use(r->used, u->now);

		if (*of == DRAW_USE_UNTOLD || is < *of)
			*of = is;
	}
	return 0;
}

/**
 * policy_used - mark the rules of a policy by when they were used
 * @d: the policy in force
 * @h: the databases
 * @now: the time
 *
 * A rule that they do not have stays as it is.
 *
 * Return: 0, or -errno with a sentence in @h->error: -ESTALE, nobody writes them any more.
 */
int policy_used(struct draw_policy *d, struct history *h, time_t now)
{
	struct used u = { .d = d, .now = now };
	time_t sampled;
	uint32_t i;
	int err;

	err = history_sampled(h, &sampled);
	if (err)
		return err;
	if (sampled < now - FRESH) {
		snprintf(h->error, sizeof(h->error), "'cordonctl watch' no longer says when rules were used");
		return -ESTALE;
	}
	u.order = calloc((size_t)d->n_openings + 1, sizeof(*u.order));
	if (!u.order) {
		snprintf(h->error, sizeof(h->error), "out of memory");
		return -ENOMEM;
	}
	for (i = 0; i < d->n_openings; i++)
		u.order[i] = i;
	qsort_r(u.order, d->n_openings, sizeof(*u.order), by_text, d);
	err = history_rule_each(h, mark, &u);
	free(u.order);
	return err;
}
