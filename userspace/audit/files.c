// SPDX-License-Identifier: GPL-2.0
/* Older files of a log: audit-NUMBER.jsonl, beside it. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"

#define DIGITS	20

/**
 * audit_file_name - an older file
 * @path: of the log
 * @first: number of the file's first line
 * @out: gets its path
 */
void audit_file_name(const char *path, uint64_t first, char out[AUDIT_PATH_LEN])
{
	char ending[DIGITS + 16];

	snprintf(ending, sizeof(ending), "-%0*" PRIu64 ".jsonl", DIGITS, first);
	audit_beside(path, ending, out);
}

/* 0, it is none of these. */
static uint64_t number_of(const char *name, const char *base)
{
	size_t len = strlen(base);
	char *end;
	uint64_t n;

	if (strncmp(name, base, len) || strlen(name) != len + 1 + DIGITS + 6 || name[len] != '-')
		return 0;
	n = strtoull(name + len + 1, &end, 10);
	return strcmp(end, ".jsonl") ? 0 : n;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int add(struct audit_files *f, uint64_t first)
{
	uint64_t *more = reallocarray(f->first, f->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	f->first = more;
	f->first[f->n++] = first;
	return 0;
}

/**
 * audit_files_list - the older files there are
 * @path: of the log
 * @out: their numbers, in order; audit_files_free()
 *
 * Return: 0 or -errno.
 */
int audit_files_list(const char *path, struct audit_files *out)
{
	char dir[AUDIT_PATH_LEN], *slash;
	const char *base = dir;
	struct dirent *entry;
	uint64_t first;
	int err = 0;
	DIR *d;

	memset(out, 0, sizeof(*out));
	audit_beside(path, "", dir);
	slash = strrchr(dir, '/');
	if (slash) {
		base = slash + 1;
		*slash = 0;
	}
	d = opendir(!slash ? "." : slash == dir ? "/" : dir);
	if (!d)
		return -errno;
	while (!err && (entry = readdir(d))) {
		first = number_of(entry->d_name, base);
		if (first)
			err = add(out, first);
	}
	closedir(d);
	if (err)
		audit_files_free(out);
	else if (out->n)
		qsort(out->first, out->n, sizeof(*out->first), compare);
	return err;
}

void audit_files_free(struct audit_files *f)
{
	free(f->first);
	memset(f, 0, sizeof(*f));
}
