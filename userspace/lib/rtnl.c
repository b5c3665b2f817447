// SPDX-License-Identifier: GPL-2.0
/* What is asked of rtnetlink here: dumps, and the VLANs of a bridge's members in them. */
#include <errno.h>
#include <linux/if_bridge.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtnl.h"

#define ANSWER_MAX	65536

/**
 * rtnl_dump - ask for a list
 * @request: a message, with NLM_F_DUMP
 * @size: its length
 * @take: notes what one answer says; returns 1, there may be more; 0, that was all; -errno
 * @arg: for @take
 *
 * Return: 0 or -errno.
 */
int rtnl_dump(const void *request, size_t size, int (*take)(void *arg, const void *message, size_t len), void *arg)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), ret = 1;
	static char answer[ANSWER_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len;

	if (fd < 0)
		return -errno;
	if (send(fd, request, size, 0) != (ssize_t)size)
		ret = -EIO;
	while (ret > 0) {
		len = recv(fd, answer, sizeof(answer), 0);
		ret = len > 0 ? take(arg, answer, len) : -EIO;
	}
	close(fd);
	return ret;
}

/**
 * rtnl_dump_links - ask for all interfaces
 * @family: AF_UNSPEC; or AF_BRIDGE, for members of bridges
 * @mask: RTEXT_FILTER_*
 * @take: as in rtnl_dump()
 * @arg: for @take
 *
 * Return: 0 or -errno.
 */
int rtnl_dump_links(u8 family, u32 mask, int (*take)(void *arg, const void *message, size_t len), void *arg)
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

	return rtnl_dump(&request, sizeof(request), take, arg);
}

static void put_vlan(u8 *vlans, u32 vlan)
{
	vlans[vlan / 8] |= 1 << vlan % 8;
}

/**
 * rtnl_vlans - the VLANs of a member of a bridge
 * @spec: its IFLA_AF_SPEC, of AF_BRIDGE, with RTEXT_FILTER_BRVLAN_COMPRESSED: a range is told by its first and its last
 * @pvid: gets the VLAN of untagged frames, if there is one
 * @in: gets a bit for each that it is in; RTNL_VLANS_LEN bytes
 * @untagged: gets a bit for each whose frames leave without a tag; or NULL
 */
void rtnl_vlans(const struct rtattr *spec, u16 *pvid, u8 *in, u8 *untagged)
{
	const struct rtattr *attr = RTA_DATA(spec);
	const struct bridge_vlan_info *info;
	int left = RTA_PAYLOAD(spec);
	u32 first = 0, vlan;

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type != IFLA_BRIDGE_VLAN_INFO || RTA_PAYLOAD(attr) < sizeof(*info))
			continue;
		info = RTA_DATA(attr);
		if (info->flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
			first = info->vid;
			continue;
		}
		vlan = info->flags & BRIDGE_VLAN_INFO_RANGE_END ? first : info->vid;
		for (; vlan <= info->vid && vlan <= CORDON_MAX_VLAN; vlan++) {
			put_vlan(in, vlan);
			if (untagged && info->flags & BRIDGE_VLAN_INFO_UNTAGGED)
				put_vlan(untagged, vlan);
			if (info->flags & BRIDGE_VLAN_INFO_PVID)
				*pvid = vlan;
		}
	}
}
