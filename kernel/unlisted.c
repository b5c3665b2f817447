// SPDX-License-Identifier: GPL-2.0
/* Devices that no policy lists: they were seen, and are held in a segment for such. */
#include <linux/etherdevice.h>
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "unlisted.h"

#define A_SECOND	32	/* so many may come */
#define IDLE		600	/* seconds; who was not seen for so long makes room for another */

static u32 now(void)
{
	return ktime_get_boottime_seconds();
}

/**
 * cordon_unlisted_init - nobody has been seen
 * @u: overwritten
 */
void cordon_unlisted_init(struct cordon_unlisted *u)
{
	*u = (struct cordon_unlisted){ };
	spin_lock_init(&u->lock);
	hash_init(u->devices);
	u->seed = get_random_u32();
}

/** cordon_unlisted_exit - forget all; nobody looks any more */
void cordon_unlisted_exit(struct cordon_unlisted *u)
{
	struct cordon_sighting *s;
	struct hlist_node *tmp;
	int bucket;

	hash_for_each_safe(u->devices, bucket, tmp, s, node)
		kfree(s);
}

static u32 hash(const struct cordon_unlisted *u, const u8 *mac)
{
	return jhash(mac, ETH_ALEN, u->seed);
}

static struct cordon_sighting *find(struct cordon_unlisted *u, const u8 *mac)
{
	struct cordon_sighting *s;

	hash_for_each_possible(u->devices, s, node, hash(u, mac))
		if (ether_addr_equal(s->mac, mac))
			return s;
	return NULL;
}

/**
 * cordon_unlisted_hurries - more than may come in a second
 * @u: of the namespace
 *
 * Each costs a change of the policy in force; made-up MACs come as fast as a link carries them.
 *
 * Context: cordon_net.lock held. Return: one more has to wait.
 */
bool cordon_unlisted_hurries(struct cordon_unlisted *u)
{
	const u32 second = now();

	const u32 burst = u->second == second ? u->burst : 0;

	WRITE_ONCE(u->second, second);
	WRITE_ONCE(u->burst, burst + 1);
	return burst >= A_SECOND;
}

/**
 * cordon_unlisted_hurry - as many have come in this second as may
 * @u: of the namespace
 *
 * Context: any; somebody may just change what it looks at.
 */
bool cordon_unlisted_hurry(const struct cordon_unlisted *u)
{
	return READ_ONCE(u->burst) >= A_SECOND && READ_ONCE(u->second) == now();
}

/**
 * cordon_unlisted_add - a device has been seen
 * @u: of the namespace
 * @mac: six bytes; of none that is there
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -ENOMEM.
 */
int cordon_unlisted_add(struct cordon_unlisted *u, const u8 *mac)
{
	struct cordon_sighting *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return -ENOMEM;
	ether_addr_copy(s->mac, mac);
	s->first = now();
	s->last = s->first;
	spin_lock_bh(&u->lock);
	hash_add(u->devices, &s->node, hash(u, mac));
	u->n++;
	spin_unlock_bh(&u->lock);
	return 0;
}

/**
 * cordon_unlisted_del - a device is listed, or no longer there
 * @u: of the namespace
 * @mac: of the device; nothing is done if it is none of these
 *
 * Context: cordon_net.lock held.
 */
void cordon_unlisted_del(struct cordon_unlisted *u, const u8 *mac)
{
	struct cordon_sighting *s;

	spin_lock_bh(&u->lock);
	s = find(u, mac);
	if (s) {
		hash_del(&s->node);
		u->n--;
	}
	spin_unlock_bh(&u->lock);
	kfree(s);
}

/**
 * cordon_unlisted_oldest - the device that was seen least lately
 * @u: of the namespace
 * @mac: gets its MAC
 *
 * Context: cordon_net.lock held. Return: there is one, and it has not been seen for a while.
 */
bool cordon_unlisted_oldest(struct cordon_unlisted *u, u8 *mac)
{
	struct cordon_sighting *s;
	u32 longest = IDLE;
	bool found = false;
	int bucket;

	spin_lock_bh(&u->lock);
	hash_for_each(u->devices, bucket, s, node) {
		if (cordon_unlisted_ago(s->last) < longest)
			continue;
		longest = cordon_unlisted_ago(s->last);
		ether_addr_copy(mac, s->mac);
		found = true;
	}
	spin_unlock_bh(&u->lock);
	return found;
}

/**
 * cordon_unlisted_seen - a device is seen again
 * @u: of the namespace
 * @mac: of the device; nothing is done if it is none of these
 * @client: what it says of itself; or NULL
 *
 * Context: any but hard interrupts.
 */
void cordon_unlisted_seen(struct cordon_unlisted *u, const u8 *mac,
			  const struct cordon_dhcp_client *client)
{
	struct cordon_sighting *s;

	spin_lock_bh(&u->lock);
	s = find(u, mac);
	if (s) {
		s->last = now();
		if (client)
			s->client = *client;
	}
	spin_unlock_bh(&u->lock);
}

/**
 * cordon_unlisted_get - what is known of a device
 * @u: of the namespace
 * @mac: of the device
 * @out: gets a copy
 *
 * Return: it is one that no policy lists.
 */
bool cordon_unlisted_get(struct cordon_unlisted *u, const u8 *mac, struct cordon_sighting *out)
{
	struct cordon_sighting *s;

	spin_lock_bh(&u->lock);
	s = find(u, mac);
	if (s)
		*out = *s;
	spin_unlock_bh(&u->lock);
	return s;
}

static bool is_there(const struct cordon_policy *p, const u8 *mac)
{
	u32 device = p ? cordon_policy_device_by_mac(p, mac) : CORDON_NO_DEVICE;

	return device != CORDON_NO_DEVICE && p->draft.devices[device].unlisted;
}

/**
 * cordon_unlisted_sweep - forget those that a policy has not, or lists
 * @u: of the namespace
 * @p: the policy in force; NULL, there is none
 *
 * Context: cordon_net.lock held.
 */
void cordon_unlisted_sweep(struct cordon_unlisted *u, const struct cordon_policy *p)
{
	struct cordon_sighting *s;
	struct hlist_node *tmp;
	int bucket;

	spin_lock_bh(&u->lock);
	hash_for_each_safe(u->devices, bucket, tmp, s, node) {
		if (is_there(p, s->mac))
			continue;
		hash_del(&s->node);
		u->n--;
		kfree(s);
	}
	spin_unlock_bh(&u->lock);
}

/**
 * cordon_unlisted_ago - how long ago something was
 * @then: in seconds since boot
 *
 * Return: seconds.
 */
u32 cordon_unlisted_ago(u32 then)
{
	return now() - then;
}
