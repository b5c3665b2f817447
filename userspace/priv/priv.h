/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that can do one thing each: users, sandboxes, and messages between them. */
#ifndef CORDON_PRIV_H
#define CORDON_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PRIV_ERROR_LEN	256
#define PRIV_ALSO	3	/* further directories that may be read */
#define PRIV_CONNECT	16	/* ports to which connections may be opened */
#define PRIV_FRAME_MAX	(4U << 20)	/* bytes of one message */

/**
 * struct priv_role - what a process keeps when everything else is taken from it
 * @user: system user; where there is none, a free number above 61184 stands in
 * @net_admin: keeps CAP_NET_ADMIN
 * @network: uses sockets that are open already, and accepts connections
 * @netlink: opens netlink sockets
 * @local: talks to other services of this machine, over sockets of which each message is whole
 * @stream: likewise, over sockets of streams
 * @database: writes files that are open already
 * @listing: finds out which files there are where it may open them
 * @hardware: talks over sockets that a module for keys in hardware has open already
 * @connect: ports to which it opens TCP connections; 0, no more
 * @readable: a directory below which it may open files for reading, or NULL
 * @writable: a directory below which it may make, write, rename and remove files, or NULL
 * @also: further ones; NULL or empty, none
 */
struct priv_role {
	const char *user;
	bool net_admin;
	bool network;
	bool netlink;
	bool local;
	bool stream;
	bool database;
	bool listing;
	bool hardware;
	uint16_t connect[PRIV_CONNECT];
	const char *readable;
	const char *writable;
	const char *also[PRIV_ALSO];
};

/** struct priv_channel - two pipes to another process */
struct priv_channel {
	int in;
	int out;
};

int priv_enter(const struct priv_role *role, char error[PRIV_ERROR_LEN]);
gid_t priv_group(const char *user);
int priv_landlock(const struct priv_role *role);

int priv_channel_pair(struct priv_channel *here, struct priv_channel *there);
void priv_channel_close(struct priv_channel *c);
int priv_send(const struct priv_channel *c, const void *data, size_t len);
ssize_t priv_receive(const struct priv_channel *c, void *buf, size_t size);

#endif
