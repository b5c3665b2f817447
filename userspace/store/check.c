// SPDX-License-Identifier: GPL-2.0
/* What is wrong with a registry, in sentences that a person understands. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/fleet_db.h"

#define FAULT_LEN	512
#define LINES		"20"	/* of SQLite's own check */

/**
 * struct findings - what is found
 * @each: told of each fault; or NULL
 * @arg: for @each
 * @faults: how many
 * @damage: of those, how many make the registry unusable
 */
struct findings {
	void (*each)(const char *fault, bool damage, void *arg);
	void *arg;
	unsigned int faults;
	unsigned int damage;
};

__attribute__((format(printf, 3, 4)))
static void found(struct findings *f, bool damage, const char *fmt, ...)
{
	char fault[FAULT_LEN];
	va_list args;

	va_start(args, fmt);
	vsnprintf(fault, sizeof(fault), fmt, args);
	va_end(args);
	f->faults++;
	f->damage += damage;
	if (f->each)
		f->each(fault, damage, f->arg);
}

/*
 * A query whose rows are faults: a sentence, made of its first column. What it cannot read is a fault itself: the
 * other sentences may still be of use.
 */
static void ask(struct store *s, struct findings *f, bool damage, const char *sql, const char *sentence)
{
	sqlite3_stmt *stmt = NULL;
	char what[256];
	int code;

	code = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
	while (!code && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		db_text(stmt, 0, what, sizeof(what));
		if (strcmp(what, "ok"))
			found(f, damage, sentence, what);
		code = 0;
	}
	if (code != SQLITE_DONE)
		found(f, true, "it cannot be read: %s", sqlite3_errmsg(s->db));
	sqlite3_finalize(stmt);
}

/* Before it is asked what the rows say: do they lie where they should. */
static void check_file(struct store *s, struct findings *f)
{
	ask(s, f, true, "PRAGMA integrity_check(" LINES ")", "the file is damaged: %.300s");
	ask(s, f, true, "SELECT \"table\" || ', row ' || coalesce(rowid, '?') || ', of ' || parent"
	    " FROM pragma_foreign_key_check LIMIT " LINES, "a row belongs to nothing: table %.300s");
}

/* What the one has of tables, indexes and triggers, and the other has not; a trigger's words count, too. */
static void compare_tables(struct findings *f, sqlite3 *from, sqlite3 *with, const char *sentence)
{
	static const char all[] = "SELECT type, name, sql FROM sqlite_schema"
				  " WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'";
	static const char one[] = "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2"
				  " AND (?1 NOT IN ('trigger', 'view') OR sql = ?3)";
	sqlite3_stmt *each = NULL, *same = NULL;
	int i;

	if (sqlite3_prepare_v2(from, all, -1, &each, NULL) || sqlite3_prepare_v2(with, one, -1, &same, NULL))
		found(f, true, "its tables cannot be looked at");
	while (each && same && sqlite3_step(each) == SQLITE_ROW) {
		for (i = 0; i < 3; i++)
			sqlite3_bind_value(same, i + 1, sqlite3_column_value(each, i));
		if (sqlite3_step(same) != SQLITE_ROW)
			found(f, true, sentence, sqlite3_column_text(each, 0), sqlite3_column_text(each, 1));
		sqlite3_reset(same);
	}
	sqlite3_finalize(each);
	sqlite3_finalize(same);
}

/* Another program may have put something there that runs when we write. */
static int check_tables(struct store *s, struct findings *f, int version)
{
	sqlite3 *fresh = NULL;
	uint64_t fleets = 0;
	int err = db_tables_new(s, version, &fresh);

	if (!err && version >= DB_WITH_FLEET)
		err = db_number(s, "SELECT count(*) FROM fleet", &fleets);
	if (!err && fleets)
		err = db_fleet_triggers(s, fresh);
	if (!err) {
		compare_tables(f, fresh, s->db, "%s '%s' is missing, or not as it should be");
		compare_tables(f, s->db, fresh, "%s '%s' does not belong there");
	}
	sqlite3_close(fresh);
	return err;
}

/* The certificate itself must be the one whose fingerprint is recorded. */
static void check_fingerprints(struct store *s, struct findings *f)
{
	sqlite3_stmt *stmt = NULL;
	uint8_t digest[32];
	int code;

	code = sqlite3_prepare_v2(s->db, "SELECT lower(hex(serial)), der, fingerprint FROM certificate"
				  " WHERE length(der) > 0", -1, &stmt, NULL);
	while (!code && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const void *der = sqlite3_column_blob(stmt, 1), *have = sqlite3_column_blob(stmt, 2);

		if (!EVP_Q_digest(NULL, "SHA256", NULL, der, sqlite3_column_bytes(stmt, 1), digest, NULL) || !have ||
		    sqlite3_column_bytes(stmt, 2) != sizeof(digest) || memcmp(have, digest, sizeof(digest)))
			found(f, true, "certificate %s is not the one whose fingerprint is recorded",
			      sqlite3_column_text(stmt, 0));
		code = 0;
	}
	if (code != SQLITE_DONE)
		found(f, true, "the certificates cannot be read: %s", sqlite3_errmsg(s->db));
	sqlite3_finalize(stmt);
}

/* What every registry keeps, whatever its version. */
static const struct {
	const char *sql;
	const char *sentence;
} rules[] = {
	{ "SELECT lower(hex(serial)) FROM certificate WHERE state NOT IN (0, 1, 2, 3, 4) OR kind NOT IN (0, 1, 2, 3)",
	  "certificate %s is in a state, or of a kind, that does not exist" },
	{ "SELECT lower(hex(serial)) FROM certificate WHERE not_after <= not_before",
	  "certificate %s ends before it begins" },
	{ "SELECT lower(hex(serial)) FROM certificate WHERE (state = 3) != (revoked != 0)",
	  "certificate %s is revoked at no time, or not revoked and has a time of its revocation" },
	{ "SELECT lower(hex(serial)) || ' of ' || name FROM certificate WHERE kind = 0 AND state IN (1, 2)"
	  " AND name NOT IN (SELECT name FROM device)",
	  "certificate %.150s: there is no such device" },
	{ "SELECT d.name || ' claims certificate ' || lower(hex(c.serial)) || ', which is of ' || c.name"
	  " FROM token AS t JOIN device AS d ON d.id = t.device JOIN certificate AS c ON c.serial = t.serial"
	  " WHERE c.name != d.name",
	  "the token of %.200s" },
	{ "SELECT d.name FROM token AS t JOIN device AS d ON d.id = t.device WHERE t.state NOT IN (0, 1, 2)"
	  " OR t.expires <= t.made OR length(t.salt) != 16 OR length(t.hash) != 32",
	  "the token of %s makes no sense: give the device a new one" },
	{ "SELECT name FROM (SELECT 'crl' AS name UNION SELECT 'revocations' UNION SELECT 'opened')"
	  " WHERE name NOT IN (SELECT name FROM counter)",
	  "the counter '%s' is missing" },
};

/* What is counted as it changes must be what is counted now. */
static const struct {
	const char *sql;
	const char *sentence;
} firmware_rules[] = {
	{ "SELECT model || ': ' || devices || ' devices, and there are ' || (SELECT count(*) FROM device AS d"
	  " WHERE d.model = m.model) FROM firmware_model AS m WHERE devices != (SELECT count(*) FROM device AS d"
	  " WHERE d.model = m.model)",
	  "wrongly counted, model %.200s" },
	{ "SELECT model || ' ' || version FROM firmware_release AS r WHERE admitted != (SELECT count(DISTINCT device)"
	  " FROM firmware_action WHERE release = r.id)",
	  "wrongly counted, the devices that were offered %.100s" },
};

/**
 * store_check - is the registry sound, and does what it says fit together
 * @s: the registry, open
 * @each: told of each fault, a sentence; damage, with it the registry is not to be used; or NULL
 * @arg: for @each
 * @faults: how many there are
 * @damage: of those, how much damage; may be NULL
 *
 * Return: 0, whatever is found; -errno, it could not be looked at.
 */
int store_check(struct store *s, void (*each)(const char *fault, bool damage, void *arg), void *arg,
		unsigned int *faults, unsigned int *damage)
{
	struct findings f = { .each = each, .arg = arg };
	int err = db_exec(s, "BEGIN"), version = 0;
	size_t i;

	if (err)
		return err;
	err = db_version(s, &version);
	if (!err && !version)
		found(&f, true, "it is empty: it was never a registry");
	if (!err && version) {
		err = check_tables(s, &f, version);
		check_file(s, &f);
		if (!f.damage)
			check_fingerprints(s, &f);
		for (i = 0; !f.damage && i < sizeof(rules) / sizeof(*rules); i++)
			ask(s, &f, false, rules[i].sql, rules[i].sentence);
		for (i = 0; !f.damage && version > 1 && i < sizeof(firmware_rules) / sizeof(*firmware_rules); i++)
			ask(s, &f, false, firmware_rules[i].sql, firmware_rules[i].sentence);
	}
	db_leave(s, true, -ECANCELED);
	*faults = f.faults;
	if (damage)
		*damage = f.damage;
	return err;
}

/**
 * store_summarize - what a registry holds
 * @s: the registry
 * @out: filled
 *
 * Return: 0 or -errno.
 */
int store_summarize(struct store *s, struct store_summary *out)
{
	uint64_t version = 0, restored = 0;
	int err;

	memset(out, 0, sizeof(*out));
	err = db_number(s, "PRAGMA user_version", &version);
	if (!err)
		err = db_number(s, "SELECT count(*) FROM device", &out->devices);
	if (!err)
		err = db_number(s, "SELECT count(*) FROM certificate WHERE state IN (1, 2, 3)", &out->certificates);
	if (!err)
		err = db_number(s, "SELECT count(*) FROM certificate WHERE state = 3", &out->revoked);
	if (!err)
		err = db_number(s, "SELECT count(*) FROM token WHERE state < 2", &out->tokens);
	if (!err)
		err = db_number(s, "SELECT coalesce(max(value), 0) FROM counter WHERE name = 'restored'", &restored);
	out->version = (int)version;
	out->restored = (time_t)restored;
	return err;
}
