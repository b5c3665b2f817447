// SPDX-License-Identifier: GPL-2.0
/* Which process listens at a port: its socket's number in /proc/net, and whose descriptor that is. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/holder.h"
#include "host/words.h"
#include "lib/file.h"

#define TABLE_MAX	(16 * 1024 * 1024)
#define LISTENING	0x0a	/* TCP_LISTEN */

/* Of a line of proc_pid_net(5)'s tcp: the number of a socket that listens at the port; 0, it is another's. */
static unsigned long long read_line(char *line, uint16_t port)
{
	enum { NUMBER, LOCAL, REMOTE, STATE, QUEUES, TIMER, RETRIES, USER, PROBES, INODE, N };
	unsigned long long at, state, inode;
	char *words[N], *colon;

	if (host_words(line, words, N) < N)
		return 0;
	colon = strrchr(words[LOCAL], ':');
	if (!colon || !host_parse(colon + 1, 16, UINT16_MAX, &at) || !host_parse(words[STATE], 16, UINT8_MAX, &state) ||
	    !host_parse(words[INODE], 10, UINT64_MAX, &inode))
		return 0;
	return at == port && state == LISTENING ? inode : 0;
}

/* Return: the number of the socket that listens at the port; 0, none does. */
static unsigned long long find_socket(const char *root, const char *table, uint16_t port)
{
	unsigned long long found = 0;
	char path[512], *text, *rest, *line;
	size_t len;

	snprintf(path, sizeof(path), "%s/proc/net/%s", root, table);
	if (file_read(path, TABLE_MAX, &text, &len))
		return 0;
	rest = text;
	while (!found && (line = strsep(&rest, "\n")))
		found = read_line(line, port);
	free(text);
	return found;
}

static bool has_socket(const char *root, const char *pid, unsigned long long inode)
{
	char path[512], name[1024], to[64], want[64];
	struct dirent *d;
	bool found = false;
	DIR *dir;
	ssize_t n;

	snprintf(want, sizeof(want), "socket:[%llu]", inode);
	snprintf(path, sizeof(path), "%s/proc/%s/fd", root, pid);
	dir = opendir(path);
	while (dir && !found && (d = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		n = readlink(name, to, sizeof(to) - 1);
		if (n > 0)
			to[n] = 0;
		found = n > 0 && !strcmp(to, want);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A process gives itself its name. */
static void tell(const char *root, const char *pid, char out[HOST_HOLDER_LEN])
{
	char path[512], *name;
	size_t len, i;

	snprintf(path, sizeof(path), "%s/proc/%s/comm", root, pid);
	if (file_read(path, 256, &name, &len)) {
		snprintf(out, HOST_HOLDER_LEN, "process %.10s", pid);
		return;
	}
	name[strcspn(name, "\n")] = 0;
	for (i = 0; name[i]; i++)
		if (!isgraph((unsigned char)name[i]))
			name[i] = '?';
	snprintf(out, HOST_HOLDER_LEN, "%.16s, process %.10s", name, pid);
	free(name);
}

/**
 * host_holder - who listens at a port of TCP
 * @root: where /proc lies, in place of /
 * @port: the port
 * @out: name and number of the process
 *
 * Return: false, nobody does, or who it is may not be seen.
 */
bool host_holder(const char *root, uint16_t port, char out[HOST_HOLDER_LEN])
{
	unsigned long long inode = find_socket(root, "tcp", port);
	char path[512];
	struct dirent *d;
	bool found = false;
	DIR *dir;

	if (!inode)
		inode = find_socket(root, "tcp6", port);
	snprintf(path, sizeof(path), "%s/proc", root);
	dir = inode ? opendir(path) : NULL;
	while (dir && !found && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]) && has_socket(root, d->d_name, inode)) {
			tell(root, d->d_name, out);
			found = true;
		}
	if (dir)
		closedir(dir);
	return found;
}
