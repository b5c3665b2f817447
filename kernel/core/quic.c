// SPDX-License-Identifier: GPL-2.0
/* QUIC: the headers that can be read without its keys (RFC 8999, RFC 9000, RFC 9287, RFC 9369). */
#include "quic.h"

#define VERSION_NEGOTIATION	0
#define VERSION_1		0x00000001
#define VERSION_2		0x6b3343cf

#define FIXED_BIT		0x40
#define MIN_DATAGRAM		1200	/* RFC 9000, 14.1 */
#define MIN_FIRST_ID		8	/* RFC 9000, 7.2 */
#define MIN_PROTECTED		20	/* to the end of a header's sample (RFC 9001, 5.4.2) */
#define RETRY_TAG		16

/* Types of version 1. */
enum {
	INITIAL,
	EARLY,
	HANDSHAKE,
	RETRY,
};

/**
 * struct header - a long header
 * @version: of QUIC
 * @to: the receiver's connection id
 * @from: the sender's
 * @rest: what follows
 * @rest_len: bytes in @rest
 * @to_len: length of @to
 * @from_len: length of @from
 * @type: INITIAL, ...
 * @fixed: the fixed bit is set
 * @token: an Initial has one
 */
struct header {
	u32 version;
	const u8 *to;
	const u8 *from;
	const u8 *rest;
	u32 rest_len;
	u8 to_len;
	u8 from_len;
	u8 type;
	bool fixed;
	bool token;
};

/**
 * cordon_quic_init - a connection begins
 * @q: the connection
 */
void cordon_quic_init(struct cordon_quic *q)
{
	memset(q, 0, sizeof(*q));
}

static bool is_known(u32 version)
{
	return version == VERSION_1 || version == VERSION_2;
}

/* Asks for version negotiation (RFC 9000, 15). */
static bool is_reserved(u32 version)
{
	return (version & 0x0f0f0f0f) == 0x0a0a0a0a;
}

static bool is_draft(u32 version)
{
	return version >> 8 == 0xff0000;
}

/* @len bytes of a connection id after its length. */
static bool take_id(struct header *h, const u8 **id, u8 *len)
{
	if (!h->rest_len)
		return false;
	*len = h->rest[0];
	*id = h->rest + 1;
	if (*len > CORDON_QUIC_MAX_ID || *len > h->rest_len - 1)
		return false;
	h->rest += 1 + *len;
	h->rest_len -= 1 + *len;
	return true;
}

/* A number whose first two bits say how long it is (RFC 9000, 16). */
static bool take_number(struct header *h, u64 *value)
{
	u32 n, i;

	if (!h->rest_len)
		return false;
	n = 1U << (h->rest[0] >> 6);
	if (n > h->rest_len)
		return false;
	*value = h->rest[0] & 0x3f;
	for (i = 1; i < n; i++)
		*value = *value << 8 | h->rest[i];
	h->rest += n;
	h->rest_len -= n;
	return true;
}

static bool read_header(struct header *h, const u8 *data, u32 len)
{
	if (len < 5 || !cordon_quic_is_long(data, len))
		return false;
	h->version = (u32)data[1] << 24 | data[2] << 16 | data[3] << 8 | data[4];
	h->type = data[0] >> 4 & 3;
	if (h->version == VERSION_2)
		h->type = (h->type + 3) & 3;
	h->rest = data + 5;
	h->rest_len = len - 5;
	h->fixed = data[0] & FIXED_BIT;
	h->token = false;
	return take_id(h, &h->to, &h->to_len) && take_id(h, &h->from, &h->from_len);
}

/* Its length fits; an Initial's token, too. */
static bool is_sound(struct header *h)
{
	u64 n;

	if (h->type == RETRY)
		return h->rest_len > RETRY_TAG;
	if (h->type == INITIAL) {
		if (!take_number(h, &n) || n > h->rest_len)
			return false;
		h->token = n;
		h->rest += n;
		h->rest_len -= n;
	}
	return take_number(h, &n) && n >= MIN_PROTECTED && n <= h->rest_len;
}

static enum cordon_tls_verdict begin(struct cordon_quic *q, const struct header *h, u32 len)
{
	if (len < MIN_DATAGRAM || h->to_len < (q->started ? 0 : MIN_FIRST_ID))
		return q->started ? CORDON_TLS_AGAIN : CORDON_TLS_PLAINTEXT;
	q->started = true;
	q->id_len = h->from_len;
	memcpy(q->id, h->from, h->from_len);
	return CORDON_TLS_MORE;
}

/* Without the fixed bit, a client begins only with a token from an earlier time (RFC 9287, 3.1). */
static bool may_begin(const struct header *h)
{
	return h->fixed || h->token;
}

static enum cordon_tls_verdict read_client(struct cordon_quic *q, const u8 *data, u32 len)
{
	const enum cordon_tls_verdict alien = q->started ? CORDON_TLS_AGAIN : CORDON_TLS_PLAINTEXT;
	struct header h;

	if (!read_header(&h, data, len))
		return alien;
	if (is_reserved(h.version))
		return h.fixed ? begin(q, &h, len) : alien;
	if (!is_known(h.version))
		return is_draft(h.version) ? CORDON_TLS_DOWNGRADE : CORDON_TLS_PLAINTEXT;
	if (!is_sound(&h))
		return alien;
	if (h.type == INITIAL && may_begin(&h))
		return begin(q, &h, len);
	if (h.type != EARLY || !q->started)
		return alien;
	q->early += len;
	return q->early > CORDON_TLS_MAX_EARLY ? CORDON_TLS_MALFORMED : CORDON_TLS_MORE;
}

static bool is_answer(const struct cordon_quic *q, const struct header *h)
{
	return h->to_len == q->id_len && !memcmp(h->to, q->id, q->id_len);
}

static enum cordon_tls_verdict read_server(struct cordon_quic *q, const u8 *data, u32 len)
{
	struct header h;

	/* The client may have allowed for any fixed bit; nothing so short is protected. */
	if (!q->started || !len || (len <= MIN_PROTECTED && !(data[0] & (0x80 | FIXED_BIT))))
		return CORDON_TLS_PLAINTEXT;
	if (!read_header(&h, data, len) || !is_answer(q, &h))
		return CORDON_TLS_AGAIN;
	if (h.version == VERSION_NEGOTIATION)
		return h.rest_len && h.rest_len % 4 == 0 ? CORDON_TLS_MORE : CORDON_TLS_AGAIN;
	if (!is_known(h.version))
		return is_draft(h.version) ? CORDON_TLS_DOWNGRADE : CORDON_TLS_MALFORMED;
	if (!is_sound(&h) || h.type == EARLY)
		return CORDON_TLS_AGAIN;
	return h.type == RETRY ? CORDON_TLS_MORE : CORDON_TLS_PASS;
}

/**
 * cordon_quic_read - read a datagram
 * @q: the connection
 * @client: it is the client's
 * @data: its payload
 * @len: bytes in @data
 *
 * The client's first datagram must be one that a server may answer; the verdict falls when the
 * server answers it in version 1 or 2, by the name that the client gave itself. A request to try
 * again, with a token or in another version, is none yet.
 *
 * Return: what has been made out so far. CORDON_TLS_AGAIN is about this datagram only, all but
 * that and CORDON_TLS_MORE is final.
 */
enum cordon_tls_verdict cordon_quic_read(struct cordon_quic *q, bool client, const u8 *data,
					 u32 len)
{
	enum cordon_tls_verdict verdict;

	if (q->verdict != CORDON_TLS_MORE)
		return q->verdict;
	verdict = client ? read_client(q, data, len) : read_server(q, data, len);
	if (verdict != CORDON_TLS_AGAIN)
		q->verdict = verdict;
	return verdict;
}
