/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this folder share: statements, prepared once, and errors as sentences. */
#ifndef CORDON_STORE_DB_H
#define CORDON_STORE_DB_H

#include <openssl/evp.h>
#include <sqlite3.h>

#include "store/firmware.h"

/* As the certificate's kind is recorded: pki.h has PKI_DEVICE first. */
#define DB_KIND_DEVICE	0
#define DB_WITH_FLEET	6	/* the version of tables that has those of a fleet */
#define DB_PENDING	8	/* keys of one device that wait for an approval */
#define DB_CHECKINS	16	/* of each device are kept */
#define DB_VERSIONS	32	/* likewise */
#define DB_ACTIONS	32	/* that are over; likewise */

/** enum db_token - how far a token is; never goes back */
enum db_token {
	DB_TOKEN_FRESH,
	DB_TOKEN_CLAIMED,	/* for a certificate */
	DB_TOKEN_USED,		/* that certificate was delivered */
};

/** enum db_algorithm - what a token's hash is */
enum db_algorithm {
	DB_SHA256 = 1,		/* 128 random bits: nobody tries them all */
	DB_SCRYPT = 2,		/* a person's choice */
};

enum db_statement {
	DB_BEGIN, DB_COMMIT, DB_ROLLBACK, DB_COUNT_UP, DB_COUNT,
	DB_DEVICE_GET, DB_DEVICE_PUT, DB_DEVICE_MEET, DB_DEVICE_APPROVE, DB_DEVICE_ENROLLED,
	DB_DEVICE_CHECKIN, DB_CHECKIN_PUT,
	DB_DEVICE_RETIRE, DB_TOKEN_BURN_OF, DB_ACTION_RETIRE,
	DB_TOKEN_PUT, DB_TOKEN_GET, DB_TOKEN_SLOW, DB_TOKEN_CLAIM, DB_TOKEN_BURN,
	DB_TOKEN_MAKER, DB_TOKEN_WITHDRAW,
	DB_PENDING_GET, DB_PENDING_PUT, DB_PENDING_PRUNE, DB_PENDING_APPROVE, DB_PENDING_DROP, DB_PENDING_DROP_ALL,
	DB_DEVICE_UNAPPROVE, DB_DEVICE_UNAPPROVE_ALL,
	DB_CERT_PUT, DB_CERT_GET, DB_CERT_ISSUED, DB_CERT_DELIVERED, DB_CERT_REVOKE,
	DB_CERT_RECOVER, DB_CERT_PRUNE, DB_CERT_KEY, DB_REKEY_GET, DB_REKEY_PUT,
	DB_CERT_ADOPT, DB_CERT_LOST, DB_DEVICE_OF_MAC, DB_TOKEN_BURN_ALL, DB_COUNT_RAISE, DB_COUNT_PUT,
	DB_RELEASE_PUT, DB_RELEASE_GET, DB_RELEASE_FIND, DB_RELEASE_FILE, DB_RELEASE_HAS_FILE, DB_RELEASE_DEL,
	DB_RELEASE_CANCEL, DB_RELEASE_ROLLOUT, DB_RELEASE_RESUME, DB_RELEASE_FAILED, DB_RELEASE_TALLY,
	DB_RELEASE_ROUND, DB_RELEASE_NEWEST,
	DB_FLOOR_GET, DB_FLOOR_NOW, DB_FLOOR_PUT, DB_FLOOR_CUT, DB_FLOOR_CLEAR, DB_FLOOR_MERGE, DB_FLOOR_DROP,
	DB_FIRMWARE_GET, DB_FIRMWARE_SET, DB_FIRMWARE_PUT, DB_FIRMWARE_PRUNE, DB_FIRMWARE_FORGET,
	DB_MODEL_SET, DB_MODEL_COUNT, DB_MODEL_AHEAD,
	DB_ACTION_GET, DB_ACTION_OPEN, DB_ACTION_PUT, DB_ACTION_SET, DB_ACTION_SEEN, DB_ACTION_PRUNE,
	 DB_ACTION_FORGET,
	/* Those of a fleet are made when they are needed. */
	DB_FLEET_FIRST,
	DB_FLEET_GET = DB_FLEET_FIRST, DB_FLEET_PUT, DB_FLEET_STILL, DB_FLEET_SWEEP, DB_FLEET_KNOWN, DB_FLEET_KNOW,
	DB_FLEET_SEEN, DB_FLEET_UNKNOW, DB_FLEET_UNSEEN, DB_FLEET_LIST_BEGIN, DB_FLEET_LIST_END,
	DB_FLEET_STALE, DB_FLEET_STALE_KEYS, DB_FLEET_STALE_NOTES,
	DB_FLEET_SEQ, DB_FLEET_NOTE, DB_FLEET_NOTE_GET, DB_FLEET_NOTE_DROP, DB_FLEET_NOTE_SENT, DB_FLEET_NOTES,
	DB_FLEET_NOTE_COUNT, DB_FLEET_STRANGE,
	DB_FLEET_DEVICE_PUT, DB_FLEET_DEVICE_DROP, DB_FLEET_TOKEN_GET, DB_FLEET_TOKEN_PUT,
	DB_FLEET_PENDING_GET, DB_FLEET_PENDING_PUT, DB_FLEET_PENDING_NEXT, DB_FLEET_PENDING_DROP,
	DB_FLEET_CERT_PUT, DB_FLEET_CERT_LIVE, DB_FLEET_CERT_DROP, DB_FLEET_REVOKED_GET, DB_FLEET_REVOKED_PUT, DB_FLEET_REVOKED_DROP,
	DB_FLEET_MARK_GET, DB_FLEET_MARK_PUT, DB_FLEET_MARK_DROP,
	DB_FLEET_GATEWAY_GET, DB_FLEET_GATEWAY_PUT, DB_FLEET_GATEWAY_DROP, DB_FLEET_ISSUER, DB_FLEET_HAS_ISSUED,
	DB_FLEET_RELEASE_GET, DB_FLEET_RELEASE_SET, DB_FLEET_FAILED_EACH, DB_FLEET_FAILED_CLEAR, DB_FLEET_FAILED_PUT,
	DB_FLEET_TEXT_GET, DB_FLEET_TEXT_NEXT, DB_FLEET_TEXT_PUT, DB_FLEET_TEXT_DROP,
	DB_FLEET_HELD_GET, DB_FLEET_HELD_PUT, DB_FLEET_HELD_DROP, DB_FLEET_VERSION,
	DB_STATEMENTS
};

/**
 * struct store_statements - what is made once, with the registry
 * @stmt: by enum db_statement; NULL, not prepared yet
 * @sha256: fetched while OpenSSL may still open its files
 * @scrypt: likewise
 * @decoy: salt and hash that a name without a token is compared with
 * @durable: commits are on the disk when they return (synchronous=FULL)
 */
struct store_statements {
	sqlite3_stmt *stmt[DB_STATEMENTS];
	EVP_MD *sha256;
	EVP_KDF *scrypt;
	uint8_t decoy[32];
	bool durable;
};

/* store.c */
__attribute__((format(printf, 3, 4)))
int db_refuse(struct store *s, int err, const char *fmt, ...);
int db_fail(struct store *s, const char *doing);
sqlite3_stmt *db_bind(struct store *s, enum db_statement which, const char *types, ...);
int db_step(struct store *s, sqlite3_stmt *stmt);
int db_end(sqlite3_stmt *stmt, int ret);
int db_run(struct store *s, sqlite3_stmt *stmt);
int db_exec(struct store *s, const char *sql);
int db_enter(struct store *s, bool durable, bool *own);
int db_leave(struct store *s, bool own, int err);
bool db_blob(sqlite3_stmt *stmt, int column, void *out, size_t len);
void db_text(sqlite3_stmt *stmt, int column, char *out, size_t size);
bool db_is_word(const char *text, size_t size);
bool db_is_mac(const uint8_t mac[6]);

/* schema.c */
extern const char * const db_sql[DB_STATEMENTS];
extern const int db_newest;
int db_number(struct store *s, const char *sql, uint64_t *out);
int db_version(struct store *s, int *version);
int db_migrate(struct store *s);
int db_tables_new(struct store *s, int version, sqlite3 **out);

/* place.c */
int db_place(struct store *s, const char *path, bool create, char **real);

/* token.c */
int db_token_init(struct store *s);

/* release.c */
void db_read_release(sqlite3_stmt *stmt, struct firmware_release *out);

/* floor.c */
int db_floor_now(struct store *s, const char *model, char version[FIRMWARE_VERSION_LEN]);

/* inventory.c */

/**
 * struct db_device - what is known of a device's firmware
 * @id: its row
 * @model: or empty
 * @firmware: version as it told, or empty
 */
struct db_device {
	int64_t id;
	char model[FIRMWARE_MODEL_LEN];
	char firmware[FIRMWARE_VERSION_LEN];
};

int db_firmware_get(struct store *s, const char *name, struct db_device *out);
int db_firmware_report(struct store *s, const struct db_device *device, const char *version, const char *source,
		       time_t now);

/* action.c */

/**
 * struct db_action - an offer, with what only the registry needs
 * @a: for everybody
 * @device: its row
 * @barred: the device is not offered that release again, until the roll-out is resumed
 */
struct db_action {
	struct firmware_action a;
	int64_t device;
	bool barred;
};

int db_action_open(struct store *s, int64_t device, struct db_action *out);
int db_action_set(struct store *s, const struct db_action *action);

/* pending.c */
int db_pending_drop(struct store *s, const char *name);

/* adopt.c */
int db_check_mac(struct store *s, const char *name, const uint8_t mac[6]);
int db_device_meet(struct store *s, const char *name, const uint8_t mac[6]);

/* certificate.c */
const char *db_serial_text(const uint8_t serial[STORE_SERIAL_LEN],
			   char out[2 * STORE_SERIAL_LEN + 1]);
int db_deliver(struct store *s, const struct store_certificate *cert);
int db_meet_device(struct store *s, const struct store_certificate *c);

#endif
