// SPDX-License-Identifier: GPL-2.0
/* The TLS reader: each rule and each captured connection, whole, in bytes, cut at every offset. */
#include <stdlib.h>
#include <string.h>

#include "../../kernel/core/tls.h"
#include "../../userspace/lib/file.h"
#include "../kunit/suites/tls_rows.h"
#include "tap.h"

#define VECTORS "tests/vectors/tls/"
#define WHOLE FLOW_SIZE

struct vector {
	const char *name;
	u8 verdict[2];		/* where 1.2 is demanded, 1.3 */
	u16 offered;
	u16 selected;
};

static const struct vector vectors[] = {
	{ "curl30", { PASS, PASS }, 0x0304, 0x0304 },
	{ "o30", { PASS, PASS }, 0x0304, 0x0304 },
	{ "o30-hrr", { PASS, PASS }, 0x0304, 0x0304 },
	{ "o30-nomb", { PASS, PASS }, 0x0304, 0x0304 },
	{ "o30-only12-vs13", { MORE, DOWN }, 0x0303, 0 },
	{ "o30-resume", { PASS, PASS }, 0x0304, 0x0304 },
	{ "o30-to12", { PASS, DOWN }, 0x0304, 0x0303 },
	{ "o35", { PASS, PASS }, 0x0304, 0x0304 },
	{ "o35-hrr-mlkem", { PASS, PASS }, 0x0304, 0x0304 },
	{ "o35-vs35", { PASS, PASS }, 0x0304, 0x0304 },
	{ "python311", { PASS, PASS }, 0x0304, 0x0304 },
};

static struct flow flow;

static bool same_facts(const struct cordon_tls *a, const struct cordon_tls *b)
{
	const struct cordon_tls_facts *x = &a->handshake.facts, *y = &b->handshake.facts;

	return a->verdict == b->verdict && x->offered == y->offered && x->selected == y->selected &&
	       x->name_len == y->name_len && !memcmp(x->name, y->name, x->name_len);
}

/* Cut into bytes, and in two at every offset. How many of these come out like @whole? */
static u32 count_alike(const struct cordon_tls *whole, u8 demand, u32 *at)
{
	u32 alike, cut;
	struct cordon_tls t;

	*at = flow_replay(&flow, &t, demand, 1, 0);
	alike = same_facts(whole, &t);
	for (cut = 1; cut < flow.n; cut++) {
		flow_replay(&flow, &t, demand, WHOLE, cut);
		alike += same_facts(whole, &t);
	}
	return alike;
}

static void test_row(const struct tls_row *row)
{
	const struct cordon_tls_facts *f;
	struct cordon_tls t;
	u32 alike, at;

	if (!flow_parse(&flow, row->flow)) {
		ok(false, "%s: its text is wrong", row->name);
		return;
	}
	flow_replay(&flow, &t, row->demand, WHOLE, 0);
	alike = flow.n ? count_alike(&t, row->demand, &at) : 0;
	f = &t.handshake.facts;
	if (!ok(t.verdict == row->verdict && f->offered == row->offered &&
		f->selected == row->selected && f->name_len == strlen(row->host) &&
		!memcmp(f->name, row->host, f->name_len) && alike == flow.n &&
		(flow.mark == FLOW_UNMARKED || flow.mark == at), "%s: %s", row->name,
		flow_verdict(row->verdict)))
		printf("# %s, offered %04x, selected %04x, name '%.*s', %u of %u alike, at %u not %u\n",
		       flow_verdict(t.verdict), f->offered, f->selected, f->name_len, f->name, alike,
		       flow.n, at, flow.mark);
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

static void test_vector(const struct vector *v, u8 demand)
{
	const u8 verdict = v->verdict[demand == ONE3];
	struct cordon_tls t;
	u32 alike, at;

	if (!ok(load(v->name), "%s: is there", v->name))
		return;
	flow_replay(&flow, &t, demand, WHOLE, 0);
	alike = count_alike(&t, demand, &at);
	ok(t.verdict == verdict && alike == flow.n && t.handshake.facts.offered == v->offered &&
	   t.handshake.facts.selected == v->selected, "%s: %s where 1.%d is demanded", v->name,
	   flow_verdict(verdict), demand == ONE3 ? 3 : 2);
	printf("# %-16s 1.%d %-10s offered %04x selected %04x; at byte %5u of %5u; %5u ways alike\n",
	       v->name, demand == ONE3 ? 3 : 2, flow_verdict(t.verdict), t.handshake.facts.offered,
	       t.handshake.facts.selected, at, flow.n, alike);
}

/* Nothing after a verdict may change it. */
static void test_final(void)
{
	struct cordon_tls t, before;
	size_t i;

	for (i = 0; i < TLS_ROWS; i++) {
		flow_parse(&flow, tls_rows[i].flow);
		flow_replay(&flow, &t, tls_rows[i].demand, WHOLE, 0);
		if (t.verdict == MORE)
			continue;
		before = t;
		cordon_tls_read(&t, true, (const u8 *)"GET / HTTP/1.1", 14);
		cordon_tls_read(&t, false, (const u8 *)"\x16\x03\x03", 3);
		t.unread = before.unread;	/* of the last piece */
		if (memcmp(&t, &before, sizeof(t)))
			break;
	}
	ok(i == TLS_ROWS, "what follows a verdict changes nothing");
}

int main(void)
{
	size_t i;

	for (i = 0; i < TLS_ROWS; i++)
		test_row(&tls_rows[i]);
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		test_vector(&vectors[i], ONE2);
		test_vector(&vectors[i], ONE3);
	}
	test_final();
	return tap_done();
}
