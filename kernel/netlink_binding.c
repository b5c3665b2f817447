// SPDX-License-Identifier: GPL-2.0
/* Requests that make and end bindings of devices that learn theirs. */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "bind.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "ruleset.h"

#define BINDING_INPUT	(BIT(CORDON_A_BINDING_ADDRESS) | BIT(CORDON_A_BINDING_MAC) |	\
			 BIT(CORDON_A_BINDING_NAME) | BIT(CORDON_A_BINDING_ORIGIN) |	\
			 BIT(CORDON_A_BINDING_LEASE))

/* The device is named by its MAC, or else by its name. */
static int find_device(const struct cordon_ruleset *rs, struct nlattr **tb,
		       struct netlink_ext_ack *extack, u32 *device)
{
	struct nlattr *by[CORDON_A_DEVICE_LEARN + 1] = {
		[CORDON_A_DEVICE_MAC] = tb[CORDON_A_BINDING_MAC],
		[CORDON_A_DEVICE_NAME] = tb[CORDON_A_BINDING_NAME],
	};

	if (rs)
		return cordon_request_device(rs, by, extack, device);
	NL_SET_ERR_MSG(extack, "no policy is in force");
	return -ENOENT;
}

/* Return: where the address is; CORDON_NO_DEVICE, the device has it not. */
static u32 place_of(const struct cordon_ruleset *rs, const struct cordon_told *told)
{
	const struct cordon_policy *p = rs->policy;
	const struct cordon_device_def *def;
	u32 i;

	def = &p->draft.devices[cordon_policy_device_by_mac(p, told->mac)];
	for (i = def->first; i < def->first + def->n; i++)
		if (cordon_addr_equal(&p->draft.addresses[i], &told->addr))
			return i;
	return CORDON_NO_DEVICE;
}

static int binding_set(struct cordon_net *cn, struct genl_info *info, struct nlattr **tb)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_told told = { .over = true };
	u32 device, place;
	int ret;

	ret = find_device(rs, tb, info->extack, &device);
	if (!ret)
		ret = cordon_read_binding(info->attrs[CORDON_A_BINDING], tb, &told, info->extack);
	if (ret)
		return ret;
	ether_addr_copy(told.mac, rs->policy->draft.devices[device].mac);
	ret = cordon_bind(cn, &told, info->extack);
	if (ret)
		return ret;
	rs = cordon_net_ruleset(cn);
	place = place_of(rs, &told);
	if (place == CORDON_NO_DEVICE) {
		NL_SET_ERR_MSG(info->extack, "there is no room for the address now");
		return -EAGAIN;
	}
	return cordon_reply_object(info, rs, cordon_fill_binding, place);
}

static int request(struct genl_info *info,
		   int (*handle)(struct cordon_net *cn, struct genl_info *info,
				 struct nlattr **tb))
{
	struct nlattr *tb[CORDON_A_BINDING_LEASE + 1];
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	ret = cordon_request_nest(info, CORDON_A_BINDING, tb, CORDON_A_BINDING_LEASE,
				  cordon_binding_input_nl_policy, BINDING_INPUT);
	if (ret)
		return ret;
	mutex_lock(&cn->lock);
	ret = handle(cn, info, tb);
	mutex_unlock(&cn->lock);
	return ret;
}

int cordon_nl_binding_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	return request(info, binding_set);
}

static int binding_del(struct cordon_net *cn, struct genl_info *info, struct nlattr **tb)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_addr addr;
	u32 owner;
	int ret;

	if (!rs) {
		NL_SET_ERR_MSG(info->extack, "no policy is in force");
		return -ENOENT;
	}
	if (!tb[CORDON_A_BINDING_ADDRESS]) {
		NL_SET_ERR_MSG(info->extack, "a binding is named by its address");
		return -EINVAL;
	}
	ret = cordon_read_address(tb[CORDON_A_BINDING_ADDRESS], &addr, info->extack);
	if (ret)
		return ret;
	owner = cordon_policy_device_by_addr(rs->policy, &addr);
	ret = owner == CORDON_NO_DEVICE ? -ENOENT :
	      cordon_unbind(cn, rs->policy->draft.devices[owner].mac, &addr);
	if (ret == -ENOENT)
		NL_SET_ERR_MSG(info->extack, "no device has learned this address");
	return ret;
}

int cordon_nl_binding_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	return request(info, binding_del);
}
