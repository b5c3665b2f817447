/* SPDX-License-Identifier: GPL-2.0 */
/* Indexes by open addressing. */
#ifndef CORDON_CORE_INDEX_H
#define CORDON_CORE_INDEX_H

#include "types.h"

#define CORDON_NO_DEVICE	0xffffffffU	/* no place is found */

/** struct cordon_index - slots hold place + 1, 0 is free */
struct cordon_index {
	u32 mask;
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
									\
	for (; (index)->slots[_slot]; _slot = (_slot + 1) & (index)->mask) { \
		u32 it = (index)->slots[_slot] - 1;			\
									\
		if (same) {						\
			_found = it;					\
			break;						\
		}							\
	}								\
	_found;								\
})

#endif
