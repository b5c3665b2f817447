// SPDX-License-Identifier: GPL-2.0
/* kernel/core/dtls.c, quic.c */
#include <kunit/test.h>

#include "core/dtls.h"
#include "core/quic.h"
#include "core/tls.h"
#include "datagram_rows.h"

static struct flow flow;

static void read_rows(struct kunit *test, const struct datagram_row *rows, u32 n)
{
	char said[FLOW_PIECES];
	u32 i;

	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_TRUE_MSG(test, flow_parse(&flow, rows[i].flow), "%s", rows[i].name);
		datagram_replay(&flow, rows[i].demand, said, sizeof(said));
		KUNIT_EXPECT_STREQ_MSG(test, said, rows[i].verdicts, "%s", rows[i].name);
	}
}

static void read_each_rule_of_dtls(struct kunit *test)
{
	read_rows(test, dtls_rows, DTLS_ROWS);
}

static void read_each_rule_of_quic(struct kunit *test)
{
	read_rows(test, quic_rows, QUIC_ROWS);
}

static struct kunit_case datagram_cases[] = {
	KUNIT_CASE(read_each_rule_of_dtls),
	KUNIT_CASE(read_each_rule_of_quic),
	{}
};

static struct kunit_suite datagram_suite = { .name = "datagram", .test_cases = datagram_cases };
kunit_test_suite(datagram_suite);
