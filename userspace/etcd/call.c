// SPDX-License-Identifier: GPL-2.0
/* A call: it waits for its turn, asks one member, another if that one does not answer, and calls back once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/internal.h"

#define GRPC_CANCELED	1
#define GRPC_DEADLINE	4
#define GRPC_EXHAUSTED	8
#define GRPC_UNAVAILABLE 14

/**
 * struct etcd_call - a call
 * @transfer: its request
 * @entry: among those that wait, or run
 * @running: it is among the latter
 * @pin: the one member that is meant; NULL, any
 * @path: of the request
 * @body: of the request
 * @writes: it changes something: what was sent once is not sent again
 * @deadline: ms
 * @floor: a revision that the answer cannot be below; 0, this answer tells nothing of it
 * @in: the answer so far
 * @tried: a member failed before this one
 * @too_long: the answer is longer than it may be
 * @slow: some of an answer had come when its time was over
 * @why: why no member did it so far
 * @parse: fills an answer
 * @done: called once; NULL, nobody wants it any more
 * @arg: for @done
 */
struct etcd_call {
	struct transfer transfer;
	TAILQ_ENTRY(etcd_call) entry;
	bool running;
	struct endpoint *pin;
	const char *path;
	char *body;
	bool writes;
	int64_t deadline;
	int64_t floor;
	struct stream in;
	bool tried;
	bool too_long;
	bool slow;
	char why[ETCD_WHY];
	call_parse *parse;
	etcd_done *done;
	void *arg;
};

static void unlink_call(struct etcd_call *c)
{
	struct etcd *e = c->transfer.e;

	if (c->running) {
		TAILQ_REMOVE(&e->running, c, entry);
		e->n_running--;
	} else {
		TAILQ_REMOVE(&e->waiting, c, entry);
		e->n_waiting--;
	}
}

static void discard(struct etcd_call *c)
{
	transfer_stop(&c->transfer);
	free(c->body);
	stream_free(&c->in);
	free(c);
}

static void drop(struct etcd_call *c)
{
	unlink_call(c);
	discard(c);
}

/* It is over: nothing of it is left when this returns. */
static void finish(struct etcd_call *c, struct etcd_answer *a)
{
	struct etcd *e = c->transfer.e;

	unlink_call(c);
	a->why = a->result == ETCD_OK ? "" : c->why;
	a->unsure = a->result != ETCD_OK && a->unsure && c->writes && c->transfer.sent;
	if (c->done)
		c->done(a, c->arg);
	answer_free(a);
	discard(c);
	pump_soon(e);
}

static void finish_as(struct etcd_call *c, enum etcd_result result, bool unsure)
{
	struct etcd_answer a = { .result = result, .unsure = unsure, .too_long = c->too_long, .slow = c->slow };

	finish(c, &a);
}

/* No member has done it so far: another one is asked, unless this one may have. */
static void again(struct etcd_call *c, bool unsure)
{
	bool late = now_ms() >= c->deadline, maybe = c->writes && unsure && c->transfer.sent;
	struct etcd *e = c->transfer.e;

	if (maybe || late || c->pin) {
		finish_as(c, late && (maybe || !c->tried) ? ETCD_TIMED_OUT : ETCD_UNREACHABLE, unsure);
		return;
	}
	unlink_call(c);
	c->running = false;
	c->transfer.sent = false;
	stream_reset(&c->in);
	TAILQ_INSERT_HEAD(&e->waiting, c, entry);
	e->n_waiting++;
	pump_soon(e);
}

static bool take(struct transfer *t, const char *data, size_t len)
{
	struct etcd_call *c = (struct etcd_call *)t;
	int err;

	if (!c->done)
		return false;
	err = stream_keep(&c->in, data, len);
	c->too_long = err == -EFBIG;
	return !err;
}

/* The member says no. */
static void refused(struct etcd_call *c, const json_t *root, long status)
{
	struct etcd *e = c->transfer.e;
	char text[200];
	int64_t code;

	if (!json_fault(root, &code, text, sizeof(text))) {
		snprintf(c->why, sizeof(c->why), "%.100s %s: HTTP %ld", c->transfer.at->url, status == 404 ?
			 "has no JSON gateway (enable-grpc-gateway)" : "does not answer as etcd does", status);
		endpoint_bad(e, c->transfer.at);
		again(c, true);
		return;
	}
	snprintf(c->why, sizeof(c->why), "%.100s: %s", c->transfer.at->url, text);
	if (strstr(text, "required revision has been compacted")) {
		finish_as(c, ETCD_COMPACTED, false);
	} else if (strstr(text, "required revision is a future revision")) {
		finish_as(c, ETCD_WENT_BACK, false);
	} else if (code == GRPC_UNAVAILABLE || code == GRPC_DEADLINE || code == GRPC_CANCELED) {
		endpoint_bad(e, c->transfer.at);
		again(c, !strstr(text, "no leader"));
	} else {
		endpoint_good(c->transfer.at);
		/* Out of space, or too busy: that passes. A message that is too long has the same code, and does not. */
		finish_as(c, code == GRPC_EXHAUSTED && !strncmp(text, "etcdserver:", 11) ? ETCD_UNREACHABLE : ETCD_REFUSED, false);
	}
}

/* Is it the cluster, and the history, that it was? */
static bool trusted(struct etcd_call *c, const struct header *h, struct etcd_answer *a)
{
	struct etcd *e = c->transfer.e;

	if (e->cluster && e->cluster != h->cluster) {
		snprintf(c->why, sizeof(c->why), "%.100s is of cluster %llu, not %llu", c->transfer.at->url,
			 (unsigned long long)h->cluster, (unsigned long long)e->cluster);
		a->result = ETCD_OTHER_CLUSTER;
		return false;
	}
	e->cluster = h->cluster;
	if (c->floor && h->revision < c->floor) {
		snprintf(c->why, sizeof(c->why), "%.100s is at revision %lld, and was at %lld: an older state was "
			 "restored", c->transfer.at->url, (long long)h->revision, (long long)c->floor);
		a->result = ETCD_WENT_BACK;
		return false;
	}
	if (c->floor && h->revision > e->seen)
		e->seen = h->revision;
	return true;
}

static void answered(struct etcd_call *c, long status)
{
	json_t *whole = json_loadb(c->in.buf ? c->in.buf : "", c->in.len, JSON_REJECT_DUPLICATES, NULL), *root = whole;
	struct etcd *e = c->transfer.e;
	struct etcd_answer a = { .result = ETCD_OK };
	struct header h;

	/* What comes as a stream, if only of one. */
	if (json_object_get(whole, "result"))
		root = json_object_get(whole, "result");
	if (status != 200 || !json_header(root, &h)) {
		refused(c, whole, status);
		json_decref(whole);
		return;
	}
	a.revision = h.revision;
	a.cluster = h.cluster;
	if (!trusted(c, &h, &a)) {
		endpoint_bad(e, c->transfer.at);
		a.unsure = true;
	} else if (!c->parse(e, root, &a)) {
		snprintf(c->why, sizeof(c->why), "%.100s answers what is not understood", c->transfer.at->url);
		a.result = ETCD_REFUSED;
		a.unsure = true;
	} else {
		endpoint_good(c->transfer.at);
	}
	json_decref(whole);
	finish(c, &a);
}

static void over(struct transfer *t, CURLcode code, long status)
{
	struct etcd_call *c = (struct etcd_call *)t;
	struct etcd *e = t->e;

	if (!c->done) {
		finish_as(c, ETCD_REFUSED, false);
	} else if (c->too_long) {
		snprintf(c->why, sizeof(c->why), "%.100s: the answer has more than %zu bytes", t->at->url, e->answer);
		finish_as(c, ETCD_REFUSED, true);
	} else if (code) {
		c->slow |= code == CURLE_OPERATION_TIMEDOUT && c->in.len;
		/* What failed before says more than that there was no time for this one. */
		if (code != CURLE_OPERATION_TIMEDOUT || !c->tried || (c->writes && t->sent))
			transfer_why(t, code, c->why, sizeof(c->why));
		endpoint_bad(e, t->at);
		again(c, true);
	} else {
		answered(c, status);
	}
}

/**
 * call_new - a call that waits for its turn
 * @e: the client
 * @path: "/v3/..."
 * @body: the request; taken over. NULL, there was no memory for it
 * @writes: it changes something
 * @timeout: ms; 0, the configured one
 * @parse: fills the answer
 * @done: is called once, never from within here
 * @arg: for @done
 *
 * Return: the call, until @done is called; NULL: errno ENOMEM, or EAGAIN, too many wait.
 */
struct etcd_call *call_new(struct etcd *e, const char *path, json_t *body, bool writes, unsigned int timeout,
			   call_parse *parse, etcd_done *done, void *arg)
{
	struct etcd_call *c = body && e->n_waiting < e->queued ? calloc(1, sizeof(*c)) : NULL;

	errno = body && e->n_waiting >= e->queued ? EAGAIN : ENOMEM;
	if (c)
		c->body = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	if (!c || !c->body) {
		free(c);
		return NULL;
	}
	c->transfer.e = e;
	c->transfer.body = c->body;
	c->transfer.len = strlen(c->body);
	c->transfer.once = writes;
	c->transfer.take = take;
	c->transfer.done = over;
	c->path = path;
	c->writes = writes;
	c->in.max = e->answer;
	c->deadline = now_ms() + (timeout ? timeout : e->timeout);
	c->parse = parse;
	c->done = done;
	c->arg = arg;
	TAILQ_INSERT_TAIL(&e->waiting, c, entry);
	e->n_waiting++;
	pump_soon(e);
	return c;
}

/**
 * etcd_cancel - nobody wants the answer; what was sent may be carried out all the same
 * @c: a call that has not called back, and is not doing so
 */
void etcd_cancel(struct etcd_call *c)
{
	if (!c->running) {
		drop(c);
		return;
	}
	c->done = NULL;
	pump_soon(c->transfer.e);
}

/**
 * call_pin - ask this member, once, and no other
 * @c: a call that waits
 * @at: the member
 */
void call_pin(struct etcd_call *c, struct endpoint *at)
{
	c->pin = at;
}

static void fill(struct etcd *e, int64_t now)
{
	e->tokens += (double)(now - e->filled) * e->rate / 1000;
	if (e->tokens > e->burst)
		e->tokens = e->burst;
	e->filled = now;
}

/**
 * bucket_take - may a request begin now
 * @e: the client
 * @now: ms
 *
 * Return: it may, and is counted.
 */
bool bucket_take(struct etcd *e, int64_t now)
{
	fill(e, now);
	if (e->tokens < 1)
		return false;
	e->tokens -= 1;
	return true;
}

/* Return: it is on its way, or over; false, it must wait. */
static bool start(struct etcd_call *c, int64_t now)
{
	struct etcd *e = c->transfer.e;
	struct endpoint *at = c->pin ? c->pin : endpoint_pick(e, now);
	int64_t left = c->deadline - now;

	if (!at || !bucket_take(e, now))
		return false;
	c->tried = c->why[0];
	/* What is read now is no older than what was seen before. */
	c->floor = strncmp(c->path, "/v3/kv/", 7) ? 0 : e->seen ? e->seen : 1;
	unlink_call(c);
	c->running = true;
	TAILQ_INSERT_TAIL(&e->running, c, entry);
	e->n_running++;
	/* A member that hangs leaves time for another one. */
	if (!c->writes && !c->pin && e->n > 1)
		left = (left + 1) / 2;
	if (transfer_start(&c->transfer, at, c->path, (long)left)) {
		snprintf(c->why, sizeof(c->why), "out of memory");
		finish_as(c, ETCD_UNREACHABLE, false);
	}
	return true;
}

/* It has waited too long. */
static void give_up(struct etcd_call *c, int64_t now)
{
	bool asked = c->why[0] || !endpoint_pick(c->transfer.e, now);

	if (!c->why[0])
		snprintf(c->why, sizeof(c->why), asked ? "no member answers" : "too many calls came before this one");
	finish_as(c, asked ? ETCD_UNREACHABLE : ETCD_TIMED_OUT, false);
}

/* Return: there was one. Others may be gone, and new, after it. */
static bool give_up_one(struct etcd *e, int64_t now)
{
	struct etcd_call *c;

	TAILQ_FOREACH(c, &e->waiting, entry) {
		if (c->deadline > now)	/* NOLINT: what is over was unlinked */
			continue;
		give_up(c, now);
		return true;
	}
	return false;
}

/**
 * call_pump - end what is late or unwanted, begin what may
 * @e: the client
 * @now: ms
 */
void call_pump(struct etcd *e, int64_t now)
{
	struct etcd_call *c, *next;

	for (c = TAILQ_FIRST(&e->running); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (!c->done)
			drop(c);
	}
	while (give_up_one(e, now))
		;
	while (e->n_running < e->in_flight && (c = TAILQ_FIRST(&e->waiting)) && start(c, now))	/* NOLINT: likewise */
		;
}

/**
 * call_next - when there is something to do
 * @e: the client
 * @now: ms
 *
 * Return: ms; INT64_MAX, not before something comes.
 */
int64_t call_next(const struct etcd *e, int64_t now)
{
	int64_t next = INT64_MAX, turn = endpoint_next(e);
	const struct etcd_call *c;

	TAILQ_FOREACH(c, &e->waiting, entry)
		if (c->deadline < next)
			next = c->deadline;
	if (TAILQ_EMPTY(&e->waiting) || e->n_running >= e->in_flight)
		return next;
	if (e->tokens < 1 && turn < now + (int64_t)((1 - e->tokens) * 1000 / e->rate) + 1)
		turn = now + (int64_t)((1 - e->tokens) * 1000 / e->rate) + 1;
	return turn < next ? turn : next;
}

static void drop_all(struct call_list *list)
{
	struct etcd_call *c, *next;

	for (c = TAILQ_FIRST(list); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		drop(c);
	}
}

/**
 * call_free_all - end all calls; nobody is called back
 * @e: the client
 */
void call_free_all(struct etcd *e)
{
	drop_all(&e->waiting);
	drop_all(&e->running);
}
