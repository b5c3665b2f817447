// SPDX-License-Identifier: GPL-2.0
/*
 * The TLS gate. Of each connection that must be encrypted, both sides' first bytes are read in
 * the order that the other side will have them, until the server has selected a version; then the
 * verdict is written on the connection's entry, and all that was kept for it is freed.
 *
 * What comes before its turn is held back: TCP sends it again. Nothing that was not read passes.
 */
#include <linux/hash.h>
#include <linux/ip.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "core/dtls.h"
#include "core/quic.h"
#include "core/tls.h"
#include "device.h"
#include "inspect.h"
#include "net.h"

#define BUCKET_BITS	8
#define BUCKETS		BIT(BUCKET_BITS)

static_assert(CORDON_INSPECT_DEVICE_MAX <= U8_MAX);
static_assert((int)CORDON_MARK_TLS1_2 == CORDON_ENCRYPTION_TLS1_2 &&
	      (int)CORDON_MARK_TLS1_3 == CORDON_ENCRYPTION_TLS1_3);

enum reader { READER_TLS, READER_DTLS, READER_QUIC };

/**
 * struct cordon_inspect_bucket - connections that are being read
 * @lock: them, and what is known of each
 * @list: of struct inspection
 */
struct cordon_inspect_bucket {
	spinlock_t lock;	/* the list, and what is known of each in it */
	struct hlist_head list;
};

/**
 * struct inspection - a connection that is being read
 * @node: in its bucket
 * @ct: its entry, of which there is a reference
 * @device: it is counted for, likewise
 * @end: when it has had its time, in ticks
 * @first: of TCP, sequence number of the first byte of the server, of the client
 * @next: of the next byte that is to be read
 * @synced: that is known
 * @read: some of it was read
 * @reader: enum reader
 * @tls: of TCP
 * @dtls: of UDP
 * @quic: likewise
 */
struct inspection {
	struct hlist_node node;
	struct nf_conn *ct;
	struct cordon_device *device;
	u32 end;
	u32 first[2];
	u32 next[2];
	bool synced[2];
	bool read[2];
	u8 reader;
	union {
		struct cordon_tls tls;
		struct cordon_dtls dtls;
		struct cordon_quic quic;
	};
};

/**
 * struct look - a packet of a connection that is to be read
 * @in: of the namespace
 * @bucket: that its connection is in, or would be; locked
 * @ct: the connection's entry
 * @device: it is counted for
 * @skb: the packet
 * @offset: of the header of TCP or UDP
 * @opener: it goes the way that the connection was opened
 * @demand: enum cordon_encryption, not any
 * @out: why it is refused
 */
struct look {
	struct cordon_inspector *in;
	struct cordon_inspect_bucket *bucket;
	struct nf_conn *ct;
	struct cordon_device *device;
	struct sk_buff *skb;
	unsigned int offset;
	bool opener;
	u8 demand;
	struct cordon_inspected *out;
};

static struct kmem_cache *cache;

static struct cordon_inspect_bucket *bucket_of(const struct cordon_inspector *in,
					       const struct nf_conn *ct)
{
	return &in->buckets[hash_ptr(ct, BUCKET_BITS)];
}

static bool mark(struct nf_conn *ct, enum cordon_mark what)
{
	u32 data[CORDON_MARK_WORD + 1] = { [CORDON_MARK_WORD] = what << CORDON_MARK_SHIFT };
	u32 mask[CORDON_MARK_WORD + 1] = { [CORDON_MARK_WORD] = 3U << CORDON_MARK_SHIFT };

	return nf_ct_labels_find(ct) && !nf_connlabels_replace(ct, data, mask, ARRAY_SIZE(data));
}

static struct inspection *find(struct cordon_inspect_bucket *bucket, const struct nf_conn *ct)
{
	struct inspection *i;

	lockdep_assert_held(&bucket->lock);
	hlist_for_each_entry(i, &bucket->list, node)
		if (i->ct == ct)
			return i;
	return NULL;
}

static bool count(struct cordon_inspector *in, struct cordon_device *device)
{
	bool room;

	spin_lock(&in->lock);
	room = in->n < CORDON_INSPECT_MAX && device->inspected < CORDON_INSPECT_DEVICE_MAX;
	if (room) {
		in->n++;
		device->inspected++;
	}
	spin_unlock(&in->lock);
	return room;
}

static void uncount(struct cordon_inspector *in, struct cordon_device *device)
{
	spin_lock(&in->lock);
	in->n--;
	device->inspected--;
	spin_unlock(&in->lock);
}

/*
 * Flow tables pass packets on before any hook sees them, but leave alone what has room for a
 * helper: helpers, too, must see every packet. No helper is set.
 */
static bool keep_from_flow_tables(struct nf_conn *ct)
{
	return nf_ct_is_confirmed(ct) || nfct_help(ct) || nf_ct_helper_ext_add(ct, GFP_ATOMIC);
}

/* NULL: too many, no memory, or an entry without labels, on which no verdict could be written. */
static struct inspection *begin(const struct look *l)
{
	struct inspection *i;

	lockdep_assert_held(&l->bucket->lock);
	if (!nf_ct_labels_find(l->ct) || !count(l->in, l->device))
		return NULL;
	i = keep_from_flow_tables(l->ct) ? kmem_cache_zalloc(cache, GFP_ATOMIC) : NULL;
	if (!i) {
		uncount(l->in, l->device);
		return NULL;
	}
	nf_conntrack_get(&l->ct->ct_general);
	i->ct = l->ct;
	i->device = cordon_device_get(l->device);
	i->end = cordon_now() + cordon_ticks(CORDON_INSPECT_SECONDS);
	hlist_add_head(&i->node, &l->bucket->list);
	queue_delayed_work(system_power_efficient_wq, &l->in->sweep, HZ);
	return i;
}

static void end(struct cordon_inspector *in, struct inspection *i)
{
	hlist_del(&i->node);
	uncount(in, i->device);
	nf_ct_put(i->ct);
	cordon_device_put(i->device);
	kmem_cache_free(cache, i);
}

/* Refused where it stands; a connection of TCP for good. */
static enum cordon_inspect refuse(struct nf_conn *ct, u8 kind, struct cordon_inspected *out)
{
	out->kind = kind;
	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		mark(ct, CORDON_MARK_FAILED);
	return CORDON_INSPECT_REFUSE;
}

static const struct cordon_tls_facts *facts_of(const struct inspection *i)
{
	return i->reader == READER_TLS ? &i->tls.handshake.facts : &i->dtls.handshake.facts;
}

/* What the reader says, as it is for the packet; decided, @i is gone. */
static enum cordon_inspect conclude(struct cordon_inspector *in, struct inspection *i,
				    enum cordon_tls_verdict verdict, struct cordon_inspected *out)
{
	static const u8 kinds[] = {
		[CORDON_TLS_PLAINTEXT] = CORDON_KIND_PLAINTEXT,
		[CORDON_TLS_DOWNGRADE] = CORDON_KIND_TLS_DOWNGRADE,
		[CORDON_TLS_MALFORMED] = CORDON_KIND_MALFORMED,
	};
	enum cordon_inspect ret = CORDON_INSPECT_PASS;

	if (verdict == CORDON_TLS_MORE)
		return CORDON_INSPECT_PASS;
	if (verdict == CORDON_TLS_AGAIN)
		return CORDON_INSPECT_HOLD;
	if (i->reader != READER_QUIC)
		out->facts = *facts_of(i);
	if (verdict != CORDON_TLS_PASS)
		ret = refuse(i->ct, kinds[verdict], out);
	else
		mark(i->ct, i->reader == READER_QUIC || out->facts.selected == CORDON_TLS_1_3 ?
		     CORDON_MARK_TLS1_3 : CORDON_MARK_TLS1_2);
	end(in, i);
	return ret;
}

static enum cordon_tls_verdict read_stream(struct inspection *i, bool client,
					   struct sk_buff *skb, unsigned int from, unsigned int to)
{
	enum cordon_tls_verdict verdict = CORDON_TLS_MORE;
	unsigned int done = 0, n;
	struct skb_seq_state st;
	const u8 *data;

	skb_prepare_seq_read(skb, from, to, &st);
	while (verdict == CORDON_TLS_MORE && (n = skb_seq_read(done, &data, &st))) {
		verdict = cordon_tls_read(&i->tls, client, data, n);
		done += n;
	}
	skb_abort_seq_read(&st);
	return verdict;
}

/* A SYN says where its side's bytes begin; sent again before any was read, it may say otherwise. */
static struct inspection *synchronise(const struct look *l, struct inspection *i,
				      const struct tcphdr *th)
{
	if (!i) {
		i = begin(l);
		if (!i)
			return NULL;
		cordon_tls_init(&i->tls, l->demand);
	}
	if (!i->read[l->opener]) {
		i->first[l->opener] = ntohl(th->seq) + 1;
		i->next[l->opener] = i->first[l->opener];
		i->synced[l->opener] = true;
	}
	return i;
}

static enum cordon_inspect inspect_tcp(const struct look *l)
{
	struct inspection *i = find(l->bucket, l->ct);
	enum cordon_tls_verdict verdict;
	const struct tcphdr *th;
	unsigned int from, len;
	struct tcphdr buf;
	s32 ahead;
	u32 seq;

	th = skb_header_pointer(l->skb, l->offset, sizeof(buf), &buf);
	if (!th || th->doff * 4 < sizeof(*th) || l->offset + th->doff * 4 > l->skb->len)
		return refuse(l->ct, CORDON_KIND_UNJUDGED, l->out);
	from = l->offset + th->doff * 4;
	len = l->skb->len - from;
	if (th->syn && (i || (l->opener && !th->ack))) {
		i = synchronise(l, i, th);
		if (!i) {
			/* Not for good: there may be room when it comes again. */
			l->out->kind = CORDON_KIND_UNJUDGED;
			return CORDON_INSPECT_REFUSE;
		}
	}
	if (!len)
		return CORDON_INSPECT_PASS;
	if (!i || !i->synced[l->opener])
		return refuse(l->ct, CORDON_KIND_UNJUDGED, l->out);
	seq = ntohl(th->seq) + th->syn;
	ahead = seq - i->next[l->opener];
	/* Before the first byte lies what was never read, whatever a later SYN said. */
	if (ahead > 0 || (s32)(seq - i->first[l->opener]) < 0)
		return CORDON_INSPECT_HOLD;
	if (-ahead >= (s32)len)	/* all of it was read before */
		return CORDON_INSPECT_PASS;
	/* Which bytes the receiver takes out of the stream is its own choice (RFC 6093). */
	verdict = th->urg ? CORDON_TLS_MALFORMED :
			    read_stream(i, l->opener, l->skb, from - ahead, l->skb->len);
	i->next[l->opener] += len + ahead;
	i->read[l->opener] = true;
	return conclude(l->in, i, verdict, l->out);
}

static enum cordon_tls_verdict read_datagram(struct inspection *i, bool client, const u8 *data,
					     u32 len)
{
	return i->reader == READER_QUIC ? cordon_quic_read(&i->quic, client, data, len) :
					  cordon_dtls_read(&i->dtls, client, data, len);
}

/*
 * Datagrams of @size bytes, the last may be shorter. The first that decides does so for all; as
 * they are dropped together, too, none of them leaves a trace then.
 */
static enum cordon_tls_verdict read_datagrams(struct inspection *i, bool client, const u8 *data,
					      u32 len, u32 size)
{
	const struct inspection before = *i;
	enum cordon_tls_verdict verdict;
	u32 n;

	do {
		n = min(len, size);
		verdict = read_datagram(i, client, data, n);
		data += n;
		len -= n;
	} while (verdict == CORDON_TLS_MORE && len);
	if (verdict == CORDON_TLS_AGAIN)
		*i = before;
	return verdict;
}

/* Bytes of each datagram in @skb, which may hold several; 0, it cannot be read in one piece. */
static u32 datagram_size(const struct sk_buff *skb)
{
	const struct skb_shared_info *shared = skb_shinfo(skb);

	if (!skb_is_gso(skb))
		return U32_MAX;
	return (shared->gso_type & (SKB_GSO_UDP_L4 | SKB_GSO_FRAGLIST)) == SKB_GSO_UDP_L4 ?
	       shared->gso_size : 0;
}

static enum cordon_inspect inspect_udp(const struct look *l)
{
	struct inspection *i = find(l->bucket, l->ct);
	const u32 size = datagram_size(l->skb);
	const struct udphdr *uh;
	unsigned int len, said;
	const u8 *data;

	/* In pieces that must stay apart, or have no memory to be put together: not now. */
	if (!size || skb_linearize(l->skb))
		return CORDON_INSPECT_HOLD;
	if (l->offset + sizeof(*uh) > l->skb->len)
		return refuse(l->ct, CORDON_KIND_UNJUDGED, l->out);
	uh = (const struct udphdr *)(l->skb->data + l->offset);
	data = (const u8 *)(uh + 1);
	len = l->skb->len - l->offset - sizeof(*uh);
	said = ntohs(uh->len);
	if (said >= sizeof(*uh) && said - sizeof(*uh) < len)
		len = said - sizeof(*uh);
	if (!len)
		return CORDON_INSPECT_PASS;
	if (!i) {
		i = l->opener ? begin(l) : NULL;
		if (!i)
			return refuse(l->ct, CORDON_KIND_UNJUDGED, l->out);
		if (cordon_quic_is_long(data, len)) {
			i->reader = READER_QUIC;
			cordon_quic_init(&i->quic);
		} else {
			i->reader = READER_DTLS;
			cordon_dtls_init(&i->dtls, l->demand);
		}
	}
	return conclude(l->in, i, read_datagrams(i, l->opener, data, len, size), l->out);
}

/* Payload's protocol, and where it begins; -1, not to be found. */
static int find_payload(const struct sk_buff *skb, u8 pf, unsigned int *offset)
{
	unsigned short frag = 0;
	int proto;

	if (pf == NFPROTO_IPV4) {
		*offset = skb_network_offset(skb) + ip_hdr(skb)->ihl * 4;
		return ip_hdr(skb)->protocol;
	}
	*offset = 0;
	proto = ipv6_find_hdr(skb, offset, -1, &frag, NULL);
	return frag ? -1 : proto;
}

/* A connection that was refused: its end may be told, and a new one may begin. */
static enum cordon_inspect refused(struct nf_conn *ct, const struct sk_buff *skb, int proto,
				   unsigned int offset, bool opener, bool observe)
{
	const struct tcphdr *th;
	struct tcphdr buf;

	if (observe)
		return CORDON_INSPECT_PASS;
	th = proto == IPPROTO_TCP ? skb_header_pointer(skb, offset, sizeof(buf), &buf) : NULL;
	if (th && th->rst)
		return CORDON_INSPECT_PASS;
	if (th && th->syn && !th->ack && opener) {
		nf_ct_kill(ct);
		return CORDON_INSPECT_HOLD;
	}
	return CORDON_INSPECT_REFUSED;
}

static enum cordon_inspect inspect(struct look *l, int proto)
{
	enum cordon_inspect ret;

	l->bucket = bucket_of(l->in, l->ct);
	spin_lock_bh(&l->bucket->lock);
	/* The verdict may have come on another processor, and the inspection be gone with it. */
	if (unlikely(cordon_inspect_mark(l->ct)))
		ret = cordon_inspect_passed(l->ct, l->demand) ? CORDON_INSPECT_PASS :
							       CORDON_INSPECT_HOLD;
	else
		ret = proto == IPPROTO_TCP ? inspect_tcp(l) : inspect_udp(l);
	spin_unlock_bh(&l->bucket->lock);
	return ret;
}

/**
 * cordon_inspect - a packet of a connection that must be encrypted, and is not known to be
 * @cn: the namespace
 * @device: whose connection it is; it is counted for
 * @ct: its entry; NULL, it has none
 * @skb: the packet
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 * @opener: it goes the way that the connection was opened
 * @demand: enum cordon_encryption, not any
 * @observe: nothing is to be refused
 * @out: set where CORDON_INSPECT_REFUSE is returned
 *
 * A connection whose beginning was not seen is refused at its first byte. ICMP errors pass.
 *
 * Context: RCU read side. Return: what becomes of the packet.
 */
enum cordon_inspect cordon_inspect(struct cordon_net *cn, struct cordon_device *device,
				   struct nf_conn *ct, struct sk_buff *skb, u8 pf, bool opener,
				   u8 demand, bool observe, struct cordon_inspected *out)
{
	struct look l = {
		.in = &cn->inspector,
		.ct = ct,
		.device = device,
		.skb = skb,
		.opener = opener,
		.demand = demand,
		.out = out,
	};
	enum cordon_inspect ret;
	int proto;
	u8 known;

	if (!ct) {
		out->kind = CORDON_KIND_UNJUDGED;
		return CORDON_INSPECT_REFUSE;
	}
	proto = find_payload(skb, pf, &l.offset);
	if (proto != nf_ct_protonum(ct))
		return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ?
		       CORDON_INSPECT_PASS : refuse(ct, CORDON_KIND_UNJUDGED, out);
	known = cordon_inspect_mark(ct);
	if (known == CORDON_MARK_FAILED)
		return refused(ct, skb, proto, l.offset, opener, observe);
	if (known)
		ret = refuse(ct, CORDON_KIND_TLS_DOWNGRADE, out);
	else if (proto == IPPROTO_TCP || proto == IPPROTO_UDP)
		ret = inspect(&l, proto);
	else
		ret = refuse(ct, CORDON_KIND_PLAINTEXT, out);
	/* Where all goes on, what was refused must be known not to be counted again. */
	if (observe && ret == CORDON_INSPECT_REFUSE)
		mark(ct, CORDON_MARK_FAILED);
	return ret;
}

/* Its entry is gone, or stays only for what may come late. */
static bool has_ended(const struct nf_conn *ct)
{
	u8 state;

	if (nf_ct_is_dying(ct) || refcount_read(&ct->ct_general.use) == 1)
		return true;
	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return false;
	state = READ_ONCE(ct->proto.tcp.state);
	return state == TCP_CONNTRACK_TIME_WAIT || state == TCP_CONNTRACK_CLOSE;
}

static bool is_over(const struct inspection *i)
{
	return (s32)(cordon_now() - i->end) >= 0 || has_ended(i->ct);
}

static void sweep_bucket(struct cordon_inspector *in, struct cordon_inspect_bucket *bucket,
			 bool all)
{
	struct hlist_node *next;
	struct inspection *i;

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
	}
	spin_lock_init(&in->lock);
	INIT_DELAYED_WORK(&in->sweep, sweep);
	return 0;
}

/**
 * cordon_inspector_label - from now on, entries of connections have labels
 * @cn: the namespace
 *
 * They cost each new connection some memory, so only a policy that demands encryption asks for
 * them. Does nothing the second time.
 *
 * Context: cordon_net.lock held; may sleep. Return: 0 or -errno.
 */
int cordon_inspector_label(struct cordon_net *cn)
{
	struct cordon_inspector *in = &cn->inspector;
	int ret;

	lockdep_assert_held(&cn->lock);
	if (in->labelled)
		return 0;
	ret = nf_connlabels_get(cn->net, CORDON_MARK_WORD * 32 + CORDON_MARK_SHIFT + 1);
	in->labelled = !ret;
	return ret;
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
	cache = kmem_cache_create("cordon_inspection", sizeof(struct inspection), 0,
				  SLAB_ACCOUNT, NULL);
	return cache ? 0 : -ENOMEM;
}

/** cordon_inspect_exit - when no namespace reads any more */
void cordon_inspect_exit(void)
{
	kmem_cache_destroy(cache);
}
