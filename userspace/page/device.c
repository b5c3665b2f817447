// SPDX-License-Identifier: GPL-2.0
/* One device: how it is, and why. */
#include <errno.h>
#include <string.h>

#include "page/page_in.h"

static void fact(struct page *p, const char *term, const char *text)
{
	if (*text)
		html(&p->o, "<div><dt>%s</dt><dd><bdi>%s</bdi></dd></div>", term, text);
}

static void fact_time(struct page *p, const char *term, int64_t at)
{
	if (!at)
		return;
	html(&p->o, "<div><dt>%s</dt><dd>", term);
	html_time(&p->o, at);
	html(&p->o, ", ");
	html_ago(&p->o, at, p->q->now);
	html(&p->o, "</dd></div>");
}

static void state(struct page *p, const struct view_device *d)
{
	struct html *o = &p->o;

	html(o, "<section aria-labelledby=\"state\"><h2 id=\"state\">State</h2><p>");
	html_state(o, d->state);
	if (d->gone) {
		html(o, " This device is neither in the policy nor behind a port now; below is what is remembered.</p></section>\n");
		return;
	}
	if (d->since) {
		html(o, " since ");
		html_time(o, d->since);
	}
	if (*d->why)
		html(o, ": <strong><bdi>%s</bdi></strong>", d->why);
	if (strcmp(d->segment, d->effective))
		html(o, ". Its segment is %s; it is held in <strong>%s</strong> now.</p>", d->segment, d->effective);
	else
		html(o, ". It is in its segment, %s.</p>", d->segment);
	if (!d->listed)
		html(o, "<p class=\"warn\">The policy does not name this device.</p>");
	if (d->learning > p->q->now) {
		html(o, "<p>Its destinations are being learned until ");
		html_time(o, d->learning);
		html(o, ".</p>");
	}
	html(o, "<div class=\"acts\">");
	if (strcmp(d->state, "quarantined"))
		page_act(p, d->mac, "quarantine", "Quarantine");
	else
		page_act(p, d->mac, "release", "Release");
	html(o, "</div></section>\n");
}

static void lease(struct page *p, const struct view_device *d)
{
	struct html *o = &p->o;

	html(o, "<section aria-labelledby=\"identity\"><h2 id=\"identity\">Identity and firmware</h2><dl class=\"facts\">");
	fact(p, "Authentication", d->authentication);
	fact(p, "Encryption", d->encryption);
	html(o, "<div><dt>Lease</dt><dd>");
	if (d->lease_until > p->q->now) {
		html(o, "until ");
		html_time(o, d->lease_until);
		html(o, ", ");
		html_ago(o, d->lease_until, p->q->now);
		if (*d->lease_port)
			html(o, ", on <bdi>%s</bdi>", d->lease_port);
	} else {
		html(o, d->lease_until ? "ended " : "none");
		if (d->lease_until)
			html_time(o, d->lease_until);
	}
	html(o, "</dd></div>");
	fact(p, "Certificate", d->certificate);
	fact_time(p, d->certificate_end < p->q->now ? "Certificate ended" : "Certificate ends", d->certificate_end);
	fact(p, "Model", d->model);
	fact(p, "Firmware", d->version);
	html(o, "<div><dt>Updates</dt><dd>%s%s</dd></div>", d->firmware ? "by itself" : "not by itself",
	     d->outdated ? "; what it runs is too old" : "");
	html(o, "</dl></section>\n");
}

static void binding(const void *row, void *ctx)
{
	const struct view_binding *b = row;
	struct page *p = ctx;

	html(&p->o, "<tr><th scope=\"row\"><code>%s</code></th><td>%s</td><td>", b->address, b->origin);
	if (b->until)
		html_time(&p->o, b->until);
	else
		html(&p->o, "always");
	html(&p->o, "</td></tr>");
}

static void place(struct page *p, const struct view_device *d)
{
	struct html *o = &p->o;

	html(o, "<section aria-labelledby=\"place\"><h2 id=\"place\">Place and addresses</h2><dl class=\"facts\">");
	fact(p, "MAC", d->mac);
	fact(p, "Ports", d->ports);
	if (d->vlan)
		html(o, "<div><dt>VLAN</dt><dd>%lld</dd></div>", (long long)d->vlan);
	fact(p, "Addresses", d->addresses);
	fact(p, "Says its name is", d->hostname);
	fact(p, "DHCP vendor class", d->vendor_class);
	fact(p, "DHCP asks for", d->parameters);
	fact_time(p, "First seen", d->first);
	fact_time(p, "Last seen", d->last);
	if (d->destinations) {
		html(o, "<div><dt>Destinations</dt><dd>");
		html_count(o, d->destinations);
		html(o, "</dd></div>");
	}
	html(o, "</dl><div class=\"scroll\" role=\"region\" aria-label=\"Bindings\" tabindex=\"0\"><table><caption>Bindings: "
	     "addresses that may come from this device</caption><thead><tr><th scope=\"col\">Address</th>"
	     "<th scope=\"col\">From</th><th scope=\"col\">Until</th></tr></thead><tbody>");
	if (!page_ok(p, view_bindings(p->h, d->id, binding, p)))
		html(o, "<tr><td colspan=\"3\">none</td></tr>");
	html(o, "</tbody></table></div></section>\n");
}

static void kind(const void *row, void *ctx)
{
	const struct view_count *c = row;
	struct page *p = ctx;

	html(&p->o, "<div><dt><code>%s</code></dt><dd>", c->word);
	html_count(&p->o, c->count);
	html(&p->o, "</dd></div>");
}

static void counts(struct page *p, const struct view_device *d)
{
	struct html *o = &p->o;

	html(o, "<dl class=\"facts\"><div><dt>From it</dt><dd>");
	html_bytes(o, d->rx_bytes);
	html(o, " in ");
	html_count(o, d->rx_packets);
	html(o, " packets</dd></div><div><dt>To it</dt><dd>");
	html_bytes(o, d->tx_bytes);
	html(o, " in ");
	html_count(o, d->tx_packets);
	html(o, " packets</dd></div><div><dt>Denied</dt><dd>");
	html_count(o, d->denied);
	html(o, " packets</dd></div>");
	page_ok(p, view_anomalies(p->h, d->id, kind, p));
	html(o, "</dl><p>Since the gateway began to count.</p>");
}

/** struct shown - a device's page that is being made */
struct shown {
	struct page *p;
	const char *span;
};

static void show(const void *row, void *ctx)
{
	const struct view_device *d = row;
	struct shown *shown = ctx;
	struct page *p = shown->p;

	page_begin(p, *d->name ? d->name : d->mac, NULL, "");
	html(&p->o, "<h1><bdi>%s</bdi></h1>\n", *d->name ? d->name : d->mac);
	state(p, d);
	if (!d->gone) {
		lease(p, d);
		place(p, d);
	}
	html(&p->o, "<section aria-labelledby=\"traffic\"><h2 id=\"traffic\">Traffic and anomalies</h2>");
	page_charts(p, d->id, d->mac, shown->span);
	counts(p, d);
	html(&p->o, "</section>\n");
	page_device_history(p, d);
	page_end(p);
}

/** page_device - /device/MAC */
int page_device(struct page *p, const char *mac)
{
	struct shown shown = { .p = p };
	char span[PAGE_WORD];
	int n;

	if (page_query(p->q->query, "span", span, sizeof(span)))
		return -EINVAL;
	shown.span = *span ? span : "day";
	n = view_device(p->h, mac, show, &shown);
	return n < 0 ? n : n ? 0 : -ENOENT;
}
