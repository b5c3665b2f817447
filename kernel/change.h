/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of single devices in the ruleset in force. */
#ifndef _CORDON_DEVICE_CHANGE_H
#define _CORDON_DEVICE_CHANGE_H

#include <linux/netlink.h>
#include <linux/workqueue.h>

#include "core/policy.h"

struct cordon_net;

/**
 * struct cordon_device_change - a device, with its addresses
 * @def: as in a policy; @def.first does not matter
 * @addresses: the first @def.n count
 */
struct cordon_device_change {
	struct cordon_device_def def;
	struct cordon_addr addresses[CORDON_MAX_DEVICE_ADDRESSES];
};

void cordon_device_change_init(struct cordon_device_change *change);
int cordon_device_change(struct cordon_net *cn, u32 device,
			 const struct cordon_device_change *change,
			 struct netlink_ext_ack *extack);
int cordon_device_relearn(struct cordon_net *cn, u32 device, struct netlink_ext_ack *extack);
int cordon_device_admit(struct cordon_net *cn, const struct cordon_device_change *change);
void cordon_device_dismiss(struct cordon_net *cn, u32 device);
void cordon_change_settle(struct work_struct *work);

#endif
