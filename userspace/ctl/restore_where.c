// SPDX-License-Identifier: GPL-2.0
/* restore: where the parts of a backup belong. */
#include "ctl/restore.h"

/** restore_policy - of the policy */
const char *restore_policy(const struct restoring *r, char path[PATH_MAX])
{
	(void)path;
	return r->w.policy;
}

/** restore_config - of serve.yaml */
const char *restore_config(const struct restoring *r, char path[PATH_MAX])
{
	(void)path;
	return r->w.config;
}

/** restore_state - of the state; beside its place while a policy is in force, as the kernel's is the newer one */
const char *restore_state(const struct restoring *r, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/state%s", r->w.state, r->in_force ? ".restored" : "");
	return path;
}

/** restore_last_good - of the last good policy; left out while one is in force: that one is the last good one */
const char *restore_last_good(const struct restoring *r, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/policy.yaml", r->w.state);
	return r->in_force ? NULL : path;
}

static const char *list(const struct restoring *r, unsigned int n, char path[PATH_MAX])
{
	revoked_saved(r->c.ca, n, path);
	return r->keep_lists ? NULL : path;
}

/** restore_list - of the revocation list that the server keeps */
const char *restore_list(const struct restoring *r, char path[PATH_MAX])
{
	return list(r, 0, path);
}

/** restore_other_list - of the other one, which may be the older one */
const char *restore_other_list(const struct restoring *r, char path[PATH_MAX])
{
	return list(r, 1, path);
}
