/* SPDX-License-Identifier: GPL-2.0 */
/* The TLS gate: connections are read up to their verdict, which stays with them. */
#ifndef _CORDON_INSPECT_H
#define _CORDON_INSPECT_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_labels.h>

#include "core/tls_hello.h"

struct cordon_device;
struct cordon_net;
struct nf_hook_state;

#define CORDON_INSPECT_MAX		16384	/* connections of a namespace at a time */
#define CORDON_INSPECT_DEVICE_MAX	200	/* of a device; see cordon_device.inspected */
#define CORDON_INSPECT_SECONDS		60	/* for a handshake */

/**
 * DOC: the mark
 *
 * The two highest of a connection's 128 labels are Cordon's. Nothing else outlives the
 * handshake, and both go with the connection's entry. Users' labels count up from 0.
 */
#define CORDON_MARK_WORD	3
#define CORDON_MARK_SHIFT	30

/** enum cordon_mark - what is known of a connection; up to TLS 1.3 like enum cordon_encryption */
enum cordon_mark {
	CORDON_MARK_NONE,
	CORDON_MARK_TLS1_2,
	CORDON_MARK_TLS1_3,
	CORDON_MARK_FAILED,	/* refused, and counted */
};

struct cordon_inspect_bucket;

/**
 * struct cordon_inspector - a namespace's
 * @buckets: connections by their entry's address; NULL, no hooks yet
 * @lock: inside that of a bucket; the numbers
 * @n: connections
 * @labelled: entries get labels; under cordon_net.lock
 * @sweep: forgets those that are over, or take too long
 */
struct cordon_inspector {
	struct cordon_inspect_bucket *buckets;
	spinlock_t lock;	/* n, and cordon_device.inspected */
	u32 n;
	bool labelled;
	struct delayed_work sweep;
};

/** enum cordon_inspect - what becomes of a packet */
enum cordon_inspect {
	CORDON_INSPECT_PASS,
	CORDON_INSPECT_HOLD,	/* not now: it will be sent again */
	CORDON_INSPECT_REFUSE,	/* the connection is not what is demanded */
	CORDON_INSPECT_REFUSED,	/* that was said, and counted, before */
};

/**
 * struct cordon_inspected - why a connection is refused
 * @kind: enum cordon_kind
 * @facts: what its hellos said
 */
struct cordon_inspected {
	u8 kind;
	struct cordon_tls_facts facts;
};

static inline u8 cordon_inspect_mark(const struct nf_conn *ct)
{
	const struct nf_conn_labels *labels = nf_ct_labels_find(ct);

	if (!labels)
		return CORDON_MARK_NONE;
	return READ_ONCE(((const u32 *)labels->bits)[CORDON_MARK_WORD]) >> CORDON_MARK_SHIFT;
}

/* The connection has had its verdict, and is at least what is demanded. */
static inline bool cordon_inspect_passed(const struct nf_conn *ct, u8 demand)
{
	u8 mark = ct ? cordon_inspect_mark(ct) : CORDON_MARK_NONE;

	return mark >= demand && mark != CORDON_MARK_FAILED;
}

enum cordon_inspect cordon_inspect(struct cordon_net *cn, struct cordon_device *device,
				   struct nf_conn *ct, struct sk_buff *skb, u8 pf, bool opener,
				   u8 demand, bool observe, struct cordon_inspected *out);
unsigned int cordon_inspect_reset(struct sk_buff *skb, const struct nf_hook_state *state,
				  bool again);

int cordon_inspector_start(struct cordon_net *cn);
int cordon_inspector_label(struct cordon_net *cn);
void cordon_inspector_stop(struct cordon_net *cn);

int cordon_inspect_init(void);
void cordon_inspect_exit(void);

#endif
