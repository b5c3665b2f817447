// SPDX-License-Identifier: GPL-2.0
/*
 * TLS inspection. Of each connection that must be encrypted, both sides' first bytes are read in
 * the order in which the other side gets them, until the server has selected a version; then the
 * verdict is written on the connection's entry, and all that was kept for it is freed.
 *
 * Here: which connections are being read, how many may be, and what is remembered of a verdict.
 * inspect_tcp.c and inspect_udp.c read.
 */
#include <linux/hash.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "device.h"
#include "inspect.h"
#include "inspection.h"
#include "net.h"
#include "pkt.h"

#define BUCKET_BITS	8
#define BUCKETS		BIT(BUCKET_BITS)

static_assert(CORDON_INSPECT_DEVICE_MAX <= U8_MAX);
static_assert((int)CORDON_MARK_TLS1_2 == CORDON_ENCRYPTION_TLS1_2 &&
	      (int)CORDON_MARK_TLS1_3 == CORDON_ENCRYPTION_TLS1_3);

/**
 * struct cordon_crowd - connections that others opened to one device
 * @node: in a bucket, by the device's address
 * @device: the device; each connection has a reference
 * @n: connections, at least 1
 * @idle: those that the originator has not proven, oldest first
 *
 * All of it is under cordon_inspector.lock.
 */
struct cordon_crowd {
	struct hlist_node node;
	const struct cordon_device *device;
	u32 n;
	struct list_head idle;
};

static struct kmem_cache *cache;

static struct cordon_inspect_bucket *bucket_of(const struct cordon_inspector *in,
					       const void *address)
{
	return &in->buckets[hash_ptr(address, BUCKET_BITS)];
}

/* What was decided about the connection on the entry is to be decided anew. */
static void void_stamp(const struct cordon_inspect_ctx *ctx)
{
#ifdef CONFIG_64BIT
	const struct cordon_stamp_key k = cordon_stamp_key(ctx->in->key,
							   READ_ONCE(ctx->in->epoch));

	WRITE_ONCE(*cordon_inspect_stamp_word(ctx->ct),
		   cordon_stamp_void(&k, (unsigned long)ctx->ct, get_random_u64()));
#endif
}

/**
 * cordon_inspection_mark - write a verdict on a connection's entry
 * @ctx: a packet of the connection
 * @mark: the verdict; CORDON_MARK_NONE, forget the one that is there
 *
 * Return: false, the entry has no labels.
 */
bool cordon_inspection_mark(struct cordon_inspect_ctx *ctx, enum cordon_mark mark)
{
	u32 data[CORDON_LABEL_WORDS] = { 0 };
	u32 mask[CORDON_LABEL_WORDS] = { [CORDON_MARK_WORD] = U32_MAX };

	if (!IS_ENABLED(CONFIG_NF_CONNTRACK_LABELS) || !nf_ct_labels_find(ctx->ct))
		return false;
	data[CORDON_MARK_WORD] =
		cordon_mark_pack(ctx->in->key, cordon_inspect_entry(ctx->ct), mark);
	if (nf_connlabels_replace(ctx->ct, data, mask, ARRAY_SIZE(data)))
		return false;
	void_stamp(ctx);
	return true;
}

static struct cordon_inspection *find(struct cordon_inspect_bucket *bucket,
				      const struct nf_conn *ct)
{
	struct cordon_inspection *i;

	lockdep_assert_held(&bucket->lock);
	hlist_for_each_entry(i, &bucket->list, node)
		if (i->ct == ct)
			return i;
	return NULL;
}

/* The crowd at a device; a new one if there is none, or NULL if there is no memory. */
static struct cordon_crowd *crowd_of(struct cordon_inspector *in,
				     const struct cordon_device *device)
{
	struct cordon_inspect_bucket *bucket = bucket_of(in, device);
	struct cordon_crowd *c;

	lockdep_assert_held(&in->lock);
	hlist_for_each_entry(c, &bucket->crowds, node)
		if (c->device == device)
			return c;
	c = kzalloc(sizeof(*c), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!c)
		return NULL;
	c->device = device;
	INIT_LIST_HEAD(&c->idle);
	hlist_add_head(&c->node, &bucket->crowds);
	return c;
}

static void crowd_put(struct cordon_crowd *c)
{
	if (c->n)
		return;
	hlist_del(&c->node);
	kfree(c);
}

static void leave(struct cordon_inspector *in, struct cordon_inspection *i)
{
	lockdep_assert_held(&in->lock);
	in->n--;
	if (!i->crowd) {
		i->device->inspected--;
		return;
	}
	in->others--;
	i->crowd->n--;
	list_del(&i->idle);
	list_del(&i->crowd_idle);
	crowd_put(i->crowd);
}

/* Memory and references; nobody finds @i any more. */
static void release(struct cordon_inspection *i)
{
	if (i->reader == CORDON_READER_TLS) {
		kfree(i->side[0].kept);
		kfree(i->side[1].kept);
	}
	nf_ct_put(i->ct);
	cordon_device_put(i->device);
	kmem_cache_free(cache, i);
}

static void end(struct cordon_inspector *in, struct cordon_inspection *i)
{
	hlist_del(&i->node);
	spin_lock(&in->lock);
	leave(in, i);
	spin_unlock(&in->lock);
	release(i);
}

/**
 * cordon_inspection_end - a connection is not read any more
 * @ctx: a packet of it
 * @i: the connection; freed
 */
void cordon_inspection_end(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i)
{
	lockdep_assert_held(&ctx->bucket->lock);
	end(ctx->in, i);
}

/*
 * Drop one that others opened and have not proven, to make room. Its bucket may be another
 * than the one that is locked, and comes before cordon_inspector.lock: so it is only tried.
 */
static struct cordon_inspection *evict(const struct cordon_inspect_ctx *ctx,
				       struct cordon_inspection *i)
{
	struct cordon_inspect_bucket *bucket;

	lockdep_assert_held(&ctx->in->lock);
	if (!i)
		return NULL;
	bucket = bucket_of(ctx->in, i->ct);
	if (bucket == ctx->bucket) {
		hlist_del(&i->node);
		leave(ctx->in, i);
		return i;
	}
	if (!spin_trylock(&bucket->lock))
		return NULL;
	hlist_del(&i->node);
	leave(ctx->in, i);
	spin_unlock(&bucket->lock);
	return i;
}

static bool admit_own(struct cordon_inspect_ctx *ctx)
{
	if (ctx->device->inspected >= CORDON_INSPECT_DEVICE_MAX)
		return false;
	if (ctx->in->n >= CORDON_INSPECT_MAX) {
		ctx->blameless = true;
		return false;
	}
	ctx->in->n++;
	ctx->device->inspected++;
	return true;
}

/* Returns the one that made room in @evicted, to be released when no lock is held. */
static bool admit_others(const struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
			 struct cordon_inspection **evicted)
{
	struct cordon_inspector *in = ctx->in;
	struct cordon_crowd *c = crowd_of(in, ctx->device);
	bool full;

	if (!c)
		return false;
	/* Counted first: the crowd stays when the last other one of it is evicted. */
	c->n++;
	full = c->n > CORDON_INSPECT_DEVICE_MAX;
	if (full)
		*evicted = evict(ctx, list_first_entry_or_null(&c->idle, struct cordon_inspection,
							       crowd_idle));
	else if (in->others >= CORDON_INSPECT_OTHERS_MAX || in->n >= CORDON_INSPECT_MAX)
		*evicted = evict(ctx, list_first_entry_or_null(&in->idle, struct cordon_inspection,
							       idle));
	if ((full && !*evicted) || in->others >= CORDON_INSPECT_OTHERS_MAX ||
	    in->n >= CORDON_INSPECT_MAX) {
		c->n--;
		crowd_put(c);
		return false;
	}
	in->n++;
	in->others++;
	i->crowd = c;
	list_add_tail(&i->idle, &in->idle);
	list_add_tail(&i->crowd_idle, &c->idle);
	return true;
}

/* Room for @i among those that are read. */
static bool admit(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i)
{
	struct cordon_inspection *evicted = NULL;
	bool admitted;

	spin_lock(&ctx->in->lock);
	admitted = ctx->others ? admit_others(ctx, i, &evicted) : admit_own(ctx);
	spin_unlock(&ctx->in->lock);
	if (evicted)
		release(evicted);
	return admitted;
}

static struct cordon_inspection *add(struct cordon_inspect_ctx *ctx)
{
	struct cordon_inspection *i;

	lockdep_assert_held(&ctx->bucket->lock);
	i = kmem_cache_zalloc(cache, GFP_ATOMIC);
	if (!i) {
		ctx->blameless = true;
		return NULL;
	}
	if (!admit(ctx, i)) {
		kmem_cache_free(cache, i);
		return NULL;
	}
	nf_conntrack_get(&ctx->ct->ct_general);
	i->ct = ctx->ct;
	i->device = cordon_device_get(ctx->device);
	hlist_add_head(&i->node, &ctx->bucket->list);
	queue_delayed_work(system_power_efficient_wq, &ctx->in->sweep, HZ);
	return i;
}

/**
 * cordon_inspection_begin - read a connection from now on
 * @ctx: a packet of it
 *
 * Return: NULL if the caps are reached, if there is no memory, or if its entry has no labels to
 * hold the verdict.
 */
struct cordon_inspection *cordon_inspection_begin(struct cordon_inspect_ctx *ctx)
{
	return nf_ct_labels_find(ctx->ct) ? add(ctx) : NULL;
}

/**
 * cordon_inspection_start_clock - the first byte is read: from now on there is a time limit
 * @ctx: the packet
 * @i: the connection
 *
 * Does nothing the second time.
 */
void cordon_inspection_start_clock(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i)
{
	if (i->timed)
		return;
	i->timed = true;
	i->end = cordon_now() + cordon_ticks(CORDON_INSPECT_SECONDS);
}

/**
 * cordon_inspection_proven - whoever opened the connection is where its packets say
 * @ctx: the packet
 * @i: the connection
 *
 * From now on it does not make room for others. Does nothing the second time.
 */
void cordon_inspection_proven(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i)
{
	if (i->proven || !i->crowd)
		return;
	i->proven = true;
	spin_lock(&ctx->in->lock);
	list_del_init(&i->idle);
	list_del_init(&i->crowd_idle);
	spin_unlock(&ctx->in->lock);
}

/*
 * Without labels the refusal is remembered here, so that it is not counted with each packet: for
 * as long as a handshake may take.
 */
static bool remember(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i)
{
	if (!i)
		i = add(ctx);
	if (!i)
		return false;
	i->refused = true;
	cordon_inspection_start_clock(ctx, i);
	cordon_inspection_proven(ctx, i);
	return true;
}

/**
 * cordon_inspection_refuse - refuse a connection
 * @ctx: the packet that is the reason
 * @i: the connection, may be NULL; it may be gone afterwards
 * @kind: enum cordon_kind
 *
 * A connection of TCP is refused for good. Of UDP it is the datagram that is refused, unless
 * nothing is refused in fact: then the connection is remembered, to be counted once.
 *
 * Return: CORDON_INSPECT_REFUSE.
 */
enum cordon_inspect cordon_inspection_refuse(struct cordon_inspect_ctx *ctx,
					     struct cordon_inspection *i, u8 kind)
{
	bool for_good = nf_ct_protonum(ctx->ct) == IPPROTO_TCP || ctx->observe;

	ctx->kind = kind;
	if (for_good && !cordon_inspection_mark(ctx, CORDON_MARK_FAILED) && remember(ctx, i))
		return CORDON_INSPECT_REFUSE;
	if (i)
		end(ctx->in, i);
	return CORDON_INSPECT_REFUSE;
}

/**
 * cordon_inspection_unseen - refuse a connection whose beginning was not seen, or is forgotten
 * @ctx: the packet that is the reason
 * @i: the connection, may be NULL; it may be gone afterwards
 *
 * Return: CORDON_INSPECT_REFUSE.
 */
enum cordon_inspect cordon_inspection_unseen(struct cordon_inspect_ctx *ctx,
					     struct cordon_inspection *i)
{
	ctx->unseen = true;
	ctx->blameless = true;
	return cordon_inspection_refuse(ctx, i, CORDON_KIND_UNJUDGED);
}

/**
 * cordon_inspection_kind - what anomaly a reader's verdict is
 * @verdict: one that refuses
 */
u8 cordon_inspection_kind(enum cordon_tls_verdict verdict)
{
	switch (verdict) {
	case CORDON_TLS_PLAINTEXT:
		return CORDON_KIND_PLAINTEXT;
	case CORDON_TLS_DOWNGRADE:
		return CORDON_KIND_TLS_DOWNGRADE;
	default:
		return CORDON_KIND_MALFORMED;
	}
}

static enum cordon_inspect inspect(struct cordon_inspect_ctx *ctx, int proto)
{
	struct cordon_inspection *i;
	enum cordon_inspect ret;

	ctx->bucket = bucket_of(ctx->in, ctx->ct);
	spin_lock_bh(&ctx->bucket->lock);
	i = find(ctx->bucket, ctx->ct);
	if (proto != (int)nf_ct_protonum(ctx->ct))
		ret = cordon_inspection_unseen(ctx, i);
	else if (proto == IPPROTO_TCP)
		ret = cordon_inspect_tcp(ctx, i);
	else if (proto == IPPROTO_UDP)
		ret = cordon_inspect_udp(ctx, i);
	else
		ret = cordon_inspection_refuse(ctx, i, CORDON_KIND_PLAINTEXT);
	spin_unlock_bh(&ctx->bucket->lock);
	return ret;
}

/**
 * cordon_inspect - slow path for a connection that is not known to be what the policy demands
 * @cn: the namespace
 * @ctx: the packet
 *
 * A connection whose beginning was not seen is refused at its first byte. ICMP errors pass.
 *
 * Context: RCU read side. Return: what becomes of the packet.
 */
enum cordon_inspect cordon_inspect(struct cordon_net *cn, struct cordon_inspect_ctx *ctx)
{
	int proto;

	ctx->in = &cn->inspector;
	if (!ctx->ct) {
		ctx->kind = CORDON_KIND_UNJUDGED;
		ctx->blameless = true;
		return CORDON_INSPECT_REFUSE;
	}
	proto = cordon_pkt_payload(ctx->skb, ctx->pf, &ctx->offset);
	if (proto != (int)nf_ct_protonum(ctx->ct) &&
	    (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6))
		return CORDON_INSPECT_PASS;
	return inspect(ctx, proto);
}

/* Its entry is gone, or stays only for what may come late. */
static bool has_ended(const struct cordon_inspection *i)
{
	u8 state;

	if (nf_ct_is_dying(i->ct) || refcount_read(&i->ct->ct_general.use) == 1)
		return true;
	if (i->reader != CORDON_READER_TLS || i->refused)
		return false;
	state = READ_ONCE(i->ct->proto.tcp.state);
	return state == TCP_CONNTRACK_TIME_WAIT || state == TCP_CONNTRACK_CLOSE;
}

static bool is_over(const struct cordon_inspection *i)
{
	return (i->timed && (s32)(cordon_now() - i->end) >= 0) || has_ended(i);
}

static void sweep_bucket(struct cordon_inspector *in, struct cordon_inspect_bucket *bucket,
			 bool all)
{
	struct cordon_inspection *i;
	struct hlist_node *next;

	spin_lock_bh(&bucket->lock);
	hlist_for_each_entry_safe(i, next, &bucket->list, node)
		if (all || is_over(i))
			end(in, i);
	spin_unlock_bh(&bucket->lock);
}

static void sweep(struct work_struct *work)
{
	struct cordon_inspector *in;
	unsigned int b;

	in = container_of(to_delayed_work(work), struct cordon_inspector, sweep);
	for (b = 0; b < BUCKETS; b++) {
		sweep_bucket(in, &in->buckets[b], false);
		cond_resched();
	}
	if (READ_ONCE(in->n))
		queue_delayed_work(system_power_efficient_wq, &in->sweep, HZ);
}

/**
 * cordon_inspector_start - be ready for connections
 * @cn: the namespace
 *
 * Context: may sleep. Return: 0 or -errno.
 */
int cordon_inspector_start(struct cordon_net *cn)
{
	struct cordon_inspector *in = &cn->inspector;
	unsigned int b;

	in->buckets = kvcalloc(BUCKETS, sizeof(*in->buckets), GFP_KERNEL_ACCOUNT);
	if (!in->buckets)
		return -ENOMEM;
	for (b = 0; b < BUCKETS; b++) {
		spin_lock_init(&in->buckets[b].lock);
		INIT_HLIST_HEAD(&in->buckets[b].list);
		INIT_HLIST_HEAD(&in->buckets[b].crowds);
	}
	in->key = get_random_u64();
	spin_lock_init(&in->lock);
	INIT_LIST_HEAD(&in->idle);
	INIT_DELAYED_WORK(&in->sweep, sweep);
	return 0;
}

/**
 * cordon_inspector_label - from now on, entries of connections have labels
 * @cn: the namespace
 * @demanded: the policy demands encryption, which is impossible without them
 * @extack: gets a sentence
 *
 * Does nothing the second time.
 *
 * Context: cordon_net.lock held; may sleep. Return: 0; -EOPNOTSUPP, this kernel has no labels, and
 * they are demanded.
 */
int cordon_inspector_label(struct cordon_net *cn, bool demanded, struct netlink_ext_ack *extack)
{
	struct cordon_inspector *in = &cn->inspector;
	int ret;

	lockdep_assert_held(&cn->lock);
	if (in->labelled)
		return 0;
	ret = IS_ENABLED(CONFIG_NF_CONNTRACK_LABELS) ?
	      nf_connlabels_get(cn->net, CORDON_LAST_LABEL) : -EOPNOTSUPP;
	if (ret && demanded)
		NL_SET_ERR_MSG(extack, "encryption needs a kernel with CONFIG_NF_CONNTRACK_LABELS");
	in->labelled = !ret;
	return demanded ? ret : 0;
}

/**
 * cordon_inspector_stop - forget all connections
 * @cn: the namespace; its hooks are gone, and a grace period has passed
 *
 * Context: may sleep. May be called when it never started.
 */
void cordon_inspector_stop(struct cordon_net *cn)
{
	struct cordon_inspector *in = &cn->inspector;
	unsigned int b;

	if (!in->buckets)
		return;
	cancel_delayed_work_sync(&in->sweep);
	for (b = 0; b < BUCKETS; b++)
		sweep_bucket(in, &in->buckets[b], true);
	kvfree(in->buckets);
	in->buckets = NULL;
	if (in->labelled)
		nf_connlabels_put(cn->net);
	in->labelled = false;
}

/**
 * cordon_inspect_init - memory for connections that are being read
 *
 * Return: 0 or -ENOMEM.
 */
int cordon_inspect_init(void)
{
	cache = kmem_cache_create("cordon_inspection", sizeof(struct cordon_inspection), 0,
				  SLAB_ACCOUNT, NULL);
	return cache ? 0 : -ENOMEM;
}

/** cordon_inspect_exit - when no namespace reads any more */
void cordon_inspect_exit(void)
{
	kmem_cache_destroy(cache);
}
