// SPDX-License-Identifier: GPL-2.0
/* In which VLANs members of bridges are, and where the bridges have learned who is: the kernel is asked. */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/facts.h"

#define ANSWER_MAX	65536

static struct host_link *link_of(struct host_facts *f, int index)
{
	u32 i;

	for (i = 0; index > 0 && i < f->n_links; i++)
		if (f->links[i].index == index)
			return &f->links[i];
	return NULL;
}

/* A range of VLANs is told by its first and its last. */
static void take_vlans(struct host_link *l, const struct rtattr *spec)
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
		for (; vlan <= info->vid && vlan <= CORDON_MAX_VLAN; vlan++)
			l->in_vlan[vlan / 8] |= 1 << vlan % 8;
		if (info->flags & BRIDGE_VLAN_INFO_PVID && info->vid <= CORDON_MAX_VLAN)
			l->pvid = info->vid;
	}
}

static void take_member(struct host_facts *f, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	const struct rtattr *attr = IFLA_RTA(info);
	struct host_link *l = link_of(f, info->ifi_index);
	int left = IFLA_PAYLOAD(h);

	for (; l && RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == IFLA_AF_SPEC)
			take_vlans(l, attr);
}

/* What the bridge has learned of a MAC; its own, and what a network card keeps for itself, is left out. */
static int take_entry(struct host_facts *f, const struct nlmsghdr *h)
{
	const struct ndmsg *entry = NLMSG_DATA(h);
	const struct rtattr *attr = (const void *)((const char *)entry + NLMSG_ALIGN(sizeof(*entry)));
	const struct host_link *l = link_of(f, entry->ndm_ifindex);
	struct host_seen seen = { .vlan = 0 };
	bool has_mac = false, bridge = false;
	int left = NLMSG_PAYLOAD(h, sizeof(*entry));

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		bridge |= attr->rta_type == NDA_MASTER;
		if (attr->rta_type == NDA_LLADDR && RTA_PAYLOAD(attr) == 6) {
			memcpy(seen.mac, RTA_DATA(attr), 6);
			has_mac = true;
		}
		if (attr->rta_type == NDA_VLAN && RTA_PAYLOAD(attr) >= sizeof(seen.vlan))
			memcpy(&seen.vlan, RTA_DATA(attr), sizeof(seen.vlan));
	}
	if (!l || !l->master[0] || !bridge || !has_mac || entry->ndm_state & NUD_PERMANENT)
		return 0;
	if (f->n_seen == HOST_SEEN_MAX)
		return -E2BIG;
	seen.link = l - f->links;
	f->seen[f->n_seen++] = seen;
	return 0;
}

/**
 * host_bridges_take - note what one answer of the kernel says
 * @f: the facts, with their links
 * @message: the answer, of RTM_NEWLINK or RTM_NEWNEIGH
 * @len: its length
 *
 * Return: 1, there may be more; 0, that was all; -errno.
 */
int host_bridges_take(struct host_facts *f, const void *message, size_t len)
{
	const struct nlmsghdr *h = message;
	int left = len, err = 0;

	if (!f->seen)
		f->seen = calloc(HOST_SEEN_MAX, sizeof(*f->seen));
	if (!f->seen)
		return -ENOMEM;
	for (; !err && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == RTM_NEWLINK && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
			take_member(f, h);
		else if (h->nlmsg_type == RTM_NEWNEIGH && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ndmsg)))
			err = take_entry(f, h);
		else
			return h->nlmsg_type == NLMSG_DONE ? 0 : -EPROTO;
	}
	return err ? err : 1;
}

static int ask(struct host_facts *f, const void *request, size_t size)
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
		ret = len > 0 ? host_bridges_take(f, answer, len) : -EIO;
	}
	close(fd);
	return ret;
}

/**
 * host_bridges_read - ask the kernel for members' VLANs, and for where bridges have learned MACs
 * @f: the facts, with their links, of this machine
 *
 * Where it cannot be asked, or there is too much of it, nothing is known.
 */
void host_bridges_read(struct host_facts *f)
{
	const struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
		struct rtattr attr;
		u32 mask;
	} members = {
		{ sizeof(members), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { .ifi_family = AF_BRIDGE },
		{ RTA_LENGTH(sizeof(u32)), IFLA_EXT_MASK }, RTEXT_FILTER_BRVLAN_COMPRESSED,
	};
	const struct {
		struct nlmsghdr h;
		struct ndmsg entry;
	} entries = {
		{ sizeof(entries), RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { .ndm_family = AF_BRIDGE },
	};

	f->asked = !ask(f, &members, sizeof(members)) && !ask(f, &entries, sizeof(entries));
	if (!f->asked)
		f->n_seen = 0;
}
