// SPDX-License-Identifier: GPL-2.0
/* Which files a policy is made of, and what is in them. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "yaml_source.h"

/* What is read instead of the file. */
static const struct policy_text *text_of(const struct yaml_sources *s, const char *path)
{
	u32 i;

	for (i = 0; i < s->n_texts; i++)
		if (!strcmp(s->texts[i].path, path))
			return &s->texts[i];
	return NULL;
}

static void read_source(const struct yaml_sources *s, struct yaml_source *source, const char *path)
{
	const struct policy_text *text = text_of(s, path);
	char *copy;

	if (!text) {
		yaml_tree_load(&source->tree, path, &source->report);
		return;
	}
	copy = malloc(text->size + 1);
	if (copy)
		yaml_tree_take(&source->tree, memcpy(copy, text->text, text->size), text->size, &source->report);
	else
		report_file(&source->report, strerror(ENOMEM));
}

/**
 * yaml_source_add - read one more file
 * @s: the files so far
 * @path: "-" for standard input
 *
 * Return: the file, faults included; NULL, no memory.
 */
struct yaml_source *yaml_source_add(struct yaml_sources *s, const char *path)
{
	struct yaml_source *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->path = strdup(strcmp(path, "-") ? path : "<stdin>");
	if (!source->path) {
		free(source);
		return NULL;
	}
	source->report = (struct report){ .path = source->path, .out = s->errors };
	s->list[s->n++] = source;
	read_source(s, source, path);
	return source;
}

/* The same file, by whatever name: it would include itself, or its devices come twice. */
static bool is_read(const struct yaml_sources *s, const struct stat *a)
{
	struct stat b;
	u32 i;

	for (i = 0; i < s->n; i++)
		if (!stat(s->list[i]->path, &b) && a->st_dev == b.st_dev && a->st_ino == b.st_ino)
			return true;
	return false;
}

/* What would be waited for, as a pipe that nobody writes to, or has no end. Of a directory, reading it says what it is. */
static bool is_special(const struct stat *st)
{
	return !S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode);
}

static void include_file(struct yaml_sources *s, const struct yaml_node *node, const char *path)
{
	struct report *r = &s->list[0]->report;
	struct stat st;
	bool found = !stat(path, &st);

	if (found && is_read(s, &st))
		report_error(r, node->at, "'%s' includes %s a second time", node->text, path);
	else if (found && is_special(&st))
		report_error(r, node->at, "'%s' includes %s, which is not a regular file", node->text, path);
	else if (s->n == YAML_SOURCES)
		report_error(r, node->at, "'%s': more than %u files are included", node->text, YAML_SOURCES - 1);
	else if (!yaml_source_add(s, path))
		report_error(r, node->at, "not enough memory");
}

/* The pattern, seen from the file that has it, the name of whose directory is none; free() it. NULL: no memory. */
static char *from_here(const struct yaml_sources *s, const char *pattern)
{
	const char *path = s->list[0]->path, *slash = strrchr(path, '/');
	char *full, *at;

	if (pattern[0] == '/' || !slash)
		return strdup(pattern);
	full = malloc(2 * (slash - path + 1) + strlen(pattern) + 1);
	for (at = full; full && path <= slash; path++) {
		if (strchr("*?[]\\", *path))
			*at++ = '\\';
		*at++ = *path;
	}
	if (full)
		strcpy(at, pattern);
	return full;
}

static void include_pattern(struct yaml_sources *s, const struct yaml_node *node)
{
	struct report *r = &s->list[0]->report;
	char *pattern;
	glob_t found;
	size_t i;
	int err;

	if (node->text[0] != '/' && !strcmp(s->list[0]->path, "<stdin>")) {
		report_error(r, node->at, "'%s' is relative to a file: from standard input, include /a/whole/path",
			     node->text);
		return;
	}
	pattern = from_here(s, node->text);
	err = pattern ? glob(pattern, GLOB_ERR, NULL, &found) : GLOB_NOSPACE;
	free(pattern);
	if (!err) {
		for (i = 0; i < found.gl_pathc; i++)
			include_file(s, node, found.gl_pathv[i]);
		globfree(&found);
	} else if (err != GLOB_NOMATCH) {
		report_error(r, node->at, "cannot include '%s': %s", node->text,
			     err == GLOB_NOSPACE ? "not enough memory" : strerror(errno));
	} else if (!node->text[strcspn(node->text, "*?[")]) {
		/* A pattern may stand for no file yet. */
		report_error(r, node->at, "cannot include '%s': there is no such file", node->text);
	}
}

/**
 * yaml_sources_include - read what the first file includes
 * @s: the first file
 * @node: the value of "include": a pattern of glob(7), or a list of them
 */
void yaml_sources_include(struct yaml_sources *s, const struct yaml_node *node)
{
	const struct yaml_node *one = node->kind == YAML_SEQUENCE ? node->child : node;

	if (yaml_is_null(node))
		return;
	for (; one; one = node->kind == YAML_SEQUENCE ? one->next : NULL) {
		if (one->kind == YAML_SCALAR && *one->text)
			include_pattern(s, one);
		else if (one->kind != YAML_BAD)
			report_error(&s->list[0]->report, one->at,
				     "include must be a file, or a list of files, like policy.d/*.yaml");
	}
}

/** yaml_sources_errors - the faults of all files */
unsigned int yaml_sources_errors(const struct yaml_sources *s)
{
	unsigned int n = 0;
	u32 i;

	for (i = 0; i < s->n; i++)
		n += s->list[i]->report.errors;
	return n;
}

/** yaml_sources_free - forget them; what was not printed of their faults is told */
void yaml_sources_free(struct yaml_sources *s)
{
	u32 i;

	for (i = 0; i < s->n; i++) {
		report_end(&s->list[i]->report);
		yaml_tree_free(&s->list[i]->tree);
		free(s->list[i]->path);
		free(s->list[i]);
	}
	s->n = 0;
}
