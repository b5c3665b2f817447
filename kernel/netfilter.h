/* SPDX-License-Identifier: GPL-2.0 */
/* The hooks of a namespace. */
#ifndef _CORDON_NETFILTER_H
#define _CORDON_NETFILTER_H

#include <linux/types.h>

struct cordon_net;
struct nf_hook_ops;

#define CORDON_MAX_HOOKS	16

extern bool cordon_lockdown;

void cordon_netfilter_add(const struct nf_hook_ops *ops, unsigned int n);
int cordon_netfilter_start(struct cordon_net *cn);
int cordon_netfilter_track_bridges(struct cordon_net *cn);
void cordon_netfilter_stop(struct cordon_net *cn);

#endif
