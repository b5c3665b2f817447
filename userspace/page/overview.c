// SPDX-License-Identifier: GPL-2.0
/* The first page: what needs somebody, and what is different from yesterday. */
#include <string.h>

#include "page/page_in.h"

static void guard(struct page *p)
{
	const struct view_status *s = &p->status;
	bool observe = !strcmp(s->mode, "observe");
	struct html *o = &p->o;

	if (s->no_module)
		html(o, "<p class=\"guard guard-bad\"><strong>NO MODULE</strong> the kernel module is not loaded, and no policy is in "
		     "force</p>");
	else if (!s->in_force && s->lockdown)
		html(o, "<p class=\"guard guard-change\"><strong>LOCKED</strong> no policy is in force, nothing is forwarded</p>");
	else if (!s->in_force)
		html(o, "<p class=\"guard guard-bad\"><strong>OPEN</strong> no policy is in force, everything passes</p>");
	else if (observe)
		html(o, "<p class=\"guard guard-change\"><strong>OBSERVING</strong> what the policy does not allow is counted, and "
		     "passes</p>");
	else
		html(o, "<p class=\"guard guard-good\"><strong>GUARDED</strong> what the policy does not allow is dropped</p>");
	html(o, "<p>Policy generation %lld, mode %s, applied ", (long long)s->generation, s->mode);
	html_time(o, s->applied_at);
	if (*s->applied_by)
		html(o, " by <bdi>%s</bdi>", s->applied_by);
	html(o, ". <a href=\"/policy\">Who may talk to whom</a>.</p>\n");
	if (s->awaiting)
		html(o, "<p class=\"warn\">The policy awaits its confirmation, and was to be taken back without it in %lld&nbsp;s: "
		     "<code>cordonctl confirm</code>.</p>\n", (long long)s->confirm);
}

static void state_tile(const void *row, void *ctx)
{
	const struct view_count *c = row;
	struct page *p = ctx;

	html(&p->o, "<li><a class=\"tile\" href=\"/devices?state=");
	html_url(&p->o, c->word);
	html(&p->o, "\"><span class=\"number\">");
	html_count(&p->o, c->count);
	html(&p->o, "</span> ");
	html_state(&p->o, c->word);
	html(&p->o, "</a></li>");
}

static void states(struct page *p)
{
	int64_t unknown;
	int n;

	html(&p->o, "<section aria-labelledby=\"states\"><h2 id=\"states\">Devices by state</h2><ul class=\"tiles\">");
	n = page_ok(p, view_states(p->h, state_tile, p));
	html(&p->o, "</ul>");
	if (!n)
		html(&p->o, "<p>There are no devices yet.</p>");
	page_ok(p, view_unknown(p->h, &unknown));
	if (unknown > 0) {
		html(&p->o, "<p>");
		html_count(&p->o, unknown);
		html(&p->o, " packets came from devices that the policy does not name; <code>cordonctl device unknown</code> says "
		     "which.</p>");
	}
	html(&p->o, "</section>\n");
}

static void event_row(const void *row, void *ctx)
{
	page_event_row(ctx, row);
}

static void anomalies(struct page *p)
{
	struct html *o = &p->o;
	int64_t n = 0;

	html(o, "<section aria-labelledby=\"now\"><h2 id=\"now\">Anomalies now</h2>");
	page_ok(p, view_episodes_open_count(p->h, p->q->now, &n));
	if (n) {
		html(o, "<p>");
		html_count(o, n);
		html(o, n == 1 ? " episode goes on and nobody has acknowledged it." :
		     " episodes go on and nobody has acknowledged them.");
		html(o, n > VIEW_FEW ? " The last %d of them; <a href=\"/events?what=anomaly\">all</a>.</p>" : "</p>", VIEW_FEW);
		page_event_head(p, "Anomalies that go on");
		page_ok(p, view_episodes_open(p->h, p->q->now, event_row, p));
		html(o, "</tbody></table></div>");
	} else {
		html(o, "<p class=\"good\">None.</p>");
	}
	html(o, "</section>\n");
}

static void changed_state(const void *row, void *ctx)
{
	const struct view_count *c = row;
	struct page *p = ctx;

	html(&p->o, "<li>");
	html_count(&p->o, c->devices);
	html(&p->o, c->devices == 1 ? " device became " : " devices became ");
	html_state(&p->o, c->word);
	html(&p->o, "</li>");
	p->n++;
}

static void changed_kind(const void *row, void *ctx)
{
	const struct view_count *c = row;
	struct page *p = ctx;

	html(&p->o, "<li>");
	html_count(&p->o, c->count);
	html(&p->o, c->count == 1 ? " episode of <code>%s</code>, of " : " episodes of <code>%s</code>, of ", c->word);
	html_count(&p->o, c->devices);
	html(&p->o, c->devices == 1 ? " device</li>" : " devices</li>");
	p->n++;
}

static void changed_policy(const void *row, void *ctx)
{
	const struct view_event *e = row;
	struct page *p = ctx;

	if (e->at < p->q->now - PAGE_DAY)
		return;
	html(&p->o, "<li>");
	html_time(&p->o, e->at);
	html(&p->o, *e->name ? ", <bdi>%s</bdi>: " : ": ", e->name);
	page_event_what(p, e);
	html(&p->o, "</li>");
	p->n++;
}

static void changed(struct page *p)
{
	struct view_where policies = { .what = "policy", .at = p->q->now, .limit = 5 };
	int64_t since = p->q->now - PAGE_DAY, fresh = 0;
	struct html *o = &p->o;

	html(o, "<section aria-labelledby=\"changed\"><h2 id=\"changed\">Since yesterday</h2><ul class=\"changes\">");
	p->n = 0;
	page_ok(p, view_events(p->h, &policies, changed_policy, p));
	page_ok(p, view_devices_new(p->h, since, &fresh));
	if (fresh) {
		html(o, "<li>");
		html_count(o, fresh);
		html(o, fresh == 1 ? " device was seen for the first time</li>" : " devices were seen for the first time</li>");
	}
	page_ok(p, view_states_changed(p->h, since, changed_state, p));
	page_ok(p, view_kinds(p->h, since, changed_kind, p));
	html(o, "</ul>");
	html(o, p->n || fresh ? "<p><a href=\"/events\">All events</a></p></section>\n" : "<p>Nothing.</p></section>\n");
}

static void certificate(const void *row, void *ctx)
{
	const struct view_certificate *c = row;
	struct page *p = ctx;
	struct html *o = &p->o;

	html(o, c->until < p->q->now ? "<tr class=\"bad\"><td>" : "<tr><td>");
	html_time(o, c->until);
	html(o, c->until < p->q->now ? ", ended " : ", ");
	html_ago(o, c->until, p->q->now);
	html(o, "</td><td><bdi>%s</bdi></td><td>%s</td><td><code>%s</code></td></tr>", c->name, c->kind, c->serial);
}

static void certificates(struct page *p)
{
	int64_t until = p->q->now + PAGE_CERTIFICATE_SOON, n = 0;
	struct html *o = &p->o;

	html(o, "<section aria-labelledby=\"certificates\"><h2 id=\"certificates\">Certificates that end within 30 days</h2>");
	page_ok(p, view_certificates_count(p->h, until, &n));
	if (n) {
		html(o, "<p>");
		html_count(o, n);
		html(o, n > VIEW_FEW ? "; the first of them. All: <code>cordonctl ca list --expiring 30d</code>.</p>" : ".</p>");
		html(o, "<div class=\"scroll\" role=\"region\" aria-label=\"Certificates\" tabindex=\"0\"><table><caption>Certificates "
		     "that end soon</caption><thead><tr><th scope=\"col\">End</th><th scope=\"col\">Name</th>"
		     "<th scope=\"col\">Kind</th><th scope=\"col\">Serial number</th></tr></thead><tbody>");
		page_ok(p, view_certificates(p->h, until, certificate, p));
		html(o, "</tbody></table></div>");
	} else {
		html(o, "<p class=\"good\">None.</p>");
	}
	html(o, "</section>\n");
}

static void interface(const void *row, void *ctx)
{
	const struct view_interface *i = row;
	struct page *p = ctx;
	struct html *o = &p->o;

	if (!p->n++)
		html(o, "<ul>");
	html(o, "<li><strong><bdi>%s</bdi></strong> (%s) ", i->name, i->role);
	if (!i->present)
		html(o, "is missing");
	else if (*i->closed)
		html(o, "is closed: %s", i->closed);
	else
		html(o, "is down");
	html(o, "</li>");
}

static void interfaces(struct page *p)
{
	html(&p->o, "<section aria-labelledby=\"interfaces\"><h2 id=\"interfaces\">Ports and uplinks that are missing, closed or "
	     "down</h2>");
	p->n = 0;
	if (page_ok(p, view_interfaces(p->h, interface, p)) > 0)
		html(&p->o, "</ul></section>\n");
	else
		html(&p->o, "<p class=\"good\">None.</p></section>\n");
}

/** page_overview - / */
int page_overview(struct page *p)
{
	page_begin(p, "Overview", "Overview", "/");
	guard(p);
	states(p);
	anomalies(p);
	changed(p);
	interfaces(p);
	certificates(p);
	page_end(p);
	return 0;
}
