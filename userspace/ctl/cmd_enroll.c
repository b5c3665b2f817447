// SPDX-License-Identifier: GPL-2.0
/* enroll: a device's first certificate. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/remote.h"
#include "lib/file.h"
#include "lib/policy.h"
#include "lib/secret.h"
#include "pki/pki.h"

/**
 * struct words - what the command line says
 * @r: server, deadline
 * @ca: file of whom to trust, or NULL
 * @fingerprint: of the root, where it was given
 * @pinned: @fingerprint was given
 * @name: of the device
 * @token: its secret
 * @token_file: where its secret is read from, or NULL
 * @dir: where everything goes
 * @kind: of the key, enum pki_key, or -1
 * @key: in hardware: its URI, or a file that names it; or NULL
 */
struct words {
	struct remote r;
	uint8_t fingerprint[EST_FINGERPRINT_LEN];
	bool pinned;
	const char *name;
	char token[SECRET_MAX_LEN + 1];
	const char *token_file;
	const char *dir;
	int kind;
	const char *key;
};

static const struct option options[] = {
	{ "server", required_argument, NULL, 's' }, { "fingerprint", required_argument, NULL, 'f' },
	{ "name", required_argument, NULL, 'n' }, { "token", required_argument, NULL, 't' },
	{ "token-file", required_argument, NULL, 'T' }, { "out", required_argument, NULL, 'o' },
	{ "key", required_argument, NULL, 'k' }, REMOTE_OPTIONS
};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_fingerprint(const char *text, uint8_t out[EST_FINGERPRINT_LEN])
{
	size_t n;

	for (n = 0; n < EST_FINGERPRINT_LEN; n++) {
		if (n && *text == ':')
			text++;
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
			return false;
		out[n] = hex_digit(text[0]) << 4 | hex_digit(text[1]);
		text += 2;
	}
	return !*text;
}

static const char *take_token(struct words *w, const char *text, size_t len)
{
	size_t i;

	if (!len || len > SECRET_MAX_LEN)
		return "not 1 to 128 characters";
	for (i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return "a character that no token has";
	memcpy(w->token, text, len);
	w->token[len] = 0;
	return NULL;
}

/* One option; a sentence about what is wrong with it, or NULL. */
static const char *take(struct words *w, int option, char *value)
{
	const char *problem = NULL;

	switch (option) {
	case 's':
		return remote_server(&w->r, value);
	case 'f':
		w->pinned = parse_fingerprint(value, w->fingerprint);
		return w->pinned ? NULL : "not a SHA-256 fingerprint of 64 hexadecimal digits";
	case 'n':
		w->name = value;
		return strlen(value) < PKI_NAME_LEN && cordon_name_is_valid(value, PKI_NAME_LEN) ?
		       NULL : "not a valid name";
	case 't':
		/* Other users see the words of a process: what was read is wiped. */
		problem = take_token(w, value, strlen(value));
		OPENSSL_cleanse(value, strlen(value));
		return problem;
	case 'T':
		w->token_file = value;
		return NULL;
	case 'o':
		w->dir = value;
		return NULL;
	case 'k':
		if (pki_key_is_uri(value) || strchr(value, '/')) {
			w->key = value;
			return NULL;
		}
		w->kind = pki_key_find(value);
		return w->kind < 0 ? "not p256, p384 or ed25519, nor the URI or file of a key in hardware" : NULL;
	}
	return remote_take(&w->r, option, value);
}

static int read_token(struct words *w)
{
	bool standard = !strcmp(w->token_file, "-");
	const char *path = standard ? "/dev/stdin" : w->token_file, *problem;
	char *text = NULL;
	size_t len = 0;
	int err;

	err = file_read(path, 4096, &text, &len);
	if (err)
		return remote_complain(&w->r, w->token_file, strerror(-err));
	problem = take_token(w, text, strcspn(text, "\r\n"));
	OPENSSL_cleanse(text, len);
	free(text);
	return problem ? remote_complain(&w->r, w->token_file, problem) : EXIT_DONE;
}

static int check_words(struct words *w)
{
	const struct command *self = w->r.self;

	if (!w->r.url[0] || !w->name || !w->dir || (!w->token[0] && !w->token_file))
		return usage_error(self, "--server, --name, --token and --out are needed", NULL);
	if (w->token[0] && w->token_file)
		return usage_error(self, "either --token or --token-file", NULL);
	if (w->r.ca && w->pinned)
		return usage_error(self, "either --ca or --fingerprint", NULL);
	if (!w->r.ca && !w->pinned)
		return usage_error(self, "whom to trust? copy the gateway's root certificate "
			"('cordonctl ca export' prints it there) and name it with --ca, or give "
			"the SHA-256 fingerprint of that certificate with --fingerprint", NULL);
	return EXIT_DONE;
}

static int trust(struct words *w)
{
	char error[IDENTITY_ERROR_LEN];

	if (w->pinned)
		return est_bootstrap(&w->r.est, w->fingerprint) == EST_DONE ?
		       EXIT_DONE : remote_failed(&w->r);
	w->r.est.trust = identity_trust_load(w->r.ca, error);
	return w->r.est.trust ? EXIT_DONE : remote_complain(&w->r, NULL, error);
}

/*
 * What names the key becomes the key's file, once the key has signed with it. A file that is there stands, unless it
 * says the same.
 */
static int write_reference(struct words *w, const char *path)
{
	char *text = NULL, *there = NULL, error[IDENTITY_ERROR_LEN];
	size_t len = 0, there_len = 0;
	int err = pki_key_text(w->key, IDENTITY_FILE_MAX, &text, &len);
	EVP_PKEY *key = NULL;

	if (err) {
		remote_complain(&w->r, w->key, strerror(-err));
	} else if (!pki_key_is_reference(text, len)) {
		err = -EINVAL;
		remote_complain(&w->r, w->key, "holds neither the URI of a key in hardware nor a TPM's wrapped key");
	} else if (!file_read(path, IDENTITY_FILE_MAX, &there, &there_len)) {
		err = there_len == len && !memcmp(there, text, len) ? 0 : -EEXIST;
		if (err)
			remote_complain(&w->r, path, "there is another key already");
	} else if (!(key = identity_key_load(w->key, error))) {
		err = -ENOKEY;
		remote_complain(&w->r, NULL, error);
	} else if ((err = file_write(path, text, len, 0600))) {
		remote_complain(&w->r, path, strerror(-err));
	}
	EVP_PKEY_free(key);
	if (text)
		OPENSSL_cleanse(text, len);
	if (there)
		OPENSSL_cleanse(there, there_len);
	free(text);
	free(there);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

/* The key that lies there, so that whoever tries again asks for the same; else a new one. */
static int find_key(struct words *w, struct identity *id)
{
	const char *path = id->key_path;

	if (w->key && write_reference(w, path))
		return EXIT_REFUSED;
	if (!access(path, F_OK) || errno != ENOENT) {
		id->key = identity_key_load(path, id->error);
		if (!id->key)
			return remote_complain(&w->r, NULL, id->error);
		if (w->kind >= 0 && identity_key_kind(id->key) != w->kind)
			return remote_complain(&w->r, path,
					       "there is a key of another kind already");
		return EXIT_DONE;
	}
	id->key = pki_key_new(w->kind < 0 ? PKI_P256 : w->kind);
	if (!id->key)
		return remote_complain(&w->r, path, "no key can be made");
	return identity_key_save(path, id->key, id->error) ?
	       remote_complain(&w->r, NULL, id->error) : EXIT_DONE;
}

/* The certificate comes last: where it is, the rest is. */
static int obtain(struct words *w, struct identity *id, const char *ca_path)
{
	struct remote *r = &w->r;
	STACK_OF(X509) *certs = NULL;
	int ret = EXIT_REFUSED;

	if (est_cacerts(&r->est, &certs) != EST_DONE) {
		remote_failed(r);
		goto out;
	}
	if (remote_obtain(r, id->key, w->name, certs, &id->cert) != EST_DONE)
		goto out;
	if (identity_certs_save(ca_path, certs, id->error) ||
	    identity_cert_save(id->cert_path, id->cert, id->error)) {
		remote_complain(r, NULL, id->error);
		goto out;
	}
	remote_print(r, "enrolled", id->cert, id->cert_path);
	ret = EXIT_DONE;
out:
	sk_X509_pop_free(certs, X509_free);
	return ret;
}

static int enroll(struct words *w)
{
	char *key = remote_path(w->dir, "device.key"), *cert = remote_path(w->dir, "device.crt");
	struct identity id = { .key_path = key, .cert_path = cert, .lock = -1 };
	char *ca = remote_path(w->dir, "ca.crt");
	int ret = EXIT_REFUSED, err;

	w->r.est.user = w->name;
	w->r.est.token = w->token;
	err = key && cert && ca ? file_make_dirs(w->dir, 0755) : -ENOMEM;
	if (err) {
		remote_complain(&w->r, w->dir, strerror(-err));
		goto out;
	}
	if (identity_lock(&id) || identity_settle(&id)) {
		remote_complain(&w->r, NULL, id.error);
		goto out;
	}
	ret = trust(w);
	if (!ret)
		ret = find_key(w, &id);
	if (!ret)
		ret = obtain(w, &id, ca);
out:
	identity_free(&id);
	free(key);
	free(cert);
	free(ca);
	return ret;
}

static int run_enroll(const struct command *self, int argc, char **argv)
{
	struct words w = { .kind = -1 };
	const char *problem;
	int o, ret;

	remote_init(&w.r, self);
	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR) {
			ret = o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
			goto out;
		}
		problem = take(&w, o, optarg);
		if (problem) {
			ret = usage_error(self, problem, o == 't' ? NULL : optarg);
			goto out;
		}
	}
	ret = optind < argc ? usage_error(self, "too many words", argv[optind]) : check_words(&w);
	if (!ret && w.token_file)
		ret = read_token(&w);
	if (!ret)
		ret = enroll(&w);
out:
	OPENSSL_cleanse(w.token, sizeof(w.token));
	remote_free(&w.r);
	return ret;
}

const struct command cmd_enroll = {
	"enroll", "Get this device its first certificate",
	"enroll --server URL --ca FILE --name NAME --token TOKEN --out DIR [OPTION...]\n"
	"enroll --server URL --fingerprint SHA256 --name NAME --token TOKEN --out DIR [OPTION...]",
	"On the device. Writes DIR/device.key, DIR/device.crt and DIR/ca.crt. A key that lies\n"
	"there is used again: an enrolment that broke off is simply repeated.\n\n"
	"  --server URL         https://HOST[:8443]\n"
	"  --ca FILE            root certificate of the gateway, PEM\n"
	"  --fingerprint SHA256 of that root, where there is no file of it yet\n"
	"  --name NAME          of the device, as the policy has it\n"
	"  --token TOKEN        from 'cordonctl device token NAME' on the gateway\n"
	"  --token-file FILE    reads it from a file; -, from standard input\n"
	"  --out DIR            made if it is not there\n"
	"  --key KIND           p256 (default) | p384 | ed25519\n"
	"  --key URI|FILE       a key in a TPM or an HSM: handle:0x81000001 | file of a TPM's wrapped\n"
	"                       key (PEM) | 'pkcs11:token=T;object=O?pin-source=FILE'\n"
	"  --timeout DURATION   for everything, waiting for approval too (default 60s)\n"
	"  --json               print the result as JSON\n",
	run_enroll
};
