/* SPDX-License-Identifier: GPL-2.0 */
/* A device's lines in a policy file. */
#ifndef CORDON_POLICY_CUT_H
#define CORDON_POLICY_CUT_H

#include "ctl/ctl.h"
#include "lib/yaml_cut.h"

/**
 * struct policy_cut - where a device stands
 * @path: of the file, without symbolic links
 * @text: of the file
 * @len: of @text
 * @at: the device's bytes in it
 */
struct policy_cut {
	char *path;
	char *text;
	size_t len;
	struct yaml_cut at;
};

/* policy_cut.c */
int policy_cut_find(struct policy_cut *c, const char *path, const char *name, bool loud);
int policy_cut_write(const struct policy_cut *c, const char *name);
void policy_cut_free(struct policy_cut *c);

#endif
