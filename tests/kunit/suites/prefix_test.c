// SPDX-License-Identifier: GPL-2.0
/* kernel/core/prefix.c */
#include <kunit/test.h>
#include <linux/slab.h>

#include "core/policy.h"

#define V4(a, b, c, d) cordon_addr_v4((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static struct cordon_network_def net(struct cordon_addr addr, u8 len, u16 segment)
{
	return (struct cordon_network_def){ .addr = addr, .len = len, .segment = segment };
}

static void last_of_each_length(struct kunit *test)
{
	static const struct {
		struct cordon_addr first;
		u8 len;
		struct cordon_addr last;
	} rows[] = {
		{ { 0, 0 }, 0, { ~0ULL, ~0ULL } },
		{ { 0, 0 }, 64, { 0, ~0ULL } },
		{ { 0, 0 }, 1, { ~0ULL >> 1, ~0ULL } },
		{ { 1, 2 }, 128, { 1, 2 } },
		{ { 1, 2 }, 127, { 1, 3 } },
		{ { 1, 0 }, 65, { 1, ~0ULL >> 1 } },
	};
	struct cordon_addr last;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		last = cordon_prefix_last(&rows[i].first, rows[i].len);
		KUNIT_EXPECT_TRUE_MSG(test, cordon_addr_equal(&last, &rows[i].last), "row %d", i);
		KUNIT_EXPECT_TRUE_MSG(test, cordon_prefix_is_clean(&rows[i].first, rows[i].len),
				      "row %d", i);
	}
}

static void is_clean_with_host_bits(struct kunit *test)
{
	struct cordon_addr host = V4(10, 0, 0, 1), border = { 1, 0 };

	KUNIT_EXPECT_FALSE(test, cordon_prefix_is_clean(&host, 96 + 24));
	KUNIT_EXPECT_TRUE(test, cordon_prefix_is_clean(&host, 96 + 32));
	KUNIT_EXPECT_FALSE(test, cordon_prefix_is_clean(&border, 63));
	KUNIT_EXPECT_TRUE(test, cordon_prefix_is_clean(&border, 64));
}

static void lookup_without_networks(struct kunit *test)
{
	struct cordon_addr a = V4(10, 0, 0, 1);

	KUNIT_EXPECT_EQ(test, cordon_prefix_lookup(NULL, 0, &a), CORDON_NO_SEGMENT);
}

static void lookup_nested_and_at_ends(struct kunit *test)
{
	const struct cordon_network_def sorted[] = {
		net(V4(0, 0, 0, 0), 96, 4), net(V4(10, 0, 0, 0), 96 + 8, 5),
		net(V4(10, 0, 0, 0), 96 + 24, 6), net(V4(10, 0, 0, 0), 128, 7),
		net(V4(10, 255, 255, 0), 96 + 24, 8), net(V4(11, 0, 0, 0), 96 + 8, 9),
		net(V4(255, 255, 255, 255), 128, 10),
	};
	static const struct {
		u8 a[4];
		u16 segment;
	} rows[] = {
		{ { 0, 0, 0, 0 }, 4 }, { { 9, 255, 255, 255 }, 4 }, { { 10, 0, 0, 0 }, 7 },
		{ { 10, 0, 0, 1 }, 6 }, { { 10, 0, 0, 255 }, 6 }, { { 10, 0, 1, 0 }, 5 },
		{ { 10, 255, 254, 255 }, 5 }, { { 10, 255, 255, 255 }, 8 }, { { 11, 0, 0, 0 }, 9 },
		{ { 12, 0, 0, 0 }, 4 }, { { 255, 255, 255, 254 }, 4 }, { { 255, 255, 255, 255 }, 10 },
	};
	struct cordon_range ranges[2 * ARRAY_SIZE(sorted) + 1];
	u32 n = cordon_prefix_flatten(ranges, sorted, ARRAY_SIZE(sorted));
	struct cordon_addr a;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		a = V4(rows[i].a[0], rows[i].a[1], rows[i].a[2], rows[i].a[3]);
		KUNIT_EXPECT_EQ_MSG(test, cordon_prefix_lookup(ranges, n, &a), rows[i].segment,
				    "row %d", i);
	}
}

/* The longest by looking at all of them. */
static u16 naive(const struct cordon_network_def *nets, int n, const struct cordon_addr *a)
{
	u16 segment = CORDON_NO_SEGMENT;
	int i, best = -1;

	for (i = 0; i < n; i++) {
		struct cordon_addr last = cordon_prefix_last(&nets[i].addr, nets[i].len);

		if (cordon_addr_compare(&nets[i].addr, a) <= 0 &&
		    cordon_addr_compare(a, &last) <= 0 && nets[i].len > best) {
			best = nets[i].len;
			segment = nets[i].segment;
		}
	}
	return segment;
}

static u64 state;

static u64 next(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state ^ state >> 29;
}

/* Few bits differ, so that networks nest and addresses hit their borders. */
static struct cordon_addr near(void)
{
	return (struct cordon_addr){ next() % 3 << 62 | next() % 4, next() % 3 << 62 | next() % 4 };
}

static void lookup_agrees_with_a_scan(struct kunit *test)
{
	struct cordon_network_def *nets = kunit_kzalloc(test, 40 * sizeof(*nets), GFP_KERNEL);
	struct cordon_range *ranges = kunit_kzalloc(test, 81 * sizeof(*ranges), GFP_KERNEL);
	int round, i, n;

	KUNIT_ASSERT_NOT_NULL(test, nets);
	KUNIT_ASSERT_NOT_NULL(test, ranges);
	state = 4711;
	for (round = 0; round < 200; round++) {
		u32 used;

		for (i = 0; i < 40; i++) {
			struct cordon_addr zero = { 0, 0 }, m, a = near();
			u8 len = next() % 129;

			m = cordon_prefix_last(&zero, len);
			nets[i] = net((struct cordon_addr){ a.hi & ~m.hi, a.lo & ~m.lo }, len, i + 4);
		}
		sort(nets, 40, sizeof(*nets), cordon_prefix_compare, NULL);
		for (i = 1, n = 1; i < 40; i++)
			if (cordon_prefix_compare(&nets[n - 1], &nets[i]))
				nets[n++] = nets[i];
		used = cordon_prefix_flatten(ranges, nets, n);
		KUNIT_ASSERT_LE(test, used, (u32)(2 * n + 1));
		for (i = 0; i < 50; i++) {
			struct cordon_addr a = near();

			KUNIT_ASSERT_EQ_MSG(test, cordon_prefix_lookup(ranges, used, &a),
					    naive(nets, n, &a), "round %d", round);
		}
	}
}

static struct kunit_case prefix_cases[] = {
	KUNIT_CASE(last_of_each_length),
	KUNIT_CASE(is_clean_with_host_bits),
	KUNIT_CASE(lookup_without_networks),
	KUNIT_CASE(lookup_nested_and_at_ends),
	KUNIT_CASE(lookup_agrees_with_a_scan),
	{}
};

static struct kunit_suite prefix_suite = { .name = "prefix", .test_cases = prefix_cases };
kunit_test_suite(prefix_suite);
