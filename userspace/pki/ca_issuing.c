// SPDX-License-Identifier: GPL-2.0
/* Where the root's key is: the certificate of another gateway's issuing CA, for its request (ca_request.c). */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "make.h"

/* The names that the request asks for; none, it does not say. */
static int requested(const X509_REQ *csr, char names[PKI_SERVER_NAMES][PKI_SERVER_NAME_LEN], size_t *n,
		     struct pki_error *err)
{
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions((X509_REQ *)csr);
	NAME_CONSTRAINTS *nc;
	int ret = 0, found = -1;

	*n = 0;
	nc = list ? X509V3_get_d2i(list, NID_name_constraints, &found, NULL) : NULL;
	if (nc)
		ret = pki_limits_names(nc, names, n, err);
	else if (found != -1)
		ret = pki_fail(err, -EINVAL, "the name constraints that it asks for cannot be read (RFC 5280, 4.2.1.10)");
	NAME_CONSTRAINTS_free(nc);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return ret;
}

/* Those that were given, or else those of the request. */
static NAME_CONSTRAINTS *take_limits(const X509_REQ *csr, const struct pki_issuing_plan *plan, struct pki_error *err)
{
	char names[PKI_SERVER_NAMES][PKI_SERVER_NAME_LEN];
	const char *list[PKI_SERVER_NAMES];
	size_t n, i;

	if (plan->n_names)
		return pki_limits_new(plan->names, plan->n_names, err);
	if (requested(csr, names, &n, err))
		return NULL;
	for (i = 0; i < n; i++)
		list[i] = names[i];
	if (n)
		return pki_limits_new(list, n, err);
	pki_fail(err, -EINVAL, "names of the gateway's server are needed: the request asks for none");
	return NULL;
}

static int check_key(const struct pki_issuing_plan *plan, const X509_REQ *csr, struct pki_error *err)
{
	uint8_t root[32], issuing[32];

	if (pki_public_id(X509_get_X509_PUBKEY(plan->root), root) ||
	    pki_public_id(X509_REQ_get_X509_PUBKEY((X509_REQ *)csr), issuing))
		return pki_fail(err, -ENOMEM, "out of memory");
	return memcmp(root, issuing, sizeof(root)) ? 0 : pki_fail(err, -EPERM, "the issuing key must be another than the root's");
}

static X509 *sign(const struct pki_work *w, const struct pki_issuing_plan *plan, const X509_REQ *csr)
{
	char cn[PKI_CA_NAME_MAX + sizeof(PKI_ISSUING_SUFFIX)];
	struct pki_ca_cert c = {
		.key = X509_REQ_get_X509_PUBKEY((X509_REQ *)csr), .cn = cn, .issuer = plan->root, .signer = plan->key,
		.from = plan->now - PKI_BACKDATE, .until = plan->until,
	};
	NAME_CONSTRAINTS *limits = take_limits(csr, plan, w->err);
	X509 *cert;

	if (!limits)
		return NULL;
	c.limits = limits;
	snprintf(cn, sizeof(cn), "%s" PKI_ISSUING_SUFFIX, w->name);
	cert = pki_work_sign(&c);
	if (!cert)
		pki_fail_ssl(w->err, "certificate cannot be made");
	NAME_CONSTRAINTS_free(limits);
	return cert;
}

/**
 * pki_issuing_sign - certify the issuing CA of a gateway
 * @der: its request
 * @len: of @der
 * @plan: by whom, for whom, and how long
 * @err: why not
 *
 * Path length 0, and name constraints: see pki_limits_new().
 *
 * Return: X509_free() it; NULL with @err.
 */
X509 *pki_issuing_sign(const uint8_t *der, size_t len, const struct pki_issuing_plan *plan, struct pki_error *err)
{
	const struct pki_ca_plan root = { .root = plan->root, .root_key = plan->key, .now = plan->now };
	struct pki_work w = { .plan = &root, .lock = -1, .err = err };
	X509_REQ *csr = pki_csr_parse(der, len, err);
	X509 *cert = NULL;

	if (csr && !pki_work_name(&w, plan->gateway) && !pki_work_check_root(&w) && !check_key(plan, csr, err))
		cert = sign(&w, plan, csr);
	X509_REQ_free(csr);
	ERR_clear_error();
	return cert;
}

/**
 * pki_issuing_names - the server's names that an issuing CA may certify
 * @cert: of the CA
 * @names: filled
 * @n: set; 0, it has no name constraints like ours
 */
void pki_issuing_names(const X509 *cert, char names[PKI_SERVER_NAMES][PKI_SERVER_NAME_LEN], size_t *n)
{
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(cert, NID_name_constraints, NULL, NULL);
	struct pki_error unused;

	*n = 0;
	if (nc && pki_limits_names(nc, names, n, &unused))
		*n = 0;
	NAME_CONSTRAINTS_free(nc);
}
