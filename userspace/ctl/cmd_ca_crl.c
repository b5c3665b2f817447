// SPDX-License-Identifier: GPL-2.0
/* ca crl: the revocation list, and why something is on it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ctl/cmd_ca.h"
#include "lib/file.h"
#include "serve/common/revoked.h"

static const struct reason {
	const char *name;
	int reason;
	bool ours;	/* hold can be taken back, and a list cannot say so */
} reasons[] = {
	{ "unspecified", CRL_REASON_UNSPECIFIED, true },
	{ "keyCompromise", CRL_REASON_KEY_COMPROMISE, true },
	{ "cACompromise", CRL_REASON_CA_COMPROMISE, true },
	{ "affiliationChanged", CRL_REASON_AFFILIATION_CHANGED, true },
	{ "superseded", CRL_REASON_SUPERSEDED, true },
	{ "cessationOfOperation", CRL_REASON_CESSATION_OF_OPERATION, true },
	{ "certificateHold", CRL_REASON_CERTIFICATE_HOLD, false },
	{ "removeFromCRL", CRL_REASON_REMOVE_FROM_CRL, false },
	{ "privilegeWithdrawn", CRL_REASON_PRIVILEGE_WITHDRAWN, true },
	{ "aACompromise", CRL_REASON_AA_COMPROMISE, false },
};

#define N_REASONS (sizeof(reasons) / sizeof(*reasons))

/**
 * ca_reason_name - a reason's name
 * @reason: RFC 5280, 5.3.1
 */
const char *ca_reason_name(int reason)
{
	size_t i;

	for (i = 0; i < N_REASONS; i++)
		if (reasons[i].reason == reason)
			return reasons[i].name;
	return "unspecified";
}

/**
 * ca_reason_find - a reason that a certificate of ours, or of a CA, may be revoked for
 * @name: as RFC 5280, 5.3.1 spells it
 *
 * Return: the reason, or -1.
 */
int ca_reason_find(const char *name)
{
	size_t i;

	for (i = 0; i < N_REASONS; i++)
		if (reasons[i].ours && !strcasecmp(reasons[i].name, name))
			return reasons[i].reason;
	return -1;
}

/* A number that is on the disk is never given again, even if its list is never made. */
static int next_number(struct store *s, u64 *number)
{
	int err = store_begin(s, true);

	if (err)
		return err;
	err = store_crl_number(s, number);
	if (!err)
		err = store_commit(s);
	if (err)
		store_rollback(s);
	return err;
}

static int take_pem(BIO *bio, char **pem, size_t *len)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);

	*pem = n > 0 ? strndup(text, n) : NULL;
	*len = n;
	return *pem ? EXIT_DONE : complain("ca", "out of memory");
}

/* One issuer's list; each names all that is revoked, as no serial is given twice. */
static bool sign(const struct pki_ca *ca, const struct pki_revoked *list, size_t n, u64 number, BIO *out)
{
	time_t now = time(NULL);
	struct pki_error why;
	size_t size = 0;
	u8 *der = NULL;
	bool good;

	good = !pki_crl(ca, list, n, number, now, now + REVOKED_VALID, &der, &size, &why);
	if (!good)
		complain("ca", why.text);
	else
		good = PEM_write_bio(out, PEM_STRING_X509_CRL, "", der, (long)size) > 0;
	OPENSSL_free(der);
	return good;
}

/* That of the CA, then those of CAs before whose certificates have not ended. */
static bool sign_all(const struct pki_ca *ca, const struct pki_revoked *list, size_t n, u64 number, BIO *out)
{
	time_t from, until;
	size_t i;

	if (!sign(ca, list, n, number, out))
		return false;
	for (i = 0; i < ca->n_former; i++) {
		const struct pki_ca before = { .issuing = ca->former[i].cert, .key = ca->former[i].key };

		if (before.key && !pki_validity(before.issuing, &from, &until) && until > time(NULL) &&
		    !sign(&before, list, n, number, out))
			return false;
	}
	return true;
}

/* The list that is there must not be replaced by one that has less: a registry may have been lost, or be older. */
static bool catch_up(const struct ca_words *w, const struct pki_ca *ca, struct store *s)
{
	struct revoked_caught caught;

	if (revoked_catch_up(ca, w->dir, s, false, &caught)) {
		ca_complain_store(w, s);
		return false;
	}
	if (caught.older)
		fprintf(stderr, "cordonctl: note: the registry is older than the last revocation list, or was lost: %u "
			"revocations are taken over, %u tokens withdrawn\n", caught.revoked, caught.tokens);
	return true;
}

static int make(const struct ca_words *w, const struct pki_ca *ca, struct store *s, char **pem,
		size_t *len)
{
	struct pki_revoked *list = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	int ret = EXIT_REFUSED;
	size_t n = 0;
	u64 number;

	if (!bio)
		complain("ca", "out of memory");
	else if (!catch_up(w, ca, s))
		ret = EXIT_REFUSED;
	else if (next_number(s, &number) || revoked_list(s, time(NULL), &list, &n))
		ca_complain_store(w, s);
	else if (sign_all(ca, list, n, number, bio))
		ret = take_pem(bio, pem, len);
	BIO_free(bio);
	free(list);
	return ret;
}

/**
 * ca_crl_renew - a fresh revocation list, in the CA's directory
 * @w: the directory
 * @s: the registry
 * @pem: the list, free(); or NULL
 * @len: of @pem
 *
 * Return: an exit status.
 */
int ca_crl_renew(const struct ca_words *w, struct store *s, char **pem, size_t *len)
{
	char path[PATH_MAX], *text = NULL;
	int lock, err, ret = EXIT_REFUSED;
	struct pki_ca ca;
	size_t size = 0;

	if (!ca_load(w, true, &ca))
		return EXIT_REFUSED;
	/* two at once might leave the older list in place */
	lock = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX))
		complain(w->dir, strerror(errno));
	else
		ret = make(w, &ca, s, &text, &size);
	if (!ret) {
		snprintf(path, sizeof(path), "%s/crl.pem", w->dir);
		err = file_write(path, text, size, 0644);
		ret = err ? complain(path, strerror(-err)) : EXIT_DONE;
	}
	if (lock >= 0)
		close(lock);
	pki_ca_free(&ca);
	if (!ret && pem) {
		*pem = text;
		*len = size;
		return ret;
	}
	free(text);
	return ret;
}

/* There is none in crl.pem, or it is good for some time yet. */
static bool is_in_time(const struct ca_words *w)
{
	char path[PATH_MAX];
	struct pki_ca ca;
	time_t until = 0;
	int err;

	snprintf(path, sizeof(path), "%s/crl.pem", w->dir);
	if (access(path, F_OK))
		return errno == ENOENT;
	if (!ca_load(w, false, &ca))
		return false;
	err = revoked_until(&ca, w->dir, &until);
	pki_ca_free(&ca);
	return !err && until - time(NULL) > REVOKED_VALID / 2;
}

/**
 * ca_crl - a fresh revocation list
 * @w: where to, or that it is only wanted in time
 *
 * Return: an exit status.
 */
int ca_crl(const struct ca_words *w)
{
	struct store s;
	char *pem = NULL;
	size_t len = 0;
	int ret, err = 0;

	if (w->root)
		return ca_root_crl(w);
	if (w->renew && is_in_time(w))
		return EXIT_DONE;
	if (!ca_open_registry(w, true, &s))
		return EXIT_REFUSED;
	ret = ca_crl_renew(w, &s, &pem, &len);
	store_close(&s);
	if (!ret && w->out)
		err = file_write(w->out, pem, len, 0644);
	else if (!ret && !w->renew)
		fwrite(pem, 1, len, stdout);
	free(pem);
	return err ? complain(w->out, strerror(-err)) : ret;
}
