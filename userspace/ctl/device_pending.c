// SPDX-License-Identifier: GPL-2.0
/* device pending, device approve: keys that wait for somebody to say that they are the devices'. */
#include <errno.h>
#include <string.h>

#include "ctl/ctl.h"
#include "pki/pki.h"
#include "store/store.h"

static const char *way_name(enum store_way way)
{
	return way == STORE_WAY_IDEVID ? "idevid" : "token";
}

/**
 * struct search - a device by its MAC
 * @mac: of it
 * @name: of it, where it was found
 */
struct search {
	u8 mac[6];
	char *name;
};

static int match(const struct store_device *d, void *arg)
{
	struct search *s = arg;

	if (memcmp(d->mac, s->mac, sizeof(s->mac)))
		return 0;
	snprintf(s->name, CORDON_DEVICE_NAME_LEN, "%s", d->name);
	return 1;
}

/**
 * registry_device - the device that is meant, as the registry has it
 * @store: the registry
 * @word: its name or MAC
 * @name: filled
 *
 * No kernel need know it.
 *
 * Return: 0, a name not being looked for; -errno, with a sentence in the registry's error.
 */
int registry_device(struct store *store, const char *word, char name[CORDON_DEVICE_NAME_LEN])
{
	struct search s = { .name = name };
	int got;

	if (policy_mac_parse(word, s.mac)) {
		snprintf(name, CORDON_DEVICE_NAME_LEN, "%s", word);
		if (strlen(word) < CORDON_DEVICE_NAME_LEN)
			return 0;
	} else {
		got = store_device_each(store, match, &s);
		if (got)
			return got < 0 ? got : 0;
	}
	snprintf(store->error, sizeof(store->error), "no device '%.64s' in the registry", word);
	return -ENOENT;
}

/** struct listing - keys on their way to the screen */
struct listing {
	struct json_list list;
	bool json;
	bool any;
};

static json_t *time_or_null(time_t at)
{
	char text[POLICY_TIME_LEN];

	return at ? json_string(policy_time_text(at, text)) : json_null();
}

static int list_one(const struct store_pending *p, void *arg)
{
	char key[PKI_KEY_TEXT_LEN], mac[18], first[POLICY_TIME_LEN], last[POLICY_TIME_LEN];
	struct listing *l = arg;

	pki_key_text(p->key_id, key);
	if (l->json) {
		json_list_add(&l->list, json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:b}", "device", p->name, "mac",
						  policy_mac_text(p->mac, mac), "fingerprint", key, "by", way_name(p->way),
						  "address", p->peer[0] ? json_text(p->peer) : json_null(), "first",
						  time_or_null(p->first), "last", time_or_null(p->last), "approved",
						  p->approved));
		return 0;
	}
	l->any = true;
	printf("%s %s%s\n", p->name, key, p->approved ? " approved" : "");
	if (p->first)
		printf("    by %s from %s, first %s, last %s\n", way_name(p->way), p->peer,
		       policy_time_text(p->first, first), policy_time_text(p->last, last));
	else
		puts("    has not come yet");
	return 0;
}

static int list(const char *registry, bool json)
{
	struct listing l = { .json = json };
	struct store store;
	int err = store_open(&store, registry, false);

	if (!err) {
		err = store_pending_each(&store, NULL, list_one, &l);
		store_close(&store);
	}
	if (err)
		return complain("pending", store.error);
	if (json)
		json_list_end(&l.list);
	else if (!l.any)
		puts("none");
	return EXIT_DONE;
}

/**
 * device_pending - list the keys that wait for an approval
 * @self: the command "device"
 * @argc: its words
 * @argv: its words, the first of which is "pending"
 *
 * Return: an exit status.
 */
int device_pending(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "registry", required_argument, NULL, 'r' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *registry = STORE_PATH;
	bool json = false;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		if (o == 'r')
			registry = optarg;
		json |= o == 'j';
	}
	if (argc - optind > 1)
		return usage_error(self, "too many words", argv[optind + 1]);
	return list(registry, json);
}

/**
 * struct approval - which key of a device is to be approved
 * @name: of the device
 * @key_id: of the key
 * @given: the operator named it
 * @found: it waits
 * @n: keys that wait
 * @last: one of them
 */
struct approval {
	char name[CORDON_DEVICE_NAME_LEN];
	u8 key_id[32];
	bool given;
	bool found;
	unsigned int n;
	struct store_pending last;
};

static int look(const struct store_pending *p, void *arg)
{
	struct approval *a = arg;

	if (a->given && !memcmp(p->key_id, a->key_id, sizeof(a->key_id)))
		a->found = true;
	if (p->approved)
		return 0;
	a->n++;
	a->last = *p;
	return 0;
}

/* Both are shown: who compares them sees where they differ. */
static int refuse_mismatch(struct store *store, const struct approval *a)
{
	char key[PKI_KEY_TEXT_LEN], given[PKI_KEY_TEXT_LEN];

	pki_key_text(a->last.key_id, key);
	pki_key_text(a->key_id, given);
	if (a->n > 1)
		snprintf(store->error, sizeof(store->error), "%u keys wait, and none of them is %s, but for one %s: "
			 "'cordonctl device pending' shows all", a->n, given, key);
	else
		snprintf(store->error, sizeof(store->error), "the key that waits is %s, not %s", key, given);
	return -EPERM;
}

/* Which of them it is to be, nobody but the operator can say. */
static int refuse_several(struct store *store, const struct approval *a)
{
	snprintf(store->error, sizeof(store->error), "%u keys wait: 'cordonctl device pending' shows them, and "
		 "--fingerprint says which one", a->n);
	return -EPERM;
}

/* In a transaction, so that it is the key that was looked at. */
static int approve(struct store *store, struct approval *a, bool *key)
{
	int err = store_pending_each(store, a->name, look, a);

	*key = true;
	if (err)
		return err;
	if (a->given)
		return a->n && !a->found ? refuse_mismatch(store, a) : store_pending_approve(store, a->name, a->key_id);
	if (a->n > 1)
		return refuse_several(store, a);
	if (a->n) {
		memcpy(a->key_id, a->last.key_id, sizeof(a->key_id));
		return store_pending_approve(store, a->name, a->key_id);
	}
	*key = false;
	return store_device_approve(store, a->name);
}

static int run_approve(struct approval *a, const char *word, const char *registry)
{
	char text[PKI_KEY_TEXT_LEN];
	struct store store;
	bool key = false;
	int err = store_open(&store, registry, false);

	if (err)
		return complain(word, store.error);
	err = registry_device(&store, word, a->name);
	if (!err)
		err = store_begin(&store, true);
	if (!err) {
		err = approve(&store, a, &key);
		if (!err)
			err = store_commit(&store);
		if (err)
			store_rollback(&store);
	}
	if (err)
		complain(word, store.error);
	else if (key)
		printf("%s: the key %s is approved\n", a->name, pki_key_text(a->key_id, text));
	store_close(&store);
	return err ? EXIT_REFUSED : EXIT_DONE;
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
	static const struct option options[] = {
		{ "fingerprint", required_argument, NULL, 'f' }, { "registry", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *registry = STORE_PATH;
	struct approval a = { .given = false };
	int o, words;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		if (o == 'r')
			registry = optarg;
		else if (pki_key_text_parse(optarg, a.key_id))
			return usage_error(self, "not a key's fingerprint like SHA256:... of 43 digits", optarg);
		a.given |= o == 'f';
	}
	words = argc - optind;
	if (words != 2)
		return usage_error(self, words < 2 ? "which device?" : "too many words",
				   words < 2 ? NULL : argv[optind + 2]);
	return run_approve(&a, argv[optind + 1], registry);
}
