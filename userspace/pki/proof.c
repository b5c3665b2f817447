// SPDX-License-Identifier: GPL-2.0
/* The old key's signature over a request for another key: whoever asks for a new key still has the old one. */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/*
 * Signed before the request, so that no other signature of the key can stand in: a request begins with 0x30, what a
 * TLS 1.3 handshake signs with 64 spaces (RFC 8446, 4.4.3).
 */
static const char context[] = "Cordon: request for another key";	/* with its 0 byte */

static uint8_t *message(const uint8_t *csr, size_t len, size_t *all)
{
	uint8_t *out = len <= PKI_CSR_MAX ? malloc(sizeof(context) + len) : NULL;

	if (!out)
		return NULL;
	memcpy(out, context, sizeof(context));
	memcpy(out + sizeof(context), csr, len);
	*all = sizeof(context) + len;
	return out;
}

/**
 * pki_proof_new - sign a request with the key that it is to replace
 * @key: the old one
 * @csr: the request, DER
 * @len: of @csr
 * @proof: the signature
 * @proof_len: of @proof
 *
 * Return: 0; -EINVAL, @key signs nothing that fits, or @csr is too long.
 */
int pki_proof_new(EVP_PKEY *key, const uint8_t *csr, size_t len, uint8_t proof[PKI_PROOF_MAX], size_t *proof_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t all = 0, size = 0;
	uint8_t *what = message(csr, len, &all);
	int ret = -EINVAL;

	if (ctx && what && EVP_DigestSignInit(ctx, NULL, pki_digest(key), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, NULL, &size, what, all) == 1 && size <= PKI_PROOF_MAX &&
	    EVP_DigestSign(ctx, proof, &size, what, all) == 1) {
		*proof_len = size;
		ret = 0;
	}
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	free(what);
	return ret;
}

static int check(const X509 *cert, const uint8_t *what, size_t len, const uint8_t *proof, size_t proof_len,
		 struct pki_error *err)
{
	EVP_PKEY *key = pki_public_decode(X509_get_X509_PUBKEY(cert), err);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int good = 0;

	if (key && ctx && EVP_DigestVerifyInit(ctx, NULL, pki_digest(key), NULL, key) == 1)
		good = EVP_DigestVerify(ctx, proof, proof_len, what, len);
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good == 1 ? 0 : pki_fail(err, -EPERM, "the signature over the request is not the old key's");
}

/**
 * pki_proof_check - is a request signed with the key of a certificate, too
 * @cert: DER, of the old key
 * @cert_len: of @cert
 * @csr: the request, DER, as it came
 * @len: of @csr
 * @proof: the signature, as it came
 * @proof_len: of @proof
 * @err: why not
 *
 * Whether the request is also signed with the key in it is pki_csr_parse()'s to see.
 *
 * Return: 0; -EPERM or -EINVAL with @err.
 */
int pki_proof_check(const uint8_t *cert, size_t cert_len, const uint8_t *csr, size_t len, const uint8_t *proof,
		    size_t proof_len, struct pki_error *err)
{
	X509 *old = pki_cert_parse(cert, cert_len, err);
	uint8_t *what = NULL;
	size_t all = 0;
	int ret = -EINVAL;

	if (!old)
		return ret;
	what = message(csr, len, &all);
	if (what)
		ret = check(old, what, all, proof, proof_len, err);
	else
		pki_fail(err, ret, "no memory, or a request of more than %d bytes", PKI_CSR_MAX);
	free(what);
	X509_free(old);
	return ret;
}
