/* SPDX-License-Identifier: GPL-2.0 */
/* What interfaces lie on, and are in, and what follows for the policy. */
#ifndef _CORDON_STACK_H
#define _CORDON_STACK_H

#include <linux/netdevice.h>

#include "ports.h"

struct cordon_policy;

/**
 * struct cordon_stack - an interface among those that it is stacked with
 * @facts: for the core
 * @below: the one right below, or the first of them; NULL
 * @beneath: what that one is to packets, where this one shares the wire of a port
 * @port: the first one below, at any depth, that is a port or was one; NULL
 * @master: what it is in; NULL
 */
struct cordon_stack {
	struct cordon_interface_facts facts;
	struct net_device *below;
	struct cordon_interface beneath;
	struct net_device *port;
	struct net_device *master;
};

void cordon_stack_look(const struct cordon_ports *ports, struct net_device *dev,
		       struct cordon_stack *out);
bool cordon_stack_classify(const struct cordon_ports *ports, struct net_device *dev,
			   struct cordon_interface *interface);
struct cordon_ports *cordon_stack_ports(struct net *net, const struct cordon_policy *policy,
					const struct cordon_ports *before);
int cordon_stack_check(const struct cordon_ports *ports, struct net *net,
		       struct netlink_ext_ack *extack);

#endif
