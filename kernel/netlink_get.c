// SPDX-License-Identifier: GPL-2.0
/* What the policy in force holds, for whoever asks: one object, or all of a kind. */
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "ruleset.h"

/*
 * One object of the policy in force, as find() tells; a sentence when there is none. Anybody may
 * ask: no lock is taken that a commit would wait for.
 */
static int get_one(struct genl_info *info, cordon_fill_fn fill, struct nlattr **tb,
		   int (*find)(const struct cordon_ruleset *rs, struct nlattr **tb,
			       struct netlink_ext_ack *extack, u32 *i))
{
	struct cordon_net *cn = cordon_request_net(info);
	const struct cordon_ruleset *rs;
	struct sk_buff *skb;
	int ret = -ENOENT;
	void *head;
	u32 i;

	if (fill == cordon_fill_segment)
		cordon_ruleset_recount(cn);
	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	rcu_read_lock();
	rs = rcu_dereference(cn->ruleset);
	if (rs)
		ret = find(rs, tb, info->extack, &i);
	else
		NL_SET_ERR_MSG(info->extack, "no policy is in force");
	if (!ret)
		ret = fill(skb, rs, i);
	rcu_read_unlock();
	return cordon_reply_send(skb, head, ret, info);
}

static int find_port(const struct cordon_ruleset *rs, struct nlattr **tb,
		     struct netlink_ext_ack *extack, u32 *i)
{
	const struct cordon_draft *d = &rs->policy->draft;
	struct nlattr *attr = tb[CORDON_A_PORT_NAME];

	if (!attr) {
		NL_SET_ERR_MSG(extack, "a port is asked for by its name");
		return -EINVAL;
	}
	for (*i = 0; *i < d->n_ports; ++*i)
		if (!nla_strcmp(attr, d->ports[*i].name))
			return 0;
	NL_SET_BAD_ATTR(extack, attr);
	NL_SET_ERR_MSG_FMT(extack, "unknown port %s", (char *)nla_data(attr));
	return -ENOENT;
}

static int find_uplink(const struct cordon_ruleset *rs, struct nlattr **tb,
		       struct netlink_ext_ack *extack, u32 *i)
{
	const struct cordon_draft *d = &rs->policy->draft;
	struct nlattr *attr = tb[CORDON_A_UPLINK_NAME];

	if (!attr) {
		NL_SET_ERR_MSG(extack, "an uplink is asked for by its name");
		return -EINVAL;
	}
	for (*i = 0; *i < d->n_uplinks; ++*i)
		if (!nla_strcmp(attr, d->uplinks[*i].name))
			return 0;
	NL_SET_BAD_ATTR(extack, attr);
	NL_SET_ERR_MSG_FMT(extack, "unknown uplink %s", (char *)nla_data(attr));
	return -ENOENT;
}

static int find_segment(const struct cordon_ruleset *rs, struct nlattr **tb,
			struct netlink_ext_ack *extack, u32 *i)
{
	struct nlattr *attr = tb[CORDON_A_SEGMENT_NAME];

	if (!attr) {
		NL_SET_ERR_MSG(extack, "a segment is asked for by its name");
		return -EINVAL;
	}
	*i = cordon_policy_segment_by_name(rs->policy, nla_data(attr));
	if (*i != CORDON_NO_SEGMENT)
		return 0;
	NL_SET_BAD_ATTR(extack, attr);
	NL_SET_ERR_MSG_FMT(extack, "unknown segment %s", (char *)nla_data(attr));
	return -ENOENT;
}

static bool holds(const struct cordon_network_def *n, const struct cordon_addr *addr)
{
	struct cordon_addr last = cordon_prefix_last(&n->addr, n->len);

	return cordon_addr_is_v4(&n->addr) == cordon_addr_is_v4(addr) &&
	       cordon_addr_compare(&n->addr, addr) <= 0 && cordon_addr_compare(addr, &last) <= 0;
}

static int find_network(const struct cordon_ruleset *rs, struct nlattr **tb,
			struct netlink_ext_ack *extack, u32 *i)
{
	const struct cordon_draft *d = &rs->policy->draft;
	struct nlattr *attr = tb[CORDON_A_NETWORK_ADDRESS];
	struct cordon_addr addr;
	u32 at;
	int ret;

	if (!attr) {
		NL_SET_ERR_MSG(extack, "a network is asked for by an address in it");
		return -EINVAL;
	}
	ret = cordon_read_address(attr, &addr, extack);
	if (ret)
		return ret;
	*i = d->n_networks;
	for (at = 0; at < d->n_networks; at++)
		if (holds(&d->networks[at], &addr) &&
		    (*i == d->n_networks || d->networks[at].len > d->networks[*i].len))
			*i = at;
	if (*i != d->n_networks)
		return 0;
	NL_SET_ERR_MSG(extack, "no network holds this address");
	return -ENOENT;
}

static int find_rule(const struct cordon_ruleset *rs, struct nlattr **tb,
		     struct netlink_ext_ack *extack, u32 *i)
{
	struct nlattr *attr = tb[CORDON_A_RULE_INDEX];

	if (!attr) {
		NL_SET_ERR_MSG(extack, "a rule is asked for by its index");
		return -EINVAL;
	}
	*i = nla_get_u32(attr);
	if (*i < rs->policy->draft.n_rules)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "there are only %u rules", rs->policy->draft.n_rules);
	return -ENOENT;
}

/**
 * cordon_request_device - the device that a request names
 * @rs: the ruleset in force
 * @tb: attributes of the request's device
 * @extack: gets a sentence
 * @i: gets its place; it is named by its MAC or, without that, its name
 *
 * Return: 0; -EINVAL, it has neither; -ENOENT, nobody is called so.
 */
int cordon_request_device(const struct cordon_ruleset *rs, struct nlattr **tb,
			  struct netlink_ext_ack *extack, u32 *i)
{
	struct nlattr *name = tb[CORDON_A_DEVICE_NAME], *mac = tb[CORDON_A_DEVICE_MAC];

	if (!name && !mac) {
		NL_SET_ERR_MSG(extack, "a device is asked for by its name or its MAC");
		return -EINVAL;
	}
	*i = mac ? cordon_policy_device_by_mac(rs->policy, nla_data(mac)) :
		   cordon_policy_device_by_name(rs->policy, nla_data(name));
	if (*i != CORDON_NO_DEVICE)
		return 0;
	NL_SET_BAD_ATTR(extack, mac ? mac : name);
	if (mac)
		NL_SET_ERR_MSG_FMT(extack, "unknown device %pM", nla_data(mac));
	else
		NL_SET_ERR_MSG_FMT(extack, "unknown device %s", (char *)nla_data(name));
	return -ENOENT;
}

static int find_binding(const struct cordon_ruleset *rs, struct nlattr **tb,
			struct netlink_ext_ack *extack, u32 *i)
{
	struct nlattr *attr = tb[CORDON_A_BINDING_ADDRESS];
	const struct cordon_device_def *def;
	struct cordon_addr addr;
	u32 device;
	int ret;

	if (!attr) {
		NL_SET_ERR_MSG(extack, "a binding is asked for by its address");
		return -EINVAL;
	}
	ret = cordon_read_address(attr, &addr, extack);
	if (ret)
		return ret;
	device = cordon_policy_device_by_addr(rs->policy, &addr);
	if (device == CORDON_NO_DEVICE) {
		NL_SET_ERR_MSG(extack, "this address is bound to no device");
		return -ENOENT;
	}
	def = &rs->policy->draft.devices[device];
	*i = def->first;
	while (!cordon_addr_equal(&rs->policy->draft.addresses[*i], &addr))
		++*i;
	return 0;
}

static int find_been(const struct cordon_ruleset *rs, struct nlattr **tb,
		     struct netlink_ext_ack *extack, u32 *i)
{
	return cordon_request_destinations(rs, tb, extack, i);
}

#define GET(object, OBJECT, max, allowed, find)						\
int cordon_nl_##object##_get_doit(struct sk_buff *request, struct genl_info *info)	\
{											\
	struct nlattr *tb[(max) + 1];							\
	int ret;									\
											\
	ret = cordon_request_nest(info, CORDON_A_##OBJECT, tb, max,			\
				  cordon_##object##_nl_policy, allowed);		\
	return ret ? ret : get_one(info, cordon_fill_##object, tb, find);		\
}

GET(port, PORT, CORDON_A_PORT_IFINDEX, BIT(CORDON_A_PORT_NAME), find_port)
GET(uplink, UPLINK, CORDON_A_UPLINK_NAME, BIT(CORDON_A_UPLINK_NAME), find_uplink)
GET(segment, SEGMENT, CORDON_A_SEGMENT_INTERFACE, BIT(CORDON_A_SEGMENT_NAME), find_segment)
GET(network, NETWORK, CORDON_A_NETWORK_SEGMENT, BIT(CORDON_A_NETWORK_ADDRESS), find_network)
GET(rule, RULE, CORDON_A_RULE_USED, BIT(CORDON_A_RULE_INDEX), find_rule)
GET(device, DEVICE, CORDON_A_DEVICE_OUTDATED, CORDON_DEVICE_ID, cordon_request_device)
GET(binding, BINDING, CORDON_A_BINDING_PORT, BIT(CORDON_A_BINDING_ADDRESS), find_binding)
GET(destinations, DESTINATIONS, CORDON_A_DESTINATIONS_LEARNING, CORDON_DESTINATIONS_ID, find_been)

static u8 dump_command(const struct netlink_callback *cb)
{
	return ((const struct genlmsghdr *)nlmsg_data(cb->nlh))->cmd;
}

/*
 * Objects from where the last message ended; a policy or a device that changed in between shows.
 * @next: gives the one behind @at, which may be of another policy; of CORDON_NO_DEVICE the first
 * one, and CORDON_NO_DEVICE where there is none.
 */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, cordon_fill_fn fill,
		u32 (*next)(const struct cordon_policy *p, u32 at))
{
	struct cordon_net *cn = cordon_net(sock_net(skb->sk));
	const struct cordon_ruleset *rs;
	u32 last = cb->args[0] - 1, at;
	void *head;
	int ret = 0;

	/* The built-in ones come first, so once for a dump is enough. */
	if (fill == cordon_fill_segment && !cb->args[0])
		cordon_ruleset_recount(cn);
	rcu_read_lock();
	read_seqcount_begin(&cn->changes);
	rs = rcu_dereference(cn->ruleset);
	/* Each of the two only grows. */
	cb->seq = rs ? READ_ONCE(rs->generation) + READ_ONCE(rs->revision) :
		       READ_ONCE(cn->generation) + READ_ONCE(cn->revision);
	while (rs) {
		at = next(rs->policy, last);
		if (at == CORDON_NO_DEVICE)
			break;
		head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &cordon_nl_family, NLM_F_MULTI, dump_command(cb));
		if (!head) {
			ret = -EMSGSIZE;
			break;
		}
		ret = fill(skb, rs, at);
		if (ret)
			genlmsg_cancel(skb, head);
		if (ret < 0)
			break;
		if (!ret) {
			genl_dump_check_consistent(cb, head);
			genlmsg_end(skb, head);
		}
		ret = 0;
		last = at;
	}
	rcu_read_unlock();
	cb->args[0] = last + 1;
	return skb->len ? skb->len : ret;
}

/* In their order. One that is gone ends a dump, which is interrupted anyway. */
static u32 next_device(const struct cordon_policy *p, u32 at)
{
	const struct cordon_places *places = &p->places;

	if (at == CORDON_NO_DEVICE)
		at = places->room;
	else if (at >= places->room || !cordon_policy_is_device(p, at))
		return CORDON_NO_DEVICE;
	at = READ_ONCE(places->next[at]);
	return at == places->room ? CORDON_NO_DEVICE : at;
}

/* In the order of their devices. */
static u32 next_binding(const struct cordon_policy *p, u32 at)
{
	const struct cordon_device_def *d;
	u32 device = CORDON_NO_DEVICE;

	if (at != CORDON_NO_DEVICE) {
		if (at >= p->places.room_addresses)
			return CORDON_NO_DEVICE;
		device = p->owner[at];
		d = &p->draft.devices[device];
		if (at + 1 < d->first + d->n)
			return at + 1;
	}
	do {
		device = next_device(p, device);
	} while (device != CORDON_NO_DEVICE && !p->draft.devices[device].n);
	return device == CORDON_NO_DEVICE ? device : p->draft.devices[device].first;
}

#define DUMP(object, next_object)							\
int cordon_nl_##object##_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)	\
{											\
	return dump(skb, cb, cordon_fill_##object, next_object);			\
}

#define NEXT(object, number)								\
static u32 next_##object(const struct cordon_policy *p, u32 at)				\
{											\
	/* CORDON_NO_DEVICE is one before the first. */					\
	return at + 1 < p->draft.number ? at + 1 : CORDON_NO_DEVICE;			\
}

NEXT(port, n_ports)
NEXT(uplink, n_uplinks)
NEXT(segment, n_segments)
NEXT(network, n_networks)
NEXT(rule, n_rules)

DUMP(port, next_port)
DUMP(uplink, next_uplink)
DUMP(segment, next_segment)
DUMP(network, next_network)
DUMP(rule, next_rule)
DUMP(device, next_device)
DUMP(binding, next_binding)
DUMP(destinations, next_device)
