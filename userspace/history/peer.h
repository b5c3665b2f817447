/* SPDX-License-Identifier: GPL-2.0 */
/* Whom devices talk to, from connection tracking. */
#ifndef CORDON_HISTORY_PEER_H
#define CORDON_HISTORY_PEER_H

#include "history/writer.h"

/**
 * struct history_connection - one of connection tracking
 * @peer: address of the other end
 * @other: the device that has it; 0, none
 * @protocol: IANA number
 * @dport: port, or type of ICMP
 * @opened: the device opened it
 * @fresh: it was not there the last time
 */
struct history_connection {
	struct cordon_addr peer;
	int64_t other;
	u8 protocol;
	u16 dport;
	bool opened;
	bool fresh;
};

void history_peer(struct history_writer *w, int64_t device, const struct history_connection *c, time_t now);

struct history_peers;
struct history_peers *history_peers_new(void);
void history_peers_free(struct history_peers *p);
void history_peers_take(struct history_writer *w, struct history_peers *p, time_t now);

#endif
