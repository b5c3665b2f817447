/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses as numbers, and longest-prefix match over them. */
#ifndef _CORDON_PREFIX_H
#define _CORDON_PREFIX_H

#include "types.h"

#define CORDON_NO_SEGMENT	0xffff
#define CORDON_V4_PREFIX	0x0000ffff00000000ULL	/* ::ffff:0:0/96 */

/**
 * struct cordon_addr - an IP address as a number
 * @hi: first eight bytes, host order
 * @lo: last eight bytes, host order
 *
 * IPv4 is held as its IPv4-mapped form (RFC 4291, 2.5.5.2). A packet that
 * carries a mapped address on the wire is malformed and never gets this far.
 */
struct cordon_addr {
	u64 hi;
	u64 lo;
};

static inline struct cordon_addr cordon_addr_v4(u32 host_order)
{
	return (struct cordon_addr){ .lo = CORDON_V4_PREFIX | host_order };
}

static inline bool cordon_addr_is_v4(const struct cordon_addr *a)
{
	return !a->hi && (a->lo >> 32) == 0xffff;
}

static inline bool cordon_addr_equal(const struct cordon_addr *a,
				     const struct cordon_addr *b)
{
	return a->hi == b->hi && a->lo == b->lo;
}

static inline int cordon_addr_compare(const struct cordon_addr *a,
				      const struct cordon_addr *b)
{
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return 0;
}

static inline bool cordon_addr_is_unspecified(const struct cordon_addr *a)
{
	return !a->hi && (!a->lo || a->lo == CORDON_V4_PREFIX);
}

/* fe80::/10 (RFC 4291, 2.5.6) */
static inline bool cordon_addr_is_link_local(const struct cordon_addr *a)
{
	return (a->hi >> 54) == (0xfe80ULL << 48 >> 54);
}

/* ff00::/8, 224.0.0.0/4, 255.255.255.255 */
static inline bool cordon_addr_is_multicast(const struct cordon_addr *a)
{
	if (cordon_addr_is_v4(a))
		return ((u32)a->lo >> 28) == 0xe || (u32)a->lo == 0xffffffff;
	return (a->hi >> 56) == 0xff;
}

/* ::1, 127.0.0.0/8 */
static inline bool cordon_addr_is_loopback(const struct cordon_addr *a)
{
	if (cordon_addr_is_v4(a))
		return ((u32)a->lo >> 24) == 127;
	return !a->hi && a->lo == 1;
}

/**
 * struct cordon_network_def - a network as the policy names it
 * @addr: its first address
 * @len: prefix length within the mapped form, 0..128 (IPv4: 96 more than written)
 * @segment: whose it is
 */
struct cordon_network_def {
	struct cordon_addr addr;
	u16 segment;
	u8 len;
};

/**
 * struct cordon_range - one stretch of addresses between two borders
 * @start: its first address; it ends where the next range starts
 * @segment: whose it is, or CORDON_NO_SEGMENT
 */
struct cordon_range {
	struct cordon_addr start;
	u16 segment;
};

struct cordon_addr cordon_prefix_last(const struct cordon_addr *addr, u8 len);
bool cordon_prefix_is_clean(const struct cordon_addr *addr, u8 len);
int cordon_prefix_compare(const void *a, const void *b);
u32 cordon_prefix_flatten(struct cordon_range *out,
			  const struct cordon_network_def *sorted, u32 n);
u16 cordon_prefix_lookup(const struct cordon_range *ranges, u32 n,
			 const struct cordon_addr *addr);

#endif
