/* SPDX-License-Identifier: GPL-2.0 */
/* Bindings that are learned are made, and end, in the ruleset in force. */
#ifndef _CORDON_BIND_H
#define _CORDON_BIND_H

#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/workqueue.h>

#include "core/policy.h"

struct cordon_net;

/**
 * struct cordon_told - a binding as somebody tells of it
 * @mac: the device's
 * @origin: enum cordon_origin, and not the policy
 * @over: whoever has learned the address loses it
 * @seconds: how long it lasts; 0, it has no end
 * @addr: the address
 */
struct cordon_told {
	u8 mac[ETH_ALEN];
	u8 origin;
	bool over;
	u32 seconds;
	struct cordon_addr addr;
};

int cordon_bind(struct cordon_net *cn, const struct cordon_told *told,
		struct netlink_ext_ack *extack);
int cordon_unbind(struct cordon_net *cn, const u8 *mac, const struct cordon_addr *addr);
void cordon_bind_refused(struct cordon_net *cn, const u8 *mac);
void cordon_bind_restore(struct cordon_net *cn, const struct cordon_told *told);
void cordon_bind_expire(struct work_struct *work);

#endif
