/* SPDX-License-Identifier: GPL-2.0 */
/* Facts about one packet. */
#ifndef _CORDON_FLOW_H
#define _CORDON_FLOW_H

#include "prefix.h"

#define CORDON_FLOW_MALFORMED	0x01	/* its headers contradict one another */
#define CORDON_FLOW_FRAGMENT	0x02	/* part of a datagram */
#define CORDON_FLOW_LATER	0x04	/* not the first part: no ports in it */
#define CORDON_FLOW_GATEWAY	0x08	/* from a link-local address to one of the gateway's */

/**
 * struct cordon_flow - facts about one packet, or about the connection it is of
 * @src: source address; of a connection, of the end that opened it
 * @dst: destination address; of a connection, where it really goes
 * @target: target of a neighbour solicitation (RFC 4861, 4.3), else all zero
 * @sport: source port, 0 where there is none
 * @dport: destination port, or ICMP type
 * @proto: IANA number of the payload, extension headers skipped
 * @hop_limit: hop limit or time to live
 * @flags: CORDON_FLOW_*
 */
struct cordon_flow {
	struct cordon_addr src;
	struct cordon_addr dst;
	struct cordon_addr target;
	u16 sport;
	u16 dport;
	u8 proto;
	u8 hop_limit;
	u8 flags;
};

#endif
