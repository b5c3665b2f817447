// SPDX-License-Identifier: GPL-2.0
/*
 * A device's key and certificate on its disk, and certificates that it trusts.
 *
 * DOC: another key
 *
 * Two files cannot be replaced at one stroke, and a device whose key and certificate do
 * not agree is out. So a new key takes these steps, and it may be killed behind any:
 *
 * 1. KEY.new is written, before it is asked for a certificate. The old pair stands; the
 *    next attempt asks with the same new key, so that it does not matter whether the
 *    certificate was made and lost on its way.
 * 2. CERT.new is written: the new pair is complete, and what follows needs no server.
 * 3. KEY.new becomes KEY. KEY agrees with CERT.new: identity_load() takes that one.
 * 4. CERT.new becomes CERT.
 *
 * identity_settle() goes on behind 2 and 3. The same key needs none of this: CERT is
 * replaced at one stroke.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "identity.h"
#include "lib/file.h"
#include "pki/pki.h"

/**
 * identity_fail - say what failed
 * @error: gets the sentence
 * @fmt: the sentence
 *
 * Return: -1.
 */
int identity_fail(char error[IDENTITY_ERROR_LEN], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, IDENTITY_ERROR_LEN, fmt, args);
	va_end(args);
	ERR_clear_error();
	return -1;
}

static int read_pem(const char *path, char **pem, size_t *len, char error[IDENTITY_ERROR_LEN])
{
	int err = file_read(path, IDENTITY_FILE_MAX, pem, len);

	return err ? identity_fail(error, "%s: %s", path, strerror(-err)) : 0;
}

/**
 * identity_key_kind - what kind of key it is
 * @key: the key
 *
 * Return: enum pki_key, or -1.
 */
int identity_key_kind(EVP_PKEY *key)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "ED25519"))
		return PKI_ED25519;
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return -1;
	return !strcmp(group, "prime256v1") || !strcmp(group, "P-256") ? PKI_P256 :
	       !strcmp(group, "secp384r1") || !strcmp(group, "P-384") ? PKI_P384 : -1;
}

/**
 * identity_key_load - a private key
 * @path: of its PEM, or of a file that names a key in hardware; or the URI of one
 * @error: what failed
 *
 * Return: the key, or NULL.
 */
EVP_PKEY *identity_key_load(const char *path, char error[IDENTITY_ERROR_LEN])
{
	struct pki_error why = { };
	EVP_PKEY *key = NULL;
	char *pem = NULL;
	size_t len = 0;
	int err = pki_key_reference(path, IDENTITY_FILE_MAX, &pem, &len);

	if (err) {
		identity_fail(error, "%s: %s", path, strerror(-err));
		return NULL;
	}
	key = pki_key_parse(pem, len, NULL, &why);
	if (!key)
		identity_fail(error, "%s%s%s", pki_key_is_uri(path) ? "" : path, pki_key_is_uri(path) ? "" : ": ", why.text);
	OPENSSL_cleanse(pem, len);
	free(pem);
	return key;
}

/**
 * identity_key_save - put a private key on the disk, for its owner alone
 * @path: of its PEM
 * @key: the key
 * @error: what failed
 *
 * Return: 0 or -1.
 */
int identity_key_save(const char *path, EVP_PKEY *key, char error[IDENTITY_ERROR_LEN])
{
	char *pem = NULL;
	size_t len = 0;
	int err;

	if (pki_key_pem(key, NULL, &pem, &len))
		return identity_fail(error, "%s: the key cannot be written as PEM", path);
	err = file_write(path, pem, len, 0600);
	OPENSSL_clear_free(pem, len);
	return err ? identity_fail(error, "%s: %s", path, strerror(-err)) : 0;
}

static X509 *load_cert(const char *path, char error[IDENTITY_ERROR_LEN])
{
	X509 *cert = NULL;
	char *pem = NULL;
	BIO *bio = NULL;
	size_t len = 0;

	if (read_pem(path, &pem, &len, error))
		return NULL;
	bio = BIO_new_mem_buf(pem, (int)len);
	cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	if (!cert)
		identity_fail(error, "%s: no certificate in PEM", path);
	ERR_clear_error();
	BIO_free(bio);
	free(pem);
	return cert;
}

static int save_certs(const char *path, X509 *const *certs, int n, char error[IDENTITY_ERROR_LEN])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int err = -ENOMEM, i;
	char *pem;
	long len;

	if (!bio)
		goto out;
	for (i = 0; i < n; i++)
		if (!PEM_write_bio_X509(bio, certs[i]))
			goto out;
	len = BIO_get_mem_data(bio, &pem);
	err = file_write(path, pem, len, 0644);
out:
	BIO_free(bio);
	return err ? identity_fail(error, "%s: %s", path, strerror(-err)) : 0;
}

/**
 * identity_cert_save - put a certificate on the disk
 * @path: of its PEM
 * @cert: the certificate
 * @error: what failed
 *
 * Return: 0 or -1.
 */
int identity_cert_save(const char *path, X509 *cert, char error[IDENTITY_ERROR_LEN])
{
	return save_certs(path, &cert, 1, error);
}

/**
 * identity_certs_save - put certificates on the disk, in one file
 * @path: of their PEM
 * @certs: the certificates, at most 16
 * @error: what failed
 *
 * Return: 0 or -1.
 */
int identity_certs_save(const char *path, const STACK_OF(X509) *certs,
			char error[IDENTITY_ERROR_LEN])
{
	X509 *list[16];
	int n = sk_X509_num(certs), i;

	if (n > (int)(sizeof(list) / sizeof(*list)))
		return identity_fail(error, "%s: too many certificates", path);
	for (i = 0; i < n; i++)
		list[i] = sk_X509_value(certs, i);
	return save_certs(path, list, n, error);
}

/**
 * identity_trust_load - whom a device trusts
 * @path: PEM of roots, and of intermediates that help to build a chain
 * @error: what failed
 *
 * Return: X509_STORE_free(); or NULL.
 */
X509_STORE *identity_trust_load(const char *path, char error[IDENTITY_ERROR_LEN])
{
	X509_STORE *store = NULL;
	X509 *cert = NULL;
	char *pem = NULL;
	BIO *bio = NULL;
	size_t len = 0;
	int n = 0;

	if (read_pem(path, &pem, &len, error))
		return NULL;
	bio = BIO_new_mem_buf(pem, (int)len);
	store = X509_STORE_new();
	while (bio && store && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		n += X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
	}
	ERR_clear_error();
	if (!n) {
		identity_fail(error, "%s: no certificate in PEM", path);
		X509_STORE_free(store);
		store = NULL;
	}
	BIO_free(bio);
	free(pem);
	return store;
}

static bool agree(EVP_PKEY *key, X509 *cert)
{
	EVP_PKEY *theirs = cert ? X509_get0_pubkey(cert) : NULL;

	return key && theirs && EVP_PKEY_eq(theirs, key) == 1;
}

static void drop(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
	id->key = NULL;
	id->cert = NULL;
}

/* PATH.new, to be freed. */
static char *beside(const char *path)
{
	char *new = NULL;

	/* A key that is named by the command line has no file, nor another one beside it. */
	if (pki_key_is_uri(path))
		return strdup("");

	return asprintf(&new, "%s.new", path) < 0 ? NULL : new;
}

/**
 * identity_load - a device's key and certificate
 * @id: the paths are set
 *
 * Changes nothing on the disk. A swap that goes on while it reads is read again.
 *
 * Return: 0, or -1 with @id->error.
 */
int identity_load(struct identity *id)
{
	char *next = beside(id->cert_path), unused[IDENTITY_ERROR_LEN];
	int tries;

	if (!next)
		return identity_fail(id->error, "out of memory");
	for (tries = 0; tries < 3; tries++) {
		drop(id);
		id->key = identity_key_load(id->key_path, id->error);
		id->cert = id->key ? load_cert(id->cert_path, id->error) : NULL;
		if (!id->cert || agree(id->key, id->cert))
			break;
		X509_free(id->cert);
		id->cert = load_cert(next, unused);
		if (agree(id->key, id->cert))
			break;
		identity_fail(id->error, "%s: not the key of %s", id->key_path, id->cert_path);
		X509_free(id->cert);
		id->cert = NULL;
	}
	free(next);
	return id->cert ? 0 : -1;
}

/**
 * identity_lock - keep others from replacing it meanwhile
 * @id: the paths are set; identity_free() unlocks
 *
 * Return: 0, or -1 with @id->error.
 */
int identity_lock(struct identity *id)
{
	const char *path = pki_key_is_uri(id->key_path) ? id->cert_path : id->key_path, *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash - path + 1) : strdup(".");

	id->lock = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (id->lock < 0)
		identity_fail(id->error, "%s: %s", dir ? dir : "", strerror(errno));
	else if (!flock(id->lock, LOCK_EX | LOCK_NB))
		goto out;
	else
		identity_fail(id->error, "%s: another enrolment or renewal is at work there", dir);
	free(dir);
	return -1;
out:
	free(dir);
	return 0;
}

static int move(const char *from, const char *to, char error[IDENTITY_ERROR_LEN])
{
	return rename(from, to) ? identity_fail(error, "%s: %s", to, strerror(errno)) : 0;
}

/* A key in hardware may be out of reach for a while, and is not made by us. */
static bool is_in_hardware(const char *path)
{
	char *text = NULL;
	size_t len = 0;
	bool found = pki_key_is_uri(path);

	if (!found && !file_read(path, IDENTITY_FILE_MAX, &text, &len)) {
		found = pki_key_is_reference(text, len);
		OPENSSL_cleanse(text, len);
	}
	free(text);
	return found;
}

/**
 * identity_settle - finish what a killed process left half done
 * @id: the paths are set, and it is locked
 *
 * Return: 0, or -1 with @id->error.
 */
int identity_settle(struct identity *id)
{
	char *new_key = beside(id->key_path), *new_cert = beside(id->cert_path);
	char unused[IDENTITY_ERROR_LEN];
	EVP_PKEY *key = NULL, *next = NULL;
	X509 *cert = NULL;
	int err = 0;

	if (!new_key || !new_cert) {
		err = identity_fail(id->error, "out of memory");
		goto out;
	}
	cert = load_cert(new_cert, unused);
	next = cert ? identity_key_load(new_key, unused) : NULL;
	key = cert ? identity_key_load(id->key_path, unused) : NULL;
	if (agree(next, cert))
		err = move(new_key, id->key_path, id->error);
	if (!err && (agree(next, cert) || agree(key, cert)))
		err = move(new_cert, id->cert_path, id->error);
	else if (cert && ((!key && is_in_hardware(id->key_path)) || (!next && is_in_hardware(new_key))))
		err = identity_fail(id->error, "%.150s cannot be given its place: is what holds its key there?", new_cert);
	else if (!err)
		unlink(new_cert);
out:
	EVP_PKEY_free(key);
	EVP_PKEY_free(next);
	X509_free(cert);
	free(new_key);
	free(new_cert);
	return err;
}

/**
 * identity_next_key - the key that is to be certified next
 * @id: loaded
 * @rekey: another one, of the same kind; it is on the disk then, or its name is where it is in hardware
 *
 * Return: the key, EVP_PKEY_free(); or NULL with @id->error.
 */
EVP_PKEY *identity_next_key(struct identity *id, bool rekey)
{
	char *path = rekey ? beside(id->key_path) : NULL;
	int kind = identity_key_kind(id->key);
	char unused[IDENTITY_ERROR_LEN];
	EVP_PKEY *key = NULL;

	if (!rekey)
		return EVP_PKEY_up_ref(id->key) ? id->key : NULL;
	if (!path || kind < 0) {
		identity_fail(id->error, path ? "%s: neither a P-256, a P-384 nor an Ed25519 key" :
		     "%s: out of memory", id->key_path);
		goto out;
	}
	key = identity_key_load(path, unused);
	if (key && identity_key_kind(key) == kind && EVP_PKEY_eq(key, id->key) != 1)
		goto out;
	EVP_PKEY_free(key);
	key = NULL;
	if (is_in_hardware(id->key_path)) {
		identity_fail(id->error, "%.90s: the key is in hardware: make the next one there, and write its URI to %.90s",
		     id->key_path, path[0] ? path : "DIR/device.key.new");
		goto out;
	}
	key = pki_key_new(kind);
	if (!key) {
		identity_fail(id->error, "%s: no key can be made", path);
	} else if (identity_key_save(path, key, id->error)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
out:
	free(path);
	return key;
}

/**
 * identity_replace - put the next certificate in the place of the old one
 * @id: loaded and locked
 * @key: of identity_next_key()
 * @cert: of @key
 *
 * Return: 0, or -1 with @id->error; whatever fails, key and certificate agree.
 */
int identity_replace(struct identity *id, EVP_PKEY *key, X509 *cert)
{
	bool same = EVP_PKEY_eq(key, id->key) == 1;
	char *path = beside(same ? id->key_path : id->cert_path);
	int err;

	if (!path)
		return identity_fail(id->error, "out of memory");
	err = identity_cert_save(same ? id->cert_path : path, cert, id->error);
	if (!err && !same)
		err = identity_settle(id);
	else if (!err)
		unlink(path);
	free(path);
	return err;
}

/**
 * identity_free - forget it, and unlock
 * @id: any
 */
void identity_free(struct identity *id)
{
	drop(id);
	if (id->lock >= 0)
		close(id->lock);
	id->lock = -1;
}
