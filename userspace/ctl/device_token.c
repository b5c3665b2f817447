// SPDX-License-Identifier: GPL-2.0
/* device token: secrets to enrol with, made, listed and withdrawn. */
#include <errno.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdlib.h>
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
 * @list: list all of them instead
 * @withdraw: take the device's back instead
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
	bool list;
	bool withdraw;
	bool json;
};

static const struct option token_options[] = {
	{ "mac", required_argument, NULL, 'm' }, { "valid", required_argument, NULL, 'v' },
	{ "set", required_argument, NULL, 's' }, { "approval", no_argument, NULL, 'a' },
	{ "list", no_argument, NULL, 'l' }, { "withdraw", no_argument, NULL, 'w' },
	{ "registry", required_argument, NULL, 'r' }, { "json", no_argument, NULL, 'j' },
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
	case 'l':
		w->list = true;
		return NULL;
	case 'w':
		w->withdraw = true;
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

/* What is to be made cannot be listed or withdrawn with the same call. */
static bool makes(const struct wish *w)
{
	return w->has_mac || w->set || w->approval || w->valid != DEFAULT_VALID;
}

/* EXIT_DONE, and w is filled; -1, help was asked for. */
static int parse(const struct command *self, int argc, char **argv, struct wish *w)
{
	const char *problem;
	int o, words;

	while ((o = next_option(self, argc, argv, token_options)) != -1) {
		if (o == OPTION_HELP)
			return -1;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		problem = take(w, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	words = argc - optind;
	if ((w->list || w->withdraw) && (makes(w) || (w->list && w->withdraw)))
		return usage_error(self, "--list and --withdraw go with --registry and --json alone", NULL);
	if (words < 2 && !w->list)
		return usage_error(self, "which device?", NULL);
	if (words > 2 - w->list)
		return usage_error(self, "too many words", argv[optind + 2 - w->list]);
	w->word = w->list ? "token" : argv[optind + 1];
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

/* Whoever is behind sudo, as far as that can be told; only to be listed. */
static const char *maker(char out[32])
{
	const char *sudo = getuid() ? NULL : getenv("SUDO_USER");
	const struct passwd *user = sudo && *sudo ? NULL : getpwuid(getuid());

	if ((sudo && *sudo) || user)
		return user ? user->pw_name : sudo;
	snprintf(out, 32, "%u", getuid());
	return out;
}

static int record_token(struct store *store, const struct wish *w, const char *name, char *token, size_t size)
{
	char number[32];
	int err = store_begin(store, true);

	if (err)
		return err;
	err = store_token_new(store, name, w->mac, w->set ? w->own : NULL, w->valid, w->approval, time(NULL), token,
			      size);
	if (!err)
		err = store_token_maker(store, name, maker(number));
	if (!err)
		err = store_commit(store);
	if (err)
		store_rollback(store);
	return err;
}

static int make_token(struct wish *w, const char *name)
{
	char token[SECRET_MAX_LEN + 1];
	struct store store;
	int err;

	err = store_open(&store, w->registry, true);
	if (!err) {
		err = record_token(&store, w, name, token, sizeof(token));
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

static const char *token_state(const struct store_token_info *t, time_t now)
{
	return t->used ? "used" : now >= t->expires ? "expired" : t->claimed ? "claimed" : "open";
}

/** struct listing - tokens on their way to the screen */
struct listing {
	struct json_list list;
	bool json;
	bool any;
	time_t now;
};

static int list_one(const struct store_token_info *t, void *arg)
{
	char made[POLICY_TIME_LEN], ends[POLICY_TIME_LEN], mac[18];
	const char *state;
	struct listing *l = arg;

	state = token_state(t, l->now);
	policy_time_text(t->made, made);
	policy_time_text(t->expires, ends);
	if (l->json) {
		json_list_add(&l->list, json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:b,s:b}", "device", t->name, "mac",
						  policy_mac_text(t->mac, mac), "state", state, "made", made, "maker",
						  t->maker[0] ? json_text(t->maker) : json_null(), "ends", ends,
						  "chosen", t->chosen, "approval", t->approval));
		return 0;
	}
	if (!l->any)
		printf("%-20s %-8s %-20s %-20s %s\n", "DEVICE", "STATE", "MADE", "ENDS", "BY");
	l->any = true;
	printf("%-20s %-8s %-20s %-20s %s%s\n", t->name, state, made, ends, t->maker[0] ? t->maker : "-",
	       t->approval ? ", needs an approval" : "");
	return 0;
}

static int list_tokens(const struct wish *w)
{
	struct listing l = { .json = w->json, .now = time(NULL) };
	struct store store;
	int err = store_open(&store, w->registry, false);

	if (!err) {
		err = store_token_each(&store, list_one, &l);
		store_close(&store);
	}
	if (err)
		return complain("token", store.error);
	if (l.json)
		json_list_end(&l.list);
	else if (!l.any)
		puts("none");
	return EXIT_DONE;
}

static int withdraw_token(const struct wish *w)
{
	char name[CORDON_DEVICE_NAME_LEN];
	struct store store;
	int err = store_open(&store, w->registry, false);

	if (!err) {
		err = registry_device(&store, w->word, name);
		if (!err)
			err = store_token_withdraw(&store, name);
		store_close(&store);
	}
	if (err)
		return complain(w->word, store.error);
	if (w->json)
		json_print(json_null());	/* what is left of it */
	return EXIT_DONE;
}

/**
 * device_token - give a device a one-time enrolment secret, list those that there are, or withdraw one
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

	ret = parse(self, argc, argv, &w);
	if (ret)
		goto out;
	if (w.list || w.withdraw)
		return w.list ? list_tokens(&w) : withdraw_token(&w);
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
