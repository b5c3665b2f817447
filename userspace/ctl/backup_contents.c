// SPDX-License-Identifier: GPL-2.0
/* What backup and restore share: their words, the parts of a backup as files, and whether these are any good. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/cmd_ca.h"
#include "ctl/cmd_backup.h"
#include "lib/file.h"
#include "lib/yaml.h"
#include "state/state.h"

/**
 * backup_words_take - read the command line
 * @self: the command
 * @argc: of @argv
 * @argv: its words
 * @options: those that the command has
 * @w: filled; defaults included
 * @ret: the exit status, if there is nothing more to do
 */
bool backup_words_take(const struct command *self, int argc, char **argv, const struct option *options,
		       struct backup_words *w, int *ret)
{
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		*ret = o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return false;
		if (o == 'p')
			w->policy = optarg;
		else if (o == 'c')
			w->config = optarg;
		else if (o == 's')
			w->state = optarg;
		else if (o == 'f')
			w->passphrase_file = optarg;
		w->config_given |= o == 'c';
		w->keys = o == 'k' || (w->keys && o != 'K');
		w->dry |= o == 'n';
	}
	*ret = EXIT_USAGE;
	if (argc - optind == 1)
		w->file = argv[optind];
	else
		usage_error(self, argc == optind ? "which file?" : "one file at a time", NULL);
	return w->file;
}

/**
 * backup_passphrase - of the keys in a backup
 * @w: where it may be
 * @is_new: it is chosen now: asked for twice, and refused when it is weak
 * @out: the passphrase; explicit_bzero() it
 */
bool backup_passphrase(const struct backup_words *w, bool is_new, char out[SECRET_MAX_LEN + 1])
{
	struct ca_words ca = { .passphrase_file = w->passphrase_file };
	char why[SECRET_WHY_LEN];

	out[0] = 0;
	if (w->passphrase_file) {
		if (!ca_passphrase(&ca, NULL, out))
			return false;
	} else if (EVP_read_pw_string(out, SECRET_MAX_LEN, "Passphrase of the backup: ", is_new) || !out[0]) {
		complain(w->file, "its private keys need a passphrase: give it on the terminal, or --passphrase-file");
		return false;
	}
	if (!is_new || !secret_check(out, NULL, NULL, why))
		return true;
	complain("passphrase", why);
	return false;
}

/** backup_complain - tell what went wrong with a backup; EXIT_REFUSED */
int backup_complain(const struct backup *b, const char *file)
{
	return complain(file, b->error);
}

/** backup_path - DIR/NAME, of at most @size bytes; false, it is too long, which is told */
bool backup_path(char *out, size_t size, const char *dir, const char *name)
{
	if (snprintf(out, size, "%s/%s", dir, name) < (int)size)
		return true;
	complain(dir, strerror(ENAMETOOLONG));
	return false;
}

/* Of the directory that a file lies in. */
static void parent_of(const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (slash)
		snprintf(out, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	else
		strcpy(out, ".");
}

/** backup_make_parents - the directories that a file lies in; @mode: of those that are made */
bool backup_make_parents(const char *path, mode_t mode)
{
	char dir[PATH_MAX];
	int err;

	parent_of(path, dir);
	err = file_make_dirs(dir, mode);
	if (err)
		complain(dir, strerror(-err));
	return !err;
}

/**
 * backup_lock_ca - nobody makes a CA or rolls it over meanwhile
 * @ca: its directory
 * @state: what kept_lock() gave, or -1: where that is the same directory, it is locked already
 * @fd: to be closed; -1, there is nothing to lock
 */
bool backup_lock_ca(const char *ca, int state, int *fd)
{
	char dir[PATH_MAX];
	struct stat a, b;

	*fd = -1;
	parent_of(ca, dir);
	if (stat(dir, &a) || (state >= 0 && !fstat(state, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev))
		return true;
	*fd = kept_lock(dir);
	if (*fd < 0)
		complain(dir, strerror(-*fd));
	return *fd >= 0;
}

/**
 * backup_unpack - all parts but firmware, as files
 * @b: open
 * @file: its name
 * @dir: where to; by the names of the parts
 */
bool backup_unpack(struct backup *b, const char *file, const char *dir)
{
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < b->n; i++) {
		if (!strncmp(b->parts[i].name, "firmware/", 9))
			continue;
		if (!backup_path(path, sizeof(path), dir, b->parts[i].name) || !backup_make_parents(path, 0700))
			return false;
		if (backup_extract(b, &b->parts[i], path, false))
			return !backup_complain(b, file);
	}
	return true;
}

/**
 * struct told - what is said of unpacked files, by the names that they have in the backup
 * @text: what was said
 * @len: of @text
 * @out: where it is written to
 */
struct told {
	char *text;
	size_t len;
	FILE *out;
};

/* @bad: it is printed, without the directory that nobody knows. */
static bool tell(struct told *t, const char *file, const char *dir, bool bad)
{
	size_t len = strlen(dir);
	const char *at, *from;

	fclose(t->out);
	if (bad) {
		fprintf(stderr, "cordonctl: %s: what is in it is not sound:\n", file);
		for (from = t->text; (at = strstr(from, dir)); from = at + len + (at[len] == '/'))
			fprintf(stderr, "%.*s", (int)(at - from), from);
		fputs(from, stderr);
	}
	free(t->text);
	return !bad;
}

static bool check_policy(const char *path, FILE *out)
{
	struct policy *p;

	if (policy_load(path, &p, out))
		return false;
	policy_free(p);
	return true;
}

static bool check_config(const char *path, FILE *out)
{
	struct serve_config c;

	return !serve_config_load(path, &c, out);
}

static bool check_state(const char *path, FILE *out)
{
	struct state *s;

	if (state_load(path, &s, out))
		return false;
	state_free(s);
	return true;
}

static void on_fault(const char *fault, bool damage, void *arg)
{
	if (damage)
		fprintf(arg, "registry.db: %s\n", fault);
}

static bool check_registry(const char *path, FILE *out)
{
	unsigned int faults, damage = 0;
	struct store s;
	int err = store_look(&s, path);

	if (!err) {
		err = store_check(&s, on_fault, out, &faults, &damage);
		store_close(&s);
	}
	if (err)
		fprintf(out, "registry.db: %s\n", s.error);
	return !err && !damage;
}

/* The CA's certificates; its keys are looked at where they are used. */
static bool check_ca(const char *path, FILE *out)
{
	char dir[PATH_MAX];
	struct pki_error why;
	struct pki_ca ca;
	int err;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	err = pki_ca_load(dir, false, NULL, &ca, &why);
	if (!err)
		pki_ca_free(&ca);
	if (!err || err == -EINPROGRESS)	/* one that waits for its certificate is none that is broken */
		return true;
	fprintf(out, "%s\n", why.text);
	return false;
}

/**
 * backup_contents_check - would everything in a backup do
 * @b: open
 * @file: its name
 * @dir: where backup_unpack() put its parts
 */
bool backup_contents_check(const struct backup *b, const char *file, const char *dir)
{
	static const struct {
		const char *name;
		bool (*check)(const char *path, FILE *out);
	} parts[] = {
		{ "policy.yaml", check_policy }, { "state/policy.yaml", check_policy }, { "serve.yaml", check_config },
		{ "state/state", check_state }, { "registry.db", check_registry },
	};
	char path[PATH_MAX];
	struct told t;
	bool good = true, ca = false;
	size_t i;

	t.out = open_memstream(&t.text, &t.len);
	if (!t.out)
		return complain(file, "out of memory"), false;
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (backup_find(b, parts[i].name) && backup_path(path, sizeof(path), dir, parts[i].name))
			good &= parts[i].check(path, t.out);
	for (i = 0; i < b->n; i++)
		ca |= !strncmp(b->parts[i].name, "ca/", 3);
	if (ca && backup_path(path, sizeof(path), dir, "ca/root.crt"))
		good &= check_ca(path, t.out);
	return tell(&t, file, dir, !good);
}
