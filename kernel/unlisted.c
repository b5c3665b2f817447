// SPDX-License-Identifier: GPL-2.0
/* Devices that no policy lists: they were seen, and are held in a segment for such. */
#include <linux/etherdevice.h>
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "unlisted.h"

#define A_SECOND	16	/* so many may come, on each port */
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

static u32 share_of(int in)
{
	return hash_32(in, ilog2(CORDON_UNLISTED_SHARES));
}

/**
 * cordon_unlisted_hurries - more than may come in a second
 * @u: of the namespace
 * @in: index of the port
 *
 * Each costs a change of the policy in force; made-up MACs come as fast as a link carries them.
 * Whoever makes them up at one port holds nobody up at another; of many ports, some share a pace.
 *
 * Context: cordon_net.lock held. Return: one more has to wait.
 */
bool cordon_unlisted_hurries(struct cordon_unlisted *u, int in)
{
	const u32 share = share_of(in), second = now();
	const u32 burst = u->paces[share].second == second ? u->paces[share].burst : 0;

	WRITE_ONCE(u->paces[share].second, second);
	WRITE_ONCE(u->paces[share].burst, burst + 1);
	return burst >= A_SECOND;
}

/**
 * cordon_unlisted_hurry - as many have come in this second as may
 * @u: of the namespace
 * @in: index of the port
 *
 * Context: any; somebody may just change what it looks at.
 */
bool cordon_unlisted_hurry(const struct cordon_unlisted *u, int in)
{
	const u32 share = share_of(in);

	return READ_ONCE(u->paces[share].burst) >= A_SECOND &&
	       READ_ONCE(u->paces[share].second) == now();
}

/**
 * cordon_unlisted_add - a device has been seen
 * @u: of the namespace
 * @mac: six bytes; of none that is there
 * @in: index of the port that it came in on
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -ENOMEM.
 */
int cordon_unlisted_add(struct cordon_unlisted *u, const u8 *mac, int in)
{
	struct cordon_sighting *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return -ENOMEM;
	ether_addr_copy(s->mac, mac);
	s->share = share_of(in);
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

/* Of a port: the device that was seen least lately; NULL, there is none. */
static struct cordon_sighting *oldest(struct cordon_unlisted *u, u8 share)
{
	struct cordon_sighting *s, *found = NULL;
	int bucket;

	hash_for_each(u->devices, bucket, s, node)
		if (s->share == share &&
		    (!found || cordon_unlisted_ago(s->last) > cordon_unlisted_ago(found->last)))
			found = s;
	return found;
}

/* The port that has the most of them; -1, it has no more than this one would have. */
static int greediest(const struct cordon_unlisted *u, int in)
{
	u32 n[CORDON_UNLISTED_SHARES] = {}, most = 0, i;
	const struct cordon_sighting *s;
	int bucket;

	hash_for_each(u->devices, bucket, s, node)
		n[s->share]++;
	for (i = 1; i < CORDON_UNLISTED_SHARES; i++)
		if (n[i] > n[most])
			most = i;
	return n[most] > n[share_of(in)] + 1 ? most : -1;
}

/**
 * cordon_unlisted_spare - the device that makes room for another
 * @u: of the namespace
 * @in: index of the port that the other came in on
 * @mac: gets its MAC
 *
 * It is of the port that has the most, so that in the end each port has as many as another that
 * wants them; of the other's own port, if that one has the most, and then only one that has not
 * been seen for a while.
 *
 * Context: cordon_net.lock held. Return: there is one.
 */
bool cordon_unlisted_spare(struct cordon_unlisted *u, int in, u8 *mac)
{
	struct cordon_sighting *s;
	int share;

	spin_lock_bh(&u->lock);
	share = greediest(u, in);
	s = oldest(u, share < 0 ? share_of(in) : share);
	if (s && share < 0 && cordon_unlisted_ago(s->last) < IDLE)
		s = NULL;
	if (s)
		ether_addr_copy(mac, s->mac);
	spin_unlock_bh(&u->lock);
	return s;
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
