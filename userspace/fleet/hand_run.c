// SPDX-License-Identifier: GPL-2.0
/* A command, without a shell: what it says on standard error, for so long. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fleet/hand.h"

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/*
 * A session of its own: to 'confirm' it is not the one that applied. Of the environment nothing but where the audit log
 * is.
 */
static void become(const char *program, char *const argv[], int said)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C.UTF-8", audit[4200];
	const char *log = getenv("CORDON_AUDIT");
	char *environment[] = { path, language, NULL, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (log && (size_t)snprintf(audit, sizeof(audit), "CORDON_AUDIT=%s", log) < sizeof(audit))
		environment[2] = audit;
	setsid();
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(said, STDERR_FILENO) < 0)
		_exit(127);
	execve(program, argv, environment);
	dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

/* Up to its end, or to @until; what does not fit is dropped. Return: false, it did not come to its end. */
static bool listen_to(int fd, char why[HAND_WHY], int64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char more[1024];
	size_t len = 0, room;
	int64_t left;
	ssize_t n;

	for (;;) {
		left = until - now_ms();
		if (left <= 0)
			return false;
		if (poll(&p, 1, left > 1000 ? 1000 : (int)left) <= 0)
			continue;
		n = read(fd, more, sizeof(more));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		room = HAND_WHY - 1 - len;
		if (room > (size_t)n)
			room = n;
		memcpy(why + len, more, room);
		len += room;
		why[len] = 0;
	}
}

/* What goes into JSON, and to terminals. */
static void clean(char *text)
{
	size_t len = strlen(text);
	char *c;

	while (len && text[len - 1] == '\n')
		text[--len] = 0;
	for (c = text; *c; c++)
		if (*c != '\n' && (*c < 0x20 || *c > 0x7e))
			*c = '?';
}

static int ended(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

/**
 * hand_run - run a program, and wait
 * @program: its path
 * @argv: its words, NULL behind the last
 * @timeout: ms; then it is killed
 * @why: what it said on standard error
 *
 * Return: its exit status; -ETIMEDOUT; -ECHILD, a signal ended it; another -errno. @why is set.
 */
int hand_run(const char *program, char *const argv[], int timeout, char why[HAND_WHY])
{
	int said[2], status;
	bool heard;
	pid_t pid;

	*why = 0;
	if (pipe2(said, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		become(program, argv, said[1]);
	close(said[1]);
	if (pid < 0) {
		status = -errno;
		close(said[0]);
		return status;
	}
	heard = listen_to(said[0], why, now_ms() + timeout);
	if (!heard)
		kill(pid, SIGKILL);
	close(said[0]);
	status = ended(pid);
	clean(why);
	if (!heard)
		snprintf(why, HAND_WHY, "%s did not end within %d s", argv[0], timeout / 1000);
	else if (status < 0)
		snprintf(why, HAND_WHY, "%s: %s", argv[0], status == -ECHILD ? "a signal ended it" : strerror(-status));
	return heard ? status : -ETIMEDOUT;
}
