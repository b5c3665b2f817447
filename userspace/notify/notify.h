/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that are run for an alert.
 *
 *	n = notify_new(&config, stderr);
 *	an episode begins: notify_begin(n, &facts, ms)	the programs that are meant run, once
 *	it is over:        notify_end(n, &facts, ms)	those that ran do so once more
 *	poll(): notify_poll()'s descriptors, for at most notify_tick()'s time; then notify_tick() again
 *	notify_free(n)
 *
 * No function waits for a program. Clocks: @now goes on evenly, in ms; facts have the time of day. SIGCHLD must not be
 * ignored, and the caller reaps no children that are not its own.
 */
#ifndef CORDON_NOTIFY_H
#define CORDON_NOTIFY_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#define NOTIFY_RULES	16
#define NOTIFY_WORDS	32	/* of a command, its program included */
#define NOTIFY_RUNNING	4	/* programs at a time */
#define NOTIFY_OPEN	4096	/* episodes that are told apart */
#define NOTIFY_QUEUE	256	/* runs that wait because an episode has begun */
#define NOTIFY_BURST	10	/* runs of one program at once ... */
#define NOTIFY_EVERY	6000	/* ... and then one in so many ms */
#define NOTIFY_TIMEOUT	30	/* seconds that a program may take */
#define NOTIFY_GRACE	2000	/* ms between SIGTERM and SIGKILL */
#define NOTIFY_USER	"nobody"

/**
 * struct notify_rule - a program, and what it is run for
 * @argv: NULL-terminated
 * @kinds: a bit for each enum cordon_kind
 * @states: a bit for each enum cordon_state
 * @uid: whose it runs as, where the caller is root
 * @gid: likewise
 * @timeout: seconds
 */
struct notify_rule {
	char *argv[NOTIFY_WORDS + 1];
	uint32_t kinds;
	uint32_t states;
	uid_t uid;
	gid_t gid;
	uint32_t timeout;
};

/** struct notify_config - `notify:` */
struct notify_config {
	struct notify_rule rules[NOTIFY_RULES];
	size_t n;
};

/**
 * struct notify_facts - an alert; a text that is NULL or empty is not known, and none of them is trusted
 * @is_state: it is about a device's state; else about an anomaly
 * @what: enum cordon_state, or enum cordon_kind
 * @mac: with @what the key by which alerts are the same; zeros: not known
 * @device: name; of an unknown one, none
 * @segment: that it is in
 * @source: as the others, of the first anomaly
 * @destination: to
 * @service: as in "tcp/443"
 * @server: name that TLS was asked for
 * @interface: where it came in
 * @action: what the limit did
 * @why: for a state
 * @many: of devices that are not told apart: @what alone is the key, and @mac the first one's
 * @denied: the packet was
 * @count: anomalies so far
 * @first: seconds since 1970
 * @last: likewise
 */
struct notify_facts {
	bool is_state;
	uint32_t what;
	uint8_t mac[6];
	const char *device;
	const char *segment;
	const char *source;
	const char *destination;
	const char *service;
	const char *server;
	const char *interface;
	const char *action;
	const char *why;
	bool many;
	bool denied;
	uint64_t count;
	time_t first;
	time_t last;
};

struct notify;
struct loader;
struct yaml_node;

/* config.c */
void notify_config_load(struct loader *l, const struct yaml_node *list, struct notify_config *out);
void notify_config_free(struct notify_config *c);

/* episode.c */
struct notify *notify_new(struct notify_config *c, FILE *log);
void notify_free(struct notify *n);
void notify_begin(struct notify *n, const struct notify_facts *f, int64_t now);
void notify_known(struct notify *n, const struct notify_facts *f);
void notify_end(struct notify *n, const struct notify_facts *f, int64_t now);
size_t notify_poll(const struct notify *n, struct pollfd fds[NOTIFY_RUNNING]);
int64_t notify_tick(struct notify *n, int64_t now);

#endif
