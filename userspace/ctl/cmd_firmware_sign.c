// SPDX-License-Identifier: GPL-2.0
/* firmware sign: a release's signature, by a certificate of our CA or by one's own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ctl/cmd_ca.h"
#include "lib/file.h"

#define DAY		86400
#define CODE_NAME	"firmware signing"	/* no device's: a space is in it */
#define CODE_LIFE	(365 * DAY)
#define CODE_LEFT	(30 * DAY)		/* with less than that, there is another */
#define CERT_FILE_MAX	65536

/**
 * struct signing - a signature on its way
 * @w: where the CA and the registry are
 * @file: that is signed
 * @out: where the signature goes, or NULL
 * @key_file: of one's own, or NULL
 * @cert_file: of one's own, or NULL
 * @key: that signs
 * @cert: of @key
 * @chain: goes along
 */
struct signing {
	struct ca_words w;
	const char *file;
	const char *out;
	const char *key_file;
	const char *cert_file;
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) *chain;
};

enum { O_OUT, O_KEY, O_CERT, O_CA, O_REGISTRY, O_PASSPHRASE, O_JSON };

static const struct option options[] = {
	{ "out", required_argument, NULL, O_OUT }, { "key", required_argument, NULL, O_KEY },
	{ "cert", required_argument, NULL, O_CERT }, { "ca", required_argument, NULL, O_CA },
	{ "registry", required_argument, NULL, O_REGISTRY },
	{ "passphrase-file", required_argument, NULL, O_PASSPHRASE },
	{ "json", no_argument, NULL, O_JSON }, { "help", no_argument, NULL, OPTION_HELP }, { }
};

static bool out_of_memory(void)
{
	complain("firmware", "out of memory");
	return false;
}

static bool keep(struct signing *s, X509 *cert)
{
	if (sk_X509_push(s->chain, cert))
		return true;
	X509_free(cert);
	return out_of_memory();
}

/* The first certificate is the signer's, what follows goes along. */
static bool load_own_certs(struct signing *s)
{
	char *pem = NULL;
	size_t len = 0;
	X509 *cert;
	BIO *bio;
	int err;

	err = file_read(s->cert_file, CERT_FILE_MAX, &pem, &len);
	if (err)
		return complain(s->cert_file, strerror(-err)), false;
	bio = BIO_new_mem_buf(pem, (int)len);
	s->cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	while (s->cert && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (!keep(s, cert))
			break;
	ERR_clear_error();
	BIO_free(bio);
	free(pem);
	if (!s->cert)
		complain(s->cert_file, "holds no certificate (PEM)");
	return s->cert;
}

static bool load_own_key(struct signing *s)
{
	char passphrase[SECRET_MAX_LEN + 1] = "", *pem = NULL;
	struct pki_error why;
	size_t len = 0;
	int err;

	err = pki_key_text(s->key_file, CERT_FILE_MAX, &pem, &len);
	if (err)
		return complain(s->key_file, strerror(-err)), false;
	s->key = pki_key_parse(pem, len, NULL, &why);
	if (!s->key && errno == ENOKEY && ca_passphrase(&s->w, "Passphrase of the key: ", passphrase))
		s->key = pki_key_parse(pem, len, passphrase, &why);
	explicit_bzero(passphrase, sizeof(passphrase));
	explicit_bzero(pem, len);
	free(pem);
	if (!s->key)
		complain(s->key_file, why.text);
	return s->key;
}

/* 1, it may be used; 0, it was revoked, or the registry does not know it; -1, told why not. */
static int is_known(const struct signing *s, struct store *store, const X509 *cert)
{
	struct store_certificate record;
	u8 serial[PKI_SERIAL_LEN];
	int err;

	if (pki_serial(cert, serial))
		return 0;
	err = store_cert_get(store, serial, &record, NULL, NULL);
	if (err && err != -ENOENT) {
		ca_complain_store(&s->w, store);
		return -1;
	}
	return !err && record.kind == PKI_CODE &&
	       (record.state == STORE_ISSUED || record.state == STORE_DELIVERED);
}

static void forget(struct signing *s)
{
	X509_free(s->cert);
	EVP_PKEY_free(s->key);
	s->cert = NULL;
	s->key = NULL;
}

/* 1, there is one that may be used; 0, there is none; -1, told why not. */
static int load_code(struct signing *s, struct store *store, const struct pki_ca *ca,
		     char passphrase[SECRET_MAX_LEN + 1])
{
	time_t now = time(NULL);
	struct pki_error why;
	int err, ret;

	err = pki_code_load(s->w.dir, passphrase[0] ? passphrase : NULL, &s->cert, &s->key, &why);
	if (err == -ENOKEY) {
		if (!ca_passphrase(&s->w, "Passphrase of the CA's key: ", passphrase))
			return -1;
		err = pki_code_load(s->w.dir, passphrase, &s->cert, &s->key, &why);
	}
	if (err == -ENOENT)
		return 0;
	if (err) {
		complain("firmware", why.text);
		return -1;
	}
	ret = pki_code_is_good(ca, s->cert, now, now + CODE_LEFT) ? is_known(s, store, s->cert) : 0;
	if (ret <= 0)
		forget(s);
	return ret;
}

/* As OpenSSL decodes its key, which a fresh one's is not. */
static bool reread(X509 **cert)
{
	unsigned char *der = NULL;
	struct pki_error why;
	int len = i2d_X509(*cert, &der);
	X509 *again = len > 0 ? pki_cert_parse(der, len, &why) : NULL;

	OPENSSL_free(der);
	X509_free(*cert);
	*cert = again;
	return again || out_of_memory();
}

/* On the CA's curve, or on P-256: CMS has no Ed25519 with OpenSSL 3.0. */
static enum pki_key kind_of(const struct pki_ca *ca)
{
	return EVP_PKEY_is_a(ca->key, "EC") && EVP_PKEY_get_bits(ca->key) > 256 ? PKI_P384 : PKI_P256;
}

static bool issue_code(struct signing *s, struct store *store, const struct pki_ca *ca, const char *passphrase)
{
	struct store_certificate record = { .kind = PKI_CODE, .name = CODE_NAME };
	struct pki_profile profile = { .kind = PKI_CODE, .name = CODE_NAME };
	X509_PUBKEY *pub = NULL;
	struct pki_error why;
	bool good = false;

	record.not_after = pki_later(time(NULL), CODE_LIFE);
	record.not_before = pki_begin(time(NULL), record.not_after);
	s->key = pki_key_new(kind_of(ca));
	pub = s->key ? pki_key_public(s->key) : NULL;
	if (!pub)
		complain("firmware", "no key can be made");
	else
		good = ca_certify(&s->w, ca, store, pub, &profile, &record, &s->cert) && reread(&s->cert);
	if (good && pki_code_save(s->w.dir, passphrase[0] ? passphrase : NULL, s->cert, s->key, &why)) {
		complain("firmware", why.text);
		good = false;
	}
	X509_PUBKEY_free(pub);
	return good && ca_delivered(&s->w, store, &record);
}

/* For devices that know the root of now, or one of before. */
static bool keep_chain(struct signing *s, const struct pki_ca *ca)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	bool good = chain && !pki_ca_chain(ca, chain);
	int i;

	for (i = 0; good && i < sk_X509_num(chain); i++)
		good = X509_up_ref(sk_X509_value(chain, i)) && keep(s, sk_X509_value(chain, i));
	sk_X509_free(chain);
	return good || out_of_memory();
}

static bool obtain(struct signing *s, struct store *store)
{
	char passphrase[SECRET_MAX_LEN + 1] = "";
	struct pki_ca ca = { }, full = { };
	bool good = false;
	int found;

	if (!ca_load(&s->w, false, &ca))
		return false;
	found = load_code(s, store, &ca, passphrase);
	if (!found && ca_load_passphrase(&s->w, true, &full, passphrase)) {
		good = issue_code(s, store, &full, passphrase);
		pki_ca_free(&full);
	}
	explicit_bzero(passphrase, sizeof(passphrase));
	if (found > 0 || good)
		good = keep_chain(s, &ca);
	pki_ca_free(&ca);
	return good;
}

/* One at a time, or there would be two certificates and one file. */
static bool load_ours(struct signing *s)
{
	int lock = open(s->w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store store;
	bool good = false;

	if (lock >= 0 && flock(lock, LOCK_EX)) {
		complain(s->w.dir, strerror(errno));
	} else if (ca_open_registry(&s->w, true, &store)) {
		good = obtain(s, &store);
		store_close(&store);
	}
	if (lock >= 0)
		close(lock);
	return good;
}

static void print(const struct signing *s, const char *path)
{
	char serial[2 * PKI_SERIAL_LEN + 1] = "", until[POLICY_TIME_LEN], subject[PKI_NAME_LEN * 2];
	u8 number[PKI_SERIAL_LEN];
	time_t from = 0, to = 0;

	pki_validity(s->cert, &from, &to);
	if (!pki_serial(s->cert, number))
		pki_serial_text(number, serial);
	policy_time_text(to, until);
	pki_subject_text(s->cert, subject, sizeof(subject));
	if (s->w.json)
		json_print(json_pack("{so so so ss* ss}", "file", json_text(s->file), "signature",
				     json_text(path), "signer", json_text(subject), "serial", serial[0] ? serial : NULL, "not_after", until));
	else
		printf("%s: signed by %s, whose certificate ends %s\n", path, subject, until);
}

static bool sign(struct signing *s)
{
	int fd = open(s->file, O_RDONLY | O_CLOEXEC), err;
	char path[PATH_MAX];
	struct pki_error why;
	uint8_t *der = NULL;
	size_t len = 0;

	if (fd < 0)
		return complain(s->file, strerror(errno)), false;
	snprintf(path, sizeof(path), "%s%s", s->out ? s->out : s->file, s->out ? "" : ".p7s");
	err = pki_cms_sign(s->cert, s->key, s->chain, fd, &der, &len, &why);
	close(fd);
	if (err)
		return complain(err == -EPERM && s->cert_file ? s->cert_file : s->file, why.text), false;
	err = file_write(path, der, len, 0644);
	OPENSSL_free(der);
	if (err)
		return complain(path, strerror(-err)), false;
	print(s, path);
	return true;
}

static const char *take(struct signing *s, int option, char *value)
{
	const char **text[] = {
		[O_OUT] = &s->out, [O_KEY] = &s->key_file, [O_CERT] = &s->cert_file, [O_CA] = &s->w.dir,
		[O_REGISTRY] = &s->w.registry, [O_PASSPHRASE] = &s->w.passphrase_file,
	};

	if (option == O_JSON) {
		s->w.json = true;
		return NULL;
	}
	*text[option] = value;
	return value[0] ? NULL : "empty";
}

/**
 * firmware_sign - firmware sign FILE
 * @self: the command
 * @argc: words, of which the first is "sign"
 * @argv: the words
 *
 * Return: an exit status.
 */
int firmware_sign(const struct command *self, int argc, char **argv)
{
	struct signing s = { .w = { .dir = PKI_CA_DIR, .registry = STORE_PATH } };
	const char *problem;
	bool good = false;
	int o;

	optind = 0;
	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		problem = take(&s, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	if (argc - optind != 1)
		return usage_error(self, optind < argc ? "too many words" : "which file?",
				   optind < argc ? argv[optind + 1] : NULL);
	if (!s.key_file != !s.cert_file)
		return usage_error(self, "--key and --cert come together", NULL);
	s.file = argv[optind];
	s.chain = sk_X509_new_null();
	if (!s.chain)
		out_of_memory();
	else if (s.key_file)
		good = load_own_certs(&s) && load_own_key(&s);
	else
		good = load_ours(&s);
	good = good && sign(&s);
	sk_X509_pop_free(s.chain, X509_free);
	forget(&s);
	return good ? EXIT_DONE : EXIT_REFUSED;
}
