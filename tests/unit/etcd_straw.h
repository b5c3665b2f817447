/* SPDX-License-Identifier: GPL-2.0 */
/* etcd of straw, which says what a test has told it, and clients of it: for tests of etcd's client. */
#ifndef ETCD_STRAW_H
#define ETCD_STRAW_H

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>

#include "device/base64.h"
#include "etcd/internal.h"

#define TURNS	32
#define OWN	"\"header\":{\"cluster_id\":\"14841639068965178418\",\"member_id\":\"1\",\"revision\":\"%d\",\"raft_term\":\"2\"}"

enum how { ANSWER, TRICKLE, STREAM, CUT, HANG, STALL };

/*
 * What the server does next: with a request that has @wants in it, if not NULL; else it is a fault. STALL: with all
 * requests that have it, which get an answer that lacks its last byte.
 */
struct turn {
	enum how how;
	int status;
	const char *wants;
	char *body;
};

struct guest {
	struct bufferevent *bev;
	struct evbuffer *left;
	struct event *timer;
	LIST_ENTRY(guest) entry;
};

static LIST_HEAD(, guest) guests = LIST_HEAD_INITIALIZER(guests);
static struct event_base *base;
static struct turn turns[TURNS];
static size_t n_turns, turn;
static unsigned int requests, unwanted;
static char url[64], nobody[64];

static void guest_free(struct guest *g)
{
	LIST_REMOVE(g, entry);
	event_free(g->timer);
	evbuffer_free(g->left);
	bufferevent_free(g->bev);
	free(g);
}

/* One byte, and the next in a moment. */
static void trickle(evutil_socket_t fd, short what, void *arg)
{
	struct guest *g = arg;

	(void)fd;
	(void)what;
	evbuffer_remove_buffer(g->left, bufferevent_get_output(g->bev), 1);
	if (evbuffer_get_length(g->left))
		event_active(g->timer, EV_TIMEOUT, 1);
}

static void serve(struct guest *g, const char *request)
{
	struct evbuffer *out = bufferevent_get_output(g->bev);
	struct turn *t;

	requests++;
	if (turn < n_turns && turns[turn].how == STALL && !strstr(request, turns[turn].wants))
		turn++;
	t = &turns[turn];
	if (turn >= n_turns) {
		printf("# unforeseen: %s\n", request);
		unwanted++;
		return;
	}
	turn += t->how != STALL;
	if (t->wants && !strstr(request, t->wants)) {
		printf("# not as wanted (%s): %s\n", t->wants, request);
		unwanted++;
	}
	if (t->how == HANG)
		return;
	if (t->how == CUT) {
		guest_free(g);
		return;
	}
	if (t->how == TRICKLE)
		out = g->left;
	evbuffer_add_printf(out, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n", t->status);
	if (t->how == ANSWER || t->how == STALL)
		evbuffer_add_printf(out, "Content-Length: %zu\r\n", strlen(t->body) + (t->how == STALL));
	evbuffer_add_printf(out, "\r\n%s", t->body);
	if (t->how == TRICKLE)
		trickle(-1, 0, g);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	char *text = (char *)evbuffer_pullup(in, -1), *end, *length;
	size_t n = evbuffer_get_length(in);
	static char request[8192];

	if (n >= sizeof(request))
		abort();
	memcpy(request, text, n);
	request[n] = 0;
	end = strstr(request, "\r\n\r\n");
	length = strstr(request, "Content-Length: ");
	if (!end || !length || n < (size_t)(end + 4 - request) + strtoul(length + 16, NULL, 10))
		return;
	evbuffer_drain(in, n);
	serve(arg, request);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		guest_free(arg);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int len, void *arg)
{
	struct guest *g = calloc(1, sizeof(*g));

	(void)l;
	(void)a;
	(void)len;
	(void)arg;
	if (!g)
		abort();
	g->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	g->left = evbuffer_new();
	g->timer = event_new(base, -1, 0, trickle, g);
	LIST_INSERT_HEAD(&guests, g, entry);
	bufferevent_setcb(g->bev, on_read, NULL, on_event, g);
	bufferevent_enable(g->bev, EV_READ | EV_WRITE);
}

/* A server, and a port at which there is none. */
static struct evconnlistener *listen_at_loopback(char at[64])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	struct evconnlistener *l;

	l = evconnlistener_new_bind(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
				    (struct sockaddr *)&a, sizeof(a));
	if (!l || getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&a, &len))
		abort();
	snprintf(at, 64, "http://127.0.0.1:%d", ntohs(a.sin_port));
	return l;
}

__attribute__((format(printf, 4, 5)))
static void expect(enum how how, int status, const char *wants, const char *fmt, ...)
{
	struct turn *t = &turns[n_turns++];
	va_list args;

	va_start(args, fmt);
	t->how = how;
	t->status = status;
	t->wants = wants;
	if (n_turns > TURNS || vasprintf(&t->body, fmt, args) < 0)
		abort();
	va_end(args);
}

static void begin(void)
{
	for (turn = 0; turn < n_turns; turn++)
		free(turns[turn].body);
	turn = n_turns = requests = unwanted = 0;
}

/* All that was foreseen was asked, and nothing else. */
static bool all_asked(void)
{
	if (turn != n_turns)
		printf("# %zu of %zu asked\n", turn, n_turns);
	return turn == n_turns && !unwanted;
}

static bool until(const bool *done, int ms)
{
	int64_t end = now_ms() + ms;
	struct timeval t = { .tv_usec = 5000 };

	while (!*done && now_ms() < end) {
		event_base_loopexit(base, &t);
		event_base_dispatch(base);
	}
	return *done;
}

static void pass(int ms)
{
	bool never = false;

	until(&never, ms);
}

static struct etcd *client_of(const struct etcd_config *c)
{
	char why[ETCD_WHY];
	struct etcd *e = etcd_new(base, c, why, sizeof(why));

	if (!e) {
		printf("# %s\n", why);
		abort();
	}
	return e;
}

static struct etcd *client(void)
{
	struct etcd_endpoint at = { .url = url };
	struct etcd_config c = { .endpoints = &at, .n = 1, .prefix = "c/", .timeout = 600, .backoff_min = 20,
				 .backoff_max = 40, .answer = 4096, .rate = 1000 };

	return client_of(&c);
}

/* A key in etcd's JSON; in a buffer that is used again soon. */
static const char *kv(const char *key, int revision, const char *value)
{
	static char text[16][256];
	static unsigned int next;
	char *k = base64_encode(key, strlen(key)), *v = base64_encode(value, strlen(value)), *out = text[next++ % 16];

	snprintf(out, sizeof(text[0]), "{\"key\":\"%s\",\"create_revision\":\"1\",\"mod_revision\":\"%d\",\"version\":\"1\","
		 "\"value\":\"%s\"}", k, revision, v);
	free(k);
	free(v);
	return out;
}

static struct evconnlistener *server;

static void set_up(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	base = event_base_new();
	server = listen_at_loopback(url);
	evconnlistener_free(listen_at_loopback(nobody));
}

static void hang_up_all(void)
{
	while (!LIST_EMPTY(&guests))
		guest_free(LIST_FIRST(&guests));
}

static void tear_down(void)
{
	begin();
	hang_up_all();
	evconnlistener_free(server);
	event_base_free(base);
	curl_global_cleanup();
}

#endif
