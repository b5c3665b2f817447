// SPDX-License-Identifier: GPL-2.0
/* Plots as SVG and as tables; and their numbers, of which a script makes plots that move. */
#include <errno.h>
#include <stdlib.h>

#include "page/page_in.h"

#define WIDTH	720
#define HEIGHT	120

/** struct line - one of the two of a plot */
struct line {
	const char *class, *label;
	size_t member;
};

/** struct plot - a pair of lines over the same time */
struct plot {
	const char *id, *title;
	bool bytes;
	struct line lines[2];
};

static const struct plot plots[] = {
	{ "traffic", "Traffic", true, {
		{ "line-a", "from it", offsetof(struct view_point, rx) }, { "line-b", "to it", offsetof(struct view_point, tx) } } },
	{ "trouble", "Denied packets and anomalies", false, {
		{ "line-a", "denied", offsetof(struct view_point, denied) },
		{ "line-b", "anomalies", offsetof(struct view_point, anomalies) } } },
};

static int64_t value(const struct view_point *point, const struct line *line)
{
	return *(const int64_t *)((const char *)point + line->member);
}

static int64_t most(const struct view_series *s, const struct plot *plot)
{
	int64_t max = 0, v;
	unsigned int i;
	size_t l;

	for (i = 0; i < s->n; i++) {
		for (l = 0; l < 2; l++) {
			v = value(&s->points[i], &plot->lines[l]);
			max = v > max ? v : max;
		}
	}
	return max;
}

static void amount(struct html *o, const struct plot *plot, int64_t n)
{
	if (plot->bytes)
		html_bytes(o, n);
	else
		html_count(o, n);
}

static void draw_line(struct html *o, const struct view_series *s, const struct line *line, int64_t max)
{
	unsigned int i;
	double y;

	html(o, "<polyline class=\"%s\" points=\"", line->class);
	for (i = 0; i < s->n; i++) {
		y = max ? (double)value(&s->points[i], line) / (double)max * (HEIGHT - 4) : 0;
		html(o, "%u,%d ", i * WIDTH / (s->n > 1 ? s->n - 1 : 1), HEIGHT - 2 - (int)y);
	}
	html(o, "\"/>");
}

static void draw(struct page *p, const struct view_series *s, const struct plot *plot)
{
	int64_t max = most(s, plot);
	struct html *o = &p->o;
	size_t l;

	html(o, "<div class=\"plot\"><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%s from ", WIDTH,
	     HEIGHT, plot->title);
	html(o, "%lld h ago until now, at most ", (long long)(s->step * s->n / 3600));
	amount(o, plot, max);
	html(o, " in a step; the table below has the numbers\"><path class=\"axis\" d=\"M0 %d H%d M0 %d H%d M0 2 H%d\"/>", HEIGHT - 2,
	     WIDTH, HEIGHT / 2, WIDTH, WIDTH);
	for (l = 0; l < 2; l++)
		draw_line(o, s, &plot->lines[l], max);
	html(o, "</svg><p class=\"legend\"><span class=\"key line-a\">%s</span> <span class=\"key line-b\">%s</span> <span>",
	     plot->lines[0].label, plot->lines[1].label);
	html_time(o, s->from);
	html(o, " \xe2\x80\x93 ");
	html_time(o, s->from + s->step * s->n);
	html(o, ", top: ");
	amount(o, plot, max);
	html(o, " in %lld min</span></p></div>", (long long)s->step / 60);
}

/* So many steps to a row that there are two dozen at most. */
static void tabulate(struct page *p, const struct view_series *s, const struct plot *plot)
{
	unsigned int per = s->n > 300 ? 30 : s->n > 200 ? 12 : 24, i, k;
	struct html *o = &p->o;
	int64_t sums[2];
	size_t l;

	html(o, "<details><summary>%s as a table</summary><div class=\"scroll\" role=\"region\" aria-label=\"%s\" tabindex=\"0\"><table>"
	     "<caption>%s</caption><thead><tr><th scope=\"col\">From</th>", plot->title, plot->title, plot->title);
	html(o, "<th scope=\"col\" class=\"number\">%s</th><th scope=\"col\" class=\"number\">%s</th></tr></thead><tbody>",
	     plot->lines[0].label, plot->lines[1].label);
	for (i = 0; i < s->n; i += per) {
		sums[0] = sums[1] = 0;
		for (k = i; k < i + per && k < s->n; k++)
			for (l = 0; l < 2; l++)
				sums[l] += value(&s->points[k], &plot->lines[l]);
		html(o, "<tr><th scope=\"row\">");
		html_time(o, s->from + s->step * i);
		for (l = 0; l < 2; l++) {
			html(o, l ? "<td class=\"number\">" : "</th><td class=\"number\">");
			amount(o, plot, sums[l]);
			html(o, "</td>");
		}
		html(o, "</tr>\n");
	}
	html(o, "</tbody></table></div></details>");
}

static void choose_span(struct page *p, const char *mac, const char *here)
{
	static const char * const spans[] = { "day", "week", "year" };
	struct html *o = &p->o;
	size_t i;

	html(o, "<nav class=\"spans\" aria-label=\"Time that the plots show\"><ul>");
	for (i = 0; i < 3; i++) {
		html(o, "<li><a href=\"/device/%s?span=%s#traffic\"", mac, spans[i]);
		html(o, here[0] == spans[i][0] ? " aria-current=\"true\">%s</a></li>" : ">%s</a></li>", spans[i]);
	}
	html(o, "</ul></nav>");
}

/** page_charts - a device's plots over "day", "week" or "year" */
void page_charts(struct page *p, int64_t device, const char *mac, const char *span)
{
	struct view_series *s = malloc(sizeof(*s));
	size_t i;

	if (!s) {
		p->o.err = -ENOMEM;
		return;
	}
	if (page_ok(p, view_series(p->h, device, span, p->q->now, s)) >= 0) {
		choose_span(p, mac, span);
		for (i = 0; i < sizeof(plots) / sizeof(*plots); i++) {
			html(&p->o, "<figure class=\"chart\" id=\"chart-%s\" data-src=\"/data/device/%s.json?span=%s\"><figcaption>%s, a %s"
			     "</figcaption>", plots[i].id, mac, span, plots[i].title, span);
			draw(p, s, &plots[i]);
			tabulate(p, s, &plots[i]);
			html(&p->o, "</figure>\n");
		}
	}
	free(s);
}

static void find(const void *row, void *ctx)
{
	*(int64_t *)ctx = ((const struct view_device *)row)->id;
}

/** page_chart_data - /data/device/MAC.json: rows of time, bytes from it, bytes to it, denied, anomalies */
int page_chart_data(struct page *p, const char *mac)
{
	struct view_series *s;
	char span[PAGE_WORD];
	int64_t id = 0, at;
	unsigned int i;
	int n;

	if (page_query(p->q->query, "span", span, sizeof(span)))
		return -EINVAL;
	n = view_device(p->h, mac, find, &id);
	if (n <= 0)
		return n ? n : -ENOENT;
	s = malloc(sizeof(*s));
	n = s ? view_series(p->h, id, *span ? span : "day", p->q->now, s) : -ENOMEM;
	if (n >= 0)
		html(&p->o, "{\"step\":%lld,\"rows\":[", (long long)s->step);
	for (i = 0; n >= 0 && i < s->n; i++) {
		at = s->from + s->step * i;
		html(&p->o, "%s[%lld,%lld,%lld,%lld,%lld]", i ? "," : "", (long long)at, (long long)s->points[i].rx,
		     (long long)s->points[i].tx, (long long)s->points[i].denied, (long long)s->points[i].anomalies);
	}
	html(&p->o, "]}\n");
	free(s);
	return n < 0 ? n : 0;
}
