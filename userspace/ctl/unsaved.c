// SPDX-License-Identifier: GPL-2.0
/* What 'device add', 'set' and 'del' did to the policy in force, and its file does not say. */
#include <stdlib.h>
#include <string.h>

#include "ctl/unsaved.h"
#include "state/state.h"

/**
 * unsaved_find - how the policy in force differs from the one that was last put in force as a whole
 * @u: zeroed; free with unsaved_free(), whatever happened
 * @nl: the connection
 * @dir: where that one is kept
 * @errors: where it is told what is wrong with that one
 *
 * Return: 0; -ENOENT, none is kept; another -errno, with a sentence in @nl->error.
 */
int unsaved_find(struct unsaved *u, struct cnl *nl, const char *dir, FILE *errors)
{
	struct cnl_runtime runtime = { NULL, NULL, NULL };
	int err;

	u->applied = kept_last_good(dir, errors);
	if (!u->applied)
		return -ENOENT;
	err = cnl_fetch(nl, &u->kernel, &runtime);
	if (err)
		return err;
	cnl_runtime_free(&runtime);
	err = policy_diff(u->applied, u->kernel, &u->diff);
	if (err)
		snprintf(nl->error, sizeof(nl->error), "%s", strerror(-err));
	return err;
}

/**
 * unsaved_other - the first difference that is not about a device
 *
 * Return: what it is about; NULL, there is none.
 */
const struct policy_change *unsaved_other(const struct unsaved *u)
{
	size_t i;

	for (i = 0; i < u->diff.n; i++)
		if (strcmp(u->diff.changes[i].object, "device"))
			return &u->diff.changes[i];
	return NULL;
}

/**
 * unsaved_next - the next device that differs
 * @u: the differences
 * @at: 0 at first; left behind the device
 *
 * Return: its name; NULL, there is no other.
 */
const char *unsaved_next(const struct unsaved *u, size_t *at)
{
	const struct policy_change *c = u->diff.changes;
	size_t i = *at;

	while (i < u->diff.n && strcmp(c[i].object, "device"))
		i++;
	*at = i;
	if (i == u->diff.n)
		return NULL;
	/* One device's changes come one after another. */
	while (*at < u->diff.n && !strcmp(c[*at].object, "device") && !strcmp(c[*at].name, c[i].name))
		++*at;
	return c[i].name;
}

/** unsaved_free - forget them */
void unsaved_free(struct unsaved *u)
{
	policy_diff_free(&u->diff);
	policy_free(u->applied);
	policy_free(u->kernel);
	*u = (struct unsaved){ NULL };
}
