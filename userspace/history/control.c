// SPDX-License-Identifier: GPL-2.0
/* The socket over which an operator acknowledges episodes: "acknowledge ID WHO\n", answered "ok\n" or a sentence. */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "history/watch.h"
#include "history/writer.h"
#include "lib/utf8.h"

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static int address(struct sockaddr_un *at, const char *dir)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return (size_t)snprintf(at->sun_path, sizeof(at->sun_path), "%s/" WATCH_CONTROL, dir) < sizeof(at->sun_path) ?
	       0 : -ENAMETOOLONG;
}

/**
 * watch_control_open - listen
 * @c: is filled
 * @dir: where
 *
 * Before capabilities are given up: the socket becomes a group's that this process is not in.
 *
 * Return: 0 or -errno.
 */
int watch_control_open(struct watch_control *c, const char *dir)
{
	const struct group *group = getgrnam(WATCH_ASKS);
	struct sockaddr_un at;
	unsigned int i;
	int err = address(&at, dir);
	mode_t mask;

	c->listening = -1;
	for (i = 0; i < WATCH_CLIENTS; i++)
		c->clients[i] = -1;
	if (err)
		return err;
	strcpy(c->path, at.sun_path);
	if (unlink(c->path) && errno != ENOENT)
		return -errno;
	c->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listening < 0)
		return -errno;
	mask = umask(0177);
	err = bind(c->listening, (const struct sockaddr *)&at, sizeof(at)) ? -errno : 0;
	umask(mask);
	if (!err && group && chown(c->path, -1, group->gr_gid))
		err = errno == EPERM ? 0 : -errno;
	else if (!err && group && chmod(c->path, 0660))
		err = -errno;
	if (!err && listen(c->listening, WATCH_CLIENTS))
		err = -errno;
	if (err)
		watch_control_close(c);
	return err;
}

/** watch_control_close - listen no more */
void watch_control_close(struct watch_control *c)
{
	unsigned int i;

	for (i = 0; i < WATCH_CLIENTS; i++)
		if (c->clients[i] >= 0)
			close(c->clients[i]);
	if (c->listening >= 0) {
		unlink(c->path);
		close(c->listening);
	}
	c->listening = -1;
}

/**
 * watch_control_poll - what is to be waited for
 * @c: who asks
 * @fds: gets 1 + WATCH_CLIENTS
 *
 * Return: how many.
 */
unsigned int watch_control_poll(struct watch_control *c, struct pollfd *fds)
{
	bool room = false;
	unsigned int i;

	for (i = 0; i < WATCH_CLIENTS; i++) {
		fds[1 + i] = (struct pollfd){ .fd = c->clients[i], .events = POLLIN };
		room |= c->clients[i] < 0;
	}
	fds[0] = (struct pollfd){ .fd = room ? c->listening : -1, .events = POLLIN };
	return 1 + WATCH_CLIENTS;
}

/* Return: false, it is no question. */
static bool parse(char *line, int64_t *id, const char **who)
{
	static const char verb[] = "acknowledge ";
	char *end;

	if (strncmp(line, verb, sizeof(verb) - 1) != 0 || line[sizeof(verb) - 1] < '0' || line[sizeof(verb) - 1] > '9')
		return false;
	errno = 0;
	*id = strtoll(line + sizeof(verb) - 1, &end, 10);
	if (errno || *end != ' ' || !end[1])
		return false;
	*who = end + 1;
	for (end++; *end; end++)
		if ((unsigned char)*end < ' ' || *end == 0x7f)
			return false;
	return true;
}

static const char *acknowledge(struct history_writer *w, int64_t id, const char *who)
{
	const time_t now = time(NULL);
	int err = history_begin(w, now);

	if (!err)
		err = history_acknowledge(w, id, who, now);
	if (history_commit(w) || err == -EIO)
		return "the history cannot be written";
	return !err ? "ok" : err == -ENOENT ? "there is no such episode" : "it was acknowledged before";
}

static void answer(struct history_writer *w, int fd)
{
	char line[WATCH_LINE], out[WATCH_LINE];
	const char *who, *text;
	char *clean = NULL;
	ssize_t n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);
	int64_t id;

	if (n <= 0)
		return;
	line[n] = 0;
	if (line[n - 1] != '\n' || memchr(line, 0, n))
		text = "not understood";
	else if (line[n - 1] = 0, !parse(line, &id, &who) || !(clean = utf8_repair(who)))
		text = "not understood";
	else
		text = acknowledge(w, id, clean);
	free(clean);
	snprintf(out, sizeof(out), "%s\n", text);
	send(fd, out, strlen(out), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void accept_one(struct watch_control *c)
{
	int fd = accept4(c->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	unsigned int i;

	for (i = 0; fd >= 0 && i < WATCH_CLIENTS && c->clients[i] >= 0; i++)
		;
	if (fd >= 0 && i == WATCH_CLIENTS) {
		close(fd);
	} else if (fd >= 0) {
		c->clients[i] = fd;
		c->until[i] = seconds() + WATCH_WAIT;
	}
}

/**
 * watch_control_answer - answer who asks
 * @c: who asks
 * @fds: as watch_control_poll() filled them, polled
 * @w: the writer
 *
 * A client has one question.
 */
void watch_control_answer(struct watch_control *c, const struct pollfd *fds, struct history_writer *w)
{
	unsigned int i;

	for (i = 0; i < WATCH_CLIENTS; i++) {
		if (c->clients[i] < 0 || (!fds[1 + i].revents && seconds() < c->until[i]))
			continue;
		if (fds[1 + i].revents & POLLIN)
			answer(w, c->clients[i]);
		close(c->clients[i]);
		c->clients[i] = -1;
	}
	if (fds[0].revents & POLLIN)
		accept_one(c);
}

/**
 * watch_acknowledge - ask the writer to acknowledge an episode
 * @dir: where its socket is
 * @id: of the episode
 * @who: acknowledges it
 * @answer: a sentence, where it was refused
 *
 * Return: 0; -EREMOTEIO, it was refused; another -errno: nobody was there to ask.
 */
int watch_acknowledge(const char *dir, int64_t id, const char *who, char answer[WATCH_LINE])
{
	const struct timeval patience = { .tv_sec = 2 * WATCH_WAIT };
	struct sockaddr_un at;
	char line[WATCH_LINE];
	int fd, n, err = address(&at, dir);
	ssize_t got = -1;

	answer[0] = 0;
	n = snprintf(line, sizeof(line), "acknowledge %lld %s\n", (long long)id, who);
	if (err || n >= (int)sizeof(line))
		return err ? err : -EMSGSIZE;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) || send(fd, line, n, MSG_NOSIGNAL) != n)
		err = -errno;
	else if ((got = recv(fd, answer, WATCH_LINE - 1, 0)) <= 0)
		err = got ? -errno : -ECONNRESET;
	close(fd);
	if (err)
		return err;
	answer[got] = 0;
	answer[strcspn(answer, "\n")] = 0;
	return strcmp(answer, "ok") ? -EREMOTEIO : 0;
}
