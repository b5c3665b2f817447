/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `cordonctl watch` writes. All that is kept in memory is also in the databases: after a failure it is forgotten
 * and read anew, and so is it after a kill. Counters of the kernel and what was made of them are in one transaction.
 */
#ifndef CORDON_HISTORY_WRITER_H
#define CORDON_HISTORY_WRITER_H

#include "history/history.h"
#include "nl/nl.h"
#include "notify/notify.h"

#define HISTORY_COUNTS		6	/* rx_packets, rx_bytes, tx_packets, tx_bytes, denied, anomalies */
#define HISTORY_STATEMENTS	192	/* that are kept prepared; there are about 100, and one more than this would fail */
#define HISTORY_ROLL		900	/* seconds between two times that hours are made of minutes */
#define HISTORY_WHY_LEN		192
#define HISTORY_BOOT_LEN	96
#define HISTORY_MODULE_LEN	32
#define HISTORY_UNLISTED	1024	/* devices that no policy lists and that have a history of their own */
#define HISTORY_UNLISTED_KEPT	HISTORY_HOURS_KEPT
#define HISTORY_STATES_KEPT	1000	/* kept of a device */
#define HISTORY_PRUNED		20000	/* rows of a table that are pruned at a time */
#define HISTORY_PRUNED_DEVICES	100	/* devices whose rows are pruned at a time */
#define HISTORY_SELF		256	/* addresses of the gateway that are known */
#define HISTORY_CHANGES		65536	/* bytes of an applied policy's changes */
#define HISTORY_NOBODY		0	/* device of what devices without a row of their own did */

/**
 * struct history_device - a device that is tracked
 * @mac: its
 * @id: of its row; HISTORY_NOBODY, it has none
 * @live: of its row in live.now
 * @seen: by the sample that is taken, or was last
 * @listed: by the policy
 * @counted: @now was set by a sample
 * @restarted: a counter had started again, and no row says so yet
 * @now: its counters as sampled last
 * @base: those of them that minutes have
 * @owed: what minutes do not have of counters that started again since
 * @kinds: its anomalies as sampled last
 * @kinds_base: those of them that episodes have
 * @told: by kind, begun episodes that already count the event which began them
 * @known: @state and @effective are
 * @state: enum cordon_state
 * @name: its
 * @segment: where the policy has it
 * @effective: where it is
 * @since: when its state began; 0, not known
 * @why: it is in that state; or empty
 * @first: it was seen first
 * @last: it was seen last, where no policy lists it
 * @lease_until: 0, no lease
 * @learning: until then its destinations are learned; 0
 * @acted: kind of the last anomaly that quarantined it; CORDON_KINDS, none since the state began
 * @acted_at: when
 * @written: hash of its row in live.now; 0, it is to be written
 * @written_kinds: likewise of those in live.now_anomaly
 */
struct history_device {
	u8 mac[6];
	bool seen;
	bool listed;
	bool counted;
	bool restarted;
	bool known;
	u32 state;
	int64_t id;
	int64_t live;
	u64 now[HISTORY_COUNTS];
	u64 base[HISTORY_COUNTS];
	u64 owed[HISTORY_COUNTS];
	u64 kinds[CORDON_KINDS];
	u64 kinds_base[CORDON_KINDS];
	u32 told[CORDON_KINDS];
	char name[CORDON_DEVICE_NAME_LEN];
	char segment[CORDON_NAME_LEN];
	char effective[CORDON_NAME_LEN];
	char why[HISTORY_WHY_LEN];
	time_t since;
	time_t first;
	time_t last;
	time_t lease_until;
	time_t learning;
	u32 acted;
	time_t acted_at;
	uint64_t written;
	uint64_t written_kinds;
};

/** enum history_event - what is told of */
enum history_event {
	HISTORY_EPISODE,	/* one begins */
	HISTORY_EPISODE_OVER,
	HISTORY_STATE,		/* a device came into a state */
	HISTORY_STATE_OVER,
	HISTORY_KNOWN,		/* an episode or a state that is not over, and began before the writer did */
};

/**
 * struct history_writer - the one that writes
 * @h: the databases
 * @boot: which boot, and which load of the module
 * @module: version of the module; or empty
 * @open: in a transaction
 * @begun: when that began
 * @failed: a statement of it did; @h.error says why
 * @fresh: history.db was empty: what was counted before is nobody's history
 * @swept: what the databases say of counters of devices that are gone was removed
 * @cache: prepared statements, by the address of their text
 * @n_cache: how many
 * @tree: devices by MAC, of search.h
 * @list: them
 * @n: how many
 * @room: of @list
 * @unlisted: rows of devices that no policy lists
 * @next_live: the next row of live.now for a device without one in history.db; negative
 * @minute: that counters go to, in seconds since 1970
 * @pruned: how many devices were pruned: the next one is @list's at that place, modulo @n
 * @rolled: hours have all minutes that ended before this, in seconds since 1970
 * @quiet: episodes whose last anomaly is before this are over, and that was told
 * @policy: in force; or NULL
 * @sealed: the same, for look-ups; or NULL
 * @self: addresses of the gateway
 * @n_self: how many
 * @audit: the audit log; NULL, the system's
 * @news: told what happens; or NULL
 * @arg: for @news
 */
struct history_writer {
	struct history h;
	char boot[HISTORY_BOOT_LEN];
	char module[HISTORY_MODULE_LEN];
	bool open;
	time_t begun;
	bool failed;
	bool fresh;
	bool swept;
	struct history_statement {
		const char *sql;
		struct sqlite3_stmt *stmt;
	} cache[HISTORY_STATEMENTS];
	unsigned int n_cache;
	void *tree;
	struct history_device **list;
	size_t n, room;
	unsigned int unlisted;
	int64_t next_live;
	time_t minute;
	time_t rolled;
	size_t pruned;
	time_t quiet;
	struct policy *policy;
	struct cordon_policy *sealed;
	struct cordon_addr self[HISTORY_SELF];
	u32 n_self;
	const char *audit;
	void (*news)(enum history_event event, const struct notify_facts *facts, void *arg);
	void *arg;
};

/* sql.c */
int history_begin(struct history_writer *w, time_t now);
int history_commit(struct history_writer *w);
int history_run(struct history_writer *w, const char *sql, const char *types, ...);
int history_get(struct history_writer *w, int64_t *out, const char *sql, const char *types, ...);
struct sqlite3_stmt *history_query(struct history_writer *w, const char *sql, const char *types, ...);
void history_copy(struct sqlite3_stmt *stmt, int column, char *out, size_t size);

/* writer.c */
int history_writer_open(struct history_writer *w, const char *dir, const char *live_dir, const char *boot, time_t now);
void history_writer_close(struct history_writer *w);
void history_forget(struct history_writer *w);

/* tracked.c */
struct history_device *history_find(const struct history_writer *w, const u8 mac[6]);
struct history_device *history_track(struct history_writer *w, const struct cnl_device *d, time_t now);
struct history_device *history_named(const struct history_writer *w, const char *name);
void history_untrack(struct history_writer *w, struct history_device *t);

/* sample.c */
void history_sample_begin(struct history_writer *w, time_t now);
int history_sample_device(struct history_writer *w, const struct cnl_device *d, time_t now);
int history_sample_end(struct history_writer *w, bool all, time_t now);

/* now.c */
void history_now_put(struct history_writer *w, struct history_device *t, const struct cnl_device *d);

/* live.c */
void history_meta(struct history_writer *w, const struct cnl_summary *s, time_t now);
void history_meta_down(struct history_writer *w, time_t now);
void history_interfaces(struct history_writer *w, const struct cnl_interfaces *all);
void history_bindings(struct history_writer *w, const struct cnl_bindings *all, time_t now);
void history_segments_begin(struct history_writer *w);
int history_segment(const struct cnl_segment *s, void *arg);	/* arg: the writer */
void history_segments_end(struct history_writer *w);
void history_rules(struct history_writer *w);
void history_rules_used(struct history_writer *w, const struct cnl_rule_use *use, u32 n, time_t now);

/* minute.c */
int history_minute(struct history_writer *w, time_t now);
int history_roll(struct history_writer *w, time_t now);
void history_minute_device(struct history_writer *w, struct history_device *t, time_t now);
void history_base_put(struct history_writer *w, struct history_device *t);
void history_base_drop(struct history_writer *w, struct history_device *t);
void history_boot(struct history_writer *w, const char *boot, time_t now);

/* prune.c */
void history_prune(struct history_writer *w, time_t now);

/* episode.c */
void history_anomaly(struct history_writer *w, const struct cnl_event *e, time_t now);
void history_episode_count(struct history_writer *w, struct history_device *t, time_t now);
void history_episodes_known(struct history_writer *w);
void history_episodes_end(struct history_writer *w, time_t now);
int history_acknowledge(struct history_writer *w, int64_t id, const char *who, time_t now);

/* denial.c */
void history_denial(struct history_writer *w, const struct history_device *t, const struct cnl_event *e, time_t now);
void history_segment_of(struct history_writer *w, const struct cordon_addr *addr, char out[CORDON_NAME_LEN]);
void history_self(struct history_writer *w);

/* state.c */
void history_state(struct history_writer *w, struct history_device *t, const struct cnl_device *d, time_t now);
void history_state_known(struct history_writer *w, const struct history_device *t);
void history_state_because(struct history_writer *w, struct history_device *t, u32 kind, time_t now);

/* applied.c: take over @p */
void history_policy_put(struct history_writer *w, struct policy *p);
void history_applied(struct history_writer *w, struct policy *p, const struct cnl_summary *s, time_t now);

/* who.c */
#define HISTORY_WHO_LEN	64
bool history_who(const struct history_writer *w, const char *const *words, time_t now, char out[HISTORY_WHO_LEN]);

/* registry.c */
void history_registry(struct history_writer *w, const char *path, const char *ca, time_t now);

#endif
