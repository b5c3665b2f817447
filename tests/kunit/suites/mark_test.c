// SPDX-License-Identifier: GPL-2.0
/* kernel/core/mark.h, and where kernel/inspect.h puts the word among an entry's labels */
#include <kunit/test.h>
#include <linux/bitops.h>

#include "core/mark.h"
#include "inspect.h"

static const u64 key = 0x0123456789abcdefULL, entry = 0xffff888012345678ULL;

static void mark_pack_then_unpack(struct kunit *test)
{
	u8 mark;

	for (mark = CORDON_MARK_NONE; mark <= CORDON_MARK_FAILED; mark++)
		KUNIT_EXPECT_EQ(test, cordon_mark_unpack(key, entry,
							 cordon_mark_pack(key, entry, mark)), mark);
	KUNIT_EXPECT_EQ(test, cordon_mark_pack(key, entry, CORDON_MARK_NONE), 0);
}

/* A label that is set or taken away, a word of another entry or of another namespace. */
static void mark_unpack_foreign(struct kunit *test)
{
	u32 word, bit;
	u8 mark;
	u64 i;

	for (mark = CORDON_MARK_TLS1_2; mark <= CORDON_MARK_FAILED; mark++) {
		word = cordon_mark_pack(key, entry, mark);
		for (bit = 0; bit < 32; bit++)
			KUNIT_EXPECT_EQ(test, cordon_mark_unpack(key, entry, word ^ BIT(bit)),
					CORDON_MARK_NONE);
		for (i = 1; i < 4096; i++) {
			KUNIT_EXPECT_EQ(test, cordon_mark_unpack(key, entry + i * 256, word),
					CORDON_MARK_NONE);
			KUNIT_EXPECT_EQ(test, cordon_mark_unpack(key, entry ^ i << 48, word),
					CORDON_MARK_NONE);
		}
		KUNIT_EXPECT_EQ(test, cordon_mark_unpack(~key, entry, word), CORDON_MARK_NONE);
	}
	KUNIT_EXPECT_EQ(test, cordon_mark_unpack(key, entry, BIT(31)), CORDON_MARK_NONE);
	KUNIT_EXPECT_EQ(test, cordon_mark_unpack(key, entry, U32_MAX), CORDON_MARK_NONE);
}

/* The word holds the labels 32 to 63, as set_bit() counts them on this machine. */
static void mark_word_is_labels_32_to_63(struct kunit *test)
{
	unsigned long bits[16 / sizeof(long)] = { 0 };
	unsigned int label;

	for (label = 32; label < 64; label++)
		__set_bit(label, bits);
	KUNIT_EXPECT_EQ(test, ((const u32 *)bits)[CORDON_MARK_WORD], U32_MAX);
	for (label = 0; label < 4; label++)
		if (label != CORDON_MARK_WORD)
			KUNIT_EXPECT_EQ(test, ((const u32 *)bits)[label], 0);
}

static struct kunit_case mark_cases[] = {
	KUNIT_CASE(mark_pack_then_unpack),
	KUNIT_CASE(mark_unpack_foreign),
	KUNIT_CASE(mark_word_is_labels_32_to_63),
	{}
};

static struct kunit_suite mark_suite = { .name = "mark", .test_cases = mark_cases };
kunit_test_suite(mark_suite);
