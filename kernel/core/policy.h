/* SPDX-License-Identifier: GPL-2.0 */
/* A policy: as it is written down (draft), and sealed for judging (policy). */
#ifndef _CORDON_POLICY_H
#define _CORDON_POLICY_H

#include "index.h"
#include "prefix.h"
#include "siphash.h"

#ifdef __KERNEL__
#include <uapi/linux/cordon.h>
#else
#include <linux/cordon.h>
#endif

#define CORDON_KINDS		(CORDON_KIND_NEW_DESTINATION + 1)
#define CORDON_INHERIT		0xff		/* a device's own demand: none */
#define CORDON_ANY_PORT		0xffff		/* a device may be behind any port */
#define CORDON_BRIDGE_PORT	0xfffd		/* behind the ports of a bridge, not said which */
#define CORDON_PROTO_ANY	0		/* matches every protocol */

/* Built-in segments are the first of every policy, in this order. */
enum cordon_builtin {
	CORDON_SEGMENT_GATEWAY,
	CORDON_SEGMENT_ONBOARDING,
	CORDON_SEGMENT_QUARANTINE,
	CORDON_SEGMENT_UPDATE,
	CORDON_BUILTIN_SEGMENTS,
};

/**
 * struct cordon_limit - when anomalies of one kind are too many
 * @count: that many ...
 * @window: ... in so many seconds; 0, no limit is set
 * @action: enum cordon_action
 */
struct cordon_limit {
	u32 count;
	u32 window;
	u8 action;
};

/**
 * struct cordon_segment_def - a segment as the policy describes it
 * @name: unique, NUL-terminated
 * @lease: seconds that one check-in lasts
 * @grace: seconds that a device may go on with firmware that is too old
 * @postpone: seconds that a device may put off an update
 * @learn: seconds for which the destinations of its devices are learned, under a limit for
 *	CORDON_KIND_NEW_DESTINATION
 * @authentication: enum cordon_authentication
 * @encryption: enum cordon_encryption
 * @firmware: 1, its devices are updated automatically
 * @isolate: 1, its devices may not reach one another
 * @limits: by kind
 */
struct cordon_segment_def {
	char name[CORDON_NAME_LEN];
	u32 lease;
	u32 grace;
	u32 postpone;
	u32 learn;
	u8 authentication;
	u8 encryption;
	u8 firmware;
	u8 isolate;
	struct cordon_limit limits[CORDON_KINDS];
};

/**
 * struct cordon_match - what a rule allows
 * @proto: IANA number, or CORDON_PROTO_ANY
 * @lo: lowest destination port or ICMP type
 * @hi: highest, included
 */
struct cordon_match {
	u8 proto;
	u16 lo;
	u16 hi;
};

/**
 * struct cordon_rule_def - what one segment may open towards another
 * @from: segment that opens
 * @to: segment that is opened to
 * @first: its first match in the list of all matches
 * @n: how many
 * @plaintext: 1, encryption is not demanded of what it opens
 * @related: 1, it admits the connections that what it opens announces, too
 */
struct cordon_rule_def {
	u32 first;
	u16 n;
	u16 from;
	u16 to;
	u8 plaintext;
	u8 related;
};

/** struct cordon_port_def - an interface behind which devices live */
struct cordon_port_def {
	char name[CORDON_IFNAME_LEN];
};

/** struct cordon_uplink_def - a name or pattern of interfaces that may forward and are no ports */
struct cordon_uplink_def {
	char name[CORDON_IFNAME_LEN];
};

/**
 * struct cordon_interface_def - where the networks of a segment are reached
 * @name: a name or pattern of interfaces, which are uplinks by that
 * @segment: the segment
 */
struct cordon_interface_def {
	char name[CORDON_IFNAME_LEN];
	u16 segment;
};

/**
 * struct cordon_device_def - a device as the policy describes it
 * @mac: EUI-48; unique, unicast, not zero
 * @segment: the segment the policy puts it into
 * @first: its first address in the list of all addresses
 * @n: how many
 * @fixed: so many of them, the first ones, the policy gives it, and the others are learned; with
 *	CORDON_LEARN_NONE it does not matter, see cordon_device_fixed()
 * @learn: enum cordon_learn
 * @unlisted: 1, no policy lists it; it was seen
 * @roam: 1, a lease that a check-in gives is not bound to the port where that was
 * @port: index of the first port that it may be behind, or CORDON_ANY_PORT
 * @vlan: the VLAN that it is in behind each of its ports, members of a bridge that filters VLANs;
 *	0, that of untagged frames
 * @also: indexes of the others
 * @n_also: how many; 0, it is tied to one port or none
 * @authentication: own demand, or CORDON_INHERIT; after sealing what holds is
 *	asked with cordon_device_authentication()
 * @encryption: own demand, or CORDON_INHERIT
 * @firmware: own, or CORDON_INHERIT
 * @name: unique, NUL-terminated
 * @model: may be empty
 */
struct cordon_device_def {
	u8 mac[6];
	u16 segment;
	u32 first;
	u16 port;
	u16 vlan;
	u16 also[CORDON_MAX_DEVICE_PORTS - 1];
	u8 n_also;
	u8 n;
	u8 fixed;
	u8 learn;
	u8 unlisted;
	u8 roam;
	u8 authentication;
	u8 encryption;
	u8 firmware;
	char name[CORDON_DEVICE_NAME_LEN];
	char model[CORDON_NAME_LEN];
};

/** cordon_device_ports - to how many ports a device is tied; 0, it may be behind any */
static inline u32 cordon_device_ports(const struct cordon_device_def *d)
{
	return d->port == CORDON_ANY_PORT ? 0 : 1 + d->n_also;
}

/**
 * cordon_device_port - one of the ports that a device is tied to
 * @d: the device
 * @i: which, less than cordon_device_ports()
 */
static inline u16 cordon_device_port(const struct cordon_device_def *d, u32 i)
{
	return i ? d->also[i - 1] : d->port;
}

/**
 * cordon_device_add_port - tie a device to one port more
 * @d: the device, tied to less than CORDON_MAX_DEVICE_PORTS
 * @port: index of the port
 */
static inline void cordon_device_add_port(struct cordon_device_def *d, u16 port)
{
	if (d->port == CORDON_ANY_PORT)
		d->port = port;
	else
		d->also[d->n_also++] = port;
}

/**
 * cordon_device_may_be_at - the policy lets a device be behind a port
 * @d: the device
 * @port: index of the port
 */
static inline bool cordon_device_may_be_at(const struct cordon_device_def *d, u16 port)
{
	u32 i;

	if (d->port == CORDON_ANY_PORT || d->port == port)
		return true;
	for (i = 0; i < d->n_also; i++)
		if (d->also[i] == port)
			return true;
	return false;
}

/** enum cordon_object - what an error is about */
enum cordon_object {
	CORDON_OBJECT_POLICY,
	CORDON_OBJECT_PORT,
	CORDON_OBJECT_SEGMENT,
	CORDON_OBJECT_NETWORK,
	CORDON_OBJECT_RULE,
	CORDON_OBJECT_DEVICE,
	CORDON_OBJECT_ADDRESS,
	CORDON_OBJECT_UPLINK,
	CORDON_OBJECT_INTERFACE,
	CORDON_OBJECT_SERVER,
};

/** enum cordon_fault - why a draft cannot be sealed */
enum cordon_fault {
	CORDON_FAULT_NONE,
	CORDON_FAULT_TOO_MANY,		/* more than limits.h allows */
	CORDON_FAULT_NAME,		/* empty, or a character a name may not have */
	CORDON_FAULT_BUILTIN,		/* a built-in segment where it cannot stand */
	CORDON_FAULT_DUPLICATE_NAME,
	CORDON_FAULT_DUPLICATE_MAC,
	CORDON_FAULT_DUPLICATE_ADDRESS,
	CORDON_FAULT_DUPLICATE_NETWORK,
	CORDON_FAULT_MAC,		/* multicast or zero */
	CORDON_FAULT_ADDRESS,		/* not a unicast address */
	CORDON_FAULT_HOST_BITS,		/* a network's address has bits beyond its length */
	CORDON_FAULT_UNKNOWN_SEGMENT,
	CORDON_FAULT_UNKNOWN_PORT,
	CORDON_FAULT_NO_MATCH,		/* a rule that allows nothing */
	CORDON_FAULT_MATCH,		/* range upside down, or too large for its protocol */
	CORDON_FAULT_LOOSER,		/* a device demands less than its segment */
	CORDON_FAULT_NO_ADDRESS,
	CORDON_FAULT_LEASE,		/* 0, or more than CORDON_MAX_LEASE */
	CORDON_FAULT_VALUE,		/* an enumeration's value that does not exist */
	CORDON_FAULT_IS_PORT,		/* an uplink, or a segment's interface, that is a port */
	CORDON_FAULT_NO_NETWORK,	/* a segment that names interfaces and has no network */
	CORDON_FAULT_NO_PORTS,		/* ports of a protocol that has none */
	CORDON_FAULT_NOT_A_DEVICE,	/* a server whose address is no device's */
	CORDON_FAULT_VLAN,		/* more than CORDON_MAX_VLAN, or without a port */
	CORDON_FAULT_PORTS,		/* too many of one device, or one of them twice */
};

/**
 * struct cordon_error - why a draft cannot be sealed, and where
 * @fault: the reason
 * @object: kind of what is at fault
 * @index: its place in the draft's list of that kind
 * @other: place of the earlier object that it collides with, for duplicates;
 *	for CORDON_OBJECT_ADDRESS the place of the device that has it already
 */
struct cordon_error {
	enum cordon_fault fault;
	enum cordon_object object;
	u32 index;
	u32 other;
};

/**
 * struct cordon_draft - a policy as it is written down
 * @mode: enum cordon_mode
 * @n_ports: length of @ports
 * @n_segments: length of @segments
 * @n_networks: length of @networks
 * @n_rules: length of @rules
 * @n_matches: length of @matches
 * @n_devices: length of @devices
 * @n_addresses: length of @addresses
 * @n_uplinks: length of @uplinks
 * @n_interfaces: length of @interfaces
 * @unknown: segment of devices that it does not list; that of the gateway, they are denied
 * @n_servers: length of @servers
 * @learners: how many devices learn addresses, see cordon_draft_learners()
 * @spare: how many devices more there is to be room for when it is sealed, see change.h
 * @wide: likewise, places with as many addresses as a device may have, for those that have learned
 *	more than there is room for where they are
 * @ports: interfaces behind which devices live
 * @segments: the built-in ones, then the others
 * @networks: whose the addresses are that belong to no device
 * @rules: who may open what towards whom
 * @matches: of all rules, in their order
 * @devices: whom the policy knows
 * @addresses: of all devices, in their order
 * @uplinks: other interfaces that may forward; what is in neither list is closed
 * @interfaces: where the networks of segments are reached, by segment in ascending order
 * @servers: addresses of devices that are trusted as servers of DHCP
 *
 * The lists belong to the caller. @segments must begin with the built-in ones
 * (cordon_draft_builtin()). In @networks, @rules and @devices, segments and
 * ports are named by their place in @segments and @ports.
 */
struct cordon_draft {
	u8 mode;
	u16 unknown;
	u32 n_ports;
	u32 n_segments;
	u32 n_networks;
	u32 n_rules;
	u32 n_matches;
	u32 n_devices;
	u32 n_addresses;
	u32 n_uplinks;
	u32 n_interfaces;
	u32 n_servers;
	u32 learners;
	u32 spare;
	u32 wide;
	struct cordon_port_def *ports;
	struct cordon_segment_def *segments;
	struct cordon_network_def *networks;
	struct cordon_rule_def *rules;
	struct cordon_match *matches;
	struct cordon_device_def *devices;
	struct cordon_addr *addresses;
	struct cordon_uplink_def *uplinks;
	struct cordon_interface_def *interfaces;
	struct cordon_addr *servers;
};

/**
 * struct cordon_pair - what one segment may open towards another
 * @from: segment that opens
 * @to: segment that is opened to
 * @first: first of its openings
 * @n: how many
 * @any: everything is open
 * @any_plaintext: everything is open, without encryption
 * @any_related: everything is open, and what it announces, too
 */
struct cordon_pair {
	u16 from;
	u16 to;
	u32 first;
	u32 n;
	u8 any;
	u8 any_plaintext;
	u8 any_related;
};

/** struct cordon_opening - a stretch of ports; a pair's are sorted and disjoint */
struct cordon_opening {
	u16 lo;
	u16 hi;
	u8 proto;
	u8 plaintext;
	u8 related;
};

/**
 * struct cordon_build - how a policy is built
 * @key: random, for the look-ups; it must not be known to who wrote the draft
 * @pause: called once in a while, at most a few milliseconds apart; true, give up. Or NULL
 */
struct cordon_build {
	struct cordon_key key;
	bool (*pause)(void);
};

#define CORDON_WIDTHS	5	/* of stretches of addresses: 1, 2, 4, 8, 16 */

/**
 * struct cordon_places - which places have a device, and in which order
 * @room: how many there are; one more, at @room, is no device's and the head of the order
 * @room_addresses: likewise, of addresses
 * @n: devices
 * @next: the next device; also of one that is gone, until its place is reclaimed
 * @prev: the one before; CORDON_NO_DEVICE, there is no device here
 * @chain: the next place in @free or @gone
 * @width: binary logarithm of the number of addresses that there is room for at its first one, at
 *	least
 * @free: by width, places that no packet can know
 * @gone: places whose devices are gone
 */
struct cordon_places {
	u32 room;
	u32 room_addresses;
	u32 n;
	u32 *next;
	u32 *prev;
	u32 *chain;
	u8 *width;
	u32 free[CORDON_WIDTHS];
	u32 gone;
};

/**
 * struct cordon_policy - a sealed policy: one block of memory
 * @draft: what it was made of, in the block
 * @places: of its devices
 * @owner: device of each address
 * @members: how many devices the policy puts into each segment
 * @located: of each segment, 1 if it names the interfaces where it is
 * @key: of the hash of the indexes by name
 * @multipliers: of the hash of the others, made of @key
 * @by_mac: devices by MAC
 * @by_name: devices by name
 * @by_addr: addresses
 * @by_pair: pairs by (from, to)
 * @by_segment: segments by name
 * @n_pairs: length of @pairs
 * @n_openings: length of @openings
 * @pairs: segments between which something may be opened
 * @openings: of all pairs
 * @used: when each opening, then each pair where everything is open, last let a connection begin:
 *	whatever the caller's clock says; 0, never. Written as packets pass
 * @n_v4: length of @v4
 * @n_v6: length of @v6
 * @v4: IPv4 networks, flattened
 * @v6: IPv6 networks, flattened
 * @encrypted: of some device, encryption is or was demanded
 * @learns: some device learns or has learned addresses
 *
 * All of it is immutable, but for @used and single devices (change.h). After such a change,
 * n_devices and n_addresses of @draft say which places and addresses have been used so far;
 * cordon_policy_is_device() tells whether there is a device.
 */
struct cordon_policy {
	struct cordon_draft draft;
	struct cordon_places places;
	u32 *owner;
	u32 *members;
	u8 *located;
	struct cordon_key key;
	struct cordon_multipliers multipliers;
	struct cordon_index by_mac;
	struct cordon_index by_name;
	struct cordon_index by_addr;
	struct cordon_index by_pair;
	struct cordon_index by_segment;
	u32 n_pairs;
	u32 n_openings;
	struct cordon_pair *pairs;
	struct cordon_opening *openings;
	u32 *used;
	u32 n_v4;
	u32 n_v6;
	struct cordon_range *v4;
	struct cordon_range *v6;
	bool encrypted;
	bool learns;
};

/* Place in @used of what lets something through: an opening; or NULL, all is open for the pair. */
static inline u32 cordon_policy_use(const struct cordon_policy *p, const struct cordon_pair *pair,
				    const struct cordon_opening *opening)
{
	return opening ? (u32)(opening - p->openings) : p->n_openings + (u32)(pair - p->pairs);
}

/* By this verdict a connection begins. One that is there is not written: others read its line. */
static inline void cordon_policy_note_use(const struct cordon_policy *p, u32 use, u32 now)
{
	if (READ_ONCE(p->used[use]) != now)
		WRITE_ONCE(p->used[use], now);
}

void cordon_segment_def_init(struct cordon_segment_def *s);
void cordon_draft_builtin(struct cordon_segment_def *segments);
u16 cordon_segment_builtin(const char *name);
bool cordon_name_is_valid(const char *name, size_t size);
bool cordon_ifname_matches(const char *pattern, const char *name);

u32 cordon_device_room(const struct cordon_device_def *d);
u32 cordon_draft_learners(const struct cordon_draft *draft);
size_t cordon_policy_size(const struct cordon_draft *draft);
size_t cordon_policy_scratch_size(const struct cordon_draft *draft);
int cordon_policy_build(struct cordon_policy *p, const struct cordon_draft *draft,
			const struct cordon_build *how, void *scratch,
			struct cordon_error *err);

int cordon_policy_check_address(const struct cordon_addr *a);
int cordon_policy_check_device(const struct cordon_policy *p, u32 i, u32 expected_first,
			       struct cordon_error *err);

u32 cordon_policy_device_by_mac(const struct cordon_policy *p, const u8 *mac);
u32 cordon_policy_device_by_name(const struct cordon_policy *p, const char *name);
u32 cordon_policy_device_by_addr(const struct cordon_policy *p,
				 const struct cordon_addr *addr);
u16 cordon_policy_segment_by_name(const struct cordon_policy *p, const char *name);
u16 cordon_policy_network_segment(const struct cordon_policy *p,
				  const struct cordon_addr *addr);
const struct cordon_pair *cordon_policy_pair(const struct cordon_policy *p,
					     u16 from, u16 to);
const struct cordon_opening *cordon_policy_opening(const struct cordon_policy *p,
						   const struct cordon_pair *pair,
						   u8 proto, u16 port);
u32 cordon_policy_rule_used(const struct cordon_policy *p, u32 rule);
void cordon_policy_carry_used(struct cordon_policy *p, const struct cordon_policy *before);
u32 cordon_policy_rule(const struct cordon_policy *p, u16 from, u16 to,
		       u8 proto, u16 port);
bool cordon_policy_serves(const struct cordon_policy *p, const struct cordon_addr *addr);
bool cordon_policy_is_server(const struct cordon_policy *p, u32 device);
bool cordon_policy_device_learned(const struct cordon_policy *p, u32 device,
				  const struct cordon_addr *addr);
bool cordon_policy_device_has(const struct cordon_policy *p, u32 device,
			      const struct cordon_addr *addr);

/* There is a device at a place; one that is being changed may be at two. */
static inline bool cordon_policy_is_device(const struct cordon_policy *p, u32 place)
{
	return READ_ONCE(p->places.prev[place]) != CORDON_NO_DEVICE;
}

bool cordon_policy_is_uplink(const struct cordon_policy *p, const char *ifname);
bool cordon_policy_segment_is_at(const struct cordon_policy *p, u16 segment, const char *ifname);

/* Protocols whose headers begin with a source and a destination port. */
static inline bool cordon_proto_has_ports(u8 proto)
{
	return proto == 6 || proto == 17 || proto == 33 || proto == 132 || proto == 136;
}

/* How many addresses the policy gives a device: the first ones. The others are learned. */
static inline u8 cordon_device_fixed(const struct cordon_device_def *d)
{
	return d->learn ? d->fixed : d->n;
}

/* What holds for a device: its own demand, or else its segment's. */
static inline u8 cordon_device_authentication(const struct cordon_policy *p,
					      const struct cordon_device_def *d)
{
	return d->authentication != CORDON_INHERIT ? d->authentication :
		p->draft.segments[d->segment].authentication;
}

static inline u8 cordon_device_encryption(const struct cordon_policy *p,
					  const struct cordon_device_def *d)
{
	return d->encryption != CORDON_INHERIT ? d->encryption :
		p->draft.segments[d->segment].encryption;
}

static inline u8 cordon_device_firmware(const struct cordon_policy *p,
					const struct cordon_device_def *d)
{
	return d->firmware != CORDON_INHERIT ? d->firmware :
		p->draft.segments[d->segment].firmware;
}

/* What is hashed for the indexes. */
static inline u32 cordon_hash_mac(const struct cordon_policy *p, const u8 *mac)
{
	return cordon_multiply(cordon_multiplier(&p->multipliers), cordon_mac_key(mac));
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

#endif
