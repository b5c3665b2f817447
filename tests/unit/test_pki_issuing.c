// SPDX-License-Identifier: GPL-2.0
/* Issuing CAs of a fleet's gateways: what their certificates let them do, and whose are taken from a file. */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/lib/file.h"
#include "../../userspace/pki/make.h"
#include "tap.h"

#define DAY	86400
#define YEAR	(365 * DAY)
#define MANY	50

static const time_t now = 1800000000;
static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
static char base[128];

static const char *path(const char *name)
{
	static char out[4][256];
	static int n;

	n = (n + 1) % 4;
	snprintf(out[n], sizeof(out[n]), "%s/%s", base, name);
	return out[n];
}

/* A root with an issuing CA of its own, as the first gateway has it. */
static void make_ca(const char *name, struct pki_ca *ca, EVP_PKEY **root_key)
{
	const struct pki_ca_plan plan = { .name = name, .key = PKI_P256, .now = now };
	struct pki_error err = { "" };

	if (pki_ca_make(path(name), &plan, &err) || pki_ca_load(path(name), true, NULL, ca, &err) ||
	    pki_key_load(path(name), "root.key", NULL, root_key, &err)) {
		ok(false, "a CA: %s", err.text);
		exit(tap_done());
	}
}

/* DER of a request that asks for these names; its key. */
static EVP_PKEY *request(const char *const *names, size_t n, uint8_t *der, size_t *len, struct pki_error *err)
{
	const struct pki_ca_plan plan = { .name = "gw", .key = PKI_P256, .now = now, .names = names, .n_names = n };
	char *pem = NULL;
	EVP_PKEY *key = NULL;
	unsigned char *data = NULL;
	long data_len = 0;
	BIO *bio;

	pki_tree_remove(path("gw"));
	if (pki_ca_request(path("gw"), &plan, false, &pem, len, err))
		return NULL;
	bio = BIO_new_mem_buf(pem, (int)*len);
	if (PEM_bytes_read_bio(&data, &data_len, NULL, PEM_STRING_X509_REQ, bio, NULL, NULL))
		memcpy(der, data, data_len);
	*len = data_len;
	OPENSSL_free(data);
	BIO_free(bio);
	free(pem);
	pki_key_load(path("gw/" PKI_REQUEST_DIR), "issuing.key", NULL, &key, err);
	return key;
}

static X509 *issue(const struct pki_ca *ca, enum pki_kind kind, const char *name, const char *const *names, size_t n,
		   struct pki_error *err)
{
	X509_PUBKEY *pub = pki_key_public(ca->key);
	uint8_t serial[PKI_SERIAL_LEN];
	const struct pki_profile p = { .kind = kind, .name = name, .mac = mac, .names = names, .n_names = n, .serial = serial,
				       .not_before = now, .not_after = now + 90 * (time_t)DAY };
	X509 *cert;

	pki_serial_new(serial);
	cert = pki_issue(ca, pub, &p, err);
	X509_PUBKEY_free(pub);
	return cert;
}

static bool may(const struct pki_ca *ca, enum pki_kind kind, const char *name, struct pki_error *err)
{
	X509 *cert = issue(ca, kind, "cam", &name, 1, err);

	X509_free(cert);
	return cert;
}

static const char *const names[] = { "gw.example", "10.0.0.2", "2001:db8::2" };

/** struct row - a server's name, and whether the gateway's CA may certify it */
static const struct row {
	const char *name;
	size_t n;	/* of names[] that the CA has */
	bool good;
} rows[] = {
	{ "gw.example", 3, true }, { "GW.example", 3, true }, { "10.0.0.2", 3, true }, { "2001:db8::2", 3, true },
	{ "www.gw.example", 3, true },	/* below the name, as RFC 5280, 4.2.1.10 has it */
	{ "other.example", 3, false }, { "xgw.example", 3, false }, { "example", 3, false }, { "10.0.0.3", 3, false },
	{ "2001:db8::3", 3, false }, { "0.0.0.0", 3, false }, { "gw.example", 2, true }, { "10.0.0.2", 2, true },
	{ "2001:db8::2", 2, false }, { "::", 2, false }, { "gw.example", 1, true }, { "10.0.0.2", 1, false },
	{ "::1", 1, false },
};

static void check_rows(const struct pki_ca *root, EVP_PKEY *root_key)
{
	struct pki_issuing_plan plan = { .gateway = "gw", .root = root->root, .key = root_key, .now = now, .until = now + YEAR };
	struct pki_error err = { "" };
	uint8_t der[PKI_CSR_MAX];
	struct pki_ca gw;
	size_t i, len;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		gw = (struct pki_ca){ .root = root->root };
		gw.key = request(names, rows[i].n, der, &len, &err);
		gw.issuing = gw.key ? pki_issuing_sign(der, len, &plan, &err) : NULL;
		ok(gw.issuing && may(&gw, PKI_SERVER, rows[i].name, &err) == rows[i].good,
		   "%zu names asked for: the server %s is%s certified: %s", rows[i].n, rows[i].name, rows[i].good ? "" : " not",
		   err.text);
		X509_free(gw.issuing);
		EVP_PKEY_free(gw.key);
	}
}

/* The profile itself, and what devices and others get of it. */
static void check_profile(const struct pki_ca *root, EVP_PKEY *root_key)
{
	static const char *const given[] = { "given.example" };
	struct pki_issuing_plan plan = { .gateway = "hall-7", .names = given, .n_names = 1, .root = root->root, .key = root_key,
					 .now = now, .until = now + YEAR };
	char list[PKI_SERVER_NAMES][PKI_SERVER_NAME_LEN], subject[128];
	struct pki_ca gw = { .root = root->root };
	struct pki_error err = { "" };
	uint8_t der[PKI_CSR_MAX];
	time_t from, until;
	size_t len, n = 0;
	X509 *cert;

	gw.key = request(names, 3, der, &len, &err);
	gw.issuing = pki_issuing_sign(der, len, &plan, &err);
	if (!ok(gw.issuing, "signed: %s", err.text))
		return;
	pki_subject_text(gw.issuing, subject, sizeof(subject));
	ok(!strcmp(subject, "CN=hall-7 issuing CA"), "its subject says the gateway: %s", subject);
	ok(X509_get_pathlen(gw.issuing) == 0 && X509_check_ca(gw.issuing) == 1, "a CA of path length 0");
	ok(X509_get_key_usage(gw.issuing) == (KU_KEY_CERT_SIGN | KU_CRL_SIGN), "signs certificates and lists alone");
	ok(!pki_validity(gw.issuing, &from, &until) && from == now - PKI_BACKDATE && until == now + YEAR, "for a year");
	cert = X509_dup(gw.issuing);
	ok(X509_get_ext_by_critical(cert, 1, -1) >= 0 && X509_EXTENSION_get_critical(
	   X509_get_ext(cert, X509_get_ext_by_NID(cert, NID_name_constraints, -1))), "name constraints are critical");
	X509_free(cert);
	pki_issuing_names(gw.issuing, list, &n);
	ok(n == 1 && !strcmp(list[0], "given.example"), "names that are given are in place of those asked for");
	ok(!may(&gw, PKI_SERVER, "gw.example", &err) && strstr(err.text, "name constraints"), "and not beside them: %s", err.text);
	ok(may(&gw, PKI_DEVICE, NULL, &err), "devices are certified: %s", err.text);
	ok(may(&gw, PKI_OPERATOR, NULL, &err), "operators, too");
	ok(may(&gw, PKI_CODE, NULL, &err), "and what signs offers of firmware");
	cert = issue(&gw, PKI_DEVICE, "cam.example", NULL, 0, &err);
	ok(!cert && strstr(err.text, "name constraints"), "a device whose name looks like a DNS name is not: %s", err.text);
	X509_free(cert);
	/* With 32 bits there is no later time than the root's end. */
	plan.until = pki_later(now, 100 * (int64_t)YEAR);
	cert = pki_issuing_sign(der, len, &plan, &err);
	ok(cert && !pki_validity(cert, &from, &until) && (sizeof(time_t) == 4 ? until == plan.until :
	   !ASN1_TIME_compare(X509_get0_notAfter(cert), X509_get0_notAfter(root->root))), "no longer than the root");
	X509_free(cert);
	X509_free(gw.issuing);
	EVP_PKEY_free(gw.key);
}

static void refused(const struct pki_issuing_plan *plan, const uint8_t *der, size_t len, const char *why, const char *name)
{
	struct pki_error err = { "" };
	X509 *cert = pki_issuing_sign(der, len, plan, &err);

	ok(!cert && strstr(err.text, why), "%s: refused: %s", name, err.text);
	X509_free(cert);
}

/* A request as somebody else's program makes it, with these constraints. */
static size_t odd_request(EVP_PKEY *key, const char *constraints, uint8_t *der)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509_REQ *csr = X509_REQ_new();
	uint8_t *p = der;
	int len;

	sk_X509_EXTENSION_push(list, X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, constraints));
	X509_REQ_set_version(csr, X509_REQ_VERSION_1);
	X509_REQ_set_pubkey(csr, key);
	X509_REQ_add_extensions(csr, list);
	X509_REQ_sign(csr, key, EVP_sha256());
	len = i2d_X509_REQ(csr, &p);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(csr);
	return len > 0 ? len : 0;
}

static void check_refused(const struct pki_ca *root, EVP_PKEY *root_key)
{
	static const char *const bad[] = { "gw.example", "a b" }, *const address[] = { "10.0.0.2" };
	static const struct { const char *constraints, *why; } odd[] = {
		{ "permitted;URI:.example", "are no DNS names" }, { "permitted;IP:10.0.0.0/255.0.0.0", "are no DNS names" },
		{ "permitted;email:root@gw.example", "are no DNS names" },
		{ "permitted;DNS:*.example", "neither a DNS name" }, { "permitted;DNS:.example", "neither a DNS name" },
		{ "excluded;DNS:other.example", "asks for none" },
	};
	const char *many[PKI_SERVER_NAMES + 1];
	struct pki_issuing_plan plan = { .gateway = "gw", .root = root->root, .key = root_key, .now = now, .until = now + YEAR };
	EVP_PKEY *key = pki_key_new(PKI_P256), *none;
	struct pki_error err = { "" };
	uint8_t der[PKI_CSR_MAX];
	size_t len, i;

	for (i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		len = odd_request(key, odd[i].constraints, der);
		refused(&plan, der, len, odd[i].why, odd[i].constraints);
	}
	ok(!request(bad, 2, der, &len, &err) && strstr(err.text, "'a b'") && access(path("gw"), F_OK),
	   "a request for a name that is none: not made: %s", err.text);
	none = request(NULL, 0, der, &len, &err);
	refused(&plan, der, len, "asks for none", "a request without names");
	plan.names = address;
	plan.n_names = 1;
	refused(&plan, der, len, "no DNS name", "an address alone");
	for (i = 0; i < PKI_SERVER_NAMES + 1; i++)
		many[i] = "gw.example";
	plan.names = many;
	plan.n_names = PKI_SERVER_NAMES + 1;
	refused(&plan, der, len, "more than 32", "too many names");
	plan.n_names = 1;
	refused(&plan, der, len / 2, "", "half a request");
	plan.gateway = "gw\n";
	refused(&plan, der, len, "printable", "a gateway with a line break");
	plan.gateway = "12345678901234567890123456789012345678901";
	refused(&plan, der, len, "1 to 40", "a gateway with a long name");
	plan.gateway = "gw";
	plan.now = pki_later(now, 30 * (int64_t)YEAR);
	if (sizeof(time_t) > 4)
		refused(&plan, der, len, "expired", "a root that has expired");
	plan.now = now;
	plan.root = root->issuing;
	plan.key = root->key;
	refused(&plan, der, len, "path length is 0", "an issuing CA in place of a root");
	plan.key = root_key;
	plan.root = root->root;
	len = odd_request(root_key, "permitted;DNS:gw.example", der);
	refused(&plan, der, len, "another than the root's", "the root's own key");
	EVP_PKEY_free(none);
	EVP_PKEY_free(key);
}

static X509 *gateway(const struct pki_ca *root, EVP_PKEY *root_key, const char *name, time_t until, EVP_PKEY *key)
{
	struct pki_issuing_plan plan = { .gateway = name, .root = root->root, .key = root_key, .now = now, .until = until };
	struct pki_error err = { "" };
	uint8_t der[PKI_CSR_MAX];
	size_t len = odd_request(key, "permitted;DNS:gw.example", der);
	X509 *made = pki_issuing_sign(der, len, &plan, &err), *cert = NULL;
	uint8_t *out = NULL;
	int n = made ? i2d_X509(made, &out) : 0;

	/* As it comes out of a file, its key decoded. */
	if (n > 0)
		cert = pki_cert_parse(out, n, &err);
	if (!cert)
		ok(false, "an issuing CA: %s", err.text);
	OPENSSL_free(out);
	X509_free(made);
	return cert;
}

static void put(BIO *out, X509 *cert)
{
	PEM_write_bio_X509(out, cert);
}

static struct pki_fleet *read_fleet(const struct pki_ca *ca, BIO *in, const struct pki_fleet *before, unsigned int *left,
				    struct pki_error *err)
{
	char *text;
	long len = BIO_get_mem_data(in, &text);

	err->text[0] = 0;
	return pki_fleet_read(ca, text, len, before, left, err);
}

/* A device's claim that this gateway issued its certificate. */
static int claim(const struct pki_ca *ca, X509 *issuing, EVP_PKEY *key, time_t when)
{
	struct pki_ca gw = { .issuing = issuing, .key = key, .root = ca->root };
	struct pki_error err = { "" };
	X509 *cert = issue(&gw, PKI_DEVICE, "cam", NULL, 0, &err), *read = NULL;
	uint8_t *der = NULL;
	int len, ret;

	len = i2d_X509(cert, &der);
	read = pki_cert_parse(der, len, &err);
	ret = read ? pki_claim(ca, read, when, &err) : -EINVAL;
	OPENSSL_free(der);
	X509_free(read);
	X509_free(cert);
	return ret;
}

static void check_fleet(struct pki_ca *root, EVP_PKEY *root_key, struct pki_ca *other, EVP_PKEY *other_key)
{
	EVP_PKEY *keys[MANY], *thief = pki_key_new(PKI_P256);
	X509 *certs[MANY], *again, *foreign = gateway(other, other_key, "gw-3", now + YEAR, thief);
	BIO *bio = BIO_new(BIO_s_mem());
	struct pki_fleet *f, *next;
	struct pki_error err;
	unsigned int left;
	char name[16];
	int i, good = 0;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "gw-%d", i);
		keys[i] = pki_key_new(PKI_P256);
		certs[i] = gateway(root, root_key, name, now + YEAR, keys[i]);
		put(bio, certs[i]);
	}
	ok(claim(root, certs[3], keys[3], now) == -EPERM, "without a fleet, another gateway's device is foreign");
	ok(!claim(root, root->issuing, thief, now), "alone, a claim is not a signature: the registry compares the fingerprint");
	put(bio, foreign);
	put(bio, root->root);
	f = read_fleet(root, bio, NULL, &left, &err);
	ok(f && pki_fleet_count(f) == MANY && left == 2 && strstr(err.text, "gw-3 issuing CA") && strstr(err.text, "root"),
	   "all of our root's are taken, another root's and the root itself left out: %s", err.text);
	root->fleet = f;
	for (i = 0; i < MANY; i++)
		good += !claim(root, certs[i], keys[i], now);
	ok(good == MANY, "a device of each is let through");
	ok(claim(root, foreign, thief, now) == -EPERM, "one of another root's gateway with the same name is not");
	ok(claim(root, certs[3], thief, now) == -EPERM, "in the name of another gateway, which has not signed it");
	ok(claim(root, root->issuing, thief, now) == -EPERM && !claim(root, root->issuing, root->key, now),
	   "nor in this one's own, which has its own as before");
	ok(claim(root, certs[3], keys[3], now + 89 * (time_t)DAY) == 0, "in its time");
	again = gateway(root, root_key, "gw-3", now + DAY, keys[3]);
	put(bio, again);
	next = read_fleet(root, bio, f, &left, &err);
	ok(next && pki_fleet_count(next) == MANY + 1 && left == 2, "read again, with one of the same key: the known ones stay");
	root->fleet = next;
	ok(!claim(root, certs[3], keys[3], now + 2 * DAY), "of two of one key and name, the one that ends later counts");
	pki_fleet_free(f);
	root->fleet = NULL;
	BIO_reset(bio);
	put(bio, again);
	f = read_fleet(root, bio, next, &left, &err);
	root->fleet = f;
	ok(f && pki_fleet_count(f) == 1 && claim(root, certs[4], keys[4], now) == -EPERM, "who is not in it any more is foreign");
	ok(claim(root, again, keys[3], now + 2 * DAY) == -EKEYEXPIRED, "an issuer that has ended lets nobody through");
	root->fleet = NULL;
	pki_fleet_free(f);
	pki_fleet_free(next);
	X509_free(again);
	for (i = 0; i < MANY; i++) {
		X509_free(certs[i]);
		EVP_PKEY_free(keys[i]);
	}
	X509_free(foreign);
	EVP_PKEY_free(thief);
	BIO_free(bio);
}

/* Files that are broken are so as a whole, at whichever byte they are cut. */
static void check_broken(const struct pki_ca *root, EVP_PKEY *root_key)
{
	static const char *const bad[] = {
		"", "\n", "# none\n", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	};
	EVP_PKEY *key = pki_key_new(PKI_P256);
	X509 *cert = gateway(root, root_key, "gw", now + YEAR, key);
	BIO *bio = BIO_new(BIO_s_mem());
	struct pki_fleet *f;
	struct pki_error err;
	unsigned int left;
	long len, cut, held = 0;
	char *text;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		f = pki_fleet_read(root, bad[i], strlen(bad[i]), NULL, &left, &err);
		ok(!pki_fleet_count(f), "broken file %zu has nobody: %s", i, err.text);
		pki_fleet_free(f);
	}
	put(bio, cert);
	len = BIO_get_mem_data(bio, &text);
	put(bio, cert);
	len = BIO_get_mem_data(bio, &text) - len;
	for (cut = len + 1; cut < 2 * len - 1; cut++) {
		f = pki_fleet_read(root, text, cut, NULL, &left, &err);
		held += !f || pki_fleet_count(f) == 1;
		pki_fleet_free(f);
	}
	ok(held == len - 2, "cut anywhere in the second certificate: never more than the first");
	f = pki_fleet_read(root, text, 2 * len - 40, NULL, &left, &err);
	ok(!f && err.text[0], "cut within its lines: nothing: %s", err.text);
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void check_revoked(struct pki_ca *root, EVP_PKEY *root_key)
{
	EVP_PKEY *key = pki_key_new(PKI_P256), *other = pki_key_new(PKI_P256);
	X509 *cert = gateway(root, root_key, "gone", now + YEAR, key), *left = gateway(root, root_key, "stays", now + YEAR, other);
	const struct pki_root_plan plan = { .key = root_key, .revoke = cert, .reason = 2, .now = now };
	struct pki_error err = { "" };
	struct pki_ca again;
	char *pem = NULL;
	size_t len;

	ok(!pki_fleet_check(root, cert, &err), "before the root revokes it, it is good");
	ok(!pki_root_crl(path("home"), &plan, &pem, &len, &err) && !pki_ca_load(path("home"), false, NULL, &again, &err),
	   "the root revokes it: %s", err.text);
	ok(pki_fleet_check(&again, cert, &err) == -EPERM && strstr(err.text, "revoked"), "it is left out: %s", err.text);
	ok(!pki_fleet_check(&again, left, &err), "the others stay");
	pki_ca_free(&again);
	free(pem);
	X509_free(cert);
	X509_free(left);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

int main(void)
{
	EVP_PKEY *root_key = NULL, *other_key = NULL;
	struct pki_ca root, other;

	snprintf(base, sizeof(base), "/tmp/cordon-issuing.XXXXXX");
	if (!mkdtemp(base))
		return 1;
	make_ca("home", &root, &root_key);
	make_ca("other", &other, &other_key);
	check_profile(&root, root_key);
	check_rows(&root, root_key);
	check_refused(&root, root_key);
	check_fleet(&root, root_key, &other, other_key);
	check_broken(&root, root_key);
	check_revoked(&root, root_key);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(other_key);
	pki_ca_free(&root);
	pki_ca_free(&other);
	pki_tree_remove(base);
	return tap_done();
}
