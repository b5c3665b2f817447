// SPDX-License-Identifier: GPL-2.0
/* Where devices have been, for who saves it and gives it back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nl/nl.h"

#define TRIES 20	/* of a dump that changes interrupt */

static int read_destinations(struct nlattr *nest, struct cnl_destinations *out)
{
	struct nlattr *tb[CORDON_A_DESTINATIONS_MAX + 1], *hashes;

	memset(out, 0, sizeof(*out));
	if (nla_parse_nested(tb, CORDON_A_DESTINATIONS_MAX, nest, NULL) || !tb[CORDON_A_DESTINATIONS_NAME] ||
	    !tb[CORDON_A_DESTINATIONS_MAC] || nla_len(tb[CORDON_A_DESTINATIONS_MAC]) != sizeof(out->mac) ||
	    !tb[CORDON_A_DESTINATIONS_KEY] || nla_len(tb[CORDON_A_DESTINATIONS_KEY]) != sizeof(out->key))
		return -EPROTO;
	memcpy(out->mac, nla_data(tb[CORDON_A_DESTINATIONS_MAC]), sizeof(out->mac));
	memcpy(out->key, nla_data(tb[CORDON_A_DESTINATIONS_KEY]), sizeof(out->key));
	nla_strlcpy(out->name, tb[CORDON_A_DESTINATIONS_NAME], sizeof(out->name));
	out->has_learning = tb[CORDON_A_DESTINATIONS_LEARNING];
	out->learning = out->has_learning ? nla_get_u32(tb[CORDON_A_DESTINATIONS_LEARNING]) : 0;
	hashes = tb[CORDON_A_DESTINATIONS_HASHES];
	if (!hashes)
		return 0;
	if (nla_len(hashes) > (int)sizeof(out->hashes) || nla_len(hashes) % sizeof(*out->hashes))
		return -EPROTO;
	memcpy(out->hashes, nla_data(hashes), nla_len(hashes));
	out->n = nla_len(hashes) / sizeof(*out->hashes);
	return 0;
}

int cnl_put_destinations(struct nl_msg *msg, const struct cnl_destinations *d)
{
	struct nlattr *nest = nla_nest_start(msg, CORDON_A_DESTINATIONS);
	int err = nest ? nla_put(msg, CORDON_A_DESTINATIONS_MAC, sizeof(d->mac), d->mac) : -NLE_NOMEM;

	if (!err)
		err = nla_put(msg, CORDON_A_DESTINATIONS_KEY, sizeof(d->key), d->key);
	if (!err && d->n)
		err = nla_put(msg, CORDON_A_DESTINATIONS_HASHES, d->n * sizeof(*d->hashes), d->hashes);
	if (!err && d->has_learning)
		err = nla_put_u32(msg, CORDON_A_DESTINATIONS_LEARNING, d->learning);
	if (nest)
		nla_nest_end(msg, nest);
	return err;
}

static int on_each(struct nlattr **tb, void *arg)
{
	struct cnl_destinations_list *all = arg;
	struct cnl_destinations *list = all->list;

	/* The length doubles whenever it is a power of two. */
	if (!(all->n & (all->n - 1)))
		list = reallocarray(list, all->n ? 2 * (size_t)all->n : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	all->list = list;
	if (!tb[CORDON_A_DESTINATIONS] || read_destinations(tb[CORDON_A_DESTINATIONS], &list[all->n]))
		return -EPROTO;
	all->n++;
	return 0;
}

/**
 * cnl_destinations - where devices have been
 * @nl: the connection
 * @out: filled; cnl_destinations_free()
 *
 * Tried again when the policy changed meanwhile.
 */
int cnl_destinations(struct cnl *nl, struct cnl_destinations_list *out)
{
	int tries, err = 0;

	for (tries = 0; tries < TRIES; tries++) {
		*out = (struct cnl_destinations_list){ .list = NULL };
		err = cnl_talk(nl, cnl_message(nl, CORDON_CMD_DESTINATIONS_GET, NLM_F_DUMP), on_each, out);
		if (!err)
			return 0;
		cnl_destinations_free(out);
		if (err != -EAGAIN)
			return err;
	}
	snprintf(nl->error, sizeof(nl->error), "devices change faster than they can be read");
	return err;
}

/**
 * cnl_destinations_free - free what cnl_destinations() gave
 * @all: emptied
 */
void cnl_destinations_free(struct cnl_destinations_list *all)
{
	free(all->list);
	*all = (struct cnl_destinations_list){ .list = NULL };
}

static int talk_set(struct cnl *nl, struct nl_msg *msg, int err)
{
	if (err) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return cnl_talk(nl, msg, NULL, NULL);
}

/**
 * cnl_destinations_set - give a device what was saved
 * @nl: the connection
 * @d: where it had been
 */
int cnl_destinations_set(struct cnl *nl, const struct cnl_destinations *d)
{
	struct nl_msg *msg = cnl_message(nl, CORDON_CMD_DESTINATIONS_SET, 0);

	return talk_set(nl, msg, msg ? cnl_put_destinations(msg, d) : 0);
}

/**
 * cnl_destinations_anew - let a device's destinations be learned anew
 * @nl: the connection
 * @name: its name, or NULL
 * @mac: its MAC, or NULL
 */
int cnl_destinations_anew(struct cnl *nl, const char *name, const u8 *mac)
{
	struct nl_msg *msg = cnl_message(nl, CORDON_CMD_DESTINATIONS_SET, 0);
	struct nlattr *nest = msg ? nla_nest_start(msg, CORDON_A_DESTINATIONS) : NULL;
	int err = msg && !nest ? -NLE_NOMEM : 0;

	if (nest && mac)
		err = nla_put(msg, CORDON_A_DESTINATIONS_MAC, 6, mac);
	else if (nest)
		err = nla_put_string(msg, CORDON_A_DESTINATIONS_NAME, name);
	if (nest)
		nla_nest_end(msg, nest);
	return talk_set(nl, msg, err);
}
