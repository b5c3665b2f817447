/* SPDX-License-Identifier: GPL-2.0 */
/* What inspect.c, inspect_tcp.c and inspect_udp.c share: a connection that is being read. */
#ifndef _CORDON_INSPECTION_H
#define _CORDON_INSPECTION_H

#include <linux/list.h>

#include "core/dtls.h"
#include "core/quic.h"
#include "core/stream.h"
#include "core/tls.h"
#include "inspect.h"

struct cordon_crowd;

/** enum cordon_reader - who reads a connection */
enum cordon_reader {
	CORDON_READER_TLS,	/* TCP */
	CORDON_READER_DTLS,
	CORDON_READER_QUIC,
};

/**
 * struct cordon_inspect_bucket - connections that are being read
 * @lock: protects the list, and what is known of each connection in it
 * @list: of struct cordon_inspection
 * @crowds: of struct cordon_crowd; under cordon_inspector.lock
 */
struct cordon_inspect_bucket {
	spinlock_t lock;	/* the list, and what is known of each in it */
	struct hlist_head list;
	struct hlist_head crowds;
};

/**
 * struct cordon_inspection - a connection that is being read
 * @node: in its bucket
 * @idle: in cordon_inspector.idle, until @proven; under cordon_inspector.lock
 * @crowd_idle: in its crowd's list, likewise
 * @crowd: of what others opened to the same device; NULL, the device opened it
 * @ct: its entry, of which there is a reference
 * @device: it is counted for, likewise
 * @end: when it has had its time, in ticks; if @timed
 * @timed: its first byte was read
 * @proven: of what others opened: the originator is there, for it went on after it was answered
 * @answered: of UDP: the other end has sent something
 * @reversed: of UDP: the client is the end that the connection was opened to
 * @refused: it was refused, and its entry has no labels to say so
 * @reopened: of TCP: a SYN passed that conntrack ignored, with another sequence number
 * @decided: of TCP: enum cordon_mark, to be written once the receivers have what was read
 * @reader: enum cordon_reader
 * @tls: of TCP
 * @side: of TCP: what the server sends, what the client sends
 * @dtls: of UDP
 * @quic: likewise
 */
struct cordon_inspection {
	struct hlist_node node;
	struct list_head idle;
	struct list_head crowd_idle;
	struct cordon_crowd *crowd;
	struct nf_conn *ct;
	struct cordon_device *device;
	u32 end;
	bool timed : 1;
	bool proven : 1;
	bool answered : 1;
	bool reversed : 1;
	bool refused : 1;
	bool reopened : 1;
	u8 decided;
	u8 reader;
	union {
		struct {
			struct cordon_tls tls;
			struct cordon_stream side[2];
		};
		struct cordon_dtls dtls;
		struct cordon_quic quic;
	};
};

struct cordon_inspection *cordon_inspection_begin(struct cordon_inspect_ctx *ctx);
void cordon_inspection_start_clock(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i);
void cordon_inspection_proven(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i);
void cordon_inspection_end(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i);
bool cordon_inspection_mark(struct cordon_inspect_ctx *ctx, enum cordon_mark mark);
enum cordon_inspect cordon_inspection_refuse(struct cordon_inspect_ctx *ctx,
					     struct cordon_inspection *i, u8 kind);
enum cordon_inspect cordon_inspection_unseen(struct cordon_inspect_ctx *ctx,
					     struct cordon_inspection *i);
u8 cordon_inspection_kind(enum cordon_tls_verdict verdict);

enum cordon_inspect cordon_inspect_tcp(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i);
enum cordon_inspect cordon_inspect_udp(struct cordon_inspect_ctx *ctx, struct cordon_inspection *i);

#endif
