// SPDX-License-Identifier: GPL-2.0
/* Certificates of devices, of operators, of the server and of what signs firmware: issued, and read. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "../../kernel/core/policy.h"
#include "parts.h"

#define BACKDATE_MIN	300	/* seconds that a device's clock may be behind, at least ... */
#define BACKDATE_PART	10	/* ... and the part of a certificate's time that may be over when it is made */
#define LIFE_LEFT	5	/* who has less than this part of its time left is late: devices renew at 60 % */
#define DNS_NAME_MAX	253
#define DNS_CHARACTERS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

/**
 * pki_is_server - may a server's certificate have this name
 * @name: DNS name, or address
 */
bool pki_is_server(const char *name)
{
	size_t len = strlen(name);
	struct in6_addr address;

	if (inet_pton(AF_INET6, name, &address) == 1)
		return true;
	return len && len <= DNS_NAME_MAX && name[0] != '.' && name[0] != '-' &&
	       strspn(name, DNS_CHARACTERS) == len;
}

/* Both take over what they are given only when they succeed. */
static bool push(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!name || !sk_GENERAL_NAME_push(names, name)) {
		GENERAL_NAME_free(name);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, value);
	return true;
}

static bool push_name(GENERAL_NAMES *names, int type, int string, const void *data, size_t len)
{
	ASN1_STRING *value = ASN1_STRING_type_new(string);

	if (value && ASN1_STRING_set(value, data, (int)len) && push(names, type, value))
		return true;
	ASN1_STRING_free(value);
	return false;
}

static bool push_server(GENERAL_NAMES *names, const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, name, address) == 1)
		return push_name(names, GEN_IPADD, V_ASN1_OCTET_STRING, address,
				 sizeof(struct in_addr));
	if (inet_pton(AF_INET6, name, address) == 1)
		return push_name(names, GEN_IPADD, V_ASN1_OCTET_STRING, address, sizeof(address));
	return push_name(names, GEN_DNS, V_ASN1_IA5STRING, name, strlen(name));
}

static bool add_names(X509 *cert, const struct pki_profile *p)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	char urn[PKI_URN_LEN];
	bool good = names;
	size_t i;

	if (good && p->kind == PKI_DEVICE) {
		pki_urn(p->mac, urn);
		good = push_name(names, GEN_URI, V_ASN1_IA5STRING, urn, strlen(urn));
	}
	for (i = 0; good && p->kind == PKI_SERVER && i < p->n_names; i++)
		good = push_server(names, p->names[i]);
	good = good &&
	       X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) > 0;
	GENERAL_NAMES_free(names);
	return good;
}

static bool add_purpose(X509 *cert, enum pki_kind kind)
{
	EXTENDED_KEY_USAGE *eku = EXTENDED_KEY_USAGE_new();
	bool good = eku;

	if (good && kind == PKI_DEVICE)
		good = sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_client_auth));
	else if (good && kind == PKI_CODE)
		good = sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_code_sign));
	else if (good && kind == PKI_OPERATOR)
		good = sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_client_auth)) && pki_operator_purpose(eku);
	else if (good)
		good = sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_server_auth)) &&
		       sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_cmcRA));
	good = good && X509_add1_ext_i2d(cert, NID_ext_key_usage, eku, 0, X509V3_ADD_APPEND) > 0;
	EXTENDED_KEY_USAGE_free(eku);
	return good;
}

/* Names, and where others find the list. */
static bool add_rest(X509 *cert, const struct pki_profile *p, const struct pki_ca *ca)
{
	if (p->kind == PKI_CODE)
		return true;
	return (p->kind == PKI_OPERATOR ? pki_operator_policy(cert) : add_names(cert, p)) && pki_status_add(cert, ca);
}

static int check_profile(const struct pki_profile *p, struct pki_error *err)
{
	char shown[PKI_QUOTE_LEN];
	size_t len = strlen(p->name), i;

	if (len >= PKI_NAME_LEN || !len ||
	    ((p->kind == PKI_DEVICE || p->kind == PKI_OPERATOR) && !cordon_name_is_valid(p->name, PKI_NAME_LEN)))
		return pki_fail(err, -EINVAL, "'%s' is no name of a device or server",
				pki_quote(p->name, len, shown));
	if (!pki_serial_is_valid(p->serial))
		return pki_fail(err, -EINVAL, "serial is zero or negative (RFC 5280, 4.1.2.2)");
	if (p->kind == PKI_DEVICE)
		return p->mac ? 0 : pki_fail(err, -EINVAL, "a device without a MAC");
	if (p->kind == PKI_CODE || p->kind == PKI_OPERATOR)
		return 0;
	for (i = 0; i < p->n_names; i++)
		if (!pki_is_server(p->names[i]))
			return pki_fail(err, -EINVAL, "'%s' is neither a DNS name nor an address",
					pki_quote(p->names[i], strlen(p->names[i]), shown));
	return i ? 0 : pki_fail(err, -EINVAL, "a server without a name");
}

/**
 * pki_begin - when a certificate begins, so that a device whose clock is behind takes it
 * @now: seconds since 1970
 * @end: when it ends
 *
 * PKI_BACKDATE earlier, or less where it is good for a few days only: devices that renew by its age would find it
 * old at once.
 */
time_t pki_begin(time_t now, time_t end)
{
	time_t early = (end - now) / BACKDATE_PART;

	if (early > PKI_BACKDATE)
		early = PKI_BACKDATE;
	return now - (early < BACKDATE_MIN ? BACKDATE_MIN : early);
}

/**
 * pki_made - when a certificate was made that begins as pki_begin() says
 * @begin: seconds since 1970
 * @end: likewise
 *
 * To the second, or one second off for those that are good for a few days.
 */
time_t pki_made(time_t begin, time_t end)
{
	if ((end - begin - PKI_BACKDATE) / BACKDATE_PART >= PKI_BACKDATE)
		return begin + PKI_BACKDATE;
	if ((end - begin - BACKDATE_MIN) / BACKDATE_PART <= BACKDATE_MIN)
		return begin + BACKDATE_MIN;
	return begin + (end - begin) / (BACKDATE_PART + 1);
}

/**
 * pki_ends_soon - should a certificate have been renewed by now
 * @from: when it began
 * @until: when it ends
 * @now: seconds since 1970
 */
bool pki_ends_soon(time_t from, time_t until, time_t now)
{
	return until - now < (until - from) / LIFE_LEFT;
}

/**
 * pki_issue - sign a certificate
 * @ca: with its key
 * @subject: the key that is certified
 * @profile: for whom and how long; cut to the end of the issuing certificate, or of one above it
 * @err: why not, as where a certificate above does not allow the name
 *
 * The certificate is complete, but OpenSSL has not decoded its key: where that is needed,
 * pki_cert_parse() its DER.
 *
 * Return: X509_free() it; NULL with @err.
 */
X509 *pki_issue(const struct pki_ca *ca, const X509_PUBKEY *subject,
		const struct pki_profile *profile, struct pki_error *err)
{
	time_t until;
	X509 *cert;

	if (!ca->key) {
		pki_fail(err, -EINVAL, "the CA's key is not there");
		return NULL;
	}
	if (check_profile(profile, err))
		return NULL;
	if (ca->revoked) {
		pki_fail(err, -EPERM, "the issuing certificate was revoked, or one above it");
		return NULL;
	}
	if (pki_chain_end(ca, &until)) {
		pki_fail(err, -EINVAL, "the issuing certificate's validity cannot be read");
		return NULL;
	}
	if (until > profile->not_after)
		until = profile->not_after;
	if (until <= profile->not_before) {
		pki_fail(err, -EINVAL,
			 "it would end before it begins: the issuing certificate is expired");
		return NULL;
	}
	cert = pki_cert_begin(X509_get_subject_name(ca->issuing), subject, profile->serial,
			      profile->not_before, until);
	if (cert && pki_name_set(X509_get_subject_name(cert), profile->name) &&
	    pki_cert_usage(cert, false, 0) && add_purpose(cert, profile->kind) &&
	    pki_cert_key_ids(cert, ca->issuing, NULL) &&
	    add_rest(cert, profile, ca) &&
	    X509_sign(cert, ca->key, pki_digest(ca->key))) {
		if (!pki_chain_allows(ca, cert, profile->kind, err))
			return cert;
	} else {
		pki_fail_ssl(err, "certificate cannot be made");
	}
	X509_free(cert);
	return NULL;
}

/* By the root's list, or of one below it; the next one is on no list yet. */
static bool is_revoked(const struct pki_ca *ca, const X509 *issuer)
{
	size_t i;

	for (i = 0; i < ca->n_former; i++)
		if (ca->former[i].cert == issuer)
			return ca->former[i].revoked > 0;
	return issuer == ca->issuing && ca->revoked;
}

/**
 * pki_issuer_of - by its own words, which certificate of this CA issued one
 * @ca: the CA
 * @cert: the certificate, parsed by OpenSSL
 *
 * Return: NULL, none.
 */
const X509 *pki_issuer_of(const struct pki_ca *ca, X509 *cert)
{
	size_t n = 0;
	X509 *issuer;

	/* Only those with it can be told apart when a CA was rolled over, and all of ours have it. */
	if (!X509_get0_authority_key_id(cert))
		return NULL;
	while ((issuer = pki_ca_issuer(ca, n++)))
		if (X509_check_issued(issuer, cert) == X509_V_OK)
			break;
	return issuer;
}

static int check_time(const X509 *cert, const char *whose, time_t now, uint32_t late, struct pki_error *err)
{
	time_t from, to;
	char day[16];

	if (pki_validity(cert, &from, &to))
		return pki_fail(err, -EPERM, "%scertificate with dates that are none (RFC 5280, 4.1.2.5)", whose);
	if (now < from)
		return pki_fail(err, -EKEYEXPIRED, "%scertificate not yet valid: from %s", whose,
				pki_date(X509_get0_notBefore(cert), day));
	if (now > to && (int64_t)now - to > late)
		return pki_fail(err, -EKEYEXPIRED, "%scertificate expired %s", whose,
				pki_date(X509_get0_notAfter(cert), day));
	return 0;
}

static bool is_signed_by(X509 *cert, const X509 *issuer)
{
	bool good = X509_verify(cert, X509_get0_pubkey(issuer)) == 1;

	ERR_clear_error();
	return good;
}

/**
 * pki_client_claim - does a certificate say that it is a client's, of this CA, and in time or a little late
 * @ca: the CA; its key is not needed
 * @cert: the certificate, parsed by OpenSSL
 * @now: seconds since 1970
 * @late: seconds since its end that are forgiven; the issuer's end is never
 * @err: why not
 *
 * Return: 0; with @err, -EKEYEXPIRED, not at this time; -EPERM, anything else.
 */
int pki_client_claim(const struct pki_ca *ca, X509 *cert, time_t now, uint32_t late, struct pki_error *err)
{
	const X509 *issuer = pki_issuer_of(ca, cert);
	uint32_t flags = X509_get_extension_flags(cert);
	time_t from, until;
	int ret;

	if (!issuer && !pki_fleet_find(ca->fleet, cert, &from, &until))
		return pki_fail(err, -EPERM, "not issued by this gateway%s", ca->fleet ? ", nor by another of the fleet" : "");
	/* Alone, the registry's fingerprint says more than this: nobody else writes there. */
	if (issuer && ca->fleet && !is_signed_by(cert, issuer))
		return pki_fail(err, -EPERM, "not signed by this gateway, whose name it has");
	if (issuer && is_revoked(ca, issuer))
		return pki_fail(err, -EPERM, "the CA that issued it was revoked");
	if ((flags & EXFLAG_CA) || !(flags & EXFLAG_XKUSAGE) ||
	    !(X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT))
		return pki_fail(err, -EPERM, "not a client certificate (RFC 5280, 4.2.1.12)");
	ret = check_time(cert, "", now, late, err);
	if (ret || issuer)
		return ret ? ret : check_time(issuer, "the gateway's ", now, 0, err);
	return now >= from && now <= until ? 0 :
	       pki_fail(err, -EKEYEXPIRED, "the issuing certificate of another gateway is not valid at this time");
}

/**
 * pki_claim_late - does a certificate say that it is a device's, of this CA, and in time or a little late
 * @ca: the CA; its key is not needed
 * @cert: the certificate, parsed by OpenSSL
 * @now: seconds since 1970
 * @late: seconds since its end that are forgiven; the issuer's end is never
 * @err: why not
 *
 * The CA's signature is not checked, so this alone is worth nothing: the caller compares the fingerprint with
 * the registry's, which has that of every certificate the CA signed for a device, and so says more than the
 * signature does. Whether it was revoked is the registry's to say, too.
 *
 * Return: 0; with @err, -EKEYEXPIRED, not at this time; -EPERM, anything else.
 */
int pki_claim_late(const struct pki_ca *ca, X509 *cert, time_t now, uint32_t late, struct pki_error *err)
{
	int ret = pki_client_claim(ca, cert, now, late, err);

	/* In time or not, it is no device's. */
	if ((!ret || ret == -EKEYEXPIRED) && pki_is_operator(cert))
		return pki_fail(err, -EPERM, "an operator's certificate, not a device's");
	return ret;
}

/** pki_claim - as pki_claim_late(), and in time */
int pki_claim(const struct pki_ca *ca, X509 *cert, time_t now, struct pki_error *err)
{
	return pki_claim_late(ca, cert, now, 0, err);
}

/**
 * pki_cert_parse - a certificate from its DER
 * @der: its bytes
 * @len: how many
 * @err: why not
 *
 * Return: X509_free() it; NULL with @err.
 */
X509 *pki_cert_parse(const uint8_t *der, size_t len, struct pki_error *err)
{
	const unsigned char *p = der;
	X509 *cert;

	if (len > PKI_CERT_MAX) {
		pki_fail(err, -EFBIG, "certificate of %zu bytes: at most %d", len, PKI_CERT_MAX);
		return NULL;
	}
	cert = d2i_X509(NULL, &p, (long)len);
	if (!cert) {
		pki_fail(err, -EINVAL, "not a certificate in DER (RFC 5280, 4.1)");
		return NULL;
	}
	ERR_clear_error();
	if (p == der + len)
		return cert;
	pki_fail(err, -EINVAL, "%td bytes behind the certificate", der + len - p);
	X509_free(cert);
	return NULL;
}

/**
 * pki_certs_only - certificates in a PKCS#7 that signs nothing
 * @certs: the certificates
 * @n: how many
 * @der: RFC 7030, 4.1.3; OPENSSL_free()
 * @len: of @der
 *
 * Return: 0, or -ENOMEM.
 */
int pki_certs_only(X509 *const *certs, size_t n, uint8_t **der, size_t *len)
{
	unsigned char *out = NULL;
	PKCS7 *p7 = PKCS7_new();
	int size = -1;
	size_t i;

	if (!p7 || !PKCS7_set_type(p7, NID_pkcs7_signed) ||
	    !PKCS7_content_new(p7, NID_pkcs7_data) || !PKCS7_set_detached(p7, 1))
		goto out;
	for (i = 0; i < n; i++)
		if (!PKCS7_add_certificate(p7, certs[i]))
			goto out;
	size = i2d_PKCS7(p7, &out);
	if (size > 0) {
		*der = out;
		*len = size;
	}
out:
	PKCS7_free(p7);
	ERR_clear_error();
	return size > 0 ? 0 : -ENOMEM;
}
