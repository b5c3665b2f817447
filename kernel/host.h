/* SPDX-License-Identifier: GPL-2.0 */
/* The table of devices that packets see. */
#ifndef _CORDON_HOST_H
#define _CORDON_HOST_H

#include <linux/cache.h>
#include <linux/in6.h>

#include "core/index.h"
#include "device.h"

#define CORDON_NO_MAC	(~0ULL)	/* no cordon_mac_key() */
#define CORDON_NO_PORT	0xfffe	/* no port's place, and not CORDON_ANY_PORT */

static_assert(CORDON_MAX_PORTS <= CORDON_BRIDGE_PORT);

/**
 * struct cordon_host - a device as packets see it: one cache line
 * @mac: cordon_mac_key() of its MAC; CORDON_NO_MAC, it is gone
 * @v4: its first IPv4 address; 0, it has none
 * @port: the only port that it may be behind, or CORDON_ANY_PORT; CORDON_NO_PORT, it is gone, or
 *	it is tied to several or in a VLAN of ports in a bridge, which takes the slow path
 * @segment: the segment that the policy puts it into
 * @v6: its first IPv6 address; an IPv4-mapped one, which no packet may bear, if it has none
 * @device: what is kept of it from policy to policy
 * @sent: what its segment's members sent
 * @certificate: it is active with a lease only
 * @watched: its segment has a limit for what it opens, see behaviour.c
 */
struct cordon_host {
	u64 mac;
	__be32 v4;
	u16 port;
	u16 segment;
	struct in6_addr v6;
	struct cordon_device *device;
	struct cordon_traffic __percpu *sent;
	bool certificate;
	bool watched;
} ____cacheline_aligned;

/**
 * cordon_host_leave - the device is gone from here
 * @host: what packets see of it
 *
 * Who has it from a stamp finds neither its MAC nor a port that it could be behind, and takes the
 * slow path.
 */
static inline void cordon_host_leave(struct cordon_host *host)
{
	WRITE_ONCE(host->port, CORDON_NO_PORT);
	/* Pairs with cordon_host_is_or_was(): whoever finds no MAC finds no port. */
	smp_store_release(&host->mac, CORDON_NO_MAC);
}

/**
 * cordon_host_is_or_was - the device has a MAC, or is gone from here and its MAC is not known
 * @host: where an index of MACs led to
 * @mac: cordon_mac_key() of the MAC
 *
 * The index may have been read before the device went to another place, or away. So one that is
 * gone ends the search, and is behind no port.
 */
static __always_inline bool cordon_host_is_or_was(const struct cordon_host *host, u64 mac)
{
	/* Pairs with cordon_host_leave(), and with cordon_ruleset_host(). */
	const u64 there = smp_load_acquire(&host->mac);

	return likely(there == mac) || there == CORDON_NO_MAC;
}

/**
 * cordon_host_is_active - its effective segment is the one that the policy puts it into
 * @host: the device
 * @wire: interface that what it sent came in on; 0, it is not about something that it sent
 *
 * As cordon_device_state() says, for CORDON_STATE_ACTIVE.
 */
static __always_inline bool cordon_host_is_active(const struct cordon_host *host, int wire)
{
	const struct cordon_device *d = host->device;
	int bound;
	u32 end;

	if (unlikely(READ_ONCE(d->flags)))
		return false;
	if (!host->certificate)
		return true;
	/* Pairs with lease_set(): the interface is read after it, and is not an older one. */
	end = smp_load_acquire(&d->lease_end);
	if (unlikely(!end || (s32)(end - cordon_now()) <= 0))
		return false;
	bound = wire ? READ_ONCE(d->lease_ifindex) : 0;
	return !bound || bound == wire;
}

#endif
