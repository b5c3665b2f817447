// SPDX-License-Identifier: GPL-2.0
/* hostapd's control interface: datagrams over a socket of its own for each interface. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "eapol/eapol.h"

#define PATIENCE	2000	/* milliseconds for a reply */

/*
 * Bound to a name of the kernel's choice, to which hostapd answers. Connected, so that no other process can: the kernel
 * drops what comes from elsewhere.
 */
static int connect_to(const struct sockaddr_un *to)
{
	const struct sockaddr_un own = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&own, sizeof(own.sun_family)) &&
	    !connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int next_event(const struct eapol_control *c, uint8_t mac[6])
{
	char event[EAPOL_REPLY_MAX];
	ssize_t n = recv(c->events, event, sizeof(event) - 1, 0);

	if (n < 0)
		return -errno;
	event[n] = 0;
	return eapol_event_parse(event, mac);
}

/* One event out of hostapd's way; what is about no session needs no room. */
static int keep_event(struct eapol_control *c)
{
	struct eapol_heard heard;

	heard.what = next_event(c, heard.mac);
	if (heard.what < 0)
		return heard.what == -ENOENT ? 0 : heard.what;
	if (c->n_heard == EAPOL_HEARD_MAX)
		c->missed = true;
	else
		c->heard[c->n_heard++] = heard;
	return 0;
}

/*
 * hostapd waits until there is room for an event, and answers nobody meanwhile. Whoever sends it frames fills that room
 * at will, so events are taken while a reply is awaited.
 */
static int await(struct eapol_control *c, int fd)
{
	struct pollfd wait[] = { { .fd = fd, .events = POLLIN }, { .fd = c->events, .events = POLLIN } };
	const int64_t end = now_ms() + PATIENCE;
	int64_t left;
	int n;

	if (fd == c->events)
		wait[1].fd = -1;
	for (left = PATIENCE; left > 0; left = end - now_ms()) {
		n = poll(wait, sizeof(wait) / sizeof(*wait), (int)left);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && wait[0].revents)
			return 0;
		if (n > 0 && keep_event(c))
			wait[1].fd = -1;
	}
	return -ETIMEDOUT;
}

static int ask(struct eapol_control *c, int fd, const char *command, char reply[EAPOL_REPLY_MAX])
{
	ssize_t n;
	int err;

	/* Of a reply that came too late. */
	while (recv(fd, reply, EAPOL_REPLY_MAX - 1, 0) >= 0)
		;
	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return -errno;
	err = await(c, fd);
	if (err)
		return err;
	n = recv(fd, reply, EAPOL_REPLY_MAX - 1, 0);
	if (n < 0)
		return -errno;
	reply[n] = 0;
	return 0;
}

/* Whoever may write into it can be hostapd. */
static int check_dir(const char *dir)
{
	struct stat st;

	if (stat(dir, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return (st.st_uid && st.st_uid != geteuid()) || (st.st_mode & 02) ? -EPERM : 0;
}

/**
 * eapol_control_open - begin to hear of an interface's sessions
 * @c: eapol_control_close() it, also after a failure
 * @dir: of hostapd's sockets; it must be root's, or one's own, and no place that everybody may write to
 * @port: the interface
 *
 * Return: 0; -EPROTO, who is there is not hostapd; another -errno.
 */
int eapol_control_open(struct eapol_control *c, const char *dir, const char *port)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char reply[EAPOL_REPLY_MAX];
	int err = check_dir(dir);

	c->commands = c->events = -1;
	c->n_heard = 0;
	c->missed = false;
	snprintf(c->port, sizeof(c->port), "%s", port);
	if (err)
		return err;
	if ((size_t)snprintf(to.sun_path, sizeof(to.sun_path), "%s/%s", dir, port) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	c->commands = connect_to(&to);
	if (c->commands < 0)
		return c->commands;
	c->events = connect_to(&to);
	if (c->events < 0)
		return c->events;
	err = ask(c, c->events, "ATTACH", reply);
	return err ? err : strcmp(reply, "OK\n") ? -EPROTO : 0;
}

/** eapol_control_close - no more of it */
void eapol_control_close(struct eapol_control *c)
{
	if (c->commands >= 0)
		close(c->commands);
	if (c->events >= 0)
		close(c->events);
	c->commands = c->events = -1;
	c->n_heard = 0;
	c->missed = false;
}

/**
 * eapol_control_ask - a request, and its reply
 * @c: whom
 * @command: it
 * @reply: terminated; "FAIL\n" if there is no such station
 *
 * Return: 0; -ECONNREFUSED and others, hostapd is gone; -ETIMEDOUT.
 */
int eapol_control_ask(struct eapol_control *c, const char *command, char reply[EAPOL_REPLY_MAX])
{
	return ask(c, c->commands, command, reply);
}

/**
 * eapol_control_event - the next event that has come
 * @c: whose
 * @mac: of the station, if it is about a session
 *
 * Return: EAPOL_CHANGED; EAPOL_ENDED; -ENOENT, it is about no session; -EAGAIN, none; another -errno, hostapd is gone.
 */
int eapol_control_event(struct eapol_control *c, uint8_t mac[6])
{
	int what;

	if (!c->n_heard)
		return next_event(c, mac);
	what = c->heard[0].what;
	memcpy(mac, c->heard[0].mac, sizeof(c->heard[0].mac));
	memmove(c->heard, c->heard + 1, --c->n_heard * sizeof(*c->heard));
	return what;
}
