// SPDX-License-Identifier: GPL-2.0
/*
 * An issuing CA below a root that is not here, second half: the chain that came for the key that waits (ca_request.c)
 * is checked as those check it who will be shown a certificate below it, and put in force by one rename.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"
#include "make.h"

#define FILE_CERTS	16	/* certificates in a file that are looked at */
#define AUTH_LEVEL	2	/* OpenSSL's: 112 bits, so RSA of 2048, SHA-256 */
#define DAY		86400

/**
 * struct import - a chain on its way
 * @w: the work; its key is the one that waits, its root the one that was found
 * @what: came in
 * @all: certificates of the file
 * @roots: those that may be the chain's: of the file, named, or the present CA's
 * @old: the present CA, at a roll-over; zeroed, there is none
 * @next: it is a roll-over
 * @ca: as it is going to be: issuing and between are @all's, root is @roots'
 */
struct import {
	struct pki_work w;
	const struct pki_import *what;
	STACK_OF(X509) *all;
	STACK_OF(X509) *roots;
	struct pki_ca old;
	bool next;
	struct pki_ca ca;
};

static int out_of_memory(const struct import *i)
{
	return pki_fail(i->w.err, -ENOMEM, "out of memory");
}

static bool keep(STACK_OF(X509) *list, X509 *cert)
{
	if (!X509_up_ref(cert))
		return false;
	if (sk_X509_push(list, cert))
		return true;
	X509_free(cert);
	return false;
}

static bool has(const STACK_OF(X509) *list, const X509 *cert)
{
	int n;

	for (n = 0; n < sk_X509_num(list); n++)
		if (!X509_cmp(sk_X509_value(list, n), cert))
			return true;
	return false;
}

/* One more of the file; one that is there twice counts once. */
static int take(struct import *i, X509 *cert)
{
	if (has(i->all, cert))
		return 0;
	if (sk_X509_num(i->all) == FILE_CERTS)
		return pki_fail(i->w.err, -E2BIG, "more than %d certificates", FILE_CERTS);
	if (!keep(i->all, cert) || (X509_self_signed(cert, 1) == 1 && !keep(i->roots, cert)))
		return out_of_memory(i);
	return 0;
}

static int read_all(struct import *i)
{
	BIO *bio = i->what->len <= INT_MAX ? BIO_new_mem_buf(i->what->pem, (int)i->what->len) : NULL;
	int ret = bio ? 0 : out_of_memory(i);
	X509 *cert = NULL;

	ERR_clear_error();
	while (!ret && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		ret = take(i, cert);
		X509_free(cert);
	}
	BIO_free(bio);
	if (!ret && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		ret = pki_fail(i->w.err, -EINVAL, "certificate %d cannot be read (PEM)", sk_X509_num(i->all) + 1);
	if (!ret && !sk_X509_num(i->all))
		ret = pki_fail(i->w.err, -EINVAL, "holds no certificate (PEM); what is in PKCS#7 comes out by 'openssl "
			       "pkcs7 -print_certs'");
	if (!ret && ((i->what->root && !keep(i->roots, i->what->root)) || (i->next && !keep(i->roots, i->old.root))))
		ret = out_of_memory(i);
	ERR_clear_error();
	return ret;
}

/* The one of the key that waits; two of it would leave open which is meant. */
static int find_own(struct import *i)
{
	int n, found = 0;

	for (n = 0; n < sk_X509_num(i->all); n++) {
		X509 *cert = sk_X509_value(i->all, n);
		EVP_PKEY *key = X509_get0_pubkey(cert);

		if (!key || EVP_PKEY_eq(key, i->w.key) != 1)
			continue;
		i->ca.issuing = cert;
		found++;
	}
	ERR_clear_error();
	if (found == 1)
		return 0;
	return found ? pki_fail(i->w.err, -EINVAL, "%d certificates of the key that waits: which one?", found) :
	       pki_fail(i->w.err, -EPERM, "no certificate in it is of the key that waits in %.120s/" PKI_REQUEST_DIR,
			i->w.dir);
}

static X509 *find_issuer(const struct import *i, const STACK_OF(X509) *list, X509 *cert)
{
	int n;

	for (n = 0; n < sk_X509_num(list); n++) {
		X509 *issuer = sk_X509_value(list, n);
		EVP_PKEY *key = X509_get0_pubkey(issuer);

		if (issuer != i->ca.issuing && !has(i->ca.intermediates, issuer) && key &&
		    X509_check_issued(issuer, cert) == X509_V_OK && X509_verify(cert, key) == 1)
			return issuer;
	}
	return NULL;
}

static int refuse_orphan(const struct import *i, X509 *cert)
{
	char whose[PKI_QUOTE_LEN], by[PKI_QUOTE_LEN];

	pki_subject_text(cert, whose, sizeof(whose));
	pki_name_text(X509_get_issuer_name(cert), by, sizeof(by));
	return pki_fail(i->w.err, -EPERM, "'%s' was signed by '%s', which is not in it, or may not sign certificates; "
			"a root alone may be named with --root-cert", whose, by);
}

/* From the issuing certificate to a root, each signed by the next. */
static int climb(struct import *i)
{
	X509 *at = i->ca.issuing, *up;

	while (!i->ca.root) {
		i->ca.root = find_issuer(i, i->roots, at);
		if (i->ca.root)
			break;
		up = find_issuer(i, i->all, at);
		if (!up)
			return refuse_orphan(i, at);
		if (sk_X509_num(i->ca.intermediates) == PKI_CHAIN_MAX - 2)
			return pki_fail(i->w.err, -E2BIG, "a chain of more than %d certificates", PKI_CHAIN_MAX);
		if (!sk_X509_push(i->ca.intermediates, up))
			return out_of_memory(i);
		at = up;
	}
	ERR_clear_error();
	return 0;
}

/* What ours must be able to do, as far as OpenSSL would not say it of what is below. */
static int check_own(const struct import *i)
{
	X509 *own = i->ca.issuing;
	struct pki_error *err = i->w.err;

	if (!(X509_get_extension_flags(own) & EXFLAG_CA))
		return pki_fail(err, -EPERM, "the certificate of our key is not a CA's (RFC 5280, 4.2.1.9)");
	if (!(X509_get_key_usage(own) & KU_KEY_CERT_SIGN))
		return pki_fail(err, -EPERM, "the certificate of our key may not sign certificates (RFC 5280, 4.2.1.3)");
	if (!(X509_get_key_usage(own) & KU_CRL_SIGN))
		return pki_fail(err, -EPERM, "the certificate of our key may not sign revocation lists (RFC 5280, 4.2.1.3)");
	if (!X509_get0_subject_key_id(own))
		return pki_fail(err, -EPERM, "the certificate of our key has no SKI (RFC 5280, 4.2.1.2)");
	if (i->next && !X509_NAME_cmp(X509_get_subject_name(own), X509_get_subject_name(i->old.issuing)) &&
	    !X509_cmp(own, i->old.issuing))
		return pki_fail(err, -EEXIST, "it is the certificate of the present CA");
	return 0;
}

/* A certificate as it is going to be issued, for a device or for the server. */
static X509 *sample(const struct import *i, enum pki_kind kind)
{
	static const char *const names[] = { "gateway" };
	static const uint8_t mac[6] = { 2 };
	const struct pki_ca ca = { .issuing = i->ca.issuing, .key = i->w.key };
	X509_PUBKEY *pub = pki_key_public(i->w.key);
	uint8_t serial[PKI_SERIAL_LEN];
	const struct pki_profile profile = {
		.kind = kind, .name = "device", .mac = mac, .names = names, .n_names = 1, .serial = serial,
		.not_before = i->what->now - 1, .not_after = i->what->now + DAY,
	};
	unsigned char *der = NULL;
	X509 *cert, *read = NULL;
	int len;

	pki_serial_new(serial);
	cert = pub ? pki_issue(&ca, pub, &profile, i->w.err) : NULL;
	len = cert ? i2d_X509(cert, &der) : 0;
	if (len > 0)
		read = pki_cert_parse(der, len, i->w.err);
	OPENSSL_free(der);
	X509_free(cert);
	X509_PUBKEY_free(pub);
	return read;
}

/* By OpenSSL, from the root: dates, path lengths, signatures and their strength, extensions that nobody knows. */
static int verify(const struct import *i, X509 *cert, STACK_OF(X509) *chain)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	char name[PKI_QUOTE_LEN] = "?";
	int ret = 0;
	X509 *at;

	if (!ctx || !store || !X509_STORE_add_cert(store, i->ca.root) ||
	    !X509_STORE_CTX_init(ctx, store, cert, chain)) {
		ret = out_of_memory(i);
		goto out;
	}
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	X509_STORE_CTX_set_time(ctx, 0, i->what->now);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx), AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(ctx), PKI_CHAIN_MAX);
	if (X509_verify_cert(ctx) == 1)
		goto out;
	at = X509_STORE_CTX_get_current_cert(ctx);
	if (at)
		pki_subject_text(at, name, sizeof(name));
	ret = pki_fail(i->w.err, -EPERM, "devices would not be trusted: '%s': %s", name,
		       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
out:
	X509_STORE_free(store);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ret;
}

/* The server's names are its configuration's: of them the purpose alone is known here. */
static int prove(const struct import *i)
{
	STACK_OF(X509) *chain = sk_X509_dup(i->ca.intermediates);
	struct pki_error why = { "out of memory" };
	X509 *device = sample(i, PKI_DEVICE);
	int ret = device ? 0 : -EPERM;

	if (!ret && (!chain || !sk_X509_push(chain, i->ca.issuing)))
		ret = out_of_memory(i);
	if (!ret) {
		ret = pki_chain_allows(&i->ca, device, PKI_DEVICE, &why);
		if (!ret)
			ret = pki_chain_purpose(&i->ca, PKI_SERVER, &why);
		if (ret)
			pki_fail(i->w.err, ret, "%s", why.text);
	}
	if (!ret)
		ret = verify(i, device, chain);
	sk_X509_free(chain);
	X509_free(device);
	return ret;
}

static int write_intermediates(const struct import *i)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n, ret = bio ? 0 : out_of_memory(i);
	char *text;
	long len;

	for (n = 0; !ret && n < sk_X509_num(i->ca.intermediates); n++)
		if (!PEM_write_bio_X509(bio, sk_X509_value(i->ca.intermediates, n)))
			ret = pki_fail_ssl(i->w.err, "chain cannot be written");
	len = BIO_get_mem_data(bio, &text);
	if (!ret && len > 0)
		ret = pki_work_write(&i->w, PKI_CHAIN_FILE, text, len, 0644);
	BIO_free(bio);
	return ret;
}

static int write_all(const struct import *i)
{
	int ret = pki_work_write_cert(&i->w, "root.crt", i->ca.root);

	if (!ret)
		ret = pki_work_write_cert(&i->w, "issuing.crt", i->ca.issuing);
	if (!ret)
		ret = write_intermediates(i);
	return ret ? ret : pki_work_link(&i->w, PKI_REQUEST_DIR "/issuing.key", "issuing.key", true);
}

/* In the place of the directory in which the key waited, by one rename. */
static int place_first(struct import *i)
{
	static const char *const known[] = { PKI_REQUEST_DIR, NULL };
	int ret = pki_work_temp(&i->w, ".new");

	if (!ret)
		ret = write_all(i);
	if (!ret)
		ret = pki_work_link_rest(&i->w, known);
	if (!ret)
		ret = pki_work_place(&i->w, i->w.dir, RENAME_EXCHANGE);
	if (!ret)
		pki_tree_remove(i->w.temp);
	return ret;
}

/* Published to follow, by one rename; who is killed before the request goes leaves one that nobody asks for. */
static int place_next(struct import *i)
{
	char path[PATH_MAX + 64];
	int ret = pki_work_temp(&i->w, "/next.new");

	if (!ret)
		ret = write_all(i);
	snprintf(path, sizeof(path), "%s/next", i->w.dir);
	if (!ret)
		ret = pki_work_place(&i->w, path, 0);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/" PKI_REQUEST_DIR, i->w.dir);
	pki_tree_remove(path);
	return file_sync_dir(i->w.dir) ? pki_fail(i->w.err, -EIO, "%.200s: cannot be synchronized", i->w.dir) : 0;
}

static int load(struct import *i)
{
	char path[PATH_MAX + 64];
	int ret;

	snprintf(path, sizeof(path), "%s/" PKI_REQUEST_DIR, i->w.dir);
	ret = pki_key_load(path, "issuing.key", i->what->passphrase, &i->w.key, i->w.err);
	if (ret == -ENOENT)
		return pki_fail(i->w.err, ret, "no key waits in %.120s: 'cordonctl ca init --csr-out FILE' makes one",
				path);
	if (ret)
		return ret;
	ret = pki_ca_load(i->w.dir, false, NULL, &i->old, i->w.err);
	if (ret)
		return ret == -EINPROGRESS ? 0 : ret;
	i->next = true;
	if (i->old.next)
		return pki_fail(i->w.err, -EALREADY, "%.150s/next: a next CA is published already: activate it",
				i->w.dir);
	return 0;
}

/* Its root, its issuing certificate and what is between come to those that devices are given. */
static int check_room(const struct import *i)
{
	return i->next ? pki_work_room(&i->w, &i->old, 2 + sk_X509_num(i->ca.intermediates)) : 0;
}

/**
 * pki_ca_import - put the chain in force that came for the key that waits
 * @dir: of the CA; where it has one already, what is imported is published to follow
 * @what: the chain
 * @err: why not
 *
 * Return: 0; 1, it is published; with @err, and @dir as it was: -ENOENT, no key waits; -ENOKEY, -EKEYREJECTED, as of
 * pki_ca_load(); -EINVAL, not a chain; -EPERM, one that would not do; -E2BIG; -EALREADY, one is published; -errno.
 */
int pki_ca_import(const char *dir, const struct pki_import *what, struct pki_error *err)
{
	const struct pki_ca_plan plan = { .now = what->now };
	struct import i = { .w = { .plan = &plan, .lock = -1, .err = err }, .what = what };
	int ret = pki_work_begin(&i.w, dir);

	i.all = sk_X509_new_null();
	i.roots = sk_X509_new_null();
	i.ca.intermediates = sk_X509_new_null();
	if (!ret && (!i.all || !i.roots || !i.ca.intermediates))
		ret = out_of_memory(&i);
	if (!ret)
		ret = load(&i);
	if (!ret)
		ret = read_all(&i);
	if (!ret)
		ret = find_own(&i);
	if (!ret)
		ret = climb(&i);
	if (!ret)
		ret = check_room(&i);
	if (!ret)
		ret = check_own(&i);
	if (!ret)
		ret = prove(&i);
	if (!ret)
		ret = i.next ? place_next(&i) : place_first(&i);
	pki_work_end(&i.w, ret);
	sk_X509_free(i.ca.intermediates);
	sk_X509_pop_free(i.roots, X509_free);
	sk_X509_pop_free(i.all, X509_free);
	pki_ca_free(&i.old);
	return ret ? ret : i.next;
}
