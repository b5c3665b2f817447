/* SPDX-License-Identifier: GPL-2.0 */
/* Within page's process. */
#ifndef CORDON_WEB_H
#define CORDON_WEB_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "history/history.h"
#include "serve/common/serve.h"

#define WEB_CONNECTIONS		256	/* at a time */
#define WEB_PER_PEER		32	/* at a time, of one address */
#define WEB_ACCEPTS		16	/* one after the other, then those that are here have their turn */
#define WEB_DEADLINE		10	/* seconds for a handshake and the first request */
#define WEB_IDLE		30	/* seconds for the next one */
#define WEB_ANSWER		60	/* seconds to take an answer */
#define WEB_RECORDS		100	/* of TLS that carry no data, of one connection */
#define WEB_CHAIN		8192	/* bytes of a client's certificates */
#define WEB_HEADERS		8192	/* bytes of a request's headers, its line included */
#define WEB_BODY		4096	/* bytes of a form */
#define WEB_INPUT	65536	/* bytes that came and that evhttp has not taken; more is no request */
#define WEB_QUEUED		(32U << 20) /* bytes of answers that are not taken yet, and no more pages are made */
#define WEB_WAITING		64	/* requests that agent has not answered */
#define WEB_STREAMS		32	/* streams of events at a time ... */
#define WEB_STREAMS_PER_PEER	8	/* ... and of one address */
#define WEB_STREAM_LIFE		60	/* seconds, then the browser comes again, and is looked at anew */
#define WEB_HEARTBEAT		15	/* seconds without an event, and a comment is sent */
#define WEB_STREAM_BEHIND	65536	/* bytes that a stream's other end has not taken, and it is cut */
#define WEB_TOKEN_LEN		65	/* of forms, terminated */
#define WEB_KEY_LEN		32

struct web;

/**
 * struct web_conn - a connection
 * @link: from the oldest to the newest
 * @web: whose
 * @bev: whose reference keeps it until the next sweep, though evhttp is done with it
 * @ssl: of @bev; NULL, plain HTTP of the loopback, for metrics
 * @peer: address, IPv4 as mapped; all zero, not known yet
 * @until: when it has had its time, by serve_clock()
 * @records: of TLS that came and carry no data
 * @admitted: it was counted among those of its address
 * @up: its handshake is done
 * @asked: a request of it is being answered
 * @served: there was a request
 * @cut: it is on its way out
 * @blamed: what is wrong with it is counted
 * @answering: the answer that is being written is ours
 * @foreign: one of evhttp's own is in the buffer, and is to be replaced
 * @known: its certificate was looked at
 * @refused: what came of that: enum serve_refused, or -1
 * @why: a sentence, then
 * @serial: of the certificate
 * @fingerprint: of the certificate
 */
struct web_conn {
	TAILQ_ENTRY(web_conn) link;
	struct web *web;
	struct bufferevent *bev;
	SSL *ssl;
	uint8_t peer[16];
	time_t until;
	unsigned int records;
	bool admitted;
	bool up;
	bool asked;
	bool served;
	bool cut;
	bool blamed;
	bool answering;
	bool foreign;
	bool known;
	int refused;
	char why[PKI_ERROR_LEN];
	uint8_t serial[PKI_SERIAL_LEN];
	uint8_t fingerprint[PKI_FINGERPRINT_LEN];
};

/**
 * struct web_call - a request that agent is at
 * @web: whose
 * @req: the request; NULL, its connection is gone
 * @op: enum serve_op
 * @back: where the browser goes when an act is done
 */
struct web_call {
	struct web *web;
	struct evhttp_request *req;
	uint32_t op;
	char back[SERVE_TEXT_LEN];
};

/**
 * struct web_waiting - a question that agent has not answered yet
 * @id: of the question; 0, free
 * @done: what to do with the answer
 * @arg: for @done
 */
struct web_waiting {
	uint64_t id;
	void (*done)(struct web *w, void *arg, const struct serve_reply *r);
	void *arg;
};

TAILQ_HEAD(web_conns, web_conn);
TAILQ_HEAD(web_streams, web_stream);

/**
 * struct web - page's process
 * @config: what held at the start
 * @counters: shared
 * @agent: socket to it
 * @base: the event loop
 * @hear: agent says something
 * @http: the page
 * @metrics: metrics
 * @listeners: of both
 * @n_listeners: how many
 * @accepted: connections since the others had their turn
 * @resume: lets more come
 * @tls: for every connection of the page
 * @ca: without its key
 * @key: of the certificate that is asked for
 * @renew: timer of the server's certificate
 * @sweep: timer of connections' and streams' ends
 * @conns: that are open
 * @n_conns: how many
 * @streams: of events
 * @n_streams: how many
 * @waiting: questions that agent has
 * @last_id: of a question
 * @secret: what tokens of forms are made with, new at each start
 * @history: open where @history.db is not NULL
 * @live: the file that is open there
 * @status: what the process ends with
 */
struct web {
	struct serve_config *config;
	struct serve_counters *counters;
	int agent;
	struct event_base *base;
	struct event *hear;
	struct evhttp *http;
	struct evhttp *metrics;
	struct evconnlistener *listeners[2 * SERVE_LISTEN_MAX];
	size_t n_listeners;
	unsigned int accepted;
	struct event *resume;
	SSL_CTX *tls;
	struct pki_ca ca;
	EVP_PKEY *key;
	struct event *renew;
	struct event *sweep;
	struct web_conns conns;
	size_t n_conns;
	struct web_streams streams;
	size_t n_streams;
	struct web_waiting waiting[WEB_WAITING];
	uint64_t last_id;
	uint8_t secret[WEB_KEY_LEN];
	struct history history;
	struct stat live;
	int status;
};

/* agent.c */
bool web_ask(struct web *w, struct serve_request *q, void (*done)(struct web *w, void *arg, const struct serve_reply *r),
	     void *arg);
void web_hear(evutil_socket_t fd, short what, void *arg);

/* certificate.c */
int web_first_certificate(struct web *w);
void web_renew_certificate(struct web *w);

/* process.c */
void web_accepted(struct web *w);

/* conn.c */
SSL_CTX *web_tls_new(struct web *w);
struct bufferevent *web_conn_new(struct event_base *base, void *arg);
struct bufferevent *web_conn_plain(struct event_base *base, void *arg);
struct web_conn *web_conn_of(struct web *w, struct evhttp_request *req);
void web_conn_refused(struct web_conn *c, enum serve_refused reason, const char *why);
void web_conn_cut(struct web_conn *c);
bool web_is_full(const struct web *w);
bool web_conn_from_loopback(const struct web_conn *c);
void web_sweep(evutil_socket_t fd, short what, void *arg);

/* access.c */
bool web_host_is_ours(struct web *w, struct evhttp_request *req, bool plain);
int web_look_at_certificate(struct web_conn *c);
void web_token(const struct web *w, const char *operator, const uint8_t serial[PKI_SERIAL_LEN], char out[WEB_TOKEN_LEN]);
bool web_is_same_origin(struct evhttp_request *req);

/* http.c */
int web_http_start(struct web *w);
void web_answer(struct web_conn *c, struct evhttp_request *req, unsigned int status, const char *type, const void *body,
		size_t len);
void web_headers(struct evhttp_request *req, const char *type);
void web_refuse(struct web_conn *c, struct evhttp_request *req, unsigned int status, enum serve_refused reason,
		const char *why);
void web_say(struct web_conn *c, struct evhttp_request *req, unsigned int status, const char *why);
struct history *web_history(struct web *w);

/* errors.c */
bool web_watch_errors(struct web_conn *c);

/* act.c */
void web_act(struct web *w, struct web_conn *c, struct evhttp_request *req, const char *operator);

/* call.c */
bool web_call(struct web_conn *c, struct evhttp_request *req, struct serve_request *q, const char *back,
	      void (*done)(struct web *w, void *arg, const struct serve_reply *r));
struct evhttp_request *web_call_end(struct web_call *call);

/* metrics.c */
void web_metrics(struct evhttp_request *req, void *arg);

/* stream.c */
void web_stream_begin(struct web *w, struct web_conn *c, struct evhttp_request *req);
void web_streams_tick(struct web *w);

#endif
