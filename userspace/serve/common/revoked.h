/* SPDX-License-Identifier: GPL-2.0 */
/* What a revocation list holds, from the registry. */
#ifndef CORDON_REVOKED_H
#define CORDON_REVOKED_H

#include "pki/pki.h"

#define REVOKED_VALID	(7 * 86400)	/* seconds from one list to its next update */

struct store;

int revoked_list(struct store *s, time_t now, struct pki_revoked **list, size_t *n);

#endif
