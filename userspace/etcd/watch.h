/* SPDX-License-Identifier: GPL-2.0 */
/* A watch, for the two files that it is made of. */
#ifndef CORDON_ETCD_WATCH_H
#define CORDON_ETCD_WATCH_H

#include "etcd/internal.h"

enum watch_state { WAIT, CHECK, OPENING, OPEN, ENDED };

/**
 * struct etcd_watch - a watch
 * @transfer: its stream
 * @entry: among the client's
 * @e: whose
 * @under: prefix
 * @at: all up to here is known, and was told
 * @next: likewise, with the events of a revision of which more follows
 * @part: events of @next's revision
 * @skip: events of it that this stream tells again
 * @last: revision of this stream's last event
 * @id: this stream's
 * @ops: whom it calls
 * @arg: for @ops
 * @state: what it does
 * @call: for CHECK, and a pulse
 * @timer: ends WAIT, and what takes too long
 * @body: of the request
 * @stream: of the answer
 * @fails: in a row
 * @opened: when, ms
 * @doomed: our revision is gone; only how much is gone is not known yet
 * @told: it is lost, and its owner knows
 * @end: it ends with these news
 * @ends: it does
 * @end_revision: for @end
 * @why: a sentence
 * @dead: it was freed; it calls nobody any more
 */
struct etcd_watch {
	struct transfer transfer;
	LIST_ENTRY(etcd_watch) entry;
	struct etcd *e;
	char under[ETCD_KEY_MAX];
	struct etcd_position at;
	struct etcd_position next;
	size_t part;
	size_t skip;
	int64_t last;
	int64_t id;
	struct etcd_watch_ops ops;
	void *arg;
	enum watch_state state;
	struct etcd_call *call;
	struct event *timer;
	char *body;
	struct stream stream;
	unsigned int fails;
	int64_t opened;
	bool doomed;
	bool told;
	enum etcd_watch_news end;
	bool ends;
	int64_t end_revision;
	char why[ETCD_WHY];
	bool dead;
};

/* watch.c */
void watch_timer(struct etcd_watch *w, int64_t ms);
void watch_tell(struct etcd_watch *w, enum etcd_watch_news what, int64_t revision, const char *why);
bool watch_end(struct etcd_watch *w, enum etcd_watch_news what, int64_t revision);
int64_t watch_pulse(const struct etcd_watch *w);

/* message.c */
bool watch_message(json_t *object, void *arg);

#endif
