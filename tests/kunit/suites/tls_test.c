// SPDX-License-Identifier: GPL-2.0
/* kernel/core/tls.c, tls_hello.c */
#include <kunit/test.h>

#include "core/tls.h"
#include "tls_rows.h"

static struct flow flow;

static void replay(struct kunit *test, const struct tls_row *row, u32 step)
{
	const struct cordon_tls_facts *f;
	struct cordon_tls t;
	u32 at;

	at = flow_replay(&flow, &t, row->demand, step, 0);
	f = &t.handshake.facts;
	KUNIT_EXPECT_STREQ_MSG(test, flow_verdict(t.verdict), flow_verdict(row->verdict),
			       "%s, %u at a time", row->name, step);
	KUNIT_EXPECT_EQ_MSG(test, f->offered, row->offered, "%s", row->name);
	KUNIT_EXPECT_EQ_MSG(test, f->selected, row->selected, "%s", row->name);
	KUNIT_EXPECT_EQ_MSG(test, f->name_len, strlen(row->host), "%s", row->name);
	KUNIT_EXPECT_EQ_MSG(test, memcmp(f->name, row->host, f->name_len), 0, "%s", row->name);
	if ((step == 1 || t.verdict == CORDON_TLS_PASS) && flow.mark != FLOW_UNMARKED)
		KUNIT_EXPECT_EQ_MSG(test, at, flow.mark, "%s: where it ends", row->name);
}

static void read_each_rule(struct kunit *test)
{
	static const u32 steps[] = { FLOW_SIZE, 1, 2, 3, 7, 536 };
	u32 i, j;

	for (i = 0; i < TLS_ROWS; i++) {
		KUNIT_ASSERT_TRUE_MSG(test, flow_parse(&flow, tls_rows[i].flow), "%s",
				      tls_rows[i].name);
		for (j = 0; j < ARRAY_SIZE(steps); j++)
			replay(test, &tls_rows[i], steps[j]);
	}
}

/* The kernel's own bytes behind what is read are not looked at: KASAN would say. */
static void read_to_the_last_byte_only(struct kunit *test)
{
	struct cordon_tls t;
	u32 i, at, n;
	u8 *copy;

	for (i = 0; i < TLS_ROWS; i++) {
		flow_parse(&flow, tls_rows[i].flow);
		if (!flow.n || flow.pieces > 1 || flow.n > 512)
			continue;
		for (at = 1; at < flow.n; at++) {
			n = flow.n - at;
			copy = kmemdup(flow.bytes + at, n, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, copy);
			cordon_tls_init(&t, tls_rows[i].demand);
			cordon_tls_read(&t, flow.client[0], flow.bytes, at);
			cordon_tls_read(&t, flow.client[0], copy, n);
			KUNIT_EXPECT_EQ_MSG(test, t.verdict, tls_rows[i].verdict, "%s, cut at %u",
					    tls_rows[i].name, at);
			kfree(copy);
		}
	}
}

static struct kunit_case tls_cases[] = {
	KUNIT_CASE(read_each_rule),
	KUNIT_CASE(read_to_the_last_byte_only),
	{}
};

static struct kunit_suite tls_suite = { .name = "tls", .test_cases = tls_cases };
kunit_test_suite(tls_suite);
