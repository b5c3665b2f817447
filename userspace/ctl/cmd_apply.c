// SPDX-License-Identifier: GPL-2.0
/* apply, confirm, check, diff: policies in files. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/changes.h"
#include "ctl/ctl.h"
#include "ctl/fleet_policy.h"
#include "lib/diff.h"
#include "lib/file.h"
#include "lib/machine.h"
#include "lib/yaml.h"
#include "serve/common/serve.h"
#include "state/state.h"

#define SHOWN 20	/* changes that apply tells one by one */

static json_t *text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

static void json_diff(const struct policy_diff *d)
{
	static const char * const ops[] = { "add", "delete", "change" };
	struct json_list list = { false };
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct policy_change *c = &d->changes[i];

		json_list_add(&list, json_pack("{s:s,s:s,s:o,s:s?,s:o,s:o}", "op", ops[c->op],
					       "object", c->object, "name", json_text(c->name),
					       "field", c->field, "before", text_or_null(c->before),
					       "after", text_or_null(c->after)));
	}
	json_list_end(&list);
}

/* A terminal sees how far a large policy is. */
static void progress(u32 done, u32 all)
{
	static struct timespec start;
	struct timespec now;

	if (!isatty(STDERR_FILENO))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!start.tv_sec)
		start = now;
	if (now.tv_sec - start.tv_sec < 1)
		return;
	fprintf(stderr, "\r%u of %u objects (%u %%)", done, all, (u32)(100ULL * done / all));
	if (done == all)
		fputc('\n', stderr);
}

/* The file's policy, the kernel's, and what is between them. */
struct compared {
	struct cnl nl;
	char **files;
	struct policy *file;
	struct policy *kernel;
	struct cnl_runtime runtime;
	struct policy_diff diff;
};

static void compared_free(struct compared *c)
{
	policy_diff_free(&c->diff);
	policy_files_free(c->files);
	policy_free(c->file);
	policy_free(c->kernel);
	cnl_runtime_free(&c->runtime);
	cnl_close(&c->nl);
}

static int compare(struct compared *c, const char *path)
{
	memset(c, 0, sizeof(*c));
	if (policy_load_files(path, &c->file, &c->files, stderr) || !open_kernel(&c->nl))
		return EXIT_REFUSED;
	if (cnl_fetch(&c->nl, &c->kernel, &c->runtime))
		return complain_nl(&c->nl);
	if (policy_diff(c->kernel, c->file, &c->diff))
		return complain(path, "out of memory");
	return EXIT_DONE;
}

static int commit(struct compared *c, u32 confirm, u32 *generation)
{
	if (cnl_commit(&c->nl, c->file, NULL, c->kernel->generation, confirm, generation, progress))
		return complain_nl(&c->nl);
	return EXIT_DONE;
}

/**
 * struct keep - what is put in force is kept for the next start
 * @dir: where; NULL, it is not
 * @lock: on @dir
 */
struct keep {
	const char *dir;
	int lock;
};

static int keep_begin(struct keep *k)
{
	k->lock = k->dir ? kept_lock(k->dir) : -1;
	return k->dir && k->lock < 0 ? complain(k->dir, strerror(-k->lock)) : EXIT_DONE;
}

static void keep_end(struct keep *k)
{
	if (k->lock >= 0)
		close(k->lock);
}

static int not_kept(const struct keep *k, int err)
{
	fprintf(stderr, "cordonctl: %s: %s: the policy is in force, but the next start would not know it as the last "
		"good one\n", k->dir, strerror(-err));
	return EXIT_REFUSED;
}

static bool awaits(struct compared *c)
{
	struct cnl_summary s;

	return !cnl_summary(&c->nl, &s) && s.awaiting;
}

/*
 * A policy is noted before it is in force: it may lock out who applies it, who then pulls the plug. Without
 * --confirm it is not refused for want of that. While another awaits confirmation, the note is of that one, and the
 * kernel refuses this one.
 */
static int commit_and_keep(struct compared *c, const struct keep *k, u32 confirm, u32 *generation)
{
	bool noted = k->dir && !awaits(c);
	char *text = k->dir ? kept_text(c->file) : NULL;
	int err = k->dir && !text ? -ENOMEM : noted ? kept_unconfirmed(k->dir, text) : 0, ret = EXIT_DONE;

	if (err && confirm) {
		ret = complain(k->dir, strerror(-err));
	} else if (commit(c, confirm, generation)) {
		if (noted)
			kept_forget(k->dir);
		ret = EXIT_REFUSED;
	} else if (k->dir && !confirm) {
		err = text ? kept_policy_text(k->dir, text) : -ENOMEM;
		if (err)
			ret = not_kept(k, err);
	}
	free(text);
	return ret;
}

/* In force already, maybe since before there was a place to keep it; but not if it awaits confirmation. */
static int keep_present(struct compared *c, const struct keep *k)
{
	struct cnl_summary s;
	int err = 0;

	if (k->dir && !cnl_summary(&c->nl, &s) && !s.awaiting && s.generation == c->kernel->generation)
		err = kept_policy(k->dir, c->file);
	return err ? not_kept(k, err) : EXIT_DONE;
}

static void print_generation(const char *path, u32 generation, u32 confirm)
{
	printf("%s: generation %u is in force\n", path, generation);
	if (confirm)
		printf("it ends in %u s unless 'cordonctl confirm' comes before: see whether you still get in, from another "
		       "session\n", confirm);
}

/* Whoever would lose the way in is told of; and it is refused, unless the kernel takes it back or @force says so. */
static int refuse_lockout(struct compared *c, const char *path, u32 confirm, bool force)
{
	/* Who got in by an address that was learned still does: the kernel keeps those of devices that go on learning. */
	if (add_learned(&c->nl, c->file, c->kernel))
		return complain_nl(&c->nl);
	if (!guard_check(&c->nl, path, c->file, c->kernel, &c->runtime) || confirm || force)
		return EXIT_DONE;
	return complain(path, "refused: add a rule that opens it, or apply with --confirm 5m, after which the policy before "
			"comes back by itself, or with --force");
}

/*
 * Editors do not wait for the disk. Without this a power cut soon after an 'apply' may bring back the file as it was
 * before, and the next start the policy that was replaced.
 */
static int sync_files(const struct compared *c, const char *path)
{
	size_t i;
	int err;

	for (i = !strcmp(path, "-"); c->files[i]; i++) {
		err = file_sync(c->files[i]);
		if (err)
			return complain(c->files[i], strerror(-err));
	}
	return EXIT_DONE;
}

/* What the kernel has closed, now that the policy is in force. */
static void warn_closed(struct compared *c)
{
	struct cnl_interfaces interfaces;

	if (cnl_interfaces(&c->nl, &interfaces))
		return;
	interfaces_warn(&interfaces, false, c->file->draft.mode == CORDON_MODE_OBSERVE, stderr);
	cnl_interfaces_free(&interfaces);
}

/* There is nothing to commit: not of a policy without objects, until one is in force. */
static bool is_done(struct compared *c)
{
	struct cnl_summary s;

	return !c->diff.n && !cnl_summary(&c->nl, &s) && s.in_force;
}

/**
 * struct apply - how it is called
 * @dry: nothing is changed
 * @verbose: every change is told
 * @force: also what cuts off whoever is connected
 * @confirm: seconds on trial; 0, for good
 * @fleet: directory of a fleet's policy; NULL, it is this gateway's
 * @config: serve.yaml, for that
 * @wait: seconds for the gateways' answers; 0, the usual ones
 * @state: where it is kept
 */
struct apply {
	bool dry;
	bool verbose;
	bool force;
	u32 confirm;
	u32 wait;
	const char *fleet;
	const char *config;
	const char *state;
};

static bool take_duration(const struct command *self, const char *word, u32 *out)
{
	if (!policy_duration_parse(word, out) && *out && *out <= 86400)
		return true;
	usage_error(self, "not a duration from 1s to 1d", word);
	return false;
}

/* Return: 0; OPTION_HELP; OPTION_ERROR, the fault was told. */
static int take_options(const struct command *self, int argc, char **argv, struct apply *a)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' }, { "confirm", required_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' }, { "state", required_argument, NULL, 's' },
		{ "force", no_argument, NULL, 'f' }, { "fleet", required_argument, NULL, 'F' },
		{ "config", required_argument, NULL, 'C' }, { "wait", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o;
		a->dry |= o == 'n';
		a->verbose |= o == 'v';
		a->force |= o == 'f';
		if (o == 's')
			a->state = optarg;
		if (o == 'F')
			a->fleet = optarg;
		if (o == 'C')
			a->config = optarg;
		if ((o == 'c' && !take_duration(self, optarg, &a->confirm)) ||
		    (o == 'w' && !take_duration(self, optarg, &a->wait)))
			return OPTION_ERROR;
	}
	return 0;
}

static int apply_fleet(const struct command *self, int argc, char **argv, const struct apply *a)
{
	const struct fleet_order_options o = {
		.config = a->config, .confirm = a->confirm, .wait = a->wait ? a->wait : FLEET_POLICY_WAIT, .dry = a->dry,
		.force = a->force,
	};

	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (a->state)
		return usage_error(self, "not with --fleet: --state", a->state);
	return fleet_policy_apply(a->fleet, &o);
}

static int apply_changes(struct compared *c, const char *path, const struct apply *a, const struct keep *keep)
{
	u32 generation = 0;
	int ret = refuse_lockout(c, path, a->confirm, a->force);

	if (!ret && !a->dry)
		ret = sync_files(c, path);
	if (!ret && !a->dry)
		ret = commit_and_keep(c, keep, a->confirm, &generation);
	if (generation && a->confirm)
		applied_note(generation);
	if (!ret)
		changes_print(&c->diff, a->verbose ? SIZE_MAX : SHOWN);
	if (!ret && a->dry)
		printf("%s: nothing was changed (--dry-run)\n", path);
	else if (!ret)
		print_generation(path, generation, a->confirm);
	return ret;
}

static int apply_nothing(struct compared *c, const char *path, bool dry, const struct keep *keep)
{
	int ret;

	printf("%s: no change\n", path);
	ret = dry ? EXIT_DONE : sync_files(c, path);
	return ret ? ret : keep_present(c, keep);
}

static int run_apply(const struct command *self, int argc, char **argv)
{
	struct keep keep = { NULL, -1 };
	struct apply a = { .dry = false };
	struct compared c;
	const char *path;
	int ret = take_options(self, argc, argv, &a);

	if (ret)
		return ret == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
	if (a.fleet)
		return apply_fleet(self, argc, argv, &a);
	if (a.config)
		return usage_error(self, "only with --fleet: --config", a.config);
	if (a.wait)
		return usage_error(self, "only with --fleet: --wait", NULL);
	path = policy_file(self, argc, argv);
	if (!path)
		return EXIT_USAGE;
	ret = compare(&c, path);
	if (!ret) {
		machine_compare(c.file, path, stderr);
		keep.dir = a.dry ? NULL : keep_place(a.state, false);
		ret = keep_begin(&keep);
	}
	if (!ret && is_done(&c))
		ret = apply_nothing(&c, path, a.dry, &keep);
	else if (!ret)
		ret = apply_changes(&c, path, &a, &keep);
	if (!ret && !a.dry)
		warn_closed(&c);
	compared_free(&c);
	keep_end(&keep);
	return ret;
}

const struct command cmd_apply = {
	"apply", "Put a policy in force, all of it or nothing",
	"apply [FILE] [--dry-run] [--confirm DURATION] [--force] [--verbose]\n"
	"      [--state DIR]\n"
	"apply --fleet DIR [--dry-run] [--confirm DURATION] [--force]\n"
	"      [--wait DURATION] [--config FILE]",
	"FILE is " POLICY_PATH " if none is given, and - standard input.\n"
	"With --fleet every gateway of the fleet puts its part of DIR in force: see\n"
	"cordonctl-fleet(8).\n\n"
	"  --dry-run           say what would change, and change nothing\n"
	"  --confirm DURATION  the policy before comes back by itself unless\n"
	"                      'cordonctl confirm' comes within DURATION (30s, 5m, 1h)\n"
	"  --force             also if it cuts off the SSH session that this is called from,\n"
	"                      or devices from 'cordonctl serve'; with --fleet also if a\n"
	"                      gateway has no file, or not the ports that its file names\n"
	"  --fleet DIR         DIR/common.yaml, which may be missing, and\n"
	"                      DIR/gateway/NAME.yaml for each gateway\n"
	"  --wait DURATION     with --fleet: so long for the gateways' answers (30s)\n"
	"  --config FILE       with --fleet: settings of the registry (" SERVE_CONFIG ")\n"
	"  --verbose           say every change, not only the first\n"
	"  --state DIR         where it is kept as the last good policy (" STATE_DIR ")\n",
	run_apply
};

/* Confirmed, it is what the next start may fall back on. */
static int keep_confirmed(struct cnl *nl, const struct keep *k)
{
	struct cnl_runtime runtime;
	struct policy *p;
	int err;

	if (!k->dir)
		return EXIT_DONE;
	if (cnl_fetch(nl, &p, &runtime))
		return complain_nl(nl);
	err = kept_policy(k->dir, p);
	policy_free(p);
	cnl_runtime_free(&runtime);
	return err ? not_kept(k, err) : EXIT_DONE;
}

/* 'apply --confirm 5m FILE && confirm' would keep what locks out whoever typed it. */
static int refuse_haste(struct cnl *nl)
{
	struct cnl_summary s;
	unsigned int wait;

	if (cnl_summary(nl, &s) || !s.awaiting)
		return EXIT_DONE;	/* the kernel says what is wrong */
	wait = applied_too_soon(s.generation);
	if (!wait)
		return EXIT_DONE;
	fprintf(stderr, "cordonctl: generation %u: not confirmed: it was applied from this session a moment ago, which does "
		"not show that you still get in: confirm from a new session, or from this one in %u s\n", s.generation, wait);
	return EXIT_REFUSED;
}

static int confirm_here(const char *state)
{
	struct keep keep = { NULL, -1 };
	struct cnl nl;
	u32 generation;
	int ret;

	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	keep.dir = keep_place(state, false);
	ret = refuse_haste(&nl);
	if (!ret)
		ret = keep_begin(&keep);
	if (!ret && cnl_confirm(&nl, &generation))
		ret = complain_nl(&nl);
	if (!ret) {
		printf("generation %u is confirmed\n", generation);
		ret = keep_confirmed(&nl, &keep);
	}
	keep_end(&keep);
	cnl_close(&nl);
	return ret;
}

static int run_confirm(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "fleet", no_argument, NULL, 'F' },
		{ "config", required_argument, NULL, 'C' }, { "wait", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *state = NULL, *config = NULL;
	bool fleet = false;
	u32 wait = 0;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		fleet |= o == 'F';
		if (o == 's')
			state = optarg;
		if (o == 'C')
			config = optarg;
		if (o == 'w' && !take_duration(self, optarg, &wait))
			return EXIT_USAGE;
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (fleet && state)
		return usage_error(self, "not with --fleet: --state", state);
	if (!fleet && (config || wait))
		return usage_error(self, "only with --fleet: --config and --wait", NULL);
	return fleet ? fleet_policy_confirm(config, wait ? wait : FLEET_POLICY_WAIT) : confirm_here(state);
}

const struct command cmd_confirm = {
	"confirm", "Keep the policy that was applied with --confirm", "confirm [--state DIR]\n"
	"confirm --fleet [--wait DURATION] [--config FILE]",
	"Refused in the first seconds from the session that applied it: that does not show\n"
	"that you still get in.\n\n"
	"  --state DIR      where it is kept as the last good policy (" STATE_DIR ")\n"
	"  --fleet          keep what 'apply --fleet --confirm' has put on trial\n"
	"  --wait DURATION  with --fleet: so long for the gateways' answers (30s)\n"
	"  --config FILE    with --fleet: settings of the registry (" SERVE_CONFIG ")\n", run_confirm
};

static int run_check(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *path;
	struct policy *p;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1)
		return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
	path = policy_file(self, argc, argv);
	if (!path)
		return EXIT_USAGE;
	if (policy_load(path, &p, stderr))
		return EXIT_REFUSED;
	machine_compare(p, path, stderr);
	machine_compare_source(p, path, stderr);
	printf("%s: %u segments, %u networks, %u rules, %u devices: good\n", path,
	       p->draft.n_segments - CORDON_BUILTIN_SEGMENTS, p->draft.n_networks,
	       p->draft.n_rules, p->draft.n_devices);
	policy_free(p);
	return EXIT_DONE;
}

const struct command cmd_check = {
	"check", "Validate a policy file", "check [FILE]",
	"FILE is " POLICY_PATH " if none is given, and - standard input.\n"
	"Warns of interfaces that this machine lacks, as 'apply' does, and of source\n"
	"addresses that nothing checks.\n", run_check
};

static int run_diff(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	bool json = false;
	const char *path;
	struct compared c;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		json |= o == 'j';
	}
	path = policy_file(self, argc, argv);
	if (!path)
		return EXIT_USAGE;
	ret = compare(&c, path);
	if (!ret) {
		if (json)
			json_diff(&c.diff);
		else
			changes_print(&c.diff, SIZE_MAX);
		ret = c.diff.n ? EXIT_DIFFERS : EXIT_DONE;
	}
	compared_free(&c);
	return ret;
}

const struct command cmd_diff = {
	"diff", "Compare a policy file with the kernel's policy", "diff [FILE] [--json]",
	"FILE is " POLICY_PATH " if none is given. Exit status 3 when they differ.\n", run_diff
};
