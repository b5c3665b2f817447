// SPDX-License-Identifier: GPL-2.0
/* Revocation lists: RFC 5280, 5. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "parts.h"

static bool set_serial(X509_REVOKED *entry, const uint8_t serial[PKI_SERIAL_LEN])
{
	BIGNUM *n = BN_bin2bn(serial, PKI_SERIAL_LEN, NULL);
	ASN1_INTEGER *value = n ? BN_to_ASN1_INTEGER(n, NULL) : NULL;
	bool good = value && X509_REVOKED_set_serialNumber(entry, value);

	ASN1_INTEGER_free(value);
	BN_free(n);
	return good;
}

/* unspecified is said by leaving it out (RFC 5280, 5.3.1) */
static bool set_reason(X509_REVOKED *entry, int reason)
{
	ASN1_ENUMERATED *value;
	bool good;

	if (reason <= CRL_REASON_UNSPECIFIED || reason > CRL_REASON_AA_COMPROMISE)
		return true;
	value = ASN1_ENUMERATED_new();
	good = value && ASN1_ENUMERATED_set(value, reason) &&
	       X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, X509V3_ADD_APPEND) > 0;
	ASN1_ENUMERATED_free(value);
	return good;
}

static bool add_entry(X509_CRL *crl, const struct pki_revoked *r, ASN1_TIME *when)
{
	X509_REVOKED *entry = X509_REVOKED_new();

	if (entry && ASN1_TIME_set(when, r->when) && X509_REVOKED_set_revocationDate(entry, when) &&
	    set_serial(entry, r->serial) && set_reason(entry, r->reason) && X509_CRL_add0_revoked(crl, entry))
		return true;
	X509_REVOKED_free(entry);
	return false;
}

static bool add_entries(X509_CRL *crl, const struct pki_revoked *entries, size_t n)
{
	ASN1_TIME *when = ASN1_TIME_new();
	bool good = when;
	size_t i;

	for (i = 0; good && i < n; i++)
		good = add_entry(crl, &entries[i], when);
	ASN1_TIME_free(when);
	return good;
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
	X509_CRL *crl;
	int size = -1;

	*der = NULL;
	if (!ca->key)
		return pki_fail(err, -EINVAL, "the CA's key is not there");
	if (n > PKI_CRL_MAX)
		return pki_fail(err, -E2BIG, "revocation list of %zu entries: at most %d", n,
				PKI_CRL_MAX);
	crl = X509_CRL_new();
	if (crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->issuing)) &&
	    set_times(crl, this_update, next_update) && add_entries(crl, entries, n) &&
	    add_extensions(crl, ca->issuing, number) && X509_CRL_sign(crl, ca->key, pki_digest(ca->key)))
		size = i2d_X509_CRL(crl, der);
	X509_CRL_free(crl);
	if (size <= 0)
		return pki_fail_ssl(err, "revocation list cannot be made");
	*len = size;
	return 0;
}
