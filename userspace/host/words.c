// SPDX-License-Identifier: GPL-2.0
/* Lines of procfs, as words and numbers. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/words.h"

/**
 * host_words - a line's words, between blanks
 * @line: the line; it is cut to pieces
 * @words: where to
 * @max: room in @words; what is more is left out
 *
 * Return: how many.
 */
size_t host_words(char *line, char **words, size_t max)
{
	size_t n = 0;
	char *word;

	while (n < max && (word = strsep(&line, " \t\n")))
		if (*word)
			words[n++] = word;
	return n;
}

/**
 * host_parse - a word that is a number, all of it, without a sign
 * @word: the word
 * @base: 10 or 16
 * @max: what is larger is none
 * @out: the number
 */
bool host_parse(const char *word, int base, unsigned long long max, unsigned long long *out)
{
	char *end;

	if (!isxdigit((unsigned char)*word))
		return false;
	errno = 0;
	*out = strtoull(word, &end, base);
	return !errno && !*end && end != word && *out <= max;
}
