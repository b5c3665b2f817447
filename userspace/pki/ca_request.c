// SPDX-License-Identifier: GPL-2.0
/*
 * An issuing CA below a root that is not here, first half: its key and a request (PKCS#10) wait in request/ for the
 * certificate (ca_import.c).
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"
#include "make.h"

/* What the certificate is to be: who signs it may say otherwise. */
static bool add_extensions(X509_REQ *csr, NAME_CONSTRAINTS *limits)
{
	static const struct {
		int nid;
		const char *value;
	} wanted[] = {
		{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	};
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *one;
	bool good = list;
	size_t i;

	for (i = 0; good && i < sizeof(wanted) / sizeof(*wanted); i++) {
		one = X509V3_EXT_conf_nid(NULL, NULL, wanted[i].nid, wanted[i].value);
		good = one && sk_X509_EXTENSION_push(list, one);
		if (!good)
			X509_EXTENSION_free(one);
	}
	good = good && (!limits || X509V3_add1_i2d(&list, NID_name_constraints, limits, 1, X509V3_ADD_APPEND) > 0) &&
	       X509_REQ_add_extensions(csr, list);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return good;
}

static int make_request(const struct pki_work *w, char **pem, size_t *len)
{
	char cn[PKI_CA_NAME_MAX + sizeof(PKI_ISSUING_SUFFIX)], *text;
	NAME_CONSTRAINTS *limits = w->plan->n_names ? pki_limits_new(w->plan->names, w->plan->n_names, w->err) : NULL;
	X509_PUBKEY *pub = pki_key_public(w->key);
	X509_REQ *csr = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	bool good = limits || !w->plan->n_names;
	long n = 0;

	snprintf(cn, sizeof(cn), "%s" PKI_ISSUING_SUFFIX, w->name);
	if (good && csr && pub && bio && X509_REQ_set_version(csr, X509_REQ_VERSION_1) &&
	    !pki_public_copy(X509_REQ_get_X509_PUBKEY(csr), pub) &&
	    pki_name_set(X509_REQ_get_subject_name(csr), cn) && add_extensions(csr, limits) &&
	    X509_REQ_sign(csr, w->key, pki_digest(w->key)) && PEM_write_bio_X509_REQ(bio, csr))
		n = BIO_get_mem_data(bio, &text);
	*pem = n > 0 ? strndup(text, n) : NULL;
	*len = n;
	BIO_free(bio);
	X509_REQ_free(csr);
	X509_PUBKEY_free(pub);
	NAME_CONSTRAINTS_free(limits);
	return *pem ? 0 : good ? pki_fail_ssl(w->err, "request cannot be made") : -EINVAL;
}

/* Key and request among the new files. */
static int build(struct pki_work *w, const char *sub, char **pem, size_t *len)
{
	char file[64];
	int ret;

	w->key = pki_work_take_key(w, w->plan->issuing_key);
	if (!w->key)
		return pki_fail_ssl(w->err, "key cannot be made");
	snprintf(file, sizeof(file), "%sissuing.key", sub);
	ret = pki_work_write_key(w, file, w->key, w->plan->issuing_reference);
	if (!ret)
		ret = make_request(w, pem, len);
	if (ret)
		return ret;
	snprintf(file, sizeof(file), "%s" PKI_REQUEST_FILE, sub);
	return pki_work_write(w, file, *pem, *len, 0644);
}

/**
 * pki_work_none_waits - no request waits, which would be lost or left over
 * @w: begun
 *
 * Return: 0; -EALREADY, one does.
 */
int pki_work_none_waits(const struct pki_work *w)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/" PKI_REQUEST_DIR, w->dir);
	return access(path, F_OK) ? 0 :
	       pki_fail(w->err, -EALREADY, "%.120s/" PKI_REQUEST_FILE " waits for its certificate already: 'cordonctl "
			"ca import CHAIN', or remove %.60s/" PKI_REQUEST_DIR " and begin again", path, w->dir);
}

/* A CA of its own directory, which has nothing else yet. */
static int request_first(struct pki_work *w, char **pem, size_t *len)
{
	char path[PATH_MAX + 64];
	int ret = pki_work_name(w, w->plan->name);

	if (!ret)
		ret = pki_work_temp(w, ".new");
	snprintf(path, sizeof(path), "%s/" PKI_REQUEST_DIR, w->temp);
	if (!ret && mkdir(path, 0700))
		ret = pki_fail(w->err, -errno, "%.200s: %s", path, strerror(errno));
	if (!ret)
		ret = build(w, PKI_REQUEST_DIR "/", pem, len);
	if (!ret && file_sync_dir(path))
		ret = pki_fail(w->err, -EIO, "%.200s: cannot be synchronized", path);
	return ret ? ret : pki_work_place(w, w->dir, 0);
}

/* Beside the present one, which goes on signing. Its passphrase is the next one's as well, so it must be right. */
static int request_next(struct pki_work *w, char **pem, size_t *len)
{
	char path[PATH_MAX + 64];
	struct pki_ca old;
	int ret = pki_ca_load(w->dir, true, w->plan->passphrase, &old, w->err);

	if (ret)
		return ret;
	if (old.next)
		ret = pki_fail(w->err, -EALREADY, "%.150s/next: a next CA is published already: activate it", w->dir);
	else
		ret = pki_work_name_next(w, &old);
	pki_ca_free(&old);
	if (!ret)
		ret = pki_work_temp(w, "/" PKI_REQUEST_NEW);
	if (!ret)
		ret = build(w, "", pem, len);
	snprintf(path, sizeof(path), "%s/" PKI_REQUEST_DIR, w->dir);
	if (!ret)
		ret = pki_work_place(w, path, 0);
	if (!ret && file_sync_dir(w->dir))
		ret = pki_fail(w->err, -EIO, "%.200s: cannot be synchronized", w->dir);
	return ret;
}

/**
 * pki_ca_request - make an issuing CA's key, and a request for its certificate
 * @dir: of the CA; nothing may be there, or, for the next one, a CA
 * @plan: name, key and passphrase
 * @next: of the CA that is to follow
 * @pem: the request, free(); it is in @dir/request as well
 * @len: of @pem
 * @err: why not
 *
 * Return: 0; -EALREADY, one waits, or a next CA is published; -EEXIST, there is something already; as of
 * pki_ca_load(); -errno. @err tells, and @dir is as it was.
 */
int pki_ca_request(const char *dir, const struct pki_ca_plan *plan, bool next, char **pem, size_t *len,
		   struct pki_error *err)
{
	struct pki_work w = { .plan = plan, .lock = -1, .err = err };
	int ret = pki_work_begin(&w, dir);

	*pem = NULL;
	if (!ret)
		ret = pki_work_none_waits(&w);
	if (!ret)
		ret = next ? request_next(&w, pem, len) : request_first(&w, pem, len);
	pki_work_end(&w, ret);
	if (ret) {
		free(*pem);
		*pem = NULL;
	}
	return ret;
}
