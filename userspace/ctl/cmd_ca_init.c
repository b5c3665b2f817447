// SPDX-License-Identifier: GPL-2.0
/* ca init, ca export: a new CA, and what others need to trust it. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_ca.h"
#include "lib/file.h"

#define NAME_DEFAULT	"cordon"
#define PEM_MAX		65536

static void subject_text(const X509 *cert, char out[128])
{
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, 128) < 0)
		X509_NAME_oneline(X509_get_subject_name(cert), out, 128);
}

static json_t *json_cert(X509 *cert)
{
	char fingerprint[CA_FINGERPRINT_LEN], from_text[POLICY_TIME_LEN], until_text[POLICY_TIME_LEN];
	u8 digest[PKI_FINGERPRINT_LEN] = { 0 };
	BIO *bio = BIO_new(BIO_s_mem());
	char subject[128], *pem;
	json_t *out = NULL;
	long len;

	subject_text(cert, subject);
	if (bio && PEM_write_bio_X509(bio, cert) && !pki_fingerprint(cert, digest)) {
		len = BIO_get_mem_data(bio, &pem);
		out = json_pack("{so ss ss ss ss%}", "subject", json_text(subject), "not_before",
				pki_time_text(X509_get0_notBefore(cert), from_text), "not_after",
				pki_time_text(X509_get0_notAfter(cert), until_text), "fingerprint",
				ca_fingerprint_text(digest, fingerprint), "pem", pem, (size_t)len);
	}
	BIO_free(bio);
	return out;
}

/* From the root's side; NULL, nothing is between. */
static json_t *json_intermediates(const struct pki_ca *ca)
{
	json_t *list = ca->intermediates ? json_array() : NULL;
	int i;

	for (i = list ? sk_X509_num(ca->intermediates) : 0; i > 0; i--)
		json_array_append_new(list, json_cert(sk_X509_value(ca->intermediates, i - 1)));
	return list;
}

static void print_cert(const char *what, X509 *cert, const char *mark, bool pem)
{
	char fingerprint[CA_FINGERPRINT_LEN], end[POLICY_TIME_LEN], subject[128];
	u8 digest[PKI_FINGERPRINT_LEN] = { 0 };

	subject_text(cert, subject);
	pki_fingerprint(cert, digest);
	printf("%s%s: %s, until %s\n%sSHA-256 %s\n", mark, what, subject,
	       pki_time_text(X509_get0_notAfter(cert), end), mark, ca_fingerprint_text(digest, fingerprint));
	if (pem)
		PEM_write_X509(stdout, cert);
}

/**
 * ca_print - print the certificates of the CA, and of the one that is published to follow
 * @w: names it
 * @pem: the certificates themselves as well
 *
 * Return: an exit status.
 */
int ca_print(const struct ca_words *w, bool pem)
{
	struct pki_ca ca;
	int i;

	if (!ca_load(w, false, &ca))
		return EXIT_REFUSED;
	if (w->json) {
		json_print(json_pack("{so so* so so*}", "root", json_cert(ca.root), "intermediates",
				     json_intermediates(&ca), "issuing", json_cert(ca.issuing), "next_root",
				     ca.next ? json_cert(ca.next) : NULL));
	} else {
		print_cert("root", ca.root, pem ? "# " : "", pem);
		for (i = ca.intermediates ? sk_X509_num(ca.intermediates) : 0; i > 0; i--)
			print_cert("intermediate", sk_X509_value(ca.intermediates, i - 1), pem ? "# " : "", pem);
		print_cert("issuing", ca.issuing, pem ? "# " : "", pem);
		if (ca.next)
			print_cert("next root", ca.next, pem ? "# " : "", pem);
	}
	pki_ca_free(&ca);
	return EXIT_DONE;
}

/**
 * ca_export - print the certificates of the CA
 * @w: --der, the root alone, as there is no two of them in DER
 *
 * Return: an exit status.
 */
int ca_export(const struct ca_words *w)
{
	unsigned char *der = NULL;
	struct pki_ca ca;
	int len;

	if (w->hostapd)
		return ca_export_hostapd(w);
	if (!w->der)
		return ca_print(w, true);
	if (isatty(STDOUT_FILENO))
		return complain("ca", "DER is not for a terminal");
	if (!ca_load(w, false, &ca))
		return EXIT_REFUSED;
	len = i2d_X509(ca.root, &der);
	if (len > 0)
		fwrite(der, 1, len, stdout);
	OPENSSL_free(der);
	pki_ca_free(&ca);
	return len > 0 ? EXIT_DONE : EXIT_REFUSED;
}

/**
 * ca_read_cert - a root's certificate, or tell why not
 * @path: of its PEM
 * @out: X509_free() it
 */
bool ca_read_cert(const char *path, X509 **out)
{
	char *text = NULL;
	BIO *bio = NULL;
	size_t len;
	int err = file_read(path, PEM_MAX, &text, &len);

	if (!err)
		bio = BIO_new_mem_buf(text, (int)len);
	if (bio)
		*out = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	free(text);
	ERR_clear_error();
	if (!*out)
		complain(path, err ? strerror(-err) : "holds no certificate (PEM)");
	return *out;
}

/* A sentence about a URI begins with it. */
static void ca_complain_key(const char *word, const struct pki_error *why)
{
	complain(pki_key_is_uri(word) ? "ca" : word, why->text);
}

/* Told why there is none. */
static bool read_key_text(const char *word, char **text, size_t *len)
{
	int err = pki_key_reference(word, PEM_MAX, text, len);

	if (err)
		complain(word, strerror(-err));
	return !err;
}

/**
 * ca_read_key - a root's key, or tell why not
 * @path: of its PEM, or the URI of one in hardware
 * @passphrase: of the CA's keys, which need not be this one's: the terminal is asked then. No token is tried with it
 * @out: EVP_PKEY_free() it
 */
bool ca_read_key(const char *path, const char *passphrase, EVP_PKEY **out)
{
	char asked[SECRET_MAX_LEN + 1] = "", prompt[PATH_MAX + 32], *text = NULL;
	struct pki_error why;
	size_t len = 0;
	bool hardware;

	if (!read_key_text(path, &text, &len))
		return false;
	hardware = pki_key_is_reference(text, len);
	*out = pki_key_parse(text, len, hardware ? NULL : passphrase, &why);
	if (!*out && (errno == ENOKEY || (errno == EKEYREJECTED && !hardware))) {
		snprintf(prompt, sizeof(prompt), "%s of %s: ", hardware ? "PIN" : "Passphrase", path);
		if (!EVP_read_pw_string(asked, SECRET_MAX_LEN, prompt, 0))
			*out = pki_key_parse(text, len, asked, &why);
	}
	if (!*out)
		ca_complain_key(path, &why);
	explicit_bzero(asked, sizeof(asked));
	explicit_bzero(text, len);
	free(text);
	return *out;
}

/*
 * A key in hardware that the CA keeps to: its PIN is the passphrase, if there is one, as it will be whenever the key
 * is used. *reference: what names the key; free() it.
 */
static bool read_reference(const char *word, const char *passphrase, char **reference, EVP_PKEY **out)
{
	char asked[SECRET_MAX_LEN + 1] = "", prompt[PATH_MAX + 32];
	struct pki_error why;
	size_t len = 0;

	if (!read_key_text(word, reference, &len))
		return false;
	if (!pki_key_is_reference(*reference, len)) {
		explicit_bzero(*reference, len);
		return complain(word, "holds neither the URI of a key in hardware nor a TPM's wrapped key"), false;
	}
	*out = pki_key_parse(*reference, len, passphrase, &why);
	if (!*out && errno == ENOKEY) {
		snprintf(prompt, sizeof(prompt), "PIN of %.*s: ", (int)strcspn(word, "?"), word);
		if (!EVP_read_pw_string(asked, SECRET_MAX_LEN, prompt, 0))
			*out = pki_key_parse(*reference, len, asked, &why);
	}
	explicit_bzero(asked, sizeof(asked));
	if (!*out)
		ca_complain_key(word, &why);
	return *out;
}

/**
 * ca_crl_after - renew the revocation list after the CA has changed
 * @w: the directory and the registry; where there is no registry, nothing is revoked
 *
 * Return: an exit status.
 */
int ca_crl_after(const struct ca_words *w)
{
	struct store s;
	int ret;

	if (access(w->registry, F_OK))
		return EXIT_DONE;
	if (!ca_open_registry(w, false, &s))
		return EXIT_REFUSED;
	ret = ca_crl_renew(w, &s, NULL, NULL);
	store_close(&s);
	return ret;
}

static int make(const struct ca_words *w, const struct pki_ca_plan *plan)
{
	struct pki_error why;

	if (pki_ca_make(w->dir, plan, &why))
		return complain("ca", why.text);
	ca_warn(w->dir);
	return ca_print(w, false);
}

/* The passphrase of what is made; its file must hold a good one. */
static bool take_passphrase(const struct ca_words *w, struct pki_ca_plan *plan, char passphrase[SECRET_MAX_LEN + 1])
{
	char why[SECRET_WHY_LEN];

	if (!w->passphrase_file)
		return true;
	if (!ca_passphrase(w, NULL, passphrase))
		return false;
	plan->passphrase = passphrase;
	return !secret_check(passphrase, plan->name, NULL, why) || (complain(w->passphrase_file, why), false);
}

/* The root that is imported, or the key in hardware of the one that is made: *reference, free() it. */
static bool take_root(const struct ca_words *w, struct pki_ca_plan *plan, char **reference)
{
	if (w->root_cert)
		return ca_read_cert(w->root_cert, &plan->root) && ca_read_key(w->root_key, plan->passphrase, &plan->root_key);
	return !w->root_key || read_reference(w->root_key, plan->passphrase, reference, &plan->root_key);
}

/* A CA whose key is in hardware does not come to have one in a file because nobody said otherwise. */
static bool may_roll(const struct ca_words *w)
{
	char path[PATH_MAX], *text = NULL;
	bool hardware = false;
	size_t len = 0;

	if (!w->rollover || w->key_given)
		return true;
	if (snprintf(path, sizeof(path), "%s/issuing.key", w->dir) < (int)sizeof(path) &&
	    !file_read(path, PEM_MAX, &text, &len)) {
		hardware = pki_key_is_reference(text, len);
		explicit_bzero(text, len);
	}
	free(text);
	if (hardware)
		complain("ca", "the present issuing key is in hardware: say where the next one's is with --key URI, or that "
			 "it is a file with --key p256");
	return !hardware;
}

/**
 * ca_init - make a CA, or take a step to the next one
 * @w: which
 *
 * Return: an exit status.
 */
int ca_init(const struct ca_words *w)
{
	struct pki_ca_plan plan = {
		.name = w->name, .key = w->key, .names = w->names, .n_names = w->n_names, .now = time(NULL),
	};
	char passphrase[SECRET_MAX_LEN + 1] = "", *issuing = NULL, *root = NULL;
	int ret = EXIT_REFUSED;

	if (w->activate)
		return ca_activate(w);
	if (!plan.name && !w->rollover)
		plan.name = NAME_DEFAULT;
	if (may_roll(w) && take_passphrase(w, &plan, passphrase) && take_root(w, &plan, &root) &&
	    (!w->issuing || read_reference(w->issuing, plan.passphrase, &issuing, &plan.issuing_key)) &&
	    (!w->old_root_key || ca_read_key(w->old_root_key, plan.passphrase, &plan.old_root_key))) {
		plan.root_reference = root;
		plan.issuing_reference = issuing;
		ret = w->csr_out ? ca_request(w, &plan, passphrase) :
		      w->rollover ? ca_publish(w, &plan, passphrase) : make(w, &plan);
	}
	explicit_bzero(passphrase, sizeof(passphrase));
	free(root);
	free(issuing);
	EVP_PKEY_free(plan.issuing_key);
	EVP_PKEY_free(plan.old_root_key);
	EVP_PKEY_free(plan.root_key);
	X509_free(plan.root);
	return ret;
}
