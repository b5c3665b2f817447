/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Indexes by open addressing. One may be searched while it is changed; changes are one at a time.
 */
#ifndef CORDON_CORE_INDEX_H
#define CORDON_CORE_INDEX_H

#include "types.h"

#define CORDON_NO_DEVICE	0xffffffffU	/* no place is found */

/**
 * struct cordon_index - places of objects, by their hash
 * @mask: number of slots less one
 * @used: slots that are not 0
 * @left: what is in a slot whose object is gone, while others are looked for by way of it: a
 *	place + 1 that nothing which is looked for is found at
 * @slots: place + 1; 0, free, and nothing lies behind
 */
struct cordon_index {
	u32 mask;
	u32 used;
	u32 left;
	u32 *slots;
};

/* As a number; which one differs with the byte order, and does not matter. */
static inline u64 cordon_mac_key(const u8 *mac)
{
	u32 head;
	u16 tail;

	memcpy(&head, mac, sizeof(head));
	memcpy(&tail, mac + sizeof(head), sizeof(tail));
	return (u64)tail << 32 | head;
}

#define cordon_index_find(index, hash, it, same) ({				\
	u32 _slot = (hash) & (index)->mask;				\
	u32 _found = CORDON_NO_DEVICE;					\
	u32 _content;							\
									\
	/* What is at the place was written before, see cordon_index_add(). */ \
	for (; (_content = READ_ONCE((index)->slots[_slot]));		\
	     _slot = (_slot + 1) & (index)->mask) {			\
		u32 it = _content - 1;					\
									\
		if (same) {						\
			_found = it;					\
			break;						\
		}							\
	}								\
	_found;								\
})

struct cordon_policy;

typedef u32 (*cordon_index_hash)(const struct cordon_policy *p, u32 place);

int cordon_index_add(struct cordon_index *index, u32 hash, u32 place);
int cordon_index_try(const struct cordon_index *index, u32 hash);
void cordon_index_move(struct cordon_index *index, u32 hash, u32 from, u32 to);
void cordon_index_remove(struct cordon_index *index, u32 place, cordon_index_hash hash_of,
			 const struct cordon_policy *p);

#endif
