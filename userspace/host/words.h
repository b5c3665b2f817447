/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of procfs, as words and numbers. */
#ifndef CORDON_HOST_WORDS_H
#define CORDON_HOST_WORDS_H

#include <stdbool.h>
#include <stddef.h>

size_t host_words(char *line, char **words, size_t max);
bool host_parse(const char *word, int base, unsigned long long max, unsigned long long *out);

#endif
