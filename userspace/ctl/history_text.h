/* SPDX-License-Identifier: GPL-2.0 */
/* The history as people read it. */
#ifndef CORDON_HISTORY_TEXT_H
#define CORDON_HISTORY_TEXT_H

#include <stdio.h>

#include "history/read.h"

/**
 * struct history_question - what is asked for
 * @scope: of what
 * @device: where it is about one
 * @anomalies: only of them
 * @now: the time
 * @out: memory: who writes the history waits until all of it is read, and a terminal or a pager may take its time
 */
struct history_question {
	struct history_scope scope;
	struct history_name device;
	bool anomalies;
	time_t now;
	FILE *out;
};

void history_text_head(const struct history_question *q);
int history_text(struct history *h, enum history_table table, const struct history_question *q);

#endif
