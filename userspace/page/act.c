// SPDX-License-Identifier: GPL-2.0
/* Forms that act; only an operator gets them. */
#include "page/page_in.h"

static bool may_act(const struct page *p)
{
	return p->q->operator_name && p->q->token;
}

/* Where the form leads back to is this page. */
static void rest(struct page *p, const char *verb, const char *label)
{
	html(&p->o, "<input type=\"hidden\" name=\"token\" value=\"%s\"><input type=\"hidden\" name=\"back\" value=\"%s\">",
	     p->q->token, p->q->path);
	html(&p->o, "<button type=\"submit\" class=\"act-%s\">%s</button></form>", verb, label);
}

/**
 * page_act - a button that does something with a device; nothing for who may only look
 * @p: the page
 * @mac: the device's
 * @verb: quarantine or release
 * @label: what the button says
 */
void page_act(struct page *p, const char *mac, const char *verb, const char *label)
{
	if (!may_act(p))
		return;
	html(&p->o, "<form class=\"act\" method=\"post\" action=\"/device/%s/%s\">", mac, verb);
	rest(p, verb, label);
}

/**
 * page_acknowledge - a button that acknowledges an episode; for who may only look, that nobody has
 * @p: the page
 * @episode: its id
 */
void page_acknowledge(struct page *p, int64_t episode)
{
	if (!may_act(p)) {
		html(&p->o, "no");
		return;
	}
	html(&p->o, "<form class=\"act\" method=\"post\" action=\"/episode/%lld/acknowledge\">", (long long)episode);
	rest(p, "acknowledge", "Acknowledge");
}

/** page_acknowledge_template - the same for episodes that come while the page is shown, which the script fills in */
void page_acknowledge_template(struct page *p)
{
	if (!may_act(p))
		return;
	html(&p->o, "<template id=\"acknowledge\">");
	page_acknowledge(p, 0);
	html(&p->o, "</template>");
}
