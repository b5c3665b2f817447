// SPDX-License-Identifier: GPL-2.0
/* Which page a path means, and what stands around each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/page_in.h"

static const struct {
	const char *path, *title;
	int (*make)(struct page *p);
} pages[] = {
	{ "/", "Overview", page_overview }, { "/devices", "Devices", page_devices }, { "/policy", "Policy", page_policy },
	{ "/events", "Events", page_events }, { "/firmware", "Firmware", page_firmware },
};

#define N_PAGES (sizeof(pages) / sizeof(*pages))

int page_ok(struct page *p, int result)
{
	if (result < 0 && !p->err)
		p->err = result;
	return result;
}

/* What is shown is how it was; nobody may take it for how it is. */
static void say_age(struct page *p)
{
	int64_t age = p->q->now - p->status.sampled;

	if (!p->h)
		return;
	if (!p->status.sampled) {
		html(&p->o, "<p class=\"stale\" role=\"alert\">Nothing has been sampled yet: is cordon-watch running?</p>");
	} else if (age > PAGE_STALE) {
		html(&p->o, "<p class=\"stale\" role=\"alert\">The last sample is from ");
		html_time(&p->o, p->status.sampled);
		html(&p->o, ", ");
		html_ago(&p->o, p->status.sampled, p->q->now);
		html(&p->o, ": cordon-watch does not run. What is shown is how it was then.</p>");
	}
}

/**
 * page_begin - all that stands before what a page is about
 * @p: the page
 * @title: what the window is called
 * @heading: the page's; NULL, it writes its own
 * @here: its path
 */
void page_begin(struct page *p, const char *title, const char *heading, const char *here)
{
	struct html *o = &p->o;
	size_t i;

	html(o, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	     "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
	     "<title>%s \xe2\x80\x93 Cordon</title>\n<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n"
	     "<link rel=\"stylesheet\" href=\"/page.css\">\n", title);
	if (page_has_charts())
		html(o, "<link rel=\"stylesheet\" href=\"/js/dygraph.css\">\n<script src=\"/js/dygraph.js\" defer></script>\n");
	html(o, "<script src=\"/page.js\" defer></script>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
	     "<header><a class=\"brand\" href=\"/\">Cordon</a><nav aria-label=\"Pages\"><ul>");
	for (i = 0; i < N_PAGES; i++)
		html(o, strcmp(pages[i].path, here) ? "<li><a href=\"%s\">%s</a></li>" :
		     "<li><a href=\"%s\" aria-current=\"page\">%s</a></li>", pages[i].path, pages[i].title);
	html(o, "</ul></nav></header>\n<main id=\"main\" tabindex=\"-1\">\n");
	say_age(p);
	if (heading)
		html(o, "<h1>%s</h1>\n", heading);
}

/** page_end - all that stands after it */
void page_end(struct page *p)
{
	struct html *o = &p->o;
	time_t now = p->q->now;
	char zone[16] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(zone, sizeof(zone), "%Z", &tm);
	html(o, "\n</main>\n<footer><p>Made ");
	html_time(o, now);
	if (p->status.sampled) {
		html(o, ", from a sample of ");
		html_time(o, p->status.sampled);
	}
	html(o, ". Times are %s. ", zone);
	if (p->q->operator_name)
		html(o, "You are <bdi>%s</bdi>.", p->q->operator_name);
	else
		html(o, "You may look, and change nothing.");
	html(o, "</p></footer>\n</body>\n</html>\n");
}

static int give(struct page *p, int status, const char *type, struct page_reply *out)
{
	if (p->o.err) {
		free(p->o.body);
		return p->o.err;
	}
	*out = (struct page_reply){ .status = status, .type = type, .body = p->o.body, .len = p->o.len };
	return 0;
}

/**
 * page_error - a page that says what is wrong
 * @h: the databases; NULL, they could not be opened
 * @q: what was asked for
 * @status: of HTTP
 * @text: a sentence
 * @out: is filled
 *
 * Return: 0, or -errno: no memory.
 */
int page_error(struct history *h, const struct page_request *q, int status, const char *text, struct page_reply *out)
{
	struct page p = { .h = h, .q = q };
	const char *title = status == 400 ? "Not understood" : status == 403 ? "Not allowed" :
			    status == 404 ? "Not found" : "Not now";

	if (h)
		view_status(h, &p.status);
	page_begin(&p, title, title, "");
	html(&p.o, "<p class=\"error\">%s</p><p><a href=\"/\">Overview</a></p>", text);
	page_end(&p);
	return give(&p, status, "text/html; charset=utf-8", out);
}

/* The page of a path; -ENOENT, there is none. */
static int make(struct page *p, const char **type)
{
	const char *path = p->q->path;
	char mac[VIEW_MAC + 8];
	size_t i, len;

	for (i = 0; i < N_PAGES; i++)
		if (!strcmp(pages[i].path, path))
			return pages[i].make(p);
	if (!strncmp(path, "/device/", 8) && page_is_mac(path + 8))
		return page_device(p, path + 8);
	len = strlen(path);
	if (strncmp(path, "/data/device/", 13) || len != 13 + 17 + 5 || strcmp(path + 30, ".json"))
		return -ENOENT;
	snprintf(mac, sizeof(mac), "%.17s", path + 13);
	*type = "application/json";
	return page_is_mac(mac) ? page_chart_data(p, mac) : -ENOENT;
}

/**
 * page_answer - the page of a path
 * @h: the databases
 * @q: what is asked for
 * @out: is filled
 *
 * Return: 0, also for a page that says what is wrong; or -errno: no memory.
 */
int page_answer(struct history *h, const struct page_request *q, struct page_reply *out)
{
	const char *type = "text/html; charset=utf-8";
	struct page p = { .h = h, .q = q };
	int err;

	if (!page_asset(q->path, out))
		return out->body ? 0 : -ENOMEM;
	err = view_status(h, &p.status);
	if (!err)
		err = make(&p, &type);
	if (!err)
		err = p.err;
	if (!err)
		return give(&p, 200, type, out);
	free(p.o.body);
	if (err == -ENOENT)
		return page_error(h, q, 404, "There is no such page, or no such device.", out);
	if (err == -EINVAL || err == -E2BIG)
		return page_error(h, q, 400, "The address asks for something that is not there to ask for.", out);
	return page_error(NULL, q, 503, h->error, out);
}
