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

/* As a TLS library reads a peer's certificate. */
static X509 *reread(X509 *cert, OSSL_LIB_CTX *ctx)
{
	X509 *out = X509_new_ex(ctx, NULL);
	const unsigned char *p;
	uint8_t *der = NULL;
	int len;

	len = i2d_X509(cert, &der);
	p = der;
	if (!d2i_X509(&out, &p, len))
		out = NULL;
	OPENSSL_free(der);
	return out;
}

static void test_lean(void)
{
	static const struct {
		const char *type, *group;
		size_t bits;
		bool digest, known;
	} rows[] = {
		{ "EC", "P-256", 0, true, true }, { "EC", "P-384", 0, true, true },
		{ "ED25519", NULL, 0, false, true }, { "RSA", NULL, 2048, true, true },
		{ "ED448", NULL, 0, false, false },
	};
	OSSL_LIB_CTX *lean = pki_lean();
	EVP_PKEY *key, *read;
	X509 *cert, *again;
	size_t i;

	ok(lean && lean == pki_lean(), "pki_lean: there is one");
	for (i = 0; lean && i < sizeof(rows) / sizeof(*rows); i++) {
		key = rows[i].bits ? EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type, rows[i].bits) :
				     EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type, rows[i].group);
		cert = self_signed(key, rows[i].digest ? EVP_sha256() : NULL);
		again = reread(cert, lean);
		read = again ? X509_get0_pubkey(again) : NULL;
		if (rows[i].known)
			ok(read && EVP_PKEY_eq(read, key) == 1 && X509_verify(again, read) == 1 &&
			   X509_verify(again, key) == 1 && X509_verify(cert, read) == 1,
			   "pki_lean: a key of kind %s %s is read, and verifies", rows[i].type,
			   rows[i].group ? rows[i].group : "");
		else
			ok(again && !read, "pki_lean: a key of kind %s is not", rows[i].type);
		ERR_clear_error();
		X509_free(again);
		X509_free(cert);
		EVP_PKEY_free(key);
	}
}

int main(void)
{
	test_cert_wrap();
	test_lean();
	return tap_done();
}
