/* SPDX-License-Identifier: GPL-2.0 */
/* A QUIC connection: TLS 1.3 by construction (RFC 9001), if it is one. */
#ifndef _CORDON_QUIC_H
#define _CORDON_QUIC_H

#include "tls_hello.h"

#define CORDON_QUIC_MAX_ID	20

/**
 * struct cordon_quic - a connection
 * @early: bytes of early data that passed
 * @id_len: length of @id
 * @id: what the client calls itself, and what the server must call it
 * @started: the client began one
 * @verdict: enum cordon_tls_verdict
 */
struct cordon_quic {
	u32 early;
	u8 id_len;
	u8 id[CORDON_QUIC_MAX_ID];
	bool started;
	u8 verdict;
};

static_assert(sizeof(struct cordon_quic) <= CORDON_TLS_STATE_SIZE, "the state grew");

void cordon_quic_init(struct cordon_quic *q);
enum cordon_tls_verdict cordon_quic_read(struct cordon_quic *q, bool client, const u8 *data,
					 u32 len);

/* QUIC begins with a long header (RFC 8999, 5.1), and nothing of DTLS looks like one. */
static inline bool cordon_quic_is_long(const u8 *data, u32 len)
{
	return len && data[0] & 0x80;
}

#endif
