/* SPDX-License-Identifier: GPL-2.0 */
/* SipHash-1-3, so that nobody can choose names and addresses that collide in a table. */
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

/* Of at most seven bytes, which are the lower ones of @bytes: four rounds. */
static inline u64 cordon_siphash_short(const struct cordon_key *key, u64 bytes, unsigned int n)
{
	struct cordon_sip s = cordon_sip_begin(key);

	return cordon_sip_end(&s, (u64)n << 56 | bytes);
}

static inline u64 cordon_siphash_two(const struct cordon_key *key, u64 first, u64 second)
{
	struct cordon_sip s = cordon_sip_begin(key);

	cordon_sip_word(&s, first);
	cordon_sip_word(&s, second);
	return cordon_sip_end(&s, 16ULL << 56);
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
