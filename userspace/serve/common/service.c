// SPDX-License-Identifier: GPL-2.0
/* A service as it begins: whom it tells of itself, and how it comes out of the hands of who called it. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "serve/common/serve.h"

/**
 * serve_manager_connect - reach the service manager, see sd_notify(3), while that is still allowed
 *
 * Return: a socket; -1, there is none.
 */
int serve_manager_connect(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path, path, len);
	if (path[0] == '@')
		at.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, offsetof(struct sockaddr_un, sun_path) + len)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/**
 * serve_manager_say - tell it something
 * @manager: the socket; -1, there is nobody
 * @text: lines as of sd_notify(3)
 */
void serve_manager_say(int manager, const char *text)
{
	if (manager >= 0 && write(manager, text, strlen(text)) < 0)
		serve_log(LOG_WARNING, "the service manager does not listen", NULL);
}

/**
 * serve_background - go on in a process of its own
 * @caller: in that one, what serve_caller_tell() wants
 *
 * The process that was called waits until the other one is ready, or until it is clear that it will not be.
 *
 * Return: 0, this is the other one; 1, this was called, and the other one is ready; -ECHILD, it ended before; another
 * -errno.
 */
int serve_background(int *caller)
{
	int status[2], null;
	char done;
	pid_t pid;

	/* What the caller has open is none of a service's business. */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || pipe2(status, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid) {
		close(status[1]);
		return read(status[0], &done, 1) == 1 ? 1 : -ECHILD;
	}
	close(status[0]);
	*caller = status[1];
	setsid();
	if (chdir("/") || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	close(null);
	return 0;
}

/**
 * serve_caller_tell - who called need not wait any longer
 * @caller: of serve_background(); -1, nobody waits
 */
void serve_caller_tell(int caller)
{
	if (caller < 0)
		return;
	if (write(caller, "", 1) < 0)
		serve_log(LOG_WARNING, "who called is gone", NULL);
	close(caller);
}
