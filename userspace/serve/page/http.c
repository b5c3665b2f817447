// SPDX-License-Identifier: GPL-2.0
/* Requests of browsers: who may look is found out first, then the pages' library says what there is to see. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "page/page.h"
#include "serve/page/web.h"

/**
 * web_headers - what every answer says
 * @req: the request
 * @type: media type of the body
 */
void web_headers(struct evhttp_request *req, const char *type)
{
	static const struct {
		const char *name, *value;
	} fields[] = {
		{ "Content-Security-Policy", PAGE_CSP }, { "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "no-referrer" }, { "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cross-Origin-Embedder-Policy", "require-corp" }, { "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cache-Control", "no-store" },
	};
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	size_t i;

	evhttp_add_header(headers, "Content-Type", type);
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		evhttp_add_header(headers, fields[i].name, fields[i].value);
}

/* All of it is with the kernel. */
static void on_sent(struct evhttp_request *req, void *arg)
{
	struct web_conn *c = web_conn_of(arg, req);

	if (!c)
		return;
	c->asked = false;
	c->until = serve_clock() + WEB_IDLE;
}

/**
 * web_answer - answer a request
 * @c: its connection
 * @req: the request
 * @status: of HTTP
 * @type: media type of the body
 * @body: copied
 * @len: of @body
 */
void web_answer(struct web_conn *c, struct evhttp_request *req, unsigned int status, const char *type, const void *body,
		size_t len)
{
	struct evbuffer *out = evbuffer_new();
	char length[24];

	web_headers(req, type);
	snprintf(length, sizeof(length), "%zu", len);
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Length", length);
	if (out && evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
		evbuffer_add(out, body, len);
	c->until = serve_clock() + WEB_ANSWER;
	evhttp_request_set_on_complete_cb(req, on_sent, c->web);
	c->answering = true;
	evhttp_send_reply(req, (int)status, serve_status_text(status), out);
	c->answering = false;
	if (out)
		evbuffer_free(out);
}

/**
 * web_say - answer with a sentence
 * @c: the connection
 * @req: the request
 * @status: of HTTP
 * @why: the sentence
 */
void web_say(struct web_conn *c, struct evhttp_request *req, unsigned int status, const char *why)
{
	char text[SERVE_TEXT_LEN + 2];
	int len = snprintf(text, sizeof(text), "%.*s\n", SERVE_TEXT_LEN, why);

	if (status == 503)
		evhttp_add_header(evhttp_request_get_output_headers(req), "Retry-After", "10");
	web_answer(c, req, status, "text/plain; charset=utf-8", text, len);
}

/**
 * web_refuse - answer with a sentence, count and log it
 * @c: the connection
 * @req: the request
 * @status: of HTTP
 * @reason: counted
 * @why: the sentence
 */
void web_refuse(struct web_conn *c, struct evhttp_request *req, unsigned int status, enum serve_refused reason,
		const char *why)
{
	web_conn_refused(c, reason, why);
	web_say(c, req, status, why);
}

/**
 * web_history - the history as it is now
 * @w: the process
 *
 * Who writes it makes the file of how it is now anew at each start.
 *
 * Return: NULL, there is none; w->history.error says why.
 */
struct history *web_history(struct web *w)
{
	char path[SERVE_NAME_LEN + 16];
	struct stat now;

	snprintf(path, sizeof(path), "%s/" HISTORY_LIVE_FILE, w->config->history_live);
	if (stat(path, &now))
		memset(&now, 0, sizeof(now));
	if (w->history.db && (now.st_ino != w->live.st_ino || now.st_dev != w->live.st_dev))
		history_close(&w->history);
	if (!w->history.db) {
		w->live = now;
		if (history_open(&w->history, w->config->history, w->config->history_live))
			return NULL;
	}
	return &w->history;
}

static void send_page(struct web_conn *c, struct evhttp_request *req, const struct page_request *q)
{
	struct page_reply r = { .status = 0 };
	struct history *h;

	if (web_is_full(c->web)) {
		web_refuse(c, req, 503, SERVE_PAGE_CROWDED, "too much is on its way");
		return;
	}
	h = web_history(c->web);
	if (!h) {
		serve_log(LOG_ERR, "no history", "why", c->web->history.error, NULL);
		web_refuse(c, req, 503, SERVE_PAGE_HISTORY, "there is no history to show: does cordon-watch.service run?");
		return;
	}
	if (page_answer(h, q, &r) || r.status == 503) {
		serve_log(LOG_ERR, "no page", "path", q->path, "why", h->error, NULL);
		history_close(h);	/* and with the next request it is opened anew */
		web_refuse(c, req, 503, SERVE_PAGE_HISTORY, "the history cannot be read: see the log");
	} else {
		serve_count(&c->web->counters->accepted[SERVE_PAGE]);
		if (r.location)
			evhttp_add_header(evhttp_request_get_output_headers(req), "Location", r.location);
		web_answer(c, req, r.status, r.type ? r.type : "text/plain; charset=utf-8", r.body ? r.body : "", r.len);
	}
	free(r.body);
}

/* Whoever may look has asked for something. @operator: NULL, he may only look. */
static void show(struct web_conn *c, struct evhttp_request *req, const char *operator)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	struct page_request q = { .operator_name = operator, .now = time(NULL) };
	char token[WEB_TOKEN_LEN];

	q.path = evhttp_uri_get_path(uri);
	q.query = evhttp_uri_get_query(uri) ? evhttp_uri_get_query(uri) : "";
	if (evhttp_request_get_command(req) == EVHTTP_REQ_POST) {
		web_act(c->web, c, req, operator);
		return;
	}
	if (!strcmp(q.path, PAGE_EVENTS) && evhttp_request_get_command(req) == EVHTTP_REQ_GET) {
		web_stream_begin(c->web, c, req);
		return;
	}
	if (operator) {
		web_token(c->web, operator, c->serial, token);
		q.token = token;
	}
	send_page(c, req, &q);
	OPENSSL_cleanse(token, sizeof(token));
}

static void on_operator(struct web *w, void *arg, const struct serve_reply *r)
{
	struct evhttp_request *req = web_call_end(arg);
	struct web_conn *c = req ? web_conn_of(w, req) : NULL;

	if (!c)
		return;
	if (r->status == 200)
		show(c, req, r->device);
	else
		web_say(c, req, r->status, r->why);
}

/* An operator is asked for each time: what was revoked a moment ago is worth nothing now. */
static void admit(struct web_conn *c, struct evhttp_request *req)
{
	struct serve_request q = { .op = SERVE_OP_OPERATOR };
	int refused = web_look_at_certificate(c);

	if (refused == SERVE_PAGE_NO_CERTIFICATE && web_conn_from_loopback(c))
		show(c, req, NULL);
	else if (refused >= 0)
		web_refuse(c, req, 403, refused, c->why);
	else if (!web_call(c, req, &q, NULL, on_operator))
		web_refuse(c, req, 503, SERVE_PAGE_CROWDED, "too busy");
}

static void on_request(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	struct web_conn *c = web_conn_of(arg, req);

	if (!c) {
		evhttp_send_error(req, 500, NULL);
		return;
	}
	c->asked = c->served = true;
	c->blamed = false;
	c->until = serve_clock() + WEB_ANSWER;
	if (!serve_has_one_length(req)) {
		evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
		web_refuse(c, req, 400, SERVE_PAGE_REQUEST, "more than one Content-Length (RFC 9112, 6.3)");
	} else if (!web_host_is_ours(c->web, req, false)) {
		web_refuse(c, req, 421, SERVE_PAGE_HOST, "not a name of this server");
	} else if (!uri || !evhttp_uri_get_path(uri) || evhttp_uri_get_path(uri)[0] != '/') {
		web_refuse(c, req, 400, SERVE_PAGE_REQUEST, "no path");
	} else {
		admit(c, req);
	}
}

static struct evhttp *start(struct web *w, struct bufferevent *(*conn)(struct event_base *base, void *arg),
			    void (*request)(struct evhttp_request *req, void *arg), unsigned int methods)
{
	struct evhttp *http = evhttp_new(w->base);

	if (!http)
		return NULL;
	evhttp_set_bevcb(http, conn, w);
	evhttp_set_gencb(http, request, w);
	evhttp_set_max_body_size(http, WEB_BODY);
	evhttp_set_max_headers_size(http, WEB_HEADERS);
	/* Ours is the clock that counts: evhttp's begins anew with each byte. */
	evhttp_set_timeout(http, 2 * WEB_ANSWER);
	evhttp_set_allowed_methods(http, methods);
	return http;
}

/**
 * web_http_start - be ready for requests; the listeners are added by the caller
 * @w: the process
 *
 * Return: 0, or -1: no memory.
 */
int web_http_start(struct web *w)
{
	if (w->config->page.n) {
		w->http = start(w, web_conn_new, on_request, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
		if (!w->http)
			return -1;
	}
	if (!w->config->metrics.n)
		return 0;
	w->metrics = start(w, web_conn_plain, web_metrics, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	return w->metrics ? 0 : -1;
}
