/* SPDX-License-Identifier: GPL-2.0 */
/* The slow path of the hooks. */
#ifndef _CORDON_SLOWPATH_H
#define _CORDON_SLOWPATH_H

#include "core/decide.h"

struct cordon_interface;
struct cordon_net;
struct cordon_pkt;
struct cordon_ruleset;
struct nf_hook_state;
struct sk_buff;

/**
 * struct cordon_first - the first packet of a connection, as far as the fast path got with it
 * @rs: the ruleset
 * @in: what it came in on
 * @from: the device that sends it
 * @to: whom it is for
 * @v: what the policy says
 */
struct cordon_first {
	const struct cordon_ruleset *rs;
	const struct cordon_interface *in;
	struct cordon_end from;
	struct cordon_end to;
	struct cordon_verdict v;
};

unsigned int cordon_slow_prerouting(struct cordon_net *cn, struct sk_buff *skb,
				    const struct nf_hook_state *state);
unsigned int cordon_slow_stranger(struct cordon_net *cn, struct sk_buff *skb,
				  const struct nf_hook_state *state,
				  const struct cordon_ruleset *rs, u16 in);
unsigned int cordon_slow_refusal(struct cordon_net *cn, struct sk_buff *skb,
				 const struct nf_hook_state *state,
				 const struct cordon_first *first);
unsigned int cordon_slow_forward(struct cordon_net *cn, struct sk_buff *skb,
				 const struct nf_hook_state *state);
unsigned int cordon_slow_unruled(struct cordon_net *cn, const struct sk_buff *skb);
unsigned int cordon_slow_switched(struct cordon_pkt *pkt, u32 target);
unsigned int cordon_slow_input(struct cordon_net *cn, struct sk_buff *skb,
			       const struct nf_hook_state *state);
unsigned int cordon_slow_output(struct cordon_net *cn, struct sk_buff *skb,
				const struct nf_hook_state *state);

#endif
