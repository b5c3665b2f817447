// SPDX-License-Identifier: GPL-2.0
/* What happened: anomalies, states, policies; on a page, and as it comes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/page_in.h"

/** page_event_head - begin a table of events; rows follow, and the ends of tbody, table and div */
void page_event_head(struct page *p, const char *caption)
{
	html(&p->o, "<div class=\"scroll\" role=\"region\" aria-label=\"%s\" tabindex=\"0\"><table class=\"events\"><caption>%s</caption>"
	     "<thead><tr><th scope=\"col\">When</th><th scope=\"col\">Who</th><th scope=\"col\">What</th>"
	     "<th scope=\"col\">Acknowledged</th></tr></thead><tbody>\n", caption, caption);
}

static void anomaly(struct page *p, const struct view_event *e)
{
	struct html *o = &p->o;

	html(o, "<strong><code>%s</code></strong>", e->kind);
	if (*e->source || *e->destination)
		html(o, " <code>%s</code> \xe2\x86\x92 <code>%s</code>", e->source, e->destination);
	if (e->protocol) {
		html(o, " ");
		html_service(o, e->protocol, e->dport);
	}
	if (*e->server)
		html(o, ", for <bdi>%s</bdi>", e->server);
	if (*e->tls)
		html(o, ", <bdi>%s</bdi>", e->tls);
	if (*e->interface)
		html(o, ", on <bdi>%s</bdi>", e->interface);
	if (*e->ports)
		html(o, ", not on <bdi>%s</bdi>", e->ports);
	html(o, "; ");
	html_count(o, e->count);
	html(o, e->count == 1 ? " time since " : " times since ");
	html_time(o, e->first);
	if (!strcmp(e->action, "quarantine"))
		html(o, "; the device was quarantined");
}

/* Lines as `cordonctl diff` prints them. */
static void policy(struct page *p, const struct view_event *e)
{
	const char *at = e->text, *end;
	struct html *o = &p->o;
	char line[512];
	int n;

	html(o, "policy generation %lld, mode %s", (long long)e->key, e->kind);
	if (*at)
		html(o, "<ul class=\"diff\">");
	for (n = 0; *at && n < 30; n++) {
		end = strchrnul(at, '\n');
		snprintf(line, sizeof(line), "%.*s", (int)(end - at < 500 ? end - at : 500), at);
		html(o, "<li><code>%s</code></li>", line);
		at = *end ? end + 1 : end;
	}
	if (*at)
		html(o, "<li>\xe2\x80\xa6</li>");
	if (n)
		html(o, "</ul>");
}

/** page_event_what - what happened, in a sentence */
void page_event_what(struct page *p, const struct view_event *e)
{
	if (!strcmp(e->what, "anomaly")) {
		anomaly(p, e);
	} else if (!strcmp(e->what, "state")) {
		html_state(&p->o, e->kind);
		html(&p->o, ", held in %s", e->segment);
		if (*e->text)
			html(&p->o, ": <bdi>%s</bdi>", e->text);
	} else {
		policy(p, e);
	}
}

static void acknowledged(struct page *p, const struct view_event *e)
{
	if (strcmp(e->what, "anomaly"))
		return;
	if (!e->acknowledged) {
		page_acknowledge(p, e->key);
		return;
	}
	html_time(&p->o, e->acknowledged);
	if (*e->acknowledged_by)
		html(&p->o, " by <bdi>%s</bdi>", e->acknowledged_by);
}

/** page_event_row - a row of a table of events; its key is the same when it is told again */
void page_event_row(struct page *p, const struct view_event *e)
{
	struct html *o = &p->o;

	html(o, "<tr data-key=\"%s-%lld-%lld\"><td>", e->what, (long long)e->key,
	     strcmp(e->what, "anomaly") ? (long long)e->at : 0LL);
	html_time(o, e->at);
	html(o, "</td><td>");
	if (*e->mac)
		html_device(o, e->mac, e->name);
	else if (*e->name)
		html(o, "<bdi>%s</bdi>", e->name);
	html(o, "</td><td>");
	page_event_what(p, e);
	html(o, "</td><td>");
	acknowledged(p, e);
	html(o, "</td></tr>\n");
}

/** struct seen - the last event of a list, and how many there were of its second */
struct seen {
	struct page *p;
	int64_t at;
	unsigned int n;
};

static void event_row(const void *row, void *ctx)
{
	const struct view_event *e = row;
	struct seen *seen = ctx;

	seen->n = seen->at == e->at ? seen->n + 1 : 1;
	seen->at = e->at;
	page_event_row(seen->p, e);
}

static void choose(struct page *p, const char *here)
{
	static const char * const kinds[][2] = {
		{ "", "all" }, { "anomaly", "anomalies" }, { "state", "states" }, { "policy", "policies" },
	};
	struct html *o = &p->o;
	size_t i;

	html(o, "<nav class=\"spans\" aria-label=\"Which events\"><ul>");
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		html(o, *kinds[i][0] ? "<li><a href=\"/events?what=%s\"" : "<li><a href=\"/events\"", kinds[i][0]);
		html(o, strcmp(here, kinds[i][0]) ? ">%s</a></li>" : " aria-current=\"true\">%s</a></li>", kinds[i][1]);
	}
	html(o, "</ul></nav>\n");
}

/** page_events - /events */
int page_events(struct page *p)
{
	int64_t at = p->q->now, skip = 0, known;
	struct seen seen = { .p = p };
	struct html *o = &p->o;
	char what[PAGE_WORD];
	int n;

	if (page_query(p->q->query, "what", what, sizeof(what)) || page_query_number(p->q->query, "at", INT64_MAX, &at) ||
	    page_query_number(p->q->query, "skip", 10000, &skip))
		return -EINVAL;
	page_begin(p, "Events", "Events", "/events");
	choose(p, what);
	if (!*what && at == p->q->now) {
		html(o, "<p id=\"live\" role=\"status\" data-since=\"%lld\" data-stream=\"" PAGE_EVENTS "\"></p>\n", (long long)at);
		page_acknowledge_template(p);
	}
	page_event_head(p, "Events, the newest first");
	n = page_ok(p, view_events(p->h, &(struct view_where){ .what = what, .at = at, .skip = (unsigned int)skip,
							       .limit = VIEW_PAGE }, event_row, &seen));
	if (!n)
		html(o, "<tr><td colspan=\"4\">none</td></tr>");
	html(o, "</tbody></table></div>\n");
	if (n == VIEW_PAGE) {
		known = seen.n + (seen.at == at ? skip : 0);
		html(o, "<nav class=\"pager\" aria-label=\"More events\"><ul><li><a rel=\"next\" href=\"/events?what=");
		html_url(o, what);
		html(o, "&amp;at=%lld&amp;skip=%lld\">Older</a></li></ul></nav>", (long long)seen.at, (long long)known);
	}
	page_end(p);
	return 0;
}

/** struct told - events as they are told to a reader that knows some */
struct told {
	struct page p;
	struct page_cursor *cursor, next;
	int64_t known;
};

static void tell(const void *row, void *ctx)
{
	const struct view_event *e = row;
	struct told *told = ctx;

	if (e->at == told->cursor->at)
		told->known++;
	told->next.n = told->next.at == e->at ? told->next.n + 1 : 1;
	told->next.at = e->at;
	html(&told->p.o, "id: %lld\nevent: row\ndata: ", (long long)e->at);
	page_event_row(&told->p, e);
	html(&told->p.o, "\n");
}

/**
 * page_events_since - what happened since a reader was told last, as text/event-stream
 * @h: the databases
 * @cursor: up to where it was told; moves on. At first, the reader's Last-Event-ID or since=, and 0.
 * @now: the time
 * @out: is filled; a @len of 0, nothing happened. Each event holds a row of a table, whose key is the same when it is
 *	told again: all of a second is, when there is more of it.
 *
 * Return: 0, or -errno with a sentence in @h->error.
 */
int page_events_since(struct history *h, struct page_cursor *cursor, time_t now, struct page_reply *out)
{
	struct page_request q = { .path = PAGE_EVENTS, .now = now };
	struct told told = { .p = { .h = h, .q = &q }, .cursor = cursor, .next = *cursor };
	int n = view_events_from(h, cursor->at, tell, &told);

	*out = (struct page_reply){ .status = 200, .type = "text/event-stream" };
	if (n < 0 || told.p.o.err) {
		free(told.p.o.body);
		return n < 0 ? n : told.p.o.err;
	}
	if (!n || (told.next.at == cursor->at && told.known == cursor->n)) {
		free(told.p.o.body);
		return 0;
	}
	*cursor = told.next;
	out->body = told.p.o.body;
	out->len = told.p.o.len;
	return 0;
}
