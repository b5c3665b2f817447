// SPDX-License-Identifier: GPL-2.0
/* Words in colour, where somebody looks at them on a terminal. They say the same without. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/colour.h"

/* Nobody wants it otherwise: https://no-color.org */
static bool is_wanted(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && *term && strcmp(term, "dumb") && isatty(STDOUT_FILENO);
}

/**
 * colour - what begins a colour on standard output, or ends it
 * @which: the colour
 *
 * Return: bytes for the terminal; none, where there is no terminal that has colours.
 */
const char *colour(enum colour which)
{
	static const char * const begin[] = {
		[COLOUR_END] = "\033[0m", [COLOUR_GOOD] = "\033[32m", [COLOUR_CHANGE] = "\033[33m",
		[COLOUR_BAD] = "\033[31m",
	};
	static int wanted = -1;

	if (wanted < 0)
		wanted = is_wanted();
	return wanted ? begin[which] : "";
}
