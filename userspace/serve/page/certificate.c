// SPDX-License-Identifier: GPL-2.0
/* The certificate that the page is known by: another CA's, in files, or one that agent has made for a key of page's own. */
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "serve/page/web.h"

#define FIRST_WAIT	30000	/* milliseconds for the first one */

static bool from_files(struct web *w)
{
	const char *why = serve_tls_files(w->tls, w->config);

	if (why)
		serve_log(LOG_ERR, "certificate and key are not taken", "certificate", w->config->certificate, "key",
			  w->config->key, "why", why, NULL);
	return !why;
}

static bool new_key(struct web *w, uint8_t **csr, size_t *len)
{
	EVP_PKEY_free(w->key);
	w->key = pki_key_new(PKI_P256);
	return w->key && !pki_csr_new(w->key, NULL, NULL, csr, len);
}

/* From now on; the one before stays where it is no good. */
static bool take(struct web *w, const struct serve_reply *r)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct pki_error err = { "no memory" };
	X509 *cert = NULL;
	bool good = false;

	if (r->status == 200)
		cert = pki_cert_parse(r->der, r->der_len, &err);
	else
		snprintf(err.text, sizeof(err.text), "%s", r->why);
	if (cert && X509_check_issued(w->ca.issuing, cert) != X509_V_OK)
		strcpy(err.text, "the CA has changed meanwhile: start the server again");
	else if (cert && chain && !pki_ca_chain(&w->ca, chain))
		good = SSL_CTX_use_cert_and_key(w->tls, cert, w->key, chain, 1) == 1;
	if (!good)
		serve_log(LOG_ERR, "no server certificate", "why", err.text, NULL);
	X509_free(cert);
	sk_X509_free(chain);
	EVP_PKEY_free(w->key);
	w->key = NULL;
	return good;
}

static void on_certificate(struct web *w, void *arg, const struct serve_reply *r)
{
	(void)arg;
	if (take(w, r))
		serve_log(LOG_INFO, "new server certificate", NULL);
}

/**
 * web_renew_certificate - another certificate, while people are here
 * @w: the process
 */
void web_renew_certificate(struct web *w)
{
	struct serve_request q = { .op = SERVE_OP_SERVER };
	uint8_t *csr = NULL;

	if (w->config->certificate[0]) {
		from_files(w);
		return;
	}
	if (!w->tls || w->key)
		return;
	if (new_key(w, &csr, &q.csr_len)) {
		q.csr = csr;
		if (!web_ask(w, &q, on_certificate, w)) {
			EVP_PKEY_free(w->key);
			w->key = NULL;
		}
	}
	OPENSSL_free(csr);
}

/**
 * web_first_certificate - before there is a loop: agent is asked, and waited for
 * @w: the process
 *
 * Return: 0 or -1.
 */
int web_first_certificate(struct web *w)
{
	struct serve_request q = { .op = SERVE_OP_SERVER, .id = 1 };
	struct pollfd agent = { .fd = w->agent, .events = POLLIN };
	uint8_t *csr = NULL, *buf;
	struct serve_reply r;
	size_t out = 0;
	ssize_t len = -1;
	int ret = -1;

	if (w->config->certificate[0])
		return from_files(w) ? 0 : -1;
	buf = malloc(SERVE_REQUEST_MAX);
	if (buf && new_key(w, &csr, &q.csr_len)) {
		q.csr = csr;
		out = serve_request_pack(&q, buf, SERVE_REQUEST_MAX);
	}
	if (out && send(w->agent, buf, out, MSG_NOSIGNAL) == (ssize_t)out && poll(&agent, 1, FIRST_WAIT) == 1)
		len = recv(w->agent, buf, SERVE_REQUEST_MAX, 0);
	if (len > 0 && serve_reply_unpack(buf, len, &r) && take(w, &r))
		ret = 0;
	OPENSSL_free(csr);
	free(buf);
	return ret;
}
