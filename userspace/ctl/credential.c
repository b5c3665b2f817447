// SPDX-License-Identifier: GPL-2.0
/* What the service manager hands over: systemd's LoadCredential= and LoadCredentialEncrypted=, systemd.exec(5). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/credential.h"

/**
 * credential_find - the file of a credential
 * @name: its ID
 * @out: the path
 *
 * Return: false, none was handed over.
 */
bool credential_find(const char *name, char out[PATH_MAX])
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	return dir && dir[0] == '/' && snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX && !access(out, F_OK);
}
