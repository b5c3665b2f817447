// SPDX-License-Identifier: GPL-2.0
/* One direction of a TCP connection. Sequence numbers wrap: they are compared by their distance. */
#include "stream.h"

static s32 distance(u32 to, u32 from)
{
	return (s32)(to - from);
}

/**
 * cordon_stream_begin - where the stream begins is known
 * @s: the stream, of which nothing was read
 * @first: sequence number of its first byte
 */
void cordon_stream_begin(struct cordon_stream *s, u32 first)
{
	s->first = first;
	s->una = first;
	s->next = first;
	s->synced = true;
}

/**
 * cordon_stream_acknowledge - the receiver has the bytes before a place
 * @s: the stream
 * @ack: the place
 * @beyond: bytes behind those that were read may have passed
 *
 * Unless they may, what acknowledges bytes that were not read is nonsense, and ignored.
 */
void cordon_stream_acknowledge(struct cordon_stream *s, u32 ack, bool beyond)
{
	if (distance(ack, s->next) > 0) {
		if (!beyond)
			return;
		ack = s->next;
	}
	if (distance(ack, s->una) <= 0)
		return;
	if (s->kept)
		memmove(s->kept, s->kept + (ack - s->una), s->next - ack);
	s->una = ack;
}

/**
 * cordon_stream_known - how much of a segment was read before
 * @s: the stream
 * @seq: the segment's sequence number; not after @s->next, not before @s->first
 * @len: its length
 *
 * Return: the number of bytes at its beginning, at most @len.
 */
u32 cordon_stream_known(const struct cordon_stream *s, u32 seq, u32 len)
{
	const u32 known = s->next - seq;

	return min(known, len);
}

/**
 * cordon_stream_same - bytes in flight are sent again: are they what was read
 * @s: the stream
 * @seq: sequence number of the first byte in @data
 * @data: a piece of a segment
 * @len: its length
 *
 * The receiver has what lies before @s->una and takes none of it again. What lies from @s->next on
 * is not looked at.
 */
bool cordon_stream_same(const struct cordon_stream *s, u32 seq, const u8 *data, u32 len)
{
	s32 skip = distance(s->una, seq), at = 0, n;

	if (skip < 0) {
		at = -skip;
		skip = 0;
	}
	n = min(distance(s->next, s->una) - at, (s32)len - skip);
	return n <= 0 || !memcmp(s->kept + at, data + skip, n);
}

/**
 * cordon_stream_room - may more bytes be in flight
 * @s: the stream
 * @len: how many are to come, at least 1
 *
 * One segment must not wait for ever: where nothing is in flight it may be longer than what several
 * may have together. 16 KiB hold a jumbo frame, and a first flight of ten segments that were merged
 * on reception (RFC 6928, 2).
 *
 * Return: the bytes that would be kept then; 0, there is no room until some are acknowledged.
 */
u32 cordon_stream_room(const struct cordon_stream *s, u32 len)
{
	const u32 flight = s->next - s->una;
	const u32 most = flight ? CORDON_STREAM_KEPT : CORDON_STREAM_ALONE;

	return flight + len > most ? 0 : flight + len;
}
