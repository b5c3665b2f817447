// SPDX-License-Identifier: GPL-2.0
/* What names a key in hardware, and with which words it is refused. OpenSSL finds no module for it here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../userspace/pki/pki.h"
#include "tap.h"

#define NO_MODULE "OpenSSL has no PKCS#11 provider, nor engine: Debian's package pkcs11-provider, on Debian 12 " \
	"libengine-pkcs11-openssl, brings it"
#define NO_TPM "OpenSSL has no provider for TPMs: Debian's package tpm2-openssl brings it"
#define WRAPPED "-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n"

static char dir[] = "/tmp/cordon-hardware.XXXXXX";

/* A file in the test's directory; its path, until the next call. */
static const char *file(const char *name, const char *text)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
	return path;
}

static void refuse(const char *text, const char *passphrase, int code, const char *why)
{
	struct pki_error err = { "" };
	EVP_PKEY *key;

	errno = 0;
	key = pki_key_parse(text, strlen(text), passphrase, &err);
	ok(!key && errno == code && strstr(err.text, why), "%.60s: %s", text, err.text);
	EVP_PKEY_free(key);
}

static void test_uris(void)
{
	static const struct {
		const char *uri;
		int code;
		const char *why;
	} bad[] = {
		{ "pkcs11:", EINVAL, "which token?" },
		{ "pkcs11:object=ca", EINVAL, "which token?" },
		{ "pkcs11:token=;object=ca", EINVAL, "which token?" },
		{ "pkcs11:tokens=t;object=ca", EINVAL, "which token?" },
		{ "pkcs11:token=t", EINVAL, "which key?" },
		{ "pkcs11:token=t;type=private", EINVAL, "which key?" },
		{ "pkcs11:token=t;object=o?pin-value=1234", EINVAL, "a PIN does not belong into a URI" },
		{ "pkcs11:token=t;object=o?pin-source=/a&pin-value=1234", EINVAL, "a PIN does not belong into a URI" },
		{ "pkcs11:token=t;object=o?module-path=/tmp/evil.so", EINVAL, "pin-source= alone is taken" },
		{ "pkcs11:token=t;object=o?pin-source=/a&module-path=/b", EINVAL, "pin-source= alone is taken" },
		{ "pkcs11:token=t;object=o?pass", EINVAL, "pin-source= alone is taken" },
		{ "pkcs11:token=t;object=o?", EINVAL, "pin-source= alone is taken" },
		{ "pkcs11:token=t;object=o?pin-source=", EINVAL, "not the path of a file" },
		{ "pkcs11:token=t;object=o?pin-source=pin", EINVAL, "not the path of a file" },
		{ "pkcs11:token=t;object=o?pin-source=|cat", EINVAL, "not the path of a file" },
		{ "pkcs11:token=t;object=o?pin-source=/a%2", EINVAL, "percent-encoding" },
		{ "pkcs11:token=t;object=o?pin-source=/a%zz", EINVAL, "percent-encoding" },
		{ "pkcs11:token=t;object=o?pin-source=/a%00", EINVAL, "percent-encoding" },
		{ "pkcs11:token=t;object=o?pin-source=/nonexistent/pin", ENOENT, "/nonexistent/pin: No such file" },
		{ "pkcs11:token=my token;object=o", EINVAL, "a character that none has" },
		{ "pkcs11:token=t;object=o\npkcs11:token=u;object=o", EINVAL, "a character that none has" },
		{ "pkcs11:token=t;object=\xc3\xa4", EINVAL, "a character that none has" },
		{ "handle:", EINVAL, "which of the TPM's keys?" },
		{ "handle:0x81000001?pin-value=x", EINVAL, "a PIN does not belong into a URI" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refuse(bad[i].uri, NULL, bad[i].code, bad[i].why);
	/* What is right comes as far as OpenSSL's module. */
	refuse("pkcs11:token=t;object=o", "1234", ENOPKG, NO_MODULE);
	refuse("PKCS11:serial=1;id=%01\n", "1234", ENOPKG, NO_MODULE);
	refuse("pkcs11:token=t;object=o", NULL, ENOKEY, "needs a PIN: ?pin-source=FILE names it");
	refuse("handle:0x81000001", NULL, ENOPKG, NO_TPM);
	refuse("handle:0x81000001?pass\r\n", NULL, ENOPKG, NO_TPM);
	refuse("object:/etc/key", NULL, ENOPKG, NO_TPM);
	refuse(WRAPPED, NULL, ENOPKG, "the TPM's key: " NO_TPM);
}

static void test_length(void)
{
	char uri[1100];

	memset(uri, 'x', sizeof(uri));
	memcpy(uri, "pkcs11:token=t;object=", 22);
	uri[1024] = 0;
	refuse(uri, "1234", EINVAL, "a URI of 1024 bytes: at most 1023");
	uri[1023] = 0;
	refuse(uri, "1234", ENOPKG, "OpenSSL has no PKCS#11 provider");
}

static void test_pins(void)
{
	char pin[132], uri[256];
	size_t n;

	memset(pin, '1', sizeof(pin));
	for (n = 128; n < 130; n++) {
		pin[n] = 0;
		snprintf(uri, sizeof(uri), "pkcs11:token=t;object=o?pin-source=%s", file("pin", pin));
		refuse(uri, NULL, n == 128 ? ENOPKG : EINVAL, n == 128 ? NO_MODULE : "must be a PIN of 1 to 128 bytes");
		pin[n] = '1';
	}
	snprintf(uri, sizeof(uri), "pkcs11:token=t;object=o?pin-source=file:%s", file("pin", "1234\r\n"));
	refuse(uri, NULL, ENOPKG, NO_MODULE);
	snprintf(uri, sizeof(uri), "pkcs11:token=t;object=o?pin-source=file://%s", file("a pin", "1234"));
	memcpy(strstr(uri, "a pin"), "a%20pin", sizeof("a%20pin"));
	refuse(uri, NULL, ENOPKG, NO_MODULE);
	snprintf(uri, sizeof(uri), "pkcs11:token=t;object=o?pin-source=%s", file("pin", "12\n34\n"));
	refuse(uri, "1234", EINVAL, "must be a PIN of 1 to 128 bytes, on one line");
	file("pin", "\n");
	refuse(uri, "1234", EINVAL, "must be a PIN of 1 to 128 bytes, on one line");
	file("pin", "");
	refuse(uri, "1234", EINVAL, "must be a PIN of 1 to 128 bytes, on one line");
}

static void test_is_reference(void)
{
	EVP_PKEY *key = pki_key_new(PKI_P256);
	char both[2048], *pem = NULL;
	size_t len = 0;

	ok(pki_key_is_uri("pkcs11:x") && pki_key_is_uri("Handle:x") && pki_key_is_uri("object:x"), "URIs");
	ok(!pki_key_is_uri("p256") && !pki_key_is_uri("/etc/pkcs11:x") && !pki_key_is_uri(""), "and what is none");
	ok(pki_key_is_reference(WRAPPED, strlen(WRAPPED)) && !pki_key_is_reference(WRAPPED, 31),
	   "a TPM's wrapped key, and not a part of its first line");
	ok(!pki_key_is_reference("pkcs11", 6) && !pki_key_is_reference("", 0), "a word that is cut off is no URI");
	ok(!pki_key_pem(key, NULL, &pem, &len) && !pki_key_is_reference(pem, len), "a key is a key");
	snprintf(both, sizeof(both), "%s" WRAPPED, pem);
	ok(!pki_key_is_reference(both, strlen(both)), "and if a wrapped one is behind it");
	ok(!pki_pin_was_refused() && !pki_hardware_is_used(), "no token was asked for anything");
	OPENSSL_clear_free(pem, len);
	EVP_PKEY_free(key);
}

int main(void)
{
	char path[64];

	setenv("OPENSSL_MODULES", "/nonexistent", 1);
	setenv("OPENSSL_ENGINES", "/nonexistent", 1);
	if (!mkdtemp(dir))
		return 1;
	test_uris();
	test_length();
	test_pins();
	test_is_reference();
	snprintf(path, sizeof(path), "%s/a pin", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/pin", dir);
	unlink(path);
	rmdir(dir);
	return tap_done();
}
