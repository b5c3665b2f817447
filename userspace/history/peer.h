/* SPDX-License-Identifier: GPL-2.0 */
/* Whom devices talk to, from connection tracking. */
#ifndef CORDON_HISTORY_PEER_H
#define CORDON_HISTORY_PEER_H

#include "history/writer.h"

struct history_peers;
struct history_peers *history_peers_new(void);
void history_peers_free(struct history_peers *p);
void history_peers_take(struct history_writer *w, struct history_peers *p, time_t now);

#endif
