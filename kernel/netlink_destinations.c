// SPDX-License-Identifier: GPL-2.0
/* Requests about where devices have been: saved, given back, and learned anew. */
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "destinations.h"
#include "event.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "ruleset.h"
#include "transaction.h"

#define DESTINATIONS_INPUT	(CORDON_DESTINATIONS_ID | BIT(CORDON_A_DESTINATIONS_KEY) |	\
				 BIT(CORDON_A_DESTINATIONS_HASHES) |			\
				 BIT(CORDON_A_DESTINATIONS_LEARNING))

static_assert(CORDON_DESTINATIONS_MAX == CORDON_MAX_KNOWN);

static int put_key(struct sk_buff *skb, const struct cordon_key *key)
{
	__be64 k[2] = { cpu_to_be64(key->k[0]), cpu_to_be64(key->k[1]) };

	return nla_put(skb, CORDON_A_DESTINATIONS_KEY, sizeof(k), k);
}

static int put_hashes(struct sk_buff *skb, const struct cordon_known *known)
{
	struct nlattr *attr;
	__be32 *to;
	u32 i;

	if (!known->n)
		return 0;
	attr = nla_reserve(skb, CORDON_A_DESTINATIONS_HASHES, known->n * sizeof(*to));
	if (!attr)
		return -EMSGSIZE;
	to = nla_data(attr);
	for (i = 0; i < CORDON_KNOWN_SLOTS; i++)
		if (known->slots[i])
			*to++ = cpu_to_be32(known->slots[i]);
	return 0;
}

/**
 * cordon_fill_destinations - where a device has been
 * @skb: the message
 * @rs: in force
 * @i: its place
 *
 * Return: 0; 1, there is nothing to tell of it; -EMSGSIZE.
 */
int cordon_fill_destinations(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	struct cordon_destinations *d = cordon_device_destinations(rs->devices[i]);
	const struct cordon_device_def *def = &rs->policy->draft.devices[i];
	struct nlattr *nest;
	bool begun;
	u32 left;
	int err;

	if (!d || def->unlisted)
		return 1;
	nest = nla_nest_start(skb, CORDON_A_DESTINATIONS);
	if (!nest)
		return -EMSGSIZE;
	spin_lock_bh(&d->lock);
	begun = cordon_destinations_left(d, &left);
	err = nla_put(skb, CORDON_A_DESTINATIONS_MAC, ETH_ALEN, def->mac) ||
	      nla_put_string(skb, CORDON_A_DESTINATIONS_NAME, def->name) ||
	      put_key(skb, &d->known.key) || put_hashes(skb, &d->known) ||
	      (begun && nla_put_u32(skb, CORDON_A_DESTINATIONS_LEARNING, left));
	spin_unlock_bh(&d->lock);
	if (err) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int read_hashes(struct cordon_known *known, const struct nlattr *attr,
		       struct netlink_ext_ack *extack)
{
	const u8 *at = nla_data(attr);
	int i, n = nla_len(attr) / 4;
	u32 hash;

	if (nla_len(attr) % 4) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a hash of a destination is of four bytes");
		return -EINVAL;
	}
	for (i = 0; i < n; i++) {
		hash = get_unaligned_be32(at + 4 * i);
		if (!hash) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "no hash of a destination is 0");
			return -EINVAL;
		}
		cordon_known_add(known, hash);
	}
	return 0;
}

static int check_saved(struct nlattr **tb, struct netlink_ext_ack *extack)
{
	const struct nlattr *hashes = tb[CORDON_A_DESTINATIONS_HASHES];
	const struct nlattr *left = tb[CORDON_A_DESTINATIONS_LEARNING];

	if (!tb[CORDON_A_DESTINATIONS_KEY] && (hashes || left)) {
		NL_SET_ERR_MSG_ATTR(extack, hashes ?: left, "destinations without their key");
		return -EINVAL;
	}
	if (hashes && !left) {
		NL_SET_ERR_MSG_ATTR(extack, hashes, "destinations that nobody has begun to learn");
		return -EINVAL;
	}
	return 0;
}

/* What was saved; there is a key. Return: free with kfree(); or an ERR_PTR. */
static struct cordon_destinations *read_saved(struct nlattr **tb, struct netlink_ext_ack *extack)
{
	const u8 *bytes = nla_data(tb[CORDON_A_DESTINATIONS_KEY]);
	struct cordon_destinations *d = cordon_destinations_new(GFP_KERNEL_ACCOUNT);
	struct cordon_key key;
	int ret = 0;

	if (!d)
		return ERR_PTR(-ENOMEM);
	key.k[0] = get_unaligned_be64(bytes);
	key.k[1] = get_unaligned_be64(bytes + 8);
	cordon_known_init(&d->known, &key);
	if (tb[CORDON_A_DESTINATIONS_LEARNING])
		cordon_destinations_set_left(d, nla_get_u32(tb[CORDON_A_DESTINATIONS_LEARNING]));
	if (tb[CORDON_A_DESTINATIONS_HASHES])
		ret = read_hashes(&d->known, tb[CORDON_A_DESTINATIONS_HASHES], extack);
	if (!ret)
		return d;
	kfree(d);
	return ERR_PTR(ret);
}

/**
 * cordon_stage_destinations - where a device had been, for one that is new to the namespace
 * @t: the transaction
 * @nest: the destinations
 * @extack: gets a sentence
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -errno.
 */
int cordon_stage_destinations(struct cordon_transaction *t, const struct nlattr *nest,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_DESTINATIONS_LEARNING + 1];
	struct cordon_destinations *d;
	int ret;

	ret = nla_parse_nested(tb, CORDON_A_DESTINATIONS_LEARNING, nest,
			       cordon_destinations_nl_policy, extack);
	if (!ret)
		ret = check_saved(tb, extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_DESTINATIONS_MAC] || !tb[CORDON_A_DESTINATIONS_KEY]) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "destinations are staged with their device's MAC and a key");
		return -EINVAL;
	}
	d = read_saved(tb, extack);
	if (IS_ERR(d))
		return PTR_ERR(d);
	ret = cordon_transaction_destinations(t, nla_data(tb[CORDON_A_DESTINATIONS_MAC]), d);
	if (!ret)
		return 0;
	kfree(d);
	NL_SET_BAD_ATTR(extack, nest);
	return ret;
}

/**
 * cordon_request_destinations - the device whose destinations a request is about
 * @rs: in force
 * @tb: attributes of the request's destinations
 * @extack: gets a sentence
 * @i: gets its place
 *
 * Return: 0; -EINVAL or -ENOENT as cordon_request_device(); -ENOENT, nobody looks where it goes.
 */
int cordon_request_destinations(const struct cordon_ruleset *rs, struct nlattr **tb,
				struct netlink_ext_ack *extack, u32 *i)
{
	struct nlattr *by[CORDON_A_DEVICE_MAC + 1] = {
		[CORDON_A_DEVICE_MAC] = tb[CORDON_A_DESTINATIONS_MAC],
		[CORDON_A_DEVICE_NAME] = tb[CORDON_A_DESTINATIONS_NAME],
	};
	const struct cordon_draft *d = &rs->policy->draft;
	const struct cordon_segment_def *segment;
	int ret;

	ret = cordon_request_device(rs, by, extack, i);
	if (ret)
		return ret;
	segment = &d->segments[d->devices[*i].segment];
	if (segment->limits[CORDON_KIND_NEW_DESTINATION].window &&
	    cordon_device_destinations(rs->devices[*i]))
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "segment %s has no limit for new_destination", segment->name);
	return -ENOENT;
}

static int destinations_set(struct cordon_net *cn, struct genl_info *info, struct nlattr **tb)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_destinations *d, *saved;
	int ret;
	u32 i;

	if (!rs) {
		NL_SET_ERR_MSG(info->extack, "no policy is in force");
		return -ENOENT;
	}
	ret = cordon_request_destinations(rs, tb, info->extack, &i);
	if (!ret)
		ret = check_saved(tb, info->extack);
	if (ret)
		return ret;
	d = cordon_device_destinations(rs->devices[i]);
	if (tb[CORDON_A_DESTINATIONS_KEY]) {
		saved = read_saved(tb, info->extack);
		if (IS_ERR(saved))
			return PTR_ERR(saved);
		cordon_destinations_copy(d, saved);
		kfree(saved);
	} else {
		cordon_destinations_anew(d);
	}
	/* Whoever saves the state hears of it. */
	cordon_netlink_device(cn, rs, i);
	return 0;
}

int cordon_nl_destinations_set_doit(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *tb[CORDON_A_DESTINATIONS_LEARNING + 1];
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	ret = cordon_request_nest(info, CORDON_A_DESTINATIONS, tb, CORDON_A_DESTINATIONS_LEARNING,
				  cordon_destinations_nl_policy, DESTINATIONS_INPUT);
	if (ret)
		return ret;
	mutex_lock(&cn->lock);
	ret = destinations_set(cn, info, tb);
	mutex_unlock(&cn->lock);
	return ret;
}
