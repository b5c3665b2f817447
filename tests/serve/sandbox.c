// SPDX-License-Identifier: GPL-2.0
/*
 * What agent's sandbox lets be opened, seen from inside: one line "KIND: NUMBER ..." of what succeeded, for each. With an
 * argument, signer's with a key in hardware, and whether it may go on with a socket that was open before; with "local",
 * agent's where there is a page; with "stream", where there is a fleet; with "connect", cordon-fleet's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
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

/* A message over a socket that is open, as a module of PKCS#11 talks to its daemon. */
static void try_open(const int pair[2])
{
	char c = 'x';
	struct iovec part = { &c, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	bool sent = sendmsg(pair[0], &message, 0) == 1;
	bool came = recvmsg(pair[1], &message, MSG_DONTWAIT) == 1;

	printf("open:%s%s\n", sent ? " sendmsg" : "", came ? " recvmsg" : "");
}

int main(int argc, char **argv)
{
	static const struct priv_role hardware = { .user = "cordon-signer", .hardware = true, .readable = "/etc" };
	static const struct priv_role plain = { .user = "cordon-signer", .readable = "/etc" };
	static const struct priv_role agent = {
		.user = "cordon-agent", .net_admin = true, .netlink = true, .database = true, .readable = "/etc",
	};
	static const struct priv_role local = {
		.user = "cordon-agent", .net_admin = true, .netlink = true, .local = true, .database = true, .readable = "/etc",
	};
	static const struct priv_role stream = {
		.user = "cordon-agent", .net_admin = true, .netlink = true, .stream = true, .database = true, .readable = "/etc",
	};
	static const struct priv_role connecting = {
		.user = "cordon-fleet", .net_admin = true, .network = true, .netlink = true, .database = true, .connect = { 2379 },
	};
	const struct priv_role *role = argc < 2 ? &agent : !strcmp(argv[1], "local") ? &local :
				       !strcmp(argv[1], "stream") ? &stream :
				       !strcmp(argv[1], "connect") ? &connecting :
				       strcmp(argv[1], "hardware") ? &plain : &hardware;
	char error[PRIV_ERROR_LEN];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 1;
	try_all("before", AF_NETLINK, SOCK_RAW, 0);
	fflush(stdout);
	if (priv_enter(role, error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	try_all("netlink", AF_NETLINK, SOCK_RAW, 0);
	try_all("netlink, with more bits than an int has", AF_NETLINK, SOCK_RAW, 1UL << 32);
	try_all("inet", AF_INET, SOCK_STREAM, 0);
	try_all("packet", AF_PACKET, SOCK_RAW, 0);
	if (argc < 2)
		return 0;
	try_all("unix", AF_UNIX, SOCK_STREAM, 0);
	try_all("unix, streams that do not block", AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	try_all("unix, whole messages", AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	try_open(pair);
	if (role == &connecting)
		try_all("datagrams", AF_INET, SOCK_DGRAM, 0);
	return 0;
}
