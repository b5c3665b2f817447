/* SPDX-License-Identifier: GPL-2.0 */
/* What the verbs of 'cordonctl fleet' share. */
#ifndef CORDON_CMD_FLEET_H
#define CORDON_CMD_FLEET_H

#include "ctl/ctl.h"
#include "serve/common/serve.h"

#define FLEET_WAIT	15000	/* ms for an answer */

/**
 * struct fleet_words - what the command line says
 * @self: the command
 * @config: of the server, which says where the fleet is
 * @json: print JSON
 * @yes: it is meant
 * @why: in words; or NULL
 * @name: of a gateway; or NULL
 * @certificate: file of its issuing certificate; or NULL
 */
struct fleet_words {
	const struct command *self;
	struct serve_config config;
	bool json;
	bool yes;
	const char *why;
	const char *name;
	const char *certificate;
};

/* cmd_fleet.c; question: the answer, json_decref(); NULL, it was told why not. */
int fleet_config(const char *path, struct serve_config *out);
json_t *fleet_question(const struct serve_config *c, const char *about, json_t *question, int timeout);

/* fleet_member.c */
int fleet_member_init(const struct fleet_words *w);
int fleet_member_add(const struct fleet_words *w);
void fleet_tell_expelled(const struct fleet_words *w);

/* fleet_status.c */
int fleet_print_status(const struct fleet_words *w);
int fleet_print_gateways(const struct fleet_words *w);
int fleet_print_where(const struct fleet_words *w);

/* fleet_policy.c */
int fleet_print_policy(const struct fleet_words *w);

#endif
