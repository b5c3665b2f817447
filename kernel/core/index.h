/* SPDX-License-Identifier: GPL-2.0 */
/* Within policies: indexes by open addressing, and what is hashed for them. */
#ifndef CORDON_CORE_INDEX_H
#define CORDON_CORE_INDEX_H

#include "policy.h"

/* As a number; which one differs with the byte order, and does not matter. */
static inline u64 cordon_mac_key(const u8 *mac)
{
	u32 head;
	u16 tail;

	memcpy(&head, mac, sizeof(head));
	memcpy(&tail, mac + sizeof(head), sizeof(tail));
	return (u64)tail << 32 | head;
}

static inline u32 cordon_hash_mac(const struct cordon_policy *p, const u8 *mac)
{
	return cordon_multiply(&p->multipliers, cordon_mac_key(mac));
}

static inline u32 cordon_hash_addr(const struct cordon_policy *p, const struct cordon_addr *a)
{
	return cordon_multilinear(&p->multipliers, a->lo, a->hi);
}

static inline u32 cordon_hash_name(const struct cordon_policy *p, const char *name)
{
	return cordon_siphash_string(&p->key, name);
}

static inline u32 cordon_hash_pair(const struct cordon_policy *p, u16 from, u16 to)
{
	return cordon_multilinear(&p->multipliers, (u32)from << 16 | to, 0);
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
