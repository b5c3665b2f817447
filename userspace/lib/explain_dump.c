// SPDX-License-Identifier: GPL-2.0
/* VLANs of interfaces, bridges and their members, as rtnetlink tells them. */
#include <arpa/inet.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "explain_in.h"

#define ANSWER_MAX	65536

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

static void put_in_vlans(struct explain_link *link, u32 from, const struct bridge_vlan_info *to)
{
	u32 vlan;

	for (vlan = from; vlan <= to->vid && vlan <= CORDON_MAX_VLAN; vlan++) {
		link->in_vlan[vlan / 8] |= 1 << vlan % 8;
		if (to->flags & BRIDGE_VLAN_INFO_UNTAGGED)
			link->untagged[vlan / 8] |= 1 << vlan % 8;
		if (to->flags & BRIDGE_VLAN_INFO_PVID)
			link->pvid = vlan;
	}
}

/* A range of VLANs is told by its first and its last. */
static void take_member_vlans(struct explain_link *link, const struct rtattr *spec)
{
	const struct rtattr *attr = RTA_DATA(spec);
	const struct bridge_vlan_info *vlan;
	int left = RTA_PAYLOAD(spec);
	u32 first = 0;

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type != IFLA_BRIDGE_VLAN_INFO || RTA_PAYLOAD(attr) < sizeof(*vlan))
			continue;
		vlan = RTA_DATA(attr);
		if (vlan->flags & BRIDGE_VLAN_INFO_RANGE_BEGIN)
			first = vlan->vid;
		else
			put_in_vlans(link, vlan->flags & BRIDGE_VLAN_INFO_RANGE_END ? first : vlan->vid, vlan);
	}
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
		take_member_vlans(link, spec);
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

static void dump(struct explain *e, u8 family, u32 mask)
{
	const struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
		struct rtattr attr;
		u32 mask;
	} request = {
		{ sizeof(request), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { .ifi_family = family },
		{ RTA_LENGTH(sizeof(u32)), IFLA_EXT_MASK }, mask,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	static char answer[ANSWER_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len = -1;

	if (fd >= 0 && send(fd, &request, sizeof(request), 0) == sizeof(request))
		do
			len = recv(fd, answer, sizeof(answer), 0);
		while (len > 0 && explain_dump_take(e, answer, len));
	if (fd >= 0)
		close(fd);
}

/**
 * explain_dump - note which interfaces are VLANs, which bridges filter VLANs, and in which VLANs their members are
 * @e: the gateway; its interfaces are set
 *
 * Where no bridge filters VLANs, those of members do not matter.
 */
void explain_dump(struct explain *e)
{
	dump(e, AF_UNSPEC, RTEXT_FILTER_SKIP_STATS);
	dump(e, AF_BRIDGE, RTEXT_FILTER_BRVLAN_COMPRESSED);
}
