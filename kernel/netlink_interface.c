// SPDX-License-Identifier: GPL-2.0
/* Requests about interfaces: those that are there, and those that the policy names in vain. */
#include <linux/netdevice.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "ruleset.h"
#include "watch.h"

/* By a name: an interface, or else one that the policy names. RCU read side. */
static int find_interface(struct cordon_net *cn, const char *name, struct cordon_report *report,
			  struct netlink_ext_ack *extack)
{
	const struct cordon_ruleset *rs = rcu_dereference(cn->ruleset);
	struct net_device *dev = dev_get_by_name_rcu(cn->net, name);
	u32 i;

	if (!rs) {
		NL_SET_ERR_MSG(extack, "no policy is in force");
		return -ENOENT;
	}
	if (dev && !strcmp(dev->name, name)) {
		cordon_report_fill(report, rs, dev);
		return 0;
	}
	for (i = 0; i < cordon_report_names(rs); i++)
		if (cordon_report_missing(report, rs, cn->net, i) && !strcmp(report->name, name))
			return 0;
	NL_SET_ERR_MSG_FMT(extack, "no interface %s, and the policy does not name it", name);
	return -ENOENT;
}

int cordon_nl_interface_get_doit(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *tb[CORDON_A_INTERFACE_UP + 1];
	struct cordon_report report;
	struct sk_buff *skb;
	void *head;
	int ret;

	ret = cordon_request_nest(info, CORDON_A_INTERFACE, tb, CORDON_A_INTERFACE_UP,
				  cordon_interface_nl_policy, BIT(CORDON_A_INTERFACE_NAME));
	if (ret)
		return ret;
	if (!tb[CORDON_A_INTERFACE_NAME]) {
		NL_SET_ERR_MSG(info->extack, "an interface is asked for by its name");
		return -EINVAL;
	}
	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	rcu_read_lock();
	ret = find_interface(cordon_request_net(info), nla_data(tb[CORDON_A_INTERFACE_NAME]),
			     &report, info->extack);
	if (!ret)
		ret = cordon_fill_interface(skb, &report);
	rcu_read_unlock();
	return cordon_reply_send(skb, head, ret, info);
}

static int put(struct sk_buff *skb, struct netlink_callback *cb,
	       const struct cordon_report *report)
{
	void *head;
	int ret;

	head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &cordon_nl_family,
			   NLM_F_MULTI, CORDON_CMD_INTERFACE_GET);
	if (!head)
		return -EMSGSIZE;
	ret = cordon_fill_interface(skb, report);
	if (ret) {
		genlmsg_cancel(skb, head);
		return ret;
	}
	genl_dump_check_consistent(cb, head);
	genlmsg_end(skb, head);
	return 0;
}

/* args[0]: how many interfaces were put, of those that are there. */
static int dump_present(struct sk_buff *skb, struct netlink_callback *cb,
			const struct cordon_ruleset *rs, struct net *net)
{
	struct cordon_report report;
	struct net_device *dev;
	long at = 0;
	int ret;

	for_each_netdev_rcu(net, dev) {
		if (at++ < cb->args[0])
			continue;
		cordon_report_fill(&report, rs, dev);
		ret = put(skb, cb, &report);
		if (ret)
			return ret;
		cb->args[0] = at;
	}
	return 0;
}

/* args[1]: how many names and patterns were looked at. */
static int dump_missing(struct sk_buff *skb, struct netlink_callback *cb,
			const struct cordon_ruleset *rs, struct net *net)
{
	struct cordon_report report;
	int ret = 0;

	for (; cb->args[1] < cordon_report_names(rs); cb->args[1]++) {
		if (cordon_report_missing(&report, rs, net, cb->args[1]))
			ret = put(skb, cb, &report);
		if (ret)
			break;
	}
	return ret;
}

int cordon_nl_interface_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(skb->sk);
	const struct cordon_ruleset *rs;
	int ret = 0;

	rcu_read_lock();
	rs = rcu_dereference(cordon_net(net)->ruleset);
	/* Another policy, or an interface that came, went or was renamed, interrupts it. */
	cb->seq = 1 + READ_ONCE(net->dev_base_seq) + (rs ? rs->generation : 0);
	if (rs)
		ret = dump_present(skb, cb, rs, net);
	if (rs && !ret)
		ret = dump_missing(skb, cb, rs, net);
	rcu_read_unlock();
	return skb->len ? skb->len : ret;
}
