/* SPDX-License-Identifier: GPL-2.0 */
/* A device's key and certificate on its disk, and certificates that it trusts. */
#ifndef CORDON_EST_IDENTITY_H
#define CORDON_EST_IDENTITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#define IDENTITY_FILE_MAX	(64 * 1024)
#define IDENTITY_ERROR_LEN	256

/**
 * struct identity - a key and its certificate
 * @key_path: file of the key
 * @cert_path: file of the certificate
 * @key: private key
 * @cert: of @key
 * @lock: held on their directory, or -1
 * @error: what failed: lower case, no full stop
 */
struct identity {
	const char *key_path;
	const char *cert_path;
	EVP_PKEY *key;
	X509 *cert;
	int lock;
	char error[IDENTITY_ERROR_LEN];
};

__attribute__((format(printf, 2, 3)))
int identity_fail(char error[IDENTITY_ERROR_LEN], const char *fmt, ...);
EVP_PKEY *identity_key_load(const char *path, char error[IDENTITY_ERROR_LEN]);
int identity_key_save(const char *path, EVP_PKEY *key, char error[IDENTITY_ERROR_LEN]);
int identity_cert_save(const char *path, X509 *cert, char error[IDENTITY_ERROR_LEN]);
int identity_certs_save(const char *path, const STACK_OF(X509) *certs,
			char error[IDENTITY_ERROR_LEN]);
X509_STORE *identity_trust_load(const char *path, char error[IDENTITY_ERROR_LEN]);

int identity_load(struct identity *id);
int identity_settle(struct identity *id);
int identity_lock(struct identity *id);
EVP_PKEY *identity_next_key(struct identity *id, bool rekey);
int identity_key_kind(EVP_PKEY *key);
int identity_replace(struct identity *id, EVP_PKEY *key, X509 *cert);
void identity_free(struct identity *id);

#endif
