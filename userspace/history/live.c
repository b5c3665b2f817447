// SPDX-License-Identifier: GPL-2.0
/* How the gateway is now: its policy, interfaces, bindings and segments. Rows that are as they were are not written. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host/facts.h"
#include "history/writer.h"

static const char keep[] = "INSERT OR IGNORE INTO temp.kept VALUES(?1)";
static const char keep_none[] = "DELETE FROM temp.kept";

static void put_number(struct history_writer *w, const char *key, int64_t value)
{
	static const char sql[] =
		"INSERT INTO live.meta VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2 WHERE value IS NOT ?2";

	history_run(w, sql, "ti", key, value);
}

static void put_text(struct history_writer *w, const char *key, const char *value)
{
	static const char sql[] =
		"INSERT INTO live.meta VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2 WHERE value IS NOT ?2";

	history_run(w, sql, "te", key, value);
}

static void put_totals(struct history_writer *w, const struct cnl_stats *s)
{
	static const char sql[] =
		"INSERT INTO live.total_anomaly VALUES(?1, ?2) ON CONFLICT(kind) DO UPDATE SET count = ?2 WHERE count <> ?2";
	u64 anomalies = 0;
	u32 kind;

	for (kind = 0; kind < CORDON_KINDS; kind++) {
		anomalies += s->anomalies[kind];
		history_run(w, sql, "tc", policy_kind_name(kind), s->anomalies[kind]);
	}
	put_number(w, "rx_packets", s->rx_packets);
	put_number(w, "rx_bytes", s->rx_bytes);
	put_number(w, "tx_packets", s->tx_packets);
	put_number(w, "tx_bytes", s->tx_bytes);
	put_number(w, "denied", s->denied);
	put_number(w, "anomalies", anomalies);
}

static void put_applied(struct history_writer *w)
{
	static const char sql[] = "SELECT at, who FROM applied ORDER BY at DESC, rowid DESC LIMIT 1";
	sqlite3_stmt *stmt = history_query(w, sql, "");
	char who[HISTORY_WHO_LEN] = "";
	int64_t at = 0;

	if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		at = sqlite3_column_int64(stmt, 0);
		history_copy(stmt, 1, who, sizeof(who));
	}
	sqlite3_reset(stmt);
	if (at)
		put_number(w, "applied_at", at);
	put_text(w, "applied_by", who);
}

/**
 * history_meta - what is in force, and the namespace's totals
 * @w: the writer, in a transaction
 * @s: that
 * @now: when it was asked for
 */
void history_meta(struct history_writer *w, const struct cnl_summary *s, time_t now)
{
	put_number(w, "sampled", now);
	put_text(w, "boot", w->boot);
	put_number(w, "generation", s->generation);
	put_text(w, "mode", policy_mode_name(s->mode));
	put_number(w, "in_force", s->in_force);
	put_number(w, "awaiting", s->awaiting);
	put_number(w, "confirm", s->awaiting ? s->confirm : 0);
	put_number(w, "lockdown", s->lockdown);
	put_text(w, "unknown", s->unknown[0] ? s->unknown : "deny");
	put_text(w, "module", w->module);
	put_applied(w);
	put_totals(w, &s->stats);
}

/**
 * history_meta_down - there is no module
 * @w: the writer, in a transaction
 * @now: when that was seen
 *
 * So no policy is in force. What else is known of the gateway is as it was.
 */
void history_meta_down(struct history_writer *w, time_t now)
{
	put_number(w, "sampled", now);
	put_text(w, "module", "");
	put_number(w, "in_force", 0);
	put_number(w, "awaiting", 0);
	put_number(w, "lockdown", 0);
}

static const char *role_of(const struct cnl_interface *i)
{
	static const char *const names[] = { "unlisted", "port", "uplink", "loopback", "bridge" };
	u32 role = i->ifindex ? i->role : i->listed;

	return role < sizeof(names) / sizeof(*names) ? names[role] : "unknown";
}

/* NULL: it is not. */
static const char *why_closed(const struct cnl_interface *i)
{
	static const char *const names[] = {
		NULL, "the policy does not list it", "it lies on a port", "it is in an interface as which its packets arrive",
		"it is a bridge: its members are to be listed", "it is a VRF", "it shares the wire of one that is closed",
		"it was a port before it was renamed", "it is in a bridge with a port"
	};

	if (!i->ifindex || i->closed == CORDON_CLOSED_NONE)
		return NULL;
	return i->closed < sizeof(names) / sizeof(*names) ? names[i->closed] : "closed";
}

/**
 * history_interfaces - the gateway's interfaces, and those that the policy names and that are not there
 * @w: the writer, in a transaction
 * @all: all of them
 */
void history_interfaces(struct history_writer *w, const struct cnl_interfaces *all)
{
	static const char put[] =
		"INSERT INTO live.interface VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(name) DO UPDATE SET present = ?2, up = ?3,"
		" role = ?4, closed = ?5 WHERE (present, up, role, closed) IS NOT (?2, ?3, ?4, ?5)";
	static const char drop[] = "DELETE FROM live.interface WHERE name NOT IN (SELECT key FROM temp.kept)";
	char name[CORDON_IFNAME_LEN];
	u32 at;

	for (at = 0; at < all->n; at++) {
		const struct cnl_interface *i = &all->list[at];

		host_clean(i->name, name);
		history_run(w, put, "tiitt", name, (int64_t)!!i->ifindex, (int64_t)i->up, role_of(i), why_closed(i));
		history_run(w, keep, "t", name);
	}
	history_run(w, drop, "");
	history_run(w, keep_none, "");
}

/**
 * history_bindings - which address is whose
 * @w: the writer, in a transaction
 * @all: all of them
 * @now: when they were asked for
 */
void history_bindings(struct history_writer *w, const struct cnl_bindings *all, time_t now)
{
	/* The kernel tells seconds from now, so an end moves by one where nothing has changed. */
	static const char put[] =
		"INSERT INTO live.binding VALUES(?1, ?2, ?3, ?4) ON CONFLICT(address) DO UPDATE SET device = ?2, origin = ?3,"
		" until = ?4 WHERE (device, origin) <> (?2, ?3) OR abs(coalesce(until, 0) - coalesce(?4, 0)) > 1";
	static const char drop[] = "DELETE FROM live.binding WHERE address NOT IN (SELECT key FROM temp.kept)";
	const struct history_device *t;
	char addr[POLICY_ADDR_LEN];
	u32 at;

	for (at = 0; at < all->n; at++) {
		const struct cnl_binding *b = &all->list[at];

		t = history_find(w, b->mac);
		if (!t)
			continue;
		policy_addr_text(&b->addr, addr);
		history_run(w, put, "titz", addr, t->live, policy_origin_name(b->origin), b->ends ? (int64_t)now + b->lease : (int64_t)0);
		history_run(w, keep, "t", addr);
	}
	history_run(w, drop, "");
	history_run(w, keep_none, "");
}

/** history_segments_begin - segments are told of one by one, by history_segment() */
void history_segments_begin(struct history_writer *w)
{
	history_run(w, keep_none, "");
}

/** history_segment - one segment; @arg is the writer */
int history_segment(const struct cnl_segment *s, void *arg)
{
	static const char put[] =
		"INSERT INTO live.segment VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE SET name = ?2, devices = ?3,"
		" packets = ?4, bytes = ?5, denied = ?6"
		" WHERE (name, devices, packets, bytes, denied) <> (?2, ?3, ?4, ?5, ?6)";
	/* The name of a segment that was removed, or has another number now. */
	static const char other[] = "DELETE FROM live.segment WHERE name = ?2 AND id <> ?1";
	struct history_writer *w = arg;

	history_run(w, other, "it", (int64_t)s->id, s->def.name);
	history_run(w, put, "iticcc", (int64_t)s->id, s->def.name, (int64_t)s->devices, s->packets, s->bytes, s->denied);
	history_run(w, keep, "i", (int64_t)s->id);
	return 0;
}

/** history_segments_end - that were all */
void history_segments_end(struct history_writer *w)
{
	history_run(w, "DELETE FROM live.segment WHERE id NOT IN (SELECT key FROM temp.kept)", "");
	history_run(w, keep_none, "");
}

static void matches_text(const struct cordon_draft *d, const struct cordon_rule_def *r, char *out, size_t size)
{
	char match[POLICY_MATCH_LEN];
	size_t len = 0;
	u32 i;

	out[0] = 0;
	for (i = 0; i < r->n && len < size - POLICY_MATCH_LEN - 2; i++)
		len += snprintf(out + len, size - len, "%s%s", i ? ", " : "",
				policy_match_text(&d->matches[r->first + i], match));
}

/**
 * history_rules - the rules of the policy in force
 * @w: the writer, in a transaction
 */
void history_rules(struct history_writer *w)
{
	static const char put[] =
		"INSERT INTO live.rule VALUES(?1, ?2, ?3, ?4, ?5, ?6, (SELECT used FROM main.rule_use"
		" WHERE from_segment = ?2 AND to_segment = ?3 AND matches = ?4))";
	const struct cordon_draft *d = w->policy ? &w->policy->draft : NULL;
	char matches[CORDON_MAX_RULE_MATCHES * (POLICY_MATCH_LEN + 2)];
	u32 i;

	history_run(w, "DELETE FROM live.rule", "");
	for (i = 0; d && i < d->n_rules; i++) {
		const struct cordon_rule_def *r = &d->rules[i];

		matches_text(d, r, matches, sizeof(matches));
		history_run(w, put, "itttii", (int64_t)i, d->segments[r->from].name, d->segments[r->to].name, matches,
			    (int64_t)r->plaintext, (int64_t)r->related);
	}
}

/**
 * history_rules_used - when the rules of the policy in force last let a connection begin
 * @w: the writer, in a transaction; history_rules() has written them
 * @use: of each, as the kernel says
 * @n: how many
 * @now: the time
 */
void history_rules_used(struct history_writer *w, const struct cnl_rule_use *use, u32 n, time_t now)
{
	static const char put[] = "UPDATE live.rule SET used = ?2 WHERE id = ?1 AND ifnull(used, 0) < ?2";
	static const char keep[] =
		"INSERT OR REPLACE INTO main.rule_use SELECT from_segment, to_segment, matches, used FROM live.rule"
		" WHERE id = ?1 AND used IS NOT NULL";
	u32 i;

	for (i = 0; i < n; i++) {
		if (!use[i].ever)
			continue;
		history_run(w, put, "ii", (int64_t)i, (int64_t)now - use[i].ago);
		history_run(w, keep, "i", (int64_t)i);
	}
}
