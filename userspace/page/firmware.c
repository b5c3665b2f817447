// SPDX-License-Identifier: GPL-2.0
/* Roll-outs of firmware. */
#include "page/page_in.h"

static void rollout(const void *row, void *ctx)
{
	const struct view_rollout *r = row;
	struct page *p = ctx;
	struct html *o = &p->o;

	html(o, "<tr><th scope=\"row\"><bdi>%s</bdi></th><td><bdi>%s</bdi></td><td><strong>%s</strong></td>",
	     r->model, r->version, r->state);
	html(o, "<td class=\"number\">%lld&nbsp;%%</td><td class=\"number\">", (long long)r->share);
	html_count(o, r->offered);
	html(o, "</td><td class=\"number\">");
	html_count(o, r->succeeded);
	html(o, r->failed ? "</td><td class=\"number bad\">" : "</td><td class=\"number\">");
	html_count(o, r->failed);
	html(o, "</td><td>");
	if (r->offered > 0)
		html(o, "<progress max=\"%lld\" value=\"%lld\" aria-label=\"Succeeded, of those offered\"></progress>",
		     (long long)r->offered, (long long)r->succeeded);
	html(o, "</td><td>");
	html_time(o, r->began);
	html(o, "</td></tr>\n");
}

/** page_firmware - /firmware */
int page_firmware(struct page *p)
{
	struct html *o = &p->o;

	page_begin(p, "Firmware", "Firmware", "/firmware");
	html(o, "<div class=\"scroll\" role=\"region\" aria-label=\"Roll-outs\" tabindex=\"0\"><table><caption>Roll-outs, the newest first"
	     "</caption><thead><tr><th scope=\"col\">Model</th><th scope=\"col\">Version</th><th scope=\"col\">State</th>"
	     "<th scope=\"col\" class=\"number\">Share</th><th scope=\"col\" class=\"number\">Offered</th>"
	     "<th scope=\"col\" class=\"number\">Succeeded</th><th scope=\"col\" class=\"number\">Failed</th>"
	     "<th scope=\"col\">Progress</th><th scope=\"col\">Began</th></tr></thead><tbody>\n");
	if (!page_ok(p, view_rollouts(p->h, rollout, p)))
		html(o, "<tr><td colspan=\"9\">none</td></tr>");
	html(o, "</tbody></table></div>\n<p><a href=\"/devices?state=outdated\">Devices that are confined for what they run</a></p>\n");
	page_end(p);
	return 0;
}
