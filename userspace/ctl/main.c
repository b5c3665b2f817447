// SPDX-License-Identifier: GPL-2.0
/* cordonctl: which command it is. */
#include <string.h>

#include "ctl/ctl.h"

static const struct command * const commands[] = {
	&cmd_apply, &cmd_confirm, &cmd_check, &cmd_diff, &cmd_show, &cmd_status, &cmd_stats,
	&cmd_top, &cmd_monitor, &cmd_explain, &cmd_device, &cmd_module,
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_usage(const struct command *c, FILE *out)
{
	const char *line = c->usage, *end;

	fputs("usage: cordonctl ", out);
	while ((end = strchr(line, '\n'))) {
		fprintf(out, "%.*s\n       cordonctl ", (int)(end - line), line);
		line = end + 1;
	}
	fprintf(out, "%s\n", line);
}

static void print_help(const struct command *c)
{
	print_usage(c, stdout);
	printf("\n%s.\n", c->summary);
	if (c->help[0])
		printf("\n%s", c->help);
}

static void print_commands(FILE *out)
{
	size_t i;

	fputs("usage: cordonctl COMMAND [...]\n\n", out);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n'cordonctl COMMAND --help' tells more. Exit status: 0 done, 1 refused or failed,\n"
	      "2 usage, 3 differs. See cordonctl(8).\n", out);
}

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
	print_usage(self, stderr);
	return EXIT_USAGE;
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
	int at = optind ? optind : 1;
	int c = getopt_long(argc, argv, ":", options, NULL);

	/* Words that are no options may have stood before it. */
	if (optind > at)
		at = optind - 1;
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

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("cordonctl %s\n", CORDON_VERSION);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--help") || (!strcmp(argv[1], "help") && argc == 2)) {
		print_commands(stdout);
		return EXIT_DONE;
	}
	c = find(!strcmp(argv[1], "help") ? argv[2] : argv[1]);
	if (!c) {
		fprintf(stderr, "cordonctl: no such command: '%s'\n", argv[1]);
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help")) {
		print_help(c);
		return EXIT_DONE;
	}
	optind = 0;
	return c->run(c, argc - 1, argv + 1);
}
