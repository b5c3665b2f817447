// SPDX-License-Identifier: GPL-2.0
/* The kernel's state, on its way into the directory of what is kept. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "lib/file.h"
#include "state/state.h"

/**
 * keep_place - where to keep what is about the network namespace at hand
 * @option: what the user said, or NULL
 * @needed: without a directory nothing can be done, so that is told, too
 *
 * Return: the directory; NULL, there is none: STATE_DIR is about another namespace, or that cannot be told.
 */
const char *keep_place(const char *option, bool needed)
{
	int here;

	if (option)
		return option;
	here = kept_is_default_place();
	if (here < 0)
		fprintf(stderr, "cordonctl: " STATE_DIR ": not used: whether it is about this network namespace cannot "
			"be told (%s); --state DIR says where to keep things\n", strerror(-here));
	else if (!here && needed)
		fputs("cordonctl: " STATE_DIR ": is about another network namespace: --state DIR says where to keep things\n",
		      stderr);
	return here > 0 ? STATE_DIR : NULL;
}

static void note_boot(struct state *s)
{
	size_t len;
	char *id;

	s->saved = time(NULL);
	if (file_read("/proc/sys/kernel/random/boot_id", STATE_BOOT_LEN - 1, &id, &len))
		return;
	snprintf(s->boot, sizeof(s->boot), "%.*s", (int)strcspn(id, "\n"), id);
	free(id);
}

/* What was changed at run time before a policy came that awaits confirmation. */
static int copy_changes(struct state *s, const char *dir)
{
	char *path = kept_path(dir, "state");
	struct state *before;
	int err = path ? 0 : -ENOMEM;
	u32 i;

	if (err || state_load(path, &before, stderr)) {
		free(path);
		return err;
	}
	for (i = 0; !err && i < before->changed->draft.n_devices; i++)
		err = state_copy_device(s->changed, before->changed, i);
	for (i = 0; !err && i < before->n_deleted; i++)
		err = state_delete(s, before->deleted[i]);
	state_free(before);
	free(path);
	return err;
}

/* Without the policy that was put in force as a whole, nobody knows what was changed since. */
static int find_changes(struct state *s, const char *dir, const struct policy *kernel, bool awaiting)
{
	struct policy *base;
	int err = 0;

	if (awaiting)
		return copy_changes(s, dir);
	base = kept_last_good(dir, stderr);
	if (base)
		err = state_compare(s, kernel, base);
	policy_free(base);
	return err;
}

/* Only a policy with devices that learn has any. */
static int collect_bindings(struct cnl *nl, struct state *s, const struct policy *kernel)
{
	struct cnl_bindings all;
	int err;

	if (!cordon_draft_learners(&kernel->draft))
		return 0;
	err = cnl_bindings(nl, true, &all);
	if (err)
		return err;
	err = state_collect_bindings(s, &all);
	cnl_bindings_free(&all);
	return err;
}

/* Only a policy that asks where devices go has any. */
static int collect_destinations(struct cnl *nl, struct state *s, const struct policy *kernel)
{
	struct cnl_destinations_list all;
	int err;

	if (!state_policy_learns(kernel))
		return 0;
	err = cnl_destinations(nl, &all);
	if (err)
		return err;
	err = state_collect_destinations(s, &all);
	cnl_destinations_free(&all);
	return err;
}

/**
 * keep_collect - what the kernel holds that the policy file does not
 * @nl: the connection
 * @dir: with the last good policy, under kept_lock()
 * @out: the state
 *
 * Return: 0; -ENODATA, no policy is in force; another -errno, with a sentence in @nl->error.
 */
int keep_collect(struct cnl *nl, const char *dir, struct state **out)
{
	struct cnl_runtime runtime = { NULL, NULL, NULL };
	struct policy *kernel = NULL;
	struct state *s = NULL;
	struct cnl_summary in;
	int err = cnl_summary(nl, &in);

	if (!err && !in.in_force) {
		snprintf(nl->error, sizeof(nl->error), "no policy is in force");
		return -ENODATA;
	}
	if (!err)
		err = cnl_fetch(nl, &kernel, &runtime);
	if (err)
		return err;
	s = state_new();
	err = s ? 0 : -ENOMEM;
	if (!err) {
		note_boot(s);
		err = state_collect(s, kernel, runtime.devices);
	}
	if (!err)
		err = collect_bindings(nl, s, kernel);
	if (!err)
		err = collect_destinations(nl, s, kernel);
	if (!err)
		err = find_changes(s, dir, kernel, in.awaiting);
	if (err)
		snprintf(nl->error, sizeof(nl->error), "%s", strerror(-err));
	cnl_runtime_free(&runtime);
	policy_free(kernel);
	if (err)
		state_free(s);
	else
		*out = s;
	return err;
}

/**
 * keep_state - save it where the next start finds it
 * @nl: the connection
 * @dir: the directory, under kept_lock()
 *
 * Return: as keep_collect().
 */
int keep_state(struct cnl *nl, const char *dir)
{
	struct state *s;
	int err = keep_collect(nl, dir, &s);
	char *path;

	if (err)
		return err;
	path = kept_path(dir, "state");
	err = path ? state_save(path, s) : -ENOMEM;
	if (err)
		snprintf(nl->error, sizeof(nl->error), "%s/state: %s", dir, strerror(-err));
	free(path);
	state_free(s);
	return err;
}
