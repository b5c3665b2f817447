// SPDX-License-Identifier: GPL-2.0
/* TLS inspection for UDP: DTLS, and QUIC, which is always encrypted. */
#include <linux/udp.h>

#include "inspection.h"

#define DTLS_RECORD			13	/* bytes of a record's header */
#define DTLS_HELLO_VERIFY_REQUEST	3

static enum cordon_tls_verdict read_datagram(struct cordon_inspection *i, bool client,
					     const u8 *data, u32 len)
{
	return i->reader == CORDON_READER_QUIC ? cordon_quic_read(&i->quic, client, data, len) :
						 cordon_dtls_read(&i->dtls, client, data, len);
}

/*
 * Datagrams of @size bytes, the last may be shorter. The first that decides does so for all; as
 * they are dropped together, too, none of them leaves a trace then.
 */
static enum cordon_tls_verdict read_datagrams(struct cordon_inspection *i, bool client,
					      const u8 *data, u32 len, u32 size)
{
	const struct cordon_dtls dtls = i->dtls;
	const struct cordon_quic quic = i->quic;
	enum cordon_tls_verdict verdict;
	u32 n;

	do {
		n = min(len, size);
		verdict = read_datagram(i, client, data, n);
		data += n;
		len -= n;
	} while (verdict == CORDON_TLS_MORE && len);
	if (verdict != CORDON_TLS_AGAIN)
		return verdict;
	if (i->reader == CORDON_READER_QUIC)
		i->quic = quic;
	else
		i->dtls = dtls;
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

/* The first datagram that was seen. */
static struct cordon_inspection *begin(struct cordon_inspect_ctx *ctx, const u8 *data, u32 len)
{
	struct cordon_inspection *i = cordon_inspection_begin(ctx);

	if (!i)
		return NULL;
	cordon_inspection_start_clock(ctx, i);
	if (cordon_quic_is_long(data, len)) {
		i->reader = CORDON_READER_QUIC;
		cordon_quic_init(&i->quic);
	} else {
		i->reader = CORDON_READER_DTLS;
		cordon_dtls_init(&i->dtls, ctx->demand);
	}
	return i;
}

/* Turn the reader's verdict into one for the packet. Frees @i unless more is to be read. */
static enum cordon_inspect conclude(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
				    enum cordon_tls_verdict verdict)
{
	enum cordon_mark mark = CORDON_MARK_TLS1_3;

	if (verdict == CORDON_TLS_MORE)
		return CORDON_INSPECT_PASS;
	if (verdict == CORDON_TLS_AGAIN)
		return CORDON_INSPECT_HOLD;
	if (verdict != CORDON_TLS_PASS && i->reader == CORDON_READER_DTLS) {
		*ctx->facts = i->dtls.handshake.facts;
		ctx->told = true;
	}
	if (verdict != CORDON_TLS_PASS)
		return cordon_inspection_refuse(ctx, i, cordon_inspection_kind(verdict));
	if (i->reader == CORDON_READER_DTLS &&
	    i->dtls.handshake.facts.selected != CORDON_TLS_1_3)
		mark = CORDON_MARK_TLS1_2;
	cordon_inspection_mark(ctx, mark);
	cordon_inspection_end(ctx, i);
	return CORDON_INSPECT_PASS;
}

/* Read on. */
static enum cordon_inspect go_on(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
				 const u8 *data, u32 len, u32 size)
{
	/* The source of the first datagrams may be forged. */
	if (!ctx->original)
		i->answered = true;
	else if (i->answered)
		cordon_inspection_proven(ctx, i);
	return conclude(ctx, i, read_datagrams(i, ctx->original != i->reversed, data, len, size));
}

/* The message of a handshake that a datagram begins with; 0, none that can be read. */
static u8 message_type(const u8 *data, u32 len)
{
	return len > DTLS_RECORD && cordon_inspect_is_handshake(data) ? data[DTLS_RECORD] : 0;
}

/*
 * A datagram of a connection that has a verdict. The same ports may be used for another handshake
 * (RFC 6347, 4.2.8), which is read, too. Until that has selected a version the connection goes on
 * by the verdict that it has: somebody else may have sent the hello. A server's hello that answers
 * none is one that is late, or the first copy of it was refused.
 */
static enum cordon_inspect read_again(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
				      u8 known, const u8 *data, u32 len, u32 size)
{
	switch (message_type(data, len)) {
	case CORDON_TLS_CLIENT_HELLO:
		if (i)
			break;
		i = begin(ctx, data, len);
		if (!i)
			return cordon_inspection_refuse(ctx, NULL, CORDON_KIND_UNJUDGED);
		i->reversed = !ctx->original;
		break;
	case CORDON_TLS_SERVER_HELLO:
	case DTLS_HELLO_VERIFY_REQUEST:
		if (!i)
			return CORDON_INSPECT_HOLD;
		break;
	default:
		return known >= ctx->demand ? CORDON_INSPECT_PASS :
		       cordon_inspection_refuse(ctx, NULL, CORDON_KIND_TLS_DOWNGRADE);
	}
	return go_on(ctx, i, data, len, size);
}

/*
 * A connection that was refused for good when nothing was refused in fact may begin anew when
 * something is. Return: false, nothing is, and it was counted.
 */
static bool is_open(struct cordon_inspect_ctx *ctx, struct cordon_inspection **i)
{
	if (cordon_inspect_mark(ctx->in, ctx->ct) != CORDON_MARK_FAILED && !(*i && (*i)->refused))
		return true;
	if (ctx->observe)
		return false;
	cordon_inspection_mark(ctx, CORDON_MARK_NONE);
	if (*i)
		cordon_inspection_end(ctx, *i);
	*i = NULL;
	return true;
}

static enum cordon_inspect read_payload(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i,
					const u8 *data, u32 len, u32 size)
{
	if (!i) {
		if (!ctx->original || cordon_dtls_is_midway(data, len))
			return cordon_inspection_unseen(ctx, NULL);
		/* The entry is older than the demand, and no verdict can be written on it. */
		if (!nf_ct_labels_find(ctx->ct) && !ctx->observe) {
			nf_ct_kill(ctx->ct);
			return CORDON_INSPECT_HOLD;
		}
		i = begin(ctx, data, len);
		if (!i)
			return cordon_inspection_refuse(ctx, NULL, CORDON_KIND_UNJUDGED);
	}
	return go_on(ctx, i, data, len, size);
}

/**
 * cordon_inspect_udp - a packet of UDP, which may be several datagrams
 * @ctx: the packet; its bucket is locked
 * @i: its connection, if that is being read
 *
 * Return: what becomes of the packet.
 */
enum cordon_inspect cordon_inspect_udp(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i)
{
	const u32 size = datagram_size(ctx->skb);
	const struct udphdr *uh;
	unsigned int len, said;
	u8 known;

	if (!is_open(ctx, &i))
		return CORDON_INSPECT_PASS;
	/* In pieces that must stay apart, or have no memory to be put together: not now. */
	if (!size || skb_linearize(ctx->skb))
		return CORDON_INSPECT_HOLD;
	if (ctx->offset + sizeof(*uh) > ctx->skb->len)
		return cordon_inspection_unseen(ctx, i);
	uh = (const struct udphdr *)(ctx->skb->data + ctx->offset);
	len = ctx->skb->len - ctx->offset - sizeof(*uh);
	said = ntohs(uh->len);
	if (said >= sizeof(*uh) && said - sizeof(*uh) < len)
		len = said - sizeof(*uh);
	if (!len)
		return CORDON_INSPECT_PASS;
	known = cordon_inspect_mark(ctx->in, ctx->ct);
	if (known)
		return read_again(ctx, i, known, (const u8 *)(uh + 1), len, size);
	return read_payload(ctx, i, (const u8 *)(uh + 1), len, size);
}
