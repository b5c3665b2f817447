// SPDX-License-Identifier: GPL-2.0
/*
 * Certificates of operators: what tells them from a device's. Both are of the same CA and for clientAuth, so an operator's
 * has a purpose and a policy of its own, and no URN; whoever takes a device's refuses it, and the other way round.
 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "parts.h"

/**
 * pki_operator_purpose - add the purpose of operators
 * @eku: has clientAuth
 */
bool pki_operator_purpose(EXTENDED_KEY_USAGE *eku)
{
	ASN1_OBJECT *purpose = OBJ_txt2obj(PKI_OPERATOR_EKU, 1);

	if (purpose && sk_ASN1_OBJECT_push(eku, purpose))
		return true;
	ASN1_OBJECT_free(purpose);
	return false;
}

/**
 * pki_operator_policy - add the policy of operators (RFC 5280, 4.2.1.4)
 * @cert: has none
 */
bool pki_operator_policy(X509 *cert)
{
	CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
	POLICYINFO *info = POLICYINFO_new();
	bool good = false;

	if (info) {
		ASN1_OBJECT_free(info->policyid);
		info->policyid = OBJ_txt2obj(PKI_OPERATOR_POLICY, 1);
	}
	if (policies && info && info->policyid && sk_POLICYINFO_push(policies, info)) {
		info = NULL;
		good = X509_add1_ext_i2d(cert, NID_certificate_policies, policies, 0, X509V3_ADD_APPEND) > 0;
	}
	POLICYINFO_free(info);
	CERTIFICATEPOLICIES_free(policies);
	return good;
}

static bool is_object(const ASN1_OBJECT *object, const char *oid)
{
	char text[80];

	return OBJ_obj2txt(text, sizeof(text), object, 1) > 0 && !strcmp(text, oid);
}

static bool has_purpose(const X509 *cert)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	bool found = false;
	int i;

	for (i = 0; !found && i < sk_ASN1_OBJECT_num(eku); i++)
		found = is_object(sk_ASN1_OBJECT_value(eku, i), PKI_OPERATOR_EKU);
	EXTENDED_KEY_USAGE_free(eku);
	return found;
}

static bool has_policy(const X509 *cert)
{
	CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(cert, NID_certificate_policies, NULL, NULL);
	bool found = false;
	int i;

	for (i = 0; !found && i < sk_POLICYINFO_num(policies); i++)
		found = is_object(sk_POLICYINFO_value(policies, i)->policyid, PKI_OPERATOR_POLICY);
	CERTIFICATEPOLICIES_free(policies);
	return found;
}

/**
 * pki_is_operator - does a certificate say that it is an operator's, by purpose or policy
 * @cert: the certificate
 */
bool pki_is_operator(const X509 *cert)
{
	return has_purpose(cert) || has_policy(cert);
}

/**
 * pki_operator_claim - an operator's certificate that this CA signed, in time
 * @ca: the CA; its key is not needed
 * @cert: the certificate, parsed by OpenSSL
 * @now: seconds since 1970
 * @name: of the operator
 * @err: why not
 *
 * The signature is checked. Whether it was revoked is the registry's to say.
 *
 * Return: 0; with @err, -EKEYEXPIRED, not at this time; -ENOTUNIQ, a client's of this CA, but no operator's; -EPERM.
 */
int pki_operator_claim(const struct pki_ca *ca, X509 *cert, time_t now, char name[PKI_NAME_LEN], struct pki_error *err)
{
	const X509 *issuer = pki_issuer_of(ca, cert);
	EVP_PKEY *key = issuer ? pki_public_decode(X509_get_X509_PUBKEY(issuer), err) : NULL;
	bool good = key && X509_verify(cert, key) == 1;
	int ret;

	EVP_PKEY_free(key);
	ERR_clear_error();
	if (!good)
		return pki_fail(err, -EPERM, "not issued by this gateway");
	if (!has_purpose(cert) || !has_policy(cert))
		return pki_fail(err, -ENOTUNIQ, "not an operator's certificate");
	ret = pki_client_claim(ca, cert, now, 0, err);
	if (!ret && pki_common_name(cert, name, err))
		ret = -EPERM;
	return ret;
}
