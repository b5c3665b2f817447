// SPDX-License-Identifier: GPL-2.0
/* Netlink attributes as objects of a policy. */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "bind.h"
#include "caps.h"
#include "change.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "transaction.h"

/* What an append to a transaction gave: NULL pointers do not occur. */
static int full(const void *ptr, const char *what, const struct nlattr *attr,
		struct netlink_ext_ack *extack)
{
	if (PTR_ERR(ptr) == -E2BIG)
		NL_SET_ERR_MSG_FMT(extack, "too many %s", what);
	return cordon_refuse(extack, attr, PTR_ERR(ptr));
}

static int stage_port(struct cordon_transaction *t, const struct nlattr *nest,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_PORT_NAME + 1];
	struct cordon_port_def *port;
	int ret;

	ret = nla_parse_nested(tb, CORDON_A_PORT_NAME, nest, cordon_port_input_nl_policy, extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_PORT_NAME])
		return cordon_lacks(nest, CORDON_A_PORT_NAME, "a port's name", extack);
	port = cordon_transaction_port(t);
	if (IS_ERR(port))
		return full(port, "ports", nest, extack);
	nla_strscpy(port->name, tb[CORDON_A_PORT_NAME], sizeof(port->name));
	return 0;
}

static int stage_uplink(struct cordon_transaction *t, const struct nlattr *nest,
			struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_UPLINK_NAME + 1];
	struct cordon_uplink_def *uplink;
	int ret;

	ret = nla_parse_nested(tb, CORDON_A_UPLINK_NAME, nest, cordon_uplink_input_nl_policy,
			       extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_UPLINK_NAME])
		return cordon_lacks(nest, CORDON_A_UPLINK_NAME, "an uplink's name", extack);
	uplink = cordon_transaction_uplink(t);
	if (IS_ERR(uplink))
		return full(uplink, "uplinks", nest, extack);
	nla_strscpy(uplink->name, tb[CORDON_A_UPLINK_NAME], sizeof(uplink->name));
	return 0;
}

static int read_interface(struct cordon_transaction *t, const struct nlattr *attr,
			  struct netlink_ext_ack *extack)
{
	struct cordon_interface_def *n = cordon_transaction_interface(t);

	if (IS_ERR(n))
		return full(n, "interfaces", attr, extack);
	nla_strscpy(n->name, attr, sizeof(n->name));
	return 0;
}

static int read_limit(struct cordon_segment_def *s, const struct nlattr *nest,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_LIMIT_LEARN + 1];
	struct cordon_limit *limit;
	int ret;

	ret = nla_parse_nested(tb, CORDON_A_LIMIT_LEARN, nest, cordon_limit_nl_policy, extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_LIMIT_KIND])
		return cordon_lacks(nest, CORDON_A_LIMIT_KIND, "a limit's kind", extack);
	if (!tb[CORDON_A_LIMIT_COUNT])
		return cordon_lacks(nest, CORDON_A_LIMIT_COUNT, "a limit's count", extack);
	if (!tb[CORDON_A_LIMIT_WINDOW])
		return cordon_lacks(nest, CORDON_A_LIMIT_WINDOW, "a limit's window", extack);
	limit = &s->limits[nla_get_u32(tb[CORDON_A_LIMIT_KIND])];
	if (limit->window) {
		NL_SET_ERR_MSG(extack, "a kind has two limits");
		return cordon_refuse(extack, tb[CORDON_A_LIMIT_KIND], -EINVAL);
	}
	limit->count = nla_get_u32(tb[CORDON_A_LIMIT_COUNT]);
	if (limit == &s->limits[CORDON_KIND_SCAN] && limit->count > CORDON_MAX_TARGETS) {
		NL_SET_ERR_MSG_FMT(extack, "a limit for scan is at most %u, not %u",
				   CORDON_MAX_TARGETS, limit->count);
		return cordon_refuse(extack, tb[CORDON_A_LIMIT_COUNT], -EINVAL);
	}
	limit->window = nla_get_u32(tb[CORDON_A_LIMIT_WINDOW]);
	limit->action = cordon_get_u32(tb[CORDON_A_LIMIT_ACTION], CORDON_ACTION_COUNT);
	if (tb[CORDON_A_LIMIT_LEARN] && limit != &s->limits[CORDON_KIND_NEW_DESTINATION]) {
		NL_SET_ERR_MSG(extack, "of new-destination alone something is learned");
		return cordon_refuse(extack, tb[CORDON_A_LIMIT_LEARN], -EINVAL);
	}
	s->learn = cordon_get_u32(tb[CORDON_A_LIMIT_LEARN], s->learn);
	return 0;
}

static int stage_segment(struct cordon_transaction *t, const struct nlattr *nest,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_SEGMENT_INTERFACE + 1];
	struct cordon_segment_def *s;
	char name[CORDON_NAME_LEN];
	const struct nlattr *attr;
	int ret, rem;

	ret = nla_parse_nested(tb, CORDON_A_SEGMENT_INTERFACE, nest,
			       cordon_segment_input_nl_policy, extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_SEGMENT_NAME])
		return cordon_lacks(nest, CORDON_A_SEGMENT_NAME, "a segment's name", extack);
	nla_strscpy(name, tb[CORDON_A_SEGMENT_NAME], sizeof(name));
	if (cordon_transaction_find_segment(t, name) != CORDON_NO_SEGMENT) {
		NL_SET_ERR_MSG_FMT(extack, "segment %s exists already", name);
		return cordon_refuse(extack, tb[CORDON_A_SEGMENT_NAME], -EEXIST);
	}
	s = cordon_transaction_segment(t, name);
	if (IS_ERR(s))
		return full(s, "segments", nest, extack);
	s->authentication = cordon_get_u32(tb[CORDON_A_SEGMENT_AUTHENTICATION], s->authentication);
	s->encryption = cordon_get_u32(tb[CORDON_A_SEGMENT_ENCRYPTION], s->encryption);
	s->firmware = cordon_get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_AUTO_UPDATE], s->firmware);
	s->isolate = cordon_get_u32(tb[CORDON_A_SEGMENT_ISOLATE], s->isolate);
	s->lease = cordon_get_u32(tb[CORDON_A_SEGMENT_LEASE], s->lease);
	s->grace = cordon_get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_GRACE], s->grace);
	s->postpone = cordon_get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_POSTPONE], s->postpone);
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == CORDON_A_SEGMENT_LIMIT)
			ret = read_limit(s, attr, extack);
		else if (nla_type(attr) == CORDON_A_SEGMENT_INTERFACE)
			ret = read_interface(t, attr, extack);
		if (ret)
			return ret;
	}
	return 0;
}

static int find_segment(const struct cordon_transaction *t, const struct nlattr *attr,
			u16 *segment, struct netlink_ext_ack *extack)
{
	char name[CORDON_NAME_LEN];

	nla_strscpy(name, attr, sizeof(name));
	*segment = cordon_transaction_find_segment(t, name);
	if (*segment != CORDON_NO_SEGMENT)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "unknown segment %s", name);
	return cordon_refuse(extack, attr, -ENOENT);
}

static int stage_network(struct cordon_transaction *t, const struct nlattr *nest,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_NETWORK_SEGMENT + 1];
	struct cordon_network_def *n;
	u32 len;
	int ret;

	ret = nla_parse_nested(tb, CORDON_A_NETWORK_SEGMENT, nest, cordon_network_nl_policy,
			       extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_NETWORK_ADDRESS])
		return cordon_lacks(nest, CORDON_A_NETWORK_ADDRESS, "a network's address", extack);
	if (!tb[CORDON_A_NETWORK_PREFIX_LEN])
		return cordon_lacks(nest, CORDON_A_NETWORK_PREFIX_LEN, "a network's prefix length",
			     extack);
	if (!tb[CORDON_A_NETWORK_SEGMENT])
		return cordon_lacks(nest, CORDON_A_NETWORK_SEGMENT, "a network's segment", extack);
	n = cordon_transaction_network(t);
	if (IS_ERR(n))
		return full(n, "networks", nest, extack);
	ret = cordon_read_address(tb[CORDON_A_NETWORK_ADDRESS], &n->addr, extack);
	if (ret)
		return ret;
	len = nla_get_u32(tb[CORDON_A_NETWORK_PREFIX_LEN]);
	if (cordon_addr_is_v4(&n->addr))
		len += 96;
	if (len > 128) {
		NL_SET_ERR_MSG_FMT(extack, "/%u is too long for an IPv4 network", len - 96);
		return cordon_refuse(extack, tb[CORDON_A_NETWORK_PREFIX_LEN], -EINVAL);
	}
	n->len = len;
	return find_segment(t, tb[CORDON_A_NETWORK_SEGMENT], &n->segment, extack);
}

static int stage_match(struct cordon_transaction *t, const struct nlattr *nest,
		       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_MATCH_HIGH + 1];
	struct cordon_match *m;
	u32 proto, max;
	int ret;

	ret = nla_parse_nested(tb, CORDON_A_MATCH_HIGH, nest, cordon_match_nl_policy, extack);
	if (ret)
		return ret;
	proto = cordon_get_u32(tb[CORDON_A_MATCH_PROTOCOL], CORDON_PROTO_ANY);
	if (!tb[CORDON_A_MATCH_PROTOCOL] && (tb[CORDON_A_MATCH_LOW] || tb[CORDON_A_MATCH_HIGH])) {
		NL_SET_ERR_MSG(extack, "ports without a protocol");
		return cordon_refuse(extack, nest, -EINVAL);
	}
	m = cordon_transaction_match(t);
	if (IS_ERR(m))
		return full(m, "matches", nest, extack);
	max = proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ? 255 : 65535;
	m->proto = proto;
	m->lo = cordon_get_u32(tb[CORDON_A_MATCH_LOW], 0);
	m->hi = cordon_get_u32(tb[CORDON_A_MATCH_HIGH], max);
	if (m->lo > m->hi || m->hi > max) {
		NL_SET_ERR_MSG_FMT(extack, "%u-%u is no range within 0-%u", m->lo, m->hi, max);
		return cordon_refuse(extack, nest, -EINVAL);
	}
	if ((m->lo || m->hi != max) && max != 255 && !cordon_proto_has_ports(proto)) {
		NL_SET_ERR_MSG_FMT(extack, "protocol %u has no ports", proto);
		return cordon_refuse(extack, nest, -EINVAL);
	}
	return 0;
}

static int stage_rule(struct cordon_transaction *t, const struct nlattr *nest,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_RULE_RELATED + 1];
	struct cordon_rule_def *r;
	const struct nlattr *attr;
	int ret, rem;

	ret = nla_parse_nested(tb, CORDON_A_RULE_RELATED, nest, cordon_rule_input_nl_policy,
			       extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_RULE_FROM])
		return cordon_lacks(nest, CORDON_A_RULE_FROM, "where a rule is from", extack);
	if (!tb[CORDON_A_RULE_TO])
		return cordon_lacks(nest, CORDON_A_RULE_TO, "where a rule leads to", extack);
	if (!tb[CORDON_A_RULE_MATCH])
		return cordon_lacks(nest, CORDON_A_RULE_MATCH, "what a rule allows", extack);
	r = cordon_transaction_rule(t);
	if (IS_ERR(r))
		return full(r, "rules", nest, extack);
	r->plaintext = cordon_get_u32(tb[CORDON_A_RULE_PLAINTEXT], 0);
	r->related = cordon_get_u32(tb[CORDON_A_RULE_RELATED], 0);
	ret = find_segment(t, tb[CORDON_A_RULE_FROM], &r->from, extack);
	if (!ret)
		ret = find_segment(t, tb[CORDON_A_RULE_TO], &r->to, extack);
	if (!ret && r->from == CORDON_SEGMENT_GATEWAY) {
		NL_SET_ERR_MSG(extack, "what the gateway opens passes without a rule");
		ret = cordon_refuse(extack, tb[CORDON_A_RULE_FROM], -EINVAL);
	}
	if (ret)
		return ret;
	nla_for_each_nested(attr, nest, rem)
		if (nla_type(attr) == CORDON_A_RULE_MATCH) {
			ret = stage_match(t, attr, extack);
			if (ret)
				return ret;
		}
	return 0;
}

/* What belongs to a lease says nothing without one. */
static int check_start(struct nlattr **tb, struct netlink_ext_ack *extack)
{
	const struct nlattr *of = tb[CORDON_A_DEVICE_CERTIFICATE] ?: tb[CORDON_A_DEVICE_LEASE_PORT];

	if (!of || tb[CORDON_A_DEVICE_LEASE])
		return cordon_check_state(tb[CORDON_A_DEVICE_STATE], extack);
	NL_SET_ERR_MSG_ATTR(extack, of, "a certificate or a port of a lease, and no lease");
	return -EINVAL;
}

/* How the device that was staged last begins; nothing is noted of one that begins as all do. */
static int stage_start(struct cordon_transaction *t, const struct nlattr *nest,
		       struct nlattr **tb, struct netlink_ext_ack *extack)
{
	u32 state = cordon_get_u32(tb[CORDON_A_DEVICE_STATE], CORDON_STATE_ACTIVE);
	bool outdated = cordon_get_u32(tb[CORDON_A_DEVICE_OUTDATED],
				       state == CORDON_STATE_OUTDATED);
	struct cordon_device_start *s;
	u16 port;
	int ret;

	if (state != CORDON_STATE_QUARANTINED && !outdated && !tb[CORDON_A_DEVICE_LEASE])
		return 0;
	s = cordon_transaction_start(t);
	if (IS_ERR(s))
		return full(s, "devices", nest, extack);
	s->quarantined = state == CORDON_STATE_QUARANTINED;
	s->outdated = outdated;
	s->leased = tb[CORDON_A_DEVICE_LEASE];
	s->lease = cordon_get_u32(tb[CORDON_A_DEVICE_LEASE], 0);
	s->certified = tb[CORDON_A_DEVICE_CERTIFICATE];
	if (s->certified)
		nla_memcpy(s->certificate, tb[CORDON_A_DEVICE_CERTIFICATE], sizeof(s->certificate));
	if (!tb[CORDON_A_DEVICE_LEASE_PORT])
		return 0;
	ret = cordon_read_port(&t->draft, tb[CORDON_A_DEVICE_LEASE_PORT], &port, extack);
	if (!ret && port != CORDON_ANY_PORT)
		strscpy(s->port, t->draft.ports[port].name, sizeof(s->port));
	return ret;
}

static int stage_device(struct cordon_transaction *t, const struct nlattr *nest,
			struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_DEVICE_VLAN + 1];
	struct cordon_device_change read;
	struct cordon_device_def *def;
	struct cordon_addr *addr;
	u32 first;
	int i, ret;

	ret = nla_parse_nested(tb, CORDON_A_DEVICE_VLAN, nest,
			       cordon_device_input_nl_policy, extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_DEVICE_NAME])
		return cordon_lacks(nest, CORDON_A_DEVICE_NAME, "a device's name", extack);
	if (!tb[CORDON_A_DEVICE_MAC])
		return cordon_lacks(nest, CORDON_A_DEVICE_MAC, "a device's MAC", extack);
	if (!tb[CORDON_A_DEVICE_SEGMENT])
		return cordon_lacks(nest, CORDON_A_DEVICE_SEGMENT, "a device's segment", extack);
	cordon_device_change_init(&read);
	ret = check_start(tb, extack);
	if (!ret)
		ret = cordon_read_device(&t->draft, nest, tb, &read, extack);
	if (!ret)
		ret = find_segment(t, tb[CORDON_A_DEVICE_SEGMENT], &read.def.segment, extack);
	if (ret)
		return ret;
	def = cordon_transaction_device(t);
	if (IS_ERR(def))
		return full(def, "devices", nest, extack);
	first = def->first;
	i = read.def.n;
	*def = read.def;
	def->first = first;
	def->n = 0;
	for (addr = read.addresses; i--; addr++) {
		struct cordon_addr *to = cordon_transaction_address(t);

		if (IS_ERR(to))
			return full(to, "addresses", nest, extack);
		*to = *addr;
	}
	return stage_start(t, nest, tb, extack);
}

static int stage_server(struct cordon_transaction *t, const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	struct cordon_addr *server = cordon_transaction_server(t);

	if (IS_ERR(server))
		return full(server, "servers of DHCP", attr, extack);
	return cordon_read_address(attr, server, extack);
}

static int stage_binding(struct cordon_transaction *t, const struct nlattr *nest,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CORDON_A_BINDING_LEASE + 1];
	struct cordon_told *told;
	int ret;

	ret = nla_parse_nested(tb, CORDON_A_BINDING_LEASE, nest, cordon_binding_input_nl_policy,
			       extack);
	if (ret)
		return ret;
	if (!tb[CORDON_A_BINDING_MAC])
		return cordon_lacks(nest, CORDON_A_BINDING_MAC, "the MAC of a binding's device",
				    extack);
	told = cordon_transaction_binding(t);
	if (IS_ERR(told))
		return full(told, "bindings", nest, extack);
	nla_memcpy(told->mac, tb[CORDON_A_BINDING_MAC], sizeof(told->mac));
	return cordon_read_binding(nest, tb, told, extack);
}

static int stage_one(struct cordon_transaction *t, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	switch (nla_type(attr)) {
	case CORDON_A_MODE:
		t->draft.mode = nla_get_u32(attr);
		return 0;
	case CORDON_A_PORT:
		return stage_port(t, attr, extack);
	case CORDON_A_UPLINK:
		return stage_uplink(t, attr, extack);
	case CORDON_A_SEGMENT:
		return stage_segment(t, attr, extack);
	case CORDON_A_NETWORK:
		return stage_network(t, attr, extack);
	case CORDON_A_RULE:
		return stage_rule(t, attr, extack);
	case CORDON_A_DEVICE:
		return stage_device(t, attr, extack);
	case CORDON_A_UNKNOWN:
		return find_segment(t, attr, &t->draft.unknown, extack);
	case CORDON_A_DHCP_SERVER:
		return stage_server(t, attr, extack);
	case CORDON_A_BINDING:
		return stage_binding(t, attr, extack);
	case CORDON_A_DESTINATIONS:
		return cordon_stage_destinations(t, attr, extack);
	default:
		NL_SET_ERR_MSG(extack, "this attribute cannot be staged");
		return cordon_refuse(extack, attr, -EINVAL);
	}
}

/**
 * cordon_stage - add a message's objects to a transaction
 * @t: the transaction
 * @head: first attribute of the message
 * @len: bytes of all of them
 * @extack: gets a sentence, and the attribute at fault
 *
 * All of them are added, or none.
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -errno.
 */
int cordon_stage(struct cordon_transaction *t, const struct nlattr *head, int len,
		 struct netlink_ext_ack *extack)
{
	const struct cordon_draft before = t->draft;
	const u32 told = t->n_told, been = t->n_been;
	const struct nlattr *attr;
	int rem, ret;

	nla_for_each_attr(attr, head, len, rem) {
		t->what = NULL;
		ret = stage_one(t, attr, extack);
		if (ret == -E2BIG && t->what)
			cordon_caps_explain(extack, t->full, t->what);
		if (ret) {
			cordon_transaction_undo(t, &before);
			t->n_told = told;
			cordon_transaction_forget(t, been);
			return ret;
		}
	}
	return 0;
}
