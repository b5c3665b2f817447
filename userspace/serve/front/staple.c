// SPDX-License-Identifier: GPL-2.0
/* The status of the server's own certificate, sent along to clients that ask (RFC 6066, 8; RFC 8446, 4.4.2.1). */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "serve/front/front.h"

#define STAPLE_EACH	10	/* seconds: agent signs another one only if it is due, or the certificate was revoked */

static void drop(struct staple *s)
{
	free(s->der);
	s->der = NULL;
	s->len = 0;
}

/* Called in a handshake whose client asks for it. */
static int on_client(SSL *ssl, void *arg)
{
	const struct front *f = arg;
	const struct staple *s = &f->staple;
	unsigned char *copy;

	if (!s->der || serve_clock() >= s->until)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(s->der, s->len);
	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)s->len);
	return SSL_TLSEXT_ERR_OK;
}

static void on_status(struct front *f, void *arg, const struct serve_reply *r)
{
	struct staple *s = &f->staple;

	s->asking = NULL;
	/* Meanwhile the server may have another certificate. */
	if (!arg) {
		staple_renew(f);
		return;
	}
	if (r->status != 200)
		return;
	drop(s);
	s->der = malloc(r->der_len);
	if (!s->der)
		return;
	memcpy(s->der, r->der, r->der_len);
	s->len = r->der_len;
	s->until = serve_clock() + r->lease;
}

/* By SHA-1, which is a name here and proves nothing: some clients know no other. */
static void ask(struct front *f)
{
	X509 *cert = SSL_CTX_get0_certificate(f->tls);
	struct serve_request q = { .op = SERVE_OP_STAPLE };
	struct pki_ocsp what = { .n = 1 };
	struct pki_ocsp_id *id = &what.ids[0];
	uint8_t packed[SERVE_OCSP_MAX], serial[PKI_SERIAL_LEN];
	size_t zeros = 0;

	/* Of another CA's certificate, nobody here knows the status. */
	if (f->staple.asking || !cert || X509_check_issued(f->ca.issuing, cert) != X509_V_OK || pki_serial(cert, serial)) {
		if (!f->staple.asking)
			drop(&f->staple);
		return;
	}
	if (f->staple.der && memcmp(serial, f->staple.serial, sizeof(serial)))
		drop(&f->staple);
	memcpy(f->staple.serial, serial, sizeof(serial));
	while (zeros < sizeof(serial) - 1 && !serial[zeros] && serial[zeros + 1] < 0x80)
		zeros++;
	id->serial_len = sizeof(serial) - zeros;
	memcpy(id->serial, serial + zeros, id->serial_len);
	q.csr = packed;
	q.csr_len = serve_ocsp_pack(&what, packed, sizeof(packed));
	f->staple.asking = front_ask(f, &q, on_status, f);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask(arg);
}

/**
 * staple_renew - the server has another certificate
 * @f: the front
 */
void staple_renew(struct front *f)
{
	drop(&f->staple);
	if (f->staple.asking)
		f->staple.asking->arg = NULL;
	else
		ask(f);
}

/**
 * staple_start - have the status at hand from now on
 * @f: the front, with its loop and its certificate
 *
 * Return: 0 or -1.
 */
int staple_start(struct front *f)
{
	const struct timeval each = { STAPLE_EACH, 0 };

	SSL_CTX_set_tlsext_status_cb(f->tls, on_client);
	SSL_CTX_set_tlsext_status_arg(f->tls, f);
	f->staple.timer = event_new(f->base, -1, EV_PERSIST, on_timer, f);
	if (!f->staple.timer || event_add(f->staple.timer, &each))
		return -1;
	ask(f);
	return 0;
}
