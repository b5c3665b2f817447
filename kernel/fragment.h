/* SPDX-License-Identifier: GPL-2.0 */
/* Fragments that overlap others of their datagram. */
#ifndef _CORDON_FRAGMENT_H
#define _CORDON_FRAGMENT_H

#include "pkt.h"

int cordon_fragment_init(void);
void cordon_fragment_exit(void);
bool cordon_fragment_overlaps(const struct cordon_pkt *pkt);

/* The packet's source is its device's, and @pkt's flow is its own. */
static inline bool cordon_fragment_is_bad(const struct cordon_pkt *pkt)
{
	return unlikely(pkt->flow.flags & CORDON_FLOW_FRAGMENT) && cordon_fragment_overlaps(pkt);
}

#endif
