// SPDX-License-Identifier: GPL-2.0
/* Into a fleet and out of it: triggers, which note what changes, are there as long as the gateway is in one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

#define MAC(column) "lower(substr(hex(" column "), 1, 2) || ':' || substr(hex(" column "), 3, 2) || ':' ||" \
		    " substr(hex(" column "), 5, 2) || ':' || substr(hex(" column "), 7, 2) || ':' ||" \
		    " substr(hex(" column "), 9, 2) || ':' || substr(hex(" column "), 11, 2))"
#define HEX(column)	"lower(hex(" column "))"
#define OWNER(row)	"(SELECT name FROM device WHERE id = " row ".device)"

#define DEVICE(row)	"'all/device/' || " row ".name"
#define TOKEN(row)	"'all/token/' || " OWNER(row)
#define PENDING(row)	"'all/pending/' || " OWNER(row) " || '/' || " HEX(row ".key_id")
#define CERT(row)	"'all/cert/' || " HEX(row ".serial")
#define REVOKED(row)	"'all/revoked/' || " HEX(row ".serial")
#define MARK(row)	"'all/mark/' || " MAC(row ".mac")
#define RELEASE(row)	"'all/release/' || " row ".model || '/' || " row ".version"

/* What comes first has rank 0. @was: what the row was before; kept where it only changes. */
#define NOTE_AS(key, rank, was, keep, where) \
	" UPDATE fleet SET seq = seq + 1;" \
	" INSERT INTO fleet_note (key, rank, seq, at, was) SELECT " key ", " rank ", seq, unixepoch(), " was \
	" FROM fleet WHERE " key " IS NOT NULL AND " where \
	" ON CONFLICT (key) DO UPDATE SET seq = excluded.seq" keep ";"
#define NOTE(key, rank)		NOTE_AS(key, rank, "NULL", "", "true")
#define NOTE_IF(key, rank, c)	NOTE_AS(key, rank, "NULL", "", c)
#define MOVING	"(SELECT still FROM fleet) = 0"
#define CHANGED(column)	"OLD." column " IS NOT NEW." column

static const char * const triggers[] = {
	"CREATE TRIGGER fleet_device_new AFTER INSERT ON device WHEN " MOVING " BEGIN" NOTE(DEVICE("NEW"), "1") " END;",
	/* Each check-in writes the firmware. */
	"CREATE TRIGGER fleet_device_changed AFTER UPDATE OF mac, approval, approved, enrolled, firmware, model, retired"
	" ON device WHEN " MOVING " AND (" CHANGED("mac") " OR " CHANGED("approval") " OR " CHANGED("approved")
	" OR " CHANGED("enrolled") " OR " CHANGED("firmware") " OR " CHANGED("model") " OR " CHANGED("retired") ")"
	" BEGIN" NOTE(DEVICE("NEW"), "1") " END;",
	/* Another device by the same name: no keys wait for it, not even those that did not fit the one before. */
	"CREATE TRIGGER fleet_device_other AFTER UPDATE OF mac ON device WHEN " MOVING " AND " CHANGED("mac") " BEGIN"
	" UPDATE fleet SET seq = seq + 1;"
	" INSERT INTO fleet_note (key, rank, seq, at) SELECT t.key, 1, f.seq, unixepoch() FROM fleet_text AS t, fleet AS f"
	" WHERE t.key > 'all/pending/' || NEW.name || '/' AND t.key < 'all/pending/' || NEW.name || '0'"
	" ON CONFLICT (key) DO UPDATE SET seq = excluded.seq;"
	" DELETE FROM fleet_text WHERE key > 'all/pending/' || NEW.name || '/'"
	" AND key < 'all/pending/' || NEW.name || '0'; END;",
	"CREATE TRIGGER fleet_device_gone AFTER DELETE ON device WHEN " MOVING " BEGIN" NOTE(DEVICE("OLD"), "1") " END;",

	/* In the place of what waited for its device. */
	"CREATE TRIGGER fleet_token_new AFTER INSERT ON token WHEN " MOVING " BEGIN"
	" DELETE FROM fleet_text WHERE key = " TOKEN("NEW") ";"
	NOTE_AS(TOKEN("NEW"), "1", "x''", ", was = excluded.was", "true") " END;",
	"CREATE TRIGGER fleet_token_changed AFTER UPDATE ON token WHEN " MOVING " BEGIN" NOTE(TOKEN("NEW"), "1") " END;",
	"CREATE TRIGGER fleet_token_gone AFTER DELETE ON token WHEN " MOVING " BEGIN"
	NOTE_AS(TOKEN("OLD"), "1", "OLD.salt", ", was = excluded.was", "true") " END;",

	"CREATE TRIGGER fleet_pending_new AFTER INSERT ON pending WHEN " MOVING " BEGIN"
	" DELETE FROM fleet_text WHERE key = " PENDING("NEW") ";" NOTE(PENDING("NEW"), "1") " END;",
	/* When, and from where, it came last is this gateway's alone. */
	"CREATE TRIGGER fleet_pending_changed AFTER UPDATE ON pending WHEN " MOVING " AND (" CHANGED("way")
	" OR " CHANGED("first") " OR " CHANGED("approved") ") BEGIN" NOTE(PENDING("NEW"), "1") " END;",
	"CREATE TRIGGER fleet_pending_gone AFTER DELETE ON pending WHEN " MOVING " BEGIN" NOTE(PENDING("OLD"), "1") " END;",

	/* Of one of which only the serial number is known there is nothing else to say. */
	"CREATE TRIGGER fleet_cert_new AFTER INSERT ON certificate WHEN " MOVING " BEGIN"
	NOTE_IF(CERT("NEW"), "1", "NEW.name != '?'") NOTE_IF(REVOKED("NEW"), "0", "NEW.state = 3") " END;",
	"CREATE TRIGGER fleet_cert_changed AFTER UPDATE ON certificate WHEN " MOVING " BEGIN"
	NOTE_IF(CERT("NEW"), "1", "NEW.state != 3 AND NEW.name != '?'")
	NOTE_IF(REVOKED("NEW"), "0", "NEW.state = 3") " END;",
	/* Who made it deletes it in etcd; for one that is cut out anybody does. */
	"CREATE TRIGGER fleet_cert_gone AFTER DELETE ON certificate WHEN " MOVING " AND (OLD.gateway IN ('', '?')"
	" OR OLD.gateway IN (SELECT name FROM fleet_gateway WHERE expelled != 0)) BEGIN"
	NOTE_IF(CERT("OLD"), "1", "OLD.name != '?'") NOTE_IF(REVOKED("OLD"), "1", "OLD.state = 3") " END;",
	"CREATE TRIGGER fleet_cert_forgotten AFTER DELETE ON certificate BEGIN"
	" DELETE FROM fleet_revoked WHERE serial = OLD.serial; END;",

	"CREATE TRIGGER fleet_mark_new AFTER INSERT ON fleet_mark WHEN " MOVING " BEGIN" NOTE(MARK("NEW"), "0") " END;",
	"CREATE TRIGGER fleet_mark_gone AFTER DELETE ON fleet_mark WHEN " MOVING " BEGIN" NOTE(MARK("OLD"), "0") " END;",

	"CREATE TRIGGER fleet_release_new AFTER INSERT ON firmware_release WHEN " MOVING " BEGIN"
	NOTE(RELEASE("NEW"), "1") " END;",
	/* What an operator says of a roll-out: one that is resumed counts its failures anew. */
	"CREATE TRIGGER fleet_release_changed AFTER UPDATE OF percent, paused, stop_after, round ON firmware_release WHEN "
	MOVING " AND (" CHANGED("percent") " OR " CHANGED("paused") " OR " CHANGED("stop_after") " OR " CHANGED("round") ")"
	" BEGIN DELETE FROM fleet_failed WHERE model = NEW.model AND version = NEW.version AND NEW.round != OLD.round;"
	NOTE_AS(RELEASE("NEW"), "1", "x''", ", was = excluded.was", "true") " END;",
	/* Failures are counted by who saw them. */
	"CREATE TRIGGER fleet_release_failed AFTER UPDATE OF failures ON firmware_release WHEN " MOVING
	" AND NEW.failures > OLD.failures BEGIN INSERT INTO fleet_failed (model, version, gateway, n)"
	" SELECT NEW.model, NEW.version, gateway, NEW.failures - OLD.failures FROM fleet WHERE true"
	" ON CONFLICT (model, version, gateway) DO UPDATE SET n = n + excluded.n;"
	NOTE(RELEASE("NEW"), "1") " END;",
	/* Removed here, where its file was: others may have theirs. */
	"CREATE TRIGGER fleet_release_gone AFTER DELETE ON firmware_release BEGIN"
	" DELETE FROM fleet_failed WHERE model = OLD.model AND version = OLD.version;"
	" DELETE FROM fleet_note WHERE key = " RELEASE("OLD") "; END;",
};

static const char * const names[] = {
	"device_new", "device_changed", "device_other", "device_gone", "token_new", "token_changed", "token_gone", "pending_new",
	"pending_changed", "pending_gone", "cert_new", "cert_changed", "cert_gone", "cert_forgotten", "mark_new",
	"mark_gone", "release_new", "release_changed", "release_failed", "release_gone",
};

_Static_assert(sizeof(names) / sizeof(*names) == sizeof(triggers) / sizeof(*triggers), "a trigger without a name");

/**
 * db_fleet_triggers - make the triggers of a registry that is in a fleet
 * @s: for the error
 * @db: the registry's, or another's of the same tables
 *
 * Return: 0 or -errno.
 */
int db_fleet_triggers(struct store *s, sqlite3 *db)
{
	int code = SQLITE_OK;
	size_t i;

	for (i = 0; code == SQLITE_OK && i < sizeof(triggers) / sizeof(*triggers); i++)
		code = sqlite3_exec(db, triggers[i], NULL, NULL, NULL);
	return code ? db_refuse(s, -EIO, "cannot make the triggers of a fleet: %s", sqlite3_errmsg(db)) : 0;
}

#define BULK	"INSERT OR REPLACE INTO fleet_note (key, rank, seq, at, was) SELECT "

/* Rows that etcd is to have, or to have again. With ?1 only those that close: nothing is opened by them. */
static const char * const rows[] = {
	BULK CERT("c") ", 1, f.seq, unixepoch(), NULL FROM certificate AS c, fleet AS f WHERE c.name != '?'",
	BULK REVOKED("c") ", 0, f.seq, unixepoch(), NULL FROM certificate AS c, fleet AS f WHERE c.state = 3",
	BULK DEVICE("d") ", 1, f.seq, unixepoch(), NULL FROM device AS d, fleet AS f",
	BULK TOKEN("t") ", 1, f.seq, unixepoch(), iif(?1, NULL, x'') FROM token AS t, fleet AS f"
	" WHERE NOT ?1 OR t.state > 0",
	BULK PENDING("p") ", 1, f.seq, unixepoch(), NULL FROM pending AS p, fleet AS f WHERE NOT ?1",
	BULK MARK("m") ", 0, f.seq, unixepoch(), NULL FROM fleet_mark AS m, fleet AS f",
	BULK RELEASE("r") ", 1, f.seq, unixepoch(), NULL FROM firmware_release AS r, fleet AS f WHERE NOT ?1",
	BULK "'all/gateway/' || g.name, 0, f.seq, unixepoch(), NULL FROM fleet_gateway AS g, fleet AS f"
	" WHERE ?1 AND g.expelled != 0",
};

static int note_rows(struct store *s, bool lost)
{
	sqlite3_stmt *stmt = NULL;
	int err = db_run(s, db_bind(s, DB_FLEET_SEQ, ""));
	size_t i;

	for (i = 0; !err && i < sizeof(rows) / sizeof(*rows); i++) {
		if (sqlite3_prepare_v2(s->db, rows[i], -1, &stmt, NULL))
			return db_fail(s, "write");
		sqlite3_bind_int(stmt, 1, lost);
		err = db_step(s, stmt);
		sqlite3_finalize(stmt);
	}
	return err;
}

static int note_all(struct store *s, bool lost)
{
	struct store_fleet f;
	int err = store_fleet_get(s, &f);

	/* Of another history nothing is known; and what was noted for it is told by the rows. */
	if (!err && lost)
		err = db_exec(s, "UPDATE fleet_key SET revision = 0; DELETE FROM fleet_key WHERE gone");
	return err ? err : note_rows(s, lost);
}

/**
 * store_fleet_note_all - note every row again
 * @s: the registry; without a transaction it makes a durable one
 * @lost: etcd has another history than this registry, and lost what it had: only what closes is noted (revocations,
 *	certificates, marks, devices, tokens that are claimed or used, gateways that were expelled), and no revision that
 *	was known counts any more
 *
 * Return: 0; -ENOENT, it is in no fleet; another -errno.
 */
int store_fleet_note_all(struct store *s, bool lost)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, note_all(s, lost));
}

static int join(struct store *s, const char *gateway)
{
	struct store_fleet f;
	sqlite3_stmt *stmt = NULL;
	int err = store_fleet_get(s, &f);

	if (!err && strcmp(f.gateway, gateway))
		return db_refuse(s, -EEXIST, "the registry is in a fleet as '%.63s', not as '%.63s'", f.gateway, gateway);
	if (err != -ENOENT)
		return err;
	if (sqlite3_prepare_v2(s->db, "INSERT INTO fleet (id, gateway) VALUES (1, ?1)", -1, &stmt, NULL))
		return db_fail(s, "write");
	sqlite3_bind_text(stmt, 1, gateway, -1, SQLITE_STATIC);
	err = db_step(s, stmt);
	sqlite3_finalize(stmt);
	if (!err)
		err = db_exec(s, "INSERT INTO fleet_failed (model, version, gateway, n) SELECT r.model, r.version, f.gateway,"
			      " r.failures FROM firmware_release AS r, fleet AS f WHERE r.failures > 0");
	if (!err)
		err = db_fleet_triggers(s, s->db);
	return err ? err : note_rows(s, false);
}

/**
 * store_fleet_join - be in a fleet
 * @s: the registry; without a transaction it makes a durable one
 * @gateway: this one's name in it
 *
 * Return: 0, also where it is in it by that name; -EEXIST, by another; -EINVAL, @gateway; another -errno.
 */
int store_fleet_join(struct store *s, const char *gateway)
{
	bool own;
	int err;

	if (strnlen(gateway, STORE_GATEWAY_LEN) >= STORE_GATEWAY_LEN || !cordon_name_is_valid(gateway, STORE_GATEWAY_LEN))
		return db_refuse(s, -EINVAL, "not a gateway's name: '%.64s'", gateway);
	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, join(s, gateway));
}

static int leave(struct store *s)
{
	char drop[80];
	int err = 0;
	size_t i;

	for (i = 0; !err && i < sizeof(names) / sizeof(*names); i++) {
		snprintf(drop, sizeof(drop), "DROP TRIGGER IF EXISTS fleet_%s", names[i]);
		err = db_exec(s, drop);
	}
	return err ? err : db_exec(s, "DELETE FROM fleet; DELETE FROM fleet_key; DELETE FROM fleet_note;"
				   " DELETE FROM fleet_revoked; DELETE FROM fleet_mark; DELETE FROM fleet_gateway;"
				   " DELETE FROM fleet_held; DELETE FROM fleet_text; DELETE FROM fleet_failed");
}

/**
 * store_fleet_leave - be in no fleet any more
 * @s: the registry; without a transaction it makes a durable one
 *
 * Devices, tokens and certificates stay as they are; those of other gateways, too.
 *
 * Return: 0 or -errno.
 */
int store_fleet_leave(struct store *s)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, leave(s));
}
