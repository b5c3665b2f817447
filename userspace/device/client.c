// SPDX-License-Identifier: GPL-2.0
/* A device's side of enrolment over secure transport (RFC 7030, 8951). */
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ask.h"
#include "base64.h"
#include "client.h"
#include "message.h"
#include "pki/pki.h"

#define EST_PORT	"8443"
#define EST_PATH	"/.well-known/est/"
#define HOST_TEXT_LEN	(TLS_HOST_LEN + 16)

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

static enum est_result take_certs(struct est *e, const struct http_response *r,
				  STACK_OF(X509) **certs)
{
	enum est_result ret = est_judge(e, r);
	const char *why;

	if (ret == EST_DONE)
		ret = est_expect_type(e, r, "application/pkcs7-mime");
	if (ret != EST_DONE)
		return ret;
	*certs = est_certs_parse(r->body ? r->body : "", r->len, &why);
	return *certs ? EST_DONE : est_fail(e, "the server's answer is not understood: %s", why);
}

static enum est_result ask_cacerts(struct est *e, struct tls_client *c, STACK_OF(X509) **certs)
{
	struct http_request q = { .method = "GET", .path = EST_PATH "cacerts" };
	struct http_response r;
	enum est_result ret;

	http_begin(&r);
	ret = est_exchange(e, c, &q, &r);
	if (ret == EST_DONE)
		ret = take_certs(e, &r, certs);
	http_free(&r);
	return ret == EST_PENDING ? est_fail(e, "refused (202): it has no certificates yet") : ret;
}

/**
 * est_cacerts - the CA's certificates (RFC 7030, 4.1)
 * @e: the server, which must be trusted
 * @certs: root, intermediates; sk_X509_pop_free()
 */
enum est_result est_cacerts(struct est *e, STACK_OF(X509) **certs)
{
	struct tls_client c;
	enum est_result ret = est_open(e, &c);

	if (ret == EST_DONE)
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

	est_prepare(e, &c);
	c.trust = NULL;
	c.cert = NULL;
	if (tls_open(&c, &e->server)) {
		est_fail(e, "%s", c.error);
		goto out;
	}
	ret = ask_cacerts(e, &c, &certs);
	if (ret != EST_DONE)
		goto out;
	root = find_root(certs, fingerprint);
	store = root ? X509_STORE_new() : NULL;
	if (!root) {
		ret = est_fail(e, "none of its root certificates has this fingerprint");
	} else if (!store || !X509_STORE_add_cert(store, root)) {
		ret = est_fail(e, "out of memory");
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
	return est_fail(e, "the certificate that came is of another key");
}

static uint8_t *make_request(struct est *e, EVP_PKEY *key, const char *name, const char *binding,
			     size_t *len)
{
	uint8_t *der = NULL;

	if (!name)
		return est_renewal_new(key, e->cert, binding, len);
	return pki_csr_new(key, *name ? name : NULL, binding, &der, len) ? NULL : der;
}

/* Another key than the certificate's: the old one signs the request as well. NULL with *failed: it cannot. */
static char *make_proof(struct est *e, EVP_PKEY *key, const uint8_t *der, size_t len, bool *failed)
{
	uint8_t proof[PKI_PROOF_MAX];
	size_t proof_len;
	char *text;

	*failed = false;
	if (!e->key || EVP_PKEY_eq(e->key, key) == 1)
		return NULL;
	text = pki_proof_new(e->key, der, len, proof, &proof_len) ? NULL : base64_encode(proof, proof_len);
	*failed = !text;
	return text;
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
	char *binding = NULL, *body = NULL, *proof = NULL;
	uint8_t exporter[TLS_BINDING_LEN], *der = NULL;
	STACK_OF(X509) *certs = NULL;
	struct http_response r;
	enum est_result ret;
	bool failed = false;
	size_t len = 0;

	http_begin(&r);
	if (tls_binding(c, exporter)) {
		ret = est_fail(e, "%s", c->error);
		goto out;
	}
	binding = base64_encode(exporter, sizeof(exporter));
	der = binding ? make_request(e, key, name, binding, &len) : NULL;
	body = der ? base64_encode(der, len) : NULL;
	if (body && !name)
		proof = make_proof(e, key, der, len, &failed);
	if (!body || failed) {
		ret = est_fail(e, "the request cannot be made");
		goto out;
	}
	q.body = body;
	q.len = strlen(body);
	q.extra = proof ? EST_PROOF_FIELD : NULL;
	q.extra_value = proof;
	ret = est_exchange(e, c, &q, &r);
	if (ret == EST_DONE)
		ret = take_certs(e, &r, &certs);
	if (ret == EST_DONE)
		ret = find_own(e, certs, key, cert);
out:
	sk_X509_pop_free(certs, X509_free);
	http_free(&r);
	OPENSSL_free(der);
	free(proof);
	free(body);
	free(binding);
	return ret;
}

static enum est_result request(struct est *e, EVP_PKEY *key, const char *name, X509 **cert)
{
	struct tls_client c;
	enum est_result ret = est_open(e, &c);

	if (ret == EST_DONE)
		ret = ask_cert(e, &c, key, name, cert);
	tls_close(&c);
	return ret;
}

/**
 * est_enroll - the first certificate (RFC 7030, 4.2.1)
 * @e: the server, which must be trusted; user and token, or the manufacturer's certificate, its key and chain
 * @key: to be certified
 * @name: of the device; empty, the server knows it by the manufacturer's certificate
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
