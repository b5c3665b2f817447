/* SPDX-License-Identifier: GPL-2.0 */
/* What may come next on a command line. */
#ifndef CORDON_COMPLETE_H
#define CORDON_COMPLETE_H

#include "ctl/words.h"

int complete_words(const struct command * const *commands, size_t n, int argc, char **argv);
void complete_offer(const char *now, const struct word *w, const struct word *text);
void complete_objects(const char *now, const struct word *value);

#endif
