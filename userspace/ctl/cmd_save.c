// SPDX-License-Identifier: GPL-2.0
/* save: what devices became at run time, into the policy's file. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl/changes.h"
#include "ctl/unsaved.h"
#include "lib/yaml_edit.h"
#include "state/state.h"

/**
 * struct save - a run
 * @path: the file
 * @dir: with the policy that was applied, under @lock
 * @lock: on @dir
 * @nl: the connection
 * @u: what is to be saved
 * @texts: what the file says then, and others that it includes
 */
struct save {
	const char *path;
	const char *dir;
	int lock;
	struct cnl nl;
	struct unsaved u;
	struct policy_texts texts;
};

/* Until it is confirmed, nobody knows whether the policy in force stays. */
static int check_force(struct save *s)
{
	struct cnl_summary in;

	if (cnl_summary(&s->nl, &in))
		return complain_nl(&s->nl);
	if (!in.in_force)
		return complain(s->path, "no policy is in force");
	return in.awaiting ? complain(s->path, "the policy in force awaits confirmation: 'cordonctl confirm' first") :
			     EXIT_DONE;
}

/* The file says what was applied: or else what is saved would be mixed with what somebody is about to apply. */
static int check_file(struct save *s)
{
	const struct policy_change *c = unsaved_other(&s->u);
	struct policy_diff diff = { NULL, 0 };
	struct policy *file;
	int ret = EXIT_DONE;

	if (c) {
		fprintf(stderr, "cordonctl: %s: is not what was applied last: %s %s differs from the policy in force\n",
			s->path, c->object, c->name);
		return EXIT_REFUSED;
	}
	if (policy_load(s->path, &file, stderr))
		return EXIT_REFUSED;
	if (policy_diff(s->u.applied, file, &diff))
		ret = complain(s->path, strerror(ENOMEM));
	if (diff.n) {
		fprintf(stderr, "cordonctl: %s: was changed since it was applied, in %s %s: 'cordonctl diff' says what applying "
			"it would do to the policy in force\n", s->path, diff.changes[0].object, diff.changes[0].name);
		ret = EXIT_REFUSED;
	}
	policy_diff_free(&diff);
	policy_free(file);
	return ret;
}

static int find(struct save *s)
{
	int err;

	if (!strcmp(s->path, "-"))
		return complain("-", "standard input cannot be written to: name the file");
	s->lock = kept_lock(s->dir);
	if (s->lock < 0)
		return complain(s->dir, strerror(-s->lock));
	err = unsaved_find(&s->u, &s->nl, s->dir, stderr);
	if (err == -ENOENT)
		return complain(s->dir, "the policy that was applied is not kept there: 'cordonctl apply' one first");
	return err ? complain_nl(&s->nl) : check_file(s);
}

/* From now on the file says it: it is no change at run time any more. */
static int note_saved(struct save *s)
{
	int err = kept_policy(s->dir, s->u.kernel);

	if (err)
		return complain(s->dir, strerror(-err));
	return keep_state(&s->nl, s->dir) ? complain_nl(&s->nl) : EXIT_DONE;
}

static int save(struct save *s, bool dry)
{
	u32 n = 0, i;
	size_t at = 0;
	int ret;

	while (unsaved_next(&s->u, &at))
		n++;
	if (!n) {
		printf("%s: nothing to save\n", s->path);
		return EXIT_DONE;
	}
	ret = policy_edit(s->path, s->u.kernel, &s->texts, stderr);
	if (ret == -ENOMEM)
		return complain(s->path, strerror(ENOMEM));
	if (ret)
		return EXIT_REFUSED;
	changes_print(&s->u.diff, SIZE_MAX);
	if (dry) {
		printf("%s: nothing was changed (--dry-run)\n", s->path);
		return EXIT_DONE;
	}
	ret = policy_texts_write(&s->texts, stderr) ? EXIT_REFUSED : EXIT_DONE;
	for (i = 0; !ret && i < s->texts.n; i++)
		printf("%s: written\n", s->texts.list[i].path);
	return ret ? ret : note_saved(s);
}

static int run_save(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' }, { "state", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct save s = { .lock = -1 };
	bool dry = false;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		dry |= o == 'n';
		if (o == 's')
			s.dir = optarg;
	}
	s.path = policy_file(self, argc, argv);
	if (!s.path)
		return EXIT_USAGE;
	if (!open_kernel(&s.nl))
		return EXIT_REFUSED;
	s.dir = keep_place(s.dir, true);
	ret = s.dir ? check_force(&s) : EXIT_REFUSED;
	if (!ret)
		ret = find(&s);
	if (!ret)
		ret = save(&s, dry);
	policy_texts_free(&s.texts);
	unsaved_free(&s.u);
	if (s.lock >= 0)
		close(s.lock);
	cnl_close(&s.nl);
	return ret;
}

const struct command cmd_save = {
	"save", "Write what devices became at run time into the policy's file",
	"save [FILE] [--dry-run] [--state DIR]",
	"What 'device add', 'set', 'del' and 'adopt' did to the policy in force is written into\n"
	"FILE (" POLICY_PATH "), and into files that it includes: comments and all else stay.\n"
	"Refused if FILE was changed since it was applied.\n\n"
	"  --dry-run    say what would be written, and write nothing\n"
	"  --state DIR  with the policy that was applied (" STATE_DIR ")\n",
	run_save
};
