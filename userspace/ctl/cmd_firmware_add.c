// SPDX-License-Identifier: GPL-2.0
/* firmware add, firmware remove: what is stored, verified first. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/cmd_firmware.h"
#include "lib/file.h"

#define CERTS_MAX	65536	/* bytes of a file of certificates */
#define PEM_MAX		(2 * FIRMWARE_SIGNATURE_MAX)

/**
 * struct adding - a release on its way
 * @w: what the command line says
 * @s: the registry
 * @r: the release
 * @signature: DER
 * @signature_len: of @signature
 * @anchors: who may have signed it
 */
struct adding {
	const struct firmware_words *w;
	struct store s;
	struct firmware_release r;
	u8 *signature;
	size_t signature_len;
	STACK_OF(X509) *anchors;
};

/* PEM where it looks like it; otherwise it must be DER. */
static bool unwrap(char *text, size_t *len)
{
	BIO *bio = BIO_new_mem_buf(text, (int)*len);
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	bool good = true;
	long n = 0;

	if (bio && PEM_read_bio(bio, &name, &header, &data, &n)) {
		good = (!strcmp(name, PEM_STRING_CMS) || !strcmp(name, PEM_STRING_PKCS7)) && (size_t)n <= *len;
		if (good) {
			memcpy(text, data, n);
			*len = n;
		}
	}
	ERR_clear_error();
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	BIO_free(bio);
	return good;
}

static bool read_signature(struct adding *a)
{
	char *beside = NULL, *text = NULL;
	const char *path = a->w->signature;
	int err = 0;

	if (!path && asprintf(&beside, "%s.p7s", a->w->word[0]) > 0)
		path = beside;
	err = path ? file_read(path, PEM_MAX, &text, &a->signature_len) : -ENOMEM;
	a->signature = (u8 *)text;
	if (err == -ENOENT && beside)
		complain(a->w->word[0], "it is not signed: there is no FILE.p7s, and no --signature");
	else if (err)
		complain(path ? path : a->w->word[0], err == -EFBIG ? "too large for a signature" : strerror(-err));
	else if (!unwrap(text, &a->signature_len))
		err = complain(path, "PEM, but of something else than a signature");
	else if (!a->signature_len || a->signature_len > FIRMWARE_SIGNATURE_MAX)
		err = complain(path, a->signature_len ? "too large for a signature" : "it is empty");
	free(beside);
	return !err;
}

static bool trust(STACK_OF(X509) *anchors, X509 *cert)
{
	if (cert && sk_X509_push(anchors, cert) > 0)
		return true;
	X509_free(cert);
	return false;
}

/* A vendor's certificates, or those of its CA. */
static bool read_signer(STACK_OF(X509) *anchors, const char *path)
{
	struct pki_error why = { "no certificate in it" };
	char *text = NULL;
	size_t len = 0;
	BIO *bio;
	int err;

	err = file_read(path, CERTS_MAX, &text, &len);
	if (err) {
		complain(path, err == -EFBIG ? "too large for certificates" : strerror(-err));
		return false;
	}
	bio = BIO_new_mem_buf(text, (int)len);
	while (bio && trust(anchors, PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		;
	BIO_free(bio);
	ERR_clear_error();
	if (!sk_X509_num(anchors) && !memmem(text, len, "-----BEGIN", 10))
		trust(anchors, pki_cert_parse((const u8 *)text, len, &why));
	if (!sk_X509_num(anchors))
		complain(path, why.text);
	free(text);
	return sk_X509_num(anchors);
}

/* The root, and the ones before it: what they led to when it was signed, they lead to still. */
static bool read_ca(STACK_OF(X509) *anchors, const char *dir)
{
	struct pki_error why;
	struct pki_ca ca;
	bool good;
	int i, err;

	err = pki_ca_load(dir, false, NULL, &ca, &why);
	if (err) {
		complain("ca", why.text);
		if (err == -ENOENT)
			fputs("'cordonctl ca init' makes a CA; what a vendor has signed needs --signer.\n", stderr);
		return false;
	}
	good = X509_up_ref(ca.root) && trust(anchors, ca.root);
	for (i = 0; good && i < sk_X509_num(ca.others); i++) {
		X509 *other = sk_X509_value(ca.others, i);

		if (X509_get_extension_flags(other) & EXFLAG_SS)
			good = X509_up_ref(other) && trust(anchors, other);
	}
	pki_ca_free(&ca);
	return good;
}

static bool name_release(struct adding *a)
{
	const char *path = a->w->word[0], *slash = strrchr(path, '/');
	const char *name = a->w->file ? a->w->file : slash ? slash + 1 : path;
	struct firmware_release *r = &a->r;

	if (!firmware_file_is_valid(name)) {
		complain(path, "not a file name for devices: letters, digits and ._+~-; give one with --file");
		return false;
	}
	snprintf(r->model, sizeof(r->model), "%s", a->w->model);
	snprintf(r->version, sizeof(r->version), "%s", a->w->version);
	snprintf(r->file, sizeof(r->file), "%s", name);
	snprintf(r->notes, sizeof(r->notes), "%s", a->w->notes ? a->w->notes : "");
	r->percent = a->w->percent < 0 ? 100 : a->w->percent;
	r->stop_after = a->w->stop_after < 0 ? FIRMWARE_FAILURES : a->w->stop_after;
	r->paused = a->w->pause;
	r->added = time(NULL);
	return true;
}

/* The same that the registry would say in the end, before gigabytes are copied. */
static bool may_come(struct adding *a)
{
	char why[STORE_ERROR_LEN];
	struct firmware_release same;
	struct firmware_floor floor;

	if (!store_release_find(&a->s, a->r.model, a->r.version, &same))
		snprintf(why, sizeof(why), "model '%s' has version %s already", a->r.model, same.version);
	else if (!store_floor_get(&a->s, a->r.model, &floor) &&
		 firmware_version_compare(a->r.version, floor.version) < 0)
		snprintf(why, sizeof(why), "version %s is below the floor of model '%s', %s", a->r.version,
			 a->r.model, floor.version);
	else
		return true;
	complain(a->w->word[0], why);
	return false;
}

/* The certificate that a signature goes along with, if it is the signer's; its serial, when it is one of ours. */
static bool signer_serial(const struct adding *a, u8 serial[PKI_SERIAL_LEN])
{
	const u8 *at = a->signature;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)a->signature_len);
	STACK_OF(CMS_SignerInfo) *signers = cms ? CMS_get0_SignerInfos(cms) : NULL;
	STACK_OF(X509) *certs = cms ? CMS_get1_certs(cms) : NULL;
	bool found = false;
	int i;

	for (i = 0; sk_CMS_SignerInfo_num(signers) == 1 && i < sk_X509_num(certs) && !found; i++)
		found = !CMS_SignerInfo_cert_cmp(sk_CMS_SignerInfo_value(signers, 0), sk_X509_value(certs, i)) &&
			!pki_serial(sk_X509_value(certs, i), serial);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return found;
}

/* Of our CA the registry knows which certificates hold no longer; a vendor's it does not. */
static bool is_revoked(struct adding *a)
{
	struct store_certificate cert;
	u8 serial[PKI_SERIAL_LEN];

	if (a->w->signer || !signer_serial(a, serial) || store_cert_get(&a->s, serial, &cert, NULL, NULL) ||
	    cert.state != STORE_REVOKED)
		return false;
	complain(a->w->word[0], "the signer's certificate was revoked");
	return true;
}

/* Of the copy: what is checked is what is served. */
static bool verify(struct adding *a)
{
	struct pki_error why;
	int err, fd;

	fd = firmware_file_open(a->w->directory, a->r.hashes.sha256);
	if (fd < 0) {
		complain(a->w->directory, strerror(-fd));
		return false;
	}
	err = pki_cms_verify(a->signature, a->signature_len, fd, a->anchors, a->r.added, a->r.signer,
			     sizeof(a->r.signer), &why);
	close(fd);
	if (err)
		complain(a->w->word[0], why.text);
	return !err && !is_revoked(a);
}

/* The row is committed last: until then nobody knows of the file. */
static bool record(struct adding *a)
{
	struct pki_error why;
	int err;

	err = store_begin(&a->s, true);
	if (!err)
		err = store_release_add(&a->s, &a->r);
	if (!err) {
		err = firmware_signature_put(a->w->directory, a->r.hashes.sha256, a->signature,
					     a->signature_len, &why);
		if (err)
			snprintf(a->s.error, sizeof(a->s.error), "%s", why.text);
	}
	if (!err)
		err = store_commit(&a->s);
	if (!err)
		return true;
	store_rollback(&a->s);
	complain(a->w->word[0], a->s.error);
	return false;
}

static bool copy(struct adding *a)
{
	int fd = open(a->w->word[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct pki_error why;
	int err;

	if (fd < 0) {
		complain(a->w->word[0], strerror(errno));
		return false;
	}
	err = firmware_file_add(a->w->directory, fd, &a->r.size, &a->r.hashes, &why);
	close(fd);
	if (err)
		complain(a->w->word[0], why.text);
	return !err;
}

static int needed(const uint8_t sha256[32], void *arg)
{
	return store_release_has_file(arg, sha256);
}

/* Whatever is refused leaves nothing, unless another release has the same file. */
static bool store_it(struct adding *a)
{
	int lock = firmware_lock(a->w), err;
	bool good;

	if (lock < 0)
		return false;
	err = firmware_dir_sweep(a->w->directory, needed, &a->s);
	if (err) {
		complain(a->w->directory, strerror(-err));
		close(lock);
		return false;
	}
	good = may_come(a) && copy(a);
	if (good && !(verify(a) && record(a))) {
		good = false;
		if (!store_release_has_file(&a->s, a->r.hashes.sha256))
			firmware_file_remove(a->w->directory, a->r.hashes.sha256);
	}
	close(lock);
	return good;
}

/**
 * firmware_add - verify a release, store it, and offer it from now on
 * @w: what the command line says
 *
 * Return: an exit status.
 */
int firmware_add(const struct firmware_words *w)
{
	struct adding a = { .w = w };
	int ret = EXIT_REFUSED;

	if (!w->model || !w->version)
		return usage_error(w->self, "add needs --model and --version", NULL);
	a.anchors = sk_X509_new_null();
	if (a.anchors && name_release(&a) && read_signature(&a) &&
	    (w->signer ? read_signer(a.anchors, w->signer) : read_ca(a.anchors, w->ca)) &&
	    firmware_registry(w, true, &a.s)) {
		if (store_it(&a))
			ret = firmware_print_release(w, &a.s, a.r.id);
		store_close(&a.s);
	}
	free(a.signature);
	sk_X509_pop_free(a.anchors, X509_free);
	return ret;
}

/**
 * firmware_remove - forget a release
 * @w: which
 *
 * Return: an exit status.
 */
int firmware_remove(const struct firmware_words *w)
{
	struct firmware_release r;
	int lock, err, ret = EXIT_REFUSED;
	struct store s;

	if (!firmware_registry(w, false, &s))
		return EXIT_REFUSED;
	lock = firmware_lock(w);
	if (lock >= 0 && firmware_find(w, &s, &r)) {
		if (store_release_remove(&s, r.id))
			ret = firmware_complain(w, &s);
		else
			ret = EXIT_DONE;
	}
	/* The row first: what is cut short here is swept away by the next add. */
	if (ret == EXIT_DONE && !store_release_has_file(&s, r.hashes.sha256)) {
		err = firmware_file_remove(w->directory, r.hashes.sha256);
		if (err)
			ret = complain(w->directory, strerror(-err));
	}
	if (ret == EXIT_DONE)
		firmware_warn_stranded(&s, r.model);
	if (lock >= 0)
		close(lock);
	store_close(&s);
	return ret;
}
