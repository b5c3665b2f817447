// SPDX-License-Identifier: GPL-2.0
/* What the commands of a device share: whom they ask, what they say. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/remote.h"
#include "device/flat.h"
#include "device/message.h"
#include "lib/policy.h"
#include "pki/pki.h"

#define TIMEOUT_MAX	86400

/**
 * remote_init - nothing is said yet, and the time runs
 * @r: the command's
 * @self: the command
 */
void remote_init(struct remote *r, const struct command *self)
{
	memset(r, 0, sizeof(*r));
	r->self = self;
	r->est.deadline = tls_clock() + REMOTE_TIMEOUT * 1000;
	/* A server that goes away is a failed write, not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
}

/**
 * remote_free - forget it
 * @r: the command's
 */
void remote_free(struct remote *r)
{
	X509_STORE_free(r->est.trust);
	r->est.trust = NULL;
}

/**
 * remote_server - take --server of EST
 * @r: the command's
 * @url: its value
 *
 * Return: NULL, or what is wrong with it.
 */
const char *remote_server(struct remote *r, const char *url)
{
	const char *problem = est_url_parse(url, &r->est.server);

	if (!problem)
		est_url_text(&r->est.server, r->url, sizeof(r->url));
	return problem;
}

/**
 * remote_host - take --server, where it need not be a URL
 * @r: the command's
 * @word: its value, HOST[:PORT]
 * @port: where none is given
 *
 * Return: NULL, or what is wrong with it.
 */
const char *remote_host(struct remote *r, const char *word, const char *port)
{
	const char *problem = tls_target_parse(word, port, &r->est.server);

	if (!problem)
		est_url_text(&r->est.server, r->url, sizeof(r->url));
	return problem;
}

static const char *take_timeout(struct remote *r, const char *word)
{
	u32 seconds;

	if (policy_duration_parse(word, &seconds) || !seconds || seconds > TIMEOUT_MAX)
		return "not a duration from 1s to 1d";
	r->est.deadline = tls_clock() + (int64_t)seconds * 1000;
	return NULL;
}

/**
 * remote_take - take an option that all of these commands have
 * @r: the command's
 * @option: of REMOTE_CERT or REMOTE_OPTIONS
 * @value: its value
 *
 * Return: NULL, or what is wrong with it.
 */
const char *remote_take(struct remote *r, int option, const char *value)
{
	switch (option) {
	case 'C':
		r->cert = value;
		return NULL;
	case 'k':
		r->key = value;
		return NULL;
	case 'c':
		r->ca = value;
		return NULL;
	case 'w':
		return take_timeout(r, value);
	case 'j':
		r->json = true;
		return NULL;
	}
	return "no such option";
}

/**
 * remote_complain - tell what failed, and with which command
 * @r: the command's
 * @what: failed: a file, a server; or NULL
 * @why: reason
 *
 * Return: EXIT_REFUSED.
 */
int remote_complain(const struct remote *r, const char *what, const char *why)
{
	fprintf(stderr, "cordonctl: %s: %s%s%s\n", r->self->name, what ? what : "",
		what ? ": " : "", why);
	return EXIT_REFUSED;
}

/**
 * remote_failed - tell what failed with the server
 * @r: the command's; its est.error is set
 *
 * Return: EXIT_REFUSED.
 */
int remote_failed(const struct remote *r)
{
	return remote_complain(r, r->url, r->est.error);
}

/**
 * remote_path - a file in a directory
 * @dir: of the file
 * @name: of the file
 *
 * Return: DIR/NAME, free(); or NULL.
 */
char *remote_path(const char *dir, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static void pause_until(int64_t when)
{
	while (tls_remaining(when))
		poll(NULL, 0, tls_remaining(when));
}

/**
 * remote_obtain - a certificate, as soon as somebody has approved it
 * @r: the command's
 * @key: to be certified
 * @name: for the first certificate; NULL for the next one
 * @vouch: the CA's certificates, one of which the certificate must come from
 * @cert: the certificate, on EST_DONE
 *
 * Return: EST_DONE, or something else; all is said then.
 */
enum est_result remote_obtain(struct remote *r, EVP_PKEY *key, const char *name,
			      STACK_OF(X509) *vouch, X509 **cert)
{
	struct est *e = &r->est;
	enum est_result ret;
	bool told = false;
	const char *why;

	for (;;) {
		ret = name ? est_enroll(e, key, name, cert) : est_renew(e, key, cert);
		if (ret != EST_PENDING)
			break;
		/* A server that says "at once" is not asked in a loop. */
		if (e->retry_after < 1)
			e->retry_after = 1;
		if (e->retry_after >= tls_remaining(e->deadline) / 1000) {
			snprintf(e->error, sizeof(e->error), "approval is awaited: "
				 "try again in %ld s with the same key", e->retry_after);
			break;
		}
		if (!told)
			fprintf(stderr, "cordonctl: %s: approval is awaited\n", r->self->name);
		told = true;
		pause_until(tls_clock() + e->retry_after * 1000);
	}
	if (ret == EST_DONE && est_certs_vouch(vouch, *cert, &why)) {
		snprintf(e->error, sizeof(e->error),
			 "the certificate that came is not one of its CA: %s", why);
		X509_free(*cert);
		*cert = NULL;
		ret = EST_FAILED;
	}
	if (ret != EST_DONE)
		remote_failed(r);
	return ret;
}

static void time_text(const ASN1_TIME *t, char out[REMOTE_TIME_LEN])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1 ||
	    !strftime(out, REMOTE_TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, REMOTE_TIME_LEN, "unknown");
}

static void name_text(const X509 *cert, char *out, size_t size)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;

	out[0] = 0;
	if (at >= 0 && ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
				X509_NAME_get_entry(subject, at))) >= 0)
		est_plain(out, size, (const char *)text);
	OPENSSL_free(text);
}

/**
 * remote_print - tell what was obtained
 * @r: the command's
 * @done: enrolled, renewed, not due
 * @cert: the certificate
 * @path: where it lies
 */
void remote_print(const struct remote *r, const char *done, X509 *cert, const char *path)
{
	char until[REMOTE_TIME_LEN], name[PKI_NAME_LEN];

	time_text(X509_get0_notAfter(cert), until);
	name_text(cert, name, sizeof(name));
	if (!r->json) {
		printf("%s: %s: %s, valid until %s\n", done, name, path, until);
		return;
	}
	fputs("{\"result\": ", stdout);
	flat_put_text(stdout, done);
	fputs(", \"name\": ", stdout);
	flat_put_text(stdout, name);
	fputs(", \"certificate\": ", stdout);
	flat_put_text(stdout, path);
	fputs(", \"not_after\": ", stdout);
	flat_put_text(stdout, until);
	puts("}");
}
