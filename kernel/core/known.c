// SPDX-License-Identifier: GPL-2.0
/* Which destinations a device has reached. */
#include "known.h"

/**
 * cordon_known_init - a set of none
 * @k: the set
 * @key: random, and not known to who chooses destinations
 */
void cordon_known_init(struct cordon_known *k, const struct cordon_key *key)
{
	u32 i;

	k->key = *key;
	WRITE_ONCE(k->n, 0);
	for (i = 0; i < CORDON_KNOWN_SLOTS; i++)
		WRITE_ONCE(k->slots[i], 0);
}

/**
 * cordon_known_hash - what stands for a destination
 * @k: the set
 * @d: the destination
 *
 * Return: not 0.
 */
u32 cordon_known_hash(const struct cordon_known *k, const struct cordon_destination *d)
{
	struct cordon_sip sip = cordon_sip_begin(&k->key);
	u32 hash;

	cordon_sip_word(&sip, d->whom.hi);
	cordon_sip_word(&sip, d->whom.lo);
	hash = cordon_sip_end(&sip, 19ULL << 56 | (u64)d->proto << 16 | d->port) >> 32;
	return hash ? hash : 1;
}

/* Where a hash is, or a free slot for it. There is one: see CORDON_MAX_KNOWN. */
static u32 slot_of(const struct cordon_known *k, u32 hash)
{
	u32 i = (u64)hash * CORDON_KNOWN_SLOTS >> 32, there;

	for (;;) {
		there = READ_ONCE(k->slots[i]);
		if (there == hash || !there)
			return i;
		i = i + 1 < CORDON_KNOWN_SLOTS ? i + 1 : 0;
	}
}

/**
 * cordon_known_has - a destination is in the set
 * @k: the set; another CPU may be adding to it
 * @hash: of the destination
 */
bool cordon_known_has(const struct cordon_known *k, u32 hash)
{
	return READ_ONCE(k->slots[slot_of(k, hash)]) == hash;
}

/**
 * cordon_known_add - add a destination to the set, if there is room
 * @k: the set; nobody else adds to it now
 * @hash: of the destination, not 0
 *
 * Return: it was not there, and is now.
 */
bool cordon_known_add(struct cordon_known *k, u32 hash)
{
	const u32 i = slot_of(k, hash);

	if (k->slots[i] == hash || cordon_known_is_full(k))
		return false;
	WRITE_ONCE(k->slots[i], hash);
	WRITE_ONCE(k->n, k->n + 1);
	return true;
}
