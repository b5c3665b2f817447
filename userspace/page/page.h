/* SPDX-License-Identifier: GPL-2.0 */
/* What the pages say, out of the history: a stand-in of one page, until they are here. */
#ifndef CORDON_PAGE_H
#define CORDON_PAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "history/history.h"

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

/* Of the events after @since: text/event-stream in @text, which is malloced, or NULL; @last: the newest. */
static inline int page_events_since(struct history *h, long long since, char **text, size_t *len, long long *last)
{
	(void)h;
	*text = NULL;
	*len = 0;
	*last = since;
	return 0;
}

#endif
