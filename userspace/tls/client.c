// SPDX-License-Identifier: GPL-2.0
/* A connection to a server over TLS 1.3, each step of which ends by a deadline. */
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

__attribute__((format(printf, 2, 3)))
static int fail(struct tls_client *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, args);
	va_end(args);
	return -1;
}

static int wait_for(struct tls_client *c, short events, const char *doing)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, tls_remaining(c->deadline));
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return 0;
	return fail(c, n ? "cannot wait while %s" : "timed out while %s", doing);
}

/* An alert says why in words; everything else in OpenSSL's. */
static int fail_ssl(struct tls_client *c, const char *doing)
{
	unsigned long e = ERR_get_error();
	long verify = SSL_get_verify_result(c->ssl);
	int reason = ERR_GET_REASON(e);

	if (verify != X509_V_OK && !SSL_is_init_finished(c->ssl))
		return fail(c, "the server's certificate is not trusted: %s",
			    X509_verify_cert_error_string(verify));
	if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		return fail(c, "the server broke off while %s: alert '%s'", doing,
			    SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	if (!e || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return fail(c, "the server closed the connection while %s", doing);
	return fail(c, "TLS failed while %s: %s", doing,
		    ERR_reason_error_string(e) ? ERR_reason_error_string(e) : "unknown error");
}

/* What a call of OpenSSL wants next: 0, call it again; -1, it has failed. */
static int turn(struct tls_client *c, int ret, const char *doing)
{
	int saved = errno;

	switch (SSL_get_error(c->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(c, POLLIN, doing);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(c, POLLOUT, doing);
	case SSL_ERROR_SYSCALL:
		if (saved && !ERR_peek_error())
			return fail(c, "connection lost while %s: %s", doing, strerror(saved));
	}
	return fail_ssl(c, doing);
}

static int connect_to(struct tls_client *c, const struct addrinfo *a)
{
	struct pollfd p = { .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	if (connect(c->fd, a->ai_addr, a->ai_addrlen))
		err = -errno;
	if (err == -EINPROGRESS) {
		int64_t left = tls_remaining(c->deadline);
		int64_t until = c->deadline;

		/* An address that drops what it gets must leave time for the next one. */
		if (a->ai_next)
			until = tls_clock() + left / 2;
		p.fd = c->fd;
		do {
			err = poll(&p, 1, tls_remaining(until));
		} while (err < 0 && errno == EINTR);
		if (err <= 0)
			err = err ? -errno : -ETIMEDOUT;
		else if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len))
			err = -errno;
		else
			err = -err;
	}
	if (err) {
		close(c->fd);
		c->fd = -1;
	}
	return err;
}

static int open_socket(struct tls_client *c, const struct tls_target *target)
{
	struct addrinfo *list = NULL;
	const struct addrinfo *a;
	int err;

	err = tls_resolve(target, c->deadline, &list);
	if (err == EAI_SYSTEM)
		return fail(c, errno == ETIMEDOUT ? "timed out while looking up '%s'" :
			    "cannot look up '%s'", target->host);
	if (err)
		return fail(c, "cannot resolve '%s': %s", target->host, gai_strerror(err));
	err = -EADDRNOTAVAIL;
	for (a = list; a && c->fd < 0; a = a->ai_next)
		err = connect_to(c, a);
	freeaddrinfo(list);
	if (c->fd >= 0)
		return 0;
	return fail(c, err == -ETIMEDOUT ? "cannot connect to port %s: timed out" :
		    "cannot connect to port %s: %s", target->port, strerror(-err));
}

/* A name is looked for among the alternative names alone (RFC 9525, 6.3). */
static bool expect(SSL *ssl, const struct tls_target *target)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (target->address)
		return X509_VERIFY_PARAM_set1_ip_asc(param, target->host) == 1;
	return SSL_set1_host(ssl, target->host) == 1 &&
	       SSL_set_tlsext_host_name(ssl, target->host) == 1;
}

static int prepare(struct tls_client *c, const struct tls_target *target)
{
	c->ctx = SSL_CTX_new(TLS_client_method());
	if (!c->ctx || !SSL_CTX_set_min_proto_version(c->ctx, TLS1_3_VERSION))
		return fail(c, "TLS 1.3 is not to be had from this OpenSSL");
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	if (c->trust)
		SSL_CTX_set1_cert_store(c->ctx, c->trust);
	SSL_CTX_set_verify(c->ctx, c->trust ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (c->cert && (SSL_CTX_use_certificate(c->ctx, c->cert) != 1 ||
			SSL_CTX_use_PrivateKey(c->ctx, c->key) != 1 ||
			(c->chain && SSL_CTX_set1_chain(c->ctx, c->chain) != 1)))
		return fail(c, "certificate and key cannot be used: %s",
			    ERR_reason_error_string(ERR_peek_last_error()));
	c->ssl = SSL_new(c->ctx);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd) || (c->trust && !expect(c->ssl, target)))
		return fail(c, "out of memory");
	return 0;
}

/**
 * tls_open - connect, and shake hands
 * @c: trust, certificate, key and deadline are set
 * @target: whom; who answers must have a certificate for it
 *
 * SIGPIPE must be ignored. Whether a server accepts the certificate that it was shown is
 * told by the first tls_read() only: that is how TLS 1.3 goes.
 *
 * Return: 0, or -1 with @c->error. tls_close() in either case.
 */
int tls_open(struct tls_client *c, const struct tls_target *target)
{
	int ret;

	c->fd = -1;
	c->ctx = NULL;
	c->ssl = NULL;
	c->error[0] = 0;
	ERR_clear_error();
	if (open_socket(c, target) || prepare(c, target))
		return -1;
	for (;;) {
		ERR_clear_error();
		errno = 0;
		ret = SSL_connect(c->ssl);
		if (ret == 1)
			return 0;
		if (turn(c, ret, "shaking hands"))
			return -1;
	}
}

/**
 * tls_binding - what ties a message to this very connection (RFC 9266, 4.2)
 * @c: the connection
 * @out: tls-exporter
 *
 * Return: 0, or -1 with @c->error.
 */
int tls_binding(struct tls_client *c, uint8_t out[TLS_BINDING_LEN])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_export_keying_material(c->ssl, out, TLS_BINDING_LEN, label, sizeof(label) - 1,
				       (const uint8_t *)"", 0, 1) != 1)
		return fail(c, "no channel binding");
	return 0;
}

/**
 * tls_write - send all of it
 * @c: the connection
 * @data: what
 * @len: of @data, not 0
 *
 * A server that refuses may say so before it has read everything, so that after a failure
 * tls_read() may still have something.
 *
 * Return: 0, or -1 with @c->error.
 */
int tls_write(struct tls_client *c, const void *data, size_t len)
{
	size_t done;
	int ret;

	for (;;) {
		ERR_clear_error();
		errno = 0;
		ret = SSL_write_ex(c->ssl, data, len, &done);
		if (ret == 1)
			return 0;
		if (turn(c, ret, "sending"))
			return -1;
	}
}

/**
 * tls_read - what has come, or comes next
 * @c: the connection
 * @buf: where to
 * @size: of @buf
 *
 * Return: number of bytes, 0 at a proper end, -1 with @c->error.
 */
ssize_t tls_read(struct tls_client *c, void *buf, size_t size)
{
	size_t done;
	int ret;

	for (;;) {
		ERR_clear_error();
		errno = 0;
		ret = SSL_read_ex(c->ssl, buf, size, &done);
		if (ret == 1)
			return done;
		if (SSL_get_error(c->ssl, ret) == SSL_ERROR_ZERO_RETURN)
			return 0;
		if (turn(c, ret, "waiting for the answer"))
			return -1;
	}
}

/**
 * tls_close - close it, without waiting for the other side
 * @c: tls_open() was called; may be closed already
 */
void tls_close(struct tls_client *c)
{
	if (c->ssl && SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	ERR_clear_error();
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	if (c->fd >= 0)
		close(c->fd);
	c->ssl = NULL;
	c->ctx = NULL;
	c->fd = -1;
}
