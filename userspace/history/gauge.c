// SPDX-License-Identifier: GPL-2.0
/* Figures of this moment: of each, its words, then a number. NULL as a number is none at all. */
#include <errno.h>
#include <stdio.h>
#include <sqlite3.h>

#include "history/gauge.h"

#define STRING(x)	#x
#define TEXT(x)		STRING(x)
#define META(key)	"SELECT CAST(value AS INTEGER) FROM live.meta WHERE key = '" key "'"
#define SEGMENT(column)	"SELECT name, " column " FROM live.segment ORDER BY id"
#define INTERFACE(what)	"SELECT name, role, " what " FROM live.interface" \
	" ORDER BY role NOT IN ('port', 'uplink'), name LIMIT " TEXT(GAUGE_OTHERS)
#define ROLLOUT(column)	"SELECT id, model, version, state, " column " FROM live.rollout" \
	" ORDER BY id DESC LIMIT " TEXT(GAUGE_ROLLOUTS)
#define OPEN		" FROM episode WHERE last > ?1 - " TEXT(HISTORY_QUIET)
/* One that was renewed is there a second time: the later end counts. The server is one, whatever it was called before. */
#define CERTIFICATE	"SELECT kind, name, MAX(until) - ?1 FROM live.certificate WHERE kind "
#define OF_DEVICE	"SELECT n.name, n.mac, n.segment, "

static const char * const queries[GAUGES] = {
	[GAUGE_UP] = "SELECT value IS NOT NULL AND value NOT IN ('', '0', 0) FROM live.meta WHERE key = 'module'",
	[GAUGE_SAMPLE_AGE] = "SELECT MAX(?1 - value, 0) FROM live.meta WHERE key = 'sampled'",
	[GAUGE_GENERATION] = META("generation"),
	[GAUGE_MODE] = "SELECT value, 1 FROM live.meta WHERE key = 'mode' AND value IS NOT NULL",
	[GAUGE_IN_FORCE] = META("in_force"),
	[GAUGE_AWAITING] = META("awaiting"),
	[GAUGE_LOCKDOWN] = META("lockdown"),
	[GAUGE_APPLIED] = META("applied_at"),
	[GAUGE_DENIED] = META("denied"),
	[GAUGE_ANOMALIES] = "SELECT kind, count FROM live.total_anomaly",
	[GAUGE_SEGMENT_PACKETS] = SEGMENT("packets"),
	[GAUGE_SEGMENT_BYTES] = SEGMENT("bytes"),
	[GAUGE_SEGMENT_DENIED] = SEGMENT("denied"),
	[GAUGE_SEGMENT_DEVICES] = SEGMENT("devices"),
	[GAUGE_DEVICES] = "SELECT state, COUNT(*) FROM live.now WHERE listed GROUP BY state",
	[GAUGE_UNLISTED] = "SELECT COUNT(*) FROM live.now WHERE NOT listed",
	[GAUGE_BINDINGS] = "SELECT origin, COUNT(*) FROM live.binding GROUP BY origin",
	[GAUGE_INTERFACE_PRESENT] = INTERFACE("present"),
	[GAUGE_INTERFACE_UP] = INTERFACE("up"),
	[GAUGE_INTERFACE_CLOSED] = INTERFACE("closed IS NOT NULL"),
	[GAUGE_RULES_OF_ALL] = "SELECT COUNT(*) FROM live.rule",
	[GAUGE_RULE_USED] = "SELECT id, from_segment, to_segment, matches, IFNULL(used, 0) FROM live.rule ORDER BY id"
			    " LIMIT " TEXT(GAUGE_RULES),
	[GAUGE_ROLLOUT_OFFERED] = ROLLOUT("offered"),
	[GAUGE_ROLLOUT_SUCCEEDED] = ROLLOUT("succeeded"),
	[GAUGE_ROLLOUT_FAILED] = ROLLOUT("failed"),
	[GAUGE_EPISODES] = "SELECT kind, COUNT(*)" OPEN " GROUP BY kind",
	[GAUGE_EPISODES_NEW] = "SELECT kind, COUNT(*)" OPEN " AND acknowledged IS NULL GROUP BY kind",
	[GAUGE_CERTIFICATES] = "SELECT kind, COUNT(DISTINCT name) FROM live.certificate WHERE until > ?1 GROUP BY kind",
	[GAUGE_CERTIFICATES_ENDING] = "SELECT kind, SUM(until - ?1 < 7 * 86400) FROM"
				      " (SELECT kind, MAX(until) AS until FROM live.certificate GROUP BY kind, name)"
				      " GROUP BY kind",
	[GAUGE_CERTIFICATE_END] = CERTIFICATE "<> 'device' GROUP BY kind, CASE kind WHEN 'server' THEN '' ELSE name END"
				  " LIMIT " TEXT(GAUGE_OTHERS),
	[GAUGE_DEVICE_CERTIFICATE_END] = CERTIFICATE "= 'device' GROUP BY kind, name",
	[GAUGE_DEVICE_ANOMALIES] = OF_DEVICE "a.kind, a.count FROM live.now_anomaly AS a"
				   " JOIN live.now AS n ON n.id = a.device WHERE n.listed AND a.count > 0",
	[GAUGE_DEVICE_EPISODES] = OF_DEVICE "e.kind, SUM(e.count) FROM episode AS e JOIN live.now AS n ON n.id = e.device"
				  " WHERE e.last > ?1 - " TEXT(HISTORY_QUIET) " AND e.acknowledged IS NULL AND n.listed"
				  " GROUP BY n.id, e.kind",
	[GAUGE_BYTES] = "SELECT c.page_count * s.page_size FROM pragma_page_count('main') AS c,"
			" pragma_page_size('main') AS s",
};

static const char devices[] =
	"SELECT n.name, n.mac, n.segment, n.state, n.rx_packets, n.rx_bytes, n.tx_packets, n.tx_bytes, n.denied,"
	" IFNULL(NULLIF(n.destinations, 0), -1), IFNULL(n.lease_until, 0), IFNULL(b.n, 0) FROM live.now AS n"
	" LEFT JOIN (SELECT device, COUNT(*) AS n FROM live.binding GROUP BY device) AS b ON b.device = n.id"
	" WHERE n.listed ORDER BY n.id";

static int failed(struct history *h)
{
	int code = sqlite3_errcode(h->db);

	snprintf(h->error, sizeof(h->error), "history: figures cannot be read: %s", sqlite3_errmsg(h->db));
	return code == SQLITE_NOMEM ? -ENOMEM : code == SQLITE_BUSY ? -EBUSY : -EIO;
}

/* No text is NULL: what is unknown is empty. */
static const char *word(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text ? text : "";
}

/**
 * history_gauge - walk through one kind of figures
 * @h: as history_open() left it
 * @what: which
 * @now: seconds since 1970
 * @each: told of each; @words: as many as enum gauge says, valid until it returns
 * @arg: for @each
 */
int history_gauge(struct history *h, enum gauge what, time_t now,
		  int (*each)(const char *const words[GAUGE_LABELS], long long value, void *arg), void *arg)
{
	const char *words[GAUGE_LABELS];
	int ret = 0, n, i, step;
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(h->db, queries[what], -1, &s, NULL) ||
	    (sqlite3_bind_parameter_count(s) && sqlite3_bind_int64(s, 1, now))) {
		ret = failed(h);
		sqlite3_finalize(s);
		return ret;
	}
	n = sqlite3_column_count(s) - 1;
	while (!ret && (step = sqlite3_step(s)) != SQLITE_DONE) {
		if (step != SQLITE_ROW) {
			ret = failed(h);
			break;
		}
		for (i = 0; i < n; i++)
			words[i] = word(s, i);
		if (sqlite3_column_type(s, n) != SQLITE_NULL)
			ret = each(words, sqlite3_column_int64(s, n), arg);
	}
	sqlite3_finalize(s);
	return ret;
}

static int tell_device(sqlite3_stmt *s, int (*each)(const struct gauge_device *d, void *arg), void *arg)
{
	struct gauge_device d = {
		word(s, 0), word(s, 1), word(s, 2), word(s, 3), sqlite3_column_int64(s, 4), sqlite3_column_int64(s, 5),
		sqlite3_column_int64(s, 6), sqlite3_column_int64(s, 7), sqlite3_column_int64(s, 8),
		sqlite3_column_int64(s, 9), sqlite3_column_int64(s, 10), sqlite3_column_int64(s, 11),
	};

	return each(&d, arg);
}

/**
 * history_gauge_devices - walk through the devices of the policy
 * @h: as history_open() left it
 * @each: told of each, whose text is valid until it returns
 * @arg: for @each
 */
int history_gauge_devices(struct history *h, int (*each)(const struct gauge_device *d, void *arg), void *arg)
{
	int ret = 0, step = SQLITE_DONE;
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(h->db, devices, -1, &s, NULL))
		return failed(h);
	while (!ret && (step = sqlite3_step(s)) == SQLITE_ROW)
		ret = tell_device(s, each, arg);
	if (!ret && step != SQLITE_DONE)
		ret = failed(h);
	sqlite3_finalize(s);
	return ret;
}

/** history_gauge_begin - all that is read until history_gauge_end() is of one moment; who writes waits for that */
int history_gauge_begin(struct history *h)
{
	return sqlite3_exec(h->db, "BEGIN", NULL, NULL, NULL) ? failed(h) : 0;
}

/** history_gauge_end - after history_gauge_begin() */
void history_gauge_end(struct history *h)
{
	sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
}
