// SPDX-License-Identifier: GPL-2.0
/* What the CA has signed itself: certificates that are adopted, and revocation lists that lie in files. */
#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/pki/pki.h"
#include "tap.h"
#include "tree.h"

#define DAY	86400
#define NAME	"thermostat-1"

static const time_t now = 1800000000;
static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
static char dir[64];

static bool make(const char *name, const char *subject, enum pki_key kind, struct pki_ca *ca)
{
	struct pki_ca_plan plan = { .name = subject, .key = kind, .now = now };
	struct pki_error err = { "" };
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!pki_ca_make(path, &plan, &err) && !pki_ca_load(path, true, NULL, ca, &err))
		return true;
	printf("Bail out! %s\n", err.text);
	exit(1);
}

/* A certificate of the CA, of a kind, in DER: how long it is. */
static size_t issue(const struct pki_ca *ca, enum pki_kind kind, uint8_t der[PKI_CERT_MAX])
{
	static const char *const names[] = { "gateway.test" };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	X509_PUBKEY *subject = pki_key_public(key);
	uint8_t serial[PKI_SERIAL_LEN], *p = der;
	struct pki_profile profile = {
		.kind = kind, .name = kind == PKI_SERVER ? names[0] : NAME, .mac = mac,
		.names = kind == PKI_SERVER ? names : NULL,
		.n_names = kind == PKI_SERVER, .serial = serial, .not_before = now, .not_after = now + 90 * DAY,
	};
	struct pki_error err = { "" };
	X509 *cert;
	int len;

	pki_serial_new(serial);
	cert = pki_issue(ca, subject, &profile, &err);
	len = cert ? i2d_X509(cert, &p) : 0;
	if (len <= 0)
		printf("# %s\n", err.text);
	X509_free(cert);
	X509_PUBKEY_free(subject);
	EVP_PKEY_free(key);
	return len > 0 ? len : 0;
}

static bool verifies(const struct pki_ca *ca, const uint8_t *der, size_t len, time_t when, struct pki_error *err)
{
	/* On the heap and of exactly that length, so that a byte read too many is found. */
	uint8_t *copy = malloc(len ? len : 1);
	X509 *cert;

	memcpy(copy, der, len);
	cert = pki_cert_verify(ca, copy, len, when, err);
	free(copy);
	X509_free(cert);
	return cert;
}

static void check_cert(enum pki_key kind)
{
	static const char *const kinds[] = { [PKI_P256] = "p256", [PKI_P384] = "p384", [PKI_ED25519] = "ed25519" };
	uint8_t der[PKI_CERT_MAX], bent[PKI_CERT_MAX];
	struct pki_error err = { "" };
	struct pki_ca ca, other;
	size_t len, signed_len, i, n = 0;
	char name[16];

	make(kinds[kind], "Test", kind, &ca);
	snprintf(name, sizeof(name), "other-%s", kinds[kind]);
	make(name, "Test", kind, &other);
	len = issue(&ca, PKI_DEVICE, der);
	ok(verifies(&ca, der, len, now + DAY, &err), "%s: a device's: %s", kinds[kind], err.text);
	ok(!verifies(&other, der, len, now + DAY, &err) && strstr(err.text, "not signed by this gateway"),
	   "%s: not of another CA by the same name: %s", kinds[kind], err.text);
	ok(!verifies(&ca, der, len, now + 91 * DAY, &err) && strstr(err.text, "expired"),
	   "%s: over: %s", kinds[kind], err.text);
	ok(!verifies(&ca, der, len, now - DAY, &err) && strstr(err.text, "not yet"),
	   "%s: to come: %s", kinds[kind], err.text);
	for (i = 0; i < len; i++)
		n += verifies(&ca, der, i, now + DAY, &err);
	ok(!n, "%s: cut at any of %zu bytes: refused", kinds[kind], len);
	memcpy(bent, der, len);
	bent[len] = 0;
	ok(!verifies(&ca, bent, len + 1, now + DAY, &err), "%s: a byte behind it: refused: %s", kinds[kind], err.text);
	/* All but the signature itself, which is behind what is signed and the algorithm. */
	signed_len = 8 + (der[6] << 8 | der[7]);
	for (i = 0; i < signed_len + 2U + der[signed_len + 1]; i++) {
		memcpy(bent, der, len);
		bent[i] ^= 1;
		n += verifies(&ca, bent, len, now + DAY, &err);
	}
	ok(!n, "%s: a bit of it changed: refused", kinds[kind]);
	len = issue(&ca, PKI_SERVER, der);
	ok(len && !verifies(&ca, der, len, now + DAY, &err) && strstr(err.text, "not a client"), "%s: a server's: %s",
	   kinds[kind], err.text);
	len = issue(&ca, PKI_CODE, der);
	ok(len && !verifies(&ca, der, len, now + DAY, &err),
	   "%s: one to sign firmware with: %s", kinds[kind], err.text);
	pki_ca_free(&ca);
	pki_ca_free(&other);
}

static size_t make_list(const struct pki_ca *ca, uint64_t number, uint8_t first, size_t n, uint8_t **der)
{
	struct pki_revoked entries[4];
	struct pki_error err;
	size_t len = 0, i;

	memset(entries, 0, sizeof(entries));
	for (i = 0; i < n; i++) {
		entries[i].serial[15] = first + i;
		entries[i].when = now - DAY;
		entries[i].reason = i ? 4 : 0;
	}
	if (pki_crl(ca, entries, n, number, now + (time_t)number, now + 7 * DAY, der, &len, &err))
		printf("# %s\n", err.text);
	return len;
}

static int read_list(const struct pki_ca *ca, const uint8_t *data, size_t len, struct pki_list *list)
{
	uint8_t *copy = malloc(len ? len : 1);
	int ret;

	memcpy(copy, data, len);
	ret = pki_list_read(ca, copy, len, list);
	free(copy);
	return ret;
}

static void check_list(void)
{
	struct pki_list list = { .n = 0 };
	uint8_t *one, *two, *theirs;
	size_t one_len, two_len, theirs_len, i, n = 0;
	struct pki_ca ca, other;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	make("lists", "Test", PKI_P256, &ca);
	make("their-lists", "Test", PKI_P256, &other);
	one_len = make_list(&ca, 5, 1, 2, &one);
	two_len = make_list(&ca, 4, 9, 3, &two);
	theirs_len = make_list(&other, 99, 20, 1, &theirs);
	ok(!read_list(&ca, one, one_len, &list) && list.n == 2 && list.number == 5 && list.made == now + 5 &&
	   list.entries[0].serial[15] == 1 && !list.entries[0].reason && list.entries[1].serial[15] == 2 &&
	   list.entries[1].reason == 4 && list.entries[1].when == now - DAY, "list: as it was made");
	ok(!read_list(&ca, two, two_len, &list) && list.n == 5 && list.number == 5 && list.made == now + 5,
	   "list: an older one adds what it holds");
	ok(read_list(&ca, theirs, theirs_len, &list) == -EPERM && list.n == 5 && list.number == 5,
	   "list: another CA's is left out");
	for (i = 0; i < one_len; i++)
		n += !read_list(&ca, one, i, &list);
	ok(!n && list.n == 5, "list: cut at any of %zu bytes it is none", one_len);
	for (i = 4; i < one_len; i += 3) {
		one[i] ^= 1;
		n += !read_list(&ca, one, one_len, &list) && list.n != 5;
		one[i] ^= 1;
	}
	ok(!n && list.n == 5, "list: nor with a bit of it changed");
	free(list.entries);
	memset(&list, 0, sizeof(list));
	PEM_write_bio(bio, PEM_STRING_X509_CRL, "", one, (long)one_len);
	PEM_write_bio(bio, PEM_STRING_X509_CRL, "", theirs, (long)theirs_len);
	PEM_write_bio(bio, PEM_STRING_X509_CRL, "", two, (long)two_len);
	len = BIO_get_mem_data(bio, &text);
	ok(read_list(&ca, (uint8_t *)text, len, &list) == -EPERM && list.n == 5 && list.number == 5,
	   "list: of three in PEM, one of which is another CA's, two are taken");
	ok(read_list(&ca, (const uint8_t *)"nothing", 7, &list) == -EINVAL && read_list(&ca, one, 0, &list) == -EINVAL,
	   "list: none");
	free(list.entries);
	BIO_free(bio);
	OPENSSL_free(one);
	OPENSSL_free(two);
	OPENSSL_free(theirs);
	pki_ca_free(&ca);
	pki_ca_free(&other);
}

int main(void)
{
	strcpy(dir, "/tmp/pki-verify-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	check_cert(PKI_P256);
	check_cert(PKI_P384);
	check_cert(PKI_ED25519);
	check_list();
	tree_remove(dir);
	return tap_done();
}
