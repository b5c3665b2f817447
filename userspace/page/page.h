/* SPDX-License-Identifier: GPL-2.0 */
/* What the pages say, out of the history: a stand-in of one page, until they are here. */
#ifndef CORDON_PAGE_H
#define CORDON_PAGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "history/history.h"

#define PAGE_DYGRAPHS	"/usr/share/javascript/dygraphs"
#define PAGE_EVENTS	"/events/stream"

struct page_request {
	const char *path;
	const char *query;
	const char *operator_name;	/* NULL: may only look */
	const char *token;		/* for forms that act, of this operator; NULL */
	time_t now;
};

struct page_reply {
	int status;
	const char *type;
	char *body;	/* malloced */
	size_t len;
	const char *location;
};

struct page_cursor {
	int64_t at;
	int64_t n;
};

static inline int page_answer(struct history *h, const struct page_request *q, struct page_reply *out)
{
	int len;

	(void)h;
	memset(out, 0, sizeof(*out));
	out->status = strcmp(q->path, "/") && strncmp(q->path, "/device/", 8) ? 404 : 200;
	out->type = "text/html; charset=utf-8";
	len = asprintf(&out->body, "<!DOCTYPE html>\n<title>Cordon</title>\n<p>operator: %s\n<input name=\"token\" value=\"%s\">\n",
		       q->operator_name ? q->operator_name : "-", q->token ? q->token : "-");
	out->len = len > 0 ? len : 0;
	return len > 0 ? 0 : -12;
}

/* text/event-stream in @out; a length of 0: nothing has happened. */
static inline int page_events_since(struct history *h, struct page_cursor *cursor, time_t now, struct page_reply *out)
{
	int len;

	(void)h;
	memset(out, 0, sizeof(*out));
	if (cursor->at >= now)
		return 0;
	cursor->at = now;
	len = asprintf(&out->body, "id: %lld\nevent: row\ndata: <tr>\n\n", (long long)now);
	out->len = len > 0 ? len : 0;
	return len > 0 ? 0 : -12;
}

static inline int page_assets_load(const char *dir)
{
	(void)dir;
	return 0;
}

#endif
