// SPDX-License-Identifier: GPL-2.0
/*
 * What is no request, or too much of one, evhttp answers by itself, with a page of HTML. Browsers get the same status with a
 * line of text, and the refusal is counted.
 */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "serve/page/web.h"

#define STATUS_LINE	13	/* "HTTP/1.1 400 " */

static const char *reason(unsigned int status)
{
	return status == 413 ? "a body of more than 4096 bytes, or in chunks that are none" :
	       status == 417 ? "an expectation that is not 100-continue (RFC 9110, 10.1.1)" :
	       status == 501 ? "no such method" :
	       "not a request of HTTP/1.1 (RFC 9112) with at most 8192 bytes of headers";
}

/* Three digits; 0, that is no answer. */
static unsigned int status_at(struct evbuffer *out, size_t at)
{
	char line[STATUS_LINE + 1] = "";
	struct evbuffer_ptr pos;

	if (evbuffer_ptr_set(out, &pos, at, EVBUFFER_PTR_SET) ||
	    evbuffer_copyout_from(out, &pos, line, STATUS_LINE) <= 0 || strncmp(line, "HTTP/1.", 7) != 0)
		return 0;
	return strtoul(line + 9, NULL, 10);
}

/* All of evhttp's page is in the buffer by now, and nothing of it is written. */
static void replace(struct web_conn *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	unsigned int status = status_at(out, 0);
	const char *why = reason(status);

	c->foreign = false;
	if (!status || c->cut)
		return;
	web_conn_refused(c, SERVE_PAGE_REQUEST, why);
	c->answering = true;
	evbuffer_drain(out, evbuffer_get_length(out));
	evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
			    "Cache-Control: no-store\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n", status,
			    serve_status_text(status), strlen(why) + 1, why);
	c->answering = false;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct web *w = arg;
	struct web_conn *c;

	(void)fd;
	(void)what;
	TAILQ_FOREACH(c, &w->conns, link)
		if (c->foreign)
			replace(c);
}

static void on_output(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	const struct timeval at_once = { 0, 0 };
	struct web_conn *c = arg;
	unsigned int status;

	if (c->answering || c->foreign || !info->n_added)
		return;
	status = status_at(out, info->orig_size);
	if (status < 400)
		return;
	c->foreign = true;
	event_base_once(c->web->base, -1, EV_TIMEOUT, on_turn, c->web, &at_once);
}

/**
 * web_watch_errors - see to it that no page of evhttp's leaves by a connection
 * @c: the connection
 *
 * Return: false, no memory.
 */
bool web_watch_errors(struct web_conn *c)
{
	return evbuffer_add_cb(bufferevent_get_output(c->bev), on_output, c);
}
