// SPDX-License-Identifier: GPL-2.0
/* device token, device approve: who may enrol. */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "lib/secret.h"
#include "store/store.h"

#define DEFAULT_VALID	86400	/* seconds */

/**
 * struct wish - what the command line asks for
 * @word: whom, as the user named it
 * @registry: path
 * @mac: given with --mac, or @word itself
 * @has_mac: --mac was given
 * @valid: seconds
 * @own: a secret of the operator's choice
 * @set: --set was given
 * @input: and it is to be read from standard input
 * @approval: an operator must approve, too
 * @json: print an object
 */
struct wish {
	const char *word;
	const char *registry;
	u8 mac[6];
	bool has_mac;
	u32 valid;
	char own[SECRET_MAX_LEN + 2];
	bool set;
	bool input;
	bool approval;
	bool json;
};

static const struct option token_options[] = {
	{ "mac", required_argument, NULL, 'm' }, { "valid", required_argument, NULL, 'v' },
	{ "set", required_argument, NULL, 's' }, { "approval", no_argument, NULL, 'a' },
	{ "registry", required_argument, NULL, 'r' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, OPTION_HELP }, { }
};

static const struct option approve_options[] = {
	{ "registry", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, OPTION_HELP }, { }
};

/* One line, so that it stands neither in the process list nor in a shell's history. */
static const char *read_secret(char *out, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size - 1) {
		got = read(STDIN_FILENO, out + len, size - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return "cannot read the secret from standard input";
		if (!got)
			break;
		len += got;
		if (memchr(out + len - got, '\n', got))
			break;
	}
	out[len] = 0;
	if (strlen(out) < len)
		return "a NUL character in the secret";
	out[strcspn(out, "\n")] = 0;
	return NULL;
}

/* One option; a sentence about what is wrong with it, or NULL. The secret is not repeated. */
static const char *take(struct wish *w, int option, char *value)
{
	switch (option) {
	case 'm':
		w->has_mac = true;
		return policy_mac_parse(value, w->mac) ? "not a MAC" : NULL;
	case 'v':
		return policy_duration_parse(value, &w->valid) || !w->valid ||
		       w->valid > CORDON_MAX_LEASE ? "not a duration from 1s to 365d" : NULL;
	case 's':
		w->set = true;
		w->input = !strcmp(value, "-");
		if (w->input)
			return NULL;
		snprintf(w->own, sizeof(w->own), "%s", value);
		OPENSSL_cleanse(value, strlen(value));
		return NULL;
	case 'a':
		w->approval = true;
		return NULL;
	case 'r':
		w->registry = value;
		return NULL;
	case 'j':
		w->json = true;
		return NULL;
	}
	return "no such option";
}

/* EXIT_DONE, and w is filled; -1, help was asked for. */
static int parse(const struct command *self, int argc, char **argv, const struct option *options,
		 struct wish *w)
{
	const char *problem;
	int o, words;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return -1;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		problem = take(w, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	words = argc - optind;
	if (words < 2)
		return usage_error(self, "which device?", NULL);
	if (words > 2)
		return usage_error(self, "too many words", argv[optind + 2]);
	w->word = argv[optind + 1];
	return EXIT_DONE;
}

/* A token of one name and MAC for a device of another would be one that nobody can use. */
static int refuse_known(const char *word, const struct cnl_device *known)
{
	char why[160], mac[18];

	snprintf(why, sizeof(why), "the kernel knows device '%s' with MAC %s", known->def.name,
		 policy_mac_text(known->def.mac, mac));
	return complain(word, why);
}

static int ask_kernel(struct cnl *nl, struct wish *w, const char *by_name, const u8 *by_mac,
		      char name[CORDON_DEVICE_NAME_LEN])
{
	struct cnl_device device;
	int err;

	err = cnl_device_get(nl, by_name, by_mac, &device);
	if (err == -ENOENT && w->has_mac) {
		err = cnl_device_get(nl, NULL, w->mac, &device);
		if (err == -ENOENT)
			return EXIT_DONE;
	}
	if (err)
		return complain_nl(nl);
	if (w->has_mac && (memcmp(w->mac, device.def.mac, sizeof(w->mac)) ||
			   strcmp(name, device.def.name)))
		return refuse_known(w->word, &device);
	memcpy(w->mac, device.def.mac, sizeof(w->mac));
	snprintf(name, CORDON_DEVICE_NAME_LEN, "%s", device.def.name);
	return EXIT_DONE;
}

/*
 * Name and MAC of the device, from the kernel. With --mac it need not know the device, and
 * the module need not be loaded, but it must not say otherwise.
 */
static int identify(const struct command *self, struct wish *w, char name[CORDON_DEVICE_NAME_LEN])
{
	const char *by_name;
	const u8 *by_mac;
	struct cnl nl;
	u8 mac[6];
	int ret;

	if (!parse_device(w->word, &by_name, &by_mac, mac))
		return usage_error(self, "neither a device's name nor a MAC", w->word);
	if (by_mac && w->has_mac)
		return usage_error(self, "--mac takes a name beside it, not a MAC", w->word);
	if (by_name)
		snprintf(name, CORDON_DEVICE_NAME_LEN, "%s", by_name);
	ret = cnl_open(&nl);
	if (ret)
		return w->has_mac && ret == -ENOENT ? EXIT_DONE : complain_nl(&nl);
	ret = ask_kernel(&nl, w, by_name, by_mac, name);
	cnl_close(&nl);
	return ret;
}

static void print_token(const struct wish *w, const char *name, const char *token)
{
	char mac[18];

	if (w->json)
		json_print(json_pack("{s:s,s:s,s:s,s:I}", "device", name,
				     "mac", policy_mac_text(w->mac, mac), "token", token,
				     "valid_seconds", (json_int_t)w->valid));
	else
		puts(token);
}

static int make_token(struct wish *w, const char *name)
{
	char token[SECRET_MAX_LEN + 1];
	struct store store;
	int err;

	err = store_open(&store, w->registry, true);
	if (!err) {
		err = store_token_new(&store, name, w->mac, w->set ? w->own : NULL, w->valid,
				      w->approval, time(NULL), token, sizeof(token));
		if (!err)
			print_token(w, name, token);
		OPENSSL_cleanse(token, sizeof(token));
		store_close(&store);
	}
	return err ? complain(name, store.error) : EXIT_DONE;
}

static int check_own(const struct wish *w, const char *name)
{
	char why[SECRET_WHY_LEN], text[SECRET_WHY_LEN + 32];

	if (!secret_check(w->own, name, w->mac, why))
		return EXIT_DONE;
	snprintf(text, sizeof(text), "the secret is refused: %s", why);
	return complain(name, text);
}

/**
 * device_token - give a device a one-time enrolment secret
 * @self: the command "device"
 * @argc: its words
 * @argv: its words, the first of which is "token"
 *
 * Return: an exit status.
 */
int device_token(const struct command *self, int argc, char **argv)
{
	struct wish w = { .valid = DEFAULT_VALID, .registry = STORE_PATH };
	char name[CORDON_DEVICE_NAME_LEN];
	const char *problem = NULL;
	int ret;

	ret = parse(self, argc, argv, token_options, &w);
	if (ret)
		goto out;
	ret = identify(self, &w, name);
	if (!ret && w.input)
		problem = read_secret(w.own, sizeof(w.own));
	if (problem)
		ret = complain(name, problem);
	if (!ret && w.set)
		ret = check_own(&w, name);
	if (!ret)
		ret = make_token(&w, name);
out:
	OPENSSL_cleanse(w.own, sizeof(w.own));
	return ret < 0 ? EXIT_DONE : ret;
}

/**
 * device_approve - let a device have the certificate it asks for
 * @self: the command "device"
 * @argc: its words
 * @argv: its words, the first of which is "approve"
 *
 * Return: an exit status.
 */
int device_approve(const struct command *self, int argc, char **argv)
{
	struct wish w = { .registry = STORE_PATH };
	char name[CORDON_DEVICE_NAME_LEN];
	struct store store;
	int ret;

	ret = parse(self, argc, argv, approve_options, &w);
	if (ret)
		return ret < 0 ? EXIT_DONE : ret;
	/* A name needs no kernel: it is the registry that must know it. */
	if (policy_mac_parse(w.word, w.mac) && strlen(w.word) < sizeof(name))
		snprintf(name, sizeof(name), "%s", w.word);
	else
		ret = identify(self, &w, name);
	if (ret)
		return ret;
	ret = store_open(&store, w.registry, false);
	if (!ret) {
		ret = store_device_approve(&store, name);
		store_close(&store);
	}
	return ret ? complain(name, store.error) : EXIT_DONE;
}
