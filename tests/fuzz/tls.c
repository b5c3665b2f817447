// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer target: the TLS reader. However a flow is cut, the verdict is one; and what passes is,
 * to a parser that sees the whole of it, what was demanded.
 *
 * An input is text for tests/kunit/suites/tls_flow.h after a '2' or '3', what is demanded. Or, after
 * any other byte, pieces: two bytes, the highest bit the sender, the others the length; then bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernel/core/tls.h"
#include "../kunit/suites/tls_flow.h"
#include "oracle.h"

#define MAX_TEXT 8192

static struct flow flow;

static void unpack(const uint8_t *data, size_t size)
{
	size_t n;

	flow.n = 0;
	flow.pieces = 0;
	while (size >= 2 && flow_turn(&flow, data[0] & 0x80)) {
		n = (data[0] & 0x7f) << 8 | data[1];
		data += 2;
		size -= 2;
		n = n < size ? n : size;
		if (n > FLOW_SIZE - flow.n)
			return;
		memcpy(flow.bytes + flow.n, data, n);
		flow.n += n;
		flow.end[flow.pieces - 1] = flow.n;
		data += n;
		size -= n;
	}
}

static void die(const char *what, const struct cordon_tls *t, unsigned int version)
{
	fprintf(stderr, "tls: %s: demanded 1.%d, verdict %s, offered %04x, selected %04x, oracle %04x\n",
		what, t->handshake.demand == CORDON_ENCRYPTION_TLS1_3 ? 3 : 2, flow_verdict(t->verdict),
		t->handshake.facts.offered, t->handshake.facts.selected, version);
	abort();
}

/* The first @n bytes of the flow, each to its sender's stream. */
static unsigned int ask_oracle(u32 n)
{
	static uint8_t data[2][FLOW_SIZE];
	static uint32_t when[2][FLOW_SIZE];
	struct stream s[2] = { { data[0], when[0], 0 }, { data[1], when[1], 0 } };
	u32 at = 0, i;

	for (i = 0; i < flow.pieces; i++) {
		struct stream *to = &s[flow.client[i]];
		uint8_t *bytes = data[flow.client[i]];

		for (; at < flow.end[i] && at < n; at++) {
			when[flow.client[i]][to->n] = at;
			bytes[to->n++] = flow.bytes[at];
		}
	}
	return oracle_tls(&s[1], &s[0]);
}

static void compare(const struct cordon_tls *a, const struct cordon_tls *b)
{
	const struct cordon_tls_facts *x = &a->handshake.facts, *y = &b->handshake.facts;

	if (a->verdict != b->verdict || memcmp(x, y, sizeof(*x)))
		die("another verdict when cut", b, 0);
}

static void check(u8 demand, u32 seed)
{
	struct cordon_tls whole, bytes, cut;
	unsigned int version;
	u32 n, round;
	bool good;

	flow_replay(&flow, &whole, demand, FLOW_SIZE, 0);
	n = flow_replay(&flow, &bytes, demand, 1, 0);
	compare(&whole, &bytes);
	for (round = 0; round < 4; round++) {
		seed = seed * 1664525 + 1013904223;
		flow_replay(&flow, &cut, demand, round & 1 ? FLOW_SIZE : 1 + (seed >> 8) % 64,
			    flow.n ? (seed >> 4) % flow.n : 0);
		compare(&whole, &cut);
	}
	version = ask_oracle(n);
	good = version == 0x0304 || (version == 0x0303 && demand == CORDON_ENCRYPTION_TLS1_2);
	if (whole.verdict == CORDON_TLS_PASS && (!good || version != whole.handshake.facts.selected))
		die("passes what it should not", &whole, version);
	if (good && whole.verdict != CORDON_TLS_PASS && whole.verdict != CORDON_TLS_MALFORMED)
		die("does not pass what it should", &whole, version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[MAX_TEXT + 1];
	u8 demand = CORDON_ENCRYPTION_TLS1_3;
	u32 seed = 0;
	size_t i;

	if (!size || size > MAX_TEXT)
		return -1;
	for (i = 0; i < size; i++)
		seed = seed * 31 + data[i];
	if (*data == '2' || *data == '3') {
		demand = *data == '2' ? CORDON_ENCRYPTION_TLS1_2 : CORDON_ENCRYPTION_TLS1_3;
		memcpy(text, data + 1, size - 1);
		text[size - 1] = 0;
		/* As far as it goes. */
		flow_parse(&flow, text);
	} else {
		demand = *data & 1 ? CORDON_ENCRYPTION_TLS1_2 : CORDON_ENCRYPTION_TLS1_3;
		unpack(data + 1, size - 1);
	}
	check(demand, seed);
	return 0;
}
