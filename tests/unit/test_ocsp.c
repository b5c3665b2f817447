// SPDX-License-Identifier: GPL-2.0
/* Status of certificates: questions well and badly formed, answers and who signs them, and what certificates name. */
#include <errno.h>
#include <openssl/ocsp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve/common/serve.h"
#include "tap.h"
#include "tree.h"

#define DAY	86400
#define URL	"http://gateway.example/pki"

static const uint8_t serials[2][PKI_SERIAL_LEN] = { { 0x11, [15] = 1 }, { 0x22, [15] = 2 } };
static char dir[64];
static time_t now;

static bool make(const char *name, enum pki_key kind, struct pki_ca *ca)
{
	struct pki_ca_plan plan = { .name = name, .key = kind, .now = now };
	struct pki_error err = { "" };
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!pki_ca_make(path, &plan, &err) && !pki_ca_load(path, true, NULL, ca, &err))
		return true;
	printf("Bail out! %s\n", err.text);
	exit(1);
}

static ASN1_INTEGER *serial_of(const uint8_t bytes[PKI_SERIAL_LEN])
{
	BIGNUM *n = BN_bin2bn(bytes, PKI_SERIAL_LEN, NULL);
	ASN1_INTEGER *out = BN_to_ASN1_INTEGER(n, NULL);

	BN_free(n);
	return out;
}

/* A question for so many certificates of an issuer; with a nonce of so many bytes. */
static size_t question(const X509 *issuer, size_t n, int nonce, uint8_t **der)
{
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	unsigned char bytes[256] = { 7 };
	ASN1_INTEGER *serial;
	size_t i;
	int len;

	for (i = 0; i < n; i++) {
		serial = serial_of(serials[i % 2]);
		OCSP_request_add0_id(req, OCSP_cert_id_new(i % 2 ? EVP_sha256() : EVP_sha1(), X509_get_subject_name(issuer),
							   X509_get0_pubkey_bitstr(issuer), serial));
		ASN1_INTEGER_free(serial);
	}
	if (nonce)
		OCSP_request_add1_nonce(req, bytes, nonce);
	*der = NULL;
	len = i2d_OCSP_REQUEST(req, der);
	OCSP_REQUEST_free(req);
	return len > 0 ? len : 0;
}

static enum pki_ocsp_error ask(const struct pki_ca *ca, const X509 *issuer, size_t n, int nonce, struct pki_ocsp *out)
{
	unsigned int which;
	uint8_t *der;
	size_t len = question(issuer, n, nonce, &der);
	enum pki_ocsp_error ret = pki_ocsp_read(ca, der, len, out, &which);

	OPENSSL_free(der);
	return ret;
}

static void check_read(const struct pki_ca *ca, const struct pki_ca *other)
{
	struct pki_ocsp q;

	ok(ask(ca, ca->issuing, 2, 32, &q) == PKI_OCSP_GOOD && q.n == 2 && q.nonce_len == 32 && q.nonce[0] == 7,
	   "read: two certificates and a nonce");
	ok(q.ids[0].digest == 0 && q.ids[1].digest == 1 && q.ids[1].serial_len == 16 &&
	   !memcmp(q.ids[1].serial, serials[1], 16), "read: digests and serial numbers");
	ok(ask(ca, ca->issuing, PKI_OCSP_IDS, 0, &q) == PKI_OCSP_GOOD && !q.nonce_len, "read: as many as may be");
	ok(ask(ca, ca->issuing, PKI_OCSP_IDS + 1, 0, &q) == PKI_OCSP_MALFORMED, "read: one more");
	ok(ask(ca, ca->issuing, 0, 0, &q) == PKI_OCSP_MALFORMED, "read: none");
	ok(ask(ca, ca->issuing, 1, PKI_OCSP_NONCE_MAX, &q) == PKI_OCSP_GOOD, "read: the longest nonce");
	ok(ask(ca, ca->issuing, 1, PKI_OCSP_NONCE_MAX + 1, &q) == PKI_OCSP_MALFORMED, "read: a longer one");
	ok(ask(ca, other->issuing, 1, 0, &q) == PKI_OCSP_FOREIGN, "read: another issuer");
	ok(ask(ca, ca->root, 1, 0, &q) == PKI_OCSP_FOREIGN, "read: the root, whose statuses these are not");
}

/* Whatever comes: a verdict, and nothing read that is not there. */
static void check_damaged(const struct pki_ca *ca)
{
	unsigned int which, verdicts[PKI_OCSP_FOREIGN + 1] = { 0 };
	struct pki_ocsp q;
	uint8_t *der, *exact;
	size_t len = question(ca->issuing, 2, 32, &der), i, bit, good = 0;

	for (i = 0; i < len; i++) {
		exact = malloc(i ? i : 1);
		memcpy(exact, der, i);
		good += pki_ocsp_read(ca, exact, i, &q, &which) != PKI_OCSP_MALFORMED;
		free(exact);
	}
	ok(!good, "damaged: cut at any of %zu bytes it is none", len);
	for (i = 0; i < len; i++)
		for (bit = 0; bit < 8; bit++) {
			der[i] ^= 1 << bit;
			verdicts[pki_ocsp_read(ca, der, len, &q, &which)]++;
			der[i] ^= 1 << bit;
		}
	ok(verdicts[PKI_OCSP_MALFORMED] && verdicts[PKI_OCSP_FOREIGN] && verdicts[PKI_OCSP_GOOD] &&
	   verdicts[PKI_OCSP_MALFORMED] + verdicts[PKI_OCSP_FOREIGN] + verdicts[PKI_OCSP_GOOD] == 8 * len,
	   "damaged: any bit changed: %u malformed, %u foreign, %u others", verdicts[PKI_OCSP_MALFORMED],
	   verdicts[PKI_OCSP_FOREIGN], verdicts[PKI_OCSP_GOOD]);
	OPENSSL_free(der);
}

static void check_packed(void)
{
	struct pki_ocsp q = { .n = PKI_OCSP_IDS, .nonce_len = PKI_OCSP_NONCE_MAX }, got;
	uint8_t buf[SERVE_OCSP_MAX];
	size_t len, i, good = 0;

	memset(q.nonce, 9, sizeof(q.nonce));
	for (i = 0; i < q.n; i++) {
		q.ids[i] = (struct pki_ocsp_id){ .digest = i % 4, .serial_len = PKI_OCSP_SERIAL_MAX, .status = i % 3,
						 .revoked = now + (time_t)i, .reason = (int)i };
		memset(q.ids[i].serial, (int)i + 1, PKI_OCSP_SERIAL_MAX);
	}
	len = serve_ocsp_pack(&q, buf, sizeof(buf));
	ok(len && serve_ocsp_unpack(buf, len, &got) && got.n == q.n && !memcmp(got.nonce, q.nonce, sizeof(q.nonce)) &&
	   !memcmp(&got.ids[7], &q.ids[7], sizeof(q.ids[7])), "packed: the largest, and back");
	for (i = 0; i < len; i++)
		good += serve_ocsp_unpack(buf, i, &got);
	ok(!good, "packed: cut at any of %zu bytes it is none", len);
	q.ids[3].digest = PKI_OCSP_DIGESTS;
	len = serve_ocsp_pack(&q, buf, sizeof(buf));
	ok(!serve_ocsp_unpack(buf, len, &got), "packed: a digest that there is not");
	q.ids[3] = (struct pki_ocsp_id){ .serial_len = 1, .status = PKI_STATUS_UNKNOWN + 1 };
	len = serve_ocsp_pack(&q, buf, sizeof(buf));
	ok(!serve_ocsp_unpack(buf, len, &got), "packed: a status that there is not");
}

static OCSP_BASICRESP *parse(const uint8_t *der, size_t len)
{
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, (long)len);
	OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;

	OCSP_RESPONSE_free(response);
	return basic;
}

/* By a client's rules: the root is trusted, the issuer is at hand. */
static bool is_verified(OCSP_BASICRESP *basic, const struct pki_ca *ca)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	bool good = X509_STORE_add_cert(store, ca->root) && sk_X509_push(certs, ca->issuing) &&
		    OCSP_basic_verify(basic, certs, store, 0) == 1;

	X509_STORE_free(store);
	sk_X509_free(certs);
	return good;
}

static int status_of(OCSP_BASICRESP *basic, int i, int *reason)
{
	return OCSP_single_get0_status(OCSP_resp_get0(basic, i), reason, NULL, NULL, NULL);
}

static void check_signed(const struct pki_ca *ca, const struct pki_ca *other, const char *kind)
{
	EVP_PKEY *key = pki_key_new(PKI_P256);
	struct pki_error err = { "" };
	X509 *responder = pki_ocsp_responder(ca, key, now, now + 7 * DAY, &err);
	OCSP_BASICRESP *basic = NULL;
	struct pki_ocsp q;
	uint8_t *der = NULL;
	size_t len = 0;
	int reason = 0;

	ok(responder && (X509_get_extended_key_usage(responder) & XKU_OCSP_SIGN) &&
	   X509_get_extended_key_usage(responder) == XKU_OCSP_SIGN && X509_check_ca(responder) == 0 &&
	   X509_get_ext_by_NID(responder, NID_id_pkix_OCSP_noCheck, -1) >= 0, "%s: a responder for that alone: %s", kind,
	   err.text);
	ask(ca, ca->issuing, 2, 32, &q);
	q.ids[0].status = PKI_STATUS_REVOKED;
	q.ids[0].revoked = now - DAY;
	q.ids[0].reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE;
	q.ids[1].status = PKI_STATUS_GOOD;
	if (responder && !pki_ocsp_sign(ca->issuing, responder, key, &q, now, now + 3600, &der, &len, &err))
		basic = parse(der, len);
	ok(basic && is_verified(basic, ca), "%s: the answer verifies: %s", kind, err.text);
	ok(basic && !is_verified(basic, other), "%s: not for who trusts another CA", kind);
	ok(basic && OCSP_resp_count(basic) == 2 && status_of(basic, 0, &reason) == V_OCSP_CERTSTATUS_REVOKED &&
	   reason == OCSP_REVOKED_STATUS_KEYCOMPROMISE && status_of(basic, 1, &reason) == V_OCSP_CERTSTATUS_GOOD,
	   "%s: both statuses", kind);
	ok(basic && OCSP_BASICRESP_get_ext_by_NID(basic, NID_id_pkix_OCSP_Nonce, -1) >= 0, "%s: with the nonce", kind);
	OCSP_BASICRESP_free(basic);
	OPENSSL_free(der);
	X509_free(responder);
	EVP_PKEY_free(key);
}

/* With a time_t of 32 bits nobody can ask: the issuer ends later than that goes. */
static void check_end(const struct pki_ca *ca, const char *kind)
{
	time_t from = pki_later(now, 20 * 366 * (int64_t)DAY);
	struct pki_error err = { "" };
	EVP_PKEY *key = pki_key_new(PKI_P256);

	if (sizeof(time_t) > 4)
		ok(!pki_ocsp_responder(ca, key, from, from + DAY, &err) && err.text[0], "%s: no responder after the issuer's end: %s",
		   kind, err.text);
	EVP_PKEY_free(key);
}

static void check_refusals(void)
{
	static const enum pki_ocsp_error rows[] = { PKI_OCSP_MALFORMED, PKI_OCSP_INTERNAL, PKI_OCSP_LATER, PKI_OCSP_FOREIGN };
	OCSP_RESPONSE *response;
	const uint8_t *p;
	uint8_t *der;
	size_t len, i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (pki_ocsp_refuse(rows[i], &der, &len))
			exit(1);
		p = der;
		response = d2i_OCSP_RESPONSE(NULL, &p, (long)len);
		ok(response && OCSP_response_status(response) == (int)rows[i], "refused: %d", rows[i]);
		OCSP_RESPONSE_free(response);
		OPENSSL_free(der);
	}
}

static size_t issue(struct pki_ca *ca, enum pki_kind kind, const char *url, X509 **cert)
{
	static const char *const names[] = { "gateway.example" };
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	const struct pki_profile profile = {
		.kind = kind, .name = kind == PKI_SERVER ? names[0] : "cam", .mac = mac, .names = names,
		.n_names = kind == PKI_SERVER, .serial = serials[0], .not_before = now, .not_after = now + DAY,
	};
	EVP_PKEY *key = pki_key_new(PKI_P256);
	X509_PUBKEY *subject = pki_key_public(key);
	struct pki_error err = { "" };

	ca->status_url = url;
	*cert = pki_issue(ca, subject, &profile, &err);
	X509_PUBKEY_free(subject);
	EVP_PKEY_free(key);
	return *cert ? X509_get_ext_count(*cert) : 0;
}

static void check_named(struct pki_ca *ca)
{
	static const struct { const char *what; enum pki_kind kind; size_t more; } rows[] = {
		{ "a device", PKI_DEVICE, 2 }, { "a server", PKI_SERVER, 2 }, { "what signs firmware", PKI_CODE, 0 },
	};
	STACK_OF(OPENSSL_STRING) *responders;
	X509 *bare, *empty, *named;
	size_t i, n;

	for (i = 0; i < 3; i++) {
		n = issue(ca, rows[i].kind, NULL, &bare);
		ok(n && issue(ca, rows[i].kind, "", &empty) == n && issue(ca, rows[i].kind, URL, &named) == n + rows[i].more,
		   "named: %s: %zu extensions with a URL, none without", rows[i].what, rows[i].more);
		responders = named ? X509_get1_ocsp(named) : NULL;
		ok(!rows[i].more || (responders && !strcmp(sk_OPENSSL_STRING_value(responders, 0), URL "/ocsp")),
		   "named: %s: the responder", rows[i].what);
		X509_email_free(responders);
		X509_free(bare);
		X509_free(empty);
		X509_free(named);
	}
}

static void check_bucket(void)
{
	struct serve_bucket b = { 0 };
	unsigned int n = 0, i;

	for (i = 0; i < 1000; i++)
		n += serve_bucket_take(&b, 50);
	ok(n >= 50 && n < 100, "bucket: of 1000 at once, 50: %u", n);
	b.last -= 100;
	for (n = i = 0; i < 1000; i++)
		n += serve_bucket_take(&b, 50);
	ok(n >= 4 && n < 50, "bucket: after a tenth of a second, 5 more: %u", n);
	b.last -= 5000;
	for (n = i = 0; i < 1000; i++)
		n += serve_bucket_take(&b, 50);
	ok(n >= 50 && n < 100, "bucket: after a long time no more than at once: %u", n);
}

int main(void)
{
	static const struct { const char *name; enum pki_key kind; } rows[] = {
		{ "P-256", PKI_P256 }, { "P-384", PKI_P384 }, { "Ed25519", PKI_ED25519 },
	};
	struct pki_ca ca, other;
	size_t i;

	now = time(NULL);
	strcpy(dir, "/tmp/ocsp-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	make("other", PKI_P256, &other);
	for (i = 0; i < 3; i++) {
		make(rows[i].name, rows[i].kind, &ca);
		check_signed(&ca, &other, rows[i].name);
		check_end(&ca, rows[i].name);
		if (!i) {
			check_read(&ca, &other);
			check_damaged(&ca);
			check_named(&ca);
		}
		pki_ca_free(&ca);
	}
	check_packed();
	check_refusals();
	check_bucket();
	pki_ca_free(&other);
	tree_remove(dir);
	return tap_done();
}
