// SPDX-License-Identifier: GPL-2.0
/* Changes of a text, made at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yaml_splice.h"

/**
 * splice_add - one more change
 * @all: those so far
 * @from: first byte that goes
 * @to: behind the last one
 * @text: what comes instead, which is freed; NULL, there was no memory for it
 */
void splice_add(struct splices *all, size_t from, size_t to, char *text)
{
	struct splice *more = text ? realloc(all->list, (all->n + 1) * sizeof(*more)) : NULL;

	if (!more) {
		free(text);
		all->failed = true;
		return;
	}
	all->list = more;
	more[all->n] = (struct splice){ from, to, text, all->n };
	all->n++;
}

static int by_place(const void *a, const void *b)
{
	const struct splice *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/**
 * splice_all - make all changes
 * @all: the changes; what two of them take away goes once
 * @text: as it was
 * @size: of @text
 * @len: of what is returned
 *
 * Return: free(); NULL, no memory.
 */
char *splice_all(struct splices *all, const char *text, size_t size, size_t *len)
{
	char *changed = NULL;
	size_t at = 0, i;
	FILE *out = all->failed ? NULL : open_memstream(&changed, len);
	bool failed;

	if (!out)
		return NULL;
	if (all->n)
		qsort(all->list, all->n, sizeof(*all->list), by_place);
	for (i = 0; i < all->n; i++) {
		if (all->list[i].from > at) {
			fwrite(text + at, 1, all->list[i].from - at, out);
			at = all->list[i].from;
		}
		fputs(all->list[i].text, out);
		if (all->list[i].to > at)
			at = all->list[i].to;
	}
	fwrite(text + at, 1, size - at, out);
	failed = ferror(out);
	if (!fclose(out) && !failed)
		return changed;
	free(changed);
	return NULL;
}

/** splices_free - forget them */
void splices_free(struct splices *all)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		free(all->list[i].text);
	free(all->list);
	*all = (struct splices){ NULL };
}
