/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this folder share: statements, prepared once, and errors as sentences. */
#ifndef CORDON_STORE_DB_H
#define CORDON_STORE_DB_H

#include <openssl/evp.h>
#include <sqlite3.h>

#include "store/store.h"

/* As the certificate's kind is recorded: pki.h has PKI_DEVICE first. */
#define DB_KIND_DEVICE	0
#define DB_CHECKINS	16	/* of each device are kept */

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
	DB_TOKEN_PUT, DB_TOKEN_GET, DB_TOKEN_SLOW, DB_TOKEN_CLAIM, DB_TOKEN_BURN,
	DB_CERT_PUT, DB_CERT_GET, DB_CERT_ISSUED, DB_CERT_DELIVERED, DB_CERT_REVOKE,
	DB_CERT_RECOVER, DB_CERT_PRUNE,
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

/* schema.c */
extern const char * const db_sql[DB_STATEMENTS];
int db_version(struct store *s, int *version);
int db_migrate(struct store *s);

/* place.c */
int db_place(struct store *s, const char *path, bool create, char **real);

/* token.c */
int db_token_init(struct store *s);

/* certificate.c */
const char *db_serial_text(const uint8_t serial[STORE_SERIAL_LEN],
			   char out[2 * STORE_SERIAL_LEN + 1]);
int db_deliver(struct store *s, const struct store_certificate *cert);

#endif
