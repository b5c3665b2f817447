// SPDX-License-Identifier: GPL-2.0
/* Whose certificates clients are asked for: who picks one by its issuer's name finds its own. */
#include "serve/front/front.h"

/* What is wrong with a file agent says. */
static void name_manufacturer(struct front *f, const struct serve_manufacturer *m)
{
	STACK_OF(X509) *roots;
	struct pki_error err;
	int i;

	if (pki_vendor_load(m->roots, &roots, &err))
		return;
	for (i = 0; i < sk_X509_num(roots); i++)
		SSL_CTX_add_client_CA(f->tls, sk_X509_value(roots, i));
	sk_X509_pop_free(roots, X509_free);
}

/**
 * front_name_issuers - name more issuers than the one of devices' certificates
 * @f: the front, its TLS made
 *
 * A CA that was rolled over may have had another name, and first certificates are for manufacturers' ones.
 */
void front_name_issuers(struct front *f)
{
	size_t i;

	for (i = 0; i < f->ca.n_former; i++)
		if (X509_NAME_cmp(X509_get_subject_name(f->ca.former[i].cert), X509_get_subject_name(f->ca.issuing)))
			SSL_CTX_add_client_CA(f->tls, f->ca.former[i].cert);
	for (i = 0; i < f->config->n_manufacturers; i++)
		name_manufacturer(f, &f->config->manufacturers[i]);
}
