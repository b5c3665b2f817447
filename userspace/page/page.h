/* SPDX-License-Identifier: GPL-2.0 */
/* Pages about the gateway and its devices, made from its history. */
#ifndef CORDON_PAGE_H
#define CORDON_PAGE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "history/history.h"

#define PAGE_DYGRAPHS	"/usr/share/javascript/dygraphs"	/* of libjs-dygraphs */
#define PAGE_STALE	60	/* seconds after which a sample's age is said on every page */
#define PAGE_EVENTS	"/events/stream"	/* who serves pages answers it, with page_events_since() */

/* What every answer says of what a browser may do with it; only what comes from here, and nothing inline. */
#define PAGE_CSP \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " \
	"frame-ancestors 'none'; base-uri 'none'"

/**
 * struct page_request - what is asked for
 * @path: without what follows a '?'
 * @query: that, as it was sent; or NULL
 * @operator_name: who asks; NULL, somebody who may only look
 * @token: of this operator, for forms that act; NULL, there are none
 * @now: the time
 */
struct page_request {
	const char *path;
	const char *query;
	const char *operator_name;
	const char *token;
	time_t now;
};

/**
 * struct page_reply - the answer
 * @status: of HTTP
 * @type: content type
 * @body: free() it
 * @len: of @body
 * @location: where else to look, with a status of 301; or NULL
 */
struct page_reply {
	int status;
	const char *type;
	char *body;
	size_t len;
	const char *location;
};

/**
 * struct page_cursor - up to where a reader of events has been told
 * @at: all before this second; what an event's id: says
 * @n: and so many of this second
 */
struct page_cursor {
	int64_t at;
	int64_t n;
};

/* page.c */
int page_answer(struct history *h, const struct page_request *q, struct page_reply *out);
int page_error(struct history *h, const struct page_request *q, int status, const char *text, struct page_reply *out);

/* events.c */
int page_events_since(struct history *h, struct page_cursor *cursor, time_t now, struct page_reply *out);

/* assets.c */
int page_assets_load(const char *dir);
void page_assets_unload(void);

#endif
