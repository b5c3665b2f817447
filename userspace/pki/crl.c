// SPDX-License-Identifier: GPL-2.0
/* Revocation lists: RFC 5280, 5. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "parts.h"

#define ENTRY_MAX	64	/* bytes; the largest is 51 */
#define SEQUENCE	(V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED)

/* A sequence of extensions, of one: id-ce-cRLReasons, and an ENUMERATED that follows. */
static const uint8_t reason_head[] = {
	SEQUENCE, 12, SEQUENCE, 10, V_ASN1_OBJECT, 3, 0x55, 0x1d, 0x15, V_ASN1_OCTET_STRING, 3,
	V_ASN1_ENUMERATED, 1,
};

/*
 * By hand: through OpenSSL's objects and templates ten thousand entries take 40 ms, in which
 * a signer signs nothing else. Where it ends; NULL, no memory.
 */
static uint8_t *put_entry(uint8_t *out, const struct pki_revoked *r, ASN1_TIME *when)
{
	uint8_t *p = out + 2;
	size_t skip = 0, sign;

	while (skip < PKI_SERIAL_LEN - 1 && !r->serial[skip])
		skip++;
	sign = r->serial[skip] >> 7;
	*p++ = V_ASN1_INTEGER;
	*p++ = (uint8_t)(PKI_SERIAL_LEN - skip + sign);
	if (sign)
		*p++ = 0;
	memcpy(p, r->serial + skip, PKI_SERIAL_LEN - skip);
	p += PKI_SERIAL_LEN - skip;
	if (!ASN1_TIME_set(when, r->when) || i2d_ASN1_TIME(when, &p) <= 0)
		return NULL;
	/* unspecified is said by leaving it out (RFC 5280, 5.3.1) */
	if (r->reason > CRL_REASON_UNSPECIFIED && r->reason <= CRL_REASON_AA_COMPROMISE) {
		memcpy(p, reason_head, sizeof(reason_head));
		p += sizeof(reason_head);
		*p++ = (uint8_t)r->reason;
	}
	out[0] = SEQUENCE;
	out[1] = (uint8_t)(p - out - 2);
	return p;
}

static bool add_extensions(X509_CRL *crl, const X509 *issuer, uint64_t number)
{
	AUTHORITY_KEYID *aki = pki_authority(issuer);
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	bool good;

	good = aki && value && ASN1_INTEGER_set_uint64(value, number) &&
	       X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0,
				     X509V3_ADD_APPEND) > 0 &&
	       X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, X509V3_ADD_APPEND) > 0;
	ASN1_INTEGER_free(value);
	AUTHORITY_KEYID_free(aki);
	return good;
}

static bool set_times(X509_CRL *crl, time_t this_update, time_t next_update)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, this_update);
	ASN1_TIME *until = ASN1_TIME_set(NULL, next_update);
	bool good;

	good = from && until && X509_CRL_set1_lastUpdate(crl, from) &&
	       X509_CRL_set1_nextUpdate(crl, until);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return good;
}

/* A list of nothing, signed: all of the list but its entries. */
static X509_CRL *make_empty(const struct pki_ca *ca, uint64_t number, time_t this_update,
			    time_t next_update)
{
	X509_CRL *crl = X509_CRL_new();

	if (crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->issuing)) &&
	    set_times(crl, this_update, next_update) && add_extensions(crl, ca->issuing, number) &&
	    X509_CRL_sign(crl, ca->key, pki_digest(ca->key)))
		return crl;
	X509_CRL_free(crl);
	return NULL;
}

/* Where the entries go in what is signed: before the extensions, which are the one tagged field. */
static const uint8_t *find_gap(const uint8_t *tbs, long len, const uint8_t **body)
{
	const unsigned char *p = tbs, *at;
	int tag, class = V_ASN1_UNIVERSAL;
	long n;

	if (ASN1_get_object(&p, &n, &tag, &class, len) & 0x80)
		return NULL;
	for (at = *body = p; at < tbs + len; at = p + n) {
		p = at;
		if (ASN1_get_object(&p, &n, &tag, &class, tbs + len - at) & 0x80)
			return NULL;
		if (class == V_ASN1_CONTEXT_SPECIFIC)
			return at;
	}
	return NULL;
}

static void put(uint8_t **p, const void *data, size_t len)
{
	memcpy(*p, data, len);
	*p += len;
}

/* What is to be signed: that of the empty list, with the entries in it. */
static uint8_t *splice(X509_CRL *empty, const struct pki_revoked *entries, size_t n, size_t *len)
{
	uint8_t *list = OPENSSL_malloc(n * ENTRY_MAX), *end = list, *out = NULL, *p;
	const uint8_t *gap, *body = NULL, *tbs_end;
	ASN1_TIME *when = ASN1_TIME_new();
	unsigned char *tbs = NULL;
	int tbs_len = i2d_re_X509_CRL_tbs(empty, &tbs), inner, whole;
	size_t i;

	gap = tbs_len > 0 ? find_gap(tbs, tbs_len, &body) : NULL;
	for (i = 0; end && when && i < n; i++)
		end = put_entry(end, &entries[i], when);
	if (!gap || !end || !when)
		goto out;
	tbs_end = tbs + tbs_len;
	inner = ASN1_object_size(1, (int)(end - list), V_ASN1_SEQUENCE);
	whole = ASN1_object_size(1, (int)(tbs_end - body) + inner, V_ASN1_SEQUENCE);
	out = p = OPENSSL_malloc(whole);
	if (!out)
		goto out;
	ASN1_put_object(&p, 1, (int)(tbs_end - body) + inner, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put(&p, body, gap - body);
	ASN1_put_object(&p, 1, (int)(end - list), V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put(&p, list, end - list);
	put(&p, gap, tbs_end - gap);
	*len = whole;
out:
	OPENSSL_free(tbs);
	OPENSSL_free(list);
	ASN1_TIME_free(when);
	return out;
}

static uint8_t *sign(EVP_PKEY *key, const uint8_t *tbs, size_t tbs_len, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *signature = NULL;

	if (ctx && EVP_DigestSignInit(ctx, NULL, pki_digest(key), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, NULL, len, tbs, tbs_len) == 1)
		signature = OPENSSL_malloc(*len);
	if (signature && EVP_DigestSign(ctx, signature, len, tbs, tbs_len) != 1) {
		OPENSSL_free(signature);
		signature = NULL;
	}
	EVP_MD_CTX_free(ctx);
	return signature;
}

/* What was signed, how, and the signature. */
static int wrap(const X509_CRL *empty, const uint8_t *tbs, size_t tbs_len, const uint8_t *signature,
		size_t signature_len, uint8_t **der)
{
	const X509_ALGOR *alg;
	int body, size;
	uint8_t *p;

	X509_CRL_get0_signature(empty, NULL, &alg);
	body = (int)tbs_len + i2d_X509_ALGOR(alg, NULL) +
	       ASN1_object_size(0, (int)signature_len + 1, V_ASN1_BIT_STRING);
	size = ASN1_object_size(1, body, V_ASN1_SEQUENCE);
	*der = p = OPENSSL_malloc(size);
	if (!p)
		return -1;
	ASN1_put_object(&p, 1, body, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put(&p, tbs, tbs_len);
	i2d_X509_ALGOR(alg, &p);
	ASN1_put_object(&p, 0, (int)signature_len + 1, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL);
	*p++ = 0;	/* no unused bits */
	put(&p, signature, signature_len);
	return size;
}

/**
 * pki_crl - a revocation list
 * @ca: with its key
 * @entries: what is revoked, in any order, no serial twice
 * @n: how many, up to PKI_CRL_MAX
 * @number: greater than that of any list before
 * @this_update: seconds since 1970
 * @next_update: when there will be a newer one at the latest
 * @der: the list; OPENSSL_free()
 * @len: of @der
 * @err: why not
 *
 * Return: 0; -E2BIG, -EINVAL, -EIO or -ENOMEM with @err.
 */
int pki_crl(const struct pki_ca *ca, const struct pki_revoked *entries, size_t n, uint64_t number,
	    time_t this_update, time_t next_update, uint8_t **der, size_t *len,
	    struct pki_error *err)
{
	uint8_t *spliced = NULL, *signature = NULL;
	size_t spliced_len = 0, signature_len = 0;
	X509_CRL *empty;
	int size = -1;

	*der = NULL;
	if (!ca->key)
		return pki_fail(err, -EINVAL, "the CA's key is not there");
	if (n > PKI_CRL_MAX)
		return pki_fail(err, -E2BIG, "revocation list of %zu entries: at most %d", n,
				PKI_CRL_MAX);
	empty = make_empty(ca, number, this_update, next_update);
	if (empty && !n)
		size = i2d_X509_CRL(empty, der);
	if (empty && n)
		spliced = splice(empty, entries, n, &spliced_len);
	if (spliced)
		signature = sign(ca->key, spliced, spliced_len, &signature_len);
	if (signature)
		size = wrap(empty, spliced, spliced_len, signature, signature_len, der);
	OPENSSL_free(signature);
	OPENSSL_free(spliced);
	X509_CRL_free(empty);
	if (size <= 0)
		return pki_fail_ssl(err, "revocation list cannot be made");
	*len = size;
	return 0;
}
