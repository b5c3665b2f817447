// SPDX-License-Identifier: GPL-2.0
/* How many different targets there were. */
#include "sketch.h"

/**
 * cordon_sketch_init - a sketch that has seen nothing
 * @s: the sketch
 * @key: random, and not known to who chooses the targets
 */
void cordon_sketch_init(struct cordon_sketch *s, const struct cordon_key *key)
{
	s->key = *key;
	cordon_sketch_clear(s);
}

/**
 * cordon_sketch_clear - forget all targets
 * @s: the sketch
 */
void cordon_sketch_clear(struct cordon_sketch *s)
{
	s->sum = 0;
	s->unset = CORDON_SKETCH_BITS;
	memset(s->bits, 0, sizeof(s->bits));
}

static u32 bit_of(const struct cordon_sketch *s, const struct cordon_addr *addr, u8 proto, u16 port)
{
	struct cordon_sip sip = cordon_sip_begin(&s->key);
	u64 hash;

	cordon_sip_word(&sip, addr->hi);
	cordon_sip_word(&sip, addr->lo);
	hash = cordon_sip_end(&sip, 19ULL << 56 | (u64)proto << 16 | port);
	return (hash >> 32) * CORDON_SKETCH_BITS >> 32;
}

/**
 * cordon_sketch_add - a target is seen
 * @s: the sketch
 * @addr: its address
 * @proto: IANA number
 * @port: port, or type of ICMP
 *
 * Return: it was not seen before, and shares its bit with none that was.
 */
bool cordon_sketch_add(struct cordon_sketch *s, const struct cordon_addr *addr, u8 proto, u16 port)
{
	const u32 bit = bit_of(s, addr, proto, port);
	u64 *word = &s->bits[bit / 64];

	if (*word >> bit % 64 & 1)
		return false;
	*word |= BIT_ULL(bit % 64);
	s->sum += (CORDON_SKETCH_BITS << 8) / s->unset--;
	return true;
}
