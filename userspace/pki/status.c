// SPDX-License-Identifier: GPL-2.0
/* Where others find the revocation list, the issuer and the status of a certificate: RFC 5280, 4.2.1.13 and 4.2.2.1. */
#include <errno.h>
#include <string.h>

#include "parts.h"

#define SCHEME	"http://"	/* RFC 5280, 8: not https, whose certificate would have to be looked up first */

/**
 * pki_status_url_check - may certificates name this URL
 * @url: what is below it is this CA's
 *
 * Return: NULL, or what is wrong with it.
 */
const char *pki_status_url_check(const char *url)
{
	const char *host = url + strlen(SCHEME), *c;

	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0)
		return "does not begin with http://";
	if (!*host || *host == '/' || *host == ':')
		return "names no host";
	if (strlen(url) >= PKI_STATUS_URL_LEN)
		return "is longer than 160 characters";
	for (c = host; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("\"<>\\^`{|}?#@", *c))
			return "has a character that is of no URL like http://gateway.example/";
	return strstr(host, "/ocsp") ? "has /ocsp in it, which is put behind it" : NULL;
}

/**
 * pki_issuer_id - what an issuer is known by in a URL: its subject key identifier, in hexadecimal
 * @issuer: its certificate
 * @out: filled
 *
 * Return: false, it has none of at most 32 bytes.
 */
bool pki_issuer_id(const X509 *issuer, char out[PKI_ISSUER_ID_LEN])
{
	const ASN1_OCTET_STRING *key = X509_get0_subject_key_id((X509 *)issuer);
	int len = key ? ASN1_STRING_length(key) : 0, i;

	if (!len || len > (PKI_ISSUER_ID_LEN - 1) / 2)
		return false;
	for (i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", ASN1_STRING_get0_data(key)[i]);
	return true;
}

static GENERAL_NAME *uri(const char *base, const char *file, const char *suffix)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();
	char text[PKI_STATUS_URL_LEN + PKI_ISSUER_ID_LEN + 8];
	size_t len = strlen(base);

	snprintf(text, sizeof(text), "%s%s%s%s", base, len && base[len - 1] == '/' ? "" : "/", file, suffix);
	if (name && value && ASN1_STRING_set(value, text, -1)) {
		GENERAL_NAME_set0_value(name, GEN_URI, value);
		return name;
	}
	GENERAL_NAME_free(name);
	ASN1_IA5STRING_free(value);
	return NULL;
}

static bool add_list(X509 *cert, const char *base, const char *id)
{
	CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
	DIST_POINT *point = DIST_POINT_new();
	GENERAL_NAME *name = uri(base, id, ".crl");
	bool good = points && point && name;

	if (good)
		point->distpoint = DIST_POINT_NAME_new();
	good = good && point->distpoint;
	if (good) {
		point->distpoint->type = 0;	/* a full name */
		point->distpoint->name.fullname = GENERAL_NAMES_new();
		good = point->distpoint->name.fullname && sk_GENERAL_NAME_push(point->distpoint->name.fullname, name);
	}
	if (good)
		name = NULL;
	if (good && sk_DIST_POINT_push(points, point))
		point = NULL;
	good = good && !point && X509_add1_ext_i2d(cert, NID_crl_distribution_points, points, 0, X509V3_ADD_APPEND) > 0;
	GENERAL_NAME_free(name);
	DIST_POINT_free(point);
	CRL_DIST_POINTS_free(points);
	return good;
}

static bool push_access(AUTHORITY_INFO_ACCESS *info, int method, GENERAL_NAME *where)
{
	ACCESS_DESCRIPTION *access = where ? ACCESS_DESCRIPTION_new() : NULL;

	if (!access) {
		GENERAL_NAME_free(where);
		return false;
	}
	GENERAL_NAME_free(access->location);
	access->location = where;
	ASN1_OBJECT_free(access->method);
	access->method = OBJ_nid2obj(method);
	if (sk_ACCESS_DESCRIPTION_push(info, access))
		return true;
	ACCESS_DESCRIPTION_free(access);
	return false;
}

static bool add_access(X509 *cert, const char *base, const char *id)
{
	AUTHORITY_INFO_ACCESS *info = AUTHORITY_INFO_ACCESS_new();
	bool good;

	good = info && push_access(info, NID_ad_OCSP, uri(base, "ocsp", "")) &&
	       push_access(info, NID_ad_ca_issuers, uri(base, id, ".cer")) &&
	       X509_add1_ext_i2d(cert, NID_info_access, info, 0, X509V3_ADD_APPEND) > 0;
	AUTHORITY_INFO_ACCESS_free(info);
	return good;
}

/**
 * pki_status_add - name the issuer's list, certificate and responder in a certificate
 * @cert: lacks these extensions, and the signature
 * @ca: where it has no URL, nothing is added
 *
 * List and certificate are named by the issuer: what was given before a roll-over goes on to find its own.
 */
bool pki_status_add(X509 *cert, const struct pki_ca *ca)
{
	char id[PKI_ISSUER_ID_LEN];

	if (!ca->status_url || !ca->status_url[0])
		return true;
	return pki_issuer_id(ca->issuing, id) && add_list(cert, ca->status_url, id) &&
	       add_access(cert, ca->status_url, id);
}
