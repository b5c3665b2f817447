// SPDX-License-Identifier: GPL-2.0
/*
 * Whose turn it is to list all keys: two gateways, and one turn for them, as others have all that there may be more, and
 * an etcd of that one's key and some leases. A call waits until the test answers it, so that any order can be had.
 */
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/internal.h"

#include "tap.h"

enum kind { NONE, LOOK, GRANT, PUT, KEEP };

struct etcd_call {
	enum kind kind;
	int64_t lease;
	int64_t there;
	etcd_done *done;
	void *arg;
};

struct gateway {
	struct fleet f;
	struct fleet_turn *turn;
	struct etcd_call call;
	struct event *timer;
	bool armed;
	unsigned int ms;
	unsigned int turns;
	char why[ETCD_WHY];
};

#define LARGE	9U	/* gateways */
#define OTHERS	7	/* turns that others have */

static struct gateway gateways[2], *now = gateways;
static unsigned int n_gateways = LARGE, granted, kept;
static int64_t holder, lost;	/* the key's lease, 0, there is none; a lease that has ended */
static int64_t there;		/* the key's mod revision; 0, it is not there */
static bool crowded, full;	/* too many calls wait; etcd is out of space */

/* What is called by turn.c */
unsigned int fleet_gateways_count(struct fleet *f)
{
	(void)f;
	return n_gateways;
}

unsigned int fleet_spread(struct fleet *f, unsigned int each, unsigned int least, unsigned int most)
{
	(void)f;
	(void)each;
	(void)most;
	return least;
}

void fleet_after(struct event *timer, unsigned int ms)
{
	if (ms < 1000)
		ok(false, "nobody looks, or keeps a lease, more often than once a second");
	now->timer = timer;
	now->armed = true;
	now->ms = ms;
}

static struct etcd_call *begin(enum kind kind, int64_t lease, int64_t was, etcd_done *done, void *arg)
{
	if (crowded)
		return NULL;
	if (now->call.kind != NONE)
		ok(false, "one call at a time");
	now->call = (struct etcd_call){ kind, lease, was, done, arg };
	return &now->call;
}

struct etcd_call *etcd_range(struct etcd *e, const struct etcd_range *r, unsigned int timeout, etcd_done *done, void *arg)
{
	(void)e;
	(void)timeout;
	if (strcmp(r->under, "list/") != 0 || r->one || r->revision || !r->limit)
		ok(false, "what is read are the few keys of turns, as they are");
	return begin(LOOK, 0, 0, done, arg);
}

struct etcd_call *etcd_lease_grant(struct etcd *e, int64_t ttl, unsigned int timeout, etcd_done *done, void *arg)
{
	(void)e;
	(void)timeout;
	if (ttl < 1 || ttl > 60)
		ok(false, "a lease has an end");
	return begin(GRANT, 0, 0, done, arg);
}

struct etcd_call *etcd_lease_keep(struct etcd *e, int64_t lease, unsigned int timeout, etcd_done *done, void *arg)
{
	(void)e;
	(void)timeout;
	kept++;
	return begin(KEEP, lease, 0, done, arg);
}

struct etcd_call *etcd_lease_revoke(struct etcd *e, int64_t lease, unsigned int timeout, etcd_done *done, void *arg)
{
	static struct etcd_call call;

	(void)e;
	(void)timeout;
	(void)done;
	(void)arg;
	if (holder == lease)
		holder = there = 0;
	return &call;
}

struct etcd_call *etcd_txn(struct etcd *e, const struct etcd_txn *t, unsigned int timeout, etcd_done *done, void *arg)
{
	(void)e;
	(void)timeout;
	if (t->n_compares != 1 || strcmp(t->compares[0].key, "list/0") != 0 || t->compares[0].target != ETCD_MOD ||
	    t->n_then != 1 || t->n_otherwise || t->then[0].verb != ETCD_PUT ||
	    strcmp(t->then[0].key, "list/0") != 0 || !t->then[0].lease)
		ok(false, "the key is put if it is as it was seen, with a lease");
	return begin(PUT, t->then[0].lease, t->compares[0].number, done, arg);
}

void etcd_cancel(struct etcd_call *c)
{
	c->kind = NONE;
}

/* What the test does */
static void took(void *arg)
{
	((struct gateway *)arg)->turns++;
}

static void want(struct gateway *g)
{
	now = g;
	fleet_turn_want(g->turn, took, g, g->why);
}

static void over(struct gateway *g)
{
	now = g;
	fleet_turn_over(g->turn);
	g->armed = false;
}

/* Its timer. */
static void fire(struct gateway *g)
{
	if (!g->armed) {
		ok(false, "it looks again by itself");
		return;
	}
	now = g;
	g->armed = false;
	event_active(g->timer, EV_TIMEOUT, 0);
	event_base_loop(g->f.base, EVLOOP_NONBLOCK);
}

/* Its call is carried out, and answered, or the answer is lost. Return: what it was. */
static enum kind answer(struct gateway *g, enum etcd_result result)
{
	struct etcd_kv kvs[OTHERS + 1] = { { .key = (char *)"list/0", .lease = holder, .mod_revision = there } };
	char names[OTHERS][8];
	struct etcd_answer a = { .result = ETCD_OK, .why = "" };
	struct etcd_call c = g->call;
	size_t i;

	g->call.kind = NONE;
	if (c.kind == LOOK) {
		for (i = 1; i <= OTHERS; i++) {
			snprintf(names[i - 1], sizeof(names[0]), "list/%zu", i);
			kvs[i] = (struct etcd_kv){ .key = names[i - 1], .lease = 9, .mod_revision = 1 };
		}
		a.kv = there ? kvs : kvs + 1;
		a.n = there ? OTHERS + 1 : OTHERS;
	} else if (c.kind == GRANT) {
		a.lease = 100 + granted++;
		a.ttl = 60;
	} else if (c.kind == PUT && c.lease == lost) {
		result = ETCD_REFUSED;
	} else if (c.kind == PUT && full) {
		result = ETCD_UNREACHABLE;
	} else if (c.kind == PUT) {
		a.succeeded = c.there == there;
		holder = a.succeeded ? c.lease : holder;
		there += a.succeeded;
	}
	if (result != ETCD_OK)
		a = (struct etcd_answer){ .result = result, .why = "so it is", .unsure = c.kind == PUT && !full };
	now = g;
	if (c.kind != NONE)
		c.done(&a, c.arg);
	return c.kind;
}

static bool all(struct gateway *g)
{
	return answer(g, ETCD_OK) == LOOK && answer(g, ETCD_OK) == GRANT && answer(g, ETCD_OK) == PUT;
}

static void one_after_the_other(struct gateway *a, struct gateway *b)
{
	n_gateways = 1;
	want(a);
	ok(a->turns == 1 && a->call.kind == NONE, "a fleet that is small enough: nobody waits, and nothing is asked");
	over(a);
	n_gateways = LARGE;
	want(a);
	want(a);
	ok(all(a) && a->turns == 2 && holder, "one wants, and has its turn");
	want(b);
	ok(answer(b, ETCD_OK) == LOOK && !b->turns && strstr(b->why, "waits for its turn"), "another waits, and says so");
	fire(b);
	ok(answer(b, ETCD_OK) == LOOK && b->call.kind == NONE && !b->turns && granted == 1, "it looks only, as long as no turn is free");
	fire(a);
	ok(kept == 1 && answer(a, ETCD_OK) == KEEP && a->armed && a->turns == 2, "whose turn it is keeps the lease");
	ok(a->ms >= 10000 && a->ms <= 20000, "now and then");
	over(a);
	ok(!holder, "and gives it back");
	fire(b);
	ok(all(b) && b->turns == 1, "then it is the other's turn");
	over(b);
}

static void races(struct gateway *a, struct gateway *b)
{
	unsigned int turns = a->turns + b->turns;

	want(a);
	want(b);
	answer(a, ETCD_OK);
	answer(b, ETCD_OK);
	answer(a, ETCD_OK);
	answer(b, ETCD_OK);
	ok(answer(b, ETCD_OK) == PUT && answer(a, ETCD_OK) == PUT && a->turns + b->turns == turns + 1 && b->armed,
	   "both see that one is free: one has it");
	over(b);
	fire(a);
	ok(answer(a, ETCD_OK) == LOOK && answer(a, ETCD_OK) == PUT && a->turns + b->turns == turns + 2,
	   "the other has it next, with the lease that it has");
	ok(a->ms <= 1000, "which may end soon: it is kept at once");
	over(a);
}

static void failures(struct gateway *a)
{
	unsigned int turns = a->turns;

	n_gateways = UINT_MAX;
	want(a);
	ok(answer(a, ETCD_UNREACHABLE) == LOOK && a->armed && !strcmp(a->why, "so it is"), "etcd cannot be reached: it says so");
	fire(a);
	answer(a, ETCD_OK);
	ok(answer(a, ETCD_UNREACHABLE) == GRANT && a->armed, "no lease: again");
	fire(a);
	answer(a, ETCD_OK);
	answer(a, ETCD_OK);
	ok(answer(a, ETCD_TIMED_OUT) == PUT && a->turns == turns && a->armed, "whether it is put is not known");
	fire(a);
	ok(answer(a, ETCD_OK) == LOOK && a->turns == turns + 1 && a->call.kind == NONE, "it was, as is seen");
	over(a);
	want(a);
	answer(a, ETCD_OK);
	answer(a, ETCD_OK);
	lost = a->call.lease;
	ok(answer(a, ETCD_OK) == PUT && a->turns == turns + 1, "the lease has ended meanwhile");
	fire(a);
	ok(all(a) && a->turns == turns + 2, "with another one it is put");
	over(a);
	crowded = true;
	want(a);
	ok(a->call.kind == NONE && a->armed, "too many calls wait: again");
	crowded = false;
	fire(a);
	ok(all(a) && a->turns == turns + 3, "there is room");
	over(a);
	n_gateways = LARGE;
}

/* Etcd answers, and gives no turn. */
static void closed(struct gateway *a)
{
	unsigned int turns = a->turns;

	full = true;
	want(a);
	answer(a, ETCD_OK);
	n_gateways = UINT_MAX;
	ok(answer(a, ETCD_UNREACHABLE) == GRANT && a->armed && a->turns == turns && !strcmp(a->why, "so it is"),
	   "out of space, in a large fleet: not all list at once");
	n_gateways = 1;
	fire(a);
	answer(a, ETCD_OK);
	ok(answer(a, ETCD_UNREACHABLE) == GRANT && a->turns == turns + 1 && !a->armed,
	   "some do, though no key can be put, and keep no lease");
	over(a);
	n_gateways = LARGE;
	want(a);
	n_gateways = 1;
	answer(a, ETCD_OK);
	answer(a, ETCD_OK);
	ok(answer(a, ETCD_OK) == PUT && a->turns == turns + 2 && !there, "likewise with a lease");
	over(a);
	full = false;
	n_gateways = LARGE;
	there = 7;
	want(a);
	ok(all(a) && a->turns == turns + 3 && there == 8, "a key without a lease, as of a copy of etcd, is nobody's");
	over(a);
	want(a);
	ok(answer(a, ETCD_WENT_BACK) == LOOK && a->turns == turns + 4, "another history: who lists is told, and says what follows");
	over(a);
	want(a);
	answer(a, ETCD_OK);
	ok(answer(a, ETCD_OTHER_CLUSTER) == GRANT && a->turns == turns + 5, "another cluster: likewise");
	over(a);
}

static void given_up(struct gateway *a)
{
	unsigned int turns = a->turns, i, n;

	for (i = 0; i < 3; i++) {
		want(a);
		for (n = 0; n < i; n++)
			answer(a, ETCD_OK);
		ok(a->call.kind == LOOK + i, "on the way");
		over(a);
		ok(a->call.kind == NONE && a->turns == turns && !holder, "given up before: nothing is held, and nobody called");
	}
}

int main(void)
{
	struct event_base *base = event_base_new();
	size_t i;

	for (i = 0; i < 2; i++) {
		now = &gateways[i];
		now->f.base = base;
		strcpy(now->f.at.gateway, i ? "b" : "a");
		now->turn = fleet_turn_new(&now->f);
	}
	one_after_the_other(&gateways[0], &gateways[1]);
	races(&gateways[0], &gateways[1]);
	failures(&gateways[0]);
	closed(&gateways[0]);
	given_up(&gateways[0]);
	want(&gateways[0]);
	for (i = 0; i < 2; i++)
		fleet_turn_free(gateways[i].turn);
	ok(gateways[0].call.kind == NONE, "the end: nothing is on its way");
	event_base_free(base);
	return tap_done();
}
