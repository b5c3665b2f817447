/* SPDX-License-Identifier: GPL-2.0 */
/* What a device opens, held against its segment's limits for it. */
#ifndef _CORDON_BEHAVIOUR_H
#define _CORDON_BEHAVIOUR_H

#include "pkt.h"

/* The end that opened the packet's connection is a device of a segment with such a limit. */
static inline bool cordon_behaviour_is_watched(const struct cordon_pkt *pkt)
{
	return pkt->from.device != CORDON_NO_DEVICE && pkt->rs->hosts[pkt->from.device].watched;
}

bool cordon_behaviour_opens(const struct cordon_pkt *pkt, bool accepted);

#endif
