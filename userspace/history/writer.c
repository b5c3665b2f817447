// SPDX-License-Identifier: GPL-2.0
/* The writer begins, and ends. */
#include <errno.h>
#include <search.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "history/writer.h"
#include "lib/policy.h"

static int look(struct history_writer *w, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int ret = -EIO;

	if (!sqlite3_prepare_v2(w->h.db, sql, -1, &stmt, NULL) && sqlite3_step(stmt) == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		ret = 0;
	}
	sqlite3_finalize(stmt);
	return ret;
}

static int count_unlisted(struct history_writer *w)
{
	int64_t n = 0;
	int err = look(w, "SELECT count(*) FROM device WHERE segment = '' AND id <> 0", &n);

	if (!err)
		w->unlisted = n;
	return err;
}

/**
 * history_writer_open - open both databases to write them
 * @w: is filled; its audit, news and arg are the caller's, to be set after this
 * @dir: directory of history.db
 * @live_dir: directory of live.db
 * @boot: which boot, and which load of the module
 * @now: the time
 *
 * Return: 0, or -errno with a sentence in @w->h.error.
 */
int history_writer_open(struct history_writer *w, const char *dir, const char *live_dir, const char *boot, time_t now)
{
	int64_t devices = 0, last = 0, rolled = 0;
	int err;

	memset(w, 0, sizeof(*w));
	err = history_create(&w->h, dir, live_dir);
	if (err)
		return err;
	snprintf(w->boot, sizeof(w->boot), "%s", boot);
	w->minute = now / 60 * 60;
	w->next_live = -1;
	if (!look(w, "SELECT count(*) FROM device", &devices) && !look(w, "SELECT max(last) FROM device", &last) &&
	    !look(w, "SELECT max(at) FROM hour", &rolled) && !count_unlisted(w) &&
	    !sqlite3_exec(w->h.db, "PRAGMA temp_store = MEMORY; PRAGMA main.cache_size = -8192; PRAGMA live.cache_size = -16384;"
			  "CREATE TEMP TABLE kept(key PRIMARY KEY) WITHOUT ROWID", NULL, NULL, NULL)) {
		w->fresh = !devices;
		w->rolled = rolled;
		/* What was over when the last minute was written was told; what became so since then is yet to be. */
		w->quiet = (last && last < now ? last : now) - HISTORY_QUIET;
		return 0;
	}
	snprintf(w->h.error, sizeof(w->h.error), "%s/" HISTORY_FILE ": %s", dir, sqlite3_errmsg(w->h.db));
	history_writer_close(w);
	return -EIO;
}

static void keep(void *node)
{
	(void)node;
}

/**
 * history_forget - what is kept in memory of devices; the databases have it
 * @w: the writer
 */
void history_forget(struct history_writer *w)
{
	size_t i;

	tdestroy(w->tree, keep);
	w->tree = NULL;
	for (i = 0; i < w->n; i++)
		free(w->list[i]);
	w->n = 0;
	/* What was to be written of those that came, or went, may be lost. */
	w->swept = false;
	if (w->h.db)
		count_unlisted(w);
}

/**
 * history_writer_close - commit what is open, and let go of everything
 * @w: as history_writer_open() left it
 */
void history_writer_close(struct history_writer *w)
{
	unsigned int i;

	if (w->h.db) {
		history_commit(w);
		history_roll(w, w->minute);
	}
	history_forget(w);
	free(w->list);
	w->list = NULL;
	for (i = 0; i < w->n_cache; i++)
		sqlite3_finalize(w->cache[i].stmt);
	w->n_cache = 0;
	history_policy_put(w, NULL);
	history_close(&w->h);
}
