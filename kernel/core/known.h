/* SPDX-License-Identifier: GPL-2.0 */
/* Which destinations a device has reached, in a space that does not grow with them. */
#ifndef _CORDON_KNOWN_H
#define _CORDON_KNOWN_H

#include "prefix.h"
#include "siphash.h"

#define CORDON_KNOWN_SLOTS	224

static_assert(CORDON_MAX_KNOWN * 4 < CORDON_KNOWN_SLOTS * 3, "a search ends soon at an empty slot");

/**
 * struct cordon_destination - towards what a device opens something
 * @whom: a network, a device, or the gateway: see cordon_destination_network() and its like
 * @proto: IANA number
 * @port: port, or type of ICMP
 */
struct cordon_destination {
	struct cordon_addr whom;
	u8 proto;
	u16 port;
};

/**
 * struct cordon_known - a set of destinations, each by 32 bits of a keyed hash
 * @key: random; or else who chooses destinations chooses one that passes for another
 * @n: how many there are
 * @slots: each hash at its place, or in one of the next free ones; 0, free
 *
 * Destinations are added and never taken away, so that a search may go on while one is added. Of a
 * destination that is not known, one in 2^32 / @n passes for a known one.
 */
struct cordon_known {
	struct cordon_key key;
	u32 n;
	u32 slots[CORDON_KNOWN_SLOTS];
};

/* Of a device, its MAC, whatever its address is by now. No destination begins with these bits. */
static inline struct cordon_addr cordon_destination_device(u64 mac_key)
{
	return (struct cordon_addr){ .hi = ~0ULL, .lo = mac_key };
}

/* The gateway is one host, by whichever of its addresses. */
static inline struct cordon_addr cordon_destination_gateway(void)
{
	return (struct cordon_addr){ .hi = ~0ULL, .lo = ~0ULL };
}

/* Who is behind an address of a service changes all day; its network does so less: /24 or /48. */
static inline struct cordon_addr cordon_destination_network(const struct cordon_addr *addr)
{
	if (cordon_addr_is_v4(addr))
		return (struct cordon_addr){ .lo = addr->lo & ~0xffULL };
	return (struct cordon_addr){ .hi = addr->hi & ~0xffffULL };
}

/* No more are added. */
static inline bool cordon_known_is_full(const struct cordon_known *k)
{
	return READ_ONCE(k->n) >= CORDON_MAX_KNOWN;
}

void cordon_known_init(struct cordon_known *k, const struct cordon_key *key);
u32 cordon_known_hash(const struct cordon_known *k, const struct cordon_destination *d);
bool cordon_known_has(const struct cordon_known *k, u32 hash);
bool cordon_known_add(struct cordon_known *k, u32 hash);

#endif
