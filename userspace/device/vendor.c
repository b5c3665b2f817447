// SPDX-License-Identifier: GPL-2.0
/* The certificate that a device has from its manufacturer (IEEE 802.1AR: IDevID), and its key. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "vendor.h"

/* Nobody is asked for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* The first one is the device's. */
static int read_certs(BIO *bio, const char *path, struct vendor *v, char error[IDENTITY_ERROR_LEN])
{
	X509 *cert;

	v->cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	v->chain = sk_X509_new_null();
	if (!v->cert || !v->chain)
		return identity_fail(error, "%s: no certificate in PEM", path);
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (sk_X509_num(v->chain) == VENDOR_CHAIN || !sk_X509_push(v->chain, cert)) {
			X509_free(cert);
			return identity_fail(error, "%s: more than %d certificates behind the device's", path, VENDOR_CHAIN);
		}
	}
	ERR_clear_error();
	return 0;
}

static int read_key(BIO *bio, const char *path, struct vendor *v, char error[IDENTITY_ERROR_LEN])
{
	v->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (!v->key)
		return identity_fail(error, "%s: no private key in PEM, or one with a passphrase", path);
	ERR_clear_error();
	return 0;
}

static int read_file(const char *path, struct vendor *v,
		     int (*read)(BIO *bio, const char *path, struct vendor *v, char error[IDENTITY_ERROR_LEN]),
		     char error[IDENTITY_ERROR_LEN])
{
	char *pem = NULL;
	size_t len = 0;
	int err = file_read(path, IDENTITY_FILE_MAX, &pem, &len), ret;
	BIO *bio;

	if (err)
		return identity_fail(error, "%s: %s", path, strerror(-err));
	bio = BIO_new_mem_buf(pem, (int)len);
	ret = bio ? read(bio, path, v, error) : identity_fail(error, "%s: out of memory", path);
	BIO_free(bio);
	OPENSSL_cleanse(pem, len);
	free(pem);
	return ret;
}

/**
 * vendor_load - read a manufacturer's certificate and its key
 * @cert_path: PEM of the device's certificate, then of those that lead to the manufacturer's root
 * @key_path: PEM of its key, of any kind that TLS knows
 * @v: filled; vendor_free() it, after a failure as well
 * @error: what failed
 *
 * Return: 0 or -1.
 */
int vendor_load(const char *cert_path, const char *key_path, struct vendor *v, char error[IDENTITY_ERROR_LEN])
{
	memset(v, 0, sizeof(*v));
	if (read_file(cert_path, v, read_certs, error) || read_file(key_path, v, read_key, error))
		return -1;
	if (X509_check_private_key(v->cert, v->key) == 1)
		return 0;
	return identity_fail(error, "%s: not the key of the certificate in %s", key_path, cert_path);
}

/** vendor_free - forget them */
void vendor_free(struct vendor *v)
{
	X509_free(v->cert);
	EVP_PKEY_free(v->key);
	sk_X509_pop_free(v->chain, X509_free);
	memset(v, 0, sizeof(*v));
}
