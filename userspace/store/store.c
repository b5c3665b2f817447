// SPDX-License-Identifier: GPL-2.0
/* The registry, open: transactions, statements, and what SQLite says as a sentence. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"

#define BUSY_MS		5000
#define WAL_KEPT	"4194304"	/* bytes of a log that stay after a checkpoint */
#define CACHE		"-16384"	/* KiB, if it comes to that: a registry of 10,000 devices */

/**
 * db_refuse - say what is wrong
 * @s: the registry; the sentence is in its error then
 * @err: -errno
 * @fmt: the sentence
 *
 * Return: @err.
 */
int db_refuse(struct store *s, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, args);
	va_end(args);
	return err;
}

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	}
	return -EIO;
}

/**
 * db_fail - say what SQLite said last
 * @s: the registry
 * @doing: what could not be done with it: a verb
 *
 * Return: -errno.
 */
int db_fail(struct store *s, const char *doing)
{
	return db_refuse(s, to_errno(sqlite3_extended_errcode(s->db)), "cannot %s the registry: %s",
			 doing, sqlite3_errmsg(s->db));
}

static void bind_all(sqlite3_stmt *stmt, const char *types, va_list args)
{
	const void *data;
	int i;

	for (i = 0; types[i]; i++) {
		if (types[i] == 'i') {
			sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
			continue;
		}
		data = va_arg(args, const void *);
		if (types[i] == 't')
			sqlite3_bind_text(stmt, i + 1, data, -1, SQLITE_STATIC);
		else
			sqlite3_bind_blob(stmt, i + 1, data, (int)va_arg(args, size_t),
					  SQLITE_STATIC);
	}
}

/**
 * db_bind - a statement, ready to step
 * @s: the registry
 * @which: of db_sql
 * @types: of what follows: i an int64, t a text, b a blob and its size_t; bound by
 *	reference, so they must live until db_end()
 *
 * Return: the statement; NULL, it cannot be prepared, and the error is told.
 */
sqlite3_stmt *db_bind(struct store *s, enum db_statement which, const char *types, ...)
{
	sqlite3_stmt **at = &s->st->stmt[which];
	va_list args;

	if (!*at && sqlite3_prepare_v3(s->db, db_sql[which], -1, SQLITE_PREPARE_PERSISTENT, at,
				       NULL)) {
		db_fail(s, "read");
		return NULL;
	}
	va_start(args, types);
	bind_all(*at, types, args);
	va_end(args);
	return *at;
}

/**
 * db_step - the next row of a statement
 * @s: the registry
 * @stmt: from db_bind(); NULL, its error is passed on
 *
 * Return: 1, there is one; 0, no more; -errno with a sentence.
 */
int db_step(struct store *s, sqlite3_stmt *stmt)
{
	int code;

	if (!stmt)
		return to_errno(sqlite3_extended_errcode(s->db));
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return code == SQLITE_ROW;
	return db_fail(s, sqlite3_column_count(stmt) ? "read" : "write");
}

/**
 * db_end - done with a statement
 * @stmt: or NULL
 * @ret: what to return
 *
 * Return: @ret.
 */
int db_end(sqlite3_stmt *stmt, int ret)
{
	/* sqlite3_reset() takes NULL, and sqlite3_clear_bindings() does not. */
	if (stmt) {
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt);
	}
	return ret;
}

/**
 * db_run - a statement without rows, to its end
 * @s: the registry
 * @stmt: from db_bind()
 *
 * Return: 0 or -errno; sqlite3_changes() tells what it did.
 */
int db_run(struct store *s, sqlite3_stmt *stmt)
{
	int got = db_step(s, stmt);

	return db_end(stmt, got > 0 ? 0 : got);
}

/**
 * db_exec - statements of a moment
 * @s: the registry
 * @sql: them
 *
 * Return: 0 or -errno.
 */
int db_exec(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) ? db_fail(s, "write") : 0;
}

/**
 * db_blob - a blob of exactly that length
 * @stmt: on a row
 * @column: from 0
 * @out: zeroed where there is none
 * @len: of @out
 *
 * Return: whether there is one.
 */
bool db_blob(sqlite3_stmt *stmt, int column, void *out, size_t len)
{
	const void *data = sqlite3_column_blob(stmt, column);

	memset(out, 0, len);
	if (!data || (size_t)sqlite3_column_bytes(stmt, column) != len)
		return false;
	memcpy(out, data, len);
	return true;
}

/** db_text - a text, cut to @size */
void db_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(out, size, "%s", text ? (const char *)text : "");
}

/** db_is_mac - of a device: neither zero nor a group's */
bool db_is_mac(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return !(mac[0] & 1) && memcmp(mac, none, sizeof(none));
}

/**
 * db_is_word - printable ASCII, not empty, and with its NUL within @size
 * @text: or NULL
 * @size: of what it is kept in
 */
bool db_is_word(const char *text, size_t size)
{
	size_t len = text ? strnlen(text, size) : 0, i;

	for (i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len && len < size;
}

static int set_durable(struct store *s, bool durable)
{
	int err;

	if (s->st->durable == durable)
		return 0;
	err = db_exec(s, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	if (!err)
		s->st->durable = durable;
	return err;
}

/**
 * store_begin - begin a transaction, with the write lock
 * @s: the registry
 * @durable: what is committed is on the disk; otherwise a power cut may take the last
 *	commits back, but never part of one
 *
 * Return: 0; -EBUSY, another has had the lock for 5 s, or as store_patience() said; another -errno.
 */
int store_begin(struct store *s, bool durable)
{
	int err;

	if (!sqlite3_get_autocommit(s->db))
		return db_refuse(s, -EINVAL, "a transaction within a transaction");
	err = set_durable(s, durable);
	return err ? err : db_run(s, db_bind(s, DB_BEGIN, ""));
}

/**
 * store_patience - how long others may keep the write lock while this one wants it
 * @s: the registry, open
 * @ms: instead of 5 s
 */
void store_patience(struct store *s, unsigned int ms)
{
	sqlite3_busy_timeout(s->db, (int)ms);
}

/**
 * store_commit - keep what the transaction did
 * @s: the registry
 *
 * Return: 0, or -errno: nothing is kept, and the transaction is over all the same.
 */
int store_commit(struct store *s)
{
	int err;

	if (sqlite3_get_autocommit(s->db))
		return db_refuse(s, -EINVAL, "no transaction to commit");
	err = db_run(s, db_bind(s, DB_COMMIT, ""));
	if (err)
		store_rollback(s);
	return err;
}

/**
 * store_rollback - forget what the transaction did; nothing where there is none
 * @s: the registry; its error is kept
 */
void store_rollback(struct store *s)
{
	char error[STORE_ERROR_LEN];

	/* A full disk has rolled it back already. */
	if (sqlite3_get_autocommit(s->db))
		return;
	memcpy(error, s->error, sizeof(error));
	db_run(s, db_bind(s, DB_ROLLBACK, ""));
	memcpy(s->error, error, sizeof(error));
}

/**
 * db_enter - a transaction, unless the caller has one
 * @s: the registry
 * @durable: as in store_begin()
 * @own: for db_leave()
 *
 * Return: 0 or -errno.
 */
int db_enter(struct store *s, bool durable, bool *own)
{
	*own = sqlite3_get_autocommit(s->db);
	return *own ? store_begin(s, durable) : 0;
}

/**
 * db_leave - end what db_enter() began
 * @s: the registry
 * @own: from db_enter()
 * @err: 0, commit; otherwise roll back
 *
 * Return: @err, or the commit's own.
 */
int db_leave(struct store *s, bool own, int err)
{
	if (own && !err)
		return store_commit(s);
	if (own)
		store_rollback(s);
	return err;
}

static int prepare_all(struct store *s)
{
	int i;

	for (i = 0; i < DB_FLEET_FIRST; i++)
		if (!db_bind(s, i, ""))
			return to_errno(sqlite3_extended_errcode(s->db));
	return 0;
}

/* Before anything is changed: the file may be another program's. */
static int check_version(struct store *s, int *version)
{
	int err = db_exec(s, "BEGIN");

	return err ? err : db_leave(s, true, db_version(s, version));
}

static int set_wal(struct store *s)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	if (sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL) ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		err = db_fail(s, "open");
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "wal"))
		err = db_refuse(s, -EOPNOTSUPP, "cannot open the registry: its file system "
				"has no shared memory for a write-ahead log");
	sqlite3_finalize(stmt);
	return err;
}

static int migrate(struct store *s)
{
	int err = db_run(s, db_bind(s, DB_BEGIN, ""));

	return err ? err : db_leave(s, true, db_migrate(s));
}

/*
 * After this no file is opened any more: a write that is synchronised opens the log, its index
 * and, once, the directory; the statements are made; the random numbers have their seed.
 */
static int warm_up(struct store *s)
{
	unsigned char seed[16];
	int err;

	sqlite3_randomness(sizeof(seed), seed);
	err = db_token_init(s);
	if (!err)
		err = prepare_all(s);
	if (!err)
		err = store_begin(s, true);
	if (err)
		return err;
	return db_leave(s, true, db_run(s, db_bind(s, DB_COUNT_UP, "t", "opened")));
}

/* Whatever is no version comes first: no row has any, but an order must be one. */
static int collate(void *arg, int a_len, const void *a, int b_len, const void *b)
{
	char left[FIRMWARE_VERSION_LEN], right[FIRMWARE_VERSION_LEN];
	bool a_good, b_good;

	(void)arg;
	snprintf(left, sizeof(left), "%.*s", a_len, (const char *)a);
	snprintf(right, sizeof(right), "%.*s", b_len, (const char *)b);
	a_good = firmware_version_is_valid(left);
	b_good = firmware_version_is_valid(right);
	if (a_good && b_good)
		return firmware_version_compare(left, right);
	return a_good != b_good ? a_good - b_good : strcmp(left, right);
}

static int set_up(struct store *s)
{
	int err, version;

	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	err = db_exec(s, "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
		      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
		      "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = " WAL_KEPT ";"
		      "PRAGMA cache_size = " CACHE);
	s->st->durable = true;
	if (!err)
		err = check_version(s, &version);
	if (!err)
		err = set_wal(s);
	if (!err)
		err = migrate(s);
	return err ? err : warm_up(s);
}

/* What is begun is store_close()'s to end. */
static int begin(struct store *s, const char *path, bool create, int flags)
{
	char *real;
	int err;

	memset(s, 0, sizeof(*s));
	err = db_place(s, path, create, &real);
	if (err)
		return err;
	s->st = calloc(1, sizeof(*s->st));
	if (!s->st)
		err = db_refuse(s, -ENOMEM, "cannot open the registry '%s': no memory", path);
	else if (sqlite3_open_v2(real, &s->db, flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) ||
		 sqlite3_create_collation(s->db, "firmware", SQLITE_UTF8, NULL, collate))
		err = db_fail(s, "open");
	free(real);
	return err;
}

/**
 * store_open - open the registry
 * @s: set; store_close() it after a success only
 * @path: of its file
 * @create: make it, and its directory, where it is missing
 *
 * Once it has returned, no function needs to open a file: the caller may give up the file
 * system. The registry does not survive a fork(): open it in the process that uses it.
 *
 * Return: 0; -ENOENT, it is not there; -EPERM, others may write to it; -EPROTO, a newer
 * program wrote it, or it is no registry; another -errno.
 */
int store_open(struct store *s, const char *path, bool create)
{
	int err = begin(s, path, create, SQLITE_OPEN_READWRITE);

	if (!err)
		err = set_up(s);
	if (err)
		store_close(s);
	return err;
}

static int check_current(struct store *s)
{
	int err = db_exec(s, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; BEGIN"), version = 0;

	if (!err)
		err = db_leave(s, true, db_version(s, &version));
	if (!err && version != db_newest)
		err = db_refuse(s, -EPROTO, "the registry is of version %d: whoever writes to it next renews it",
				version);
	return err;
}

/**
 * store_peek - open the registry to read it
 * @s: set; store_close() it after a success only
 * @path: of its file
 *
 * For what only shows: it neither makes nor changes the registry, and waits for nobody.
 *
 * Return: 0; -ENOENT, it is not there; -EPROTO, it is another version's, older ones included; another -errno.
 */
int store_peek(struct store *s, const char *path)
{
	int err = begin(s, path, false, SQLITE_OPEN_READONLY);

	if (!err)
		err = check_current(s);
	if (err)
		store_close(s);
	return err;
}

/* An older one, to be read by the statements of now: what they read of a certificate is shown them. */
static int show_as_now(struct store *s, int version)
{
	if (!version || version >= DB_WITH_FLEET)
		return 0;
	return db_exec(s, "PRAGMA temp_store = MEMORY; CREATE TEMP VIEW certificate AS"
		       " SELECT *, '' AS gateway FROM main.certificate");
}

/**
 * store_look - open a registry to read it, of whatever version it is
 * @s: set; store_close() it after a success only
 * @path: of its file
 *
 * Return: 0; -ENOENT, it is not there; -EPROTO, a newer program wrote it, or it is no registry; another -errno.
 */
int store_look(struct store *s, const char *path)
{
	int err = begin(s, path, false, SQLITE_OPEN_READONLY), version = 0;

	if (!err) {
		sqlite3_busy_timeout(s->db, BUSY_MS);
		err = db_exec(s, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
	}
	if (!err)
		err = check_version(s, &version);
	if (!err)
		err = show_as_now(s, version);
	if (err)
		store_close(s);
	return err;
}

/*
 * SQLite would remove the log when the last one closes; a caller that gave up the file system
 * cannot. It is emptied, so that the file by itself holds everything.
 */
static void empty_log(struct store *s)
{
	sqlite3_busy_timeout(s->db, 0);
	if (sqlite3_get_autocommit(s->db))
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/**
 * store_close - close the registry; a transaction that is open is rolled back
 * @s: the registry; its error is kept
 *
 * The one function that names a file: SQLite looks with stat() whether it was moved, and does
 * not mind when that is denied. A process that would be killed for it just exits.
 */
void store_close(struct store *s)
{
	int i;

	if (s->st) {
		/* Not of a file that was refused. */
		if (s->st->stmt[DB_COMMIT]) {
			store_rollback(s);
			empty_log(s);
		}
		for (i = 0; i < DB_STATEMENTS; i++)
			sqlite3_finalize(s->st->stmt[i]);
		EVP_MD_free(s->st->sha256);
		EVP_KDF_free(s->st->scrypt);
		OPENSSL_clear_free(s->st, sizeof(*s->st));
	}
	sqlite3_close(s->db);
	s->st = NULL;
	s->db = NULL;
}
