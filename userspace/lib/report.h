/* SPDX-License-Identifier: GPL-2.0 */
/* What is wrong with a file, and where: file:line:col: text, the line, a caret. */
#ifndef CORDON_REPORT_H
#define CORDON_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define REPORT_MAX	100	/* faults that are printed; all are counted */

/**
 * struct report_mark - a place in a file
 * @line: from 0, as libyaml counts lines
 * @column: from 0, in characters
 */
struct report_mark {
	uint32_t line;
	uint32_t column;
};

/**
 * struct report - faults of one file
 * @path: as it is printed
 * @text: the file's bytes, or NULL where it could not be read
 * @size: of @text
 * @out: where to
 * @errors: so far
 * @lines: where each line begins; made with the first fault
 * @n_lines: how many
 */
struct report {
	const char *path;
	const char *text;
	size_t size;
	FILE *out;
	unsigned int errors;
	size_t *lines;
	size_t n_lines;
};

void report_error(struct report *r, struct report_mark at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_warning(struct report *r, struct report_mark at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_file(struct report *r, const char *why);
struct report_mark report_mark_of(struct report *r, size_t offset);
size_t report_offset(struct report *r, struct report_mark at);
void report_end(struct report *r);

#endif
