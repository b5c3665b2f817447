/* SPDX-License-Identifier: GPL-2.0 */
/* What every command is: all that a device's build has of cordonctl's frame. */
#ifndef CORDON_COMMAND_H
#define CORDON_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,	/* or failed */
	EXIT_USAGE = 2,
	EXIT_DIFFERS = 3,
};

/**
 * struct command - one of cordonctl's
 * @name: its first word
 * @summary: for the list of all
 * @usage: after "usage: cordonctl "; several lines are several forms
 * @help: what the options mean
 * @run: argv[0] is the name; returns an exit status
 */
struct command {
	const char *name;
	const char *summary;
	const char *usage;
	const char *help;
	int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command cmd_apply, cmd_confirm, cmd_check, cmd_diff, cmd_save, cmd_show, cmd_status,
	cmd_stats, cmd_top, cmd_monitor, cmd_explain, cmd_test, cmd_device, cmd_module, cmd_boot, cmd_state, cmd_ca, cmd_serve,
	cmd_registry, cmd_backup, cmd_restore,
	cmd_enroll, cmd_renew, cmd_checkin, cmd_update, cmd_firmware;
extern const struct command cmd_setup, cmd_doctor;
extern const struct command cmd_audit, cmd_hostapd, cmd_policy, cmd_watch, cmd_history, cmd_fleet;

/* help.c */
void print_help(const struct command *c);
void help_line(const struct command *c, FILE *out);
void help_usage(const struct command *c, FILE *out);

/* command.c */
int usage_error(const struct command *self, const char *what, const char *word);
int next_option(const struct command *self, int argc, char **argv, const struct option *options);
int complain(const char *object, const char *why);
void complain_note(const char *what, const char *so);
#define OPTION_HELP	256	/* --help was answered: return EXIT_DONE */
#define OPTION_ERROR	257	/* the fault was told: return EXIT_USAGE */

#endif
