// SPDX-License-Identifier: GPL-2.0
/* From which session a command was called: the processes above it, and what SSH left in their environment. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/session.h"
#include "host/words.h"
#include "lib/file.h"

#define ENVIRON_MAX	(256 * 1024)
#define ANCESTORS	64

static char *read_proc(const char *root, pid_t pid, const char *name, size_t max, size_t *len)
{
	char path[512], *out;

	if ((size_t)snprintf(path, sizeof(path), "%s/proc/%d/%s", root, pid, name) >= sizeof(path))
		return NULL;
	return file_read(path, max, &out, len) ? NULL : out;
}

/* proc(5): the name in parentheses may hold anything, parentheses too. */
static bool read_stat(const char *root, pid_t pid, pid_t *parent, pid_t *session, bool *terminal)
{
	enum { STATE, PARENT, GROUP, SESSION, TERMINAL, N };
	unsigned long long above = 0, own = 0;
	char *words[N], *text, *end;
	size_t len;
	bool good;

	text = read_proc(root, pid, "stat", 4096, &len);
	end = text ? strrchr(text, ')') : NULL;
	good = end && host_words(end + 1, words, N) == N && host_parse(words[PARENT], 10, INT_MAX, &above) &&
	       host_parse(words[SESSION], 10, INT_MAX, &own);
	*parent = above;
	*session = own;
	*terminal = good && strcmp(words[TERMINAL], "0") != 0;
	free(text);
	return good;
}

static void find_ssh(const char *root, pid_t pid, char out[HOST_SSH_LEN])
{
	static const char name[] = "SSH_CONNECTION=";
	size_t len = 0, n = sizeof(name) - 1;
	char *text = read_proc(root, pid, "environ", ENVIRON_MAX, &len), *at;

	for (at = text; text && at < text + len; at += strlen(at) + 1)
		if (!strncmp(at, name, n) && strlen(at + n) < HOST_SSH_LEN) {
			strcpy(out, at + n);
			break;
		}
	free(text);
}

static void add_session(struct host_caller *c, pid_t session)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (c->sessions[i] == session)
			return;
	if (c->n < HOST_SESSIONS)
		c->sessions[c->n++] = session;
}

/**
 * host_caller_find - what a process was called from
 * @root: where proc(5) lies, in place of /
 * @pid: the process
 * @out: the answer; empty, as far as nothing can be read
 *
 * sudo takes SSH_CONNECTION from the environment and may make a session of its own, with a terminal of its own: the
 * processes above it have both.
 */
void host_caller_find(const char *root, pid_t pid, struct host_caller *out)
{
	pid_t parent, session;
	bool terminal;
	int i;

	memset(out, 0, sizeof(*out));
	for (i = 0; pid > 1 && i < ANCESTORS; i++, pid = parent) {
		if (!read_stat(root, pid, &parent, &session, &terminal))
			return;
		if (session > 0 && (!i || terminal))
			add_session(out, session);
		if (!out->ssh[0])
			find_ssh(root, pid, out->ssh);
	}
}

/**
 * host_caller_same - two commands were called from one place
 * @a: one
 * @b: the other
 *
 * From one SSH connection, one terminal or one script.
 */
bool host_caller_same(const struct host_caller *a, const struct host_caller *b)
{
	unsigned int i, j;

	if (a->ssh[0] && !strcmp(a->ssh, b->ssh))
		return true;
	for (i = 0; i < a->n; i++)
		for (j = 0; j < b->n; j++)
			if (a->sessions[i] == b->sessions[j])
				return true;
	return false;
}

/* fe80::1%lan0 names an interface. */
static bool parse_address(char *word, struct cordon_addr *out, char link[CORDON_IFNAME_LEN])
{
	char *scope = strchr(word, '%');

	if (scope) {
		*scope++ = 0;
		if (!*scope || strlen(scope) >= CORDON_IFNAME_LEN)
			return false;
		strcpy(link, scope);
	}
	if (!strncasecmp(word, "::ffff:", 7) && strchr(word, '.'))
		word += 7;
	return !policy_addr_parse(word, out);
}

/**
 * host_ssh_parse - what SSH_CONNECTION says
 * @text: client's address and port, server's address and port
 * @out: the session
 *
 * Return: false, it is nothing of that kind.
 */
bool host_ssh_parse(const char *text, struct host_ssh *out)
{
	enum { CLIENT, FROM, SERVER, PORT, N };
	char copy[HOST_SSH_LEN], *words[N + 1];
	unsigned long long port;

	memset(out, 0, sizeof(*out));
	if (snprintf(copy, sizeof(copy), "%s", text) >= HOST_SSH_LEN || host_words(copy, words, N + 1) != N ||
	    !host_parse(words[PORT], 10, UINT16_MAX, &port) || !port)
		return false;
	out->port = port;
	return parse_address(words[SERVER], &out->server, out->link) &&
	       parse_address(words[CLIENT], &out->client, out->link);
}
