/* SPDX-License-Identifier: GPL-2.0 */
/* One direction of a TCP connection: what was read of it, and a copy of what is still in flight. */
#ifndef _CORDON_STREAM_H
#define _CORDON_STREAM_H

#include "types.h"

#define CORDON_STREAM_KEPT	4096	/* bytes of several segments */
#define CORDON_STREAM_ALONE	16384	/* of one segment, or of several that were merged */

/**
 * struct cordon_stream - one direction of a TCP connection
 * @kept: the bytes from @una to @next; NULL where the caller gave no memory yet
 * @first: sequence number of the first byte
 * @una: of the first byte that the receiver has not acknowledged
 * @next: of the next byte to be read
 * @size: bytes that @kept has room for, at most CORDON_STREAM_ALONE
 * @synced: the three places are known
 */
struct cordon_stream {
	u8 *kept;
	u32 first;
	u32 una;
	u32 next;
	u16 size;
	bool synced;
};

/* Some of it was read. */
static inline bool cordon_stream_is_read(const struct cordon_stream *s)
{
	return s->next != s->first;
}

/* All that was read has been acknowledged. */
static inline bool cordon_stream_is_settled(const struct cordon_stream *s)
{
	return s->una == s->next;
}

void cordon_stream_begin(struct cordon_stream *s, u32 first);
void cordon_stream_acknowledge(struct cordon_stream *s, u32 ack, bool beyond);
u32 cordon_stream_known(const struct cordon_stream *s, u32 seq, u32 len);
bool cordon_stream_same(const struct cordon_stream *s, u32 seq, const u8 *data, u32 len);
u32 cordon_stream_room(const struct cordon_stream *s, u32 len);

#endif
