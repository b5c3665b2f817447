// SPDX-License-Identifier: GPL-2.0
/* Operators' certificates and devices': each is taken for what it is alone, in time, and signed by this CA. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/pki/pki.h"
#include "tap.h"
#include "tree.h"

#define DAY	86400

static const time_t now = 1800000000;
static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
static char dir[64];

static void make(const char *name, struct pki_ca *ca)
{
	struct pki_ca_plan plan = { .name = "T", .key = PKI_P256, .now = now };
	struct pki_error err = { "" };
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!pki_ca_make(path, &plan, &err) && !pki_ca_load(path, true, NULL, ca, &err))
		return;
	printf("Bail out! %s\n", err.text);
	exit(1);
}

/* As it comes from a client: OpenSSL has read it. */
static X509 *issue(const struct pki_ca *ca, enum pki_kind kind, const char *name, struct pki_error *err)
{
	static const char *const names[] = { "gateway.test" };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	X509_PUBKEY *subject = pki_key_public(key);
	uint8_t serial[PKI_SERIAL_LEN], *der = NULL;
	struct pki_profile profile = {
		.kind = kind, .name = name, .mac = mac, .names = names, .n_names = kind == PKI_SERVER, .serial = serial,
		.not_before = now, .not_after = now + 90 * DAY,
	};
	X509 *cert, *out = NULL;
	int len;

	pki_serial_new(serial);
	cert = pki_issue(ca, subject, &profile, err);
	len = cert ? i2d_X509(cert, &der) : 0;
	if (len > 0)
		out = pki_cert_parse(der, len, err);
	OPENSSL_free(der);
	X509_free(cert);
	X509_PUBKEY_free(subject);
	EVP_PKEY_free(key);
	return out;
}

static void check_kinds(const struct pki_ca *ca)
{
	static const struct {
		const char *what;
		enum pki_kind kind;
		int operator, device;
	} rows[] = {
		{ "an operator", PKI_OPERATOR, 0, -EPERM }, { "a device", PKI_DEVICE, -ENOTUNIQ, 0 },
		{ "a server", PKI_SERVER, -ENOTUNIQ, -EPERM }, { "code", PKI_CODE, -ENOTUNIQ, -EPERM },
	};
	char name[PKI_NAME_LEN];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pki_error err = { "" };
		X509 *cert = issue(ca, rows[i].kind, "alice", &err);
		int ret = cert ? pki_operator_claim(ca, cert, now, name, &err) : 1;

		ok(ret == rows[i].operator, "%s: for the page: %d %s", rows[i].what, ret, err.text);
		ret = cert ? pki_claim(ca, cert, now, &err) : 1;
		ok(ret == rows[i].device, "%s: for a check-in: %d %s", rows[i].what, ret, err.text);
		ok(cert && pki_is_operator(cert) == (rows[i].kind == PKI_OPERATOR), "%s: says so", rows[i].what);
		if (rows[i].kind == PKI_OPERATOR)
			ok(!strcmp(name, "alice"), "its name");
		X509_free(cert);
	}
}

static void check_time_and_issuer(const struct pki_ca *ca, const struct pki_ca *other)
{
	char name[PKI_NAME_LEN];
	struct pki_error err = { "" };
	X509 *cert = issue(ca, PKI_OPERATOR, "alice", &err);

	ok(cert && pki_operator_claim(ca, cert, now - 1, name, &err) == -EKEYEXPIRED, "not yet: %s", err.text);
	ok(cert && pki_operator_claim(ca, cert, now + 90 * DAY + 1, name, &err) == -EKEYEXPIRED, "no more: %s", err.text);
	ok(cert && !pki_operator_claim(ca, cert, now + 90 * DAY, name, &err), "to the last second");
	ok(cert && pki_claim_late(ca, cert, now + 91 * DAY, 2 * DAY, &err) == -EPERM, "ended, and as a device's: %s", err.text);
	ok(cert && pki_operator_claim(other, cert, now, name, &err) == -EPERM, "another CA of the same name: %s", err.text);
	X509_free(cert);
}

/* Whatever is changed in it: the signature does not hold, or it cannot be read. */
static void check_bent(const struct pki_ca *ca)
{
	char name[PKI_NAME_LEN];
	struct pki_error err = { "" };
	X509 *cert = issue(ca, PKI_OPERATOR, "alice", &err), *bent;
	int len, i, taken = 0, read = 0;
	uint8_t *der = NULL;

	len = cert ? i2d_X509(cert, &der) : 0;
	for (i = 0; i < len; i++) {
		der[i] ^= 1;
		bent = pki_cert_parse(der, len, &err);
		read += !!bent;
		taken += bent && !pki_operator_claim(ca, bent, now, name, &err);
		X509_free(bent);
		der[i] ^= 1;
	}
	ok(len && read && !taken, "one bit changed: of %d, %d are read, %d taken", len, read, taken);
	OPENSSL_free(der);
	X509_free(cert);
}

static void check_names(const struct pki_ca *ca)
{
	static const char *const bad[] = { "", "a b", "alice<script>", "-alice", "alice\n", "\xc3\xa4" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pki_error err = { "" };
		X509 *cert = issue(ca, PKI_OPERATOR, bad[i], &err);

		ok(!cert && err.text[0], "name %zu: refused: %s", i, err.text);
		X509_free(cert);
	}
}

int main(void)
{
	struct pki_ca ca, other;

	strcpy(dir, "/tmp/cordon-operator.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	make("one", &ca);
	make("two", &other);
	check_kinds(&ca);
	check_time_and_issuer(&ca, &other);
	check_bent(&ca);
	check_names(&ca);
	pki_ca_free(&ca);
	pki_ca_free(&other);
	tree_remove(dir);
	return tap_done();
}
