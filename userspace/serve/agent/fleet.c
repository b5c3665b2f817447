// SPDX-License-Identifier: GPL-2.0
/*
 * The connection to cordon-fleet: lines of JSON over a socket that never blocks. What it says is the word of another
 * service of this machine, which may hang, end or be of another version: a line that makes no sense ends the
 * connection, and without one etcd counts as out of reach.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/local.h"
#include "serve/agent/fleet.h"
#include "store/fleet.h"

#define CONTROL	"control"

/* @heard: when etcd was last known to be as the registry is, seconds since 1970; 0, not known */
static void tell(struct agent *a, time_t heard)
{
	struct serve_counters *c = a->counters;

	if (!c->fleet_since || (bool)c->fleet_reachable != a->fleet->reachable)
		__atomic_store_n(&c->fleet_since, time(NULL), __ATOMIC_RELAXED);
	__atomic_store_n(&c->fleet_reachable, a->fleet->reachable, __ATOMIC_RELAXED);
	if (heard > 0)
		__atomic_store_n(&c->fleet_heard, heard, __ATOMIC_RELAXED);
}

/*
 * From a time by the wall clock to one by a clock that nobody sets back. A time to come is none: the clock was wrong
 * then, or is now.
 */
static bool since(time_t heard, time_t *seen)
{
	time_t now = time(NULL);

	if (heard <= 0 || heard > now)
		return false;
	*seen = agent_clock() - (now - heard);
	return true;
}

/* Of two times the earlier one counts, and one to come is none. */
static void take_state(struct agent *a, const json_t *line)
{
	bool reachable = json_is_true(json_object_get(line, "reachable")) && !json_is_true(json_object_get(line, "refused"));
	time_t heard = json_integer_value(json_object_get(line, "heard")), seen;
	struct agent_fleet *f = a->fleet;

	if (reachable) {
		f->sure = true;
		f->seen = agent_clock();
	} else if (since(heard, &seen)) {
		f->seen = f->sure && f->seen < seen ? f->seen : seen;
		f->sure = true;
	}
	if (reachable != f->reachable)
		serve_log(reachable ? LOG_INFO : LOG_WARNING, reachable ? "the fleet is reachable" :
			  "the fleet is out of reach: nothing is certified, and no device is taken over", NULL);
	f->reachable = reachable;
	tell(a, reachable ? time(NULL) : heard);
}

/**
 * agent_fleet_hang_up - end the connection; who waits for an answer will not get it
 * @a: the agent, connected
 * @why: for the log
 */
void agent_fleet_hang_up(struct agent *a, const char *why)
{
	struct agent_fleet *f = a->fleet;
	bool was = f->reachable;

	serve_log(LOG_WARNING, "no connection to cordon-fleet any more", "why", why, NULL);
	close(f->fd);
	f->fd = -1;
	f->retry = agent_clock() + FLEET_RETRY;
	explicit_bzero(f->out, f->out_len);
	f->in_len = f->out_len = 0;
	f->reachable = false;
	if (was) {
		f->sure = true;
		f->seen = f->spoke;
	}
	tell(a, was ? time(NULL) - (agent_clock() - f->spoke) : 0);
	agent_slots_lost(a);
}

static void try_to_connect(struct agent *a)
{
	struct agent_fleet *f = a->fleet;
	int fd = local_connect(a->config->fleet.run, CONTROL, SOCK_STREAM | SOCK_NONBLOCK);

	if (fd >= 0) {
		f->fd = fd;
		f->said = false;
		f->spoke = agent_clock();
		f->beat = 0;
		serve_log(LOG_INFO, "connected to cordon-fleet", NULL);
		return;
	}
	f->retry = agent_clock() + FLEET_RETRY;
	if (!f->said) {
		serve_log(LOG_WARNING, "no connection to cordon-fleet", "directory", a->config->fleet.run, "why",
			  strerror(-fd), NULL);
		tell(a, 0);
	}
	f->said = true;
}

static void flush(struct agent *a)
{
	struct agent_fleet *f = a->fleet;
	ssize_t n = send(f->fd, f->out, f->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		agent_fleet_hang_up(a, strerror(errno));
		return;
	}
	if (n <= 0)
		return;
	f->out_len -= n;
	memmove(f->out, f->out + n, f->out_len);
}

/**
 * agent_fleet_write - put a question
 * @a: the agent
 * @question: is taken over
 *
 * Return: 0; -ENOTCONN; -ENOBUFS, too many wait to be written; -ENOMEM.
 */
int agent_fleet_write(struct agent *a, json_t *question)
{
	char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	struct agent_fleet *f = a->fleet;
	int err = 0;

	json_decref(question);
	if (!text)
		return -ENOMEM;
	if (f->fd < 0) {
		err = -ENOTCONN;
	} else if (len + 1 > sizeof(f->out) - f->out_len) {
		err = -ENOBUFS;
	} else {
		memcpy(f->out + f->out_len, text, len);
		f->out[f->out_len + len] = '\n';
		f->out_len += len + 1;
		flush(a);
		err = f->fd < 0 ? -ENOTCONN : 0;
	}
	free(text);
	return err;
}

/* False: it makes no sense. */
static bool take_line(struct agent *a, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *is = json_string_value(json_object_get(line, "is"));

	if (is && !strcmp(is, "state"))
		take_state(a, line);
	else if (is)
		agent_slot_answer(a, line);
	json_decref(line);
	a->fleet->lines++;
	a->fleet->spoke = agent_clock();
	a->fleet->beat = 0;
	return is;
}

static void take_lines(struct agent *a)
{
	struct agent_fleet *f = a->fleet;
	size_t at = 0, len;
	char *end;

	while ((end = memchr(f->in + at, '\n', f->in_len - at))) {
		len = end - (f->in + at);
		if (!take_line(a, f->in + at, len)) {
			agent_fleet_hang_up(a, "it says what makes no sense");
			return;
		}
		at += len + 1;
	}
	f->in_len -= at;
	memmove(f->in, f->in + at, f->in_len);
	if (f->in_len == sizeof(f->in))
		agent_fleet_hang_up(a, "a line is too long");
}

/**
 * agent_fleet_hear - what cordon-fleet says, and what is to be written to it, as far as it can be without waiting
 * @a: the agent
 * @out: room for a reply
 */
void agent_fleet_hear(struct agent *a, uint8_t *out)
{
	struct agent_fleet *f = a->fleet;
	ssize_t n = recv(f->fd, f->in + f->in_len, sizeof(f->in) - f->in_len, MSG_DONTWAIT);

	if (n > 0) {
		f->in_len += n;
		take_lines(a);
	} else if (!n) {
		agent_fleet_hang_up(a, "it has ended");
	} else if (errno != EAGAIN && errno != EINTR) {
		agent_fleet_hang_up(a, strerror(errno));
	}
	if (f->fd >= 0 && f->out_len)
		flush(a);
	agent_slots_run(a, out);
}

/*
 * One that is stopped, or stuck, would be taken for reachable as long as nobody asks, and devices would be let in here
 * that the others count as gone. Whatever it answers, it is there.
 */
static void beat(struct agent *a)
{
	struct agent_fleet *f = a->fleet;
	time_t now = agent_clock();

	if (f->beat ? now < f->beat + FLEET_BEAT : now < f->spoke + FLEET_BEAT)
		return;
	if (f->beat) {
		agent_fleet_hang_up(a, "it does not say that it is there");
		return;
	}
	f->beat = now;
	agent_fleet_write(a, json_pack("{s:I,s:s}", "id", (json_int_t)++f->last_id, "do", "state"));
}

/**
 * agent_fleet_tick - connect again, and let nobody wait for ever
 * @a: the agent
 * @out: room for a reply
 */
void agent_fleet_tick(struct agent *a, uint8_t *out)
{
	if (!a->fleet)
		return;
	if (a->fleet->fd < 0 && agent_clock() >= a->fleet->retry)
		try_to_connect(a);
	else if (a->fleet->fd >= 0)
		beat(a);
	agent_slots_late(a);
	agent_slots_run(a, out);
}

/**
 * agent_fleet_poll - what is to be waited for
 * @a: the agent
 *
 * Return: for poll().
 */
struct pollfd agent_fleet_poll(const struct agent *a)
{
	const struct agent_fleet *f = a->fleet;

	return (struct pollfd){ .fd = f ? f->fd : -1, .events = POLLIN | (f && f->out_len ? POLLOUT : 0) };
}

/**
 * agent_fleet_offline - is etcd out of reach for so long that no device is let in any more
 * @a: the agent
 *
 * Until cordon-fleet has said since when, it is what the registry says, by the wall clock. Whoever does not know lets
 * nobody in.
 */
bool agent_fleet_offline(struct agent *a)
{
	struct agent_fleet *f = a->fleet;
	struct store_fleet at;

	if (f->reachable)
		return false;
	if (!f->sure && !store_fleet_get(&a->store, &at))
		f->sure = since(at.heard, &f->seen);
	return !f->sure || agent_clock() - f->seen >= (time_t)a->config->fleet.offline;
}

/**
 * agent_fleet_begin - be one of a fleet, if the configuration says so
 * @a: the agent, with its registry open; its fleet stays NULL otherwise
 *
 * All of etcd is put into the registry in one transaction, which may take its time; nobody waits for its end here.
 *
 * Return: 0 or -ENOMEM.
 */
int agent_fleet_begin(struct agent *a)
{
	if (!a->config->fleet.n)
		return 0;
	a->fleet = calloc(1, sizeof(*a->fleet));
	if (!a->fleet)
		return -ENOMEM;
	a->fleet->fd = -1;
	store_patience(&a->store, FLEET_LOCKED);
	return 0;
}

/** agent_fleet_end - whoever waits is not answered any more */
void agent_fleet_end(struct agent *a)
{
	if (!a->fleet)
		return;
	if (a->fleet->fd >= 0)
		close(a->fleet->fd);
	agent_slots_free(a->fleet);
	free(a->fleet);
	a->fleet = NULL;
}
