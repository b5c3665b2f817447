// SPDX-License-Identifier: GPL-2.0
/* The readers of DTLS and QUIC: each rule, each captured connection; each datagram cut short. */
#include <stdlib.h>
#include <string.h>

#include "../../kernel/core/dtls.h"
#include "../../kernel/core/quic.h"
#include "../../kernel/core/tls.h"
#include "../../userspace/lib/file.h"
#include "../kunit/suites/datagram_rows.h"
#include "tap.h"

#define VECTORS "tests/vectors/dtls/"

struct vector {
	const char *name;
	const char *verdicts[2];	/* up to the last, where 1.2 is demanded, 1.3 */
};

static const struct vector vectors[] = {
	{ "o30-dtls12", { "mmmp", "d" } },
	{ "o30-dtls12-cookie", { "mmmp", "d" } },
	{ "o30-dtls12-mtu", { "mmmp", "d" } },
	{ "o30-dtls10", { "d", "d" } },
	{ "gnutls37-dtls12", { "mmmp", "d" } },
};

static struct flow flow;

static void test_row(const char *area, const struct datagram_row *row)
{
	char said[FLOW_PIECES];

	if (!flow_parse(&flow, row->flow)) {
		ok(false, "%s: %s: its text is wrong", area, row->name);
		return;
	}
	datagram_replay(&flow, row->demand, said, sizeof(said));
	if (!ok(!strcmp(said, row->verdicts), "%s: %s: %s", area, row->name, row->verdicts))
		printf("# %s\n", said);
}

static bool load(const char *name)
{
	char path[128], *text = NULL;
	size_t len;
	bool good;

	snprintf(path, sizeof(path), VECTORS "%s.flow", name);
	good = !file_read(path, FLOW_SIZE, &text, &len) && flow_parse(&flow, text);
	free(text);
	return good;
}

/* Each datagram comes @times times. The last of @verdicts stays. */
static bool says(u8 demand, const char *verdicts, u32 times)
{
	enum cordon_tls_verdict v = CORDON_TLS_MORE;
	u32 at, i, n = strlen(verdicts);
	struct cordon_dtls d;
	bool good = true;

	cordon_dtls_init(&d, demand);
	for (i = 0; i < times * flow.pieces; i++) {
		at = i / times ? flow.end[i / times - 1] : 0;
		v = cordon_dtls_read(&d, flow.client[i / times], flow.bytes + at,
				     flow.end[i / times] - at);
		good = good && LETTERS[v] == verdicts[i / times < n ? i / times : n - 1];
	}
	return good;
}

static void test_vector(const struct vector *v)
{
	if (!ok(load(v->name), "%s: is there", v->name))
		return;
	ok(says(DTLS2, v->verdicts[0], 1), "%s: %s where 1.2 is demanded", v->name, v->verdicts[0]);
	ok(says(DTLS3, v->verdicts[1], 1), "%s: %s where 1.3 is demanded", v->name, v->verdicts[1]);
	ok(says(DTLS2, v->verdicts[0], 3), "%s: the same, each datagram thrice", v->name);
}

static u8 read_last(const struct datagram_row *row, u32 len)
{
	struct cordon_dtls d;
	struct cordon_quic q;
	u32 at = 0, i, n;
	u8 *copy, v = 0;

	cordon_dtls_init(&d, row->demand);
	cordon_quic_init(&q);
	for (i = 0; i < flow.pieces; i++) {
		n = i == flow.pieces - 1 ? len : flow.end[i] - at;
		/* As large as the datagram, so that a look beyond it is seen. */
		copy = malloc(n ? n : 1);
		memcpy(copy, flow.bytes + at, n);
		v = row->demand ? cordon_dtls_read(&d, flow.client[i], copy, n) :
				  cordon_quic_read(&q, flow.client[i], copy, n);
		free(copy);
		at = flow.end[i];
	}
	return v;
}

/* Where the last datagram makes it pass, no shorter one does; but what was complete is. */
static void test_truncated(const char *area, const struct datagram_row *rows, u32 n)
{
	u32 i, len, whole, cuts = 0, passed = 0;
	size_t letters;

	for (i = 0; i < n; i++) {
		letters = strlen(rows[i].verdicts);
		if (!strchr(rows[i].verdicts, 'p') || rows[i].verdicts[letters - 1] != 'p' ||
		    (letters > 1 && rows[i].verdicts[letters - 2] == 'p'))
			continue;
		flow_parse(&flow, rows[i].flow);
		whole = flow.end[flow.pieces - 1] - flow.end[flow.pieces - 2];
		for (len = 0; len < whole; len++, cuts++)
			passed += read_last(&rows[i], len) == CORDON_TLS_PASS;
	}
	/* One row's datagram holds a record more than the ServerHello, which does not matter. */
	ok(cuts && passed == (rows == dtls_rows ? 20 : 0), "%s: of %u datagrams cut short, %u pass",
	   area, cuts, passed);
}

int main(void)
{
	size_t i;

	for (i = 0; i < DTLS_ROWS; i++)
		test_row("dtls", &dtls_rows[i]);
	for (i = 0; i < QUIC_ROWS; i++)
		test_row("quic", &quic_rows[i]);
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		test_vector(&vectors[i]);
	test_truncated("dtls", dtls_rows, DTLS_ROWS);
	test_truncated("quic", quic_rows, QUIC_ROWS);
	return tap_done();
}
