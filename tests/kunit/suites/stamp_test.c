// SPDX-License-Identifier: GPL-2.0
/* kernel/core/stamp.h: who believes which word */
#include <kunit/test.h>
#include <linux/bitops.h>

#include "core/stamp.h"

static const u64 key = 0x0123456789abcdefULL, entry = 0xffff888012345678ULL;

static u64 made(u32 generation, u32 from, u32 to, u64 gated)
{
	const struct cordon_stamp_key k = cordon_stamp_key(key, generation);

	return cordon_stamp_seal(&k, entry, cordon_stamp_body(from, to) | gated);
}

static bool holds(u32 generation, u64 where, u64 word)
{
	const struct cordon_stamp_key k = cordon_stamp_key(key, generation);

	return cordon_stamp_holds(&k, where, word);
}

static void stamp_says_what_was_put_in(struct kunit *test)
{
	static const u32 ends[] = { 0, 1, CORDON_MAX_PLACES - 1, CORDON_STAMP_SEGMENT,
				    CORDON_STAMP_SEGMENT | (CORDON_MAX_SEGMENTS - 1) };
	u64 word;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		for (j = 0; j < ARRAY_SIZE(ends); j++) {
			word = made(7, ends[i], ends[j], j ? CORDON_STAMP_INSPECTED : 0);
			KUNIT_EXPECT_TRUE(test, holds(7, entry, word));
			KUNIT_EXPECT_EQ(test, word & CORDON_STAMP_END, ends[i]);
			KUNIT_EXPECT_EQ(test, word >> CORDON_STAMP_END_BITS & CORDON_STAMP_END,
					ends[j]);
			KUNIT_EXPECT_EQ(test, !!(word & CORDON_STAMP_INSPECTED), !!j);
		}
}

/* Generations are told apart for 1,022 rulesets, also where the number wraps; 0 is never a stamp. */
static void stamp_of_another_ruleset(struct kunit *test)
{
	u32 at[] = { 1, 1022, 1023, 1024, 1000000, U32_MAX };
	u32 i, age;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		KUNIT_EXPECT_FALSE(test, holds(at[i], entry, 0));
		for (age = 1; age < CORDON_STAMP_EPOCHS && age <= at[i]; age++) {
			u64 old = made(at[i] - age, 3, CORDON_STAMP_SEGMENT | 5, 0);

			KUNIT_EXPECT_FALSE(test, holds(at[i], entry, old));
			KUNIT_EXPECT_TRUE(test, cordon_stamp_is_ours(key, at[i], entry, old));
		}
	}
}

/* A label that is set or taken away, a word of another entry or of another namespace. */
static void stamp_foreign(struct kunit *test)
{
	const u64 word = made(9, 3, 4, CORDON_STAMP_INSPECTED);
	u32 believed = 0, ours = 0, bit;
	u64 i;

	for (bit = 0; bit < 64; bit++) {
		believed += holds(9, entry, word ^ BIT_ULL(bit));
		/* One of them is what is written in place of a stamp. */
		ours += cordon_stamp_is_ours(key, 9, entry, word ^ BIT_ULL(bit));
		KUNIT_EXPECT_FALSE(test, cordon_stamp_is_ours(key, 9, entry, BIT_ULL(bit)));
	}
	for (i = 1; i < 1024; i++)
		believed += holds(9, entry + i * 256, word);
	KUNIT_EXPECT_EQ(test, believed, 0);
	KUNIT_EXPECT_EQ(test, ours, 1);
	KUNIT_EXPECT_FALSE(test, cordon_stamp_is_ours(~key, 9, entry, word));
	KUNIT_EXPECT_FALSE(test, cordon_stamp_is_ours(key, 9, entry, U64_MAX));
	KUNIT_EXPECT_TRUE(test, cordon_stamp_is_ours(key, 9, entry, 0));
}

static void stamp_void_is_none(struct kunit *test)
{
	const struct cordon_stamp_key k = cordon_stamp_key(key, 9);
	u64 nonce, word;

	for (nonce = 1; nonce < 1024; nonce++) {
		word = cordon_stamp_void(&k, entry, nonce * 0x9e3779b97f4a7c15ULL);
		KUNIT_EXPECT_FALSE(test, holds(9, entry, word));
		KUNIT_EXPECT_TRUE(test, cordon_stamp_is_ours(key, 9, entry, word));
	}
}

static struct kunit_case stamp_cases[] = {
	KUNIT_CASE(stamp_says_what_was_put_in),
	KUNIT_CASE(stamp_of_another_ruleset),
	KUNIT_CASE(stamp_foreign),
	KUNIT_CASE(stamp_void_is_none),
	{}
};

static struct kunit_suite stamp_suite = { .name = "stamp", .test_cases = stamp_cases };
kunit_test_suite(stamp_suite);
