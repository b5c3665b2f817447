// SPDX-License-Identifier: GPL-2.0
/* The policy as a picture: from which segment to which, and what of it is used. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/page_in.h"

#define SEGMENTS	64	/* that a matrix has room for; the rules below it name all */

/**
 * enum use - of what is open between two segments; in the order of what is said if there are several rules
 *
 * The first ones are without a rule: those of one segment among themselves, what the gateway itself opens, and what
 * the gateway answers to every device.
 */
enum use { USE_CLOSED, USE_INSIDE, USE_GATEWAY, USE_SERVICES, USE_NEVER, USE_ONCE, USE_DAY };

/** struct matrix - segments by segments */
struct matrix {
	struct page *p;
	unsigned int n, more;
	char names[SEGMENTS][VIEW_WORD];
	bool devices[SEGMENTS];
	enum use use[SEGMENTS][SEGMENTS];
	int64_t rule[SEGMENTS][SEGMENTS];
	unsigned int rules[SEGMENTS][SEGMENTS];
};

static const struct {
	const char *class, *word, *legend;
} uses[] = {
	[USE_CLOSED] = { "closed", "closed", "no rule: closed" },
	[USE_INSIDE] = { "closed", "inside", "no rule: as the segment's isolate says" },
	[USE_GATEWAY] = { "without", "passes", "no rule: what the gateway itself opens passes" },
	[USE_SERVICES] = { "without", "services", "no rule: DHCP, DNS, NTP, enrolment and check-in pass" },
	[USE_NEVER] = { "never", "never", "open, and never used" },
	[USE_ONCE] = { "once", "earlier", "open, not used in the last day" },
	[USE_DAY] = { "day", "used", "open, and used in the last day" },
};

static void segment(const void *row, void *ctx)
{
	const struct view_count *c = row;
	struct matrix *m = ctx;

	if (m->n == SEGMENTS) {
		m->more++;
		return;
	}
	m->devices[m->n] = c->devices || !strcmp(c->word, "onboarding") || !strcmp(c->word, "update");
	snprintf(m->names[m->n++], VIEW_WORD, "%s", c->word);
}

static unsigned int find(const struct matrix *m, const char *name)
{
	unsigned int i = 0;

	while (i < m->n && strcmp(m->names[i], name))
		i++;
	return i;
}

static enum use use_of(const struct view_rule *r, time_t now)
{
	return !r->used ? USE_NEVER : r->used < now - PAGE_DAY ? USE_ONCE : USE_DAY;
}

static void enter(const void *row, void *ctx)
{
	const struct view_rule *r = row;
	struct matrix *m = ctx;
	unsigned int from = find(m, r->from), to = find(m, r->to);
	enum use use = use_of(r, m->p->q->now);

	if (from == m->n || to == m->n)
		return;
	if (!m->rules[from][to]++)
		m->rule[from][to] = r->id;
	if (use > m->use[from][to])
		m->use[from][to] = use;
}

/* Between two segments for which there is no rule. */
static enum use without_rule(const struct matrix *m, unsigned int from, unsigned int to)
{
	if (from == to)
		return strcmp(m->names[from], "gateway") ? USE_INSIDE : USE_GATEWAY;
	if (!strcmp(m->names[from], "gateway"))
		return USE_GATEWAY;
	return !strcmp(m->names[to], "gateway") && m->devices[from] && strcmp(m->names[from], "quarantine") ? USE_SERVICES :
	       USE_CLOSED;
}

static void cell(struct html *o, const struct matrix *m, unsigned int from, unsigned int to)
{
	enum use use = m->rules[from][to] ? m->use[from][to] : without_rule(m, from, to);

	html(o, "<td class=\"use use-%s\">", uses[use].class);
	if (use < USE_NEVER)
		html(o, "<span>%s</span></td>", uses[use].word);
	else
		html(o, "<a href=\"#rule-%lld\">%s<span class=\"hidden\">, from %s to %s</span></a></td>", (long long)m->rule[from][to],
		     uses[use].word, m->names[from], m->names[to]);
}

static void draw(struct page *p, const struct matrix *m)
{
	struct html *o = &p->o;
	unsigned int i, k;

	html(o, "<ul class=\"legend\">");
	for (i = USE_DAY + 1; i-- > 0;)
		html(o, "<li><span class=\"use use-%s\">%s</span> %s</li>", uses[i].class, uses[i].word, uses[i].legend);
	html(o, "</ul><div class=\"scroll\" role=\"region\" aria-label=\"Segments\" tabindex=\"0\"><table class=\"matrix\"><caption>A row's "
	     "segment may open connections to a column's</caption><thead><tr><th scope=\"col\">from \\ to</th>");
	for (i = 0; i < m->n; i++)
		html(o, "<th scope=\"col\"><bdi>%s</bdi></th>", m->names[i]);
	html(o, "</tr></thead><tbody>\n");
	for (i = 0; i < m->n; i++) {
		html(o, "<tr><th scope=\"row\"><a href=\"/devices?segment=");
		html_url(o, m->names[i]);
		html(o, "\"><bdi>%s</bdi></a></th>", m->names[i]);
		for (k = 0; k < m->n; k++)
			cell(o, m, i, k);
		html(o, "</tr>\n");
	}
	html(o, "</tbody></table></div>");
	if (m->more)
		html(o, "<p>%u segments more have no room here; the rules below name all.</p>", m->more);
	html(o, "<p>Replies pass without a rule, and so do ARP and neighbour discovery.</p>\n");
}

static void rule(const void *row, void *ctx)
{
	const struct view_rule *r = row;
	struct page *p = ctx;
	struct html *o = &p->o;
	enum use use = use_of(r, p->q->now);

	html(o, "<tr id=\"rule-%lld\"><td><bdi>%s</bdi></td><td><bdi>%s</bdi></td><td><code>%s</code></td><td>%s%s%s</td><td>",
	     (long long)r->id, r->from, r->to, r->matches, r->plaintext ? "plaintext" : "",
	     r->plaintext && r->related ? ", " : "", r->related ? "related" : "");
	if (use == USE_NEVER)
		html(o, "never");
	else
		html_time(o, r->used);
	html(o, "</td></tr>\n");
}

/** page_policy - /policy */
int page_policy(struct page *p)
{
	struct matrix *m = calloc(1, sizeof(*m));
	struct html *o = &p->o;

	if (!m)
		return -ENOMEM;
	m->p = p;
	page_begin(p, "Policy", "Policy", "/policy");
	html(o, "<p>Generation %lld, mode %s, applied ", (long long)p->status.generation, p->status.mode);
	html_time(o, p->status.applied_at);
	if (*p->status.applied_by)
		html(o, " by <bdi>%s</bdi>", p->status.applied_by);
	html(o, ". <a href=\"/events?what=policy\">Earlier policies</a></p>\n");
	page_ok(p, view_segments(p->h, segment, m));
	page_ok(p, view_rules(p->h, enter, m));
	draw(p, m);
	free(m);
	html(o, "<h2 id=\"rules\">Rules</h2><div class=\"scroll\" role=\"region\" aria-label=\"Rules\" tabindex=\"0\"><table><caption>What may "
	     "be opened, and when it last was</caption><thead><tr><th scope=\"col\">From</th><th scope=\"col\">To</th>"
	     "<th scope=\"col\">Allows</th><th scope=\"col\">Marks</th><th scope=\"col\">Last used</th></tr></thead><tbody>\n");
	if (!page_ok(p, view_rules(p->h, rule, p)))
		html(o, "<tr><td colspan=\"5\">none</td></tr>");
	html(o, "</tbody></table></div>\n");
	page_end(p);
	return 0;
}
