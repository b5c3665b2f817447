// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of the keys below a prefix, from a revision on: each event once, in order, whoever of the members dies.
 *
 *	wait --> check --> open --> OPEN	check: is the history that we know still etcd's? A watch from a revision
 *	 ^         |        |        |		that etcd has not reached (again) would wait for it without a word
 *	 '---------+--------+--------'
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/watch.h"

#define LASTS_MS	10000	/* a stream that was open so long is no failure in a row */
#define DOOMED_MS	2000	/* how long to wait for the revision that is left */

/**
 * watch_timer - tick() comes then
 * @w: the watch
 * @ms: from now
 */
void watch_timer(struct etcd_watch *w, int64_t ms)
{
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(w->timer, &t);
}

/**
 * watch_tell - to its owner, if there still is one
 * @w: the watch
 * @what: news
 * @revision: of them
 * @why: a sentence
 */
void watch_tell(struct etcd_watch *w, enum etcd_watch_news what, int64_t revision, const char *why)
{
	if (!w->dead)
		w->ops.news(what, revision, why, w->arg);
}

/**
 * watch_end - it ends with these news, once its stream is gone
 * @w: the watch
 * @what: news
 * @revision: of them
 *
 * Return: false, as the stream is to end.
 */
bool watch_end(struct etcd_watch *w, enum etcd_watch_news what, int64_t revision)
{
	w->ends = true;
	w->end = what;
	w->end_revision = revision;
	return false;
}

/**
 * watch_pulse - when its member is asked next; drawn, so that not all are at once
 * @w: the watch
 *
 * Return: ms.
 */
int64_t watch_pulse(const struct etcd_watch *w)
{
	return w->e->pulse / 2 + arc4random_uniform(w->e->pulse);
}

/* It has no stream, and gets another one, or has ended. */
static void lost(struct etcd_watch *w)
{
	int64_t now = now_ms();

	event_del(w->timer);
	if (w->call)
		etcd_cancel(w->call);
	w->call = NULL;
	if (w->ends) {
		w->state = ENDED;
		watch_tell(w, w->end, w->end_revision, w->why);
		return;
	}
	if (w->state == OPEN && now - w->opened >= LASTS_MS)
		w->fails = 0;
	w->state = WAIT;
	watch_timer(w, backoff(w->e, w->fails));
	if (w->fails < 32)
		w->fails++;
	if (w->told)
		return;
	w->told = true;
	watch_tell(w, ETCD_WATCH_LOST, 0, w->why);
}

static bool take(struct transfer *t, const char *data, size_t len)
{
	struct etcd_watch *w = (struct etcd_watch *)t;
	int err;

	if (w->dead)
		return false;
	err = stream_put(&w->stream, data, len, watch_message, w);
	if (err == -EFBIG)
		snprintf(w->why, sizeof(w->why), "%.100s: a message has more than %zu bytes", t->at->url,
			 w->stream.max);
	else if (err == -EBADMSG)
		snprintf(w->why, sizeof(w->why), "%.100s does not answer as etcd does", t->at->url);
	else if (err == -ENOMEM)
		snprintf(w->why, sizeof(w->why), "out of memory");
	return !err;
}

static void discard(struct etcd_watch *w)
{
	LIST_REMOVE(w, entry);
	transfer_stop(&w->transfer);
	if (w->call)
		etcd_cancel(w->call);
	event_free(w->timer);
	stream_free(&w->stream);
	free(w->body);
	free(w);
}

static void over(struct transfer *t, CURLcode code, long status)
{
	struct etcd_watch *w = (struct etcd_watch *)t;

	if (w->dead) {
		discard(w);
		return;
	}
	if (!w->ends)
		endpoint_bad(w->e, t->at);
	/* What ended it from within said why. */
	if (code && code != CURLE_WRITE_ERROR)
		transfer_why(t, code, w->why, sizeof(w->why));
	else if (!code && !w->why[0])
		snprintf(w->why, sizeof(w->why), "%.100s has ended the watch: HTTP %ld", t->at->url, status);
	lost(w);
}

static char *body(const struct etcd_watch *w)
{
	json_t *key = json_key(w->e, w->under, NULL, 0), *last = json_key_end(w->e, w->under);
	json_t *from = json_number(w->at.revision + 1);
	json_t *j = key && last && from ? json_pack("{s:{s:O, s:O, s:O, s:b, s:b}}", "create_request", "key", key,
						    "range_end", last, "start_revision", from, "progress_notify", 1,
						    "fragment", 1) : NULL;
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	json_decref(key);
	json_decref(last);
	json_decref(from);
	return text;
}

static void open_stream(struct etcd_watch *w)
{
	int64_t now = now_ms();
	struct endpoint *at = endpoint_pick(w->e, now);

	if (!at || !bucket_take(w->e, now)) {
		snprintf(w->why, sizeof(w->why), at ? "too many requests" : "no member answers");
		lost(w);
		return;
	}
	free(w->body);
	w->body = body(w);
	w->transfer.body = w->body;
	w->transfer.len = w->body ? strlen(w->body) : 0;
	stream_reset(&w->stream);
	w->skip = w->next.revision > w->at.revision ? w->part : 0;
	w->last = 0;
	w->why[0] = 0;
	w->state = OPENING;
	if (!w->body || transfer_start(&w->transfer, at, "/v3/watch", 0)) {
		snprintf(w->why, sizeof(w->why), "out of memory");
		lost(w);
		return;
	}
	watch_timer(w, w->doomed ? DOOMED_MS : w->e->timeout);
}

/* Is the witness what it was? */
static bool same_history(struct etcd_watch *w, const struct etcd_answer *a)
{
	int64_t is = a->n ? a->kv[0].mod_revision : 0;

	if (!w->at.witness[0] || is == w->at.mod_revision)
		return true;
	snprintf(w->why, sizeof(w->why), "at revision %lld key %.100s was of revision %lld, and is of %lld: an older "
		 "state was restored, and went on", (long long)w->at.revision, w->at.witness, (long long)w->at.mod_revision,
		 (long long)is);
	return false;
}

static void checked(const struct etcd_answer *a, void *arg)
{
	struct etcd_watch *w = arg;

	w->call = NULL;
	if (w->dead)
		return;
	snprintf(w->why, sizeof(w->why), "%s", a->why);
	switch (a->result) {
	case ETCD_OK:
		if (same_history(w, a)) {
			open_stream(w);
			return;
		}
		watch_end(w, ETCD_WATCH_WENT_BACK, a->revision);
		break;
	case ETCD_COMPACTED:
		w->doomed = true;
		open_stream(w);
		return;
	case ETCD_WENT_BACK:
		watch_end(w, ETCD_WATCH_WENT_BACK, 0);
		break;
	case ETCD_OTHER_CLUSTER:
		watch_end(w, ETCD_WATCH_OTHER_CLUSTER, 0);
		break;
	default:
		break;
	}
	lost(w);
}

/* One key, though it may not be there: a member goes through all keys of a range, whatever its limit. */
static void check(struct etcd_watch *w)
{
	struct etcd_range r = {
		.under = w->at.witness[0] ? w->at.witness : w->under[0] ? w->under : "-",
		.one = true,
		.revision = w->at.revision,
	};

	w->state = CHECK;
	w->doomed = false;
	w->call = etcd_range(w->e, &r, 0, checked, w);
	if (w->call)
		return;
	snprintf(w->why, sizeof(w->why), "too many calls wait");
	lost(w);
}

/* A member that hangs has its connections kept by its kernel, and one that was cut off from the others is silent. */
static void pulsed(const struct etcd_answer *a, void *arg)
{
	struct etcd_watch *w = arg;

	w->call = NULL;
	if (w->dead)
		return;
	if (a->result == ETCD_OK && a->leader) {
		watch_timer(w, watch_pulse(w));
		return;
	}
	transfer_stop(&w->transfer);
	endpoint_bad(w->e, w->transfer.at);
	if (a->result == ETCD_OK)
		snprintf(w->why, sizeof(w->why), "%.100s has no leader", w->transfer.at->url);
	else
		snprintf(w->why, sizeof(w->why), "%s", a->why);
	if (a->result == ETCD_OTHER_CLUSTER)
		watch_end(w, ETCD_WATCH_OTHER_CLUSTER, 0);
	lost(w);
}

static void pulse(struct etcd_watch *w)
{
	w->call = etcd_status(w->e, 0, pulsed, w);
	if (w->call)
		call_pin(w->call, w->transfer.at);
	else
		watch_timer(w, w->e->pulse);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
	struct etcd_watch *w = arg;

	(void)fd;
	(void)what;
	if (w->dead) {
		discard(w);
	} else if (w->state == WAIT) {
		check(w);
	} else if (w->state == OPEN && !w->call) {
		pulse(w);
	} else if (w->state == OPENING) {
		transfer_stop(&w->transfer);
		snprintf(w->why, sizeof(w->why), "%.100s does not begin the watch", w->transfer.at->url);
		if (w->doomed)
			watch_end(w, ETCD_WATCH_COMPACTED, w->at.revision + 1);
		else
			endpoint_bad(w->e, w->transfer.at);
		lost(w);
	}
}

/**
 * etcd_watch_new - watch the keys below a prefix
 * @e: the client
 * @under: prefix, which may be ""
 * @from: all up to its revision is known: that of a list, or what etcd_watch_position() gave
 * @ops: whom to call, from the loop
 * @arg: for @ops
 *
 * Return: the watch, which goes on until it tells that it is over, or is freed; NULL, with errno EINVAL or ENOMEM.
 */
struct etcd_watch *etcd_watch_new(struct etcd *e, const char *under, const struct etcd_position *from,
				  const struct etcd_watch_ops *ops, void *arg)
{
	struct etcd_watch *w;

	if (!key_valid(e, under, true) || from->revision <= 0 || !key_valid(e, from->witness, true) ||
	    (from->witness[0] && strncmp(from->witness, under, strlen(under)))) {
		errno = EINVAL;
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->timer = event_new(e->base, -1, 0, tick, w);
	if (!w->timer) {
		free(w);
		errno = ENOMEM;
		return NULL;
	}
	w->e = e;
	snprintf(w->under, sizeof(w->under), "%s", under);
	w->at = *from;
	w->next = *from;
	w->ops = *ops;
	w->arg = arg;
	w->transfer.e = e;
	w->transfer.take = take;
	w->transfer.done = over;
	w->stream.max = e->answer;
	LIST_INSERT_HEAD(&e->watches, w, entry);
	event_active(w->timer, EV_TIMEOUT, 1);
	return w;
}

/**
 * etcd_watch_free - end it, also from a callback; it calls nobody any more
 * @w: the watch, or NULL
 */
void etcd_watch_free(struct etcd_watch *w)
{
	if (!w)
		return;
	w->dead = true;
	event_active(w->timer, EV_TIMEOUT, 1);
}

/**
 * etcd_watch_position - where it is
 * @w: the watch
 *
 * Return: what a program keeps beside what it made of the events up to there; valid until the next event.
 */
const struct etcd_position *etcd_watch_position(const struct etcd_watch *w)
{
	return &w->at;
}

/**
 * watch_free_all - end all; nobody is called back
 * @e: the client
 */
void watch_free_all(struct etcd *e)
{
	struct etcd_watch *w, *next;

	for (w = LIST_FIRST(&e->watches); w; w = next) {
		next = LIST_NEXT(w, entry);
		discard(w);
	}
}
