// SPDX-License-Identifier: GPL-2.0
/* Who is at the other end, by which name it came, and whether a form of ours asked for what it wants. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/keyvalq_struct.h>
#include <openssl/hmac.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "serve/page/web.h"

#define HOST_MAX 256

/* The one field of a name; NULL, there is none, or more than one. */
static const char *only_field(struct evhttp_request *req, const char *name)
{
	const char *found = NULL;
	const struct evkeyval *h;
	unsigned int n = 0;

	TAILQ_FOREACH(h, evhttp_request_get_input_headers(req), next)
		if (!strcasecmp(h->key, name)) {
			found = h->value;
			n++;
		}
	return n == 1 ? found : NULL;
}

/* Name or address of a Host field, without its port (RFC 9110, 7.2). */
static bool split_host(const char *field, char host[HOST_MAX])
{
	const char *end = field[0] == '[' ? strchr(field, ']') : field + strcspn(field, ":"), *port;
	size_t len;

	if (!end)
		return false;
	port = end + (field[0] == '[');
	if (*port && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1) || strlen(port) > 6))
		return false;
	field += field[0] == '[';
	len = end - field;
	if (!len || len >= HOST_MAX)
		return false;
	memcpy(host, field, len);
	host[len] = 0;
	return true;
}

static bool is_loopback_name(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return !strcasecmp(host, "localhost");
}

static bool is_certified(struct web *w, const char *host)
{
	X509 *cert = w->tls ? SSL_CTX_get0_certificate(w->tls) : NULL;
	struct in6_addr any;

	if (!cert)
		return false;
	if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
		return X509_check_ip_asc(cert, host, 0) == 1;
	return X509_check_host(cert, host, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

/**
 * web_host_is_ours - does a request come by a name of the server, or of the loopback
 * @w: the process
 * @req: the request
 * @plain: of the loopback alone
 *
 * A page of somebody else's, whose name leads here all of a sudden (DNS rebinding), comes by that name.
 */
bool web_host_is_ours(struct web *w, struct evhttp_request *req, bool plain)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *field = only_field(req, "Host");
	char host[HOST_MAX];

	if (!field || !uri || evhttp_uri_get_host(uri) || !split_host(field, host))
		return false;
	return is_loopback_name(host) || (!plain && is_certified(w, host));
}

/**
 * web_look_at_certificate - what the other end's certificate is worth, before agent is asked
 * @c: the connection, its handshake done
 *
 * Return: -1, it says that it is an operator's, and this CA signed it; else an enum serve_refused, with c->why.
 */
int web_look_at_certificate(struct web_conn *c)
{
	X509 *cert = SSL_get0_peer_certificate(c->ssl);
	struct pki_error err = { "not a certificate" };
	char name[PKI_NAME_LEN];
	int ret;

	if (c->known)
		return c->refused;
	c->known = true;
	if (!cert) {
		strcpy(c->why, "no certificate: an operator's is asked for, see cordonctl-ca(8)");
		return c->refused = SERVE_PAGE_NO_CERTIFICATE;
	}
	ret = pki_operator_claim(&c->web->ca, cert, time(NULL), name, &err);
	if (!ret && (pki_serial(cert, c->serial) || pki_fingerprint(cert, c->fingerprint)))
		ret = -EPERM;
	snprintf(c->why, sizeof(c->why), "%s", err.text);
	c->refused = !ret ? -1 : ret == -EKEYEXPIRED ? SERVE_PAGE_EXPIRED : ret == -ENOTUNIQ ? SERVE_PAGE_NO_OPERATOR :
		     SERVE_PAGE_FOREIGN;
	return c->refused;
}

/**
 * web_token - what an operator's forms carry: nobody else can know it, nor he after the next start of the server
 * @w: the process
 * @operator: who
 * @serial: of the certificate
 * @out: filled
 */
void web_token(const struct web *w, const char *operator, const uint8_t serial[PKI_SERIAL_LEN], char out[WEB_TOKEN_LEN])
{
	uint8_t data[PKI_SERIAL_LEN + PKI_NAME_LEN] = { 0 }, mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0, i;

	memcpy(data, serial, PKI_SERIAL_LEN);
	snprintf((char *)data + PKI_SERIAL_LEN, PKI_NAME_LEN, "%s", operator);
	out[0] = 0;
	if (!HMAC(EVP_sha256(), w->secret, sizeof(w->secret), data, sizeof(data), mac, &len))
		return;
	for (i = 0; i < len && 2 * i + 2 < WEB_TOKEN_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
	OPENSSL_cleanse(mac, sizeof(mac));
}

/**
 * web_is_same_origin - does a browser say that a form of ours is where a request comes from
 * @req: the request, whose Host is ours
 *
 * Sec-Fetch-Site is set by browsers and by no page. Where there is none, Origin is looked at; as the pages have no
 * referrer, it is null in forms of ours, too (Fetch, "append a request Origin header"), and that counts only beside the
 * other one. What is no browser sends neither: the token is what counts then.
 */
bool web_is_same_origin(struct evhttp_request *req)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	const char *site = evhttp_find_header(headers, "Sec-Fetch-Site"), *origin = evhttp_find_header(headers, "Origin");
	const char *host = only_field(req, "Host");

	if (site && strcmp(site, "same-origin") != 0)
		return false;
	if (!origin || (site && !strcmp(origin, "null")))
		return true;
	return host && !strncmp(origin, "https://", 8) && !strcasecmp(origin + 8, host);
}
