// SPDX-License-Identifier: GPL-2.0
/* The generic netlink family: who asks, what is done, what is told. */
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "event.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "publish.h"
#include "ruleset.h"
#include "transaction.h"

/**
 * cordon_request_nest - the object that a request is about
 * @info: the request
 * @type: attribute that holds it
 * @tb: gets its attributes
 * @max: length of @tb less one
 * @policy: of its attributes
 * @allowed: BIT() of those that the request may have; the others are for replies
 *
 * Return: 0, or -errno with a sentence: it is missing, or has what it may not.
 */
int cordon_request_nest(struct genl_info *info, int type, struct nlattr **tb, int max,
			const struct nla_policy *policy, u32 allowed)
{
	struct nlattr *nest = info->attrs[type];
	int i, ret;

	if (GENL_REQ_ATTR_CHECK(info, type)) {
		NL_SET_ERR_MSG(info->extack, "the object that this is about is missing");
		return -EINVAL;
	}
	ret = nla_parse_nested(tb, max, nest, policy, info->extack);
	for (i = 1; !ret && i <= max; i++)
		if (tb[i] && !(allowed & BIT(i))) {
			NL_SET_ERR_MSG_ATTR(info->extack, tb[i],
					    "this attribute has no place in this request");
			ret = -EINVAL;
		}
	return ret;
}

/* A request that names a generation wants that one to be in force. */
static int check_generation(struct genl_info *info, struct cordon_net *cn)
{
	struct nlattr *attr = info->attrs[CORDON_A_GENERATION];
	u32 generation = READ_ONCE(cn->generation);

	if (!attr || nla_get_u32(attr) == generation)
		return 0;
	NL_SET_BAD_ATTR(info->extack, attr);
	NL_SET_ERR_MSG_FMT(info->extack, "generation %u was expected, but %u is in force",
			   nla_get_u32(attr), generation);
	return -ESTALE;
}

/**
 * cordon_reply_new - begin an answer
 * @info: the request
 * @head: for cordon_reply_send()
 *
 * May sleep. Return: the message, NULL when there is no memory.
 */
struct sk_buff *cordon_reply_new(struct genl_info *info, void **head)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*head = genlmsg_put_reply(skb, info, &cordon_nl_family, 0, info->genlhdr->cmd);
	if (!*head) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/**
 * cordon_reply_send - send an answer
 * @skb: the message, freed
 * @head: from cordon_reply_new()
 * @err: filling it went wrong: nothing is sent
 * @info: the request
 *
 * Return: @err, or what became of sending it.
 */
int cordon_reply_send(struct sk_buff *skb, void *head, int err, struct genl_info *info)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, info);
}

static int reply_generation(struct genl_info *info, u32 generation)
{
	struct sk_buff *skb;
	void *head;

	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	return cordon_reply_send(skb, head,
				 nla_put_u32(skb, CORDON_A_GENERATION, generation), info);
}

/**
 * cordon_reply_object - answer with an object
 * @info: the request
 * @rs: the ruleset that has it
 * @fill: puts it into a message
 * @i: its place
 *
 * May sleep. Return: 0, -ENOMEM or -EMSGSIZE.
 */
int cordon_reply_object(struct genl_info *info, const struct cordon_ruleset *rs,
			cordon_fill_fn fill, u32 i)
{
	struct sk_buff *skb;
	void *head;
	int ret;

	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	rcu_read_lock();
	ret = fill(skb, rs, i);
	rcu_read_unlock();
	return cordon_reply_send(skb, head, ret, info);
}

int cordon_nl_policy_get_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	struct sk_buff *skb;
	void *head;
	int ret;

	ret = check_generation(info, cn);
	if (ret)
		return ret;
	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	rcu_read_lock();
	ret = cordon_fill_policy(skb, cn, rcu_dereference(cn->ruleset));
	rcu_read_unlock();
	return cordon_reply_send(skb, head, ret, info);
}

int cordon_nl_begin_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	mutex_lock(&cn->lock);
	ret = check_generation(info, cn);
	if (!ret)
		ret = cordon_transaction_begin(cn, info->snd_portid, info->extack);
	if (!ret)
		ret = reply_generation(info, cn->generation);
	mutex_unlock(&cn->lock);
	return ret;
}

int cordon_nl_stage_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	struct cordon_transaction *t;
	int ret = -ENOENT;

	mutex_lock(&cn->lock);
	t = cordon_transaction_take(cn, info->snd_portid, info->extack);
	if (t) {
		ret = cordon_stage(t, genlmsg_data(info->genlhdr),
				   genlmsg_len(info->genlhdr), info->extack);
		cordon_transaction_return(cn, t);
	}
	mutex_unlock(&cn->lock);
	return ret;
}

int cordon_nl_commit_doit(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *confirm = info->attrs[CORDON_A_CONFIRM];
	struct cordon_net *cn = cordon_request_net(info);
	u32 generation;
	int ret;

	mutex_lock(&cn->lock);
	ret = cordon_transaction_commit(cn, info->snd_portid,
					confirm ? nla_get_u32(confirm) : 0, info->extack);
	generation = cn->generation;
	mutex_unlock(&cn->lock);
	if (ret)
		return ret;
	/* What servers of DHCP say is heard from now on. It takes RTNL, which the lock forbids. */
	flush_work(&cn->settle);
	return reply_generation(info, generation);
}

int cordon_nl_abort_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	mutex_lock(&cn->lock);
	ret = check_generation(info, cn);
	if (!ret)
		ret = cordon_transaction_abort(cn, info->snd_portid, info->extack);
	mutex_unlock(&cn->lock);
	return ret;
}

int cordon_nl_confirm_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	mutex_lock(&cn->lock);
	ret = check_generation(info, cn);
	if (!ret)
		ret = cordon_publish_confirm(cn, info->extack);
	if (!ret)
		ret = reply_generation(info, cn->generation);
	mutex_unlock(&cn->lock);
	return ret;
}

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
GET(rule, RULE, CORDON_A_RULE_RELATED, BIT(CORDON_A_RULE_INDEX), find_rule)
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

/**
 * cordon_netlink_listening - somebody hears events
 * @cn: the namespace
 */
bool cordon_netlink_listening(struct cordon_net *cn)
{
	return genl_has_listeners(&cordon_nl_family, cn->net, CORDON_NLGRP_EVENTS);
}

static struct sk_buff *event_new(u8 cmd, gfp_t gfp, void **head)
{
	struct sk_buff *skb = nlmsg_new(NLMSG_GOODSIZE, gfp);

	if (!skb)
		return NULL;
	*head = genlmsg_put(skb, 0, 0, &cordon_nl_family, 0, cmd);
	if (!*head) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

static void event_send(struct cordon_net *cn, struct sk_buff *skb, void *head, int err, gfp_t gfp)
{
	if (err) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast_netns(&cordon_nl_family, cn->net, skb, 0, CORDON_NLGRP_EVENTS, gfp);
}

/**
 * cordon_netlink_policy - tell that another policy is in force
 * @cn: the namespace
 */
void cordon_netlink_policy(struct cordon_net *cn)
{
	struct sk_buff *skb;
	void *head;
	int ret;

	if (!cordon_netlink_listening(cn))
		return;
	skb = event_new(CORDON_CMD_POLICY_NTF, GFP_KERNEL, &head);
	if (!skb)
		return;
	rcu_read_lock();
	ret = cordon_fill_policy(skb, cn, rcu_dereference(cn->ruleset));
	rcu_read_unlock();
	event_send(cn, skb, head, ret, GFP_KERNEL);
}

/**
 * cordon_netlink_device - tell that the state of a device changed
 * @cn: the namespace
 * @rs: in force
 * @device: the device
 */
void cordon_netlink_device(struct cordon_net *cn, const struct cordon_ruleset *rs, u32 device)
{
	struct sk_buff *skb;
	void *head;

	if (!cordon_netlink_listening(cn))
		return;
	skb = event_new(CORDON_CMD_DEVICE_NTF, GFP_ATOMIC, &head);
	if (skb)
		event_send(cn, skb, head, cordon_fill_device(skb, rs, device), GFP_ATOMIC);
}

/**
 * cordon_netlink_binding - tell that a device has learned an address, or that one has ended
 * @cn: the namespace
 * @def: the device
 * @b: the binding
 * @ended: it has ended
 */
void cordon_netlink_binding(struct cordon_net *cn, const struct cordon_device_def *def,
			    const struct cordon_binding *b, bool ended)
{
	struct sk_buff *skb;
	void *head;

	if (!cordon_netlink_listening(cn))
		return;
	skb = event_new(CORDON_CMD_BINDING_NTF, GFP_KERNEL, &head);
	if (skb)
		event_send(cn, skb, head, cordon_fill_learned(skb, def, b, ended), GFP_KERNEL);
}

/**
 * cordon_netlink_interface - tell what became of an interface
 * @cn: the namespace
 * @report: what it is now
 */
void cordon_netlink_interface(struct cordon_net *cn, const struct cordon_report *report)
{
	struct sk_buff *skb;
	void *head;

	skb = event_new(CORDON_CMD_INTERFACE_NTF, GFP_ATOMIC, &head);
	if (skb)
		event_send(cn, skb, head, cordon_fill_interface(skb, report), GFP_ATOMIC);
}

/**
 * cordon_netlink_anomaly - tell of an anomaly
 * @cn: the namespace
 * @anomaly: the anomaly
 */
void cordon_netlink_anomaly(struct cordon_net *cn, const struct cordon_anomaly *anomaly)
{
	struct sk_buff *skb;
	void *head;

	skb = event_new(CORDON_CMD_ANOMALY_NTF, GFP_ATOMIC, &head);
	if (skb)
		event_send(cn, skb, head, cordon_fill_anomaly(skb, anomaly), GFP_ATOMIC);
}

/* A socket that closes takes its transaction with it. Most have none, and must not wait. */
static int released(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct netlink_notify *notify = ptr;

	if (event == NETLINK_URELEASE && notify->protocol == NETLINK_GENERIC)
		cordon_transaction_abort(cordon_net(notify->net), notify->portid, NULL);
	return NOTIFY_DONE;
}

static struct notifier_block release_notifier = { .notifier_call = released };

/*
 * The group of events asks for CAP_NET_ADMIN when it is joined. A number that is no group yet
 * anybody may join, and it may become this group's. Unregistering takes all members out of the
 * family's groups; registered again, it gets the numbers that it had. Who joins just in between is
 * not seen.
 */
static int __init register_family(void)
{
	int ret = genl_register_family(&cordon_nl_family);

	if (!ret)
		ret = genl_unregister_family(&cordon_nl_family);
	return ret ? ret : genl_register_family(&cordon_nl_family);
}

/** cordon_netlink_init - from now on user space can reach the module */
int __init cordon_netlink_init(void)
{
	int ret;

	ret = netlink_register_notifier(&release_notifier);
	if (ret)
		return ret;
	ret = register_family();
	if (ret)
		netlink_unregister_notifier(&release_notifier);
	return ret;
}

/** cordon_netlink_exit - the reverse of cordon_netlink_init() */
void cordon_netlink_exit(void)
{
	genl_unregister_family(&cordon_nl_family);
	netlink_unregister_notifier(&release_notifier);
}
