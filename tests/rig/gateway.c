// SPDX-License-Identifier: GPL-2.0
/*
 * gateway NAME PREFIX CA CERT KEY URL...: what a gateway of a fleet does at etcd when nothing happens, with the client that
 * it has: two watches, a lease that is kept, a word about its policy every five minutes. Says in lines when a watch is
 * open or lost and when a revocation reached it, all of it at once where others write as well:
 *	open NAME | lost NAME | revoked NAME SERIAL NANOSECONDS | loaded NAME EVENTS NANOSECONDS | over NAME WHY
 */
#include <curl/curl.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "etcd/etcd.h"

#define LEASE	60	/* seconds */
#define KEEP	20
#define REPORT	300

static struct etcd *e;
static struct event *again;
static const char *name;
static char here[128], from[128], to[128];
static int64_t lease;
static unsigned int open_watches;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (write(STDOUT_FILENO, line, n) != n)
		exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void on_all(const struct etcd_event *v, size_t n, int64_t through, void *arg)
{
	size_t i, load = 0;

	(void)through, (void)arg;
	for (i = 0; i < n; i++) {
		if (!strncmp(v[i].kv.key, "all/revoked/", 12))
			say("revoked %s %s %" PRId64 "\n", name, v[i].kv.key + 12, now());
		load += !strncmp(v[i].kv.key, "all/device/new", 14);
	}
	if (load)
		say("loaded %s %zu %" PRId64 "\n", name, load, now());
}

static void on_to(const struct etcd_event *v, size_t n, int64_t through, void *arg)
{
	(void)v, (void)n, (void)through, (void)arg;
}

static void on_news(enum etcd_watch_news what, int64_t at, const char *why, void *arg)
{
	(void)at, (void)arg;
	if (what == ETCD_WATCH_OPEN && ++open_watches == 2)
		say("open %s\n", name);
	else if (what == ETCD_WATCH_LOST && open_watches-- == 2)
		say("lost %s\n", name);
	else if (what != ETCD_WATCH_OPEN && what != ETCD_WATCH_LOST)
		say("over %s %s\n", name, why);
}

static const struct etcd_watch_ops on_both[2] = { { on_all, on_news }, { on_to, on_news } };

static void ignore(const struct etcd_answer *a, void *arg)
{
	(void)a, (void)arg;
}

static void kept(const struct etcd_answer *a, void *arg)
{
	(void)arg;
	if (a->result == ETCD_OK && !a->ttl)
		lease = 0;
}

static void granted(const struct etcd_answer *a, void *arg)
{
	struct etcd_op put = { .verb = ETCD_PUT, .key = here, .value = "{\"v\":1,\"clock\":0,\"revision\":0}" };
	struct etcd_txn t = { NULL, 0, &put, 1, NULL, 0 };

	(void)arg;
	if (a->result != ETCD_OK)
		return;
	put.len = strlen(put.value);
	put.lease = lease = a->lease;
	etcd_txn(e, &t, 0, ignore, NULL);
}

static void every(evutil_socket_t fd, short what, void *arg)
{
	static unsigned int rounds;
	struct etcd_op put = { .verb = ETCD_PUT, .key = from, .value = "{\"v\":1,\"revision\":0,\"is\":\"in force\"}" };
	struct etcd_txn t = { NULL, 0, &put, 1, NULL, 0 };
	struct timeval wait = { KEEP, 0 };

	(void)fd, (void)what, (void)arg;
	if (lease)
		etcd_lease_keep(e, lease, 0, kept, NULL);
	else
		etcd_lease_grant(e, LEASE, 0, granted, NULL);
	put.len = strlen(put.value);
	if (!(rounds++ % (REPORT / KEEP)))
		etcd_txn(e, &t, 0, ignore, NULL);
	event_add(again, &wait);
}

/* Where it begins: as one that has been away for a moment. */
static void begun(const struct etcd_answer *a, void *arg)
{
	struct etcd_position at = { 0 };
	struct timeval wait = { 0, random() % 1000000 };

	(void)arg;
	if (a->result != ETCD_OK) {
		etcd_get(e, "fleet", 0, begun, NULL);
		return;
	}
	at.revision = a->revision;
	if (!etcd_watch_new(e, "all/", &at, &on_both[0], NULL) || !etcd_watch_new(e, to, &at, &on_both[1], NULL))
		say("over %s no watch\n", name);
	event_add(again, &wait);
}

int main(int argc, char *argv[])
{
	struct etcd_endpoint at[ETCD_ENDPOINTS] = { { 0 } };
	struct etcd_config c = { .endpoints = at };
	struct event_base *base;
	char why[ETCD_WHY];
	int i;

	if (argc < 7 || argc > 6 + ETCD_ENDPOINTS)
		return 2;
	name = argv[1];
	srandom(getpid());
	c.prefix = argv[2];
	c.ca = argv[3];
	c.cert = argv[4];
	c.key = argv[5];
	for (i = 6; i < argc; i++)
		at[c.n++].url = argv[i];
	snprintf(here, sizeof(here), "here/%s", name);
	snprintf(from, sizeof(from), "from/%s/policy", name);
	snprintf(to, sizeof(to), "to/%s/", name);
	base = event_base_new();
	e = etcd_new(base, &c, why, sizeof(why));
	if (!e) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	again = event_new(base, -1, 0, every, NULL);
	etcd_get(e, "fleet", 0, begun, NULL);
	event_base_dispatch(base);
	return 1;
}
