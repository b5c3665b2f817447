// SPDX-License-Identifier: GPL-2.0
/* What is told without being asked, to those that hear events. */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "event.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "ruleset.h"

/**
 * cordon_netlink_listening - somebody hears events
 * @cn: the namespace
 */
bool cordon_netlink_listening(struct cordon_net *cn)
{
	return genl_has_listeners(&cordon_nl_family, cn->net, CORDON_NLGRP_EVENTS);
}

static struct sk_buff *event_new(u8 cmd, gfp_t gfp, void **head)
{
	struct sk_buff *skb = nlmsg_new(NLMSG_GOODSIZE, gfp);

	if (!skb)
		return NULL;
	*head = genlmsg_put(skb, 0, 0, &cordon_nl_family, 0, cmd);
	if (!*head) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

static void event_send(struct cordon_net *cn, struct sk_buff *skb, void *head, int err, gfp_t gfp)
{
	if (err) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast_netns(&cordon_nl_family, cn->net, skb, 0, CORDON_NLGRP_EVENTS, gfp);
}

/**
 * cordon_netlink_policy - tell that another policy is in force
 * @cn: the namespace
 */
void cordon_netlink_policy(struct cordon_net *cn)
{
	struct sk_buff *skb;
	void *head;
	int ret;

	if (!cordon_netlink_listening(cn))
		return;
	skb = event_new(CORDON_CMD_POLICY_NTF, GFP_KERNEL, &head);
	if (!skb)
		return;
	rcu_read_lock();
	ret = cordon_fill_policy(skb, cn, rcu_dereference(cn->ruleset));
	rcu_read_unlock();
	event_send(cn, skb, head, ret, GFP_KERNEL);
}

/**
 * cordon_netlink_device - tell that the state of a device changed
 * @cn: the namespace
 * @rs: in force
 * @device: the device
 */
void cordon_netlink_device(struct cordon_net *cn, const struct cordon_ruleset *rs, u32 device)
{
	struct sk_buff *skb;
	void *head;

	if (!cordon_netlink_listening(cn))
		return;
	skb = event_new(CORDON_CMD_DEVICE_NTF, GFP_ATOMIC, &head);
	if (skb)
		event_send(cn, skb, head, cordon_fill_device(skb, rs, device), GFP_ATOMIC);
}

/**
 * cordon_netlink_binding - tell that a device has learned an address, or that one has ended
 * @cn: the namespace
 * @def: the device
 * @b: the binding
 * @ended: it has ended
 */
void cordon_netlink_binding(struct cordon_net *cn, const struct cordon_device_def *def,
			    const struct cordon_binding *b, bool ended)
{
	struct sk_buff *skb;
	void *head;

	if (!cordon_netlink_listening(cn))
		return;
	skb = event_new(CORDON_CMD_BINDING_NTF, GFP_KERNEL, &head);
	if (skb)
		event_send(cn, skb, head, cordon_fill_learned(skb, def, b, ended), GFP_KERNEL);
}

/**
 * cordon_netlink_interface - tell what became of an interface
 * @cn: the namespace
 * @report: what it is now
 */
void cordon_netlink_interface(struct cordon_net *cn, const struct cordon_report *report)
{
	struct sk_buff *skb;
	void *head;

	skb = event_new(CORDON_CMD_INTERFACE_NTF, GFP_ATOMIC, &head);
	if (skb)
		event_send(cn, skb, head, cordon_fill_interface(skb, report), GFP_ATOMIC);
}

/**
 * cordon_netlink_anomaly - tell of an anomaly
 * @cn: the namespace
 * @anomaly: the anomaly
 */
void cordon_netlink_anomaly(struct cordon_net *cn, const struct cordon_anomaly *anomaly)
{
	struct sk_buff *skb;
	void *head;

	skb = event_new(CORDON_CMD_ANOMALY_NTF, GFP_ATOMIC, &head);
	if (skb)
		event_send(cn, skb, head, cordon_fill_anomaly(skb, anomaly), GFP_ATOMIC);
}
