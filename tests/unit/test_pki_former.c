// SPDX-License-Identifier: GPL-2.0
/*
 * After a roll-over between two issuing CAs below another's: root - upper - lower - ours, and then root - ours. What is
 * taken back above the one before, and whom devices are told of.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../userspace/lib/file.h"
#include "../../userspace/pki/make.h"
#include "tap.h"

#define DAY	86400

static const time_t now = 1800000000;
static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
static char base[128], dir[160];

/**
 * struct company - who is above
 * @key: of all of them
 * @root: signs @upper, and the second issuing certificate
 * @upper: signs @lower
 * @lower: signs the first issuing certificate
 * @first: that one
 * @second: that of after the roll-over
 */
static struct company {
	EVP_PKEY *key;
	X509 *root;
	X509 *upper;
	X509 *lower;
	X509 *first;
	X509 *second;
} the;

/* As whoever reads it has it. */
static X509 *certify(EVP_PKEY *key, const char *cn, X509 *issuer, int pathlen)
{
	X509_PUBKEY *pub = pki_key_public(key);
	const struct pki_ca_cert what = { .key = pub, .cn = cn, .issuer = issuer, .signer = the.key, .pathlen = pathlen,
					  .from = now - DAY, .until = now + 900 * DAY };
	X509 *made = pki_work_sign(&what), *read = NULL;
	struct pki_error err;
	uint8_t *der = NULL;
	int len = i2d_X509(made, &der);

	read = pki_cert_parse(der, len, &err);
	OPENSSL_free(der);
	X509_free(made);
	X509_PUBKEY_free(pub);
	return read;
}

/* The chain that comes for the key that waits. */
static int import(X509 *own, bool deep, struct pki_error *err)
{
	struct pki_import what = { .now = now };
	BIO *file = BIO_new(BIO_s_mem());
	char *text;
	int ret;

	PEM_write_bio_X509(file, own);
	if (deep) {
		PEM_write_bio_X509(file, the.upper);
		PEM_write_bio_X509(file, the.lower);
	}
	PEM_write_bio_X509(file, the.root);
	what.len = BIO_get_mem_data(file, &text);
	what.pem = text;
	ret = pki_ca_import(dir, &what, err);
	BIO_free(file);
	return ret;
}

/* A request is made and answered. */
static int join(X509 **own, X509 *issuer, struct pki_error *err)
{
	const struct pki_ca_plan plan = { .name = "lab", .key = PKI_P256, .now = now };
	char waits[256], *pem;
	EVP_PKEY *key = NULL;
	size_t len;
	int ret = pki_ca_request(dir, &plan, issuer == the.root, &pem, &len, err);

	if (ret)
		return ret;
	free(pem);
	snprintf(waits, sizeof(waits), "%s/" PKI_REQUEST_DIR, dir);
	ret = pki_key_load(waits, "issuing.key", NULL, &key, err);
	/* Any path length will do. */
	if (!ret)
		*own = certify(key, issuer == the.root ? "second" : "first", issuer, 5);
	EVP_PKEY_free(key);
	return ret ? ret : import(*own, issuer == the.lower, err);
}

static X509 *issue(const struct pki_ca *ca)
{
	EVP_PKEY *key = pki_key_new(PKI_P256);
	X509_PUBKEY *pub = pki_key_public(key);
	uint8_t serial[PKI_SERIAL_LEN];
	const struct pki_profile profile = { .kind = PKI_DEVICE, .name = "cam", .mac = mac, .serial = serial,
					     .not_before = now - 1, .not_after = now + DAY };
	struct pki_error err;
	X509 *cert;

	pki_serial_new(serial);
	cert = pki_issue(ca, pub, &profile, &err);
	X509_PUBKEY_free(pub);
	EVP_PKEY_free(key);
	return cert;
}

/* A list with one certificate, or without any, signed by who certified it. */
static void put_list(X509 *issuer, X509 *revoked)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *when = ASN1_TIME_set(NULL, now);
	char path[256], *text;
	BIO *out = BIO_new(BIO_s_mem());
	long len;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(crl, when);
	X509_REVOKED_set_revocationDate(entry, when);
	X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked));
	X509_CRL_add0_revoked(crl, entry);
	X509_CRL_sign(crl, the.key, EVP_sha256());
	PEM_write_bio_X509_CRL(out, crl);
	len = BIO_get_mem_data(out, &text);
	snprintf(path, sizeof(path), "%s/" PKI_ROOT_LIST, dir);
	ok(!file_write(path, text, len, 0644), "a list is put there");
	BIO_free(out);
	ASN1_TIME_free(when);
	X509_CRL_free(crl);
}

static bool is_told(const struct pki_ca *ca, const X509 *cert)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool found = false;
	int i;

	pki_ca_trust(ca, certs);
	for (i = 0; i < sk_X509_num(certs); i++)
		found |= !X509_cmp(sk_X509_value(certs, i), cert);
	sk_X509_free(certs);
	return found;
}

/* @cert: of the first; what takes it back does so however far above it is, and leaves the second. */
static void test_revoked(X509 *cert)
{
	const struct {
		const char *name;
		X509 *issuer;
		X509 *revoked;
		bool taken;
	} lists[] = {
		{ "a stranger", the.root, the.root, true },
		{ "the one before", the.lower, the.first, false },
		{ "who certified it", the.upper, the.lower, false },
		{ "who certified that one", the.root, the.upper, false },
	};
	struct pki_error err;
	struct pki_ca ca;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		/* Its own serial number in a list of another issuer's is nobody's. */
		put_list(lists[i].issuer, lists[i].taken ? the.first : lists[i].revoked);
		if (!ok(!pki_ca_load(dir, true, NULL, &ca, &err), "%s on a list: loads", lists[i].name))
			continue;
		err.text[0] = 0;
		ret = pki_claim(&ca, cert, now, &err);
		ok(lists[i].taken ? !ret : ret == -EPERM && strstr(err.text, "was revoked"),
		   "%s on a list: its devices are %s: %s", lists[i].name, lists[i].taken ? "taken" : "refused", err.text);
		ok(is_told(&ca, the.first) == lists[i].taken && is_told(&ca, the.second), "nor are devices told of it then");
		ok(!ca.revoked, "the present one is not on it");
		pki_ca_free(&ca);
	}
}

static void test_former(void)
{
	struct pki_error err = { "" };
	struct pki_ca ca;
	X509 *cert;

	if (!ok(!join(&the.first, the.lower, &err) && !pki_ca_load(dir, true, NULL, &ca, &err), "a deep chain: %s", err.text))
		return;
	cert = issue(&ca);
	pki_ca_free(&ca);
	ok(join(&the.second, the.root, &err) == 1 && !pki_ca_load(dir, true, NULL, &ca, &err), "the next: %s", err.text);
	ok(is_told(&ca, the.second), "devices are told of the next one, whatever its path length");
	pki_ca_free(&ca);
	ok(!pki_ca_activate(dir, now, &err) && !pki_ca_load(dir, true, NULL, &ca, &err), "activated: %s", err.text);
	ok(!pki_claim(&ca, cert, now, &err), "its devices are taken: %s", err.text);
	ok(is_told(&ca, the.first) && is_told(&ca, the.second) && is_told(&ca, the.root), "devices are told of both");
	ok(!is_told(&ca, the.lower) && !is_told(&ca, the.upper), "and not of what was between, below which others are");
	pki_ca_free(&ca);
	test_revoked(cert);
	X509_free(cert);
}

int main(void)
{
	snprintf(base, sizeof(base), "%s/former.XXXXXX", getenv("CORDON_UNIT") ? getenv("CORDON_UNIT") : "/tmp");
	the.key = pki_key_new(PKI_P256);
	if (!mkdtemp(base) || !the.key) {
		ok(false, "a directory and a key to begin with");
		return tap_done();
	}
	snprintf(dir, sizeof(dir), "%s/ca", base);
	the.root = certify(the.key, "root", NULL, 9);
	the.upper = certify(the.key, "upper", the.root, 8);
	the.lower = certify(the.key, "lower", the.upper, 7);
	test_former();
	pki_tree_remove(base);
	X509_free(the.second);
	X509_free(the.first);
	X509_free(the.lower);
	X509_free(the.upper);
	X509_free(the.root);
	EVP_PKEY_free(the.key);
	return tap_done();
}
