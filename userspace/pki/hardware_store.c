// SPDX-License-Identifier: GPL-2.0
/* A key in hardware by way of an OpenSSL provider, which is loaded with the first such key and stays. */
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hardware.h"

/**
 * struct module - a provider, in a context of its own
 * @name: OpenSSL's
 * @properties: that select it
 * @ctx: NULL, not loaded yet
 */
static struct module {
	const char *name;
	const char *properties;
	OSSL_LIB_CTX *ctx;
} modules[] = {
	{ "pkcs11", "provider=pkcs11", NULL },
	{ "tpm2", "provider=tpm2", NULL },
};

/* The machine's own configuration may say where the provider's module is, and more that it needs. */
static void read_config(OSSL_LIB_CTX *ctx)
{
	char *path = CONF_get1_default_config_file();

	if (path)
		OSSL_LIB_CTX_load_config(ctx, path);
	OPENSSL_free(path);
	ERR_clear_error();
}

/* The dynamic loader's word: a provider that is there and will not start says something else. */
static bool is_missing(void)
{
	unsigned long code;
	bool found = false;

	for (; (code = ERR_peek_error()) && !found; found = ERR_GET_LIB(code) == ERR_LIB_DSO)
		if (ERR_GET_LIB(code) != ERR_LIB_DSO)
			ERR_get_error();
	return found;
}

static struct module *load(const char *name, bool *missing)
{
	struct module *m = modules;
	OSSL_LIB_CTX *ctx;

	while (strcmp(m->name, name) != 0)
		m++;
	if (m->ctx)
		return m;
	/* The TPM's library would write to standard error. */
	setenv("TSS2_LOG", "all+NONE", 0);
	ctx = OSSL_LIB_CTX_new();
	if (!ctx)
		return NULL;
	read_config(ctx);
	if (!OSSL_PROVIDER_load(ctx, name)) {
		*missing = is_missing();
		OSSL_LIB_CTX_free(ctx);
		return NULL;
	}
	if (!OSSL_PROVIDER_load(ctx, "default")) {
		OSSL_LIB_CTX_free(ctx);
		return NULL;
	}
	m->ctx = ctx;
	return m;
}

static OSSL_STORE_CTX *open_store(const struct module *m, const struct pki_reference *ref, BIO *pem)
{
	char uri[PKI_URI_MAX + 8];

	if (pem)
		return OSSL_STORE_attach(pem, "file", m->ctx, NULL, pki_pin_method(), pki_pin_arg(), NULL, NULL, NULL);
	/* tpm2-openssl asks for a key's passphrase where this is behind its URI. */
	snprintf(uri, sizeof(uri), "%s%s", ref->uri,
		 ref->ask || (ref->pin[0] && !strcmp(m->name, "tpm2")) ? "?pass" : "");
	return OSSL_STORE_open_ex(uri, m->ctx, NULL, pki_pin_method(), pki_pin_arg(), NULL, NULL, NULL);
}

static EVP_PKEY *first_key(OSSL_STORE_CTX *store, int type)
{
	OSSL_STORE_INFO *info;
	EVP_PKEY *key = NULL;

	if (!OSSL_STORE_expect(store, type))
		return NULL;
	while (!key && !OSSL_STORE_eof(store)) {
		info = OSSL_STORE_load(store);
		if (!info && OSSL_STORE_error(store))
			break;
		if (info && OSSL_STORE_INFO_get_type(info) == type)
			key = type == OSSL_STORE_INFO_PKEY ? OSSL_STORE_INFO_get1_PKEY(info) : OSSL_STORE_INFO_get1_PUBKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	return key;
}

/**
 * pki_store_open - a key in hardware, by a provider
 * @provider: pkcs11 or tpm2
 * @ref: which key
 * @missing: set where OpenSSL has no such provider
 *
 * Return: EVP_PKEY_free() it; NULL, with OpenSSL's errors where there are any.
 */
EVP_PKEY *pki_store_open(const char *provider, const struct pki_reference *ref, bool *missing)
{
	const struct module *m = load(provider, missing);
	OSSL_STORE_CTX *store;
	EVP_PKEY *key = NULL;
	BIO *pem = NULL;

	if (!m)
		return NULL;
	if (ref->pem) {
		pem = BIO_new_mem_buf(ref->pem, (int)ref->len);
		if (!pem)
			return NULL;
	}
	store = open_store(m, ref, pem);
	if (store)
		key = first_key(store, OSSL_STORE_INFO_PKEY);
	OSSL_STORE_close(store);
	BIO_free(pem);
	/* What is no EC key cannot be had sign so, and is told by its kind. */
	return key && EVP_PKEY_is_a(key, "EC") ? pki_signing_key(key, m->ctx, m->properties) : key;
}

/**
 * pki_store_has_public - is the public half of a key there
 * @provider: pkcs11, which does not say that a PIN was refused: it does not find the private half, then
 * @ref: which key
 */
bool pki_store_has_public(const char *provider, const struct pki_reference *ref)
{
	bool missing = false;
	const struct module *m = load(provider, &missing);
	OSSL_STORE_CTX *store = m ? open_store(m, ref, NULL) : NULL;
	EVP_PKEY *key = store ? first_key(store, OSSL_STORE_INFO_PUBKEY) : NULL;
	bool found = key;

	OSSL_STORE_close(store);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return found;
}
