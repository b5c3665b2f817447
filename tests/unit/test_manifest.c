// SPDX-License-Identifier: GPL-2.0
/* The signed offer of a release: what a device takes, and with which words it refuses. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/firmware/manifest.h"
#include "tap.h"
#include "tree.h"

#define HASH "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char base[128];
static time_t now;
static struct pki_ca ca;
static STACK_OF(X509) *anchors, *chain;
static EVP_PKEY *key;
static X509 *cert;

static struct firmware_manifest offer(void)
{
	struct firmware_manifest m = {
		.device = "thermostat-1", .action = 7, .model = "acme-t1", .version = "1.1.0",
		.file = "acme-t1_1.1.0.img", .size = 5000000000, .url = "/cordon/v1/firmware/artifact/7",
		.notes = "Fixes \"quotes\" \\ and\na line\xc3\xa4", .issued = now, .expires = now + MANIFEST_LIFE,
	};
	size_t i;

	for (i = 0; i < sizeof(m.sha256); i++)
		m.sha256[i] = i;
	return m;
}

static int open_text(const char *json, size_t len, struct firmware_manifest *out, struct pki_error *err)
{
	uint8_t *der = NULL;
	size_t der_len = 0;
	int ret;

	ret = pki_cms_sign_buf(PKI_CONTENT_OFFER, cert, key, chain, json, len, &der, &der_len, err);
	if (!ret)
		ret = firmware_manifest_open(json, len, der, der_len, anchors, now, out, err);
	OPENSSL_free(der);
	return ret;
}

static void test_there_and_back(void)
{
	struct firmware_manifest m = offer(), got;
	struct pki_error err = { "" };
	char *json, *copy;
	uint8_t *der = NULL;
	size_t len, der_len = 0, i, refused = 0;

	json = firmware_manifest_text(&m, &len);
	ok(json && strstr(json, "\"sha256\": \"" HASH "\"") && strstr(json, "\"size\": 5000000000"), "text: %s", json);
	ok(!open_text(json, len, &got, &err), "open: ours: %s", err.text);
	ok(!strcmp(got.device, m.device) && got.action == 7 && !strcmp(got.model, m.model) &&
	   !strcmp(got.version, m.version) && !strcmp(got.file, m.file) && got.size == m.size &&
	   !memcmp(got.sha256, m.sha256, 32) && !strcmp(got.url, m.url) && got.issued == now &&
	   got.expires == now + MANIFEST_LIFE, "open: what it says is what was said");
	ok(!strcmp(got.notes, "Fixes \"quotes\" \\ and?a line??"), "open: notes are fit for a terminal: %s", got.notes);
	pki_cms_sign_buf(PKI_CONTENT_OFFER, cert, key, chain, json, len, &der, &der_len, &err);
	copy = malloc(len);
	memset(&got, 7, sizeof(got));
	for (i = 0; i < len; i++) {
		memcpy(copy, json, len);
		copy[i] ^= 1;
		refused += firmware_manifest_open(copy, len, der, der_len, anchors, now, &got, &err) == -EBADMSG;
		refused += firmware_manifest_open(json, i, der, der_len, anchors, now, &got, &err) == -EBADMSG;
	}
	ok(refused == 2 * len && got.action == 0x0707070707070707, "open: a bit turned, or cut, at any of %zu places", len);
	ok(!strcmp(err.text, "the manifest's signature: the signature is not over this content"), "open: %s", err.text);
	free(copy);
	copy = calloc(1, MANIFEST_MAX + 1);
	ok(firmware_manifest_open(copy, MANIFEST_MAX + 1, der, der_len, anchors, now, &got, &err) == -EINVAL,
	   "open: %s", err.text);
	free(copy);
	free(json);
	OPENSSL_free(der);
	m = offer();
	memset(m.notes, 'n', sizeof(m.notes) - 1);
	memset(m.url + 1, 'u', sizeof(m.url) - 2);
	json = firmware_manifest_text(&m, &len);
	ok(!open_text(json, len, &got, &err) && !memcmp(&got.notes, &m.notes, sizeof(m.notes)) && !strcmp(got.url, m.url),
	   "open: the longest: %s", err.text);
	free(json);
}

/* One member put in the place of another; NULL, left out. */
static void test_words(void)
{
	static const struct {
		const char *what;
		const char *member;
		const char *text;
		const char *words;	/* NULL: taken */
	} rows[] = {
		{ "as it is", "action", "7", NULL },
		{ "a member that nobody knows", "notes", "\"\", \"new\": \"x\"", NULL },
		{ "no device", "device", NULL, "not a manifest: no device in it" },
		{ "no size", "size", NULL, "not a manifest: no size in it" },
		{ "no end", "expires", NULL, "not a manifest: no expires in it" },
		{ "a number as text", "size", "\"5\"", "not a manifest: no size in it" },
		{ "text as a number", "file", "5", "not a manifest: no file in it" },
		{ "twice", "model", "\"a\", \"model\": \"b\"",
		  "not a manifest: no flat JSON object, or too long a word in it" },
		{ "an object", "notes", "{}", "not a manifest: no flat JSON object, or too long a word in it" },
		{ "action 0", "action", "0", "a manifest with an action that is no number from 1 on" },
		{ "action -1", "action", "-1", "a manifest with an action that is no number from 1 on" },
		{ "a model that is none", "model", "\"a b\"", "a manifest with a model that is no name" },
		{ "a version that is none", "version", "\"latest\"", "a manifest with a version that cannot be compared" },
		{ "a file above", "file", "\"../x\"", "a manifest with a file name that is none, or a path" },
		{ "a file elsewhere", "file", "\"/etc/passwd\"", "a manifest with a file name that is none, or a path" },
		{ "an option as a file", "file", "\"-rf\"", "a manifest with a file name that is none, or a path" },
		{ "a hidden file", "file", "\".x\"", "a manifest with a file name that is none, or a path" },
		{ "no file", "file", "\"\"", "a manifest with a file name that is none, or a path" },
		{ "size 0", "size", "0", "a manifest with a size that is none" },
		{ "a negative size", "size", "-5", "a manifest with a size that is none" },
		{ "a size beyond all bounds", "size", "99999999999999999999",
		  "not a manifest: no flat JSON object, or too long a word in it" },
		{ "a short hash", "sha256", "\"0001\"", "a manifest with a SHA-256 that is none" },
		{ "a long hash", "sha256", "\"" HASH "00\"", "a manifest with a SHA-256 that is none" },
		{ "another server", "url", "\"https://evil/x\"", "a manifest with a URL that is no path on this server" },
		{ "another server's path", "url", "\"//evil/x\"", "a manifest with a URL that is no path on this server" },
		{ "a header in the path", "url", "\"/x HTTP/1.1\"", "a manifest with a URL that is no path on this server" },
		{ "no path", "url", "\"\"", "a manifest with a URL that is no path on this server" },
		{ "an end before the beginning", "expires", "5",
		  "a manifest with an end that does not come after its beginning" },
		{ "a life of two days", "issued", "1700000000", "a manifest with a life of more than a day" },
	};
	static const char *const names[] = { "device", "action", "model", "version", "file", "size", "sha256", "url",
					     "notes", "issued", "expires" };
	char usual[11][96], json[4096];
	struct firmware_manifest got;
	struct pki_error err;
	size_t i, j, len;
	int ret;

	snprintf(usual[0], 96, "\"thermostat-1\"");
	snprintf(usual[1], 96, "7");
	snprintf(usual[2], 96, "\"acme-t1\"");
	snprintf(usual[3], 96, "\"1.1\"");
	snprintf(usual[4], 96, "\"t1.img\"");
	snprintf(usual[5], 96, "100");
	snprintf(usual[6], 96, "\"" HASH "\"");
	snprintf(usual[7], 96, "\"/a/b?c=d\"");
	snprintf(usual[8], 96, "\"\"");
	snprintf(usual[9], 96, "%" PRId64, (int64_t)now);
	snprintf(usual[10], 96, "%" PRId64, (int64_t)now + 3600);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		len = snprintf(json, sizeof(json), "{\"first\": null");
		for (j = 0; j < 11; j++) {
			const char *text = strcmp(names[j], rows[i].member) ? usual[j] : rows[i].text;

			if (text)
				len += snprintf(json + len, sizeof(json) - len, ", \"%s\": %s", names[j], text);
		}
		len += snprintf(json + len, sizeof(json) - len, "}");
		memset(&got, 7, sizeof(got));
		err.text[0] = 0;
		ret = open_text(json, len, &got, &err);
		if (!ok(rows[i].words ? ret == -EINVAL && !strcmp(err.text, rows[i].words) &&
			got.action == 0x0707070707070707 : !ret, "open: %s: %s", rows[i].what, err.text))
			printf("# %d %s\n", ret, json);
	}
}

static void check(const char *what, const struct firmware_manifest *m, const struct firmware_self *self, int wanted,
		  const char *words)
{
	struct pki_error err = { "" };
	int ret = firmware_manifest_check(m, self, now, &err);

	if (!ok(ret == wanted && !strcmp(err.text, words), "check: %s: %s", what, err.text))
		printf("# %d\n", ret);
}

static void test_check(void)
{
	struct firmware_self self = { .device = "thermostat-1", .model = "acme-t1", .version = "1.0.9", .issued = now };
	struct firmware_manifest m = offer();

	check("a newer version", &m, &self, 0, "");
	self.version = NULL;
	check("nobody knows which version runs", &m, &self, 0, "");
	self.version = "1.1";
	check("the same version", &m, &self, -EALREADY, "version 1.1.0 is installed already");
	self.version = "1.1.1";
	check("an older version", &m, &self, -EPERM, "version 1.1.0 is older than 1.1.1, which is installed");
	self.version = "1.1.0-rc.1";
	check("the release of a candidate", &m, &self, 0, "");
	self.model = "acme-t2";
	check("another model", &m, &self, -EPERM, "firmware for model 'acme-t1': this device is a 'acme-t2'");
	self.model = "acme-t1";
	self.device = "thermostat-2";
	check("another device", &m, &self, -EPERM, "an offer to 'thermostat-1': this device is 'thermostat-2'");
	self.device = "thermostat-1";
	self.issued = now + 1;
	check("a replay", &m, &self, -ESTALE, "a replay: the offer was issued 1 s before the last one");
	self.issued = 0;
	m.expires = now;
	check("the last second", &m, &self, 0, "");
	m.expires = now - 1;
	check("a second late", &m, &self, -ESTALE, "the offer expired 1 s ago, or this device's clock is ahead");
	m.issued = now + MANIFEST_SKEW;
	m.expires = m.issued + 1;
	check("a clock that is a little behind", &m, &self, 0, "");
	m.issued++;
	check("the future", &m, &self, -ESTALE, "an offer of the future, or this device's clock is 301 s behind");
	m.issued = now + (1LL << 32);
	m.expires = m.issued + 1;
	check("a future that 32 bits cut off", &m, &self, -ESTALE,
	      "an offer of the future, or this device's clock is 4294967296 s behind");
}

static void make_signer(void)
{
	uint8_t serial[PKI_SERIAL_LEN];
	struct pki_profile p = { .kind = PKI_CODE, .name = "firmware", .serial = serial, .not_before = now - 60,
				 .not_after = now + 86400 };
	struct pki_error err;
	unsigned char *der = NULL;
	X509_PUBKEY *pub;
	X509 *made;
	int len;

	pki_serial_new(serial);
	key = pki_key_new(PKI_P256);
	pub = pki_key_public(key);
	made = pki_issue(&ca, pub, &p, &err);
	len = i2d_X509(made, &der);
	cert = pki_cert_parse(der, len, &err);
	OPENSSL_free(der);
	X509_free(made);
	X509_PUBKEY_free(pub);
}

/* What signer lets be signed: one row for each way not to be an offer. */
static void test_judge(void)
{
	static const struct {
		const char *what, *text;
	} rows[] = {
		{ "a script", "{ reboot; }\n" }, { "a script in a string", "{\"device\": \"$(reboot)\"}\n" },
		{ "nothing", "" }, { "an empty object", "{}\n" }, { "two lines", "{\n}\n" },
		{ "no object", "#!/bin/sh\nreboot\n" }, { "no end of line", "{\"device\": \"cam\"}" },
	};
	struct firmware_manifest m = offer(), got;
	uint8_t *der = NULL, *file = NULL;
	struct pki_error err = { "" };
	size_t len, n = 0, i;
	char *json;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		ok(firmware_manifest_judge(rows[i].text, strlen(rows[i].text), now, &err) == -EINVAL, "judge: %s: %s",
		   rows[i].what, err.text);
	strcpy(m.notes, "costs $5, `reboot` $(reboot) ${HOME}");
	json = firmware_manifest_text(&m, &len);
	ok(json && strlen(json) == len && !strpbrk(json, "$`") && strstr(json, "\\u0024(reboot)"), "text: nothing for a shell: %s", json);
	ok(!firmware_manifest_judge(json, len, now, &err), "judge: ours: %s", err.text);
	ok(!open_text(json, len, &got, &err) && !strcmp(got.notes, m.notes), "open: notes as they were: %s", got.notes);
	ok(firmware_manifest_judge(json, len, now + 61, &err) == -EINVAL, "judge: of a minute ago: %s", err.text);
	ok(firmware_manifest_judge(json, len, now - 61, &err) == -EINVAL, "judge: of the future: %s", err.text);
	pki_cms_sign_buf(PKI_CONTENT_FILE, cert, key, chain, json, len, &file, &n, &err);
	ok(firmware_manifest_open(json, len, file, n, anchors, now, &got, &err) == -EBADMSG &&
	   strstr(err.text, "something else than an offer"), "open: signed as a file: %s", err.text);
	OPENSSL_free(file);
	pki_cms_sign_buf(PKI_CONTENT_OFFER, cert, key, chain, json, len, &der, &n, &err);
	ok(pki_cms_verify_buf(PKI_CONTENT_FILE, der, n, json, len, anchors, now, NULL, 0, &err) == -EBADMSG &&
	   strstr(err.text, "something else than data"), "an offer's signature is none over an artifact: %s", err.text);
	ok(!pki_cms_verify_buf(PKI_CONTENT_OFFER, der, n, json, len, anchors, now, NULL, 0, &err), "control: over an offer it is");
	OPENSSL_free(der);
	free(json);
	m.expires = m.issued + MANIFEST_LIFE + 1;
	json = firmware_manifest_text(&m, &len);
	ok(firmware_manifest_judge(json, len, now, &err) == -EINVAL, "judge: for too long: %s", err.text);
	free(json);
}

int main(void)
{
	struct pki_ca_plan plan = { .name = "test", .key = PKI_P256 };
	struct pki_error err = { "" };
	char dir[160];

	now = time(NULL);
	plan.now = now - 86400;
	snprintf(base, sizeof(base), "%s/manifest.XXXXXX", getenv("CORDON_UNIT") ? getenv("CORDON_UNIT") : "/tmp");
	if (!mkdtemp(base))
		return 1;
	snprintf(dir, sizeof(dir), "%s/ca", base);
	if (pki_ca_make(dir, &plan, &err) || pki_ca_load(dir, true, NULL, &ca, &err)) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	anchors = sk_X509_new_null();
	chain = sk_X509_new_null();
	sk_X509_push(anchors, ca.root);
	sk_X509_push(chain, ca.issuing);
	make_signer();
	test_there_and_back();
	test_words();
	test_check();
	test_judge();
	sk_X509_free(anchors);
	sk_X509_free(chain);
	X509_free(cert);
	EVP_PKEY_free(key);
	pki_ca_free(&ca);
	tree_remove(base);
	return tap_done();
}
