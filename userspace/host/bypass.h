/* SPDX-License-Identifier: GPL-2.0 */
/* What takes packets past netfilter's hooks, as the kernel tells: XDP, tc, flow tables; and tables of nftables. */
#ifndef CORDON_HOST_BYPASS_H
#define CORDON_HOST_BYPASS_H

#include <netlink/msg.h>

#include "lib/policy.h"

#define HOST_TABLE_NAME_LEN 64	/* of names of nftables that are kept; longer ones are cut */

/** enum host_bypass_kind - what it is */
enum host_bypass_kind {
	HOST_XDP_NATIVE,
	HOST_XDP_GENERIC,
	HOST_XDP_HARDWARE,
	HOST_TC_REDIRECT,
	HOST_TC_BPF,
	HOST_FLOW_TABLE,
};

/**
 * struct host_bypass - one thing on one interface
 * @kind: what it is
 * @ifindex: of the interface; 0, it is known by its name
 * @link: its name; or empty
 * @table: family and table of a flow table, "inet fast"; or empty
 * @name: of the flow table, or the tc classifier
 * @hardware: the flow table is the interface's own, too
 */
struct host_bypass {
	enum host_bypass_kind kind;
	u32 ifindex;
	char link[CORDON_IFNAME_LEN];
	char table[HOST_TABLE_NAME_LEN + 8];
	char name[HOST_TABLE_NAME_LEN];
	bool hardware;
};

/**
 * struct host_listener - who is told
 * @each: of each
 * @arg: for @each
 */
struct host_listener {
	void (*each)(const struct host_bypass *b, void *arg);
	void *arg;
};

int host_xdp_each(const struct host_listener *l);
int host_tc_each(u32 ifindex, const struct host_listener *l);
int host_flow_table_each(const struct host_listener *l);
int host_nft_has_table(const char *name);
int host_feature(const char *link, const char *feature);

/* What is done with one message of the kernel's; for tests. Messages that are not as expected are passed over. */
void host_xdp_read(struct nlmsghdr *h, const struct host_listener *l);
void host_tc_read(struct nlmsghdr *h, u32 ifindex, const struct host_listener *l);
void host_flow_table_read(struct nlmsghdr *h, const struct host_listener *l);

#endif
