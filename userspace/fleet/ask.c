// SPDX-License-Identifier: GPL-2.0
/* To ask cordon-fleet, and wait. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fleet/ask.h"
#include "lib/local.h"

#define ANSWER	(64U << 20)	/* bytes: all gateways of a fleet */

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int fail(char *why, size_t size, int err, const char *what)
{
	snprintf(why, size, "%s", what);
	return err;
}

static int connect_to(const char *run, char *why, size_t size)
{
	int fd = local_connect(run, "control", SOCK_STREAM);

	switch (fd) {
	case -ENAMETOOLONG:
		return fail(why, size, fd, "the path of cordon-fleet's socket is too long");
	case -EACCES:
	case -EPERM:
		return fail(why, size, -EACCES, "only root may ask cordon-fleet");
	case -ENOENT:
	case -ECONNREFUSED:
		return fail(why, size, -ENOENT, "cordon-fleet does not run");
	}
	return fd < 0 ? fail(why, size, fd, strerror(-fd)) : fd;
}

static int wait_for(int fd, short events, long long until)
{
	struct pollfd p = { .fd = fd, .events = events };
	long long left = until - now_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n ? 0 : -ETIMEDOUT;
}

static int send_all(int fd, const char *text, size_t len, long long until)
{
	ssize_t n;
	int err;

	while (len) {
		err = wait_for(fd, POLLOUT, until);
		if (err)
			return err;
		n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/**
 * struct input - what has come
 * @buf: bytes
 * @len: of them
 * @size: of @buf
 */
struct input {
	char *buf;
	size_t len;
	size_t size;
};

static int more(int fd, struct input *in, long long until)
{
	int err = wait_for(fd, POLLIN, until);
	char *grown;
	ssize_t n;

	if (err)
		return err;
	if (in->len == in->size) {
		if (in->size >= ANSWER)
			return -EPROTO;
		grown = realloc(in->buf, in->size ? 2 * in->size : 65536);
		if (!grown)
			return -ENOMEM;
		in->buf = grown;
		in->size = in->size ? 2 * in->size : 65536;
	}
	n = recv(fd, in->buf + in->len, in->size - in->len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	in->len += n;
	return n ? 0 : -EPROTO;
}

/* The line with our number; the others are not for us. */
static int receive(int fd, json_t **answer, long long until)
{
	struct input in = { .buf = NULL };
	size_t looked = 0;
	char *end;
	int err = 0;

	*answer = NULL;
	while (!err && !*answer) {
		end = in.len > looked ? memchr(in.buf + looked, '\n', in.len - looked) : NULL;
		if (!end) {
			looked = in.len;
			err = more(fd, &in, until);
			continue;
		}
		*answer = json_loadb(in.buf, end - in.buf, 0, NULL);
		if (!*answer)
			err = -EPROTO;
		if (*answer && !json_is_integer(json_object_get(*answer, "id"))) {
			json_decref(*answer);
			*answer = NULL;
		}
		in.len -= end + 1 - in.buf;
		memmove(in.buf, end + 1, in.len);
		looked = 0;
	}
	free(in.buf);
	return err;
}

static bool is_control(const unsigned char *c)
{
	return *c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0);
}

/* Two bytes of UTF-8 become two marks. */
static void clean_text(json_t *value, bool lines)
{
	char *text = strdup(json_string_value(value));
	unsigned char *c;

	for (c = (unsigned char *)text; c && *c; c++) {
		if (!is_control(c) || (lines && *c == '\n'))
			continue;
		if (*c == 0xc2)
			*c++ = '?';
		*c = '?';
	}
	json_string_set(value, text ? text : "?");
	free(text);
}

/* Some of it other gateways wrote: nothing of theirs moves root's terminal. Only what is shown as lines has any. */
static void clean(json_t *j, const char *name)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(j))
		clean_text(j, name && (!strcmp(name, "why") || !strcmp(name, "certificate")));
	json_object_foreach(j, key, value)
		clean(value, key);
	json_array_foreach(j, i, value)
		clean(value, name);
}

/**
 * fleet_ask - see ask.h
 * @run: directory of the socket
 * @question: without "id"; is taken over
 * @timeout: ms
 * @answer: the whole answer; json_decref()
 * @why: a sentence, on failure
 * @size: of @why
 *
 * Return: see ask.h.
 */
int fleet_ask(const char *run, json_t *question, int timeout, json_t **answer, char *why, size_t size)
{
	long long until = now_ms() + timeout;
	char *text = NULL;
	int fd, err;

	*answer = NULL;
	if (question && !json_object_set_new(question, "id", json_integer(1)))
		text = json_dumps(question, JSON_COMPACT);
	json_decref(question);
	if (!text)
		return fail(why, size, -ENOMEM, "out of memory");
	fd = connect_to(run, why, size);
	if (fd < 0) {
		free(text);
		return fd;
	}
	err = send_all(fd, text, strlen(text), until);
	if (!err)
		err = send_all(fd, "\n", 1, until);
	if (!err)
		err = receive(fd, answer, until);
	clean(*answer, NULL);
	free(text);
	close(fd);
	if (err == -ETIMEDOUT)
		fail(why, size, err, "cordon-fleet does not answer");
	else if (err)
		fail(why, size, err, err == -EPROTO ? "cordon-fleet says what makes no sense" : strerror(-err));
	return err;
}
