// SPDX-License-Identifier: GPL-2.0
/* The members of the cluster: which one is asked, and how long one is left alone that did not answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/internal.h"

/* @host: without brackets. */
static bool is_address(const char *host, bool *loopback)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1) {
		*loopback = ntohl(v4.s_addr) >> 24 == 127;
		return true;
	}
	*loopback = false;
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return false;
	*loopback = IN6_IS_ADDR_LOOPBACK(&v6);
	return true;
}

static char *part(CURLU *u, CURLUPart what)
{
	char *text = NULL;

	return curl_url_get(u, what, &text, 0) ? NULL : text;
}

/* What is wrong with a URL's parts; NULL, nothing. */
static const char *fault(CURLU *u, const struct etcd_endpoint *c, struct endpoint *at)
{
	char *scheme = part(u, CURLUPART_SCHEME), *host = part(u, CURLUPART_HOST), *port = part(u, CURLUPART_PORT);
	char *path = part(u, CURLUPART_PATH), *user = part(u, CURLUPART_USER), *query = part(u, CURLUPART_QUERY);
	const char *wrong = NULL;
	bool address, loopback, other;
	char resolve[512];

	if (!scheme || !host || !port || user || query || (path && strcmp(path, "/"))) {
		wrong = "is not https://HOST:PORT";
		goto out;
	}
	if (host[0] == '[') {
		host[strlen(host) - 1] = 0;
		address = is_address(host + 1, &loopback);
	} else {
		address = is_address(host, &loopback);
	}
	at->plain = strcmp(scheme, "https");
	if (at->plain && (strcmp(scheme, "http") || !loopback))
		wrong = "is not https, which only loopback may do without";
	else if (!address && !(c->address && is_address(c->address, &other)))
		wrong = "has a name: say its address beside it";
	if (wrong || address)
		goto out;
	snprintf(resolve, sizeof(resolve), strchr(c->address, ':') ? "%.255s:%s:[%s]" : "%.255s:%s:%s", host, port,
		 c->address);
	at->resolve = curl_slist_append(NULL, resolve);
	if (!at->resolve)
		wrong = "takes more memory than there is";
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(user);
	curl_free(query);
	return wrong;
}

/**
 * endpoint_add - a member more
 * @e: the client, with room for it
 * @c: what is configured
 * @why: what is wrong with it
 * @size: of @why
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int endpoint_add(struct etcd *e, const struct etcd_endpoint *c, char *why, size_t size)
{
	struct endpoint *at = &e->endpoints[e->n];
	CURLU *u = curl_url();
	const char *wrong;

	if (!u)
		return -ENOMEM;
	if (!c->url || curl_url_set(u, CURLUPART_URL, c->url, 0))
		wrong = "is not https://HOST:PORT";
	else
		wrong = fault(u, c, at);
	curl_url_cleanup(u);
	if (wrong) {
		snprintf(why, size, "endpoint '%.200s' %s", c->url ? c->url : "", wrong);
		return -EINVAL;
	}
	at->url = strdup(c->url);
	if (!at->url)
		return -ENOMEM;
	if (at->url[strlen(at->url) - 1] == '/')
		at->url[strlen(at->url) - 1] = 0;
	e->n++;
	return 0;
}

/**
 * endpoint_free - what it holds
 * @at: the member
 */
void endpoint_free(struct endpoint *at)
{
	free(at->url);
	curl_slist_free_all(at->resolve);
	memset(at, 0, sizeof(*at));
}

/**
 * endpoint_pick - whom to ask
 * @e: the client
 * @now: ms
 *
 * Return: the one that did well last, or the next that is not left alone; NULL, all are.
 */
struct endpoint *endpoint_pick(struct etcd *e, int64_t now)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		size_t n = (e->current + i) % e->n;

		if (e->endpoints[n].until <= now) {
			e->current = n;
			return &e->endpoints[n];
		}
	}
	return NULL;
}

/**
 * endpoint_next - when there will be one
 * @e: the client
 *
 * Return: ms.
 */
int64_t endpoint_next(const struct etcd *e)
{
	int64_t next = INT64_MAX;
	size_t i;

	for (i = 0; i < e->n; i++)
		if (e->endpoints[i].until < next)
			next = e->endpoints[i].until;
	return next;
}

/**
 * endpoint_good - it has answered
 * @at: the member
 */
void endpoint_good(struct endpoint *at)
{
	at->met = true;
	at->fails = 0;
	at->until = 0;
}

/**
 * endpoint_bad - it has not; others are asked meanwhile
 * @e: the client
 * @at: the member
 */
void endpoint_bad(struct etcd *e, struct endpoint *at)
{
	unsigned int wait;

	/* Several requests may find out the same. */
	if (at->until > now_ms())
		return;
	wait = backoff(e, at->fails);
	if (at->fails < 32)
		at->fails++;
	at->until = now_ms() + wait;
}

/**
 * backoff - how long to wait: drawn anew each time, so that those who lost the same member do not come back at once
 * @e: the client
 * @fails: in a row, before this one
 *
 * Return: ms, at least 10; the bound is doubled with each failure.
 */
unsigned int backoff(const struct etcd *e, unsigned int fails)
{
	uint64_t bound = (uint64_t)e->backoff_min << (fails < 20 ? fails : 20);

	if (bound > e->backoff_max)
		bound = e->backoff_max;
	return 10 + arc4random_uniform((uint32_t)bound);
}
