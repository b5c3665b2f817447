// SPDX-License-Identifier: GPL-2.0
/* ca sign-issuing: where the root is, certify another gateway's issuing CA. */
#include <errno.h>
#include <limits.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_ca.h"
#include "lib/file.h"

#define DAY		86400
#define DAYS_DEFAULT	365

/* The root that is named, or the one in the directory; its key likewise. */
static bool take_root(const struct ca_words *w, struct pki_issuing_plan *plan)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/root.crt", w->dir);
	return ca_read_cert(w->root_cert ? w->root_cert : path, &plan->root) && ca_read_root_key(w, &plan->key);
}

/* What somebody is able to do from now on. */
static void tell(const struct ca_words *w, X509 *cert)
{
	char names[PKI_SERVER_NAMES][PKI_SERVER_NAME_LEN], fingerprint[CA_FINGERPRINT_LEN], end[POLICY_TIME_LEN];
	u8 digest[PKI_FINGERPRINT_LEN] = { 0 };
	size_t n = 0, i;

	pki_fingerprint(cert, digest);
	pki_issuing_names(cert, names, &n);
	fprintf(stderr, "cordonctl: note: gateway '%s' may certify devices, and its server as", w->gateway);
	for (i = 0; i < n; i++)
		fprintf(stderr, "%s %s", i ? "," : "", names[i]);
	fprintf(stderr, "; until %s, SHA-256 %s. There: 'cordonctl ca import FILE'; on a gateway of the fleet: 'cordonctl fleet "
		"add %s --certificate FILE'\n", pki_time_text(X509_get0_notAfter(cert), end),
		ca_fingerprint_text(digest, fingerprint), w->gateway);
}

/* It, and the root: what 'ca import' takes. */
static int put(const struct ca_words *w, X509 *cert, X509 *root)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool good = bio && PEM_write_bio_X509(bio, cert) && PEM_write_bio_X509(bio, root);
	char *text = NULL;
	long len = good ? BIO_get_mem_data(bio, &text) : 0;
	int err = 0;

	if (len > 0 && w->out)
		err = file_write(w->out, text, len, 0644);
	else if (len > 0 && (fwrite(text, 1, len, stdout) != (size_t)len || fflush(stdout)))
		err = -EIO;
	BIO_free(bio);
	if (len <= 0)
		return complain("ca", "out of memory");
	return err ? complain(w->out ? w->out : "stdout", strerror(-err)) : EXIT_DONE;
}

/**
 * ca_sign_issuing - certify the issuing CA of another gateway
 * @w: its request, its name; where the root is
 *
 * Return: an exit status.
 */
int ca_sign_issuing(const struct ca_words *w)
{
	struct pki_issuing_plan plan = {
		.gateway = w->gateway, .names = w->names, .n_names = w->n_names, .now = time(NULL),
	};
	int ret = EXIT_REFUSED;
	struct pki_error why;
	X509 *cert = NULL;
	size_t len = 0;
	u8 *der = NULL;

	plan.until = pki_later(plan.now, (int64_t)(w->days_given ? w->days : DAYS_DEFAULT) * DAY);
	if (ca_read_csr(w->who, &der, &len) && take_root(w, &plan)) {
		cert = pki_issuing_sign(der, len, &plan, &why);
		ret = cert ? put(w, cert, plan.root) : complain(w->who, why.text);
		if (!ret)
			tell(w, cert);
	}
	X509_free(cert);
	X509_free(plan.root);
	EVP_PKEY_free(plan.key);
	free(der);
	return ret;
}
