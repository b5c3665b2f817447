/* SPDX-License-Identifier: GPL-2.0 */
/* Facts about one packet. */
#ifndef _CORDON_FLOW_H
#define _CORDON_FLOW_H

#include "prefix.h"

#define CORDON_FLOW_MALFORMED	0x01	/* its headers contradict one another */
#define CORDON_FLOW_FRAGMENT	0x02	/* part of a datagram */
#define CORDON_FLOW_LATER	0x04	/* not the first part: no ports in it */
#define CORDON_FLOW_GATEWAY	0x08	/* from a link-local address to one of the gateway's */
#define CORDON_FLOW_BAD_FLAGS	0x10	/* flags of TCP that no stack sets together */
#define CORDON_FLOW_BAD_PART	0x20	/* part of a datagram as no stack cuts it */

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

#define CORDON_TCP_FIN	0x01
#define CORDON_TCP_SYN	0x02
#define CORDON_TCP_RST	0x04
#define CORDON_TCP_PSH	0x08
#define CORDON_TCP_ACK	0x10
#define CORDON_TCP_URG	0x20

/**
 * cordon_tcp_flags_are_sound - a stack sets these flags of TCP together
 * @flags: of a segment; CWR and ECE mean nothing here (RFC 3168)
 *
 * All segments but the first and a reset bear ACK (RFC 9293, 3.10.7.4), so a FIN does. As
 * connection tracking has it, which makes nothing of the others: URG may stand on a SYN, and PSH
 * anywhere.
 */
static inline bool cordon_tcp_flags_are_sound(u8 flags)
{
	const u64 sound = BIT_ULL(CORDON_TCP_SYN) | BIT_ULL(CORDON_TCP_SYN | CORDON_TCP_URG) |
			  BIT_ULL(CORDON_TCP_SYN | CORDON_TCP_ACK) | BIT_ULL(CORDON_TCP_RST) |
			  BIT_ULL(CORDON_TCP_RST | CORDON_TCP_ACK) | BIT_ULL(CORDON_TCP_ACK) |
			  BIT_ULL(CORDON_TCP_FIN | CORDON_TCP_ACK) |
			  BIT_ULL(CORDON_TCP_ACK | CORDON_TCP_URG) |
			  BIT_ULL(CORDON_TCP_FIN | CORDON_TCP_ACK | CORDON_TCP_URG);

	return (sound | sound << CORDON_TCP_PSH) >> (flags & 0x3f) & 1;
}

#endif
