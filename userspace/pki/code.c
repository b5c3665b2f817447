// SPDX-License-Identifier: GPL-2.0
/* The certificate that signs firmware, and its key, as they lie in the CA's directory. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "../lib/file.h"
#include "parts.h"

#define CODE_FILE	"code.pem"

/**
 * pki_code_load - read what signs firmware
 * @dir: the CA's directory
 * @passphrase: of the key; may be NULL
 * @cert: X509_free() it, on success
 * @key: EVP_PKEY_free() it, on success
 * @err: why not
 *
 * Return: 0; with @err, -ENOENT, there is none; -ENOKEY, the key needs a passphrase; -EKEYREJECTED, not this one;
 * -EINVAL, they do not belong together; -errno.
 */
int pki_code_load(const char *dir, const char *passphrase, X509 **cert, EVP_PKEY **key, struct pki_error *err)
{
	EVP_PKEY *k = NULL;
	X509 *c = NULL;
	int ret;

	ret = pki_key_load(dir, CODE_FILE, passphrase, &k, err);
	if (!ret)
		ret = pki_cert_load(dir, CODE_FILE, &c, err);
	if (!ret && X509_check_private_key(c, k) != 1)
		ret = pki_fail(err, -EINVAL, "%s/" CODE_FILE ": the key is not that of the certificate", dir);
	if (!ret) {
		*cert = c;
		*key = k;
		return 0;
	}
	EVP_PKEY_free(k);
	X509_free(c);
	return ret;
}

static int write_both(const char *path, const char *pem, size_t len, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int ret = -ENOMEM;
	char *text;
	long n;

	if (bio && BIO_write(bio, pem, (int)len) == (int)len && PEM_write_bio_X509(bio, cert)) {
		n = BIO_get_mem_data(bio, &text);
		ret = file_write(path, text, n, 0600);
	}
	BIO_free(bio);
	return ret;
}

/**
 * pki_code_save - keep what signs firmware
 * @dir: the CA's directory
 * @passphrase: protects the key; NULL, nothing does
 * @cert: the certificate
 * @key: of @cert
 * @err: why not
 *
 * Return: 0, or -errno with @err; what was there is untouched then.
 */
int pki_code_save(const char *dir, const char *passphrase, X509 *cert, EVP_PKEY *key, struct pki_error *err)
{
	char path[PATH_MAX], *pem;
	size_t len;
	int ret;

	if (snprintf(path, sizeof(path), "%s/" CODE_FILE, dir) >= (int)sizeof(path))
		return pki_fail(err, -ENAMETOOLONG, "%s: the path is too long", dir);
	ret = pki_key_pem(key, passphrase, &pem, &len);
	if (!ret) {
		ret = write_both(path, pem, len, cert);
		OPENSSL_clear_free(pem, len);
	}
	return ret ? pki_fail(err, ret, "%s: %s", path, strerror(-ret)) : 0;
}

/**
 * pki_code_is_good - may this go on signing firmware
 * @ca: its key is not needed
 * @cert: the certificate
 * @now: seconds since 1970
 * @until: must still be valid then
 *
 * Whether it was revoked is the registry's to say.
 */
bool pki_code_is_good(const struct pki_ca *ca, X509 *cert, time_t now, time_t until)
{
	EVP_PKEY *issuer = X509_get0_pubkey(ca->issuing);
	time_t from, to;

	return issuer && !pki_validity(cert, &from, &to) && from <= now && to >= until &&
	       X509_check_issued(ca->issuing, cert) == X509_V_OK && X509_verify(cert, issuer) == 1 &&
	       (X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) &&
	       (X509_get_extended_key_usage(cert) & XKU_CODE_SIGN);
}
