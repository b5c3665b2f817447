// SPDX-License-Identifier: GPL-2.0
/* The hellos: one field after the other, across any split; then, what was offered and selected. */
#include "tls_hello.h"

#define EXT_SERVER_NAME		0
#define EXT_PRE_SHARED_KEY	41
#define EXT_EARLY_DATA		42
#define EXT_SUPPORTED_VERSIONS	43

#define EXTENSION_HEADER	4	/* bytes: its type, and the length of its body */
#define RANDOM_LEN		32
#define SENTINEL_AT		24
#define MAX_SESSION_LEN		32

/* Levels of struct cordon_hello's left. */
enum {
	MESSAGE,
	BLOCK,
	EXTENSION,
	LIST,
};

/** enum hello_step - the field that is being read */
enum hello_step {
	VERSION,
	RANDOM,
	SESSION_LEN,
	SESSION,
	COOKIE_LEN,		/* of DTLS */
	COOKIE,
	SUITES_LEN,		/* the client's */
	SUITES,
	COMPRESSIONS_LEN,
	COMPRESSIONS,
	SUITE,			/* the server's */
	COMPRESSION,
	BLOCK_LEN,
	EXTENSION_TYPE,
	EXTENSION_LEN,
	EXTENSION_BODY,		/* one that is of no interest */
	VERSIONS_LEN,
	VERSION_OFFERED,
	VERSION_SELECTED,
	NAMES_LEN,
	NAME_TYPE,
	NAME_LEN,
	NAME,
	COMPLETE,
	BROKEN,
};

/* The random of a ServerHello that is a HelloRetryRequest (RFC 8446, 4.1.3). */
static const u8 retry[RANDOM_LEN] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
	0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
	0x33, 0x9c,
};

/* Its end, where the server could do more than it selected; one more byte is 1 or 0. */
static const u8 sentinel[] = { 'D', 'O', 'W', 'N', 'G', 'R', 'D' };

/* The next field: a number of @n bytes, or @n bytes of something else. */
static bool expect(struct cordon_hello *h, u8 level, u8 step, u32 n)
{
	if (h->left[level] < n)
		return false;
	h->left[level] -= n;
	h->step = step;
	h->want = n;
	h->value = 0;
	return true;
}

/* What the level holds must be one vector of that many bytes, and nothing else. */
static bool enter(struct cordon_hello *h, u8 level, u16 len)
{
	if (!len || len != h->left[level])
		return false;
	h->left[level] = 0;
	h->left[LIST] = len;
	return true;
}

static bool finish(struct cordon_hello *h)
{
	h->step = COMPLETE;
	return true;
}

/* No version of TLS has this number; nor has GREASE one (RFC 8701). */
static u16 version(const struct cordon_hello *h, u16 v)
{
	if ((v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff))
		return 0;
	if (!(h->flags & CORDON_HELLO_DATAGRAM))
		return v;
	switch (v) {
	case 0xfefe:		/* never was one */
	case 0xfeff:
		return 0x0302;
	case 0xfefd:
		return CORDON_TLS_1_2;
	case 0xfefc:
		return CORDON_TLS_1_3;
	default:
		return v >> 8 == 3 ? 0 : v;
	}
}

static void note_version(struct cordon_hello *h, u16 v)
{
	if (v == CORDON_TLS_1_3)
		h->flags |= CORDON_HELLO_OFFERS_1_3;
	if (v == CORDON_TLS_1_2)
		h->flags |= CORDON_HELLO_OFFERS_1_2;
	/* A draft's number is the higher one, but no more than a draft. */
	if (v >> 8 == 3 ? h->best >> 8 != 3 || v > h->best : !h->best)
		h->best = v;
}

/* The first name of a host is the one to keep. */
static void note_name_type(struct cordon_hello *h)
{
	h->flags &= ~CORDON_HELLO_HOST;
	if (!h->value && !(h->flags & CORDON_HELLO_NAMED))
		h->flags |= CORDON_HELLO_HOST | CORDON_HELLO_NAMED;
}

static bool next_extension(struct cordon_hello *h)
{
	return h->left[BLOCK] ? expect(h, BLOCK, EXTENSION_TYPE, 2) : finish(h);
}

/* RFC 8446, 4.2: none twice; 4.2.11: in a ClientHello the pre-shared key is the last. */
static bool note_extension(struct cordon_hello *h, u16 type)
{
	const u64 bit = type < 64 ? 1ULL << type : 0;

	if (h->seen & bit)
		return false;
	if (!(h->flags & CORDON_HELLO_SERVER) && (h->seen & 1ULL << EXT_PRE_SHARED_KEY))
		return false;
	h->seen |= bit;
	h->extension = type;
	return true;
}

static bool is_of_interest(const struct cordon_hello *h, u16 type)
{
	if (type == EXT_SUPPORTED_VERSIONS)
		return true;
	return !(h->flags & CORDON_HELLO_SERVER) &&
	       (type == EXT_SERVER_NAME || type == EXT_EARLY_DATA);
}

/*
 * Most extensions are of no interest, and in one piece: they are skipped at one stroke. 0: the
 * next is another, or broken, or in pieces; nothing of it was read.
 */
static u32 skip_extension(struct cordon_hello *h, const u8 *data, u32 len)
{
	u32 type, size;

	if (h->step != EXTENSION_TYPE || h->want != 2 || len < EXTENSION_HEADER)
		return 0;
	type = data[0] << 8 | data[1];
	size = EXTENSION_HEADER + (data[2] << 8 | data[3]);
	/* The two bytes of the type are taken from what is left already. */
	if (size > len || size - 2 > h->left[BLOCK] || is_of_interest(h, type) ||
	    !note_extension(h, type))
		return 0;
	h->left[BLOCK] -= size - 2;
	if (!next_extension(h))
		h->step = BROKEN;
	return size;
}

static bool begin_extension(struct cordon_hello *h)
{
	return note_extension(h, h->value) && expect(h, BLOCK, EXTENSION_LEN, 2);
}

static bool begin_body(struct cordon_hello *h)
{
	const u16 len = h->value;

	if (len > h->left[BLOCK])
		return false;
	h->left[BLOCK] -= len;
	h->left[EXTENSION] = len;
	if (!is_of_interest(h, h->extension))
		return expect(h, EXTENSION, EXTENSION_BODY, len);
	if (h->flags & CORDON_HELLO_SERVER)
		return len == 2 && expect(h, EXTENSION, VERSION_SELECTED, 2);
	switch (h->extension) {
	case EXT_SUPPORTED_VERSIONS:
		return expect(h, EXTENSION, VERSIONS_LEN, 1);
	case EXT_SERVER_NAME:
		return expect(h, EXTENSION, NAMES_LEN, 2);
	default:
		return !len && next_extension(h);	/* early data */
	}
}

/* The fields that only one side or only DTLS has. */
static bool after_session(struct cordon_hello *h)
{
	if (h->flags & CORDON_HELLO_SERVER)
		return expect(h, MESSAGE, SUITE, 2);
	if (h->flags & CORDON_HELLO_DATAGRAM)
		return expect(h, MESSAGE, COOKIE_LEN, 1);
	return expect(h, MESSAGE, SUITES_LEN, 2);
}

static bool after_compression(struct cordon_hello *h)
{
	return h->left[MESSAGE] ? expect(h, MESSAGE, BLOCK_LEN, 2) : finish(h);
}

static bool take_block_len(struct cordon_hello *h)
{
	if (h->value != h->left[MESSAGE])
		return false;
	h->left[MESSAGE] = 0;
	h->left[BLOCK] = h->value;
	return next_extension(h);
}

/* A field before the extensions is complete: which one is next? False: it cannot be. */
static bool step_head(struct cordon_hello *h)
{
	switch (h->step) {
	case VERSION:
		h->legacy = version(h, h->value);
		return h->value >> 8 == (h->flags & CORDON_HELLO_DATAGRAM ? 0xfe : 3) &&
		       expect(h, MESSAGE, RANDOM, RANDOM_LEN);
	case RANDOM:
		return expect(h, MESSAGE, SESSION_LEN, 1);
	case SESSION_LEN:
		return h->value <= MAX_SESSION_LEN && expect(h, MESSAGE, SESSION, h->value);
	case SESSION:
		return after_session(h);
	case COOKIE_LEN:
		h->flags |= h->value ? CORDON_HELLO_COOKIE : 0;
		return expect(h, MESSAGE, COOKIE, h->value);
	case COOKIE:
		return expect(h, MESSAGE, SUITES_LEN, 2);
	case SUITES_LEN:
		return h->value && h->value % 2 == 0 && expect(h, MESSAGE, SUITES, h->value);
	case SUITES:
		return expect(h, MESSAGE, COMPRESSIONS_LEN, 1);
	case COMPRESSIONS_LEN:
		h->flags |= h->value > 1 ? CORDON_HELLO_COMPRESSES : 0;
		return expect(h, MESSAGE, COMPRESSIONS, h->value);
	case COMPRESSIONS:
		return (h->flags & CORDON_HELLO_NULL) && after_compression(h);
	case SUITE:
		h->suite = h->value;
		return expect(h, MESSAGE, COMPRESSION, 1);
	case COMPRESSION:
		h->compression = h->value;
		return after_compression(h);
	default:
		return false;
	}
}

/* The same for the extensions. */
static bool step_extensions(struct cordon_hello *h)
{
	switch (h->step) {
	case BLOCK_LEN:
		return take_block_len(h);
	case EXTENSION_TYPE:
		return begin_extension(h);
	case EXTENSION_LEN:
		return begin_body(h);
	case EXTENSION_BODY:
		return next_extension(h);
	case VERSIONS_LEN:
		return h->value % 2 == 0 && enter(h, EXTENSION, h->value) &&
		       expect(h, LIST, VERSION_OFFERED, 2);
	case VERSION_OFFERED:
		note_version(h, version(h, h->value));
		return h->left[LIST] ? expect(h, LIST, VERSION_OFFERED, 2) : next_extension(h);
	case VERSION_SELECTED:
		h->selected = version(h, h->value);
		return next_extension(h);
	case NAMES_LEN:
		return enter(h, EXTENSION, h->value) && expect(h, LIST, NAME_TYPE, 1);
	case NAME_TYPE:
		note_name_type(h);
		return expect(h, LIST, NAME_LEN, 2);
	case NAME_LEN:
		return h->value && expect(h, LIST, NAME, h->value);
	case NAME:
		return h->left[LIST] ? expect(h, LIST, NAME_TYPE, 1) : next_extension(h);
	default:
		return false;
	}
}

static bool is_sentinel(u32 at, u8 byte)
{
	return at < sizeof(sentinel) ? byte == sentinel[at] : byte <= 1;
}

/* Both randoms are the server's; each byte may prove that this is neither. */
static void compare_random(struct cordon_hello *h, const u8 *data, u32 n)
{
	u32 at = RANDOM_LEN - h->want;
	u32 i;

	if (memcmp(data, retry + at, n))
		h->flags &= ~CORDON_HELLO_RETRY;
	for (i = 0; i < n; i++, at++)
		if (at >= SENTINEL_AT && !is_sentinel(at - SENTINEL_AT, data[i]))
			h->flags &= ~CORDON_HELLO_SENTINEL;
}

static void keep_name(struct cordon_tls_facts *facts, const u8 *data, u32 n)
{
	u32 i;

	for (i = 0; i < n && facts->name_len < sizeof(facts->name); i++)
		facts->name[facts->name_len++] = data[i] > ' ' && data[i] < 0x7f ? data[i] : '?';
}

/* @n bytes of the field at hand. */
static void take(struct cordon_hello *h, struct cordon_tls_facts *facts, const u8 *data, u32 n)
{
	switch (h->step) {
	case RANDOM:
		if (h->flags & CORDON_HELLO_SERVER)
			compare_random(h, data, n);
		break;
	case COMPRESSIONS:
		if (memchr(data, 0, n))
			h->flags |= CORDON_HELLO_NULL;
		break;
	case NAME:
		if (h->flags & CORDON_HELLO_HOST)
			keep_name(facts, data, n);
		break;
	case SESSION:
	case COOKIE:
	case SUITES:
	case EXTENSION_BODY:
		break;
	default:
		for (; n; n--, h->want--)
			h->value = h->value << 8 | *data++;
	}
	h->want -= n;
}

/**
 * cordon_hello_begin - a hello begins
 * @h: the reader
 * @flags: of CORDON_HELLO_SERVER, CORDON_HELLO_DATAGRAM, CORDON_HELLO_NAMED
 * @len: length of the message, without its header
 */
void cordon_hello_begin(struct cordon_hello *h, u16 flags, u32 len)
{
	memset(h, 0, sizeof(*h));
	h->flags = flags | CORDON_HELLO_RETRY | CORDON_HELLO_SENTINEL;
	h->left[MESSAGE] = len;
	if (len > CORDON_TLS_MAX_HELLO || !expect(h, MESSAGE, VERSION, 2))
		h->step = BROKEN;
}

/**
 * cordon_hello_read - read on
 * @h: the reader
 * @facts: gets the server's name
 * @data: what comes next of the message
 * @len: bytes in @data, which may go on beyond the message
 *
 * A length that contradicts another, a vector shorter or longer than it may be, an
 * extension that comes twice: the hello is broken, and nothing more of it is read.
 *
 * Return: how many bytes of @data were read; fewer than @len where the message ends or is broken.
 */
u32 cordon_hello_read(struct cordon_hello *h, struct cordon_tls_facts *facts, const u8 *data,
		      u32 len)
{
	u32 read = 0;
	u32 n;

	while (read < len && h->step < COMPLETE) {
		n = skip_extension(h, data + read, len - read);
		if (n) {
			read += n;
			continue;
		}
		n = h->want;
		n = min(n, len - read);
		take(h, facts, data + read, n);
		read += n;
		while (!h->want && h->step < COMPLETE)
			if (!(h->step < BLOCK_LEN ? step_head(h) : step_extensions(h)))
				h->step = BROKEN;
	}
	return read;
}

/** cordon_hello_is_complete - its last byte was read, and all its lengths agree
 * @h: the reader
 */
bool cordon_hello_is_complete(const struct cordon_hello *h)
{
	return h->step == COMPLETE;
}

/** cordon_hello_is_broken - it contradicts itself
 * @h: the reader
 */
bool cordon_hello_is_broken(const struct cordon_hello *h)
{
	return h->step == BROKEN;
}

/**
 * cordon_handshake_init - a connection begins
 * @s: the connection
 * @demand: CORDON_ENCRYPTION_TLS1_2 or CORDON_ENCRYPTION_TLS1_3
 */
void cordon_handshake_init(struct cordon_handshake *s, u8 demand)
{
	memset(s, 0, sizeof(*s));
	s->demand = demand;
}

static bool has_extension(const struct cordon_hello *h, u8 type)
{
	return h->seen >> type & 1;
}

/**
 * cordon_handshake_client - a ClientHello is complete
 * @s: the connection
 * @h: the ClientHello
 *
 * RFC 8446, 4.1.2: what offers TLS 1.3 has one legacy version and one compression method.
 * 4.2.10: early data needs a pre-shared key, and is not for a second ClientHello.
 *
 * Return: CORDON_TLS_MORE, CORDON_TLS_DOWNGRADE or CORDON_TLS_MALFORMED.
 */
enum cordon_tls_verdict cordon_handshake_client(struct cordon_handshake *s,
						const struct cordon_hello *h)
{
	const bool again = s->phase == CORDON_HANDSHAKE_CLIENT_AGAIN;
	const bool listed = has_extension(h, EXT_SUPPORTED_VERSIONS);

	s->facts.offered = listed ? h->best : h->legacy;
	s->offers_1_3 = h->flags & CORDON_HELLO_OFFERS_1_3;
	s->offers_1_2 = listed ? h->flags & CORDON_HELLO_OFFERS_1_2 : h->legacy >= CORDON_TLS_1_2;
	s->early = has_extension(h, EXT_EARLY_DATA);
	if (!s->offers_1_3 && (s->demand != CORDON_ENCRYPTION_TLS1_2 || !s->offers_1_2))
		return CORDON_TLS_DOWNGRADE;
	if (s->offers_1_3 && (h->legacy != CORDON_TLS_1_2 || (h->flags & CORDON_HELLO_COMPRESSES)))
		return CORDON_TLS_MALFORMED;
	if (s->early && (again || !s->offers_1_3 || !has_extension(h, EXT_PRE_SHARED_KEY)))
		return CORDON_TLS_MALFORMED;
	if (again && !s->offers_1_3)
		return CORDON_TLS_MALFORMED;
	s->phase++;
	return CORDON_TLS_MORE;
}

/* Cipher suites that protect, but do not encrypt: "NULL" in IANA's registry, and RFC 9150. */
static bool encrypts(u16 suite)
{
	switch (suite) {
	case 0x0000 ... 0x0002:
	case 0x002c ... 0x002e:
	case 0x003b:
	case 0x00b0 ... 0x00b1:
	case 0x00b4 ... 0x00b5:
	case 0x00b8 ... 0x00b9:
	case 0xc001:
	case 0xc006:
	case 0xc00b:
	case 0xc010:
	case 0xc015:
	case 0xc039 ... 0xc03b:
	case 0xc0b4 ... 0xc0b5:
		return false;
	default:
		return true;
	}
}

/* supported_versions selects: TLS 1.3, or nothing that holds (RFC 8446, 4.2.1). */
static enum cordon_tls_verdict conclude_selected(struct cordon_handshake *s,
						 const struct cordon_hello *h)
{
	const bool draft = h->selected >> 8 == 0x7f;

	if (h->selected != CORDON_TLS_1_3) {
		if (draft || (h->selected && h->selected < CORDON_TLS_1_2) ||
		    (h->selected == CORDON_TLS_1_2 && s->demand != CORDON_ENCRYPTION_TLS1_2))
			return CORDON_TLS_DOWNGRADE;
		return CORDON_TLS_MALFORMED;
	}
	if (!s->offers_1_3 || h->legacy != CORDON_TLS_1_2 || h->compression)
		return CORDON_TLS_MALFORMED;
	if (!encrypts(h->suite))
		return CORDON_TLS_DOWNGRADE;
	if (!(h->flags & CORDON_HELLO_RETRY))
		return CORDON_TLS_PASS;
	if (s->phase == CORDON_HANDSHAKE_SERVER_AGAIN)
		return CORDON_TLS_MALFORMED;
	s->phase = CORDON_HANDSHAKE_CLIENT_AGAIN;
	return CORDON_TLS_MORE;
}

/**
 * cordon_handshake_server - a ServerHello is complete
 * @s: the connection
 * @h: the ServerHello, or HelloRetryRequest
 *
 * Only supported_versions can select TLS 1.3. Without it the version is the legacy one, and a
 * random that says that the server could do more (RFC 8446, 4.1.3) means that somebody took
 * TLS 1.3 out of the ClientHello on its way, unless it was not there. What a HelloRetryRequest
 * selected stays selected (4.1.4).
 *
 * Return: CORDON_TLS_MORE after a HelloRetryRequest, else a verdict.
 */
enum cordon_tls_verdict cordon_handshake_server(struct cordon_handshake *s,
						const struct cordon_hello *h)
{
	const bool listed = has_extension(h, EXT_SUPPORTED_VERSIONS);

	s->facts.selected = listed ? h->selected : h->legacy;
	if (listed)
		return conclude_selected(s, h);
	if (s->demand != CORDON_ENCRYPTION_TLS1_2 || h->legacy < CORDON_TLS_1_2)
		return CORDON_TLS_DOWNGRADE;
	if (h->legacy > CORDON_TLS_1_2 || !s->offers_1_2 || (h->flags & CORDON_HELLO_RETRY) ||
	    s->phase == CORDON_HANDSHAKE_SERVER_AGAIN)
		return CORDON_TLS_MALFORMED;
	if ((s->offers_1_3 && (h->flags & CORDON_HELLO_SENTINEL)) || !encrypts(h->suite))
		return CORDON_TLS_DOWNGRADE;
	return CORDON_TLS_PASS;
}
