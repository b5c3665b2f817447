// SPDX-License-Identifier: GPL-2.0
/* Indexes by open addressing: what is added, moved and removed, also while others search. */
#include "index.h"

static u32 next(const struct cordon_index *index, u32 slot)
{
	return (slot + 1) & index->mask;
}

/**
 * cordon_index_add - add an object
 * @index: the index, in which it is not
 * @hash: of the object
 * @place: where it is, written completely
 *
 * Return: 0; -EAGAIN, the object would be so far from its slot that another key is needed. With a
 * random key the farthest of four million objects is about 50 steps away.
 */
int cordon_index_add(struct cordon_index *index, u32 hash, u32 place)
{
	u32 slot = hash & index->mask;
	u32 probes = 0;

	for (; index->slots[slot] && index->slots[slot] != index->left; slot = next(index, slot))
		if (++probes > CORDON_MAX_PROBES)
			return -EAGAIN;
	if (!index->slots[slot])
		index->used++;
	/* Pairs with cordon_index_find(). */
	smp_store_release(&index->slots[slot], place + 1);
	return 0;
}

/**
 * cordon_index_try - whether an object could be added
 * @index: the index
 * @hash: of the object
 *
 * It leaves so much room that, where this says so of each of several objects, all can be added.
 *
 * Return: 0; -EAGAIN, as cordon_index_add(), or three quarters of the slots are used.
 */
int cordon_index_try(const struct cordon_index *index, u32 hash)
{
	u32 slot = hash & index->mask;
	u32 probes = 0;

	if (index->used > index->mask - index->mask / 4)
		return -EAGAIN;
	for (; index->slots[slot]; slot = next(index, slot))
		if (++probes > CORDON_MAX_PROBES - 2 * CORDON_MAX_DEVICE_ADDRESSES)
			return -EAGAIN;
	return 0;
}

static u32 find(const struct cordon_index *index, u32 hash, u32 place)
{
	u32 slot = hash & index->mask;

	while (index->slots[slot] != place + 1)
		slot = next(index, slot);
	return slot;
}

/**
 * cordon_index_move - an object is at another place
 * @index: the index, in which it is
 * @hash: of the object
 * @from: where it was
 * @to: where it is, written completely
 *
 * Whoever looks for it finds it at one of the two.
 */
void cordon_index_move(struct cordon_index *index, u32 hash, u32 from, u32 to)
{
	/* Pairs with cordon_index_find(). */
	smp_store_release(&index->slots[find(index, hash, from)], to + 1);
}

/* Whoever looks for an object that is there comes by a slot that has none. */
static bool is_passed(const struct cordon_index *index, u32 slot, cordon_index_hash hash_of,
		      const struct cordon_policy *p)
{
	u32 at, home;

	for (at = next(index, slot); index->slots[at]; at = next(index, at)) {
		if (index->slots[at] == index->left)
			continue;
		home = hash_of(p, index->slots[at] - 1);
		if (((at - home) & index->mask) >= ((at - slot) & index->mask))
			return true;
	}
	return false;
}

/**
 * cordon_index_remove - remove an object
 * @index: the index, in which it is
 * @place: where it is
 * @hash_of: gives the hash of an object
 * @p: for @hash_of
 *
 * Its slot is free again unless others are looked for by way of it, and so are those on the way to
 * it. Whoever looks for one that is there does not come by what is freed; so slots without an
 * object do not grow in number with removals, but with objects that are not in their first slot.
 */
void cordon_index_remove(struct cordon_index *index, u32 place, cordon_index_hash hash_of,
			 const struct cordon_policy *p)
{
	const u32 hash = hash_of(p, place);
	u32 slot = find(index, hash, place);

	WRITE_ONCE(index->slots[slot], index->left);
	for (;; slot = (slot - 1) & index->mask) {
		if (index->slots[slot] == index->left && !is_passed(index, slot, hash_of, p)) {
			WRITE_ONCE(index->slots[slot], 0);
			index->used--;
		}
		if (slot == (hash & index->mask))
			return;
	}
}
