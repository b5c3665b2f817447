// SPDX-License-Identifier: GPL-2.0
/* Requests that change one device: what the policy says of it, its state, its lease. */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "change.h"
#include "event.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "ruleset.h"

/* Attributes of a device that a request may have; the others are for replies. */
#define DEVICE_INPUT	(CORDON_DEVICE_ID | BIT(CORDON_A_DEVICE_SEGMENT) |		\
			 BIT(CORDON_A_DEVICE_ADDRESS) | BIT(CORDON_A_DEVICE_PORT) |	\
			 BIT(CORDON_A_DEVICE_AUTHENTICATION) |				\
			 BIT(CORDON_A_DEVICE_ENCRYPTION) |				\
			 BIT(CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE) |			\
			 BIT(CORDON_A_DEVICE_MODEL) | BIT(CORDON_A_DEVICE_LEARN) |	\
			 BIT(CORDON_A_DEVICE_ROAM) | BIT(CORDON_A_DEVICE_VLAN))
#define DEVICE_CHANGE	(DEVICE_INPUT | BIT(CORDON_A_DEVICE_STATE) |			\
			 BIT(CORDON_A_DEVICE_OUTDATED) |				\
			 BIT(CORDON_A_DEVICE_LEASE) | BIT(CORDON_A_DEVICE_CERTIFICATE))
#define DEVICE_CHECKIN	(BIT(CORDON_A_DEVICE_MAC) | BIT(CORDON_A_DEVICE_ADDRESS) |	\
			 BIT(CORDON_A_DEVICE_CERTIFICATE))

static int read_segment(const struct cordon_ruleset *rs, struct nlattr *attr, u16 *segment,
			struct netlink_ext_ack *extack)
{
	*segment = cordon_policy_segment_by_name(rs->policy, nla_data(attr));
	if (*segment != CORDON_NO_SEGMENT)
		return 0;
	NL_SET_BAD_ATTR(extack, attr);
	NL_SET_ERR_MSG_FMT(extack, "unknown segment %s", (char *)nla_data(attr));
	return -ENOENT;
}

/* To roam is to be at more than one port, as in a file. What was so before stays. */
static int check_roam(const struct cordon_device_def *def, struct nlattr **tb,
		      struct netlink_ext_ack *extack)
{
	const struct nlattr *of = tb[CORDON_A_DEVICE_ROAM] ?: tb[CORDON_A_DEVICE_PORT];

	if (!of || !def->roam || cordon_device_ports(def) != 1)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, of, "a device that roams is not tied to one port");
	return -EINVAL;
}

static int device_new(struct cordon_net *cn, struct genl_info *info, struct nlattr **tb)
{
	struct netlink_ext_ack *extack = info->extack;
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_device_change change;
	int ret;

	if (!rs) {
		NL_SET_ERR_MSG(extack, "no policy is in force");
		return -ENOENT;
	}
	if (!tb[CORDON_A_DEVICE_NAME] || !tb[CORDON_A_DEVICE_MAC] ||
	    !tb[CORDON_A_DEVICE_SEGMENT] ||
	    (!tb[CORDON_A_DEVICE_ADDRESS] && !tb[CORDON_A_DEVICE_LEARN])) {
		NL_SET_ERR_MSG(extack, "a device needs a name, a MAC, a segment and an address");
		return -EINVAL;
	}
	cordon_device_change_init(&change);
	ret = cordon_read_device(&rs->policy->draft, info->attrs[CORDON_A_DEVICE], tb, &change,
				 extack);
	if (!ret)
		ret = check_roam(&change.def, tb, extack);
	if (!ret)
		ret = read_segment(rs, tb[CORDON_A_DEVICE_SEGMENT], &change.def.segment, extack);
	if (!ret)
		ret = cordon_device_change(cn, CORDON_NO_DEVICE, &change, extack);
	if (ret)
		return ret;
	rs = cordon_net_ruleset(cn);
	return cordon_reply_object(info, rs, cordon_fill_device,
				   cordon_policy_device_by_mac(rs->policy, change.def.mac));
}

int cordon_nl_device_new_doit(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *tb[CORDON_A_DEVICE_VLAN + 1];
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	ret = cordon_request_nest(info, CORDON_A_DEVICE, tb, CORDON_A_DEVICE_VLAN,
				  cordon_device_nl_policy, DEVICE_INPUT);
	if (ret)
		return ret;
	mutex_lock(&cn->lock);
	ret = device_new(cn, info, tb);
	mutex_unlock(&cn->lock);
	return ret;
}

/**
 * cordon_check_state - the states that a request may give a device
 * @attr: the state, or NULL
 * @extack: gets a sentence
 *
 * Return: 0 or -EINVAL.
 */
int cordon_check_state(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	u32 state = attr ? nla_get_u32(attr) : CORDON_STATE_ACTIVE;

	if (state == CORDON_STATE_ACTIVE || state == CORDON_STATE_OUTDATED ||
	    state == CORDON_STATE_QUARANTINED)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "this state follows from the lease: set that");
	return -EINVAL;
}

static void set_state(struct cordon_device *device, u32 state)
{
	switch (state) {
	case CORDON_STATE_QUARANTINED:
		set_bit(CORDON_DEVICE_QUARANTINED, &device->flags);
		break;
	case CORDON_STATE_OUTDATED:
		set_bit(CORDON_DEVICE_OUTDATED, &device->flags);
		break;
	default:
		clear_bit(CORDON_DEVICE_OUTDATED, &device->flags);
		cordon_device_release(device);
	}
}

/* Return: it was not so before. What is true already is no event. */
static bool set_outdated(struct cordon_device *device, bool outdated)
{
	if (outdated)
		return !test_and_set_bit(CORDON_DEVICE_OUTDATED, &device->flags);
	return test_and_clear_bit(CORDON_DEVICE_OUTDATED, &device->flags);
}

/*
 * What the policy says of a device, changed; nothing happens when nothing is given. @i: its place;
 * gets the one where it is then.
 */
static int change_def(struct cordon_net *cn, u32 *i, struct genl_info *info, struct nlattr **tb)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	const struct cordon_draft *d = &rs->policy->draft;
	struct cordon_device_change change;
	bool named = !tb[CORDON_A_DEVICE_MAC];
	int type, ret;

	for (type = 1; type <= CORDON_A_DEVICE_MODEL; type++)
		if (tb[type] && type != CORDON_A_DEVICE_MAC &&
		    !(named && type == CORDON_A_DEVICE_NAME))
			break;
	if (type > CORDON_A_DEVICE_MODEL && !tb[CORDON_A_DEVICE_LEARN] &&
	    !tb[CORDON_A_DEVICE_ROAM] && !tb[CORDON_A_DEVICE_VLAN])
		return 0;
	change.def = d->devices[*i];
	memcpy(change.addresses, &d->addresses[change.def.first],
	       change.def.n * sizeof(change.addresses[0]));
	ret = cordon_read_device(d, info->attrs[CORDON_A_DEVICE], tb, &change, info->extack);
	if (!ret)
		ret = check_roam(&change.def, tb, info->extack);
	if (!ret && tb[CORDON_A_DEVICE_SEGMENT])
		ret = read_segment(rs, tb[CORDON_A_DEVICE_SEGMENT], &change.def.segment,
				   info->extack);
	/* To be named is to be listed. */
	if (tb[CORDON_A_DEVICE_NAME] && !named)
		change.def.unlisted = 0;
	if (!ret)
		ret = cordon_device_change(cn, *i, &change, info->extack);
	if (!ret)
		*i = cordon_policy_device_by_mac(cordon_net_ruleset(cn)->policy, change.def.mac);
	return ret;
}

/* A certificate says which lease is meant, which only matters where one is to end. */
static int check_lease(struct nlattr **tb, struct netlink_ext_ack *extack)
{
	struct nlattr *certificate = tb[CORDON_A_DEVICE_CERTIFICATE];

	if (!certificate ||
	    (tb[CORDON_A_DEVICE_LEASE] && !nla_get_u32(tb[CORDON_A_DEVICE_LEASE])))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, certificate, "a certificate goes with the end of a lease");
	return -EINVAL;
}

/* Return: the lease has been set, and is not another certificate's. */
static bool set_lease(struct cordon_device *device, struct nlattr **tb)
{
	struct nlattr *certificate = tb[CORDON_A_DEVICE_CERTIFICATE];
	u8 held[CORDON_CERTIFICATE_LEN];

	if (certificate && (!cordon_device_certificate(device, held) ||
			    memcmp(held, nla_data(certificate), sizeof(held))))
		return false;
	cordon_device_lease(device, nla_get_u32(tb[CORDON_A_DEVICE_LEASE]));
	return true;
}

static int device_set(struct cordon_net *cn, struct genl_info *info, struct nlattr **tb)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_device *device;
	bool changed = false;
	int ret;
	u32 i;

	if (!rs) {
		NL_SET_ERR_MSG(info->extack, "no policy is in force");
		return -ENOENT;
	}
	ret = cordon_request_device(rs, tb, info->extack, &i);
	if (!ret)
		ret = cordon_check_state(tb[CORDON_A_DEVICE_STATE], info->extack);
	if (!ret)
		ret = check_lease(tb, info->extack);
	if (!ret)
		ret = change_def(cn, &i, info, tb);
	if (ret)
		return ret;
	rs = cordon_net_ruleset(cn);
	device = rs->devices[i];
	if (tb[CORDON_A_DEVICE_LEASE])
		changed = set_lease(device, tb);
	if (tb[CORDON_A_DEVICE_STATE]) {
		set_state(device, nla_get_u32(tb[CORDON_A_DEVICE_STATE]));
		changed = true;
	}
	if (tb[CORDON_A_DEVICE_OUTDATED])
		changed |= set_outdated(device, nla_get_u32(tb[CORDON_A_DEVICE_OUTDATED]));
	if (changed)
		cordon_netlink_device(cn, rs, i);
	return cordon_reply_object(info, rs, cordon_fill_device, i);
}

int cordon_nl_device_set_doit(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *tb[CORDON_A_DEVICE_VLAN + 1];
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	ret = cordon_request_nest(info, CORDON_A_DEVICE, tb, CORDON_A_DEVICE_VLAN,
				  cordon_device_nl_policy, DEVICE_CHANGE);
	if (ret)
		return ret;
	mutex_lock(&cn->lock);
	ret = device_set(cn, info, tb);
	mutex_unlock(&cn->lock);
	return ret;
}

int cordon_nl_device_del_doit(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *tb[CORDON_A_DEVICE_OUTDATED + 1] = {};
	struct cordon_net *cn = cordon_request_net(info);
	const struct cordon_ruleset *rs;
	int ret;
	u32 i;

	ret = cordon_request_nest(info, CORDON_A_DEVICE, tb, CORDON_A_DEVICE_MAC,
				  cordon_device_id_nl_policy, CORDON_DEVICE_ID);
	if (ret)
		return ret;
	mutex_lock(&cn->lock);
	rs = cordon_net_ruleset(cn);
	ret = -ENOENT;
	if (rs)
		ret = cordon_request_device(rs, tb, info->extack, &i);
	else
		NL_SET_ERR_MSG(info->extack, "no policy is in force");
	if (!ret)
		ret = cordon_device_change(cn, i, NULL, info->extack);
	mutex_unlock(&cn->lock);
	return ret;
}

/**
 * struct checkin - who says that it is who, from where
 * @mac: of the device
 * @addr: the address that it checks in from
 * @addressed: there is one; else @ifindex is known, and the link alone says who it is
 * @certificate: fingerprint
 * @ifindex: the interface that it came in by; 0, not known
 * @port: of that interface, by its name in the policy; empty, not known
 */
struct checkin {
	const u8 *mac;
	struct cordon_addr addr;
	bool addressed;
	const u8 *certificate;
	int ifindex;
	const char *port;
};

/* Of two addresses, the parser would keep one; which of them was checked must not be in doubt. */
static int count_addresses(const struct nlattr *nest)
{
	const struct nlattr *attr;
	int rem, n = 0;

	nla_for_each_nested(attr, nest, rem)
		n += nla_type(attr) == CORDON_A_DEVICE_ADDRESS;
	return n;
}

static int read_checkin_port(struct genl_info *info, struct checkin *c)
{
	struct nlattr *tb[CORDON_A_PORT_IFINDEX + 1];
	int ret;

	if (!info->attrs[CORDON_A_PORT])
		return 0;
	ret = cordon_request_nest(info, CORDON_A_PORT, tb, CORDON_A_PORT_IFINDEX,
				  cordon_port_nl_policy, BIT(CORDON_A_PORT_IFINDEX));
	if (ret)
		return ret;
	if (!tb[CORDON_A_PORT_IFINDEX] || !nla_get_u32(tb[CORDON_A_PORT_IFINDEX])) {
		NL_SET_ERR_MSG(info->extack, "the port of a check-in is given by its ifindex");
		return -EINVAL;
	}
	c->ifindex = nla_get_u32(tb[CORDON_A_PORT_IFINDEX]);
	return 0;
}

static int read_checkin(struct genl_info *info, struct checkin *c)
{
	struct nlattr *tb[CORDON_A_DEVICE_OUTDATED + 1];
	int addresses, ret;

	ret = cordon_request_nest(info, CORDON_A_DEVICE, tb, CORDON_A_DEVICE_OUTDATED,
				  cordon_device_nl_policy, DEVICE_CHECKIN);
	if (ret)
		return ret;
	addresses = count_addresses(info->attrs[CORDON_A_DEVICE]);
	if (!tb[CORDON_A_DEVICE_MAC] || !tb[CORDON_A_DEVICE_CERTIFICATE] || addresses > 1) {
		NL_SET_ERR_MSG(info->extack,
			       "a check-in needs a MAC, one address and a certificate");
		return -EINVAL;
	}
	if (!addresses && !info->attrs[CORDON_A_PORT]) {
		NL_SET_ERR_MSG(info->extack, "a check-in without an address needs its port");
		return -EINVAL;
	}
	c->mac = nla_data(tb[CORDON_A_DEVICE_MAC]);
	c->certificate = nla_data(tb[CORDON_A_DEVICE_CERTIFICATE]);
	c->addressed = addresses;
	ret = c->addressed ? cordon_read_address(tb[CORDON_A_DEVICE_ADDRESS], &c->addr,
						 info->extack) : 0;
	return ret ? ret : read_checkin_port(info, c);
}

/* The sentence has room for the longest address and the MAC; a long name is cut off. */
static void explain_address(const struct cordon_ruleset *rs, const struct checkin *c,
			    struct netlink_ext_ack *extack)
{
	__be64 v6[2] = { cpu_to_be64(c->addr.hi), cpu_to_be64(c->addr.lo) };
	u32 owner = cordon_policy_device_by_addr(rs->policy, &c->addr);
	__be32 v4 = cpu_to_be32((u32)c->addr.lo);
	const char *but = "", *name = "";
	char why[NETLINK_MAX_FMTMSG_LEN];

	if (owner != CORDON_NO_DEVICE) {
		but = ", but to ";
		name = rs->policy->draft.devices[owner].name;
	}
	if (cordon_addr_is_v4(&c->addr))
		scnprintf(why, sizeof(why), "address %pI4 is not bound to %pM%s%s", &v4, c->mac,
			  but, name);
	else
		scnprintf(why, sizeof(why), "%pI6c is not bound to %pM%s%s", v6, c->mac, but,
			  name);
	NL_SET_ERR_MSG_FMT(extack, "%s", why);
}

/* Where a device checks in must be a port where it may be; its lease is bound to that wire. */
static int check_checkin_port(const struct cordon_ruleset *rs, u32 device, struct checkin *c,
			      struct netlink_ext_ack *extack)
{
	const struct cordon_draft *d = &rs->policy->draft;
	const struct cordon_device_def *def = &d->devices[device];
	const struct cordon_interface *interface;
	const struct cordon_ports *ports;
	u16 port = CORDON_ANY_PORT;
	bool may_be = false;

	if (!c->ifindex)
		return 0;
	rcu_read_lock();
	ports = rcu_dereference(rs->ports);
	interface = cordon_ports_find(ports, c->ifindex);
	/*
	 * Its frame came in on one of the bridge's ports, and was the last one; by a link, no frame
	 * did.
	 */
	if (c->addressed && interface && interface->role == CORDON_ROLE_BRIDGE)
		interface = cordon_ports_find(ports, READ_ONCE(rs->devices[device]->seen));
	if (interface && interface->role == CORDON_ROLE_PORT) {
		port = interface->port;
		c->ifindex = interface->wire;
		may_be = cordon_ports_may_be(ports, def, port);
	}
	rcu_read_unlock();
	if (port == CORDON_ANY_PORT) {
		NL_SET_ERR_MSG_FMT(extack, "interface %u is no port of the policy",
				   (u32)c->ifindex);
		return -ENODEV;
	}
	c->port = d->ports[port].name;
	if (may_be && def->roam) {
		c->ifindex = 0;
		c->port = "";
	}
	if (may_be)
		return 0;
	if (def->n_also)
		NL_SET_ERR_MSG_FMT(extack, "%.20s may be on its %u ports only, not on %s",
				   def->name, cordon_device_ports(def), d->ports[port].name);
	else
		NL_SET_ERR_MSG_FMT(extack, "%.20s may be on %s only, not on %s", def->name,
				   d->ports[def->port].name, d->ports[port].name);
	return -EXDEV;
}

/* Would the packet path take what comes from there for this device's own? */
static int check_checkin(const struct cordon_ruleset *rs, struct checkin *c,
			 struct netlink_ext_ack *extack, u32 *device)
{
	int ret;

	*device = cordon_policy_device_by_mac(rs->policy, c->mac);
	if (*device == CORDON_NO_DEVICE) {
		NL_SET_ERR_MSG_FMT(extack, "no device %pM", c->mac);
		return -ENOENT;
	}
	if (c->addressed && !cordon_policy_device_has(rs->policy, *device, &c->addr)) {
		explain_address(rs, c, extack);
		return -EADDRNOTAVAIL;
	}
	ret = check_checkin_port(rs, *device, c, extack);
	if (ret)
		return ret;
	if (cordon_ruleset_end(rs, *device).state == CORDON_STATE_QUARANTINED) {
		NL_SET_ERR_MSG_FMT(extack, "%.50s is quarantined",
				   rs->policy->draft.devices[*device].name);
		return -EACCES;
	}
	return 0;
}

static int checkin(struct cordon_net *cn, struct genl_info *info, struct checkin *c)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	const struct cordon_draft *d;
	struct sk_buff *skb;
	u32 device, before;
	bool rebound;
	void *head;
	int ret;

	if (!rs) {
		NL_SET_ERR_MSG(info->extack, "no policy is in force");
		return -ENOENT;
	}
	ret = check_checkin(rs, c, info->extack, &device);
	if (ret)
		return ret;
	/* First what may fail: a lease that nobody hears of would be none of the asker's. */
	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	d = &rs->policy->draft;
	before = cordon_ruleset_end(rs, device).state;
	rebound = cordon_device_checkin(rs->devices[device],
					d->segments[d->devices[device].segment].lease,
					c->ifindex, c->port, c->certificate);
	if (rebound || before != cordon_ruleset_end(rs, device).state)
		cordon_netlink_device(cn, rs, device);
	return cordon_reply_send(skb, head, cordon_fill_device(skb, rs, device), info);
}

int cordon_nl_checkin_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	struct checkin c = { .port = "" };
	int ret;

	ret = read_checkin(info, &c);
	if (ret)
		return ret;
	mutex_lock(&cn->lock);
	ret = checkin(cn, info, &c);
	mutex_unlock(&cn->lock);
	return ret;
}
