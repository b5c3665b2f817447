// SPDX-License-Identifier: GPL-2.0
/*
 * here/NAME, which etcd deletes when this gateway has not been heard for a minute: who is connected, and that no two
 * gateways have one name.
 *
 *	read --> lease --> put (not there, or this installation's own of before) --> keep, keep, keep
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <unistd.h>

#include "fleet/internal.h"
#include "lib/file.h"
#include "lib/policy.h"

#define INSTANCE	"instance"
#ifndef FLEET_TTL
#define FLEET_TTL	60		/* seconds; in a test they are fewer */
#endif
#define KEEP_MS		(FLEET_TTL * 1000U / 3)
#define FRESH		300		/* seconds: how old what it says may be */

/**
 * struct fleet_session - this gateway's presence
 * @f: cordon-fleet
 * @timer: the next step
 * @call: on its way; NULL, none
 * @process: this process's number, beside the installation's
 * @lease: etcd's; 0, none
 * @revision: of here/NAME as this process has put it; 0, it is not there, or not ours
 * @put: when, by a clock that only goes on, seconds
 * @since: since when it is there, seconds since 1970
 * @twin: another gateway of its name was there, which was said
 * @after: of a failed transaction: what was found there; what is put replaces it
 * @why: why it is not held
 * @left: called when the lease is given back; NULL, it is not to be
 * @arg: for @left
 */
struct fleet_session {
	struct fleet *f;
	struct event *timer;
	struct etcd_call *call;
	char process[20];
	int64_t lease;
	int64_t revision;
	time_t put;
	time_t since;
	bool twin;
	int64_t after;
	char why[FLEET_WHY];
	void (*left)(void *arg);
	void *arg;
};

static void step(struct fleet_session *s);

static void key(const struct fleet_session *s, char out[ETCD_KEY_MAX])
{
	snprintf(out, ETCD_KEY_MAX, "here/%s", s->f->at.gateway);
}

/* The lease is another one, or none: from the beginning. */
static void lose(struct fleet_session *s, unsigned int ms)
{
	s->lease = s->revision = s->after = 0;
	fleet_after(s->timer, ms);
	fleet_reach(s->f);
}

static char *value(const struct fleet_session *s, size_t *len)
{
	json_t *j = json_pack("{s:i, s:I, s:I, s:s, s:I, s:I, s:s, s:s}", "v", 1, "at", (json_int_t)time(NULL), "revision",
			      (json_int_t)s->f->at.revision, "version", CORDON_VERSION, "since", (json_int_t)s->since,
			      "clock", (json_int_t)etcd_clock(s->f->etcd), "instance", s->f->instance, "process", s->process);
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	*len = text ? strlen(text) : 0;
	return text;
}

/* Whose is it? One of this installation is this gateway's, from before it was started anew. */
static void taken(struct fleet_session *s, const struct etcd_kv *kv)
{
	json_t *j = json_loadb((const char *)kv->value, kv->len, 0, NULL);
	const char *instance = json_string_value(json_object_get(j, "instance"));
	const char *process = json_string_value(json_object_get(j, "process"));
	/* Of this process: the answer to an attempt was lost. Of another: before this one, or now, instead of it. */
	bool ours = instance && !strcmp(instance, s->f->instance) &&
		    (!s->revision || (process && !strcmp(process, s->process)));

	json_decref(j);
	s->after = ours ? kv->mod_revision : 0;
	if (ours) {
		step(s);
		return;
	}
	snprintf(s->why, sizeof(s->why), "another gateway calls itself '%s', and is connected: nothing is written by this one",
		 s->f->at.gateway);
	if (!s->twin)
		serve_log(LOG_ALERT, "two gateways of one name", "name", s->f->at.gateway, "why", s->why, NULL);
	s->twin = true;
	/* The lease goes by itself; a new one is asked for when there is something to put. */
	lose(s, FLEET_AGAIN * 1000);
}

static void done(const struct etcd_answer *a, void *arg)
{
	struct fleet_session *s = arg;
	bool first;

	s->call = NULL;
	if (a->result == ETCD_OK && a->succeeded) {
		first = !s->revision;
		s->revision = a->revision;
		s->put = fleet_seconds();
		s->after = 0;
		fleet_after(s->timer, KEEP_MS / 2 + arc4random_uniform(KEEP_MS / 2));
		if (first) {
			s->twin = false;
			fleet_heard(s->f);
			fleet_reach(s->f);
			fleet_outbox_poke(s->f);
		}
	} else if (a->result == ETCD_OK && a->n_replies == 1 && a->replies[0].n) {
		taken(s, &a->replies[0].kv[0]);
	} else if (a->result == ETCD_OK || a->result == ETCD_REFUSED) {
		/* Gone, with its lease. */
		lose(s, 200);
	} else {
		snprintf(s->why, sizeof(s->why), "%s", a->why);
		s->after = 0;
		fleet_after(s->timer, 1000);
	}
}

static void put(struct fleet_session *s)
{
	char name[ETCD_KEY_MAX];
	size_t len;
	char *text = value(s, &len);
	const struct etcd_compare compare = { .key = name, .target = ETCD_MOD, .number = s->after ? s->after : s->revision };
	const struct etcd_op op = { .verb = ETCD_PUT, .key = name, .value = text, .len = len, .lease = s->lease };
	const struct etcd_op get = { .verb = ETCD_GET, .key = name };
	const struct etcd_txn t = { .compares = &compare, .n_compares = 1, .then = &op, .n_then = 1, .otherwise = &get,
				    .n_otherwise = 1 };

	key(s, name);
	s->call = text ? etcd_txn(s->f->etcd, &t, 0, done, s) : NULL;
	free(text);
	if (!s->call)
		fleet_after(s->timer, 1000);
}

static void granted(const struct etcd_answer *a, void *arg)
{
	struct fleet_session *s = arg;

	s->call = NULL;
	if (a->result != ETCD_OK) {
		snprintf(s->why, sizeof(s->why), "%s", a->why);
		fleet_after(s->timer, 1000);
		return;
	}
	s->lease = a->lease;
	put(s);
}

static void kept(const struct etcd_answer *a, void *arg)
{
	struct fleet_session *s = arg;

	s->call = NULL;
	if (a->result == ETCD_OK && a->ttl <= 0) {
		snprintf(s->why, sizeof(s->why), "this gateway was not heard for a minute");
		lose(s, 0);
		return;
	}
	if (a->result == ETCD_OK)
		fleet_heard(s->f);
	fleet_after(s->timer, a->result == ETCD_OK ? KEEP_MS / 2 + arc4random_uniform(KEEP_MS / 2) : 1000);
}

static void step(struct fleet_session *s)
{
	struct fleet *f = s->f;

	/* A history that is not ours is not written to. */
	if (s->call || s->left || f->at.refused || !fleet_replica_is_open(f) || !f->self || f->expelled)
		return;
	if (!s->lease)
		s->call = etcd_lease_grant(f->etcd, FLEET_TTL, 0, granted, s);
	else if (!s->revision || s->after || fleet_seconds() >= s->put + FRESH)
		put(s);
	else
		s->call = etcd_lease_keep(f->etcd, s->lease, 0, kept, s);
	if (!s->call)
		fleet_after(s->timer, 1000);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	step(arg);
}

/**
 * fleet_session_instance - this installation's number, in the working directory; made where there is none
 * @out: the number
 *
 * Return: 0; -errno.
 */
int fleet_session_instance(char out[FLEET_INSTANCE])
{
	uint8_t drawn[FLEET_INSTANCE / 2];
	char *text = NULL;
	size_t len;
	int err;

	err = file_read(INSTANCE, FLEET_INSTANCE, &text, &len);
	if (!err && len == FLEET_INSTANCE && strspn(text, "0123456789abcdef") == FLEET_INSTANCE - 1) {
		snprintf(out, FLEET_INSTANCE, "%s", text);
		free(text);
		return 0;
	}
	free(text);
	if (getrandom(drawn, sizeof(drawn), 0) != sizeof(drawn))
		return -EIO;
	policy_hex_text(drawn, sizeof(drawn), out);
	out[FLEET_INSTANCE - 1] = '\n';
	err = file_write(INSTANCE, out, FLEET_INSTANCE, 0644);
	out[FLEET_INSTANCE - 1] = 0;
	return err;
}

/**
 * fleet_session_begin - be seen in etcd, once it is reached
 * @f: cordon-fleet
 *
 * Return: 0; -ENOMEM.
 */
int fleet_session_begin(struct fleet *f)
{
	struct fleet_session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	f->session = s;
	s->f = f;
	s->since = time(NULL);
	snprintf(s->why, sizeof(s->why), "it says that it is here");
	snprintf(s->process, sizeof(s->process), "%08x%08x", arc4random(), arc4random());
	s->timer = evtimer_new(f->base, on_time, s);
	return s->timer ? 0 : -ENOMEM;
}

/**
 * fleet_session_end - no more; a lease that was not given back ends by itself
 * @f: cordon-fleet
 */
void fleet_session_end(struct fleet *f)
{
	struct fleet_session *s = f->session;

	if (!s)
		return;
	if (s->call)
		etcd_cancel(s->call);
	if (s->timer)
		event_free(s->timer);
	free(s);
	f->session = NULL;
}

/**
 * fleet_session_poke - what it waited for may be there
 * @f: cordon-fleet
 */
void fleet_session_poke(struct fleet *f)
{
	/* Held, too: the time to keep it may have come while no member was there. */
	if (f->session && !f->session->call && !event_pending(f->session->timer, EV_TIMEOUT, NULL))
		fleet_after(f->session->timer, 0);
}

static void on_left(const struct etcd_answer *a, void *arg)
{
	struct fleet_session *s = arg;

	(void)a;
	s->call = NULL;
	s->left(s->arg);
}

/**
 * fleet_session_leave - give the lease back, as this is the end
 * @f: cordon-fleet
 * @then: called, perhaps from here, when that is over, or cannot be
 * @arg: for @then
 */
void fleet_session_leave(struct fleet *f, void (*then)(void *arg), void *arg)
{
	struct fleet_session *s = f->session;
	struct etcd_call *call = NULL;

	if (s && s->lease && !s->left && fleet_replica_is_open(f)) {
		if (s->call)
			etcd_cancel(s->call);
		s->left = then;
		s->arg = arg;
		s->call = call = etcd_lease_revoke(f->etcd, s->lease, 1000, on_left, s);
	}
	if (!call)
		then(arg);
}

/**
 * fleet_session_is_held - etcd shows that this gateway is here, and no other has its name
 * @f: cordon-fleet
 */
bool fleet_session_is_held(const struct fleet *f)
{
	return f->session && f->session->revision;
}

/**
 * fleet_session_why - why it is not
 * @f: cordon-fleet
 * @out: a sentence
 */
void fleet_session_why(const struct fleet *f, char out[FLEET_WHY])
{
	snprintf(out, FLEET_WHY, "%s", f->session ? f->session->why : "it ends");
}
