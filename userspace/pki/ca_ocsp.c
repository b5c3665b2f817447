// SPDX-License-Identifier: GPL-2.0
/* Status of certificates: requests that are read, answers that are signed (RFC 6960, RFC 9654). */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "parts.h"

#define RESPONDER_NAME	"OCSP responder"

/* The order is that of struct pki_ocsp_id. */
static const int digests[PKI_OCSP_DIGESTS] = { NID_sha1, NID_sha256, NID_sha384, NID_sha512 };

static const X509 *issuer_at(const struct pki_ca *ca, size_t i)
{
	return i ? ca->former[i - 1].cert : ca->issuing;
}

static OCSP_CERTID *id_new(const X509 *issuer, uint32_t digest, const ASN1_INTEGER *serial)
{
	return OCSP_cert_id_new(EVP_get_digestbynid(digests[digest]), X509_get_subject_name(issuer),
				X509_get0_pubkey_bitstr(issuer), serial);
}

/* Whose certificate is asked for, as in pki_ocsp_read(); -1, somebody else's. */
static int find_issuer(const struct pki_ca *ca, const OCSP_CERTID *asked, uint32_t digest, const ASN1_INTEGER *serial)
{
	OCSP_CERTID *own;
	int found = -1;
	size_t i;

	for (i = 0; found < 0 && i <= ca->n_former; i++) {
		own = id_new(issuer_at(ca, i), digest, serial);
		if (own && !OCSP_id_issuer_cmp(own, asked))
			found = (int)i;
		OCSP_CERTID_free(own);
	}
	return found;
}

static enum pki_ocsp_error read_id(const struct pki_ca *ca, OCSP_ONEREQ *one, struct pki_ocsp_id *id, int *issuer)
{
	OCSP_CERTID *asked = OCSP_onereq_get0_id(one);
	ASN1_INTEGER *serial = NULL;
	ASN1_OBJECT *md = NULL;
	int len, at;

	if (!OCSP_id_get0_info(NULL, &md, NULL, &serial, asked))
		return PKI_OCSP_MALFORMED;
	len = ASN1_STRING_length(serial);
	if (len < 1 || len > PKI_OCSP_SERIAL_MAX || ASN1_STRING_type(serial) != V_ASN1_INTEGER)
		return PKI_OCSP_MALFORMED;
	memcpy(id->serial, ASN1_STRING_get0_data(serial), len);
	id->serial_len = len;
	for (id->digest = 0; id->digest < PKI_OCSP_DIGESTS; id->digest++)
		if (digests[id->digest] == OBJ_obj2nid(md))
			break;
	at = id->digest < PKI_OCSP_DIGESTS ? find_issuer(ca, asked, id->digest, serial) : -1;
	if (at < 0 || (*issuer >= 0 && at != *issuer))
		return PKI_OCSP_FOREIGN;
	*issuer = at;
	return PKI_OCSP_GOOD;
}

static bool take_nonce(X509_EXTENSION *ext, struct pki_ocsp *out)
{
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
	const unsigned char *p = ASN1_STRING_get0_data(value), *end = p + ASN1_STRING_length(value);
	ASN1_OCTET_STRING *nonce = d2i_ASN1_OCTET_STRING(NULL, &p, ASN1_STRING_length(value));
	int len = nonce ? ASN1_STRING_length(nonce) : 0;
	bool good = len > 0 && len <= PKI_OCSP_NONCE_MAX && p == end && !out->nonce_len;

	if (good) {
		memcpy(out->nonce, ASN1_STRING_get0_data(nonce), len);
		out->nonce_len = len;
	}
	ASN1_OCTET_STRING_free(nonce);
	return good;
}

/* A nonce of 1 to 128 bytes, once (RFC 9654, 2.1); what else is critical cannot be met. */
static bool read_extensions(OCSP_REQUEST *req, struct pki_ocsp *out)
{
	int n = OCSP_REQUEST_get_ext_count(req), i;
	X509_EXTENSION *ext;

	for (i = 0; i < n; i++) {
		ext = OCSP_REQUEST_get_ext(req, i);
		if (OBJ_obj2nid(X509_EXTENSION_get_object(ext)) == NID_id_pkix_OCSP_Nonce) {
			if (!take_nonce(ext, out))
				return false;
		} else if (X509_EXTENSION_get_critical(ext)) {
			return false;
		}
	}
	return true;
}

static enum pki_ocsp_error read_request(const struct pki_ca *ca, OCSP_REQUEST *req, struct pki_ocsp *out, int *issuer)
{
	int n = OCSP_request_onereq_count(req), i;
	enum pki_ocsp_error ret = PKI_OCSP_GOOD;

	if (n < 1 || n > PKI_OCSP_IDS || !read_extensions(req, out))
		return PKI_OCSP_MALFORMED;
	for (i = 0; !ret && i < n; i++)
		ret = read_id(ca, OCSP_request_onereq_get0(req, i), &out->ids[i], issuer);
	out->n = n;
	return ret;
}

/**
 * pki_ocsp_read - what does a client ask
 * @ca: the CA; its keys are not needed
 * @der: an OCSPRequest; a signature of the client's is not looked at
 * @len: of @der
 * @out: filled; the statuses are not
 * @issuer: of the certificates: 0, the present one; else one of pki_ca.former, counted from 1
 *
 * Return: PKI_OCSP_GOOD; PKI_OCSP_MALFORMED, no request, or more than is answered; PKI_OCSP_FOREIGN, another issuer's
 * certificate, or certificates of two.
 */
enum pki_ocsp_error pki_ocsp_read(const struct pki_ca *ca, const uint8_t *der, size_t len, struct pki_ocsp *out,
				  unsigned int *issuer)
{
	enum pki_ocsp_error ret = PKI_OCSP_MALFORMED;
	const unsigned char *p = der;
	OCSP_REQUEST *req = NULL;
	int found = -1;

	memset(out, 0, sizeof(*out));
	*issuer = 0;
	if (len <= PKI_OCSP_MAX)
		req = d2i_OCSP_REQUEST(NULL, &p, (long)len);
	if (req && p == der + len)
		ret = read_request(ca, req, out, &found);
	OCSP_REQUEST_free(req);
	ERR_clear_error();
	if (!ret)
		*issuer = found;
	return ret;
}

static int encode(OCSP_RESPONSE *response, uint8_t **der, size_t *len)
{
	int size;

	*der = NULL;
	size = response ? i2d_OCSP_RESPONSE(response, der) : -1;
	OCSP_RESPONSE_free(response);
	if (size <= 0)
		return -ENOMEM;
	*len = size;
	return 0;
}

/**
 * pki_ocsp_refuse - an answer that says why there is none; it is not signed
 * @why: not PKI_OCSP_GOOD
 * @der: an OCSPResponse; OPENSSL_free()
 * @len: of @der
 *
 * Return: 0, or -ENOMEM.
 */
int pki_ocsp_refuse(enum pki_ocsp_error why, uint8_t **der, size_t *len)
{
	return encode(OCSP_response_create((int)why, NULL), der, len);
}

static bool add_purpose(X509 *cert)
{
	EXTENDED_KEY_USAGE *eku = EXTENDED_KEY_USAGE_new();
	ASN1_NULL *nothing = ASN1_NULL_new();
	bool good;

	good = eku && nothing && sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_OCSP_sign)) &&
	       X509_add1_ext_i2d(cert, NID_ext_key_usage, eku, 0, X509V3_ADD_APPEND) > 0 &&
	       X509_add1_ext_i2d(cert, NID_id_pkix_OCSP_noCheck, nothing, 0, X509V3_ADD_APPEND) > 0;
	EXTENDED_KEY_USAGE_free(eku);
	ASN1_NULL_free(nothing);
	return good;
}

/* As OpenSSL decodes its key, which a fresh one's is not. */
static X509 *decoded(X509 *cert, struct pki_error *err)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);
	X509 *out = NULL;

	if (len > 0)
		out = pki_cert_parse(der, len, err);
	OPENSSL_free(der);
	return out;
}

/**
 * pki_ocsp_responder - a certificate for a key that signs statuses in an issuer's name (RFC 6960, 4.2.2.2)
 * @ca: the issuer, with its key
 * @key: of the responder
 * @now: seconds since 1970
 * @until: its end, or the issuer's; nobody looks up whether it is revoked
 * @err: why not
 *
 * Return: X509_free() it; NULL with @err.
 */
X509 *pki_ocsp_responder(const struct pki_ca *ca, EVP_PKEY *key, time_t now, time_t until, struct pki_error *err)
{
	X509_PUBKEY *public = pki_key_public(key);
	uint8_t serial[PKI_SERIAL_LEN];
	X509 *cert = NULL, *out = NULL;
	time_t from, end;

	pki_serial_new(serial);
	if (!ca->key || pki_validity(ca->issuing, &from, &end) || end <= now) {
		pki_fail(err, -EINVAL, "the issuer has ended, or has no key");
		goto out;
	}
	if (until > end)
		until = end;
	if (public)
		cert = pki_cert_begin(X509_get_subject_name(ca->issuing), public, serial, pki_begin(now, until), until);
	if (cert && pki_name_set(X509_get_subject_name(cert), RESPONDER_NAME) && pki_cert_usage(cert, false, 0) &&
	    add_purpose(cert) && pki_cert_key_ids(cert, ca->issuing, NULL) &&
	    X509_sign(cert, ca->key, pki_digest(ca->key)))
		out = decoded(cert, err);
	else
		pki_fail_ssl(err, "certificate of the OCSP responder cannot be made");
out:
	X509_free(cert);
	X509_PUBKEY_free(public);
	return out;
}

static bool add_status(OCSP_BASICRESP *basic, const X509 *issuer, const struct pki_ocsp_id *id, ASN1_TIME *from,
		       ASN1_TIME *until)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_TIME *when = ASN1_TIME_set(NULL, id->revoked);
	OCSP_CERTID *cid = NULL;
	int reason = id->reason > 0 ? id->reason : OCSP_REVOKED_STATUS_NOSTATUS;
	bool good;

	if (serial && when && id->digest < PKI_OCSP_DIGESTS && ASN1_STRING_set(serial, id->serial, (int)id->serial_len))
		cid = id_new(issuer, id->digest, serial);
	good = cid && OCSP_basic_add1_status(basic, cid, (int)id->status, reason, when, from, until);
	OCSP_CERTID_free(cid);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	return good;
}

/**
 * pki_ocsp_sign - sign statuses
 * @issuer: of the certificates
 * @responder: certificate by @issuer, for @key
 * @key: signs
 * @what: certificates and their statuses
 * @now: when they are so, seconds since 1970
 * @until: when there will be newer ones at the latest
 * @der: an OCSPResponse; OPENSSL_free()
 * @len: of @der
 * @err: why not
 *
 * Return: 0; -EIO or -ENOMEM with @err.
 */
int pki_ocsp_sign(const X509 *issuer, X509 *responder, EVP_PKEY *key, const struct pki_ocsp *what, time_t now,
		  time_t until, uint8_t **der, size_t *len, struct pki_error *err)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, now), *to = ASN1_TIME_set(NULL, until);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	bool good = from && to && basic;
	int ret = -EIO;
	size_t i;

	for (i = 0; good && i < what->n; i++)
		good = add_status(basic, issuer, &what->ids[i], from, to);
	if (good && what->nonce_len)
		good = OCSP_basic_add1_nonce(basic, (unsigned char *)what->nonce, (int)what->nonce_len);
	if (good && OCSP_basic_sign(basic, responder, key, pki_digest(key), NULL, 0))
		ret = encode(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic), der, len);
	if (ret)
		ret = pki_fail_ssl(err, "status cannot be signed");
	OCSP_BASICRESP_free(basic);
	ASN1_TIME_free(to);
	ASN1_TIME_free(from);
	return ret;
}
