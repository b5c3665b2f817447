// SPDX-License-Identifier: GPL-2.0
/* DTLS over datagrams, each of which may be lost, late or there twice (RFC 6347, RFC 9147). */
#include "dtls.h"

#define RECORD_ALERT		21
#define RECORD_HANDSHAKE	22
#define RECORD_FIRST		20
#define RECORD_ACK		26		/* the last one, too */

#define RECORD_HEADER		13
#define FRAGMENT_HEADER		12
#define ACK_NUMBER		16
#define MAX_RECORD		16384

#define HELLO_VERIFY_REQUEST	3

/**
 * struct fragment - of a handshake message
 * @data: its bytes
 * @len: how many
 * @at: where they belong
 * @message_len: of the whole message
 * @number: of the message
 * @type: of the message
 */
struct fragment {
	const u8 *data;
	u32 len;
	u32 at;
	u32 message_len;
	u16 number;
	u8 type;
};

static u32 number(const u8 *data, u32 n)
{
	u32 value = 0;

	for (; n; n--)
		value = value << 8 | *data++;
	return value;
}

/**
 * cordon_dtls_init - a connection begins
 * @d: the connection
 * @demand: CORDON_ENCRYPTION_TLS1_2 or CORDON_ENCRYPTION_TLS1_3
 */
void cordon_dtls_init(struct cordon_dtls *d, u8 demand)
{
	memset(d, 0, sizeof(*d));
	cordon_handshake_init(&d->handshake, demand);
}

static enum cordon_tls_verdict begin_hello(struct cordon_dtls *d, const struct fragment *f)
{
	u16 flags = CORDON_HELLO_DATAGRAM;

	/* A second hello can only answer the server. */
	if (!cordon_handshake_turn(&d->handshake, true))
		return CORDON_TLS_MALFORMED;
	if (d->handshake.facts.name_len)
		flags |= CORDON_HELLO_NAMED;
	d->message_len = f->message_len;
	cordon_hello_begin(&d->hello, flags, f->message_len);
	return CORDON_TLS_MORE;
}

/*
 * What came before may pass again, unread: only the server's answer makes the verdict. What comes
 * too early is sent again.
 */
static enum cordon_tls_verdict read_client(struct cordon_dtls *d, const struct fragment *f)
{
	u32 old;

	if (f->type != CORDON_TLS_CLIENT_HELLO)
		return CORDON_TLS_MALFORMED;
	if (f->number != d->next[true])
		return f->number < d->next[true] ? CORDON_TLS_MORE : CORDON_TLS_AGAIN;
	if (f->at > d->got)
		return CORDON_TLS_AGAIN;
	if (!d->got && begin_hello(d, f) != CORDON_TLS_MORE)
		return CORDON_TLS_MALFORMED;
	if (f->message_len != d->message_len)
		return CORDON_TLS_MALFORMED;
	if (f->at + f->len <= d->got)
		return CORDON_TLS_MORE;
	old = d->got - f->at;
	d->got += cordon_hello_read(&d->hello, &d->handshake.facts, f->data + old, f->len - old);
	if (cordon_hello_is_broken(&d->hello))
		return CORDON_TLS_MALFORMED;
	if (!cordon_hello_is_complete(&d->hello))
		return CORDON_TLS_MORE;
	d->got = 0;
	d->next[true]++;
	return cordon_handshake_client(&d->handshake, &d->hello);
}

/* RFC 6347, 4.2.1. No DTLS 1.3 can come of it: its hellos have no cookie there (RFC 9147, 5.3). */
static enum cordon_tls_verdict read_verify_request(struct cordon_dtls *d, const struct fragment *f)
{
	if (f->number < d->next[false])
		return CORDON_TLS_MORE;
	if (f->len < 3 || f->len != 3U + f->data[2] || f->data[0] != 0xfe || d->verified ||
	    d->handshake.phase != CORDON_HANDSHAKE_SERVER)
		return CORDON_TLS_MALFORMED;
	if (d->handshake.demand != CORDON_ENCRYPTION_TLS1_2)
		return CORDON_TLS_DOWNGRADE;
	d->verified = true;
	d->next[false]++;
	d->handshake.phase = CORDON_HANDSHAKE_CLIENT;
	return CORDON_TLS_MORE;
}

/* @more: something follows in its record, where TLS 1.3 has another key. */
static enum cordon_tls_verdict read_server_hello(struct cordon_dtls *d, const struct fragment *f,
						 bool more)
{
	enum cordon_tls_verdict verdict;
	struct cordon_hello h;

	cordon_hello_begin(&h, CORDON_HELLO_DATAGRAM | CORDON_HELLO_SERVER, f->len);
	cordon_hello_read(&h, &d->handshake.facts, f->data, f->len);
	if (!cordon_hello_is_complete(&h))
		return CORDON_TLS_MALFORMED;
	/* Sent again, it must still be what it was: a request to try again. */
	if (f->number < d->next[false])
		return h.flags & CORDON_HELLO_RETRY ? CORDON_TLS_MORE : CORDON_TLS_AGAIN;
	if (!cordon_handshake_turn(&d->handshake, false))
		return CORDON_TLS_MALFORMED;
	verdict = cordon_handshake_server(&d->handshake, &h);
	if (d->handshake.facts.selected == CORDON_TLS_1_3 && (more || d->verified) &&
	    (verdict == CORDON_TLS_PASS || verdict == CORDON_TLS_MORE))
		return CORDON_TLS_MALFORMED;
	d->next[false]++;
	return verdict;
}

/*
 * The server's messages are read whole, each time they come: if a piece could come twice, who
 * knows which one the client took. Hellos of servers fit one datagram.
 */
static enum cordon_tls_verdict read_server(struct cordon_dtls *d, const struct fragment *f,
					   bool more)
{
	if (f->number > d->next[false])
		return CORDON_TLS_AGAIN;
	if (f->type != CORDON_TLS_SERVER_HELLO && f->type != HELLO_VERIFY_REQUEST)
		return CORDON_TLS_MALFORMED;
	if (f->len != f->message_len)
		return CORDON_TLS_AGAIN;
	return f->type == HELLO_VERIFY_REQUEST ? read_verify_request(d, f) :
						 read_server_hello(d, f, more);
}

static enum cordon_tls_verdict read_fragments(struct cordon_dtls *d, bool client, const u8 *data,
					      u32 len)
{
	enum cordon_tls_verdict verdict = CORDON_TLS_MORE;
	struct fragment f;

	while (len && verdict == CORDON_TLS_MORE) {
		if (len < FRAGMENT_HEADER)
			return CORDON_TLS_MALFORMED;
		f.type = data[0];
		f.message_len = number(data + 1, 3);
		f.number = number(data + 4, 2);
		f.at = number(data + 6, 3);
		f.len = number(data + 9, 3);
		f.data = data + FRAGMENT_HEADER;
		len -= FRAGMENT_HEADER;
		if (!f.len || f.len > len || f.at + f.len > f.message_len)
			return CORDON_TLS_MALFORMED;
		len -= f.len;
		data = f.data + f.len;
		verdict = client ? read_client(d, &f) : read_server(d, &f, len);
	}
	return verdict;
}

static enum cordon_tls_verdict read_payload(struct cordon_dtls *d, bool client, u8 type,
					    const u8 *data, u32 len)
{
	bool good = false;

	switch (type) {
	case RECORD_HANDSHAKE:
		return read_fragments(d, client, data, len);
	case RECORD_ALERT:
		good = len == 2;
		break;
	case RECORD_ACK:
		good = len >= 2 && len - 2 == number(data, 2) && (len - 2) % ACK_NUMBER == 0;
		break;
	}
	return good ? CORDON_TLS_MORE : CORDON_TLS_AGAIN;
}

/* The length of the record that the datagram begins with, its header included; 0, it is none. */
static u32 record_len(const u8 *data, u32 len)
{
	u32 n;

	if (len < RECORD_HEADER || data[0] < RECORD_FIRST || data[0] > RECORD_ACK ||
	    data[1] != 0xfe || (data[2] != 0xff && data[2] != 0xfd))
		return 0;
	n = number(data + 11, 2);
	return n && n <= MAX_RECORD && n <= len - RECORD_HEADER ? RECORD_HEADER + n : 0;
}

/* An encrypted record of DTLS 1.3 (RFC 9147, 4) may overtake the hello that comes before it. */
static bool is_overtaking(const struct cordon_dtls *d, bool client, const u8 *data, u32 len)
{
	return !client && d->started[true] && len && data[0] >> 5 == 1;
}

static enum cordon_tls_verdict conclude_alien(const struct cordon_dtls *d, bool client,
					      const u8 *data, u32 len)
{
	return d->started[client] || is_overtaking(d, client, data, len) ? CORDON_TLS_AGAIN :
									   CORDON_TLS_PLAINTEXT;
}

/**
 * cordon_dtls_read - read a datagram
 * @d: the connection
 * @client: it is the client's
 * @data: its payload
 * @len: bytes in @data
 *
 * What is no record, or is encrypted already, is not read by an endpoint either, or is sent
 * again (RFC 6347, 4.1.2.7): it is to be dropped, with what else is in its datagram, of which
 * nothing is kept. Only at the very first it says that this is not DTLS.
 *
 * Return: what has been made out so far. CORDON_TLS_AGAIN is about this datagram only, all but
 * that and CORDON_TLS_MORE is final.
 */
enum cordon_tls_verdict cordon_dtls_read(struct cordon_dtls *d, bool client, const u8 *data,
					 u32 len)
{
	enum cordon_tls_verdict verdict = d->verdict;
	const struct cordon_dtls before = *d;
	bool encrypted;
	u32 n;

	if (!len && verdict == CORDON_TLS_MORE)
		verdict = conclude_alien(d, client, data, len);
	while (len && verdict == CORDON_TLS_MORE) {
		n = record_len(data, len);
		if (!n) {
			verdict = conclude_alien(d, client, data, len);
			break;
		}
		d->started[client] = true;
		encrypted = number(data + 3, 2);
		verdict = encrypted ? CORDON_TLS_AGAIN :
			  read_payload(d, client, data[0], data + RECORD_HEADER, n - RECORD_HEADER);
		data += n;
		len -= n;
	}
	if (verdict == CORDON_TLS_AGAIN)
		*d = before;
	else
		d->verdict = verdict;
	return verdict;
}

/**
 * cordon_dtls_is_midway - does a datagram belong to a connection that is past its hellos
 * @data: its payload
 * @len: bytes in @data
 *
 * Encrypted records up to DTLS 1.2 have an epoch that is not 0 (RFC 6347, 4.1). Those of DTLS 1.3
 * (RFC 9147, 4) cannot be told from other protocols, and are not recognised.
 */
bool cordon_dtls_is_midway(const u8 *data, u32 len)
{
	return record_len(data, len) && number(data + 3, 2);
}
