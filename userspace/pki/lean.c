// SPDX-License-Identifier: GPL-2.0
/*
 * OpenSSL 3.0 looks through every decoder that its provider has each time it meets a key, which takes longer
 * than verifying a signature. Here is a library context with the same provider, but for the decoders of kinds
 * of keys that nobody here can have.
 */
#include <openssl/conf.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <string.h>

#include "parts.h"

#define DECODERS_MAX	64

static OSSL_LIB_CTX *lean;
static OSSL_PROVIDER *whole;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

/* RSA: a server's certificate may be another CA's, and a stranger is told that he is one. */
static bool is_wanted(const OSSL_ALGORITHM *a)
{
	static const char * const names[] = { "EC", "ED25519", "RSA", "DER" };
	const char *end = strchrnul(a->algorithm_names, ':');
	size_t i, len = end - a->algorithm_names;

	if (strstr(a->property_definition, "input=msblob") || strstr(a->property_definition, "input=pvk"))
		return false;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (len == strlen(names[i]) && !strncmp(a->algorithm_names, names[i], len))
			return true;
	return false;
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
	static OSSL_ALGORITHM decoders[DECODERS_MAX + 1];
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, no_cache);
	size_t n = 0;

	(void)context;
	if (operation != OSSL_OP_DECODER || !all)
		return all;
	if (!decoders[0].algorithm_names)
		for (; all->algorithm_names && n < DECODERS_MAX; all++)
			if (is_wanted(all))
				decoders[n++] = *all;
	return decoders;
}

static int get_capabilities(void *context, const char *capability, OSSL_CALLBACK *call, void *arg)
{
	(void)context;
	return OSSL_PROVIDER_get_capabilities(whole, capability, call, arg);
}

/* Its context is the whole provider's own: that is what the algorithms expect. */
static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
			 void **context)
{
	static const OSSL_DISPATCH calls[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))get_capabilities },
		{ 0, NULL }
	};

	(void)handle;
	(void)in;
	*out = calls;
	*context = OSSL_PROVIDER_get0_provider_ctx(whole);
	return 1;
}

static int count(OSSL_PROVIDER *provider, void *arg)
{
	int *others = arg;

	*others += strcmp(OSSL_PROVIDER_get0_name(provider), "default") != 0;
	return 1;
}

static void make_lean(void)
{
	OSSL_LIB_CTX *inner = OSSL_LIB_CTX_new(), *outer = OSSL_LIB_CTX_new();
	char *config = CONF_get1_default_config_file();
	int others = 0;

	if (inner && outer && config) {
		OSSL_LIB_CTX_load_config(inner, config);
		OSSL_PROVIDER_do_all(inner, count, &others);
		whole = others ? NULL : OSSL_PROVIDER_load(inner, "default");
	}
	if (whole && OSSL_PROVIDER_add_builtin(outer, "lean", provider_init) &&
	    OSSL_PROVIDER_load(outer, "lean"))
		lean = outer;
	if (!lean) {
		OSSL_PROVIDER_unload(whole);
		OSSL_LIB_CTX_free(outer);
		OSSL_LIB_CTX_free(inner);
	}
	OPENSSL_free(config);
	ERR_clear_error();
}

/**
 * pki_lean - a library context that reads certificates in half the time
 *
 * It knows keys on curves, Ed25519 and RSA, and all algorithms that OpenSSL has. It lives as long as the
 * process.
 *
 * Return: NULL, OpenSSL's own: where its configuration names other providers, they are to be used.
 */
OSSL_LIB_CTX *pki_lean(void)
{
	return CRYPTO_THREAD_run_once(&once, make_lean) ? lean : NULL;
}
