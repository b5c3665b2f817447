// SPDX-License-Identifier: GPL-2.0
/* The rules in force, and when they were used. */
#include <errno.h>
#include <stdio.h>
#include <sqlite3.h>

#include "history/rule.h"

static int failed(struct history *h)
{
	snprintf(h->error, sizeof(h->error), "live.db: %s", sqlite3_errmsg(h->db));
	return sqlite3_errcode(h->db) == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

/**
 * history_sampled - when was it that the kernel was asked last
 * @h: the databases
 * @when: set; 0, it was not yet
 *
 * Return: 0, or -errno with a sentence in @h->error.
 */
int history_sampled(struct history *h, time_t *when)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(h->db, "SELECT value FROM live.meta WHERE key = 'sampled'", -1, &stmt, NULL);

	*when = 0;
	if (!code)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*when = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : failed(h);
}

static const char *text(sqlite3_stmt *stmt, int column)
{
	const char *out = (const char *)sqlite3_column_text(stmt, column);

	return out ? out : "";
}

/**
 * history_rule_each - the rules in force, in their order
 * @h: the databases
 * @each: called for each; its texts are good until it returns; not 0, that is the end
 * @arg: for @each
 *
 * Return: 0; what @each returned; or -errno with a sentence in @h->error.
 */
int history_rule_each(struct history *h, int (*each)(const struct history_rule *rule, void *arg), void *arg)
{
	static const char sql[] = "SELECT from_segment, to_segment, matches, plaintext, related, IFNULL(used, 0)"
				  " FROM live.rule ORDER BY id";
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL), ret = 0;

	while (!code && !ret && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const struct history_rule rule = {
			.from = text(stmt, 0), .to = text(stmt, 1), .matches = text(stmt, 2),
			.plaintext = sqlite3_column_int(stmt, 3), .related = sqlite3_column_int(stmt, 4),
			.used = sqlite3_column_int64(stmt, 5),
		};

		ret = each(&rule, arg);
		code = 0;
	}
	if (!ret && code != SQLITE_DONE)
		ret = failed(h);
	sqlite3_finalize(stmt);
	return ret;
}
