// SPDX-License-Identifier: GPL-2.0
/* A client of etcd: what it is made of, and what makes it move. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "etcd/internal.h"
#include "lib/file.h"

#define FILE_MAX	65536
#define BACKOFF_LIMIT	3600000

/**
 * now_ms - a clock that goes on evenly
 *
 * Return: ms.
 */
int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What waits may begin, or is over. */
static void on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct etcd *e = arg;
	int64_t now = now_ms(), next;
	struct timeval t;

	(void)fd;
	(void)what;
	call_pump(e, now);
	now = now_ms();
	next = call_next(e, now);
	if (next == INT64_MAX)
		return;
	next = next > now ? next - now : 0;
	t.tv_sec = next / 1000;
	t.tv_usec = next % 1000 * 1000;
	event_add(e->pump, &t);
}

/**
 * pump_soon - look at what waits, from the loop
 * @e: the client
 */
void pump_soon(struct etcd *e)
{
	event_active(e->pump, EV_TIMEOUT, 1);
}

static int take_file(const char *path, struct blob *out, char *why, size_t size)
{
	int err = path ? file_read(path, FILE_MAX, &out->data, &out->len) : -EINVAL;

	if (!path)
		snprintf(why, size, "https needs ca, cert and key");
	else if (err)
		snprintf(why, size, "%.200s: %s", path, strerror(-err));
	return err;
}

static int take_numbers(struct etcd *e, const struct etcd_config *c)
{
	e->cluster = c->cluster;
	e->rate = c->rate ? c->rate : 50;
	e->burst = c->burst ? c->burst : 2 * e->rate;
	e->in_flight = c->in_flight ? c->in_flight : 16;
	e->queued = c->queued ? c->queued : 256;
	e->answer = c->answer ? c->answer : 8 << 20;
	e->timeout = c->timeout ? c->timeout : 5000;
	e->pulse = c->pulse ? c->pulse : 15000;
	e->backoff_min = c->backoff_min ? c->backoff_min : 200;
	e->backoff_max = c->backoff_max ? c->backoff_max : 30000;
	e->tokens = e->burst;
	e->filled = now_ms();
	return e->backoff_min > e->backoff_max || e->backoff_max > BACKOFF_LIMIT ? -EINVAL : 0;
}

static int take_config(struct etcd *e, const struct etcd_config *c, char *why, size_t size)
{
	bool tls = false;
	size_t i;
	int err;

	if (take_numbers(e, c)) {
		snprintf(why, size, "backoff_min is above backoff_max, or that above an hour");
		return -EINVAL;
	}
	e->prefix = strdup("");
	if (!e->prefix)
		return -ENOMEM;
	if (!key_valid(e, c->prefix, false) || strlen(c->prefix) > ETCD_KEY_MAX / 4) {
		snprintf(why, size, "the prefix is not 1 to %d characters of printable ASCII", ETCD_KEY_MAX / 4);
		return -EINVAL;
	}
	free(e->prefix);
	e->prefix = strdup(c->prefix);
	if (!e->prefix)
		return -ENOMEM;
	if (!c->n || c->n > ETCD_ENDPOINTS) {
		snprintf(why, size, "%zu endpoints, not 1 to %d", c->n, ETCD_ENDPOINTS);
		return -EINVAL;
	}
	for (i = 0; i < c->n; i++) {
		err = endpoint_add(e, &c->endpoints[i], why, size);
		if (err)
			return err;
		tls |= !e->endpoints[i].plain;
	}
	/* Many clients with the same list do not all ask the first. */
	e->current = arc4random_uniform((uint32_t)e->n);
	if (!tls)
		return 0;
	err = take_file(c->ca, &e->ca, why, size);
	if (!err)
		err = take_file(c->cert, &e->cert, why, size);
	return err ? err : take_file(c->key, &e->key, why, size);
}

/**
 * etcd_new - a client; it begins no connection until it is asked for something
 * @base: whose loop carries it
 * @c: the configuration; its files are read now, and never again
 * @why: a sentence, if there is none
 * @size: of @why
 *
 * Return: the client, etcd_free(); NULL.
 */
struct etcd *etcd_new(struct event_base *base, const struct etcd_config *c, char *why, size_t size)
{
	struct etcd *e = curl_global_init(CURL_GLOBAL_DEFAULT) ? NULL : calloc(1, sizeof(*e));
	int err = -ENOMEM;

	snprintf(why, size, "out of memory");
	if (!e)
		return NULL;
	e->base = base;
	TAILQ_INIT(&e->waiting);
	TAILQ_INIT(&e->running);
	LIST_INIT(&e->watches);
	LIST_INIT(&e->lists);
	e->pump = event_new(base, -1, 0, on_pump, e);
	if (e->pump)
		err = loop_init(e);
	if (!err)
		err = take_config(e, c, why, size);
	if (err) {
		etcd_free(e);
		return NULL;
	}
	why[0] = 0;
	return e;
}

static void erase(struct blob *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->len);
	free(b->data);
}

/**
 * etcd_free - end it, with all its calls, lists and watches; nobody is called back. Not from within a callback
 * @e: the client, or NULL
 */
void etcd_free(struct etcd *e)
{
	size_t i;

	if (!e)
		return;
	watch_free_all(e);
	list_free_all(e);
	call_free_all(e);
	loop_exit(e);
	if (e->pump)
		event_free(e->pump);
	for (i = 0; i < ETCD_ENDPOINTS; i++)
		endpoint_free(&e->endpoints[i]);
	erase(&e->ca);
	erase(&e->cert);
	erase(&e->key);
	free(e->prefix);
	free(e);
}

/**
 * etcd_cluster - the cluster's id
 * @e: the client
 *
 * Return: the id; 0, none is known yet.
 */
uint64_t etcd_cluster(const struct etcd *e)
{
	return e->cluster;
}

/**
 * etcd_forget - believe whatever history the next answer shows, as if none had been seen
 * @e: the client. Its watches are of the history before, and are to be freed
 *
 * Calls that wait for an answer may still be answered as before.
 */
void etcd_forget(struct etcd *e)
{
	e->cluster = 0;
	e->seen = 0;
}

/**
 * etcd_pace - more clients, or fewer, share the members
 * @e: the client
 * @backoff_min: see struct etcd_config; not above its @backoff_max
 */
void etcd_pace(struct etcd *e, unsigned int backoff_min)
{
	e->backoff_min = backoff_min < e->backoff_max ? backoff_min : e->backoff_max;
}

/**
 * etcd_clock - how our clock goes, beside that of the member that answered last
 * @e: the client
 *
 * Return: seconds that ours is ahead; 0, none has answered yet.
 */
int64_t etcd_clock(const struct etcd *e)
{
	return e->has_clock ? e->ahead : 0;
}
