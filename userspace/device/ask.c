// SPDX-License-Identifier: GPL-2.0
/* One question to a server and its answer: what enrolment, check-in and updates share. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"

#define HOST_TEXT_LEN	(TLS_HOST_LEN + 16)
#define READ_LEN	16384	/* a TLS record */

/**
 * est_fail - say what failed
 * @e: whose error it becomes
 * @fmt: the sentence
 *
 * Return: EST_FAILED.
 */
enum est_result est_fail(struct est *e, const char *fmt, ...)
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

/**
 * est_prepare - a connection that is not open yet
 * @e: who asks
 * @c: the connection
 */
void est_prepare(struct est *e, struct tls_client *c)
{
	memset(c, 0, sizeof(*c));
	c->trust = e->trust;
	c->cert = e->cert;
	c->key = e->key;
	c->chain = e->chain;
	c->deadline = e->deadline;
	c->fd = -1;
	e->error[0] = 0;
}

/* A server that goes silent is not waited for until the end of everything. */
static void patience(const struct est *e, struct tls_client *c)
{
	int64_t until = tls_clock() + e->idle;

	c->deadline = e->idle && until < e->deadline ? until : e->deadline;
}

/**
 * est_exchange - one request, one answer
 * @e: who asks
 * @c: open
 * @q: the request; its host is filled in
 * @r: http_begin() was called; http_free() it, whatever is returned
 *
 * What could not be sent may have been answered all the same.
 *
 * Return: EST_DONE, there is an answer, whatever it says; EST_FAILED, and @r is HTTP_BAD if it was malformed.
 */
enum est_result est_exchange(struct est *e, struct tls_client *c, struct http_request *q, struct http_response *r)
{
	char host[HOST_TEXT_LEN], buf[READ_LEN], *text;
	ssize_t n = 0;
	size_t len;
	bool sent;

	host_text(&e->server, host);
	q->host = host;
	text = http_request_text(q, &len);
	q->host = NULL;
	if (!text)
		return est_fail(e, "no request can be made of this name and token");
	patience(e, c);
	sent = !tls_write(c, text, len);
	OPENSSL_cleanse(text, len);
	free(text);
	while (r->state != HTTP_DONE && r->state != HTTP_BAD) {
		patience(e, c);
		n = tls_read(c, buf, sizeof(buf));
		if (n < 0 || (!n && !sent))
			return est_fail(e, "%s", c->error);
		if (n)
			http_feed(r, buf, n);
		else
			http_end(r);
	}
	if (r->state == HTTP_BAD)
		return est_fail(e, "the server's answer is not understood: %s", r->error);
	return EST_DONE;
}

/**
 * est_judge - what a server said, where it is not what was hoped for
 * @e: who asked
 * @r: the answer
 *
 * Return: EST_DONE, 200; EST_PENDING, 202; EST_REFUSED, anything else.
 */
enum est_result est_judge(struct est *e, const struct http_response *r)
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
	est_fail(e, "refused (%d)%s%s%s", r->status, reason[0] ? ": " : "", reason, later);
	return EST_REFUSED;
}

/**
 * est_expect_type - is it of the type that is wanted
 * @e: who asked
 * @r: the answer
 * @type: media type
 *
 * Return: EST_DONE or EST_FAILED.
 */
enum est_result est_expect_type(struct est *e, const struct http_response *r, const char *type)
{
	char plain[HTTP_WORD_LEN];

	if (!strcmp(r->type, type))
		return EST_DONE;
	return est_fail(e, "the server's answer is not understood: its type is '%s', not %s",
			est_plain(plain, sizeof(plain), r->type), type);
}

/**
 * est_open - connect to a server that is trusted
 * @e: who asks; a server that it does not trust is not connected to
 * @c: the connection; tls_close() it, whatever is returned
 *
 * Return: EST_DONE or EST_FAILED.
 */
enum est_result est_open(struct est *e, struct tls_client *c)
{
	est_prepare(e, c);
	patience(e, c);
	if (!e->trust)
		return est_fail(e, "no certificate authority is trusted");
	return tls_open(c, &e->server) ? est_fail(e, "%s", c->error) : EST_DONE;
}

/**
 * est_ask - connect, and ask once
 * @e: who asks; a server that it does not trust is asked nothing
 * @q: as for est_exchange()
 * @r: likewise
 *
 * Return: as est_exchange(); EST_FAILED as well where there is no connection.
 */
enum est_result est_ask(struct est *e, struct http_request *q, struct http_response *r)
{
	struct tls_client c;
	enum est_result ret = est_open(e, &c);

	if (ret == EST_DONE)
		ret = est_exchange(e, &c, q, r);
	tls_close(&c);
	return ret;
}
