/* SPDX-License-Identifier: GPL-2.0 */
/* What the pages have in common. */
#ifndef CORDON_PAGE_IN_H
#define CORDON_PAGE_IN_H

#include "history/view.h"
#include "page/html.h"
#include "page/page.h"

#define PAGE_WORD	128	/* bytes of a word in a query */
#define PAGE_DAY	86400
#define PAGE_CERTIFICATE_SOON	(30 * PAGE_DAY)

/**
 * struct page - one that is being made
 * @o: its text
 * @h: the databases
 * @q: what was asked for
 * @status: how the gateway is
 * @err: of the databases; the page is none then
 * @n: rows so far, of the list that is being made
 */
struct page {
	struct html o;
	struct history *h;
	const struct page_request *q;
	struct view_status status;
	int err;
	int n;
};

/* page.c: the frame, and what stands on more than one page */
void page_begin(struct page *p, const char *title, const char *heading, const char *here);
void page_end(struct page *p);
int page_ok(struct page *p, int result);	/* remembers a failure of the databases */

/* query.c */
int page_query(const char *query, const char *name, char *out, size_t size);
int page_query_number(const char *query, const char *name, int64_t most, int64_t *out);
bool page_is_mac(const char *text);

/* each a page: 0; -ENOENT, there is no such thing; -EINVAL, the query is wrong */
int page_overview(struct page *p);
int page_devices(struct page *p);
int page_device(struct page *p, const char *mac);
int page_policy(struct page *p);
int page_events(struct page *p);
int page_firmware(struct page *p);

/* device_history.c: the lower half of a device's page */
void page_device_history(struct page *p, const struct view_device *d);

/* chart.c */
void page_charts(struct page *p, int64_t device, const char *mac, const char *span);
int page_chart_data(struct page *p, const char *mac);

/* events.c */
void page_event_head(struct page *p, const char *caption);
void page_event_row(struct page *p, const struct view_event *e);
void page_event_what(struct page *p, const struct view_event *e);

/* act.c */
void page_act(struct page *p, const char *mac, const char *verb, const char *label);
void page_acknowledge(struct page *p, int64_t episode);
void page_acknowledge_template(struct page *p);

/* assets.c */
int page_asset(const char *path, struct page_reply *out);
bool page_has_charts(void);

#endif
