/* SPDX-License-Identifier: GPL-2.0 */
/* The rules in force, and when they were used. */
#ifndef CORDON_HISTORY_RULE_H
#define CORDON_HISTORY_RULE_H

#include "history/history.h"

/**
 * struct history_rule - a rule
 * @from: segment that opens
 * @to: segment that is opened to
 * @matches: what it opens, as in a policy's file
 * @plaintext: without encryption, too
 * @related: what its connections announce, too
 * @used: when it last let a connection begin; 0, never
 */
struct history_rule {
	const char *from;
	const char *to;
	const char *matches;
	bool plaintext;
	bool related;
	time_t used;
};

int history_sampled(struct history *h, time_t *when);
int history_rule_each(struct history *h, int (*each)(const struct history_rule *rule, void *arg), void *arg);

#endif
