// SPDX-License-Identifier: GPL-2.0
/* What EST's client is made of: base64, servers, JSON, channel binding, keys on the disk. */
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/device/base64.h"
#include "../../userspace/device/client.h"
#include "../../userspace/device/flat.h"
#include "../../userspace/device/identity.h"
#include "../../userspace/device/message.h"
#include "../../userspace/pki/pki.h"
#include "tap.h"

static void test_base64(void)
{
	static const char * const good[] = {
		"aGVsbG8=", "aGVs\r\nbG8=\r\n", "aGVsbG8=\n", " a G V s b G 8 = ", "aGVs\nbG8=",
	};
	static const char * const bad[] = {
		"", "\r\n", "aGVsbG8", "aGVsb", "aGVsbG8=-", "-----", "aGVs*G8=", "aGVsbG8=aGVs",
		"=aGVsbG8", "====", "a===", "aGVs\xc3\xa4",
	};
	uint8_t *out = NULL;
	size_t i, len = 0;
	char *text;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		out = NULL;
		ok(!base64_decode(good[i], strlen(good[i]), &out, &len) && len == 5 &&
		   !memcmp(out, "hello", 5), "base64_decode: good form %zu", i);
		free(out);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		out = NULL;
		len = 77;
		ok(base64_decode(bad[i], strlen(bad[i]), &out, &len) && !out && len == 77,
		   "base64_decode: bad form %zu", i);
		free(out);
	}
	text = base64_encode("hello", 5);
	ok(text && !strcmp(text, "aGVsbG8="), "base64_encode");
	free(text);
}

struct url_row {
	const char *url;
	const char *host;
	const char *port;
	bool address;
	const char *error;
};

static void test_urls(void)
{
	static const struct url_row rows[] = {
		{ "https://gw.example", "gw.example", "8443", false, NULL },
		{ "HTTPS://gw:443/", "gw", "443", false, NULL },
		{ "https://192.0.2.1", "192.0.2.1", "8443", true, NULL },
		{ "https://[2001:db8::1]:8443", "2001:db8::1", "8443", true, NULL },
		{ "https://[2001:db8::1]/", "2001:db8::1", "8443", true, NULL },
		{ "gw", NULL, NULL, false, "not a URL that begins with https://" },
		{ "https://", NULL, NULL, false, "not a host name or an address" },
		{ "https://-x", NULL, NULL, false, "not a host name or an address" },
		{ "https://a\r\nX:1", NULL, NULL, false, "not a host name or an address" },
		{ "https://a b", NULL, NULL, false, "not a host name or an address" },
		{ "https://u@h", NULL, NULL, false, "not a host name or an address" },
		{ "https://h:65536", NULL, NULL, false, "not a port from 1 to 65535" },
		{ "https://h:", NULL, NULL, false, "not a port from 1 to 65535" },
		{ "https://h:1x", NULL, NULL, false, "not a port from 1 to 65535" },
		{ "https://[::1", NULL, NULL, false, "no ']' after '['" },
		{ "https://[::1]x", NULL, NULL, false,
		  "something behind the host that is no port" },
		{ "https://[h]", NULL, NULL, false, "not an IPv6 address in brackets" },
		{ "https://[192.0.2.1]", NULL, NULL, false, "not an IPv6 address in brackets" },
		{ "https://::1", NULL, NULL, false, "an IPv6 address needs brackets" },
		{ "https://h?x", NULL, NULL, false,
		  "a URL with a path: the server's name and port suffice" },
	};
	struct tls_target t, before;
	const char *error;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		memset(&t, 7, sizeof(t));
		before = t;
		error = est_url_parse(rows[i].url, &t);
		if (rows[i].error)
			ok(error && !strcmp(error, rows[i].error) && !memcmp(&t, &before, sizeof(t)),
			   "est_url_parse: %s", rows[i].url);
		else
			ok(!error && !strcmp(t.host, rows[i].host) && !strcmp(t.port, rows[i].port) &&
			   t.address == rows[i].address, "est_url_parse: %s", rows[i].url);
	}
}

static void test_flat(void)
{
	static const char * const bad[] = {
		"", "{", "[]", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{\"a\":1}x",
		"{\"a\":01}", "{\"a\":1.5}", "{\"a\":\"x}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
		"{\"a\":{}}", "{\"a\":[1]}", "{\"n\":1,\"n\":2}", "{\"n\":12345678901234567890}",
		"{\"a\":\"\n\"}", "{a:1}", "{\"a\":tru}", "{\"a\":-}", "{\"a\":\"\\",
	};
	static const char good[] = " { \"t\" : \"a\\\"\\u0041\\u001b\xc3\xa4\" , \"n\":-42,\n"
				   "\"x\": null, \"y\": true, \"z\": \"\", \"n2\": \"1\"} ";
	char text[FLAT_TEXT_LEN] = "", *copy;
	int64_t number = 0, other = 7;
	struct flat_field fields[] = {
		{ .name = "t", .text = text }, { .name = "n", .number = &number },
		{ .name = "n2", .number = &other },
	};
	size_t i, len;

	ok(!flat_read(good, strlen(good), fields, 3) && !strcmp(text, "a\"A???") && number == -42 &&
	   fields[1].found && !fields[2].found && other == 7, "flat_read: good");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		len = strlen(bad[i]);
		copy = malloc(len ? len : 1);
		memcpy(copy, bad[i], len);
		fields[1].found = false;
		ok(flat_read(copy, len, fields, 3) != 0, "flat_read: bad %zu: %s", i, bad[i]);
		free(copy);
	}
	for (i = 0, len = 0; i < sizeof(good) - 2; i++) {
		copy = malloc(i ? i : 1);
		memcpy(copy, good, i);
		fields[0].found = fields[1].found = fields[2].found = false;
		len += !flat_read(copy, i, fields, 3);
		free(copy);
	}
	ok(!len, "flat_read: cut at every byte");
	copy = malloc(3000);
	len = sprintf(copy, "{\"t\": \"abc\", \"long\": \"%02000d\"}", 0);
	fields[0].found = false;
	fields[0].size = 4;
	ok(!flat_read(copy, len, fields, 1) && !strcmp(text, "abc"), "flat_read: what nobody wants is skipped");
	fields[0].found = false;
	fields[0].size = 3;
	ok(flat_read(copy, len, fields, 1), "flat_read: what does not fit");
	free(copy);
}

static X509 *certify(EVP_PKEY *key, const char *name)
{
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, subject);
	X509_set_pubkey(cert, key);
	X509_sign(cert, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256());
	return cert;
}

/* A server that takes one connection and keeps its binding. */
struct peer {
	int listener;
	SSL_CTX *ctx;
	uint8_t binding[TLS_BINDING_LEN];
	bool got;
};

static void *serve(void *arg)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	struct peer *p = arg;
	SSL *ssl = SSL_new(p->ctx);
	int fd = accept(p->listener, NULL, NULL);
	char c;

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		p->got = SSL_export_keying_material(ssl, p->binding, TLS_BINDING_LEN, label,
						    strlen(label), (const uint8_t *)"", 0, 1) == 1;
		SSL_read(ssl, &c, 1);
	}
	SSL_free(ssl);
	close(fd);
	return NULL;
}

static void test_binding(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct tls_target target = { .host = "127.0.0.1", .address = true };
	struct peer p = { .ctx = SSL_CTX_new(TLS_server_method()) };
	struct tls_client c = { .deadline = tls_clock() + 60000 };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	uint8_t binding[TLS_BINDING_LEN];
	socklen_t len = sizeof(at);
	X509 *cert = certify(key, "peer");
	pthread_t thread;

	SSL_CTX_use_certificate(p.ctx, cert);
	SSL_CTX_use_PrivateKey(p.ctx, key);
	p.listener = socket(AF_INET, SOCK_STREAM, 0);
	bind(p.listener, (struct sockaddr *)&at, sizeof(at));
	listen(p.listener, 1);
	getsockname(p.listener, (struct sockaddr *)&at, &len);
	snprintf(target.port, sizeof(target.port), "%u", ntohs(at.sin_port));
	pthread_create(&thread, NULL, serve, &p);
	ok(!tls_open(&c, &target) && !tls_binding(&c, binding) && !tls_write(&c, "x", 1),
	   "tls_binding: the client has one %s", c.error);
	pthread_join(thread, NULL);
	ok(p.got && !memcmp(binding, p.binding, sizeof(binding)), "tls_binding: the server's is the same");
	tls_close(&c);
	tls_close(&c);
	SSL_CTX_free(p.ctx);
	close(p.listener);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static char dir[] = "/tmp/test_est.XXXXXX", key_path[64], cert_path[64], new_key[64], new_cert[64];

static bool there(const char *path)
{
	return !access(path, F_OK);
}

/* Is this the pair, after a start has settled it, and is nothing left over? */
static bool settles_to(EVP_PKEY *key, bool key_left)
{
	struct identity id = { .key_path = key_path, .cert_path = cert_path, .lock = -1 };
	bool good;

	good = !identity_load(&id) && EVP_PKEY_eq(id.key, key) == 1 &&
	       EVP_PKEY_eq(X509_get0_pubkey(id.cert), key) == 1;
	good = good && !identity_lock(&id) && !identity_settle(&id) && !identity_load(&id) &&
	       EVP_PKEY_eq(id.key, key) == 1 && EVP_PKEY_eq(X509_get0_pubkey(id.cert), key) == 1;
	identity_free(&id);
	return good && !there(new_cert) && there(new_key) == key_left;
}

static void test_swap(void)
{
	EVP_PKEY *old = pki_key_new(PKI_ED25519), *new = pki_key_new(PKI_ED25519);
	X509 *old_cert = certify(old, "old"), *cert = certify(new, "new");
	struct identity id = { .key_path = key_path, .cert_path = cert_path, .lock = -1 };
	struct identity other = id;
	EVP_PKEY *next = NULL;
	char error[IDENTITY_ERROR_LEN];
	struct stat st;

	identity_key_save(key_path, old, error);
	identity_cert_save(cert_path, old_cert, error);
	identity_key_save(new_key, new, error);
	ok(!stat(key_path, &st) && (st.st_mode & 07777) == 0600, "identity_key_save: mode 0600");
	ok(settles_to(old, true), "swap: killed before there was a certificate");
	ok(!identity_load(&id) && (next = identity_next_key(&id, true)) &&
	   EVP_PKEY_eq(next, new) == 1, "identity_next_key: the key that was asked with already");
	EVP_PKEY_free(next);

	identity_cert_save(new_cert, cert, error);
	ok(!identity_load(&id) && EVP_PKEY_eq(id.key, old) == 1, "swap: the old pair still stands");
	rename(new_key, key_path);
	ok(settles_to(new, false), "swap: killed when only the key was new");

	identity_key_save(key_path, old, error);
	identity_cert_save(cert_path, old_cert, error);
	identity_key_save(new_key, new, error);
	identity_cert_save(new_cert, cert, error);
	identity_lock(&id);
	ok(!identity_settle(&id) && !there(new_key) && !there(new_cert) && settles_to(new, false) == 0,
	   "swap: nobody else settles while it is locked");
	ok(identity_lock(&other) && strstr(other.error, "another enrolment or renewal is at work"),
	   "identity_lock: taken");
	identity_free(&other);
	identity_free(&id);
	ok(settles_to(new, false), "swap: killed when both were there");

	identity_cert_save(new_cert, old_cert, error);
	ok(settles_to(new, false), "swap: a certificate of no key is thrown away");
	identity_key_save(key_path, old, error);
	ok(identity_load(&id) && strstr(id.error, "not the key of"), "identity_load: they do not agree");
	identity_free(&id);
	EVP_PKEY_free(old);
	EVP_PKEY_free(new);
	X509_free(old_cert);
	X509_free(cert);
}

static void test_certs(void)
{
	EVP_PKEY *key = pki_key_new(PKI_P384), *foreign = pki_key_new(PKI_P256);
	X509 *cert = certify(key, "root"), *alien = certify(foreign, "root");
	STACK_OF(X509) *certs;
	uint8_t *der = NULL;
	const char *why;
	size_t len = 0;
	char *text;

	if (!ok(!pki_certs_only(&cert, 1, &der, &len), "pki_certs_only"))
		return;
	text = base64_encode(der, len);
	certs = est_certs_parse(text, strlen(text), &why);
	ok(certs && sk_X509_num(certs) == 1, "est_certs_parse: one");
	ok(!est_certs_vouch(certs, cert, &why), "est_certs_vouch: its own");
	ok(est_certs_vouch(certs, alien, &why), "est_certs_vouch: another's: %s", why);
	sk_X509_pop_free(certs, X509_free);
	free(text);
	text = base64_encode(der, len - 1);
	ok(!est_certs_parse(text, strlen(text), &why) && !strcmp(why, "no PKCS#7"),
	   "est_certs_parse: a byte too few");
	free(text);
	der = OPENSSL_realloc(der, len + 1);
	der[len] = 0;
	text = base64_encode(der, len + 1);
	ok(!est_certs_parse(text, strlen(text), &why) && !strcmp(why, "no PKCS#7"),
	   "est_certs_parse: a byte too many");
	free(text);
	ok(!est_certs_parse("", 0, &why) && !strcmp(why, "no base64"), "est_certs_parse: empty");
	OPENSSL_free(der);
	X509_free(cert);
	X509_free(alien);
	EVP_PKEY_free(key);
	EVP_PKEY_free(foreign);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_base64();
	test_urls();
	test_flat();
	test_binding();
	test_certs();
	if (mkdtemp(dir)) {
		snprintf(key_path, sizeof(key_path), "%s/device.key", dir);
		snprintf(cert_path, sizeof(cert_path), "%s/device.crt", dir);
		snprintf(new_key, sizeof(new_key), "%s/device.key.new", dir);
		snprintf(new_cert, sizeof(new_cert), "%s/device.crt.new", dir);
		test_swap();
		unlink(key_path);
		unlink(cert_path);
		rmdir(dir);
	}
	return tap_done();
}
