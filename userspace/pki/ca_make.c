// SPDX-License-Identifier: GPL-2.0
/* A new CA: built beside, then renamed: a whole one, or none. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"
#include "make.h"

#define YEAR			31557600	/* seconds, a quarter of a day included */
#define ROOT_YEARS		20
#define ISSUING_YEARS		10
#define ROOT_PATHLEN		2	/* the root before, at a roll-over, and the issuing certificate */
#define ROOT_SUFFIX		" root CA"
#define TEMP_SUFFIX		".new"

static bool set_subject(X509 *cert, const char *cn, const X509 *same)
{
	if (same)
		return X509_set_subject_name(cert, X509_get_subject_name(same));
	return pki_name_set(X509_get_subject_name(cert), cn);
}

/**
 * pki_work_sign - a certificate of a CA
 * @c: what is certified, by whom; it begins and ends within the issuer's time
 *
 * Return: X509_free() it; NULL, with OpenSSL's error.
 */
X509 *pki_work_sign(const struct pki_ca_cert *c)
{
	uint8_t serial[PKI_SERIAL_LEN];
	int64_t from = c->from, until = c->until, issuer_from, issuer_until;
	X509_NAME *issuer;
	X509 *cert;

	if (c->issuer) {
		if (pki_time_get(X509_get0_notBefore(c->issuer), &issuer_from) ||
		    pki_time_get(X509_get0_notAfter(c->issuer), &issuer_until))
			return NULL;
		from = issuer_from > from ? issuer_from : from;
		until = issuer_until < until ? issuer_until : until;
	}
	issuer = c->issuer ? X509_NAME_dup(X509_get_subject_name(c->issuer)) : X509_NAME_new();
	if (issuer && !c->issuer && !pki_name_set(issuer, c->cn)) {
		X509_NAME_free(issuer);
		return NULL;
	}
	pki_serial_new(serial);
	cert = issuer ? pki_cert_begin(issuer, c->key, serial, from, until) : NULL;
	X509_NAME_free(issuer);
	if (cert && set_subject(cert, c->cn, c->same) && pki_cert_usage(cert, true, c->pathlen) &&
	    pki_cert_key_ids(cert, c->issuer, c->same) &&
	    (!c->limits || X509_add1_ext_i2d(cert, NID_name_constraints, c->limits, 1, X509V3_ADD_APPEND) > 0) &&
	    X509_sign(cert, c->signer, pki_digest(c->signer)))
		return cert;
	X509_free(cert);
	return NULL;
}

static X509 *make_cert(const struct pki_work *w, EVP_PKEY *key, const char *suffix, const X509 *issuer,
		       EVP_PKEY *signer, int years, int pathlen)
{
	char cn[PKI_CA_NAME_MAX + 16];
	X509_PUBKEY *pub = pki_key_public(key);
	struct pki_ca_cert c = {
		.key = pub, .cn = cn, .issuer = issuer, .signer = signer, .pathlen = pathlen,
		.from = w->plan->now - PKI_BACKDATE, .until = w->plan->now + (int64_t)years * YEAR,
	};
	X509 *cert;

	snprintf(cn, sizeof(cn), "%s%s", w->name, suffix);
	cert = pub ? pki_work_sign(&c) : NULL;
	X509_PUBKEY_free(pub);
	return cert;
}

/**
 * pki_work_check_root - may what is imported be a root of ours
 * @w: its plan has the root and its key
 *
 * Return: 0 or -EPERM.
 */
int pki_work_check_root(const struct pki_work *w)
{
	X509 *root = w->plan->root;
	char day[16];
	time_t from, until;

	if (!(X509_get_extension_flags(root) & EXFLAG_CA))
		return pki_fail(w->err, -EPERM, "root: not a CA's certificate (RFC 5280, 4.2.1.9)");
	if (!(X509_get_key_usage(root) & KU_KEY_CERT_SIGN))
		return pki_fail(w->err, -EPERM,
				"root: may not sign certificates (RFC 5280, 4.2.1.3)");
	if (X509_get_pathlen(root) == 0)
		return pki_fail(w->err, -EPERM,
				"root: may have no CA below it: its path length is 0 "
				"(RFC 5280, 4.2.1.9)");
	if (pki_validity(root, &from, &until))
		return pki_fail(w->err, -EPERM, "root: dates that are none (RFC 5280, 4.1.2.5)");
	if (from > w->plan->now)
		return pki_fail(w->err, -EPERM, "root: not yet valid: from %s",
				pki_date(X509_get0_notBefore(root), day));
	if (until <= w->plan->now)
		return pki_fail(w->err, -EPERM, "root: expired %s",
				pki_date(X509_get0_notAfter(root), day));
	if (!X509_check_private_key(root, w->plan->root_key))
		return pki_fail(w->err, -EPERM, "root: the key is not this certificate's");
	return 0;
}

/**
 * pki_work_write - a file among the new files
 * @w: has its temp
 * @file: its name there
 * @data: what it holds
 * @len: of @data
 * @mode: of the file
 *
 * Return: 0 or -errno.
 */
int pki_work_write(const struct pki_work *w, const char *file, const void *data, size_t len, mode_t mode)
{
	char path[PATH_MAX + 64];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", w->temp, file);
	ret = file_write(path, data, len, mode);
	return ret ? pki_fail(w->err, ret, "%.200s: %s", path, strerror(-ret)) : 0;
}

/**
 * pki_work_write_cert - a certificate among the new files
 * @w: has its temp
 * @file: its name there
 * @cert: NULL, it could not be made
 *
 * Return: 0 or -errno.
 */
int pki_work_write_cert(const struct pki_work *w, const char *file, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;
	int ret = -EIO;

	len = cert && bio && PEM_write_bio_X509(bio, cert) ? BIO_get_mem_data(bio, &text) : 0;
	if (len > 0)
		ret = pki_work_write(w, file, text, len, 0644);
	else
		pki_fail_ssl(w->err, "certificate cannot be made");
	BIO_free(bio);
	return ret;
}

/**
 * pki_work_write_key - a private key among the new files
 * @w: has its temp; the plan's passphrase protects it
 * @file: its name there
 * @key: the key
 * @reference: what names it, where it is in hardware; or NULL
 *
 * Return: 0 or -errno.
 */
int pki_work_write_key(const struct pki_work *w, const char *file, EVP_PKEY *key, const char *reference)
{
	size_t len;
	char *pem;
	int ret;

	if (reference)
		return pki_work_write(w, file, reference, strlen(reference), 0600);
	ret = pki_key_pem(key, w->plan->passphrase, &pem, &len);
	if (ret)
		return pki_fail(w->err, ret, "key cannot be written: out of memory");
	ret = pki_work_write(w, file, pem, len, 0600);
	OPENSSL_clear_free(pem, len);
	return ret;
}

/**
 * pki_work_take_key - the key that is said to be in hardware, or a new one
 * @w: its plan says which kind
 * @key: the one in hardware, or NULL
 *
 * Return: the key, to be freed; NULL, there is none.
 */
EVP_PKEY *pki_work_take_key(const struct pki_work *w, EVP_PKEY *key)
{
	if (!key)
		return pki_key_new(w->plan->key);
	return EVP_PKEY_up_ref(key) ? key : NULL;
}

static int make_root(struct pki_work *w)
{
	if (w->plan->root) {
		w->root = w->plan->root;
		w->root_key = w->plan->root_key;
		X509_up_ref(w->root);
		EVP_PKEY_up_ref(w->root_key);
		return pki_work_check_root(w);
	}
	w->root_key = pki_work_take_key(w, w->plan->root_key);
	if (w->root_key)
		w->root = make_cert(w, w->root_key, ROOT_SUFFIX, NULL, w->root_key, ROOT_YEARS,
				    ROOT_PATHLEN);
	return w->root ? 0 : pki_fail_ssl(w->err, "root cannot be made");
}

/* In hardware, both may have been named alike. */
static bool is_same_key(const struct pki_work *w)
{
	uint8_t root[32], issuing[32];

	return pki_public_id(X509_get_X509_PUBKEY(w->root), root) || pki_key_id(w->key, issuing) ||
	       !memcmp(root, issuing, sizeof(root));
}

/**
 * pki_work_build - make root, keys and issuing certificate, and put them in the work's directory
 * @w: the plan and the name are set
 *
 * Return: 0 or -errno.
 */
int pki_work_build(struct pki_work *w)
{
	int ret = make_root(w);

	if (ret)
		return ret;
	w->key = pki_work_take_key(w, w->plan->issuing_key);
	if (!w->key)
		return pki_fail_ssl(w->err, "key cannot be made");
	if (is_same_key(w))
		return pki_fail(w->err, -EPERM, "the issuing key must be another than the root's");
	ret = pki_work_write_cert(w, "root.crt", w->root);
	if (!ret && !w->plan->root)
		ret = pki_work_write_key(w, "root.key", w->root_key, w->plan->root_reference);
	if (!ret)
		ret = pki_work_write_key(w, "issuing.key", w->key, w->plan->issuing_reference);
	if (ret)
		return ret;
	w->issuing = make_cert(w, w->key, PKI_ISSUING_SUFFIX, w->root, w->root_key, ISSUING_YEARS, 0);
	return pki_work_write_cert(w, "issuing.crt", w->issuing);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/**
 * pki_tree_remove - a directory and all that is in it
 * @path: need not be there
 */
void pki_tree_remove(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/**
 * pki_work_begin - keep others from making or rolling over this CA meanwhile
 * @w: the plan and @err are set
 * @dir: of the CA; the directory above it is made
 *
 * Return: 0; -EBUSY, another process is at it; -errno.
 */
int pki_work_begin(struct pki_work *w, const char *dir)
{
	char parent[PATH_MAX], *slash;
	size_t len = strlen(dir);
	int ret;

	if (!len || len >= sizeof(w->dir))
		return pki_fail(w->err, -ENAMETOOLONG, "%.200s: no path, or too long", dir);
	while (len > 1 && dir[len - 1] == '/')
		len--;
	memcpy(w->dir, dir, len);
	memcpy(parent, w->dir, sizeof(parent));
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = 0;
	ret = slash ? file_make_dirs(parent, 0755) : 0;
	w->lock = ret ? -1 : open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->lock < 0)
		return pki_fail(w->err, ret ? ret : -errno, "%.200s: %s", slash ? parent : ".",
				strerror(ret ? -ret : errno));
	if (flock(w->lock, LOCK_EX | LOCK_NB))
		return pki_fail(w->err, -EBUSY, "%.200s: another 'ca init' is at work", w->dir);
	return 0;
}

/**
 * pki_work_temp - an empty directory to put new files together in
 * @w: begun; what a killed one left there is removed
 * @suffix: behind the CA's directory
 *
 * Return: 0 or -errno.
 */
int pki_work_temp(struct pki_work *w, const char *suffix)
{
	snprintf(w->temp, sizeof(w->temp), "%s%s", w->dir, suffix);
	pki_tree_remove(w->temp);
	if (!mkdir(w->temp, 0700))
		return 0;
	return pki_fail(w->err, -errno, "%.200s: %s", w->temp, strerror(errno));
}

/**
 * pki_work_end - forget it
 * @w: zeroed but for @lock, or begun
 * @ret: what came of it: after a failure what was put together is removed
 */
void pki_work_end(struct pki_work *w, int ret)
{
	if (ret && w->temp[0])
		pki_tree_remove(w->temp);
	if (w->lock >= 0)
		close(w->lock);
	EVP_PKEY_free(w->key);
	X509_free(w->issuing);
	EVP_PKEY_free(w->root_key);
	X509_free(w->root);
}

/**
 * pki_work_place - give what was put together its place, by one rename
 * @w: its temp is whole
 * @to: goes over an empty directory and over nothing else, unless exchanged
 * @flags: of renameat2()
 *
 * Return: 0; -EEXIST, there is something already; -errno.
 */
int pki_work_place(struct pki_work *w, const char *to, unsigned int flags)
{
	int ret = file_sync_dir(w->temp);

	if (!ret && renameat2(AT_FDCWD, w->temp, AT_FDCWD, to, flags))
		ret = -errno;
	if (ret == -ENOTEMPTY || ret == -EEXIST || ret == -ENOTDIR)
		return pki_fail(w->err, -EEXIST,
				"%.200s: there is a CA already, or something else", to);
	if (ret)
		return pki_fail(w->err, ret, "%.200s: %s", to, strerror(-ret));
	/* Should the sync fail, which of the two is on the disk is not known: both stay. */
	if (!flags)
		w->temp[0] = 0;
	ret = fsync(w->lock) ? -errno : 0;
	if (!ret)
		return 0;
	w->temp[0] = 0;
	return pki_fail(w->err, ret, "%.200s: %s", to, strerror(-ret));
}

/**
 * pki_work_name - take a name for the subjects
 * @w: its error is set
 * @name: 1 to PKI_CA_NAME_MAX printable characters
 *
 * Return: 0 or -EINVAL.
 */
int pki_work_name(struct pki_work *w, const char *name)
{
	size_t len = strlen(name), i;
	char shown[PKI_QUOTE_LEN];

	for (i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			break;
	if (!len || len > PKI_CA_NAME_MAX || i < len)
		return pki_fail(w->err, -EINVAL, "name '%s' must be 1 to %d printable characters",
				pki_quote(name, len, shown), PKI_CA_NAME_MAX);
	memcpy(w->name, name, len + 1);
	return 0;
}

/**
 * pki_ca_make - make a CA
 * @dir: where; nothing may be there, or an empty directory
 * @plan: what
 * @err: why not
 *
 * Return: 0; -EEXIST, there is something already; -EPERM, the imported root will not do;
 * -EBUSY, another process is at it; -errno. @err tells, and @dir is as it was.
 */
int pki_ca_make(const char *dir, const struct pki_ca_plan *plan, struct pki_error *err)
{
	struct pki_work w = { .plan = plan, .lock = -1, .err = err };
	int ret = pki_work_name(&w, plan->name);

	if (!ret)
		ret = pki_work_begin(&w, dir);
	if (!ret)
		ret = pki_work_temp(&w, TEMP_SUFFIX);
	if (!ret)
		ret = pki_work_build(&w);
	if (!ret)
		ret = pki_work_place(&w, w.dir, 0);
	pki_work_end(&w, ret);
	return ret;
}
