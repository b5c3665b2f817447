/* SPDX-License-Identifier: GPL-2.0 */
/* A policy's files, changed in their devices and nowhere else. */
#ifndef CORDON_YAML_EDIT_H
#define CORDON_YAML_EDIT_H

#include "policy.h"
#include "yaml.h"

/**
 * struct policy_texts - what files are about to say
 * @list: the files, paths and texts to be freed
 * @n: how many
 */
struct policy_texts {
	struct policy_text *list;
	u32 n;
};

int policy_edit(const char *path, const struct policy *to, struct policy_texts *out, FILE *errors);

/* yaml_write.c */
int policy_texts_write(const struct policy_texts *texts, FILE *errors);
void policy_texts_free(struct policy_texts *texts);

#endif
