// SPDX-License-Identifier: GPL-2.0
/* cordon-fleet's side of the process that puts policies in force: it is started first, and asked one thing at a time. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#include "fleet/hand.h"
#include "lib/yaml_fleet.h"
#include "serve/common/serve.h"

/* Whoever asked may have begun anew before the answer came: it is of another question then. */
static uint32_t sequence;

/**
 * hand_start - start it
 * @p: where it works; valid as long as it runs
 * @out: the pipe to it
 *
 * It ends when the pipe does.
 *
 * Return: 0 or -errno.
 */
int hand_start(const struct hand_place *p, struct priv_channel *out)
{
	struct priv_channel there;
	int err = priv_channel_pair(out, &there);
	pid_t parent = getpid(), pid;

	if (err)
		return err;
	pid = fork();
	if (!pid) {
		priv_channel_close(out);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		/* A signal for the whole group is not for it: it ends what it does, and then with the pipe. */
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		err = hand_enter(p->directory);
		if (err)
			serve_log(LOG_ERR, "policies cannot be kept", "directory", p->directory, "why", strerror(-err), NULL);
		else if (getppid() == parent)
			hand_serve(&there, p);
		_exit(0);
	}
	err = pid < 0 ? -errno : 0;
	priv_channel_close(&there);
	if (err)
		priv_channel_close(out);
	return err;
}

/**
 * hand_ask - ask; it waits for nothing else, so the pipe does not block for long
 * @c: the pipe
 * @what: to do
 * @number: of the policy
 * @confirm: seconds on trial; 0, for good
 * @force: see there
 * @common: the common file; NULL, there is none
 * @text: the gateway's file, or a note; NULL, none
 *
 * Return: 0; -EMSGSIZE; -EPIPE, it has ended; another -errno.
 */
int hand_ask(const struct priv_channel *c, enum hand_do what, int64_t number, uint32_t confirm, bool force,
	     const char *common, const char *text)
{
	size_t first = common ? strnlen(common, POLICY_FLEET_TEXT + 1) : 0;
	size_t second = text ? strnlen(text, POLICY_FLEET_TEXT + 1) : 0;
	struct hand_question q = {
		.what = what, .confirm = confirm, .force = force, .number = number,
		.common = common ? (uint32_t)first : HAND_ABSENT, .text = second,
		.sequence = ++sequence,
	};
	char *message;
	int err;

	if (first > POLICY_FLEET_TEXT || second > POLICY_FLEET_TEXT)
		return -EMSGSIZE;
	message = malloc(sizeof(q) + first + second);
	if (!message)
		return -ENOMEM;
	memcpy(message, &q, sizeof(q));
	if (common)
		memcpy(message + sizeof(q), common, first);
	if (text)
		memcpy(message + sizeof(q) + first, text, second);
	err = priv_send(c, message, sizeof(q) + first + second);
	free(message);
	return err;
}

/**
 * hand_answered - take the answer, when there is something to read
 * @c: the pipe
 * @status: exit status, or -errno
 * @text: what was said
 *
 * Return: 0; -EAGAIN, it is the answer to a question of before; -EPIPE, it has ended; -EPROTO.
 */
int hand_answered(const struct priv_channel *c, int *status, char text[HAND_NOTE])
{
	struct { struct hand_answer head; char text[HAND_NOTE]; } in;
	ssize_t n = priv_receive(c, &in, sizeof(in));

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(in.head) || in.head.len >= HAND_NOTE || (size_t)n != sizeof(in.head) + in.head.len)
		return -EPROTO;
	if (in.head.sequence != sequence)
		return -EAGAIN;
	*status = in.head.status;
	memcpy(text, in.text, in.head.len);
	text[in.head.len] = 0;
	return 0;
}
