/* SPDX-License-Identifier: GPL-2.0 */
/* A device's lines in a policy's files. */
#ifndef CORDON_POLICY_CUT_H
#define CORDON_POLICY_CUT_H

#include "lib/yaml_edit.h"

/**
 * struct policy_cut - a device that a policy lists
 * @texts: what its file says without it
 * @from: the first byte that goes
 * @len: how many go
 * @line: on which line that is, from 1
 */
struct policy_cut {
	struct policy_texts texts;
	size_t from;
	size_t len;
	unsigned int line;
};

int policy_cut_find(struct policy_cut *c, const char *path, const char *name, bool loud);

#endif
