// SPDX-License-Identifier: GPL-2.0
/* A key in an HSM by way of OpenSSL's PKCS#11 engine: Debian 12 has no provider for it. */
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>
#include <openssl/err.h>
#include <string.h>

#include "hardware.h"

#ifndef OPENSSL_NO_ENGINE
static ENGINE *engine;

static bool load(bool *missing)
{
	ENGINE *e;

	if (engine)
		return true;
	OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
	e = ENGINE_by_id("pkcs11");
	*missing = !e;
	if (!e)
		return false;
	/* It would write to standard error. */
	ENGINE_ctrl_cmd_string(e, "QUIET", NULL, 1);
	if (!ENGINE_init(e)) {
		ENGINE_free(e);
		return false;
	}
	ENGINE_free(e);
	engine = e;
	return true;
}

/**
 * pki_engine_open - a key in an HSM, by the engine
 * @ref: which key
 * @missing: set where OpenSSL has no such engine
 *
 * Return: EVP_PKEY_free() it; NULL, with OpenSSL's errors where there are any.
 */
EVP_PKEY *pki_engine_open(const struct pki_reference *ref, bool *missing)
{
	if (!load(missing))
		return NULL;
	return ENGINE_load_private_key(engine, ref->uri, (UI_METHOD *)pki_pin_method(), pki_pin_arg());
}
#else
EVP_PKEY *pki_engine_open(const struct pki_reference *ref, bool *missing)
{
	(void)ref;
	*missing = true;
	return NULL;
}
#endif
