// SPDX-License-Identifier: GPL-2.0
/* What a page shows: how it is asked for, and how the gateway is now. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sqlite3.h>

#include "history/view_in.h"

#define ROW_SIZE	512	/* of the largest row's struct */

static_assert(sizeof(struct view_device) <= ROW_SIZE && sizeof(struct view_event) <= ROW_SIZE, "a row has room");

static int failed(struct history *h)
{
	int code = sqlite3_errcode(h->db);

	snprintf(h->error, sizeof(h->error), "the history cannot be read: %s", sqlite3_errmsg(h->db));
	return code == SQLITE_BUSY ? -EBUSY : code == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

/* The question, with what stands for ?1, ?2, ...; @types has a letter for each: 't'ext, or a 'n'umber of 64 bits. */
static int ask(struct history *h, sqlite3_stmt **stmt, const char *sql, const char *types, va_list args)
{
	int err = sqlite3_prepare_v2(h->db, sql, -1, stmt, NULL), i;

	for (i = 1; !err && *types; types++, i++) {
		if (*types == 't')
			err = sqlite3_bind_text(*stmt, i, va_arg(args, const char *), -1, SQLITE_STATIC);
		else
			err = sqlite3_bind_int64(*stmt, i, va_arg(args, int64_t));
	}
	return err;
}

static void fill(const struct view_shape *shape, sqlite3_stmt *stmt, char *row)
{
	const char *text;
	int64_t number;
	size_t i;

	for (i = 0; i < shape->n; i++) {
		if (shape->fields[i].text) {
			text = (const char *)sqlite3_column_text(stmt, (int)i);
			if (!text)
				text = "";
			memcpy(row + shape->fields[i].offset, &text, sizeof(text));
		} else {
			number = sqlite3_column_int64(stmt, (int)i);
			memcpy(row + shape->fields[i].offset, &number, sizeof(number));
		}
	}
}

/* Call @fn for every row of the answer; returns how many, or -errno. */
int view_each(struct history *h, const struct view_shape *shape, view_fn *fn, void *ctx, const char *sql, const char *types,
	      ...)
{
	_Alignas(max_align_t) char row[ROW_SIZE] = { 0 };
	sqlite3_stmt *stmt = NULL;
	va_list args;
	int err, n = 0;

	va_start(args, types);
	err = ask(h, &stmt, sql, types, args);
	va_end(args);
	while (!err && (err = sqlite3_step(stmt)) == SQLITE_ROW) {
		fill(shape, stmt, row);
		fn(row, ctx);
		n++;
		err = 0;
	}
	n = err == SQLITE_DONE ? n : failed(h);
	sqlite3_finalize(stmt);
	return n;
}

/* The one number of an answer; 0, there is none. */
int view_number(struct history *h, int64_t *out, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt = NULL;
	va_list args;
	int err;

	*out = 0;
	va_start(args, types);
	err = ask(h, &stmt, sql, types, args);
	va_end(args);
	if (!err)
		err = sqlite3_step(stmt);
	if (err == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	err = err == SQLITE_ROW || err == SQLITE_DONE ? 0 : failed(h);
	sqlite3_finalize(stmt);
	return err;
}

/* Texts outlive the row. */
static void keep(char *out, size_t size, sqlite3_stmt *stmt)
{
	const char *text = (const char *)sqlite3_column_text(stmt, 1);

	snprintf(out, size, "%s", text ? text : "");
}

static void keep_status(struct view_status *s, sqlite3_stmt *stmt)
{
	const struct {
		const char *key;
		int64_t *number;
		char *text;
	} known[] = {
		{ "sampled", &s->sampled, NULL }, { "generation", &s->generation, NULL }, { "in_force", &s->in_force, NULL },
		{ "awaiting", &s->awaiting, NULL }, { "confirm", &s->confirm, NULL }, { "lockdown", &s->lockdown, NULL },
		{ "applied_at", &s->applied_at, NULL }, { "rx_bytes", &s->rx_bytes, NULL }, { "tx_bytes", &s->tx_bytes, NULL },
		{ "rx_packets", &s->rx_packets, NULL }, { "denied", &s->denied, NULL }, { "anomalies", &s->anomalies, NULL },
		{ "mode", NULL, s->mode }, { "unknown", NULL, s->unknown }, { "applied_by", NULL, s->applied_by },
	};
	const char *key = (const char *)sqlite3_column_text(stmt, 0);
	size_t i;

	if (key && !strcmp(key, "module"))
		s->no_module = sqlite3_column_type(stmt, 1) == SQLITE_NULL;
	for (i = 0; key && i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(key, known[i].key))
			continue;
		if (known[i].number)
			*known[i].number = sqlite3_column_int64(stmt, 1);
		else
			keep(known[i].text, VIEW_WORD, stmt);
	}
}

/**
 * view_status - how the gateway is
 * @h: the databases
 * @out: is filled; zeros and "" where nothing is known
 */
int view_status(struct history *h, struct view_status *out)
{
	sqlite3_stmt *stmt = NULL;
	int err = sqlite3_prepare_v2(h->db, "SELECT key, value FROM live.meta", -1, &stmt, NULL);

	memset(out, 0, sizeof(*out));
	while (!err && (err = sqlite3_step(stmt)) == SQLITE_ROW) {
		keep_status(out, stmt);
		err = 0;
	}
	err = err == SQLITE_DONE ? 0 : failed(h);
	sqlite3_finalize(stmt);
	return err;
}

static const struct view_field count_fields[] = {
	VIEW_TEXT(view_count, word), VIEW_NUMBER(view_count, count), VIEW_NUMBER(view_count, devices),
};
static const struct view_shape count_shape = VIEW_SHAPE(count_fields);

/** view_states - how many devices are in which state */
int view_states(struct history *h, view_fn *fn, void *ctx)
{
	return view_each(h, &count_shape, fn, ctx,
			 "SELECT state, count(*), count(*) FROM live.now GROUP BY state ORDER BY state LIMIT 32", "");
}

/** view_segments - the segments, and how many devices are in each */
int view_segments(struct history *h, view_fn *fn, void *ctx)
{
	return view_each(h, &count_shape, fn, ctx,
			 "SELECT name, denied, devices FROM live.segment ORDER BY id LIMIT 256", "");
}

static const struct view_field interface_fields[] = {
	VIEW_TEXT(view_interface, name), VIEW_TEXT(view_interface, role), VIEW_TEXT(view_interface, closed),
	VIEW_NUMBER(view_interface, present), VIEW_NUMBER(view_interface, up),
};
static const struct view_shape interface_shape = VIEW_SHAPE(interface_fields);

/** view_interfaces - those with which something is wrong: missing, down or closed */
int view_interfaces(struct history *h, view_fn *fn, void *ctx)
{
	return view_each(h, &interface_shape, fn, ctx,
			 "SELECT name, role, closed, present, up FROM live.interface WHERE closed IS NOT NULL"
			 " OR (role IN ('port', 'uplink') AND NOT (present AND up))"
			 " ORDER BY present, closed IS NULL, name LIMIT 100", "");
}

static const struct view_field certificate_fields[] = {
	VIEW_TEXT(view_certificate, serial), VIEW_TEXT(view_certificate, name), VIEW_TEXT(view_certificate, kind),
	VIEW_NUMBER(view_certificate, until),
};
static const struct view_shape certificate_shape = VIEW_SHAPE(certificate_fields);

/** view_certificates - those that end before @until, the soonest first, those of the CA and the server before all */
int view_certificates(struct history *h, int64_t until, view_fn *fn, void *ctx)
{
	return view_each(h, &certificate_shape, fn, ctx,
			 "SELECT serial, name, kind, until FROM live.certificate WHERE until < ?1"
			 " ORDER BY kind = 'device', until, serial LIMIT ?2", "nn", until, (int64_t)VIEW_FEW);
}

/** view_certificates_count - how many end before @until */
int view_certificates_count(struct history *h, int64_t until, int64_t *out)
{
	return view_number(h, out, "SELECT count(*) FROM live.certificate WHERE until < ?1", "n", until);
}

static const struct view_field rule_fields[] = {
	VIEW_NUMBER(view_rule, id), VIEW_TEXT(view_rule, from), VIEW_TEXT(view_rule, to), VIEW_TEXT(view_rule, matches),
	VIEW_NUMBER(view_rule, plaintext), VIEW_NUMBER(view_rule, related), VIEW_NUMBER(view_rule, used),
};
static const struct view_shape rule_shape = VIEW_SHAPE(rule_fields);

/** view_rules - the policy's rules, in its order */
int view_rules(struct history *h, view_fn *fn, void *ctx)
{
	return view_each(h, &rule_shape, fn, ctx,
			 "SELECT id, from_segment, to_segment, matches, plaintext, related, used FROM live.rule ORDER BY id"
			 " LIMIT 4096", "");
}

static const struct view_field rollout_fields[] = {
	VIEW_NUMBER(view_rollout, id), VIEW_TEXT(view_rollout, model), VIEW_TEXT(view_rollout, version),
	VIEW_TEXT(view_rollout, state), VIEW_NUMBER(view_rollout, share), VIEW_NUMBER(view_rollout, offered),
	VIEW_NUMBER(view_rollout, succeeded), VIEW_NUMBER(view_rollout, failed), VIEW_NUMBER(view_rollout, began),
};
static const struct view_shape rollout_shape = VIEW_SHAPE(rollout_fields);

/** view_rollouts - the roll-outs, the newest first */
int view_rollouts(struct history *h, view_fn *fn, void *ctx)
{
	return view_each(h, &rollout_shape, fn, ctx,
			 "SELECT id, model, version, state, share, offered, succeeded, failed, began FROM live.rollout"
			 " ORDER BY began DESC, id DESC LIMIT 200", "");
}

/** view_unknown - how many packets came from devices that nobody listed, since the kernel began to count */
int view_unknown(struct history *h, int64_t *out)
{
	return view_number(h, out, "SELECT count FROM live.total_anomaly WHERE kind = 'unknown_device'", "");
}
