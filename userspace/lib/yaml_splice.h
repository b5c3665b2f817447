/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of a text, by places in the text as it was. */
#ifndef CORDON_YAML_SPLICE_H
#define CORDON_YAML_SPLICE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct splice - one change
 * @from: first byte that goes
 * @to: behind the last one; @from, none goes
 * @text: what comes instead
 * @order: of those at the same place
 */
struct splice {
	size_t from;
	size_t to;
	char *text;
	size_t order;
};

/**
 * struct splices - changes of one text
 * @list: they
 * @n: how many
 * @failed: there was no memory for one of them
 */
struct splices {
	struct splice *list;
	size_t n;
	bool failed;
};

void splice_add(struct splices *all, size_t from, size_t to, char *text);
char *splice_all(struct splices *all, const char *text, size_t size, size_t *len);
void splices_free(struct splices *all);

#endif
