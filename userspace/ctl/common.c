// SPDX-License-Identifier: GPL-2.0
/* The connection to the kernel, names of devices. */
#include <string.h>

#include "ctl/ctl.h"

/**
 * complain_nl - tell what the kernel said
 * @nl: the connection
 *
 * Return: EXIT_REFUSED.
 */
int complain_nl(const struct cnl *nl)
{
	return complain("kernel", nl->error);
}

/**
 * open_kernel - connect, or tell why not
 * @nl: the connection
 */
bool open_kernel(struct cnl *nl)
{
	if (!cnl_open(nl))
		return true;
	complain_nl(nl);
	return false;
}

/** policy_in_force - is one, as far as can be told */
bool policy_in_force(void)
{
	struct cnl_summary s;
	struct cnl nl;
	bool force;

	if (cnl_open(&nl))
		return false;
	force = !cnl_summary(&nl, &s) && s.in_force;
	cnl_close(&nl);
	return force;
}

/**
 * parse_device - a device by its name or its MAC
 * @word: which the user gave
 * @name: set where it is a name, else NULL
 * @mac: set to @buf where it is a MAC, else NULL
 * @buf: for the MAC
 *
 * Return: false, it can be neither.
 */
bool parse_device(const char *word, const char **name, const u8 **mac, u8 buf[6])
{
	*name = NULL;
	*mac = NULL;
	if (!policy_mac_parse(word, buf)) {
		*mac = buf;
		return true;
	}
	if (strlen(word) >= CORDON_DEVICE_NAME_LEN ||
	    !cordon_name_is_valid(word, CORDON_DEVICE_NAME_LEN))
		return false;
	*name = word;
	return true;
}
