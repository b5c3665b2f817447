/* SPDX-License-Identifier: GPL-2.0 */
/* The verdict on a connection, as one word that is good for one connection tracking entry only. */
#ifndef _CORDON_MARK_H
#define _CORDON_MARK_H

#include "types.h"

/** enum cordon_mark - what is known of a connection; up to TLS 1.3 like enum cordon_encryption */
enum cordon_mark {
	CORDON_MARK_NONE,
	CORDON_MARK_TLS1_2,
	CORDON_MARK_TLS1_3,
	CORDON_MARK_FAILED,	/* refused, and counted */
};

#define CORDON_MARK_SHIFT	30

/**
 * cordon_mark_pack - a verdict as a word
 * @key: the namespace's, random
 * @entry: what tells the entry from others; its two lowest bits are 0
 * @mark: enum cordon_mark
 *
 * The two highest bits are the verdict, the others a hash of all three (Fibonacci hashing). It
 * reveals a word that was written by somebody else, or copied from another entry. It is no
 * protection against who may write labels and reads them first: CAP_NET_ADMIN, who may change the
 * policy as well.
 *
 * Return: the word; 0 for CORDON_MARK_NONE.
 */
static inline u32 cordon_mark_pack(u64 key, u64 entry, u8 mark)
{
	const u64 hash = (key ^ entry ^ mark) * 0x61c8864680b583ebULL;

	return mark ? (u32)mark << CORDON_MARK_SHIFT | (u32)(hash >> (64 - CORDON_MARK_SHIFT)) : 0;
}

/**
 * cordon_mark_unpack - the verdict in a word
 * @key: as it was packed with
 * @entry: likewise
 * @word: the word
 *
 * Return: enum cordon_mark; CORDON_MARK_NONE, too, for a word that was not packed with these.
 */
static inline u8 cordon_mark_unpack(u64 key, u64 entry, u32 word)
{
	const u8 mark = word >> CORDON_MARK_SHIFT;

	return word == cordon_mark_pack(key, entry, mark) ? mark : CORDON_MARK_NONE;
}

#endif
