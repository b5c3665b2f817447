/* SPDX-License-Identifier: GPL-2.0 */
/* A TLS connection, read from its first byte up to a verdict. */
#ifndef _CORDON_TLS_H
#define _CORDON_TLS_H

#include "tls_hello.h"

/**
 * struct cordon_tls_side - what one side sends
 * @left: bytes of the record's payload still to come; its length, while its header is read
 * @type: of the record
 * @level: of the alert at hand
 * @at: bytes of the record's header that were read
 * @message_at: bytes of the handshake message's header that were read
 * @alerts: how many it sent
 * @started: its first record is one of TLS
 * @changed_cipher: it sent its ChangeCipherSpec
 * @ended: it sent an alert that ends the handshake
 */
struct cordon_tls_side {
	u16 left;
	u8 type;
	u8 level;
	u8 at : 3;
	u8 message_at : 3;
	u8 alerts : 2;
	u8 started : 1;
	u8 changed_cipher : 1;
	u8 ended : 1;
};

/**
 * struct cordon_tls - a connection
 * @hello: the one that is being read: only the side whose turn it is may have begun one
 * @handshake: what its hellos said
 * @message_len: length of the handshake message whose header is being read
 * @early: bytes of early data that passed
 * @unread: bytes at the end of the last piece that lie behind the verdict
 * @side: the server's, then the client's
 * @verdict: enum cordon_tls_verdict
 */
struct cordon_tls {
	struct cordon_hello hello;
	struct cordon_handshake handshake;
	u32 message_len;
	u32 early;
	u32 unread;
	struct cordon_tls_side side[2];
	u8 verdict;
};

static_assert(sizeof(struct cordon_tls) <= CORDON_TLS_STATE_SIZE, "the state grew");

void cordon_tls_init(struct cordon_tls *t, u8 demand);
enum cordon_tls_verdict cordon_tls_read(struct cordon_tls *t, bool client, const u8 *data,
					u32 len);

#endif
