// SPDX-License-Identifier: GPL-2.0
/* The CA as it lies in its directory. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/file.h"
#include "parts.h"

#define FILE_MAX_LEN	65536

static int read_file(const char *dir, const char *file, char **text, size_t *len,
		     struct pki_error *err)
{
	char path[PATH_MAX];
	int ret;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return pki_fail(err, -ENAMETOOLONG, "%s: the path is too long", dir);
	ret = file_read(path, FILE_MAX_LEN, text, len);
	return ret ? pki_fail(err, ret, "%s: %s", path, strerror(-ret)) : 0;
}

/**
 * pki_cert_load - a certificate from a PEM file
 * @dir: where the file is
 * @file: its name
 * @out: X509_free() it
 * @err: why not
 *
 * Return: 0, or -errno with @err.
 */
int pki_cert_load(const char *dir, const char *file, X509 **out, struct pki_error *err)
{
	char *text = NULL;
	BIO *bio = NULL;
	size_t len = 0;
	int ret;

	ret = read_file(dir, file, &text, &len, err);
	if (ret)
		return ret;
	bio = BIO_new_mem_buf(text, (int)len);
	*out = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	free(text);
	if (!*out)
		return pki_fail(err, -EINVAL, "%s/%s: holds no certificate (PEM)", dir, file);
	ERR_clear_error();
	return 0;
}

/**
 * pki_key_load - a private key from a PEM file
 * @dir: where the file is
 * @file: its name
 * @passphrase: may be NULL
 * @out: EVP_PKEY_free() it
 * @err: why not
 *
 * Return: 0; -ENOKEY, it needs a passphrase; -EKEYREJECTED, not this one; -errno.
 */
int pki_key_load(const char *dir, const char *file, const char *passphrase, EVP_PKEY **out,
		 struct pki_error *err)
{
	struct pki_error why;
	char *text = NULL;
	size_t len = 0;
	int ret;

	ret = read_file(dir, file, &text, &len, err);
	if (ret)
		return ret;
	*out = pki_key_parse(text, len, passphrase, &why);
	if (!*out)
		ret = pki_fail(err, -errno, "%s/%s: %.200s", dir, file, why.text);
	OPENSSL_cleanse(text, len);
	free(text);
	return ret;
}

static int is_cert(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 4 && !strcmp(d->d_name + len - 4, ".crt");
}

/**
 * pki_previous_each - certificates of previous CAs, in the order of their names
 * @dir: of the CA
 * @each: told of each; what it returns but 0 ends it
 * @arg: for @each
 * @err: why not
 *
 * Return: 0, what @each returned, or -errno with @err.
 */
int pki_previous_each(const char *dir, int (*each)(const char *file, X509 *cert, void *arg),
		      void *arg, struct pki_error *err)
{
	char path[PATH_MAX];
	struct dirent **list = NULL;
	int n, i, ret = 0;
	X509 *cert;

	snprintf(path, sizeof(path), "%s/previous", dir);
	n = scandir(path, &list, is_cert, alphasort);
	if (n < 0)
		return errno == ENOENT ? 0 : pki_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (n > PKI_PREVIOUS_MAX)
		ret = pki_fail(err, -E2BIG, "%s: %d certificates: at most %d", path, n,
			       PKI_PREVIOUS_MAX);
	for (i = 0; i < n; i++) {
		if (!ret)
			ret = pki_cert_load(path, list[i]->d_name, &cert, err);
		if (!ret) {
			ret = each(list[i]->d_name, cert, arg);
			X509_free(cert);
		}
		free(list[i]);
	}
	free(list);
	return ret;
}

static int load_into(struct pki_ca *ca, const char *dir, const char *file, struct pki_error *err)
{
	X509 *cert = NULL;
	int ret = pki_cert_load(dir, file, &cert, err);

	if (!ret && !sk_X509_push(ca->others, cert))
		ret = pki_fail(err, -ENOMEM, "out of memory");
	if (ret)
		X509_free(cert);
	return ret;
}

/* Certificates of a chain's file, in the order in which a server sends them. */
static int load_list(STACK_OF(X509) *to, const char *dir, const char *file, struct pki_error *err)
{
	int ret, before = sk_X509_num(to);
	char *text = NULL;
	BIO *bio = NULL;
	size_t len = 0;
	X509 *cert;

	ret = read_file(dir, file, &text, &len, err);
	if (ret)
		return ret;
	bio = BIO_new_mem_buf(text, (int)len);
	while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (sk_X509_push(to, cert))
			continue;
		X509_free(cert);
		break;
	}
	ERR_clear_error();
	BIO_free(bio);
	free(text);
	if (sk_X509_num(to) > before && sk_X509_num(to) - before <= PKI_CHAIN_MAX - 2)
		return 0;
	return pki_fail(err, -EINVAL, "%s/%s: must hold 1 to %d certificates (PEM)", dir, file, PKI_CHAIN_MAX - 2);
}

/* What is between root and issuing certificate. */
static int load_intermediates(struct pki_ca *ca, const char *dir, struct pki_error *err)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	int ret = list ? load_list(list, dir, PKI_CHAIN_FILE, err) : pki_fail(err, -ENOMEM, "out of memory");

	if (ret) {
		sk_X509_pop_free(list, X509_free);
		return ret == -ENOENT ? 0 : ret;
	}
	ca->intermediates = list;
	return 0;
}

/* How devices that know the present root alone come to know the next: where both roots' keys were here. */
static int load_crosses(struct pki_ca *ca, const char *path, struct pki_error *err)
{
	X509 *bridge = NULL;
	int ret = pki_cert_load(path, "issuing-with-old.crt", &bridge, err);

	X509_free(bridge);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = load_into(ca, path, "new-with-old.crt", err);
	return ret ? ret : load_into(ca, path, "old-with-new.crt", err);
}

/* The CA that is to follow, where one is published; its keys wait. */
static int load_next(struct pki_ca *ca, const char *dir, struct pki_error *err)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/next", dir);
	ret = pki_cert_load(path, "root.crt", &ca->next, err);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = load_into(ca, path, "issuing.crt", err);
	if (ret)
		return ret;
	ca->next_issuing = sk_X509_value(ca->others, sk_X509_num(ca->others) - 1);
	X509_up_ref(ca->next_issuing);
	if (!X509_cmp(ca->root, ca->next))
		return 0;
	ret = load_into(ca, path, "root.crt", err);
	return ret ? ret : load_crosses(ca, path, err);
}

/* There after a roll-over. */
static int load_bridge(struct pki_ca *ca, const char *dir, struct pki_error *err)
{
	int ret = pki_cert_load(dir, "issuing-with-old.crt", &ca->bridge, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	if (X509_PUBKEY_eq(X509_get_X509_PUBKEY(ca->bridge), X509_get_X509_PUBKEY(ca->issuing)) == 1)
		return 0;
	return pki_fail(err, -EINVAL, "%s/issuing-with-old.crt: not of the key of issuing.crt", dir);
}

/* What goes through the issuing certificates of previous CAs. */
struct former {
	struct pki_ca *ca;
	const char *dir;
	const char *passphrase;
	bool with_key;
	struct pki_error *err;
};

static bool ends_with(const char *file, const char *suffix)
{
	size_t len = strlen(file), n = strlen(suffix);

	return len >= n && !strcmp(file + len - n, suffix);
}

/* By its path length, as all of ours have it; that of another's root is by its name: what is imported may have any. */
static bool is_issuing(const char *file, X509 *cert)
{
	return X509_get_pathlen(cert) == 0 || ends_with(file, "-issuing.crt");
}

/* Of a chain, all that is in its file: each of them may be revoked. */
static int keep(const char *file, X509 *cert, void *arg)
{
	const struct former *f = arg;
	char path[PATH_MAX];

	if (ends_with(file, "-" PKI_CHAIN_FILE)) {
		snprintf(path, sizeof(path), "%s/previous", f->dir);
		return load_list(f->ca->others, path, file, f->err);
	}
	if (!X509_up_ref(cert))
		return pki_fail(f->err, -ENOMEM, "out of memory");
	if (sk_X509_push(f->ca->others, cert))
		return 0;
	X509_free(cert);
	return pki_fail(f->err, -ENOMEM, "out of memory");
}

/* A key that cannot be read is as good as none: the CA itself does not need it. */
static int keep_former(const char *file, X509 *cert, void *arg)
{
	struct former *f = arg;
	struct pki_issuer *more, *at;
	char path[PATH_MAX], key[NAME_MAX + 16];
	struct pki_error unused;

	if (!is_issuing(file, cert))
		return 0;
	more = reallocarray(f->ca->former, f->ca->n_former + 1, sizeof(*more));
	if (!more || !X509_up_ref(cert))
		return -ENOMEM;
	f->ca->former = more;
	at = &more[f->ca->n_former++];
	*at = (struct pki_issuer){ .cert = cert };
	snprintf(path, sizeof(path), "%s/previous", f->dir);
	snprintf(key, sizeof(key), "%.*s.key", (int)strlen(file) - 4, file);
	if (f->with_key && pki_key_load(path, key, f->passphrase, &at->key, &unused))
		at->key = NULL;
	if (at->key && !X509_check_private_key(cert, at->key)) {
		EVP_PKEY_free(at->key);
		at->key = NULL;
	}
	return 0;
}

/* Each is signed by the one above it, and the last by the root. */
static bool is_chain(const struct pki_ca *ca)
{
	int n = ca->intermediates ? sk_X509_num(ca->intermediates) : 0, i;
	X509 *below = ca->issuing, *above;
	EVP_PKEY *key;

	for (i = 0; i <= n; i++) {
		above = i < n ? sk_X509_value(ca->intermediates, i) : ca->root;
		key = X509_get0_pubkey(above);
		if (!key || X509_check_issued(above, below) != X509_V_OK || X509_verify(below, key) != 1)
			return false;
		below = above;
	}
	return true;
}

/* What pki_claim() and pki_issue() rely on, once. */
static int check(const struct pki_ca *ca, const char *dir, struct pki_error *err)
{
	if (X509_check_ca(ca->issuing) != 1 || !is_chain(ca))
		return pki_fail(err, -EINVAL, "%s/issuing.crt: no CA certificate that root.crt signed%s", dir,
				ca->intermediates ? ", by way of " PKI_CHAIN_FILE : "");
	if (!X509_get0_subject_key_id(ca->issuing))
		return pki_fail(err, -EINVAL, "%s/issuing.crt: has no SKI (RFC 5280, 4.2.1.2)",
				dir);
	if (ca->key && !X509_check_private_key(ca->issuing, ca->key))
		return pki_fail(err, -EINVAL, "%s/issuing.key: not the key of issuing.crt", dir);
	return 0;
}

/* There is no root, as the certificate that was asked for has not come. */
static int explain_missing(const char *dir, int ret, struct pki_error *err)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/" PKI_REQUEST_DIR "/" PKI_REQUEST_FILE, dir);

	if (ret != -ENOENT || len >= (int)sizeof(path) || access(path, F_OK))
		return ret;
	return pki_fail(err, -EINPROGRESS, "this CA waits for its certificate: have %.120s signed, then 'cordonctl ca "
			"import CHAIN'", path);
}

/**
 * pki_ca_issuer - one of the certificates that issue, have issued or will issue
 * @ca: the CA
 * @n: 0, the present one; then those before; then the next one
 *
 * Return: it stays @ca's; NULL, there are no more.
 */
X509 *pki_ca_issuer(const struct pki_ca *ca, size_t n)
{
	if (!n)
		return ca->issuing;
	if (n <= ca->n_former)
		return ca->former[n - 1].cert;
	return n == ca->n_former + 1 ? ca->next_issuing : NULL;
}

/**
 * pki_ca_load - read the CA from its directory
 * @dir: the directory
 * @with_key: with the key that signs, too
 * @passphrase: of the key; may be NULL
 * @ca: pki_ca_free() it, on success
 * @err: why not
 *
 * Return: 0; -ENOENT, there is no CA; -EINPROGRESS, it waits for its certificate; -ENOKEY, the key needs a passphrase;
 * -EKEYREJECTED, not this one; -errno. @err tells.
 */
int pki_ca_load(const char *dir, bool with_key, const char *passphrase, struct pki_ca *ca,
		struct pki_error *err)
{
	struct former former = { .ca = ca, .dir = dir, .passphrase = passphrase, .with_key = with_key,
				 .err = err };
	int ret;

	*ca = (struct pki_ca){ .others = sk_X509_new_null() };
	ret = ca->others ? pki_cert_load(dir, "root.crt", &ca->root, err) :
	      pki_fail(err, -ENOMEM, "out of memory");
	if (ret)
		ret = explain_missing(dir, ret, err);
	if (!ret)
		ret = pki_cert_load(dir, "issuing.crt", &ca->issuing, err);
	if (!ret)
		ret = load_intermediates(ca, dir, err);
	if (!ret && with_key)
		ret = pki_key_load(dir, "issuing.key", passphrase, &ca->key, err);
	if (!ret)
		ret = check(ca, dir, err);
	if (!ret)
		ret = pki_previous_each(dir, keep, &former, err);
	if (!ret)
		ret = pki_previous_each(dir, keep_former, &former, err);
	if (!ret)
		ret = load_bridge(ca, dir, err);
	if (!ret)
		ret = load_next(ca, dir, err);
	if (!ret)
		ret = pki_revoked_load(ca, dir, err);
	if (ret)
		pki_ca_free(ca);
	return ret;
}

/**
 * pki_ca_free - forget a CA
 * @ca: loaded, or zeroed
 */
void pki_ca_free(struct pki_ca *ca)
{
	size_t i;

	for (i = 0; i < ca->n_former; i++) {
		X509_free(ca->former[i].cert);
		EVP_PKEY_free(ca->former[i].key);
	}
	free(ca->former);
	sk_X509_CRL_pop_free(ca->lists, X509_CRL_free);
	sk_X509_pop_free(ca->intermediates, X509_free);
	X509_free(ca->bridge);
	X509_free(ca->next_issuing);
	X509_free(ca->next);
	sk_X509_pop_free(ca->others, X509_free);
	EVP_PKEY_free(ca->key);
	X509_free(ca->issuing);
	X509_free(ca->root);
	*ca = (struct pki_ca){ NULL };
}

/*
 * A root, or a certificate that issues, as it may be of any path length where it was imported, and was not taken back.
 * One root as certified by another and what is between are of use on the way to a root, and no anchors themselves.
 */
static bool is_anchor(const struct pki_ca *ca, X509 *cert)
{
	X509 *issuer;
	size_t n = 0;

	while ((issuer = pki_ca_issuer(ca, n++)))
		if (!X509_cmp(issuer, cert))
			return n < 2 || n - 2 >= ca->n_former || !ca->former[n - 2].revoked;
	return X509_self_signed(cert, 0) == 1;
}

static int push_intermediates(const struct pki_ca *ca, STACK_OF(X509) *certs)
{
	int n = ca->intermediates ? sk_X509_num(ca->intermediates) : 0, i;

	for (i = 0; i < n; i++)
		if (!sk_X509_push(certs, sk_X509_value(ca->intermediates, i)))
			return -ENOMEM;
	return 0;
}

/**
 * pki_ca_trust - what a client needs to trust this CA, the one before and the next one
 * @ca: the CA
 * @certs: gets issuing certificate, root, what is between them, then those of the others; they stay @ca's
 *
 * Without the cross certificates that RFC 7030, 4.1.3 has in mind: a client that takes all that it is given for
 * anchors may run from one root to the other and back. Those are in the server's chain.
 *
 * Return: 0, or -ENOMEM.
 */
int pki_ca_trust(const struct pki_ca *ca, STACK_OF(X509) *certs)
{
	int i;

	if (!sk_X509_push(certs, ca->issuing) || !sk_X509_push(certs, ca->root) || push_intermediates(ca, certs))
		return -ENOMEM;
	for (i = 0; i < sk_X509_num(ca->others); i++)
		if (is_anchor(ca, sk_X509_value(ca->others, i)) && !sk_X509_push(certs, sk_X509_value(ca->others, i)))
			return -ENOMEM;
	return 0;
}

/**
 * pki_ca_certs - what a client needs to trust this CA
 * @ca: the CA
 * @der: PKCS#7 of pki_ca_trust() (RFC 7030, 4.1.3); OPENSSL_free()
 * @len: of @der
 *
 * Return: 0, or -ENOMEM.
 */
int pki_ca_certs(const struct pki_ca *ca, uint8_t **der, size_t *len)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *list[PKI_PREVIOUS_MAX + PKI_CHAIN_MAX];
	int ret = -ENOMEM, i, n;

	if (certs && !pki_ca_trust(ca, certs)) {
		n = sk_X509_num(certs);
		for (i = 0; i < n && i < PKI_PREVIOUS_MAX + PKI_CHAIN_MAX; i++)
			list[i] = sk_X509_value(certs, i);
		ret = pki_certs_only(list, i, der, len);
	}
	sk_X509_free(certs);
	return ret;
}

/* The root before, as certified by the present one. */
static X509 *find_old_with_new(const struct pki_ca *ca)
{
	int i;

	for (i = 0; i < sk_X509_num(ca->others); i++) {
		X509 *cert = sk_X509_value(ca->others, i);

		if (X509_check_issued(cert, ca->bridge) == X509_V_OK && X509_check_issued(ca->root, cert) == X509_V_OK)
			return cert;
	}
	return NULL;
}

/**
 * pki_ca_chain - what leads from a certificate of this CA to the roots that devices know, themselves left out
 * @ca: the CA
 * @chain: gets the certificates, each of which certifies the one in front of it; they stay @ca's
 *
 * After a roll-over: to the root before by one step, and from there to the present one. Clients follow the first
 * path that they find. By way of the present root it would be one certificate longer than roots of ours allow,
 * and some count a certificate in which subject and issuer are the same, though RFC 5280, 6.1.4 (l) does not.
 *
 * Return: 0, or -ENOMEM.
 */
int pki_ca_chain(const struct pki_ca *ca, STACK_OF(X509) *chain)
{
	bool both = ca->bridge && X509_cmp_current_time(X509_get0_notAfter(ca->bridge)) > 0;
	X509 *cross = both ? find_old_with_new(ca) : NULL;

	if (!sk_X509_push(chain, both ? ca->bridge : ca->issuing) || (cross && !sk_X509_push(chain, cross)))
		return -ENOMEM;
	return both ? 0 : push_intermediates(ca, chain);
}
