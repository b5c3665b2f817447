// SPDX-License-Identifier: GPL-2.0
/*
 * A key of OpenSSL's default context that has another one sign, which is a provider's in a context of its own.
 *
 * Providers for hardware offer digests, random numbers and curves of their own as well. In the default context
 * OpenSSL would take either one for anything, by the order in which they were loaded; and it would export the key
 * to its own implementation of ECDSA, which then lacks the private half. So the provider has a context in which
 * it is asked to sign and for nothing else. This needs a method of EC_KEY, which OpenSSL 3 calls deprecated.
 */
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "hardware.h"

#define SIGNATURE_MAX	256

/**
 * struct inner - the key that signs
 * @key: the provider's
 * @ctx: its context
 * @properties: select the provider there
 */
struct inner {
	EVP_PKEY *key;
	OSSL_LIB_CTX *ctx;
	const char *properties;
};

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static EC_KEY_METHOD *method;
static int place = -1;

static void forget(void *key, void *data, CRYPTO_EX_DATA *all, int at, long number, void *arg)
{
	struct inner *in = data;

	(void)key;
	(void)all;
	(void)at;
	(void)number;
	(void)arg;
	if (!in)
		return;
	EVP_PKEY_free(in->key);
	free(in);
}

static struct inner *inner_of(const EC_KEY *key)
{
	return EC_KEY_get_ex_data(key, place);
}

static bool set_digest(EVP_PKEY_CTX *ctx, int len)
{
	const EVP_MD *md = len == 32 ? EVP_sha256() : len == 48 ? EVP_sha384() : len == 64 ? EVP_sha512() : NULL;

	return md && EVP_PKEY_CTX_set_signature_md(ctx, md) > 0;
}

static int sign(int type, const unsigned char *digest, int len, unsigned char *out, unsigned int *out_len,
		const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	struct inner *in = inner_of(key);
	EVP_PKEY_CTX *ctx = in ? EVP_PKEY_CTX_new_from_pkey(in->ctx, in->key, in->properties) : NULL;
	size_t size = ECDSA_size(key);
	int good;

	(void)type;
	(void)kinv;
	(void)r;
	good = ctx && EVP_PKEY_sign_init(ctx) > 0 && set_digest(ctx, len) &&
	       EVP_PKEY_sign(ctx, out, &size, digest, len) > 0;
	EVP_PKEY_CTX_free(ctx);
	if (good)
		*out_len = size;
	return good;
}

static ECDSA_SIG *sign_apart(const unsigned char *digest, int len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	unsigned char der[SIGNATURE_MAX];
	const unsigned char *p = der;
	unsigned int n;

	return sign(0, digest, len, der, &n, kinv, r, key) ? d2i_ECDSA_SIG(NULL, &p, n) : NULL;
}

static void make_method(void)
{
	int (*setup)(EC_KEY *key, BN_CTX *ctx, BIGNUM **kinv, BIGNUM **r);
	EC_KEY_METHOD *new = EC_KEY_METHOD_new(EC_KEY_OpenSSL());

	place = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, forget);
	if (!new || place < 0)
		return;
	EC_KEY_METHOD_get_sign(new, NULL, &setup, NULL);
	EC_KEY_METHOD_set_sign(new, sign, setup, sign_apart);
	method = new;
}

static int curve_of(const OSSL_PARAM *all)
{
	const OSSL_PARAM *group = OSSL_PARAM_locate_const(all, OSSL_PKEY_PARAM_GROUP_NAME);
	const char *name = NULL;
	int nid;

	if (!group || !OSSL_PARAM_get_utf8_string_ptr(group, &name))
		return NID_undef;
	nid = EC_curve_nist2nid(name);
	return nid == NID_undef ? OBJ_txt2nid(name) : nid;
}

/* Providers differ in what they tell of a private key when asked for one thing: all export the public half. */
static EC_KEY *public_half(EVP_PKEY *key)
{
	const OSSL_PARAM *point;
	const void *bits = NULL;
	OSSL_PARAM *all = NULL;
	EC_KEY *ec = NULL;
	size_t len = 0;
	bool good = false;

	if (EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &all) != 1)
		return NULL;
	point = OSSL_PARAM_locate_const(all, OSSL_PKEY_PARAM_PUB_KEY);
	if (point && OSSL_PARAM_get_octet_string_ptr(point, &bits, &len) && curve_of(all) != NID_undef)
		ec = EC_KEY_new_by_curve_name(curve_of(all));
	good = ec && EC_KEY_set_method(ec, method) && EC_KEY_oct2key(ec, bits, len, NULL);
	OSSL_PARAM_free(all);
	if (good)
		return ec;
	EC_KEY_free(ec);
	return NULL;
}

/**
 * pki_signing_key - a key of the default context that has another one sign
 * @inner: an EC key, taken, on failure as well
 * @ctx: its context; stays
 * @properties: select its provider in @ctx; stays
 *
 * Return: EVP_PKEY_free() it; NULL, no EC key or no memory.
 */
EVP_PKEY *pki_signing_key(EVP_PKEY *inner, OSSL_LIB_CTX *ctx, const char *properties)
{
	struct inner *in = calloc(1, sizeof(*in));
	EVP_PKEY *key = EVP_PKEY_new();
	EC_KEY *ec = NULL;

	if (in && key && CRYPTO_THREAD_run_once(&once, make_method) && method)
		ec = public_half(inner);
	if (!ec)
		goto fail;
	*in = (struct inner){ .key = inner, .ctx = ctx, .properties = properties };
	if (!EC_KEY_set_ex_data(ec, place, in))
		goto fail;
	if (EVP_PKEY_assign_EC_KEY(key, ec))
		return key;
	/* Goes with the key. */
	in = NULL;
	inner = NULL;
fail:
	EC_KEY_free(ec);
	EVP_PKEY_free(inner);
	EVP_PKEY_free(key);
	free(in);
	return NULL;
}
