// SPDX-License-Identifier: GPL-2.0
/* TLS over a stream: records, and the messages in them, one byte after the other. */
#include "tls.h"

#define RECORD_CHANGE_CIPHER	20
#define RECORD_ALERT		21
#define RECORD_HANDSHAKE	22
#define RECORD_APPLICATION	23

#define RECORD_HEADER		5
#define MESSAGE_HEADER		4
#define MAX_RECORD		16384
#define MAX_EXPANSION		256		/* of a record that is encrypted (RFC 8446, 5.2) */

#define ALERT_WARNING		1
#define ALERT_FATAL		2
#define ALERT_UNRECOGNIZED_NAME	112
#define MAX_ALERTS		2		/* user_canceled, close_notify (RFC 8446, 6.1) */

/**
 * cordon_tls_init - a connection begins
 * @t: the connection
 * @demand: CORDON_ENCRYPTION_TLS1_2 or CORDON_ENCRYPTION_TLS1_3
 */
void cordon_tls_init(struct cordon_tls *t, u8 demand)
{
	memset(t, 0, sizeof(*t));
	cordon_handshake_init(&t->handshake, demand);
}

/*
 * ChangeCipherSpec before the verdict is for middleboxes only (RFC 8446, D.4): the client's after
 * a ClientHello with early data or before the second one, the server's after a HelloRetryRequest.
 * The latter may have been overtaken by the client's answer.
 */
static bool may_change_cipher(const struct cordon_tls *t, bool client)
{
	const u8 phase = t->handshake.phase;

	if (t->side[client].changed_cipher)
		return false;
	if (client)
		return phase == CORDON_HANDSHAKE_CLIENT_AGAIN ||
		       (phase == CORDON_HANDSHAKE_SERVER && t->handshake.early);
	return phase == CORDON_HANDSHAKE_CLIENT_AGAIN || phase == CORDON_HANDSHAKE_SERVER_AGAIN;
}

/* May a record of this type begin here? */
static bool may_begin(const struct cordon_tls *t, bool client, u8 type)
{
	const struct cordon_tls_side *s = &t->side[client];
	const u8 phase = t->handshake.phase;

	/* RFC 8446, 5.1: nothing between the records of one message. */
	if ((s->message_at && type != RECORD_HANDSHAKE) || (s->ended && type != RECORD_ALERT))
		return false;
	switch (type) {
	case RECORD_HANDSHAKE:
		return cordon_handshake_turn(&t->handshake, client);
	case RECORD_CHANGE_CIPHER:
		return may_change_cipher(t, client);
	case RECORD_ALERT:
		return s->alerts < MAX_ALERTS && !(client && phase == CORDON_HANDSHAKE_CLIENT);
	default:
		/* What was sent before the HelloRetryRequest arrived is still under way. */
		return client && t->handshake.early &&
		       (phase == CORDON_HANDSHAKE_SERVER ||
			phase == CORDON_HANDSHAKE_CLIENT_AGAIN);
	}
}

static bool is_record_len(u8 type, u16 len)
{
	switch (type) {
	case RECORD_CHANGE_CIPHER:
		return len == 1;
	case RECORD_ALERT:
		return len == 2;
	case RECORD_HANDSHAKE:
		return len && len <= MAX_RECORD;
	default:
		return len && len <= MAX_RECORD + MAX_EXPANSION;
	}
}

/* The next byte of a record's header. What is no record at the very first is not TLS. */
static enum cordon_tls_verdict read_header(struct cordon_tls *t, bool client, u8 byte)
{
	struct cordon_tls_side *s = &t->side[client];
	const enum cordon_tls_verdict alien = s->started ? CORDON_TLS_MALFORMED :
							    CORDON_TLS_PLAINTEXT;

	switch (s->at++) {
	case 0:
		s->type = byte;
		return byte < RECORD_CHANGE_CIPHER || byte > RECORD_APPLICATION ? alien :
										  CORDON_TLS_MORE;
	case 1:
		return byte == 3 ? CORDON_TLS_MORE : alien;
	case 2:
		/* RFC 8446, 5.1: to be ignored. But 0 is SSL 3.0, and no other was ever sent. */
		if (!byte && s->type == RECORD_HANDSHAKE && !s->started)
			return CORDON_TLS_DOWNGRADE;
		s->started = true;
		return byte >= 1 && byte <= 3 && may_begin(t, client, s->type) ?
			CORDON_TLS_MORE : CORDON_TLS_MALFORMED;
	case 3:
		s->left = byte << 8;
		return CORDON_TLS_MORE;
	default:
		s->left |= byte;
		return is_record_len(s->type, s->left) ? CORDON_TLS_MORE : CORDON_TLS_MALFORMED;
	}
}

/* The next byte of a message's header: only hellos come before the verdict. */
static enum cordon_tls_verdict read_message_header(struct cordon_tls *t, bool client, u8 byte)
{
	struct cordon_tls_side *s = &t->side[client];
	u16 flags = client ? 0 : CORDON_HELLO_SERVER;

	if (!s->message_at++) {
		t->message_len = 0;
		return cordon_handshake_turn(&t->handshake, client) &&
		       byte == (client ? CORDON_TLS_CLIENT_HELLO : CORDON_TLS_SERVER_HELLO) ?
			CORDON_TLS_MORE : CORDON_TLS_MALFORMED;
	}
	t->message_len = t->message_len << 8 | byte;
	if (s->message_at < MESSAGE_HEADER)
		return CORDON_TLS_MORE;
	if (t->handshake.facts.name_len)
		flags |= CORDON_HELLO_NAMED;
	cordon_hello_begin(&t->hello, flags, t->message_len);
	return cordon_hello_is_broken(&t->hello) ? CORDON_TLS_MALFORMED : CORDON_TLS_MORE;
}

/*
 * A hello is complete; @rest of its record is not. From TLS 1.3's ServerHello on there is another
 * key, and no record has two (RFC 8446, 5.1).
 */
static enum cordon_tls_verdict conclude(struct cordon_tls *t, bool client, u32 rest)
{
	const struct cordon_hello *h = &t->hello;
	enum cordon_tls_verdict verdict;

	t->side[client].message_at = 0;
	if (client)
		return cordon_handshake_client(&t->handshake, h);
	verdict = cordon_handshake_server(&t->handshake, h);
	if (verdict == CORDON_TLS_PASS && rest && t->handshake.facts.selected == CORDON_TLS_1_3)
		return CORDON_TLS_MALFORMED;
	return verdict;
}

static enum cordon_tls_verdict read_handshake(struct cordon_tls *t, bool client, const u8 *data,
					      u32 len)
{
	struct cordon_tls_side *s = &t->side[client];
	enum cordon_tls_verdict verdict = CORDON_TLS_MORE;
	u32 n;

	while (len && verdict == CORDON_TLS_MORE) {
		if (s->message_at < MESSAGE_HEADER) {
			n = 1;
			verdict = read_message_header(t, client, *data);
		} else {
			n = cordon_hello_read(&t->hello, &t->handshake.facts, data, len);
		}
		data += n;
		len -= n;
		s->left -= n;
		if (s->message_at < MESSAGE_HEADER || verdict != CORDON_TLS_MORE)
			continue;
		if (cordon_hello_is_broken(&t->hello))
			verdict = CORDON_TLS_MALFORMED;
		else if (cordon_hello_is_complete(&t->hello))
			verdict = conclude(t, client, s->left);
	}
	return verdict;
}

/*
 * An alert ends the handshake, whatever its level (RFC 8446, 6.2). Before that, a server of
 * TLS 1.2 may warn that it does not know its name, and go on (RFC 6066, 3).
 */
static enum cordon_tls_verdict read_alert(struct cordon_tls *t, bool client, u8 byte)
{
	struct cordon_tls_side *s = &t->side[client];

	if (s->left-- == 2) {
		s->level = byte;
		return byte == ALERT_WARNING || byte == ALERT_FATAL ? CORDON_TLS_MORE :
								      CORDON_TLS_MALFORMED;
	}
	s->alerts++;
	if (client || s->level != ALERT_WARNING || byte != ALERT_UNRECOGNIZED_NAME ||
	    t->handshake.demand != CORDON_ENCRYPTION_TLS1_2)
		s->ended = true;
	return CORDON_TLS_MORE;
}

static enum cordon_tls_verdict read_early(struct cordon_tls *t, bool client, u32 n)
{
	t->side[client].left -= n;
	t->early += n;
	return t->early > CORDON_TLS_MAX_EARLY ? CORDON_TLS_MALFORMED : CORDON_TLS_MORE;
}

/* At least one byte of a record's payload, and no more than it has. */
static enum cordon_tls_verdict read_payload(struct cordon_tls *t, bool client, const u8 *data,
					    u32 n)
{
	struct cordon_tls_side *s = &t->side[client];
	enum cordon_tls_verdict verdict = CORDON_TLS_MORE;

	switch (s->type) {
	case RECORD_HANDSHAKE:
		return read_handshake(t, client, data, n);
	case RECORD_CHANGE_CIPHER:
		s->changed_cipher = true;
		s->left = 0;
		return *data == 1 ? CORDON_TLS_MORE : CORDON_TLS_MALFORMED;
	case RECORD_ALERT:
		for (; n && verdict == CORDON_TLS_MORE; n--)
			verdict = read_alert(t, client, *data++);
		return verdict;
	default:
		return read_early(t, client, n);
	}
}

/**
 * cordon_tls_read - read on
 * @t: the connection
 * @client: the bytes are the client's
 * @data: what comes next of that side's stream
 * @len: bytes in @data
 *
 * How the stream is cut into pieces makes no difference. A client must not be able to answer
 * what was not yet read: the bytes of both sides are read in the order in which they pass.
 *
 * Return: what has been made out so far. All but CORDON_TLS_MORE is final; CORDON_TLS_AGAIN does
 * not occur.
 */
enum cordon_tls_verdict cordon_tls_read(struct cordon_tls *t, bool client, const u8 *data,
					u32 len)
{
	struct cordon_tls_side *s = &t->side[client];
	u32 n;

	while (len && t->verdict == CORDON_TLS_MORE) {
		if (s->at < RECORD_HEADER) {
			n = 1;
			t->verdict = read_header(t, client, *data);
		} else {
			n = s->left;
			t->verdict = read_payload(t, client, data, min(n, len));
			n -= s->left;
			if (!s->left)
				s->at = 0;
		}
		data += n;
		len -= n;
	}
	t->unread = len;
	return t->verdict;
}
