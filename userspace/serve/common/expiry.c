// SPDX-License-Identifier: GPL-2.0
/* Which certificates end, and which of them somebody should look at. */
#include <stdio.h>

#include "serve/common/expiry.h"

#define DAY		86400
#define ENDED		(30 * DAY)	/* so long after its end a certificate is still told of */
#define CA_SOON		(365 * DAY)	/* a roll-over waits until every device has renewed, and some are off for long */

/* What goes through the registry. */
struct walk {
	const char *what;
	time_t now;
	int (*each)(const struct expiry *e, void *arg);
	void *arg;
	struct expiry last;
	bool one;
};

static int take(const char *name, time_t from, time_t until, void *arg)
{
	struct walk *w = arg;

	w->last = (struct expiry){ .what = w->what, .until = until, .soon = pki_ends_soon(from, until, w->now) };
	snprintf(w->last.name, sizeof(w->last.name), "%s", name);
	return w->one ? 0 : w->each(&w->last, w->arg);
}

static int tell_ca(const char *what, const X509 *cert, const struct walk *w)
{
	struct expiry e = { .what = what };
	time_t from;

	if (pki_validity(cert, &from, &e.until))
		return 0;
	e.soon = e.until - w->now < CA_SOON;
	return w->each(&e, w->arg);
}

/* A server is one, by whatever names it was known before: the certificate that ends last is its. */
static int tell_server(struct store *s, struct walk *w)
{
	int ret;

	w->what = "server";
	w->one = true;
	ret = store_expiry_each(s, PKI_SERVER, w->now - ENDED, take, w);
	w->one = false;
	return ret || !w->last.what ? ret : w->each(&w->last, w->arg);
}

/**
 * expiry_each - every certificate that is in use: the CA's, the server's, the devices'
 * @ca: its key is not needed; NULL, it is not at hand
 * @s: the registry; NULL, it is not at hand
 * @now: seconds since 1970
 * @each: told of each; what it returns but 0 ends the walk
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno of the registry.
 */
int expiry_each(const struct pki_ca *ca, struct store *s, time_t now, int (*each)(const struct expiry *e, void *arg),
		void *arg)
{
	struct walk w = { .now = now, .each = each, .arg = arg };
	int ret = 0, i;

	if (ca)
		ret = tell_ca("root", ca->root, &w);
	for (i = ca && ca->intermediates ? sk_X509_num(ca->intermediates) : 0; i > 0 && !ret; i--)
		ret = tell_ca("intermediate", sk_X509_value(ca->intermediates, i - 1), &w);
	if (ca && !ret)
		ret = tell_ca("issuing", ca->issuing, &w);
	if (s && !ret)
		ret = tell_server(s, &w);
	w.what = "device";
	if (s && !ret)
		ret = store_expiry_each(s, PKI_DEVICE, now - ENDED, take, &w);
	return ret;
}
