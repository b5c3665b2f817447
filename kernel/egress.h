/* SPDX-License-Identifier: GPL-2.0 */
/* Hooks by which packets leave ports, where devices learn their addresses. */
#ifndef _CORDON_EGRESS_H
#define _CORDON_EGRESS_H

#include <linux/types.h>

struct cordon_net;
struct cordon_ports;
struct cordon_ruleset;
struct net_device;
struct nf_hook_ops;

bool cordon_egress_is_possible(void);
void cordon_egress_set(const struct nf_hook_ops *ops);
void cordon_egress_update(struct cordon_net *cn, const struct cordon_ruleset *rs,
			  const struct cordon_ports *ports);
void cordon_egress_gone(struct cordon_net *cn, const struct net_device *dev);
void cordon_egress_stop(struct cordon_net *cn);

#endif
