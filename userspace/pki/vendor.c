// SPDX-License-Identifier: GPL-2.0
/* Manufacturers' certificates of devices (IEEE 802.1AR): does one lead to a manufacturer's roots, and of which device. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "parts.h"

#define ROOTS_FILE_MAX	(256 * 1024)
#define ROOTS_MAX	16
#define BETWEEN_MAX	4	/* certificates between the device's and the root */
#define SECURITY_LEVEL	2	/* OpenSSL's: 112 bit, RSA of 2048; no SHA-1 */

/**
 * pki_vendor_load - read a manufacturer's roots
 * @path: PEM
 * @roots: sk_X509_pop_free() it, on success
 * @err: why not
 *
 * What the file has is an anchor, be it self-signed or not.
 *
 * Return: 0; -EINVAL, no certificate or too many; another -errno.
 */
int pki_vendor_load(const char *path, STACK_OF(X509) **roots, struct pki_error *err)
{
	STACK_OF(X509) *list;
	char *pem = NULL;
	size_t len = 0;
	X509 *cert;
	int ret = file_read(path, ROOTS_FILE_MAX, &pem, &len);
	BIO *bio;

	if (ret)
		return pki_fail(err, ret, "%s: %s", path, strerror(-ret));
	list = sk_X509_new_null();
	bio = BIO_new_mem_buf(pem, (int)len);
	ret = list && bio ? 0 : pki_fail(err, -ENOMEM, "no memory");
	while (!ret && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (sk_X509_num(list) == ROOTS_MAX || !sk_X509_push(list, cert)) {
			X509_free(cert);
			ret = pki_fail(err, -EINVAL, "%s: more than %d certificates", path, ROOTS_MAX);
		}
	}
	/* What is behind the last one must not be half of another. */
	if (!ret && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		ret = pki_fail(err, -EINVAL, "%s: a certificate that cannot be read", path);
	if (!ret && !sk_X509_num(list))
		ret = pki_fail(err, -EINVAL, "%s: no certificate in PEM", path);
	ERR_clear_error();
	BIO_free(bio);
	free(pem);
	if (ret)
		sk_X509_pop_free(list, X509_free);
	else
		*roots = list;
	return ret;
}

/* Certificates one behind the other. NULL, with @err: that is not what they are. */
static STACK_OF(X509) *read_chain(const uint8_t *der, size_t len, struct pki_error *err)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	const unsigned char *p = der;
	X509 *cert;

	while (list && p < der + len) {
		cert = d2i_X509(NULL, &p, der + len - p);
		if (!cert || !sk_X509_push(list, cert)) {
			X509_free(cert);
			sk_X509_pop_free(list, X509_free);
			list = NULL;
		}
	}
	if (!list)
		pki_fail(err, -EINVAL, "a chain that is not of certificates in DER");
	ERR_clear_error();
	return list;
}

/* What it may be used for, as far as it says so at all: IEEE 802.1AR, 8.10 demands neither extension. */
static int check_leaf(X509 *cert, struct pki_error *err)
{
	uint32_t flags = X509_get_extension_flags(cert);

	if (flags & (EXFLAG_INVALID | EXFLAG_CA))
		return pki_fail(err, -EPERM, flags & EXFLAG_CA ? "the certificate is a CA's, not a device's" :
				"the certificate has extensions that cannot be read");
	if ((flags & EXFLAG_KUSAGE) && !(X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE))
		return pki_fail(err, -EPERM, "the certificate's key is not for signatures (RFC 5280, 4.2.1.3)");
	if ((flags & EXFLAG_XKUSAGE) && !(X509_get_extended_key_usage(cert) & (XKU_SSL_CLIENT | XKU_ANYEKU)))
		return pki_fail(err, -EPERM, "the certificate is for other purposes (RFC 5280, 4.2.1.12)");
	return 0;
}

/* Whoever signs for others must say so; the anchor is the operator's word. */
static int check_between(STACK_OF(X509) *chain, struct pki_error *err)
{
	int i;

	for (i = 1; i < sk_X509_num(chain) - 1; i++)
		if (X509_check_ca(sk_X509_value(chain, i)) != 1)
			return pki_fail(err, -EPERM, "a certificate between the device's and the root is no CA's");
	return 0;
}

static int verify(X509_STORE *store, X509 *cert, STACK_OF(X509) *chain, time_t now, struct pki_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int ret, code;

	if (!ctx || X509_STORE_CTX_init(ctx, store, cert, chain) != 1) {
		X509_STORE_CTX_free(ctx);
		return pki_fail(err, -ENOMEM, "no memory");
	}
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_depth(param, BETWEEN_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_time(param, now);
	if (X509_verify_cert(ctx) == 1) {
		ret = check_between(X509_STORE_CTX_get0_chain(ctx), err);
	} else {
		code = X509_STORE_CTX_get_error(ctx);
		ret = code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID ? -EKEYEXPIRED : -EPERM;
		pki_fail(err, ret, "the manufacturer's certificate: %s", X509_verify_cert_error_string(code));
	}
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	return ret;
}

/**
 * pki_vendor_verify - does a certificate lead to a manufacturer's roots, in time
 * @roots: the manufacturer's
 * @cert: the device's
 * @chain: certificates in DER, one behind the other, that lead there; whoever sent them is not believed
 * @chain_len: of @chain
 * @now: seconds since 1970
 * @err: why not
 *
 * Up to 4 certificates may be between. No purpose is demanded, as such certificates often name none. Whether the
 * manufacturer took it back is not known here.
 *
 * Return: 0; with @err, -EKEYEXPIRED, one of them is not valid at this time; -EPERM, anything else that is wrong with
 * it; -EINVAL; -ENOMEM.
 */
int pki_vendor_verify(STACK_OF(X509) *roots, X509 *cert, const uint8_t *chain, size_t chain_len, time_t now,
		      struct pki_error *err)
{
	STACK_OF(X509) *between = read_chain(chain, chain_len, err);
	X509_STORE *store = X509_STORE_new();
	int ret = between ? 0 : -EINVAL, i;

	for (i = 0; !ret && i < sk_X509_num(roots); i++)
		if (!store || X509_STORE_add_cert(store, sk_X509_value(roots, i)) != 1)
			ret = pki_fail(err, -ENOMEM, "no memory");
	if (!ret)
		ret = check_leaf(cert, err);
	if (!ret)
		ret = verify(store, cert, between, now, err);
	X509_STORE_free(store);
	sk_X509_pop_free(between, X509_free);
	return ret;
}

/**
 * pki_vendor_serial - the serial number of the device that a certificate is of
 * @cert: the certificate
 * @out: terminated; as it stands there, which is compared byte by byte
 * @size: of @out
 * @err: why not
 *
 * The attribute serialNumber (ITU-T X.520, 6.2.9) of the subject, which has to be there once: where IEEE 802.1AR, 8.6
 * and RFC 8995, 2.3.1 have it. The certificate's own serial number is another thing.
 *
 * Return: 0 or -EINVAL.
 */
int pki_vendor_serial(const X509 *cert, char *out, size_t size, struct pki_error *err)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_serialNumber, -1);
	const ASN1_STRING *value;
	size_t len, i;

	if (at < 0)
		return pki_fail(err, -EINVAL, "its subject has no serialNumber (IEEE 802.1AR, 8.6)");
	if (X509_NAME_get_index_by_NID(subject, NID_serialNumber, at) >= 0)
		return pki_fail(err, -EINVAL, "its subject has more than one serialNumber");
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	len = ASN1_STRING_length(value);
	if (!len || len >= size)
		return pki_fail(err, -EINVAL, "its subject's serialNumber has %zu bytes, not 1 to %zu", len, size - 1);
	memcpy(out, ASN1_STRING_get0_data(value), len);
	out[len] = 0;
	for (i = 0; i < len; i++)
		if (out[i] < ' ' || out[i] > '~') {
			out[0] = 0;
			return pki_fail(err, -EINVAL, "its subject's serialNumber is not printable ASCII");
		}
	return 0;
}
