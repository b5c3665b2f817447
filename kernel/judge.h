/* SPDX-License-Identifier: GPL-2.0 */
/* Packets before the ruleset in force. */
#ifndef _CORDON_JUDGE_H
#define _CORDON_JUDGE_H

struct cordon_net;
struct nf_hook_state;
struct sk_buff;

unsigned int cordon_judge_door(struct cordon_net *cn, struct sk_buff *skb,
			       const struct nf_hook_state *state);
unsigned int cordon_judge_room(struct cordon_net *cn, struct sk_buff *skb,
			       const struct nf_hook_state *state);
unsigned int cordon_judge_out(struct cordon_net *cn, struct sk_buff *skb,
			      const struct nf_hook_state *state);

#endif
