// SPDX-License-Identifier: GPL-2.0
/* VLANs of interfaces, bridges and their members, as rtnetlink tells them. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "explain_in.h"
#include "rtnl.h"

static u16 get_u16(const struct rtattr *attr)
{
	u16 value = 0;

	if (RTA_PAYLOAD(attr) >= sizeof(value))
		memcpy(&value, RTA_DATA(attr), sizeof(value));
	return value;
}

static u32 get_u32(const struct rtattr *attr)
{
	u32 value = 0;

	if (RTA_PAYLOAD(attr) >= sizeof(value))
		memcpy(&value, RTA_DATA(attr), sizeof(value));
	return value;
}

/* One of 802.1ad is no VLAN of a bridge that it lies on, as in kernel/stack.c. */
static void take_vlan(struct explain_link *link, const struct rtattr *data)
{
	const struct rtattr *attr = RTA_DATA(data);
	u16 protocol = 0, vlan = 0;
	int left = RTA_PAYLOAD(data);

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == IFLA_VLAN_ID)
			vlan = get_u16(attr);
		if (attr->rta_type == IFLA_VLAN_PROTOCOL)
			protocol = ntohs(get_u16(attr));
	}
	link->vlan = protocol == ETH_P_8021Q ? vlan : 0;
}

static void take_bridge(struct explain_link *link, const struct rtattr *data)
{
	const struct rtattr *attr = RTA_DATA(data);
	int left = RTA_PAYLOAD(data);

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == IFLA_BR_VLAN_FILTERING)
			link->filters = RTA_PAYLOAD(attr) && *(const u8 *)RTA_DATA(attr);
		if (attr->rta_type == IFLA_BR_VLAN_PROTOCOL)
			link->provider = ntohs(get_u16(attr)) != ETH_P_8021Q;
	}
}

/* What only its kind of interface has. Return: it is a VLAN, of whichever protocol. */
static bool take_kind(struct explain_link *link, const struct rtattr *info)
{
	const struct rtattr *attr = RTA_DATA(info);
	int left = RTA_PAYLOAD(info);
	const char *kind = "";

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == IFLA_INFO_KIND && memchr(RTA_DATA(attr), 0, RTA_PAYLOAD(attr)))
			kind = RTA_DATA(attr);
		if (attr->rta_type == IFLA_INFO_DATA && !strcmp(kind, "vlan"))
			take_vlan(link, attr);
		if (attr->rta_type == IFLA_INFO_DATA && !strcmp(kind, "bridge"))
			take_bridge(link, attr);
	}
	return !strcmp(kind, "vlan");
}

/* One interface: as it is, or, of AF_BRIDGE, as it is in its bridge. */
static void take_link(struct explain *e, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	const struct rtattr *attr = IFLA_RTA(info), *kind = NULL, *spec = NULL;
	bool elsewhere = false, bridge = info->ifi_family == AF_BRIDGE;
	int left = IFLA_PAYLOAD(h);
	struct explain_link *link = NULL;
	u32 below = 0;

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == IFLA_IFNAME && memchr(RTA_DATA(attr), 0, RTA_PAYLOAD(attr)))
			link = (struct explain_link *)explain_find_link(e, RTA_DATA(attr));
		if (attr->rta_type == IFLA_LINK)
			below = get_u32(attr);
		elsewhere |= attr->rta_type == IFLA_LINK_NETNSID;
		if (attr->rta_type == IFLA_LINKINFO)
			kind = attr;
		if (attr->rta_type == IFLA_AF_SPEC)
			spec = attr;
	}
	if (link && bridge && spec)
		rtnl_vlans(spec, &link->pvid, link->in_vlan, link->untagged);
	if (!link || bridge || !kind || !take_kind(link, kind))
		return;
	if (!elsewhere && if_indextoname(below, link->below))
		return;
	/* What it lies on is not here, and so is no bridge of this policy's ports. */
	link->vlan = 0;
	link->below[0] = '\0';
}

/**
 * explain_dump_take - note what one answer of the kernel says
 * @e: the gateway; its interfaces are set
 * @message: the answer, of RTM_NEWLINK
 * @len: its length
 *
 * Return: there may be more.
 */
bool explain_dump_take(struct explain *e, const void *message, int len)
{
	const struct nlmsghdr *h = message;

	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
			return false;
		take_link(e, h);
	}
	return true;
}

static int take(void *arg, const void *message, size_t len)
{
	return explain_dump_take(arg, message, len);
}

/**
 * explain_dump - note which interfaces are VLANs, which bridges filter VLANs, and in which VLANs their members are
 * @e: the gateway; its interfaces are set
 *
 * Where no bridge filters VLANs, those of members do not matter.
 */
void explain_dump(struct explain *e)
{
	rtnl_dump_links(AF_UNSPEC, RTEXT_FILTER_SKIP_STATS, take, e);
	rtnl_dump_links(AF_BRIDGE, RTEXT_FILTER_BRVLAN_COMPRESSED, take, e);
}
