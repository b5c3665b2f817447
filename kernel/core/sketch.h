/* SPDX-License-Identifier: GPL-2.0 */
/* How many different targets there were, in a space that does not grow with them. */
#ifndef _CORDON_SKETCH_H
#define _CORDON_SKETCH_H

#include "prefix.h"
#include "siphash.h"

#define CORDON_SKETCH_WORDS	59
#define CORDON_SKETCH_BITS	(CORDON_SKETCH_WORDS * 64)

/**
 * struct cordon_sketch - a bit for each target, which others may share
 * @key: random; or else who chooses the targets chooses those that share a bit
 * @sum: targets, in 256ths
 * @unset: bits that are not set
 * @bits: by the hash of the target
 *
 * A target that sets a bit stands for those before it that found theirs set, too: when a share of
 * the bits is unset, one in so many new targets is noticed, so each of them counts as the inverse
 * of that share (Ting, Streamed approximate counting of distinct elements, 2014). The standard
 * error is 1.2 % of 100 targets, and 2 % of 10,000; from 30,000 on it says nothing.
 */
struct cordon_sketch {
	struct cordon_key key;
	u32 sum;
	u32 unset;
	u64 bits[CORDON_SKETCH_WORDS];
};

/* How many different targets there were. */
static inline u32 cordon_sketch_count(const struct cordon_sketch *s)
{
	return (s->sum + 128) >> 8;
}

void cordon_sketch_init(struct cordon_sketch *s, const struct cordon_key *key);
void cordon_sketch_clear(struct cordon_sketch *s);
bool cordon_sketch_add(struct cordon_sketch *s, const struct cordon_addr *addr, u8 proto, u16 port);

#endif
