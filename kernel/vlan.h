/* SPDX-License-Identifier: GPL-2.0 */
/* The VLANs of frames in bridges of ports. */
#ifndef _CORDON_VLAN_H
#define _CORDON_VLAN_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "core/policy.h"

#define CORDON_NO_VLAN	0xffff	/* a frame's cannot be told */

/**
 * DOC: VLANs
 *
 * In a bridge that filters VLANs each frame is in one: that of its tag, or, without one or with a
 * priority tag (VLAN 0), the PVID of the member that it came in on. In any other bridge there is
 * VLAN 0 alone, and a frame with a tag is in none that could be told. So it is with tags other
 * than 802.1Q's, and in a bridge whose own are others.
 *
 * A device in VLAN 0 of its definition is in the PVID of the member that it is behind.
 */
void cordon_vlan_follow(void);
void cordon_vlan_exit(void);
u16 cordon_vlan_pvid(const struct net_device *member);
u16 cordon_vlan_entered(const struct sk_buff *skb, const struct net_device *member);
bool cordon_vlan_leaves(const struct sk_buff *skb, const struct net_device *member, u16 vlan);
struct net_device *cordon_vlan_interface(struct net_device *bridge, u16 vlan);

/**
 * cordon_vlan_of - the VLAN that a device is in, if it is behind a member of a bridge
 * @device: the device
 * @member: the member
 *
 * Context: RCU read side. Return: as cordon_vlan_pvid().
 */
static inline u16 cordon_vlan_of(const struct cordon_device_def *device,
				 const struct net_device *member)
{
	return device->vlan ?: cordon_vlan_pvid(member);
}

#endif
