// SPDX-License-Identifier: GPL-2.0
/*
 * A key that stays in an HSM or a TPM: opened by what names it, tried once, and told why not.
 *
 * A token counts wrong PINs and locks itself after a few, so one is never tried twice: OpenSSL gets it once a key,
 * and once one was refused, none is tried any more by this process, nor that file's by another.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "hardware.h"

/* PKCS#11's own numbers (version 2.40, 5.1.6) are the reasons of its engine's and its provider's errors. */
#define CKR_PIN_INCORRECT	0xa0
#define CKR_PIN_LEN_RANGE	0xa2
#define CKR_PIN_EXPIRED		0xa3
#define CKR_PIN_LOCKED		0xa4

/**
 * struct answer - what OpenSSL is told when it asks for a PIN, which it may do as long as the key is used
 * @pin: while a key is opened; else empty
 * @asked: how often
 */
static struct answer {
	char pin[PKI_PIN_MAX + 1];
	unsigned int asked;
} the_answer;

static const char not_this_pin[] = "not this PIN; it is not tried again, as a token locks itself after a few "
	"wrong ones";
static const char not_this_passphrase[] = "not this passphrase; it is not tried again, as a TPM locks itself after a "
	"few wrong ones";
static bool refused, used;

static int answer(UI *ui, UI_STRING *question)
{
	struct answer *a = UI_get0_user_data(ui);

	if (UI_get_string_type(question) != UIT_PROMPT)
		return 1;
	a->asked++;
	if (!a->pin[0] || a->asked > 1)
		return 0;
	return !UI_set_result(ui, question, a->pin);
}

/** pki_pin_method - how OpenSSL asks for a PIN; NULL, no memory */
const UI_METHOD *pki_pin_method(void)
{
	static UI_METHOD *method;

	if (!method) {
		method = UI_create_method("the PIN that is known");
		if (method)
			UI_method_set_reader(method, answer);
	}
	return method;
}

/** pki_pin_arg - goes with pki_pin_method() */
void *pki_pin_arg(void)
{
	return &the_answer;
}

/**
 * pki_pin_was_refused - has this process had a PIN refused
 *
 * Whoever starts it again had better not do so by itself.
 */
bool pki_pin_was_refused(void)
{
	return refused;
}

/** pki_hardware_is_used - has this process opened a key in hardware */
bool pki_hardware_is_used(void)
{
	return used;
}

static const char *refusal(unsigned long code, const char *data)
{
	if (ERR_GET_LIB(code) < ERR_LIB_USER)
		return NULL;
	switch (ERR_GET_REASON(code)) {
	case CKR_PIN_INCORRECT:
	case CKR_PIN_LEN_RANGE:
		return not_this_pin;
	case CKR_PIN_EXPIRED:
		return "the PIN has expired";
	case CKR_PIN_LOCKED:
		return "the token has locked itself after wrong PINs";
	}
	if (strstr(data, "lockout"))
		return "the TPM has locked itself after wrong passphrases";
	if (strstr(data, "authorization"))
		return not_this_passphrase;
	return NULL;
}

/* Why a PIN was refused, if it was; OpenSSL's errors are used up. */
static const char *find_refusal(void)
{
	const char *data, *why = NULL;
	unsigned long code;
	int flags;

	while (!why && (code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)))
		why = refusal(code, flags & ERR_TXT_STRING ? data : "");
	return why;
}

static const char *name_of(const struct pki_reference *ref)
{
	return ref->pem ? "the TPM's key" : ref->uri;
}

static int no_module(const struct pki_reference *ref, bool tpm, struct pki_error *err)
{
	return pki_fail(err, -ENOPKG, "%.100s: OpenSSL has no %s: Debian's package %s brings it", name_of(ref),
			tpm ? "provider for TPMs" : "PKCS#11 provider, nor engine",
			tpm ? "tpm2-openssl" : "pkcs11-provider, on Debian 12 libengine-pkcs11-openssl,");
}

/* The token is there and was tried with a PIN, or it would not have asked for one; nothing told that it refused. */
static int after_pin(const struct pki_reference *ref, struct pki_error *err)
{
	bool there;

	OPENSSL_cleanse(the_answer.pin, sizeof(the_answer.pin));
	there = pki_store_has_public("pkcs11", ref);
	refused = true;
	if (there)
		return pki_fail(err, -EKEYREJECTED, "%.100s: %s", name_of(ref), not_this_pin);
	return pki_fail(err, -EKEYREJECTED, "%.100s: the token has no such private key, or refused this PIN; it is not "
			"tried again", name_of(ref));
}

/* 0, OpenSSL's errors say nothing of a PIN. */
static int no_access(const struct pki_reference *ref, struct pki_error *err)
{
	const char *why = find_refusal();

	if (!why)
		return 0;
	/* An empty one was tried. */
	if (why == not_this_passphrase && !ref->pin[0])
		return pki_fail(err, -ENOKEY, "%.100s: needs a passphrase: ?pin-source=FILE names it", name_of(ref));
	refused = true;
	return pki_fail(err, -EKEYREJECTED, "%.100s: %s", name_of(ref), why);
}

/* @silent: what was asked would not have told that a PIN is wrong. */
static int no_key(const struct pki_reference *ref, bool tpm, bool silent, struct pki_error *err)
{
	int ret = no_access(ref, err);

	if (ret)
		return ret;
	if (the_answer.asked && !ref->pin[0])
		return pki_fail(err, -ENOKEY, "%.100s: needs a PIN: ?pin-source=FILE names it", name_of(ref));
	if (the_answer.asked && silent)
		return after_pin(ref, err);
	if (tpm)
		return pki_fail(err, -ENODEV, "%.100s: no such key: is it this TPM's, and does the TPM answer "
				"(/dev/tpmrm0, or what TPM2OPENSSL_TCTI names)?", name_of(ref));
	return pki_fail(err, -ENODEV, "%.100s: no such private key: is the token there, and the key in it "
			"('p11tool --list-tokens', 'pkcs11-tool -O')?", name_of(ref));
}

/* A signature by it, and does its public half say so: a TPM looks at a passphrase no sooner. */
static bool signs(EVP_PKEY *key)
{
	static const uint8_t text[] = "does this key sign";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	X509_PUBKEY *pub = pki_key_public(key);
	struct pki_error unused;
	uint8_t signature[256];
	EVP_PKEY *other = NULL;
	size_t len = sizeof(signature);
	bool good;

	good = ctx && pub && EVP_DigestSignInit(ctx, NULL, pki_digest(key), NULL, key) == 1 &&
	       EVP_DigestSign(ctx, signature, &len, text, sizeof(text)) == 1;
	if (good) {
		other = pki_public_decode(pub, &unused);
		EVP_MD_CTX_reset(ctx);
		good = other && EVP_DigestVerifyInit(ctx, NULL, pki_digest(key), NULL, other) == 1 &&
		       EVP_DigestVerify(ctx, signature, len, text, sizeof(text)) == 1;
	}
	EVP_PKEY_free(other);
	X509_PUBKEY_free(pub);
	EVP_MD_CTX_free(ctx);
	return good;
}

static int no_signature(const struct pki_reference *ref, struct pki_error *err)
{
	int ret = no_access(ref, err);

	return ret ? ret : pki_fail(err, -EIO, "%.100s: the key does not sign", name_of(ref));
}

static int check_key(EVP_PKEY *key, const struct pki_reference *ref, struct pki_error *err)
{
	struct pki_error why;

	if (!EVP_PKEY_is_a(key, "EC") || !pki_key_is_accepted(key, &why))
		return pki_fail(err, -EPERM, "%.100s: key of another kind than P-256 and P-384, "
				"which are what is used in hardware", name_of(ref));
	return signs(key) ? 0 : no_signature(ref, err);
}

static int open_reference(const struct pki_reference *ref, EVP_PKEY **out, struct pki_error *err)
{
	bool tpm = strncasecmp(ref->uri, "pkcs11:", 7) != 0, missing = false, silent = !tpm;
	EVP_PKEY *key;
	int ret;

	if (refused)
		return pki_fail(err, -EKEYREJECTED, "%.100s: a PIN was refused before: none is tried again", name_of(ref));
	if (ref->file[0] && pki_pin_is_refused(ref->file))
		return pki_fail(err, -EKEYREJECTED, "%.90s: the PIN in %.90s was refused: put the right one there, or touch it",
				name_of(ref), ref->file);
	/* The provider would ask for it on the terminal by itself. */
	if (!tpm && !ref->pin[0])
		return pki_fail(err, -ENOKEY, "%.100s: needs a PIN: ?pin-source=FILE names it", name_of(ref));
	ERR_clear_error();
	key = pki_store_open(tpm ? "tpm2" : "pkcs11", ref, &missing);
	if (!key && missing && !tpm) {
		silent = false;
		missing = false;
		ERR_clear_error();
		key = pki_engine_open(ref, &missing);
	}
	if (!key)
		ret = missing ? no_module(ref, tpm, err) : no_key(ref, tpm, silent, err);
	else
		ret = check_key(key, ref, err);
	if (ret)
		EVP_PKEY_free(key);
	else
		*out = key;
	used |= !ret;
	if (ref->file[0] && (!ret || refused))
		pki_pin_remember(ref->file, ret);
	return ret;
}

/**
 * pki_hardware_open - the key that is meant
 * @text: pki_key_is_reference()
 * @len: of @text
 * @passphrase: its PIN, where @text names no file with one; may be NULL
 * @err: why not
 *
 * Return: EVP_PKEY_free() it; NULL with @err and errno: ENOKEY, it needs a PIN; EKEYREJECTED, not this one; ENOPKG,
 * OpenSSL has no module for it; ENODEV, no such key; EPERM, of another kind; EINVAL, a URI that is not taken.
 */
EVP_PKEY *pki_hardware_open(const char *text, size_t len, const char *passphrase, struct pki_error *err)
{
	struct pki_reference ref;
	EVP_PKEY *key = NULL;
	int ret = pki_reference_parse(text, len, &ref, err);

	if (!ret && !ref.file[0] && passphrase && strlen(passphrase) <= PKI_PIN_MAX)
		strcpy(ref.pin, passphrase);
	if (!ret) {
		the_answer.asked = 0;
		strcpy(the_answer.pin, ref.pin);
		ret = open_reference(&ref, &key, err);
		OPENSSL_cleanse(the_answer.pin, sizeof(the_answer.pin));
	}
	OPENSSL_cleanse(&ref, sizeof(ref));
	errno = -ret;
	return key;
}
