// SPDX-License-Identifier: GPL-2.0
/* hostapd's control interface: datagrams over a socket of its own for each interface. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

static int ask(int fd, const char *command, char reply[EAPOL_REPLY_MAX])
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t n;

	/* Of a reply that came too late. */
	while (recv(fd, reply, EAPOL_REPLY_MAX - 1, 0) >= 0)
		;
	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return -errno;
	n = poll(&wait, 1, PATIENCE);
	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
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
	err = ask(c->events, "ATTACH", reply);
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
}

/**
 * eapol_control_ask - a request, and its reply
 * @c: whom
 * @command: it
 * @reply: terminated; "FAIL\n" if there is no such station
 *
 * Return: 0; -ECONNREFUSED and others, hostapd is gone; -ETIMEDOUT.
 */
int eapol_control_ask(const struct eapol_control *c, const char *command, char reply[EAPOL_REPLY_MAX])
{
	return ask(c->commands, command, reply);
}

/**
 * eapol_control_event - the next event that has come
 * @c: whose
 * @event: terminated
 *
 * Return: 0; -EAGAIN, none; another -errno, hostapd is gone.
 */
int eapol_control_event(const struct eapol_control *c, char event[EAPOL_REPLY_MAX])
{
	ssize_t n = recv(c->events, event, EAPOL_REPLY_MAX - 1, 0);

	if (n < 0)
		return -errno;
	event[n] = 0;
	return 0;
}
