/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of etcd share. */
#ifndef CORDON_ETCD_INTERNAL_H
#define CORDON_ETCD_INTERNAL_H

#include <curl/curl.h>
#include <event2/event.h>
#include <jansson.h>
#include <sys/queue.h>

#include "etcd/etcd.h"

/**
 * struct endpoint - a member, and how it did
 * @url: https://HOST:PORT
 * @resolve: for curl, the address of a name; NULL, it is one
 * @plain: http
 * @met: it has answered once
 * @fails: in a row
 * @until: it is left alone until then, ms
 */
struct endpoint {
	char *url;
	struct curl_slist *resolve;
	bool plain;
	bool met;
	unsigned int fails;
	int64_t until;
};

/**
 * struct transfer - a request on its way through curl
 * @e: whose
 * @easy: NULL, there is none
 * @at: the member that it went to
 * @body: JSON; the owner's
 * @len: of @body
 * @read: what of @body curl took
 * @sent: some of @body was taken, ever: it may have arrived
 * @once: @body is never sent a second time
 * @error: curl's words
 * @take: bytes of the answer; false ends the transfer. From within curl: no transfer may begin or end in there
 * @done: it is over, @easy is NULL; status: HTTP's, 0, there was none
 */
struct transfer {
	struct etcd *e;
	CURL *easy;
	struct endpoint *at;
	const char *body;
	size_t len;
	size_t read;
	bool sent;
	bool once;
	char error[CURL_ERROR_SIZE];
	bool (*take)(struct transfer *t, const char *data, size_t len);
	void (*done)(struct transfer *t, CURLcode code, long status);
};

/**
 * struct blob - a file's bytes
 * @data: the bytes
 * @len: of @data
 */
struct blob {
	char *data;
	size_t len;
};

TAILQ_HEAD(call_list, etcd_call);
LIST_HEAD(watch_list, etcd_watch);
LIST_HEAD(list_list, etcd_list);

/**
 * struct etcd - a client
 * @base: whose loop
 * @multi: curl's
 * @timer: curl's
 * @pump: starts what waits, and ends what is over
 * @headers: of each request
 * @ca: see struct etcd_config, as the numbers below
 * @cert: likewise
 * @key: likewise; erased at the end
 * @endpoints: the members
 * @n: of them
 * @current: the one that did well last
 * @prefix: of all keys
 * @cluster: 0, not yet known
 * @seen: the highest revision that any answer of the whole cluster had
 * @ahead: seconds that our clock was ahead of the last member that answered
 * @has_clock: one has
 * @tokens: requests that may begin now
 * @filled: when @tokens were counted, ms
 * @waiting: calls that wait
 * @running: calls on their way
 * @n_waiting: of them
 * @n_running: likewise
 * @watches: all of them
 * @lists: all of them
 */
struct etcd {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct event *pump;
	struct curl_slist *headers;
	struct blob ca;
	struct blob cert;
	struct blob key;
	struct endpoint endpoints[ETCD_ENDPOINTS];
	size_t n;
	size_t current;
	char *prefix;
	uint64_t cluster;
	int64_t seen;
	unsigned int rate;
	unsigned int burst;
	unsigned int in_flight;
	unsigned int queued;
	size_t answer;
	unsigned int timeout;
	unsigned int pulse;
	unsigned int backoff_min;
	unsigned int backoff_max;
	int64_t ahead;
	bool has_clock;
	double tokens;
	int64_t filled;
	struct call_list waiting;
	struct call_list running;
	unsigned int n_waiting;
	unsigned int n_running;
	struct watch_list watches;
	struct list_list lists;
};

/**
 * struct stream - JSON objects one after the other, cut anywhere
 * @buf: what has come of the next one
 * @len: of @buf
 * @size: of the memory
 * @max: bytes of one object
 * @depth: of braces and brackets
 * @in_text: within quotes
 * @escaped: after a backslash
 */
struct stream {
	char *buf;
	size_t len;
	size_t size;
	size_t max;
	unsigned int depth;
	bool in_text;
	bool escaped;
};

/**
 * struct header - of each answer
 * @cluster: id
 * @revision: 0, it says none
 */
struct header {
	uint64_t cluster;
	int64_t revision;
};

typedef bool call_parse(struct etcd *e, const json_t *root, struct etcd_answer *a);

/* client.c */
int64_t now_ms(void);
void pump_soon(struct etcd *e);

/* endpoint.c */
int endpoint_add(struct etcd *e, const struct etcd_endpoint *c, char *why, size_t size);
void endpoint_free(struct endpoint *at);
struct endpoint *endpoint_pick(struct etcd *e, int64_t now);
int64_t endpoint_next(const struct etcd *e);
void endpoint_good(struct endpoint *at);
void endpoint_bad(struct etcd *e, struct endpoint *at);
unsigned int backoff(const struct etcd *e, unsigned int fails);

/* loop.c */
int loop_init(struct etcd *e);
void loop_exit(struct etcd *e);
int transfer_start(struct transfer *t, struct endpoint *at, const char *path, long timeout);
void transfer_why(const struct transfer *t, CURLcode code, char *why, size_t size);
void transfer_stop(struct transfer *t);

/* call.c */
struct etcd_call *call_new(struct etcd *e, const char *path, json_t *body, bool writes, unsigned int timeout,
			   call_parse *parse, etcd_done *done, void *arg);
void call_pin(struct etcd_call *c, struct endpoint *at);
void call_pump(struct etcd *e, int64_t now);
int64_t call_next(const struct etcd *e, int64_t now);
void call_free_all(struct etcd *e);
bool bucket_take(struct etcd *e, int64_t now);

/* json.c */
bool json_i64(const json_t *object, const char *name, int64_t *out);
bool json_u64(const json_t *object, const char *name, uint64_t *out);
bool json_flag(const json_t *object, const char *name, bool *out);
bool json_header(const json_t *object, struct header *out);
bool json_kv(const struct etcd *e, const json_t *object, struct etcd_kv *out);
bool json_kvs(const struct etcd *e, const json_t *object, struct etcd_kv **out, size_t *n);
void kv_free(struct etcd_kv *kv, size_t n);
bool json_fault(const json_t *root, int64_t *code, char *why, size_t size);
json_t *json_bytes(const void *data, size_t len);
json_t *json_key(const struct etcd *e, const char *key, const char *more, size_t len);
json_t *json_key_end(const struct etcd *e, const char *under);
json_t *json_number(int64_t n);
bool key_valid(const struct etcd *e, const char *key, bool empty);

/* stream.c */
void stream_reset(struct stream *s);
void stream_free(struct stream *s);
int stream_keep(struct stream *s, const char *data, size_t len);
int stream_put(struct stream *s, const char *data, size_t len, bool (*each)(json_t *object, void *arg), void *arg);

/* request.c */
void answer_free(struct etcd_answer *a);

/* watch.c, list.c */
void watch_free_all(struct etcd *e);
void list_free_all(struct etcd *e);

#endif
