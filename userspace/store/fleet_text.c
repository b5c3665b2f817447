// SPDX-License-Identifier: GPL-2.0
/* Values that are kept as they are: policies, and those that wait for what they belong to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

/** db_fleet_text_put - keep a value */
int db_fleet_text_put(struct store *s, const char *key, const char *value, size_t len)
{
	return db_run(s, db_bind(s, DB_FLEET_TEXT_PUT, "tb", key, len ? value : "", len));
}

/** db_fleet_text_drop - and no more */
int db_fleet_text_drop(struct store *s, const char *key)
{
	return db_run(s, db_bind(s, DB_FLEET_TEXT_DROP, "t", key));
}

/**
 * db_fleet_text_get - a value that is kept
 * @s: the registry
 * @key: its key
 * @value: free(); NULL, there is none. A NUL is behind it
 * @len: of @value
 *
 * Return: 0 or -errno.
 */
int db_fleet_text_get(struct store *s, const char *key, char **value, size_t *len)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_TEXT_GET, "t", key);
	int got = db_step(s, stmt);
	const void *data;

	*value = NULL;
	*len = 0;
	if (got == 1) {
		data = sqlite3_column_blob(stmt, 0);
		*len = sqlite3_column_bytes(stmt, 0);
		*value = calloc(1, *len + 1);
		if (*value && *len)
			memcpy(*value, data, *len);
		got = *value ? 0 : db_refuse(s, -ENOMEM, "no memory for a value");
	}
	return db_end(stmt, got);
}

/** db_fleet_text_next - the first key that is kept between two; 1, there is one, 0 or -errno */
int db_fleet_text_next(struct store *s, const char *from, const char *to, char key[STORE_KEY_LEN])
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_TEXT_NEXT, "tt", from, to);
	char next[STORE_KEY_LEN] = "";
	int got = db_step(s, stmt);

	if (got == 1)
		db_text(stmt, 0, next, sizeof(next));
	db_end(stmt, 0);
	memcpy(key, next, sizeof(next));
	return got;
}

/**
 * store_fleet_text - a text that the fleet shares
 * @s: the registry
 * @key: all/policy/...
 * @text: free(); NULL, there is none. A NUL is behind it
 * @len: of @text
 * @revision: mod revision of it; 0, there is none; may be NULL
 *
 * Return: 0 or -errno.
 */
int store_fleet_text(struct store *s, const char *key, char **text, size_t *len, int64_t *revision)
{
	int err = db_fleet_text_get(s, key, text, len);

	if (!err && revision)
		err = store_fleet_revision(s, key, revision);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}
