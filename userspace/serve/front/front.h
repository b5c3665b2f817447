/* SPDX-License-Identifier: GPL-2.0 */
/* Within the front. */
#ifndef CORDON_FRONT_H
#define CORDON_FRONT_H

#include <event2/event.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "serve/common/serve.h"

#define FRONT_CONNECTIONS	2048	/* at a time */
#define FRONT_PER_PEER		256	/* at a time, of one address */
#define FRONT_WAITING		2048	/* requests that agent has not answered */
#define FRONT_ACCEPTS		16	/* one after the other, then those that are here have their turn */
#define FRONT_CUTS		8	/* connections that go when there are no descriptors for more */
#define FRONT_DEADLINE		10	/* seconds for a handshake and a request */
#define FRONT_STALL		60	/* seconds in which something of a download must arrive */
#define FRONT_RECORDS		100	/* of TLS that carry no data, of one connection */
#define FRONT_INPUT	65536	/* bytes over HTTP that came and that evhttp has not taken; more is no request */
#define FRONT_CHAIN		8192	/* bytes of a client's certificates */
#define FRONT_STATUS		64	/* connections at a time that ask for lists and statuses */
#define FRONT_STATUS_RATE	200	/* of their questions a second go to agent ... */
#define FRONT_STATUS_PER_PEER	50	/* ... and of one address, or of those that share a place among ... */
#define FRONT_STATUS_PEERS	256	/* ... so many */
#define FRONT_DOWNLOADS		512	/* at a time */
#define FRONT_DOWNLOADS_PER_PEER 4 /* at a time, of one address */

struct front;

/**
 * struct conn - a connection of a device, whatever it speaks
 * @link: from the oldest to the newest
 * @front: whose
 * @deadline: when it has had its time, the connection is cut
 * @ssl: the connection; it holds this
 * @bev: over HTTPS, what evhttp knows it by
 * @fd: its socket, once it is known
 * @records: of TLS that came and carry no data
 * @ifindex: interface through which it came, or 0
 * @peer: address, IPv4 as mapped
 * @page: what evhttp answers by itself is to be put in our words; NULL, nothing so far
 * @busy: agent is at its request
 * @up: its handshake is done
 * @spoke: over HTTPS something came that is no whole request yet
 * @served: there was a request
 * @answering: the answer that is being written is ours
 * @blamed: what is wrong with it is counted
 * @streaming: an artifact is on its way
 * @taken: bytes that the other end had taken at the last look
 */
struct conn {
	TAILQ_ENTRY(conn) link;
	struct front *front;
	struct event *deadline;
	SSL *ssl;
	struct bufferevent *bev;
	int fd;
	unsigned int records;
	uint32_t ifindex;
	uint8_t peer[16];
	struct event *page;
	bool busy;
	bool up;
	bool spoke;
	bool served;
	bool answering;
	bool blamed;
	bool streaming;
	uint64_t taken;
};

/**
 * struct waiting - a request that agent has not answered yet
 * @id: of the request; 0, free
 * @done: what to do with the answer
 * @arg: whose it is; NULL, gone meanwhile
 */
struct waiting {
	uint64_t id;
	void (*done)(struct front *f, void *arg, const struct serve_reply *r);
	void *arg;
};

/**
 * struct crl - a revocation list, of which there is one copy for all who fetch it
 * @users: answers that it is in, and the front while it is the newest
 * @number: of the list
 * @len: of @der
 * @der: the list
 */
struct crl {
	size_t users;
	uint64_t number;
	size_t len;
	uint8_t der[];
};

/**
 * struct staple - the status of the server's own certificate, as it goes along with it
 * @serial: of that certificate
 * @until: when it is of no use any more, seconds by a clock that nobody sets back
 * @der: an OCSPResponse; NULL, there is none
 * @len: of @der
 * @timer: when to ask again
 * @asking: agent is asked, and has not answered
 */
struct staple {
	uint8_t serial[PKI_SERIAL_LEN];
	time_t until;
	uint8_t *der;
	size_t len;
	struct event *timer;
	struct waiting *asking;
};

TAILQ_HEAD(askers, asker);
TAILQ_HEAD(conns, conn);
TAILQ_HEAD(downloads, download);

/**
 * struct front - the process that holds the sockets
 * @config: what held at the start
 * @counters: shared
 * @agent: pipes
 * @base: the event loop
 * @listeners: of all services
 * @n_listeners: how many
 * @first: of them, that accepts first
 * @accepted: connections since the others had their turn
 * @resume: lets more come
 * @http: EST and check-in over HTTPS
 * @tls: for every connection
 * @ca: without its key
 * @cacerts: body of an answer
 * @cacerts_len: of @cacerts
 * @crl: the newest that agent has sent; NULL, none yet
 * @to_agent: pipe
 * @from_agent: pipe
 * @conns: that are open
 * @n_conns: how many
 * @artifacts: directory, or -1
 * @downloads: that are on their way
 * @n_downloads: how many
 * @waiting: requests that agent has
 * @last_id: of a request
 * @server_key: of the certificate that is asked for
 * @renew: timer of the server's certificate
 * @manager: whom to tell that all is well
 * @beat: timer of that
 * @beating: agent is asked, and has not answered
 * @status: what the process ends with
 * @staple: status of the server's own certificate
 * @status_http: HTTP for lists and statuses; NULL, it is off
 * @askers: its connections, from the oldest to the newest
 * @n_askers: how many
 * @asked: how often agent was asked for them
 * @asked_by: likewise, by addresses
 * @seed: where an address is in @asked_by
 * @sweep: timer of their ends
 * @shown: certificate of the connection that conn_certificate() looked at last, DER
 * @chain: what came behind it, where it is a manufacturer's
 * @fleet: other gateways' issuing certificates; NULL, none were read
 * @fleet_dir: where they are; -1, there is no fleet
 * @fleet_seen: their file, as it was looked at last
 * @fleet_look: timer of that
 * @named: whose certificates clients are asked for, but @fleet's
 */
struct front {
	struct serve_config *config;
	struct serve_counters *counters;
	struct priv_channel *agent;
	struct event_base *base;
	struct evconnlistener *listeners[3 * SERVE_LISTEN_MAX];
	size_t n_listeners;
	size_t first;
	unsigned int accepted;
	struct event *resume;
	struct evhttp *http;
	SSL_CTX *tls;
	struct pki_ca ca;
	char *cacerts;
	size_t cacerts_len;
	struct crl *crl;
	struct bufferevent *to_agent;
	struct bufferevent *from_agent;
	struct conns conns;
	size_t n_conns;
	int artifacts;
	struct downloads downloads;
	size_t n_downloads;
	struct waiting waiting[FRONT_WAITING];
	uint64_t last_id;
	EVP_PKEY *server_key;
	struct event *renew;
	const struct serve_manager *manager;
	struct event *beat;
	bool beating;
	int status;
	struct staple staple;
	struct evhttp *status_http;
	struct askers askers;
	size_t n_askers;
	struct serve_bucket asked;
	struct serve_bucket asked_by[FRONT_STATUS_PEERS];
	uint64_t seed;
	struct event *sweep;
	uint8_t shown[PKI_CERT_MAX];
	uint8_t chain[SERVE_CHAIN_MAX];
	struct pki_fleet *fleet;
	int fleet_dir;
	struct stat fleet_seen;
	struct event *fleet_look;
	STACK_OF(X509_NAME) *named;
};

/* conn.c */
SSL_CTX *conn_tls_new(struct front *f);
struct conn *conn_new(struct front *f);
struct bufferevent *conn_bufferevent(struct conn *c);
struct conn *conn_of(struct bufferevent *bev);
void conn_admit(struct conn *c, int fd);
void conn_extend(struct conn *c);
void conn_spare(struct front *f, unsigned int n);
void conn_stream(struct conn *c, bool on);
void conn_cut(struct conn *c);
void conn_starve(struct conn *c, enum serve_refused reason, const char *why);
bool conn_from_loopback(const struct conn *c);
const char *conn_text(const struct conn *c, char text[INET6_ADDRSTRLEN]);
int conn_certificate(struct conn *c, struct serve_request *q, char why[SERVE_TEXT_LEN]);
bool conn_vendor(struct conn *c, struct serve_request *q);
void conn_refused(struct conn *c, enum serve_refused reason, const char *device, const char *why);

/* front.c */
struct waiting *front_ask(struct front *f, struct serve_request *q,
			  void (*done)(struct front *f, void *arg, const struct serve_reply *r), void *arg);
void front_tell(struct front *f, struct serve_request *q);
void front_accepted(struct front *f);
int front_server_key(struct front *f, uint8_t **csr, size_t *len);
int front_server_cert(struct front *f, const struct serve_reply *r);

/* told.c */
void front_certificate_told(struct front *f);
void front_reload_ask(struct front *f);
/* issuers.c */
void front_name_issuers(struct front *f);

/* fleet.c */
int front_fleet_begin(struct front *f);

/* http.c */
int http_start(struct front *f);

/* crl.c */
void crl_sent(const void *body, size_t len, void *arg);
void crl_keep(struct front *f, const struct serve_reply *r);

/* status.c */
int status_start(struct front *f);

/* staple.c */
int staple_start(struct front *f);
void staple_renew(struct front *f);

/* page.c */
bool page_watch(struct conn *c);

/* visit.c */
void visit_accept(struct front *f, int fd);

#endif
