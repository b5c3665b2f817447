/* SPDX-License-Identifier: GPL-2.0 */
/* A sealed policy with the devices and segments that it is about. */
#ifndef _CORDON_RULESET_H
#define _CORDON_RULESET_H

#include <linux/netlink.h>

#include "core/stamp.h"
#include "device.h"
#include "host.h"
#include "ports.h"

struct cordon_net;

/**
 * struct cordon_bound - a range that an address lies in if it was bound, or more
 * @first: of IPv4, as in struct cordon_addr, and of the first half of IPv6
 * @last: likewise; less than @first, none was
 */
struct cordon_bound {
	u64 first[2];
	u64 last[2];
};

/**
 * struct cordon_ruleset - one policy in force
 * @hosts: the policy's devices as packets see them, by place; one more, as in struct cordon_places
 * @ports: interfaces, replaced under cordon_net.ports_lock
 * @stamp: what it puts on connections
 * @macs: slots of the policy's index of MACs
 * @macs_mask: their number less one
 * @room: length of @hosts less one
 * @multiplier: of the hash of MACs
 * @rebound: since the epoch of @stamp began, an address was bound that was not bound before; @bound
 *	says so, too, but this is in the line that each packet reads
 * @bound: where those addresses are
 * @policy: the sealed policy
 * @cn: of which namespace
 * @generation: its number; grows with each change of a device, under cordon_net.changes
 * @revision: how often what was learned has changed; grows likewise
 * @committed: @generation when its policy was put in force
 * @sealed: the sum of both numbers when it was put in force, no other ruleset's
 * @devices: state of each of the policy's devices, by place; NULL where there is none
 * @segments: counters of each of the policy's segments
 * @links: segments behind each port, replaced under cordon_net.lock; NULL, not known
 * @held: devices in built-in segments, as last counted
 *
 * Immutable, but for what is said above, @held, and what a change of a device changes, see
 * core/change.h. What the fast path reads comes first, in one cache line.
 */
struct cordon_ruleset {
	struct cordon_host *hosts;
	struct cordon_ports __rcu *ports;
	struct cordon_stamp_key stamp;
	const u32 *macs;
	u32 macs_mask;
	u32 room;
	u64 multiplier;
	bool rebound;

	struct cordon_bound bound ____cacheline_aligned;
	struct cordon_policy *policy;
	struct cordon_net *cn;
	u32 generation;
	u32 revision;
	u32 committed;
	u32 sealed;
	struct cordon_device **devices;
	struct cordon_segment **segments;
	struct cordon_links __rcu *links;
	u32 held[CORDON_BUILTIN_SEGMENTS];
};

struct cordon_ruleset *cordon_ruleset_new(struct cordon_net *cn, const struct cordon_draft *draft,
					  struct netlink_ext_ack *extack);
void cordon_ruleset_carry(struct cordon_net *cn, struct cordon_ruleset *rs);
void cordon_ruleset_learn(struct cordon_net *cn, struct cordon_ruleset *rs);
void cordon_ruleset_free(struct cordon_ruleset *rs);
void cordon_ruleset_host(struct cordon_ruleset *rs, u32 place);
int cordon_ruleset_remember(const struct cordon_policy *p, const struct cordon_device_def *def,
			    struct cordon_device *device);
void cordon_ruleset_explain(const struct cordon_draft *d, const struct cordon_error *e,
			    struct netlink_ext_ack *extack);
void cordon_ruleset_recount(struct cordon_net *cn);
u32 cordon_ruleset_count(const struct cordon_ruleset *rs, u16 segment);
struct cordon_end cordon_ruleset_end(const struct cordon_ruleset *rs, u32 device);
struct cordon_end cordon_ruleset_sender(const struct cordon_ruleset *rs, u32 device, int ifindex);

/* Since the epoch began, addresses were bound; then it is known where. */
static __always_inline bool cordon_ruleset_has_bound(const struct cordon_ruleset *rs)
{
	/* Pairs with note_bound(). */
	return smp_load_acquire(&rs->rebound);
}

/* No address was bound yet. */
static inline void cordon_bound_clear(struct cordon_bound *b)
{
	*b = (struct cordon_bound){ .first = { U64_MAX, U64_MAX } };
}

/* So was this one; before anybody can find it. */
static inline void cordon_bound_add(struct cordon_bound *b, const struct cordon_addr *a)
{
	const bool v6 = !cordon_addr_is_v4(a);
	const u64 key = v6 ? a->hi : a->lo;

	WRITE_ONCE(b->first[v6], min(b->first[v6], key));
	WRITE_ONCE(b->last[v6], max(b->last[v6], key));
}

/* This one may have been. */
static inline bool cordon_bound_has(const struct cordon_bound *b, const struct cordon_addr *a)
{
	const bool v6 = !cordon_addr_is_v4(a);
	const u64 key = v6 ? a->hi : a->lo;

	return key >= READ_ONCE(b->first[v6]) && key <= READ_ONCE(b->last[v6]);
}

/* Both are the same device, which is at two places while it changes; or both are none. */
static inline bool cordon_ruleset_is_same(const struct cordon_ruleset *rs, u32 a, u32 b)
{
	return a == b || (a != CORDON_NO_DEVICE && b != CORDON_NO_DEVICE &&
			  rs->devices[a] == rs->devices[b]);
}

/* A device with this MAC is at a place that a hint or a stamp names. */
static __always_inline bool cordon_ruleset_is_at(const struct cordon_ruleset *rs, u32 place,
						 u64 mac)
{
	/* Pairs with cordon_ruleset_host(): the rest of what is there was written before. */
	return place < rs->room && smp_load_acquire(&rs->hosts[place].mac) == mac;
}

/**
 * cordon_ruleset_by_mac - which device a MAC belongs to
 * @rs: the ruleset
 * @mac: cordon_mac_key() of the MAC
 *
 * Return: the device; a place that a device has just left, so that it takes the slow path; or
 * CORDON_NO_DEVICE.
 */
static __always_inline u32 cordon_ruleset_by_mac(const struct cordon_ruleset *rs, u64 mac)
{
	const struct {
		const u32 *slots;
		u32 mask;
	} index = { rs->macs, rs->macs_mask };

	return cordon_index_find(&index, cordon_multiply(rs->multiplier, mac), i,
				 cordon_host_is_or_was(&rs->hosts[i], mac));
}

#endif
