// SPDX-License-Identifier: GPL-2.0
/* All devices: searched, filtered, sorted, a page at a time. */
#include <errno.h>
#include <string.h>

#include "page/page_in.h"

/** struct look - what of the devices is looked at */
struct look {
	struct view_filter filter;
	char text[PAGE_WORD], state[PAGE_WORD], segment[PAGE_WORD], sort[PAGE_WORD], order[PAGE_WORD];
	int64_t page, total;
};

static const struct {
	const char *sort, *label;
	bool number;
} columns[] = {
	{ "name", "Name", false }, { "state", "State", false }, { "segment", "Segment", false },
	{ NULL, "Addresses", false }, { NULL, "Model", false }, { "last", "Last seen", false },
	{ "denied", "Denied", true }, { "anomalies", "Anomalies", true },
};

#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

static int read_look(const char *query, struct look *l)
{
	memset(l, 0, sizeof(*l));
	if (page_query(query, "q", l->text, sizeof(l->text)) || page_query(query, "state", l->state, sizeof(l->state)) ||
	    page_query(query, "segment", l->segment, sizeof(l->segment)) ||
	    page_query(query, "sort", l->sort, sizeof(l->sort)) || page_query(query, "order", l->order, sizeof(l->order)) ||
	    page_query_number(query, "page", 1000000, &l->page))
		return -EINVAL;
	l->filter = (struct view_filter){
		.text = l->text, .state = l->state, .segment = l->segment, .sort = l->sort,
		.descending = !strcmp(l->order, "desc"), .page = (unsigned int)(l->page > 0 ? l->page - 1 : 0),
	};
	return 0;
}

/* The address of this page with another order, or another page of it. */
static void address(struct html *o, const struct look *l, const char *sort, const char *order, int64_t page)
{
	html(o, "/devices?q=");
	html_url(o, l->text);
	html(o, "&amp;state=");
	html_url(o, l->state);
	html(o, "&amp;segment=");
	html_url(o, l->segment);
	html(o, "&amp;sort=");
	html_url(o, sort);
	html(o, "&amp;order=%s", order);
	if (page > 1)
		html(o, "&amp;page=%lld", (long long)page);
}

/** struct choice - a <select> that is being made; @chosen: its value */
struct choice {
	struct page *p;
	const char *chosen;
	bool found;
};

static void option(const void *row, void *ctx)
{
	const struct view_count *c = row;
	struct choice *choice = ctx;
	bool chosen = !strcmp(c->word, choice->chosen);

	html(&choice->p->o, chosen ? "<option selected>%s</option>" : "<option>%s</option>", c->word);
	choice->found |= chosen;
}

static void choose(struct page *p, const char *name, const char *label, const char *chosen,
		   int (*each)(struct history *, view_fn *, void *))
{
	struct choice choice = { .p = p, .chosen = chosen };

	html(&p->o, "<label>%s <select name=\"%s\"><option value=\"\">all</option>", label, name);
	page_ok(p, each(p->h, option, &choice));
	if (*chosen && !choice.found)
		html(&p->o, "<option selected>%s</option>", chosen);
	html(&p->o, "</select></label> ");
}

static void form(struct page *p, const struct look *l)
{
	struct html *o = &p->o;

	html(o, "<form class=\"filter\" role=\"search\" action=\"/devices\" method=\"get\"><label>Search "
	     "<input type=\"search\" name=\"q\" maxlength=\"100\" value=\"%s\" placeholder=\"name, address, MAC, model\"></label> ",
	     l->text);
	choose(p, "state", "State", l->state, view_states);
	choose(p, "segment", "Segment", l->segment, view_segments);
	if (*l->sort)
		html(o, "<input type=\"hidden\" name=\"sort\" value=\"%s\">", l->sort);
	if (l->filter.descending)
		html(o, "<input type=\"hidden\" name=\"order\" value=\"desc\">");
	html(o, "<button type=\"submit\">Show</button></form>\n");
}

static void head(struct page *p, const struct look *l)
{
	const char *sorted = *l->sort ? l->sort : "name";
	bool here, descending;
	struct html *o = &p->o;
	size_t i;

	html(o, "<div class=\"scroll\" role=\"region\" aria-label=\"Devices\" tabindex=\"0\"><table class=\"devices\"><caption>");
	html_count(o, l->total);
	html(o, l->total == 1 ? " device</caption><thead><tr>" : " devices</caption><thead><tr>");
	for (i = 0; i < N_COLUMNS; i++) {
		here = columns[i].sort && !strcmp(columns[i].sort, sorted);
		descending = here ? !l->filter.descending : columns[i].number || !strcmp(columns[i].label, "Last seen");
		html(o, columns[i].number ? "<th scope=\"col\" class=\"number\"" : "<th scope=\"col\"");
		if (here)
			html(o, l->filter.descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
		if (columns[i].sort) {
			html(o, "><a href=\"");
			address(o, l, columns[i].sort, descending ? "desc" : "asc", 1);
			html(o, "\">%s</a></th>", columns[i].label);
		} else {
			html(o, ">%s</th>", columns[i].label);
		}
	}
	html(o, "</tr></thead><tbody>\n");
}

static void device_row(const void *row, void *ctx)
{
	const struct view_device *d = row;
	struct page *p = ctx;
	struct html *o = &p->o;

	html(o, "<tr><th scope=\"row\">");
	html_device(o, d->mac, d->name);
	html(o, "</th><td>");
	html_state(o, d->state);
	if (strcmp(d->segment, d->effective))
		html(o, "</td><td data-label=\"Segment\">%s, now %s</td>", d->segment, d->effective);
	else
		html(o, "</td><td data-label=\"Segment\">%s</td>", d->segment);
	html(o, "<td><bdi>%s</bdi></td><td data-label=\"Model\"><bdi>%s</bdi></td><td data-label=\"Seen\">", d->addresses, d->model);
	html_ago(o, d->last, p->q->now);
	html(o, "</td><td class=\"number\" data-label=\"Denied\">");
	html_count(o, d->denied);
	html(o, "</td><td class=\"number\" data-label=\"Anomalies\">");
	html_count(o, d->anomalies);
	html(o, "</td></tr>\n");
}

static void pager(struct page *p, const struct look *l)
{
	int64_t here = l->filter.page + 1, pages = (l->total + VIEW_PAGE - 1) / VIEW_PAGE;
	const char *order = l->filter.descending ? "desc" : "asc";
	struct html *o = &p->o;

	if (pages < 2)
		return;
	html(o, "<nav class=\"pager\" aria-label=\"More devices\"><ul>");
	if (here > 1) {
		html(o, "<li><a rel=\"prev\" href=\"");
		address(o, l, l->sort, order, here - 1);
		html(o, "\">Previous</a></li>");
	}
	html(o, "<li>Page %lld of %lld</li>", (long long)here, (long long)pages);
	if (here < pages) {
		html(o, "<li><a rel=\"next\" href=\"");
		address(o, l, l->sort, order, here + 1);
		html(o, "\">Next</a></li>");
	}
	html(o, "</ul></nav>\n");
}

/** page_devices - /devices */
int page_devices(struct page *p)
{
	struct look l;
	int n;

	if (read_look(p->q->query, &l))
		return -EINVAL;
	page_begin(p, "Devices", "Devices", "/devices");
	form(p, &l);
	page_ok(p, view_devices_count(p->h, &l.filter, &l.total));
	head(p, &l);
	n = page_ok(p, view_devices(p->h, &l.filter, device_row, p));
	html(&p->o, "</tbody></table></div>\n");
	if (!n)
		html(&p->o, "<p>No device is like that. <a href=\"/devices\">All devices</a></p>");
	pager(p, &l);
	page_end(p);
	return 0;
}
