/* SPDX-License-Identifier: GPL-2.0 */
/* The hellos of TLS and DTLS: read as they come in, and what follows from them. */
#ifndef _CORDON_TLS_HELLO_H
#define _CORDON_TLS_HELLO_H

#include "types.h"

#ifdef __KERNEL__
#include <uapi/linux/cordon.h>
#else
#include <linux/cordon.h>
#endif

#define CORDON_TLS_1_2		0x0303
#define CORDON_TLS_1_3		0x0304

#define CORDON_TLS_CLIENT_HELLO	1
#define CORDON_TLS_SERVER_HELLO	2

/* All vectors of a ClientHello as long as they may be (RFC 8446, 4.1.2; of DTLS, RFC 9147, 5.3). */
#define CORDON_TLS_MAX_HELLO	131652

/**
 * enum cordon_tls_verdict - what has been made out about a connection
 * @CORDON_TLS_MORE: undecided; what was read may pass, as it can still become what is demanded
 * @CORDON_TLS_AGAIN: undecided; of datagrams only: this one must be dropped, it will be sent again
 * @CORDON_TLS_PASS: the server selected what is demanded; nothing more need be read
 * @CORDON_TLS_PLAINTEXT: not TLS at all
 * @CORDON_TLS_DOWNGRADE: less than what is demanded was offered or selected
 * @CORDON_TLS_MALFORMED: TLS, but broken in a way that could hide what it is
 */
enum cordon_tls_verdict {
	CORDON_TLS_MORE,
	CORDON_TLS_AGAIN,
	CORDON_TLS_PASS,
	CORDON_TLS_PLAINTEXT,
	CORDON_TLS_DOWNGRADE,
	CORDON_TLS_MALFORMED,
};

/**
 * struct cordon_tls_facts - what a hello says of itself, for reports
 * @offered: highest version that the client offered, without GREASE (RFC 8701); 0, none yet
 * @selected: version that the server selected, 0, none yet
 * @name_len: length of @name; 0, the client named no server
 * @name: beginning of the server's name (RFC 6066, 3), what is not printable replaced by '?'
 *
 * DTLS's versions are given as the TLS that they are made of.
 */
struct cordon_tls_facts {
	u16 offered;
	u16 selected;
	u8 name_len;
	char name[CORDON_TLS_NAME_LEN];
};

/**
 * struct cordon_hello - a hello that is being read
 * @seen: bit n, extension n has begun; those from 64 on are not kept
 * @left: bytes of each level (message, extension block, extension, list) not yet given to a field
 * @want: bytes of the field at hand still to come
 * @value: the field at hand, where it is a number
 * @extension: type of the extension at hand
 * @legacy: legacy_version
 * @best: highest version in supported_versions
 * @selected: version in the server's supported_versions
 * @suite: cipher suite that the server selected
 * @compression: compression method that the server selected
 * @step: enum hello_step, the field at hand
 * @flags: CORDON_HELLO_*
 */
struct cordon_hello {
	u64 seen;
	u32 left[4];
	u16 want;
	u16 value;
	u16 extension;
	u16 legacy;
	u16 best;
	u16 selected;
	u16 suite;
	u16 flags;
	u8 compression;
	u8 step;
};

#define CORDON_HELLO_SERVER		0x0001	/* a ServerHello */
#define CORDON_HELLO_DATAGRAM		0x0002	/* of DTLS */
#define CORDON_HELLO_NULL		0x0004	/* no compression is offered ... */
#define CORDON_HELLO_COMPRESSES		0x0008	/* ... some is, too */
#define CORDON_HELLO_OFFERS_1_2		0x0010	/* in supported_versions */
#define CORDON_HELLO_OFFERS_1_3		0x0020
#define CORDON_HELLO_RETRY		0x0040	/* the random of a HelloRetryRequest */
#define CORDON_HELLO_SENTINEL		0x0080	/* the random of a server that could do more */
#define CORDON_HELLO_NAMED		0x0100	/* the server's name is known */
#define CORDON_HELLO_HOST		0x0200	/* the name at hand is it */
#define CORDON_HELLO_COOKIE		0x0400	/* a cookie of DTLS 1.2 */

/** enum cordon_handshake_phase - whose message is next */
enum cordon_handshake_phase {
	CORDON_HANDSHAKE_CLIENT,
	CORDON_HANDSHAKE_SERVER,
	CORDON_HANDSHAKE_CLIENT_AGAIN,	/* after a HelloRetryRequest */
	CORDON_HANDSHAKE_SERVER_AGAIN,
};

/**
 * struct cordon_handshake - a connection up to its verdict
 * @facts: for reports
 * @demand: enum cordon_encryption, what the connection must be at least
 * @phase: enum cordon_handshake_phase
 * @offers_1_2: the client would take TLS 1.2
 * @offers_1_3: the client would take TLS 1.3
 * @early: the client announced early data
 */
struct cordon_handshake {
	struct cordon_tls_facts facts;
	u8 demand;
	u8 phase;
	bool offers_1_2;
	bool offers_1_3;
	bool early;
};

void cordon_hello_begin(struct cordon_hello *h, u16 flags, u32 len);
u32 cordon_hello_read(struct cordon_hello *h, struct cordon_tls_facts *facts, const u8 *data,
		      u32 len);
bool cordon_hello_is_complete(const struct cordon_hello *h);
bool cordon_hello_is_broken(const struct cordon_hello *h);

void cordon_handshake_init(struct cordon_handshake *s, u8 demand);
enum cordon_tls_verdict cordon_handshake_client(struct cordon_handshake *s,
						const struct cordon_hello *h);
enum cordon_tls_verdict cordon_handshake_server(struct cordon_handshake *s,
						const struct cordon_hello *h);

/* The client's turn to send a message of the handshake, or else the server's. */
static inline bool cordon_handshake_turn(const struct cordon_handshake *s, bool client)
{
	return client == (s->phase == CORDON_HANDSHAKE_CLIENT ||
			  s->phase == CORDON_HANDSHAKE_CLIENT_AGAIN);
}

#endif
