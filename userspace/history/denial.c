// SPDX-License-Identifier: GPL-2.0
/* What devices were denied, and which rule would have allowed it. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "history/writer.h"

static struct cordon_addr read_v6(const struct in6_addr *in)
{
	struct cordon_addr out = { 0, 0 };
	int i;

	for (i = 0; i < 8; i++) {
		out.hi = out.hi << 8 | in->s6_addr[i];
		out.lo = out.lo << 8 | in->s6_addr[8 + i];
	}
	return out;
}

/**
 * history_self - which addresses the gateway has
 * @w: the writer; keeps what it has where they cannot be listed
 */
void history_self(struct history_writer *w)
{
	struct ifaddrs *list, *i;

	if (getifaddrs(&list))
		return;
	w->n_self = 0;
	for (i = list; i && w->n_self < HISTORY_SELF; i = i->ifa_next) {
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
			w->self[w->n_self++] =
				cordon_addr_v4(ntohl(((const struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr.s_addr));
		else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
			w->self[w->n_self++] = read_v6(&((const struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr);
	}
	freeifaddrs(list);
}

static bool is_self(const struct history_writer *w, const struct cordon_addr *addr)
{
	u32 i;

	for (i = 0; i < w->n_self; i++)
		if (cordon_addr_equal(&w->self[i], addr))
			return true;
	return false;
}

/* Of one link, or for many: in no segment by its address. */
static bool is_local(const struct cordon_addr *a)
{
	u32 v4 = a->lo;

	if (cordon_addr_is_v4(a))
		return v4 >> 28 >= 14 || v4 >> 16 == 0xa9fe || !v4;
	return a->hi >> 54 == 0x3fa || a->hi >> 56 == 0xff || (!a->hi && !a->lo);
}

/**
 * history_segment_of - in which segment an address is
 * @w: the writer, in a transaction
 * @addr: the address
 * @out: where the device is that has it; else by the policy's networks; empty, in none
 */
void history_segment_of(struct history_writer *w, const struct cordon_addr *addr, char out[CORDON_NAME_LEN])
{
	static const char sql[] =
		"SELECT n.effective FROM live.binding b JOIN live.now n ON n.id = b.device WHERE b.address = ?1";
	char text[POLICY_ADDR_LEN];
	sqlite3_stmt *stmt = history_query(w, sql, "t", policy_addr_text(addr, text));
	u16 segment = CORDON_NO_SEGMENT;

	out[0] = 0;
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		history_copy(stmt, 0, out, CORDON_NAME_LEN);
	sqlite3_reset(stmt);
	if (out[0] || !w->sealed || is_local(addr))
		return;
	segment = is_self(w, addr) ? CORDON_SEGMENT_GATEWAY : cordon_policy_network_segment(w->sealed, addr);
	if (segment != CORDON_NO_SEGMENT)
		snprintf(out, CORDON_NAME_LEN, "%s", w->sealed->draft.segments[segment].name);
}

/* A device that is held somewhere does not want a rule, but to be let out. */
static bool is_held(const char *segment)
{
	return !strcmp(segment, "quarantine") || !strcmp(segment, "onboarding") || !strcmp(segment, "update");
}

/* Only what the policy did not open, or opened with encryption, is allowed by a rule. */
static void find_rule(const struct cnl_event *e, const char *from, const char *to, char *out, size_t size)
{
	struct cordon_match m = { .proto = e->anomaly.protocol, .lo = e->anomaly.dport, .hi = e->anomaly.dport };
	bool plain = e->anomaly.kind == CORDON_KIND_PLAINTEXT || e->anomaly.kind == CORDON_KIND_TLS_DOWNGRADE;
	char match[POLICY_MATCH_LEN];

	out[0] = 0;
	if (!from[0] || !to[0] || is_held(from) || (!plain && e->anomaly.kind != CORDON_KIND_SEGMENT_VIOLATION))
		return;
	snprintf(out, size, "{from: %s, to: %s, allow: [%s]%s}", from, to, policy_match_text(&m, match),
		 plain ? ", plaintext: true" : "");
}

/* Only the last ones are kept of a device. */
static void limit(struct history_writer *w, int64_t device)
{
	static const char sql[] =
		"DELETE FROM denial WHERE device = ?1 AND (kind, source, destination, protocol, dport) IN"
		" (SELECT kind, source, destination, protocol, dport FROM denial WHERE device = ?1 ORDER BY last DESC LIMIT -1 OFFSET ?2)";

	history_run(w, sql, "ii", device, (int64_t)HISTORY_DENIALS);
}

/**
 * history_denial - a packet that was dropped
 * @w: the writer, in a transaction
 * @t: the device; NULL, none that is known
 * @e: the anomaly that it was
 * @now: the time
 */
void history_denial(struct history_writer *w, const struct history_device *t, const struct cnl_event *e, time_t now)
{
	static const char sql[] =
		"INSERT INTO denial VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)"
		" ON CONFLICT(device, kind, source, destination, protocol, dport) DO UPDATE SET from_segment = ?7, to_segment = ?8,"
		" rule = ?9, last = ?10, count = count + ?11";
	char from[CORDON_NAME_LEN], to[CORDON_NAME_LEN], rule[160], source[POLICY_ADDR_LEN], destination[POLICY_ADDR_LEN];
	int64_t device = t ? t->id : HISTORY_NOBODY;

	history_segment_of(w, &e->anomaly.source, from);
	history_segment_of(w, &e->anomaly.destination, to);
	find_rule(e, from, to, rule, sizeof(rule));
	history_run(w, sql, "itttiieeeii", device, policy_kind_name(e->anomaly.kind),
		    policy_addr_text(&e->anomaly.source, source), policy_addr_text(&e->anomaly.destination, destination),
		    (int64_t)e->anomaly.protocol, (int64_t)e->anomaly.dport, from, to, rule, (int64_t)now,
		    1 + (int64_t)e->anomaly.suppressed);
	limit(w, device);
}
