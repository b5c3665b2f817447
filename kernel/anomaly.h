/* SPDX-License-Identifier: GPL-2.0 */
/* Denied packets. */
#ifndef _CORDON_ANOMALY_H
#define _CORDON_ANOMALY_H

#include "pkt.h"

struct cordon_tally;
struct cordon_tls_facts;

/* What becomes of a packet that is denied. */
static inline unsigned int cordon_drop(const struct cordon_pkt *pkt)
{
	return cordon_pkt_observes(pkt) ? NF_ACCEPT : NF_DROP;
}

void cordon_charge(const struct cordon_pkt *pkt, u32 device, u8 kind, bool limit,
		   const struct cordon_tls_facts *tls);
bool cordon_charge_limit(const struct cordon_pkt *pkt, u32 device, u8 kind,
			 struct cordon_tally *tally, bool accepted);
bool cordon_charge_passing(const struct cordon_pkt *pkt, u32 device, u8 kind,
			   struct cordon_tally *tally);
unsigned int cordon_deny(const struct cordon_pkt *pkt, u8 kind);
unsigned int cordon_deny_unblamed(const struct cordon_pkt *pkt, u8 kind);
void cordon_count_denied(const struct cordon_pkt *pkt);

#endif
