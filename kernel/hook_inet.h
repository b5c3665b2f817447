/* SPDX-License-Identifier: GPL-2.0 */
/* Hooks of IPv4 and IPv6. */
#ifndef _CORDON_HOOK_INET_H
#define _CORDON_HOOK_INET_H

#include <linux/netfilter.h>

#define CORDON_INET_HOOKS 8

extern const struct nf_hook_ops cordon_inet_hooks[CORDON_INET_HOOKS];

#endif
