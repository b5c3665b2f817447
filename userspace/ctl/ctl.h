/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands of cordonctl share. */
#ifndef CORDON_CTL_H
#define CORDON_CTL_H

#include <jansson.h>
#include <getopt.h>
#include <stdio.h>

#include "nl/nl.h"

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

extern const struct command cmd_apply, cmd_confirm, cmd_check, cmd_diff, cmd_show, cmd_status,
	cmd_stats, cmd_top, cmd_monitor, cmd_explain, cmd_device, cmd_module,
	cmd_serve;

/* main.c */
int usage_error(const struct command *self, const char *what, const char *word);
int next_option(const struct command *self, int argc, char **argv, const struct option *options);
#define OPTION_HELP	256	/* --help was answered: return EXIT_DONE */
#define OPTION_ERROR	257	/* the fault was told: return EXIT_USAGE */

/* common.c */
int complain(const char *object, const char *why);
int complain_nl(const struct cnl *nl);
bool open_kernel(struct cnl *nl);
bool parse_device(const char *word, const char **name, const u8 **mac, u8 buf[6]);

/* device_token.c */
int device_token(const struct command *self, int argc, char **argv);
int device_approve(const struct command *self, int argc, char **argv);

/* serve_stats.c */
void prometheus_serve(void);
int serve_stats(const char *run, bool json);

/* out.c */
void json_print(json_t *value);
json_t *json_addr(const struct cordon_addr *a);
json_t *json_device(const struct cnl_device *d, bool stats);
json_t *json_stats(const struct cnl_stats *s);
json_t *json_segment(const struct cnl_segment *s);
json_t *json_rule(const struct cordon_draft *d, u32 i);
json_t *json_summary(const struct cnl_summary *s);

/**
 * struct json_list - an array that is printed as it comes
 * @open: something was printed
 */
struct json_list {
	bool open;
};

void json_list_add(struct json_list *list, json_t *value);
void json_list_end(struct json_list *list);

#endif
