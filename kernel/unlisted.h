/* SPDX-License-Identifier: GPL-2.0 */
/* Devices that no policy lists: they were seen, and are held in a segment for such. */
#ifndef _CORDON_UNLISTED_H
#define _CORDON_UNLISTED_H

#include <linux/if_ether.h>
#include <linux/hashtable.h>
#include <linux/spinlock.h>

#include "core/dhcp.h"

/**
 * struct cordon_sighting - what is known of a device that no policy lists
 * @node: in cordon_unlisted.devices
 * @mac: EUI-48
 * @share: the port that it came in on, see cordon_unlisted.paces
 * @first: when it was seen first, in seconds since boot
 * @last: when it was last seen by what tells of addresses, likewise
 * @client: what it said of itself
 */
struct cordon_sighting {
	struct hlist_node node;
	u8 mac[ETH_ALEN];
	u8 share;
	u32 first;
	u32 last;
	struct cordon_dhcp_client client;
};

#define CORDON_UNLISTED_SHARES	16

/**
 * struct cordon_unlisted - the devices of a namespace that no policy lists
 * @lock: protects the list; whoever changes it holds cordon_net.lock, too
 * @devices: those that are there, by MAC
 * @seed: of the hash; random
 * @n: how many
 * @paces: of each port, by a hash of its index
 * @paces.second: of the last one that came, in seconds since boot
 * @paces.burst: how many came in that second
 */
struct cordon_unlisted {
	spinlock_t lock;	/* the list, for moments */
	DECLARE_HASHTABLE(devices, 8);
	u32 seed;
	u32 n;
	struct {
		u32 second;
		u32 burst;
	} paces[CORDON_UNLISTED_SHARES];
};

void cordon_unlisted_init(struct cordon_unlisted *u);
void cordon_unlisted_exit(struct cordon_unlisted *u);
bool cordon_unlisted_hurry(const struct cordon_unlisted *u, int in);
bool cordon_unlisted_hurries(struct cordon_unlisted *u, int in);
int cordon_unlisted_add(struct cordon_unlisted *u, const u8 *mac, int in);
void cordon_unlisted_del(struct cordon_unlisted *u, const u8 *mac);
bool cordon_unlisted_spare(struct cordon_unlisted *u, int in, u8 *mac);
void cordon_unlisted_seen(struct cordon_unlisted *u, const u8 *mac,
			  const struct cordon_dhcp_client *client);
bool cordon_unlisted_get(struct cordon_unlisted *u, const u8 *mac, struct cordon_sighting *out);
void cordon_unlisted_sweep(struct cordon_unlisted *u, const struct cordon_policy *p);
u32 cordon_unlisted_ago(u32 then);

#endif
