// SPDX-License-Identifier: GPL-2.0
/* kernel/core/stream.c */
#include <kunit/test.h>

#include "core/stream.h"

#define BYTES 600

static u8 sent[BYTES];
static u8 kept[CORDON_STREAM_ALONE];

/* A stream that begins so near the end of the sequence numbers that they wrap within it. */
static const u32 first = U32_MAX - 200;

static void begin(struct cordon_stream *s)
{
	u32 n;

	for (n = 0; n < BYTES; n++)
		sent[n] = n * 7 + n / 256;
	memset(s, 0, sizeof(*s));
	s->kept = kept;
	s->size = sizeof(kept);
	cordon_stream_begin(s, first);
}

/* As TLS inspection does: what was read is kept, and counted. */
static void read_to(struct cordon_stream *s, u32 end)
{
	u32 at = s->next - s->first;

	memcpy(s->kept + (s->next - s->una), sent + at, end - at);
	s->next = s->first + end;
}

static bool same(const struct cordon_stream *s, u32 from, u32 to)
{
	return cordon_stream_same(s, s->first + from, sent + from, to - from);
}

/* However the segments are cut the second time, the same bytes are the same. */
static void stream_same_cut_anywhere(struct kunit *test)
{
	struct cordon_stream s;
	u32 una, from, to;

	for (una = 0; una <= 300; una += 100) {
		begin(&s);
		read_to(&s, 300);
		cordon_stream_acknowledge(&s, first + una, false);
		for (from = 0; from < 400; from += 13)
			for (to = from; to <= 400; to += 7)
				KUNIT_EXPECT_TRUE(test, same(&s, from, to));
	}
}

/* One byte is another: only where it is in flight does it matter. */
static void stream_same_with_another_byte(struct kunit *test)
{
	struct cordon_stream s;
	u32 at;

	begin(&s);
	read_to(&s, 300);
	cordon_stream_acknowledge(&s, first + 100, false);
	for (at = 0; at < 400; at++) {
		sent[at] ^= 1;
		KUNIT_EXPECT_EQ(test, same(&s, 0, 400), at < 100 || at >= 300);
		KUNIT_EXPECT_EQ(test, same(&s, at, at + 1), at < 100 || at >= 300);
		sent[at] ^= 1;
	}
}

static void stream_acknowledge_more_than_was_read(struct kunit *test)
{
	struct cordon_stream s;

	begin(&s);
	read_to(&s, 300);
	cordon_stream_acknowledge(&s, first + 301, false);
	KUNIT_EXPECT_EQ(test, s.una, first);
	cordon_stream_acknowledge(&s, first - 1, false);
	KUNIT_EXPECT_EQ(test, s.una, first);
	cordon_stream_acknowledge(&s, first + 300, false);
	KUNIT_EXPECT_TRUE(test, cordon_stream_is_settled(&s));
	cordon_stream_acknowledge(&s, first + 100, false);
	KUNIT_EXPECT_TRUE(test, cordon_stream_is_settled(&s));
	begin(&s);
	read_to(&s, 300);
	cordon_stream_acknowledge(&s, first + 301, true);
	KUNIT_EXPECT_TRUE(test, cordon_stream_is_settled(&s));
}

static void stream_known_is_what_was_read(struct kunit *test)
{
	struct cordon_stream s;

	begin(&s);
	KUNIT_EXPECT_FALSE(test, cordon_stream_is_read(&s));
	KUNIT_EXPECT_EQ(test, cordon_stream_known(&s, first, 50), 0);
	read_to(&s, 300);
	KUNIT_EXPECT_TRUE(test, cordon_stream_is_read(&s));
	KUNIT_EXPECT_EQ(test, cordon_stream_known(&s, first, 50), 50);
	KUNIT_EXPECT_EQ(test, cordon_stream_known(&s, first + 280, 50), 20);
	KUNIT_EXPECT_EQ(test, cordon_stream_known(&s, first + 300, 50), 0);
}

static void stream_room_is_bounded(struct kunit *test)
{
	struct cordon_stream s;

	begin(&s);
	KUNIT_EXPECT_EQ(test, cordon_stream_room(&s, CORDON_STREAM_ALONE), CORDON_STREAM_ALONE);
	KUNIT_EXPECT_EQ(test, cordon_stream_room(&s, CORDON_STREAM_ALONE + 1), 0);
	s.next += CORDON_STREAM_KEPT - 1;
	KUNIT_EXPECT_EQ(test, cordon_stream_room(&s, 1), CORDON_STREAM_KEPT);
	KUNIT_EXPECT_EQ(test, cordon_stream_room(&s, 2), 0);
	s.next += 5000;
	KUNIT_EXPECT_EQ(test, cordon_stream_room(&s, 1), 0);
}

static struct kunit_case stream_cases[] = {
	KUNIT_CASE(stream_same_cut_anywhere),
	KUNIT_CASE(stream_same_with_another_byte),
	KUNIT_CASE(stream_acknowledge_more_than_was_read),
	KUNIT_CASE(stream_known_is_what_was_read),
	KUNIT_CASE(stream_room_is_bounded),
	{}
};

static struct kunit_suite stream_suite = { .name = "stream", .test_cases = stream_cases };
kunit_test_suite(stream_suite);
