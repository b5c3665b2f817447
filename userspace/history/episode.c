// SPDX-License-Identifier: GPL-2.0
/*
 * Episodes: anomalies of a device and kind, one after the other. An event of the kernel's begins one, and its first
 * facts are kept. How many there were is known from the counters, as not every anomaly is an event.
 */
#include <errno.h>
#include <net/if.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "event/event.h"
#include "history/writer.h"

static const char find[] =
	"SELECT id FROM episode WHERE device = ?1 AND kind = ?2 AND last >= ?3 ORDER BY last DESC LIMIT 1";
static const char begin_sql[] =
	"INSERT INTO episode(device, kind, first, last, count, denied, source, destination, protocol, dport, server, tls,"
	" interface, ports, action) VALUES(?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) RETURNING id";

/**
 * struct facts - what an event says of an anomaly, as text
 * @source: address
 * @destination: address
 * @tls: version that was selected, or offered; or empty
 * @interface: where it came in; or empty
 * @ports: that the device is tied to; or empty
 */
struct facts {
	char source[POLICY_ADDR_LEN];
	char destination[POLICY_ADDR_LEN];
	char tls[EVENT_TLS_LEN];
	char interface[IF_NAMESIZE];
	char ports[CORDON_MAX_DEVICE_PORTS * (CORDON_IFNAME_LEN + 1)];
};

static void read_facts(const struct cnl_event *e, struct facts *f)
{
	u32 tls = e->anomaly.tls_selected ? e->anomaly.tls_selected : e->anomaly.tls_offered, i;
	char version[EVENT_TLS_LEN];
	size_t len = 0;

	policy_addr_text(&e->anomaly.source, f->source);
	policy_addr_text(&e->anomaly.destination, f->destination);
	snprintf(f->tls, sizeof(f->tls), "%s", tls ? event_tls_text(tls, version) : "");
	if (!e->anomaly.ifindex || !if_indextoname(e->anomaly.ifindex, f->interface))
		f->interface[0] = 0;
	f->ports[0] = 0;
	for (i = 0; i < e->anomaly.ports.n; i++)
		len += snprintf(f->ports + len, sizeof(f->ports) - len, "%s%s", i ? "," : "", e->anomaly.ports.name[i]);
}

static void tell(struct history_writer *w, const struct history_device *t, struct notify_facts *n, time_t now)
{
	if (!w->news)
		return;
	if (t) {
		memcpy(n->mac, t->mac, sizeof(n->mac));
		n->device = t->listed ? t->name : NULL;
		n->segment = t->segment;
	}
	n->first = n->last = now;
	w->news(HISTORY_EPISODE, n, w->arg);
}

/* Of a device that does it again every quarter of an hour only the last ones are kept. */
static void limit(struct history_writer *w, int64_t device, u32 kind)
{
	static const char sql[] =
		"DELETE FROM episode WHERE device = ?1 AND kind = ?2 AND last < (SELECT last FROM episode"
		" WHERE device = ?1 AND kind = ?2 ORDER BY last DESC LIMIT 1 OFFSET ?3)";

	history_run(w, sql, "iti", device, policy_kind_name(kind), (int64_t)HISTORY_EPISODES_KEPT - 1);
}

static void begin(struct history_writer *w, struct history_device *t, const struct cnl_event *e, int64_t count, time_t now)
{
	const char *action = e->anomaly.action < 0 ? NULL : policy_action_name(e->anomaly.action);
	struct notify_facts news = { .what = e->anomaly.kind, .action = action, .count = count, .denied = e->anomaly.denied,
				     .many = !t };
	char service[EVENT_SERVICE_LEN];
	struct facts f;
	int64_t id;

	read_facts(e, &f);
	history_get(w, &id, begin_sql, "itiiittzzeeeet", t ? t->id : HISTORY_NOBODY, policy_kind_name(e->anomaly.kind),
		    (int64_t)now, count, (int64_t)(e->anomaly.denied ? count : 0), f.source, f.destination,
		    (int64_t)e->anomaly.protocol, (int64_t)e->anomaly.dport, e->anomaly.server, f.tls, f.interface, f.ports, action);
	limit(w, t ? t->id : HISTORY_NOBODY, e->anomaly.kind);
	news.source = f.source;
	news.destination = f.destination;
	news.service = event_service_text(e->anomaly.protocol, e->anomaly.dport, service);
	news.server = e->anomaly.server;
	news.interface = f.interface;
	if (!t && e->anomaly.has_mac)
		memcpy(news.mac, e->anomaly.mac, sizeof(news.mac));
	tell(w, t, &news, now);
}

/* What nobody with a row of his own did has a row that stands for all of them. */
static void see_nobody(struct history_writer *w, time_t now)
{
	static const char sql[] =
		"INSERT INTO device VALUES(0, '', 'unknown devices', '', ?1, ?1) ON CONFLICT(id) DO UPDATE SET last = ?1";

	history_run(w, sql, "i", (int64_t)now);
}

/**
 * history_anomaly - an anomaly that the kernel tells of
 * @w: the writer, in a transaction
 * @e: the event
 * @now: the time
 */
void history_anomaly(struct history_writer *w, const struct cnl_event *e, time_t now)
{
	static const char more[] =
		"UPDATE episode SET last = max(last, ?2), count = count + ?3, denied = denied + ?4, action = coalesce(?5, action) WHERE id = ?1";
	struct history_device *t = e->anomaly.has_mac ? history_find(w, e->anomaly.mac) : NULL;
	const char *action = e->anomaly.action < 0 ? NULL : policy_action_name(e->anomaly.action);
	const int64_t all = 1 + (int64_t)e->anomaly.suppressed;
	int64_t id = 0, device = t ? t->id : HISTORY_NOBODY;
	bool counted = device != HISTORY_NOBODY;
	int err;

	if (e->anomaly.kind >= CORDON_KINDS)
		return;
	if (!counted)
		see_nobody(w, now);
	err = history_get(w, &id, find, "iti", device, policy_kind_name(e->anomaly.kind), (int64_t)now - HISTORY_QUIET);
	if (!err)
		history_run(w, more, "iiiit", id, (int64_t)now, counted ? (int64_t)0 : all, e->anomaly.denied ? all : (int64_t)0,
			    action);
	else if (err == -ENOENT)
		begin(w, counted ? t : NULL, e, counted ? 1 : all, now);
	if (t && err == -ENOENT && counted)
		t->told[e->anomaly.kind]++;
	if (t && e->anomaly.action == CORDON_ACTION_QUARANTINE)
		history_state_because(w, t, e->anomaly.kind, now);
	if (e->anomaly.denied)
		history_denial(w, t, e, now);
}

/* Nobody told of the first of them. */
static void begin_blind(struct history_writer *w, struct history_device *t, u32 kind, u64 count, time_t now)
{
	static const char sql[] = "INSERT INTO episode(device, kind, first, last, count) VALUES(?1, ?2, ?3, ?3, ?4) RETURNING id";
	struct notify_facts news = { .what = kind, .count = count };
	int64_t id;

	if (history_get(w, &id, sql, "itic", t->id, policy_kind_name(kind), (int64_t)now, count))
		return;
	limit(w, t->id, kind);
	tell(w, t, &news, now);
}

static void count_kind(struct history_writer *w, struct history_device *t, u32 kind, time_t now)
{
	static const char more[] = "UPDATE episode SET last = max(last, ?2), count = count + ?3 WHERE id = ?1";
	static const char base[] = "INSERT OR REPLACE INTO base_anomaly VALUES(?1, ?2, ?3)";
	u64 count = t->kinds[kind] - t->kinds_base[kind];
	u64 told = t->told[kind] < count ? t->told[kind] : count;
	int64_t id;
	int err = 0;

	t->told[kind] -= told;
	count -= told;
	if (count)
		err = history_get(w, &id, find, "iti", t->id, policy_kind_name(kind), (int64_t)now - HISTORY_QUIET);
	if (count && !err)
		history_run(w, more, "iic", id, (int64_t)now, count);
	else if (err == -ENOENT)
		begin_blind(w, t, kind, count, now);
	t->kinds_base[kind] = t->kinds[kind];
	history_run(w, base, "itc", t->id, policy_kind_name(kind), t->kinds[kind]);
}

/**
 * history_episode_count - see that episodes have as many as the kernel counted
 * @w: the writer, in a transaction
 * @t: the device, after a look
 * @now: the time
 */
void history_episode_count(struct history_writer *w, struct history_device *t, time_t now)
{
	u32 kind;

	for (kind = 0; t->id != HISTORY_NOBODY && kind < CORDON_KINDS; kind++)
		if (t->kinds[kind] != t->kinds_base[kind])
			count_kind(w, t, kind, now);
}

/* Those whose last anomaly was at @from, or after it and before @to. */
static void tell_rows(struct history_writer *w, enum history_event event, int64_t from, int64_t to)
{
	static const char sql[] =
		"SELECT e.kind, e.count, d.name, d.mac, d.segment, e.first, e.last FROM episode e JOIN device d ON d.id = e.device"
		" WHERE e.last >= ?1 AND e.last < ?2";
	char kind[32], name[CORDON_DEVICE_NAME_LEN], mac[18], segment[CORDON_NAME_LEN];
	struct notify_facts news = { .segment = segment };
	sqlite3_stmt *stmt = w->news ? history_query(w, sql, "ii", from, to) : NULL;

	while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		history_copy(stmt, 0, kind, sizeof(kind));
		if (policy_kind_find(kind) < 0)
			continue;
		news.what = policy_kind_find(kind);
		news.count = sqlite3_column_int64(stmt, 1);
		history_copy(stmt, 2, name, sizeof(name));
		history_copy(stmt, 3, mac, sizeof(mac));
		history_copy(stmt, 4, segment, sizeof(segment));
		news.device = segment[0] ? name : NULL;
		news.first = sqlite3_column_int64(stmt, 5);
		news.last = sqlite3_column_int64(stmt, 6);
		news.many = policy_mac_parse(mac, news.mac);
		if (news.many)
			memset(news.mac, 0, sizeof(news.mac));
		w->news(event, &news, w->arg);
	}
	if (stmt)
		sqlite3_reset(stmt);
}

/**
 * history_episodes_known - tell of episodes whose beginning was told before the writer began, and whose end was not
 * @w: the writer, whose news were just set
 */
void history_episodes_known(struct history_writer *w)
{
	tell_rows(w, HISTORY_KNOWN, w->quiet, INT64_MAX);
}

/**
 * history_episodes_end - tell of episodes that are over
 * @w: the writer, in a transaction
 * @now: the time
 */
void history_episodes_end(struct history_writer *w, time_t now)
{
	time_t quiet = now - HISTORY_QUIET;

	/* A clock that was set back goes on from there. */
	if (quiet > w->quiet)
		tell_rows(w, HISTORY_EPISODE_OVER, w->quiet, quiet);
	w->quiet = quiet;
}

/**
 * history_acknowledge - somebody has seen an episode
 * @w: the writer, in a transaction
 * @id: of the episode
 * @who: that is
 * @now: the time
 *
 * Return: 0; -ENOENT, there is none; -EALREADY; -EIO, the transaction has failed.
 */
int history_acknowledge(struct history_writer *w, int64_t id, const char *who, time_t now)
{
	int64_t when = 0;
	int err = history_get(w, &when, "SELECT coalesce(acknowledged, 0) FROM episode WHERE id = ?1", "i", id);

	if (err)
		return err;
	if (when)
		return -EALREADY;
	return history_run(w, "UPDATE episode SET acknowledged = ?2, acknowledged_by = ?3 WHERE id = ?1", "iit", id,
			   (int64_t)now, who);
}
