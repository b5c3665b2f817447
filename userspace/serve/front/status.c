// SPDX-License-Identifier: GPL-2.0
/*
 * Revocation lists, issuers' certificates and the status of certificates, for anybody and over plain HTTP, as all of
 * them are signed (RFC 5280, 4.2.1.13 and 4.2.2.1; RFC 6960, appendix A). One request a connection.
 *
 *   GET …/ID.crl, …/ID.cer   of the issuer with this subject key identifier, or of the present one: ID is issuing
 *   GET …/ocsp/BASE64, POST …/ocsp
 *
 * What is before that in the path is whatever the configuration's URL has there.
 */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#include "device/body.h"
#include "device/client.h"
#include "serve/front/front.h"

#define HEADERS_MAX	8192	/* bytes of a request's headers, its line included */
#define ANSWER_TIME	60	/* seconds for the other end to take the answer */
#define PRESENT		"issuing"
#define OCSP_PATH	"/ocsp"
#define CACHE		"max-age=300"
#define NO_CACHE	"no-store"

/**
 * struct asker - a connection
 * @link: from the oldest to the newest
 * @bev: whose reference keeps it until the next sweep, though evhttp is done with it
 * @until: when it has had its time, by serve_clock()
 * @asked: its request is there
 * @cut: it is on its way out
 */
struct asker {
	TAILQ_ENTRY(asker) link;
	struct bufferevent *bev;
	time_t until;
	bool asked;
	bool cut;
};

/**
 * struct question - a request that agent is at
 * @front: whose
 * @req: the request; NULL, its connection is gone
 * @cache: may the answer be kept on its way
 * @done: answers it
 */
struct question {
	struct front *front;
	struct evhttp_request *req;
	const char *cache;
	void (*done)(struct question *x, const struct serve_reply *r);
};

static void send_reply(struct evhttp_request *req, unsigned int status, const char *text, const char *type,
		       const char *cache, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", cache);
	evhttp_add_header(headers, "Connection", "close");
	evhttp_send_reply(req, (int)status, text, body);
}

static void send_bytes(struct evhttp_request *req, const char *type, const char *cache, const void *data, size_t len)
{
	struct evbuffer *body = evbuffer_new();

	if (body)
		evbuffer_add(body, data, len);
	send_reply(req, 200, "OK", type, cache, body);
	if (body)
		evbuffer_free(body);
}

static const char *peer_of(struct evhttp_request *req)
{
	char *address = NULL;
	ev_uint16_t port;

	evhttp_connection_get_peer(evhttp_request_get_connection(req), &address, &port);
	return address;
}

static void refuse(struct front *f, struct evhttp_request *req, unsigned int status, const char *text, const char *why)
{
	struct evbuffer *body = evbuffer_new();

	serve_count(&f->counters->refused[SERVE_BAD_REQUEST]);
	serve_log(LOG_NOTICE, "refused", "reason", serve_refused_name(SERVE_BAD_REQUEST), "peer", peer_of(req), "why", why,
		  NULL);
	if (body)
		evbuffer_add_printf(body, "%s\n", why);
	send_reply(req, status, text, "text/plain; charset=utf-8", NO_CACHE, body);
	if (body)
		evbuffer_free(body);
}

/* Not signed, and not worth a line of the log. */
static void refuse_status(struct evhttp_request *req, enum pki_ocsp_error why)
{
	uint8_t *der = NULL;
	size_t len = 0;

	pki_ocsp_refuse(why, &der, &len);
	send_bytes(req, "application/ocsp-response", NO_CACHE, der, len);
	OPENSSL_free(der);
}

/* A request whose connection broke is nobody's but ours. */
static void on_gone(struct evhttp_connection *evcon, void *arg)
{
	struct question *x = arg;

	(void)evcon;
	if (!evhttp_request_get_connection(x->req))
		evhttp_request_free(x->req);
	x->req = NULL;
}

static void on_reply(struct front *f, void *arg, const struct serve_reply *r)
{
	struct question *x = arg;

	(void)f;
	if (x->req) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(x->req), NULL, NULL);
		x->done(x, r);
	}
	free(x);
}

/* IPv4 as mapped. */
static void find_peer(struct evhttp_request *req, uint8_t peer[16])
{
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evhttp_request_get_connection(req)));
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	memset(peer, 0, 16);
	if (getpeername(fd, (struct sockaddr *)&at, &len))
		return;
	if (at.ss_family == AF_INET6) {
		memcpy(peer, &((struct sockaddr_in6 *)&at)->sin6_addr, 16);
	} else {
		memset(peer + 10, 0xff, 2);
		memcpy(peer + 12, &((struct sockaddr_in *)&at)->sin_addr, 4);
	}
}

/* Of IPv6, a host has all of a network of 64 bits. */
static struct serve_bucket *bucket_of(struct front *f, const uint8_t peer[16])
{
	bool mapped = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)peer);
	uint64_t half, hash;

	memcpy(&half, peer + (mapped ? 8 : 0), sizeof(half));
	hash = (half ^ f->seed) * 0x9e3779b97f4a7c15ULL;
	return &f->asked_by[(hash >> 56) % FRONT_STATUS_PEERS];
}

/* False: there is too much to do. */
static bool ask(struct front *f, struct evhttp_request *req, struct serve_request *q, const char *cache,
		void (*done)(struct question *x, const struct serve_reply *r))
{
	struct question *x;

	find_peer(req, q->peer);
	if (!serve_bucket_take(bucket_of(f, q->peer), FRONT_STATUS_PER_PEER) ||
	    !serve_bucket_take(&f->asked, FRONT_STATUS_RATE))
		return false;
	x = calloc(1, sizeof(*x));
	if (!x)
		return false;
	*x = (struct question){ .front = f, .req = req, .cache = cache, .done = done };
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_gone, x);
	if (front_ask(f, q, on_reply, x))
		return true;
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
	free(x);
	return false;
}

static void send_503(struct evhttp_request *req)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), "Retry-After", "10");
	send_reply(req, 503, "Service Unavailable", "text/plain; charset=utf-8", NO_CACHE, NULL);
}

static void on_present_list(struct question *x, const struct serve_reply *r)
{
	struct front *f = x->front;
	struct evbuffer *body = evbuffer_new();

	if (r->status == 200)
		crl_keep(f, r);
	if ((r->status != 200 && r->status != 304) || !f->crl || !body) {
		send_503(x->req);
	} else {
		f->crl->users++;
		if (evbuffer_add_reference(body, f->crl->der, f->crl->len, crl_sent, f->crl))
			crl_sent(NULL, 0, f->crl);
		send_reply(x->req, 200, "OK", "application/pkix-crl", CACHE, body);
	}
	if (body)
		evbuffer_free(body);
}

static void on_former_list(struct question *x, const struct serve_reply *r)
{
	if (r->status == 200)
		send_bytes(x->req, "application/pkix-crl", CACHE, r->der, r->der_len);
	else
		send_503(x->req);
}

static void handle_list(struct front *f, struct evhttp_request *req, size_t issuer, const char *id)
{
	struct serve_request q = { .op = issuer ? SERVE_OP_FORMER_CRL : SERVE_OP_CRL };

	if (issuer)
		snprintf(q.name, sizeof(q.name), "%s", id);
	else
		q.number = f->crl ? f->crl->number : 0;
	if (!ask(f, req, &q, CACHE, issuer ? on_former_list : on_present_list))
		send_503(req);
}

static void handle_issuer(struct evhttp_request *req, X509 *cert)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);

	send_bytes(req, "application/pkix-cert", CACHE, der, len > 0 ? len : 0);
	OPENSSL_free(der);
}

/* Which issuer: 0, the present one; else one of those before, counted from 1; -1, none. */
static int find_issuer(const struct pki_ca *ca, const char *id)
{
	char own[PKI_ISSUER_ID_LEN];
	size_t i;

	if (!strcmp(id, PRESENT) || (pki_issuer_id(ca->issuing, own) && !strcmp(id, own)))
		return 0;
	for (i = 0; i < ca->n_former; i++)
		if (pki_issuer_id(ca->former[i].cert, own) && !strcmp(id, own))
			return (int)i + 1;
	return -1;
}

/* ID.crl or ID.cer; false, neither, and not answered. */
static bool handle_file(struct front *f, struct evhttp_request *req, const char *file)
{
	const char *dot = strrchr(file, '.');
	char id[PKI_ISSUER_ID_LEN];
	bool list = dot && !strcmp(dot, ".crl");
	int issuer;

	if (!dot || dot - file >= (int)sizeof(id) || (!list && strcmp(dot, ".cer") != 0))
		return false;
	memcpy(id, file, dot - file);
	id[dot - file] = 0;
	issuer = find_issuer(&f->ca, id);
	if (issuer < 0)
		return false;
	if (list)
		handle_list(f, req, issuer, id);
	else
		handle_issuer(req, issuer ? f->ca.former[issuer - 1].cert : f->ca.issuing);
	return true;
}

static void on_status(struct question *x, const struct serve_reply *r)
{
	if (r->status == 200)
		send_bytes(x->req, "application/ocsp-response", x->cache, r->der, r->der_len);
	else
		refuse_status(x->req, PKI_OCSP_LATER);
}

static void handle_status(struct front *f, struct evhttp_request *req, const uint8_t *der, size_t len,
			  const char *cache)
{
	uint8_t packed[SERVE_OCSP_MAX];
	struct serve_request q = { .op = SERVE_OP_OCSP, .csr = packed };
	struct pki_ocsp what;
	unsigned int issuer;
	enum pki_ocsp_error bad = pki_ocsp_read(&f->ca, der, len, &what, &issuer);

	q.number = issuer;
	q.csr_len = bad ? 0 : serve_ocsp_pack(&what, packed, sizeof(packed));
	if (bad) {
		serve_count(&f->counters->refused[SERVE_BAD_REQUEST]);
		refuse_status(req, bad);
	} else if (!ask(f, req, &q, what.nonce_len ? NO_CACHE : cache, on_status)) {
		serve_count(&f->counters->refused[SERVE_CROWDED]);
		refuse_status(req, PKI_OCSP_LATER);
	}
}

static void handle_post(struct front *f, struct evhttp_request *req)
{
	const char *type = evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type");
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);

	if (!est_media_type(type, "application/ocsp-request"))
		refuse(f, req, 415, "Unsupported Media Type", "Content-Type is not application/ocsp-request (RFC 6960, A.1)");
	else
		handle_status(f, req, len ? evbuffer_pullup(in, -1) : (const uint8_t *)"", len, NO_CACHE);
}

/* The URL encoding of the base64 of a request; of base64, "/" is not always encoded. */
static void handle_get(struct front *f, struct evhttp_request *req, const char *coded)
{
	size_t len = 0, n = 0;
	uint8_t der[PKI_OCSP_MAX];
	char *text = evhttp_uridecode(coded, 0, &len);

	if (!text || !len || est_body_decode(text, len, der, sizeof(der), &n))
		refuse_status(req, PKI_OCSP_MALFORMED);
	else
		handle_status(f, req, der, n, CACHE);
	free(text);
}

static struct asker *find_asker(struct front *f, const struct bufferevent *bev)
{
	struct asker *a;

	TAILQ_FOREACH(a, &f->askers, link)
		if (a->bev == bev)
			return a;
	return NULL;
}

static void on_request(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL, *at, *file;
	struct front *f = arg;
	struct asker *a = find_asker(f, evhttp_connection_get_bufferevent(evhttp_request_get_connection(req)));

	if (a) {
		a->until = serve_clock() + ANSWER_TIME;
		a->asked = true;
	}
	at = path ? strstr(path, OCSP_PATH) : NULL;
	file = path ? strrchr(path, '/') : NULL;
	if (evhttp_request_get_command(req) == EVHTTP_REQ_POST && at && !at[strlen(OCSP_PATH)])
		handle_post(f, req);
	else if (evhttp_request_get_command(req) == EVHTTP_REQ_GET && at && at[strlen(OCSP_PATH)] == '/')
		handle_get(f, req, at + strlen(OCSP_PATH) + 1);
	else if (evhttp_request_get_command(req) != EVHTTP_REQ_GET || !file || !handle_file(f, req, file + 1))
		refuse(f, req, 404, "Not Found", "no such list, certificate or responder");
}

/* evhttp has freed it: its callbacks are gone. */
static bool is_done(const struct asker *a)
{
	bufferevent_data_cb reader = NULL, writer = NULL;
	bufferevent_event_cb event = NULL;

	bufferevent_getcb(a->bev, &reader, &writer, &event, NULL);
	return !reader && !writer && !event;
}

/* Whoever reads it sees its end, in the next turn of the loop. */
static void cut(struct asker *a)
{
	a->cut = true;
	if (bufferevent_getfd(a->bev) >= 0)
		shutdown(bufferevent_getfd(a->bev), SHUT_RDWR);
}

/* As of devices' connections: evhttp would keep whatever comes while it writes an answer. */
static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
	struct asker *a = arg;

	(void)in;
	if (!a->cut && info->n_added && info->orig_size + info->n_added > FRONT_INPUT)
		cut(a);
}

static void forget(struct front *f, struct asker *a)
{
	TAILQ_REMOVE(&f->askers, a, link);
	f->n_askers--;
	evbuffer_remove_cb(bufferevent_get_input(a->bev), on_input, a);
	bufferevent_decref(a->bev);
	free(a);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = { 1, 0 };
	struct asker *a, *next;
	struct front *f = arg;

	(void)fd;
	(void)what;
	for (a = TAILQ_FIRST(&f->askers); a; a = next) {
		next = TAILQ_NEXT(a, link);
		if (is_done(a))
			forget(f, a);
		else if (a->until <= serve_clock())
			cut(a);
	}
	if (f->n_askers)
		event_add(f->sweep, &soon);
}

/*
 * Who has not asked yet goes first, of those the oldest. Those that are done hold a descriptor until the next sweep,
 * which comes at once then.
 */
static void make_room(struct front *f)
{
	struct asker *a, *least = NULL;
	size_t n = 0;

	if (f->n_askers < FRONT_STATUS)
		return;
	TAILQ_FOREACH(a, &f->askers, link) {
		if (a->cut || is_done(a))
			continue;
		if (!least || (least->asked && !a->asked))
			least = a;
		n++;
	}
	if (n >= FRONT_STATUS)
		cut(least);
	event_active(f->sweep, EV_TIMEOUT, 0);
}

static struct bufferevent *new_connection(struct event_base *base, void *arg)
{
	const struct timeval soon = { 1, 0 };
	struct asker *a = calloc(1, sizeof(*a));
	struct front *f = arg;

	front_accepted(f);
	make_room(f);
	if (a)
		a->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (a && a->bev && !evbuffer_add_cb(bufferevent_get_input(a->bev), on_input, a)) {
		bufferevent_free(a->bev);
		a->bev = NULL;
	}
	if (!a || !a->bev) {
		free(a);
		return NULL;
	}
	bufferevent_incref(a->bev);
	a->until = serve_clock() + FRONT_DEADLINE;
	TAILQ_INSERT_TAIL(&f->askers, a, link);
	f->n_askers++;
	if (!evtimer_pending(f->sweep, NULL))
		event_add(f->sweep, &soon);
	return a->bev;
}

/**
 * status_start - be ready for requests, where the configuration says so; the listeners are added by the caller
 * @f: the front
 *
 * Return: 0, or -1: no memory.
 */
int status_start(struct front *f)
{
	if (!f->config->status.n)
		return 0;
	f->status_http = evhttp_new(f->base);
	f->sweep = evtimer_new(f->base, on_sweep, f);
	if (!f->status_http || !f->sweep || getrandom(&f->seed, sizeof(f->seed), 0) < 0)
		return -1;
	evhttp_set_bevcb(f->status_http, new_connection, f);
	evhttp_set_gencb(f->status_http, on_request, f);
	evhttp_set_max_body_size(f->status_http, PKI_OCSP_MAX);
	evhttp_set_max_headers_size(f->status_http, HEADERS_MAX);
	evhttp_set_timeout(f->status_http, FRONT_DEADLINE);
	evhttp_set_allowed_methods(f->status_http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	return 0;
}
