/* SPDX-License-Identifier: GPL-2.0 */
/* What happened, and how it is now: written by `cordonctl watch`, read by `history`, the page and the metrics. */
#ifndef CORDON_HISTORY_H
#define CORDON_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HISTORY_ERROR_LEN	256
#define HISTORY_DIR		"/var/lib/cordon-watch"
#define HISTORY_FILE		"history.db"
#define HISTORY_LIVE_DIR	"/run/cordon-watch"
#define HISTORY_LIVE_FILE	"live.db"
#define HISTORY_MINUTES_KEPT	(26 * 3600)	/* seconds that minutes are kept ... */
#define HISTORY_HOURS_KEPT	(32 * 86400)	/* ... hours ... */
#define HISTORY_DAYS_KEPT	(400 * 86400)	/* ... days, and all else that has a time */
#define HISTORY_QUIET		600	/* seconds without one more, and an episode is over */
#define HISTORY_DENIALS		50	/* kept of a device */
#define HISTORY_PEERS		100	/* kept of a device */
#define HISTORY_EPISODES_KEPT	200	/* of a device and kind */

struct sqlite3;

/**
 * struct history - the two databases, open
 * @db: SQLite's: history.db is "main", live.db is attached as "live"
 * @error: a sentence about what went wrong last
 */
struct history {
	struct sqlite3 *db;
	char error[HISTORY_ERROR_LEN];
};

/* schema.c. Every function returns 0, or -errno with a sentence in h->error. */
int history_create(struct history *h, const char *dir, const char *live_dir);
int history_open(struct history *h, const char *dir, const char *live_dir);	/* only to read */
void history_close(struct history *h);

#endif
