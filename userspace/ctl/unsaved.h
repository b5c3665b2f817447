/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of devices that are in force, and in no file. */
#ifndef CORDON_UNSAVED_H
#define CORDON_UNSAVED_H

#include "ctl/ctl.h"
#include "lib/diff.h"

/**
 * struct unsaved - the policy in force, beside the one that was applied
 * @applied: the policy that was last put in force as a whole
 * @kernel: the policy in force
 * @diff: from the one to the other
 */
struct unsaved {
	struct policy *applied;
	struct policy *kernel;
	struct policy_diff diff;
};

int unsaved_find(struct unsaved *u, struct cnl *nl, const char *dir, FILE *errors);
const struct policy_change *unsaved_other(const struct unsaved *u);
const char *unsaved_next(const struct unsaved *u, size_t *at);
void unsaved_free(struct unsaved *u);

#endif
