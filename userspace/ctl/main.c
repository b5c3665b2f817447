// SPDX-License-Identifier: GPL-2.0
/* cordonctl: which command it is. */
#include <stdlib.h>
#include <string.h>

#ifndef CORDON_DEVICE
#include "ctl/audited.h"
#endif
#include "ctl/command.h"
#include "ctl/complete.h"
#include "lib/suggest.h"

static const struct command * const commands[] = {
#ifndef CORDON_DEVICE
	&cmd_apply, &cmd_confirm, &cmd_check, &cmd_diff, &cmd_save, &cmd_show, &cmd_status, &cmd_stats,
	&cmd_top, &cmd_monitor, &cmd_explain, &cmd_test, &cmd_policy, &cmd_device, &cmd_module, &cmd_boot, &cmd_state,
	&cmd_ca, &cmd_serve, &cmd_registry, &cmd_firmware, &cmd_backup, &cmd_restore,
	&cmd_setup, &cmd_doctor,
	&cmd_audit, &cmd_hostapd, &cmd_watch, &cmd_history, &cmd_fleet,
#endif
	&cmd_enroll, &cmd_renew, &cmd_checkin, &cmd_update,
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_commands(FILE *out)
{
	size_t i;

	fputs("usage: cordonctl COMMAND [...]\n\n", out);
	for (i = 0; i < N_COMMANDS; i++)
		help_line(commands[i], out);
	fputs("\n'cordonctl COMMAND --help' tells more. Exit status: 0 done, 1 refused or\n"
	      "failed, 2 usage, 3 differs. See cordonctl(8).\n", out);
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static const char *command_name(const void *of, u32 i)
{
	const struct command * const *all = of;

	return all[i]->name;
}

static int no_such(const char *name)
{
	const char *meant = suggest(name, command_name, commands, N_COMMANDS);

	fprintf(stderr, "cordonctl: no such command: '%s'", name);
	if (meant) {
		fprintf(stderr, ": did you mean '%s'?\n", meant);
	} else {
		fputc('\n', stderr);
		print_commands(stderr);
	}
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const struct command *c;
	const char *name;

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("cordonctl %s\n", CORDON_VERSION);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || (!strcmp(argv[1], "help") && argc == 2)) {
		print_commands(stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "complete"))
		return complete_words(commands, N_COMMANDS, argc - 2, argv + 2);
	name = strcmp(argv[1], "help") ? argv[1] : argv[2];
	c = find(name);
	if (!c)
		return no_such(name);
	if (!strcmp(argv[1], "help")) {
		print_help(c);
		return EXIT_DONE;
	}
	/* Options may stand behind other words: 'firmware remove x --help' removes nothing, whatever the environment. */
	unsetenv("POSIXLY_CORRECT");
	optind = 0;
#ifdef CORDON_DEVICE
	return c->run(c, argc - 1, argv + 1);
#else
	return audited_run(c, argc - 1, argv + 1);
#endif
}
