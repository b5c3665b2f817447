// SPDX-License-Identifier: GPL-2.0
/* ca export --hostapd: the files that hostapd and FreeRADIUS need for 802.1X. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/cmd_ca.h"
#include "eapol/eapol.h"
#include "lib/file.h"

#define SERVER_NAME	"cordon-8021x"	/* what supplicants may ask for: domain_match */
#define SERVER_DAYS	398
#define DAY		86400
#define RADIUS_GROUP	"freerad"	/* whom Debian's freeradius runs as */
#define PEM_MAX		65536
#define TOKEN_FILE	"token"

/**
 * struct out - where files go
 * @w: what is asked for
 * @ca: with its key
 * @s: the registry
 * @secret: between hostapd and FreeRADIUS
 * @token: by which FreeRADIUS' answers are known
 */
struct out {
	const struct ca_words *w;
	struct pki_ca ca;
	struct store s;
	char secret[EAPOL_TOKEN_LEN];
	char token[EAPOL_TOKEN_LEN];
};

static const char *place(const struct out *o, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", o->w->hostapd, name);
	return path;
}

static bool write_file(const struct out *o, const char *name, const void *data, size_t len, mode_t mode)
{
	char path[PATH_MAX];
	int err = file_write(place(o, name, path), data, len, mode);

	if (err)
		complain(path, strerror(-err));
	return !err;
}

/* Secrets go with it. */
static bool write_text(const struct out *o, const char *name, char *text, mode_t mode)
{
	bool good = text && write_file(o, name, text, strlen(text), mode);

	if (!text)
		complain(name, "out of memory");
	else
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	return good;
}

/* Its mode and group are about to change: that must not be done to /etc. The token is the first file of an export. */
static bool dir_is_ours(const char *path)
{
	DIR *dir = opendir(path);
	bool empty = true, ours = false;
	struct dirent *e;

	if (!dir)
		return errno == ENOENT;
	while ((e = readdir(dir))) {
		empty = empty && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."));
		ours = ours || !strncmp(e->d_name, TOKEN_FILE, strlen(TOKEN_FILE));
	}
	closedir(dir);
	return empty || ours;
}

/* FreeRADIUS reads as a user of its own; files get the directory's group. */
static bool make_dir(const struct ca_words *w)
{
	const struct group *group = getgrnam(RADIUS_GROUP);
	int err;

	if (!dir_is_ours(w->hostapd)) {
		complain(w->hostapd, "is neither empty nor a directory that an export has made");
		return false;
	}
	err = file_make_dirs(w->hostapd, 0750);
	if (!err && group && chown(w->hostapd, -1, group->gr_gid))
		err = -errno;
	if (!err && group && chmod(w->hostapd, 02750))
		err = -errno;
	if (err) {
		complain(w->hostapd, strerror(-err));
		return false;
	}
	if (!group)
		fputs("cordonctl: note: there is no group " RADIUS_GROUP ": once freeradius is installed, export again, or "
		      "it cannot read these files\n", stderr);
	return true;
}

/* The one that is there is kept: hostapd, FreeRADIUS and the helper go on with it. */
static bool keep_or_make(const struct out *o, const char *name, char word[EAPOL_TOKEN_LEN])
{
	unsigned char bytes[EAPOL_TOKEN_DIGITS / 2];
	char path[PATH_MAX];
	int err = eapol_token_read(place(o, name, path), word);
	size_t i;

	if (!err)
		return true;
	if (err != -ENOENT) {
		complain(path, err == -EINVAL ? "not what 'cordonctl ca export --hostapd' wrote: remove it" : strerror(-err));
		return false;
	}
	if (RAND_priv_bytes(bytes, sizeof(bytes)) != 1) {
		complain("ca", "no random numbers");
		return false;
	}
	for (i = 0; i < sizeof(bytes); i++)
		snprintf(word + 2 * i, 3, "%02x", bytes[i]);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return write_file(o, name, word, EAPOL_TOKEN_DIGITS, 0600);
}

static bool put_certs(BIO *bio, const STACK_OF(X509) *certs)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++)
		if (!PEM_write_bio_X509(bio, sk_X509_value(certs, i)))
			return false;
	return true;
}

static bool write_bio(const struct out *o, const char *name, BIO *bio, mode_t mode)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	return len > 0 && write_file(o, name, text, len, mode);
}

/* It certifies devices: it is no root, and there is no other CA below it. */
static bool is_issuing(const STACK_OF(X509) *certs, X509 *cert)
{
	int i;

	if (X509_self_signed(cert, 0) == 1)
		return false;
	for (i = 0; i < sk_X509_num(certs); i++)
		if (sk_X509_value(certs, i) != cert && X509_check_issued(cert, sk_X509_value(certs, i)) == X509_V_OK)
			return false;
	return true;
}

/* An anchor for clients, though it is not self-signed: OpenSSL asks for nothing above one with such a note. */
static bool put_anchor(BIO *bio, X509 *cert)
{
	ASN1_OBJECT *client = OBJ_nid2obj(NID_client_auth);
	X509 *anchor = X509_dup(cert);
	bool good = anchor && X509_add1_trust_object(anchor, client) == 1 && PEM_write_bio_X509_AUX(bio, anchor) == 1;

	X509_free(anchor);
	return good;
}

/*
 * The issuing certificates alone. The registry knows a certificate by its serial number here, and only our own CA gives
 * each once: by way of the root, another CA below it could give one of them again.
 */
static bool put_anchors(BIO *bio, const STACK_OF(X509) *certs)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++)
		if (is_issuing(certs, sk_X509_value(certs, i)) && !put_anchor(bio, sk_X509_value(certs, i)))
			return false;
	return true;
}

/* What a device's certificate is held against, and what is revoked. */
static bool write_trust(struct out *o)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *bio = BIO_new(BIO_s_mem());
	char *crl = NULL;
	size_t len = 0;
	bool good = false;

	if (!certs || !bio || pki_ca_trust(&o->ca, certs) || !put_anchors(bio, certs))
		complain("ca", "out of memory");
	else if (!ca_crl_renew(o->w, &o->s, &crl, &len))
		good = BIO_write(bio, crl, (int)len) == (int)len && write_bio(o, "ca.pem", bio, 0640);
	free(crl);
	BIO_free(bio);
	sk_X509_free(certs);
	return good;
}

/* The certificate of the last export, if it is this CA's and good for some time, with its key. */
static bool server_is_good(const struct out *o)
{
	time_t from, until;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	char path[PATH_MAX], *text = NULL;
	BIO *bio = NULL;
	size_t len = 0;
	bool good;

	if (file_read(place(o, "server.pem", path), PEM_MAX, &text, &len))
		return false;
	bio = BIO_new_mem_buf(text, (int)len);
	if (bio)
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (cert && BIO_reset(bio) >= 0)
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	good = cert && key && X509_check_private_key(cert, key) == 1 && !pki_validity(cert, &from, &until) &&
	       !pki_ends_soon(from, until, time(NULL)) &&
	       X509_verify(cert, X509_get0_pubkey(o->ca.issuing)) == 1;
	ERR_clear_error();
	EVP_PKEY_free(key);
	X509_free(cert);
	BIO_free(bio);
	OPENSSL_cleanse(text, len);
	free(text);
	return good;
}

static bool write_server(struct out *o, X509 *cert, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool good;

	good = bio && certs && sk_X509_push(certs, cert) && !pki_ca_chain(&o->ca, certs) && put_certs(bio, certs) &&
	       PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	if (!good)
		complain("ca", "out of memory");
	good = good && write_bio(o, "server.pem", bio, 0640);
	sk_X509_free(certs);
	BIO_free(bio);
	return good;
}

/* Certificate and key in one file, so that they cannot disagree. */
static bool make_server(struct out *o)
{
	const time_t now = time(NULL), wanted = pki_later(now, (int64_t)SERVER_DAYS * DAY);
	struct store_certificate record = { .kind = PKI_SERVER, .name = SERVER_NAME };
	const char *names[] = { SERVER_NAME };
	struct pki_profile profile = { .kind = PKI_SERVER, .name = SERVER_NAME, .names = names, .n_names = 1 };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	X509_PUBKEY *pub = key ? pki_key_public(key) : NULL;
	X509 *cert = NULL;
	bool good;

	record.not_before = pki_begin(now, wanted);
	record.not_after = wanted;
	if (!pub)
		complain("ca", "no key can be made");
	good = pub && ca_certify(o->w, &o->ca, &o->s, pub, &profile, &record, &cert) && write_server(o, cert, key) &&
	       ca_delivered(o->w, &o->s, &record);
	X509_free(cert);
	X509_PUBKEY_free(pub);
	EVP_PKEY_free(key);
	return good;
}

static const char *port_file(const char *port, char name[PATH_MAX])
{
	snprintf(name, PATH_MAX, "hostapd-%s.conf", port);
	return name;
}

static bool write_ports(const struct out *o)
{
	char name[PATH_MAX];
	int i;

	for (i = 0; i < o->w->n_ports; i++)
		if (!write_text(o, port_file(o->w->ports[i], name), eapol_hostapd_conf(o->w->ports[i], o->secret), 0600))
			return false;
	return true;
}

/* The certificate of before may have been written when there was no FreeRADIUS, and no group to read it. */
static bool share_server(const struct out *o)
{
	char path[PATH_MAX];
	struct stat dir;

	if (!stat(o->w->hostapd, &dir) && !lchown(place(o, "server.pem", path), -1, dir.st_gid))
		return true;
	complain(o->w->hostapd, strerror(errno));
	return false;
}

/* What is there is what a command before has made, or the whole of this one. */
static bool write_all(struct out *o)
{
	return keep_or_make(o, TOKEN_FILE, o->token) && keep_or_make(o, "radius.secret", o->secret) && write_trust(o) &&
	       (server_is_good(o) ? share_server(o) : make_server(o)) &&
	       write_text(o, "radiusd.conf", eapol_radiusd_conf(o->w->hostapd, o->secret, o->token), 0640) && write_ports(o);
}

/* Into a configuration, where a blank or a brace would be more than a name. */
static const char *check_word(const char *word, const char *more)
{
	for (; *word; word++)
		if (!isalnum((unsigned char)*word) && !strchr(more, *word))
			return word;
	return NULL;
}

static bool check_words(const struct ca_words *w)
{
	int i;

	for (i = 0; i < w->n_ports; i++)
		if (!w->ports[i][0] || strlen(w->ports[i]) >= IF_NAMESIZE || w->ports[i][0] == '.' ||
		    check_word(w->ports[i], "._-@:")) {
			complain(w->ports[i], "not a name of an interface");
			return false;
		}
	if (w->hostapd[0] != '/' || check_word(w->hostapd, "/._-") || strlen(w->hostapd) > PATH_MAX - 64) {
		complain(w->hostapd, "FreeRADIUS needs it as an absolute path, of letters, digits and ._-/ alone");
		return false;
	}
	return true;
}

static void print(const struct ca_words *w)
{
	json_t *ports = json_array();
	char name[PATH_MAX];
	int i;

	for (i = 0; i < w->n_ports; i++)
		json_array_append_new(ports, json_string(port_file(w->ports[i], name)));
	if (w->json) {
		json_print(json_pack("{ss ss ss ss so}", "directory", w->hostapd, "ca", "ca.pem", "radiusd", "radiusd.conf",
				     "token", "token", "hostapd", ports));
		return;
	}
	json_decref(ports);
	printf("%s: ca.pem, server.pem, radiusd.conf, token", w->hostapd);
	for (i = 0; i < w->n_ports; i++)
		printf(", %s", port_file(w->ports[i], name));
	printf("\nRestart freeradius and hostapd. cordonctl(8), 802.1X, says how they are started.\n");
}

/**
 * ca_export_hostapd - write what hostapd and FreeRADIUS need
 * @w: directory and ports
 *
 * Secrets, and the server's certificate while it is good, stay what they are.
 *
 * Return: an exit status.
 */
int ca_export_hostapd(const struct ca_words *w)
{
	struct out o = { .w = w };
	bool good;

	if (!check_words(w) || !ca_load(w, true, &o.ca))
		return EXIT_REFUSED;
	if (o.ca.revoked)
		complain("ca", "the issuing certificate was revoked, or one above it; with what was exported before, FreeRADIUS "
			 "goes on taking its certificates: stop it until the CA was rolled over");
	good = !o.ca.revoked && ca_open_registry(w, true, &o.s);
	if (good) {
		good = make_dir(w) && write_all(&o);
		store_close(&o.s);
	}
	pki_ca_free(&o.ca);
	OPENSSL_cleanse(o.secret, sizeof(o.secret));
	OPENSSL_cleanse(o.token, sizeof(o.token));
	if (good)
		print(w);
	return good ? EXIT_DONE : EXIT_REFUSED;
}
