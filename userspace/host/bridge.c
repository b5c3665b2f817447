// SPDX-License-Identifier: GPL-2.0
/* In which VLANs members of bridges are, and where the bridges have learned who is: the kernel is asked. */
#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/facts.h"

static struct host_link *link_of(struct host_facts *f, int index)
{
	u32 i;

	for (i = 0; index > 0 && i < f->n_links; i++)
		if (f->links[i].index == index)
			return &f->links[i];
	return NULL;
}

static void take_member(struct host_facts *f, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	const struct rtattr *attr = IFLA_RTA(info);
	struct host_link *l = link_of(f, info->ifi_index);
	int left = IFLA_PAYLOAD(h);

	for (; l && RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == IFLA_AF_SPEC)
			rtnl_vlans(attr, &l->pvid, l->in_vlan, NULL);
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

static int take(void *arg, const void *message, size_t len)
{
	return host_bridges_take(arg, message, len);
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
		struct ndmsg entry;
	} entries = {
		{ sizeof(entries), RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { .ndm_family = AF_BRIDGE },
	};

	f->asked = !rtnl_dump_links(AF_BRIDGE, RTEXT_FILTER_BRVLAN_COMPRESSED, take, f) &&
		   !rtnl_dump(&entries, sizeof(entries), take, f);
	if (!f->asked)
		f->n_seen = 0;
}
