/* SPDX-License-Identifier: GPL-2.0 */
/* Policies on their way in. */
#ifndef _CORDON_TRANSACTION_H
#define _CORDON_TRANSACTION_H

#include <linux/list.h>
#include <linux/netlink.h>
#include <linux/siphash.h>

#include "core/policy.h"
#include "device.h"

struct cordon_caps;
struct cordon_net;

/**
 * struct cordon_been - where a device had been
 * @mac: of the device
 * @destinations: the transaction's
 */
struct cordon_been {
	u8 mac[ETH_ALEN];
	struct cordon_destinations *destinations;
};

/**
 * struct cordon_transaction - a policy that is being staged
 * @list: in cordon_net.transactions; while a request works on it, in none
 * @portid: the netlink socket that it is bound to
 * @generation: in force when it began
 * @draft: what was staged
 * @room: allocated length of each of the draft's lists
 * @starts: how devices begin, in the order of the draft's devices
 * @n_starts: length of @starts
 * @room_starts: allocated length of @starts
 * @told: bindings that were learned before
 * @n_told: length of @told
 * @room_told: allocated length of @told
 * @been: where devices had been
 * @n_been: length of @been
 * @room_been: allocated length of @been
 * @caps: the namespace's
 * @full: the cap that an object was refused by
 * @what: of which kind it was
 * @key: of the hash of names; random
 * @first: segments by hash of their name, place + 1
 * @next: the next one of that hash
 */
struct cordon_transaction {
	struct list_head list;
	u32 portid;
	u32 generation;
	struct cordon_draft draft;
	struct cordon_draft_room {
		u32 ports;
		u32 segments;
		u32 networks;
		u32 rules;
		u32 matches;
		u32 devices;
		u32 addresses;
		u32 uplinks;
		u32 interfaces;
		u32 servers;
	} room;
	struct cordon_device_start *starts;
	u32 n_starts;
	u32 room_starts;
	struct cordon_told *told;
	u32 n_told;
	u32 room_told;
	struct cordon_been *been;
	u32 n_been;
	u32 room_been;
	const struct cordon_caps *caps;
	u32 full;
	const char *what;
	siphash_key_t key;
	u16 first[256];
	u16 next[CORDON_MAX_SEGMENTS];
};

int cordon_transaction_begin(struct cordon_net *cn, u32 portid, struct netlink_ext_ack *extack);
struct cordon_transaction *cordon_transaction_take(struct cordon_net *cn, u32 portid,
						   struct netlink_ext_ack *extack);
void cordon_transaction_return(struct cordon_net *cn, struct cordon_transaction *t);
int cordon_transaction_commit(struct cordon_net *cn, u32 portid, u32 confirm,
			      struct netlink_ext_ack *extack);
int cordon_transaction_abort(struct cordon_net *cn, u32 portid, struct netlink_ext_ack *extack);
void cordon_transactions_abort(struct cordon_net *cn);

struct cordon_port_def *cordon_transaction_port(struct cordon_transaction *t);
struct cordon_addr *cordon_transaction_server(struct cordon_transaction *t);
struct cordon_told *cordon_transaction_binding(struct cordon_transaction *t);
struct cordon_uplink_def *cordon_transaction_uplink(struct cordon_transaction *t);
struct cordon_interface_def *cordon_transaction_interface(struct cordon_transaction *t);
struct cordon_segment_def *cordon_transaction_segment(struct cordon_transaction *t,
						      const char *name);
struct cordon_network_def *cordon_transaction_network(struct cordon_transaction *t);
struct cordon_rule_def *cordon_transaction_rule(struct cordon_transaction *t);
struct cordon_match *cordon_transaction_match(struct cordon_transaction *t);
struct cordon_device_def *cordon_transaction_device(struct cordon_transaction *t);
struct cordon_addr *cordon_transaction_address(struct cordon_transaction *t);
struct cordon_device_start *cordon_transaction_start(struct cordon_transaction *t);
int cordon_transaction_destinations(struct cordon_transaction *t, const u8 *mac,
				    struct cordon_destinations *destinations);
void cordon_transaction_forget(struct cordon_transaction *t, u32 been);
u16 cordon_transaction_find_segment(const struct cordon_transaction *t, const char *name);
void cordon_transaction_undo(struct cordon_transaction *t, const struct cordon_draft *before);

#endif
