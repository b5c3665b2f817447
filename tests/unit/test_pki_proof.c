// SPDX-License-Identifier: GPL-2.0
/* The old key's signature over a request for another key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pki/pki.h"
#include "tap.h"

#define NOW	1800000000

struct pair {
	EVP_PKEY *key;
	uint8_t *cert;
	size_t len;
};

static struct pair make_pair(enum pki_key kind)
{
	struct pair p = { .key = pki_key_new(kind) };
	uint8_t serial[PKI_SERIAL_LEN];
	const struct pki_profile profile = {
		.kind = PKI_CODE, .name = "old", .serial = serial, .not_before = NOW, .not_after = NOW + 3600,
	};
	X509_PUBKEY *public = pki_key_public(p.key);
	struct pki_ca ca = { .key = pki_key_new(PKI_P256) };
	struct pki_error err = { "" };
	X509 *cert;
	int n;

	pki_serial_new(serial);
	ca.issuing = X509_new();
	X509_set_pubkey(ca.issuing, ca.key);
	X509_gmtime_adj(X509_getm_notBefore(ca.issuing), 0);
	ASN1_TIME_set(X509_getm_notAfter(ca.issuing), NOW + 7200);
	cert = pki_issue(&ca, public, &profile, &err);
	if (!cert) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	n = i2d_X509(cert, &p.cert);
	p.len = n;
	X509_free(cert);
	X509_free(ca.issuing);
	EVP_PKEY_free(ca.key);
	X509_PUBKEY_free(public);
	return p;
}

static void pair_free(struct pair *p)
{
	EVP_PKEY_free(p->key);
	OPENSSL_free(p->cert);
}

static void test_kind(enum pki_key kind, const char *word)
{
	struct pair old = make_pair(kind), other = make_pair(kind);
	uint8_t proof[PKI_PROOF_MAX], bent[PKI_PROOF_MAX + 1], *csr = NULL;
	EVP_PKEY *key = pki_key_new(PKI_P256);
	struct pki_error err = { "" };
	size_t len, n = 0, i, wrong = 0;

	pki_csr_new(key, "cam", NULL, &csr, &len);
	ok(!pki_proof_new(old.key, csr, len, proof, &n) && n && n <= PKI_PROOF_MAX, "%s: signs", word);
	ok(!pki_proof_check(old.cert, old.len, csr, len, proof, n, &err), "%s: and is believed: %s", word, err.text);
	ok(pki_proof_check(other.cert, other.len, csr, len, proof, n, &err) == -EPERM, "%s: not for another key: %s",
	   word, err.text);
	for (i = 0; i < n; i++) {
		memcpy(bent, proof, n);
		bent[i] ^= 1;
		wrong += !pki_proof_check(old.cert, old.len, csr, len, bent, n, &err);
		wrong += !pki_proof_check(old.cert, old.len, csr, len, proof, i, &err);
	}
	ok(!wrong, "%s: bent or cut anywhere, it is none", word);
	for (wrong = 0, i = 0; i < len; i++) {
		csr[i] ^= 0x80;
		wrong += !pki_proof_check(old.cert, old.len, csr, len, proof, n, &err);
		csr[i] ^= 0x80;
	}
	ok(!wrong, "%s: a request that is bent anywhere is another one", word);
	ok(pki_proof_check(old.cert, old.len - 1, csr, len, proof, n, &err) && pki_proof_check(old.cert, 0, csr, len, proof, n,
	   &err) && pki_proof_check(old.cert, old.len, csr, PKI_CSR_MAX + 1, proof, n, &err),
	   "%s: no certificate, or too long a request: refused", word);
	OPENSSL_free(csr);
	EVP_PKEY_free(key);
	pair_free(&other);
	pair_free(&old);
}

int main(void)
{
	test_kind(PKI_P256, "P-256");
	test_kind(PKI_P384, "P-384");
	test_kind(PKI_ED25519, "Ed25519");
	return tap_done();
}
