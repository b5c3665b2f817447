/* SPDX-License-Identifier: GPL-2.0 */
/* The source of a packet. */
#ifndef _CORDON_SOURCE_H
#define _CORDON_SOURCE_H

#include "pkt.h"

struct cordon_verdict cordon_source_decide(const struct cordon_pkt *pkt, struct cordon_flow *flow);
bool cordon_source_is_bound(const struct cordon_policy *p, const struct cordon_ports *ports,
			    u32 device, u16 in, const struct cordon_addr *source);
bool cordon_source_holds(struct cordon_pkt *pkt);

#endif
