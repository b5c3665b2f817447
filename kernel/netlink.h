/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family: Documentation/netlink/specs/cordon.yaml */
#ifndef _CORDON_NETLINK_H
#define _CORDON_NETLINK_H

#include <linux/netlink.h>
#include <net/genetlink.h>

#include "net.h"

struct cordon_addr;
struct cordon_anomaly;
struct cordon_binding;
struct cordon_device_change;
struct cordon_device_def;
struct cordon_draft;
struct cordon_report;
struct cordon_ruleset;
struct cordon_told;
struct cordon_transaction;
struct nlattr;
struct sk_buff;

typedef int (*cordon_fill_fn)(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);

/*
 * netlink_fill.c, netlink_destinations.c: objects to attributes. 0; 1, there is nothing to tell; or
 * -EMSGSIZE. Nothing is added then.
 */
int cordon_fill_policy(struct sk_buff *skb, struct cordon_net *cn,
		       const struct cordon_ruleset *rs);
int cordon_fill_port(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);
int cordon_fill_uplink(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);
int cordon_fill_segment(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);
int cordon_fill_network(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);
int cordon_fill_rule(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);
int cordon_fill_device(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);
int cordon_fill_binding(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);
int cordon_fill_destinations(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i);
int cordon_fill_learned(struct sk_buff *skb, const struct cordon_device_def *def,
			const struct cordon_binding *b, bool ended);
int cordon_fill_anomaly(struct sk_buff *skb, const struct cordon_anomaly *a);
int cordon_fill_interface(struct sk_buff *skb, const struct cordon_report *r);

/* Which attribute is at fault. */
static inline int cordon_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr, int err)
{
	NL_SET_BAD_ATTR(extack, attr);
	return err;
}

/* Which one is missing. */
static inline int cordon_lacks(const struct nlattr *nest, int type, const char *what,
			       struct netlink_ext_ack *extack)
{
	NL_SET_ERR_ATTR_MISS(extack, nest, type);
	NL_SET_ERR_MSG_FMT(extack, "%s is missing", what);
	return -EINVAL;
}

static inline u32 cordon_get_u32(const struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

/* netlink_stage.c: attributes to objects. 0, or -errno with a sentence in extack. */
int cordon_stage(struct cordon_transaction *t, const struct nlattr *head, int len,
		 struct netlink_ext_ack *extack);

/* netlink_read.c: attributes to what is staged, and to what changes alone; as above. */
int cordon_read_port(const struct cordon_draft *d, const struct nlattr *attr, u16 *port,
		     struct netlink_ext_ack *extack);
int cordon_read_address(const struct nlattr *attr, struct cordon_addr *addr,
			struct netlink_ext_ack *extack);
int cordon_read_device(const struct cordon_draft *d, const struct nlattr *nest,
		       struct nlattr **tb, struct cordon_device_change *change,
		       struct netlink_ext_ack *extack);

int cordon_read_binding(const struct nlattr *nest, struct nlattr **tb, struct cordon_told *told,
			struct netlink_ext_ack *extack);

/* netlink_destinations.c: where a device has been; as above. */
int cordon_stage_destinations(struct cordon_transaction *t, const struct nlattr *nest,
			      struct netlink_ext_ack *extack);
int cordon_request_destinations(const struct cordon_ruleset *rs, struct nlattr **tb,
				struct netlink_ext_ack *extack, u32 *i);

/* netlink_device.c: the states that a request may give. */
int cordon_check_state(const struct nlattr *attr, struct netlink_ext_ack *extack);

/* netlink.c: requests and answers. */
#define CORDON_DEVICE_ID (BIT(CORDON_A_DEVICE_NAME) | BIT(CORDON_A_DEVICE_MAC))
#define CORDON_DESTINATIONS_ID	\
	(BIT(CORDON_A_DESTINATIONS_NAME) | BIT(CORDON_A_DESTINATIONS_MAC))

static inline struct cordon_net *cordon_request_net(struct genl_info *info)
{
	return cordon_net(genl_info_net(info));
}

int cordon_request_nest(struct genl_info *info, int type, struct nlattr **tb, int max,
			const struct nla_policy *policy, u32 allowed);
struct sk_buff *cordon_reply_new(struct genl_info *info, void **head);
int cordon_reply_send(struct sk_buff *skb, void *head, int err, struct genl_info *info);
int cordon_reply_object(struct genl_info *info, const struct cordon_ruleset *rs,
			cordon_fill_fn fill, u32 i);

/* netlink_get.c: the device that a request names. */
int cordon_request_device(const struct cordon_ruleset *rs, struct nlattr **tb,
			  struct netlink_ext_ack *extack, u32 *i);

/* netlink.c: the family; what it tells without being asked is in event.h. */
int cordon_netlink_init(void);
void cordon_netlink_exit(void);

#endif
