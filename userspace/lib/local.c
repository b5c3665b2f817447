// SPDX-License-Identifier: GPL-2.0
/* To connect to a service of this machine. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/local.h"

/**
 * local_connect - connect to a socket of the file system
 * @dir: its directory
 * @name: its name there
 * @type: as of socket(2), with SOCK_NONBLOCK where nobody may wait
 *
 * Return: a descriptor, closed by exec; -errno.
 */
int local_connect(const char *dir, const char *name, int type)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, err;

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir, name) >= (int)sizeof(at.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}
