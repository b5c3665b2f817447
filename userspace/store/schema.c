// SPDX-License-Identifier: GPL-2.0
/* The registry's tables, how older ones become them, and every statement on them. */
#include <errno.h>
#include <stdio.h>

#include "store/db.h"

#define APPLICATION_ID	0x43726e64	/* "Crnd": another program's database is left alone */

/*
 * The n-th script makes version n of version n - 1. One that was ever released is never
 * changed: append. Times are seconds since 1970. The DER comes last, so that rows are read
 * without the pages it overflows to.
 */
static const char * const migrations[] = {
	"CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"INSERT INTO counter VALUES ('crl', 0), ('revocations', 0), ('opened', 0);"
	"CREATE TABLE device ("
	" id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" mac BLOB NOT NULL CHECK (length(mac) = 6),"
	" approval INTEGER NOT NULL, approved INTEGER NOT NULL,"
	" enrolled INTEGER NOT NULL DEFAULT 0, checkin INTEGER NOT NULL DEFAULT 0,"
	" checkins INTEGER NOT NULL DEFAULT 0, firmware TEXT NOT NULL DEFAULT '') STRICT;"
	"CREATE TABLE token ("
	" device INTEGER PRIMARY KEY REFERENCES device (id) ON DELETE CASCADE,"
	" algorithm INTEGER NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL,"
	" made INTEGER NOT NULL, expires INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
	" key_id BLOB CHECK (length(key_id) = 32), serial BLOB CHECK (length(serial) = 16)) STRICT;"
	"CREATE INDEX token_slow ON token (algorithm) WHERE algorithm = 2;"
	"CREATE TABLE certificate ("
	" id INTEGER PRIMARY KEY, serial BLOB NOT NULL UNIQUE CHECK (length(serial) = 16),"
	" kind INTEGER NOT NULL, state INTEGER NOT NULL, name TEXT NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 6),"
	" key_id BLOB NOT NULL CHECK (length(key_id) = 32),"
	" fingerprint BLOB CHECK (length(fingerprint) = 32),"
	" not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
	" revoked INTEGER NOT NULL DEFAULT 0, reason INTEGER NOT NULL DEFAULT 0, der BLOB,"
	" CHECK (state NOT IN (1, 2) OR (der IS NOT NULL AND fingerprint IS NOT NULL))) STRICT;"
	"CREATE INDEX certificate_name ON certificate (name);"
	"CREATE INDEX certificate_end ON certificate (not_after);"
	"CREATE TABLE checkin ("
	" device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
	" slot INTEGER NOT NULL, at INTEGER NOT NULL, serial BLOB NOT NULL, firmware TEXT NOT NULL,"
	" PRIMARY KEY (device, slot)) STRICT, WITHOUT ROWID;",
};

#define VERSION	((int)(sizeof(migrations) / sizeof(*migrations)))

#define CERT_COLUMNS "serial, kind, state, name, mac, fingerprint, key_id, not_before, not_after," \
		     " revoked, reason"
#define DEVICE_COLUMNS "name, mac, approval, approved, enrolled, checkin, firmware"

const char * const db_sql[DB_STATEMENTS] = {
	[DB_BEGIN] = "BEGIN IMMEDIATE",
	[DB_COMMIT] = "COMMIT",
	[DB_ROLLBACK] = "ROLLBACK",
	[DB_COUNT_UP] = "UPDATE counter SET value = value + 1 WHERE name = ?1",
	[DB_COUNT] = "SELECT value FROM counter WHERE name = ?1",

	[DB_DEVICE_GET] = "SELECT " DEVICE_COLUMNS ", id, checkins FROM device WHERE name = ?1",
	/* Another MAC is another device by the same name: it never enrolled. */
	[DB_DEVICE_PUT] =
		"INSERT INTO device (name, mac, approval, approved) VALUES (?1, ?2, ?3, 0)"
		" ON CONFLICT (name) DO UPDATE SET approval = ?3, approved = 0,"
		" enrolled = iif(mac = ?2, enrolled, 0), checkin = iif(mac = ?2, checkin, 0),"
		" firmware = iif(mac = ?2, firmware, ''), mac = ?2",
	[DB_DEVICE_MEET] =
		"INSERT INTO device (name, mac, approval, approved) VALUES (?1, ?2, 0, 0)"
		" ON CONFLICT (name) DO NOTHING",
	[DB_DEVICE_APPROVE] = "UPDATE device SET approved = 1 WHERE name = ?1",
	[DB_DEVICE_ENROLLED] = "UPDATE device SET enrolled = ?2 WHERE name = ?1 AND enrolled = 0",
	[DB_DEVICE_CHECKIN] =
		"UPDATE device SET checkin = ?2, checkins = checkins + 1, firmware = ?3"
		" WHERE id = ?1",
	[DB_CHECKIN_PUT] =
		"INSERT INTO checkin (device, slot, at, serial, firmware)"
		" VALUES (?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT (device, slot) DO UPDATE SET at = ?3, serial = ?4, firmware = ?5",

	[DB_TOKEN_PUT] =
		"INSERT OR REPLACE INTO token (device, algorithm, salt, hash, made, expires)"
		" SELECT id, ?2, ?3, ?4, ?5, ?6 FROM device WHERE name = ?1",
	[DB_TOKEN_GET] =
		"SELECT t.algorithm, t.salt, t.hash, t.made, t.expires, t.state, t.key_id,"
		" t.serial, c.state FROM device AS d JOIN token AS t ON t.device = d.id"
		" LEFT JOIN certificate AS c ON c.serial = t.serial WHERE d.name = ?1",
	[DB_TOKEN_SLOW] = "SELECT EXISTS (SELECT 1 FROM token WHERE algorithm = 2)",
	[DB_TOKEN_CLAIM] =
		"UPDATE token SET state = 1, key_id = ?2, serial = ?3"
		" WHERE device = (SELECT id FROM device WHERE name = ?1) AND state < 2",
	[DB_TOKEN_BURN] =
		"UPDATE token SET state = 2"
		" WHERE device = (SELECT id FROM device WHERE name = ?1)"
		" AND state = 1 AND serial = ?2",

	[DB_CERT_PUT] =
		"INSERT INTO certificate"
		" (serial, kind, state, name, mac, key_id, not_before, not_after)"
		" VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7)",
	[DB_CERT_GET] = "SELECT " CERT_COLUMNS ", der FROM certificate WHERE serial = ?1",
	[DB_CERT_ISSUED] =
		"UPDATE certificate SET state = 1, der = ?2, fingerprint = ?3, not_after = ?4"
		" WHERE serial = ?1",
	[DB_CERT_DELIVERED] = "UPDATE certificate SET state = 2 WHERE serial = ?1",
	[DB_CERT_REVOKE] =
		"UPDATE certificate SET state = 3, revoked = ?2, reason = ?3 WHERE serial = ?1",
	[DB_CERT_RECOVER] = "UPDATE certificate SET state = 4 WHERE state = 0",
	[DB_CERT_PRUNE] = "DELETE FROM certificate WHERE not_after < ?1",
};

static int number(struct store *s, const char *sql, int *out)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) || sqlite3_step(stmt) != SQLITE_ROW)
		err = db_fail(s, "read");
	else
		*out = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return err;
}

/**
 * db_version - which version the tables are of
 * @s: open; in a transaction
 * @version: 0 of an empty file
 *
 * Return: 0; -EPROTO, it is a newer program's or no registry at all; another -errno.
 */
int db_version(struct store *s, int *version)
{
	int id = 0, tables = 0, err;

	*version = 0;
	err = number(s, "PRAGMA user_version", version);
	if (!err)
		err = number(s, "PRAGMA application_id", &id);
	if (!err)
		err = number(s, "SELECT count(*) FROM sqlite_schema", &tables);
	if (err)
		return err;
	if (id != APPLICATION_ID && (*version || id || tables))
		return db_refuse(s, -EPROTO, "the database is not a registry");
	if (*version > VERSION)
		return db_refuse(s, -EPROTO, "the registry is of version %d, and the newest "
				 "that is known here is %d: a newer cordonctl wrote it",
				 *version, VERSION);
	if (*version < 0 || (id && !*version))
		return db_refuse(s, -EPROTO, "the registry is of no version: %d", *version);
	return 0;
}

/**
 * db_migrate - make the tables what this program expects
 * @s: open; in a transaction, so that of two that come at once one waits for the other
 *
 * Return: 0; -EPROTO, it is a newer program's or no registry at all; another -errno.
 */
int db_migrate(struct store *s)
{
	char stamp[80];
	int version = 0, err;

	err = db_version(s, &version);
	if (err || version == VERSION)
		return err;
	for (; !err && version < VERSION; version++)
		err = db_exec(s, migrations[version]);
	snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 APPLICATION_ID, VERSION);
	return err ? err : db_exec(s, stamp);
}
