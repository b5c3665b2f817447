// SPDX-License-Identifier: GPL-2.0
/*
 * Whose turn it is to list all keys. A list costs members much (see list.c of etcd's client), and where etcd has compacted
 * what a whole fleet did not see, all gateways want one. So of a fleet of more gateways than FLEET_LISTS, those list that
 * hold one of as many keys, list/0 and so on, each with an etcd lease of its holder: who ends, or is cut off, holds it no
 * longer than that. The others look again after a drawn time.
 *
 *	look --> lease --> put --> it is our turn: keep the lease --> over: give it back
 *	  ^  \ none is free  | another was faster
 *	  '---'--------------'
 */
#include <stdlib.h>
#include <string.h>

#include "fleet/internal.h"

#define TURNS	"list/"
#ifndef FLEET_LISTS
#define FLEET_LISTS	8U
#endif
#define TTL	60	/* s, of the lease */
#define KEEP_MS	20000U
#define SOON_MS	1000U	/* until it is kept first: it may be of before another was faster */
#define LOOK_MS	2000U	/* until the next look, or drawn up to 3 ms for each gateway, if that is more */

/**
 * struct fleet_turn - of a replica
 * @f: whose
 * @timer: the next step
 * @call: on its way; NULL, none
 * @lease: etcd's; 0, none
 * @slot: of the key that is put, or held
 * @there: mod revision of that key, which nobody holds; 0, it is not there
 * @wanted: until it is over
 * @held: it is our turn
 * @then: called then
 * @arg: for @then
 * @why: where it is told why it is not
 */
struct fleet_turn {
	struct fleet *f;
	struct event *timer;
	struct etcd_call *call;
	int64_t lease;
	unsigned int slot;
	int64_t there;
	bool wanted;
	bool held;
	void (*then)(void *arg);
	void *arg;
	char *why;
};

static void key(const struct fleet_turn *t, char out[ETCD_KEY_MAX])
{
	snprintf(out, ETCD_KEY_MAX, TURNS "%u", t->slot);
}

static void later(struct fleet_turn *t)
{
	fleet_after(t->timer, LOOK_MS / 2 + fleet_spread(t->f, 3, LOOK_MS / 2, 30000));
}

static void wait_for(struct fleet_turn *t, const struct etcd_answer *a)
{
	snprintf(t->why, ETCD_WHY, "%s", a->result == ETCD_OK ?
		 "other gateways read all that etcd has, and this one waits for its turn" : a->why);
	later(t);
}

static void hold(struct fleet_turn *t)
{
	t->held = true;
	if (t->lease)
		fleet_after(t->timer, SOON_MS);
	t->then(t->arg);
}

/*
 * No turn, though etcd answers. Another history: who lists is told the same, and says what follows. Out of space: nobody
 * has a turn, and what was revoked is to be read all the same. Then of a whole fleet as many list at a look as there are
 * keys, drawn.
 */
static void denied(struct fleet_turn *t, const struct etcd_answer *a)
{
	if (a->result == ETCD_WENT_BACK || a->result == ETCD_OTHER_CLUSTER ||
	    (a->result == ETCD_UNREACHABLE && !a->unsure && arc4random_uniform(fleet_gateways_count(t->f)) < FLEET_LISTS))
		hold(t);
	else
		wait_for(t, a);
}

static void done(const struct etcd_answer *a, void *arg)
{
	struct fleet_turn *t = arg;

	t->call = NULL;
	if (a->result == ETCD_OK && a->succeeded) {
		hold(t);
		return;
	}
	/* Refused: the lease is gone. What is not known to be written is seen at the next look. */
	if (a->result == ETCD_REFUSED)
		t->lease = 0;
	denied(t, a);
}

static void put(struct fleet_turn *t)
{
	char name[ETCD_KEY_MAX];
	const struct etcd_compare same = { .key = name, .target = ETCD_MOD, .number = t->there };
	const struct etcd_op op = { .verb = ETCD_PUT, .key = name, .value = t->f->at.gateway, .len = strlen(t->f->at.gateway),
				    .lease = t->lease };
	const struct etcd_txn txn = { .compares = &same, .n_compares = 1, .then = &op, .n_then = 1 };

	key(t, name);
	t->call = etcd_txn(t->f->etcd, &txn, 0, done, t);
	if (!t->call)
		later(t);
}

static void granted(const struct etcd_answer *a, void *arg)
{
	struct fleet_turn *t = arg;

	t->call = NULL;
	if (a->result != ETCD_OK) {
		denied(t, a);
		return;
	}
	t->lease = a->lease;
	put(t);
}

/* A slot that nobody holds, drawn; a key without a lease, as of a copy of etcd, would never go. Return: there is one. */
static bool choose(struct fleet_turn *t, const struct etcd_answer *a)
{
	char name[ETCD_KEY_MAX];
	unsigned int i, first = arc4random_uniform(FLEET_LISTS);
	size_t k;

	for (i = 0; i < FLEET_LISTS; i++) {
		t->slot = (first + i) % FLEET_LISTS;
		key(t, name);
		for (k = 0; k < a->n && strcmp(a->kv[k].key, name) != 0;)
			k++;
		t->there = k < a->n ? a->kv[k].mod_revision : 0;
		if (k == a->n || !a->kv[k].lease)
			return true;
	}
	return false;
}

static void looked(const struct etcd_answer *a, void *arg)
{
	struct fleet_turn *t = arg;
	size_t k;

	t->call = NULL;
	for (k = 0; a->result == ETCD_OK && k < a->n; k++)
		if (t->lease && a->kv[k].lease == t->lease) {
			hold(t);
			return;
		}
	if (a->result == ETCD_WENT_BACK || a->result == ETCD_OTHER_CLUSTER) {
		denied(t, a);
		return;
	}
	if (a->result != ETCD_OK || !choose(t, a)) {
		wait_for(t, a);
		return;
	}
	if (t->lease) {
		put(t);
		return;
	}
	t->call = etcd_lease_grant(t->f->etcd, TTL, 0, granted, t);
	if (!t->call)
		later(t);
}

static void look(struct fleet_turn *t)
{
	const struct etcd_range all = { .under = TURNS, .limit = 2 * FLEET_LISTS };

	t->call = etcd_range(t->f->etcd, &all, 0, looked, t);
	if (!t->call)
		later(t);
}

/* A lease that was lost lets one more list at the same time: no reason to begin anew. */
static void kept(const struct etcd_answer *a, void *arg)
{
	struct fleet_turn *t = arg;

	(void)a;
	t->call = NULL;
	fleet_after(t->timer, KEEP_MS);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_turn *t = arg;

	(void)fd;
	(void)what;
	if (!t->wanted || t->call)
		return;
	if (!t->held) {
		look(t);
		return;
	}
	t->call = etcd_lease_keep(t->f->etcd, t->lease, 0, kept, t);
	if (!t->call)
		fleet_after(t->timer, KEEP_MS);
}

/**
 * fleet_turn_new - nothing is wanted yet
 * @f: whose
 *
 * Return: NULL, out of memory.
 */
struct fleet_turn *fleet_turn_new(struct fleet *f)
{
	struct fleet_turn *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->f = f;
	t->timer = evtimer_new(f->base, on_time, t);
	if (t->timer)
		return t;
	free(t);
	return NULL;
}

/**
 * fleet_turn_free - whatever is held ends with its lease
 * @t: NULL, nothing
 */
void fleet_turn_free(struct fleet_turn *t)
{
	if (!t)
		return;
	if (t->call)
		etcd_cancel(t->call);
	event_free(t->timer);
	free(t);
}

/**
 * fleet_turn_want - wait for a turn
 * @t: the turn
 * @then: called once when it is, perhaps from here, unless fleet_turn_over() comes first
 * @arg: for @then
 * @why: where it is told why it is not
 *
 * In a fleet that is small enough nobody waits.
 */
void fleet_turn_want(struct fleet_turn *t, void (*then)(void *arg), void *arg, char why[ETCD_WHY])
{
	if (t->wanted)
		return;
	if (fleet_gateways_count(t->f) <= FLEET_LISTS) {
		then(arg);
		return;
	}
	t->wanted = true;
	t->then = then;
	t->arg = arg;
	t->why = why;
	look(t);
}

static void ignore(const struct etcd_answer *a, void *arg)
{
	(void)a;
	(void)arg;
}

/**
 * fleet_turn_over - it is others' turn
 * @t: the turn; wanted, held, or neither. NULL, nothing
 */
void fleet_turn_over(struct fleet_turn *t)
{
	if (!t)
		return;
	if (t->call)
		etcd_cancel(t->call);
	t->call = NULL;
	event_del(t->timer);
	if (t->lease)
		etcd_lease_revoke(t->f->etcd, t->lease, 0, ignore, NULL);
	t->lease = 0;
	t->wanted = t->held = false;
}
