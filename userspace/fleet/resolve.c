// SPDX-License-Identifier: GPL-2.0
/* Names of etcd's members: looked up once, as long as files may be opened, since it would wait later. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/internal.h"

/* https://HOST:PORT, of which the client says what else is wrong. */
static bool split(const char *url, char host[SERVE_NAME_LEN], uint16_t *port)
{
	const char *at = strstr(url, "://"), *end;
	char *rest;
	unsigned long n;

	if (!at)
		return false;
	at += 3;
	if (*at == '[') {
		end = strchr(++at, ']');
		rest = end && end[1] == ':' ? (char *)end + 2 : NULL;
	} else {
		end = strchr(at, ':');
		rest = end ? (char *)end + 1 : NULL;
	}
	if (!rest || end == at)
		return false;
	snprintf(host, SERVE_NAME_LEN, "%.*s", (int)(end - at), at);
	n = strtoul(rest, &rest, 10);
	*port = n;
	return n && n <= UINT16_MAX && (!*rest || !strcmp(rest, "/"));
}

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static bool look_up(const char *host, char out[64])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *all = NULL;
	int err = getaddrinfo(host, NULL, &hints, &all);

	if (!err)
		err = getnameinfo(all->ai_addr, all->ai_addrlen, out, 64, NULL, 0, NI_NUMERICHOST);
	if (all)
		freeaddrinfo(all);
	if (err)
		serve_log(LOG_WARNING, "a member of etcd is left out", "name", host, "why", gai_strerror(err), NULL);
	return !err;
}

/**
 * fleet_resolve - addresses of etcd's members
 * @c: where they are
 * @out: those that have an address
 *
 * Return: 0; -EINVAL, one of them is no URL; -EHOSTUNREACH, none has an address. Both are logged.
 */
int fleet_resolve(const struct serve_fleet *c, struct fleet_endpoints *out)
{
	char host[SERVE_NAME_LEN];
	size_t i;

	out->n = 0;
	for (i = 0; i < c->n; i++) {
		struct etcd_endpoint *at = &out->at[out->n];

		*at = (struct etcd_endpoint){ .url = c->endpoints[i] };
		if (!split(c->endpoints[i], host, &out->port[out->n])) {
			serve_log(LOG_ERR, "no member of etcd can be at", "url", c->endpoints[i], "why", "it is not https://HOST:PORT",
				  NULL);
			return -EINVAL;
		}
		if (!is_address(host)) {
			if (!look_up(host, out->address[out->n]))
				continue;
			at->address = out->address[out->n];
		}
		out->n++;
	}
	return out->n ? 0 : -EHOSTUNREACH;
}
