/* SPDX-License-Identifier: GPL-2.0 */
/* What a network namespace has. */
#ifndef _CORDON_NET_H
#define _CORDON_NET_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "inspector.h"
#include "learned.h"
#include "snooper.h"
#include "tally.h"
#include "unlisted.h"

struct cordon_caps;
struct cordon_ruleset;
struct cordon_traffic_pool;
struct cordon_tree;
struct nf_hook_ops;

/**
 * DOC: locking
 *
 * cordon_net.lock is taken first. It serialises whatever changes the policy or
 * a device of one namespace: transactions, publishing, confirmation, single
 * changes, and the directories in sysfs. It may be held for long, and never with
 * RTNL taken inside it.
 *
 * cordon_net.transactions_lock comes inside cordon_net.lock, and protects the list of open
 * transactions, for moments. A request takes its transaction off the list under both locks and
 * works on it under cordon_net.lock. A socket that closes takes the spinlock only, and so waits for
 * nobody.
 *
 * cordon_net.ports_lock comes inside cordon_net.lock, and inside RTNL. It protects
 * the pointer to the ruleset and its map of interfaces, for moments.
 *
 * cordon_net.settle takes RTNL and then cordon_net.ports_lock. Only commits, and notifiers that
 * found a ruleset, queue it, under cordon_net.ports_lock; a namespace cancels it after its
 * ruleset is withdrawn.
 *
 * cordon_net.changes counts changes of single devices, which are made in place under
 * cordon_net.lock (core/change.h). Dumps wait for the end of one before each of their messages, so
 * that the generation tells of all that has changed since. Packets do not look at it: of each
 * device they see all that was before a change, or all that is after it.
 *
 * cordon_net.settle_changes takes cordon_net.lock. Only changes of devices queue it; a namespace
 * cancels it after its ruleset is withdrawn.
 *
 * cordon_net.learned changes under cordon_net.lock, and inside it cordon_learned.lock, for moments.
 * Packets of the slow path that tell of addresses take that one alone, and note that one is in use.
 * cordon_net.expire takes cordon_net.lock; a namespace cancels it likewise. The work of
 * cordon_net.snoop takes it, too, and has its list under cordon_snooper.lock, which is inside no
 * other; only hooks queue it, and a namespace cancels it when those are gone.
 *
 * cordon_net.egress is under RTNL. cordon_net.unlisted changes under cordon_net.lock, and inside it
 * cordon_unlisted.lock, for moments, which packets of the slow path take alone.
 *
 * Packets, sysfs and whoever asks over netlink take no lock; they read the ruleset under RCU. A
 * ruleset and a map are freed after a grace period, a device or segment after one
 * that follows its last reference. State and lease of a device are single
 * words, written with WRITE_ONCE() or as bits.
 *
 * cordon_ruleset.links is replaced under cordon_net.lock, by a commit or by
 * cordon_net.links_work. Notifiers of interfaces and addresses, which run under RTNL
 * or with bottom halves off, only queue that work. It reads addresses under RCU and
 * takes no RTNL. A namespace cancels it after its ruleset is withdrawn, and without a
 * ruleset nothing queues it.
 *
 * TLS inspection has locks of its own, inside no other: one for each bucket of
 * connections, taken by packets that are read and by the sweep, and inside it
 * cordon_inspector.lock. To make room, a packet that holds both takes the lock of
 * another bucket, too, but only if it is free.
 *
 * cordon_traffic_pool.lock is inside all others, for moments, with bottom halves off: a device's
 * counters are given back in a softirq.
 *
 * cordon_device.lease_seq counts writes of the lease, which are under
 * cordon_net.lock. It lets dumps and events copy the fingerprint that the lease
 * was given by; packets look at the end and the interface only, whose order
 * device.c sees to.
 */

/**
 * struct cordon_net - one namespace's
 * @net: the namespace
 * @lock: see DOC: locking
 * @ports_lock: see DOC: locking
 * @ruleset: in force, or NULL before the first commit; changed under both locks
 * @fallback: comes back unless the one in force is confirmed, may be NULL; under @lock
 * @awaiting: the one in force must be confirmed; under @lock
 * @deadline: until then, in ticks
 * @rollback: brings @fallback back
 * @generation: of the last commit or change of a device; under @lock
 * @changes: see DOC: locking
 * @settle_changes: lets what changes left behind be used again, see change.c
 * @revision: of the last change of a device that made no new generation; under @lock
 * @learned: addresses that devices have learned
 * @expire: ends what was learned, see bind.c
 * @snoop: what packets tell of addresses, see snoop.c
 * @egress: hooks of ports by which devices are sent what servers say, see egress.c
 * @unlisted: devices that no policy lists
 * @links_work: brings the ruleset's links up to date
 * @settle: classifies all interfaces anew, see watch.c
 * @links_due: not before then, in jiffies; written by @links_work alone
 * @leases_wait: some lease waits for the interface of a port; under @lock
 * @dying: the namespace goes away; under @lock
 * @hooks: as they are registered, with this as their argument; NULL, not yet; under @lock
 * @tracks_bridges: connection tracking sees what bridges switch; under @lock
 * @caps: what it may have at most
 * @transactions_lock: see DOC: locking
 * @transactions: open ones that no request works on; under @transactions_lock
 * @n_transactions: how many; under @transactions_lock
 * @traffic: where devices have their counters from
 * @denied: packets
 * @tally: anomalies by kind, unknown devices included
 * @inspector: connections under TLS inspection
 * @tree: its part of sysfs; sysfs.c's
 */
struct cordon_net {
	struct net *net;
	struct mutex lock;	/* the policy and its devices, see DOC: locking */
	struct mutex ports_lock;	/* the pointer to the ruleset and its ports */
	struct cordon_ruleset __rcu *ruleset;
	struct cordon_ruleset *fallback;
	bool awaiting;
	u32 deadline;
	struct delayed_work rollback;
	u32 generation;
	seqcount_t changes;
	struct delayed_work settle_changes;
	u32 revision;
	struct cordon_learned learned;
	struct delayed_work expire;
	struct cordon_snooper snoop;
	struct list_head egress;
	struct cordon_unlisted unlisted;
	struct delayed_work links_work;
	struct work_struct settle;
	unsigned long links_due;
	bool leases_wait;
	bool dying;
	struct nf_hook_ops *hooks;
	bool tracks_bridges;
	const struct cordon_caps *caps;
	spinlock_t transactions_lock;	/* the list, see DOC: locking */
	struct list_head transactions;
	unsigned int n_transactions;
	struct cordon_traffic_pool *traffic;
	atomic64_t denied;
	struct cordon_tally tally[CORDON_KINDS];
	struct cordon_inspector inspector;
	struct cordon_tree *tree;
};

extern unsigned int cordon_net_id;

struct cordon_net *cordon_net(const struct net *net);

/* The ruleset in force, for who holds the lock; or NULL. */
static inline struct cordon_ruleset *cordon_net_ruleset(struct cordon_net *cn)
{
	return rcu_dereference_protected(cn->ruleset, lockdep_is_held(&cn->lock));
}

#endif
