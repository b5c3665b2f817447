/* SPDX-License-Identifier: GPL-2.0 */
/* What is asked of rtnetlink here: dumps, and the VLANs of a bridge's members in them. */
#ifndef CORDON_RTNL_H
#define CORDON_RTNL_H

#include <linux/rtnetlink.h>

#include "policy.h"

#define RTNL_VLANS_LEN	((CORDON_MAX_VLAN + 1) / 8 + 1)	/* a bit for each VLAN */

int rtnl_dump(const void *request, size_t size, int (*take)(void *arg, const void *message, size_t len), void *arg);
int rtnl_dump_links(u8 family, u32 mask, int (*take)(void *arg, const void *message, size_t len), void *arg);
void rtnl_vlans(const struct rtattr *spec, u16 *pvid, u8 *in, u8 *untagged);

#endif
