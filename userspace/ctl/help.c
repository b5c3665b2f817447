// SPDX-License-Identifier: GPL-2.0
/* What a command says of itself, in lines that fit a terminal of 80 columns. */
#include <string.h>

#include "ctl/command.h"

#define COLUMNS 79

/* A word, or what is in brackets. */
static size_t piece_len(const char *at, const char *end)
{
	unsigned int depth = 0;
	size_t n;

	for (n = 0; at + n < end && (depth || !strchr(" \n", at[n])); n++)
		depth += (at[n] == '[') - (at[n] == ']');
	return n;
}

static size_t new_line(size_t indent, FILE *out)
{
	fprintf(out, "\n%*s", (int)indent, "");
	return indent;
}

/* A long choice is broken between its words. Return: the column behind it. */
static size_t print_piece(const char *at, size_t len, size_t column, size_t indent, FILE *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (at[i] == '\n') {
			i += strspn(at + i + 1, " ") - 1;
			continue;
		}
		if (at[i] == '|' && column + 1 + strcspn(at + i + 1, "|]") > COLUMNS)
			column = new_line(indent, out);
		fputc(at[i], out);
		column++;
	}
	return column;
}

/* One form, in lines that fit a terminal. Return: behind it. */
static const char *print_form(const char *at, const char *name, const char *before, FILE *out)
{
	size_t start = fprintf(out, "%scordonctl ", before), indent = start + strlen(name) + 1, column = start, len;
	const char *end = at;

	/* A line that begins with a space goes on with the one before. */
	while (*end && !(*end == '\n' && end[1] != ' '))
		end++;
	for (; at < end; at += len) {
		at += strspn(at, " \n");
		len = piece_len(at, end);
		if (column > indent && column + 1 + len > COLUMNS)
			column = new_line(indent, out);
		else if (column > start)
			column += fprintf(out, " ");
		column = print_piece(at, len, column, indent, out);
	}
	fputc('\n', out);
	return *end ? end + 1 : NULL;
}

/**
 * help_usage - how a command is called
 * @c: the command
 * @out: where to
 */
void help_usage(const struct command *c, FILE *out)
{
	const char *at = print_form(c->usage, c->name, "usage: ", out);

	while (at)
		at = print_form(at, c->name, "       ", out);
}

static size_t line_len(const char *at)
{
	return strcspn(at, "\n");
}

static bool is_continued(const char *line)
{
	return !strncmp(line, "      ", 6);
}

/* Where the description begins in a line of a list: behind two spaces; 0, there is none. */
static size_t beside(const char *line)
{
	size_t len = line_len(line), at = strspn(line, " ");

	while (at + 2 < len && strncmp(line + at, "  ", 2))
		at++;
	return at + 2 < len ? at + strspn(line + at, " ") : 0;
}

/* Likewise, also where the longest option leaves but one space: as in the other lines. @last: of the one before */
static size_t hanging(const char *line, size_t last)
{
	size_t len = line_len(line);

	if (beside(line))
		return beside(line);
	if (line[len] && is_continued(line + len + 1))
		return strspn(line + len + 1, " ");
	if (strncmp(line, "  --", 4))
		return 0;
	for (; !last && *line && *line != '\n'; line += line_len(line) + !!line[line_len(line)])
		last = beside(line);
	return last;
}

/* Words of [at, end), filled; @column: where the first one is. Return: the column behind the last. */
static size_t fill(const char *at, const char *end, size_t column, size_t indent, FILE *out)
{
	size_t len;

	while (at += strspn(at, " \n"), at < end) {
		len = strcspn(at, " \n");
		if (column > indent && column + 1 + len > COLUMNS) {
			column = new_line(indent, out);
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(at, 1, len, out);
		column += len;
		at += len;
	}
	return column;
}

/* An entry of a list, with the lines that go on with it. Return: behind it. */
static const char *print_entry(const char *at, size_t indent)
{
	const char *end = at + line_len(at), *text = at + indent;
	size_t head = line_len(at);

	while (*end && is_continued(end + 1))
		end += 1 + line_len(end + 1);
	/* The description stands beside its option, or below that of several. */
	if (head > indent && at[indent - 1] == ' ' && (beside(at) || !memmem(at, indent, ", --", 4))) {
		printf("%.*s", (int)indent, at);
	} else {
		printf("%.*s\n%*s", (int)head, at, (int)indent, "");
		text = at + head;
	}
	fill(text, end, indent, indent, stdout);
	putchar('\n');
	return *end ? end + 1 : end;
}

/* Lines that are none of a list, to the next empty one. Return: behind them. */
static const char *print_paragraph(const char *at)
{
	const char *end = at + line_len(at);

	while (*end && end[1] && end[1] != '\n' && end[1] != ' ' && !hanging(end + 1, 0))
		end += 1 + line_len(end + 1);
	fill(at, end, 0, 0, stdout);
	putchar('\n');
	return *end ? end + 1 : end;
}

/**
 * help_line - a command in the list of all
 * @c: the command
 * @out: where to
 */
void help_line(const struct command *c, FILE *out)
{
	fprintf(out, "  %-9s ", c->name);
	fill(c->summary, c->summary + strlen(c->summary), 12, 12, out);
	fputc('\n', out);
}

/**
 * print_help - answer --help
 * @c: the command
 */
void print_help(const struct command *c)
{
	const char *at = c->help;
	size_t indent = 0;

	help_usage(c, stdout);
	putchar('\n');
	fill(c->summary, c->summary + strlen(c->summary), 0, 0, stdout);
	fputs(".\n", stdout);
	if (*at)
		putchar('\n');
	while (*at) {
		indent = *at == '\n' ? 0 : hanging(at, indent);
		if (*at == '\n') {
			putchar('\n');
			at++;
		} else {
			at = indent ? print_entry(at, indent) : print_paragraph(at);
		}
	}
}
