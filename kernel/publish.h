/* SPDX-License-Identifier: GPL-2.0 */
/* Rulesets come into force, and go. */
#ifndef _CORDON_PUBLISH_H
#define _CORDON_PUBLISH_H

#include <linux/types.h>

struct cordon_net;
struct cordon_ruleset;
struct netlink_ext_ack;
struct work_struct;

int cordon_publish(struct cordon_net *cn, struct cordon_ruleset *rs, u32 confirm,
		   struct netlink_ext_ack *extack);
int cordon_publish_learned(struct cordon_net *cn, struct cordon_ruleset *rs,
			   struct netlink_ext_ack *extack);
int cordon_publish_check(struct cordon_net *cn, struct cordon_ruleset *rs,
			 struct netlink_ext_ack *extack);
void cordon_publish_withdraw(struct cordon_net *cn);
int cordon_publish_confirm(struct cordon_net *cn, struct netlink_ext_ack *extack);
void cordon_publish_rollback(struct work_struct *work);
int cordon_publish_settle(struct cordon_net *cn);
bool cordon_publish_awaits(struct cordon_net *cn, struct netlink_ext_ack *extack);

#endif
