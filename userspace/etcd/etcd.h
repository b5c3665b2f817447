/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client of etcd's JSON gateway (v3), on an event loop: it never waits, and starts no thread.
 *
 *	e = etcd_new(base, &config, why, sizeof(why))
 *	etcd_get(), etcd_range(), etcd_txn(), ...	each calls back once, from the loop, with an answer
 *	etcd_list()					all keys below a prefix, in pages, at one revision
 *	etcd_watch_new()				what becomes of them after that revision
 *	etcd_free(e)					calls nobody back
 *
 * A key here has no prefix: the client puts the configured one before it, and takes it off. Keys are printable ASCII
 * without blanks. A callback may start calls and cancel them, and free lists and watches, but not the client.
 */
#ifndef CORDON_ETCD_H
#define CORDON_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct etcd;
struct etcd_call;
struct etcd_list;
struct etcd_watch;

#define ETCD_ENDPOINTS	16
#define ETCD_KEY_MAX	512	/* bytes of a key, its prefix included */
#define ETCD_OPS	128	/* compares, and operations, of a transaction: etcd's own limit */
#define ETCD_WHY	320	/* bytes that hold any sentence of this client */

/**
 * struct etcd_endpoint - a member
 * @url: https://HOST:PORT; http:// only where HOST is an address of this machine's loopback
 * @address: of HOST, where that is a name: names are not looked up, as that would wait. NULL, HOST is an address
 */
struct etcd_endpoint {
	const char *url;
	const char *address;
};

/**
 * struct etcd_config - 0 in a number is the default
 * @endpoints: members of one cluster
 * @n: of them, 1 to ETCD_ENDPOINTS
 * @ca: file of certificates that a member's must lead to; needed for https
 * @cert: file of our certificate, and its chain
 * @key: file of its private key
 * @prefix: of all keys, "cordon/"; not empty
 * @cluster: the cluster's id, if it is known; 0, the first answer tells
 * @rate: requests a second, 50
 * @burst: requests at once after a pause, 2 * @rate
 * @in_flight: requests that wait for their answer, 16
 * @queued: calls that wait for their turn, 256
 * @answer: bytes of an answer, and of one message of a watch, 8 MiB
 * @timeout: ms that a call may take, 5000
 * @pulse: ms, 15000: how often the member of a watch is asked whether it lives and has a leader
 * @backoff_min: ms, 200: bound of the wait after a first failure, doubled with each
 * @backoff_max: ms, 30000: and never above
 */
struct etcd_config {
	const struct etcd_endpoint *endpoints;
	size_t n;
	const char *ca;
	const char *cert;
	const char *key;
	const char *prefix;
	uint64_t cluster;
	unsigned int rate;
	unsigned int burst;
	unsigned int in_flight;
	unsigned int queued;
	size_t answer;
	unsigned int timeout;
	unsigned int pulse;
	unsigned int backoff_min;
	unsigned int backoff_max;
};

/**
 * enum etcd_result - what became of a call
 * @ETCD_OK: it was carried out; a transaction: one of its branches was
 * @ETCD_REFUSED: etcd says no, and would again
 * @ETCD_UNREACHABLE: no member answered as one that has a leader, and room for what is written
 * @ETCD_TIMED_OUT: no answer in time
 * @ETCD_COMPACTED: the revision that was asked for is gone: list anew
 * @ETCD_WENT_BACK: etcd knows less than it did: restored from a snapshot. All that follows is refused likewise
 * @ETCD_OTHER_CLUSTER: who answered is not of the cluster that answered before
 */
enum etcd_result {
	ETCD_OK,
	ETCD_REFUSED,
	ETCD_UNREACHABLE,
	ETCD_TIMED_OUT,
	ETCD_COMPACTED,
	ETCD_WENT_BACK,
	ETCD_OTHER_CLUSTER,
};

/**
 * struct etcd_kv - a key and what it holds
 * @key: without the prefix
 * @value: its bytes, with a NUL behind them that is not counted
 * @len: of @value
 * @create_revision: when it came
 * @mod_revision: when it changed last
 * @version: changes since it came, 1 for the first; 0, it was deleted
 * @lease: with which it goes; 0, none
 */
struct etcd_kv {
	char *key;
	uint8_t *value;
	size_t len;
	int64_t create_revision;
	int64_t mod_revision;
	int64_t version;
	int64_t lease;
};

/**
 * struct etcd_reply - what an operation of a transaction did
 * @kv: what a get found
 * @n: of @kv
 * @deleted: keys that a delete has deleted
 */
struct etcd_reply {
	struct etcd_kv *kv;
	size_t n;
	int64_t deleted;
};

/**
 * struct etcd_answer - of a call; valid until the callback returns
 * @result: see there; if it is not ETCD_OK, no field below @slow is set
 * @why: a sentence; empty, ETCD_OK
 * @unsure: a change was sent, and whether it was carried out is not known: read before you repeat it
 * @too_long: refused, as the answer would have more bytes than it may
 * @slow: no answer, but some of one had come when its time was over
 * @revision: etcd's when it answered
 * @cluster: the cluster's id
 * @kv: what a range found
 * @n: of @kv
 * @more: there is more behind the last of @kv
 * @succeeded: of a transaction: its compares held
 * @replies: of the branch that was carried out, in its order
 * @n_replies: of @replies
 * @lease: the lease's id
 * @ttl: seconds that the lease has; 0, there is none such any more
 * @version: of the member, for etcd_status()
 * @size: bytes of its store
 * @leader: it has one
 */
struct etcd_answer {
	enum etcd_result result;
	const char *why;
	bool unsure;
	bool too_long;
	bool slow;
	int64_t revision;
	uint64_t cluster;
	struct etcd_kv *kv;
	size_t n;
	bool more;
	bool succeeded;
	struct etcd_reply *replies;
	size_t n_replies;
	int64_t lease;
	int64_t ttl;
	char version[32];
	int64_t size;
	bool leader;
};

typedef void etcd_done(const struct etcd_answer *a, void *arg);

/**
 * struct etcd_range - keys in their order
 * @under: all that begin so, which may be ""; or with @one the one key
 * @one: no other than @under
 * @after: begin behind this key; NULL, with the first
 * @limit: so many at most; 0, all
 * @revision: as they were then; 0, as they are
 */
struct etcd_range {
	const char *under;
	bool one;
	const char *after;
	unsigned int limit;
	int64_t revision;
};

enum etcd_target { ETCD_VERSION, ETCD_CREATE, ETCD_MOD };

/**
 * struct etcd_compare - what must hold of a key; ETCD_CREATE is 0: it is not there
 * @key: the key
 * @target: what of it
 * @number: is this
 */
struct etcd_compare {
	const char *key;
	enum etcd_target target;
	int64_t number;
};

enum etcd_verb { ETCD_PUT, ETCD_GET, ETCD_DELETE };

/**
 * struct etcd_op - of a transaction
 * @verb: what it does
 * @key: to which key
 * @all: not for a put: to all keys that begin so
 * @value: to put
 * @len: of @value
 * @lease: with which what is put goes; 0, none
 */
struct etcd_op {
	enum etcd_verb verb;
	const char *key;
	bool all;
	const void *value;
	size_t len;
	int64_t lease;
};

/**
 * struct etcd_txn - if all compares hold, the first operations, else the others; all or none of them
 * @compares: all must hold; none does always
 * @n_compares: of them
 * @then: then these; no key is put twice
 * @n_then: of them
 * @otherwise: else these
 * @n_otherwise: of them
 */
struct etcd_txn {
	const struct etcd_compare *compares;
	size_t n_compares;
	const struct etcd_op *then;
	size_t n_then;
	const struct etcd_op *otherwise;
	size_t n_otherwise;
};

/**
 * enum etcd_watch_news - what is told of a watch
 * @ETCD_WATCH_OPEN: a member tells it what happens, of which the sentence is the URL
 * @ETCD_WATCH_LOST: none does; it goes on by itself, from where it was
 * @ETCD_WATCH_COMPACTED: over: events are gone; list anew
 * @ETCD_WATCH_WENT_BACK: over: etcd has another history than it had
 * @ETCD_WATCH_OTHER_CLUSTER: over: a member is of another cluster
 */
enum etcd_watch_news {
	ETCD_WATCH_OPEN,
	ETCD_WATCH_LOST,
	ETCD_WATCH_COMPACTED,
	ETCD_WATCH_WENT_BACK,
	ETCD_WATCH_OTHER_CLUSTER,
};

/**
 * struct etcd_event - a key was put or deleted
 * @deleted: it was; @kv has its name and the revision only
 * @kv: what it is now
 */
struct etcd_event {
	bool deleted;
	struct etcd_kv kv;
};

/**
 * struct etcd_position - where a watch is; what a program keeps with what it made of the events
 * @revision: all up to it is known
 * @witness: a key below the watch's prefix that had @mod_revision at @revision: by it another history is noticed, even
 *           one that has grown longer. Empty: none, and only one that is shorter is noticed
 * @mod_revision: of @witness; 0, it was not there
 */
struct etcd_position {
	int64_t revision;
	char witness[ETCD_KEY_MAX];
	int64_t mod_revision;
};

/**
 * struct etcd_watch_ops - whom a watch calls
 * @events: events in order, none twice. @through: all up to this revision is known now; 0, more of the last one's
 *          revision follows. @n may be 0: nothing happened up to @through
 * @news: see there. @revision: for ETCD_WATCH_COMPACTED the oldest that is left, 0 if it is not known
 */
struct etcd_watch_ops {
	void (*events)(const struct etcd_event *event, size_t n, int64_t through, void *arg);
	void (*news)(enum etcd_watch_news what, int64_t revision, const char *why, void *arg);
};

/* client.c */
struct etcd *etcd_new(struct event_base *base, const struct etcd_config *c, char *why, size_t size);
void etcd_free(struct etcd *e);
uint64_t etcd_cluster(const struct etcd *e);
void etcd_forget(struct etcd *e);
void etcd_pace(struct etcd *e, unsigned int backoff_min);
int64_t etcd_clock(const struct etcd *e);

/* request.c: NULL, it cannot even begin: -errno says so in errno. A timeout of 0 is the configured one. */
struct etcd_call *etcd_range(struct etcd *e, const struct etcd_range *r, unsigned int timeout, etcd_done *done,
			     void *arg);
struct etcd_call *etcd_get(struct etcd *e, const char *key, unsigned int timeout, etcd_done *done, void *arg);
struct etcd_call *etcd_txn(struct etcd *e, const struct etcd_txn *t, unsigned int timeout, etcd_done *done, void *arg);
struct etcd_call *etcd_lease_grant(struct etcd *e, int64_t ttl, unsigned int timeout, etcd_done *done, void *arg);
struct etcd_call *etcd_lease_keep(struct etcd *e, int64_t lease, unsigned int timeout, etcd_done *done, void *arg);
struct etcd_call *etcd_lease_revoke(struct etcd *e, int64_t lease, unsigned int timeout, etcd_done *done, void *arg);
struct etcd_call *etcd_status(struct etcd *e, unsigned int timeout, etcd_done *done, void *arg);

/* call.c */
void etcd_cancel(struct etcd_call *c);

/* list.c: page is called for each page, and done once, with the revision of them all and no keys. */
struct etcd_list *etcd_list(struct etcd *e, const char *under, unsigned int limit, etcd_done *page, etcd_done *done,
			    void *arg);
void etcd_list_free(struct etcd_list *l);

/* watch.c */
struct etcd_watch *etcd_watch_new(struct etcd *e, const char *under, const struct etcd_position *from,
				  const struct etcd_watch_ops *ops, void *arg);
void etcd_watch_free(struct etcd_watch *w);
const struct etcd_position *etcd_watch_position(const struct etcd_watch *w);

#endif
