// SPDX-License-Identifier: GPL-2.0
/* Rows of the history, for whoever prints them. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "history/read.h"

#define SUMS "sum(rx_packets) AS rx_packets, sum(rx_bytes) AS rx_bytes, sum(tx_packets) AS tx_packets," \
	" sum(tx_bytes) AS tx_bytes, sum(denied) AS denied, sum(anomalies) AS anomalies"

/**
 * struct table - how its rows are selected
 * @select: columns and tables; t is the table, d its devices
 * @at: time that is compared with the scope's
 * @has_kind: rows have one
 * @all: rows are of no device
 * @order: what follows the conditions
 */
struct table {
	const char *select;
	const char *at;
	bool has_kind;
	bool all;
	const char *order;
};

static const struct table tables[HISTORY_TABLES] = {
	[HISTORY_STATES] = {
		"t.at, d.name AS device, t.state, t.segment, t.why FROM state t JOIN device d ON d.id = t.device", "t.at", false,
		false, "ORDER BY t.at, t.device" },
	[HISTORY_EPISODES] = {
		"t.id, d.name AS device, d.mac, t.kind, t.first, t.last, t.count, t.denied, t.source, t.destination, t.protocol,"
		" t.dport, t.server, t.tls, t.interface, t.ports, t.action, t.acknowledged, t.acknowledged_by"
		" FROM episode t JOIN device d ON d.id = t.device", "t.last", true, false, "ORDER BY t.first, t.id" },
	[HISTORY_DENIED] = {
		"d.name AS device, t.kind, t.source, t.destination, t.protocol, t.dport, t.from_segment AS \"from\","
		" t.to_segment AS \"to\", t.rule, t.first, t.last, t.count FROM denial t JOIN device d ON d.id = t.device", "t.last",
		true, false, "ORDER BY t.last, t.device" },
	[HISTORY_APPLIED] = {
		"t.at, t.generation, t.mode, t.who, t.changes FROM applied t", "t.at", false, true, "ORDER BY t.at, t.rowid" },
	[HISTORY_RESTARTS] = {
		"t.at, d.name AS device FROM restart t JOIN device d ON d.id = t.device", "t.at", false, false,
		"ORDER BY t.at, t.device" },
	[HISTORY_TALKS] = {
		"d.name AS device, t.peer, t.protocol, t.dport, t.opened, t.segment, t.first, t.last, t.connections"
		" FROM peer t JOIN device d ON d.id = t.device", "t.last", false, false, "ORDER BY t.connections DESC, t.peer" },
};

static const struct table series[] = {
	{ "t.at, " SUMS " FROM minute t JOIN device d ON d.id = t.device", "t.at", false, false, "GROUP BY t.at ORDER BY t.at" },
	{ "t.at, " SUMS " FROM hour t JOIN device d ON d.id = t.device", "t.at", false, false, "GROUP BY t.at ORDER BY t.at" },
	{ "t.at, " SUMS " FROM day t JOIN device d ON d.id = t.device", "t.at", false, false, "GROUP BY t.at ORDER BY t.at" },
};

static int failed(struct history *h)
{
	snprintf(h->error, sizeof(h->error), "the history cannot be read: %s", sqlite3_errmsg(h->db));
	return -EIO;
}

/**
 * history_step - how long a step of a series is
 * @seconds: that the whole of it is long
 */
unsigned int history_step(time_t seconds)
{
	return seconds <= 3 * 3600 ? 60 : seconds <= HISTORY_HOURS_KEPT ? 3600 : 86400;
}

/** history_value - a row's column by its name; NULL, it has none */
const struct history_value *history_value(const struct history_row *row, const char *name)
{
	unsigned int i;

	for (i = 0; i < row->n; i++)
		if (!strcmp(row->value[i].name, name))
			return &row->value[i];
	return NULL;
}

static sqlite3_stmt *prepare(struct history *h, const struct table *t, const struct history_scope *s)
{
	sqlite3_stmt *stmt = NULL;
	char sql[1024];

	snprintf(sql, sizeof(sql), "SELECT %s WHERE %s >= ?1%s%s%s %s", t->select, t->at,
		 !t->all && s->device >= 0 ? " AND t.device = ?2" : "", !t->all && s->segment ? " AND d.segment = ?3" : "",
		 t->has_kind && s->kind ? " AND t.kind = ?4" : "", t->order);
	if (sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL))
		return NULL;
	sqlite3_bind_int64(stmt, 1, s->since);
	sqlite3_bind_int64(stmt, 2, s->device);
	if (s->segment)
		sqlite3_bind_text(stmt, 3, s->segment, -1, SQLITE_STATIC);
	if (s->kind)
		sqlite3_bind_text(stmt, 4, s->kind, -1, SQLITE_STATIC);
	return stmt;
}

static void read_row(sqlite3_stmt *stmt, struct history_row *row)
{
	int i, n = sqlite3_column_count(stmt);

	row->n = n < HISTORY_COLUMNS ? n : HISTORY_COLUMNS;
	for (i = 0; i < (int)row->n; i++) {
		struct history_value *v = &row->value[i];
		int type = sqlite3_column_type(stmt, i);

		v->name = sqlite3_column_name(stmt, i);
		v->none = type == SQLITE_NULL;
		v->text = type == SQLITE_TEXT || type == SQLITE_BLOB ? (const char *)sqlite3_column_text(stmt, i) : NULL;
		v->number = type == SQLITE_INTEGER ? sqlite3_column_int64(stmt, i) : 0;
	}
}

/**
 * history_read - read rows
 * @h: the databases
 * @table: of what
 * @s: which
 * @each: told of each; whatever but 0 ends it
 * @arg: for @each
 *
 * Return: 0; what @each returned; -EIO, with a sentence in @h->error.
 */
int history_read(struct history *h, enum history_table table, const struct history_scope *s,
		 int (*each)(const struct history_row *row, void *arg), void *arg)
{
	const struct table *t = table == HISTORY_SERIES ? &series[s->step == 60 ? 0 : s->step == 3600 ? 1 : 2] : &tables[table];
	sqlite3_stmt *stmt = prepare(h, t, s);
	struct history_row row;
	int code = SQLITE_DONE, ret = 0;

	if (!stmt)
		return failed(h);
	while (!ret && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		read_row(stmt, &row);
		ret = each(&row, arg);
	}
	if (!ret && code != SQLITE_DONE)
		ret = failed(h);
	sqlite3_finalize(stmt);
	return ret;
}

static void copy(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(out, size, "%s", text ? (const char *)text : "");
}

/**
 * history_lookup - find a device
 * @h: the databases
 * @word: its name, or MAC in small letters
 * @out: it; of several by that name the one that was there last
 *
 * Return: 0; -ENOENT, it has no history; -EIO, with a sentence in @h->error.
 */
int history_lookup(struct history *h, const char *word, struct history_name *out)
{
	static const char sql[] =
		"SELECT id, name, mac, segment FROM device WHERE name = ?1 OR mac = ?1 ORDER BY last DESC LIMIT 1";
	sqlite3_stmt *stmt;
	int code;

	if (sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL))
		return failed(h);
	sqlite3_bind_text(stmt, 1, word, -1, SQLITE_STATIC);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		out->id = sqlite3_column_int64(stmt, 0);
		copy(stmt, 1, out->name, sizeof(out->name));
		copy(stmt, 2, out->mac, sizeof(out->mac));
		copy(stmt, 3, out->segment, sizeof(out->segment));
	}
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW ? 0 : code == SQLITE_DONE ? -ENOENT : failed(h);
}

/** history_has_segment - did a device have it: 0; -ENOENT, none did; -EIO */
int history_has_segment(struct history *h, const char *segment)
{
	sqlite3_stmt *stmt;
	int code;

	if (sqlite3_prepare_v2(h->db, "SELECT 1 FROM device WHERE segment = ?1 LIMIT 1", -1, &stmt, NULL))
		return failed(h);
	sqlite3_bind_text(stmt, 1, segment, -1, SQLITE_STATIC);
	code = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW ? 0 : code == SQLITE_DONE ? -ENOENT : failed(h);
}
