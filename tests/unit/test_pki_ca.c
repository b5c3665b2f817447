// SPDX-License-Identifier: GPL-2.0
/* A CA in its directory: what it issues, whom it knows again, what it revokes, how it is replaced. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/lib/file.h"
#include "../../userspace/pki/parts.h"
#include "tap.h"

#define DAY	86400
#define NAME	"thermostat-1"

static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
static const time_t now = 1800000000;
static char base[128];

static char *path(const char *name)
{
	static char out[4][256];
	static int n;

	n = (n + 1) % 4;
	snprintf(out[n], sizeof(out[n]), "%s/%s", base, name);
	return out[n];
}

static X509 *reread(X509 *cert, struct pki_error *err)
{
	unsigned char *der = NULL;
	int len = cert ? i2d_X509(cert, &der) : 0;
	X509 *out = len > 0 ? pki_cert_parse(der, len, err) : NULL;

	OPENSSL_free(der);
	X509_free(cert);
	return out;
}

/* A certificate as whoever gets it has it. */
static X509 *issue(const struct pki_ca *ca, EVP_PKEY *key, const struct pki_profile *profile,
		   struct pki_error *err)
{
	X509_PUBKEY *pub = pki_key_public(key);
	X509 *cert = pub ? pki_issue(ca, pub, profile, err) : NULL;

	X509_PUBKEY_free(pub);
	return reread(cert, err);
}

static struct pki_profile device(uint8_t serial[PKI_SERIAL_LEN])
{
	pki_serial_new(serial);
	return (struct pki_profile){ .kind = PKI_DEVICE, .name = NAME, .mac = mac, .serial = serial,
				     .not_before = now, .not_after = now + 90 * DAY };
}

static bool make(const char *dir, const struct pki_ca_plan *plan, struct pki_ca *ca)
{
	struct pki_error err = { "" };

	if (!pki_ca_make(dir, plan, &err) && !pki_ca_load(dir, true, plan->passphrase, ca, &err))
		return true;
	printf("# %s\n", err.text);
	return false;
}

/* By OpenSSL alone, from the root. */
static int chain_error(X509 *root, STACK_OF(X509) *between, X509 *cert, int purpose, time_t when)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int ret;

	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(ctx, store, cert, between);
	X509_STORE_CTX_set_purpose(ctx, purpose);
	X509_STORE_CTX_set_time(ctx, 0, when);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	X509_verify_cert(ctx);
	ret = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ret;
}

static void test_issue(const struct pki_ca *ca, enum pki_key kind)
{
	STACK_OF(X509) *between = sk_X509_new_null();
	uint8_t serial[PKI_SERIAL_LEN], got[PKI_SERIAL_LEN], got_mac[6];
	uint8_t id[32], id_of_cert[32];
	struct pki_profile p = device(serial);
	EVP_PKEY *key = pki_key_new(kind);
	struct pki_error err = { "" };
	char name[PKI_NAME_LEN];
	time_t from, until;
	X509 *cert;
	int why;

	cert = issue(ca, key, &p, &err);
	sk_X509_push(between, ca->issuing);
	ok(cert, "issue: kind %d: %s", kind, err.text);
	why = chain_error(ca->root, between, cert, X509_PURPOSE_SSL_CLIENT, now);
	ok(why == X509_V_OK, "OpenSSL's strict check: %s", X509_verify_cert_error_string(why));
	ok(X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0) == 0, "it is for no server");
	ok(!pki_claim(ca, cert, now, &err), "claim: %s", err.text);
	ok(!pki_identity(cert, name, got_mac, &err) && !strcmp(name, NAME) && !memcmp(got_mac, mac, 6),
	   "identity");
	ok(!pki_serial(cert, got) && !memcmp(got, serial, sizeof(got)), "serial");
	ok(!pki_key_id(key, id) && !pki_public_id(X509_get_X509_PUBKEY(cert), id_of_cert) &&
	   !memcmp(id, id_of_cert, 32) && EVP_PKEY_eq(X509_get0_pubkey(cert), key) == 1, "key");
	ok(!pki_validity(cert, &from, &until) && from == now && until == now + 90 * DAY, "validity");
	ok(X509_get0_authority_key_id(cert) && X509_get0_subject_key_id(cert) &&
	   !ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(cert), X509_get0_subject_key_id(ca->issuing)),
	   "key identifiers");
	X509_free(cert);
	p.not_after = now + 100 * 365 * (time_t)DAY;
	cert = issue(ca, key, &p, &err);
	pki_validity(ca->issuing, &from, &until);
	p.not_after = until;
	ok(cert && !pki_validity(cert, &from, &until) && until == p.not_after, "cut to the issuer's end");
	X509_free(cert);
	sk_X509_free(between);
	EVP_PKEY_free(key);
}

static void test_server(const struct pki_ca *ca)
{
	static const char *const names[] = { "gw.example", "192.0.2.1", "2001:db8::1" };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	STACK_OF(X509) *between = sk_X509_new_null();
	uint8_t serial[PKI_SERIAL_LEN];
	struct pki_profile p = device(serial);
	struct pki_error err = { "" };
	EXTENDED_KEY_USAGE *eku;
	X509 *cert;

	p.kind = PKI_SERVER;
	p.name = "gateway";
	p.names = names;
	p.n_names = 3;
	cert = issue(ca, key, &p, &err);
	sk_X509_push(between, ca->issuing);
	ok(cert && !chain_error(ca->root, between, cert, X509_PURPOSE_SSL_SERVER, now), "server: %s", err.text);
	ok(X509_check_host(cert, "gw.example", 0, 0, NULL) == 1, "its DNS name");
	ok(X509_check_host(cert, "gw2.example", 0, 0, NULL) == 0, "and no other");
	ok(X509_check_ip_asc(cert, "192.0.2.1", 0) == 1, "its IPv4 address");
	ok(X509_check_ip_asc(cert, "2001:db8::1", 0) == 1, "its IPv6 address");
	eku = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	ok(sk_ASN1_OBJECT_num(eku) == 2 && OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, 1)) == NID_cmcRA,
	   "it may speak for the CA (RFC 6402, 2.10)");
	EXTENDED_KEY_USAGE_free(eku);
	ok(pki_claim(ca, cert, now, &err) &&
	   !strcmp(err.text, "not a client certificate (RFC 5280, 4.2.1.12)"), "as a client: %s", err.text);
	X509_free(cert);
	sk_X509_free(between);
	EVP_PKEY_free(key);
}

/* Each is refused, and changed back granted. */
static void test_refused(const struct pki_ca *ca)
{
	static const uint8_t zero[PKI_SERIAL_LEN], negative[PKI_SERIAL_LEN] = { 0x80, 1 };
	static const char *const bad_names[] = { "gw.example", "*.example" };
	EVP_PKEY *key = pki_key_new(PKI_P256), *rsa = EVP_RSA_gen(2048);
	const struct pki_ca no_key = { .issuing = ca->issuing, .root = ca->root };
	uint8_t serial[PKI_SERIAL_LEN];
	const struct pki_profile good = device(serial);
	struct pki_error err;
	struct pki_profile p = good;
	X509_PUBKEY *pub = NULL;
	X509 *cert;

	p.serial = zero;
	ok(!issue(ca, key, &p, &err) && strstr(err.text, "serial is zero or negative"), "%s", err.text);
	p.serial = negative;
	ok(!issue(ca, key, &p, &err) && strstr(err.text, "serial is zero or negative"), "%s", err.text);
	p = good;
	p.name = "a b";
	ok(!issue(ca, key, &p, &err) && strstr(err.text, "'a b' is no name"), "%s", err.text);
	p = good;
	p.mac = NULL;
	ok(!issue(ca, key, &p, &err) && !strcmp(err.text, "a device without a MAC"), "%s", err.text);
	p = good;
	p.not_before = now + 20 * 366 * (time_t)DAY;
	p.not_after = p.not_before + DAY;
	ok(!issue(ca, key, &p, &err) && strstr(err.text, "issuing certificate is expired"), "%s", err.text);
	p = good;
	p.kind = PKI_SERVER;
	ok(!issue(ca, key, &p, &err) && !strcmp(err.text, "a server without a name"), "%s", err.text);
	p.names = bad_names;
	p.n_names = 2;
	ok(!issue(ca, key, &p, &err) &&
	   !strcmp(err.text, "'*.example' is neither a DNS name nor an address"), "%s", err.text);
	ok(!issue(&no_key, key, &good, &err) && !strcmp(err.text, "the CA's key is not there"), "%s", err.text);
	ok(!pki_key_public(rsa), "an RSA key is not even looked at");
	X509_PUBKEY_set(&pub, rsa);
	ok(!pki_issue(ca, pub, &good, &err), "and not certified: %s", err.text);
	X509_PUBKEY_free(pub);
	cert = issue(ca, key, &good, &err);
	ok(cert, "and without all that, it is issued");
	X509_free(cert);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(key);
}

static void test_claim(const struct pki_ca *ca, const struct pki_ca *foreign)
{
	EVP_PKEY *key = pki_key_new(PKI_P256);
	uint8_t serial[PKI_SERIAL_LEN];
	struct pki_profile p = device(serial);
	X509 *cert, *theirs;
	struct pki_error err;

	p.not_before += DAY;
	cert = issue(ca, key, &p, &err);
	theirs = issue(foreign, key, &p, &err);
	ok(!pki_claim(ca, cert, now + DAY, &err), "ours is good");
	ok(!pki_claim(ca, cert, now + 90 * DAY - 1, &err), "until its last second");
	ok(pki_claim(ca, cert, now + 90 * DAY + 1, &err) == -EKEYEXPIRED &&
	   !strcmp(err.text, "certificate expired 2027-04-15"), "and then: %s", err.text);
	ok(!pki_claim_late(ca, cert, now + 100 * DAY, 10 * DAY, &err) &&
	   pki_claim_late(ca, cert, now + 100 * DAY + 1, 10 * DAY, &err) == -EKEYEXPIRED &&
	   pki_claim_late(ca, cert, now - 1, 10 * DAY, &err) == -EKEYEXPIRED, "late: %s", err.text);
	ok(pki_claim(ca, cert, now + DAY - 1, &err) == -EKEYEXPIRED &&
	   !strcmp(err.text, "certificate not yet valid: from 2027-01-16"), "before: %s", err.text);
	ok(pki_claim(ca, cert, now - 1, &err) == -EKEYEXPIRED &&
	   strstr(err.text, "certificate not yet valid: from 2027-01-1"), "long before: %s", err.text);
	ok(pki_claim(ca, theirs, now + DAY, &err) == -EPERM && strstr(err.text, "not issued by this gateway"),
	   "another CA's, of the same name: %s", err.text);
	ok(!pki_claim(foreign, theirs, now + DAY, &err), "which is good there");
	ok(pki_claim(ca, ca->issuing, now, &err) == -EPERM &&
	   !strcmp(err.text, "not issued by this gateway"), "issuing: %s", err.text);
	ok(pki_claim(ca, ca->root, now, &err) == -EPERM, "root: %s", err.text);
	X509_free(theirs);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* What pki_identity() refuses; made by hand, as pki_issue() would not. */
static void test_identity(void)
{
	static const struct {
		const char *what;
		const char *cn;
		int cn_len;
		const char *second;
		const char *san;
		const char *message;
	} rows[] = {
		{ "good", NAME, -1, NULL, "URI:urn:dev:mac:020000fffe000101", NULL },
		{ "good among others", NAME, -1, NULL, "DNS:x,URI:http://x/,URI:urn:dev:mac:020000fffe000101", NULL },
		{ "no CN", NULL, 0, NULL, "URI:urn:dev:mac:020000fffe000101", "no CN" },
		{ "two CNs", NAME, -1, NAME, "URI:urn:dev:mac:020000fffe000101", "more than one CN" },
		{ "a NUL", "thermostat-1\0x", 14, NULL, "URI:urn:dev:mac:020000fffe000101",
		  "CN 'thermostat-1?x' is no name of a device" },
		{ "no name", "../x", -1, NULL, "URI:urn:dev:mac:020000fffe000101",
		  "CN '../x' is no name of a device" },
		{ "64 characters", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -1, NULL,
		  "URI:urn:dev:mac:020000fffe000101",
		  "CN 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is no name of a device" },
		{ "no SAN", NAME, -1, NULL, NULL, "no SAN" },
		{ "no URN", NAME, -1, NULL, "DNS:x", "no URN in the SAN" },
		{ "two URNs", NAME, -1, NULL,
		  "URI:urn:dev:mac:020000fffe000101,URI:URN:dev:mac:020000fffe000102",
		  "more than one URN in the SAN" },
		{ "another URN", NAME, -1, NULL, "URI:urn:uuid:1",
		  "URI 'urn:uuid:1' is no urn:dev:mac: of a MAC (RFC 9039, 4.1)" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char name[PKI_NAME_LEN] = "as it was";
		uint8_t out[6] = { 9 };
		struct pki_error err = { "" };
		X509_EXTENSION *san;
		X509 *cert = X509_new();
		X509_NAME *subject = X509_get_subject_name(cert);
		int ret;

		if (rows[i].cn)
			X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
						   (const unsigned char *)rows[i].cn, rows[i].cn_len, -1, 0);
		if (rows[i].second)
			X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
						   (const unsigned char *)rows[i].second, -1, -1, 0);
		san = rows[i].san ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, rows[i].san) : NULL;
		if (san)
			X509_add_ext(cert, san, -1);
		ret = pki_identity(cert, name, out, &err);
		if (rows[i].message)
			ok(ret && !strcmp(err.text, rows[i].message) && !strcmp(name, "as it was") && out[0] == 9,
			   "identity with %s: %s", rows[i].what, err.text);
		else
			ok(!ret && !strcmp(name, NAME) && !memcmp(out, mac, 6), "identity: %s", rows[i].what);
		X509_EXTENSION_free(san);
		X509_free(cert);
	}
}

static void test_certs_only(const struct pki_ca *ca)
{
	const unsigned char *p;
	uint8_t *der = NULL;
	size_t len = 0;
	PKCS7 *p7;

	ok(!pki_ca_certs(ca, &der, &len), "the CA's certificates");
	p = der;
	p7 = d2i_PKCS7(NULL, &p, len);
	ok(p7 && PKCS7_type_is_signed(p7) && sk_X509_num(p7->d.sign->cert) == 2 &&
	   !X509_cmp(sk_X509_value(p7->d.sign->cert, 0), ca->issuing) &&
	   !X509_cmp(sk_X509_value(p7->d.sign->cert, 1), ca->root) && PKCS7_is_detached(p7),
	   "issuing, root, and nothing that is signed");
	PKCS7_free(p7);
	OPENSSL_free(der);
}

#define N_REVOKED 10000

static void test_crl(const struct pki_ca *ca)
{
	static struct pki_revoked list[N_REVOKED];
	static const int reasons[] = { 0, 1, 4, 5, 9, 99 };
	const unsigned char *p;
	struct pki_error err;
	X509_REVOKED *entry;
	ASN1_INTEGER *number;
	ASN1_ENUMERATED *reason;
	size_t len, i, found = 0, bad = 0;
	uint8_t *der;
	X509_CRL *crl;
	BIGNUM *bn;

	for (i = 0; i < N_REVOKED; i++) {
		pki_serial_new(list[i].serial);
		list[i].when = now - (time_t)i;
		list[i].reason = reasons[i % 6];
	}
	memset(list[7].serial, 0, 8);
	list[7].serial[8] = 0x80;	/* would be negative but for a zero before it */
	list[8].when = 2600000000;	/* past 2050: GeneralizedTime */
	ok(!pki_crl(ca, list, N_REVOKED, 0x1ffffffffULL, now, now + 7 * DAY, &der, &len, &err), "a CRL");
	p = der;
	crl = d2i_X509_CRL(NULL, &p, len);
	ok(crl && p == der + len && X509_CRL_get_version(crl) == X509_CRL_VERSION_2, "OpenSSL reads it");
	ok(X509_CRL_verify(crl, X509_get0_pubkey(ca->issuing)) == 1, "its signature is good");
	number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	bn = ASN1_INTEGER_to_BN(number, NULL);
	ok(BN_get_word(bn) == 0x1ffffffffULL, "its number");
	BN_free(bn);
	ASN1_INTEGER_free(number);
	ok(X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) >= 0, "its issuer's key");
	for (i = 0; i < N_REVOKED; i++) {
		time_t when;
		struct tm tm;
		int want = reasons[i % 6] == 99 ? 0 : reasons[i % 6];

		bn = BN_bin2bn(list[i].serial, PKI_SERIAL_LEN, NULL);
		number = BN_to_ASN1_INTEGER(bn, NULL);
		BN_free(bn);
		if (X509_CRL_get0_by_serial(crl, &entry, number) == 1) {
			found++;
			reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
			ASN1_TIME_to_tm(X509_REVOKED_get0_revocationDate(entry), &tm);
			when = timegm(&tm);
			bad += when != list[i].when || (reason ? ASN1_ENUMERATED_get(reason) : 0) != want ||
			       (reason && !want);
			ASN1_ENUMERATED_free(reason);
		}
		ASN1_INTEGER_free(number);
	}
	ok(found == N_REVOKED && !bad, "all %zu entries are on it, with date and reason: %zu bad", found, bad);
	X509_CRL_free(crl);
	OPENSSL_free(der);
	ok(!pki_crl(ca, NULL, 0, 1, now, now + DAY, &der, &len, &err), "an empty CRL");
	p = der;
	crl = d2i_X509_CRL(NULL, &p, len);
	ok(crl && X509_CRL_verify(crl, X509_get0_pubkey(ca->issuing)) == 1 && !X509_CRL_get_REVOKED(crl),
	   "has no list at all (RFC 5280, 5.1.2.6)");
	X509_CRL_free(crl);
	OPENSSL_free(der);
}

static unsigned int mode_of(const char *file)
{
	struct stat st;

	return stat(file, &st) ? 0 : st.st_mode & 07777;
}

static void test_directory(const struct pki_ca_plan *plan)
{
	struct pki_error err;
	struct pki_ca ca;
	size_t len;
	char *text;
	int lock;

	ok(mode_of(path("ca")) == 0700 && mode_of(path("ca/root.key")) == 0600 &&
	   mode_of(path("ca/issuing.key")) == 0600 && mode_of(path("ca/root.crt")) == 0644 &&
	   mode_of(path("ca/issuing.crt")) == 0644, "modes");
	file_read(path("ca/root.key"), 4096, &text, &len);
	ok(pki_ca_make(path("ca"), plan, &err) == -EEXIST && strstr(err.text, "there is a CA already"),
	   "a CA over another: %s", err.text);
	ok(mode_of(path("ca.new")) == 0, "leaves nothing behind");
	free(text);
	ok(!mkdir(path("empty"), 0700) && !pki_ca_make(path("empty/"), plan, &err), "into an empty directory");
	mkdir(path("left.new"), 0700);
	file_write(path("left.new/root.key"), "x", 1, 0600);
	ok(!pki_ca_make(path("left"), plan, &err) && !pki_ca_load(path("left"), true, NULL, &ca, &err),
	   "where a killed one left something");
	pki_ca_free(&ca);
	ok(mode_of(path("left.new")) == 0, "which is gone");
	lock = open(base, O_RDONLY | O_DIRECTORY);
	flock(lock, LOCK_EX);
	ok(pki_ca_make(path("busy"), plan, &err) == -EBUSY, "two at once: %s", err.text);
	close(lock);
	ok(pki_ca_load(path("none"), false, NULL, &ca, &err) == -ENOENT && !ca.root, "no CA: %s", err.text);
	file_read(path("ca/issuing.crt"), 4096, &text, &len);
	file_write(path("left/issuing.crt"), text, len, 0644);
	free(text);
	ok(pki_ca_load(path("left"), true, NULL, &ca, &err) == -EINVAL &&
	   strstr(err.text, "no CA certificate that root.crt signed"), "another's: %s", err.text);
	file_read(path("ca/issuing.key"), 4096, &text, &len);
	file_write(path("empty/issuing.key"), text, len, 0600);
	free(text);
	ok(pki_ca_load(path("empty"), true, NULL, &ca, &err) == -EINVAL &&
	   strstr(err.text, "not the key of issuing.crt"), "another's key: %s", err.text);
	ok(!pki_ca_load(path("empty"), false, NULL, &ca, &err), "which does not matter to who needs none");
	pki_ca_free(&ca);
}

static void test_passphrase(void)
{
	const struct pki_ca_plan plan = { .name = "lab", .key = PKI_P256, .passphrase = "a long passphrase",
					  .now = now };
	struct pki_error err;
	struct pki_ca ca;

	ok(!pki_ca_make(path("secret"), &plan, &err), "with a passphrase");
	ok(pki_ca_load(path("secret"), true, NULL, &ca, &err) == -ENOKEY, "%s", err.text + strlen(base));
	ok(pki_ca_load(path("secret"), true, "x", &ca, &err) == -EKEYREJECTED, "%s", err.text + strlen(base));
	ok(!pki_ca_load(path("secret"), true, plan.passphrase, &ca, &err), "and with it");
	pki_ca_free(&ca);
	ok(!pki_ca_load(path("secret"), false, NULL, &ca, &err), "certificates need none");
	pki_ca_free(&ca);
}

static void test_import(const struct pki_ca *ca)
{
	struct pki_ca_plan plan = { .name = "sub", .key = PKI_P384, .now = now };
	struct pki_error err;
	struct pki_ca sub;

	plan.root = ca->issuing;
	plan.root_key = ca->key;
	ok(pki_ca_make(path("sub"), &plan, &err) == -EPERM && strstr(err.text, "path length is 0"), "%s", err.text);
	plan.root = ca->root;
	ok(pki_ca_make(path("sub"), &plan, &err) == -EPERM && strstr(err.text, "not this certificate's"),
	   "%s", err.text);
	ok(mode_of(path("sub")) == 0 && mode_of(path("sub.new")) == 0, "nothing is left of either");
	plan.now = now + 21 * 366 * (time_t)DAY;
	ok(pki_ca_make(path("sub"), &plan, &err) == -EPERM && strstr(err.text, "expired"), "%s", err.text);
	plan.now = now - 2 * DAY;
	ok(pki_ca_make(path("sub"), &plan, &err) == -EPERM && strstr(err.text, "not yet valid"), "%s", err.text);
	plan.now = now;
	ok(pki_ca_load(path("ca"), false, NULL, &sub, &err) == 0, "the root's own CA");
	pki_ca_free(&sub);
}

/* The root's key as it was stored. */
static EVP_PKEY *root_key(const char *file)
{
	struct pki_error err;
	EVP_PKEY *key = NULL;
	size_t len;
	char *text;

	if (!file_read(file, 4096, &text, &len)) {
		key = pki_key_parse(text, len, NULL, &err);
		free(text);
	}
	return key;
}

static void test_import_good(const struct pki_ca *ca)
{
	struct pki_ca_plan plan = { .name = "sub", .key = PKI_P384, .now = now };
	struct pki_error err = { "" };
	struct pki_ca sub;

	plan.root = ca->root;
	plan.root_key = root_key(path("ca/root.key"));
	ok(!pki_ca_make(path("sub"), &plan, &err) && !pki_ca_load(path("sub"), true, NULL, &sub, &err),
	   "an imported root: %s", err.text);
	ok(!X509_cmp(sub.root, ca->root) && access(path("sub/root.key"), F_OK), "whose key is not kept");
	test_issue(&sub, PKI_P384);
	pki_ca_free(&sub);
	EVP_PKEY_free(plan.root_key);
}

/* Why who trusts one root alone does not trust a certificate, by what its server sends along. */
static int sent_error(const struct pki_ca *ca, X509 *root, X509 *cert)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	int why = X509_V_ERR_OUT_OF_MEM;

	if (!pki_ca_chain(ca, chain))
		why = chain_error(root, chain, cert, X509_PURPOSE_SSL_CLIENT, now + 2 * DAY);
	sk_X509_free(chain);
	return why;
}

static bool holds(const STACK_OF(X509) *certs, X509 *cert)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++)
		if (!X509_cmp(sk_X509_value(certs, i), cert))
			return true;
	return false;
}

static void test_published(const struct pki_ca *old, const struct pki_ca *ca)
{
	STACK_OF(X509) *trust = sk_X509_new_null(), *chain = sk_X509_new_null();

	ok(!X509_cmp(ca->root, old->root) && !X509_cmp(ca->issuing, old->issuing), "published: the present CA stays");
	ok(ca->next && X509_cmp(ca->next, ca->root) && !X509_NAME_cmp(X509_get_subject_name(ca->next),
	   X509_get_subject_name(ca->root)), "and there is a next root of the same name");
	ok(!pki_ca_trust(ca, trust) && sk_X509_num(trust) == 4 && holds(trust, ca->next),
	   "cacerts has two roots and two issuing certificates, %d in all", sk_X509_num(trust));
	ok(!pki_ca_chain(ca, chain) && sk_X509_num(chain) == 1, "a server sends what it sent before");
	sk_X509_free(trust);
	sk_X509_free(chain);
}

static void test_activated(const struct pki_ca *old, const struct pki_ca *published, const struct pki_ca *new)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct pki_error err = { "" };
	struct pki_revoked entry = { .when = now };
	struct pki_ca before = { NULL };
	uint8_t *der = NULL;
	size_t len = 0;

	ok(!X509_cmp(new->root, published->next) && X509_cmp(new->issuing, old->issuing) && !new->next,
	   "activated: the next CA is the present one");
	ok(!pki_ca_chain(new, chain) && sk_X509_num(chain) == 2, "a server sends two cross certificates");
	ok(X509_get_pathlen(sk_X509_value(chain, 0)) == 0 && X509_check_issued(old->root, sk_X509_value(chain, 0)) ==
	   X509_V_OK, "the first one is certified by the old root directly: strict clients count each step");
	ok(new->n_former == 1 && !X509_cmp(new->former[0].cert, old->issuing) && new->former[0].key,
	   "the old issuing certificate keeps its key");
	if (new->n_former)
		before = (struct pki_ca){ .issuing = new->former[0].cert, .key = new->former[0].key };
	pki_serial_new(entry.serial);
	ok(!pki_crl(&before, &entry, 1, 1, now, now + DAY, &der, &len, &err), "and signs a revocation list: %s", err.text);
	OPENSSL_free(der);
	sk_X509_free(chain);
}

/* Devices of before and after, each with what it knows. */
static void test_generations(const struct pki_ca *old, const struct pki_ca *new)
{
	uint8_t serial[PKI_SERIAL_LEN];
	struct pki_profile p = device(serial);
	EVP_PKEY *key = pki_key_new(PKI_P256);
	struct pki_error err = { "" };
	X509 *before, *after;
	int why;

	before = issue(old, key, &p, &err);
	pki_serial_new(serial);
	after = issue(new, key, &p, &err);
	ok(!pki_claim(new, before, now + 2 * DAY, &err), "a certificate of before is good");
	ok(!pki_claim(new, after, now + 2 * DAY, &err), "and one of after");
	ok(pki_claim(old, after, now + 2 * DAY, &err), "which the old one does not know: %s", err.text);
	why = sent_error(new, old->root, after);
	ok(why == X509_V_OK, "who trusts the old root alone takes the new: %s", X509_verify_cert_error_string(why));
	why = sent_error(new, new->root, after);
	ok(why == X509_V_OK, "who trusts the new root alone as well: %s", X509_verify_cert_error_string(why));
	ok(sent_error(new, new->issuing, before) != X509_V_OK, "and not everything is taken");
	X509_free(before);
	X509_free(after);
	EVP_PKEY_free(key);
}

static void test_rollover(void)
{
	struct pki_ca_plan plan = { .name = "lab", .key = PKI_P256, .now = now };
	struct pki_error err = { "" };
	struct pki_ca old, published, new;
	int i, why;

	ok(make(path("roll"), &plan, &old), "a CA to roll over");
	ok(pki_ca_activate(path("roll"), now, &err) == -ENOENT && strstr(err.text, "no next CA is published"),
	   "nothing to activate: %s", err.text + strlen(base));
	plan.name = NULL;
	plan.now = now + DAY;
	ok(!pki_ca_publish(path("roll"), &plan, &err) && !pki_ca_load(path("roll"), true, NULL, &published, &err),
	   "publish: %s", err.text);
	test_published(&old, &published);
	ok(pki_ca_publish(path("roll"), &plan, &err) == -EALREADY, "publish again: %s", err.text + strlen(base));
	ok(!pki_ca_activate(path("roll"), plan.now, &err) && !pki_ca_load(path("roll"), true, NULL, &new, &err),
	   "activate: %s", err.text);
	test_activated(&old, &published, &new);
	test_generations(&old, &new);
	pki_ca_free(&new);
	for (i = 0, why = 0; i < 20 && !why; i++) {
		why = pki_ca_publish(path("roll"), &plan, &err);
		if (!why)
			why = pki_ca_activate(path("roll"), plan.now, &err);
	}
	ok(i == 7 && why == -E2BIG && strstr(err.text, "/previous: with 18 certificates"), "%d more: %s", i - 1,
	   err.text + strlen(base));
	ok(!pki_ca_load(path("roll"), true, NULL, &new, &err), "the last one is whole");
	pki_ca_free(&new);
	pki_ca_free(&published);
	pki_ca_free(&old);
	ok(pki_ca_publish(path("none"), &plan, &err) == -ENOENT && mode_of(path("none/next.new")) == 0,
	   "where there is none: %s", err.text);
}

/* The key of the present root is not in its directory. */
static void test_root_key(void)
{
	struct pki_ca_plan plan = { .name = "away", .key = PKI_P256, .now = now };
	struct pki_error err = { "" };
	char kept[512];
	struct pki_ca ca;

	snprintf(kept, sizeof(kept), "%s", path("away.key"));
	ok(make(path("away"), &plan, &ca) && !rename(path("away/root.key"), kept), "root.key is kept elsewhere");
	ok(pki_ca_publish(path("away"), &plan, &err) == -EPERM && strstr(err.text, "root.key is not there") &&
	   mode_of(path("away/next")) == 0 && mode_of(path("away/next.new")) == 0, "refused: %s", err.text + strlen(base));
	plan.old_root_key = ca.key;
	ok(pki_ca_publish(path("away"), &plan, &err) == -EPERM && strstr(err.text, "not that of"), "another key: %s",
	   err.text);
	plan.old_root_key = root_key(kept);
	ok(!pki_ca_publish(path("away"), &plan, &err) && mode_of(path("away/next")) == 0700, "its own: %s", err.text);
	EVP_PKEY_free(plan.old_root_key);
	pki_ca_free(&ca);
}

/* Devices whose clock is behind. */
static void test_backdate(const struct pki_ca *ca)
{
	static const time_t lives[] = { 60, 3600, 86400, 10 * DAY - 1, 10 * DAY, 90 * DAY };
	time_t from, until, begin;
	unsigned int wrong = 0;
	size_t i;

	ok(!pki_validity(ca->root, &from, &until) && from == now - DAY, "a root begins a day before it is made");
	ok(!pki_validity(ca->issuing, &from, &until) && from == now - DAY, "and so does the issuing certificate");
	ok(pki_begin(now, now + 90 * DAY) == now - DAY, "a certificate of 90 days, too");
	ok(pki_begin(now, now + DAY) == now - DAY / 10, "one of a day begins a tenth of it before");
	ok(pki_begin(now, now + 60) == now - 300, "one of a minute five minutes");
	for (i = 0; i < sizeof(lives) / sizeof(*lives); i++) {
		begin = pki_begin(now, now + lives[i]);
		wrong += labs((long)(pki_made(begin, now + lives[i]) - now)) > 1;
	}
	ok(!wrong, "when it was made can be told from that: wrong %u times", wrong);
}

static const char *year_of(int64_t seconds)
{
	ASN1_TIME *t = ASN1_TIME_new();
	static char text[PKI_TIME_LEN];
	int64_t back = 0;

	if (!pki_time_set(t, seconds))
		strcpy(text, "refused");
	else if (pki_time_get(t, &back) || back != seconds)
		strcpy(text, "another one");
	else
		pki_time_text(t, text);
	ASN1_TIME_free(t);
	return text;
}

/* Dates that a time_t of 32 bits does not hold are right in certificates, and compare well. */
static void test_2038(const struct pki_ca *ca)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} dates[] = {
		{ 0, "1970-01-01T00:00:00Z" }, { -1, "1969-12-31T23:59:59Z" },
		{ 951782399, "2000-02-28T23:59:59Z" }, { 951782400, "2000-02-29T00:00:00Z" },
		{ INT32_MAX, "2038-01-19T03:14:07Z" }, { INT32_MAX + 1LL, "2038-01-19T03:14:08Z" },
		{ 2524607999, "2049-12-31T23:59:59Z" }, { 2524608000, "2050-01-01T00:00:00Z" },
		{ 4107542400, "2100-03-01T00:00:00Z" }, { 253402300799, "9999-12-31T23:59:59Z" },
		{ 253402300800, "refused" },
	};
	char text[PKI_TIME_LEN];
	size_t i;

	for (i = 0; i < sizeof(dates) / sizeof(*dates); i++)
		ok(!strcmp(year_of(dates[i].seconds), dates[i].text), "%lld is %s: %s", (long long)dates[i].seconds,
		   dates[i].text, year_of(dates[i].seconds));
	ok(pki_time_fit(2524608000, 4) == INT32_MAX && pki_time_fit(-2524608000, 4) == INT32_MIN,
	   "where a time_t has 32 bits, what is beyond ends with time, and not in the past");
	ok(pki_time_fit(now, 4) == now && pki_time_fit(2524608000, 8) == 2524608000, "and all else stays");
	ok(!strncmp(pki_time_text(X509_get0_notAfter(ca->root), text), "2047-01-15", 10), "a root of 20 years ends %s", text);
}

static int remove_dir(const char *dir)
{
	struct dirent *d;
	char file[512];
	DIR *list = opendir(dir);

	while (list && (d = readdir(list))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		snprintf(file, sizeof(file), "%s/%s", dir, d->d_name);
		if (unlink(file))
			remove_dir(file);
	}
	if (list)
		closedir(list);
	return rmdir(dir);
}

int main(void)
{
	const struct pki_ca_plan plan = { .name = "lab", .key = PKI_P256, .now = now };
	struct pki_ca ca, foreign;

	snprintf(base, sizeof(base), "%s/pki.XXXXXX", getenv("CORDON_UNIT") ? getenv("CORDON_UNIT") : "/tmp");
	if (!mkdtemp(base) || !make(path("ca"), &plan, &ca) || !make(path("foreign"), &plan, &foreign)) {
		ok(false, "two CAs to begin with");
		return tap_done();
	}
	test_issue(&ca, PKI_P256);
	test_issue(&ca, PKI_P384);
	test_issue(&ca, PKI_ED25519);
	test_server(&ca);
	test_refused(&ca);
	test_claim(&ca, &foreign);
	test_identity();
	test_certs_only(&ca);
	test_crl(&ca);
	test_directory(&plan);
	test_passphrase();
	test_import(&ca);
	test_import_good(&ca);
	test_rollover();
	test_root_key();
	test_backdate(&ca);
	test_2038(&ca);
	pki_ca_free(&foreign);
	pki_ca_free(&ca);
	ok(!remove_dir(base), "cleaned up");
	return tap_done();
}
