/* SPDX-License-Identifier: GPL-2.0 */
/* What a command's own help says of how it is called: its forms, its options, and their values. */
#ifndef CORDON_WORDS_H
#define CORDON_WORDS_H

#include <stdbool.h>

#include "ctl/command.h"

#define WORDS_MAX	64	/* of a form, and options of a command */

/** struct word - part of a text */
struct word {
	const char *text;
	size_t len;
};

/**
 * struct form - one way to call a command
 * @words: as they stand in the usage, brackets and commas taken off; "|" is one, too
 * @n: how many
 */
struct form {
	struct word words[WORDS_MAX];
	unsigned int n;
};

/**
 * struct option_help - what the help says of an option
 * @name: --name
 * @value: what it stands before, or empty
 * @text: what is said of it, to its end
 */
struct option_help {
	struct word name;
	struct word value;
	struct word text;
};

const char *words_form(const char *usage, struct form *f);
unsigned int words_options(const struct command *c, struct option_help list[WORDS_MAX]);
bool word_is(const struct word *w, const char *text);
bool word_same(const struct word *a, const struct word *b);
bool word_is_option(const struct word *w);
bool word_is_literal(const struct word *w);
const char *words_choice(const char *at, const char *end, struct word *choice);

#endif
