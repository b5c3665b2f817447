// SPDX-License-Identifier: GPL-2.0
/* How a command is called, and how it says what is wrong. */
#include <string.h>
#include <unistd.h>

#include "ctl/command.h"

/**
 * usage_error - tell that a command was called wrongly
 * @self: the command
 * @what: is wrong
 * @word: with which word, or NULL
 *
 * Return: EXIT_USAGE.
 */
int usage_error(const struct command *self, const char *what, const char *word)
{
	if (word)
		fprintf(stderr, "cordonctl: %s: %s: '%s'\n", self->name, what, word);
	else
		fprintf(stderr, "cordonctl: %s: %s\n", self->name, what);
	help_usage(self, stderr);
	return EXIT_USAGE;
}

/* Short forms, the same in every command that has the long one, and those that other tools have. */
static const struct short_form {
	char letter;
	const char *name;
} short_forms[] = {
	{ 'h', "help" }, { 'j', "json" }, { 'n', "dry-run" }, { 'o', "out" }, { 'v', "verbose" }, { 'y', "yes" },
};

/* The option that a letter stands for; NULL, the command has none. */
static const struct option *short_option(const struct option *options, int letter)
{
	const struct option *o;
	size_t i;

	for (i = 0; i < sizeof(short_forms) / sizeof(*short_forms); i++)
		for (o = options; short_forms[i].letter == letter && o->name; o++)
			if (!strcmp(o->name, short_forms[i].name))
				return o;
	return NULL;
}

/* Letters for getopt(), of those options that the command has. */
static const char *letters(const struct option *options)
{
	static char list[1 + 2 * sizeof(short_forms) / sizeof(*short_forms) + 1];
	const struct option *o;
	char *at = list;
	size_t i;

	*at++ = ':';
	for (i = 0; i < sizeof(short_forms) / sizeof(*short_forms); i++) {
		o = short_option(options, short_forms[i].letter);
		if (!o)
			continue;
		*at++ = short_forms[i].letter;
		if (o->has_arg)
			*at++ = ':';
	}
	*at = 0;
	return list;
}

/**
 * next_option - the next option of a command
 * @self: the command
 * @argc: its words
 * @argv: its words
 * @options: as of getopt_long(); those with a val of 256 are the help
 *
 * Return: the option's val, -1 after the last; OPTION_HELP or OPTION_ERROR, all is said.
 */
int next_option(const struct command *self, int argc, char **argv, const struct option *options)
{
	int at = optind ? optind : 1, which = -1;
	int c = getopt_long(argc, argv, letters(options), options, &which);

	/* Words that are no options may have stood before it. Of several letters in one word, others may follow. */
	if (optind > at)
		at = argv[optind - 1][0] == '-' && argv[optind - 1][1] ? optind - 1 : optind;
	if (which < 0 && c > 0 && c != ':' && c != '?')
		c = short_option(options, c)->val;
	switch (c) {
	case OPTION_HELP:
		print_help(self);
		return OPTION_HELP;
	case ':':
		usage_error(self, "option needs a value", argv[at]);
		return OPTION_ERROR;
	case '?':
		usage_error(self, "no such option", argv[at]);
		return OPTION_ERROR;
	}
	return c;
}

/* The reason names it already: the same path between quotes, or a directory that it lies in. */
static bool is_named(const char *why, const char *object)
{
	const char *at = object[0] == '/' ? strstr(why, "'/") : NULL;
	size_t len = at ? strcspn(at + 1, "'") : 0;

	return len > 1 && !strncmp(object, at + 1, len) && (!object[len] || object[len] == '/');
}

/* For what may not be done as this user, and another might. */
static const char *advice(const char *why)
{
	static const char *const words[] = { "Permission denied", "Operation not permitted", "CAP_NET_ADMIN is needed" };
	size_t i;

	for (i = 0; geteuid() && i < sizeof(words) / sizeof(*words); i++)
		if (strstr(why, words[i]))
			return ": try it with sudo";
	return "";
}

/**
 * complain - tell what failed, and what helps where that is another user
 * @object: with what; a path that @why names is not said twice
 * @why: reason
 *
 * Return: EXIT_REFUSED.
 */
int complain(const char *object, const char *why)
{
	const bool named = is_named(why, object);

	fprintf(stderr, "cordonctl: %s%s%s%s\n", named ? "" : object, named ? "" : ": ", why,
		advice(why));
	return EXIT_REFUSED;
}

/**
 * complain_note - tell what is not there, where the command goes on without it
 * @what: is not there, and why
 * @so: what that means
 */
void complain_note(const char *what, const char *so)
{
	fprintf(stderr, "cordonctl: note: %s%s: %s\n", what, advice(what), so);
}
