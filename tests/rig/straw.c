// SPDX-License-Identifier: GPL-2.0
/*
 * What cordon-fleet needs of a kernel of straw besides tests/serve/fake_nl.c: events, of which there are none, and that it
 * is a file, which is opened while that may be done.
 */
#include <netlink/socket.h>
#include <sys/eventfd.h>

#include "nl/nl.h"

int __wrap_cnl_join(struct cnl *nl, struct cnl_listener *l);
int __wrap_cnl_hear(struct cnl *nl);
int __wrap_nl_socket_set_nonblocking(const struct nl_sock *sk);
int __wrap_nl_socket_get_fd(const struct nl_sock *sk);

static void __attribute__((constructor)) open_kernel(void)
{
	struct cnl nl;

	if (!cnl_open(&nl))
		cnl_close(&nl);
}

int __wrap_cnl_join(struct cnl *nl, struct cnl_listener *l)
{
	(void)nl, (void)l;
	return 0;
}

int __wrap_cnl_hear(struct cnl *nl)
{
	(void)nl;
	return 0;
}

int __wrap_nl_socket_set_nonblocking(const struct nl_sock *sk)
{
	(void)sk;
	return 0;
}

/* One on which nothing ever comes. */
int __wrap_nl_socket_get_fd(const struct nl_sock *sk)
{
	static int fd = -1;

	(void)sk;
	if (fd < 0)
		fd = eventfd(0, EFD_CLOEXEC);
	return fd;
}
