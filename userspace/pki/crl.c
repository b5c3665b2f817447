// SPDX-License-Identifier: GPL-2.0
/* Revocation lists: RFC 5280, 5. */
#include <errno.h>
#include <openssl/err.h>

#include "parts.h"

/* reason: unspecified is said by leaving it out (RFC 5280, 5.3.1). */
static bool add_entry(X509_CRL *crl, const struct pki_revoked *r, X509_EXTENSION *reason)
{
	ASN1_INTEGER *serial = pki_serial_asn1(r->serial);
	ASN1_TIME *when = ASN1_TIME_set(NULL, r->when);
	X509_REVOKED *entry = X509_REVOKED_new();
	bool good;

	good = serial && when && entry && X509_REVOKED_set_serialNumber(entry, serial) &&
	       X509_REVOKED_set_revocationDate(entry, when) &&
	       (!reason || X509_REVOKED_add_ext(entry, reason, -1)) && X509_CRL_add0_revoked(crl, entry);
	if (!good)
		X509_REVOKED_free(entry);
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(serial);
	return good;
}

static X509_EXTENSION *reason_new(int reason)
{
	ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
	X509_EXTENSION *ext = NULL;

	if (value && ASN1_ENUMERATED_set(value, reason))
		ext = X509V3_EXT_i2d(NID_crl_reason, 0, value);
	ASN1_ENUMERATED_free(value);
	return ext;
}

static bool add_entries(X509_CRL *crl, const struct pki_revoked *entries, size_t n)
{
	X509_EXTENSION *reasons[CRL_REASON_AA_COMPROMISE + 1] = { NULL };
	bool good = true;
	size_t i;

	for (i = 0; good && i < n; i++) {
		int reason = entries[i].reason;

		if (reason < 0 || reason > CRL_REASON_AA_COMPROMISE)
			reason = CRL_REASON_UNSPECIFIED;
		if (reason && !reasons[reason])
			reasons[reason] = reason_new(reason);
		good = (!reason || reasons[reason]) && add_entry(crl, &entries[i], reasons[reason]);
	}
	for (i = 0; i <= CRL_REASON_AA_COMPROMISE; i++)
		X509_EXTENSION_free(reasons[i]);
	return good;
}

static bool add_extensions(X509_CRL *crl, const X509 *issuer, uint64_t number)
{
	AUTHORITY_KEYID *aki = pki_authority(issuer);
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	bool good;

	good = aki && value && ASN1_INTEGER_set_uint64(value, number) &&
	       X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0, X509V3_ADD_APPEND) > 0 &&
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
 * @n: how many
 * @number: greater than that of any list before
 * @this_update: seconds since 1970
 * @next_update: when there will be a newer one at the latest
 * @der: the list; OPENSSL_free()
 * @len: of @der
 * @err: why not
 *
 * Return: 0; -EINVAL, -EIO or -ENOMEM with @err.
 */
int pki_crl(const struct pki_ca *ca, const struct pki_revoked *entries, size_t n, uint64_t number,
	    time_t this_update, time_t next_update, uint8_t **der, size_t *len, struct pki_error *err)
{
	X509_CRL *crl = X509_CRL_new();
	unsigned char *out = NULL;
	int size = -1, ret = 0;

	if (!ca->key) {
		ret = pki_fail(err, -EINVAL, "the CA's key is not there");
		goto out;
	}
	if (crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->issuing)) &&
	    set_times(crl, this_update, next_update) && add_entries(crl, entries, n) &&
	    add_extensions(crl, ca->issuing, number) && X509_CRL_sort(crl) &&
	    X509_CRL_sign(crl, ca->key, pki_digest(ca->key)))
		size = i2d_X509_CRL(crl, &out);
	if (size <= 0) {
		ret = pki_fail_ssl(err, "revocation list cannot be made");
		goto out;
	}
	*der = out;
	*len = size;
out:
	X509_CRL_free(crl);
	return ret;
}
