// SPDX-License-Identifier: GPL-2.0
/* firmware: releases, and which devices are offered them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_firmware.h"
#include "priv/priv.h"

#define STOP_AFTER_MAX	1000000
#define SHOWN		40	/* bytes of a word that is refused */

/** firmware_action_name - what became of an offer, in a word */
const char *firmware_action_name(enum firmware_action_state state)
{
	static const char * const names[] = {
		[FIRMWARE_OFFERED] = "offered", [FIRMWARE_RUNNING] = "running",
		[FIRMWARE_CANCELING] = "canceling", [FIRMWARE_CANCELED] = "canceled",
		[FIRMWARE_SUCCEEDED] = "succeeded", [FIRMWARE_FAILED] = "failed",
	};

	return state <= FIRMWARE_FAILED ? names[state] : "?";
}

/**
 * firmware_complain - tell what the registry said
 * @w: its file
 * @s: the registry
 *
 * Return: EXIT_REFUSED.
 */
int firmware_complain(const struct firmware_words *w, const struct store *s)
{
	return complain(w->registry, s->error);
}

/**
 * firmware_registry - open the registry, or tell why not
 * @w: its file
 * @create: where there is none, make it
 * @s: store_close() it
 */
bool firmware_registry(const struct firmware_words *w, bool create, struct store *s)
{
	if (!store_open(s, w->registry, create))
		return true;
	firmware_complain(w, s);
	return false;
}

/**
 * firmware_lock - have the directory of the artifacts alone, or tell why not
 * @w: the directory; made where it is missing
 *
 * Return: a descriptor, which close() unlocks; -1.
 */
int firmware_lock(const struct firmware_words *w)
{
	struct pki_error err;
	int fd = firmware_dir_lock(w->directory, geteuid() ? (gid_t)-1 : priv_group("cordon-front"), &err);

	if (fd < 0)
		complain(w->directory, err.text);
	return fd < 0 ? -1 : fd;
}

/**
 * firmware_find - the release that two words name, or tell that there is none
 * @w: model and version
 * @s: the registry
 * @out: set on success
 */
bool firmware_find(const struct firmware_words *w, struct store *s, struct firmware_release *out)
{
	if (!store_release_find(s, w->word[0], w->word[1], out))
		return true;
	firmware_complain(w, s);
	return false;
}

static int reaches(const struct firmware_release *r, void *arg)
{
	return firmware_version_compare(r->version, arg) >= 0;
}

/**
 * firmware_warn_stranded - tell if devices that are too old have nothing to update to
 * @s: the registry
 * @model: of the devices
 */
void firmware_warn_stranded(struct store *s, const char *model)
{
	struct firmware_floor floor;

	if (!store_floor_get(s, model, &floor) && !store_release_each(s, model, reaches, floor.version))
		fprintf(stderr, "cordonctl: warning: model '%s' has no release of version %s or newer: "
			"devices below its floor have no way back\n", model, floor.version);
}

enum {
	O_REGISTRY, O_DIRECTORY, O_CA, O_JSON, O_MODEL, O_VERSION, O_SIGNATURE, O_SIGNER, O_FILE,
	O_NOTES, O_PERCENT, O_STOP_AFTER, O_PAUSE, O_RESUME,
};

#define BIT(o)		(1U << (o))
#define EVERYWHERE	(BIT(O_REGISTRY) | BIT(O_DIRECTORY) | BIT(O_JSON))

static const struct option options[] = {
	{ "registry", required_argument, NULL, O_REGISTRY },
	{ "directory", required_argument, NULL, O_DIRECTORY },
	{ "ca", required_argument, NULL, O_CA }, { "json", no_argument, NULL, O_JSON },
	{ "model", required_argument, NULL, O_MODEL },
	{ "version", required_argument, NULL, O_VERSION },
	{ "signature", required_argument, NULL, O_SIGNATURE },
	{ "signer", required_argument, NULL, O_SIGNER }, { "file", required_argument, NULL, O_FILE },
	{ "notes", required_argument, NULL, O_NOTES },
	{ "percent", required_argument, NULL, O_PERCENT },
	{ "stop-after", required_argument, NULL, O_STOP_AFTER },
	{ "pause", no_argument, NULL, O_PAUSE }, { "resume", no_argument, NULL, O_RESUME },
	{ "help", no_argument, NULL, OPTION_HELP }, { }
};

/**
 * struct verb - what can be done with firmware
 * @name: its word
 * @options: which it knows
 * @min: words after it, at least
 * @max: at most
 * @lacks: what is asked where there are fewer
 * @run: does it
 */
static const struct verb {
	const char *name;
	unsigned int options;
	int min;
	int max;
	const char *lacks;
	int (*run)(const struct firmware_words *w);
} verbs[] = {
	{ "add", BIT(O_CA) | BIT(O_MODEL) | BIT(O_VERSION) | BIT(O_SIGNATURE) | BIT(O_SIGNER) | BIT(O_FILE) |
	  BIT(O_NOTES) | BIT(O_PERCENT) | BIT(O_STOP_AFTER) | BIT(O_PAUSE), 1, 1, "which file?", firmware_add },
	{ "list", 0, 0, 1, NULL, firmware_list },
	{ "remove", 0, 2, 2, "which model, which version?", firmware_remove },
	{ "floor", 0, 0, 2, NULL, firmware_set_floor },
	{ "rollout", BIT(O_PERCENT) | BIT(O_STOP_AFTER) | BIT(O_PAUSE) | BIT(O_RESUME), 2, 2,
	  "which model, which version?", firmware_rollout },
	{ "status", 0, 0, 1, NULL, firmware_status },
	{ "cancel", 0, 1, 1, "which device?", firmware_cancel },
};

/* Words may be of any length, and of any characters. */
static int refuse(const struct command *self, const char *what, const char *word)
{
	char shown[SHOWN + 4];
	size_t i;

	for (i = 0; i < SHOWN && word[i]; i++)
		shown[i] = word[i] >= ' ' && word[i] <= '~' ? word[i] : '?';
	snprintf(shown + i, sizeof(shown) - i, "%s", word[i] ? "..." : "");
	return usage_error(self, what, shown);
}

static bool parse_number(const char *text, int max, int *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*out = n <= (unsigned long)max ? (int)n : -1;
	return *text >= '0' && *text <= '9' && !*end && *out >= 0;
}

/* Lines of UTF-8; nothing else that a terminal would obey. */
static bool are_notes(const char *text)
{
	json_t *is_utf8 = json_string(text);
	bool good = is_utf8 && strlen(text) < FIRMWARE_NOTES_LEN;

	json_decref(is_utf8);
	for (; good && *text; text++)
		good = (unsigned char)*text >= ' ' ? *text != 0x7f : *text == '\n' || *text == '\t';
	return good;
}

/* One option; a sentence about what is wrong with it, or NULL. */
static const char *take(struct firmware_words *w, int option, char *value)
{
	const char **text[] = {
		[O_REGISTRY] = &w->registry, [O_DIRECTORY] = &w->directory, [O_CA] = &w->ca,
		[O_MODEL] = &w->model, [O_VERSION] = &w->version, [O_SIGNATURE] = &w->signature,
		[O_SIGNER] = &w->signer, [O_FILE] = &w->file, [O_NOTES] = &w->notes,
	};
	bool *flag = option == O_JSON ? &w->json : option == O_PAUSE ? &w->pause :
		     option == O_RESUME ? &w->resume : NULL;

	if (flag) {
		*flag = true;
		return NULL;
	}
	if (option == O_PERCENT)
		return parse_number(value, 100, &w->percent) ? NULL : "not a number from 0 to 100";
	if (option == O_STOP_AFTER)
		return parse_number(value, STOP_AFTER_MAX, &w->stop_after) ? NULL : "not a number of failures";
	*text[option] = value;
	if (option == O_MODEL && !firmware_model_is_valid(value))
		return "not a model's name";
	if (option == O_VERSION && !firmware_version_is_valid(value))
		return "not a version";
	if (option == O_FILE && !firmware_file_is_valid(value))
		return "not a file name for devices";
	if (option == O_NOTES && !are_notes(value))
		return "not lines of text, or 1 KiB or more";
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

static int run_verb(struct firmware_words *w, unsigned int seen, int n, char **words)
{
	const struct verb *verb;
	int i;

	if (!n)
		return usage_error(w->self, "add, list, remove, sign, floor, rollout, status or cancel?", NULL);
	verb = find_verb(words[0]);
	if (!verb)
		return refuse(w->self, "no such verb", words[0]);
	for (i = 0; options[i].name; i++)
		if (options[i].val != OPTION_HELP &&
		    (seen & BIT(options[i].val) & ~(EVERYWHERE | verb->options)))
			return usage_error(w->self, "an option that this verb does not know", options[i].name);
	if (n - 1 < verb->min)
		return usage_error(w->self, verb->lacks, NULL);
	if (n - 1 > verb->max)
		return refuse(w->self, "too many words", words[1 + verb->max]);
	for (i = 1; i < n; i++)
		w->word[i - 1] = words[i];
	if (w->pause && w->resume)
		return usage_error(w->self, "--pause or --resume, not both", NULL);
	return verb->run(w);
}

static int run_firmware(const struct command *self, int argc, char **argv)
{
	struct firmware_words w = {
		.self = self, .registry = STORE_PATH, .directory = FIRMWARE_DIR, .ca = PKI_CA_DIR,
		.percent = -1, .stop_after = -1,
	};
	unsigned int seen = 0;
	const char *problem;
	int o;

	/* It has options of its own. */
	if (argc > 1 && !strcmp(argv[1], "sign"))
		return firmware_sign(self, argc - 1, argv + 1);
	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		problem = take(&w, o, optarg);
		if (problem)
			return refuse(self, problem, optarg);
		seen |= BIT(o);
	}
	return run_verb(&w, seen, argc - optind, argv + optind);
}

const struct command cmd_firmware = {
	"firmware", "Keep releases of devices' firmware, and offer them",
	"firmware add FILE --model MODEL --version VERSION [--signature FILE] [--signer FILE]\n"
	"             [--file NAME] [--notes TEXT] [--percent N] [--stop-after N] [--directory DIR] [--json]\n"
	"firmware list [MODEL] [--directory DIR] [--json]\n"
	"firmware remove MODEL VERSION [--directory DIR]\n"
	"firmware sign FILE [--out FILE] [--key FILE --cert FILE] [--passphrase-file FILE] [--json]\n"
	"firmware floor [MODEL [VERSION | none]] [--json]\n"
	"firmware rollout MODEL VERSION [--percent N] [--pause | --resume] [--stop-after N]\n"
	"firmware status [DEVICE] [--json]\n"
	"firmware cancel DEVICE",
	"A device below its model's floor is held in segment update, where its segment has\n"
	"firmware_auto_update. DEVICE is a name or a MAC.\n\n"
	"  --model MODEL      which devices it fits, as 'model' in the policy\n"
	"  --version VERSION  dotted numbers, with tags if need be: 1.2, 1.2.0-rc.1\n"
	"  --signature FILE   CMS, detached, DER or PEM (FILE.p7s)\n"
	"  --signer FILE      certificates that may have signed it, or their CA's, PEM or DER;\n"
	"                     without it, our CA\n"
	"  --file NAME        what devices know it by (the last part of FILE)\n"
	"  --notes TEXT       for people\n"
	"  --percent N        of the model's devices are offered it (100)\n"
	"  --stop-after N     that many failures stop the roll-out; 0, none do (5)\n"
	"  --pause, --resume  offer it to nobody else, for now; go on, and ask those again\n"
	"                     that failed or cancelled\n"
	"  --ca DIR           our CA (" PKI_CA_DIR ")\n"
	"  --directory DIR    of the artifacts (" FIRMWARE_DIR ")\n"
	"  --registry FILE    the registry (" STORE_PATH ")\n"
	"  --json             print JSON\n\n"
	"sign makes FILE.p7s, by our CA or with a key of one's own.\n\n"
	"  --out FILE         where the signature goes\n"
	"  --key FILE, --cert FILE\n"
	"                     that sign; without them, a certificate of our CA\n"
	"  --passphrase-file FILE\n"
	"                     of the CA's key\n",
	run_firmware
};
