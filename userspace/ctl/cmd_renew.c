// SPDX-License-Identifier: GPL-2.0
/* renew: a device's next certificate. */
#include <stdlib.h>
#include <string.h>

#include "ctl/remote.h"

/**
 * struct words - what the command line says
 * @r: server, deadline
 * @dir: where the files are, or NULL
 * @rekey: with another key
 * @percent: of its life that a certificate must have behind it, or -1
 */
struct words {
	struct remote r;
	const char *dir;
	bool rekey;
	int percent;
};

static const struct option options[] = {
	{ "server", required_argument, NULL, 's' }, { "dir", required_argument, NULL, 'd' },
	{ "rekey", no_argument, NULL, 'r' }, { "if-older", required_argument, NULL, 'i' }, REMOTE_CERT, REMOTE_OPTIONS
};

static const char *take_percent(struct words *w, const char *value)
{
	size_t len = strspn(value, "0123456789");

	if (!len || len > 3 || (value[len] && strcmp(value + len, "%") != 0))
		return "not a percentage";
	w->percent = (int)strtol(value, NULL, 10);
	return w->percent > 100 ? "more than 100 per cent" : NULL;
}

/* One option; a sentence about what is wrong with it, or NULL. */
static const char *take(struct words *w, int option, char *value)
{
	switch (option) {
	case 's':
		return remote_server(&w->r, value);
	case 'd':
		w->dir = value;
		return NULL;
	case 'r':
		w->rekey = true;
		return NULL;
	case 'i':
		return take_percent(w, value);
	}
	return remote_take(&w->r, option, value);
}

/* Per cent of a certificate's life that are over; 100 where that cannot be told. */
static int age(const X509 *cert)
{
	int days, seconds, all_days, all_seconds;
	int64_t passed, all;

	if (!ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert), NULL) ||
	    !ASN1_TIME_diff(&all_days, &all_seconds, X509_get0_notBefore(cert),
			    X509_get0_notAfter(cert)))
		return 100;
	passed = (int64_t)days * 86400 + seconds;
	all = (int64_t)all_days * 86400 + all_seconds;
	if (all <= 0 || passed >= all)
		return 100;
	return passed < 0 ? 0 : (int)(passed * 100 / all);
}

/* A CA may have got a new root (RFC 7030, 4.1.3); a file that was named is the user's own. */
static int save_ca(const struct words *w, struct identity *id, const STACK_OF(X509) *certs,
		   const char *path)
{
	return w->r.ca ? 0 : identity_certs_save(path, certs, id->error);
}

static int obtain(struct words *w, struct identity *id, const char *ca)
{
	struct remote *r = &w->r;
	STACK_OF(X509) *certs = NULL;
	int ret = EXIT_REFUSED;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;

	r->est.cert = id->cert;
	r->est.key = id->key;
	if (est_cacerts(&r->est, &certs) != EST_DONE) {
		remote_failed(r);
		goto out;
	}
	/* Before the certificate: a gateway takes it that who has that knows its next root as well. */
	if (save_ca(w, id, certs, ca)) {
		remote_complain(r, NULL, id->error);
		goto out;
	}
	key = identity_next_key(id, w->rekey);
	if (!key) {
		remote_complain(r, NULL, id->error);
		goto out;
	}
	if (remote_obtain(r, key, NULL, certs, &cert) != EST_DONE)
		goto out;
	if (identity_replace(id, key, cert)) {
		remote_complain(r, NULL, id->error);
		goto out;
	}
	remote_print(r, "renewed", cert, id->cert_path);
	ret = EXIT_DONE;
out:
	sk_X509_pop_free(certs, X509_free);
	EVP_PKEY_free(key);
	X509_free(cert);
	return ret;
}

/* The server's answer was told; what helps, if it is that. */
static void tell_expired(const struct words *w, const struct identity *id)
{
	if (X509_cmp_current_time(X509_get0_notAfter(id->cert)) < 0)
		fprintf(stderr, "cordonctl: %s: note: %s has expired: unless the gateway renews it all the same "
			"(renew_after_expiry), the device needs a new token to enrol again\n", w->r.self->name, id->cert_path);
}

static int renew(struct words *w, const char *key, const char *cert, const char *ca)
{
	struct identity id = { .key_path = key, .cert_path = cert, .lock = -1 };
	int ret = EXIT_REFUSED;

	if (identity_lock(&id) || identity_settle(&id) || identity_load(&id)) {
		remote_complain(&w->r, NULL, id.error);
		goto out;
	}
	if (age(id.cert) < w->percent) {
		remote_print(&w->r, "not due", id.cert, cert);
		ret = EXIT_DONE;
		goto out;
	}
	w->r.est.trust = identity_trust_load(ca, id.error);
	if (w->r.est.trust)
		ret = obtain(w, &id, ca);
	else
		remote_complain(&w->r, NULL, id.error);
	if (ret != EXIT_DONE)
		tell_expired(w, &id);
out:
	identity_free(&id);
	return ret;
}

static char *path_of(const struct words *w, const char *given, const char *name)
{
	return given ? strdup(given) : remote_path(w->dir, name);
}

static int run_words(struct words *w)
{
	char *key, *cert, *ca;
	int ret;

	if (!w->r.url[0] || (!w->dir && (!w->r.ca || !w->r.cert || !w->r.key)))
		return usage_error(w->r.self, "--server and --dir are needed, or --server, --cert, "
				   "--key and --ca", NULL);
	key = path_of(w, w->r.key, "device.key");
	cert = path_of(w, w->r.cert, "device.crt");
	ca = path_of(w, w->r.ca, "ca.crt");
	ret = key && cert && ca ? renew(w, key, cert, ca) :
	      remote_complain(&w->r, NULL, "out of memory");
	free(key);
	free(cert);
	free(ca);
	return ret;
}

static int run_renew(const struct command *self, int argc, char **argv)
{
	struct words w = { .percent = -1 };
	const char *problem;
	int o, ret;

	remote_init(&w.r, self);
	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		problem = take(&w, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	if (optind < argc)
		return usage_error(self, "too many words", argv[optind]);
	ret = run_words(&w);
	remote_free(&w.r);
	return ret;
}

const struct command cmd_renew = {
	"renew", "Get this device its next certificate",
	"renew --server URL --dir DIR [OPTION...]\n"
	"renew --server URL --cert FILE --key FILE --ca FILE [OPTION...]",
	"On the device, which shows its present certificate. Subject and names stay.\n\n"
	"  --server URL         https://HOST[:8443]\n"
	"  --dir DIR            as 'enroll' wrote it: device.key, device.crt, ca.crt\n"
	"  --cert FILE          instead of DIR/device.crt\n"
	"  --key FILE|URI       instead of DIR/device.key\n"
	"  --ca FILE            instead of DIR/ca.crt; it is not replaced then\n"
	"  --rekey              with another key\n"
	"  --if-older PERCENT   only when so much of the certificate's life is over\n"
	"  --timeout DURATION   for everything (default 60s)\n"
	"  --json               print the result as JSON\n",
	run_renew
};
