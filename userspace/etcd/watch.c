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

#include "etcd/internal.h"

#define LASTS_MS	10000	/* a stream that was open so long is no failure in a row */
#define DOOMED_MS	2000	/* how long to wait for the revision that is left */

enum state { WAIT, CHECK, OPENING, OPEN, ENDED };

/**
 * struct etcd_watch - a watch
 * @transfer: its stream
 * @entry: among the client's
 * @e: whose
 * @under: prefix
 * @at: all up to here is known, and was told
 * @next: likewise, with the events of a revision of which more follows
 * @part: events of @next's revision
 * @skip: events of it that this stream tells again
 * @last: revision of this stream's last event
 * @id: this stream's
 * @ops: whom it calls
 * @arg: for @ops
 * @state: what it does
 * @call: for CHECK, and a pulse
 * @timer: ends WAIT, and what takes too long
 * @body: of the request
 * @stream: of the answer
 * @fails: in a row
 * @opened: when, ms
 * @doomed: our revision is gone; only how much is gone is not known yet
 * @told: it is lost, and its owner knows
 * @end: it ends with these news
 * @ends: it does
 * @end_revision: for @end
 * @why: a sentence
 * @dead: it was freed; it calls nobody any more
 */
struct etcd_watch {
	struct transfer transfer;
	LIST_ENTRY(etcd_watch) entry;
	struct etcd *e;
	char under[ETCD_KEY_MAX];
	struct etcd_position at;
	struct etcd_position next;
	size_t part;
	size_t skip;
	int64_t last;
	int64_t id;
	struct etcd_watch_ops ops;
	void *arg;
	enum state state;
	struct etcd_call *call;
	struct event *timer;
	char *body;
	struct stream stream;
	unsigned int fails;
	int64_t opened;
	bool doomed;
	bool told;
	enum etcd_watch_news end;
	bool ends;
	int64_t end_revision;
	char why[ETCD_WHY];
	bool dead;
};

static void set_timer(struct etcd_watch *w, int64_t ms)
{
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(w->timer, &t);
}

static void tell(struct etcd_watch *w, enum etcd_watch_news what, int64_t revision, const char *why)
{
	if (!w->dead)
		w->ops.news(what, revision, why, w->arg);
}

/* It ends with these news, once its stream is gone. Return: false, as the stream is to end. */
static bool end(struct etcd_watch *w, enum etcd_watch_news what, int64_t revision)
{
	w->ends = true;
	w->end = what;
	w->end_revision = revision;
	return false;
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
		tell(w, w->end, w->end_revision, w->why);
		return;
	}
	if (w->state == OPEN && now - w->opened >= LASTS_MS)
		w->fails = 0;
	w->state = WAIT;
	set_timer(w, backoff(w->e, w->fails));
	if (w->fails < 32)
		w->fails++;
	if (w->told)
		return;
	w->told = true;
	tell(w, ETCD_WATCH_LOST, 0, w->why);
}

/* An event is known. */
static void apply(struct etcd_watch *w, const struct etcd_event *v)
{
	if (v->kv.mod_revision > w->next.revision) {
		w->at = w->next;
		w->at.revision = v->kv.mod_revision - 1;
		w->next.revision = v->kv.mod_revision;
		w->part = 0;
	}
	w->part++;
	if (!v->deleted) {
		snprintf(w->next.witness, sizeof(w->next.witness), "%s", v->kv.key);
		w->next.mod_revision = v->kv.mod_revision;
	} else if (!strcmp(w->next.witness, v->kv.key)) {
		w->next.mod_revision = 0;
	}
	if (v->kv.mod_revision > w->e->seen)
		w->e->seen = v->kv.mod_revision;
}

/* Was it told before: by a stream that was cut within its revision, or by a member that begins too early? */
static bool known(struct etcd_watch *w, int64_t revision)
{
	if (revision <= w->at.revision || revision < w->next.revision)
		return true;
	if (revision > w->next.revision || !w->skip)
		return false;
	w->skip--;
	return true;
}

static bool parse_event(struct etcd_watch *w, const json_t *j, struct etcd_event *v)
{
	const char *type = json_string_value(json_object_get(j, "type"));

	if (!json_kv(w->e, json_object_get(j, "kv"), &v->kv))
		return false;
	v->deleted = type && !strcmp(type, "DELETE");
	if ((!type || v->deleted || !strcmp(type, "PUT")) && !strncmp(v->kv.key, w->under, strlen(w->under)))
		return true;
	free(v->kv.key);
	free(v->kv.value);
	return false;
}

static void free_events(struct etcd_event *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(v[i].kv.key);
		free(v[i].kv.value);
	}
	free(v);
}

/* All of a message's events, or none: nothing has moved if one of them is none. */
static struct etcd_event *parse_events(struct etcd_watch *w, const json_t *list, size_t *n)
{
	size_t all = json_array_size(list);
	struct etcd_event *v = calloc(all, sizeof(*v));
	int64_t last = w->last;

	for (*n = 0; v && *n < all; ++*n) {
		if (!parse_event(w, json_array_get(list, *n), &v[*n]))
			break;
		if (v[*n].kv.mod_revision < last) {
			++*n;
			break;
		}
		last = v[*n].kv.mod_revision;
	}
	if (v && *n == all && last >= w->last && v[all - 1].kv.mod_revision == last) {
		w->last = last;
		return v;
	}
	snprintf(w->why, sizeof(w->why), "%.100s: events that are none, or out of order", w->transfer.at->url);
	free_events(v, v ? *n : 0);
	return NULL;
}

static bool events(struct etcd_watch *w, const json_t *list, bool fragment)
{
	int64_t before = w->at.revision;
	size_t i, n = 0, all;
	struct etcd_event *v = parse_events(w, list, &all);

	if (!v)
		return false;
	for (i = 0; i < all; i++) {
		struct etcd_event next = v[i];

		if (known(w, next.kv.mod_revision)) {
			free(next.kv.key);
			free(next.kv.value);
			continue;
		}
		apply(w, &next);
		v[n++] = next;
	}
	if (!fragment)
		w->at = w->next;
	if (n || w->at.revision > before)
		w->ops.events(v, n, fragment ? 0 : w->at.revision, w->arg);
	free_events(v, n);
	return !w->dead;
}

static bool created(struct etcd_watch *w, int64_t id)
{
	w->id = id;
	if (w->doomed)
		return true;
	set_timer(w, w->e->pulse / 2 + arc4random_uniform(w->e->pulse));
	endpoint_good(w->e, w->transfer.at);
	w->state = OPEN;
	w->opened = now_ms();
	w->told = false;
	tell(w, ETCD_WATCH_OPEN, w->at.revision, w->transfer.at->url);
	return !w->dead;
}

static bool canceled(struct etcd_watch *w, const json_t *result)
{
	const char *reason = json_string_value(json_object_get(result, "cancel_reason"));
	int64_t compacted;

	snprintf(w->why, sizeof(w->why), "%.100s ends the watch: %.150s", w->transfer.at->url,
		 reason ? reason : "it does not say why");
	if (!json_i64(result, "compact_revision", &compacted) || !compacted)
		return false;
	snprintf(w->why, sizeof(w->why), "events up to revision %lld are compacted, and known are those up to %lld",
		 (long long)compacted, (long long)w->at.revision);
	return end(w, ETCD_WATCH_COMPACTED, compacted);
}

/* Nothing has happened up to this revision. */
static bool progress(struct etcd_watch *w, int64_t revision)
{
	if (w->next.revision != w->at.revision || revision <= w->at.revision)
		return true;
	w->at.revision = revision;
	w->next.revision = revision;
	w->ops.events(NULL, 0, revision, w->arg);
	return !w->dead;
}

static bool fault(struct etcd_watch *w, const json_t *object)
{
	char text[200];
	int64_t code;

	if (!json_fault(object, &code, text, sizeof(text)))
		snprintf(text, sizeof(text), "does not answer as etcd does");
	snprintf(w->why, sizeof(w->why), "%.100s: %s", w->transfer.at->url, text);
	return false;
}

static bool message(json_t *object, void *arg)
{
	const json_t *result = json_object_get(object, "result"), *list = json_object_get(result, "events");
	bool is_created, is_canceled, fragment;
	struct etcd_watch *w = arg;
	struct header h;
	int64_t id;

	if (!json_header(result, &h) || !json_flag(result, "created", &is_created) ||
	    !json_flag(result, "canceled", &is_canceled) || !json_flag(result, "fragment", &fragment))
		return fault(w, object);
	if (w->e->cluster && h.cluster != w->e->cluster) {
		snprintf(w->why, sizeof(w->why), "%.100s is of cluster %llu, not %llu", w->transfer.at->url,
			 (unsigned long long)h.cluster, (unsigned long long)w->e->cluster);
		return end(w, ETCD_WATCH_OTHER_CLUSTER, 0);
	}
	if (is_canceled)
		return canceled(w, result);
	/* -1 answers who asks for progress, out of turn: events before it may still come. */
	if (!json_i64(result, "watch_id", &id))
		return true;
	if (is_created)
		return created(w, id);
	if (w->doomed)
		return end(w, ETCD_WATCH_COMPACTED, w->at.revision + 1);
	if (w->state != OPEN || id != w->id)
		return true;
	return json_array_size(list) ? events(w, list, fragment) : progress(w, h.revision);
}

static bool take(struct transfer *t, const char *data, size_t len)
{
	struct etcd_watch *w = (struct etcd_watch *)t;
	int err;

	if (w->dead)
		return false;
	err = stream_put(&w->stream, data, len, message, w);
	if (err == -EFBIG)
		snprintf(w->why, sizeof(w->why), "%.100s: a message has more than %zu bytes", t->at->url, w->stream.max);
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
		snprintf(w->why, sizeof(w->why), "%.100s: %.200s", t->at->url,
			 t->error[0] ? t->error : curl_easy_strerror(code));
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
	set_timer(w, w->doomed ? DOOMED_MS : w->e->timeout);
}

/* Is the witness what it was? */
static bool same_history(struct etcd_watch *w, const struct etcd_answer *a)
{
	int64_t is = a->n ? a->kv[0].mod_revision : 0;

	if (!w->at.witness[0] || is == w->at.mod_revision)
		return true;
	snprintf(w->why, sizeof(w->why), "at revision %lld key %.100s was of revision %lld, and is of %lld: an older state was "
		 "restored, and went on", (long long)w->at.revision, w->at.witness, (long long)w->at.mod_revision,
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
		end(w, ETCD_WATCH_WENT_BACK, a->revision);
		break;
	case ETCD_COMPACTED:
		w->doomed = true;
		open_stream(w);
		return;
	case ETCD_WENT_BACK:
		end(w, ETCD_WATCH_WENT_BACK, 0);
		break;
	case ETCD_OTHER_CLUSTER:
		end(w, ETCD_WATCH_OTHER_CLUSTER, 0);
		break;
	default:
		break;
	}
	lost(w);
}

static void check(struct etcd_watch *w)
{
	const bool witness = w->at.witness[0];
	struct etcd_range r = {
		.under = witness ? w->at.witness : w->under,
		.one = witness,
		.limit = 1,
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

/* A member that hangs has its connections kept by its kernel, and one that was cut off from the others knows nothing. */
static void pulsed(const struct etcd_answer *a, void *arg)
{
	struct etcd_watch *w = arg;

	w->call = NULL;
	if (w->dead)
		return;
	if (a->result == ETCD_OK && a->leader) {
		set_timer(w, w->e->pulse / 2 + arc4random_uniform(w->e->pulse));
		return;
	}
	transfer_stop(&w->transfer);
	endpoint_bad(w->e, w->transfer.at);
	if (a->result == ETCD_OK)
		snprintf(w->why, sizeof(w->why), "%.100s has no leader", w->transfer.at->url);
	else
		snprintf(w->why, sizeof(w->why), "%s", a->why);
	if (a->result == ETCD_OTHER_CLUSTER)
		end(w, ETCD_WATCH_OTHER_CLUSTER, 0);
	lost(w);
}

static void pulse(struct etcd_watch *w)
{
	w->call = etcd_status(w->e, 0, pulsed, w);
	if (w->call)
		call_pin(w->call, w->transfer.at);
	else
		set_timer(w, w->e->pulse);
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
			end(w, ETCD_WATCH_COMPACTED, w->at.revision + 1);
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
	while (!LIST_EMPTY(&e->watches))
		discard(LIST_FIRST(&e->watches));
}
