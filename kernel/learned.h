/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses that devices have learned, from policy to policy. */
#ifndef _CORDON_LEARNED_H
#define _CORDON_LEARNED_H

#include <linux/if_ether.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/workqueue.h>

#include "core/policy.h"

#define CORDON_LEARNED_IDLE	86400	/* seconds; of an address that no server gave */

/**
 * struct cordon_binding - an address that a device has learned
 * @addr: the address
 * @end: nanoseconds since boot; 0, never
 * @used: when it was learned, or last seen in use on its link; seconds since boot
 * @origin: enum cordon_origin
 */
struct cordon_binding {
	struct cordon_addr addr;
	u64 end;
	u32 used;
	u8 origin;
};

/**
 * struct cordon_learned - what the devices of a namespace have learned
 * @lock: protects the rest, see DOC: locking in net.h
 * @devices: by MAC, those that have learned something
 * @ends: the same, by the next end of one of theirs
 */
struct cordon_learned {
	spinlock_t lock;	/* the table, for moments */
	struct rhashtable devices;
	struct timerqueue_head ends;
};

int cordon_learned_init(struct cordon_learned *l);
void cordon_learned_exit(struct cordon_learned *l);

void cordon_binding_init(struct cordon_binding *b, const struct cordon_addr *addr, u8 origin,
			 u32 seconds);
u32 cordon_binding_seconds(const struct cordon_binding *b);

int cordon_learned_put(struct cordon_learned *l, const u8 *mac, const struct cordon_binding *b);
bool cordon_learned_drop(struct cordon_learned *l, const u8 *mac, const struct cordon_addr *addr);
void cordon_learned_forget(struct cordon_learned *l, const u8 *mac);
bool cordon_learned_find(struct cordon_learned *l, const u8 *mac, const struct cordon_addr *addr,
			 struct cordon_binding *out);
u32 cordon_learned_count(struct cordon_learned *l, const u8 *mac);
u32 cordon_learned_all(struct cordon_learned *l, const u8 *mac, struct cordon_binding *out);
void cordon_learned_seen(struct cordon_learned *l, const u8 *mac, const struct cordon_addr *addr);
u64 cordon_learned_due(struct cordon_learned *l, u8 *mac, struct cordon_binding *out);

void cordon_learned_append(struct cordon_learned *l, const struct cordon_policy *p,
			   struct cordon_device_def *def, struct cordon_addr *addresses);
void cordon_learned_sweep(struct cordon_learned *l, const struct cordon_policy *p);

#endif
