// SPDX-License-Identifier: GPL-2.0
/* Whom devices talk to: connection tracking, looked at each minute. */
#include <netlink/netfilter/ct.h>
#include <netlink/netfilter/nfnl.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "history/peer.h"

#define LASTS	"300"	/* seconds for which it is not written again that a connection goes on */
#define ENTRIES	65536	/* of connection tracking that are looked at, and known the next time; a power of two */

/**
 * struct history_peers - what reads connection tracking
 * @sock: the connection
 * @before: numbers of entries that were there the last time, by their hash; 0, none
 * @now: likewise, those that are there
 * @n: how many were looked at
 * @w: the writer, while it is read
 * @at: when that began
 */
struct history_peers {
	struct nl_sock *sock;
	uint32_t *before;
	uint32_t *now;
	uint32_t n;
	struct history_writer *w;
	time_t at;
};

/** history_peers_new - be able to read it; NULL, it cannot be */
struct history_peers *history_peers_new(void)
{
	struct history_peers *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->sock = nl_socket_alloc();
	p->before = calloc(ENTRIES, sizeof(*p->before));
	p->now = calloc(ENTRIES, sizeof(*p->now));
	if (p->sock && p->before && p->now && !nfnl_connect(p->sock)) {
		nl_socket_set_buffer_size(p->sock, 1 << 20, 0);
		return p;
	}
	history_peers_free(p);
	return NULL;
}

/** history_peers_free - read it no more */
void history_peers_free(struct history_peers *p)
{
	if (!p)
		return;
	nl_socket_free(p->sock);
	free(p->before);
	free(p->now);
	free(p);
}

/* Where another entry has the place, it is taken for new once more: a number too high, no more memory. */
static bool is_new(struct history_peers *p, uint32_t id)
{
	uint32_t place = id * 2654435761U >> 16 & (ENTRIES - 1);

	p->now[place] = id;
	return p->before[place] != id;
}

static bool read_addr(const struct nl_addr *in, struct cordon_addr *out)
{
	const u8 *bytes = in ? nl_addr_get_binary_addr(in) : NULL;
	unsigned int i, len = in ? nl_addr_get_len(in) : 0;

	*out = (struct cordon_addr){ 0, 0 };
	if (len == 4)
		*out = cordon_addr_v4((u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
	for (i = 0; len == 16 && i < 8; i++) {
		out->hi = out->hi << 8 | bytes[i];
		out->lo = out->lo << 8 | bytes[8 + i];
	}
	return len == 4 || len == 16;
}

/* Only the last ones are kept of a device. */
static void limit(struct history_writer *w, int64_t device)
{
	static const char count[] = "SELECT count(*) FROM peer WHERE device = ?1";
	static const char sql[] =
		"DELETE FROM peer WHERE device = ?1 AND (peer, protocol, dport, opened) IN"
		" (SELECT peer, protocol, dport, opened FROM peer WHERE device = ?1 ORDER BY last DESC LIMIT -1 OFFSET ?2)";
	int64_t n = 0;

	if (!history_get(w, &n, count, "i", device) && n > HISTORY_PEERS)
		history_run(w, sql, "ii", device, (int64_t)HISTORY_PEERS);
}

/**
 * history_peer - a connection of a device
 * @w: the writer, in a transaction
 * @device: of its row
 * @c: the connection
 * @now: the time
 */
void history_peer(struct history_writer *w, int64_t device, const struct history_connection *c, time_t now)
{
	static const char put[] =
		"INSERT INTO peer VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9) ON CONFLICT(device, peer, protocol, dport, opened)"
		" DO UPDATE SET other = ?6, segment = ?7, last = ?8, connections = connections + ?9"
		" WHERE ?9 OR last NOT BETWEEN ?8 - " LASTS " AND ?8 OR (other, segment) IS NOT (?6, ?7)";
	char text[POLICY_ADDR_LEN], segment[CORDON_NAME_LEN];

	history_segment_of(w, &c->peer, segment);
	history_run(w, put, "itiiizeii", device, policy_addr_text(&c->peer, text), (int64_t)c->protocol, (int64_t)c->dport,
		    (int64_t)c->opened, c->other, segment, (int64_t)now, (int64_t)c->fresh);
	if (sqlite3_changes(w->h.db))
		limit(w, device);
}

static int64_t owner(struct history_writer *w, const struct cordon_addr *addr)
{
	static const char sql[] = "SELECT device FROM live.binding WHERE address = ?1 AND device > 0";
	char text[POLICY_ADDR_LEN];
	int64_t id = 0;

	return history_get(w, &id, sql, "t", policy_addr_text(addr, text)) ? 0 : id;
}

static void take(struct history_peers *p, const struct nfnl_ct *ct)
{
	struct history_connection c = { .protocol = nfnl_ct_get_proto(ct) };
	struct cordon_addr from, to;
	int64_t source, destination;

	if (p->n++ >= ENTRIES || !read_addr(nfnl_ct_get_src(ct, 0), &from) || !read_addr(nfnl_ct_get_dst(ct, 0), &to))
		return;
	c.dport = nfnl_ct_test_dst_port(ct, 0) ? nfnl_ct_get_dst_port(ct, 0) : nfnl_ct_get_icmp_type(ct, 0);
	c.fresh = is_new(p, nfnl_ct_get_id(ct));
	source = owner(p->w, &from);
	destination = owner(p->w, &to);
	if (source) {
		c.peer = to;
		c.opened = true;
		c.other = destination;
		history_peer(p->w, source, &c, p->at);
	}
	if (destination) {
		c.peer = from;
		c.opened = false;
		c.other = source;
		history_peer(p->w, destination, &c, p->at);
	}
}

static int on_entry(struct nl_msg *msg, void *arg)
{
	struct history_peers *p = arg;
	struct nfnl_ct *ct;

	if (nfnlmsg_ct_parse(nlmsg_hdr(msg), &ct))
		return NL_OK;
	take(p, ct);
	nfnl_ct_put(ct);
	return NL_OK;
}

/**
 * history_peers_take - see whom devices talk to
 * @w: the writer, in a transaction
 * @p: reads it
 * @now: the time
 *
 * Of an answer that breaks off, what was there counts.
 */
void history_peers_take(struct history_writer *w, struct history_peers *p, time_t now)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	uint32_t *swap = p->before;

	p->before = p->now;
	p->now = swap;
	memset(p->now, 0, ENTRIES * sizeof(*p->now));
	p->n = 0;
	p->w = w;
	p->at = now;
	if (cb) {
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_entry, p);
		if (nfnl_ct_dump_request(p->sock) >= 0)
			nl_recvmsgs(p->sock, cb);
		nl_cb_put(cb);
	}
}
