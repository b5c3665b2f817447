/* SPDX-License-Identifier: GPL-2.0 */
/* What a connection is, made out from the whole of it. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct stream - what one side sent
 * @data: its bytes
 * @when: for each, its place among the bytes of both sides
 * @n: how many
 */
struct stream {
	const uint8_t *data;
	const uint32_t *when;
	size_t n;
};

/** struct datagram - one of either side, in the order in which they passed */
struct datagram {
	const uint8_t *data;
	size_t n;
	bool client;
};

/* 0x0304, 0x0303: negotiated, and encrypted; 0: neither. Of datagrams, by the last of them. */
unsigned int oracle_tls(const struct stream *client, const struct stream *server);
unsigned int oracle_dtls(const struct datagram *datagrams, size_t n);
unsigned int oracle_quic(const struct datagram *datagrams, size_t n);

#endif
