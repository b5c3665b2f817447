// SPDX-License-Identifier: GPL-2.0
/* What the kernel says of XDP, tc and flow tables, message by message; for its own, see tests/scenarios/lockout.sh. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "host/bypass.h"

#include "tap.h"

static struct host_bypass heard[4];
static unsigned int n;

static void on_each(const struct host_bypass *b, void *arg)
{
	(void)arg;
	if (n < 4)
		heard[n] = *b;
	n++;
}

static const struct host_listener listener = { on_each, NULL };

static struct nl_msg *message(int type, const void *head, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !nlmsg_put(msg, 0, 0, type, 0, 0) || nlmsg_append(msg, (void *)head, len, NLMSG_ALIGNTO))
		abort();
	n = 0;
	return msg;
}

/* A copy of exactly its length, so that whoever reads past its end is caught. */
static struct nlmsghdr *bytes(struct nl_msg *msg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg), *copy = malloc(h->nlmsg_len);

	if (!copy)
		abort();
	memcpy(copy, h, h->nlmsg_len);
	nlmsg_free(msg);
	return copy;
}

static void xdp(u8 attached)
{
	struct ifinfomsg head = { .ifi_index = 7 };
	struct nl_msg *msg = message(RTM_NEWLINK, &head, sizeof(head));
	struct nlattr *nest;
	struct nlmsghdr *h;

	nla_put_string(msg, IFLA_IFNAME, "lan0");
	nest = nla_nest_start(msg, IFLA_XDP);
	nla_put_u8(msg, IFLA_XDP_ATTACHED, attached);
	nla_nest_end(msg, nest);
	h = bytes(msg);
	host_xdp_read(h, &listener);
	free(h);
}

static void test_xdp(void)
{
	struct ifinfomsg head = { .ifi_index = 7 };
	struct nl_msg *msg;
	struct nlmsghdr *h;

	xdp(XDP_ATTACHED_NONE);
	ok(!n, "no XDP program");
	xdp(XDP_ATTACHED_DRV);
	ok(n == 1 && heard[0].kind == HOST_XDP_NATIVE && heard[0].ifindex == 7 && !strcmp(heard[0].link, "lan0"),
	   "a native one");
	xdp(XDP_ATTACHED_SKB);
	ok(n == 1 && heard[0].kind == HOST_XDP_GENERIC, "a generic one");
	xdp(XDP_ATTACHED_HW);
	ok(n == 1 && heard[0].kind == HOST_XDP_HARDWARE, "one in hardware");
	xdp(XDP_ATTACHED_MULTI);
	ok(n == 1 && heard[0].kind == HOST_XDP_NATIVE, "several");
	msg = message(RTM_NEWLINK, &head, sizeof(head));
	nla_put(msg, IFLA_XDP, 3, "abc");
	h = bytes(msg);
	host_xdp_read(h, &listener);
	ok(!n, "a nest that is none");
	h->nlmsg_len = NLMSG_HDRLEN + 4;
	host_xdp_read(h, &listener);
	ok(!n, "a message that ends too soon");
	free(h);
}

/* @action: NULL, none */
static void tc(const char *kind, int attr, const char *action, int eaction)
{
	struct tcmsg head = { .tcm_ifindex = 7 };
	struct nl_msg *msg = message(RTM_NEWTFILTER, &head, sizeof(head));
	struct nlattr *options, *actions, *one, *inner;
	struct tc_mirred parms = { .eaction = eaction };
	struct nlmsghdr *h;

	nla_put_string(msg, TCA_KIND, kind);
	options = nla_nest_start(msg, TCA_OPTIONS);
	if (!strcmp(kind, "bpf"))
		nla_put_u32(msg, TCA_BPF_ID, 4);
	if (action) {
		actions = nla_nest_start(msg, attr);
		one = nla_nest_start(msg, 1);
		nla_put_string(msg, TCA_ACT_KIND, action);
		inner = nla_nest_start(msg, TCA_ACT_OPTIONS);
		nla_put(msg, TCA_MIRRED_PARMS, sizeof(parms), &parms);
		nla_nest_end(msg, inner);
		nla_nest_end(msg, one);
		nla_nest_end(msg, actions);
	}
	nla_nest_end(msg, options);
	h = bytes(msg);
	host_tc_read(h, 7, &listener);
	free(h);
}

static void test_tc(void)
{
	tc("flower", 0, NULL, 0);
	ok(!n, "a filter without an action");
	tc("flower", TCA_FLOWER_ACT, "gact", 0);
	ok(!n, "one with another action");
	tc("flower", TCA_FLOWER_ACT, "mirred", TCA_EGRESS_MIRROR);
	ok(!n, "one that mirrors");
	tc("flower", TCA_FLOWER_ACT, "mirred", TCA_EGRESS_REDIR);
	ok(n == 1 && heard[0].kind == HOST_TC_REDIRECT && heard[0].ifindex == 7 && !strcmp(heard[0].name, "flower"),
	   "one that redirects");
	tc("u32", TCA_U32_ACT, "mirred", TCA_INGRESS_REDIR);
	ok(n == 1, "of another kind, to an ingress");
	tc("matchall", TCA_MATCHALL_ACT, "mirred", TCA_EGRESS_REDIR);
	ok(n == 1, "of everything");
	tc("bpf", 0, NULL, 0);
	ok(n == 1 && heard[0].kind == HOST_TC_BPF, "a program");
	tc("unheard-of", 1, "mirred", TCA_EGRESS_REDIR);
	ok(!n, "one that nobody knows");
}

static void test_flow_tables(void)
{
	struct nfgenmsg head = { .nfgen_family = NFPROTO_INET };
	struct nl_msg *msg = message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE, &head, sizeof(head));
	struct nlattr *hook, *devs;
	struct nlmsghdr *h;

	nla_put_string(msg, NFTA_FLOWTABLE_TABLE, "fast");
	nla_put_string(msg, NFTA_FLOWTABLE_NAME, "f");
	nla_put_u32(msg, NFTA_FLOWTABLE_FLAGS, htonl(NFT_FLOWTABLE_HW_OFFLOAD));
	hook = nla_nest_start(msg, NFTA_FLOWTABLE_HOOK);
	devs = nla_nest_start(msg, NFTA_FLOWTABLE_HOOK_DEVS);
	nla_put_string(msg, NFTA_DEVICE_NAME, "lan0");
	nla_put_string(msg, NFTA_DEVICE_NAME, "wan0");
	nla_nest_end(msg, devs);
	nla_nest_end(msg, hook);
	h = bytes(msg);
	host_flow_table_read(h, &listener);
	ok(n == 2 && heard[0].kind == HOST_FLOW_TABLE && !strcmp(heard[0].link, "lan0") && !strcmp(heard[1].link, "wan0"),
	   "the interfaces of a flow table");
	ok(!strcmp(heard[0].table, "inet fast") && !strcmp(heard[0].name, "f") && heard[0].hardware, "with its names");
	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE;
	n = 0;
	host_flow_table_read(h, &listener);
	ok(!n, "a message about something else");
	free(h);
}

/* Of lo, which is everywhere, and of which loopback is part. */
static void test_features(void)
{
	ok(host_feature("lo", "loopback") == 1, "a feature that is on");
	ok(host_feature("lo", "rx-gro-list") == 0, "one that is off");
	ok(host_feature("lo", "no-such-feature") == -ENOENT, "one that nobody knows");
	ok(host_feature("no-such-link", "loopback") == -ENODEV, "an interface that is not there");
}

int main(void)
{
	test_features();
	test_xdp();
	test_tc();
	test_flow_tables();
	return tap_done();
}
