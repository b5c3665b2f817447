// SPDX-License-Identifier: GPL-2.0
/* ca issue: a device's certificate by hand, with a key or for a request. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_ca.h"
#include "lib/file.h"

#define DAY		86400
#define CSR_FILE_MAX	16384	/* PEM is a third longer, and openssl(1) puts text before */

/**
 * struct issue - a certificate on its way
 * @w: what is asked for
 * @ca: the CA
 * @s: the registry
 * @key: made here; NULL, the request's device has it
 * @pub: what is certified
 * @record: as the registry has it
 * @cert: signed
 * @status_url: what it names
 */
struct issue {
	const struct ca_words *w;
	struct pki_ca ca;
	struct store s;
	EVP_PKEY *key;
	X509_PUBKEY *pub;
	struct store_certificate record;
	X509 *cert;
	char status_url[SERVE_NAME_LEN];
};

static bool find_mac(const struct ca_words *w, u8 mac[6])
{
	struct cnl_device device;
	struct cnl nl;
	bool found;

	if (w->has_mac) {
		memcpy(mac, w->mac, 6);
		return true;
	}
	if (cnl_open(&nl)) {
		complain_nl(&nl);
		complain(w->who, "its MAC is not known: give it with --mac");
		return false;
	}
	found = !cnl_device_get(&nl, w->who, NULL, &device);
	if (found)
		memcpy(mac, device.def.mac, 6);
	else
		complain_nl(&nl);
	cnl_close(&nl);
	return found;
}

/**
 * ca_read_csr - the DER of a request in a file, or tell why not
 * @path: the file, PEM where it looks like it; otherwise it must be DER
 * @der: free() it, after a failure as well
 * @len: of @der
 */
bool ca_read_csr(const char *path, u8 **der, size_t *len)
{
	unsigned char *data = NULL;
	BIO *bio = NULL;
	long n = 0;
	int err;

	err = file_read(path, CSR_FILE_MAX, (char **)der, len);
	if (err) {
		complain(path, strerror(-err));
		return false;
	}
	bio = BIO_new_mem_buf(*der, (int)*len);
	if (bio && PEM_bytes_read_bio(&data, &n, NULL, PEM_STRING_X509_REQ, bio, NULL, NULL) &&
	    (size_t)n <= *len) {
		memcpy(*der, data, n);
		*len = n;
	}
	OPENSSL_free(data);
	BIO_free(bio);
	ERR_clear_error();
	return true;
}

static bool take_csr(struct issue *i)
{
	const char *path = i->w->csr;
	struct pki_error why;
	X509_REQ *csr = NULL;
	size_t len = 0;
	u8 *der = NULL;
	bool good = false;

	if (!ca_read_csr(path, &der, &len))
		return false;
	csr = pki_csr_parse(der, len, &why);
	if (csr && !pki_csr_check(csr, i->record.name, i->record.mac, NULL, &why))
		good = true;
	else
		complain(path, why.text);
	if (good)
		i->pub = X509_PUBKEY_dup(X509_REQ_get_X509_PUBKEY(csr));
	X509_REQ_free(csr);
	free(der);
	return good && i->pub;
}

static bool make_key(struct issue *i)
{
	i->key = pki_key_new(PKI_P256);
	if (i->key)
		i->pub = pki_key_public(i->key);
	if (!i->pub)
		complain("ca", "no key can be made");
	return i->pub;
}

/* The serial is on the disk before the certificate exists, so that none is unknown. */
static bool reserve(const struct ca_words *w, struct store *s, const X509_PUBKEY *subject,
		    struct store_certificate *r)
{
	pki_serial_new(r->serial);
	if (pki_public_id(subject, r->key_id)) {
		complain("ca", "out of memory");
		return false;
	}
	if (!store_begin(s, true)) {
		if (!store_cert_reserve(s, r) && !store_commit(s))
			return true;
		store_rollback(s);
	}
	ca_complain_store(w, s);
	return false;
}

static bool record_issued(const struct ca_words *w, struct store *s, const X509 *cert, struct store_certificate *r)
{
	unsigned char *der = NULL;
	bool good = false;
	int len;

	len = i2d_X509(cert, &der);
	if (len <= 0 || pki_fingerprint(cert, r->fingerprint) ||
	    pki_validity(cert, &r->not_before, &r->not_after)) {
		complain("ca", "out of memory");
		goto out;
	}
	if (!store_begin(s, true)) {
		good = !store_cert_issued(s, r->serial, der, len, r->fingerprint, r->not_after) &&
		       !store_commit(s);
		if (!good)
			store_rollback(s);
	}
	if (!good)
		ca_complain_store(w, s);
out:
	OPENSSL_free(der);
	return good;
}

/**
 * ca_certify - make a certificate that the registry knows, or tell why not
 * @w: names the registry
 * @ca: with its key
 * @s: the registry
 * @subject: the key that is certified
 * @profile: for whom; serial and dates come from @record
 * @record: kind, name, mac and dates; the rest is filled in
 * @cert: X509_free() it, even on failure
 */
bool ca_certify(const struct ca_words *w, const struct pki_ca *ca, struct store *s, const X509_PUBKEY *subject,
		struct pki_profile *profile, struct store_certificate *record, X509 **cert)
{
	struct pki_error why;

	record->state = STORE_RESERVED;
	if (!reserve(w, s, subject, record))
		return false;
	profile->serial = record->serial;
	profile->not_before = record->not_before;
	profile->not_after = record->not_after;
	*cert = pki_issue(ca, subject, profile, &why);
	if (!*cert)
		complain("ca", why.text);
	return *cert && record_issued(w, s, *cert, record);
}

/**
 * ca_delivered - note that a certificate has reached whom it is for, or tell why not
 * @w: names the registry
 * @s: the registry
 * @record: of the certificate
 */
bool ca_delivered(const struct ca_words *w, struct store *s, const struct store_certificate *record)
{
	if (!store_begin(s, true)) {
		if (!store_cert_delivered(s, record->serial) && !store_commit(s))
			return true;
		store_rollback(s);
	}
	ca_complain_store(w, s);
	return false;
}

/**
 * ca_place - where a file is written that is handed out
 * @w: what the command line says
 * @name: of the file
 * @suffix: of the file
 * @out: filled
 */
const char *ca_place(const struct ca_words *w, const char *name, const char *suffix, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s%s", w->out ? w->out : ".", name, suffix);
	return out;
}

/**
 * ca_make_place - make the directory of ca_place(), or tell why not
 * @w: what the command line says
 */
bool ca_make_place(const struct ca_words *w)
{
	int err = w->out ? file_make_dirs(w->out, 0755) : 0;

	if (err)
		complain(w->out, strerror(-err));
	return !err;
}

/**
 * ca_write_file - write a file, or tell why not
 * @path: the file
 * @data: what is to be in it
 * @len: of @data
 * @mode: of the file
 */
bool ca_write_file(const char *path, const void *data, size_t len, mode_t mode)
{
	int err = file_write(path, data, len, mode);

	if (err)
		complain(path, strerror(-err));
	return !err;
}

static bool write_certs(const char *path, const STACK_OF(X509) *certs)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool good = bio;
	char *text;
	long len;
	int i;

	for (i = 0; good && i < sk_X509_num(certs); i++)
		good = PEM_write_bio_X509(bio, sk_X509_value(certs, i));
	if (good) {
		len = BIO_get_mem_data(bio, &text);
		good = ca_write_file(path, text, len, 0644);
	} else {
		complain(path, "out of memory");
	}
	BIO_free(bio);
	return good;
}

/**
 * ca_write_chain - write a certificate and what leads to it, which whoever trusts a root alone needs
 * @path: the file
 * @ca: whose
 * @cert: the certificate
 */
bool ca_write_chain(const char *path, const struct pki_ca *ca, X509 *cert)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool good;

	good = certs && sk_X509_push(certs, cert) && !pki_ca_chain(ca, certs) && write_certs(path, certs);
	sk_X509_free(certs);
	return good;
}

/**
 * ca_write_trust - write what is to be trusted: as cacerts gives it, but the root first, as some read one certificate
 * @path: the file
 * @ca: the CA
 */
bool ca_write_trust(const char *path, const struct pki_ca *ca)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool good;

	good = certs && !pki_ca_trust(ca, certs);
	if (good) {
		sk_X509_set(certs, 0, ca->root);
		sk_X509_set(certs, 1, ca->issuing);
		good = write_certs(path, certs);
	}
	sk_X509_free(certs);
	return good;
}

/**
 * ca_write_key - write a key, in the clear
 * @path: the file
 * @key: the key
 */
bool ca_write_key(const char *path, EVP_PKEY *key)
{
	size_t len;
	char *pem;
	bool good;

	if (pki_key_pem(key, NULL, &pem, &len)) {
		complain(path, "out of memory");
		return false;
	}
	good = ca_write_file(path, pem, len, 0600);
	OPENSSL_clear_free(pem, len);
	return good;
}

static bool hand_out(struct issue *i)
{
	const char *name = i->record.name;
	char path[PATH_MAX];

	return ca_make_place(i->w) && (!i->key || ca_write_key(ca_place(i->w, name, ".key", path), i->key)) &&
	       ca_write_chain(ca_place(i->w, name, ".crt", path), &i->ca, i->cert) &&
	       ca_write_trust(ca_place(i->w, "ca", ".crt", path), &i->ca);
}

static void print(const struct issue *i)
{
	char serial[2 * PKI_SERIAL_LEN + 1], from[POLICY_TIME_LEN], until[POLICY_TIME_LEN], mac[18];
	char fingerprint[CA_FINGERPRINT_LEN], key[PATH_MAX], cert[PATH_MAX], ca[PATH_MAX];
	const struct store_certificate *r = &i->record;

	pki_serial_text(r->serial, serial);
	policy_time_text(r->not_before, from);
	policy_time_text(r->not_after, until);
	ca_place(i->w, r->name, ".key", key);
	ca_place(i->w, r->name, ".crt", cert);
	ca_place(i->w, "ca", ".crt", ca);
	if (i->w->json)
		json_print(json_pack("{ss ss ss ss ss ss so* so so}", "name", r->name, "mac",
				     policy_mac_text(r->mac, mac), "serial", serial, "not_before",
				     from, "not_after", until, "fingerprint",
				     ca_fingerprint_text(r->fingerprint, fingerprint), "key",
				     i->key ? json_text(key) : NULL, "certificate", json_text(cert), "ca",
				     json_text(ca)));
	else
		printf("%s (%s): certificate %s, until %s: %s%s%s\n", r->name,
		       policy_mac_text(r->mac, mac), serial, until, cert, i->key ? ", " : "",
		       i->key ? key : "");
}

static bool issue(struct issue *i)
{
	const time_t wanted = pki_later(time(NULL), (int64_t)i->w->days * DAY);
	struct store_certificate *r = &i->record;
	struct pki_profile profile = { .kind = PKI_DEVICE, .name = r->name, .mac = r->mac };

	r->kind = PKI_DEVICE;
	r->not_after = wanted;
	r->not_before = pki_begin(time(NULL), r->not_after);
	if (!find_mac(i->w, r->mac) || !(i->w->csr ? take_csr(i) : make_key(i)))
		return false;
	if (!ca_certify(i->w, &i->ca, &i->s, i->pub, &profile, r, &i->cert) || !hand_out(i) ||
	    !ca_delivered(i->w, &i->s, r))
		return false;
	print(i);
	if (r->not_after < wanted)
		fprintf(stderr, "cordonctl: note: %s: it ends with the CA's issuing certificate, before its %u days\n",
			r->name, i->w->days);
	return true;
}

static bool is_same_directory(const char *a, const char *b)
{
	char *x = realpath(a, NULL), *y = realpath(b, NULL);
	bool same = x && y && !strcmp(x, y);

	free(x);
	free(y);
	return same;
}

/**
 * ca_take_url - what a certificate is to name, as the server would: it is in the certificate from the start, or never
 * @w: names serve.yaml, or the CA that the default one has to be of
 * @url: filled; may be empty
 *
 * Return: false, told why.
 */
bool ca_take_url(const struct ca_words *w, char url[SERVE_NAME_LEN])
{
	struct serve_config *c = calloc(1, sizeof(*c));
	bool good;

	if (!c)
		return !complain("ca", "out of memory");
	url[0] = 0;
	good = !serve_config_load(w->config, c, stderr);
	if (good && (w->config || is_same_directory(c->ca, w->dir)))
		snprintf(url, SERVE_NAME_LEN, "%s", c->status_url);
	free(c);
	return good;
}

/**
 * ca_issue - a certificate for a device, by hand
 * @w: for whom
 *
 * Return: an exit status.
 */
int ca_issue(const struct ca_words *w)
{
	struct issue i = { .w = w };
	bool good = false;

	if (strlen(w->who) >= PKI_NAME_LEN || !cordon_name_is_valid(w->who, PKI_NAME_LEN))
		return complain(w->who, "no name that a device may have");
	snprintf(i.record.name, sizeof(i.record.name), "%s", w->who);
	if (!ca_load(w, true, &i.ca))
		return EXIT_REFUSED;
	i.ca.status_url = i.status_url;
	if (ca_take_url(w, i.status_url) && ca_open_registry(w, true, &i.s)) {
		good = issue(&i);
		store_close(&i.s);
	}
	X509_free(i.cert);
	X509_PUBKEY_free(i.pub);
	EVP_PKEY_free(i.key);
	pki_ca_free(&i.ca);
	return good ? EXIT_DONE : EXIT_REFUSED;
}
