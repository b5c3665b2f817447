// SPDX-License-Identifier: GPL-2.0
/*
 * The plain check-in: the handshake is all that it takes. Then at most a line is read, or nothing for two
 * seconds, and one line is answered.
 */
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/front/front.h"

#define LINE_MAX_LEN	1024	/* bytes that are read */
#define LINE_WAIT	2	/* seconds that are waited for them */
#define LINGER		1	/* seconds for the other end to close */
#define READS		8	/* at a time, then others have their turn */

/**
 * struct visit - one check-in
 * @conn: its connection
 * @io: waits for its socket
 * @timer: how long is waited for the line, then for the end
 * @waiting: for agent's answer, or NULL
 * @serial: of the certificate
 * @line: as far as it has come
 * @len: of @line
 * @answer: what is to be said, or empty
 * @firmware: from @line
 * @granted: @answer is that the lease is there
 * @heard: the line is there, or is no longer waited for
 * @deaf: the other end says no more
 * @said: the answer is on its way
 * @ended: all of it
 */
struct visit {
	struct conn *conn;
	struct event *io;
	struct event *timer;
	struct waiting *waiting;
	uint8_t serial[PKI_SERIAL_LEN];
	char line[LINE_MAX_LEN];
	size_t len;
	char answer[SERVE_TEXT_LEN + 16];
	char firmware[SERVE_FIRMWARE_LEN];
	bool granted;
	bool heard;
	bool deaf;
	bool said;
	bool ended;
};

static void visit_free(struct visit *v)
{
	int fd = v->conn->fd;

	if (v->waiting)
		v->waiting->arg = NULL;
	event_free(v->io);
	event_free(v->timer);
	SSL_free(v->conn->ssl);
	close(fd);
	free(v);
}

static void tell_firmware(struct visit *v)
{
	struct serve_request q = { .op = SERVE_OP_FIRMWARE };

	memcpy(q.serial, v->serial, sizeof(q.serial));
	strcpy(q.firmware, v->firmware);
	front_tell(v->conn->front, &q);
}

static void on_io(evutil_socket_t fd, short what, void *arg);

/* For one of the two. The loop tells again as long as it is so. */
static bool wait_for(struct visit *v, short what)
{
	if (event_get_events(v->io) == (what | EV_PERSIST) && event_pending(v->io, what, NULL))
		return true;
	event_del(v->io);
	return !event_assign(v->io, v->conn->front->base, v->conn->fd, what | EV_PERSIST, on_io, v) &&
	       !event_add(v->io, NULL);
}

/* After a call of OpenSSL's that did not succeed. False: there is nothing to wait for. */
static bool wait_on(struct visit *v, int ret)
{
	int why = SSL_get_error(v->conn->ssl, ret);

	return (why == SSL_ERROR_WANT_READ && wait_for(v, EV_READ)) ||
	       (why == SSL_ERROR_WANT_WRITE && wait_for(v, EV_WRITE));
}

/* Say that this was all, and wait for the other end to go first. False: it did. */
static bool end_answer(struct visit *v)
{
	v->ended = true;
	SSL_shutdown(v->conn->ssl);
	shutdown(v->conn->fd, SHUT_WR);
	return !v->deaf && wait_for(v, EV_READ);
}

/* Here, and below: false, the visit is over. */
static bool say(struct visit *v)
{
	const struct timeval now = { LINGER, 0 };
	int len, one = 1, ret;

	if (v->ended || !v->heard || !v->answer[0])
		return true;
	if (!v->said) {
		v->said = true;
		if (v->granted && v->firmware[0])
			tell_firmware(v);
		v->conn->busy = false;
		conn_extend(v->conn);
		event_add(v->timer, &now);
		/* In one segment with what ends the connection. */
		setsockopt(v->conn->fd, IPPROTO_TCP, TCP_CORK, &one, sizeof(one));
	}
	len = (int)strlen(v->answer);
	ERR_clear_error();
	ret = SSL_write(v->conn->ssl, v->answer, len);
	return ret == len ? end_answer(v) : wait_on(v, ret);
}

static bool heard(struct visit *v)
{
	v->heard = true;
	return say(v);
}

static void on_reply(struct front *f, void *arg, const struct serve_reply *r)
{
	struct visit *v = arg;

	(void)f;
	if (!v)
		return;
	v->waiting = NULL;
	v->granted = r->status == 200;
	if (v->granted)
		strcpy(v->answer, "Welcome IoT Device\n");
	else
		snprintf(v->answer, sizeof(v->answer), "refused: %s\n", r->why);
	if (!say(v))
		visit_free(v);
}

static void on_connected(struct visit *v)
{
	struct serve_request q = { .op = SERVE_OP_CHECKIN };
	const struct timeval wait = { LINE_WAIT, 0 };
	char why[SERVE_TEXT_LEN];
	int reason;

	event_add(v->timer, &wait);
	reason = conn_certificate(v->conn, &q, why);
	if (reason >= 0) {
		conn_refused(v->conn, reason, q.name[0] ? q.name : NULL, why);
		snprintf(v->answer, sizeof(v->answer), "refused: %s\n", why);
		return;
	}
	memcpy(q.peer, v->conn->peer, sizeof(q.peer));
	memcpy(v->serial, q.serial, sizeof(v->serial));
	q.ifindex = v->conn->ifindex;
	v->conn->busy = true;
	v->waiting = front_ask(v->conn->front, &q, on_reply, v);
	if (!v->waiting)
		strcpy(v->answer, "refused: too busy\n");
}

/* "firmware 1.4.2", or anything else. */
static void take_line(struct visit *v)
{
	size_t n = 0;

	while (n < v->len && v->line[n] != '\r' && v->line[n] != '\n' && v->line[n])
		n++;
	if (n < 9 || strncmp(v->line, "firmware ", 9) || n - 9 >= sizeof(v->firmware))
		return;
	memcpy(v->firmware, v->line + 9, n - 9);
	v->firmware[n - 9] = 0;
}

/* The other end says no more, but may still listen; the lease is granted all the same. */
static bool no_more(struct visit *v)
{
	v->deaf = true;
	event_del(v->io);
	if (v->ended || !(v->waiting || v->answer[0]))
		return false;
	if (!v->heard)
		take_line(v);
	return heard(v);
}

/* What comes behind the line is read, as to close with it unread would cut off the answer. */
static bool hear(struct visit *v)
{
	char rest[LINE_MAX_LEN], *at;
	int i, n;

	for (i = 0; i < READS; i++) {
		at = v->heard ? rest : v->line + v->len;
		ERR_clear_error();
		n = SSL_read(v->conn->ssl, at, (int)(v->heard ? sizeof(rest) : sizeof(v->line) - v->len));
		if (n <= 0)
			return wait_on(v, n) || no_more(v);
		if (v->heard)
			continue;
		v->len += n;
		if (v->len < sizeof(v->line) && !memchr(at, '\n', n))
			continue;
		take_line(v);
		if (!heard(v))
			return false;
	}
	/* What OpenSSL has read ahead, no socket tells of. */
	event_active(v->io, EV_READ, 0);
	return wait_for(v, EV_READ);
}

static bool go_on(struct visit *v)
{
	int ret;

	if (!v->conn->up) {
		ERR_clear_error();
		ret = SSL_do_handshake(v->conn->ssl);
		if (ret != 1)
			return wait_on(v, ret);
		on_connected(v);
	}
	if (v->said && !v->ended)
		return say(v);
	return hear(v);
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	if (!go_on(arg))
		visit_free(arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct visit *v = arg;

	(void)fd;
	(void)what;
	if (v->said || !heard(v))
		visit_free(v);
}

/**
 * visit_accept - somebody comes to check in
 * @f: the front
 * @fd: the connection's socket; it is taken
 */
void visit_accept(struct front *f, int fd)
{
	struct visit *v = calloc(1, sizeof(*v));

	if (v) {
		v->io = event_new(f->base, fd, EV_READ | EV_PERSIST, on_io, v);
		v->timer = event_new(f->base, -1, 0, on_timer, v);
		v->conn = conn_new(f);
	}
	if (!v || !v->io || !v->timer || !v->conn || SSL_set_fd(v->conn->ssl, fd) != 1 ||
	    event_add(v->io, NULL)) {
		if (v && v->io)
			event_free(v->io);
		if (v && v->timer)
			event_free(v->timer);
		if (v && v->conn)
			SSL_free(v->conn->ssl);
		free(v);
		close(fd);
		return;
	}
	/* A flight of several records is read at once; nobody stays for long enough that buffers are worth freeing. */
	SSL_set_read_ahead(v->conn->ssl, 1);
	SSL_clear_mode(v->conn->ssl, SSL_MODE_RELEASE_BUFFERS);
	conn_admit(v->conn, fd);
}
