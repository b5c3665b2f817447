/* SPDX-License-Identifier: GPL-2.0 */
/* From which session a command was called. */
#ifndef CORDON_HOST_SESSION_H
#define CORDON_HOST_SESSION_H

#include <sys/types.h>

#include "lib/policy.h"

#define HOST_SSH_LEN	192	/* of SSH_CONNECTION, NUL included */
#define HOST_SESSIONS	16	/* nested sessions that are told apart: sudo, tmux and su make one each */

/**
 * struct host_ssh - an SSH session
 * @client: address of whoever sits at its other end
 * @server: address of this machine that they came to
 * @port: and port
 * @link: interface, where a link-local address names it; else empty
 */
struct host_ssh {
	struct cordon_addr client;
	struct cordon_addr server;
	u16 port;
	char link[CORDON_IFNAME_LEN];
};

/**
 * struct host_caller - what a command was called from
 * @ssh: SSH_CONNECTION of the command or of the nearest process above it that has it; or empty
 * @n: length of @sessions
 * @sessions: numbers of the sessions (setsid(2)): its own, and of those above it each that has a terminal
 */
struct host_caller {
	char ssh[HOST_SSH_LEN];
	unsigned int n;
	pid_t sessions[HOST_SESSIONS];
};

void host_caller_find(const char *root, pid_t pid, struct host_caller *out);
bool host_caller_same(const struct host_caller *a, const struct host_caller *b);
bool host_ssh_parse(const char *text, struct host_ssh *out);

#endif
