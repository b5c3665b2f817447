// SPDX-License-Identifier: GPL-2.0
/* The generic netlink family: who asks, what is done, what is told. */
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "event.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "publish.h"
#include "ruleset.h"
#include "transaction.h"

/**
 * cordon_request_nest - the object that a request is about
 * @info: the request
 * @type: attribute that holds it
 * @tb: gets its attributes
 * @max: length of @tb less one
 * @policy: of its attributes
 * @allowed: BIT() of those that the request may have; the others are for replies
 *
 * Return: 0, or -errno with a sentence: it is missing, or has what it may not.
 */
int cordon_request_nest(struct genl_info *info, int type, struct nlattr **tb, int max,
			const struct nla_policy *policy, u32 allowed)
{
	struct nlattr *nest = info->attrs[type];
	int i, ret;

	if (GENL_REQ_ATTR_CHECK(info, type)) {
		NL_SET_ERR_MSG(info->extack, "the object that this is about is missing");
		return -EINVAL;
	}
	ret = nla_parse_nested(tb, max, nest, policy, info->extack);
	for (i = 1; !ret && i <= max; i++)
		if (tb[i] && !(allowed & BIT(i))) {
			NL_SET_ERR_MSG_ATTR(info->extack, tb[i],
					    "this attribute has no place in this request");
			ret = -EINVAL;
		}
	return ret;
}

/* A request that names a generation wants that one to be in force. */
static int check_generation(struct genl_info *info, struct cordon_net *cn)
{
	struct nlattr *attr = info->attrs[CORDON_A_GENERATION];
	u32 generation = READ_ONCE(cn->generation);

	if (!attr || nla_get_u32(attr) == generation)
		return 0;
	NL_SET_BAD_ATTR(info->extack, attr);
	NL_SET_ERR_MSG_FMT(info->extack, "generation %u was expected, but %u is in force",
			   nla_get_u32(attr), generation);
	return -ESTALE;
}

/**
 * cordon_reply_new - begin an answer
 * @info: the request
 * @head: for cordon_reply_send()
 *
 * May sleep. Return: the message, NULL when there is no memory.
 */
struct sk_buff *cordon_reply_new(struct genl_info *info, void **head)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*head = genlmsg_put_reply(skb, info, &cordon_nl_family, 0, info->genlhdr->cmd);
	if (!*head) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/**
 * cordon_reply_send - send an answer
 * @skb: the message, freed
 * @head: from cordon_reply_new()
 * @err: filling it went wrong: nothing is sent
 * @info: the request
 *
 * Return: @err, or what became of sending it.
 */
int cordon_reply_send(struct sk_buff *skb, void *head, int err, struct genl_info *info)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, info);
}

static int reply_generation(struct genl_info *info, u32 generation)
{
	struct sk_buff *skb;
	void *head;

	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	return cordon_reply_send(skb, head,
				 nla_put_u32(skb, CORDON_A_GENERATION, generation), info);
}

/**
 * cordon_reply_object - answer with an object
 * @info: the request
 * @rs: the ruleset that has it
 * @fill: puts it into a message
 * @i: its place
 *
 * May sleep. Return: 0, -ENOMEM or -EMSGSIZE.
 */
int cordon_reply_object(struct genl_info *info, const struct cordon_ruleset *rs,
			cordon_fill_fn fill, u32 i)
{
	struct sk_buff *skb;
	void *head;
	int ret;

	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	rcu_read_lock();
	ret = fill(skb, rs, i);
	rcu_read_unlock();
	return cordon_reply_send(skb, head, ret, info);
}

int cordon_nl_policy_get_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	struct sk_buff *skb;
	void *head;
	int ret;

	ret = check_generation(info, cn);
	if (ret)
		return ret;
	skb = cordon_reply_new(info, &head);
	if (!skb)
		return -ENOMEM;
	rcu_read_lock();
	ret = cordon_fill_policy(skb, cn, rcu_dereference(cn->ruleset));
	rcu_read_unlock();
	return cordon_reply_send(skb, head, ret, info);
}

int cordon_nl_begin_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	mutex_lock(&cn->lock);
	ret = check_generation(info, cn);
	if (!ret)
		ret = cordon_transaction_begin(cn, info->snd_portid, info->extack);
	if (!ret)
		ret = reply_generation(info, cn->generation);
	mutex_unlock(&cn->lock);
	return ret;
}

int cordon_nl_stage_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	struct cordon_transaction *t;
	int ret = -ENOENT;

	mutex_lock(&cn->lock);
	t = cordon_transaction_take(cn, info->snd_portid, info->extack);
	if (t) {
		ret = cordon_stage(t, genlmsg_data(info->genlhdr),
				   genlmsg_len(info->genlhdr), info->extack);
		cordon_transaction_return(cn, t);
	}
	mutex_unlock(&cn->lock);
	return ret;
}

int cordon_nl_commit_doit(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *confirm = info->attrs[CORDON_A_CONFIRM];
	struct cordon_net *cn = cordon_request_net(info);
	u32 generation;
	int ret;

	mutex_lock(&cn->lock);
	ret = cordon_transaction_commit(cn, info->snd_portid,
					confirm ? nla_get_u32(confirm) : 0, info->extack);
	generation = cn->generation;
	mutex_unlock(&cn->lock);
	if (ret)
		return ret;
	/* What servers of DHCP say is heard from now on. It takes RTNL, which the lock forbids. */
	flush_work(&cn->settle);
	return reply_generation(info, generation);
}

int cordon_nl_abort_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	mutex_lock(&cn->lock);
	ret = check_generation(info, cn);
	if (!ret)
		ret = cordon_transaction_abort(cn, info->snd_portid, info->extack);
	mutex_unlock(&cn->lock);
	return ret;
}

int cordon_nl_confirm_doit(struct sk_buff *request, struct genl_info *info)
{
	struct cordon_net *cn = cordon_request_net(info);
	int ret;

	mutex_lock(&cn->lock);
	ret = check_generation(info, cn);
	if (!ret)
		ret = cordon_publish_confirm(cn, info->extack);
	if (!ret)
		ret = reply_generation(info, cn->generation);
	mutex_unlock(&cn->lock);
	return ret;
}

/* A socket that closes takes its transaction with it. Most have none, and must not wait. */
static int released(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct netlink_notify *notify = ptr;

	if (event == NETLINK_URELEASE && notify->protocol == NETLINK_GENERIC)
		cordon_transaction_abort(cordon_net(notify->net), notify->portid, NULL);
	return NOTIFY_DONE;
}

static struct notifier_block release_notifier = { .notifier_call = released };

/*
 * The group of events asks for CAP_NET_ADMIN when it is joined. A number that is no group yet
 * anybody may join, and it may become this group's. Unregistering takes all members out of the
 * family's groups; registered again, it gets the numbers that it had. Who joins just in between is
 * not seen.
 */
static int __init register_family(void)
{
	int ret = genl_register_family(&cordon_nl_family);

	if (!ret)
		ret = genl_unregister_family(&cordon_nl_family);
	return ret ? ret : genl_register_family(&cordon_nl_family);
}

/** cordon_netlink_init - from now on user space can reach the module */
int __init cordon_netlink_init(void)
{
	int ret;

	ret = netlink_register_notifier(&release_notifier);
	if (ret)
		return ret;
	ret = register_family();
	if (ret)
		netlink_unregister_notifier(&release_notifier);
	return ret;
}

/** cordon_netlink_exit - the reverse of cordon_netlink_init() */
void cordon_netlink_exit(void)
{
	genl_unregister_family(&cordon_nl_family);
	netlink_unregister_notifier(&release_notifier);
}
