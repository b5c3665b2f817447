// SPDX-License-Identifier: GPL-2.0
/* What is done by hand because OpenSSL is slow at it: that it comes to the same. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "../../userspace/pki/pki.h"
#include "tap.h"

static X509 *self_signed(EVP_PKEY *key, const EVP_MD *digest)
{
	X509 *cert = X509_new();

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
				   (const unsigned char *)"thermostat-1", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_set_pubkey(cert, key);
	if (X509_sign(cert, key, digest))
		return cert;
	X509_free(cert);
	return NULL;
}

static void test_cert_wrap(void)
{
	static const struct {
		const char *what;
		int more;
		uint8_t first;
	} bad[] = {
		{ "a byte less", -1, 0x30 }, { "a byte behind", 1, 0x30 }, { "a SET", 0, 0x31 },
		{ "a primitive", 0, 0x10 }, { "nothing", -PKI_CERT_MAX, 0x30 },
		{ "too much", PKI_CERT_MAX, 0x30 },
	};
	uint8_t *cert = NULL, *ours = NULL, *theirs = NULL, buf[3 * PKI_CERT_MAX] = { 0 };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	X509 *x = self_signed(key, EVP_sha256());
	size_t len, i, n, ours_len = 0, theirs_len = 0;

	len = i2d_X509(x, &cert);
	ok(!pki_cert_wrap(cert, len, &ours, &ours_len) && !pki_certs_only(&x, 1, &theirs, &theirs_len) &&
	   ours_len == theirs_len && !memcmp(ours, theirs, ours_len),
	   "pki_cert_wrap: a certificate is wrapped as OpenSSL does it");
	OPENSSL_free(theirs);
	theirs = NULL;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memcpy(buf, cert, len);
		buf[0] = bad[i].first;
		n = (int)len + bad[i].more > 0 ? len + bad[i].more : 0;
		ok(pki_cert_wrap(buf, n, &theirs, &theirs_len) == -EINVAL && !theirs &&
		   theirs_len == ours_len && !ERR_peek_error(), "pki_cert_wrap: %s is refused", bad[i].what);
	}
	OPENSSL_free(ours);
	OPENSSL_free(cert);
	X509_free(x);
	EVP_PKEY_free(key);
}

int main(void)
{
	test_cert_wrap();
	return tap_done();
}
