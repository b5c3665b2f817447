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

static int refuse(struct netlink_ext_ack *extack, const struct nlattr *attr, int err)
{
	NL_SET_BAD_ATTR(extack, attr);
	return err;
}

/* What an append to a transaction gave: NULL pointers do not occur. */
static int full(const void *ptr, const char *what, const struct nlattr *attr,
		struct netlink_ext_ack *extack)
{
	if (PTR_ERR(ptr) == -E2BIG)
		NL_SET_ERR_MSG_FMT(extack, "too many %s", what);
	return refuse(extack, attr, PTR_ERR(ptr));
}

static int lacks(const struct nlattr *nest, int type, const char *what,
		 struct netlink_ext_ack *extack)
{
	NL_SET_ERR_ATTR_MISS(extack, nest, type);
	NL_SET_ERR_MSG_FMT(extack, "%s is missing", what);
	return -EINVAL;
}

static u32 get_u32(struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

/**
 * cordon_read_address - an address out of its attribute
 * @attr: 4 or 16 bytes
 * @addr: filled
 * @extack: gets a sentence
 *
 * Return: 0 or -EINVAL.
 */
int cordon_read_address(const struct nlattr *attr, struct cordon_addr *addr,
			struct netlink_ext_ack *extack)
{
	__be64 v6[2];
	__be32 v4;

	switch (nla_len(attr)) {
	case sizeof(v4):
		nla_memcpy(&v4, attr, sizeof(v4));
		*addr = cordon_addr_v4(be32_to_cpu(v4));
		return 0;
	case sizeof(v6):
		nla_memcpy(v6, attr, sizeof(v6));
		addr->hi = be64_to_cpu(v6[0]);
		addr->lo = be64_to_cpu(v6[1]);
		if (!cordon_addr_is_v4(addr))
			return 0;
		NL_SET_ERR_MSG(extack, "an IPv4-mapped IPv6 address: give its 4 bytes");
		break;
	default:
		NL_SET_ERR_MSG_FMT(extack, "an address has 4 or 16 bytes, not %d", nla_len(attr));
	}
	return refuse(extack, attr, -EINVAL);
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
		return lacks(nest, CORDON_A_PORT_NAME, "a port's name", extack);
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
		return lacks(nest, CORDON_A_UPLINK_NAME, "an uplink's name", extack);
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
		return lacks(nest, CORDON_A_LIMIT_KIND, "a limit's kind", extack);
	if (!tb[CORDON_A_LIMIT_COUNT])
		return lacks(nest, CORDON_A_LIMIT_COUNT, "a limit's count", extack);
	if (!tb[CORDON_A_LIMIT_WINDOW])
		return lacks(nest, CORDON_A_LIMIT_WINDOW, "a limit's window", extack);
	limit = &s->limits[nla_get_u32(tb[CORDON_A_LIMIT_KIND])];
	if (limit->window) {
		NL_SET_ERR_MSG(extack, "a kind has two limits");
		return refuse(extack, tb[CORDON_A_LIMIT_KIND], -EINVAL);
	}
	limit->count = nla_get_u32(tb[CORDON_A_LIMIT_COUNT]);
	if (limit == &s->limits[CORDON_KIND_SCAN] && limit->count > CORDON_MAX_TARGETS) {
		NL_SET_ERR_MSG_FMT(extack, "a limit for scan is at most %u, not %u",
				   CORDON_MAX_TARGETS, limit->count);
		return refuse(extack, tb[CORDON_A_LIMIT_COUNT], -EINVAL);
	}
	limit->window = nla_get_u32(tb[CORDON_A_LIMIT_WINDOW]);
	limit->action = get_u32(tb[CORDON_A_LIMIT_ACTION], CORDON_ACTION_COUNT);
	if (tb[CORDON_A_LIMIT_LEARN] && limit != &s->limits[CORDON_KIND_NEW_DESTINATION]) {
		NL_SET_ERR_MSG(extack, "of new-destination alone something is learned");
		return refuse(extack, tb[CORDON_A_LIMIT_LEARN], -EINVAL);
	}
	s->learn = get_u32(tb[CORDON_A_LIMIT_LEARN], s->learn);
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
		return lacks(nest, CORDON_A_SEGMENT_NAME, "a segment's name", extack);
	nla_strscpy(name, tb[CORDON_A_SEGMENT_NAME], sizeof(name));
	if (cordon_transaction_find_segment(t, name) != CORDON_NO_SEGMENT) {
		NL_SET_ERR_MSG_FMT(extack, "segment %s exists already", name);
		return refuse(extack, tb[CORDON_A_SEGMENT_NAME], -EEXIST);
	}
	s = cordon_transaction_segment(t, name);
	if (IS_ERR(s))
		return full(s, "segments", nest, extack);
	s->authentication = get_u32(tb[CORDON_A_SEGMENT_AUTHENTICATION], s->authentication);
	s->encryption = get_u32(tb[CORDON_A_SEGMENT_ENCRYPTION], s->encryption);
	s->firmware = get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_AUTO_UPDATE], s->firmware);
	s->isolate = get_u32(tb[CORDON_A_SEGMENT_ISOLATE], s->isolate);
	s->lease = get_u32(tb[CORDON_A_SEGMENT_LEASE], s->lease);
	s->grace = get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_GRACE], s->grace);
	s->postpone = get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_POSTPONE], s->postpone);
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
	return refuse(extack, attr, -ENOENT);
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
		return lacks(nest, CORDON_A_NETWORK_ADDRESS, "a network's address", extack);
	if (!tb[CORDON_A_NETWORK_PREFIX_LEN])
		return lacks(nest, CORDON_A_NETWORK_PREFIX_LEN, "a network's prefix length",
			     extack);
	if (!tb[CORDON_A_NETWORK_SEGMENT])
		return lacks(nest, CORDON_A_NETWORK_SEGMENT, "a network's segment", extack);
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
		return refuse(extack, tb[CORDON_A_NETWORK_PREFIX_LEN], -EINVAL);
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
	proto = get_u32(tb[CORDON_A_MATCH_PROTOCOL], CORDON_PROTO_ANY);
	if (!tb[CORDON_A_MATCH_PROTOCOL] && (tb[CORDON_A_MATCH_LOW] || tb[CORDON_A_MATCH_HIGH])) {
		NL_SET_ERR_MSG(extack, "ports without a protocol");
		return refuse(extack, nest, -EINVAL);
	}
	m = cordon_transaction_match(t);
	if (IS_ERR(m))
		return full(m, "matches", nest, extack);
	max = proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ? 255 : 65535;
	m->proto = proto;
	m->lo = get_u32(tb[CORDON_A_MATCH_LOW], 0);
	m->hi = get_u32(tb[CORDON_A_MATCH_HIGH], max);
	if (m->lo > m->hi || m->hi > max) {
		NL_SET_ERR_MSG_FMT(extack, "%u-%u is no range within 0-%u", m->lo, m->hi, max);
		return refuse(extack, nest, -EINVAL);
	}
	if ((m->lo || m->hi != max) && max != 255 && !cordon_proto_has_ports(proto)) {
		NL_SET_ERR_MSG_FMT(extack, "protocol %u has no ports", proto);
		return refuse(extack, nest, -EINVAL);
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
		return lacks(nest, CORDON_A_RULE_FROM, "where a rule is from", extack);
	if (!tb[CORDON_A_RULE_TO])
		return lacks(nest, CORDON_A_RULE_TO, "where a rule leads to", extack);
	if (!tb[CORDON_A_RULE_MATCH])
		return lacks(nest, CORDON_A_RULE_MATCH, "what a rule allows", extack);
	r = cordon_transaction_rule(t);
	if (IS_ERR(r))
		return full(r, "rules", nest, extack);
	r->plaintext = get_u32(tb[CORDON_A_RULE_PLAINTEXT], 0);
	r->related = get_u32(tb[CORDON_A_RULE_RELATED], 0);
	ret = find_segment(t, tb[CORDON_A_RULE_FROM], &r->from, extack);
	if (!ret)
		ret = find_segment(t, tb[CORDON_A_RULE_TO], &r->to, extack);
	if (!ret && r->from == CORDON_SEGMENT_GATEWAY) {
		NL_SET_ERR_MSG(extack, "what the gateway opens passes without a rule");
		ret = refuse(extack, tb[CORDON_A_RULE_FROM], -EINVAL);
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

static int read_port(const struct cordon_draft *d, const struct nlattr *attr, u16 *port,
		     struct netlink_ext_ack *extack)
{
	char name[CORDON_IFNAME_LEN];

	nla_strscpy(name, attr, sizeof(name));
	if (!*name) {
		*port = CORDON_ANY_PORT;
		return 0;
	}
	for (*port = 0; *port < d->n_ports; ++*port)
		if (!strcmp(d->ports[*port].name, name))
			return 0;
	NL_SET_ERR_MSG_FMT(extack, "unknown port %s", name);
	return refuse(extack, attr, -ENOENT);
}

/* One port, or none; the list replaces the present one. */
static int add_port(const struct cordon_draft *d, const struct nlattr *attr,
		    struct cordon_device_def *def, struct netlink_ext_ack *extack)
{
	u16 port;
	int ret;

	if (cordon_device_ports(def) == CORDON_MAX_DEVICE_PORTS) {
		NL_SET_ERR_MSG_FMT(extack, "more than %d ports", CORDON_MAX_DEVICE_PORTS);
		return refuse(extack, attr, -E2BIG);
	}
	ret = read_port(d, attr, &port, extack);
	if (ret)
		return ret;
	if (port == CORDON_ANY_PORT) {
		NL_SET_ERR_MSG(extack, "a port without a name among others");
		return refuse(extack, attr, -EINVAL);
	}
	if (cordon_device_ports(def) && cordon_device_may_be_at(def, port)) {
		NL_SET_ERR_MSG_FMT(extack, "port %s a second time", d->ports[port].name);
		return refuse(extack, attr, -EINVAL);
	}
	cordon_device_add_port(def, port);
	return 0;
}

static int read_ports(const struct cordon_draft *d, const struct nlattr *nest,
		      struct cordon_device_def *def, struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	int ret, rem, n = 0;

	nla_for_each_nested(attr, nest, rem)
		n += nla_type(attr) == CORDON_A_DEVICE_PORT;
	def->port = CORDON_ANY_PORT;
	memset(def->also, 0, sizeof(def->also));
	def->n_also = 0;
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != CORDON_A_DEVICE_PORT)
			continue;
		/* Alone and empty, it unties the device. */
		if (n == 1 && !*(const char *)nla_data(attr))
			return 0;
		ret = add_port(d, attr, def, extack);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_addresses(const struct nlattr *nest, struct cordon_device_change *change,
			  struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	int ret, rem;

	change->def.n = 0;
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != CORDON_A_DEVICE_ADDRESS)
			continue;
		if (change->def.n == CORDON_MAX_DEVICE_ADDRESSES) {
			NL_SET_ERR_MSG_FMT(extack, "more than %d addresses",
					   CORDON_MAX_DEVICE_ADDRESSES);
			return refuse(extack, attr, -E2BIG);
		}
		ret = cordon_read_address(attr, &change->addresses[change->def.n], extack);
		if (ret)
			return ret;
		change->def.n++;
	}
	change->def.fixed = change->def.n;
	return 0;
}

/* What it has learned is none of its own any more, or none of what it has from now on. */
static void read_learn(struct cordon_device_def *def, u8 learn)
{
	if (def->learn)
		def->n = def->fixed;
	else
		def->fixed = def->n;
	def->learn = learn;
}

/**
 * cordon_read_device - what attributes say of a device
 * @d: in which its ports are looked up
 * @nest: the device
 * @tb: @nest, parsed, up to CORDON_A_DEVICE_VLAN
 * @change: overwritten where an attribute is there; the segment is the caller's
 * @extack: gets a sentence
 *
 * Return: 0; -EINVAL, -ENOENT or -E2BIG.
 */
int cordon_read_device(const struct cordon_draft *d, const struct nlattr *nest,
		       struct nlattr **tb, struct cordon_device_change *change,
		       struct netlink_ext_ack *extack)
{
	struct cordon_device_def *def = &change->def;
	int ret = 0;

	if (tb[CORDON_A_DEVICE_NAME])
		nla_strscpy(def->name, tb[CORDON_A_DEVICE_NAME], sizeof(def->name));
	if (tb[CORDON_A_DEVICE_MAC])
		nla_memcpy(def->mac, tb[CORDON_A_DEVICE_MAC], sizeof(def->mac));
	if (tb[CORDON_A_DEVICE_MODEL])
		nla_strscpy(def->model, tb[CORDON_A_DEVICE_MODEL], sizeof(def->model));
	def->authentication = get_u32(tb[CORDON_A_DEVICE_AUTHENTICATION], def->authentication);
	def->encryption = get_u32(tb[CORDON_A_DEVICE_ENCRYPTION], def->encryption);
	def->firmware = get_u32(tb[CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE], def->firmware);
	def->roam = get_u32(tb[CORDON_A_DEVICE_ROAM], def->roam);
	def->vlan = get_u32(tb[CORDON_A_DEVICE_VLAN], def->vlan);
	if (tb[CORDON_A_DEVICE_PORT])
		ret = read_ports(d, nest, def, extack);
	if (!ret && tb[CORDON_A_DEVICE_ADDRESS])
		ret = read_addresses(nest, change, extack);
	if (!ret && tb[CORDON_A_DEVICE_LEARN])
		read_learn(def, nla_get_u32(tb[CORDON_A_DEVICE_LEARN]));
	return ret;
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
	u32 state = get_u32(tb[CORDON_A_DEVICE_STATE], CORDON_STATE_ACTIVE);
	bool outdated = get_u32(tb[CORDON_A_DEVICE_OUTDATED], state == CORDON_STATE_OUTDATED);
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
	s->lease = get_u32(tb[CORDON_A_DEVICE_LEASE], 0);
	s->certified = tb[CORDON_A_DEVICE_CERTIFICATE];
	if (s->certified)
		nla_memcpy(s->certificate, tb[CORDON_A_DEVICE_CERTIFICATE], sizeof(s->certificate));
	if (!tb[CORDON_A_DEVICE_LEASE_PORT])
		return 0;
	ret = read_port(&t->draft, tb[CORDON_A_DEVICE_LEASE_PORT], &port, extack);
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
		return lacks(nest, CORDON_A_DEVICE_NAME, "a device's name", extack);
	if (!tb[CORDON_A_DEVICE_MAC])
		return lacks(nest, CORDON_A_DEVICE_MAC, "a device's MAC", extack);
	if (!tb[CORDON_A_DEVICE_SEGMENT])
		return lacks(nest, CORDON_A_DEVICE_SEGMENT, "a device's segment", extack);
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

/**
 * cordon_read_binding - what attributes say of a binding that was learned
 * @nest: the binding
 * @tb: @nest, parsed; the device is the caller's
 * @told: filled
 * @extack: gets a sentence
 *
 * Return: 0 or -EINVAL.
 */
int cordon_read_binding(const struct nlattr *nest, struct nlattr **tb, struct cordon_told *told,
			struct netlink_ext_ack *extack)
{
	if (!tb[CORDON_A_BINDING_ADDRESS])
		return lacks(nest, CORDON_A_BINDING_ADDRESS, "a binding's address", extack);
	told->origin = get_u32(tb[CORDON_A_BINDING_ORIGIN], CORDON_ORIGIN_DHCP);
	told->seconds = get_u32(tb[CORDON_A_BINDING_LEASE], 0);
	if (told->origin == CORDON_ORIGIN_POLICY) {
		NL_SET_ERR_MSG(extack, "what the policy binds is an address of its device");
		return refuse(extack, tb[CORDON_A_BINDING_ORIGIN], -EINVAL);
	}
	return cordon_read_address(tb[CORDON_A_BINDING_ADDRESS], &told->addr, extack);
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
		return lacks(nest, CORDON_A_BINDING_MAC, "the MAC of a binding's device", extack);
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
		return refuse(extack, attr, -EINVAL);
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
