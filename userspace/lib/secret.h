/* SPDX-License-Identifier: GPL-2.0 */
/* Secrets that a person could choose: which are too weak, and why. */
#ifndef CORDON_SECRET_H
#define CORDON_SECRET_H

#include <stddef.h>

#define SECRET_WHY_LEN 256
#define SECRET_MAX_LEN 128	/* bytes of a secret that is accepted anywhere */

/*
 * Refuse what vendors ship, what libpwquality finds weak, and what is derived from the
 * device's own name or MAC. 0, or -EPERM with a sentence in why (lower case, no full
 * stop, never the secret itself). name and mac may be NULL.
 */
int secret_check(const char *secret, const char *name, const unsigned char *mac,
		 char why[SECRET_WHY_LEN]);

/* The same, with a cracklib dictionary of the caller's; NULL, none is there. */
int secret_check_by(const char *secret, const char *name, const unsigned char *mac,
		    const char *dictionary, char why[SECRET_WHY_LEN]);

#endif
