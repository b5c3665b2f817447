// SPDX-License-Identifier: GPL-2.0
/* Episodes, who was told of them, and runs that wait for their turn. */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"
#include "notify/internal.h"

/** struct key - what is told of once */
struct key {
	uint8_t mac[6];
	bool is_state;
	uint8_t what;
};

/**
 * struct episode - one that is not over
 * @key: of what
 * @told: a bit for each rule whose program ran
 */
struct episode {
	struct key key;
	uint16_t told;
};

/**
 * struct waiting - a run that waits
 * @next: behind it
 * @key: of the episode
 * @rule: which
 * @over: of its end
 * @told: facts
 */
struct waiting {
	struct waiting *next;
	struct key key;
	size_t rule;
	bool over;
	struct notify_told told;
};

/**
 * struct allowance - how often a program may run
 * @runs: it may now
 * @at: when that was right, in ms
 * @suppressed: alerts that it was not run for since it ran last
 */
struct allowance {
	unsigned int runs;
	int64_t at;
	unsigned long long suppressed;
};

struct notify {
	struct notify_config config;
	struct allowance allowed[NOTIFY_RULES];
	struct notify_run running[NOTIFY_RUNNING];
	struct key running_for[NOTIFY_RUNNING];
	void *open;		/* episodes, a tree of search.h */
	size_t n_open;
	struct waiting *first;
	struct waiting **last;
	size_t n_begun;		/* that wait, of beginnings */
	FILE *log;
};

static int compare(const void *a, const void *b)
{
	return memcmp(&((const struct episode *)a)->key, &((const struct episode *)b)->key, sizeof(struct key));
}

static struct key key_of(const struct notify_facts *f)
{
	struct key k = { .is_state = f->is_state, .what = f->what };

	if (!f->many)
		memcpy(k.mac, f->mac, sizeof(k.mac));
	return k;
}

static struct episode *find(struct notify *n, struct key key)
{
	struct episode like = { .key = key }, **at = tfind(&like, &n->open, compare);

	return at ? *at : NULL;
}

/* Return: NULL, there are too many, or there is no memory. */
static struct episode *open_episode(struct notify *n, struct key key)
{
	struct episode *e = n->n_open < NOTIFY_OPEN ? calloc(1, sizeof(*e)) : NULL;

	if (!e)
		return NULL;
	e->key = key;
	if (!tsearch(e, &n->open, compare)) {
		free(e);
		return NULL;
	}
	n->n_open++;
	return e;
}

static void close_episode(struct notify *n, struct episode *e)
{
	tdelete(e, &n->open, compare);
	n->n_open--;
	free(e);
}

static bool is_meant(const struct notify_rule *r, const struct notify_facts *f)
{
	return (f->is_state ? r->states : r->kinds) >> f->what & 1;
}

/**
 * notify_new - from now on programs are run
 * @c: which; it is moved, and empty afterwards
 * @log: where lines go about programs that fail
 *
 * Return: NULL, no memory, and @c is as it was.
 */
struct notify *notify_new(struct notify_config *c, FILE *log)
{
	struct notify *n = calloc(1, sizeof(*n));
	size_t i;

	if (!n)
		return NULL;
	n->config = *c;
	memset(c, 0, sizeof(*c));
	n->last = &n->first;
	n->log = log;
	for (i = 0; i < NOTIFY_RULES; i++)
		n->allowed[i].runs = NOTIFY_BURST;
	return n;
}

/* Takes the run at @at out of the queue, and frees it. */
static void take_out(struct notify *n, struct waiting **at)
{
	struct waiting *w = *at;

	*at = w->next;
	if (!*at)
		n->last = at;
	n->n_begun -= !w->over;
	notify_told_free(&w->told);
	free(w);
}

/**
 * notify_free - programs that run are ended, and nothing more is told
 * @n: or NULL
 */
void notify_free(struct notify *n)
{
	size_t i;

	if (!n)
		return;
	for (i = 0; i < NOTIFY_RUNNING; i++)
		if (n->running[i].pid)
			notify_run_kill(&n->running[i]);
	while (n->first)
		take_out(n, &n->first);
	tdestroy(n->open, free);
	notify_config_free(&n->config);
	free(n);
}

static void put_in(struct notify *n, const struct notify_facts *f, struct key key, size_t rule, bool over)
{
	struct waiting *w = !over && n->n_begun == NOTIFY_QUEUE ? NULL : calloc(1, sizeof(*w));

	if (!w || notify_tell(&w->told, f, over)) {
		free(w);
		n->allowed[rule].suppressed++;
		return;
	}
	w->key = key;
	w->rule = rule;
	w->over = over;
	*n->last = w;
	n->last = &w->next;
	n->n_begun += !over;
}

/**
 * notify_begin - an anomaly, or a state that a device is in
 * @n: programs
 * @f: facts
 * @now: in ms
 *
 * Told of once until notify_end(). One that does not fit any more counts as suppressed, and may come again.
 */
void notify_begin(struct notify *n, const struct notify_facts *f, int64_t now)
{
	struct key key = key_of(f);
	bool is_new = !find(n, key), fits;
	size_t i;

	if (!is_new)
		return;
	for (i = 0; i < n->config.n && !is_meant(&n->config.rules[i], f); i++)
		;
	if (i == n->config.n)
		return;
	fits = n->n_begun < NOTIFY_QUEUE && open_episode(n, key);
	for (i = 0; i < n->config.n; i++)
		if (is_meant(&n->config.rules[i], f)) {
			if (fits)
				put_in(n, f, key, i, false);
			else
				n->allowed[i].suppressed++;
		}
	notify_tick(n, now);
}

/**
 * notify_known - an episode that was told of before the caller started again
 * @n: programs
 * @f: facts
 */
void notify_known(struct notify *n, const struct notify_facts *f)
{
	struct episode *e = find(n, key_of(f));
	uint16_t told = 0;
	size_t i;

	for (i = 0; i < n->config.n; i++)
		if (is_meant(&n->config.rules[i], f))
			told |= 1U << i;
	if (!e && told)
		e = open_episode(n, key_of(f));
	if (e)
		e->told |= told;
}

/**
 * notify_end - an episode is over, or a state
 * @n: programs
 * @f: facts; what it began with is not kept here
 * @now: in ms
 *
 * Who was not told of its beginning is not told of its end.
 */
void notify_end(struct notify *n, const struct notify_facts *f, int64_t now)
{
	struct key key = key_of(f);
	struct episode *e = find(n, key);
	struct waiting **at;
	size_t i;

	if (!e)
		return;
	for (at = &n->first; *at;) {
		if (!(*at)->over && !memcmp(&(*at)->key, &key, sizeof(key)))
			take_out(n, at);
		else
			at = &(*at)->next;
	}
	for (i = 0; i < n->config.n; i++)
		if (e->told >> i & 1)
			put_in(n, f, key, i, true);
	close_episode(n, e);
	notify_tick(n, now);
}

/**
 * notify_poll - what to wait for
 * @n: programs
 * @fds: filled
 *
 * Return: how many.
 */
size_t notify_poll(const struct notify *n, struct pollfd fds[NOTIFY_RUNNING])
{
	size_t i, found = 0;

	for (i = 0; i < NOTIFY_RUNNING; i++)
		if (n->running[i].pid && n->running[i].fd >= 0)
			fds[found++] = (struct pollfd){ .fd = n->running[i].fd, .events = POLLIN };
	return found;
}

static bool may_run(struct allowance *a, int64_t now)
{
	int64_t more = (now - a->at) / NOTIFY_EVERY;

	if (a->runs >= NOTIFY_BURST || more >= NOTIFY_BURST) {
		a->runs = NOTIFY_BURST;
		a->at = now;
	} else if (more > 0) {
		a->runs = a->runs + more < NOTIFY_BURST ? a->runs + more : NOTIFY_BURST;
		a->at += more * NOTIFY_EVERY;
	}
	return a->runs;
}

static void start(struct notify *n, struct notify_run *slot, struct waiting *w, int64_t now)
{
	const struct notify_rule *rule = &n->config.rules[w->rule];
	struct allowance *a = &n->allowed[w->rule];
	struct episode *e = w->over ? NULL : find(n, w->key);
	int err;

	a->runs--;
	if (a->suppressed)
		notify_tell_suppressed(&w->told, a->suppressed);
	err = notify_run_start(slot, rule, &w->told, now);
	if (err) {
		fprintf(n->log, "notify: %s cannot be run: %s\n", rule->argv[0], strerror(-err));
		a->suppressed++;
		return;
	}
	a->suppressed = 0;
	if (e)
		e->told |= 1U << w->rule;
}

/* The end of an episode is not told of before its beginning has been. */
static bool is_running(const struct notify *n, const struct waiting *w)
{
	size_t i;

	for (i = 0; i < NOTIFY_RUNNING; i++)
		if (n->running[i].pid && !memcmp(&n->running_for[i], &w->key, sizeof(w->key)))
			return w->over;
	return false;
}

static void start_waiting(struct notify *n, int64_t now)
{
	struct waiting **at = &n->first;
	size_t i = 0;

	while (*at) {
		while (i < NOTIFY_RUNNING && n->running[i].pid)
			i++;
		if (i == NOTIFY_RUNNING)
			return;
		if (is_running(n, *at) || !may_run(&n->allowed[(*at)->rule], now)) {
			at = &(*at)->next;
			continue;
		}
		n->running_for[i] = (*at)->key;
		start(n, &n->running[i], *at, now);
		take_out(n, at);
	}
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || b < a ? b : a;
}

/* What ends by itself is told by its descriptor; without one it is looked after. */
static int64_t next_due(const struct notify *n, int64_t now)
{
	const struct waiting *w;
	int64_t due = -1;
	bool room = false;
	size_t i;

	for (i = 0; i < NOTIFY_RUNNING; i++) {
		room |= !n->running[i].pid;
		if (n->running[i].pid)
			due = sooner(due, n->running[i].fd < 0 ? now + 100 : n->running[i].ends);
	}
	for (w = n->first; w && room; w = w->next)
		if (!is_running(n, w))
			due = sooner(due, n->allowed[w->rule].at + NOTIFY_EVERY);
	return due < 0 ? -1 : due > now ? due - now : 0;
}

/**
 * notify_tick - look after programs: those that have ended, those that take too long, those that wait
 * @n: programs
 * @now: in ms
 *
 * Return: ms until it is to be called again, if no descriptor asks for it before; -1, there is nothing.
 */
int64_t notify_tick(struct notify *n, int64_t now)
{
	size_t i;

	for (i = 0; i < NOTIFY_RUNNING; i++)
		if (n->running[i].pid)
			notify_run_ended(&n->running[i], now, n->log);
	start_waiting(n, now);
	return next_due(n, now);
}
