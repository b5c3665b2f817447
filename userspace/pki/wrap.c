// SPDX-License-Identifier: GPL-2.0
/* A certificate as it is answered, wrapped without being taken apart: OpenSSL would decode its key first. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "parts.h"

/* RFC 2315, 7 and 9.1: of ContentInfo, and of SignedData what goes before and behind its certificates. */
static const uint8_t type[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t before[] = {
	0x02, 0x01, 0x01, 0x31, 0x00,
	0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01,
};
static const uint8_t behind[] = { 0x31, 0x00 };

static bool is_sequence(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	int tag, class;
	long n;

	return len <= PKI_CERT_MAX &&
	       ASN1_get_object(&p, &n, &tag, &class, (long)len) == V_ASN1_CONSTRUCTED &&
	       tag == V_ASN1_SEQUENCE && class == V_ASN1_UNIVERSAL && p + n == der + len;
}

static void put(uint8_t **p, const void *data, size_t len)
{
	memcpy(*p, data, len);
	*p += len;
}

/**
 * pki_cert_wrap - a certificate of ours in a PKCS#7 that signs nothing
 * @cert: its DER, that of a SEQUENCE; what is in it is not looked at
 * @cert_len: of @cert
 * @der: as pki_certs_only() makes it (RFC 7030, 4.2.3); OPENSSL_free()
 * @len: of @der
 *
 * Return: 0; -EINVAL, @cert is not one SEQUENCE; -ENOMEM.
 */
int pki_cert_wrap(const uint8_t *cert, size_t cert_len, uint8_t **der, size_t *len)
{
	int certs, data, content, all;
	uint8_t *p;

	if (!is_sequence(cert, cert_len)) {
		ERR_clear_error();
		return -EINVAL;
	}
	certs = ASN1_object_size(1, (int)cert_len, 0);
	data = (int)sizeof(before) + certs + (int)sizeof(behind);
	content = ASN1_object_size(1, data, V_ASN1_SEQUENCE);
	all = (int)sizeof(type) + ASN1_object_size(1, content, 0);
	*len = ASN1_object_size(1, all, V_ASN1_SEQUENCE);
	p = *der = OPENSSL_malloc(*len);
	if (!p)
		return -ENOMEM;
	ASN1_put_object(&p, 1, all, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put(&p, type, sizeof(type));
	ASN1_put_object(&p, 1, content, 0, V_ASN1_CONTEXT_SPECIFIC);
	ASN1_put_object(&p, 1, data, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put(&p, before, sizeof(before));
	ASN1_put_object(&p, 1, (int)cert_len, 0, V_ASN1_CONTEXT_SPECIFIC);
	put(&p, cert, cert_len);
	put(&p, behind, sizeof(behind));
	return 0;
}
