// SPDX-License-Identifier: GPL-2.0
/* What is wrong with a file, and where. Nothing of the file reaches the terminal unescaped. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define MESSAGE_SIZE	1024
#define LINE_SHOWN	160	/* bytes of a line */
#define LINE_BEFORE	80	/* of them before the caret, where it is far to the right */

static const char ellipsis[] = "\xe2\x80\xa6";

/* Length of the line break at @at, of those that YAML 1.1 knows; 0, none. */
static size_t line_break(const char *text, size_t size, size_t at)
{
	const char *s = text + at;
	size_t left = size - at;

	if (s[0] == '\n')
		return 1;
	if (s[0] == '\r')
		return left > 1 && s[1] == '\n' ? 2 : 1;
	if (left > 1 && !memcmp(s, "\xc2\x85", 2))
		return 2;
	if (left > 2 && (!memcmp(s, "\xe2\x80\xa8", 3) || !memcmp(s, "\xe2\x80\xa9", 3)))
		return 3;
	return 0;
}

/* Where each line begins; without memory, no lines are shown. */
static void find_lines(struct report *r)
{
	size_t n = 1, at, len;

	if (r->lines || !r->text)
		return;
	for (at = 0; at < r->size; at += len ? len : 1) {
		len = line_break(r->text, r->size, at);
		n += !!len;
	}
	r->lines = malloc(n * sizeof(*r->lines));
	if (!r->lines)
		return;
	r->lines[r->n_lines++] = 0;
	for (at = 0; at < r->size; at += len ? len : 1) {
		len = line_break(r->text, r->size, at);
		if (len)
			r->lines[r->n_lines++] = at + len;
	}
}

/* One byte so that a terminal takes it for nothing else; returns its width. */
static int put_byte(FILE *out, char c)
{
	if (c == '\t')
		c = ' ';
	if (c >= 0x20 && c < 0x7f)
		return fputc(c, out) == EOF ? 0 : 1;
	return fprintf(out, "\\x%02x", (unsigned char)c);
}

/* Bytes of the first @columns characters of a line. */
static size_t column_offset(const char *line, size_t size, uint32_t columns)
{
	size_t at = 0;

	while (columns-- && at < size)
		for (at++; at < size && (line[at] & 0xc0) == 0x80; at++)
			;
	return at;
}

static void show_line(struct report *r, struct report_mark at)
{
	size_t begin, end, caret, i;
	int indent = 0, width;

	find_lines(r);
	if (at.line >= r->n_lines)
		return;
	begin = r->lines[at.line];
	for (end = begin; end < r->size && !line_break(r->text, r->size, end); end++)
		;
	caret = begin + column_offset(r->text + begin, end - begin, at.column);
	if (caret - begin > LINE_SHOWN - LINE_BEFORE / 2)
		begin = caret - LINE_BEFORE;
	if (end - begin > LINE_SHOWN)
		end = begin + LINE_SHOWN;
	fputs("    ", r->out);
	for (i = begin; i < end; i++) {
		width = put_byte(r->out, r->text[i]);
		if (i < caret)
			indent += width;
	}
	fprintf(r->out, "\n    %*s^\n", indent, "");
}

/* A pattern of include finds files of any name. */
static void put_path(struct report *r)
{
	const char *c;

	for (c = r->path; *c; c++)
		put_byte(r->out, *c);
}

static void message(struct report *r, struct report_mark at, const char *prefix, const char *text)
{
	size_t i;

	put_path(r);
	fprintf(r->out, ":%u:%u: %s", at.line + 1, at.column + 1, prefix);
	for (i = 0; text[i]; i++)
		put_byte(r->out, text[i]);
	fputc('\n', r->out);
	show_line(r, at);
}

/**
 * report_error - one fault of the file
 * @r: the report
 * @at: where
 * @fmt: what and why, lower case, no full stop
 */
void report_error(struct report *r, struct report_mark at, const char *fmt, ...)
{
	char text[MESSAGE_SIZE];
	va_list args;

	if (r->errors++ >= REPORT_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	message(r, at, "", text);
}

/**
 * report_warning - something that the file may say, but that does not do what it seems to
 * @r: the report
 * @at: where
 * @fmt: what and why
 */
void report_warning(struct report *r, struct report_mark at, const char *fmt, ...)
{
	char text[MESSAGE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	message(r, at, "warning: ", text);
}

/**
 * report_file - the file as a whole cannot be had
 * @r: the report
 * @why: one line
 */
void report_file(struct report *r, const char *why)
{
	r->errors++;
	fputs("cordonctl: ", r->out);
	put_path(r);
	fprintf(r->out, ": %s\n", why);
}

/**
 * report_mark_of - the place of a byte
 * @r: the report
 * @offset: from the start of the text
 */
struct report_mark report_mark_of(struct report *r, size_t offset)
{
	struct report_mark at = { 0, 0 };
	size_t i;

	find_lines(r);
	while (at.line + 1 < r->n_lines && r->lines[at.line + 1] <= offset)
		at.line++;
	for (i = r->n_lines ? r->lines[at.line] : offset; i < offset && i < r->size; i++)
		at.column += (r->text[i] & 0xc0) != 0x80;
	return at;
}

/**
 * report_offset - the byte at a place
 * @r: the report
 * @at: the place
 *
 * Return: from the start of the text; its size, without memory.
 */
size_t report_offset(struct report *r, struct report_mark at)
{
	size_t begin;

	find_lines(r);
	if (at.line >= r->n_lines)
		return r->size;
	begin = r->lines[at.line];
	return begin + column_offset(r->text + begin, r->size - begin, at.column);
}

/**
 * report_end - say how many faults were not printed, and free what the report holds
 * @r: the report
 */
void report_end(struct report *r)
{
	if (r->errors > REPORT_MAX)
		fprintf(r->out, "%s and %u more\n", ellipsis, r->errors - REPORT_MAX);
	free(r->lines);
	r->lines = NULL;
	r->n_lines = 0;
}
