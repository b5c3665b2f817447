// SPDX-License-Identifier: GPL-2.0
/*
 * Events as they come (server-sent events, HTML Living Standard 9.2). A stream ends after a minute; the browser comes
 * again with the last number that it has, and is looked at anew: so a certificate that was revoked ends it, too.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "page/page.h"
#include "serve/page/web.h"

/**
 * struct web_stream - a stream
 * @link: of all
 * @web: whose
 * @req: the request
 * @peer: address of its connection
 * @cursor: up to where its other end was told
 * @until: when it ends
 * @beat: when a comment is due
 */
struct web_stream {
	TAILQ_ENTRY(web_stream) link;
	struct web *web;
	struct evhttp_request *req;
	uint8_t peer[16];
	struct page_cursor cursor;
	time_t until;
	time_t beat;
};

static void forget(struct web_stream *s)
{
	TAILQ_REMOVE(&s->web->streams, s, link);
	s->web->n_streams--;
	free(s);
}

/* A request whose connection broke is nobody's but ours. */
static void on_gone(struct evhttp_connection *evcon, void *arg)
{
	struct web_stream *s = arg;

	(void)evcon;
	if (!evhttp_request_get_connection(s->req))
		evhttp_request_free(s->req);
	forget(s);
}

static void end(struct web_stream *s)
{
	struct web_conn *c = web_conn_of(s->web, s->req);

	evhttp_connection_set_closecb(evhttp_request_get_connection(s->req), NULL, NULL);
	if (c) {
		c->asked = false;
		c->until = serve_clock() + WEB_IDLE;
	}
	evhttp_send_reply_end(s->req);
	forget(s);
}

static void send_text(struct web_stream *s, const void *text, size_t len)
{
	struct evbuffer *out = evbuffer_new();

	if (out && !evbuffer_add(out, text, len))
		evhttp_send_reply_chunk(s->req, out);
	if (out)
		evbuffer_free(out);
	s->beat = serve_clock() + WEB_HEARTBEAT;
}

/* What the other end has not taken is in memory. */
static bool is_behind(const struct web_stream *s)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(s->req));

	return evbuffer_get_length(bufferevent_get_output(bev)) > WEB_STREAM_BEHIND;
}

static void go_on(struct web_stream *s, struct history *h)
{
	struct web_conn *c = web_conn_of(s->web, s->req);
	struct page_reply r = { .status = 0 };

	if (c && !c->cut && is_behind(s)) {
		web_conn_refused(c, SERVE_PAGE_TIMEOUT, "events are not taken");
		web_conn_cut(c);
		return;
	}
	if (h && page_events_since(h, &s->cursor, time(NULL), &r))
		serve_log(LOG_ERR, "no events", "why", h->error, NULL);
	if (r.body && r.len)
		send_text(s, r.body, r.len);
	else if (serve_clock() >= s->beat)
		send_text(s, ":\n\n", 3);
	free(r.body);
}

/**
 * web_streams_tick - once a second: what has happened, to all streams
 * @w: the process
 */
void web_streams_tick(struct web *w)
{
	struct history *h = w->n_streams ? web_history(w) : NULL;
	struct web_stream *s, *next;

	for (s = TAILQ_FIRST(&w->streams); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (serve_clock() >= s->until)
			end(s);
		else
			go_on(s, h);
	}
}

static bool is_crowded(const struct web *w, const struct web_conn *c)
{
	const struct web_stream *s;
	size_t same = 0;

	TAILQ_FOREACH(s, &w->streams, link)
		same += !memcmp(s->peer, c->peer, sizeof(c->peer));
	return w->n_streams >= WEB_STREAMS || same >= WEB_STREAMS_PER_PEER;
}

/* Up to where the other end knows: by Last-Event-ID where it comes again, or by its page, ?since=; else up to now. */
static int64_t known_until(struct evhttp_request *req)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));
	const char *text = evhttp_find_header(evhttp_request_get_input_headers(req), "Last-Event-ID");
	time_t now = time(NULL);
	long long at = -1;
	char *end;

	if (!text && query && !strncmp(query, "since=", 6))
		text = query + 6;
	errno = 0;
	if (text)
		at = strtoll(text, &end, 10);
	return !text || *end || end == text || errno || at < 0 || at > now ? now : at;
}

/**
 * web_stream_begin - send events from now on
 * @w: the process
 * @c: the connection
 * @req: the request, answered if that cannot be
 */
void web_stream_begin(struct web *w, struct web_conn *c, struct evhttp_request *req)
{
	static const char begin[] = "retry: 1000\n\n";
	struct web_stream *s = NULL;

	if (!is_crowded(w, c))
		s = calloc(1, sizeof(*s));
	if (!s) {
		web_refuse(c, req, 503, SERVE_PAGE_CROWDED, "too many streams of events");
		return;
	}
	s->web = w;
	s->req = req;
	s->cursor.at = known_until(req);
	s->until = serve_clock() + WEB_STREAM_LIFE;
	memcpy(s->peer, c->peer, sizeof(s->peer));
	TAILQ_INSERT_TAIL(&w->streams, s, link);
	w->n_streams++;
	c->until = s->until + WEB_ANSWER;
	serve_count(&w->counters->accepted[SERVE_PAGE_STREAM]);
	web_headers(req, "text/event-stream");
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_gone, s);
	evhttp_send_reply_start(req, 200, "OK");
	send_text(s, begin, sizeof(begin) - 1);
}
