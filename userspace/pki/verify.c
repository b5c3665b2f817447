// SPDX-License-Identifier: GPL-2.0
/* What this CA has signed itself: certificates, and lists of those that it took back. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* Does a signature hold with the key of a certificate. */
static bool holds(const X509 *issuer, const uint8_t *what, size_t len, const uint8_t *signature, size_t signature_len)
{
	struct pki_error unused;
	EVP_PKEY *key = pki_public_decode(X509_get_X509_PUBKEY(issuer), &unused);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	good = key && ctx && EVP_DigestVerifyInit(ctx, NULL, pki_digest(key), NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, signature, signature_len, what, len) == 1;
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}

/* An element of definite length that ends within; @p is moved to its content. */
static bool element(const uint8_t **p, const uint8_t *end, int tag, long *len)
{
	int found, class;

	if (ASN1_get_object(p, len, &found, &class, end - *p) & 0x81)
		return false;
	return found == tag && class == V_ASN1_UNIVERSAL && *len <= end - *p;
}

/* RFC 5280, 4.1: what is signed, the algorithm, which is the issuer's key's to say, and the signature. */
static bool split(const uint8_t *der, size_t len, const uint8_t **what, size_t *what_len, const uint8_t **signature,
		  size_t *signature_len)
{
	const uint8_t *p = der, *end = der + len;
	long n;

	if (!element(&p, end, V_ASN1_SEQUENCE, &n) || p + n != end)
		return false;
	*what = p;
	if (!element(&p, end, V_ASN1_SEQUENCE, &n))
		return false;
	p += n;
	*what_len = p - *what;
	if (!element(&p, end, V_ASN1_SEQUENCE, &n))
		return false;
	p += n;
	if (!element(&p, end, V_ASN1_BIT_STRING, &n) || n < 2 || *p || p + n != end)
		return false;
	*signature = p + 1;
	*signature_len = n - 1;
	return true;
}

/* It is there twice, once outside of what is signed: anybody could make another certificate of it. */
static bool is_one_algorithm(const X509 *cert, struct pki_error *err)
{
	const ASN1_BIT_STRING *signature;
	const X509_ALGOR *outer;

	X509_get0_signature(&signature, &outer, cert);
	if (!X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(cert)))
		return true;
	pki_fail(err, -EPERM, "certificate with two algorithms of its signature (RFC 5280, 4.1.1.2)");
	return false;
}

/**
 * pki_cert_verify - a device's certificate that this CA signed, in time
 * @ca: the CA; its keys are not needed
 * @der: the certificate, as it came
 * @len: of @der
 * @now: seconds since 1970
 * @err: why not
 *
 * The signature is checked over the bytes first: nothing that the CA did not sign is parsed. Whether it was revoked is
 * not known here, nor who has its key.
 *
 * Return: X509_free() it; NULL with @err.
 */
X509 *pki_cert_verify(const struct pki_ca *ca, const uint8_t *der, size_t len, time_t now, struct pki_error *err)
{
	const uint8_t *what, *signature;
	size_t what_len, signature_len;
	X509 *issuer, *cert;
	size_t n = 0;

	if (len > PKI_CERT_MAX || !split(der, len, &what, &what_len, &signature, &signature_len)) {
		ERR_clear_error();
		pki_fail(err, -EINVAL, "not a certificate in DER (RFC 5280, 4.1)");
		return NULL;
	}
	while ((issuer = pki_ca_issuer(ca, n++)))
		if (holds(issuer, what, what_len, signature, signature_len))
			break;
	if (!issuer) {
		pki_fail(err, -EPERM, "not signed by this gateway's CA");
		return NULL;
	}
	cert = pki_cert_parse(der, len, err);
	if (cert && is_one_algorithm(cert, err) && !pki_claim(ca, cert, now, err))
		return cert;
	X509_free(cert);
	return NULL;
}

/* Of a list that one of our issuers signed. */
static bool is_ours(const struct pki_ca *ca, X509_CRL *crl)
{
	struct pki_error unused;
	bool good = false;
	X509 *issuer;
	EVP_PKEY *key;
	size_t n = 0;

	while (!good && (issuer = pki_ca_issuer(ca, n++))) {
		if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(crl)))
			continue;
		key = pki_public_decode(X509_get_X509_PUBKEY(issuer), &unused);
		good = key && X509_CRL_verify(crl, key) == 1;
		EVP_PKEY_free(key);
	}
	ERR_clear_error();
	return good;
}

static bool read_number(X509_CRL *crl, uint64_t *number)
{
	ASN1_INTEGER *value = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	bool good = value && ASN1_INTEGER_get_uint64(number, value) == 1;

	ASN1_INTEGER_free(value);
	return good;
}

static bool read_entry(const X509_REVOKED *r, struct pki_revoked *out)
{
	ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, NULL, NULL);
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_REVOKED_get0_serialNumber(r), NULL);
	bool good;

	good = n && !BN_is_negative(n) && BN_bn2binpad(n, out->serial, sizeof(out->serial)) > 0 &&
	       !pki_time(X509_REVOKED_get0_revocationDate(r), &out->when);
	out->reason = reason ? (int)ASN1_ENUMERATED_get(reason) : CRL_REASON_UNSPECIFIED;
	ASN1_ENUMERATED_free(reason);
	BN_free(n);
	return good;
}

static int keep_entries(STACK_OF(X509_REVOKED) *from, struct pki_list *list)
{
	int n = from ? sk_X509_REVOKED_num(from) : 0, i;
	struct pki_revoked *more;

	if (n <= 0)
		return 0;
	more = reallocarray(list->entries, list->n + n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	list->entries = more;
	for (i = 0; i < n; i++)
		/* One with a serial number that is none of ours is of no certificate of ours. */
		if (read_entry(sk_X509_REVOKED_value(from, i), &more[list->n]))
			list->n++;
		else
			list->left_out++;
	ERR_clear_error();
	return 0;
}

static int add_list(const struct pki_ca *ca, X509_CRL *crl, struct pki_list *list)
{
	uint64_t number = 0;
	time_t made = 0;

	if (!is_ours(ca, crl) || !read_number(crl, &number) || pki_time(X509_CRL_get0_lastUpdate(crl), &made))
		return -EPERM;
	if (number >= list->number) {
		list->number = number;
		list->made = made;
		list->until = 0;
		if (X509_CRL_get0_nextUpdate(crl))
			pki_time(X509_CRL_get0_nextUpdate(crl), &list->until);
	}
	return keep_entries(X509_CRL_get_REVOKED(crl), list);
}

/**
 * pki_list_read - revocation lists of this CA, in a file's bytes
 * @ca: the CA; its keys are not needed
 * @data: one list in DER, or any number in PEM
 * @len: of @data
 * @list: what they hold is added; zeroed at first; free() its entries, after a failure as well
 *
 * A list counts however old it is: what was revoked stays revoked.
 *
 * Return: 0; -EINVAL, there is none; -EPERM, one is not of this CA, and is left out; -ENOMEM.
 */
int pki_list_read(const struct pki_ca *ca, const uint8_t *data, size_t len, struct pki_list *list)
{
	bool der = len && data[0] == 0x30;
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	int ret = bio ? -EINVAL : -ENOMEM, one;
	X509_CRL *crl;

	while (bio && (crl = der ? d2i_X509_CRL_bio(bio, NULL) : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
		one = add_list(ca, crl, list);
		X509_CRL_free(crl);
		ret = ret && ret != -EINVAL ? ret : one;
		if (one == -ENOMEM || der)
			break;
	}
	ERR_clear_error();
	BIO_free(bio);
	return ret;
}
