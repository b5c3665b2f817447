// SPDX-License-Identifier: GPL-2.0
/*
 * page-server DIR LIVE_DIR [OPERATOR]: serve the pages on the loopback, for a browser that tests them; says its port.
 * What the real server does about who may ask is not here. It prints a line for each act and each report of a browser.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/page.h"

static struct history history;
static const char *operator_name;

/** struct stream - a reader of events */
struct stream {
	struct evhttp_request *req;
	struct event *timer;
	struct page_cursor cursor;
};

static void headers(struct evhttp_request *req, const char *type)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);

	evhttp_add_header(out, "Content-Type", type);
	evhttp_add_header(out, "Content-Security-Policy", PAGE_CSP "; report-uri /csp");
	evhttp_add_header(out, "Referrer-Policy", "no-referrer");
	evhttp_add_header(out, "Cross-Origin-Opener-Policy", "same-origin");
	evhttp_add_header(out, "Cross-Origin-Embedder-Policy", "require-corp");
	evhttp_add_header(out, "Cross-Origin-Resource-Policy", "same-origin");
	evhttp_add_header(out, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(out, "Cache-Control", "no-store");
}

static void more(evutil_socket_t fd, short what, void *arg)
{
	struct evbuffer *buf = evbuffer_new();
	struct stream *s = arg;
	struct page_reply reply;

	(void)fd;
	(void)what;
	if (buf && !page_events_since(&history, &s->cursor, time(NULL), &reply) && reply.len) {
		evbuffer_add(buf, reply.body, reply.len);
		evhttp_send_reply_chunk(s->req, buf);
		free(reply.body);
	}
	evbuffer_free(buf);
}

static void gone(struct evhttp_connection *c, void *arg)
{
	struct stream *s = arg;

	(void)c;
	event_free(s->timer);
	free(s);
}

static void stream(struct evhttp_request *req, const char *query)
{
	struct evhttp_connection *c = evhttp_request_get_connection(req);
	struct timeval often = { .tv_usec = 100000 };
	struct stream *s = calloc(1, sizeof(*s));
	const char *since = query ? strstr(query, "since=") : NULL;

	if (!s)
		abort();
	s->req = req;
	s->cursor.at = since ? atoll(since + 6) : 0;
	s->timer = event_new(evhttp_connection_get_base(c), -1, EV_PERSIST, more, s);
	evhttp_connection_set_closecb(c, gone, s);
	headers(req, "text/event-stream");
	evhttp_send_reply_start(req, 200, "OK");
	event_add(s->timer, &often);
}

static void act(struct evhttp_request *req, const char *path)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);

	printf("POST %s %.*s\n", path, (int)len, len ? (const char *)evbuffer_pullup(in, -1) : "");
	fflush(stdout);
	evhttp_add_header(evhttp_request_get_output_headers(req), "Location", "/");
	evhttp_send_reply(req, strcmp(path, "/csp") ? 303 : 204, "OK", NULL);
}

static void answer(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	struct page_request q = {
		.path = evhttp_uri_get_path(uri), .query = evhttp_uri_get_query(uri), .operator_name = operator_name,
		.token = operator_name ? "token-of-a-test" : NULL, .now = time(NULL),
	};
	struct page_reply reply;
	struct evbuffer *buf;

	(void)arg;
	if (evhttp_request_get_command(req) == EVHTTP_REQ_POST) {
		act(req, q.path);
		return;
	}
	if (!strcmp(q.path, PAGE_EVENTS)) {
		stream(req, q.query);
		return;
	}
	buf = evbuffer_new();
	if (!buf || page_answer(&history, &q, &reply))
		abort();
	headers(req, reply.type);
	evbuffer_add(buf, reply.body, reply.len);
	free(reply.body);
	evhttp_send_reply(req, reply.status, reply.status == 200 ? "OK" : "Not OK", buf);
	evbuffer_free(buf);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = evhttp_new(base);
	struct evhttp_bound_socket *bound;
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	if (argc < 3 || !http) {
		fprintf(stderr, "usage: page-server DIR LIVE_DIR [OPERATOR]\n");
		return 2;
	}
	operator_name = argc > 3 ? argv[3] : NULL;
	if (history_open(&history, argv[1], argv[2])) {
		fprintf(stderr, "page-server: %s\n", history.error);
		return 1;
	}
	page_assets_load(getenv("DYGRAPHS") ? getenv("DYGRAPHS") : PAGE_DYGRAPHS);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_gencb(http, answer, NULL);
	bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (!bound || getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &len))
		return 1;
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return event_base_dispatch(base);
}
