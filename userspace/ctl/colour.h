/* SPDX-License-Identifier: GPL-2.0 */
/* Colours of what is printed for people. */
#ifndef CORDON_COLOUR_H
#define CORDON_COLOUR_H

#include <stdbool.h>

enum colour { COLOUR_END, COLOUR_GOOD, COLOUR_CHANGE, COLOUR_BAD };

const char *colour(enum colour which);

#endif
