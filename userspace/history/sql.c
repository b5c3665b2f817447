// SPDX-License-Identifier: GPL-2.0
/* Statements that are prepared once, and transactions that may fail as a whole. */
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "history/writer.h"

static int failed(struct history_writer *w)
{
	if (!w->failed)
		snprintf(w->h.error, sizeof(w->h.error), "%s", sqlite3_errmsg(w->h.db));
	w->failed = true;
	return -EIO;
}

/* By the address of its text: every one is a string of the program's. */
static sqlite3_stmt *prepare(struct history_writer *w, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	unsigned int i;

	for (i = 0; i < w->n_cache; i++)
		if (w->cache[i].sql == sql)
			return w->cache[i].stmt;
	if (w->n_cache == HISTORY_STATEMENTS || sqlite3_prepare_v3(w->h.db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL))
		return NULL;
	w->cache[w->n_cache++] = (struct history_statement){ sql, stmt };
	return stmt;
}

/* i: int64_t; z: likewise, and 0 is NULL; c: a counter, u64; t: text, or NULL; e: likewise, and empty is NULL. */
static void bind_all(sqlite3_stmt *stmt, const char *types, va_list args)
{
	const char *text;
	int64_t number;
	int at;

	for (at = 1; *types; types++, at++) {
		switch (*types) {
		case 'i':
		case 'z':
			number = va_arg(args, int64_t);
			if (*types == 'i' || number)
				sqlite3_bind_int64(stmt, at, number);
			break;
		case 'c': {
			u64 count = va_arg(args, u64);

			sqlite3_bind_int64(stmt, at, count > INT64_MAX ? INT64_MAX : (int64_t)count);
			break;
		}
		default:
			text = va_arg(args, const char *);
			if (text && (*types == 't' || *text))
				sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
		}
	}
}

static sqlite3_stmt *ready(struct history_writer *w, const char *sql, const char *types, va_list args)
{
	sqlite3_stmt *stmt = w->failed ? NULL : prepare(w, sql);

	if (!stmt)
		return NULL;
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	bind_all(stmt, types, args);
	return stmt;
}

/**
 * history_begin - be in a transaction
 * @w: the writer
 * @now: the time
 *
 * Return: 0 or -errno.
 */
int history_begin(struct history_writer *w, time_t now)
{
	if (w->open)
		return w->failed ? -EIO : 0;
	w->failed = false;
	if (sqlite3_exec(w->h.db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
		return failed(w);
	w->open = true;
	w->begun = now;
	return 0;
}

/**
 * history_commit - end the transaction, if there is one
 * @w: the writer
 *
 * Return: 0; -EIO: none of it is there, @w->h.error says why, and what was kept in memory is forgotten.
 */
int history_commit(struct history_writer *w)
{
	unsigned int i;

	for (i = 0; i < w->n_cache; i++)
		sqlite3_reset(w->cache[i].stmt);
	if (!w->open && !w->failed)
		return 0;
	if (!w->failed && sqlite3_exec(w->h.db, "COMMIT", NULL, NULL, NULL))
		failed(w);
	w->open = false;
	if (!w->failed)
		return 0;
	if (!sqlite3_get_autocommit(w->h.db))
		sqlite3_exec(w->h.db, "ROLLBACK", NULL, NULL, NULL);
	w->failed = false;
	history_forget(w);
	history_policy_put(w, NULL);
	return -EIO;
}

/**
 * history_run - run a statement that gives nothing back
 * @w: the writer, in a transaction
 * @sql: its text, a string of the program's
 * @types: of the arguments, see bind_all()
 *
 * Return: 0; -EIO, and the whole transaction has failed.
 */
int history_run(struct history_writer *w, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list args;
	int code;

	va_start(args, types);
	stmt = ready(w, sql, types, args);
	va_end(args);
	if (!stmt)
		return failed(w);
	code = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : failed(w);
}

/**
 * history_get - run a statement that gives one number
 * @w: the writer
 * @out: the number
 * @sql: its text, a string of the program's
 * @types: of the arguments, see bind_all()
 *
 * Return: 0; -ENOENT, there is no row; -EIO, and the whole transaction has failed.
 */
int history_get(struct history_writer *w, int64_t *out, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list args;
	int code;

	va_start(args, types);
	stmt = ready(w, sql, types, args);
	va_end(args);
	if (!stmt)
		return failed(w);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	if (code == SQLITE_ROW && sqlite3_step(stmt) == SQLITE_ROW)
		code = SQLITE_ROW;
	sqlite3_reset(stmt);
	return code == SQLITE_ROW ? 0 : code == SQLITE_DONE ? -ENOENT : failed(w);
}

/**
 * history_query - begin a statement whose rows are read one by one
 * @w: the writer
 * @sql: its text, a string of the program's
 * @types: of the arguments, see bind_all()
 *
 * Return: to be stepped, and reset by sqlite3_reset(); NULL, the whole transaction has failed.
 */
struct sqlite3_stmt *history_query(struct history_writer *w, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list args;

	va_start(args, types);
	stmt = ready(w, sql, types, args);
	va_end(args);
	if (!stmt)
		failed(w);
	return stmt;
}

/** history_copy - a column's text; empty, there is none */
void history_copy(struct sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(out, size, "%s", text ? (const char *)text : "");
}
