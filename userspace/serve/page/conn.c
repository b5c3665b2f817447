// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: how many, how long, and TLS. Whoever comes is let in, and makes room when it is crowded: of the same
 * address, or of all, the connection that has come least far goes, the oldest of those. evhttp frees a connection when it
 * pleases; so each is held until the next sweep finds that evhttp is done with it.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "serve/page/web.h"

static int conn_index = -1;

/* Any certificate may come; web_look_at_certificate() and agent say what it is worth, in words. */
static int verify_later(X509_STORE_CTX *ctx, void *arg)
{
	bool costly = serve_tls_is_costly(X509_STORE_CTX_get0_cert(ctx));

	(void)arg;
	X509_STORE_CTX_set_error(ctx, costly ? X509_V_ERR_CERT_REJECTED : X509_V_OK);
	return !costly;
}

static void find_peer(struct web_conn *c)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	if (!getpeername(bufferevent_getfd(c->bev), (struct sockaddr *)&at, &len))
		serve_address((struct sockaddr *)&at, c->peer);
}

static const char *peer_text(const struct web_conn *c, char text[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)c->peer))
		return inet_ntop(AF_INET, c->peer + 12, text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, c->peer, text, INET6_ADDRSTRLEN);
}

/** web_conn_from_loopback - the other end is on this machine */
bool web_conn_from_loopback(const struct web_conn *c)
{
	const struct in6_addr *peer = (const struct in6_addr *)c->peer;

	return IN6_IS_ADDR_LOOPBACK(peer) || (IN6_IS_ADDR_V4MAPPED(peer) && c->peer[12] == 127);
}

/**
 * web_conn_refused - count and log what page itself refuses
 * @c: the connection
 * @reason: counted
 * @why: a sentence
 */
void web_conn_refused(struct web_conn *c, enum serve_refused reason, const char *why)
{
	char peer[INET6_ADDRSTRLEN];

	c->blamed = true;
	serve_count(&c->web->counters->refused[reason]);
	serve_log(LOG_NOTICE, "refused", "reason", serve_refused_name(reason), "peer", peer_text(c, peer), "why", why, NULL);
}

/** web_conn_cut - end a connection: whoever reads it sees its end, in the next turn of the loop */
void web_conn_cut(struct web_conn *c)
{
	c->cut = true;
	if (bufferevent_getfd(c->bev) >= 0)
		shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
}

/** web_is_full - so much is on its way to browsers that nothing should be added */
bool web_is_full(const struct web *w)
{
	const struct web_conn *c;
	size_t sum = 0;

	TAILQ_FOREACH(c, &w->conns, link)
		sum += evbuffer_get_length(bufferevent_get_output(c->bev));
	return sum > WEB_QUEUED;
}

/* A handshake that fails mostly ends with an alert of ours or theirs. */
static void on_info(const SSL *ssl, int where, int ret)
{
	struct web_conn *c = SSL_get_ex_data(ssl, conn_index);
	bool old;

	if (c && where & SSL_CB_HANDSHAKE_DONE)
		c->up = true;
	if (!c || !(where & SSL_CB_ALERT) || c->up || c->blamed || (ret & 0xff) == SSL_AD_CLOSE_NOTIFY)
		return;
	if (!memcmp(c->peer, (uint8_t[16]){ 0 }, 16))
		find_peer(c);
	old = where & SSL_CB_WRITE && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNSUPPORTED_PROTOCOL;
	web_conn_refused(c, SERVE_PAGE_TLS, old ? "the client offers no TLS 1.3" : SSL_alert_desc_string_long(ret));
}

/* From now on OpenSSL finds nothing more to read, whatever the kernel still has. */
static void starve(struct web_conn *c, enum serve_refused reason, const char *why)
{
	BIO *nothing = c->ssl ? BIO_new(BIO_s_null()) : NULL;

	web_conn_refused(c, reason, why);
	if (nothing)
		SSL_set0_rbio(c->ssl, nothing);
	if (c->ssl)
		SSL_set_shutdown(c->ssl, SSL_get_shutdown(c->ssl) | SSL_RECEIVED_SHUTDOWN);
	web_conn_cut(c);
}

/*
 * evhttp has no limit for what comes while it writes an answer, a stream of events for one, nor for the line with a chunk's
 * length: it would keep all of it. A watermark is no remedy: libevent calls evhttp again and again as long as it is reached.
 */
static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
	struct web_conn *c = arg;

	(void)in;
	if (!c->cut && info->n_added && info->orig_size + info->n_added > WEB_INPUT)
		starve(c, SERVE_PAGE_REQUEST, "more bytes than a request may have");
}

static void on_record(int write, int version, int type, const void *buf, size_t len, SSL *ssl, void *arg)
{
	struct web_conn *c = SSL_get_ex_data(ssl, conn_index);

	(void)version;
	(void)arg;
	if (!write && c && serve_tls_is_idle(&c->records, WEB_RECORDS, type, buf, len))
		starve(c, SERVE_PAGE_TLS, "too many records of TLS without data");
}

/**
 * web_tls_new - TLS for browsers
 * @w: the process, with its CA
 *
 * Return: it, without a server certificate yet; NULL.
 */
SSL_CTX *web_tls_new(struct web *w)
{
	SSL_CTX *tls = serve_tls_new();
	size_t i;

	conn_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (!tls || conn_index < 0) {
		SSL_CTX_free(tls);
		return NULL;
	}
	SSL_CTX_set_cert_verify_callback(tls, verify_later, w);
	SSL_CTX_set_info_callback(tls, on_info);
	SSL_CTX_set_msg_callback(tls, on_record);
	SSL_CTX_set_max_cert_list(tls, WEB_CHAIN);
	/* A browser offers what one of these has issued. */
	SSL_CTX_add_client_CA(tls, w->ca.issuing);
	for (i = 0; i < w->ca.n_former; i++)
		SSL_CTX_add_client_CA(tls, w->ca.former[i].cert);
	return tls;
}

/* evhttp has freed it: its callbacks are gone. */
static bool is_done(const struct web_conn *c)
{
	bufferevent_data_cb reader = NULL, writer = NULL;
	bufferevent_event_cb event = NULL;

	bufferevent_getcb(c->bev, &reader, &writer, &event, NULL);
	return !reader && !writer && !event;
}

static void forget(struct web_conn *c)
{
	struct web *w = c->web;

	if (c->ssl && !c->up && !c->blamed && BIO_number_read(SSL_get_rbio(c->ssl)))
		web_conn_refused(c, SERVE_PAGE_TLS, "not TLS, or not to its end");
	if (c->ssl)
		SSL_set_ex_data(c->ssl, conn_index, NULL);
	TAILQ_REMOVE(&w->conns, c, link);
	w->n_conns--;
	evbuffer_remove_cb(bufferevent_get_input(c->bev), on_input, c);
	bufferevent_decref(c->bev);
	free(c);
}

/* How far it has come. */
static int stage(const struct web_conn *c)
{
	return c->asked ? 3 : c->served ? 2 : c->up;
}

static void choose(struct web_conn *c, struct web_conn **least)
{
	if (!*least || stage(c) < stage(*least))
		*least = c;
}

/* Those that came since the last sweep have their sockets by now. */
static void make_room(struct web_conn *newest)
{
	struct web_conn *c, *any = NULL, *own = NULL;
	struct web *w = newest->web;
	size_t all = 0, same = 0;

	find_peer(newest);
	TAILQ_FOREACH(c, &w->conns, link) {
		if (c->cut || is_done(c))
			continue;
		all++;
		if (c == newest)
			continue;
		choose(c, &any);
		if (memcmp(c->peer, newest->peer, sizeof(c->peer)))
			continue;
		choose(c, &own);
		same++;
	}
	c = same >= WEB_PER_PEER ? own : all > WEB_CONNECTIONS ? any : NULL;
	if (c) {
		web_conn_refused(c, SERVE_PAGE_CROWDED, "too many connections");
		web_conn_cut(c);
	}
}

static void look_at_time(struct web_conn *c)
{
	if (c->cut || c->until > serve_clock())
		return;
	if (!c->blamed && (c->asked || !c->served))
		web_conn_refused(c, SERVE_PAGE_TIMEOUT, c->asked ? "the answer is not taken" : "no request in time");
	c->blamed = true;
	web_conn_cut(c);
}

static void sweep(struct web *w)
{
	struct web_conn *c, *next;

	for (c = TAILQ_FIRST(&w->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (is_done(c))
			forget(c);
		else
			look_at_time(c);
	}
}

/** web_sweep - once a second: who has had his time, and what evhttp is done with */
void web_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	web_streams_tick(arg);
	sweep(arg);
}

/* The newest has its socket by the next turn of the loop, which evhttp gives it. */
static void on_admit(evutil_socket_t fd, short what, void *arg)
{
	struct web *w = arg;
	struct web_conn *c;

	(void)fd;
	(void)what;
	TAILQ_FOREACH_REVERSE(c, &w->conns, web_conns, link) {
		if (c->admitted)
			break;
		c->admitted = true;
		if (!is_done(c))
			make_room(c);
	}
	/* What is done holds a descriptor. */
	if (w->n_conns > WEB_CONNECTIONS)
		sweep(w);
}

static struct bufferevent *keep(struct web *w, struct web_conn *c)
{
	const struct timeval at_once = { 0, 0 };

	if (c->bev && (!web_watch_errors(c) || !evbuffer_add_cb(bufferevent_get_input(c->bev), on_input, c))) {
		bufferevent_free(c->bev);
		c->bev = NULL;
	}
	if (!c->bev) {
		free(c);
		return NULL;
	}
	c->web = w;
	c->until = serve_clock() + WEB_DEADLINE;
	bufferevent_incref(c->bev);
	TAILQ_INSERT_TAIL(&w->conns, c, link);
	w->n_conns++;
	event_base_once(w->base, -1, EV_TIMEOUT, on_admit, w, &at_once);
	return c->bev;
}

/** web_conn_new - a connection of the page, for evhttp; NULL, no memory */
struct bufferevent *web_conn_new(struct event_base *base, void *arg)
{
	struct web *w = arg;
	struct web_conn *c = calloc(1, sizeof(*c));
	SSL *ssl = c ? SSL_new(w->tls) : NULL;

	web_accepted(w);
	if (!ssl) {
		free(c);
		return NULL;
	}
	c->ssl = ssl;
	SSL_set_ex_data(ssl, conn_index, c);
	SSL_set_accept_state(ssl);
	c->bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev)
		bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	else
		SSL_free(ssl);
	return keep(w, c);
}

/** web_conn_plain - a connection of the loopback, for evhttp; NULL, no memory */
struct bufferevent *web_conn_plain(struct event_base *base, void *arg)
{
	struct web_conn *c = calloc(1, sizeof(*c));

	web_accepted(arg);
	if (!c)
		return NULL;
	c->up = true;
	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	return keep(arg, c);
}

/**
 * web_conn_of - the connection that a request came by; its peer is known
 * @w: the process
 * @req: the request
 */
struct web_conn *web_conn_of(struct web *w, struct evhttp_request *req)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
	struct web_conn *c;

	TAILQ_FOREACH(c, &w->conns, link)
		if (c->bev == bev)
			break;
	if (c && !memcmp(c->peer, (uint8_t[16]){ 0 }, 16))
		find_peer(c);
	return c;
}
