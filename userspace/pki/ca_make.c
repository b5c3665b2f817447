// SPDX-License-Identifier: GPL-2.0
/* A new CA, or one in place of another: built beside, then renamed: a whole one, or none. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"
#include "parts.h"

#define YEAR			31557600	/* seconds, a quarter of a day included */
#define ROOT_YEARS		20
#define ISSUING_YEARS		10
#define ISSUING_SUFFIX		" issuing CA"
#define ROOT_SUFFIX		" root CA"
#define TEMP_SUFFIX		".new"
#define NUMBER_MAX		1000000
#define ADDED			4	/* to what is kept, by a roll-over */

/**
 * struct work - a CA that is being made
 * @plan: what is asked for
 * @dir: where it is to be
 * @temp: where it is built
 * @lock: the directory that holds both, locked
 * @name: for the subjects
 * @root: the new root
 * @root_key: of @root
 * @key: of the new issuing certificate
 * @old: what is replaced; zeroed, nothing
 * @old_key: of the old root; NULL, it is not stored
 * @err: why not
 */
struct work {
	const struct pki_ca_plan *plan;
	char dir[PATH_MAX];
	char temp[PATH_MAX + sizeof(TEMP_SUFFIX)];
	int lock;
	char name[PKI_CA_NAME_MAX + 1];
	X509 *root;
	EVP_PKEY *root_key;
	EVP_PKEY *key;
	struct pki_ca old;
	EVP_PKEY *old_key;
	struct pki_error *err;
};

static bool set_subject(X509 *cert, const char *cn, const X509 *same)
{
	if (same)
		return X509_set_subject_name(cert, X509_get_subject_name(same));
	return pki_name_set(X509_get_subject_name(cert), cn);
}

/**
 * struct ca_cert - a certificate of a CA
 * @key: what is certified
 * @cn: its subject, where @same is NULL
 * @same: subject and SKI are this one's
 * @issuer: NULL, it signs itself
 * @signer: key of the issuer
 * @pathlen: how many CAs may follow
 * @from: valid from
 * @until: until then, or until the issuer's end
 */
struct ca_cert {
	const X509_PUBKEY *key;
	const char *cn;
	const X509 *same;
	const X509 *issuer;
	EVP_PKEY *signer;
	int pathlen;
	time_t from;
	time_t until;
};

static X509 *sign(const struct ca_cert *c)
{
	uint8_t serial[PKI_SERIAL_LEN];
	time_t from, until;
	X509_NAME *issuer;
	X509 *cert;

	if (c->issuer && pki_validity(c->issuer, &from, &until))
		return NULL;
	if (!c->issuer || until > c->until)
		until = c->until;
	issuer = c->issuer ? X509_NAME_dup(X509_get_subject_name(c->issuer)) : X509_NAME_new();
	if (issuer && !c->issuer && !pki_name_set(issuer, c->cn)) {
		X509_NAME_free(issuer);
		return NULL;
	}
	pki_serial_new(serial);
	cert = issuer ? pki_cert_begin(issuer, c->key, serial, c->from, until) : NULL;
	X509_NAME_free(issuer);
	if (cert && set_subject(cert, c->cn, c->same) && pki_cert_usage(cert, true, c->pathlen) &&
	    pki_cert_key_ids(cert, c->issuer, c->same) &&
	    X509_sign(cert, c->signer, pki_digest(c->signer)))
		return cert;
	X509_free(cert);
	return NULL;
}

static X509 *make_cert(const struct work *w, EVP_PKEY *key, const char *suffix, const X509 *issuer,
		       EVP_PKEY *signer, int years, int pathlen)
{
	char cn[PKI_CA_NAME_MAX + 16];
	X509_PUBKEY *pub = pki_key_public(key);
	struct ca_cert c = {
		.key = pub, .cn = cn, .issuer = issuer, .signer = signer, .pathlen = pathlen,
		.from = w->plan->now, .until = w->plan->now + (time_t)years * YEAR,
	};
	X509 *cert;

	snprintf(cn, sizeof(cn), "%s%s", w->name, suffix);
	cert = pub ? sign(&c) : NULL;
	X509_PUBKEY_free(pub);
	return cert;
}

/* May what is imported be a root of ours. */
static int check_root(const struct work *w)
{
	X509 *root = w->plan->root;
	char day[16];
	int in_time;

	if (!(X509_get_extension_flags(root) & EXFLAG_CA))
		return pki_fail(w->err, -EPERM, "root: not a CA's certificate (RFC 5280, 4.2.1.9)");
	if (!(X509_get_key_usage(root) & KU_KEY_CERT_SIGN))
		return pki_fail(w->err, -EPERM,
				"root: may not sign certificates (RFC 5280, 4.2.1.3)");
	if (X509_get_pathlen(root) == 0)
		return pki_fail(w->err, -EPERM,
				"root: may have no CA below it: its path length is 0 "
				"(RFC 5280, 4.2.1.9)");
	in_time = ASN1_TIME_cmp_time_t(X509_get0_notBefore(root), w->plan->now);
	if (in_time > 0)
		return pki_fail(w->err, -EPERM, "root: not yet valid: from %s",
				pki_date(X509_get0_notBefore(root), day));
	in_time = ASN1_TIME_cmp_time_t(X509_get0_notAfter(root), w->plan->now);
	if (in_time <= 0)
		return pki_fail(w->err, -EPERM, "root: expired %s",
				pki_date(X509_get0_notAfter(root), day));
	if (!X509_check_private_key(root, w->plan->root_key))
		return pki_fail(w->err, -EPERM, "root: the key is not this certificate's");
	return 0;
}

static int write_bio(const struct work *w, const char *file, BIO *bio, mode_t mode)
{
	char path[PATH_MAX + 64];
	char *text;
	long len = BIO_get_mem_data(bio, &text);
	int ret;

	snprintf(path, sizeof(path), "%s/%s", w->temp, file);
	ret = file_write(path, text, len, mode);
	return ret ? pki_fail(w->err, ret, "%.200s: %s", path, strerror(-ret)) : 0;
}

static int write_cert(const struct work *w, const char *file, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int ret = -EIO;

	if (cert && bio && PEM_write_bio_X509(bio, cert))
		ret = write_bio(w, file, bio, 0644);
	else
		pki_fail_ssl(w->err, "certificate cannot be made");
	BIO_free(bio);
	return ret;
}

static int write_key(const struct work *w, const char *file, EVP_PKEY *key)
{
	char path[PATH_MAX + 64], *pem;
	size_t len;
	int ret;

	ret = pki_key_pem(key, w->plan->passphrase, &pem, &len);
	if (ret)
		return pki_fail(w->err, ret, "key cannot be written: out of memory");
	snprintf(path, sizeof(path), "%s/%s", w->temp, file);
	ret = file_write(path, pem, len, 0600);
	OPENSSL_clear_free(pem, len);
	return ret ? pki_fail(w->err, ret, "%.200s: %s", path, strerror(-ret)) : 0;
}

static int make_root(struct work *w)
{
	if (w->plan->root) {
		w->root = w->plan->root;
		w->root_key = w->plan->root_key;
		X509_up_ref(w->root);
		EVP_PKEY_up_ref(w->root_key);
		return check_root(w);
	}
	w->root_key = pki_key_new(w->plan->key);
	if (w->root_key)
		w->root = make_cert(w, w->root_key, ROOT_SUFFIX, NULL, w->root_key, ROOT_YEARS, 1);
	return w->root ? 0 : pki_fail_ssl(w->err, "root cannot be made");
}

/* Everything but what remains of previous CAs. */
static int build(struct work *w)
{
	X509 *issuing;
	int ret = make_root(w);

	if (ret)
		return ret;
	w->key = pki_key_new(w->plan->key);
	if (!w->key)
		return pki_fail_ssl(w->err, "key cannot be made");
	ret = write_cert(w, "root.crt", w->root);
	if (!ret && !w->plan->root)
		ret = write_key(w, "root.key", w->root_key);
	if (!ret)
		ret = write_key(w, "issuing.key", w->key);
	if (ret)
		return ret;
	issuing = make_cert(w, w->key, ISSUING_SUFFIX, w->root, w->root_key, ISSUING_YEARS, 0);
	ret = write_cert(w, "issuing.crt", issuing);
	X509_free(issuing);
	return ret;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* One at a time; what a killed one left behind goes. */
static int begin(struct work *w, const char *dir)
{
	char parent[PATH_MAX], *slash;
	size_t len = strlen(dir);
	int ret;

	if (!len || len >= sizeof(w->dir))
		return pki_fail(w->err, -ENAMETOOLONG, "%.200s: no path, or too long", dir);
	while (len > 1 && dir[len - 1] == '/')
		len--;
	memcpy(w->dir, dir, len);
	snprintf(w->temp, sizeof(w->temp), "%s" TEMP_SUFFIX, w->dir);
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
	remove_tree(w->temp);
	if (mkdir(w->temp, 0700))
		return pki_fail(w->err, -errno, "%.200s: %s", w->temp, strerror(errno));
	return 0;
}

static void end(struct work *w, int ret)
{
	if (ret && w->temp[0] && w->lock >= 0 && ret != -EBUSY)
		remove_tree(w->temp);
	if (w->lock >= 0)
		close(w->lock);
	EVP_PKEY_free(w->old_key);
	pki_ca_free(&w->old);
	EVP_PKEY_free(w->key);
	EVP_PKEY_free(w->root_key);
	X509_free(w->root);
}

static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0 || fsync(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

/* A rename goes over an empty directory, and over nothing else. */
static int put_in_place(struct work *w, unsigned int flags)
{
	int ret = sync_dir(w->temp);

	if (!ret && renameat2(AT_FDCWD, w->temp, AT_FDCWD, w->dir, flags))
		ret = -errno;
	if (ret == -ENOTEMPTY || ret == -EEXIST || ret == -ENOTDIR)
		return pki_fail(w->err, -EEXIST,
				"%.200s: there is a CA already, or something else", w->dir);
	if (ret)
		return pki_fail(w->err, ret, "%.200s: %s", w->dir, strerror(-ret));
	if (!fsync(w->lock))
		return 0;
	/* which of the two is on the disk is not known: both stay */
	w->temp[0] = 0;
	return pki_fail(w->err, -errno, "%.200s: %s", w->dir, strerror(errno));
}

static int set_name(struct work *w, const char *name)
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
	struct work w = { .plan = plan, .lock = -1, .err = err };
	int ret = set_name(&w, plan->name);

	if (!ret)
		ret = begin(&w, dir);
	if (!ret)
		ret = build(&w);
	if (!ret)
		ret = put_in_place(&w, 0);
	end(&w, ret);
	return ret;
}

/* What is kept of the CAs before the last: how many, and the highest number so far. */
struct kept {
	const struct work *w;
	int n;
	int number;
};

static int keep_previous(const char *file, X509 *cert, void *arg)
{
	struct kept *k = arg;
	char path[NAME_MAX + 16];
	long number = strtol(file, NULL, 10);

	if (number > k->number && number < NUMBER_MAX)
		k->number = (int)number;
	if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert), k->w->plan->now) <= 0)
		return 0;
	k->n++;
	snprintf(path, sizeof(path), "previous/%s", file);
	return write_cert(k->w, path, cert);
}

static int write_previous(const struct work *w, int number, const char *what, X509 *cert)
{
	char file[64];

	snprintf(file, sizeof(file), "previous/%02d-%s.crt", number, what);
	return write_cert(w, file, cert);
}

/* RFC 4210, 4.4: each root signed with the other's key, where that is at hand. */
static int write_cross(const struct work *w, int number)
{
	X509 *old = w->old.root, *cert;
	struct ca_cert c = {
		.key = X509_get_X509_PUBKEY(old), .same = old, .issuer = w->root,
		.signer = w->root_key, .pathlen = 1,
	};
	int ret;

	if (pki_validity(old, &c.from, &c.until))
		return pki_fail(w->err, -EINVAL, "the old root's validity cannot be read");
	cert = sign(&c);
	ret = write_previous(w, number, "old-with-new", cert);
	X509_free(cert);
	if (ret || !w->old_key)
		return ret;
	c.key = X509_get_X509_PUBKEY(w->root);
	c.same = w->root;
	c.issuer = old;
	c.signer = w->old_key;
	c.from = w->plan->now;
	cert = sign(&c);
	ret = write_previous(w, number, "new-with-old", cert);
	X509_free(cert);
	return ret;
}

static int build_previous(const struct work *w)
{
	struct kept k = { .w = w };
	char path[PATH_MAX + 16];
	int ret;

	snprintf(path, sizeof(path), "%s/previous", w->temp);
	if (mkdir(path, 0700))
		return pki_fail(w->err, -errno, "%.200s: %s", path, strerror(errno));
	ret = pki_previous_each(w->dir, keep_previous, &k, w->err);
	if (!ret && k.n > PKI_PREVIOUS_MAX - ADDED)
		ret = pki_fail(w->err, -E2BIG, "%.200s/previous: %d certificates: delete some",
			       w->dir, k.n);
	k.number++;
	if (!ret)
		ret = write_previous(w, k.number, "issuing", w->old.issuing);
	if (ret || !X509_cmp(w->old.root, w->root))
		return ret;
	ret = write_previous(w, k.number, "root", w->old.root);
	return ret ? ret : write_cross(w, k.number);
}

static int load_old(struct work *w)
{
	char cn[PKI_CA_NAME_MAX + sizeof(ISSUING_SUFFIX)] = "", *suffix;
	int ret;

	ret = pki_ca_load(w->dir, true, w->plan->passphrase, &w->old, w->err);
	if (ret)
		return ret;
	ret = pki_key_load(w->dir, "root.key", w->plan->passphrase, &w->old_key, w->err);
	if (ret && ret != -ENOENT)
		return ret;
	if (w->plan->name)
		return set_name(w, w->plan->name);
	X509_NAME_get_text_by_NID(X509_get_subject_name(w->old.issuing), NID_commonName, cn,
				  sizeof(cn));
	suffix = strstr(cn, ISSUING_SUFFIX);
	if (suffix)
		*suffix = 0;
	return set_name(w, cn);
}

/**
 * pki_ca_rollover - a new CA in place of another
 * @dir: of the CA that is replaced
 * @plan: of the new one
 * @err: why not
 *
 * What the old one issued stays good: its certificates, and cross certificates for devices
 * that know the old root alone, stay in previous/. Its keys are deleted.
 *
 * Return: 0; as of pki_ca_load() and pki_ca_make(). @err tells, and @dir is as it was.
 */
int pki_ca_rollover(const char *dir, const struct pki_ca_plan *plan, struct pki_error *err)
{
	struct work w = { .plan = plan, .lock = -1, .err = err };
	int ret = begin(&w, dir);

	if (!ret)
		ret = load_old(&w);
	if (!ret)
		ret = build(&w);
	if (!ret)
		ret = build_previous(&w);
	if (!ret)
		ret = put_in_place(&w, RENAME_EXCHANGE);
	if (!ret)
		remove_tree(w.temp);
	end(&w, ret);
	return ret;
}
