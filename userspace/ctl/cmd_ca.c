// SPDX-License-Identifier: GPL-2.0
/* ca: the gateway's own CA. */
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_ca.h"
#include "ctl/credential.h"
#include "lib/file.h"

#define DAYS_DEFAULT	90
#define DAYS_MAX	3650
#define PORTS_MAX	64

/**
 * ca_fingerprint_text - a fingerprint as people compare it
 * @digest: SHA-256
 * @out: upper case, colons between
 *
 * Return: @out.
 */
const char *ca_fingerprint_text(const u8 digest[PKI_FINGERPRINT_LEN], char out[CA_FINGERPRINT_LEN])
{
	int i;

	for (i = 0; i < PKI_FINGERPRINT_LEN; i++)
		snprintf(out + 3 * i, 4, "%02X%s", digest[i],
			 i + 1 < PKI_FINGERPRINT_LEN ? ":" : "");
	return out;
}

static bool passphrase_from_file(const char *path, char out[SECRET_MAX_LEN + 1])
{
	char *text = NULL;
	size_t len = 0, n;
	int err = file_read(path, SECRET_MAX_LEN + 2, &text, &len);

	if (err) {
		complain(path, err == -EFBIG ? "a passphrase is at most 128 bytes, on one line" :
			 strerror(-err));
		return false;
	}
	n = strcspn(text, "\r\n");
	if (n && n <= SECRET_MAX_LEN && n + strspn(text + n, "\r\n") == len)
		snprintf(out, SECRET_MAX_LEN + 1, "%.*s", (int)n, text);
	else
		complain(path, "must be a passphrase of 1 to 128 bytes, on one line");
	explicit_bzero(text, len);
	free(text);
	return out[0];
}

/**
 * ca_passphrase - the passphrase of a key
 * @w: where it may be
 * @prompt: for the terminal, where there is no file
 * @out: where to; explicit_bzero() it
 *
 * Return: false, there is none; told why.
 */
bool ca_passphrase(const struct ca_words *w, const char *prompt, char out[SECRET_MAX_LEN + 1])
{
	char path[PATH_MAX];

	out[0] = 0;
	if (w->passphrase_file)
		return passphrase_from_file(w->passphrase_file, out);
	if (credential_find(CREDENTIAL_PASSPHRASE, path))
		return passphrase_from_file(path, out);
	if (!EVP_read_pw_string(out, SECRET_MAX_LEN, prompt, 0) && out[0])
		return true;
	complain("ca", "the key needs a passphrase: give it on the terminal, or --passphrase-file");
	return false;
}

/**
 * ca_load_passphrase - read the CA, or tell why not
 * @w: its directory; its passphrase
 * @with_key: with the key that signs
 * @ca: pki_ca_free() it
 * @passphrase: asked for where the key needs one and this is empty; explicit_bzero() it
 */
bool ca_load_passphrase(const struct ca_words *w, bool with_key, struct pki_ca *ca, char passphrase[SECRET_MAX_LEN + 1])
{
	char text[PKI_ERROR_LEN + 48];
	struct pki_error why;
	int err;

	err = pki_ca_load(w->dir, with_key, passphrase[0] ? passphrase : NULL, ca, &why);
	if (err == -ENOKEY) {
		if (!ca_passphrase(w, "Passphrase of the CA's key: ", passphrase))
			return false;
		err = pki_ca_load(w->dir, with_key, passphrase, ca, &why);
	}
	if (err == -ENOENT) {
		snprintf(text, sizeof(text), "%s: 'cordonctl ca init' makes a CA", why.text);
		complain("ca", text);
	} else if (err) {
		complain("ca", why.text);
	}
	return !err;
}

/**
 * ca_load - read the CA, or tell why not
 * @w: its directory; its passphrase
 * @with_key: with the key that signs
 * @ca: pki_ca_free() it
 */
bool ca_load(const struct ca_words *w, bool with_key, struct pki_ca *ca)
{
	char passphrase[SECRET_MAX_LEN + 1] = "";
	bool good = ca_load_passphrase(w, with_key, ca, passphrase);

	explicit_bzero(passphrase, sizeof(passphrase));
	return good;
}

/**
 * ca_complain_store - tell what the registry said
 * @w: its file
 * @s: the registry
 *
 * Return: EXIT_REFUSED.
 */
int ca_complain_store(const struct ca_words *w, const struct store *s)
{
	return complain(w->registry, s->error);
}

/**
 * ca_open_registry - open the registry, or tell why not
 * @w: its file
 * @create: where there is none, make it
 * @s: store_close() it
 */
bool ca_open_registry(const struct ca_words *w, bool create, struct store *s)
{
	if (!store_open(s, w->registry, create))
		return true;
	ca_complain_store(w, s);
	return false;
}

enum {
	O_DIR, O_REGISTRY, O_PASSPHRASE, O_JSON, O_NAME, O_KEY, O_ROOT_CERT, O_ROOT_KEY, O_ROLLOVER,
	O_MAC, O_CSR, O_OUT, O_DAYS, O_REASON, O_DER, O_ACTIVATE, O_FORCE, O_OLD_ROOT_KEY, O_EXPIRING,
	O_RENEW, O_CSR_OUT, O_NEW_PASSPHRASE, O_REMOVE, O_ROOT, O_REVOKE, O_HOSTAPD, O_CONFIG, O_PKCS12,
	O_GATEWAY, O_SERVER_NAME,
	OPTIONS,
};

#define BIT(o)		(1U << (o))
#define EVERYWHERE	(BIT(O_DIR) | BIT(O_REGISTRY) | BIT(O_PASSPHRASE))

static const struct option options[] = {
	{ "dir", required_argument, NULL, O_DIR },
	{ "registry", required_argument, NULL, O_REGISTRY },
	{ "passphrase-file", required_argument, NULL, O_PASSPHRASE },
	{ "json", no_argument, NULL, O_JSON }, { "name", required_argument, NULL, O_NAME },
	{ "key", required_argument, NULL, O_KEY },
	{ "root-cert", required_argument, NULL, O_ROOT_CERT },
	{ "root-key", required_argument, NULL, O_ROOT_KEY },
	{ "rollover", no_argument, NULL, O_ROLLOVER },
	{ "activate", no_argument, NULL, O_ACTIVATE }, { "force", required_argument, NULL, O_FORCE },
	{ "expiring", required_argument, NULL, O_EXPIRING },
	{ "old-root-key", required_argument, NULL, O_OLD_ROOT_KEY }, { "mac", required_argument, NULL, O_MAC },
	{ "csr", required_argument, NULL, O_CSR }, { "out", required_argument, NULL, O_OUT },
	{ "days", required_argument, NULL, O_DAYS }, { "renew", no_argument, NULL, O_RENEW },
	{ "hostapd", required_argument, NULL, O_HOSTAPD },
	{ "reason", required_argument, NULL, O_REASON }, { "der", no_argument, NULL, O_DER },
	{ "csr-out", required_argument, NULL, O_CSR_OUT },
	{ "new-passphrase-file", required_argument, NULL, O_NEW_PASSPHRASE }, { "remove", no_argument, NULL, O_REMOVE },
	{ "root", no_argument, NULL, O_ROOT }, { "revoke", required_argument, NULL, O_REVOKE },
	{ "config", required_argument, NULL, O_CONFIG }, { "pkcs12", no_argument, NULL, O_PKCS12 },
	{ "gateway", required_argument, NULL, O_GATEWAY }, { "server-name", required_argument, NULL, O_SERVER_NAME },
	{ "help", no_argument, NULL, OPTION_HELP }, { }
};

/**
 * struct verb - what can be done with a CA
 * @name: its word
 * @options: which it knows
 * @min: words after it, at least
 * @max: at most
 * @run: does it
 */
static const struct verb {
	const char *name;
	unsigned int options;
	int min;
	int max;
	int (*run)(const struct ca_words *w);
} verbs[] = {
	{ "init", BIT(O_JSON) | BIT(O_NAME) | BIT(O_KEY) | BIT(O_ROOT_CERT) | BIT(O_ROOT_KEY) |
	  BIT(O_ROLLOVER) | BIT(O_ACTIVATE) | BIT(O_FORCE) | BIT(O_OLD_ROOT_KEY) | BIT(O_CSR_OUT) |
	  BIT(O_SERVER_NAME), 0, 0, ca_init },
	{ "issue", BIT(O_JSON) | BIT(O_MAC) | BIT(O_CSR) | BIT(O_OUT) | BIT(O_DAYS) | BIT(O_CONFIG),
	  1, 1, ca_issue },
	{ "operator", BIT(O_JSON) | BIT(O_CSR) | BIT(O_OUT) | BIT(O_DAYS) | BIT(O_CONFIG) | BIT(O_PKCS12) |
	  BIT(O_NEW_PASSPHRASE), 1, 1, ca_operator },
	{ "revoke", BIT(O_JSON) | BIT(O_REASON), 1, 1, ca_revoke },
	{ "list", BIT(O_JSON) | BIT(O_EXPIRING), 0, 1, ca_list },
	{ "crl", BIT(O_OUT) | BIT(O_RENEW) | BIT(O_ROOT) | BIT(O_ROOT_KEY) | BIT(O_REVOKE) | BIT(O_REASON),
	  0, 0, ca_crl },
	{ "export", BIT(O_JSON) | BIT(O_DER) | BIT(O_HOSTAPD), 0, PORTS_MAX, ca_export },
	{ "import", BIT(O_JSON) | BIT(O_ROOT_CERT), 1, 1, ca_import },
	{ "sign-issuing", BIT(O_GATEWAY) | BIT(O_SERVER_NAME) | BIT(O_DAYS) | BIT(O_OUT) | BIT(O_ROOT_CERT) | BIT(O_ROOT_KEY),
	  1, 1, ca_sign_issuing },
	{ "passphrase", BIT(O_NEW_PASSPHRASE) | BIT(O_REMOVE), 0, 1, ca_change_passphrase },
};

static const char *take_days(struct ca_words *w, const char *value)
{
	char *end;
	unsigned long days = strtoul(value, &end, 10);

	if (*end || value[0] < '0' || value[0] > '9' || !days || days > DAYS_MAX)
		return "not a number of days from 1 to 3650";
	w->days = days;
	w->days_given = true;
	return NULL;
}

static const char *take_name(struct ca_words *w, const char *value)
{
	if (w->n_names == PKI_SERVER_NAMES)
		return "more than 32 names of a server";
	w->names[w->n_names++] = value;
	return pki_is_server(value) ? NULL : "neither a DNS name nor an address";
}

static const char *take_force(struct ca_words *w, const char *value)
{
	char *end;

	errno = 0;
	w->force = strtol(value, &end, 10);
	return *end || value[0] < '0' || value[0] > '9' || errno ? "not a number of devices" : NULL;
}

/* One option of those that mean something to one verb; what is wrong with it, or NULL. */
static const char *take_special(struct ca_words *w, int option, char *value)
{
	int found;

	switch (option) {
	case O_KEY:
		w->key_given = true;
		if (pki_key_is_uri(value) || strchr(value, '/')) {
			w->issuing = value;
			return NULL;
		}
		found = pki_key_find(value);
		w->key = found;
		return found < 0 ? "not p256, p384 or ed25519, nor the URI or file of a key in hardware" : NULL;
	case O_MAC:
		w->has_mac = true;
		return policy_mac_parse(value, w->mac) ? "not a MAC" : NULL;
	case O_DAYS:
		return take_days(w, value);
	case O_SERVER_NAME:
		return take_name(w, value);
	case O_FORCE:
		return take_force(w, value);
	case O_EXPIRING:
		return policy_duration_parse(value, &w->expiring) || !w->expiring ?
		       "not a duration as 30d or 12h" : NULL;
	case O_REASON:
		w->reason = ca_reason_find(value);
		return w->reason < 0 ? "not a reason of RFC 5280, 5.3.1" : NULL;
	}
	return "no such option";
}

static const char *take(struct ca_words *w, int option, char *value)
{
	const char **text[OPTIONS] = {
		[O_DIR] = &w->dir, [O_REGISTRY] = &w->registry,
		[O_PASSPHRASE] = &w->passphrase_file, [O_NAME] = &w->name,
		[O_ROOT_CERT] = &w->root_cert, [O_ROOT_KEY] = &w->root_key,
		[O_HOSTAPD] = &w->hostapd,
		[O_CSR_OUT] = &w->csr_out, [O_NEW_PASSPHRASE] = &w->new_passphrase_file,
		[O_REVOKE] = &w->revoke, [O_GATEWAY] = &w->gateway,
		[O_CONFIG] = &w->config, [O_CSR] = &w->csr, [O_OUT] = &w->out, [O_OLD_ROOT_KEY] = &w->old_root_key,
	};
	bool *flag = option == O_JSON ? &w->json : option == O_ROLLOVER ? &w->rollover :
		     option == O_ACTIVATE ? &w->activate : option == O_DER ? &w->der :
		     option == O_RENEW ? &w->renew : option == O_REMOVE ? &w->remove :
		     option == O_ROOT ? &w->root : option == O_PKCS12 ? &w->pkcs12 : NULL;

	if (flag) {
		*flag = true;
		return NULL;
	}
	if (!text[option])
		return take_special(w, option, value);
	*text[option] = value;
	return value[0] ? NULL : "empty";
}

static const struct verb *find_verb(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(word, verbs[i].name))
			return &verbs[i];
	return NULL;
}

/* What makes sense together; a sentence, or NULL. */
static const char *check_rollover(const struct ca_words *w, unsigned int seen)
{
	const unsigned int made = BIT(O_NAME) | BIT(O_KEY) | BIT(O_ROOT_CERT) | BIT(O_OLD_ROOT_KEY) |
				  BIT(O_CSR_OUT);

	if ((w->activate || w->old_root_key) && !w->rollover)
		return "--activate and --old-root-key belong to --rollover";
	if (w->force >= 0 && !w->activate)
		return "--force belongs to --activate";
	if (w->activate && (seen & made))
		return "--activate takes the CA as it was published";
	if (w->csr_out && (w->root_cert || w->old_root_key || w->json))
		return "--csr-out makes a request: no root is at hand, and nothing is printed";
	if (w->n_names && !w->csr_out && !w->gateway)
		return "--server-name goes into a request: with --csr-out";
	return NULL;
}

/* Ports are words of an export for hostapd alone; a sentence, or NULL. */
static const char *check_export(const struct ca_words *w, const struct verb *verb)
{
	if (verb->run != ca_export)
		return NULL;
	if (!w->hostapd)
		return w->n_ports ? "too many words" : NULL;
	if (w->der)
		return "--der is the root alone, --hostapd is files";
	return w->n_ports ? NULL : "for which ports?";
}

static int run_ca(const struct command *self, int argc, char **argv)
{
	struct ca_words w = {
		.dir = PKI_CA_DIR, .registry = STORE_PATH, .key = PKI_P256, .days = DAYS_DEFAULT, .force = -1,
	};
	unsigned int seen = 0;
	const struct verb *verb;
	const char *problem;
	int o, words;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		problem = take(&w, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
		seen |= BIT(o);
	}
	words = argc - optind - 1;
	if (words < 0)
		return usage_error(self, "init, import, sign-issuing, issue, operator, revoke, list, crl, export or passphrase?", NULL);
	verb = find_verb(argv[optind]);
	if (!verb)
		return usage_error(self, "no such verb", argv[optind]);
	for (o = 0; options[o].name; o++)
		if (options[o].val != OPTION_HELP &&
		    (seen & BIT(options[o].val) & ~(EVERYWHERE | verb->options)))
			return usage_error(self, "an option that this verb does not know",
					   options[o].name);
	if (words < verb->min)
		return usage_error(self, verb->run == ca_import ? "which chain?" : verb->run == ca_sign_issuing ? "which request?" :
				   verb->run == ca_operator ? "which operator?" :
				   "which device?", NULL);
	if (words > verb->max)
		return usage_error(self, "too many words", argv[optind + 1 + verb->max]);
	w.who = words ? argv[optind + 1] : NULL;
	w.ports = argv + optind + 1;
	w.n_ports = words;
	problem = check_export(&w, verb);
	if (problem)
		return usage_error(self, problem, w.who);
	if (verb->run == ca_init && !w.root_cert != !w.root_key && !(w.root_key && pki_key_is_uri(w.root_key)))
		return usage_error(self, "--root-cert and --root-key come together, unless the key is a URI", NULL);
	if (w.renew && w.out)
		return usage_error(self, "--renew writes crl.pem alone, not --out", NULL);
	if (verb->run == ca_crl && (w.root ? w.renew : w.revoke || w.root_key || (seen & BIT(O_REASON))))
		return usage_error(self, w.root ? "--root and --renew" :
				   "--root-key, --revoke and --reason belong to --root", NULL);
	if (verb->run == ca_revoke && w.reason == CRL_REASON_CA_COMPROMISE)
		return usage_error(self, "not a reason of RFC 5280, 5.3.1, for what is no CA", "cACompromise");
	if ((seen & BIT(O_REASON)) && verb->run == ca_crl && !w.revoke)
		return usage_error(self, "--reason is of what --revoke names", NULL);
	if (w.remove && w.new_passphrase_file)
		return usage_error(self, "--remove leaves no passphrase: no --new-passphrase-file", NULL);
	if (verb->run == ca_operator && w.pkcs12 ? !!w.csr : verb->run == ca_operator && w.new_passphrase_file)
		return usage_error(self, w.csr ? "--csr and --pkcs12" : "--new-passphrase-file belongs to --pkcs12", NULL);
	if (verb->run == ca_sign_issuing && !w.gateway)
		return usage_error(self, "whose issuing CA? --gateway NAME", NULL);
	problem = check_rollover(&w, seen);
	if (problem)
		return usage_error(self, problem, NULL);
	return verb->run(&w);
}

const struct command cmd_ca = {
	"ca", "Run the gateway's own certification authority",
	"ca init [--name NAME] [--key KIND|URI] [--root-cert FILE --root-key FILE] [--json]\n"
	"ca init --rollover [--old-root-key FILE] [--name NAME] [--key KIND|URI]\n"
	"           [--root-cert FILE --root-key FILE] [--json]\n"
	"ca init --rollover --activate [--force N] [--json]\n"
	"ca init [--rollover] --csr-out FILE [--name NAME] [--key KIND] [--server-name NAME]...\n"
	"ca import CHAIN [--root-cert FILE] [--json]\n"
	"ca sign-issuing REQUEST --gateway NAME [--server-name NAME]... [--days N] [--out FILE]\n"
	"           [--root-cert FILE] [--root-key FILE]\n"
	"ca issue NAME [--mac MAC] [--csr FILE] [--out DIR] [--days N] [--config FILE] [--json]\n"
	"ca operator NAME [--csr FILE | --pkcs12 [--new-passphrase-file FILE]] [--out DIR]\n"
	"           [--days N] [--config FILE] [--json]\n"
	"ca revoke NAME|MAC|SERIAL [--reason REASON] [--json]\n"
	"ca list [NAME] [--expiring DURATION] [--json]\n"
	"ca crl [--out FILE | --renew]\n"
	"ca crl --root [--root-key FILE] [--revoke FILE [--reason REASON]] [--out FILE]\n"
	"ca export [--der | --json]\n"
	"ca export --hostapd DIR PORT... [--json]\n"
	"ca passphrase [FILE] [--new-passphrase-file FILE | --remove]",
	"  --dir DIR              the CA (" PKI_CA_DIR ")\n"
	"  --registry FILE        the registry (" STORE_PATH ")\n"
	"  --passphrase-file FILE passphrase of the CA's keys; without it, the terminal is asked\n"
	"  --name NAME            for the subjects of a new CA (cordon)\n"
	"  --key KIND             of a new CA: p256 | p384 | ed25519 (p256)\n"
	"  --key URI|FILE         the issuing key in an HSM or a TPM: pkcs11:token=T;object=O |\n"
	"                         handle:0x81000001 | file of a TPM's wrapped key (PEM)\n"
	"  --root-cert FILE, --root-key FILE|URI\n"
	"                         certify the issuing CA with this root; its key is not kept\n"
	"  --csr-out FILE         make a key and a request for its certificate, as the root is elsewhere;\n"
	"                         'ca import' takes the chain that comes of it (PEM, in any order)\n"
	"  --gateway NAME         of a fleet, whose issuing CA this root certifies\n"
	"  --server-name NAME     DNS name or address of its server, the only ones that it may certify;\n"
	"                         without them, those that its request asks for\n"
	"  --root-key URI         alone: the key in hardware of the root that is made\n"
	"  --rollover             make the CA that is to follow and publish it: devices come to\n"
	"                         know it when they renew, and the present one goes on signing\n"
	"  --old-root-key FILE    key of the present root, where root.key is kept elsewhere\n"
	"  --activate             let the published CA sign from now on\n"
	"  --force N              though N devices do not know it yet\n"
	"  --mac MAC              of the device; without it, the kernel knows\n"
	"  --csr FILE             a request, PEM or DER; without it, a key is made, too\n"
	"  --out WHERE            directory for NAME.key, NAME.crt and ca.crt; file for the CRL\n"
	"  --pkcs12               of an operator: NAME.p12 for a browser, in the place of key and\n"
	"                         certificate, with a passphrase that is asked for\n"
	"  --days N               how long the certificate is good (90; an issuing CA's 365)\n"
	"  --config FILE          serve.yaml, whose status.url the certificate names; without it,\n"
	"                         /etc/cordon/serve.yaml, if that is of the same CA\n"
	"  --renew                print nothing, and sign none unless half of the time of the one\n"
	"                         in crl.pem has passed; where there is none, nothing is done\n"
	"  --root                 the root's list, of issuing CAs, also in root-crl.pem\n"
	"  --revoke FILE          a CA's certificate, which is on it from now on\n"
	"  --reason REASON        unspecified | keyCompromise | affiliationChanged | superseded |\n"
	"                         cessationOfOperation | privilegeWithdrawn\n"
	"  --expiring DURATION    only those in use that end so soon, as 30d, the CA's own included\n"
	"  --der                  the root alone, in DER\n"
	"  --hostapd DIR          write what hostapd and FreeRADIUS need for 802.1X on these ports;\n"
	"                         what is there is replaced, its secrets kept\n"
	"  --new-passphrase-file FILE\n"
	"                         the passphrase that the keys are to have, all in DIR or the one in\n"
	"                         FILE, as root.key, or NAME.p12; without it, the terminal is asked\n"
	"  --remove               the keys are to have none\n"
	"  --json                 print JSON\n",
	run_ca
};
