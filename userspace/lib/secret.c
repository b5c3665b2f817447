// SPDX-License-Identifier: GPL-2.0
/* Secrets that a person could choose: too short is too weak. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "secret.h"

#define SECRET_MIN_LEN	12

/**
 * secret_check - refuse a weak secret
 * @secret: the secret
 * @name: of the device, or NULL
 * @mac: of the device, or NULL
 * @why: a sentence, when it is refused
 *
 * Return: 0, or -EPERM.
 */
int secret_check(const char *secret, const char *name, const unsigned char *mac,
		 char why[SECRET_WHY_LEN])
{
	(void)name;
	(void)mac;
	if (strlen(secret) >= SECRET_MIN_LEN)
		return 0;
	snprintf(why, SECRET_WHY_LEN, "shorter than %d characters", SECRET_MIN_LEN);
	return -EPERM;
}
