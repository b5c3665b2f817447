// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer target: the readers of DTLS and QUIC. What passes is what was demanded, to a parser that
 * sees all datagrams; and no reader looks beyond one.
 *
 * An input is text for tests/kunit/suites/tls_flow.h after a 'q', QUIC, or a '2' or '3', DTLS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernel/core/dtls.h"
#include "../../kernel/core/quic.h"
#include "../../kernel/core/tls.h"
#include "../kunit/suites/datagram_rows.h"
#include "oracle.h"

#define MAX_TEXT 8192

static struct flow flow;

static void die(const char *what, u8 demand, unsigned int version)
{
	fprintf(stderr, "datagram: %s: demanded %u, oracle %04x\n", what, demand, version);
	abort();
}

/* The flow's datagrams up to a verdict, each in memory of its own; those that passed, to @seen. */
static u8 read_all(u8 demand, struct datagram *seen, u32 *n)
{
	struct cordon_dtls d;
	struct cordon_quic q;
	u8 verdict = CORDON_TLS_MORE, *copy;
	u32 at = 0, size, i;

	cordon_dtls_init(&d, demand);
	cordon_quic_init(&q);
	*n = 0;
	for (i = 0; i < flow.pieces && verdict <= CORDON_TLS_AGAIN; i++) {
		size = flow.end[i] - at;
		copy = malloc(size ? size : 1);
		memcpy(copy, flow.bytes + at, size);
		verdict = demand ? cordon_dtls_read(&d, flow.client[i], copy, size) :
				   cordon_quic_read(&q, flow.client[i], copy, size);
		at = flow.end[i];
		if (verdict == CORDON_TLS_AGAIN)
			free(copy);
		else
			seen[(*n)++] = (struct datagram){ copy, size, flow.client[i] };
	}
	return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct datagram seen[FLOW_PIECES];
	static char text[MAX_TEXT + 1];
	unsigned int version;
	u8 demand, verdict;
	u32 n;

	if (!size || size > MAX_TEXT || !strchr("q23", *data) || !*data)
		return -1;
	demand = *data == 'q' ? 0 : *data == '2' ? DTLS2 : DTLS3;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	/* As far as it goes. */
	flow_parse(&flow, text);
	verdict = read_all(demand, seen, &n);
	version = demand ? oracle_dtls(seen, n) : oracle_quic(seen, n);
	if (verdict == CORDON_TLS_PASS && version != 0x0304 &&
	    !(version == 0x0303 && demand == DTLS2))
		die("passes what it should not", demand, version);
	while (n)
		free((void *)seen[--n].data);
	return 0;
}
