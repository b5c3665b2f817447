// SPDX-License-Identifier: GPL-2.0
/* Hooks of IPv4 and IPv6. */
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>

#include "hook_inet.h"
#include "judge.h"
#include "net.h"

static unsigned int door(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return cordon_judge_door(cordon_net(state->net), skb, state);
}

static unsigned int room(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return cordon_judge_room(cordon_net(state->net), skb, state);
}

static unsigned int out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return cordon_judge_out(cordon_net(state->net), skb, state);
}

#define HOOK(fn, family, num, prio) \
	{ .hook = (fn), .pf = (family), .hooknum = (num), .priority = (prio) }

/* The door before defragmentation (-450), the rooms after destination and before source NAT. */
const struct nf_hook_ops cordon_inet_hooks[CORDON_INET_HOOKS] = {
	HOOK(door, NFPROTO_IPV4, NF_INET_PRE_ROUTING, NF_IP_PRI_FIRST),
	HOOK(room, NFPROTO_IPV4, NF_INET_FORWARD, NF_IP_PRI_FILTER),
	HOOK(room, NFPROTO_IPV4, NF_INET_LOCAL_IN, NF_IP_PRI_FILTER),
	HOOK(out, NFPROTO_IPV4, NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER),
	HOOK(door, NFPROTO_IPV6, NF_INET_PRE_ROUTING, NF_IP6_PRI_FIRST),
	HOOK(room, NFPROTO_IPV6, NF_INET_FORWARD, NF_IP6_PRI_FILTER),
	HOOK(room, NFPROTO_IPV6, NF_INET_LOCAL_IN, NF_IP6_PRI_FILTER),
	HOOK(out, NFPROTO_IPV6, NF_INET_LOCAL_OUT, NF_IP6_PRI_FILTER),
};
