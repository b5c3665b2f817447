// SPDX-License-Identifier: GPL-2.0
/*
 * Status of certificates: signed by a key of its own, which each issuer certifies for that alone. The issuers' own
 * certificates are for certificates and revocation lists, not for that (RFC 5280, 4.2.1.3), and their keys may be in
 * hardware that takes its time.
 */
#include <errno.h>
#include <stdlib.h>

#include "serve/signer/signer.h"

#define RESPONDER_VALID	(7 * 86400)	/* seconds that the responder's certificate is good ... */
#define RESPONDER_LEFT	86400		/* ... and that are left of it when another one is made */

/**
 * responder_init - a key that signs statuses, of the CA's strength
 * @r: filled
 * @ca: with its keys
 *
 * Return: false, no memory.
 */
bool responder_init(struct responder *r, const struct pki_ca *ca)
{
	r->n = ca->n_former + 1;
	r->certs = calloc(r->n, sizeof(*r->certs));
	r->key = pki_key_new(EVP_PKEY_is_a(ca->key, "EC") && EVP_PKEY_get_bits(ca->key) > 256 ? PKI_P384 : PKI_P256);
	return r->certs && r->key;
}

/** responder_free - the key goes, and what was certified of it is of no use any more */
void responder_free(struct responder *r)
{
	size_t i;

	for (i = 0; r->certs && i < r->n; i++)
		X509_free(r->certs[i]);
	free(r->certs);
	EVP_PKEY_free(r->key);
}

/* One that ends with its issuer is used up; a clock that was set back makes another one. */
static bool is_good(const X509 *cert, const X509 *issuer, time_t now)
{
	time_t from, until, begin, end;

	if (!cert || pki_validity(cert, &from, &until) || pki_validity(issuer, &begin, &end))
		return false;
	return from <= now && until > now && (until - now > RESPONDER_LEFT || until == end);
}

static X509 *certificate(struct responder *r, const struct pki_ca *issuer, uint32_t which, time_t now,
			 struct pki_error *err)
{
	X509 *cert;

	if (is_good(r->certs[which], issuer->issuing, now))
		return r->certs[which];
	cert = pki_ocsp_responder(issuer, r->key, now, pki_later(now, RESPONDER_VALID), err);
	if (!cert)
		return NULL;
	X509_free(r->certs[which]);
	r->certs[which] = cert;
	return cert;
}

/**
 * responder_sign - sign what agent says of certificates
 * @r: the responder
 * @ca: with its keys
 * @in: the rest of agent's question
 * @der: the answer for the client; OPENSSL_free()
 * @len: of @der
 * @err: why there is none
 *
 * Return: 0 or -errno with @err.
 */
int responder_sign(struct responder *r, const struct pki_ca *ca, struct wire_in *in, uint8_t **der, size_t *len,
		   struct pki_error *err)
{
	uint32_t which = wire_u32(in);
	time_t now = time(NULL);
	struct pki_ocsp what;
	struct pki_ca issuer;
	const uint8_t *packed;
	size_t size;
	X509 *cert;

	packed = wire_blob(in, SERVE_OCSP_MAX, &size);
	if (!wire_end(in) || !serve_ocsp_unpack(packed, size, &what) || which >= r->n ||
	    !signer_issuer(ca, which, &issuer))
		return pki_fail(err, -EINVAL, "a status of what makes no sense");
	cert = certificate(r, &issuer, which, now, err);
	if (!cert)
		return -EINVAL;
	return pki_ocsp_sign(issuer.issuing, cert, r->key, &what, now, pki_later(now, SERVE_OCSP_VALID), der, len, err);
}
