/* SPDX-License-Identifier: GPL-2.0 */
/* What a namespace keeps for TLS inspection, and what is remembered on connections' entries. */
#ifndef _CORDON_INSPECTOR_H
#define _CORDON_INSPECTOR_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_labels.h>

#include "core/mark.h"
#include "core/stamp.h"

struct cordon_inspect_bucket;

/**
 * DOC: labels
 *
 * Of a connection's 128 labels 32 to 63 are the mark (core/mark.h), and 64 to 127 the stamp
 * (core/stamp.h); users' labels count up from 0. Either is believed only if it was made with this
 * namespace's key for this very entry; a mark beside a word that is neither 0 nor made here is no
 * verdict. So whatever somebody else sets among these labels opens no connection, and one of the
 * two highest closes those that must be encrypted.
 *
 * Labels are bits of an array of long, as set_bit() counts them, and are written in words of 32
 * bits. In each long of a 64-bit big-endian machine the second word holds the lower bits. There
 * are stamps only where a long holds one, so that it is read and written at once.
 */
#define CORDON_LABEL_WORDS	4
#if defined(__BIG_ENDIAN) && BITS_PER_LONG == 64
#define CORDON_MARK_WORD	0
#else
#define CORDON_MARK_WORD	1
#endif
#define CORDON_LAST_LABEL	127

/**
 * struct cordon_inspector - a namespace's
 * @buckets: connections by their entry's address; NULL, no hooks yet
 * @key: of the marks and stamps; random
 * @epoch: number of that of the ruleset in force; counts on with each
 * @lock: inside that of a bucket; the numbers, the lists of what others opened
 * @n: connections
 * @others: those that no device opened
 * @idle: of these, the ones that the originator has not proven, oldest first
 * @labelled: entries get labels; under cordon_net.lock
 * @sweep: forgets those that are over, or take too long
 */
struct cordon_inspector {
	struct cordon_inspect_bucket *buckets;
	u64 key;
	u32 epoch;
	spinlock_t lock;	/* n, others, idle, crowds, cordon_device.inspected */
	u32 n;
	u32 others;
	struct list_head idle;
	bool labelled;
	struct delayed_work sweep;
};

/* What tells an entry from others, and from itself when its memory is used again. */
static inline u64 cordon_inspect_entry(const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *t = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;

	return (unsigned long)ct ^ (u64)(__force u16)t->src.u.all << 48 ^
	       (u64)(__force u16)t->dst.u.all << 32;
}

#ifdef CONFIG_64BIT
/* Where the stamp is; NULL, the entry has no labels. */
static __always_inline u64 *cordon_inspect_stamp_word(const struct nf_conn *ct)
{
	struct nf_conn_labels *labels = nf_ct_labels_find(ct);

	return labels ? (u64 *)&labels->bits[1] : NULL;
}

/* What is there; 0 without labels. */
static __always_inline u64 cordon_inspect_stamp(const struct nf_conn *ct)
{
	const struct nf_conn_labels *labels = nf_ct_labels_find(ct);

	return labels ? READ_ONCE(*(const u64 *)&labels->bits[1]) : 0;
}

static inline bool cordon_inspect_is_ours(const struct cordon_inspector *in,
					  const struct nf_conn *ct)
{
	/* Pairs with the release in ruleset.c. */
	const u64 word = smp_load_acquire(cordon_inspect_stamp_word(ct));

	return cordon_stamp_is_ours(in->key, READ_ONCE(in->epoch), (unsigned long)ct, word);
}
#else
static inline bool cordon_inspect_is_ours(const struct cordon_inspector *in,
					  const struct nf_conn *ct)
{
	return true;
}
#endif

static inline u8 cordon_inspect_mark(const struct cordon_inspector *in, const struct nf_conn *ct)
{
	const struct nf_conn_labels *labels = nf_ct_labels_find(ct);
	u32 word;

	if (!labels)
		return CORDON_MARK_NONE;
	word = READ_ONCE(((const u32 *)labels->bits)[CORDON_MARK_WORD]);
	if (!word || !cordon_inspect_is_ours(in, ct))
		return CORDON_MARK_NONE;
	return cordon_mark_unpack(in->key, cordon_inspect_entry(ct), word);
}

#endif
