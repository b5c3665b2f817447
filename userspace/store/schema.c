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

	/* The order of versions is not that of their bytes: no index has them. */
	"INSERT INTO counter VALUES ('firmware', 0);"
	"ALTER TABLE device ADD COLUMN model TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE device ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX device_model ON device (model, place);"
	/* Of each poll in the middle of a roll-out two numbers are wanted that take long to count. */
	"CREATE TABLE firmware_model (model TEXT PRIMARY KEY, devices INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TRIGGER device_model_changed AFTER UPDATE OF model ON device"
	" WHEN OLD.model != NEW.model BEGIN"
	" INSERT INTO firmware_model SELECT NEW.model, 1 WHERE NEW.model != ''"
	" ON CONFLICT (model) DO UPDATE SET devices = devices + 1;"
	" UPDATE firmware_model SET devices = devices - 1 WHERE model = OLD.model; END;"
	"CREATE TABLE firmware_history ("
	" device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
	" seq INTEGER NOT NULL, at INTEGER NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL,"
	" PRIMARY KEY (device, seq)) STRICT, WITHOUT ROWID;"
	"INSERT INTO firmware_history"
	" SELECT id, 1, checkin, firmware, 'check-in' FROM device WHERE firmware != '';"
	"CREATE TABLE firmware_release ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, version TEXT NOT NULL,"
	" file TEXT NOT NULL, notes TEXT NOT NULL, signer TEXT NOT NULL, size INTEGER NOT NULL,"
	" sha256 BLOB NOT NULL CHECK (length(sha256) = 32),"
	" sha1 BLOB NOT NULL CHECK (length(sha1) = 20),"
	" md5 BLOB NOT NULL CHECK (length(md5) = 16), added INTEGER NOT NULL,"
	" percent INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100), paused INTEGER NOT NULL,"
	" stopped INTEGER NOT NULL DEFAULT 0, stop_after INTEGER NOT NULL,"
	" failures INTEGER NOT NULL DEFAULT 0, round INTEGER NOT NULL DEFAULT 1,"
	" admitted INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE (model, version), UNIQUE (sha256, model)) STRICT;"
	"CREATE TABLE firmware_floor ("
	" model TEXT NOT NULL, version TEXT NOT NULL, since INTEGER NOT NULL,"
	" PRIMARY KEY (model, version)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE firmware_action ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
	" release INTEGER NOT NULL, version TEXT NOT NULL, state INTEGER NOT NULL,"
	" offered INTEGER NOT NULL, changed INTEGER NOT NULL, detail TEXT NOT NULL DEFAULT '',"
	" round INTEGER NOT NULL, barred INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE UNIQUE INDEX firmware_action_open ON firmware_action (device) WHERE state < 3;"
	"CREATE INDEX firmware_action_device ON firmware_action (device, release);"
	"CREATE INDEX firmware_action_release ON firmware_action (release, device);"
	"CREATE TRIGGER firmware_action_made AFTER INSERT ON firmware_action BEGIN"
	" UPDATE firmware_release SET admitted = admitted + 1 WHERE id = NEW.release"
	" AND NOT EXISTS (SELECT 1 FROM firmware_action WHERE device = NEW.device"
	" AND release = NEW.release AND id != NEW.id); END;"
	"CREATE TRIGGER firmware_action_gone AFTER DELETE ON firmware_action BEGIN"
	" UPDATE firmware_release SET admitted = admitted - 1 WHERE id = OLD.release"
	" AND NOT EXISTS (SELECT 1 FROM firmware_action WHERE device = OLD.device"
	" AND release = OLD.release); END;",

	"ALTER TABLE device ADD COLUMN rekeyed INTEGER NOT NULL DEFAULT 0;",

	"ALTER TABLE device ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE token ADD COLUMN maker TEXT NOT NULL DEFAULT '';"
	"CREATE TABLE pending ("
	" device INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,"
	" key_id BLOB NOT NULL CHECK (length(key_id) = 32), way INTEGER NOT NULL,"
	" peer TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" approved INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (device, key_id)) STRICT, WITHOUT ROWID;"
	/* An approval is for one certificate from now on. */
	"UPDATE device SET approved = 0 WHERE enrolled != 0;",

	/* Empty, the gateway is in no fleet: see store/fleet.h. The gateway's name: empty, made here. */
	"ALTER TABLE certificate ADD COLUMN gateway TEXT NOT NULL DEFAULT '';"
	"CREATE TABLE fleet ("
	" id INTEGER PRIMARY KEY CHECK (id = 1), gateway TEXT NOT NULL, still INTEGER NOT NULL DEFAULT 0,"
	" seq INTEGER NOT NULL DEFAULT 0, list INTEGER NOT NULL DEFAULT 0,"
	" stale INTEGER NOT NULL DEFAULT 0, cluster INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0,"
	" witness TEXT NOT NULL DEFAULT '', mod_revision INTEGER NOT NULL DEFAULT 0, heard INTEGER NOT NULL DEFAULT 0,"
	" refused INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE fleet_key ("
	" key TEXT PRIMARY KEY, revision INTEGER NOT NULL, list INTEGER NOT NULL, gone INTEGER NOT NULL,"
	" strange INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX fleet_key_gone ON fleet_key (revision) WHERE gone;"
	"CREATE INDEX fleet_key_strange ON fleet_key (strange) WHERE strange;"
	"CREATE TABLE fleet_note ("
	" key TEXT PRIMARY KEY, rank INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, was BLOB,"
	" sent INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
	"CREATE INDEX fleet_note_order ON fleet_note (rank, seq, key);"
	"CREATE TABLE fleet_revoked ("
	" serial BLOB PRIMARY KEY CHECK (length(serial) = 16), gateway TEXT NOT NULL, name TEXT NOT NULL,"
	" mac BLOB NOT NULL CHECK (length(mac) = 6)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE fleet_mark ("
	" mac BLOB PRIMARY KEY CHECK (length(mac) = 6), why TEXT NOT NULL, gateway TEXT NOT NULL, since INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE fleet_gateway ("
	" name TEXT PRIMARY KEY, issuer BLOB NOT NULL CHECK (length(issuer) = 32), certificate TEXT NOT NULL,"
	" expelled INTEGER NOT NULL, why TEXT NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE fleet_held (mac BLOB PRIMARY KEY CHECK (length(mac) = 6)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE fleet_text (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
	"CREATE TABLE fleet_failed ("
	" model TEXT NOT NULL, version TEXT NOT NULL, gateway TEXT NOT NULL, n INTEGER NOT NULL,"
	" PRIMARY KEY (model, version, gateway)) STRICT, WITHOUT ROWID;",
};

#define VERSION	((int)(sizeof(migrations) / sizeof(*migrations)))

/* The version that this program writes. */
const int db_newest = VERSION;

#define CERT_COLUMNS "serial, kind, state, name, mac, fingerprint, key_id, not_before, not_after," \
		     " revoked, reason"
#define RELEASE_COLUMNS "id, model, version, file, notes, signer, size, sha256, sha1, md5, added," \
			" percent, paused, stopped, stop_after, failures"
/* Of a JOIN device AS d. */
#define ACTION_COLUMNS "a.id, d.name, a.release, a.version, a.state, a.offered, a.changed," \
		       " a.detail, a.device, a.barred"
#define DEVICE_ID "(SELECT id FROM device WHERE name = ?1)"
#define DEVICE_COLUMNS "name, mac, approval, approved, enrolled, checkin, firmware, model, retired"

const char * const db_sql[DB_STATEMENTS] = {
	[DB_BEGIN] = "BEGIN IMMEDIATE",
	[DB_COMMIT] = "COMMIT",
	[DB_ROLLBACK] = "ROLLBACK",
	[DB_COUNT_UP] = "UPDATE counter SET value = value + 1 WHERE name = ?1",
	[DB_COUNT_RAISE] = "UPDATE counter SET value = max(value, ?2) WHERE name = ?1",
	[DB_COUNT_PUT] = "INSERT OR REPLACE INTO counter (name, value) VALUES (?1, ?2)",
	[DB_COUNT] = "SELECT value FROM counter WHERE name = ?1",

	[DB_DEVICE_GET] = "SELECT " DEVICE_COLUMNS ", id, checkins FROM device WHERE name = ?1",
	/* Another MAC is another device by the same name: it never enrolled. */
	[DB_DEVICE_PUT] =
		"INSERT INTO device (name, mac, approval, approved) VALUES (?1, ?2, ?3, 0)"
		" ON CONFLICT (name) DO UPDATE SET approval = ?3, approved = 0, retired = 0,"
		" enrolled = iif(mac = ?2, enrolled, 0), checkin = iif(mac = ?2, checkin, 0),"
		" firmware = iif(mac = ?2, firmware, ''), model = iif(mac = ?2, model, ''), mac = ?2",
	[DB_DEVICE_MEET] =
		"INSERT INTO device (name, mac, approval, approved) VALUES (?1, ?2, 0, 0)"
		" ON CONFLICT (name) DO NOTHING",
	[DB_DEVICE_OF_MAC] =
		"SELECT name FROM device WHERE mac = ?1 AND NOT EXISTS (SELECT 1 FROM device"
		" WHERE mac = ?1 AND name = ?2) LIMIT 1",
	[DB_DEVICE_APPROVE] = "UPDATE device SET approved = 1 WHERE name = ?1",
	[DB_DEVICE_RETIRE] = "UPDATE device SET approved = 0, model = '', retired = ?2 WHERE name = ?1",
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
		" t.serial, c.state, c.gateway != '' OR (c.state IN (1, 2) AND length(c.der) = 0)"
		" FROM device AS d JOIN token AS t ON t.device = d.id"
		" LEFT JOIN certificate AS c ON c.serial = t.serial WHERE d.name = ?1",
	[DB_TOKEN_SLOW] = "SELECT EXISTS (SELECT 1 FROM token WHERE algorithm = 2)",
	[DB_TOKEN_CLAIM] =
		"UPDATE token SET state = 1, key_id = ?2, serial = ?3"
		" WHERE device = (SELECT id FROM device WHERE name = ?1) AND state < 2",
	[DB_TOKEN_BURN] =
		"UPDATE token SET state = 2"
		" WHERE device = (SELECT id FROM device WHERE name = ?1)"
		" AND state = 1 AND serial = ?2",
	[DB_TOKEN_BURN_OF] =
		"UPDATE token SET state = 2"
		" WHERE device = (SELECT id FROM device WHERE name = ?1) AND state < 2",
	[DB_TOKEN_BURN_ALL] = "UPDATE token SET state = 2 WHERE state < 2 AND made <= ?1",

	[DB_TOKEN_MAKER] = "UPDATE token SET maker = ?2 WHERE device = " DEVICE_ID,
	[DB_TOKEN_WITHDRAW] = "DELETE FROM token WHERE device = " DEVICE_ID " AND state < ?2",

	[DB_PENDING_GET] = "SELECT approved, last FROM pending WHERE device = " DEVICE_ID " AND key_id = ?2",
	[DB_PENDING_PUT] =
		"INSERT INTO pending (device, key_id, way, peer, first, last)"
		" SELECT id, ?2, ?3, ?4, ?5, ?5 FROM device WHERE name = ?1"
		" ON CONFLICT (device, key_id) DO UPDATE SET way = ?3, peer = ?4, last = ?5,"
		" first = iif(first = 0, ?5, first)",
	[DB_PENDING_PRUNE] =
		"DELETE FROM pending WHERE device = " DEVICE_ID " AND NOT approved AND key_id NOT IN"
		" (SELECT key_id FROM pending WHERE device = " DEVICE_ID " AND NOT approved"
		" ORDER BY last DESC, key_id LIMIT ?2)",
	[DB_PENDING_APPROVE] =
		"INSERT INTO pending (device, key_id, way, peer, first, last, approved)"
		" SELECT id, ?2, 0, '', 0, 0, 1 FROM device WHERE name = ?1"
		" ON CONFLICT (device, key_id) DO UPDATE SET approved = 1",
	[DB_PENDING_DROP] = "DELETE FROM pending WHERE device = " DEVICE_ID,
	[DB_PENDING_DROP_ALL] = "DELETE FROM pending",
	[DB_DEVICE_UNAPPROVE] = "UPDATE device SET approved = 0 WHERE name = ?1 AND approved",
	[DB_DEVICE_UNAPPROVE_ALL] = "UPDATE device SET approved = 0 WHERE approved",

	/* Rows of certificates that were made here have positive numbers, in their order. */
	[DB_CERT_PUT] =
		"INSERT INTO certificate"
		" (id, serial, kind, state, name, mac, key_id, not_before, not_after)"
		" VALUES ((SELECT max(0, coalesce(max(id), 0)) + 1 FROM certificate),"
		" ?1, ?2, 0, ?3, ?4, ?5, ?6, ?7)",
	/* Those of certificates that were made before have negative ones: they count as older than all others. */
	[DB_CERT_ADOPT] =
		"INSERT INTO certificate"
		" (id, serial, kind, state, name, mac, key_id, fingerprint, not_before, not_after, der)"
		" VALUES ((SELECT min(0, coalesce(min(id), 0)) - 1 FROM certificate),"
		" ?1, 0, 2, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[DB_CERT_LOST] =
		"INSERT INTO certificate"
		" (id, serial, kind, state, name, mac, key_id, not_before, not_after, revoked, reason)"
		" VALUES ((SELECT min(0, coalesce(min(id), 0)) - 1 FROM certificate),"
		" ?1, 0, 3, ?2, zeroblob(6), zeroblob(32), 0, ?3, ?4, ?5)",
	[DB_CERT_GET] = "SELECT " CERT_COLUMNS ", gateway, der FROM certificate WHERE serial = ?1",
	[DB_CERT_ISSUED] =
		"UPDATE certificate SET state = 1, der = ?2, fingerprint = ?3, not_after = ?4"
		" WHERE serial = ?1",
	[DB_CERT_DELIVERED] = "UPDATE certificate SET state = 2 WHERE serial = ?1",
	[DB_CERT_REVOKE] =
		"UPDATE certificate SET state = 3, revoked = ?2, reason = ?3 WHERE serial = ?1",
	[DB_CERT_RECOVER] = "UPDATE certificate SET state = 4 WHERE state = 0 AND gateway = ''",
	[DB_CERT_PRUNE] = "DELETE FROM certificate WHERE not_after < ?1",
	[DB_CERT_KEY] =
		"SELECT EXISTS (SELECT 1 FROM certificate WHERE name = ?1 AND mac = ?2 AND key_id = ?3"
		" AND kind = 0 AND state IN (1, 2) AND not_after >= ?4)",
	[DB_REKEY_GET] = "SELECT rekeyed FROM device WHERE name = ?1",
	[DB_REKEY_PUT] = "UPDATE device SET rekeyed = ?2 WHERE name = ?1",

	[DB_RELEASE_PUT] =
		"INSERT INTO firmware_release (model, version, file, notes, signer, size, sha256,"
		" sha1, md5, added, percent, paused, stop_after)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[DB_RELEASE_GET] = "SELECT " RELEASE_COLUMNS " FROM firmware_release WHERE id = ?1",
	[DB_RELEASE_FIND] =
		"SELECT " RELEASE_COLUMNS " FROM firmware_release"
		" WHERE model = ?1 AND version = ?2 COLLATE firmware",
	[DB_RELEASE_FILE] =
		"SELECT version FROM firmware_release WHERE sha256 = ?1 AND model = ?2",
	[DB_RELEASE_HAS_FILE] = "SELECT EXISTS (SELECT 1 FROM firmware_release WHERE sha256 = ?1)",
	[DB_RELEASE_DEL] = "DELETE FROM firmware_release WHERE id = ?1",
	/* Offered is over; running must be told. */
	[DB_RELEASE_CANCEL] =
		"UPDATE firmware_action SET state = iif(state = 0, 3, 2),"
		" detail = 'the release was removed' WHERE release = ?1 AND state < 2",
	[DB_RELEASE_ROLLOUT] =
		"UPDATE firmware_release SET percent = ?2, paused = ?3, stop_after = ?4 WHERE id = ?1",
	[DB_RELEASE_RESUME] =
		"UPDATE firmware_release SET paused = 0, stopped = 0, failures = 0, round = round + 1"
		" WHERE id = ?1",
	[DB_RELEASE_FAILED] =
		"UPDATE firmware_release SET failures = failures + 1,"
		" stopped = stopped OR (stop_after > 0 AND failures + 1 >= stop_after)"
		" WHERE id = ?1 RETURNING stopped",
	[DB_RELEASE_TALLY] =
		"SELECT state, count(*) FROM firmware_action WHERE release = ?1 GROUP BY state",
	[DB_RELEASE_ROUND] = "SELECT round FROM firmware_release WHERE id = ?1",
	[DB_RELEASE_NEWEST] =
		"SELECT " RELEASE_COLUMNS " FROM firmware_release WHERE model = ?1"
		" AND NOT paused AND NOT stopped AND percent > 0 ORDER BY version COLLATE firmware DESC",

	[DB_FLOOR_GET] =
		"SELECT version, since FROM firmware_floor WHERE model = ?1"
		" ORDER BY version COLLATE firmware DESC",
	[DB_FLOOR_NOW] =
		"SELECT version FROM firmware_floor WHERE model = ?1"
		" ORDER BY version COLLATE firmware DESC LIMIT 1",
	/* Whoever is below it was below the lowest of those that are not lower, for as long. */
	[DB_FLOOR_PUT] =
		"INSERT OR REPLACE INTO firmware_floor VALUES (?1, ?2, coalesce((SELECT since"
		" FROM firmware_floor WHERE model = ?1 AND version >= ?2 COLLATE firmware"
		" ORDER BY version COLLATE firmware LIMIT 1), ?3))",
	[DB_FLOOR_CUT] =
		"DELETE FROM firmware_floor WHERE model = ?1 AND version != ?2"
		" AND version >= ?2 COLLATE firmware",
	[DB_FLOOR_CLEAR] = "DELETE FROM firmware_floor WHERE model = ?1",
	/* The two lowest become one: it takes a grace that was over long ago. */
	[DB_FLOOR_MERGE] =
		"UPDATE firmware_floor SET since = (SELECT since FROM firmware_floor WHERE model = ?1"
		" ORDER BY version COLLATE firmware LIMIT 1)"
		" WHERE model = ?1 AND version = (SELECT version FROM firmware_floor WHERE model = ?1"
		" ORDER BY version COLLATE firmware LIMIT 1 OFFSET 1)",
	[DB_FLOOR_DROP] =
		"DELETE FROM firmware_floor WHERE model = ?1 AND version = (SELECT version"
		" FROM firmware_floor WHERE model = ?1 ORDER BY version COLLATE firmware LIMIT 1)",

	[DB_FIRMWARE_GET] = "SELECT id, model, firmware FROM device WHERE name = ?1",
	[DB_FIRMWARE_SET] = "UPDATE device SET firmware = ?2 WHERE id = ?1",
	[DB_FIRMWARE_PUT] =
		"INSERT INTO firmware_history SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4"
		" FROM firmware_history WHERE device = ?1",
	[DB_FIRMWARE_PRUNE] =
		"DELETE FROM firmware_history WHERE device = ?1 AND seq <="
		" (SELECT max(seq) FROM firmware_history WHERE device = ?1) - ?2",
	[DB_FIRMWARE_FORGET] =
		"DELETE FROM firmware_history"
		" WHERE device = (SELECT id FROM device WHERE name = ?1 AND mac != ?2)",

	[DB_MODEL_SET] = "UPDATE device SET model = ?2, place = ?3 WHERE id = ?1",
	[DB_MODEL_COUNT] =
		"SELECT m.devices, r.admitted FROM firmware_release AS r"
		" JOIN firmware_model AS m ON m.model = r.model WHERE r.id = ?1",
	/* Between two places of the circle; no more than wanted. */
	[DB_MODEL_AHEAD] =
		"SELECT count(*) FROM (SELECT 1 FROM device"
		" WHERE model = ?1 AND place >= ?2 AND place < ?3 LIMIT ?4)",

	[DB_ACTION_GET] =
		"SELECT " ACTION_COLUMNS " FROM firmware_action AS a JOIN device AS d ON d.id = a.device"
		" WHERE a.id = ?1",
	[DB_ACTION_OPEN] =
		"SELECT " ACTION_COLUMNS " FROM firmware_action AS a JOIN device AS d ON d.id = a.device"
		" WHERE a.device = ?1 AND a.state < 3",
	[DB_ACTION_PUT] =
		"INSERT INTO firmware_action (device, release, version, state, offered, changed, round)"
		" VALUES (?1, ?2, ?3, 0, ?4, ?4, ?5)",
	/* Barred in the round of now: the one it was offered in may be over. */
	[DB_ACTION_SET] =
		"UPDATE firmware_action SET state = ?2, changed = ?3, detail = ?4, barred = ?5,"
		" round = coalesce((SELECT r.round FROM firmware_release AS r"
		" WHERE r.id = firmware_action.release), round) WHERE id = ?1",
	[DB_ACTION_SEEN] =
		"SELECT count(*), total(barred AND round = ?3), total(state = 4)"
		" FROM firmware_action WHERE device = ?1 AND release = ?2",
	[DB_ACTION_PRUNE] =
		"DELETE FROM firmware_action WHERE device = ?1 AND state > 2 AND id <= (SELECT id"
		" FROM firmware_action WHERE device = ?1 AND state > 2 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
	[DB_ACTION_RETIRE] =
		"UPDATE firmware_action SET state = 3, changed = ?2, detail = 'the device was retired'"
		" WHERE device = (SELECT id FROM device WHERE name = ?1) AND state < 3",
	[DB_ACTION_FORGET] =
		"DELETE FROM firmware_action"
		" WHERE device = (SELECT id FROM device WHERE name = ?1 AND mac != ?2)",

	[DB_FLEET_GET] =
		"SELECT gateway, cluster, iif(stale, 0, revision), witness, mod_revision, heard, refused, revision"
		" FROM fleet",
	[DB_FLEET_PUT] =
		"UPDATE fleet SET cluster = ?1, revision = ?2, witness = ?3, mod_revision = ?4, heard = ?5, refused = ?6",
	[DB_FLEET_STILL] = "UPDATE fleet SET still = ?1",
	[DB_FLEET_SWEEP] = "DELETE FROM fleet_key WHERE gone AND revision <= ?1",
	[DB_FLEET_KNOWN] = "SELECT revision, gone FROM fleet_key WHERE key = ?1",
	[DB_FLEET_KNOW] =
		"INSERT INTO fleet_key (key, revision, gone, strange, list)"
		" SELECT ?1, ?2, ?3, ?4, list FROM fleet WHERE true"
		" ON CONFLICT (key) DO UPDATE SET revision = ?2, gone = ?3, strange = ?4, list = excluded.list",
	[DB_FLEET_SEEN] = "UPDATE fleet_key SET list = f.list FROM fleet AS f WHERE key = ?1 AND fleet_key.list != f.list",
	[DB_FLEET_UNKNOW] = "DELETE FROM fleet_key WHERE key = ?1",
	[DB_FLEET_UNSEEN] =
		"SELECT key, revision FROM fleet_key WHERE key > ?1 AND list != (SELECT list FROM fleet) AND NOT gone"
		" ORDER BY key LIMIT ?2",
	[DB_FLEET_LIST_BEGIN] = "UPDATE fleet SET list = list + 1",
	[DB_FLEET_LIST_END] = "UPDATE fleet SET stale = 0",
	[DB_FLEET_STALE] = "UPDATE fleet SET stale = 1",
	[DB_FLEET_STALE_KEYS] = "UPDATE fleet_key SET revision = 0",
	/* But revocations and marks, and what etcd never had. */
	[DB_FLEET_STALE_NOTES] =
		"DELETE FROM fleet_note WHERE rank > 0 AND key IN (SELECT key FROM fleet_key)",
	[DB_FLEET_SEQ] = "UPDATE fleet SET seq = seq + 1",
	[DB_FLEET_NOTE] =
		"INSERT INTO fleet_note (key, rank, seq, at) SELECT ?1, ?2, seq, unixepoch() FROM fleet WHERE true"
		" ON CONFLICT (key) DO UPDATE SET seq = excluded.seq",
	[DB_FLEET_NOTE_GET] = "SELECT seq, was, sent FROM fleet_note WHERE key = ?1",
	[DB_FLEET_NOTE_DROP] = "DELETE FROM fleet_note WHERE key = ?1",
	[DB_FLEET_NOTE_SENT] = "UPDATE fleet_note SET sent = ?2 WHERE key = ?1 AND sent != ?2",
	[DB_FLEET_NOTES] = "SELECT key, seq FROM fleet_note ORDER BY rank, seq, key LIMIT ?1",
	[DB_FLEET_NOTE_COUNT] = "SELECT count(*), coalesce(min(at), 0) FROM fleet_note",
	[DB_FLEET_STRANGE] = "SELECT count(*) FROM fleet_key WHERE strange",

	[DB_FLEET_DEVICE_PUT] =
		"INSERT INTO device (name, mac, approval, approved, enrolled, firmware, retired)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET approval = ?3, approved = ?4,"
		" enrolled = ?5, firmware = ?6, retired = ?7, checkin = iif(mac = ?2, checkin, 0), mac = ?2",
	[DB_FLEET_DEVICE_DROP] = "DELETE FROM device WHERE name = ?1",
	[DB_FLEET_TOKEN_GET] =
		"SELECT t.algorithm, t.salt, t.hash, t.made, t.expires, t.state, t.key_id, t.serial, t.maker"
		" FROM device AS d JOIN token AS t ON t.device = d.id WHERE d.name = ?1",
	[DB_FLEET_TOKEN_PUT] =
		"INSERT OR REPLACE INTO token (device, algorithm, salt, hash, made, expires, state, key_id, serial, maker)"
		" SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM device WHERE name = ?1",
	[DB_FLEET_PENDING_GET] =
		"SELECT d.mac, p.way, p.first, p.approved FROM device AS d JOIN pending AS p ON p.device = d.id"
		" WHERE d.name = ?1 AND p.key_id = ?2",
	[DB_FLEET_PENDING_PUT] =
		"INSERT INTO pending (device, key_id, way, peer, first, last, approved)"
		" SELECT id, ?2, ?3, '', ?4, ?4, ?5 FROM device WHERE name = ?1"
		" ON CONFLICT (device, key_id) DO UPDATE SET way = ?3, first = ?4, approved = ?5",
	[DB_FLEET_PENDING_NEXT] = "SELECT key_id FROM pending WHERE device = " DEVICE_ID " LIMIT 1",
	[DB_FLEET_PENDING_DROP] = "DELETE FROM pending WHERE device = " DEVICE_ID " AND key_id = ?2",
	[DB_FLEET_CERT_PUT] =
		"INSERT INTO certificate (id, serial, kind, state, name, mac, fingerprint, key_id, not_before, not_after,"
		" revoked, reason, gateway, der)"
		" VALUES ((SELECT max(0, coalesce(max(id), 0)) + 1 FROM certificate), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		" ?10, ?11, ?12, iif(?6 IS NULL, NULL, zeroblob(0)))"
		" ON CONFLICT (serial) DO UPDATE SET kind = ?2, state = ?3, name = ?4, mac = ?5, fingerprint = ?6,"
		" key_id = ?7, not_before = ?8, not_after = ?9, revoked = ?10, reason = ?11, gateway = ?12,"
		" der = coalesce(der, excluded.der)",
	[DB_FLEET_CERT_LIVE] =
		"SELECT serial FROM certificate WHERE name = ?1 AND kind = 0 AND gateway = '' AND state IN (0, 1, 2) LIMIT 1",
	[DB_FLEET_CERT_DROP] = "DELETE FROM certificate WHERE serial = ?1",
	[DB_FLEET_REVOKED_GET] = "SELECT gateway, name, mac FROM fleet_revoked WHERE serial = ?1",
	[DB_FLEET_REVOKED_PUT] = "INSERT OR REPLACE INTO fleet_revoked (serial, gateway, name, mac) VALUES (?1, ?2, ?3, ?4)",
	[DB_FLEET_REVOKED_DROP] = "DELETE FROM fleet_revoked WHERE serial = ?1",
	[DB_FLEET_MARK_GET] = "SELECT why, gateway, since FROM fleet_mark WHERE mac = ?1",
	[DB_FLEET_MARK_PUT] = "INSERT OR REPLACE INTO fleet_mark (mac, why, gateway, since) VALUES (?1, ?2, ?3, ?4)",
	[DB_FLEET_MARK_DROP] = "DELETE FROM fleet_mark WHERE mac = ?1",
	[DB_FLEET_GATEWAY_GET] = "SELECT expelled, value FROM fleet_gateway WHERE name = ?1",
	[DB_FLEET_GATEWAY_PUT] =
		"INSERT OR REPLACE INTO fleet_gateway (name, issuer, certificate, expelled, why, value)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[DB_FLEET_GATEWAY_DROP] = "DELETE FROM fleet_gateway WHERE name = ?1",
	[DB_FLEET_RELEASE_GET] =
		"SELECT id, sha256, percent, paused, stopped, stop_after, failures, round FROM firmware_release"
		" WHERE model = ?1 AND version = ?2",
	[DB_FLEET_RELEASE_SET] =
		"UPDATE firmware_release SET percent = ?2, paused = ?3, stopped = ?4, stop_after = ?5, failures = ?6,"
		" round = ?7 WHERE id = ?1",
	[DB_FLEET_FAILED_EACH] = "SELECT gateway, n FROM fleet_failed WHERE model = ?1 AND version = ?2 ORDER BY gateway",
	[DB_FLEET_FAILED_CLEAR] = "DELETE FROM fleet_failed WHERE model = ?1 AND version = ?2",
	[DB_FLEET_FAILED_PUT] = "INSERT INTO fleet_failed (model, version, gateway, n) VALUES (?1, ?2, ?3, ?4)",
	[DB_FLEET_ISSUER] =
		"SELECT iif(c.gateway = '', coalesce((SELECT gateway FROM fleet), ''), c.gateway) FROM certificate AS c"
		" WHERE c.serial = ?1",
	[DB_FLEET_HAS_ISSUED] = "SELECT 1 FROM certificate WHERE gateway = ?1 LIMIT 1",
	[DB_FLEET_TEXT_GET] = "SELECT value FROM fleet_text WHERE key = ?1",
	[DB_FLEET_TEXT_NEXT] = "SELECT key FROM fleet_text WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT 1",
	[DB_FLEET_TEXT_PUT] = "INSERT OR REPLACE INTO fleet_text (key, value) VALUES (?1, ?2)",
	[DB_FLEET_TEXT_DROP] = "DELETE FROM fleet_text WHERE key = ?1",
	[DB_FLEET_HELD_GET] = "SELECT 1 FROM fleet_held WHERE mac = ?1",
	[DB_FLEET_HELD_PUT] = "INSERT OR IGNORE INTO fleet_held (mac) VALUES (?1)",
	[DB_FLEET_HELD_DROP] = "DELETE FROM fleet_held WHERE mac = ?1",
	[DB_FLEET_VERSION] = "PRAGMA data_version",
};

/**
 * db_number - the number that a query yields
 * @s: the registry
 * @sql: yields one row, of one column
 * @out: filled
 *
 * Return: 0 or -errno.
 */
int db_number(struct store *s, const char *sql, uint64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) || sqlite3_step(stmt) != SQLITE_ROW)
		err = db_fail(s, "read");
	else
		*out = sqlite3_column_int64(stmt, 0);
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
	uint64_t id = 0, tables = 0, number = 0;
	int err;

	*version = 0;
	err = db_number(s, "PRAGMA user_version", &number);
	if (!err)
		err = db_number(s, "PRAGMA application_id", &id);
	if (!err)
		err = db_number(s, "SELECT count(*) FROM sqlite_schema", &tables);
	if (err)
		return err;
	*version = (int)number;
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
 * db_tables_new - an empty registry in memory, to compare with
 * @s: for the error
 * @version: of its tables, one that is known here
 * @out: sqlite3_close() it, after a failure as well
 *
 * Return: 0 or -errno.
 */
int db_tables_new(struct store *s, int version, sqlite3 **out)
{
	int code = sqlite3_open_v2(":memory:", out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), i;

	for (i = 0; !code && i < version && i < VERSION; i++)
		code = sqlite3_exec(*out, migrations[i], NULL, NULL, NULL);
	return code ? db_refuse(s, -EIO, "no tables to compare with: %s", sqlite3_errstr(code)) : 0;
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
