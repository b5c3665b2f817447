/* SPDX-License-Identifier: GPL-2.0 */
/* One YAML document as a tree that remembers where everything stood. */
#ifndef CORDON_YAML_TREE_H
#define CORDON_YAML_TREE_H

#include <stdbool.h>

#include "report.h"

#define YAML_TREE_DEPTH		16
#define YAML_TREE_NODES		(16U << 20)
#define YAML_TREE_BYTES		(128UL << 20)

enum yaml_kind {
	YAML_BAD,		/* a fault of its own that is reported already */
	YAML_SCALAR,
	YAML_SEQUENCE,
	YAML_MAPPING,
};

/**
 * struct yaml_node - a value
 * @kind: what it is
 * @plain: of a scalar, it was not quoted
 * @flow: of a collection, it is in brackets or braces
 * @n: of a collection, how many children; a mapping's are key, value, key, value
 * @at: where it begins
 * @end: behind its last character
 * @text: of a scalar, NUL-terminated, and no NUL before that; else NULL
 * @child: of a collection, the first; else NULL
 * @next: the next child of the same collection
 */
struct yaml_node {
	enum yaml_kind kind : 8;
	bool plain;
	bool flow;
	uint32_t n;
	struct report_mark at;
	struct report_mark end;
	const char *text;
	struct yaml_node *child;
	struct yaml_node *next;
};

bool yaml_is_null(const struct yaml_node *node);

/**
 * struct yaml_tree - a document
 * @root: its value, null for a file that says nothing, or NULL where the file could not be parsed
 * @report: collects the faults
 * @buffer: the file
 * @chunks: memory of the nodes
 * @n_nodes: how many there are
 */
struct yaml_tree {
	struct yaml_node *root;
	struct report *report;
	char *buffer;
	struct yaml_chunk *chunks;
	uint32_t n_nodes;
};

void yaml_tree_load(struct yaml_tree *t, const char *path, struct report *r);
void yaml_tree_take(struct yaml_tree *t, char *text, size_t size, struct report *r);
void yaml_tree_free(struct yaml_tree *t);

#endif
