// SPDX-License-Identifier: GPL-2.0
/* What every certificate of ours is put together from. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "parts.h"

#define KEY_ID_LEN	20	/* RFC 7093, 2, method 1: the first 160 bits of SHA-256 */

enum {
	KU_BIT_DIGITAL_SIGNATURE = 0,
	KU_BIT_KEY_CERT_SIGN = 5,
	KU_BIT_CRL_SIGN = 6,
};

/**
 * pki_name_set - a name that is a CN alone
 * @name: empty
 * @cn: UTF-8
 */
bool pki_name_set(X509_NAME *name, const char *cn)
{
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)cn, -1, -1, 0);
}

/**
 * pki_cert_begin - a certificate that lacks subject, extensions and signature
 * @issuer: who will sign it
 * @key: what it certifies, of a kind that is accepted
 * @serial: big endian
 * @not_before: seconds since 1970
 * @not_after: likewise
 *
 * Return: X509_free() it; NULL, no memory.
 */
X509 *pki_cert_begin(const X509_NAME *issuer, const X509_PUBKEY *key, const uint8_t *serial,
		     int64_t not_before, int64_t not_after)
{
	ASN1_INTEGER *number = pki_serial_asn1(serial);
	X509 *cert = X509_new();

	if (!cert || !number || !X509_set_version(cert, X509_VERSION_3) ||
	    !X509_set_serialNumber(cert, number) || !X509_set_issuer_name(cert, issuer) ||
	    !pki_time_set(X509_getm_notBefore(cert), not_before) ||
	    !pki_time_set(X509_getm_notAfter(cert), not_after) ||
	    pki_public_copy(X509_get_X509_PUBKEY(cert), key)) {
		X509_free(cert);
		cert = NULL;
	}
	ASN1_INTEGER_free(number);
	return cert;
}

/* From the bits, as OpenSSL's own way to it wants SHA-1. */
static ASN1_OCTET_STRING *key_id(const X509 *cert)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	const unsigned char *bits;
	ASN1_OCTET_STRING *id;
	int len;

	X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, X509_get_X509_PUBKEY(cert));
	id = ASN1_OCTET_STRING_new();
	if (id && EVP_Digest(bits, len, digest, NULL, EVP_sha256(), NULL) &&
	    ASN1_OCTET_STRING_set(id, digest, KEY_ID_LEN))
		return id;
	ASN1_OCTET_STRING_free(id);
	return NULL;
}

/**
 * pki_authority - what names the key that signs
 * @issuer: the signer's certificate
 *
 * Return: AUTHORITY_KEYID_free() it; NULL, no memory or no SKI to refer to.
 */
AUTHORITY_KEYID *pki_authority(const X509 *issuer)
{
	/* OpenSSL looks its extensions up once, and keeps what it finds in the certificate */
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id((X509 *)issuer);
	AUTHORITY_KEYID *aki = id ? AUTHORITY_KEYID_new() : NULL;

	if (!aki)
		return NULL;
	aki->keyid = ASN1_OCTET_STRING_dup(id);
	if (aki->keyid)
		return aki;
	AUTHORITY_KEYID_free(aki);
	return NULL;
}

/**
 * pki_cert_key_ids - SKI, and AKI where somebody else signs
 * @cert: has its key
 * @issuer: the signer's certificate, or NULL for a self-signed one
 * @same: a certificate of the same key whose SKI others refer to, or NULL
 *
 * An imported root may lack an SKI: there is no AKI then, and names must do.
 */
bool pki_cert_key_ids(X509 *cert, const X509 *issuer, const X509 *same)
{
	const ASN1_OCTET_STRING *known = same ? X509_get0_subject_key_id((X509 *)same) : NULL;
	AUTHORITY_KEYID *aki = issuer ? pki_authority(issuer) : NULL;
	ASN1_OCTET_STRING *ski = known ? ASN1_OCTET_STRING_dup(known) : key_id(cert);
	bool good;

	good = ski && X509_add1_ext_i2d(cert, NID_subject_key_identifier, ski, 0,
					X509V3_ADD_APPEND) > 0;
	if (good && aki)
		good = X509_add1_ext_i2d(cert, NID_authority_key_identifier, aki, 0,
					 X509V3_ADD_APPEND) > 0;
	AUTHORITY_KEYID_free(aki);
	ASN1_OCTET_STRING_free(ski);
	return good;
}

static bool add_constraints(X509 *cert, bool ca, int pathlen)
{
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
	bool good = bc;

	if (good && ca) {
		bc->ca = 0xff;
		bc->pathlen = ASN1_INTEGER_new();
		good = bc->pathlen && ASN1_INTEGER_set(bc->pathlen, pathlen);
	}
	good = good && X509_add1_ext_i2d(cert, NID_basic_constraints, bc, 1, X509V3_ADD_APPEND) > 0;
	BASIC_CONSTRAINTS_free(bc);
	return good;
}

/**
 * pki_cert_usage - basicConstraints and keyUsage, both critical
 * @cert: the certificate
 * @ca: it signs certificates and revocation lists; otherwise handshakes
 * @pathlen: of a CA: how many CAs may follow
 */
bool pki_cert_usage(X509 *cert, bool ca, int pathlen)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	bool good = usage;

	if (good && ca)
		good = ASN1_BIT_STRING_set_bit(usage, KU_BIT_KEY_CERT_SIGN, 1) &&
		       ASN1_BIT_STRING_set_bit(usage, KU_BIT_CRL_SIGN, 1);
	else if (good)
		good = ASN1_BIT_STRING_set_bit(usage, KU_BIT_DIGITAL_SIGNATURE, 1);
	good = good && add_constraints(cert, ca, pathlen) &&
	       X509_add1_ext_i2d(cert, NID_key_usage, usage, 1, X509V3_ADD_APPEND) > 0;
	ASN1_BIT_STRING_free(usage);
	return good;
}
