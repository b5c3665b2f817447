// SPDX-License-Identifier: GPL-2.0
/* A parser of handshakes that shares nothing with the core: slices of all that was sent. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

#define MESSAGES 2	/* of one side, up to its second hello */
#define EXTENSIONS 20000
#define DTLS_MESSAGES 3	/* of a client: after a cookie, after a retry */
#define DTLS_SIZE 65536

struct slice {
	const uint8_t *p;
	size_t n;
	bool bad;
};

struct message {
	struct slice body;
	unsigned int type;
	uint32_t first, last;	/* when */
};

struct handshake {
	struct message message[MESSAGES];
	unsigned int n;
	uint8_t *bytes;
};

struct hello {
	bool dtls;
	unsigned int legacy;
	struct slice random, session, suites, compressions;
	unsigned int types[EXTENSIONS];
	struct slice bodies[EXTENSIONS];
	unsigned int n;
};

static const char retry_hex[] = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

static struct slice cut(struct slice *s, size_t n)
{
	struct slice out = { s->p, n, false };

	if (s->bad || n > s->n) {
		s->bad = true;
		return (struct slice){ NULL, 0, true };
	}
	s->p += n;
	s->n -= n;
	return out;
}

static unsigned int number(struct slice *s, unsigned int width)
{
	struct slice digits = cut(s, width);
	unsigned int i, value = 0;

	for (i = 0; i < digits.n; i++)
		value = value * 256 + digits.p[i];
	return value;
}

static struct slice vector(struct slice *s, unsigned int width, size_t least, size_t most)
{
	size_t n = number(s, width);

	if (n < least || n > most)
		s->bad = true;
	return cut(s, n);
}

/* The handshake's bytes of all records, one after the other; then its messages. */
static bool collect(const struct stream *stream, struct handshake *h)
{
	struct slice s = { stream->data, stream->n, false }, payload, messages;
	uint32_t *when = calloc(stream->n + 1, sizeof(*when));
	unsigned int type, version;
	size_t n = 0, i, at;

	h->bytes = calloc(1, stream->n + 1);
	while (s.n >= 5) {
		type = number(&s, 1);
		version = number(&s, 2);
		at = number(&s, 2);
		if (version < 0x0301 || version > 0x0303 || !at || at > 16384 + (type == 23) * 256)
			break;
		payload = cut(&s, at < s.n ? at : s.n);
		for (i = 0; type == 22 && i < payload.n; i++) {
			when[n] = stream->when[payload.p + i - stream->data];
			h->bytes[n++] = payload.p[i];
		}
	}
	messages = (struct slice){ h->bytes, n, false };
	while (h->n < MESSAGES && messages.n) {
		struct message *m = &h->message[h->n];

		at = n - messages.n;
		m->type = number(&messages, 1);
		m->body = cut(&messages, number(&messages, 3));
		if (messages.bad)
			break;
		m->first = when[at];
		m->last = when[n - messages.n - 1];
		h->n++;
	}
	free(when);
	return h->n > 0;
}

/* Versions of DTLS count down. */
static unsigned int meaning(const struct hello *h, unsigned int wire)
{
	if (!h->dtls)
		return wire;
	return wire == 0xfefd ? 0x0303 : wire == 0xfefc ? 0x0304 : 0;
}

static bool parse_hello(const struct message *m, bool client, struct hello *h)
{
	struct slice s = m->body, block;
	unsigned int i;

	h->n = 0;
	if (m->type != (client ? 1 : 2))
		return false;
	h->legacy = number(&s, 2);
	h->random = cut(&s, 32);
	h->session = vector(&s, 1, 0, 32);
	if (h->dtls && client)
		vector(&s, 1, 0, 255);
	h->suites = client ? vector(&s, 2, 2, 65534) : cut(&s, 2);
	h->compressions = client ? vector(&s, 1, 1, 255) : cut(&s, 1);
	if (s.bad || h->suites.n % 2)
		return false;
	if (!s.n)
		return true;
	block = vector(&s, 2, 0, 65535);
	if (s.bad || s.n)
		return false;
	while (block.n && h->n < EXTENSIONS) {
		h->types[h->n] = number(&block, 2);
		h->bodies[h->n] = vector(&block, 2, 0, 65535);
		if (block.bad)
			return false;
		for (i = 0; i < h->n; i++)
			if (h->types[i] == h->types[h->n] && h->types[i] < 64)
				return false;
		h->n++;
	}
	return !block.n;
}

static const struct slice *extension(const struct hello *h, unsigned int type)
{
	unsigned int i;

	for (i = 0; i < h->n; i++)
		if (h->types[i] == type)
			return &h->bodies[i];
	return NULL;
}

static bool lists_version(const struct hello *h, struct slice s, unsigned int wanted)
{
	while (s.n)
		if (meaning(h, number(&s, 2)) == wanted)
			return true;
	return false;
}

static bool offers(const struct hello *h, unsigned int version)
{
	const struct slice *found = extension(h, 43);
	struct slice body, list;

	if (!found && h->dtls)
		return version == 0x0303 && h->legacy <= 0xfefd && h->legacy >> 8 == 0xfe;
	if (!found)
		return version == 0x0303 && h->legacy >= 0x0303 && h->legacy >> 8 == 3;
	body = *found;
	list = vector(&body, 1, 2, 254);
	return !body.bad && !body.n && !(list.n % 2) && lists_version(h, list, version);
}

static unsigned int selects(const struct hello *h)
{
	const struct slice *found = extension(h, 43);
	struct slice body;

	if (meaning(h, h->legacy) != 0x0303 || !found)
		return meaning(h, h->legacy) == 0x0303 ? 0x0303 : 0;
	body = *found;
	return body.n == 2 && !*h->compressions.p ? meaning(h, number(&body, 2)) : 0;
}

static bool is_retry(const struct hello *h)
{
	char hex[65];
	size_t i;

	for (i = 0; i < 32; i++) {
		hex[2 * i] = "0123456789abcdef"[h->random.p[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[h->random.p[i] & 15];
	}
	return !memcmp(hex, retry_hex, 64);
}

static bool is_encrypted(const struct hello *h)
{
	static const unsigned int null[] = {
		0x0000, 0x0001, 0x0002, 0x002c, 0x002d, 0x002e, 0x003b, 0x00b0, 0x00b1, 0x00b4, 0x00b5,
		0x00b8, 0x00b9, 0xc001, 0xc006, 0xc00b, 0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b, 0xc0b4,
		0xc0b5,
	};
	unsigned int suite = h->suites.p[0] << 8 | h->suites.p[1];
	size_t i;

	for (i = 0; i < sizeof(null) / sizeof(null[0]); i++)
		if (null[i] == suite)
			return false;
	return true;
}

/* What one hello of each side comes to; 0 if that is nothing. */
static unsigned int agree(const struct hello *ch, const struct hello *sh)
{
	unsigned int version = selects(sh);

	if ((version != 0x0304 && version != 0x0303) || !offers(ch, version) || !is_encrypted(sh) ||
	    !memchr(ch->compressions.p, 0, ch->compressions.n))
		return 0;
	if (version == 0x0304)
		return meaning(ch, ch->legacy) == 0x0303 && ch->compressions.n == 1 ? version : 0;
	if (extension(sh, 43) || is_retry(sh))
		return 0;
	if (offers(ch, 0x0304) && !memcmp(sh->random.p + 24, "DOWNGRD", 7) && sh->random.p[31] <= 1)
		return 0;
	return version;
}

static unsigned int negotiate(const struct handshake *c, const struct handshake *s,
			      struct hello *ch, struct hello *sh)
{
	unsigned int i, version;

	for (i = 0; i < MESSAGES; i++) {
		if (i >= c->n || i >= s->n || !parse_hello(&c->message[i], true, ch) ||
		    !parse_hello(&s->message[i], false, sh) ||
		    c->message[i].last > s->message[i].first ||
		    (i && c->message[i].first < s->message[i - 1].last))
			return 0;
		version = agree(ch, sh);
		if (i && version != 0x0304)
			return 0;
		if (!version || !is_retry(sh))
			return version;
	}
	return 0;
}

unsigned int oracle_tls(const struct stream *client, const struct stream *server)
{
	static struct hello ch, sh;
	struct handshake c = { 0 }, s = { 0 };
	unsigned int version = 0;

	if (collect(client, &c) && collect(server, &s))
		version = negotiate(&c, &s, &ch, &sh);
	free(c.bytes);
	free(s.bytes);
	return version;
}

/* The next record of a datagram that is not encrypted. */
static bool next_record(struct slice *datagram, unsigned int *type, struct slice *payload)
{
	unsigned int version, epoch;

	*type = number(datagram, 1);
	version = number(datagram, 2);
	epoch = number(datagram, 2);
	cut(datagram, 6);
	*payload = vector(datagram, 2, 1, 16384);
	return !datagram->bad && !epoch && (version == 0xfefd || version == 0xfeff);
}

struct fragment {
	unsigned int type, size, number, at;
	struct slice bytes;
};

static bool next_fragment(struct slice *payload, struct fragment *f)
{
	f->type = number(payload, 1);
	f->size = number(payload, 3);
	f->number = number(payload, 2);
	f->at = number(payload, 3);
	f->bytes = vector(payload, 3, 1, 16384);
	return !payload->bad;
}

/* A client's messages, each byte as it first came. */
static struct {
	uint8_t bytes[DTLS_SIZE];
	bool have[DTLS_SIZE];
	unsigned int size;
} client_messages[DTLS_MESSAGES];

static void put_fragment(const struct fragment *f)
{
	size_t i;

	if (f->type != 1 || f->number >= DTLS_MESSAGES || f->size > DTLS_SIZE ||
	    f->at + f->bytes.n > f->size)
		return;
	if (client_messages[f->number].size && client_messages[f->number].size != f->size)
		return;
	client_messages[f->number].size = f->size;
	for (i = 0; i < f->bytes.n; i++) {
		if (!client_messages[f->number].have[f->at + i])
			client_messages[f->number].bytes[f->at + i] = f->bytes.p[i];
		client_messages[f->number].have[f->at + i] = true;
	}
}

static void put_client(const struct datagram *d)
{
	struct slice rest = { d->data, d->n, false }, payload;
	struct fragment f;
	unsigned int type;

	while (rest.n && next_record(&rest, &type, &payload))
		while (type == 22 && payload.n && next_fragment(&payload, &f))
			put_fragment(&f);
}

/* Some hello of the client was complete, and agrees with the server's. */
static unsigned int agree_with_any(struct hello *ch, const struct hello *sh)
{
	unsigned int i, version;

	for (i = 0; i < DTLS_MESSAGES; i++) {
		struct message m = { .type = 1 };

		m.body = (struct slice){ client_messages[i].bytes, client_messages[i].size, false };
		if (!m.body.n || memchr(client_messages[i].have, 0, m.body.n))
			continue;
		ch->dtls = true;
		version = parse_hello(&m, true, ch) ? agree(ch, sh) : 0;
		if (version)
			return version;
	}
	return 0;
}

unsigned int oracle_dtls(const struct datagram *datagrams, size_t n)
{
	static struct hello ch, sh = { .dtls = true };
	struct slice last, payload;
	unsigned int type;
	struct fragment f;
	size_t i;

	memset(client_messages, 0, sizeof(client_messages));
	for (i = 0; i < n; i++)
		if (datagrams[i].client)
			put_client(&datagrams[i]);
	if (!n || datagrams[n - 1].client)
		return 0;
	last = (struct slice){ datagrams[n - 1].data, datagrams[n - 1].n, false };
	while (last.n && next_record(&last, &type, &payload)) {
		while (type == 22 && payload.n && next_fragment(&payload, &f)) {
			struct message m = { .body = f.bytes, .type = f.type };

			if (f.type != 2 || f.at || f.bytes.n != f.size)
				continue;
			if (parse_hello(&m, false, &sh) && !is_retry(&sh))
				return agree_with_any(&ch, &sh);
		}
	}
	return 0;
}

/* The names in a long header of version 1 or 2, whose fixed bit may be any (RFC 9287). */
static bool parse_long(const struct datagram *d, struct slice *to, struct slice *from)
{
	struct slice s = { d->data, d->n, false };
	unsigned int first = number(&s, 1), version = number(&s, 4);

	*to = vector(&s, 1, 0, 20);
	*from = vector(&s, 1, 0, 20);
	return !s.bad && first & 0x80 && (version == 1 || version == 0x6b3343cf);
}

/* An answer to what the client last called itself, in a datagram that could be answered. */
unsigned int oracle_quic(const struct datagram *datagrams, size_t n)
{
	struct slice to, from, client, server;
	size_t i;

	if (!n || datagrams[n - 1].client || !parse_long(&datagrams[n - 1], &to, &server))
		return 0;
	for (i = 0; i < n; i++)
		if (datagrams[i].client && datagrams[i].n >= 1200 && datagrams[i].data[0] & 0x80) {
			struct slice s = { datagrams[i].data + 5, datagrams[i].n - 5, false };

			client = vector(&s, 1, 0, 20);
			from = vector(&s, 1, 0, 20);
			if (!s.bad && from.n == to.n && !memcmp(from.p, to.p, to.n) && client.n <= 20)
				return 0x0304;
		}
	return 0;
}
