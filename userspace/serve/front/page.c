// SPDX-License-Identifier: GPL-2.0
/*
 * What is no request, or too much of one, evhttp answers by itself, with a page of HTML. Devices get the
 * same status with a line of text, and the refusal is counted.
 */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "serve/front/front.h"

#define STATUS_LINE	13	/* "HTTP/1.1 400 " */

static const struct page {
	unsigned int status;
	const char *text;
	const char *why;
} pages[] = {
	{ 400, "Bad Request", "not a request of HTTP/1.1 (RFC 9112) with at most 16384 bytes of headers" },
	{ 413, "Content Too Large", "a body of more than 32768 bytes, or in chunks that are none" },
	{ 417, "Expectation Failed", "an expectation that is not 100-continue (RFC 9110, 10.1.1)" },
	{ 501, "Not Implemented", "no such method" },
};

static const struct page *find_page(unsigned int status)
{
	size_t i;

	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (pages[i].status == status)
			return &pages[i];
	return &pages[0];
}

/* Three digits; 0, that is no answer. */
static unsigned int status_at(struct evbuffer *out, size_t at)
{
	char line[STATUS_LINE + 1] = "";
	struct evbuffer_ptr pos;

	if (evbuffer_ptr_set(out, &pos, at, EVBUFFER_PTR_SET) ||
	    evbuffer_copyout_from(out, &pos, line, STATUS_LINE) <= 0 || strncmp(line, "HTTP/1.", 7))
		return 0;
	return strtoul(line + 9, NULL, 10);
}

/* All of evhttp's page is in the buffer by now, and nothing of it is written. */
static void replace(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct evbuffer *out = bufferevent_get_output(c->bev);
	const struct page *page;

	(void)fd;
	(void)what;
	if (!evbuffer_get_length(out))
		return;
	page = find_page(status_at(out, 0));
	conn_refused(c, SERVE_BAD_REQUEST, NULL, page->why);
	c->answering = true;
	evbuffer_drain(out, evbuffer_get_length(out));
	evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
			    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
			    page->status, page->text, strlen(page->why) + 1, page->why);
	evbuffer_pullup(out, -1);
	c->answering = false;
}

static void on_output(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *c = arg;
	unsigned int status;

	if (c->answering || c->page || !info->n_added)
		return;
	status = status_at(out, info->orig_size);
	if (status == 100)
		return;
	c->page = event_new(c->front->base, -1, 0, replace, c);
	if (c->page)
		event_active(c->page, 0, 0);
}

/**
 * page_watch - see to it that no page of evhttp's leaves by a connection
 * @c: the connection
 *
 * Return: false, no memory.
 */
bool page_watch(struct conn *c)
{
	return evbuffer_add_cb(bufferevent_get_output(c->bev), on_output, c);
}
