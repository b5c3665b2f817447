// SPDX-License-Identifier: GPL-2.0
/*
 * TLS inspection for TCP. What comes before its turn is held back: TCP sends it again. What is sent
 * again passes if it is what was read: the bytes in flight are kept until the other side has
 * acknowledged them. The verdict is written on the entry when both sides have all that was read,
 * so that none of it can come again as something else.
 *
 * A verdict is about one connection, while conntrack may use its entry for the next one between
 * the same ports. That begins with a SYN, so no packet with a SYN passes by a verdict; see open().
 */
#include <linux/slab.h>
#include <linux/tcp.h>

#include "inspection.h"

static bool has_begun_anew(const struct nf_conn *ct, const struct tcphdr *th)
{
	const u8 state = READ_ONCE(ct->proto.tcp.state);

	if (th->ack)
		return state == TCP_CONNTRACK_SYN_RECV;
	return state == TCP_CONNTRACK_SYN_SENT || state == TCP_CONNTRACK_SYN_SENT2;
}

/* A SYN on an entry without labels, on which no verdict can be written: there must be another. */
static enum cordon_inspect replace_entry(struct cordon_inspect_ctx *ctx, const struct tcphdr *th)
{
	if (ctx->observe)
		return CORDON_INSPECT_PASS;
	if (!th->ack)
		nf_ct_kill(ctx->ct);
	return CORDON_INSPECT_HOLD;
}

/*
 * Conntrack ignored the SYN: it stands by the connection that the entry is of, until a SYN/ACK
 * answers this SYN. Who is not in the path may have sent it, so it changes nothing. It carries no
 * data, as that would pass unread. A SYN/ACK that answers no SYN is of no use once the server's
 * data came through.
 */
static enum cordon_inspect ignored(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
				   const struct tcphdr *th, bool has_data, u8 known)
{
	if (has_data || (th->ack && (known || (i && (i->decided || i->refused)))))
		return CORDON_INSPECT_HOLD;
	if (i && !th->ack && ntohl(th->seq) + 1 != i->side[ctx->original].first)
		i->reopened = true;
	return CORDON_INSPECT_PASS;
}

/* A SYN that conntrack believes: is it of another connection than the one that is being read? */
static bool is_other(const struct cordon_inspect_ctx *ctx, const struct cordon_inspection *i,
		     const struct tcphdr *th)
{
	const struct cordon_stream *mine = &i->side[ctx->original],
				   *theirs = &i->side[!ctx->original];
	const u32 ack = ntohl(th->ack_seq);

	if (i->refused || (i->reopened && th->ack))
		return true;
	if (cordon_stream_is_read(mine) && ntohl(th->seq) + 1 != mine->first)
		return true;
	/* With a SYN that had data, some of it may be acknowledged (RFC 7413, 4.2.2). */
	return th->ack && cordon_stream_is_read(theirs) &&
	       ack - theirs->first > theirs->next - theirs->first;
}

/*
 * A SYN says where its side's bytes begin; a SYN/ACK also which of the other's SYNs it answers.
 * Sent again before any byte was read, either may say otherwise.
 */
static void synchronise(const struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
			const struct tcphdr *th)
{
	struct cordon_stream *mine = &i->side[ctx->original], *theirs = &i->side[!ctx->original];

	if (!cordon_stream_is_read(mine))
		cordon_stream_begin(mine, ntohl(th->seq) + 1);
	if (th->ack && !cordon_stream_is_read(theirs))
		cordon_stream_begin(theirs, ntohl(th->ack_seq));
}

/*
 * A SYN. If conntrack's state, which has seen it by now, is one of the first, a connection begins:
 * whatever is known of an older one on the same entry is forgotten. That is so
 * - with a SYN on a new entry, or in SYN_SENT and SYN_SENT2, and
 * - with the SYN/ACK that answers a SYN which was ignored, in every other state: conntrack goes to
 *   SYN_RECV then. The SYN itself left the state as it was.
 * On CLOSE and TIME_WAIT conntrack may also remove the entry and make another, without a mark.
 *
 * Return: CORDON_INSPECT_PASS with *@i set, go on with the packet; with *@i NULL, it passes.
 */
static enum cordon_inspect open(struct cordon_inspect_ctx *ctx, struct cordon_inspection **i,
				const struct tcphdr *th, bool has_data)
{
	const u8 known = cordon_inspect_mark(ctx->in, ctx->ct);
	struct cordon_inspection *old = *i;

	*i = NULL;
	if (!nf_ct_labels_find(ctx->ct))
		return replace_entry(ctx, th);
	if (!has_begun_anew(ctx->ct, th))
		return ignored(ctx, old, th, has_data, known);
	if (known)
		cordon_inspection_mark(ctx, CORDON_MARK_NONE);
	if (old && (known || is_other(ctx, old, th))) {
		cordon_inspection_end(ctx, old);
		old = NULL;
	}
	if (!old) {
		old = cordon_inspection_begin(ctx);
		if (!old) {
			/* Not for good: there may be room when it comes again. */
			ctx->kind = CORDON_KIND_UNJUDGED;
			/* Others have used it up, also where the device answers one of them. */
			ctx->blameless |= ctx->others;
			return CORDON_INSPECT_REFUSE;
		}
		cordon_tls_init(&old->tls, ctx->demand);
	}
	synchronise(ctx, old, th);
	*i = old;
	return CORDON_INSPECT_PASS;
}

static void acknowledge(const struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
			const struct tcphdr *th)
{
	if (th->ack)
		cordon_stream_acknowledge(&i->side[!ctx->original], ntohl(th->ack_seq), i->decided);
}

/*
 * Memory for @n bytes in flight, with those that are there: that of the other side, if it has none
 * in flight, or new memory.
 */
static bool grow(struct cordon_stream *s, struct cordon_stream *other, u32 n)
{
	u8 *kept;

	if (n <= s->size)
		return true;
	if (!s->kept && n <= other->size && cordon_stream_is_settled(other)) {
		swap(s->kept, other->kept);
		swap(s->size, other->size);
		return true;
	}
	n = max_t(u32, 512, roundup_pow_of_two(n));
	kept = kmalloc(n, GFP_ATOMIC | __GFP_ACCOUNT | __GFP_NOWARN);
	if (!kept)
		return false;
	if (s->kept)
		memcpy(kept, s->kept, s->next - s->una);
	kfree(s->kept);
	s->kept = kept;
	s->size = n;
	return true;
}

/* Keep @n bytes that were read, and count them as such; false, there is no room for now. */
static bool keep(const struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
		 unsigned int from, u32 n)
{
	struct cordon_stream *s = &i->side[ctx->original];
	const u32 all = cordon_stream_room(s, n);

	if (!all || !grow(s, &i->side[!ctx->original], all) ||
	    skb_copy_bits(ctx->skb, from, s->kept + (all - n), n))
		return false;
	s->next += n;
	return true;
}

static bool is_same(const struct cordon_stream *s, u32 seq, struct sk_buff *skb,
		    unsigned int from, unsigned int to)
{
	unsigned int done = 0, n;
	struct skb_seq_state st;
	bool same = true;
	const u8 *data;

	if (cordon_stream_is_settled(s) || from == to)
		return true;
	skb_prepare_seq_read(skb, from, to, &st);
	while (same && (n = skb_seq_read(done, &data, &st))) {
		same = cordon_stream_same(s, seq + done, data, n);
		done += n;
	}
	skb_abort_seq_read(&st);
	return same;
}

/* Read on; @n, how many bytes were read until the end or the verdict. */
static enum cordon_tls_verdict read_stream(struct cordon_inspection *i, bool client,
					   struct sk_buff *skb, unsigned int from, u32 *n)
{
	enum cordon_tls_verdict verdict = CORDON_TLS_MORE;
	struct skb_seq_state st;
	unsigned int len;
	const u8 *data;

	*n = 0;
	skb_prepare_seq_read(skb, from, skb->len, &st);
	while (verdict == CORDON_TLS_MORE && (len = skb_seq_read(*n, &data, &st))) {
		verdict = cordon_tls_read(&i->tls, client, data, len);
		*n += len;
	}
	skb_abort_seq_read(&st);
	*n -= i->tls.unread;
	return verdict;
}

static enum cordon_inspect refuse(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
				  u8 kind)
{
	*ctx->facts = i->tls.handshake.facts;
	ctx->told = true;
	return cordon_inspection_refuse(ctx, i, kind);
}

/* Bytes that come next, from @from on. Where they cannot be kept they are not read, either. */
static enum cordon_inspect read_next(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
				     unsigned int from)
{
	const struct cordon_tls before = i->tls;
	enum cordon_tls_verdict verdict;
	u32 n;

	verdict = read_stream(i, ctx->original, ctx->skb, from, &n);
	if (verdict != CORDON_TLS_MORE && verdict != CORDON_TLS_PASS)
		return refuse(ctx, i, cordon_inspection_kind(verdict));
	if (!keep(ctx, i, from, n)) {
		i->tls = before;
		return CORDON_INSPECT_HOLD;
	}
	cordon_inspection_start_clock(ctx, i);
	cordon_inspection_proven(ctx, i);
	if (verdict == CORDON_TLS_PASS)
		i->decided = i->tls.handshake.facts.selected == CORDON_TLS_1_3 ?
			     CORDON_MARK_TLS1_3 : CORDON_MARK_TLS1_2;
	return CORDON_INSPECT_PASS;
}

/* A segment with @len bytes of data. */
static enum cordon_inspect read_segment(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
					const struct tcphdr *th, u32 len)
{
	const unsigned int from = ctx->skb->len - len;
	struct cordon_stream *s = &i->side[ctx->original];
	const u32 seq = ntohl(th->seq) + th->syn;
	const bool ahead = (s32)(seq - s->next) >= 0;
	u32 known;

	if (!s->synced)
		return cordon_inspection_unseen(ctx, i);
	/*
	 * A SYN from outside may have a forged source: it must not hold the place of one whose
	 * client is there. Without data it comes again (RFC 7413, 4.1.3).
	 */
	if (th->syn && ctx->others && !ctx->observe)
		return CORDON_INSPECT_HOLD;
	if (ahead && i->decided)
		return CORDON_INSPECT_PASS;
	/* Before the first byte lies what was never read, whatever a later SYN said. */
	if (ahead ? seq != s->next : (s32)(seq - s->first) < 0)
		return CORDON_INSPECT_HOLD;
	/* Which bytes the receiver takes out of the stream is its own choice (RFC 6093). */
	if (th->urg)
		return refuse(ctx, i, CORDON_KIND_MALFORMED);
	known = cordon_stream_known(s, seq, len);
	if (!is_same(s, seq, ctx->skb, from, from + known))
		return refuse(ctx, i, CORDON_KIND_MALFORMED);
	if (known == len || i->decided)
		return CORDON_INSPECT_PASS;
	return read_next(ctx, i, from + known);
}

/* The connection was refused: its end may be told. */
static enum cordon_inspect refused(const struct cordon_inspect_ctx *ctx, const struct tcphdr *th)
{
	return ctx->observe || th->rst ? CORDON_INSPECT_PASS : CORDON_INSPECT_REFUSED;
}

/* Write the verdict if it is final. Return: it is, and the connection need not be read. */
static bool settle(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i)
{
	if (!i->decided || !cordon_stream_is_settled(&i->side[0]) ||
	    !cordon_stream_is_settled(&i->side[1]))
		return false;
	cordon_inspection_mark(ctx, i->decided);
	cordon_inspection_end(ctx, i);
	return true;
}

/* A packet without SYN of a connection that has a verdict. */
static enum cordon_inspect go_on_known(struct cordon_inspect_ctx *ctx, const struct tcphdr *th,
				       u8 known)
{
	if (known == CORDON_MARK_FAILED)
		return refused(ctx, th);
	return known >= ctx->demand ? CORDON_INSPECT_PASS :
	       cordon_inspection_refuse(ctx, NULL, CORDON_KIND_TLS_DOWNGRADE);
}

/* A packet without SYN, or one whose SYN was looked at, of a connection that is being read. */
static enum cordon_inspect go_on(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
				 const struct tcphdr *th, u32 len)
{
	if (i->refused)
		return refused(ctx, th);
	acknowledge(ctx, i, th);
	if (i->decided && i->decided < ctx->demand)
		return refuse(ctx, i, CORDON_KIND_TLS_DOWNGRADE);
	if (settle(ctx, i))
		return CORDON_INSPECT_PASS;
	if (len)
		return read_segment(ctx, i, th, len);
	/* It may say that a byte still to come is urgent. */
	return th->urg && !i->decided ? refuse(ctx, i, CORDON_KIND_MALFORMED) : CORDON_INSPECT_PASS;
}

/**
 * cordon_inspect_tcp - a packet of TCP
 * @ctx: the packet; its bucket is locked
 * @i: its connection, if that is being read
 *
 * Return: what becomes of the packet.
 */
enum cordon_inspect cordon_inspect_tcp(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i)
{
	enum cordon_inspect ret;
	const struct tcphdr *th;
	struct tcphdr buf;
	u32 len;
	u8 known;

	th = skb_header_pointer(ctx->skb, ctx->offset, sizeof(buf), &buf);
	if (!th || th->doff * 4 < sizeof(*th) || ctx->offset + th->doff * 4 > ctx->skb->len)
		return cordon_inspection_unseen(ctx, i);
	len = ctx->skb->len - ctx->offset - th->doff * 4;
	if (th->syn) {
		ret = open(ctx, &i, th, len);
		return ret == CORDON_INSPECT_PASS && i ? go_on(ctx, i, th, len) : ret;
	}
	known = cordon_inspect_mark(ctx->in, ctx->ct);
	if (known)
		return go_on_known(ctx, th, known);
	if (i)
		return go_on(ctx, i, th, len);
	return len ? cordon_inspection_unseen(ctx, NULL) : CORDON_INSPECT_PASS;
}
