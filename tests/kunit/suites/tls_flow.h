/* SPDX-License-Identifier: GPL-2.0 */
/* Flows written as text, and replayed; for the kernel's suites, the unit tests and the fuzzers. */
#ifndef TLS_FLOW_H
#define TLS_FLOW_H

#define FLOW_PIECES	128
#define FLOW_SIZE	(1 << 18)
#define FLOW_FRAGMENT	11		/* length, number, offset, length */
#define FLOW_UNMARKED	0xffffffffU

/*
 * C, S		from here on the client sends, the server; each begins a piece (a segment, a datagram)
 * 16 03 ff	bytes
 * <…> (…) {…}	what is inside, after its length in one, two, three bytes
 * %4000:2a	the byte 2a, 0x4000 times
 * [n …]		the same in a message of DTLS that is number n, after its type
 * R Q D Z	a random; a HelloRetryRequest's; one that ends DOWNGRD 1; one that ends DOWNGRD 0
 * !		here, and not before, the verdict falls
 */
struct flow {
	u32 n;
	u32 pieces;
	u32 mark;
	u32 end[FLOW_PIECES];
	bool client[FLOW_PIECES];
	u8 bytes[FLOW_SIZE];
};

static inline int flow_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool flow_put(struct flow *f, u8 byte, u32 n)
{
	if (!f->pieces || n > FLOW_SIZE - f->n)
		return false;
	memset(f->bytes + f->n, byte, n);
	f->n += n;
	f->end[f->pieces - 1] = f->n;
	return true;
}

static inline bool flow_random(struct flow *f, char which)
{
	static const char *const ends[] = { "DOWNGRD\1", "DOWNGRD" };
	static const u8 retry[] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65,
		0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2,
		0xc8, 0xa8, 0x33, 0x9c,
	};

	if (!flow_put(f, 0x5a, 32))
		return false;
	if (which == 'Q')
		memcpy(f->bytes + f->n - 32, retry, 32);
	else if (which != 'R')
		memcpy(f->bytes + f->n - 8, ends[which == 'Z'], 8);
	return true;
}

static inline int flow_byte(const char *text)
{
	int hi = flow_digit(text[0]);
	int lo = hi < 0 ? -1 : flow_digit(text[1]);

	return lo < 0 ? -1 : hi << 4 | lo;
}

static inline bool flow_repeat(struct flow *f, const char **text)
{
	int digit, byte;
	u32 n = 0;

	while ((digit = flow_digit(*++*text)) >= 0)
		n = n << 4 | digit;
	byte = **text == ':' ? flow_byte(*text + 1) : -1;
	if (byte < 0)
		return false;
	*text += 2;
	return flow_put(f, byte, n);
}

struct flow_length {
	u32 at;
	u32 width;
};

static inline bool flow_open(struct flow *f, struct flow_length *l, u32 width)
{
	l->width = width;
	if (!flow_put(f, 0, width))
		return false;
	l->at = f->n;
	return true;
}

static inline void flow_close(struct flow *f, const struct flow_length *l)
{
	u32 len = f->n - l->at;
	u32 i;

	for (i = 1; i <= (l->width == FLOW_FRAGMENT ? 3 : l->width); i++, len >>= 8)
		f->bytes[l->at - i] = len;
	if (l->width == FLOW_FRAGMENT)
		memcpy(f->bytes + l->at - FLOW_FRAGMENT, f->bytes + l->at - 3, 3);
}

static inline bool flow_fragment(struct flow *f, struct flow_length *l, u8 number)
{
	if (!flow_open(f, l, FLOW_FRAGMENT))
		return false;
	f->bytes[f->n - FLOW_FRAGMENT + 4] = number;
	return true;
}

static inline bool flow_turn(struct flow *f, bool client)
{
	if (f->pieces == FLOW_PIECES)
		return false;
	f->client[f->pieces] = client;
	f->end[f->pieces++] = f->n;
	return true;
}

/* Fills @f, which is large; false: the text is not what it should be. */
static inline bool flow_parse(struct flow *f, const char *text)
{
	static const char open[] = " <({", close[] = "]>)}";
	struct flow_length stack[16];
	u32 depth = 0;
	bool good = true;

	f->n = 0;
	f->pieces = 0;
	f->mark = FLOW_UNMARKED;
	for (; *text && good; text++) {
		if (*text == ' ' || *text == '\n')
			continue;
		if (*text == 'C' || *text == 'S')
			good = flow_turn(f, *text == 'C');
		else if (strchr("RQDZ", *text))
			good = flow_random(f, *text);
		else if (*text == '%')
			good = flow_repeat(f, &text);
		else if (*text == '!')
			f->mark = f->n;
		else if (*text == '[' && depth < 16 && flow_digit(text[1]) >= 0)
			good = flow_fragment(f, &stack[depth++], flow_digit(*++text));
		else if (strchr(open, *text) && depth < 16)
			good = flow_open(f, &stack[depth++], strchr(open, *text) - open);
		else if (strchr(close, *text) && depth)
			flow_close(f, &stack[--depth]);
		else if ((good = flow_byte(text) >= 0))
			good = flow_put(f, flow_byte(text++), 1);
	}
	return good && !depth;
}

/* Replay @f into @t, at most @step bytes at a time, and never across @cut. Where does it end? */
static inline u32 flow_replay(const struct flow *f, struct cordon_tls *t, u8 demand, u32 step,
			      u32 cut)
{
	u32 at = 0, i, n;

	cordon_tls_init(t, demand);
	for (i = 0; i < f->pieces; i++) {
		while (at < f->end[i]) {
			n = f->end[i] - at;
			n = n < step ? n : step;
			if (at < cut && at + n > cut)
				n = cut - at;
			at += n;
			if (cordon_tls_read(t, f->client[i], f->bytes + at - n, n) != CORDON_TLS_MORE)
				return at - t->unread;
		}
	}
	return at;
}

static inline const char *flow_verdict(u8 verdict)
{
	static const char *const names[] = {
		"more", "again", "pass", "plaintext", "downgrade", "malformed",
	};

	return verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "?";
}

#endif
