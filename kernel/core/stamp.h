/* SPDX-License-Identifier: GPL-2.0 */
/* What a policy said of a connection, as one word for its connection tracking entry. */
#ifndef _CORDON_STAMP_H
#define _CORDON_STAMP_H

#include "types.h"

/**
 * DOC: the stamp
 *
 *   63 62 61         49 48          39  38   37          19 18           0
 *  +-----+-------------+--------------+-----+--------------+--------------+
 *  |  0  |    proof    |    epoch     |insp.|      to      |     from     |
 *  +-----+-------------+--------------+-----+--------------+--------------+
 *
 * It says that the ruleset of this epoch lets the end @from open this connection towards the end
 * @to, both in good state; with CORDON_STAMP_INSPECTED, that TLS inspection has given its verdict.
 * An end is the place of a device, or CORDON_STAMP_SEGMENT and the segment of an end that is no
 * device. As long as an epoch lasts, a place is no other device's, nor the same device's with other
 * addresses.
 *
 * The epoch is 1 to 1,023, by its number. The proof is a hash of all the rest, of the entry, of
 * the whole number and of a random key of the namespace. A stamp of another epoch is not believed:
 * of one of the 1,022 before by the epoch, of an older one by the proof, but for one in 2^13. A
 * word that somebody else wrote, or copied from another entry, is believed once in 2^23; none is
 * in which one of the two highest labels is set. It is no protection against who may write labels
 * and reads them first: CAP_NET_ADMIN, who may change the policy as well.
 */
#define CORDON_STAMP_END_BITS	19
#define CORDON_STAMP_END	((1U << CORDON_STAMP_END_BITS) - 1)
#define CORDON_STAMP_SEGMENT	(CORDON_STAMP_END & ~(CORDON_MAX_SEGMENTS - 1U))
#define CORDON_STAMP_INSPECTED	BIT_ULL(38)
#define CORDON_STAMP_BODY	(BIT_ULL(39) - 1)
#define CORDON_STAMP_EPOCH	39
#define CORDON_STAMP_EPOCHS	1023	/* 0 is none, so that 0 is no stamp */
#define CORDON_STAMP_PROOF	(8191ULL << 49)
#define CORDON_STAMP_VOID	BIT_ULL(49)	/* of the proof; turned round, it is no stamp */

static_assert(CORDON_MAX_PLACES <= CORDON_STAMP_SEGMENT);
static_assert(!(CORDON_MAX_SEGMENTS & (CORDON_MAX_SEGMENTS - 1)));

/**
 * struct cordon_stamp_key - what the stamps of one epoch are made with
 * @seed: of the proof
 * @epoch: in its place
 */
struct cordon_stamp_key {
	u64 seed;
	u64 epoch;
};

/**
 * cordon_stamp_key - what the stamps of an epoch are made with
 * @key: the namespace's, random
 * @number: of the epoch
 */
static inline struct cordon_stamp_key cordon_stamp_key(u64 key, u32 number)
{
	return (struct cordon_stamp_key){
		.seed = (key ^ number) * 0x9e3779b97f4a7c15ULL,
		.epoch = (number % CORDON_STAMP_EPOCHS + 1ULL) << CORDON_STAMP_EPOCH,
	};
}

/**
 * cordon_stamp_seal - a stamp
 * @k: of the epoch
 * @entry: what tells the entry from others: its address
 * @body: ends and CORDON_STAMP_INSPECTED
 */
static inline u64 cordon_stamp_seal(const struct cordon_stamp_key *k, u64 entry, u64 body)
{
	const u64 word = body | k->epoch;
	const u64 hash = (k->seed ^ entry ^ word) * 0x61c8864680b583ebULL;

	return word | (hash & CORDON_STAMP_PROOF);
}

/* The stamp is of this epoch, for this entry. */
static inline bool cordon_stamp_holds(const struct cordon_stamp_key *k, u64 entry, u64 stamp)
{
	return cordon_stamp_seal(k, entry, stamp & CORDON_STAMP_BODY) == stamp;
}

static inline u64 cordon_stamp_body(u32 from, u32 to)
{
	return (u64)to << CORDON_STAMP_END_BITS | from;
}

/**
 * cordon_stamp_void - a word that is no stamp, in place of one that holds no longer
 * @k: of the epoch
 * @entry: what tells the entry from others
 * @nonce: random: whoever compares and exchanges the word finds that it was changed
 */
static inline u64 cordon_stamp_void(const struct cordon_stamp_key *k, u64 entry, u64 nonce)
{
	return cordon_stamp_seal(k, entry, nonce & CORDON_STAMP_BODY) ^ CORDON_STAMP_VOID;
}

/**
 * cordon_stamp_is_ours - a word was made here, as a stamp or in place of one, for this entry
 * @key: the namespace's
 * @number: of the epoch, or of a later one
 * @entry: what tells the entry from others
 * @word: the word; 0 is nobody's, and let through
 *
 * Those of more than 1,022 epochs ago are not recognised.
 */
static inline bool cordon_stamp_is_ours(u64 key, u32 number, u64 entry, u64 word)
{
	const u32 epoch = word >> CORDON_STAMP_EPOCH & CORDON_STAMP_EPOCHS;
	const u32 now = number % CORDON_STAMP_EPOCHS + 1;
	const u32 age = (now + CORDON_STAMP_EPOCHS - epoch) % CORDON_STAMP_EPOCHS;
	const struct cordon_stamp_key k = cordon_stamp_key(key, number - age);

	return !word || cordon_stamp_holds(&k, entry, word) ||
	       cordon_stamp_holds(&k, entry, word ^ CORDON_STAMP_VOID);
}

#endif
