/* SPDX-License-Identifier: GPL-2.0 */
/* Where devices are in bridges. */
#ifndef _CORDON_LEARN_H
#define _CORDON_LEARN_H

struct cordon_ports;
struct cordon_ruleset;
struct net;

void cordon_learn(struct net *net, const struct cordon_ruleset *rs,
		  const struct cordon_ports *ports);

#endif
