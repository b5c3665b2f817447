// SPDX-License-Identifier: GPL-2.0
/* Words that were mistyped. */
#include <stdint.h>
#include <string.h>

#include "suggest.h"

#define WORD_MAX	63	/* longer words are not guessed at */

static u32 min3(u32 a, u32 b, u32 c)
{
	return min(min(a, b), c);
}

/* Insertions, deletions, substitutions and swaps of neighbours. */
static u32 distance(const char *a, const char *b)
{
	u32 rows[3][WORD_MAX + 2], *before = rows[0], *last = rows[1], *row = rows[2], *t;
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > WORD_MAX || m > WORD_MAX)
		return UINT32_MAX;
	for (j = 0; j <= m; j++) {
		before[j] = 0;
		last[j] = j;
	}
	for (i = 1; i <= n; i++) {
		row[0] = i;
		for (j = 1; j <= m; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1,
				      last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min(row[j], before[j - 2] + 1);
		}
		t = before;
		before = last;
		last = row;
		row = t;
	}
	return last[m];
}

/**
 * suggest - the word that was probably meant
 * @word: what was written
 * @candidate: gives the words that are known
 * @of: passed to @candidate
 * @n: how many
 *
 * Return: the word, or NULL where none is near.
 */
const char *suggest(const char *word, const char *(*candidate)(const void *, u32), const void *of,
		    u32 n)
{
	u32 best = max(1U, (u32)min(strlen(word), (size_t)9) / 3) + 1, d, i;
	const char *found = NULL;

	for (i = 0; i < n; i++) {
		d = distance(word, candidate(of, i));
		if (d < best) {
			best = d;
			found = candidate(of, i);
		}
	}
	return found;
}
