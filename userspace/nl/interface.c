// SPDX-License-Identifier: GPL-2.0
/* Network interfaces, as the kernel sees them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nl/nl.h"

#define TRIES 20	/* of a dump that changes interrupt */

static u32 get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static void get_string(struct nlattr *attr, char *out, size_t size)
{
	if (attr)
		nla_strlcpy(out, attr, size);
}

int cnl_read_interface(struct nlattr *nest, struct cnl_interface *out)
{
	struct nlattr *tb[CORDON_A_INTERFACE_MAX + 1];

	memset(out, 0, sizeof(*out));
	if (nla_parse_nested(tb, CORDON_A_INTERFACE_MAX, nest, NULL) || !tb[CORDON_A_INTERFACE_NAME])
		return -EPROTO;
	get_string(tb[CORDON_A_INTERFACE_NAME], out->name, sizeof(out->name));
	get_string(tb[CORDON_A_INTERFACE_NAMED_BY], out->named_by, sizeof(out->named_by));
	get_string(tb[CORDON_A_INTERFACE_OTHER], out->other, sizeof(out->other));
	out->ifindex = get_u32(tb[CORDON_A_INTERFACE_IFINDEX]);
	out->role = get_u32(tb[CORDON_A_INTERFACE_ROLE]);
	out->listed = get_u32(tb[CORDON_A_INTERFACE_LISTED]);
	out->closed = get_u32(tb[CORDON_A_INTERFACE_CLOSED]);
	out->up = get_u32(tb[CORDON_A_INTERFACE_UP]);
	return 0;
}

static int on_interface(struct nlattr **tb, void *arg)
{
	struct cnl_interfaces *all = arg;
	struct cnl_interface *list = all->list;

	/* The length doubles whenever it is a power of two. */
	if (!(all->n & (all->n - 1)))
		list = reallocarray(list, all->n ? 2 * (size_t)all->n : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	all->list = list;
	if (!tb[CORDON_A_INTERFACE] ||
	    cnl_read_interface(tb[CORDON_A_INTERFACE], &list[all->n]))
		return -EPROTO;
	all->n++;
	return 0;
}

/**
 * cnl_interfaces - the interfaces of this network namespace, and those that the policy lacks
 * @nl: the connection
 * @out: filled; none, if no policy is in force. cnl_interfaces_free()
 *
 * Tried again when interfaces came or went meanwhile.
 */
int cnl_interfaces(struct cnl *nl, struct cnl_interfaces *out)
{
	int tries, err = 0;

	for (tries = 0; tries < TRIES; tries++) {
		*out = (struct cnl_interfaces){ NULL, 0 };
		err = cnl_talk(nl, cnl_message(nl, CORDON_CMD_INTERFACE_GET, NLM_F_DUMP),
			       on_interface, out);
		if (!err)
			return 0;
		cnl_interfaces_free(out);
		if (err != -EAGAIN)
			return err;
	}
	snprintf(nl->error, sizeof(nl->error), "interfaces change faster than they can be read");
	return err;
}

/**
 * cnl_interfaces_free - free what cnl_interfaces() gave
 * @all: emptied
 */
void cnl_interfaces_free(struct cnl_interfaces *all)
{
	free(all->list);
	*all = (struct cnl_interfaces){ NULL, 0 };
}
