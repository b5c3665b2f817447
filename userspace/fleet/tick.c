// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever waits until the registry has reached a revision. Where nothing happens below all/, its watch says nothing for
 * ten minutes, so whether something is still to come is not known. Then somebody writes all/tick, whose event tells all
 * gateways: with a compare, so that of many that wait at once one does it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "fleet/internal.h"

#define SOON	50	/* ms in which an event may come by itself */
#define AGAIN	2000	/* ms, if the tick has not come */
#define WAITING	1024	/* who may wait at once */

/**
 * struct waiter - who waits
 * @entry: among all
 * @revision: for this
 * @then: called once
 * @arg: for @then
 */
struct waiter {
	TAILQ_ENTRY(waiter) entry;
	int64_t revision;
	void (*then)(bool is, void *arg);
	void *arg;
};

/**
 * struct fleet_tick - of a replica
 * @f: whose
 * @timer: when the tick is written
 * @call: on its way; NULL, none
 * @wanted: the highest revision that somebody waits for
 * @revision: of the tick that is there; 0, none
 * @waiters: who wait
 * @n: of them
 */
struct fleet_tick {
	struct fleet *f;
	struct event *timer;
	struct etcd_call *call;
	int64_t wanted;
	int64_t revision;
	TAILQ_HEAD(, waiter) waiters;
	unsigned int n;
};

static void written(const struct etcd_answer *a, void *arg)
{
	struct fleet_tick *t = arg;
	const struct etcd_reply *r = a->n_replies ? a->replies : NULL;

	t->call = NULL;
	if (a->result == ETCD_OK && !a->succeeded)
		t->revision = r && r->n ? r->kv[0].mod_revision : 0;
	fleet_after(t->timer, a->result == ETCD_OK && !a->succeeded && t->revision <= t->wanted ? SOON : AGAIN);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_tick *t = arg;
	struct fleet *f = t->f;
	char key[ETCD_KEY_MAX], value[128];
	const struct etcd_compare compares[] = {
		{ .key = key, .target = ETCD_MOD, .number = f->self },
		{ .key = FLEET_TICK, .target = ETCD_MOD, .number = t->revision },
	};
	const struct etcd_op put = { .verb = ETCD_PUT, .key = FLEET_TICK, .value = value,
				     .len = snprintf(value, sizeof(value), "{\"v\":1,\"by\":\"%s\"}", f->at.gateway) };
	const struct etcd_op get = { .verb = ETCD_GET, .key = FLEET_TICK };
	const struct etcd_txn txn = { .compares = compares, .n_compares = 2, .then = &put, .n_then = 1,
				      .otherwise = &get, .n_otherwise = 1 };

	(void)fd;
	(void)what;
	if (t->call || t->wanted <= f->at.revision)
		return;
	/* An older tick than what is wanted tells nothing; a newer one is on its way. */
	if (!f->self || f->expelled || f->at.refused || !fleet_replica_is_open(f) || t->revision > t->wanted) {
		fleet_after(t->timer, AGAIN);
		return;
	}
	snprintf(key, sizeof(key), "all/gateway/%s", f->at.gateway);
	t->call = etcd_txn(f->etcd, &txn, 0, written, t);
	if (!t->call)
		fleet_after(t->timer, AGAIN);
}

/**
 * fleet_tick_new - nobody waits yet
 * @f: whose
 *
 * Return: NULL, out of memory.
 */
struct fleet_tick *fleet_tick_new(struct fleet *f)
{
	struct fleet_tick *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->f = f;
	TAILQ_INIT(&t->waiters);
	t->timer = evtimer_new(f->base, on_time, t);
	if (t->timer)
		return t;
	free(t);
	return NULL;
}

/**
 * fleet_tick_free - whoever waits is told that it cannot be
 * @t: NULL, nothing
 */
void fleet_tick_free(struct fleet_tick *t)
{
	if (!t)
		return;
	fleet_tick_fail(t);
	if (t->call)
		etcd_cancel(t->call);
	event_free(t->timer);
	free(t);
}

/**
 * fleet_tick_want - the registry is to reach a revision
 * @t: the tick
 * @revision: this one
 */
void fleet_tick_want(struct fleet_tick *t, int64_t revision)
{
	if (revision > t->wanted)
		t->wanted = revision;
	if (t->wanted > t->f->at.revision && !event_pending(t->timer, EV_TIMEOUT, NULL))
		fleet_after(t->timer, SOON + fleet_spread(t->f, 3, SOON, 30000));
}

/**
 * fleet_tick_seen - a tick has come
 * @t: the tick
 * @revision: its
 */
void fleet_tick_seen(struct fleet_tick *t, int64_t revision)
{
	if (revision > t->revision)
		t->revision = revision;
}

/**
 * fleet_tick_after - tell when the registry has reached a revision
 * @t: the tick
 * @revision: this one
 * @then: called once, not from here; false, it will not
 * @arg: for @then
 *
 * Return: 0; -ENOMEM; -EBUSY.
 */
int fleet_tick_after(struct fleet_tick *t, int64_t revision, void (*then)(bool is, void *arg), void *arg)
{
	struct waiter *w = t->n < WAITING ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return t->n < WAITING ? -ENOMEM : -EBUSY;
	*w = (struct waiter){ .revision = revision, .then = then, .arg = arg };
	TAILQ_INSERT_TAIL(&t->waiters, w, entry);
	t->n++;
	fleet_tick_want(t, revision);
	return 0;
}

static void call(struct fleet_tick *t, struct waiter *w, bool is)
{
	TAILQ_REMOVE(&t->waiters, w, entry);
	t->n--;
	w->then(is, w->arg);
	free(w);
}

/**
 * fleet_tick_reached - the registry has moved on
 * @t: the tick
 */
void fleet_tick_reached(struct fleet_tick *t)
{
	struct waiter *w, *next;

	for (w = TAILQ_FIRST(&t->waiters); w; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (w->revision <= t->f->at.revision)
			call(t, w, true);
	}
	if (t->wanted <= t->f->at.revision)
		event_del(t->timer);
}

/**
 * fleet_tick_fail - it will not, as far as anybody knows
 * @t: the tick, of a replica that nobody begins to wait for any more
 */
void fleet_tick_fail(struct fleet_tick *t)
{
	struct waiter *w, *next;

	for (w = TAILQ_FIRST(&t->waiters); w; w = next) {
		next = TAILQ_NEXT(w, entry);
		call(t, w, false);
	}
	t->wanted = 0;
	t->revision = 0;
	event_del(t->timer);
}
