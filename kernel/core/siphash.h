/* SPDX-License-Identifier: GPL-2.0 */
/* Keyed hashes, so that nobody can choose names and addresses that collide in a table. */
#ifndef _CORDON_SIPHASH_H
#define _CORDON_SIPHASH_H

#include "types.h"

/** struct cordon_key - of a table's hash; random, and unknown to who fills the table */
struct cordon_key {
	u64 k[2];
};

/** struct cordon_sip - SipHash on its way */
struct cordon_sip {
	u64 v0, v1, v2, v3;
};

static inline u64 cordon_rotl(u64 x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static inline void cordon_sip_round(struct cordon_sip *s)
{
	s->v0 += s->v1;
	s->v1 = cordon_rotl(s->v1, 13) ^ s->v0;
	s->v0 = cordon_rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = cordon_rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = cordon_rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = cordon_rotl(s->v1, 17) ^ s->v2;
	s->v2 = cordon_rotl(s->v2, 32);
}

static inline struct cordon_sip cordon_sip_begin(const struct cordon_key *key)
{
	return (struct cordon_sip){
		.v0 = key->k[0] ^ 0x736f6d6570736575ULL,
		.v1 = key->k[1] ^ 0x646f72616e646f6dULL,
		.v2 = key->k[0] ^ 0x6c7967656e657261ULL,
		.v3 = key->k[1] ^ 0x7465646279746573ULL,
	};
}

static inline void cordon_sip_word(struct cordon_sip *s, u64 word)
{
	s->v3 ^= word;
	cordon_sip_round(s);
	s->v0 ^= word;
}

/* The last word holds the length in its highest byte, and what is left of the bytes below that. */
static inline u64 cordon_sip_end(struct cordon_sip *s, u64 last)
{
	cordon_sip_word(s, last);
	s->v2 ^= 0xff;
	cordon_sip_round(s);
	cordon_sip_round(s);
	cordon_sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline u64 cordon_siphash_two(const struct cordon_key *key, u64 first, u64 second)
{
	struct cordon_sip s = cordon_sip_begin(key);

	cordon_sip_word(&s, first);
	cordon_sip_word(&s, second);
	return cordon_sip_end(&s, 16ULL << 56);
}

/**
 * struct cordon_multipliers - the key of cordon_multilinear()
 * @m: random
 */
struct cordon_multipliers {
	u64 m[4];
};

static inline void cordon_multipliers_init(struct cordon_multipliers *m,
					   const struct cordon_key *key)
{
	u64 i;

	for (i = 0; i < 4; i++)
		m->m[i] = cordon_siphash_two(key, i, 0);
}

/*
 * Multilinear hashing: of two words that were chosen without knowledge of the multipliers, the sums
 * agree in their upper halves once in 2^32 (Lemire and Kaser, Strongly universal string hashing is
 * fast). A few instructions where SipHash takes seventy, so it serves the look-ups of packets. It
 * is no MAC: who saw hashes could work out the multipliers, so they go nowhere. The last steps are
 * a permutation that breaks the order that words in a row keep, on which linear probing would pile
 * up.
 */
static inline u32 cordon_multilinear(const struct cordon_multipliers *m, u64 first, u64 second)
{
	u64 sum = m->m[0] * (u32)first + m->m[1] * (first >> 32) + m->m[2] * (u32)second +
		  m->m[3] * (second >> 32);

	u32 x = sum >> 32;

	x ^= x >> 16;
	x *= 0x7feb352dU;
	return x ^ x >> 15;
}

/*
 * Of one word: multiplied by a random odd number (Dietzfelbinger and others, A reliable randomized
 * algorithm for the closest-pair problem), by which two words agree in their upper halves once in
 * 2^31; then, likewise, a permutation.
 */
static inline u64 cordon_multiplier(const struct cordon_multipliers *m)
{
	return m->m[0] | 1;
}

static inline u32 cordon_multiply(u64 multiplier, u64 word)
{
	const u64 product = word * multiplier;

	return (product ^ product >> 32) * 0x9e3779b97f4a7c15ULL >> 32;
}

static inline u64 cordon_siphash_string(const struct cordon_key *key, const char *string)
{
	struct cordon_sip s = cordon_sip_begin(key);
	u64 word = 0;
	size_t i;

	for (i = 0; string[i]; i++) {
		word |= (u64)(u8)string[i] << i % 8 * 8;
		if (i % 8 == 7) {
			cordon_sip_word(&s, word);
			word = 0;
		}
	}
	return cordon_sip_end(&s, (u64)i << 56 | word);
}

#endif
