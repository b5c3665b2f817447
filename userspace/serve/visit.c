// SPDX-License-Identifier: GPL-2.0
/*
 * The plain check-in: the handshake is all that it takes. Then at most a line is read, or nothing for two
 * seconds, and one line is answered.
 */
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/front.h"

#define LINE_MAX_LEN	1024	/* bytes that are read */
#define LINE_WAIT	2	/* seconds that are waited for them */
#define LINGER		1	/* seconds for the other end to close */

/**
 * struct visit - one check-in
 * @conn: its connection
 * @timer: how long is waited for the line, then for the end
 * @waiting: for agent's answer, or NULL
 * @serial: of the certificate
 * @answer: what is to be said, or empty
 * @granted: @answer is that the lease is there
 * @heard: the line is there, or is no longer waited for
 * @said: the answer is on its way
 * @ended: all of it
 */
struct visit {
	struct conn *conn;
	struct event *timer;
	struct waiting *waiting;
	uint8_t serial[PKI_SERIAL_LEN];
	char answer[SERVE_TEXT_LEN + 16];
	char firmware[SERVE_FIRMWARE_LEN];
	bool granted;
	bool heard;
	bool said;
	bool ended;
};

static void visit_free(struct visit *v)
{
	if (v->waiting)
		v->waiting->arg = NULL;
	event_free(v->timer);
	bufferevent_free(v->conn->bev);
	free(v);
}

static void tell_firmware(struct visit *v)
{
	struct serve_request q = { .op = SERVE_OP_FIRMWARE };

	memcpy(q.serial, v->serial, sizeof(q.serial));
	strcpy(q.firmware, v->firmware);
	front_tell(v->conn->front, &q);
}

/* All is written: say that it was all, and wait for the other end to go first. */
static void end_answer(struct visit *v)
{
	v->ended = true;
	SSL_shutdown(bufferevent_openssl_get_ssl(v->conn->bev));
	shutdown(v->conn->fd, SHUT_WR);
}

static void say(struct visit *v)
{
	SSL *ssl = bufferevent_openssl_get_ssl(v->conn->bev);
	const struct timeval now = { LINGER, 0 };
	int len = (int)strlen(v->answer), one = 1;

	if (v->said || !v->heard || !v->answer[0])
		return;
	v->said = true;
	if (v->granted && v->firmware[0])
		tell_firmware(v);
	v->conn->busy = false;
	conn_extend(v->conn);
	event_add(v->timer, &now);
	/* In one segment with what ends the connection. There is nearly always room; else the loop does it. */
	setsockopt(v->conn->fd, IPPROTO_TCP, TCP_CORK, &one, sizeof(one));
	if (SSL_write(ssl, v->answer, len) == len) {
		end_answer(v);
		return;
	}
	ERR_clear_error();
	bufferevent_write(v->conn->bev, v->answer, len);
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
	say(v);
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
static void take_line(struct visit *v, const char *line)
{
	size_t n = strcspn(line, "\r\n");

	if (strncmp(line, "firmware ", 9) || n - 9 >= sizeof(v->firmware))
		return;
	memcpy(v->firmware, line + 9, n - 9);
	v->firmware[n - 9] = 0;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	char line[LINE_MAX_LEN + 1];
	struct visit *v = arg;
	ssize_t n;

	if (v->heard) {
		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	n = evbuffer_copyout(in, line, LINE_MAX_LEN);
	if (n < 0)
		n = 0;
	line[n] = 0;
	if (n < LINE_MAX_LEN && !memchr(line, '\n', n))
		return;
	take_line(v, line);
	evbuffer_drain(in, evbuffer_get_length(in));
	v->heard = true;
	say(v);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct visit *v = arg;

	(void)bev;
	if (v->said && !v->ended)
		end_answer(v);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct visit *v = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		on_connected(v);
	} else if (what & BEV_EVENT_EOF && (v->waiting || v->answer[0]) && !v->said) {
		/* It says no more, but may still listen; the lease is granted all the same. */
		v->heard = true;
		say(v);
	} else {
		visit_free(v);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct visit *v = arg;

	(void)fd;
	(void)what;
	if (v->said) {
		visit_free(v);
		return;
	}
	v->heard = true;
	say(v);
}

/**
 * visit_accept - somebody comes to check in
 * @f: the front
 * @fd: the connection's socket; it is taken
 */
void visit_accept(struct front *f, int fd)
{
	struct visit *v = calloc(1, sizeof(*v));

	if (v)
		v->timer = event_new(f->base, -1, 0, on_timer, v);
	if (v && v->timer)
		v->conn = conn_new(f, fd);
	if (!v || !v->conn) {
		if (v && v->timer)
			event_free(v->timer);
		free(v);
		close(fd);
		return;
	}
	bufferevent_setcb(v->conn->bev, on_read, on_written, on_event, v);
	bufferevent_setwatermark(v->conn->bev, EV_READ, 0, 2 * LINE_MAX_LEN);
	bufferevent_enable(v->conn->bev, EV_READ | EV_WRITE);
}
