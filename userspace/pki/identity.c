// SPDX-License-Identifier: GPL-2.0
/* Who a certificate is about: name, URN, serial, fingerprint. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/policy.h"
#include "parts.h"

#define URN_HEAD	"urn:dev:mac:"
#define URN_HEAD_LEN	(sizeof(URN_HEAD) - 1)

/**
 * pki_urn - a device's URN
 * @mac: MAC-48
 * @out: RFC 9039, 4.1: in its EUI-64 form, lower case
 */
void pki_urn(const uint8_t mac[6], char out[PKI_URN_LEN])
{
	snprintf(out, PKI_URN_LEN, URN_HEAD "%02x%02x%02xfffe%02x%02x%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
}

/* A digit of a URN: RFC 9039 knows lower case only. */
static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/**
 * pki_urn_parse - the MAC in a URN
 * @urn: terminated
 * @mac: where to, on success
 *
 * Return: 0; -EINVAL, not a URN of a MAC-48.
 */
int pki_urn_parse(const char *urn, uint8_t mac[6])
{
	uint8_t eui[8];
	int i;

	if (strncmp(urn, URN_HEAD, URN_HEAD_LEN) || strlen(urn) != URN_HEAD_LEN + 16)
		return -EINVAL;
	urn += URN_HEAD_LEN;
	for (i = 0; i < 8; i++, urn += 2) {
		if (digit(urn[0]) < 0 || digit(urn[1]) < 0)
			return -EINVAL;
		eui[i] = digit(urn[0]) << 4 | digit(urn[1]);
	}
	if (eui[3] != 0xff || eui[4] != 0xfe)
		return -EINVAL;
	memcpy(mac, eui, 3);
	memcpy(mac + 3, eui + 5, 3);
	return 0;
}

static int read_name(const X509_NAME *subject, char name[PKI_NAME_LEN], struct pki_error *err)
{
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *cn;
	char shown[PKI_QUOTE_LEN];
	size_t len;

	if (at < 0)
		return pki_fail(err, -EINVAL, "no CN");
	if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return pki_fail(err, -EINVAL, "more than one CN");
	cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	len = ASN1_STRING_length(cn);
	if (len < PKI_NAME_LEN) {
		memcpy(name, ASN1_STRING_get0_data(cn), len);
		name[len] = 0;
	}
	/* a NUL within would end the name early, and make it another's */
	if (len && len < PKI_NAME_LEN && strlen(name) == len &&
	    cordon_name_is_valid(name, PKI_NAME_LEN))
		return 0;
	return pki_fail(err, -EINVAL, "CN '%s' is no name of a device",
			pki_quote(ASN1_STRING_get0_data(cn), len, shown));
}

/**
 * pki_common_name - the one CN of a certificate, which is a name as devices and operators have it
 * @cert: the certificate
 * @name: its CN
 * @err: why not
 *
 * Return: 0, or -EINVAL with @err.
 */
int pki_common_name(const X509 *cert, char name[PKI_NAME_LEN], struct pki_error *err)
{
	return read_name(X509_get_subject_name(cert), name, err);
}

static bool is_urn(const GENERAL_NAME *n)
{
	const ASN1_STRING *uri;

	if (n->type != GEN_URI)
		return false;
	uri = n->d.uniformResourceIdentifier;
	return ASN1_STRING_length(uri) >= 4 &&
	       !strncasecmp((const char *)ASN1_STRING_get0_data(uri), "urn:", 4);
}

static int read_urn(const ASN1_STRING *uri, uint8_t mac[6], struct pki_error *err)
{
	const char *text = (const char *)ASN1_STRING_get0_data(uri);
	size_t len = ASN1_STRING_length(uri);
	char urn[PKI_URN_LEN] = "", shown[PKI_QUOTE_LEN];

	if (len < sizeof(urn))
		memcpy(urn, text, len);
	if (strlen(urn) == len && !pki_urn_parse(urn, mac))
		return 0;
	return pki_fail(err, -EINVAL, "URI '%s' is no urn:dev:mac: of a MAC (RFC 9039, 4.1)",
			pki_quote(text, len, shown));
}

static int read_mac(const X509 *cert, uint8_t mac[6], struct pki_error *err)
{
	const ASN1_STRING *uri = NULL;
	int found = -1, i, ret, n = 0;
	GENERAL_NAMES *names;

	names = X509_get_ext_d2i(cert, NID_subject_alt_name, &found, NULL);
	if (!names)
		return pki_fail(err, -EINVAL, found == -2 ? "more than one SAN" :
				found == -1 ? "no SAN" : "SAN that cannot be read");
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (!is_urn(name))
			continue;
		uri = name->d.uniformResourceIdentifier;
		n++;
	}
	ret = n == 1 ? read_urn(uri, mac, err) :
	      pki_fail(err, -EINVAL, n ? "more than one URN in the SAN" : "no URN in the SAN");
	GENERAL_NAMES_free(names);
	return ret;
}

/**
 * pki_identity - whom a device certificate names
 * @cert: the certificate; that it is one of ours is pki_claim()'s and the registry's to say
 * @name: its CN
 * @mac: of its URN
 * @err: why not
 *
 * Return: 0; -EINVAL with @err, and @name and @mac as they were.
 */
int pki_identity(const X509 *cert, char name[PKI_NAME_LEN], uint8_t mac[6], struct pki_error *err)
{
	char cn[PKI_NAME_LEN] = "";
	uint8_t its[6];

	if (read_name(X509_get_subject_name(cert), cn, err) || read_mac(cert, its, err))
		return -EINVAL;
	memcpy(name, cn, sizeof(cn));
	memcpy(mac, its, sizeof(its));
	return 0;
}

/**
 * pki_name_text - a distinguished name, for people
 * @name: the name
 * @out: RFC 4514, escaped so that a terminal gets nothing but printable ASCII; cut to fit
 * @size: of @out, not 0
 */
void pki_name_text(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	size_t n = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(bio, &text);
	if (!text)
		n = 0;
	else if (n >= size)
		n = size - 1;
	if (n)
		memcpy(out, text, n);
	out[n] = 0;
	BIO_free(bio);
}

/** pki_subject_text - a certificate's subject, as pki_name_text() */
void pki_subject_text(const X509 *cert, char *out, size_t size)
{
	pki_name_text(X509_get_subject_name(cert), out, size);
}

/**
 * pki_fingerprint - SHA-256 of a certificate's DER
 * @cert: the certificate
 * @out: where to
 *
 * Return: 0, or -ENOMEM.
 */
int pki_fingerprint(const X509 *cert, uint8_t out[PKI_FINGERPRINT_LEN])
{
	return X509_digest(cert, EVP_sha256(), out, NULL) ? 0 : -ENOMEM;
}

/**
 * pki_validity - from when until when a certificate says it is good
 * @cert: the certificate
 * @from: seconds since 1970
 * @to: likewise
 *
 * Return: 0, or -EINVAL.
 */
int pki_validity(const X509 *cert, time_t *from, time_t *to)
{
	return pki_time(X509_get0_notBefore(cert), from) || pki_time(X509_get0_notAfter(cert), to) ?
	       -EINVAL : 0;
}

/**
 * pki_serial_is_valid - may a certificate of ours have it
 * @serial: big endian
 *
 * RFC 5280, 4.1.2.2: positive. The first bit would make it 17 bytes long.
 */
bool pki_serial_is_valid(const uint8_t serial[PKI_SERIAL_LEN])
{
	static const uint8_t zero[PKI_SERIAL_LEN];

	return !(serial[0] & 0x80) && memcmp(serial, zero, PKI_SERIAL_LEN);
}

/**
 * pki_serial_asn1 - a serial as it stands in a certificate
 * @serial: big endian
 *
 * Return: ASN1_INTEGER_free() it; NULL, no memory.
 */
ASN1_INTEGER *pki_serial_asn1(const uint8_t serial[PKI_SERIAL_LEN])
{
	ASN1_INTEGER *out = ASN1_INTEGER_new();
	size_t skip = 0;

	/* What is kept is the magnitude; a sign it gets when it is encoded. */
	while (skip < PKI_SERIAL_LEN - 1 && !serial[skip])
		skip++;
	if (out && ASN1_STRING_set(out, serial + skip, (int)(PKI_SERIAL_LEN - skip)))
		return out;
	ASN1_INTEGER_free(out);
	return NULL;
}

/**
 * pki_serial - a certificate's serial
 * @cert: the certificate
 * @out: big endian
 *
 * Return: 0; -EINVAL, no serial of ours: negative, zero or too long.
 */
int pki_serial(const X509 *cert, uint8_t out[PKI_SERIAL_LEN])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	const uint8_t *bytes = ASN1_STRING_get0_data(serial);
	size_t len = ASN1_STRING_length(serial);
	uint8_t padded[PKI_SERIAL_LEN] = { 0 };

	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || !len || len > PKI_SERIAL_LEN)
		return -EINVAL;
	memcpy(padded + PKI_SERIAL_LEN - len, bytes, len);
	if (!pki_serial_is_valid(padded))
		return -EINVAL;
	memcpy(out, padded, sizeof(padded));
	return 0;
}

/**
 * pki_serial_new - a serial that nobody can foresee
 * @out: big endian; the first byte is not zero, so that everybody writes all 32 digits of it
 *
 * Without random numbers there is no CA: the process ends then.
 */
void pki_serial_new(uint8_t out[PKI_SERIAL_LEN])
{
	do {
		if (RAND_bytes(out, PKI_SERIAL_LEN) != 1)
			abort();
		out[0] &= 0x7f;
	} while (!out[0]);
}

/**
 * pki_serial_text - a serial in hexadecimal digits
 * @serial: big endian
 * @out: 32 digits, lower case
 */
void pki_serial_text(const uint8_t serial[PKI_SERIAL_LEN], char out[2 * PKI_SERIAL_LEN + 1])
{
	policy_hex_text(serial, PKI_SERIAL_LEN, out);
}

/**
 * pki_serial_find - a serial from what somebody typed
 * @text: hexadecimal digits, colons let through; leading zeros may be left out
 * @out: big endian, on success
 *
 * Return: 0; -EINVAL, no serial of ours.
 */
int pki_serial_find(const char *text, uint8_t out[PKI_SERIAL_LEN])
{
	char digits[2 * PKI_SERIAL_LEN];
	uint8_t serial[PKI_SERIAL_LEN] = { 0 };
	int value, n = 0, i;

	for (; *text; text++) {
		if (*text == ':' && n && text[1])
			continue;
		value = digit((char)(*text >= 'A' && *text <= 'F' ? *text | 0x20 : *text));
		if (value < 0 || n == sizeof(digits))
			return -EINVAL;
		digits[n++] = (char)value;
	}
	for (i = 0; i < n; i++)
		serial[PKI_SERIAL_LEN - 1 - i / 2] |= digits[n - 1 - i] << (i % 2 ? 4 : 0);
	if (!pki_serial_is_valid(serial))
		return -EINVAL;
	memcpy(out, serial, sizeof(serial));
	return 0;
}

#define KEY_TEXT_HEAD	"SHA256:"
#define KEY_DIGITS	44	/* base64 of 32 bytes, the last of which is a '=' */

/**
 * pki_key_text - a key as people compare it
 * @id: as of pki_key_id()
 * @out: gets SHA256: and 43 digits of base64
 *
 * Return: @out.
 */
const char *pki_key_text(const uint8_t id[32], char out[PKI_KEY_TEXT_LEN])
{
	unsigned char digits[KEY_DIGITS + 1];

	EVP_EncodeBlock(digits, id, 32);
	snprintf(out, PKI_KEY_TEXT_LEN, KEY_TEXT_HEAD "%.*s", KEY_DIGITS - 1, digits);
	return out;
}

/**
 * pki_key_text_parse - a key from the text that people compare
 * @text: as of pki_key_text(); a '=' at its end is let through
 * @id: set on success
 *
 * Return: 0; -EINVAL, it is none.
 */
int pki_key_text_parse(const char *text, uint8_t id[32])
{
	char digits[KEY_DIGITS + 1], again[PKI_KEY_TEXT_LEN];
	size_t len = strlen(text), head = strlen(KEY_TEXT_HEAD);
	uint8_t bytes[KEY_DIGITS];

	if (strncmp(text, KEY_TEXT_HEAD, head) || (len != head + KEY_DIGITS - 1 && len != head + KEY_DIGITS) ||
	    (len == head + KEY_DIGITS && text[len - 1] != '='))
		return -EINVAL;
	snprintf(digits, sizeof(digits), "%.*s=", KEY_DIGITS - 1, text + head);
	if (EVP_DecodeBlock(bytes, (unsigned char *)digits, KEY_DIGITS) != 33)
		return -EINVAL;
	/* Bits that are left over in the last digit make no other key. */
	if (strncmp(pki_key_text(bytes, again), text, PKI_KEY_TEXT_LEN - 1))
		return -EINVAL;
	memcpy(id, bytes, 32);
	return 0;
}
