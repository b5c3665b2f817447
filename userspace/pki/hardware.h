/* SPDX-License-Identifier: GPL-2.0 */
/* A key that stays in an HSM or a TPM: what the files that open it share. */
#ifndef CORDON_PKI_HARDWARE_H
#define CORDON_PKI_HARDWARE_H

#include <openssl/ui.h>

#include "parts.h"

#define PKI_PIN_MAX	128
#define PKI_URI_MAX	1024

/**
 * struct pki_reference - which key is meant
 * @uri: without its query; empty, it is @pem
 * @pem: a TPM's key, wrapped, in PEM; or NULL
 * @len: of @pem
 * @pin: PIN or passphrase; empty, none is known
 * @file: which @pin was read from, or empty
 * @ask: a TPM's key has a passphrase, which is not tried without
 */
struct pki_reference {
	char uri[PKI_URI_MAX];
	const char *pem;
	size_t len;
	char pin[PKI_PIN_MAX + 1];
	char file[PKI_URI_MAX];
	bool ask;
};

/* hardware_uri.c: 0 or -errno; the caller wipes @out. */
int pki_reference_parse(const char *text, size_t len, struct pki_reference *out, struct pki_error *err);

/* hardware_pin.c */
bool pki_pin_is_refused(const char *file);
void pki_pin_remember(const char *file, bool was_refused);

/* hardware.c: what OpenSSL asks for a PIN. */
const UI_METHOD *pki_pin_method(void);
void *pki_pin_arg(void);

/*
 * Each gives the key, or NULL and leaves in OpenSSL's queue why. *missing: OpenSSL has no such module. An engine's
 * key is OpenSSL's to use as it is; that of a provider comes as one, with its own context hidden behind.
 */
EVP_PKEY *pki_store_open(const char *provider, const struct pki_reference *ref, bool *missing);
bool pki_store_has_public(const char *provider, const struct pki_reference *ref);
EVP_PKEY *pki_engine_open(const struct pki_reference *ref, bool *missing);

/* hardware_sign.c: a key for OpenSSL's default context that has another one sign. Takes @inner, also on failure. */
EVP_PKEY *pki_signing_key(EVP_PKEY *inner, OSSL_LIB_CTX *ctx, const char *properties);

#endif
