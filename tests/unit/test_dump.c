// SPDX-License-Identifier: GPL-2.0
/* What explain makes of rtnetlink's answers: VLANs, bridges that filter them, and their members. */
#include <arpa/inet.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/explain_in.h"
#include "tap.h"

#define LOOPBACK	1	/* the index of lo, which is in each namespace */

static struct explain gateway;

static union {
	struct nlmsghdr head;
	char bytes[1024];
} message;

static struct rtattr *add(int type, const void *data, size_t size)
{
	struct rtattr *attr = (void *)(message.bytes + NLMSG_ALIGN(message.head.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attr), data, size);
	message.head.nlmsg_len = NLMSG_ALIGN(message.head.nlmsg_len) + RTA_ALIGN(attr->rta_len);
	return attr;
}

static void close_nest(struct rtattr *nest)
{
	nest->rta_len = message.bytes + message.head.nlmsg_len - (char *)nest;
}

static void begin(u8 family, const char *name)
{
	struct ifinfomsg info = { .ifi_family = family };

	memset(&message, 0, sizeof(message));
	message.head = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(sizeof(info)), .nlmsg_type = RTM_NEWLINK };
	memcpy(NLMSG_DATA(&message.head), &info, sizeof(info));
	add(IFLA_IFNAME, name, strlen(name) + 1);
}

/* An interface, as the gateway has it then. */
static const struct explain_link *take(const char *name)
{
	if (!explain_dump_take(&gateway, &message, message.head.nlmsg_len))
		abort();
	return explain_find_link(&gateway, name);
}

static const struct explain_link *vlan(const char *name, u16 id, u16 protocol, u32 below, bool elsewhere)
{
	const u16 proto = htons(protocol);
	struct rtattr *info, *data;

	begin(AF_UNSPEC, name);
	add(IFLA_LINK, &below, sizeof(below));
	if (elsewhere)
		add(IFLA_LINK_NETNSID, &below, sizeof(below));
	info = add(IFLA_LINKINFO, NULL, 0);
	add(IFLA_INFO_KIND, "vlan", 5);
	data = add(IFLA_INFO_DATA, NULL, 0);
	add(IFLA_VLAN_PROTOCOL, &proto, sizeof(proto));
	add(IFLA_VLAN_ID, &id, sizeof(id));
	close_nest(data);
	close_nest(info);
	return take(name);
}

static const struct explain_link *bridge(const char *name, u8 filters, u16 protocol)
{
	const u16 proto = htons(protocol);
	struct rtattr *info, *data;

	begin(AF_UNSPEC, name);
	info = add(IFLA_LINKINFO, NULL, 0);
	add(IFLA_INFO_KIND, "bridge", 7);
	data = add(IFLA_INFO_DATA, NULL, 0);
	add(IFLA_BR_VLAN_FILTERING, &filters, sizeof(filters));
	add(IFLA_BR_VLAN_PROTOCOL, &proto, sizeof(proto));
	close_nest(data);
	close_nest(info);
	return take(name);
}

static bool has(const u8 *vlans, u16 id)
{
	return vlans[id / 8] & 1 << id % 8;
}

static void test_member(void)
{
	static const struct bridge_vlan_info infos[] = {
		{ BRIDGE_VLAN_INFO_PVID, 7 }, { BRIDGE_VLAN_INFO_UNTAGGED, 9 },
		{ BRIDGE_VLAN_INFO_RANGE_BEGIN, 100 }, { BRIDGE_VLAN_INFO_RANGE_END, 103 }, { 0, 4094 }, { 0, 4095 },
	};
	const struct explain_link *link;
	struct rtattr *spec;
	size_t i;

	begin(AF_BRIDGE, "xlan0");
	spec = add(IFLA_AF_SPEC, NULL, 0);
	for (i = 0; i < sizeof(infos) / sizeof(*infos); i++)
		add(IFLA_BRIDGE_VLAN_INFO, &infos[i], sizeof(infos[i]));
	close_nest(spec);
	link = take("xlan0");
	ok(link->pvid == 7 && has(link->in_vlan, 7) && !has(link->untagged, 7), "a PVID, tagged where it leaves");
	ok(has(link->in_vlan, 9) && has(link->untagged, 9), "untagged, and no PVID");
	ok(has(link->in_vlan, 100) && has(link->in_vlan, 101) && has(link->in_vlan, 103) && !has(link->in_vlan, 99) &&
	   !has(link->in_vlan, 104), "a range");
	ok(has(link->in_vlan, 4094), "the last one");
	begin(AF_BRIDGE, "xlan1");
	ok(!take("xlan1")->pvid, "a member in none");
}

int main(void)
{
	static const char *const names[] = { "xbr0", "xbr0.20", "xlan0", "xlan1" };
	const struct explain_link *link;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (explain_add_link(&gateway, names[i]))
			abort();
	link = vlan("xbr0.20", 20, ETH_P_8021Q, LOOPBACK, false);
	ok(link->vlan == 20 && !strcmp(link->below, "lo"), "a VLAN of 802.1Q");
	link = vlan("xbr0.20", 20, ETH_P_8021AD, LOOPBACK, false);
	ok(!link->vlan && !strcmp(link->below, "lo"), "one of 802.1ad is none, but lies there");
	vlan("xbr0.20", 20, ETH_P_8021Q, LOOPBACK, false);
	link = vlan("xbr0.20", 20, ETH_P_8021Q, LOOPBACK, true);
	ok(!link->vlan && !link->below[0], "nor one that lies on something in another namespace");
	link = bridge("xbr0", 1, ETH_P_8021Q);
	ok(link->filters && !link->provider, "a bridge that filters VLANs");
	ok(bridge("xbr0", 1, ETH_P_8021AD)->provider, "one of a provider");
	ok(!bridge("xbr0", 0, ETH_P_8021Q)->filters, "one that does not filter");
	test_member();
	ok(explain_dump_take(&gateway, &message, 0), "an empty answer");
	message.head.nlmsg_type = NLMSG_DONE;
	ok(!explain_dump_take(&gateway, &message, message.head.nlmsg_len), "the last one");
	message.head.nlmsg_type = RTM_NEWLINK;
	message.head.nlmsg_len = NLMSG_LENGTH(4);
	ok(!explain_dump_take(&gateway, &message, message.head.nlmsg_len), "one that is too short");
	explain_free(&gateway);
	return tap_done();
}
