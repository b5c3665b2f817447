// SPDX-License-Identifier: GPL-2.0
/* The tables. Times are seconds since 1970; counts are of what came since the row before. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history/history.h"

#define APPLICATION	0x43484953	/* "CHIS" */
#define VERSION		1

/* What is counted in a minute, an hour, a day; and, in device, since the kernel began to count. */
#define COUNTS \
	"rx_packets INTEGER NOT NULL DEFAULT 0, rx_bytes INTEGER NOT NULL DEFAULT 0," \
	"tx_packets INTEGER NOT NULL DEFAULT 0, tx_bytes INTEGER NOT NULL DEFAULT 0," \
	"denied INTEGER NOT NULL DEFAULT 0, anomalies INTEGER NOT NULL DEFAULT 0"

#define SERIES(name) \
	"CREATE TABLE " name "(device INTEGER NOT NULL, at INTEGER NOT NULL, " COUNTS "," \
	"PRIMARY KEY (device, at)) WITHOUT ROWID;" \
	"CREATE INDEX " name "_at ON " name "(at);"

static const char history_schema[] =
	/* Every device that was ever seen; base: the kernel's counters at the last sample, for the next one's difference. */
	"CREATE TABLE device(id INTEGER PRIMARY KEY, mac TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
	" segment TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);"
	"CREATE TABLE base(device INTEGER PRIMARY KEY, boot TEXT NOT NULL, " COUNTS ");"
	"CREATE TABLE base_anomaly(device INTEGER NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY (device, kind)) WITHOUT ROWID;"
	SERIES("minute") SERIES("hour") SERIES("day")
	/* Anomalies of a device and kind, one after the other; what is told of them is the first one's. */
	"CREATE TABLE episode(id INTEGER PRIMARY KEY, device INTEGER NOT NULL, kind TEXT NOT NULL,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, denied INTEGER NOT NULL DEFAULT 0,"
	" source TEXT, destination TEXT, protocol INTEGER, dport INTEGER, server TEXT, tls TEXT, interface TEXT, ports TEXT,"
	" action TEXT, acknowledged INTEGER, acknowledged_by TEXT);"
	"CREATE INDEX episode_device ON episode(device, last);"
	"CREATE INDEX episode_last ON episode(last);"
	/* What a device was denied, and the rule that would have allowed it. */
	"CREATE TABLE denial(device INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL,"
	" protocol INTEGER NOT NULL, dport INTEGER NOT NULL, from_segment TEXT, to_segment TEXT, rule TEXT,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY (device, kind, source, destination, protocol, dport)) WITHOUT ROWID;"
	"CREATE TABLE state(device INTEGER NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, segment TEXT NOT NULL, why TEXT,"
	" PRIMARY KEY (device, at)) WITHOUT ROWID;"
	"CREATE INDEX state_at ON state(at);"
	/* changes: lines as `cordonctl diff` prints them. */
	"CREATE TABLE applied(at INTEGER NOT NULL, generation INTEGER NOT NULL, mode TEXT NOT NULL, who TEXT, changes TEXT);"
	"CREATE INDEX applied_at ON applied(at);"
	/* Whom a device talks to, from connection tracking. */
	"CREATE TABLE peer(device INTEGER NOT NULL, peer TEXT NOT NULL, protocol INTEGER NOT NULL, dport INTEGER NOT NULL,"
	" opened INTEGER NOT NULL, other INTEGER, segment TEXT, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" connections INTEGER NOT NULL, PRIMARY KEY (device, peer, protocol, dport, opened)) WITHOUT ROWID;"
	/* When what one segment may open towards another was last used, whatever policy said so. */
	"CREATE TABLE rule_use(from_segment TEXT NOT NULL, to_segment TEXT NOT NULL, matches TEXT NOT NULL,"
	" used INTEGER NOT NULL, PRIMARY KEY (from_segment, to_segment, matches)) WITHOUT ROWID;"
	/* A counter that started again. */
	"CREATE TABLE restart(device INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (device, at)) WITHOUT ROWID;";

static const char live_schema[] =
	/* sampled, boot, generation, mode, in_force, awaiting, confirm, lockdown, unknown, applied_at, applied_by, module, and
	 * the namespace's totals rx_packets ... anomalies; one row a word. */
	"CREATE TABLE live.meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	/* id: that of history's. state, effective, kind: the words of cordonctl. Demands: as numbers, 0 none. */
	"CREATE TABLE live.now(id INTEGER PRIMARY KEY, mac TEXT NOT NULL UNIQUE, name TEXT NOT NULL, segment TEXT NOT NULL,"
	" effective TEXT NOT NULL, state TEXT NOT NULL, since INTEGER, why TEXT, listed INTEGER NOT NULL, model TEXT, ports TEXT,"
	" vlan INTEGER, addresses TEXT, authentication TEXT, encryption TEXT, firmware INTEGER, lease_until INTEGER,"
	" lease_port TEXT, outdated INTEGER NOT NULL DEFAULT 0, certificate TEXT, certificate_end INTEGER, version TEXT,"
	" hostname TEXT, vendor_class TEXT, parameters TEXT, first INTEGER, last INTEGER, destinations INTEGER,"
	" learning INTEGER, " COUNTS ");"
	"CREATE INDEX live.now_name ON now(name);"
	"CREATE INDEX live.now_state ON now(state);"
	"CREATE INDEX live.now_segment ON now(segment);"
	"CREATE TABLE live.now_anomaly(device INTEGER NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY (device, kind)) WITHOUT ROWID;"
	"CREATE TABLE live.total_anomaly(kind TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE live.binding(address TEXT PRIMARY KEY, device INTEGER NOT NULL, origin TEXT NOT NULL, until INTEGER)"
	" WITHOUT ROWID;"
	"CREATE TABLE live.segment(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, devices INTEGER NOT NULL,"
	" packets INTEGER NOT NULL, bytes INTEGER NOT NULL, denied INTEGER NOT NULL);"
	/* matches: as in a policy's file, "tcp/443, udp/5000-5010"; used: when it last let a connection begin; NULL, never. */
	"CREATE TABLE live.rule(id INTEGER PRIMARY KEY, from_segment TEXT NOT NULL, to_segment TEXT NOT NULL,"
	" matches TEXT NOT NULL, plaintext INTEGER NOT NULL, related INTEGER NOT NULL, used INTEGER);"
	/* closed: why it is; NULL, it is not. */
	"CREATE TABLE live.interface(name TEXT PRIMARY KEY, present INTEGER NOT NULL, up INTEGER NOT NULL, role TEXT NOT NULL,"
	" closed TEXT) WITHOUT ROWID;"
	"CREATE TABLE live.certificate(serial TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, until INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE live.rollout(id INTEGER PRIMARY KEY, model TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL,"
	" share INTEGER, offered INTEGER, succeeded INTEGER, failed INTEGER, began INTEGER);";

static int failed(struct history *h, const char *what, const char *path)
{
	int code = sqlite3_errcode(h->db);
	bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

	snprintf(h->error, sizeof(h->error), "%s: %s: %s%s", path, what, h->db ? sqlite3_errmsg(h->db) : "out of memory",
		 damaged ? ": it is damaged; move it away, and cordon-watch begins another" : "");
	history_close(h);
	return code == SQLITE_CANTOPEN ? -ENOENT : code == SQLITE_NOMEM ? -ENOMEM : code == SQLITE_BUSY ? -EBUSY : -EIO;
}

static int number(struct history *h, const char *sql, long long *out)
{
	sqlite3_stmt *stmt;
	int ret = -1;

	if (!sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL) && sqlite3_step(stmt) == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		ret = 0;
	}
	sqlite3_finalize(stmt);
	return ret;
}

static int attach(struct history *h, const char *path)
{
	char *sql = sqlite3_mprintf("ATTACH %Q AS live", path);
	int ret = sql ? sqlite3_exec(h->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return ret;
}

static int check_version(struct history *h, const char *path)
{
	long long application = 0, version = 0;

	if (number(h, "PRAGMA application_id", &application) || number(h, "PRAGMA user_version", &version))
		return failed(h, "cannot be read", path);
	if (application == APPLICATION && version == VERSION)
		return 0;
	snprintf(h->error, sizeof(h->error), "%s: is no history of this version (%lld, not %d)", path, version, VERSION);
	history_close(h);
	return -EPROTO;
}

static int make(struct history *h, const char *path)
{
	char stamp[128];
	long long version = 0;

	if (number(h, "PRAGMA user_version", &version))
		return failed(h, "cannot be read", path);
	if (version)
		return check_version(h, path);
	snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION, VERSION);
	if (sqlite3_exec(h->db, "PRAGMA auto_vacuum = INCREMENTAL; BEGIN IMMEDIATE", NULL, NULL, NULL) ||
	    sqlite3_exec(h->db, history_schema, NULL, NULL, NULL) || sqlite3_exec(h->db, stamp, NULL, NULL, NULL) ||
	    sqlite3_exec(h->db, "COMMIT", NULL, NULL, NULL))
		return failed(h, "cannot be made", path);
	return 0;
}

/**
 * history_create - open both files to write them; what is not there is made, live.db always anew
 * @h: is filled
 * @dir: directory of history.db
 * @live_dir: directory of live.db
 *
 * Return: 0, or -errno with a sentence in @h->error.
 */
int history_create(struct history *h, const char *dir, const char *live_dir)
{
	char path[512], live[512];
	int err;

	h->db = NULL;
	snprintf(path, sizeof(path), "%s/" HISTORY_FILE, dir);
	snprintf(live, sizeof(live), "%s/" HISTORY_LIVE_FILE, live_dir);
	if (sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
			    SQLITE_OPEN_NOMUTEX, NULL))
		return failed(h, "cannot be opened", path);
	sqlite3_busy_timeout(h->db, 5000);
	err = make(h, path);
	if (err)
		return err;
	if ((unlink(live) && errno != ENOENT) || attach(h, live) ||
	    sqlite3_exec(h->db, "PRAGMA live.synchronous = OFF; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON",
			 NULL, NULL, NULL) ||
	    sqlite3_exec(h->db, live_schema, NULL, NULL, NULL))
		return failed(h, "cannot be made", live);
	if (chmod(path, 0640) || chmod(live, 0640))
		return failed(h, "cannot be given its mode", path);
	return 0;
}

/**
 * history_open - open both files only to read them
 * @h: is filled
 * @dir: directory of history.db
 * @live_dir: directory of live.db; NULL, only history.db is needed
 *
 * Return: 0; -ENOENT, one of them is not there; or -errno; with a sentence in @h->error.
 */
int history_open(struct history *h, const char *dir, const char *live_dir)
{
	char path[512], live[512];

	h->db = NULL;
	snprintf(path, sizeof(path), "%s/" HISTORY_FILE, dir);
	snprintf(live, sizeof(live), "%s/" HISTORY_LIVE_FILE, live_dir ? live_dir : "");
	if (sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL))
		return failed(h, "cannot be opened", path);
	sqlite3_busy_timeout(h->db, 1000);
	if (live_dir && access(live, R_OK)) {
		snprintf(h->error, sizeof(h->error), "%.160s: cannot be opened: %.60s", live, strerror(errno));
		history_close(h);
		return -ENOENT;
	}
	if (live_dir && attach(h, live))
		return failed(h, "cannot be opened", live);
	if (sqlite3_exec(h->db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;"
			 "PRAGMA temp_store = MEMORY", NULL, NULL, NULL))	/* who reads may be allowed no other file */
		return failed(h, "cannot be read", path);
	return check_version(h, path);
}

/**
 * history_close - let go of both files
 * @h: as history_create() or history_open() left it
 */
void history_close(struct history *h)
{
	sqlite3_close(h->db);
	h->db = NULL;
}
