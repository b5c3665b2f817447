/* SPDX-License-Identifier: GPL-2.0 */
/* What the policy says of a packet's connection. */
#ifndef _CORDON_VERDICT_H
#define _CORDON_VERDICT_H

#include "clock.h"
#include "pkt.h"
#include "ruleset.h"

unsigned int cordon_verdict(struct cordon_pkt *pkt);
unsigned int cordon_verdict_deny(const struct cordon_pkt *pkt, const struct cordon_verdict *v,
				 bool many);
void cordon_verdict_note_many(const struct cordon_pkt *pkt, const struct cordon_verdict *v,
			      const struct cordon_reach *reach, u32 n);

/* A connection begins: if by a rule, it is remembered when. */
static inline void cordon_verdict_note(const struct cordon_ruleset *rs,
				       const struct cordon_verdict *v)
{
	if (v->reason == CORDON_PASS_RULE)
		cordon_policy_note_use(rs->policy, v->use, cordon_jiffy_now() ?: 1);
}

#endif
