// SPDX-License-Identifier: GPL-2.0
/* Forms that act; only an operator gets them. */
#include "page/page_in.h"

/**
 * page_act - a button that does something with a device
 * @p: the page
 * @mac: the device's
 * @verb: quarantine, release or acknowledge
 * @label: what the button says
 * @episode: what is acknowledged; 0, the whole device is meant
 */
void page_act(struct page *p, const char *mac, const char *verb, const char *label, int64_t episode)
{
	if (!p->q->operator_name || !p->q->token)
		return;
	html(&p->o, "<form class=\"act\" method=\"post\" action=\"/device/%s/%s\"><input type=\"hidden\" name=\"token\" value=\"%s\">",
	     mac, verb, p->q->token);
	if (episode)
		html(&p->o, "<input type=\"hidden\" name=\"episode\" value=\"%lld\">", (long long)episode);
	html(&p->o, "<button type=\"submit\" class=\"act-%s\">%s</button></form>", verb, label);
}
