// SPDX-License-Identifier: GPL-2.0
/* A device's side of enrolment over secure transport (RFC 7030, 8951), and of the check-in. */
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "client.h"
#include "flat.h"
#include "http.h"
#include "message.h"
#include "pki/pki.h"

#define EST_PORT	"8443"
#define EST_PATH	"/.well-known/est/"
#define HOST_TEXT_LEN	(TLS_HOST_LEN + 16)

__attribute__((format(printf, 2, 3)))
static enum est_result fail(struct est *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(e->error, sizeof(e->error), fmt, args);
	va_end(args);
	return EST_FAILED;
}

/**
 * est_plain - what a server says, fit for a terminal
 * @out: where to
 * @size: of @out
 * @text: its first line is taken
 *
 * Return: @out.
 */
const char *est_plain(char *out, size_t size, const char *text)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i] && text[i] != '\n' && text[i] != '\r'; i++)
		out[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
	out[i] = 0;
	return out;
}

/**
 * est_url_parse - https://HOST[:PORT][/]
 * @url: the words
 * @out: the server, on success
 *
 * Return: NULL, or what is wrong.
 */
const char *est_url_parse(const char *url, struct tls_target *out)
{
	char host[HOST_TEXT_LEN];
	size_t len;

	if (strncasecmp(url, "https://", 8) != 0)
		return "not a URL that begins with https://";
	url += 8;
	len = strcspn(url, "/?#");
	if (url[len] && strcmp(url + len, "/") != 0)
		return "a URL with a path: the server's name and port suffice";
	if (len >= sizeof(host))
		return "too long a host name";
	memcpy(host, url, len);
	host[len] = 0;
	return tls_target_parse(host, EST_PORT, out);
}

static void host_text(const struct tls_target *t, char out[HOST_TEXT_LEN])
{
	bool bracket = strchr(t->host, ':');

	snprintf(out, HOST_TEXT_LEN, "%s%s%s:%s", bracket ? "[" : "", t->host,
		 bracket ? "]" : "", t->port);
}

/**
 * est_url_text - a server as it was named
 * @server: the server
 * @out: where to
 * @size: of @out
 */
void est_url_text(const struct tls_target *server, char *out, size_t size)
{
	char host[HOST_TEXT_LEN];

	host_text(server, host);
	snprintf(out, size, "https://%s", host);
}

static void prepare(struct est *e, struct tls_client *c)
{
	memset(c, 0, sizeof(*c));
	c->trust = e->trust;
	c->cert = e->cert;
	c->key = e->key;
	c->deadline = e->deadline;
	c->fd = -1;
	e->error[0] = 0;
}

/* One request, one answer. What could not be sent may have been answered all the same. */
static enum est_result exchange(struct est *e, struct tls_client *c, struct http_request *q,
				struct http_response *r)
{
	char host[HOST_TEXT_LEN], buf[4096], *text;
	ssize_t n = 0;
	size_t len;
	bool sent;

	host_text(&e->server, host);
	q->host = host;
	text = http_request_text(q, &len);
	q->host = NULL;
	if (!text)
		return fail(e, "no request can be made of this name and token");
	sent = !tls_write(c, text, len);
	OPENSSL_cleanse(text, len);
	free(text);
	while (r->state != HTTP_DONE && r->state != HTTP_BAD) {
		n = tls_read(c, buf, sizeof(buf));
		if (n < 0 || (!n && !sent))
			return fail(e, "%s", c->error);
		if (n)
			http_feed(r, buf, n);
		else
			http_end(r);
	}
	if (r->state == HTTP_BAD)
		return fail(e, "the server's answer is not understood: %s", r->error);
	return EST_DONE;
}

/* What the server said, where it is not what was hoped for. */
static enum est_result judge(struct est *e, const struct http_response *r)
{
	const char *said = !strcmp(r->type, "text/plain") && r->len ? r->body : r->reason;
	char reason[EST_REASON_LEN], later[64] = "";

	if (r->status == 200)
		return EST_DONE;
	if (r->status == 202) {
		e->retry_after = r->retry_after < 0 ? 10 : r->retry_after;
		return EST_PENDING;
	}
	if (r->retry_after >= 0)
		snprintf(later, sizeof(later), "; try again in %ld s", r->retry_after);
	est_plain(reason, sizeof(reason), said);
	fail(e, "refused (%d)%s%s%s", r->status, reason[0] ? ": " : "", reason, later);
	return EST_REFUSED;
}

static enum est_result expect_type(struct est *e, const struct http_response *r, const char *type)
{
	char plain[HTTP_WORD_LEN];

	if (!strcmp(r->type, type))
		return EST_DONE;
	return fail(e, "the server's answer is not understood: its type is '%s', not %s",
		    est_plain(plain, sizeof(plain), r->type), type);
}

static enum est_result take_certs(struct est *e, const struct http_response *r,
				  STACK_OF(X509) **certs)
{
	enum est_result ret = judge(e, r);
	const char *why;

	if (ret == EST_DONE)
		ret = expect_type(e, r, "application/pkcs7-mime");
	if (ret != EST_DONE)
		return ret;
	*certs = est_certs_parse(r->body ? r->body : "", r->len, &why);
	return *certs ? EST_DONE : fail(e, "the server's answer is not understood: %s", why);
}

static enum est_result ask_cacerts(struct est *e, struct tls_client *c, STACK_OF(X509) **certs)
{
	struct http_request q = { .method = "GET", .path = EST_PATH "cacerts" };
	struct http_response r;
	enum est_result ret;

	http_begin(&r);
	ret = exchange(e, c, &q, &r);
	if (ret == EST_DONE)
		ret = take_certs(e, &r, certs);
	http_free(&r);
	return ret == EST_PENDING ? fail(e, "refused (202): it has no certificates yet") : ret;
}

/**
 * est_cacerts - the CA's certificates (RFC 7030, 4.1)
 * @e: the server, which must be trusted
 * @certs: root, intermediates; sk_X509_pop_free()
 */
enum est_result est_cacerts(struct est *e, STACK_OF(X509) **certs)
{
	enum est_result ret = EST_FAILED;
	struct tls_client c;

	prepare(e, &c);
	if (!e->trust)
		fail(e, "no certificate authority is trusted");
	else if (tls_open(&c, &e->server))
		fail(e, "%s", c.error);
	else
		ret = ask_cacerts(e, &c, certs);
	tls_close(&c);
	return ret;
}

static X509 *find_root(const STACK_OF(X509) *certs, const uint8_t *fingerprint)
{
	uint8_t found[PKI_FINGERPRINT_LEN];
	int i;

	for (i = 0; i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (!pki_fingerprint(cert, found) &&
		    !CRYPTO_memcmp(found, fingerprint, sizeof(found)) &&
		    X509_self_signed(cert, 1) == 1)
			return cert;
	}
	return NULL;
}

/**
 * est_bootstrap - learn whom to trust from a server that nobody vouches for yet
 * @e: the server; on success its trust is the root, and nothing else of what was sent
 * @fingerprint: of the root
 *
 * Nothing that is secret is sent on this connection (RFC 7030, 4.1.1). That the server
 * itself has a certificate of that root is seen by the next connection.
 */
enum est_result est_bootstrap(struct est *e, const uint8_t fingerprint[EST_FINGERPRINT_LEN])
{
	enum est_result ret = EST_FAILED;
	STACK_OF(X509) *certs = NULL;
	X509_STORE *store = NULL;
	struct tls_client c;
	X509 *root;

	prepare(e, &c);
	c.trust = NULL;
	c.cert = NULL;
	if (tls_open(&c, &e->server)) {
		fail(e, "%s", c.error);
		goto out;
	}
	ret = ask_cacerts(e, &c, &certs);
	if (ret != EST_DONE)
		goto out;
	root = find_root(certs, fingerprint);
	store = root ? X509_STORE_new() : NULL;
	if (!root) {
		ret = fail(e, "none of its root certificates has this fingerprint");
	} else if (!store || !X509_STORE_add_cert(store, root)) {
		ret = fail(e, "out of memory");
	} else {
		X509_STORE_free(e->trust);
		e->trust = store;
		store = NULL;
	}
out:
	X509_STORE_free(store);
	sk_X509_pop_free(certs, X509_free);
	tls_close(&c);
	return ret;
}

/* The certificate among those that came which is of this key. */
static enum est_result find_own(struct est *e, STACK_OF(X509) *certs, EVP_PKEY *key, X509 **out)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);
		EVP_PKEY *theirs = X509_get0_pubkey(cert);

		if (theirs && EVP_PKEY_eq(theirs, key) == 1 && X509_up_ref(cert)) {
			*out = cert;
			return EST_DONE;
		}
	}
	return fail(e, "the certificate that came is of another key");
}

static uint8_t *make_request(struct est *e, EVP_PKEY *key, const char *name, const char *binding,
			     size_t *len)
{
	uint8_t *der = NULL;

	if (!name)
		return est_renewal_new(key, e->cert, binding, len);
	return pki_csr_new(key, name, binding, &der, len) ? NULL : der;
}

/* The request holds the binding of the connection that it goes over (RFC 7030, 3.5). */
static enum est_result ask_cert(struct est *e, struct tls_client *c, EVP_PKEY *key,
				const char *name, X509 **cert)
{
	struct http_request q = {
		.method = "POST", .type = "application/pkcs10",
		.path = name ? EST_PATH "simpleenroll" : EST_PATH "simplereenroll",
		.user = name ? e->user : NULL, .password = name ? e->token : NULL,
	};
	char *binding = NULL, *body = NULL;
	uint8_t exporter[TLS_BINDING_LEN], *der = NULL;
	STACK_OF(X509) *certs = NULL;
	struct http_response r;
	enum est_result ret;
	size_t len = 0;

	http_begin(&r);
	if (tls_binding(c, exporter)) {
		ret = fail(e, "%s", c->error);
		goto out;
	}
	binding = base64_encode(exporter, sizeof(exporter));
	der = binding ? make_request(e, key, name, binding, &len) : NULL;
	body = der ? base64_encode(der, len) : NULL;
	if (!body) {
		ret = fail(e, "the request cannot be made");
		goto out;
	}
	q.body = body;
	q.len = strlen(body);
	ret = exchange(e, c, &q, &r);
	if (ret == EST_DONE)
		ret = take_certs(e, &r, &certs);
	if (ret == EST_DONE)
		ret = find_own(e, certs, key, cert);
out:
	sk_X509_pop_free(certs, X509_free);
	http_free(&r);
	OPENSSL_free(der);
	free(body);
	free(binding);
	return ret;
}

static enum est_result request(struct est *e, EVP_PKEY *key, const char *name, X509 **cert)
{
	enum est_result ret = EST_FAILED;
	struct tls_client c;

	prepare(e, &c);
	if (!e->trust)
		fail(e, "no certificate authority is trusted");
	else if (tls_open(&c, &e->server))
		fail(e, "%s", c.error);
	else
		ret = ask_cert(e, &c, key, name, cert);
	tls_close(&c);
	return ret;
}

/**
 * est_enroll - the first certificate (RFC 7030, 4.2.1)
 * @e: the server, which must be trusted; user and token
 * @key: to be certified
 * @name: of the device
 * @cert: of @key, on EST_DONE; X509_free()
 */
enum est_result est_enroll(struct est *e, EVP_PKEY *key, const char *name, X509 **cert)
{
	return request(e, key, name, cert);
}

/**
 * est_renew - the next certificate (RFC 7030, 4.2.2)
 * @e: the server, which must be trusted; the certificate in use and its key
 * @key: to be certified
 * @cert: of @key, on EST_DONE; X509_free()
 */
enum est_result est_renew(struct est *e, EVP_PKEY *key, X509 **cert)
{
	return request(e, key, NULL, cert);
}

static enum est_result take_lease(struct est *e, const struct http_response *r,
				  struct est_lease *lease)
{
	struct flat_field fields[] = {
		{ .name = "device", .text = lease->device },
		{ .name = "segment", .text = lease->segment },
		{ .name = "lease_seconds", .number = &lease->seconds },
	};
	enum est_result ret = judge(e, r);

	if (ret == EST_PENDING)
		return fail(e, "the server's answer is not understood: status 202");
	if (ret == EST_DONE)
		ret = expect_type(e, r, "application/json");
	if (ret != EST_DONE)
		return ret;
	if (flat_read(r->body ? r->body : "", r->len, fields, 3) || !fields[0].found ||
	    !fields[1].found || !fields[2].found || lease->seconds < 0)
		return fail(e, "the server's answer is not understood: "
			    "no device, segment and lease_seconds in it");
	return EST_DONE;
}

static char *firmware_json(const char *firmware)
{
	char *json = NULL;
	size_t len;
	FILE *out = open_memstream(&json, &len);

	if (!out)
		return NULL;
	fputs("{", out);
	if (firmware) {
		fputs("\"firmware\": ", out);
		flat_put_text(out, firmware);
	}
	fputs("}", out);
	if (fclose(out)) {
		free(json);
		return NULL;
	}
	return json;
}

/**
 * est_checkin - check in over HTTPS
 * @e: the server, which must be trusted; certificate and key
 * @firmware: which runs, or NULL
 * @lease: what it gave, on EST_DONE
 */
enum est_result est_checkin(struct est *e, const char *firmware, struct est_lease *lease)
{
	struct http_request q = { .method = "POST", .path = "/cordon/v1/checkin",
				  .type = "application/json" };
	char *json = firmware_json(firmware);
	enum est_result ret = EST_FAILED;
	struct http_response r;
	struct tls_client c;

	memset(lease, 0, sizeof(*lease));
	prepare(e, &c);
	http_begin(&r);
	if (!json || !e->trust) {
		fail(e, json ? "no certificate authority is trusted" : "out of memory");
	} else if (tls_open(&c, &e->server)) {
		fail(e, "%s", c.error);
	} else {
		q.body = json;
		q.len = strlen(json);
		ret = exchange(e, &c, &q, &r);
		if (ret == EST_DONE)
			ret = take_lease(e, &r, lease);
	}
	http_free(&r);
	tls_close(&c);
	free(json);
	return ret;
}

/* A line, or what there is of one when the other side ends. */
static enum est_result read_line(struct est *e, struct tls_client *c, char line[EST_ANSWER_LEN])
{
	size_t len = 0;
	ssize_t n;

	while (len < EST_ANSWER_LEN - 1 && !memchr(line, '\n', len)) {
		n = tls_read(c, line + len, EST_ANSWER_LEN - 1 - len);
		if (n < 0)
			return fail(e, "%s", c->error);
		if (!n)
			break;
		len += n;
	}
	line[len] = 0;
	return len ? EST_DONE : fail(e, "the server closed the connection without an answer");
}

/**
 * est_greet - check in over the bare port
 * @e: the server, which must be trusted; certificate and key
 * @firmware: which runs, or NULL
 * @answer: what the server said, one printable line
 *
 * Return: EST_DONE, it is a welcome; EST_REFUSED, it is something else; EST_FAILED.
 */
enum est_result est_greet(struct est *e, const char *firmware, char answer[EST_ANSWER_LEN])
{
	char line[EST_ANSWER_LEN], hello[EST_REASON_LEN];
	enum est_result ret = EST_FAILED;
	struct tls_client c;

	prepare(e, &c);
	snprintf(hello, sizeof(hello), firmware ? "firmware %s\n" : "Cordon check-in\n", firmware);
	if (!e->trust) {
		fail(e, "no certificate authority is trusted");
	} else if (tls_open(&c, &e->server)) {
		fail(e, "%s", c.error);
	} else {
		/* Whoever refuses may have closed by now; its reason is what counts. */
		tls_write(&c, hello, strlen(hello));
		ret = read_line(e, &c, line);
	}
	tls_close(&c);
	if (ret != EST_DONE)
		return ret;
	est_plain(answer, EST_ANSWER_LEN, line);
	return strncmp(answer, "Welcome", 7) ? EST_REFUSED : EST_DONE;
}
