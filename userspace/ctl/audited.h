/* SPDX-License-Identifier: GPL-2.0 */
/* Which calls of cordonctl are in the audit log, and what is written of them. */
#ifndef CORDON_AUDITED_H
#define CORDON_AUDITED_H

#include <jansson.h>
#include <stdbool.h>

#include "ctl/command.h"

/** enum audited - whether a call is in the audit log */
enum audited {
	AUDITED_NOT,		/* it changes nothing */
	AUDITED,		/* it does not begin where the log cannot be written */
	AUDITED_ANYWAY,		/* it closes something: it goes on, and says so */
};

/* audited_which.c */
enum audited audited_which(int argc, char **argv);
json_t *audited_words(int argc, char **argv);

/* audited_who.c */
json_t *audited_who(void);
json_t *audited_from(void);
bool audited_is_operator(void);

/* audited.c */
int audited_run(const struct command *c, int argc, char **argv);

#endif
