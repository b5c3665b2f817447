// SPDX-License-Identifier: GPL-2.0
/*
 * Entries of systemd's journal, by its native protocol, which https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ documents for
 * clients that do without libsystemd: one datagram an entry, a line a field.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "event/event.h"

#define VALUE_LEN 1024

/**
 * journal_open - entries go to a journal from now on
 * @j: filled
 * @path: its socket; NULL, the system's
 * @wait_ms: how long one entry waits for a journal that has no room, in ms; 0, not at all
 */
void journal_open(struct journal *j, const char *path, unsigned int wait_ms)
{
	struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };

	*j = (struct journal){ .plain = stderr, .waits = wait_ms };
	snprintf(j->path, sizeof(j->path), "%s", path ? path : JOURNAL_SOCKET);
	j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (j->fd >= 0)
		setsockopt(j->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

/* A name that somebody else chose must not begin a field, nor tell a terminal what to do. */
static size_t put_clean(char *out, size_t room, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text && n + 4 < room; text++) {
		unsigned char c = *text;

		if (c == '\\')
			out[n++] = '\\';
		if (c >= ' ' && c < 0x7f) {
			out[n++] = c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return n;
}

/* What has no room any more is left out. */
static void put(struct journal_entry *e, const char *field, const char *value)
{
	size_t name = strlen(field), room = sizeof(e->bytes) - e->len;

	if (room < name + 8)
		return;
	memcpy(e->bytes + e->len, field, name);
	e->len += name;
	e->bytes[e->len++] = '=';
	e->len += put_clean(e->bytes + e->len, room - name - 3, value);
	e->bytes[e->len++] = '\n';
}

/**
 * journal_begin - a new entry
 * @e: filled
 * @priority: of syslog(3)
 * @id: MESSAGE_ID
 * @fmt: the message
 */
void journal_begin(struct journal_entry *e, int priority, const char *id, const char *fmt, ...)
{
	char text[VALUE_LEN];
	va_list args;

	e->len = 0;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	e->message = strlen("MESSAGE=");
	put(e, "MESSAGE", text);
	put(e, "MESSAGE_ID", id);
	journal_add(e, "PRIORITY", "%d", priority);
	put(e, "SYSLOG_IDENTIFIER", "cordon");
}

/**
 * journal_add - one more field
 * @e: the entry
 * @field: capitals, digits and underscores
 * @fmt: its value; what is no printable ASCII becomes \xNN, and a backslash two
 */
void journal_add(struct journal_entry *e, const char *field, const char *fmt, ...)
{
	char value[VALUE_LEN];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	put(e, field, value);
}

static int send_bytes(struct journal *j, const struct journal_entry *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	ssize_t n;

	memcpy(at.sun_path, j->path, sizeof(at.sun_path));
	do {
		n = sendto(j->fd, e->bytes, e->len, MSG_NOSIGNAL | (j->waits && !j->busy ? 0 : MSG_DONTWAIT), (struct sockaddr *)&at,
			   sizeof(at));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int deliver(struct journal *j, const struct journal_entry *e)
{
	int err = send_bytes(j, e);

	j->busy = err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM;
	if (j->busy)
		return -EAGAIN;
	if (err)
		fprintf(j->plain, "cordon: %.*s\n", (int)strcspn(e->bytes + e->message, "\n"), e->bytes + e->message);
	return 0;
}

static void tell_lost(struct journal *j)
{
	struct journal_entry e;

	journal_begin(&e, LOG_WARNING, JOURNAL_LOST, "%u entries before this one are lost: the journal did not take them",
		      j->lost);
	journal_add(&e, "CORDON_COUNT", "%u", j->lost);
	if (!deliver(j, &e))
		j->lost = 0;
}

/**
 * journal_send - hand an entry over
 * @j: the journal; where there is none, its message goes to standard error
 * @e: the entry
 *
 * Return: 0; -EAGAIN, the journal takes none at the moment.
 */
int journal_send(struct journal *j, const struct journal_entry *e)
{
	if (j->lost)
		tell_lost(j);
	return deliver(j, e);
}
