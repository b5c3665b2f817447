/* SPDX-License-Identifier: GPL-2.0 */
/* Hooks of ARP, and in bridges. */
#ifndef _CORDON_HOOK_LINK_H
#define _CORDON_HOOK_LINK_H

#include <linux/netfilter.h>

#define CORDON_ARP_HOOKS 1
#define CORDON_BRIDGE_HOOKS 3

extern const struct nf_hook_ops cordon_arp_hooks[CORDON_ARP_HOOKS];
extern const struct nf_hook_ops cordon_egress_hook;
extern const struct nf_hook_ops cordon_bridge_hooks[CORDON_BRIDGE_HOOKS];

#endif
