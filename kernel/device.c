// SPDX-License-Identifier: GPL-2.0
/* Devices and segments, from policy to policy. */
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "destinations.h"
#include "device.h"

static struct kmem_cache *cache;

/**
 * cordon_device_init - before the first device
 *
 * Return: 0 or -ENOMEM.
 */
int cordon_device_init(void)
{
	cache = kmem_cache_create("cordon_device", sizeof(struct cordon_device), 0,
				  SLAB_ACCOUNT | SLAB_HWCACHE_ALIGN, NULL);
	return cache ? 0 : -ENOMEM;
}

/** cordon_device_exit - after the last device, and after rcu_barrier() */
void cordon_device_exit(void)
{
	kmem_cache_destroy(cache);
}

static struct cordon_tallies *tallies_new(gfp_t gfp)
{
	return kcalloc(1, sizeof(struct cordon_tallies), gfp);
}

static struct cordon_scan *scan_new(gfp_t gfp)
{
	struct cordon_scan *scan = kcalloc(1, sizeof(*scan), gfp);
	struct cordon_key key;

	if (!scan)
		return NULL;
	get_random_bytes(&key, sizeof(key));
	cordon_sketch_init(&scan->sketch, &key);
	return scan;
}

static void tallies_free(struct cordon_tallies *tallies)
{
	if (tallies) {
		kfree(tallies->scan);
		kfree(tallies->destinations);
	}
	kfree(tallies);
}

static unsigned int place_of(const struct cordon_device *device)
{
	return device->traffic - device->block->traffic;
}

static struct cordon_tallies **tallies_of(const struct cordon_device *device)
{
	return &device->block->tallies[place_of(device)];
}

static void device_free(struct rcu_head *rcu)
{
	struct cordon_device *device = container_of(rcu, struct cordon_device, rcu);

	tallies_free(*tallies_of(device));
	*tallies_of(device) = NULL;
	cordon_traffic_give(device->block, place_of(device));
	kmem_cache_free(cache, device);
}

/**
 * cordon_device_new - a device that nobody has seen yet
 * @pool: of its namespace, has its counters
 * @mac: six bytes
 * @tallies: it has its tallies from the beginning; else cordon_device_tally() gives it some
 *
 * May sleep. Return: the device with one reference, NULL when there is no memory.
 */
struct cordon_device *cordon_device_new(struct cordon_traffic_pool *pool, const u8 *mac,
					bool tallies)
{
	struct cordon_device *device;
	unsigned int place;

	device = kmem_cache_zalloc(cache, GFP_KERNEL);
	if (!device)
		return NULL;
	device->block = cordon_traffic_take(pool, &place);
	if (!device->block) {
		kmem_cache_free(cache, device);
		return NULL;
	}
	device->traffic = device->block->traffic + place;
	if (tallies) {
		*tallies_of(device) = tallies_new(GFP_KERNEL_ACCOUNT);
		if (*tallies_of(device))
			(*tallies_of(device))->scan = scan_new(GFP_KERNEL_ACCOUNT);
		if (!*tallies_of(device) || !(*tallies_of(device))->scan) {
			device_free(&device->rcu);
			return NULL;
		}
	}
	refcount_set(&device->refs, 1);
	seqcount_init(&device->lease_seq);
	ether_addr_copy(device->mac, mac);
	return device;
}

/**
 * cordon_device_get - one more reference
 * @device: of which the caller has one
 */
struct cordon_device *cordon_device_get(struct cordon_device *device)
{
	refcount_inc(&device->refs);
	return device;
}

/**
 * cordon_device_put - give a reference back
 * @device: freed after a grace period with the last one; NULL is let through
 */
void cordon_device_put(struct cordon_device *device)
{
	if (device && refcount_dec_and_test(&device->refs))
		call_rcu(&device->rcu, device_free);
}

/* The device's tallies, which it gets if it has none; NULL, there is no memory. */
static struct cordon_tallies *get_tallies(struct cordon_device *device, gfp_t gfp)
{
	/* Pairs with cmpxchg(): who sees the tallies sees that they began at zero. */
	struct cordon_tallies *tallies = smp_load_acquire(tallies_of(device));
	struct cordon_tallies *first;

	if (likely(tallies))
		return tallies;
	tallies = tallies_new(gfp);
	if (!tallies)
		return NULL;
	/* Of several CPUs one brings them. */
	first = cmpxchg(tallies_of(device), NULL, tallies);
	if (!first)
		return tallies;
	kfree(tallies);
	return first;
}

/**
 * cordon_device_tallies - what is remembered of a device, to add to it
 * @device: the device
 *
 * Most devices never have an anomaly: the first one brings the memory, which stays as long as the
 * device; so does, under a limit for scan or rate, the first connection that it opens. No memory
 * cgroup is charged for it: a softirq has none, and a process that sends may be in another one than
 * who listed the device. Where anybody may list devices, these have their tallies from the
 * beginning instead, and their author is charged (cordon_caps.tallies).
 *
 * Context: any but hard interrupts; the caller has a reference, or is an RCU reader of a ruleset
 * that has one. Return: NULL, there is no memory now.
 */
struct cordon_tallies *cordon_device_tallies(struct cordon_device *device)
{
	return get_tallies(device, GFP_ATOMIC | __GFP_NOWARN);
}

/**
 * cordon_device_remember - have room for where a device has been
 * @device: the device
 *
 * For who lists it in a segment with a limit for CORDON_KIND_NEW_DESTINATION, and is charged. It
 * stays as long as the device, so that what was learned outlives a policy without such a limit.
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -ENOMEM.
 */
int cordon_device_remember(struct cordon_device *device)
{
	struct cordon_tallies *tallies = get_tallies(device, GFP_KERNEL_ACCOUNT);
	struct cordon_destinations *fresh;

	if (!tallies)
		return -ENOMEM;
	if (tallies->destinations)
		return 0;
	fresh = cordon_destinations_new(GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return -ENOMEM;
	/* Pairs with cordon_device_destinations(). */
	smp_store_release(&tallies->destinations, fresh);
	return 0;
}

/**
 * cordon_device_destinations - where a device has been
 * @device: the device
 *
 * Return: NULL, nobody ever asked.
 */
struct cordon_destinations *cordon_device_destinations(const struct cordon_device *device)
{
	/* Pairs with get_tallies(). */
	struct cordon_tallies *tallies = smp_load_acquire(tallies_of(device));

	/* Pairs with cordon_device_remember(): who sees them sees them begun. */
	return tallies ? smp_load_acquire(&tallies->destinations) : NULL;
}

/**
 * cordon_device_tally - a device's anomalies by kind, to count one
 * @device: the device
 *
 * Context: as cordon_device_tallies(). Return: CORDON_KINDS of them; NULL, there is no memory now.
 */
struct cordon_tally *cordon_device_tally(struct cordon_device *device)
{
	struct cordon_tallies *tallies = cordon_device_tallies(device);

	return likely(tallies) ? tallies->kind : NULL;
}

/**
 * cordon_device_anomalies - a device's anomalies by kind, for who only reads them
 * @device: the device
 *
 * Return: as cordon_device_tally(); NULL, there was none.
 */
const struct cordon_tally *cordon_device_anomalies(const struct cordon_device *device)
{
	/* Pairs with cordon_device_tallies(), as there. */
	const struct cordon_tallies *tallies = smp_load_acquire(tallies_of(device));

	return tallies ? tallies->kind : NULL;
}

/**
 * cordon_device_scan - a device's targets, to add one
 * @tallies: the device's
 *
 * The first one brings the memory.
 *
 * Context: as cordon_device_tallies(). Return: NULL, there is no memory now.
 */
struct cordon_scan *cordon_device_scan(struct cordon_tallies *tallies)
{
	/* Pairs with cmpxchg(): who sees the targets sees that there were none. */
	struct cordon_scan *scan = smp_load_acquire(&tallies->scan);
	struct cordon_scan *first;

	if (likely(scan))
		return scan;
	scan = scan_new(GFP_ATOMIC | __GFP_NOWARN);
	if (!scan)
		return NULL;
	first = cmpxchg(&tallies->scan, NULL, scan);
	if (!first)
		return scan;
	kfree(scan);
	return first;
}

/**
 * cordon_segment_new - a segment's counters, all zero
 * @name: at most CORDON_NAME_LEN - 1 bytes
 *
 * May sleep. Return: the segment with one reference, NULL when there is no memory.
 */
struct cordon_segment *cordon_segment_new(const char *name)
{
	struct cordon_segment *segment;

	segment = kzalloc(sizeof(*segment), GFP_KERNEL_ACCOUNT);
	if (!segment)
		return NULL;
	segment->traffic = cordon_traffic_new();
	if (!segment->traffic) {
		kfree(segment);
		return NULL;
	}
	refcount_set(&segment->refs, 1);
	strscpy(segment->name, name, sizeof(segment->name));
	return segment;
}

/**
 * cordon_segment_get - one more reference
 * @segment: of which the caller has one
 */
struct cordon_segment *cordon_segment_get(struct cordon_segment *segment)
{
	refcount_inc(&segment->refs);
	return segment;
}

static void segment_free(struct rcu_head *rcu)
{
	struct cordon_segment *segment = container_of(rcu, struct cordon_segment, rcu);

	free_percpu(segment->traffic);
	kfree(segment);
}

/**
 * cordon_segment_put - give a reference back
 * @segment: freed after a grace period with the last one; NULL is let through
 */
void cordon_segment_put(struct cordon_segment *segment)
{
	if (segment && refcount_dec_and_test(&segment->refs))
		call_rcu(&segment->rcu, segment_free);
}

/* Events copy the certificate in softirqs, which must not find a write half done on their CPU. */
static void lease_write_begin(struct cordon_device *device)
{
	local_bh_disable();
	preempt_disable();
	write_seqcount_begin(&device->lease_seq);
}

static void lease_write_end(struct cordon_device *device)
{
	write_seqcount_end(&device->lease_seq);
	preempt_enable();
	local_bh_enable();
}

/*
 * The interface is written first, the end after it, and packets read them the other way round:
 * who sees the new end sees the new interface. So a lease that had run out never comes to life
 * again for the interface that it was bound to. Who sees the old end with the new interface lets
 * pass, if that end is still to come, what the new lease lets pass, too. That holds as long as
 * the new lease is one: an end alone must leave the interface as it is, or a packet might see
 * an end that is taken back and no binding.
 */
static bool lease_set(struct cordon_device *device, u32 seconds, int ifindex,
		      const char *port, const u8 *certificate)
{
	u32 end = cordon_now() + cordon_ticks(seconds);
	bool same;

	lease_write_begin(device);
	same = device->certified == !!certificate && device->lease_ifindex == ifindex &&
	       (!certificate ||
		!memcmp(device->certificate, certificate, sizeof(device->certificate)));
	device->certified = certificate;
	if (certificate)
		memcpy(device->certificate, certificate, sizeof(device->certificate));
	strscpy(device->lease_port, port, sizeof(device->lease_port));
	WRITE_ONCE(device->lease_ifindex, ifindex);
	/* Pairs with cordon_device_posture(). */
	smp_store_release(&device->lease_end, end ? end : 1);
	lease_write_end(device);
	return !same;
}

static void lease_end(struct cordon_device *device)
{
	u32 end = cordon_now();

	lease_write_begin(device);
	device->certified = false;
	WRITE_ONCE(device->lease_end, end ? end : 1);
	lease_write_end(device);
}

/**
 * cordon_device_lease - let a device's lease end so many seconds from now
 * @device: the device
 * @seconds: 0 ends it; of a device that never had one, nothing changes then
 *
 * It is bound to no port and no certificate. In force at the next packet.
 *
 * Context: the namespace's lock held.
 */
void cordon_device_lease(struct cordon_device *device, u32 seconds)
{
	if (seconds)
		lease_set(device, seconds, 0, "", NULL);
	else if (device->lease_end)
		lease_end(device);
}

/**
 * cordon_device_checkin - give a device a lease on the word of its certificate
 * @device: the device
 * @seconds: how long, not 0
 * @ifindex: it holds for what the device sends there; 0, anywhere
 * @port: the port of that interface, by its name in the policy; empty, anywhere
 * @certificate: CORDON_CERTIFICATE_LEN bytes
 *
 * In force at the next packet.
 *
 * Context: the namespace's lock held. Return: it is bound otherwise than the last one.
 */
bool cordon_device_checkin(struct cordon_device *device, u32 seconds, int ifindex,
			   const char *port, const u8 *certificate)
{
	return lease_set(device, seconds, ifindex, port, certificate);
}

/**
 * cordon_device_start - let a new device begin as it once was
 * @device: which no packet has seen
 * @start: how
 *
 * A lease that is bound to a port waits for cordon_device_bind().
 *
 * Context: the namespace's lock held.
 */
void cordon_device_start(struct cordon_device *device, const struct cordon_device_start *start)
{
	if (start->quarantined)
		set_bit(CORDON_DEVICE_QUARANTINED, &device->flags);
	if (start->outdated)
		set_bit(CORDON_DEVICE_OUTDATED, &device->flags);
	if (!start->leased)
		return;
	lease_set(device, start->lease, *start->port ? CORDON_LEASE_WAITS : 0, start->port,
		  start->certified ? start->certificate : NULL);
	if (!start->lease)
		lease_end(device);
}

/**
 * cordon_device_release - end a device's quarantine
 * @device: the device
 *
 * Its limits begin anew, or those that have acted would not act again before their windows end. The
 * bit goes first: in quarantine, the next anomaly would make a limit act for nothing.
 */
void cordon_device_release(struct cordon_device *device)
{
	/* Pairs with cordon_device_tallies(), as there. */
	struct cordon_tallies *tallies = smp_load_acquire(tallies_of(device));

	clear_bit(CORDON_DEVICE_QUARANTINED, &device->flags);
	if (tallies)
		cordon_tallies_anew(tallies);
}

/**
 * cordon_device_bind - the port that a lease is bound to has its interface
 * @device: its lease is at CORDON_LEASE_WAITS
 * @ifindex: the interface
 *
 * Context: the namespace's lock held.
 */
void cordon_device_bind(struct cordon_device *device, int ifindex)
{
	WRITE_ONCE(device->lease_ifindex, ifindex);
}

/**
 * cordon_device_lease_seconds - what is left of a device's lease
 * @device: the device
 *
 * Return: seconds, rounded up; 0, none.
 */
u32 cordon_device_lease_seconds(const struct cordon_device *device)
{
	u32 end = READ_ONCE(device->lease_end);
	s32 left = end - cordon_now();

	return end && left > 0 ? cordon_tick_seconds(left) : 0;
}

/**
 * cordon_device_certificate - the certificate that a device's lease was given by
 * @device: the device
 * @certificate: gets CORDON_CERTIFICATE_LEN bytes, even if there is none
 *
 * Return: it has a lease, and that was given by a check-in.
 */
bool cordon_device_certificate(const struct cordon_device *device, u8 *certificate)
{
	unsigned int seq;
	bool held;

	do {
		seq = read_seqcount_begin(&device->lease_seq);
		held = device->certified && cordon_device_lease_seconds(device);
		memcpy(certificate, device->certificate, CORDON_CERTIFICATE_LEN);
	} while (read_seqcount_retry(&device->lease_seq, seq));
	return held;
}

/**
 * cordon_device_lease_port - the port that a device's lease is bound to
 * @device: the device
 * @port: gets CORDON_IFNAME_LEN bytes, its name in the policy, even if there is none
 *
 * Return: it has a lease, and that is bound to a port.
 */
bool cordon_device_lease_port(const struct cordon_device *device, char *port)
{
	unsigned int seq;
	bool held;

	do {
		seq = read_seqcount_begin(&device->lease_seq);
		held = *device->lease_port && cordon_device_lease_seconds(device);
		memcpy(port, device->lease_port, CORDON_IFNAME_LEN);
	} while (read_seqcount_retry(&device->lease_seq, seq));
	return held;
}
