// SPDX-License-Identifier: GPL-2.0
/* What agent's sandbox lets be opened, seen from inside: one line "KIND: NUMBER ..." of what succeeded, for each. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "priv/priv.h"

#define PROTOCOLS	32

static void try_all(const char *kind, int family, int type, unsigned long more)
{
	unsigned long i;
	int fd;

	printf("%s:", kind);
	for (i = 0; i < PROTOCOLS; i++) {
		fd = syscall(SYS_socket, family, type, i | more);
		if (fd >= 0)
			printf(" %lu", i);
		if (fd >= 0)
			close(fd);
	}
	puts("");
}

int main(void)
{
	static const struct priv_role agent = {
		.user = "cordon-agent", .net_admin = true, .netlink = true, .database = true, .readable = "/etc",
	};
	char error[PRIV_ERROR_LEN];

	try_all("before", AF_NETLINK, SOCK_RAW, 0);
	fflush(stdout);
	if (priv_enter(&agent, error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	try_all("netlink", AF_NETLINK, SOCK_RAW, 0);
	try_all("netlink, with more bits than an int has", AF_NETLINK, SOCK_RAW, 1UL << 32);
	try_all("inet", AF_INET, SOCK_STREAM, 0);
	try_all("packet", AF_PACKET, SOCK_RAW, 0);
	return 0;
}
