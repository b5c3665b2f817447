// SPDX-License-Identifier: GPL-2.0
/* Issuing CAs that were taken back, by the list of a root or of what is below it, which lies beside them. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/file.h"
#include "parts.h"

#define FILE_MAX_LEN	(1 << 20)

static bool signs(X509 *cert, X509_CRL *crl)
{
	EVP_PKEY *key;

	if (X509_NAME_cmp(X509_get_subject_name(cert), X509_CRL_get_issuer(crl)))
		return false;
	key = X509_get0_pubkey(cert);
	return key && X509_CRL_verify(crl, key) == 1;
}

/* Who signed it: the root, one before or to follow, or what is between. */
static bool is_of_chain(const struct pki_ca *ca, X509_CRL *crl)
{
	int i;

	if (signs(ca->root, crl))
		return true;
	for (i = 0; ca->intermediates && i < sk_X509_num(ca->intermediates); i++)
		if (signs(sk_X509_value(ca->intermediates, i), crl))
			return true;
	for (i = 0; i < sk_X509_num(ca->others); i++)
		if (signs(sk_X509_value(ca->others, i), crl))
			return true;
	return false;
}

/* Since when, seconds since 1970; 0, it is not on the list. */
static time_t names(X509_CRL *crl, X509 *cert)
{
	X509_REVOKED *entry;
	time_t when;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(cert)) ||
	    X509_CRL_get0_by_cert(crl, &entry, cert) <= 0)
		return 0;
	return pki_time(X509_REVOKED_get0_revocationDate(entry), &when) || when < 1 ? 1 : when;
}

static bool is_above(X509 *issuer, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);

	return key && X509_check_issued(issuer, cert) == X509_V_OK && X509_verify(cert, key) == 1;
}

/* Who certified the issuing certificate of a CA before, or one above it: a root, before one that is no root. */
static X509 *find_above(const struct pki_ca *ca, X509 *cert)
{
	X509 *found = is_above(ca->root, cert) ? ca->root : NULL, *other;
	int i;

	for (i = 0; i < sk_X509_num(ca->others); i++) {
		other = sk_X509_value(ca->others, i);
		if ((!found || X509_self_signed(other, 0) == 1) && is_above(other, cert))
			found = other;
	}
	return found;
}

/* It, or one of those above it. */
static time_t names_former(const struct pki_ca *ca, X509_CRL *crl, X509 *cert)
{
	time_t named = 0;
	int n;

	for (n = 0; !named && cert && n < PKI_CHAIN_MAX; n++) {
		named = names(crl, cert);
		cert = X509_self_signed(cert, 0) == 1 ? NULL : find_above(ca, cert);
	}
	return named;
}

static void mark(struct pki_ca *ca, X509_CRL *crl)
{
	time_t when;
	size_t i;
	int n;

	ca->revoked |= names(crl, ca->issuing) > 0;
	for (n = 0; ca->intermediates && n < sk_X509_num(ca->intermediates); n++)
		ca->revoked |= names(crl, sk_X509_value(ca->intermediates, n)) > 0;
	for (i = 0; i < ca->n_former; i++) {
		when = names_former(ca, crl, ca->former[i].cert);
		if (when)
			ca->former[i].revoked = when;
	}
}

/* For what else is below the same certificates. */
static int keep_list(struct pki_ca *ca, X509_CRL *crl, struct pki_error *err)
{
	if (!ca->lists)
		ca->lists = sk_X509_CRL_new_null();
	if (ca->lists && X509_CRL_up_ref(crl)) {
		if (sk_X509_CRL_push(ca->lists, crl))
			return 0;
		X509_CRL_free(crl);
	}
	return pki_fail(err, -ENOMEM, "out of memory");
}

/**
 * pki_revoked_names - was a certificate taken back by a list that was there when the CA was loaded
 * @ca: the CA
 * @cert: below the same root
 */
bool pki_revoked_names(const struct pki_ca *ca, X509 *cert)
{
	int i;

	for (i = 0; ca->lists && i < sk_X509_CRL_num(ca->lists); i++)
		if (names(sk_X509_CRL_value(ca->lists, i), cert))
			return true;
	return false;
}

/** pki_revoked_made - when the last list in a CA's directory was made; 0, there is none */
time_t pki_revoked_made(const char *dir)
{
	char path[PATH_MAX], *text = NULL;
	time_t made, last = 0;
	X509_CRL *crl;
	size_t len = 0;
	BIO *bio;

	if (snprintf(path, sizeof(path), "%s/" PKI_ROOT_LIST, dir) >= (int)sizeof(path) ||
	    file_read(path, FILE_MAX_LEN, &text, &len))
		return 0;
	bio = BIO_new_mem_buf(text, (int)len);
	while (bio && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
		if (!pki_time(X509_CRL_get0_lastUpdate(crl), &made) && made > last)
			last = made;
		X509_CRL_free(crl);
	}
	ERR_clear_error();
	BIO_free(bio);
	free(text);
	return last;
}

/**
 * pki_revoked_load - which issuing certificates were taken back
 * @ca: loaded but for that
 * @dir: its directory
 * @err: why not
 *
 * A list counts however old it is: what was revoked stays revoked. One that nobody of the chain signed is an error: it
 * would look as if it said something.
 *
 * Return: 0, also where there is no list; -EINVAL, one is none of this chain; -errno.
 */
int pki_revoked_load(struct pki_ca *ca, const char *dir, struct pki_error *err)
{
	char path[PATH_MAX], *text = NULL;
	int ret, n = 0;
	X509_CRL *crl;
	size_t len = 0;
	BIO *bio;

	if (snprintf(path, sizeof(path), "%s/" PKI_ROOT_LIST, dir) >= (int)sizeof(path))
		return pki_fail(err, -ENAMETOOLONG, "%.200s: the path is too long", dir);
	ret = file_read(path, FILE_MAX_LEN, &text, &len);
	if (ret)
		return ret == -ENOENT ? 0 : pki_fail(err, ret, "%.200s: %s", path, strerror(-ret));
	bio = BIO_new_mem_buf(text, (int)len);
	while (bio && !ret && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
		n++;
		if (is_of_chain(ca, crl)) {
			mark(ca, crl);
			ret = keep_list(ca, crl, err);
		} else {
			ret = pki_fail(err, -EINVAL, "%.180s: list %d was signed by none of the CA's certificates", path,
				       n);
		}
		X509_CRL_free(crl);
	}
	ERR_clear_error();
	BIO_free(bio);
	free(text);
	return ret || n ? ret : pki_fail(err, -EINVAL, "%.200s: holds no revocation list (PEM)", path);
}
