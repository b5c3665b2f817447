// SPDX-License-Identifier: GPL-2.0
/*
 * An issuing CA below another's: root (RSA) - policy (RSA) - ours (P-256). Which chains are taken, what is issued below
 * them, and issuing CAs that their root takes back.
 */
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
#define MAX_EXT	6

static const time_t now = 1800000000;
static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
static char base[128];
static EVP_PKEY *root_key, *policy_key, *weak_key;

static const char *path(const char *name)
{
	static char out[4][256];
	static int n;

	n = (n + 1) % 4;
	snprintf(out[n], sizeof(out[n]), "%s/%s", base, name);
	return out[n];
}

/* What a name constraint on a subject refers to. */
static CONF *sections(void)
{
	static const char text[] = "[acme]\nO = Acme\n";
	BIO *bio = BIO_new_mem_buf(text, -1);
	CONF *conf = NCONF_new(NULL);

	NCONF_load_bio(conf, bio, NULL);
	BIO_free(bio);
	return conf;
}

static void extend(X509 *cert, X509 *issuer, const char *const *extensions)
{
	CONF *conf = sections();
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	char name[32];
	int i, len;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	for (i = 0; i < MAX_EXT && extensions[i]; i++) {
		len = (int)strcspn(extensions[i], "=");
		snprintf(name, sizeof(name), "%.*s", len, extensions[i]);
		ext = X509V3_EXT_nconf(conf, &ctx, name, extensions[i] + len + 1);
		if (!ext || !X509_add_ext(cert, ext, -1))
			ok(false, "extension %s", extensions[i]);
		X509_EXTENSION_free(ext);
	}
	NCONF_free(conf);
}

/* A certificate of another's CA, which begins and ends so many days from now. */
static X509 *certify(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *signer, const char *const *extensions,
		     int from, int until, const EVP_MD *digest)
{
	static long serial = 1;
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Acme", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name);
	ASN1_TIME_set(X509_getm_notBefore(cert), now + from * DAY);
	ASN1_TIME_set(X509_getm_notAfter(cert), now + until * DAY);
	X509_set_pubkey(cert, key);
	extend(cert, issuer ? issuer : cert, extensions);
	X509_sign(cert, signer, digest ? digest : EVP_sha256());
	return cert;
}

#define CA_TRUE		"basicConstraints=critical,CA:TRUE"
#define CA_SIGNS	"keyUsage=critical,keyCertSign,cRLSign"
#define CA_KEY_ID	"subjectKeyIdentifier=hash"
#define AS_USUAL	-1, 900, NULL, false
#define USUAL		{ CA_TRUE, CA_SIGNS, CA_KEY_ID }

/**
 * struct row - a chain, and what is said of it
 * @name: what is the matter with it
 * @root: extensions of the root
 * @policy: of what is between
 * @own: of ours
 * @from: days until the one between begins
 * @until: until it ends
 * @digest: of the signature over ours; NULL, SHA-256
 * @weak: the one between has a key of 1024 bits
 * @why: part of the sentence; NULL, it is taken
 */
struct row {
	const char *name;
	const char *root[MAX_EXT];
	const char *policy[MAX_EXT];
	const char *own[MAX_EXT];
	int from;
	int until;
	const EVP_MD *(*digest)(void);
	bool weak;
	const char *why;
};

static const struct row rows[] = {
	{ "as it should be", USUAL, USUAL, USUAL, AS_USUAL, NULL },
	{ "path lengths that suffice", { "basicConstraints=critical,CA:TRUE,pathlen:2", CA_SIGNS, CA_KEY_ID },
	  { "basicConstraints=critical,CA:TRUE,pathlen:1", CA_SIGNS, CA_KEY_ID },
	  { "basicConstraints=critical,CA:TRUE,pathlen:0", CA_SIGNS, CA_KEY_ID }, AS_USUAL, NULL },
	{ "ours is no CA", USUAL, USUAL, { "basicConstraints=critical,CA:FALSE", CA_SIGNS, CA_KEY_ID }, AS_USUAL,
	  "is not a CA's (RFC 5280, 4.2.1.9)" },
	{ "ours signs lists alone", USUAL, USUAL, { CA_TRUE, "keyUsage=critical,cRLSign", CA_KEY_ID }, AS_USUAL,
	  "may not sign certificates (RFC 5280, 4.2.1.3)" },
	{ "ours signs no lists", USUAL, USUAL, { CA_TRUE, "keyUsage=critical,keyCertSign", CA_KEY_ID }, AS_USUAL,
	  "may not sign revocation lists" },
	{ "ours has no key identifier", USUAL, USUAL, { CA_TRUE, CA_SIGNS }, AS_USUAL, "has no SKI" },
	{ "what is between has ended", USUAL, USUAL, USUAL, -10, -1, NULL, false,
	  "'CN=policy,O=Acme': certificate has expired" },
	{ "it is to come", USUAL, USUAL, USUAL, 1, 900, NULL, false,
	  "'CN=policy,O=Acme': certificate is not yet valid" },
	{ "it may have no CA below it", USUAL, { "basicConstraints=critical,CA:TRUE,pathlen:0", CA_SIGNS, CA_KEY_ID },
	  USUAL, AS_USUAL, "'CN=policy,O=Acme': path length constraint exceeded" },
	{ "the root may have one alone", { "basicConstraints=critical,CA:TRUE,pathlen:0", CA_SIGNS, CA_KEY_ID },
	  USUAL, USUAL, AS_USUAL, "'CN=root,O=Acme': path length constraint exceeded" },
	{ "what is between is no CA", USUAL, { "basicConstraints=critical,CA:FALSE", CA_SIGNS, CA_KEY_ID }, USUAL,
	  AS_USUAL, "'CN=policy,O=Acme': invalid CA certificate" },
	{ "it may not sign certificates", USUAL, { CA_TRUE, "keyUsage=critical,cRLSign", CA_KEY_ID }, USUAL, AS_USUAL,
	  "which is not in it, or may not sign certificates" },
	{ "it has a key of 1024 bits", USUAL, USUAL, USUAL, -1, 900, NULL, true,
	  "'CN=policy,O=Acme': CA certificate key too weak" },
	{ "ours is signed with SHA-1", USUAL, USUAL, USUAL, -1, 900, EVP_sha1, false,
	  "'CN=ours,O=Acme': CA signature digest algorithm too weak" },
	{ "something critical that nobody knows", USUAL,
	  { CA_TRUE, CA_SIGNS, CA_KEY_ID, "1.2.3.4=critical,DER:0500" }, USUAL, AS_USUAL,
	  "'CN=policy,O=Acme': unhandled critical extension" },
	{ "names: another's DNS names alone", USUAL,
	  { CA_TRUE, CA_SIGNS, CA_KEY_ID, "nameConstraints=critical,permitted;DNS:acme.example" }, USUAL, AS_USUAL,
	  NULL },
	{ "names: URIs", USUAL,
	  { CA_TRUE, CA_SIGNS, CA_KEY_ID, "nameConstraints=critical,permitted;DNS:acme.example,permitted;URI:acme.example" },
	  USUAL, AS_USUAL,
	  "the name constraints of 'CN=policy,O=Acme' do not allow it: Permitted: URI:acme.example (RFC 5280, 4.2.1.10)" },
	{ "names: URIs, taken out, by the root",
	  { CA_TRUE, CA_SIGNS, CA_KEY_ID, "nameConstraints=critical,excluded;URI:.example" }, USUAL, USUAL, AS_USUAL,
	  "of 'CN=root,O=Acme' do not allow it: Excluded: URI:.example" },
	{ "names: the company's subjects", USUAL,
	  { CA_TRUE, CA_SIGNS, CA_KEY_ID, "nameConstraints=critical,permitted;dirName:acme" }, USUAL, AS_USUAL,
	  "of 'CN=policy,O=Acme' do not allow it: Permitted: DirName:O" },
	{ "names: in ours", USUAL, USUAL,
	  { CA_TRUE, CA_SIGNS, CA_KEY_ID, "nameConstraints=critical,permitted;URI:acme.example" }, AS_USUAL,
	  "of 'CN=ours,O=Acme' do not allow it" },
	{ "purposes: both", USUAL, { CA_TRUE, CA_SIGNS, CA_KEY_ID, "extendedKeyUsage=clientAuth,serverAuth" }, USUAL,
	  AS_USUAL, NULL },
	{ "purposes: servers alone", USUAL, { CA_TRUE, CA_SIGNS, CA_KEY_ID, "extendedKeyUsage=serverAuth" }, USUAL,
	  AS_USUAL, "the extended key usage of 'CN=policy,O=Acme' does not allow clientAuth" },
	{ "purposes: devices alone", USUAL, USUAL, { CA_TRUE, CA_SIGNS, CA_KEY_ID, "extendedKeyUsage=clientAuth" },
	  AS_USUAL, "the extended key usage of 'CN=ours,O=Acme' does not allow serverAuth" },
};

static EVP_PKEY *begin(const char *dir)
{
	const struct pki_ca_plan plan = { .name = "lab", .key = PKI_P256, .now = now };
	struct pki_error err = { "" };
	EVP_PKEY *key = NULL;
	char sub[256], *pem;
	size_t len;

	pki_tree_remove(dir);
	snprintf(sub, sizeof(sub), "%s/" PKI_REQUEST_DIR, dir);
	if (pki_ca_request(dir, &plan, false, &pem, &len, &err) || pki_key_load(sub, "issuing.key", NULL, &key, &err)) {
		ok(false, "a request: %s", err.text);
		exit(tap_done());
	}
	free(pem);
	return key;
}

static void put(BIO *out, X509 *cert)
{
	PEM_write_bio_X509(out, cert);
}

static int import(const char *dir, BIO *in, X509 *root, struct pki_error *err)
{
	struct pki_import what = { .root = root, .now = now };
	char *text;

	what.len = BIO_get_mem_data(in, &text);
	what.pem = text;
	err->text[0] = 0;
	return pki_ca_import(dir, &what, err);
}

/* Nothing moved: the key waits, and nothing else is there. */
static bool still_waits(const char *dir)
{
	char file[256];
	struct pki_error err;
	struct pki_ca ca;
	struct stat st;

	snprintf(file, sizeof(file), "%s/" PKI_REQUEST_DIR "/issuing.key", dir);
	if (access(file, F_OK))
		return false;
	snprintf(file, sizeof(file), "%s.new", dir);
	return stat(file, &st) && pki_ca_load(dir, false, NULL, &ca, &err) == -EINPROGRESS &&
	       strstr(err.text, "'cordonctl ca import CHAIN'");
}

static X509 *issue(const struct pki_ca *ca, enum pki_kind kind, const char *name, const char *other,
		   struct pki_error *err)
{
	X509_PUBKEY *pub = pki_key_public(ca->key);
	const char *const names[] = { name, other };
	uint8_t serial[PKI_SERIAL_LEN];
	const struct pki_profile p = { .kind = kind, .name = name, .mac = mac, .names = names, .n_names = other ? 2 : 1,
				       .serial = serial, .not_before = now, .not_after = pki_later(now, 5000 * (int64_t)DAY) };
	X509 *cert;

	pki_serial_new(serial);
	cert = pki_issue(ca, pub, &p, err);
	X509_PUBKEY_free(pub);
	return cert;
}

/* What is issued below it lasts no longer than the first that ends. */
static void check_taken(const struct row *r, const char *dir)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct pki_error err = { "" };
	time_t from, until = 0;
	struct pki_ca ca;
	X509 *cert = NULL;

	if (!ok(!pki_ca_load(dir, true, NULL, &ca, &err), "%s: loads: %s", r->name, err.text))
		return;
	cert = issue(&ca, PKI_DEVICE, "cam", NULL, &err);
	ok(cert && !pki_validity(cert, &from, &until) && until == now + r->until * DAY,
	   "%s: a device is certified, until the one between ends: %s", r->name, err.text);
	ok(sk_X509_num(ca.intermediates) == 1 && !pki_ca_trust(&ca, certs) && sk_X509_num(certs) == 3 &&
	   !X509_cmp(sk_X509_value(certs, 1), ca.root), "%s: clients are given three", r->name);
	sk_X509_zero(certs);
	ok(!pki_ca_chain(&ca, certs) && sk_X509_num(certs) == 2 && !X509_cmp(sk_X509_value(certs, 0), ca.issuing),
	   "%s: ours and the one between go along", r->name);
	X509_free(cert);
	sk_X509_free(certs);
	pki_ca_free(&ca);
}

static void test_row(const struct row *r)
{
	const char *dir = path("row");
	EVP_PKEY *key = begin(dir), *between = r->weak ? weak_key : policy_key;
	X509 *root = certify("root", root_key, NULL, root_key, r->root, -1, 2000, NULL);
	X509 *policy = certify("policy", between, root, root_key, r->policy, r->from, r->until, NULL);
	X509 *own = certify("ours", key, policy, between, r->own, -1, 1000, r->digest ? r->digest() : NULL);
	BIO *chain = BIO_new(BIO_s_mem());
	struct pki_error err;
	int ret;

	put(chain, policy);
	put(chain, root);
	put(chain, own);
	put(chain, policy);
	ret = import(dir, chain, NULL, &err);
	if (!r->why && ok(!ret, "%s: taken: %s", r->name, err.text))
		check_taken(r, dir);
	else if (r->why)
		ok(ret < 0 && strstr(err.text, r->why) && still_waits(dir), "%s: refused: %s", r->name, err.text);
	BIO_free(chain);
	X509_free(own);
	X509_free(policy);
	X509_free(root);
	EVP_PKEY_free(key);
}

/* A chain of @n certificates, and what comes of it. */
static void test_length(int n, const char *why)
{
	static const char *const usual[MAX_EXT] = USUAL;
	const char *dir = path("length");
	EVP_PKEY *key = begin(dir);
	BIO *chain = BIO_new(BIO_s_mem());
	X509 *above = certify("root", root_key, NULL, root_key, usual, -1, 2000, NULL), *cert;
	struct pki_error err;
	char name[16];
	int i, ret;

	put(chain, above);
	for (i = 2; i <= n; i++) {
		snprintf(name, sizeof(name), "ca-%d", i);
		cert = certify(name, i == n ? key : policy_key, above, i == 2 ? root_key : policy_key, usual, -1, 1000,
			       NULL);
		put(chain, cert);
		X509_free(above);
		above = cert;
	}
	ret = import(dir, chain, NULL, &err);
	ok(why ? ret == -E2BIG && strstr(err.text, why) && still_waits(dir) : !ret, "a chain of %d: %s", n, err.text);
	X509_free(above);
	BIO_free(chain);
	EVP_PKEY_free(key);
}

static void refuse(const char *name, const char *dir, BIO *in, X509 *root, const char *why)
{
	struct pki_error err;
	int ret = import(dir, in, root, &err);

	ok(ret < 0 && strstr(err.text, why) && still_waits(dir), "%s: refused: %s", name, err.text);
	BIO_free(in);
}

static BIO *file_of(X509 *a, X509 *b, X509 *c)
{
	BIO *out = BIO_new(BIO_s_mem());

	if (a)
		put(out, a);
	if (b)
		put(out, b);
	if (c)
		put(out, c);
	return out;
}

static void test_files(void)
{
	static const char *const usual[MAX_EXT] = USUAL;
	const char *dir = path("files");
	EVP_PKEY *key = begin(dir);
	X509 *root = certify("root", root_key, NULL, root_key, usual, -1, 2000, NULL);
	X509 *policy = certify("policy", policy_key, root, root_key, usual, -1, 900, NULL);
	X509 *own = certify("ours", key, policy, policy_key, usual, -1, 900, NULL);
	X509 *twin = certify("ours", key, policy, policy_key, usual, -1, 800, NULL);
	X509 *self = certify("ours", key, NULL, key, usual, -1, 900, NULL);
	X509 *fake = certify("root", policy_key, NULL, policy_key, usual, -1, 2000, NULL);
	struct pki_error err;
	BIO *in;
	int i;

	refuse("nothing", dir, BIO_new_mem_buf("nothing", -1), NULL, "holds no certificate (PEM)");
	refuse("empty", dir, BIO_new_mem_buf("", 0), NULL, "holds no certificate (PEM)");
	in = file_of(own, NULL, NULL);
	BIO_puts(in, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	refuse("one that is none", dir, in, NULL, "certificate 2 cannot be read");
	refuse("none of ours", dir, file_of(root, policy, NULL), NULL, "of the key that waits");
	refuse("two of ours", dir, file_of(own, twin, policy), root, "2 certificates of the key that waits");
	refuse("one that we signed ourselves", dir, file_of(self, NULL, NULL), NULL, "was signed by 'CN=ours,O=Acme'");
	refuse("a root of the same name", dir, file_of(own, policy, fake), NULL, "was signed by 'CN=root,O=Acme'");
	refuse("without a root", dir, file_of(own, policy, NULL), NULL, "--root-cert");
	in = file_of(own, policy, root);
	for (i = 0; i < 16; i++) {
		X509 *other = certify("other", policy_key, root, root_key, usual, -1, 900, NULL);

		put(in, other);
		X509_free(other);
	}
	refuse("seventeen and more", dir, in, NULL, "more than 16 certificates");
	in = file_of(own, policy, NULL);
	ok(!import(dir, in, root, &err), "the root by itself: taken: %s", err.text);
	BIO_free(in);
	in = file_of(own, policy, root);
	ok(import(dir, in, NULL, &err) == -ENOENT && strstr(err.text, "no key waits"), "a second time: %s", err.text);
	BIO_free(in);
	X509_free(fake);
	X509_free(self);
	X509_free(twin);
	X509_free(own);
	X509_free(policy);
	X509_free(root);
	EVP_PKEY_free(key);
}

/* Later, what a constraint forbids is refused by its name. */
static void test_issue(void)
{
	static const char *const usual[MAX_EXT] = USUAL;
	static const char names[] = "nameConstraints=critical,permitted;DNS:acme.example,"
				    "permitted;IP:10.0.0.0/255.0.0.0,excluded;DNS:secret.acme.example";
	static const char *const named[MAX_EXT] = {
		CA_TRUE, CA_SIGNS, CA_KEY_ID, "extendedKeyUsage=clientAuth,serverAuth", names };
	static const struct {
		enum pki_kind kind;
		const char *name;
		const char *other;
		const char *why;
	} wanted[] = {
		{ PKI_DEVICE, "cam", NULL, NULL },
		{ PKI_DEVICE, "cam.other.test", NULL, "Permitted: DNS:acme.example" },
		{ PKI_SERVER, "gw.acme.example", NULL, NULL },
		{ PKI_SERVER, "gw.acme.example", "10.1.2.3", NULL },
		{ PKI_SERVER, "gw.other.test", NULL, "'CN=policy,O=Acme' do not allow it: Permitted: DNS:acme.example" },
		{ PKI_SERVER, "a.secret.acme.example", NULL, "Excluded: DNS:secret.acme.example" },
		{ PKI_SERVER, "gw.acme.example", "192.0.2.1", "Permitted: IP:10.0.0.0/255.0.0.0" },
		{ PKI_CODE, "firmware", NULL, "does not allow codeSigning" },
	};
	const char *dir = path("issue");
	EVP_PKEY *key = begin(dir);
	X509 *root = certify("root", root_key, NULL, root_key, usual, -1, 2000, NULL);
	X509 *policy = certify("policy", policy_key, root, root_key, named, -1, 900, NULL);
	X509 *own = certify("ours", key, policy, policy_key, usual, -1, 900, NULL), *cert;
	BIO *in = file_of(own, policy, root);
	struct pki_ca ca = { NULL };
	struct pki_error err;
	size_t i;

	ok(!import(dir, in, NULL, &err) && !pki_ca_load(dir, true, NULL, &ca, &err), "constrained: %s", err.text);
	for (i = 0; ca.key && i < sizeof(wanted) / sizeof(*wanted); i++) {
		err.text[0] = 0;
		cert = issue(&ca, wanted[i].kind, wanted[i].name, wanted[i].other, &err);
		ok(wanted[i].why ? !cert && strstr(err.text, wanted[i].why) : cert != NULL, "issue %s: %s",
		   wanted[i].name, err.text);
		X509_free(cert);
	}
	pki_ca_free(&ca);
	BIO_free(in);
	X509_free(own);
	X509_free(policy);
	X509_free(root);
	EVP_PKEY_free(key);
}

/* A CA of our own goes below another's root, and then below a third one: what was issued stays known. */
static void test_moves(void)
{
	static const char *const usual[MAX_EXT] = USUAL;
	const struct pki_ca_plan plan = { .name = "lab", .key = PKI_P256, .now = now }, next = { .key = PKI_P256, .now = now };
	struct pki_error err = { "" };
	struct pki_ca ca = { NULL };
	X509 *certs[3] = { NULL }, *root, *own;
	EVP_PKEY *key = NULL;
	char dir[256], name[16], *pem;
	size_t len, i, n;
	BIO *in;

	snprintf(dir, sizeof(dir), "%s/moves", base);
	ok(!pki_ca_make(dir, &plan, &err), "a CA of our own: %s", err.text);
	for (i = 0; i < 3; i++) {
		if (!ok(!pki_ca_load(dir, true, NULL, &ca, &err) && ca.n_former == i, "%zu moves: loads: %s", i, err.text))
			return;
		certs[i] = issue(&ca, PKI_DEVICE, "cam", NULL, &err);
		for (n = 0; n <= i; n++)
			ok(!pki_claim(&ca, certs[n], now, &err), "%zu moves: certificate %zu is taken: %s", i, n, err.text);
		pki_ca_free(&ca);
		if (i == 2)
			break;
		ok(!pki_ca_request(dir, &next, true, &pem, &len, &err) &&
		   !pki_key_load(path("moves/" PKI_REQUEST_DIR), "issuing.key", NULL, &key, &err), "a request: %s", err.text);
		free(pem);
		ok(pki_ca_publish(dir, &next, &err) == -EALREADY && strstr(err.text, "waits for its certificate already"),
		   "while it waits, no other is published: %s", err.text);
		snprintf(name, sizeof(name), "root-%zu", i);
		root = certify(name, root_key, NULL, root_key, usual, -1, 2000, NULL);
		own = certify("lab issuing CA", key, root, root_key, usual, -1, 900, NULL);
		in = file_of(own, root, NULL);
		ok(import(dir, in, NULL, &err) == 1 && access(path("moves/" PKI_REQUEST_DIR), F_OK), "published: %s", err.text);
		ok(!pki_ca_load(dir, true, NULL, &ca, &err) && ca.next && !X509_cmp(ca.next, root) &&
		   !X509_cmp(ca.next_issuing, own) && X509_cmp(ca.root, root), "the present one signs: %s", err.text);
		pki_ca_free(&ca);
		ok(!pki_ca_activate(dir, now, &err) && access(path("moves/root.key"), F_OK), "activated: %s", err.text);
		BIO_free(in);
		X509_free(own);
		X509_free(root);
		EVP_PKEY_free(key);
	}
	for (i = 0; i < 3; i++)
		X509_free(certs[i]);
}

static int root_crl(const char *dir, EVP_PKEY *key, X509 *revoke, struct pki_error *err)
{
	const struct pki_root_plan plan = {
		.key = key, .revoke = revoke, .reason = CRL_REASON_CA_COMPROMISE, .now = now,
	};
	char *pem;
	size_t len;
	int ret = pki_root_crl(dir, &plan, &pem, &len, err);

	free(pem);
	return ret;
}

/* A list by the root's key, made by other means, of a serial number that is longer than ours are. */
static void test_long_serial(const struct pki_ca *ca, EVP_PKEY *key)
{
	ASN1_INTEGER *serial = s2i_ASN1_INTEGER(NULL, "0x4102030405060708090a0b0c0d0e0f1011121314");
	ASN1_TIME *when = ASN1_TIME_set(NULL, now);
	X509_REVOKED *entry = X509_REVOKED_new();
	BIO *out = BIO_new_file(path("ours/" PKI_ROOT_LIST), "w");
	X509_CRL *crl = X509_CRL_new();
	struct pki_error err = { "" };
	int i;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->root));
	X509_CRL_set1_lastUpdate(crl, when);
	X509_REVOKED_set_revocationDate(entry, when);
	X509_REVOKED_set_serialNumber(entry, serial);
	ASN1_INTEGER_set(serial, 9);
	X509_CRL_add1_ext_i2d(crl, NID_crl_number, serial, 0, 0);
	X509_CRL_add0_revoked(crl, entry);
	X509_CRL_sign(crl, key, EVP_sha256());
	PEM_write_bio_X509_CRL(out, crl);
	BIO_free(out);
	for (i = 0; i < 2; i++)
		ok(root_crl(path("ours"), key, NULL, &err) == -E2BIG && strstr(err.text, "would lack"),
		   "a list with a long serial number: refused, and it stays: %s", err.text);
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(serial);
	X509_CRL_free(crl);
}

/* The root takes its issuing CA back. */
static void test_root_list(void)
{
	const struct pki_ca_plan plan = { .name = "lab", .key = PKI_P256, .now = now };
	const char *dir = path("ours"), *other = path("other");
	struct pki_ca ca = { NULL }, foreign = { NULL };
	struct pki_error err = { "" };
	EVP_PKEY *key = NULL;
	X509 *cert, *now_refused;

	if (!ok(!pki_ca_make(dir, &plan, &err) && !pki_ca_make(other, &plan, &err) &&
		!pki_ca_load(dir, true, NULL, &ca, &err) && !pki_ca_load(other, true, NULL, &foreign, &err) &&
		!pki_key_load(dir, "root.key", NULL, &key, &err), "two CAs: %s", err.text))
		return;
	cert = issue(&ca, PKI_DEVICE, "cam", NULL, &err);
	ok(root_crl(dir, foreign.key, NULL, &err) == -EPERM, "another key: refused: %s", err.text);
	ok(root_crl(dir, key, foreign.issuing, &err) == -EPERM, "another root's CA: refused: %s", err.text);
	ok(root_crl(dir, key, cert, &err) == -EPERM, "a device's certificate: refused: %s", err.text);
	ok(root_crl(dir, key, ca.root, &err) == -EPERM, "the root itself: refused: %s", err.text);
	ok(!pki_revoked_made(dir), "nothing of that made a list");
	ok(!root_crl(dir, key, NULL, &err) && pki_revoked_made(dir) == now, "a list without entries: %s", err.text);
	pki_ca_free(&ca);
	ok(!pki_ca_load(dir, true, NULL, &ca, &err) && !ca.revoked && !pki_claim(&ca, cert, now, &err), "changes nothing: %s",
	   err.text);
	ok(!root_crl(dir, key, ca.issuing, &err), "the issuing CA is taken back: %s", err.text);
	ok(root_crl(dir, key, ca.issuing, &err) == -EALREADY, "which is done once: %s", err.text);
	ok(!root_crl(dir, key, NULL, &err), "the next list takes it over: %s", err.text);
	pki_ca_free(&ca);
	ok(!pki_ca_load(dir, true, NULL, &ca, &err) && ca.revoked, "it is known: %s", err.text);
	now_refused = issue(&ca, PKI_DEVICE, "cam", NULL, &err);
	ok(!now_refused && strstr(err.text, "was revoked"), "nothing is issued: %s", err.text);
	ok(pki_claim(&ca, cert, now, &err) == -EPERM && strstr(err.text, "revoked"), "nothing of it is taken: %s", err.text);
	pki_ca_free(&foreign);
	ok(!link(path("ours/root-crl.pem"), path("other/root-crl.pem")) &&
	   pki_ca_load(other, false, NULL, &foreign, &err) == -EINVAL && strstr(err.text, "none of the CA's certificates"),
	   "another's list beside a CA is an error: %s", err.text);
	test_long_serial(&ca, key);
	X509_free(now_refused);
	X509_free(cert);
	EVP_PKEY_free(key);
	pki_ca_free(&ca);
}

int main(void)
{
	size_t i;

	snprintf(base, sizeof(base), "%s/chain.XXXXXX", getenv("CORDON_UNIT") ? getenv("CORDON_UNIT") : "/tmp");
	root_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	policy_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	weak_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	if (!mkdtemp(base) || !root_key || !policy_key || !weak_key) {
		ok(false, "keys to begin with");
		return tap_done();
	}
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		test_row(&rows[i]);
	test_length(2, NULL);
	test_length(8, NULL);
	test_length(9, "more than 8 certificates");
	test_files();
	test_issue();
	test_moves();
	test_root_list();
	pki_tree_remove(base);
	EVP_PKEY_free(weak_key);
	EVP_PKEY_free(policy_key);
	EVP_PKEY_free(root_key);
	return tap_done();
}
