/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/cordon.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: make spec */

#ifndef _LINUX_CORDON_GEN_H
#define _LINUX_CORDON_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/cordon.h>

/* Common nested types */
extern const struct nla_policy cordon_binding_nl_policy[CORDON_A_BINDING_LEASE + 1];
extern const struct nla_policy cordon_binding_input_nl_policy[CORDON_A_BINDING_LEASE + 1];
extern const struct nla_policy cordon_count_nl_policy[CORDON_A_COUNT_PAD + 1];
extern const struct nla_policy cordon_destinations_nl_policy[CORDON_A_DESTINATIONS_LEARNING + 1];
extern const struct nla_policy cordon_device_nl_policy[CORDON_A_DEVICE_LEARNING + 1];
extern const struct nla_policy cordon_device_id_nl_policy[CORDON_A_DEVICE_MAC + 1];
extern const struct nla_policy cordon_device_input_nl_policy[CORDON_A_DEVICE_VLAN + 1];
extern const struct nla_policy cordon_interface_nl_policy[CORDON_A_INTERFACE_UP + 1];
extern const struct nla_policy cordon_limit_nl_policy[CORDON_A_LIMIT_LEARN + 1];
extern const struct nla_policy cordon_match_nl_policy[CORDON_A_MATCH_HIGH + 1];
extern const struct nla_policy cordon_network_nl_policy[CORDON_A_NETWORK_SEGMENT + 1];
extern const struct nla_policy cordon_port_nl_policy[CORDON_A_PORT_IFINDEX + 1];
extern const struct nla_policy cordon_port_input_nl_policy[CORDON_A_PORT_NAME + 1];
extern const struct nla_policy cordon_rule_nl_policy[CORDON_A_RULE_USED + 1];
extern const struct nla_policy cordon_rule_input_nl_policy[CORDON_A_RULE_RELATED + 1];
extern const struct nla_policy cordon_segment_nl_policy[CORDON_A_SEGMENT_INTERFACE + 1];
extern const struct nla_policy cordon_segment_input_nl_policy[CORDON_A_SEGMENT_INTERFACE + 1];
extern const struct nla_policy cordon_stats_nl_policy[CORDON_A_STATS_PAD + 1];
extern const struct nla_policy cordon_uplink_nl_policy[CORDON_A_UPLINK_NAME + 1];
extern const struct nla_policy cordon_uplink_input_nl_policy[CORDON_A_UPLINK_NAME + 1];

int cordon_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_begin_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_stage_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_commit_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_abort_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_confirm_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_port_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int cordon_nl_segment_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_segment_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int cordon_nl_network_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_network_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int cordon_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_rule_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int cordon_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_device_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int cordon_nl_device_new_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_device_set_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_device_del_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_binding_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_binding_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int cordon_nl_checkin_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_uplink_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_uplink_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int cordon_nl_interface_get_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_interface_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb);
int cordon_nl_binding_set_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_binding_del_doit(struct sk_buff *skb, struct genl_info *info);
int cordon_nl_destinations_get_doit(struct sk_buff *skb,
				    struct genl_info *info);
int cordon_nl_destinations_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb);
int cordon_nl_destinations_set_doit(struct sk_buff *skb,
				    struct genl_info *info);

enum {
	CORDON_NLGRP_EVENTS,
};

extern struct genl_family cordon_nl_family;

#endif /* _LINUX_CORDON_GEN_H */
