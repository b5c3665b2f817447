// SPDX-License-Identifier: GPL-2.0
/*
 * client PREFIX CA CERT KEY URL[@ADDRESS]...: etcd's client by hand. A line in is a call or about the watch, a line out is JSON.
 *	get KEY | put KEY VALUE [LEASE] | cas KEY REVISION VALUE | list UNDER LIMIT | status
 *	grant TTL | keep LEASE | revoke LEASE | watch UNDER REVISION [WITNESS REVISION] | unwatch
 *	race KEY N: adds 1 to a number N times, beside others who do so; each time leaves a mark below KEY/
 */
#include <curl/curl.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "etcd/etcd.h"

static struct event_base *base;
static struct etcd *e;
static struct etcd_watch *watch;

static const char *const results[] = { "ok", "refused", "unreachable", "timed out", "compacted", "went back", "other cluster" };

static void say(json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	puts(text);
	fflush(stdout);
	free(text);
	json_decref(j);
}

static json_t *keys(const struct etcd_kv *kv, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s%, s:I, s:I}", "key", kv[i].key, "value", kv[i].value, kv[i].len,
						      "mod", (json_int_t)kv[i].mod_revision, "version",
						      (json_int_t)kv[i].version));
	return list;
}

static void done(const struct etcd_answer *a, void *arg)
{
	say(json_pack("{s:s, s:s, s:s, s:b, s:I, s:b, s:b, s:I, s:I, s:s, s:b, s:o}", "call", (char *)arg, "result",
		      results[a->result], "why", a->why, "unsure", a->unsure, "revision", (json_int_t)a->revision, "more",
		      a->more, "succeeded", a->succeeded, "lease", (json_int_t)a->lease, "ttl", (json_int_t)a->ttl, "version",
		      a->version, "leader", a->leader, "kv", keys(a->kv, a->n)));
}

static void on_events(const struct etcd_event *v, size_t n, int64_t through, void *arg)
{
	json_t *list = json_array();
	size_t i;

	(void)arg;
	for (i = 0; i < n; i++)
		json_array_append_new(list, json_pack("[s, s, I]", v[i].deleted ? "delete" : "put", v[i].kv.key,
						      (json_int_t)v[i].kv.mod_revision));
	say(json_pack("{s:s, s:I, s:o, s:s, s:I}", "watch", "events", "through", (json_int_t)through, "events", list, "witness",
		      etcd_watch_position(watch)->witness, "mod", (json_int_t)etcd_watch_position(watch)->mod_revision));
}

static void on_news(enum etcd_watch_news what, int64_t revision, const char *why, void *arg)
{
	static const char *const names[] = { "open", "lost", "compacted", "went back", "other cluster" };

	(void)arg;
	say(json_pack("{s:s, s:I, s:s}", "watch", names[what], "revision", (json_int_t)revision, "why", why));
}

static const struct etcd_watch_ops ops = { on_events, on_news };

/* A number that others add to as well. */
static struct {
	char key[128];
	char mark[200];
	char value[32];
	unsigned int left, tries, unsure, nonce;
} race;

static void race_read(const struct etcd_answer *a, void *arg);
static void race_marked(const struct etcd_answer *a, void *arg);

static void race_next(void)
{
	if (race.left)
		etcd_get(e, race.key, 0, race_read, NULL);
	else
		say(json_pack("{s:s, s:i, s:i}", "race", "done", "tries", (int)race.tries, "unsure", (int)race.unsure));
}

static void race_written(const struct etcd_answer *a, void *arg)
{
	(void)arg;
	if (a->unsure) {
		race.unsure++;
		etcd_get(e, race.mark, 0, race_marked, NULL);
		return;
	}
	race.left -= a->result == ETCD_OK && a->succeeded;
	race_next();
}

static void race_marked(const struct etcd_answer *a, void *arg)
{
	(void)arg;
	if (a->result != ETCD_OK) {
		etcd_get(e, race.mark, 0, race_marked, NULL);
		return;
	}
	race.left -= a->n;
	race_next();
}

static void race_read(const struct etcd_answer *a, void *arg)
{
	struct etcd_compare same = { .key = race.key, .target = ETCD_MOD };
	struct etcd_op then[2] = { { .verb = ETCD_PUT, .key = race.key, .value = race.value },
				   { .verb = ETCD_PUT, .key = race.mark } };
	struct etcd_txn t = { &same, 1, then, 2, NULL, 0 };

	(void)arg;
	if (a->result != ETCD_OK) {
		race_next();
		return;
	}
	same.number = a->n ? a->kv[0].mod_revision : 0;
	snprintf(race.value, sizeof(race.value), "%lu", a->n ? strtoul((char *)a->kv[0].value, NULL, 10) + 1 : 1);
	then[0].len = strlen(race.value);
	snprintf(race.mark, sizeof(race.mark), "%s/%d.%u", race.key, getpid(), race.nonce++);
	race.tries++;
	etcd_txn(e, &t, 0, race_written, NULL);
}

static bool write_call(const char *verb, char *const w[])
{
	struct etcd_compare same = { .key = w[1], .target = ETCD_MOD, .number = atoll(w[2]) };
	struct etcd_op op = { .verb = ETCD_PUT, .key = w[1] };
	struct etcd_txn t = { &same, 1, &op, 1, NULL, 0 };

	if (!strcmp(verb, "put")) {
		t.n_compares = 0;
		op.value = w[2];
		op.lease = atoll(w[3]);
	} else {
		op.value = w[3];
	}
	op.len = strlen(op.value);
	return etcd_txn(e, &t, 0, done, "txn");
}

static bool begin_watch(char *const w[])
{
	struct etcd_position from = { .revision = atoll(w[2]), .mod_revision = atoll(w[4]) };

	snprintf(from.witness, sizeof(from.witness), "%s", w[3]);
	watch = etcd_watch_new(e, w[1], &from, &ops, NULL);
	return watch;
}

static bool obey(char *const w[])
{
	const char *verb = w[0];

	if (!strcmp(verb, "get"))
		return etcd_get(e, w[1], 0, done, "get");
	if (!strcmp(verb, "put") || !strcmp(verb, "cas"))
		return write_call(verb, w);
	if (!strcmp(verb, "list"))
		return etcd_list(e, w[1], atoi(w[2]), done, done, "list");
	if (!strcmp(verb, "status"))
		return etcd_status(e, 0, done, "status");
	if (!strcmp(verb, "grant"))
		return etcd_lease_grant(e, atoll(w[1]), 0, done, "grant");
	if (!strcmp(verb, "keep"))
		return etcd_lease_keep(e, atoll(w[1]), 0, done, "keep");
	if (!strcmp(verb, "revoke"))
		return etcd_lease_revoke(e, atoll(w[1]), 0, done, "revoke");
	if (!strcmp(verb, "watch"))
		return begin_watch(w);
	if (!strcmp(verb, "unwatch")) {
		etcd_watch_free(watch);
		return true;
	}
	snprintf(race.key, sizeof(race.key), "%s", w[1]);
	race.left = atoi(w[2]);
	race_next();
	return !strcmp(verb, "race");
}

static void on_line(evutil_socket_t fd, short what, void *arg)
{
	struct evbuffer *in = arg;
	char *line, *words[6], *save;
	size_t i;

	(void)what;
	if (evbuffer_read(in, fd, -1) <= 0)
		event_base_loopbreak(base);
	while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF))) {
		words[0] = strtok_r(line, " ", &save);
		for (i = 1; i < 6; i++) {
			words[i] = words[i - 1][0] ? strtok_r(NULL, " ", &save) : NULL;
			if (!words[i])
				words[i] = "";
		}
		if (!obey(words))
			say(json_pack("{s:s}", "call", "none"));
		free(line);
	}
}

int main(int argc, char *argv[])
{
	struct etcd_endpoint at[ETCD_ENDPOINTS] = { { 0 } };
	struct etcd_config c = { .endpoints = at, .timeout = 2000, .rate = 500, .pulse = 2000,
				  .backoff_min = 200, .backoff_max = 1000 };
	struct evbuffer *in = evbuffer_new();
	struct event *input;
	char why[ETCD_WHY];
	int i;

	if (argc < 6 || argc > 5 + ETCD_ENDPOINTS)
		return 2;
	c.prefix = argv[1];
	c.ca = argv[2];
	c.cert = argv[3];
	c.key = argv[4];
	for (i = 5; i < argc; i++)
		at[c.n++] = (struct etcd_endpoint){ .url = strsep(&argv[i], "@"), .address = argv[i] };
	base = event_base_new();
	e = etcd_new(base, &c, why, sizeof(why));
	if (!e) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	input = event_new(base, 0, EV_READ | EV_PERSIST, on_line, in);
	event_add(input, NULL);
	event_base_dispatch(base);
	event_free(input);
	evbuffer_free(in);
	etcd_free(e);
	event_base_free(base);
	curl_global_cleanup();
	return 0;
}
