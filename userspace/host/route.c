// SPDX-License-Identifier: GPL-2.0
/* By which interface an address is reached: the kernel is asked, which knows every table and rule. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/route.h"

/** struct request - RTM_GETROUTE of one address */
struct request {
	struct nlmsghdr head;
	struct rtmsg route;
	char attributes[64];
};

static size_t put_bytes(const struct cordon_addr *a, u8 out[16])
{
	bool v4 = cordon_addr_is_v4(a);
	u8 all[16];
	int i;

	for (i = 0; i < 8; i++) {
		all[i] = a->hi >> (56 - 8 * i);
		all[8 + i] = a->lo >> (56 - 8 * i);
	}
	memcpy(out, v4 ? all + 12 : all, v4 ? 4 : 16);
	return v4 ? 4 : 16;
}

static void put_addr(struct request *r, int type, const struct cordon_addr *a)
{
	struct rtattr *at = (void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));
	u8 bytes[16];
	size_t n = put_bytes(a, bytes);

	at->rta_type = type;
	at->rta_len = RTA_LENGTH(n);
	memcpy(RTA_DATA(at), bytes, n);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + at->rta_len;
}

static bool read_answer(struct nlmsghdr *head, size_t len, char link[CORDON_IFNAME_LEN])
{
	struct rtattr *at;
	int left, index;

	if (len < sizeof(*head) || !NLMSG_OK(head, len) || head->nlmsg_type != RTM_NEWROUTE)
		return false;
	at = RTM_RTA(NLMSG_DATA(head));
	for (left = RTM_PAYLOAD(head); RTA_OK(at, left); at = RTA_NEXT(at, left))
		if (at->rta_type == RTA_OIF && RTA_PAYLOAD(at) == sizeof(index)) {
			memcpy(&index, RTA_DATA(at), sizeof(index));
			return if_indextoname(index, link);
		}
	return false;
}

static bool ask(const struct cordon_addr *to, const struct cordon_addr *from, char link[CORDON_IFNAME_LEN])
{
	bool v4 = cordon_addr_is_v4(to);
	struct request r = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.route)), .nlmsg_type = RTM_GETROUTE,
			  .nlmsg_flags = NLM_F_REQUEST },
		.route = { .rtm_family = v4 ? AF_INET : AF_INET6, .rtm_dst_len = v4 ? 32 : 128,
			   .rtm_src_len = from ? (v4 ? 32 : 128) : 0 },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	_Alignas(struct nlmsghdr) char answer[8192];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t len = -1;

	if (fd < 0)
		return false;
	put_addr(&r, RTA_DST, to);
	if (from)
		put_addr(&r, RTA_SRC, from);
	if (sendto(fd, &r, r.head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) > 0)
		len = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	return len > 0 && read_answer((void *)answer, len, link);
}

/**
 * host_route_ask - ask the kernel by which interface it would send
 * @to: address
 * @from: own address that it would send from; the kernel answers only if it is one
 * @link: the interface
 *
 * Return: false, there is no route.
 */
bool host_route_ask(const struct cordon_addr *to, const struct cordon_addr *from, char link[CORDON_IFNAME_LEN])
{
	bool same = cordon_addr_is_v4(to) == cordon_addr_is_v4(from);

	return (same && ask(to, from, link)) || ask(to, NULL, link);
}
