// SPDX-License-Identifier: GPL-2.0
/* ca operator: a certificate for a person, who looks at the gateway's page and acts there. */
#include <errno.h>
#include <limits.h>
#include <openssl/pkcs12.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_ca.h"
#include "lib/file.h"

#define DAY		86400
#define ITERATIONS	210000	/* of PBKDF2: what a guess at the passphrase costs */

/**
 * struct operator - a certificate on its way
 * @w: what is asked for
 * @ca: the CA
 * @s: the registry
 * @key: made here; NULL, whoever made the request has it
 * @pub: what is certified
 * @record: as the registry has it
 * @cert: signed
 * @status_url: what it names
 * @passphrase: of NAME.p12
 */
struct operator {
	const struct ca_words *w;
	struct pki_ca ca;
	struct store s;
	EVP_PKEY *key;
	X509_PUBKEY *pub;
	struct store_certificate record;
	X509 *cert;
	char status_url[SERVE_NAME_LEN];
	char passphrase[SECRET_MAX_LEN + 1];
};

/* 'ca revoke NAME' would mean both. */
static bool is_free(struct operator *o)
{
	struct store_device device;
	int err = store_device_get(&o->s, o->w->who, &device);

	if (!err)
		complain(o->w->who, "a device of this name is in the registry");
	else if (err != -ENOENT)
		ca_complain_store(o->w, &o->s);
	return err == -ENOENT;
}

static bool take_csr(struct operator *o)
{
	static const u8 none[6];
	const char *path = o->w->csr;
	struct pki_error why;
	X509_REQ *csr = NULL;
	size_t len = 0;
	u8 *der = NULL;

	if (!ca_read_csr(path, &der, &len))
		return false;
	csr = pki_csr_parse(der, len, &why);
	if (csr && !pki_csr_check(csr, o->record.name, none, NULL, &why))
		o->pub = X509_PUBKEY_dup(X509_REQ_get_X509_PUBKEY(csr));
	else
		complain(path, why.text);
	X509_REQ_free(csr);
	free(der);
	return o->pub;
}

static bool make_key(struct operator *o)
{
	o->key = pki_key_new(PKI_P256);
	if (o->key)
		o->pub = pki_key_public(o->key);
	if (!o->pub)
		complain("ca", "no key can be made");
	return o->pub;
}

/* As OpenSSL decodes its key, which a fresh one's is not. */
static X509 *decoded(X509 *cert)
{
	struct pki_error unused;
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	X509 *out = len > 0 ? pki_cert_parse(der, len, &unused) : NULL;

	OPENSSL_free(der);
	return out;
}

/* AES-256 and SHA-256, as OpenSSL 3 has it by itself. */
static bool write_pkcs12(struct operator *o, const char *path)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new(BIO_s_secmem());
	X509 *cert = decoded(o->cert);
	PKCS12 *p12 = NULL;
	bool good = false;
	char *data;
	long len;

	if (chain && cert && !pki_ca_chain(&o->ca, chain))
		p12 = PKCS12_create(o->passphrase, o->record.name, o->key, cert, chain, 0, 0, ITERATIONS, ITERATIONS, 0);
	if (p12 && bio && i2d_PKCS12_bio(bio, p12)) {
		len = BIO_get_mem_data(bio, &data);
		good = ca_write_file(path, data, len, 0600);
	} else {
		complain(path, "out of memory");
	}
	PKCS12_free(p12);
	X509_free(cert);
	BIO_free(bio);
	sk_X509_free(chain);
	return good;
}

static bool hand_out(struct operator *o)
{
	const char *name = o->record.name;
	char path[PATH_MAX];

	if (!ca_make_place(o->w) || !ca_write_trust(ca_place(o->w, "ca", ".crt", path), &o->ca))
		return false;
	if (o->w->pkcs12)
		return write_pkcs12(o, ca_place(o->w, name, ".p12", path));
	return (!o->key || ca_write_key(ca_place(o->w, name, ".key", path), o->key)) &&
	       ca_write_chain(ca_place(o->w, name, ".crt", path), &o->ca, o->cert);
}

static json_t *json_path(bool there, const char *path)
{
	return there ? json_text(path) : NULL;
}

static void print(const struct operator *o)
{
	char serial[2 * PKI_SERIAL_LEN + 1], from[POLICY_TIME_LEN], until[POLICY_TIME_LEN];
	char fingerprint[CA_FINGERPRINT_LEN], key[PATH_MAX], cert[PATH_MAX], p12[PATH_MAX];
	const struct store_certificate *r = &o->record;
	bool one = o->w->pkcs12;

	pki_serial_text(r->serial, serial);
	policy_time_text(r->not_before, from);
	policy_time_text(r->not_after, until);
	ca_place(o->w, r->name, ".key", key);
	ca_place(o->w, r->name, ".crt", cert);
	ca_place(o->w, r->name, ".p12", p12);
	if (o->w->json)
		json_print(json_pack("{ss ss ss ss ss so* so* so*}", "name", r->name, "serial", serial, "not_before", from,
				     "not_after", until, "fingerprint", ca_fingerprint_text(r->fingerprint, fingerprint),
				     "key", json_path(!one && o->key, key), "certificate", json_path(!one, cert), "pkcs12",
				     json_path(one, p12)));
	else
		printf("operator %s: certificate %s, until %s: %s%s%s\n", r->name, serial, until, one ? p12 : cert,
		       !one && o->key ? ", " : "", !one && o->key ? key : "");
}

static bool issue(struct operator *o)
{
	const time_t wanted = pki_later(time(NULL), (int64_t)o->w->days * DAY);
	struct store_certificate *r = &o->record;
	struct pki_profile profile = { .kind = PKI_OPERATOR, .name = r->name };

	r->kind = PKI_OPERATOR;
	r->not_after = wanted;
	r->not_before = pki_begin(time(NULL), r->not_after);
	if (!is_free(o) || !(o->w->csr ? take_csr(o) : make_key(o)))
		return false;
	if (!ca_certify(o->w, &o->ca, &o->s, o->pub, &profile, r, &o->cert) || !hand_out(o) || !ca_delivered(o->w, &o->s, r))
		return false;
	print(o);
	if (r->not_after < wanted)
		fprintf(stderr, "cordonctl: note: %s: it ends with the CA's issuing certificate, before its %u days\n", r->name,
			o->w->days);
	return true;
}

static bool ask_passphrase(struct operator *o)
{
	return !o->w->pkcs12 ||
	       ca_new_passphrase(o->w->new_passphrase_file, "Passphrase of the file for the browser: ",
				 "give the passphrase on the terminal, twice the same, or --new-passphrase-file", o->w->who,
				 o->passphrase);
}

/**
 * ca_operator - a certificate for an operator
 * @w: for whom
 *
 * Return: an exit status.
 */
int ca_operator(const struct ca_words *w)
{
	struct operator o = { .w = w };
	bool good = false;

	if (strlen(w->who) >= PKI_NAME_LEN || !cordon_name_is_valid(w->who, PKI_NAME_LEN))
		return complain(w->who, "no name that an operator may have: letters, digits, '.', '_' and '-'");
	snprintf(o.record.name, sizeof(o.record.name), "%s", w->who);
	if (!ask_passphrase(&o) || !ca_load(w, true, &o.ca)) {
		OPENSSL_cleanse(o.passphrase, sizeof(o.passphrase));
		return EXIT_REFUSED;
	}
	o.ca.status_url = o.status_url;
	if (ca_take_url(w, o.status_url) && ca_open_registry(w, true, &o.s)) {
		good = issue(&o);
		store_close(&o.s);
	}
	OPENSSL_cleanse(o.passphrase, sizeof(o.passphrase));
	X509_free(o.cert);
	X509_PUBKEY_free(o.pub);
	EVP_PKEY_free(o.key);
	pki_ca_free(&o.ca);
	return good ? EXIT_DONE : EXIT_REFUSED;
}
