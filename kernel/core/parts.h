/* SPDX-License-Identifier: GPL-2.0 */
/* Which bytes of a datagram have come in fragments, to tell one that overlaps others. */
#ifndef _CORDON_PARTS_H
#define _CORDON_PARTS_H

#include "prefix.h"
#include "siphash.h"

#define CORDON_PARTS_SETS	16
#define CORDON_PARTS_WAYS	4
#define CORDON_PARTS_RUNS	4

/**
 * struct cordon_part - a fragment
 * @src: who sends the datagram
 * @dst: whom it is for
 * @id: which of those between the two it is (RFC 791, 3.2; RFC 8200, 4.5)
 * @where: what else tells datagrams apart, such as the protocol of IPv4, and where it comes in
 * @from: its first byte in the datagram
 * @to: the one behind its last
 * @last: no other lies behind it
 */
struct cordon_part {
	struct cordon_addr src;
	struct cordon_addr dst;
	u32 id;
	u64 where;
	u16 from;
	u16 to;
	bool last;
};

/** enum cordon_parts_state - what is known of a datagram */
enum cordon_parts_state {
	CORDON_PARTS_FREE,	/* this place holds none */
	CORDON_PARTS_HELD,	/* what came of it */
	CORDON_PARTS_UNKNOWN,	/* too scattered to be remembered */
	CORDON_PARTS_BAD,	/* two of its fragments overlap */
};

/**
 * struct cordon_run - bytes of a datagram that came, without a gap
 * @from: the first
 * @to: the one behind the last
 */
struct cordon_run {
	u16 from;
	u16 to;
};

/**
 * struct cordon_datagram - what has come of one
 * @src: as in struct cordon_part, which tells it from others
 * @dst: likewise
 * @where: likewise
 * @id: likewise
 * @began: when the first of it came, in ticks
 * @state: enum cordon_parts_state
 * @n: how many runs
 * @end: its length, or 0 while the last fragment has not come
 * @run: by place, with a gap between any two
 */
struct cordon_datagram {
	struct cordon_addr src;
	struct cordon_addr dst;
	u64 where;
	u32 id;
	u32 began;
	u8 state;
	u8 n;
	u16 end;
	struct cordon_run run[CORDON_PARTS_RUNS];
};

/**
 * struct cordon_parts - datagrams that are on their way; 5 KiB
 * @set: by the hash of what tells one; a new one takes the place of the oldest
 */
struct cordon_parts {
	struct cordon_datagram set[CORDON_PARTS_SETS][CORDON_PARTS_WAYS];
};

bool cordon_parts_overlap(struct cordon_parts *parts, const struct cordon_key *key,
			  const struct cordon_part *part, u32 now, u32 limit);

#endif
