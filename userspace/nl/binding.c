// SPDX-License-Identifier: GPL-2.0
/* Bindings: which address is whose, by what, and for how long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nl/nl.h"

#define TRIES 20	/* of a dump that changes interrupt */

int cnl_read_binding(struct nlattr *nest, struct cnl_binding *out)
{
	struct nlattr *tb[CORDON_A_BINDING_MAX + 1];

	memset(out, 0, sizeof(*out));
	if (nla_parse_nested(tb, CORDON_A_BINDING_MAX, nest, NULL) || !tb[CORDON_A_BINDING_ADDRESS] ||
	    !tb[CORDON_A_BINDING_NAME] || !tb[CORDON_A_BINDING_MAC] || nla_len(tb[CORDON_A_BINDING_MAC]) != 6)
		return -EPROTO;
	memcpy(out->mac, nla_data(tb[CORDON_A_BINDING_MAC]), 6);
	nla_strlcpy(out->name, tb[CORDON_A_BINDING_NAME], sizeof(out->name));
	if (cnl_read_ports(nest, CORDON_A_BINDING_PORT, &out->ports))
		return -EPROTO;
	/* A module that does not tell learns nothing. */
	out->origin = tb[CORDON_A_BINDING_ORIGIN] ? nla_get_u32(tb[CORDON_A_BINDING_ORIGIN]) : CORDON_ORIGIN_POLICY;
	out->ends = tb[CORDON_A_BINDING_LEASE];
	out->lease = out->ends ? nla_get_u32(tb[CORDON_A_BINDING_LEASE]) : 0;
	return cnl_read_addr(tb[CORDON_A_BINDING_ADDRESS], &out->addr);
}

int cnl_put_binding(struct nl_msg *msg, const struct cnl_binding *b)
{
	static const u8 nobody[6];
	struct nlattr *nest = nla_nest_start(msg, CORDON_A_BINDING);
	int err = nest ? cnl_put_addr(msg, CORDON_A_BINDING_ADDRESS, &b->addr) : -NLE_NOMEM;

	if (!err && memcmp(b->mac, nobody, 6))
		err = nla_put(msg, CORDON_A_BINDING_MAC, 6, b->mac);
	else if (!err && b->name[0])
		err = nla_put_string(msg, CORDON_A_BINDING_NAME, b->name);
	if (!err && b->origin != CORDON_ORIGIN_POLICY)
		err = nla_put_u32(msg, CORDON_A_BINDING_ORIGIN, b->origin);
	if (!err && b->ends)
		err = nla_put_u32(msg, CORDON_A_BINDING_LEASE, b->lease);
	if (nest)
		nla_nest_end(msg, nest);
	return err;
}

static int on_binding(struct nlattr **tb, void *arg)
{
	return tb[CORDON_A_BINDING] ? cnl_read_binding(tb[CORDON_A_BINDING], arg) : -EPROTO;
}

static int talk_binding(struct cnl *nl, u8 cmd, const struct cnl_binding *b, struct cnl_binding *out)
{
	struct nl_msg *msg = cnl_message(nl, cmd, 0);

	if (msg && cnl_put_binding(msg, b)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return cnl_talk(nl, msg, out ? on_binding : NULL, out);
}

/**
 * cnl_binding_get - whose an address is
 * @nl: the connection
 * @addr: the address
 * @out: filled
 *
 * Return: 0; -ENOENT, nobody's; another -errno.
 */
int cnl_binding_get(struct cnl *nl, const struct cordon_addr *addr, struct cnl_binding *out)
{
	struct cnl_binding b = { .addr = *addr };

	return talk_binding(nl, CORDON_CMD_BINDING_GET, &b, out);
}

/**
 * cnl_binding_set - bind an address to a device that learns its own, as if it had been learned
 * @nl: the connection
 * @b: the binding; the device by its MAC, or, where that is zero, by its name
 * @out: as it is then
 */
int cnl_binding_set(struct cnl *nl, const struct cnl_binding *b, struct cnl_binding *out)
{
	return talk_binding(nl, CORDON_CMD_BINDING_SET, b, out);
}

/**
 * cnl_binding_del - end the learned binding of an address
 * @nl: the connection
 * @addr: the address
 */
int cnl_binding_del(struct cnl *nl, const struct cordon_addr *addr)
{
	struct cnl_binding b = { .addr = *addr };

	return talk_binding(nl, CORDON_CMD_BINDING_DEL, &b, NULL);
}

static int on_each(struct nlattr **tb, void *arg)
{
	struct cnl_bindings *all = arg;
	struct cnl_binding *list = all->list;

	/* The length doubles whenever it is a power of two. */
	if (!(all->n & (all->n - 1)))
		list = reallocarray(list, all->n ? 2 * (size_t)all->n : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	all->list = list;
	if (!tb[CORDON_A_BINDING] || cnl_read_binding(tb[CORDON_A_BINDING], &list[all->n]))
		return -EPROTO;
	all->n += !all->learned || list[all->n].origin != CORDON_ORIGIN_POLICY;
	return 0;
}

/**
 * cnl_bindings - all bindings
 * @nl: the connection
 * @learned: without those that the policy gives
 * @out: filled; cnl_bindings_free()
 *
 * Tried again when the policy changed meanwhile.
 */
int cnl_bindings(struct cnl *nl, bool learned, struct cnl_bindings *out)
{
	int tries, err = 0;

	for (tries = 0; tries < TRIES; tries++) {
		*out = (struct cnl_bindings){ .learned = learned };
		err = cnl_talk(nl, cnl_message(nl, CORDON_CMD_BINDING_GET, NLM_F_DUMP), on_each, out);
		if (!err)
			return 0;
		cnl_bindings_free(out);
		if (err != -EAGAIN)
			return err;
	}
	snprintf(nl->error, sizeof(nl->error), "bindings change faster than they can be read");
	return err;
}

/**
 * cnl_bindings_free - free what cnl_bindings() gave
 * @all: emptied
 */
void cnl_bindings_free(struct cnl_bindings *all)
{
	free(all->list);
	*all = (struct cnl_bindings){ .list = NULL };
}
