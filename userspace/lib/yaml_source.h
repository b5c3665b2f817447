/* SPDX-License-Identifier: GPL-2.0 */
/* The files of a policy: the one that is named, and those that it includes. */
#ifndef CORDON_YAML_SOURCE_H
#define CORDON_YAML_SOURCE_H

#include "policy.h"
#include "yaml.h"
#include "yaml_tree.h"

#define YAML_SOURCES	257	/* the file, and what it may include */

/**
 * struct yaml_source - one file
 * @path: as it is printed
 * @report: its faults
 * @tree: what it says
 */
struct yaml_source {
	char *path;
	struct report report;
	struct yaml_tree tree;
};

/**
 * struct yaml_sources - all of them
 * @list: the named one first
 * @n: how many
 * @texts: what is read instead of files
 * @n_texts: how many
 * @errors: where faults are written
 */
struct yaml_sources {
	struct yaml_source *list[YAML_SOURCES];
	u32 n;
	const struct policy_text *texts;
	u32 n_texts;
	FILE *errors;
};

/* yaml.c */
int yaml_sources_load(struct yaml_sources *s, const char *path, struct policy **out);

struct yaml_source *yaml_source_add(struct yaml_sources *s, const char *path);
void yaml_sources_include(struct yaml_sources *s, const struct yaml_node *node);
unsigned int yaml_sources_errors(const struct yaml_sources *s);
void yaml_sources_free(struct yaml_sources *s);

#endif
