// SPDX-License-Identifier: GPL-2.0
/* Servers: the clock of deadlines, HOST:PORT, and addresses of a name. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

/**
 * struct lookup - a question to the resolver, which knows no deadline
 * @target: whom
 * @fd: where the answer goes
 * @error: of getaddrinfo()
 * @result: of getaddrinfo()
 *
 * It belongs to the thread that asks until it went through @fd, then to whoever reads it there.
 */
struct lookup {
	struct tls_target target;
	int fd;
	int error;
	struct addrinfo *result;
};

static const struct addrinfo stream = { .ai_socktype = SOCK_STREAM };
static const struct addrinfo numeric = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };

/** tls_clock - now, in milliseconds, on a clock that nobody sets */
int64_t tls_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/**
 * tls_remaining - what poll() may wait
 * @deadline: on tls_clock()
 *
 * Return: milliseconds; 0 when it is over.
 */
int tls_remaining(int64_t deadline)
{
	int64_t left = deadline - tls_clock();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static bool port_is_valid(const char *text)
{
	size_t len = strlen(text);
	long port = strtol(text, NULL, 10);

	return len <= 5 && strspn(text, "0123456789") == len && port > 0 && port <= 65535;
}

static bool host_is_valid(const char *host)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	return host[0] && host[0] != '-' && host[0] != '.' && host[strspn(host, letters)] == 0;
}

/**
 * tls_target_parse - HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT
 * @text: the words
 * @port: what it is where none is named
 * @out: the server, on success
 *
 * Return: NULL, or what is wrong.
 */
const char *tls_target_parse(const char *text, const char *port, struct tls_target *out)
{
	bool bracket = text[0] == '[';
	const char *host = text + bracket;
	const char *end = host + strcspn(host, bracket ? "]" : ":");
	const char *rest = end + bracket;
	struct tls_target t = { };
	struct in6_addr address;

	if (bracket && !*end)
		return "no ']' after '['";
	if ((size_t)(end - host) >= sizeof(t.host))
		return "too long a host name";
	memcpy(t.host, host, end - host);
	if (*rest == ':')
		port = rest + 1;
	else if (*rest)
		return "something behind the host that is no port";
	if (!bracket && strchr(port, ':'))
		return "an IPv6 address needs brackets";
	if (!port_is_valid(port))
		return "not a port from 1 to 65535";
	memcpy(t.port, port, strlen(port));
	t.address = inet_pton(bracket ? AF_INET6 : AF_INET, t.host, &address) == 1;
	if (bracket && !t.address)
		return "not an IPv6 address in brackets";
	if (!t.address && !host_is_valid(t.host))
		return "not a host name or an address";
	*out = t;
	return NULL;
}

static void lookup_free(struct lookup *l)
{
	if (l->result)
		freeaddrinfo(l->result);
	close(l->fd);
	free(l);
}

static void *look_up(void *arg)
{
	struct lookup *l = arg;

	l->error = getaddrinfo(l->target.host, l->target.port, &stream, &l->result);
	if (send(l->fd, &l, sizeof(l), MSG_NOSIGNAL) != sizeof(l))
		lookup_free(l);
	return NULL;
}

/* Ask in a thread of its own; the end of a pair that the answer comes from, or -1. */
static int ask(const struct tls_target *target)
{
	struct lookup *l = calloc(1, sizeof(*l));
	pthread_attr_t attr;
	pthread_t thread;
	int pair[2];
	bool asked;

	if (!l)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		free(l);
		return -1;
	}
	l->target = *target;
	l->fd = pair[1];
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	asked = !pthread_create(&thread, &attr, look_up, l);
	pthread_attr_destroy(&attr);
	if (asked)
		return pair[0];
	lookup_free(l);
	close(pair[0]);
	return -1;
}

/**
 * tls_resolve - addresses of a server
 * @target: the server
 * @deadline: on tls_clock()
 * @out: freeaddrinfo()
 *
 * Return: 0, an error of getaddrinfo(), or EAI_SYSTEM with errno ETIMEDOUT at the deadline.
 */
int tls_resolve(const struct tls_target *target, int64_t deadline, struct addrinfo **out)
{
	struct pollfd answer = { .events = POLLIN };
	struct lookup *l = NULL;
	int err;

	if (target->address)
		return getaddrinfo(target->host, target->port, &numeric, out);
	answer.fd = ask(target);
	if (answer.fd < 0)
		return EAI_MEMORY;
	do {
		err = poll(&answer, 1, tls_remaining(deadline));
	} while (err < 0 && errno == EINTR);
	/*
	 * An answer that comes between the deadline and the closing is lost with its memory,
	 * once in a process that is about to end.
	 */
	if (err <= 0 || recv(answer.fd, &l, sizeof(l), 0) != sizeof(l)) {
		close(answer.fd);
		errno = ETIMEDOUT;
		return EAI_SYSTEM;
	}
	close(answer.fd);
	err = l->error;
	*out = l->result;
	l->result = NULL;
	lookup_free(l);
	return err;
}
