// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink attributes as an address, a port, a device, a binding: of what is staged, and of what
 * changes alone.
 */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "bind.h"
#include "change.h"
#include "netlink.h"
#include "netlink_gen.h"

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
	return cordon_refuse(extack, attr, -EINVAL);
}

/**
 * cordon_read_port - a port out of its attribute
 * @d: in which it is looked up
 * @attr: its name
 * @port: its place, or CORDON_ANY_PORT if the name is empty
 * @extack: gets a sentence
 *
 * Return: 0 or -ENOENT.
 */
int cordon_read_port(const struct cordon_draft *d, const struct nlattr *attr, u16 *port,
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
	return cordon_refuse(extack, attr, -ENOENT);
}

/* One port, or none; the list replaces the present one. */
static int add_port(const struct cordon_draft *d, const struct nlattr *attr,
		    struct cordon_device_def *def, struct netlink_ext_ack *extack)
{
	u16 port;
	int ret;

	if (cordon_device_ports(def) == CORDON_MAX_DEVICE_PORTS) {
		NL_SET_ERR_MSG_FMT(extack, "more than %d ports", CORDON_MAX_DEVICE_PORTS);
		return cordon_refuse(extack, attr, -E2BIG);
	}
	ret = cordon_read_port(d, attr, &port, extack);
	if (ret)
		return ret;
	if (port == CORDON_ANY_PORT) {
		NL_SET_ERR_MSG(extack, "a port without a name among others");
		return cordon_refuse(extack, attr, -EINVAL);
	}
	if (cordon_device_ports(def) && cordon_device_may_be_at(def, port)) {
		NL_SET_ERR_MSG_FMT(extack, "port %s a second time", d->ports[port].name);
		return cordon_refuse(extack, attr, -EINVAL);
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
			return cordon_refuse(extack, attr, -E2BIG);
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
	def->authentication = cordon_get_u32(tb[CORDON_A_DEVICE_AUTHENTICATION],
					     def->authentication);
	def->encryption = cordon_get_u32(tb[CORDON_A_DEVICE_ENCRYPTION], def->encryption);
	def->firmware = cordon_get_u32(tb[CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE], def->firmware);
	def->roam = cordon_get_u32(tb[CORDON_A_DEVICE_ROAM], def->roam);
	def->vlan = cordon_get_u32(tb[CORDON_A_DEVICE_VLAN], def->vlan);
	if (tb[CORDON_A_DEVICE_PORT])
		ret = read_ports(d, nest, def, extack);
	if (!ret && tb[CORDON_A_DEVICE_ADDRESS])
		ret = read_addresses(nest, change, extack);
	if (!ret && tb[CORDON_A_DEVICE_LEARN])
		read_learn(def, nla_get_u32(tb[CORDON_A_DEVICE_LEARN]));
	return ret;
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
		return cordon_lacks(nest, CORDON_A_BINDING_ADDRESS, "a binding's address", extack);
	told->origin = cordon_get_u32(tb[CORDON_A_BINDING_ORIGIN], CORDON_ORIGIN_DHCP);
	told->seconds = cordon_get_u32(tb[CORDON_A_BINDING_LEASE], 0);
	if (told->origin == CORDON_ORIGIN_POLICY) {
		NL_SET_ERR_MSG(extack, "what the policy binds is an address of its device");
		return cordon_refuse(extack, tb[CORDON_A_BINDING_ORIGIN], -EINVAL);
	}
	return cordon_read_address(tb[CORDON_A_BINDING_ADDRESS], &told->addr, extack);
}
