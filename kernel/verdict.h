/* SPDX-License-Identifier: GPL-2.0 */
/* What the policy says of a packet's connection. */
#ifndef _CORDON_VERDICT_H
#define _CORDON_VERDICT_H

#include "pkt.h"

unsigned int cordon_verdict(struct cordon_pkt *pkt);
unsigned int cordon_verdict_deny(const struct cordon_pkt *pkt, const struct cordon_verdict *v,
				 bool many);

#endif
