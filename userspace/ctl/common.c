// SPDX-License-Identifier: GPL-2.0
/* The connection to the kernel, names of devices. */
#include <errno.h>
#include <stdlib.h>
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
 * add_learned - append what devices have learned by now to policies
 * @nl: the connection
 * @p: a policy
 * @q: another, or NULL
 *
 * Return: 0 or -errno, with a sentence in @nl->error.
 */
int add_learned(struct cnl *nl, struct policy *p, struct policy *q)
{
	struct policy_learned *list;
	struct cnl_bindings all;
	int err;
	u32 i;

	if (!cordon_draft_learners(&p->draft) && !(q && cordon_draft_learners(&q->draft)))
		return 0;
	err = cnl_bindings(nl, true, &all);
	if (err)
		return err;
	list = calloc((size_t)all.n + 1, sizeof(*list));
	for (i = 0; list && i < all.n; i++) {
		memcpy(list[i].mac, all.list[i].mac, sizeof(list[i].mac));
		list[i].addr = all.list[i].addr;
	}
	err = list ? policy_learn(p, list, all.n) : -ENOMEM;
	if (!err && q)
		err = policy_learn(q, list, all.n);
	if (err)
		snprintf(nl->error, sizeof(nl->error), "out of memory");
	free(list);
	cnl_bindings_free(&all);
	return err;
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

/**
 * policy_file - which policy file a command is about
 * @self: the command, whose options are read
 * @argc: its words
 * @argv: its words
 *
 * Return: the only word that is left, or the gateway's own file if there is none; NULL, there are several, which is told.
 */
const char *policy_file(const struct command *self, int argc, char **argv)
{
	if (argc == optind)
		return POLICY_PATH;
	if (argc - optind == 1)
		return argv[optind];
	usage_error(self, "one file at a time", argv[optind + 1]);
	return NULL;
}
