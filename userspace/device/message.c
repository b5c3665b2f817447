// SPDX-License-Identifier: GPL-2.0
/* What EST carries: certificates that come, requests that a certificate is renewed with. */
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "message.h"

/**
 * est_certs_parse - certificates of a degenerate PKCS#7 in base64 (RFC 7030, 4.1.3)
 * @text: the message
 * @len: of @text
 * @why: what is wrong with it, on failure
 *
 * Return: at least one certificate, sk_X509_pop_free(); or NULL.
 */
STACK_OF(X509) *est_certs_parse(const char *text, size_t len, const char **why)
{
	STACK_OF(X509) *certs = NULL, *in = NULL;
	const unsigned char *p;
	uint8_t *der = NULL;
	PKCS7 *p7 = NULL;
	size_t size = 0;

	*why = "no base64";
	if (base64_decode(text, len, &der, &size))
		return NULL;
	p = der;
	*why = "no PKCS#7";
	p7 = d2i_PKCS7(NULL, &p, (long)size);
	if (!p7 || p != der + size || !PKCS7_type_is_signed(p7) || !p7->d.sign)
		goto out;
	in = p7->d.sign->cert;
	*why = "no certificate";
	if (sk_X509_num(in) < 1)
		goto out;
	*why = "more than 16 certificates";
	if (sk_X509_num(in) > EST_CERTS_MAX)
		goto out;
	*why = "out of memory";
	certs = X509_chain_up_ref(in);
out:
	PKCS7_free(p7);
	free(der);
	return certs;
}

/**
 * est_certs_vouch - do the CA's certificates vouch for a certificate
 * @certs: of the CA, roots among them
 * @cert: the certificate
 * @why: not, on failure
 *
 * Not its dates: the clock of a device that is just being put into service may be off.
 *
 * Return: 0, or -1.
 */
int est_certs_vouch(STACK_OF(X509) *certs, X509 *cert, const char **why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	int i, ret = -1, roots = 0;

	*why = "out of memory";
	if (!ctx || !store)
		goto out;
	for (i = 0; i < sk_X509_num(certs); i++)
		if (X509_self_signed(sk_X509_value(certs, i), 1) == 1)
			roots += X509_STORE_add_cert(store, sk_X509_value(certs, i)) == 1;
	*why = "no root certificate";
	if (!roots || !X509_STORE_CTX_init(ctx, store, cert, certs))
		goto out;
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
	if (X509_verify_cert(ctx) == 1)
		ret = 0;
	else
		*why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
out:
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ret;
}

static int add_names(X509_REQ *req, const X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	STACK_OF(X509_EXTENSION) *list = NULL;
	int ok = 0;

	if (at < 0)
		return 1;
	ok = X509v3_add_ext(&list, X509_get_ext(cert, at), -1) &&
	     X509_REQ_add_extensions(req, list);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return ok;
}

/**
 * est_renewal_new - a request for what a certificate says already (RFC 7030, 4.2.2)
 * @key: to be certified, the old one or another
 * @cert: whose subject and alternative names are asked for
 * @binding: challengePassword (RFC 7030, 3.5)
 * @len: of the request
 *
 * Return: DER, OPENSSL_free(); or NULL.
 */
uint8_t *est_renewal_new(EVP_PKEY *key, const X509 *cert, const char *binding, size_t *len)
{
	const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
	X509_REQ *req = X509_REQ_new();
	uint8_t *der = NULL;
	int n = -1;

	if (req && X509_REQ_set_version(req, X509_REQ_VERSION_1) &&
	    X509_REQ_set_subject_name(req, X509_get_subject_name(cert)) &&
	    X509_REQ_set_pubkey(req, key) && add_names(req, cert) &&
	    X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, MBSTRING_ASC,
				      (const unsigned char *)binding, -1) &&
	    X509_REQ_sign(req, key, digest))
		n = i2d_X509_REQ(req, &der);
	X509_REQ_free(req);
	if (n <= 0)
		return NULL;
	*len = n;
	return der;
}
