/* SPDX-License-Identifier: GPL-2.0 */
/* A DTLS connection, read from its first datagram up to a verdict. */
#ifndef _CORDON_DTLS_H
#define _CORDON_DTLS_H

#include "tls_hello.h"

/**
 * struct cordon_dtls - a connection
 * @hello: the client's hello, as far as its fragments came in order
 * @handshake: what the hellos said
 * @message_len: length of the client's hello
 * @got: bytes of it that were read
 * @next: number of the next message, of the server, of the client
 * @started: a record came from the server, from the client
 * @verified: the server asked for a cookie of DTLS 1.2
 * @verdict: enum cordon_tls_verdict
 */
struct cordon_dtls {
	struct cordon_hello hello;
	struct cordon_handshake handshake;
	u32 message_len;
	u32 got;
	u16 next[2];
	bool started[2];
	bool verified;
	u8 verdict;
};

static_assert(sizeof(struct cordon_dtls) <= CORDON_TLS_STATE_SIZE, "the state grew");

void cordon_dtls_init(struct cordon_dtls *d, u8 demand);
enum cordon_tls_verdict cordon_dtls_read(struct cordon_dtls *d, bool client, const u8 *data,
					 u32 len);
bool cordon_dtls_is_midway(const u8 *data, u32 len);

#endif
