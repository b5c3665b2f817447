/* SPDX-License-Identifier: GPL-2.0 */
/* Events of the kernel as text, and as entries of the system's journal. */
#ifndef CORDON_EVENT_H
#define CORDON_EVENT_H

#include <stdio.h>

#include "nl/nl.h"

#define EVENT_TEXT_LEN		768
#define EVENT_SERVICE_LEN	96
#define EVENT_TLS_LEN		16

/* text.c */
const char *event_tls_text(u32 version, char out[EVENT_TLS_LEN]);
const char *event_service_text(u32 protocol, u32 port, char out[EVENT_SERVICE_LEN]);
const char *event_binding_text(const struct cnl_binding *b, char out[EVENT_TEXT_LEN]);
const char *event_anomaly_text(const struct cnl_event *e, char out[EVENT_TEXT_LEN]);

/* journal.c: entries for the journal of systemd. */
#define JOURNAL_SOCKET	"/run/systemd/journal/socket"

/* MESSAGE_ID: each means the same in every version; cordonctl(8) lists them. */
#define JOURNAL_QUARANTINED	"be92d26f971b40518ecc33114381f2bd"
#define JOURNAL_STATE		"eaedf5f13eff43a5b83ab3459b343538"
#define JOURNAL_ANOMALY		"cd2e0bb9c34440bba6efdc50226577fa"
#define JOURNAL_MORE		"673e3761685a42feb71d577207aca355"
#define JOURNAL_POLICY		"b29b76f640f346dcaae98b3a070b72d2"
#define JOURNAL_LOST		"737e1b04ec3d42f590b3e272b77eccaf"
#define JOURNAL_BINDING		"60dd7f60a6674b738a2239fa9f560b34"
#define JOURNAL_FINDING		"255fc8fe3b9c415cb592958a66ef23d0"

/**
 * struct journal - where entries go
 * @fd: a socket, or -1
 * @path: of the journal's
 * @plain: gets a line instead where there is no journal
 * @waits: for a journal that has no room
 * @busy: it did not take the last entry in time, so that the next one does not wait
 * @lost: entries that it did not take
 */
struct journal {
	int fd;
	char path[108];
	FILE *plain;
	bool waits;
	bool busy;
	unsigned int lost;
};

/**
 * struct journal_entry - one, as it is put together
 * @len: of @bytes
 * @bytes: lines, FIELD=value
 * @message: where in @bytes the message begins
 */
struct journal_entry {
	size_t len;
	size_t message;
	char bytes[4096];
};

void journal_open(struct journal *j, const char *path, unsigned int wait_ms);
void journal_close(struct journal *j);
int journal_send(struct journal *j, const struct journal_entry *e);
__attribute__((format(printf, 4, 5)))
void journal_begin(struct journal_entry *e, int priority, const char *id, const char *fmt, ...);
__attribute__((format(printf, 3, 4)))
void journal_add(struct journal_entry *e, const char *field, const char *fmt, ...);

/* tally.c: how many entries there may be. */
#define TALLY_KEYS	1024	/* devices and kinds that are told apart at a time */
#define TALLY_TOLD	5	/* of each, in a window */
#define TALLY_WINDOW	60000	/* ms */

/** enum tally_what - what is counted, beside the kind of an anomaly */
enum tally_what { TALLY_ANOMALY, TALLY_LIMIT, TALLY_STATE, TALLY_BINDING };

/**
 * struct tally_key - what a count is of
 * @mac: of the device; zeros, one that the policy does not know
 * @what: enum tally_what
 * @kind: enum cordon_kind
 */
struct tally_key {
	u8 mac[6];
	u8 what;
	u8 kind;
};

/**
 * struct tally_count - one count
 * @key: of what
 * @name: of the device
 * @from: when its window began, in ms; a window ends TALLY_WINDOW later
 * @told: entries in it
 * @more: what was not told
 */
struct tally_count {
	struct tally_key key;
	char name[CORDON_DEVICE_NAME_LEN];
	int64_t from;
	u32 told;
	u64 more;
};

/**
 * struct tally - all counts
 * @list: the counts
 * @n: how many
 * @others: what would have needed more of them
 */
struct tally {
	struct tally_count list[TALLY_KEYS];
	u32 n;
	struct tally_count others;
};

struct tally_count *tally_find(struct tally *t, const struct tally_key *key, const char *name, int64_t now);
bool tally_may_tell(struct tally *t, struct tally_count *c);
int64_t tally_due(const struct tally *t, int64_t now);
int tally_end(struct tally *t, int64_t now, bool all, int (*more)(const struct tally_count *c, int64_t ms, void *arg),
	      void *arg);

/* log.c: which events become entries. */
struct event_log;

struct event_log *event_log_new(const char *journal, unsigned int wait_ms);
void event_log_free(struct event_log *l, int64_t now);
void event_log_event(struct event_log *l, const struct cnl_event *e, int64_t now);
int event_log_seen(struct event_log *l, const struct cnl_device *d, int64_t now);
void event_log_looked(struct event_log *l, bool all);
int64_t event_log_tick(struct event_log *l, int64_t now);

#endif
