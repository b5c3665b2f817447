/* SPDX-License-Identifier: GPL-2.0 */
/* How much a namespace may have. */
#ifndef _CORDON_CAPS_H
#define _CORDON_CAPS_H

#include <linux/types.h>

struct net;
struct netlink_ext_ack;

/**
 * struct cordon_caps - what a namespace may have at most
 * @transactions: open at a time
 * @ports: of a policy
 * @uplinks: of a policy
 * @interfaces: named by all segments together
 * @segments: built-in ones included
 * @networks: of a policy
 * @rules: of a policy
 * @matches: of all rules together
 * @devices: of a policy
 * @unlisted: devices that it does not list
 * @tallies: devices have their tallies from the beginning, accounted to who lists them
 */
struct cordon_caps {
	u32 transactions;
	u32 ports;
	u32 uplinks;
	u32 interfaces;
	u32 segments;
	u32 networks;
	u32 rules;
	u32 matches;
	u32 devices;
	u32 unlisted;
	bool tallies;
};

const struct cordon_caps *cordon_caps(const struct net *net);
void cordon_caps_explain(struct netlink_ext_ack *extack, u32 cap, const char *what);

#endif
