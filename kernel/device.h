/* SPDX-License-Identifier: GPL-2.0 */
/* What outlives a policy: state and counters of devices, counters of segments. */
#ifndef _CORDON_DEVICE_H
#define _CORDON_DEVICE_H

#include <linux/etherdevice.h>
#include <linux/refcount.h>
#include <linux/rcupdate.h>

#include "core/decide.h"
#include "stats.h"

struct kobject;

/* Bits of struct cordon_device.flags */
enum {
	CORDON_DEVICE_QUARANTINED,
	CORDON_DEVICE_OUTDATED,
};

/**
 * struct cordon_device - what is kept of a device from policy to policy
 * @refs: one for each ruleset that has it, one for its directory in sysfs
 * @flags: CORDON_DEVICE_* bits
 * @lease_end: in ticks (cordon_now()); 0, never had a lease
 * @mac: EUI-48
 * @traffic: packets that passed
 * @denied: packets from or to it that did not
 * @tally: anomalies by kind
 * @node: its directory in sysfs; sysfs.c's, under the namespace's lock
 * @rcu: frees it
 */
struct cordon_device {
	refcount_t refs;
	unsigned long flags;
	u32 lease_end;
	u8 mac[ETH_ALEN];
	struct cordon_traffic __percpu *traffic;
	atomic64_t denied;
	struct cordon_tally tally[CORDON_KINDS];
	struct kobject *node;
	struct rcu_head rcu;
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

struct cordon_device *cordon_device_new(const u8 *mac);
struct cordon_device *cordon_device_get(struct cordon_device *device);
void cordon_device_put(struct cordon_device *device);

struct cordon_segment *cordon_segment_new(const char *name);
struct cordon_segment *cordon_segment_get(struct cordon_segment *segment);
void cordon_segment_put(struct cordon_segment *segment);

void cordon_device_lease(struct cordon_device *device, u32 seconds);
u32 cordon_device_lease_seconds(const struct cordon_device *device);

static inline void cordon_device_posture(const struct cordon_device *device,
					 struct cordon_posture *posture)
{
	unsigned long flags = READ_ONCE(device->flags);
	u32 end = READ_ONCE(device->lease_end);

	posture->quarantined = flags & BIT(CORDON_DEVICE_QUARANTINED);
	posture->outdated = flags & BIT(CORDON_DEVICE_OUTDATED);
	posture->was_leased = end;
	posture->leased = end && (s32)(end - cordon_now()) > 0;
}

#endif
