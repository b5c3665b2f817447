// SPDX-License-Identifier: GPL-2.0
/* Keys, names and requests: what a stranger may send, and with which words it is refused. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/pki/pki.h"
#include "tap.h"

#define NAME	"thermostat-1"
#define URN	"urn:dev:mac:020000fffe000101"
#define BINDING	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
static const uint8_t other_mac[6] = { 2, 0, 0, 0, 1, 2 };

static void set_cn(X509_REQ *csr, const char *cn, int len)
{
	X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(csr), NID_commonName, MBSTRING_UTF8,
				   (const unsigned char *)cn, len, -1, 0);
}

static void add_ext(X509_REQ *csr, int nid, const char *value, int times)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();

	while (times--)
		sk_X509_EXTENSION_push(list, X509V3_EXT_conf_nid(NULL, NULL, nid, value));
	X509_REQ_add_extensions(csr, list);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

static void add_password(X509_REQ *csr, const char *value)
{
	X509_REQ_add1_attr_by_NID(csr, NID_pkcs9_challengePassword, MBSTRING_ASC,
				  (const unsigned char *)value, -1);
}

/* What a request asks for besides its key. */
static void ask_nothing(X509_REQ *csr) { (void)csr; }
static void ask_cn(X509_REQ *csr) { set_cn(csr, NAME, -1); }
static void ask_wide_cn(X509_REQ *csr)
{
	X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(csr), NID_commonName, V_ASN1_BMPSTRING,
				   (const unsigned char *)"\0t\0h\0e\0r\0m\0o\0s\0t\0a\0t\0-\0" "1", 24, -1, 0);
}
static void ask_teletex_cn(X509_REQ *csr)
{
	X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(csr), NID_commonName, V_ASN1_T61STRING,
				   (const unsigned char *)NAME, -1, -1, 0);
}
static void ask_wide_other_cn(X509_REQ *csr)
{
	X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(csr), NID_commonName, V_ASN1_BMPSTRING,
				   (const unsigned char *)"\0t\0h\0e\0r\0m\0o\0s\0t\0a\0t\0-\0" "2", 24, -1, 0);
}
static void ask_other_cn(X509_REQ *csr) { set_cn(csr, "thermostat-2", -1); }
static void ask_longer_cn(X509_REQ *csr) { set_cn(csr, NAME "0", -1); }
static void ask_two_cn(X509_REQ *csr) { set_cn(csr, NAME, -1); set_cn(csr, NAME, -1); }
static void ask_nul_cn(X509_REQ *csr) { set_cn(csr, NAME "\0.evil", sizeof(NAME) + 5); }
static void ask_quote_cn(X509_REQ *csr) { set_cn(csr, "a'\x1b[2J", -1); }
static void ask_urn(X509_REQ *csr) { add_ext(csr, NID_subject_alt_name, "URI:" URN, 1); }
static void ask_other_urn(X509_REQ *csr)
{
	add_ext(csr, NID_subject_alt_name, "URI:urn:dev:mac:020000fffe000102", 1);
}
static void ask_two_urns(X509_REQ *csr)
{
	add_ext(csr, NID_subject_alt_name, "URI:" URN ",URI:urn:dev:mac:020000fffe000102", 1);
}
static void ask_dns(X509_REQ *csr) { add_ext(csr, NID_subject_alt_name, "DNS:gateway", 1); }
static void ask_host(X509_REQ *csr) { add_ext(csr, NID_subject_alt_name, "DNS:" NAME, 1); }
static void ask_host_lan(X509_REQ *csr) { add_ext(csr, NID_subject_alt_name, "DNS:" NAME ".lan", 1); }
static void ask_longer_host(X509_REQ *csr) { add_ext(csr, NID_subject_alt_name, "DNS:" NAME "0", 1); }
static void ask_dns_and_other(X509_REQ *csr)
{
	add_ext(csr, NID_subject_alt_name, "DNS:" NAME ",URI:urn:dev:mac:020000fffe000102", 1);
}
static void ask_ca(X509_REQ *csr) { add_ext(csr, NID_basic_constraints, "critical,CA:TRUE", 1); }
static void ask_no_ca(X509_REQ *csr) { add_ext(csr, NID_basic_constraints, "CA:FALSE", 1); }
static void ask_usage(X509_REQ *csr) { add_ext(csr, NID_key_usage, "digitalSignature", 1); }
static void ask_server(X509_REQ *csr) { add_ext(csr, NID_ext_key_usage, "serverAuth", 1); }
static void ask_feature(X509_REQ *csr) { add_ext(csr, NID_tlsfeature, "status_request", 1); }
static void ask_key_id(X509_REQ *csr) { add_ext(csr, NID_subject_key_identifier, "00:01:02", 1); }
static void ask_netscape(X509_REQ *csr) { add_ext(csr, NID_netscape_cert_type, "client", 1); }
static void ask_constraints(X509_REQ *csr) { add_ext(csr, NID_name_constraints, "permitted;DNS:x", 1); }
static void ask_twice(X509_REQ *csr) { add_ext(csr, NID_key_usage, "digitalSignature", 2); }
static void ask_two_lists(X509_REQ *csr)
{
	add_ext(csr, NID_subject_alt_name, "URI:" URN, 1);
	X509_REQ_add1_attr_by_NID(csr, NID_ms_ext_req, V_ASN1_SEQUENCE,
				  (const unsigned char *)"\x30\x00", 2);
}
static void ask_junk_list(X509_REQ *csr)
{
	X509_REQ_add1_attr_by_NID(csr, NID_ext_req, V_ASN1_OCTET_STRING,
				  (const unsigned char *)"junk", 4);
}
static void ask_bound(X509_REQ *csr) { add_password(csr, BINDING); }
static void ask_bound_elsewhere(X509_REQ *csr) 
{
	add_password(csr, "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
}
static void ask_bound_short(X509_REQ *csr) { add_password(csr, "AAEC"); }
static void ask_bound_twice(X509_REQ *csr)
{
	X509_ATTRIBUTE *a = X509_ATTRIBUTE_create_by_NID(NULL, NID_pkcs9_challengePassword,
							 MBSTRING_ASC, BINDING, -1);

	X509_ATTRIBUTE_set1_data(a, MBSTRING_ASC, BINDING, -1);
	X509_REQ_add1_attr(csr, a);
	X509_ATTRIBUTE_free(a);
}

static const struct asked {
	const char *name;
	void (*ask)(X509_REQ *csr);
	const char *exporter;
	const char *message;	/* NULL: granted */
} asked[] = {
	{ "nothing", ask_nothing, NULL, NULL },
	{ "its name", ask_cn, NULL, NULL },
	{ "its name as a BMPString", ask_wide_cn, NULL, NULL },
	{ "its name as a TeletexString", ask_teletex_cn, NULL, NULL },
	{ "its neighbour's name as a BMPString", ask_wide_other_cn, NULL,
	  "CN 'thermostat-2': this device is 'thermostat-1'" },
	{ "its neighbour's name", ask_other_cn, NULL, "CN 'thermostat-2': this device is 'thermostat-1'" },
	{ "a longer name", ask_longer_cn, NULL, "CN 'thermostat-10': this device is 'thermostat-1'" },
	{ "two CNs", ask_two_cn, NULL, "more than one CN" },
	{ "a NUL in the CN", ask_nul_cn, NULL, "CN 'thermostat-1?.evil': this device is 'thermostat-1'" },
	{ "an escape in the CN", ask_quote_cn, NULL, "CN 'a??[2J': this device is 'thermostat-1'" },
	{ "its URN", ask_urn, NULL, NULL },
	{ "its neighbour's URN", ask_other_urn, NULL,
	  "SAN 'urn:dev:mac:020000fffe000102': this device may have " URN " alone" },
	{ "its URN and its neighbour's", ask_two_urns, NULL,
	  "SAN 'urn:dev:mac:020000fffe000102': this device may have " URN " alone" },
	{ "its host's name", ask_host, NULL, NULL },
	{ "its host's name in a domain", ask_host_lan, NULL, NULL },
	{ "a longer host's name", ask_longer_host, NULL, "DNS name 'thermostat-10': this device is 'thermostat-1'" },
	{ "another DNS name", ask_dns, NULL, "DNS name 'gateway': this device is 'thermostat-1'" },
	{ "a DNS name and its neighbour's URN", ask_dns_and_other, NULL,
	  "SAN 'urn:dev:mac:020000fffe000102': this device may have " URN " alone" },
	{ "CA:TRUE", ask_ca, NULL, "CA:TRUE: a device does not get a CA's certificate" },
	{ "CA:FALSE", ask_no_ca, NULL, NULL },
	{ "keyUsage", ask_usage, NULL, NULL },
	{ "extendedKeyUsage", ask_server, NULL, NULL },
	{ "a TLS feature", ask_feature, NULL, NULL },
	{ "a subject key identifier", ask_key_id, NULL, NULL },
	{ "nsCertType", ask_netscape, NULL, NULL },
	{ "name constraints", ask_constraints, NULL, NULL },
	{ "an extension twice", ask_twice, NULL, "an extension a second time (RFC 5280, 4.2)" },
	{ "two lists of extensions", ask_two_lists, NULL,
	  "Extension Request more than once, or without a value (RFC 2985, 5.4)" },
	{ "a list that is none", ask_junk_list, NULL,
	  "extensions that cannot be read (RFC 2985, 5.4.2)" },
	{ "no binding where there could be one", ask_nothing, BINDING, NULL },
	{ "the binding", ask_bound, BINDING, NULL },
	{ "a binding, and no connection", ask_bound, NULL, NULL },
	{ "another connection's binding", ask_bound_elsewhere, BINDING,
	  "challengePassword is not this connection's binding (RFC 7030, 3.5; RFC 9266, 3)" },
	{ "part of the binding", ask_bound_short, BINDING,
	  "challengePassword is not this connection's binding (RFC 7030, 3.5; RFC 9266, 3)" },
	{ "a binding twice", ask_bound_twice, BINDING,
	  "challengePassword more than once, or without a value (RFC 2985, 5.4)" },
};

static const EVP_MD *digest_of(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
}

/* Put together by OpenSSL alone, so that what we make is not all that we can read. */
static size_t request(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *md, void (*ask)(X509_REQ *csr),
		      uint8_t **der)
{
	X509_REQ *csr = X509_REQ_new();
	int len;

	X509_REQ_set_version(csr, X509_REQ_VERSION_1);
	X509_REQ_set_pubkey(csr, key);
	ask(csr);
	X509_REQ_sign(csr, signer, md);
	*der = NULL;
	len = i2d_X509_REQ(csr, der);
	X509_REQ_free(csr);
	return len > 0 ? len : 0;
}

static void test_asked(void)
{
	EVP_PKEY *key = pki_key_new(PKI_P256);
	size_t i;

	for (i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		const struct asked *a = &asked[i];
		struct pki_error err = { "" };
		X509_REQ *csr;
		uint8_t *der;
		size_t len;
		int ret = -1;

		len = request(key, key, EVP_sha256(), a->ask, &der);
		csr = pki_csr_parse(der, len, &err);
		if (csr)
			ret = pki_csr_check(csr, NAME, mac, a->exporter, &err);
		ok(csr && !ret == !a->message && (!a->message || !strcmp(err.text, a->message)),
		   "request for %s: %s", a->name, ret ? err.text : "granted");
		X509_REQ_free(csr);
		OPENSSL_free(der);
	}
	EVP_PKEY_free(key);
}

/* A request of this key, signed by that: the sentence, or "". */
static const char *parsed(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *md, struct pki_error *err)
{
	X509_REQ *csr;
	uint8_t *der;
	size_t len;

	err->text[0] = 0;
	len = request(key, signer, md, ask_cn, &der);
	csr = pki_csr_parse(der, len, err);
	if (csr)
		err->text[0] = 0;
	X509_REQ_free(csr);
	OPENSSL_free(der);
	return err->text;
}

static void test_kinds(void)
{
	static const struct {
		const char *name;
		int kind;
	} good[] = { { "p256", PKI_P256 }, { "p384", PKI_P384 }, { "ed25519", PKI_ED25519 } };
	EVP_PKEY *key, *other = pki_key_new(PKI_P256);
	struct pki_error err;
	size_t i;

	for (i = 0; i < 3; i++) {
		ok(pki_key_find(good[i].name) == good[i].kind, "kind %s is known", good[i].name);
		key = pki_key_new(good[i].kind);
		parsed(key, key, digest_of(key), &err);
		ok(!err.text[0], "request of a %s key: %s", good[i].name, err.text);
		EVP_PKEY_free(key);
	}
	ok(pki_key_find("rsa") == -1, "kind rsa is not");
	key = EVP_RSA_gen(2048);
	parsed(key, key, EVP_sha256(), &err);
	ok(!strcmp(err.text, "key of kind rsaEncryption: use P-256, P-384 or Ed25519"), "RSA: %s", err.text);
	EVP_PKEY_free(key);
	key = EVP_EC_gen("P-521");
	parsed(key, key, EVP_sha512(), &err);
	ok(!strcmp(err.text, "key of kind secp521r1: use P-256, P-384 or Ed25519"), "P-521: %s", err.text);
	EVP_PKEY_free(key);
	key = pki_key_new(PKI_P256);
	parsed(key, other, EVP_sha256(), &err);
	ok(!strcmp(err.text, "request is not signed with the key in it (RFC 2986, 4.2)"),
	   "signed with another key: %s", err.text);
	parsed(key, key, EVP_sha1(), &err);
	ok(!strcmp(err.text, "signature algorithm ecdsa-with-SHA1: use ECDSA with SHA-2, or Ed25519"),
	   "SHA-1: %s", err.text);
	EVP_PKEY_free(other);
	other = pki_key_new(PKI_ED25519);
	parsed(key, other, NULL, &err);
	ok(!strcmp(err.text, "signature algorithm ED25519: use ECDSA with SHA-2, or Ed25519"),
	   "signed with another kind of key: %s", err.text);
	EVP_PKEY_free(other);
	EVP_PKEY_free(key);
}

/* No cut, no bit turned over and no byte more is taken; a copy on the heap shows every read beyond. */
static void test_damage(void)
{
	EVP_PKEY *key = pki_key_new(PKI_P256);
	size_t len, i, taken = 0;
	struct pki_error err;
	uint8_t *der, *copy;
	X509_REQ *csr;

	len = request(key, key, EVP_sha256(), ask_urn, &der);
	for (i = 0; i < len; i++) {
		copy = malloc(i ? i : 1);
		memcpy(copy, der, i);
		csr = pki_csr_parse(copy, i, &err);
		taken += !!csr;
		X509_REQ_free(csr);
		free(copy);
	}
	ok(!taken, "request cut at each of %zu bytes: refused", len);
	for (i = 0; i < 8 * len; i++) {
		copy = malloc(len);
		memcpy(copy, der, len);
		copy[i / 8] ^= 1 << i % 8;
		csr = pki_csr_parse(copy, len, &err);
		taken += !!csr;
		X509_REQ_free(csr);
		free(copy);
	}
	ok(!taken, "request with one of %zu bits turned over: refused", 8 * len);
	ok(!ERR_peek_error(), "and OpenSSL's queue of errors is empty");
	copy = calloc(1, len + 1);
	memcpy(copy, der, len);
	ok(!pki_csr_parse(copy, len + 1, &err) && !strcmp(err.text, "1 bytes behind the request"),
	   "a byte behind: %s", err.text);
	csr = pki_csr_parse(copy, len, &err);
	ok(csr, "and without it, it is taken");
	X509_REQ_free(csr);
	free(copy);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
} junk[] = {
	{ "nothing", "", 0 },
	{ "a length of four bytes", "\x30\x84\xff\xff\xff\xff", 6 },
	{ "a length of eight bytes", "\x30\x88\x7f\xff\xff\xff\xff\xff\xff\xff", 10 },
	{ "a length that never ends", "\x30\x80\x30\x80\x30\x80", 6 },
	{ "an integer", "\x02\x01\x05", 3 },
	{ "text", "-----BEGIN", 10 },
};

static void test_junk(void)
{
	static const char message[] = "not a certification request in DER (RFC 2986, 4)";
	struct pki_error err;
	uint8_t *nested;
	size_t i;

	for (i = 0; i < sizeof(junk) / sizeof(*junk); i++)
		ok(!pki_csr_parse((const uint8_t *)junk[i].bytes, junk[i].len, &err) &&
		   !strcmp(err.text, message), "request of %s: %s", junk[i].name, err.text);
	nested = malloc(PKI_CSR_MAX + 1);
	for (i = 0; i < PKI_CSR_MAX; i += 2) {
		nested[i] = 0x30;
		nested[i + 1] = 0x80;
	}
	ok(!pki_csr_parse(nested, PKI_CSR_MAX, &err) && !strcmp(err.text, message), "nested: %s", err.text);
	ok(!pki_csr_parse(nested, PKI_CSR_MAX + 1, &err) &&
	   !strcmp(err.text, "request of 8193 bytes: at most 8192"), "too long: %s", err.text);
	ok(!pki_csr_parse(nested, SIZE_MAX, &err), "a length of -1: %s", err.text);
	ok(!pki_cert_parse(nested, PKI_CERT_MAX, &err) &&
	   !strcmp(err.text, "not a certificate in DER (RFC 5280, 4.1)"), "certificate: %s", err.text);
	ok(!pki_cert_parse(nested, SIZE_MAX, &err), "certificate of length -1: %s", err.text);
	free(nested);
}

static void test_own_request(void)
{
	static const enum pki_key kinds[] = { PKI_P256, PKI_P384, PKI_ED25519 };
	uint8_t id[32], id_of_csr[32], *der;
	struct pki_error err;
	X509_REQ *csr;
	EVP_PKEY *key;
	size_t i, len;

	for (i = 0; i < 3; i++) {
		key = pki_key_new(kinds[i]);
		ok(!pki_csr_new(key, i ? NAME : NULL, BINDING, &der, &len), "a request is made");
		csr = pki_csr_parse(der, len, &err);
		ok(csr && !pki_csr_check(csr, NAME, mac, BINDING, &err), "and read: %s", csr ? "" : err.text);
		ok(csr && pki_csr_check(csr, NAME, mac, "AAEC", &err), "and bound: %s", err.text);
		ok(csr && !pki_public_id(X509_REQ_get_X509_PUBKEY(csr), id_of_csr) &&
		   !pki_key_id(key, id) && !memcmp(id, id_of_csr, 32), "the key has one id");
		X509_REQ_free(csr);
		OPENSSL_free(der);
		EVP_PKEY_free(key);
	}
	key = EVP_EC_gen("P-521");
	ok(pki_csr_new(key, NAME, NULL, &der, &len) == -22, "not of a P-521 key");
	ok(pki_key_id(key, id) < 0, "which has no id");
	EVP_PKEY_free(key);
}

static void test_key_files(void)
{
	EVP_PKEY *key = pki_key_new(PKI_P256), *again, *rsa = EVP_RSA_gen(2048);
	struct pki_error err;
	size_t len;
	char *pem;

	ok(!pki_key_pem(key, NULL, &pem, &len) && strlen(pem) == len, "a key is written");
	again = pki_key_parse(pem, len, NULL, &err);
	ok(again && EVP_PKEY_eq(key, again) == 1, "and read");
	EVP_PKEY_free(again);
	ok(!pki_key_parse(pem, len / 2, NULL, &err) && !strcmp(err.text, "holds no private key (PEM)"),
	   "half of it: %s", err.text);
	OPENSSL_clear_free(pem, len);
	ok(!pki_key_pem(key, "a long passphrase", &pem, &len) && strstr(pem, "BEGIN ENCRYPTED"),
	   "with a passphrase it is encrypted");
	ok(!pki_key_parse(pem, len, NULL, &err) && errno == ENOKEY && !strcmp(err.text, "needs a passphrase"),
	   "without it: %s", err.text);
	ok(!pki_key_parse(pem, len, "another passphrase", &err) && errno == EKEYREJECTED &&
	   !strcmp(err.text, "not this passphrase"), "with another: %s", err.text);
	again = pki_key_parse(pem, len, "a long passphrase", &err);
	ok(again && EVP_PKEY_eq(key, again) == 1, "with it, it is read");
	EVP_PKEY_free(again);
	OPENSSL_clear_free(pem, len);
	pki_key_pem(rsa, NULL, &pem, &len);
	ok(!pki_key_parse(pem, len, NULL, &err) &&
	   !strcmp(err.text, "key of kind RSA: use P-256, P-384 or Ed25519"), "RSA: %s", err.text);
	OPENSSL_clear_free(pem, len);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(key);
}

static void test_urn(void)
{
	static const char *const bad[] = {
		"", "urn:dev:mac:", "urn:dev:mac:020000fffe00010", "urn:dev:mac:020000fffe0001011",
		"urn:dev:mac:0200000000000101", "urn:dev:mac:020000FFFE000101", "urn:dev:mac:020000000101",
		"urn:dev:ow:020000fffe000101", "URN:dev:mac:020000fffe000101", "urn:dev:mac:020000fffe00010g",
	};
	uint8_t out[6] = { 9, 9, 9, 9, 9, 9 };
	char urn[PKI_URN_LEN];
	size_t i;

	pki_urn(mac, urn);
	ok(!strcmp(urn, URN), "%s", urn);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(pki_urn_parse(bad[i], out) == -22 && out[0] == 9 && out[5] == 9, "'%s' is no URN", bad[i]);
	ok(!pki_urn_parse(urn, out) && !memcmp(out, mac, 6), "and it is read back");
	pki_urn(other_mac, urn);
	ok(strcmp(urn, URN), "another device has another");
}

static void test_serial(void)
{
	static const char *const bad[] = { "", "0", "xyz", "-1", "1:", ":1", "80000000000000000000000000000000",
		"7fffffffffffffffffffffffffffffff0", "00000000000000000000000000000000" };
	uint8_t serial[PKI_SERIAL_LEN], again[PKI_SERIAL_LEN];
	char text[2 * PKI_SERIAL_LEN + 1];
	size_t i, high = 0, low = 0;

	for (i = 0; i < 1000; i++) {
		pki_serial_new(serial);
		high += serial[0] >> 7;
		low += !serial[0];
	}
	ok(!high, "the first bit of a serial is 0");
	ok(!low, "its first byte is not, so that nobody writes it shorter");
	pki_serial_text(serial, text);
	ok(!pki_serial_find(text, again) && !memcmp(serial, again, sizeof(serial)), "%s is found", text);
	ok(!pki_serial_find("0A:bC:1", again) && again[15] == 0xc1 && again[14] == 0xab && !again[13],
	   "with colons, in capitals, and short");
	memset(again, 9, sizeof(again));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(pki_serial_find(bad[i], again) == -22 && again[0] == 9 && again[15] == 9,
		   "'%s' is no serial", bad[i]);
}

int main(void)
{
	test_asked();
	test_kinds();
	test_damage();
	test_junk();
	test_own_request();
	test_key_files();
	test_urn();
	test_serial();
	return tap_done();
}
