/* SPDX-License-Identifier: GPL-2.0 */
/* What outlives a policy: state and counters of devices, counters of segments. */
#ifndef _CORDON_DEVICE_H
#define _CORDON_DEVICE_H

#include <linux/etherdevice.h>
#include <linux/refcount.h>
#include <linux/rcupdate.h>
#include <linux/seqlock.h>

#include "core/decide.h"
#include "clock.h"
#include "stats.h"
#include "tally.h"

struct kobject;

/* Bits of struct cordon_device.flags */
enum {
	CORDON_DEVICE_QUARANTINED,
	CORDON_DEVICE_OUTDATED,
};

/* cordon_device.lease_ifindex of a lease that is bound to a port without an interface so far */
#define CORDON_LEASE_WAITS	(-1)

/**
 * struct cordon_device_start - how a device begins that nobody has seen yet
 * @device: its place in the policy
 * @lease: seconds; 0, it has ended
 * @leased: @lease says something
 * @certified: a check-in gave the lease, with @certificate
 * @quarantined: it is quarantined
 * @outdated: its firmware is too old
 * @port: that the lease is bound to; empty, to none
 * @certificate: SHA-256
 */
struct cordon_device_start {
	u32 device;
	u32 lease;
	bool leased;
	bool certified;
	bool quarantined;
	bool outdated;
	char port[CORDON_IFNAME_LEN];
	u8 certificate[CORDON_CERTIFICATE_LEN];
};

/**
 * struct cordon_device - what is kept of a device from policy to policy
 * @refs: one for each ruleset that has it, one for its directory in sysfs
 * @lease_seq: see DOC: locking
 * @flags: CORDON_DEVICE_* bits
 * @lease_end: in ticks (cordon_now()); 0, never had a lease
 * @lease_ifindex: the lease is for what comes in there; 0, anywhere; or CORDON_LEASE_WAITS
 * @claim: interface identifier of the link-local address that it claimed; 0, none
 * @mac: EUI-48
 * @certified: a check-in gave the lease, with @certificate; under @lease_seq
 * @inspected: connections under TLS inspection; under cordon_inspector.lock
 * @traffic: packets that passed, in @block
 * @denied: packets from or to it that did not
 * @block: has a place for its counters, and for its anomalies by kind, see cordon_device_tallies()
 * @certificate: SHA-256; under @lease_seq
 * @lease_port: the port of @lease_ifindex, by its name in the policy; under @lease_seq
 * @node: its directory in sysfs; sysfs.c's, under the namespace's lock
 * @seen: index of the port in a bridge on which a frame of its came in last; 0, none
 * @rcu: frees it, when nobody has a reference by which to look at the two
 *
 * There may be a quarter of a million of them: two cache lines each, and what packets that pass
 * look at is in the first.
 */
struct cordon_device {
	refcount_t refs;
	seqcount_t lease_seq;
	unsigned long flags;
	u32 lease_end;
	int lease_ifindex;
	atomic64_t claim;
	u8 mac[ETH_ALEN];
	bool certified;
	u8 inspected;
	struct cordon_traffic __percpu *traffic;
	atomic64_t denied;
	struct cordon_traffic_block *block;
	u8 certificate[CORDON_CERTIFICATE_LEN];
	char lease_port[CORDON_IFNAME_LEN];
	union {
		struct {
			struct kobject *node;
			int seen;
		};
		struct rcu_head rcu;
	};
};

/**
 * struct cordon_segment - what is kept of a segment from policy to policy
 * @refs: one for each ruleset that has it, one for its directory in sysfs
 * @name: the segment's
 * @traffic: rx, what its members sent and passed; tx is not counted
 * @denied: packets that its members sent and that did not pass
 * @node: its directory in sysfs; sysfs.c's, under the namespace's lock
 * @rcu: frees it
 */
struct cordon_segment {
	refcount_t refs;
	char name[CORDON_NAME_LEN];
	struct cordon_traffic __percpu *traffic;
	atomic64_t denied;
	struct kobject *node;
	struct rcu_head rcu;
};

int cordon_device_init(void);
void cordon_device_exit(void);
struct cordon_device *cordon_device_new(struct cordon_traffic_pool *pool, const u8 *mac,
					bool tallies);
struct cordon_device *cordon_device_get(struct cordon_device *device);
void cordon_device_put(struct cordon_device *device);
struct cordon_tallies *cordon_device_tallies(struct cordon_device *device);
struct cordon_scan *cordon_device_scan(struct cordon_tallies *tallies);
int cordon_device_remember(struct cordon_device *device);
struct cordon_destinations *cordon_device_destinations(const struct cordon_device *device);
struct cordon_tally *cordon_device_tally(struct cordon_device *device);
const struct cordon_tally *cordon_device_anomalies(const struct cordon_device *device);

struct cordon_segment *cordon_segment_new(const char *name);
struct cordon_segment *cordon_segment_get(struct cordon_segment *segment);
void cordon_segment_put(struct cordon_segment *segment);

void cordon_device_lease(struct cordon_device *device, u32 seconds);
bool cordon_device_checkin(struct cordon_device *device, u32 seconds, int ifindex,
			   const char *port, const u8 *certificate);
void cordon_device_start(struct cordon_device *device, const struct cordon_device_start *start);
void cordon_device_release(struct cordon_device *device);
void cordon_device_bind(struct cordon_device *device, int ifindex);
u32 cordon_device_lease_seconds(const struct cordon_device *device);
bool cordon_device_certificate(const struct cordon_device *device, u8 *certificate);
bool cordon_device_lease_port(const struct cordon_device *device, char *port);

/**
 * cordon_device_posture - what is known of a device besides the policy
 * @device: the device
 * @ifindex: where what it sent came in; 0, it is not about something that it sent
 * @posture: filled
 */
static inline void cordon_device_posture(const struct cordon_device *device, int ifindex,
					 struct cordon_posture *posture)
{
	unsigned long flags = READ_ONCE(device->flags);
	/* Pairs with lease_set(): the interface is read after it, and is not an older one. */
	u32 end = smp_load_acquire(&device->lease_end);
	int bound;

	posture->quarantined = flags & BIT(CORDON_DEVICE_QUARANTINED);
	posture->outdated = flags & BIT(CORDON_DEVICE_OUTDATED);
	posture->was_leased = end;
	posture->leased = end && (s32)(end - cordon_now()) > 0;
	if (ifindex) {
		bound = READ_ONCE(device->lease_ifindex);
		posture->leased &= !bound || bound == ifindex;
	}
}

#endif
