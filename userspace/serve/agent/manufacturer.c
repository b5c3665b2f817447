// SPDX-License-Identifier: GPL-2.0
/* Manufacturers of devices, and their roots. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

static bool has(STACK_OF(X509) *roots, const X509 *cert)
{
	int i;

	for (i = 0; cert && i < sk_X509_num(roots); i++)
		if (!X509_cmp(sk_X509_value(roots, i), cert))
			return true;
	return false;
}

/* Else devices' certificates would be manufacturers' as well. */
static bool has_ours(STACK_OF(X509) *roots, const struct pki_ca *ca)
{
	int i;

	for (i = 0; i < sk_X509_num(ca->others); i++)
		if (has(roots, sk_X509_value(ca->others, i)))
			return true;
	return has(roots, ca->root) || has(roots, ca->issuing);
}

/**
 * agent_manufacturers_load - read the roots of the manufacturers
 * @c: says who they are
 * @ca: our own, which must not be among them
 * @to: filled
 *
 * Return: 0, or -1: why not is logged, and @to is empty.
 */
int agent_manufacturers_load(const struct serve_config *c, const struct pki_ca *ca, struct agent_idevid *to)
{
	struct pki_error err = { "" };
	size_t i;

	memset(to, 0, sizeof(*to));
	for (i = 0; i < c->n_manufacturers; i++) {
		strcpy(to->list[i].name, c->manufacturers[i].name);
		if (pki_vendor_load(c->manufacturers[i].roots, &to->list[i].roots, &err))
			break;
		to->n++;
		if (has_ours(to->list[i].roots, ca)) {
			pki_fail(&err, -EINVAL, "%s: has a certificate of this gateway's own CA", c->manufacturers[i].roots);
			break;
		}
	}
	if (i == c->n_manufacturers)
		return 0;
	serve_log(LOG_ERR, "cannot use a manufacturer's roots", "manufacturer", c->manufacturers[i].name, "why", err.text,
		  NULL);
	agent_manufacturers_free(to);
	return -1;
}

/** agent_manufacturers_free - forget them */
void agent_manufacturers_free(struct agent_idevid *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		sk_X509_pop_free(v->list[i].roots, X509_free);
	memset(v, 0, sizeof(*v));
}
