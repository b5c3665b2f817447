/* SPDX-License-Identifier: GPL-2.0 */
/* The slow path of the hooks. */
#ifndef _CORDON_SLOWPATH_H
#define _CORDON_SLOWPATH_H

struct cordon_net;
struct nf_hook_state;
struct sk_buff;

unsigned int cordon_slow_prerouting(struct cordon_net *cn, struct sk_buff *skb,
				    const struct nf_hook_state *state);
unsigned int cordon_slow_forward(struct cordon_net *cn, struct sk_buff *skb,
				 const struct nf_hook_state *state);
unsigned int cordon_slow_input(struct cordon_net *cn, struct sk_buff *skb,
			       const struct nf_hook_state *state);
unsigned int cordon_slow_output(struct cordon_net *cn, struct sk_buff *skb,
				const struct nf_hook_state *state);

#endif
