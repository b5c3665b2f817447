// SPDX-License-Identifier: GPL-2.0
/* One device: what it was denied, what it did, whom it talks to, how it was. */
#include "page/page_in.h"

static void denial(const void *row, void *ctx)
{
	const struct view_denial *d = row;
	struct page *p = ctx;
	struct html *o = &p->o;

	html(o, "<tr><td>");
	html_time(o, d->last);
	html(o, "</td><td><code>%s</code></td><td><code>%s</code> \xe2\x86\x92 <code>%s</code>", d->kind, d->source, d->destination);
	if (*d->from || *d->to)
		html(o, "<br>%s \xe2\x86\x92 %s", d->from, d->to);
	html(o, "</td><td>");
	html_service(o, d->protocol, d->dport);
	html(o, "</td><td class=\"number\">");
	html_count(o, d->count);
	if (*d->rule)
		html(o, "</td><td><code class=\"rule\">%s</code></td></tr>\n", d->rule);
	else
		html(o, "</td><td>no rule would</td></tr>\n");
}

static void denials(struct page *p, const struct view_device *d)
{
	struct html *o = &p->o;

	html(o, "<section aria-labelledby=\"denied\"><h2 id=\"denied\">Denied</h2><div class=\"scroll\" role=\"region\" "
	     "aria-label=\"Denials\" tabindex=\"0\"><table><caption>What it was denied last</caption><thead><tr>"
	     "<th scope=\"col\">Last</th><th scope=\"col\">Kind</th><th scope=\"col\">From and to</th><th scope=\"col\">Service</th>"
	     "<th scope=\"col\" class=\"number\">Times</th><th scope=\"col\">Rule that would allow it</th></tr></thead><tbody>\n");
	if (!page_ok(p, view_denials(p->h, d->id, denial, p)))
		html(o, "<tr><td colspan=\"6\">nothing</td></tr>");
	html(o, "</tbody></table></div></section>\n");
}

static void event_row(const void *row, void *ctx)
{
	page_event_row(ctx, row);
}

static void events(struct page *p, const struct view_device *d, const char *what, const char *heading, const char *caption)
{
	html(&p->o, "<section aria-labelledby=\"all-%s\"><h2 id=\"all-%s\">%s</h2>", what, what, heading);
	page_event_head(p, caption);
	if (!page_ok(p, view_events_of(p->h, d->id, what, event_row, p)))
		html(&p->o, "<tr><td colspan=\"4\">none</td></tr>");
	html(&p->o, "</tbody></table></div></section>\n");
}

static void peer(const void *row, void *ctx)
{
	const struct view_peer *r = row;
	struct page *p = ctx;
	struct html *o = &p->o;

	html(o, "<tr><th scope=\"row\">");
	if (*r->mac) {
		html_device(o, r->mac, r->name);
		html(o, " ");
	}
	html(o, "<code>%s</code></th><td>%s</td><td>", r->peer, r->segment);
	html_service(o, r->protocol, r->dport);
	html(o, "</td><td>%s</td><td class=\"number\">", r->opened ? "this device" : "the other");
	html_count(o, r->connections);
	html(o, "</td><td>");
	html_time(o, r->first);
	html(o, "</td><td>");
	html_time(o, r->last);
	html(o, "</td></tr>\n");
}

static void peers(struct page *p, const struct view_device *d)
{
	struct html *o = &p->o;

	html(o, "<section aria-labelledby=\"peers\"><h2 id=\"peers\">Talks to</h2><div class=\"scroll\" role=\"region\" "
	     "aria-label=\"Peers\" tabindex=\"0\"><table><caption>Neighbours and destinations, the last first</caption><thead><tr>"
	     "<th scope=\"col\">Peer</th><th scope=\"col\">Segment</th><th scope=\"col\">Service</th><th scope=\"col\">Opened by</th>"
	     "<th scope=\"col\" class=\"number\">Connections</th><th scope=\"col\">First</th><th scope=\"col\">Last</th></tr></thead>"
	     "<tbody>\n");
	if (!page_ok(p, view_peers(p->h, d->id, peer, p)))
		html(o, "<tr><td colspan=\"7\">nobody</td></tr>");
	html(o, "</tbody></table></div></section>\n");
}

/** page_device_history - the lower half of a device's page */
void page_device_history(struct page *p, const struct view_device *d)
{
	denials(p, d);
	events(p, d, "anomaly", "Anomalies", "Episodes, the newest first");
	peers(p, d);
	events(p, d, "state", "States", "Changes of its state, the newest first");
}
