/* SPDX-License-Identifier: GPL-2.0 */
/*
 * etcd in memory, in the place of its client. A call does nothing by itself: the test says when it reaches etcd, and when
 * its answer comes, so that any order can be had; and which answer is lost.
 */
#ifndef FAKE_ETCD_H
#define FAKE_ETCD_H

#include <stdlib.h>
#include <string.h>

#include "etcd/etcd.h"

#define FAKE_KEYS	64
#define FAKE_CALLS	64
#define FAKE_EVENTS	64
#define FAKE_OPS	64

struct etcd {
	int unused;
};

struct fake_key {
	char key[160];
	char value[400];
	int64_t create, mod, version;	/* version 0: it is not there */
};

enum fake_kind { FAKE_GET, FAKE_TXN, FAKE_LIST };
enum fake_state { FAKE_FREE, FAKE_SENT, FAKE_CARRIED_OUT };
enum fake_fate { FAKE_WELL, FAKE_LOST_ANSWER, FAKE_LOST_CALL };

struct etcd_call {
	enum fake_state state;
	enum fake_kind kind;
	const struct etcd *e;
	char keys[3 * FAKE_OPS][160];
	char values[3 * FAKE_OPS][400];
	struct etcd_compare compares[8];
	struct etcd_op then[FAKE_OPS];
	size_t n_compares, n_then;
	bool writes;
	etcd_done *done, *page;
	void *arg;
	struct etcd_answer answer;
	struct etcd_reply replies[FAKE_OPS];
	struct fake_key found[FAKE_OPS];
	struct etcd_kv kvs[FAKE_OPS];
};

struct etcd_watch {
	char under[160];
	struct etcd_watch_ops ops;
	void *arg;
	struct fake_key events[FAKE_EVENTS];
	size_t n, told;
	bool there;
};

static struct fake_key fake_keys[FAKE_KEYS];
static struct etcd_call fake_calls[FAKE_CALLS];
static struct etcd_watch fake_watches[8];
static int64_t fake_revision;
static bool fake_full;	/* no call can begin */

static struct fake_key *fake_find(const char *key, bool make)
{
	size_t i;

	for (i = 0; i < FAKE_KEYS && fake_keys[i].key[0]; i++)
		if (!strcmp(fake_keys[i].key, key))
			return &fake_keys[i];
	if (!make || i == FAKE_KEYS)
		return NULL;
	snprintf(fake_keys[i].key, sizeof(fake_keys[i].key), "%s", key);
	return &fake_keys[i];
}

/* NULL: it is not there. */
static const char *fake_value(const char *key)
{
	const struct fake_key *k = fake_find(key, false);

	return k && k->version ? k->value : NULL;
}

static void fake_change(const char *key, const char *value)
{
	struct fake_key *k = fake_find(key, true);
	size_t i;

	if (!value && !k->version)
		return;
	k->mod = fake_revision;
	k->create = k->version ? k->create : fake_revision;
	k->version = value ? k->version + 1 : 0;
	snprintf(k->value, sizeof(k->value), "%s", value ? value : "");
	for (i = 0; i < sizeof(fake_watches) / sizeof(*fake_watches); i++)
		if (fake_watches[i].there && !strncmp(key, fake_watches[i].under, strlen(fake_watches[i].under)))
			fake_watches[i].events[fake_watches[i].n++] = *k;
}

/* Somebody else's. */
static void fake_put(const char *key, const char *value)
{
	fake_revision++;
	fake_change(key, value);
}

static void fake_forget(void)
{
	memset(fake_keys, 0, sizeof(fake_keys));
	memset(fake_watches, 0, sizeof(fake_watches));
	for (size_t i = 0; i < FAKE_CALLS; i++)
		fake_calls[i].state = FAKE_FREE;
	fake_revision = 10;
}

static void fake_kv(const struct fake_key *k, struct etcd_kv *out)
{
	*out = (struct etcd_kv){ .key = (char *)k->key, .value = (uint8_t *)k->value, .len = strlen(k->value),
				 .create_revision = k->create, .mod_revision = k->mod, .version = k->version };
}

static bool fake_holds(const struct etcd_compare *c)
{
	const struct fake_key *k = fake_find(c->key, false);
	int64_t is = 0;

	if (k && k->version)
		is = c->target == ETCD_MOD ? k->mod : c->target == ETCD_CREATE ? k->create : k->version;
	return is == c->number;
}

static void fake_operation(struct etcd_call *c, size_t i)
{
	const struct etcd_op *op = &c->then[i];
	const struct fake_key *k = fake_find(op->key, false);

	c->replies[i] = (struct etcd_reply){ .kv = &c->kvs[i] };
	if (op->verb == ETCD_PUT) {
		fake_change(op->key, op->value);
	} else if (op->verb == ETCD_DELETE) {
		fake_change(op->key, NULL);
	} else if (k && k->version) {
		c->found[i] = *k;
		fake_kv(&c->found[i], &c->kvs[i]);
		c->replies[i].n = 1;
	}
}

/* It reaches etcd, or is lost on the way there, or back. */
static void fake_carry_out(struct etcd_call *c, enum fake_fate fate)
{
	size_t i, n = 0;

	memset(&c->answer, 0, sizeof(c->answer));
	c->answer.why = "";
	c->state = FAKE_CARRIED_OUT;
	if (fate != FAKE_LOST_CALL) {
		c->answer.succeeded = true;
		for (i = 0; i < c->n_compares; i++)
			c->answer.succeeded &= fake_holds(&c->compares[i]);
		fake_revision += c->writes && c->answer.succeeded;
		for (i = 0; c->answer.succeeded && i < c->n_then; i++)
			fake_operation(c, i);
		for (i = 0; c->kind == FAKE_LIST && i < FAKE_KEYS; i++)
			if (fake_keys[i].version && !strncmp(fake_keys[i].key, c->keys[0], strlen(c->keys[0]))) {
				c->found[n] = fake_keys[i];
				fake_kv(&c->found[n], &c->kvs[n]);
				n++;
			}
	}
	c->answer.revision = fake_revision;
	if (fate != FAKE_WELL) {
		c->answer = (struct etcd_answer){ .result = ETCD_TIMED_OUT, .why = "no answer", .unsure = c->writes };
		return;
	}
	c->answer.replies = c->replies;
	c->answer.n_replies = c->answer.succeeded && c->kind == FAKE_TXN ? c->n_then : 0;
	c->answer.kv = c->kvs;
	c->answer.n = c->kind == FAKE_LIST ? n : c->kind == FAKE_GET ? c->replies[0].n : 0;
}

/* A list's place is free, for another call, when its page was taken. */
static void fake_answer(struct etcd_call *c)
{
	struct etcd_answer last = { .result = c->answer.result, .why = c->answer.why, .revision = c->answer.revision };

	if (c->kind == FAKE_LIST && c->answer.result == ETCD_OK)
		c->page(&c->answer, c->arg);
	c->state = FAKE_FREE;
	c->done(c->kind == FAKE_LIST ? &last : &c->answer, c->arg);
}

static void fake_tell(struct etcd_watch *w)
{
	struct fake_key k = w->events[w->told++];
	struct etcd_event e = { .deleted = !k.version };

	fake_kv(&k, &e.kv);
	w->ops.events(&e, 1, k.mod, w->arg);
}

static struct etcd_call *fake_new(const struct etcd *e, enum fake_kind kind, etcd_done *done, void *arg)
{
	size_t i;

	for (i = 0; i < FAKE_CALLS && !fake_full; i++) {
		struct etcd_call *c = &fake_calls[i];

		if (c->state != FAKE_FREE)
			continue;
		c->state = FAKE_SENT;
		c->kind = kind;
		c->e = e;
		c->done = done;
		c->arg = arg;
		c->n_compares = 0;
		c->n_then = 0;
		c->writes = false;
		return c;
	}
	return NULL;
}

struct etcd_call *etcd_get(struct etcd *e, const char *key, unsigned int timeout, etcd_done *done, void *arg)
{
	struct etcd_call *c = fake_new(e, FAKE_GET, done, arg);

	(void)timeout;
	if (!c)
		return NULL;
	snprintf(c->keys[0], sizeof(c->keys[0]), "%s", key);
	c->then[c->n_then++] = (struct etcd_op){ .verb = ETCD_GET, .key = c->keys[0] };
	return c;
}

struct etcd_call *etcd_txn(struct etcd *e, const struct etcd_txn *t, unsigned int timeout, etcd_done *done, void *arg)
{
	struct etcd_call *c = fake_new(e, FAKE_TXN, done, arg);
	size_t i;

	(void)timeout;
	if (!c)
		return NULL;
	for (i = 0; i < t->n_compares; i++) {
		c->compares[i] = t->compares[i];
		snprintf(c->keys[FAKE_OPS + i], sizeof(c->keys[0]), "%s", t->compares[i].key);
		c->compares[i].key = c->keys[FAKE_OPS + i];
	}
	for (i = 0; i < t->n_then; i++) {
		c->then[i] = t->then[i];
		snprintf(c->keys[i], sizeof(c->keys[0]), "%s", t->then[i].key);
		c->then[i].key = c->keys[i];
		snprintf(c->values[i], sizeof(c->values[0]), "%.*s", (int)t->then[i].len,
			 t->then[i].value ? (const char *)t->then[i].value : "");
		c->then[i].value = c->values[i];
		c->writes |= t->then[i].verb != ETCD_GET;
	}
	c->n_compares = t->n_compares;
	c->n_then = t->n_then;
	return c;
}

struct etcd_list *etcd_list(struct etcd *e, const char *under, unsigned int limit, etcd_done *page, etcd_done *done,
			    void *arg)
{
	struct etcd_call *c = fake_new(e, FAKE_LIST, done, arg);

	(void)limit;
	if (!c)
		return NULL;
	snprintf(c->keys[0], sizeof(c->keys[0]), "%s", under);
	c->page = page;
	return (struct etcd_list *)c;
}

void etcd_list_free(struct etcd_list *l)
{
	etcd_cancel((struct etcd_call *)l);
}

/* Nobody is told; whether it was carried out is the test's to say, by the moment. */
void etcd_cancel(struct etcd_call *c)
{
	c->state = FAKE_FREE;
}

struct etcd_watch *etcd_watch_new(struct etcd *e, const char *under, const struct etcd_position *from,
				  const struct etcd_watch_ops *ops, void *arg)
{
	size_t i;

	(void)e;
	(void)from;
	for (i = 0; i < sizeof(fake_watches) / sizeof(*fake_watches); i++) {
		struct etcd_watch *w = &fake_watches[i];

		if (w->there)
			continue;
		*w = (struct etcd_watch){ .ops = *ops, .arg = arg, .there = true };
		snprintf(w->under, sizeof(w->under), "%s", under);
		return w;
	}
	return NULL;
}

void etcd_watch_free(struct etcd_watch *w)
{
	if (w)
		w->there = false;
}

/* All that is on its way, in the order of its coming. */
static void fake_settle(void)
{
	bool busy = true;
	size_t i;

	while (busy) {
		busy = false;
		for (i = 0; i < FAKE_CALLS; i++) {
			if (fake_calls[i].state == FAKE_FREE)
				continue;
			if (fake_calls[i].state == FAKE_SENT)
				fake_carry_out(&fake_calls[i], FAKE_WELL);
			fake_answer(&fake_calls[i]);
			busy = true;
		}
		for (i = 0; i < sizeof(fake_watches) / sizeof(*fake_watches); i++)
			while (fake_watches[i].there && fake_watches[i].told < fake_watches[i].n) {
				fake_tell(&fake_watches[i]);
				busy = true;
			}
	}
}

#endif
