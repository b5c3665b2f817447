/* SPDX-License-Identifier: GPL-2.0 */
/* What the service manager hands over. */
#ifndef CORDON_CREDENTIAL_H
#define CORDON_CREDENTIAL_H

#include <limits.h>
#include <stdbool.h>

#define CREDENTIAL_PASSPHRASE "ca-passphrase"	/* of the CA's keys */

bool credential_find(const char *name, char out[PATH_MAX]);

#endif
