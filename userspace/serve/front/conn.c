// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: TLS, who is at the other end, and how long they may stay. Whoever comes is let in, and makes
 * room when it is crowded: of the same address, or of all, the connection that has come least far goes, the
 * oldest of those. So those that come to wait push out each other, not the device that comes to talk.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <linux/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "serve/front/front.h"

static int conn_index = -1;

/* Who did not only asks whether somebody listens. */
static bool sent_something(const SSL *ssl)
{
	return BIO_number_read(SSL_get_rbio(ssl));
}

/* What ends without an alert is counted, too. */
static void blame_the_end(struct conn *c, const SSL *ssl)
{
	if (c->blamed)
		return;
	if (!c->up && sent_something(ssl))
		conn_refused(c, SERVE_TLS_HANDSHAKE, NULL, "not TLS, or not to its end");
	else if (c->spoke)
		conn_refused(c, SERVE_BAD_REQUEST, NULL, "a request that does not end");
}

static void conn_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	struct conn *c = ptr;

	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (!c)
		return;
	blame_the_end(c, parent);
	TAILQ_REMOVE(&c->front->conns, c, link);
	c->front->n_conns--;
	__atomic_store_n(&c->front->counters->connections, c->front->n_conns, __ATOMIC_RELAXED);
	event_free(c->deadline);
	if (c->page)
		event_free(c->page);
	free(c);
}

/* Any certificate may come; conn_certificate() and agent say what it is worth, in words. */
static int verify_later(X509_STORE_CTX *ctx, void *arg)
{
	bool costly = serve_tls_is_costly(X509_STORE_CTX_get0_cert(ctx));

	(void)arg;
	X509_STORE_CTX_set_error(ctx, costly ? X509_V_ERR_CERT_REJECTED : X509_V_OK);
	return !costly;
}

/* A handshake that fails mostly ends with an alert of ours or theirs. */
static void on_info(const SSL *ssl, int where, int ret)
{
	struct conn *c = SSL_get_ex_data(ssl, conn_index);
	int reason;

	/* A quick client is through its handshake before the clock has ticked once. */
	if (c && c->fd < 0 && SSL_get_fd(ssl) >= 0)
		conn_admit(c, SSL_get_fd(ssl));
	if (c && where & SSL_CB_HANDSHAKE_DONE) {
		c->up = true;
		conn_extend(c);
	}
	if (!c || !(where & SSL_CB_ALERT) || c->up || c->blamed || !sent_something(ssl) ||
	    (ret & 0xff) == SSL_AD_CLOSE_NOTIFY)
		return;
	reason = where & SSL_CB_WRITE ? ERR_GET_REASON(ERR_peek_last_error()) : 0;
	if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
		conn_refused(c, SERVE_TLS_VERSION, NULL, "the client offers no TLS 1.3");
	else
		conn_refused(c, SERVE_TLS_HANDSHAKE, NULL, SSL_alert_desc_string_long(ret));
}

/**
 * conn_starve - end a connection of which nothing more is to be read, whatever the kernel still has
 * @c: the connection
 * @reason: counted
 * @why: a sentence
 *
 * OpenSSL finds nothing more to read, and of what it has read ahead (visit_accept()), some 600 records, it throws the
 * next away and reads no other.
 */
void conn_starve(struct conn *c, enum serve_refused reason, const char *why)
{
	BIO *nothing = BIO_new(BIO_s_null());

	conn_refused(c, reason, NULL, why);
	if (nothing)
		SSL_set0_rbio(c->ssl, nothing);
	SSL_set_shutdown(c->ssl, SSL_get_shutdown(c->ssl) | SSL_RECEIVED_SHUTDOWN);
	conn_cut(c);
}

static void on_record(int write, int version, int type, const void *buf, size_t len, SSL *ssl, void *arg)
{
	struct conn *c = SSL_get_ex_data(ssl, conn_index);

	(void)version;
	(void)arg;
	if (!write && c && serve_tls_is_idle(&c->records, FRONT_RECORDS, type, buf, len))
		conn_starve(c, SERVE_TLS_HANDSHAKE, "too many records of TLS without data");
}

/**
 * conn_tls_new - TLS as it is spoken here: 1.3 only, client certificates asked for
 * @f: the front
 *
 * No tickets: a device checks in once in a lease, and every check-in proves the key.
 *
 * Return: it, without a server certificate yet; NULL.
 */
SSL_CTX *conn_tls_new(struct front *f)
{
	SSL_CTX *tls = serve_tls_new();

	conn_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, conn_free);
	if (!tls || conn_index < 0) {
		SSL_CTX_free(tls);
		return NULL;
	}
	SSL_CTX_set_cert_verify_callback(tls, verify_later, f);
	SSL_CTX_set_info_callback(tls, on_info);
	SSL_CTX_set_msg_callback(tls, on_record);
	SSL_CTX_set_max_cert_list(tls, FRONT_CHAIN);
	SSL_CTX_add_client_CA(tls, f->ca.issuing);
	return tls;
}

/* By its own acknowledgements: what the kernel holds for it says nothing. */
static bool takes_something(struct conn *c)
{
	struct tcp_info info = { .tcpi_bytes_acked = 0 };
	socklen_t len = sizeof(info);
	bool more;

	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return false;
	more = info.tcpi_bytes_acked > c->taken;
	c->taken = info.tcpi_bytes_acked;
	return more;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->fd < 0) {	/* evhttp has given it its socket by now */
		conn_admit(c, bufferevent_getfd(c->bev));
		return;
	}
	if (c->streaming && takes_something(c)) {
		conn_extend(c);
		return;
	}
	if (c->streaming)
		conn_refused(c, SERVE_TIMEOUT, NULL, "nothing of the artifact is taken");
	else if (!c->served || c->spoke)
		conn_refused(c, SERVE_TIMEOUT, NULL, "no request in time");
	c->blamed = true;
	conn_cut(c);
}

/**
 * conn_new - a connection that waits for its socket and its handshake
 * @f: the front
 *
 * Freed with its SSL.
 *
 * Return: NULL, no memory.
 */
struct conn *conn_new(struct front *f)
{
	struct conn *c = calloc(1, sizeof(*c));
	SSL *ssl = SSL_new(f->tls);

	if (c)
		c->deadline = event_new(f->base, -1, 0, on_deadline, c);
	if (!ssl || !c || !c->deadline) {
		SSL_free(ssl);
		if (c && c->deadline)
			event_free(c->deadline);
		free(c);
		return NULL;
	}
	front_accepted(f);
	c->front = f;
	c->ssl = ssl;
	c->fd = -1;
	TAILQ_INSERT_TAIL(&f->conns, c, link);
	f->n_conns++;
	SSL_set_ex_data(ssl, conn_index, c);
	SSL_set_accept_state(ssl);
	return c;
}

/**
 * conn_bufferevent - have libevent speak TLS
 * @c: the connection; freed with what is returned, and if nothing is
 *
 * Its socket is set later, by evhttp; the connection is admitted then.
 *
 * Return: NULL, no memory.
 */
struct bufferevent *conn_bufferevent(struct conn *c)
{
	const struct timeval at_once = { 0, 0 };

	c->bev = bufferevent_openssl_socket_new(c->front->base, -1, c->ssl, BUFFEREVENT_SSL_ACCEPTING,
						BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev) {
		SSL_free(c->ssl);
		return NULL;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	event_add(c->deadline, &at_once);
	return c->bev;
}

/** conn_of - the connection behind a bufferevent of ours */
struct conn *conn_of(struct bufferevent *bev)
{
	return SSL_get_ex_data(bufferevent_openssl_get_ssl(bev), conn_index);
}

/* Returns the address family of its socket. */
static int find_peer(struct conn *c)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	if (getpeername(c->fd, (struct sockaddr *)&at, &len))
		return AF_UNSPEC;
	if (at.ss_family == AF_INET6) {
		memcpy(c->peer, &((struct sockaddr_in6 *)&at)->sin6_addr, 16);
	} else if (at.ss_family == AF_INET) {
		memset(c->peer + 10, 0xff, 2);
		memcpy(c->peer + 12, &((struct sockaddr_in *)&at)->sin_addr, 4);
	}
	return at.ss_family;
}

/* Through which interface its handshake came (ip(7), IP_PKTOPTIONS; RFC 2292, 7). */
static void find_interface(struct conn *c, int family)
{
	char buf[256];
	struct msghdr msg = { .msg_control = buf };
	socklen_t len = sizeof(buf);
	struct in6_pktinfo info6;
	struct in_pktinfo info;
	struct cmsghdr *h;

	if (family == AF_INET ? getsockopt(c->fd, IPPROTO_IP, IP_PKTOPTIONS, buf, &len) :
	    getsockopt(c->fd, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, buf, &len))
		return;
	msg.msg_controllen = len;
	for (h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h)) {
		if (h->cmsg_level == IPPROTO_IPV6 &&
		    (h->cmsg_type == IPV6_PKTINFO || h->cmsg_type == IPV6_2292PKTINFO)) {
			memcpy(&info6, CMSG_DATA(h), sizeof(info6));
			c->ifindex = info6.ipi6_ifindex;
		} else if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(h), sizeof(info));
			c->ifindex = info.ipi_ifindex;
		}
	}
}

/* How far it has come: who sends half a ClientHello goes before who sent a whole one. */
static int stage(const struct conn *c)
{
	return c->up ? 2 : SSL_get_state(c->ssl) != TLS_ST_BEFORE;
}

static void choose(struct conn *c, struct conn **least)
{
	if (!c->busy && (!*least || stage(c) < stage(*least)))
		*least = c;
}

static void make_room(struct conn *newest)
{
	struct conn *c, *any = NULL, *own = NULL;
	struct front *f = newest->front;
	size_t same = 0;

	if (f->n_conns <= FRONT_PER_PEER)
		return;
	TAILQ_FOREACH(c, &f->conns, link) {
		if (c == newest || c->fd < 0)
			continue;
		choose(c, &any);
		if (memcmp(c->peer, newest->peer, sizeof(c->peer)))
			continue;
		choose(c, &own);
		same++;
	}
	c = same >= FRONT_PER_PEER ? own : f->n_conns > FRONT_CONNECTIONS ? any : NULL;
	if (c) {
		conn_refused(c, SERVE_CROWDED, NULL, "too many connections");
		conn_cut(c);
	}
}

/**
 * conn_spare - descriptors are wanted: those that have come least far go
 * @f: the front
 * @n: how many
 */
void conn_spare(struct front *f, unsigned int n)
{
	struct conn *c, *least;

	while (n--) {
		least = NULL;
		TAILQ_FOREACH(c, &f->conns, link)
			if (c->fd >= 0)
				choose(c, &least);
		if (!least)
			return;
		conn_refused(least, SERVE_CROWDED, NULL, "no descriptors for more connections");
		conn_cut(least);
	}
}

/**
 * conn_admit - the socket is there: the clock runs
 * @c: the connection
 * @fd: its socket
 */
void conn_admit(struct conn *c, int fd)
{
	c->fd = fd;
	find_interface(c, find_peer(c));
	__atomic_store_n(&c->front->counters->connections, c->front->n_conns, __ATOMIC_RELAXED);
	conn_extend(c);
	make_room(c);
}

/** conn_extend - the time of a connection begins anew, since it did what it should */
void conn_extend(struct conn *c)
{
	const struct timeval limit = { c->streaming ? FRONT_STALL : FRONT_DEADLINE, 0 };

	event_add(c->deadline, &limit);
}

/**
 * conn_stream - an artifact is on its way, however long that takes, or is no longer
 * @c: the connection, over HTTPS
 * @on: it is
 *
 * Meanwhile it may stay as long as the other end takes something now and then.
 */
void conn_stream(struct conn *c, bool on)
{
	const struct timeval idle = { 2 * FRONT_DEADLINE, 0 }, *limit = on ? NULL : &idle;

	c->streaming = on;
	c->busy = on;
	if (on)
		takes_something(c);
	bufferevent_set_timeouts(c->bev, limit, limit);
	conn_extend(c);
}

/** conn_cut - end a connection; whoever reads it sees its end, and frees it */
void conn_cut(struct conn *c)
{
	/* Last in the list: it is not to be found again while it is on its way out. */
	c->busy = true;
	if (c->fd >= 0)
		shutdown(c->fd, SHUT_RDWR);
}

/** conn_from_loopback - the other end is on this machine */
bool conn_from_loopback(const struct conn *c)
{
	const struct in6_addr *peer = (const struct in6_addr *)c->peer;

	return IN6_IS_ADDR_LOOPBACK(peer) || (IN6_IS_ADDR_V4MAPPED(peer) && c->peer[12] == 127);
}

/** conn_text - address of the other end */
const char *conn_text(const struct conn *c, char text[INET6_ADDRSTRLEN])
{
	const struct in6_addr *peer = (const struct in6_addr *)c->peer;

	if (IN6_IS_ADDR_V4MAPPED(peer))
		return inet_ntop(AF_INET, c->peer + 12, text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, c->peer, text, INET6_ADDRSTRLEN);
}

/**
 * conn_refused - count and log what front itself refuses
 * @c: the connection
 * @reason: counted
 * @device: as it calls itself, or NULL
 * @why: a sentence
 */
void conn_refused(struct conn *c, enum serve_refused reason, const char *device, const char *why)
{
	char peer[INET6_ADDRSTRLEN];

	c->blamed = true;
	serve_count(&c->front->counters->refused[reason]);
	serve_log(LOG_NOTICE, "refused", "reason", serve_refused_name(reason), "device", device, "peer",
		  conn_text(c, peer), "why", why, NULL);
}

/* For agent, should the registry not know it; one that is too long stays unknown. */
static void put_certificate(struct front *f, X509 *cert, struct serve_request *q)
{
	unsigned char *p = f->shown;
	int len = i2d_X509(cert, NULL);

	if (len <= 0 || len > (int)sizeof(f->shown) || i2d_X509(cert, &p) != len)
		return;
	q->cert = f->shown;
	q->cert_len = len;
}

/**
 * conn_certificate - what the other end's certificate says
 * @c: the connection, its handshake done
 * @q: what is asked; gets serial, fingerprint, name and the certificate, which is there until the next call
 * @why: a sentence, if it is of no use
 *
 * One that has ended is of use for a renewal, for as long as est.renew_after_expiry says. Whether it is what it says is
 * agent's to find out, by the fingerprint (pki_claim()).
 *
 * Return: -1, it goes to agent; else an enum serve_refused.
 */
int conn_certificate(struct conn *c, struct serve_request *q, char why[SERVE_TEXT_LEN])
{
	uint32_t late = q->op == SERVE_OP_RENEW ? c->front->config->renew_after_expiry : 0;
	X509 *cert = SSL_get0_peer_certificate(c->ssl);
	struct pki_error err = { "" };
	int reason = -1, ret;
	uint8_t mac[6];

	if (!cert) {
		snprintf(why, SERVE_TEXT_LEN, "no certificate");
		return SERVE_NO_CERTIFICATE;
	}
	ret = pki_claim_late(&c->front->ca, cert, time(NULL), late, &err);
	if (ret)
		reason = ret == -EKEYEXPIRED ? SERVE_CERTIFICATE_EXPIRED : SERVE_CERTIFICATE_FOREIGN;
	else if (pki_identity(cert, q->name, mac, &err) || pki_serial(cert, q->serial) ||
		 pki_fingerprint(cert, q->fingerprint))
		reason = SERVE_CERTIFICATE_FOREIGN;
	if (reason < 0)
		put_certificate(c->front, cert, q);
	if (reason >= 0)
		snprintf(why, SERVE_TEXT_LEN, "%s", err.text[0] ? err.text : "not a device's certificate");
	return reason;
}

static bool put_chain(struct front *f, STACK_OF(X509) *chain, struct serve_request *q)
{
	unsigned char *p = f->chain;
	int i, len;

	for (i = 0; i < sk_X509_num(chain); i++) {
		len = i2d_X509(sk_X509_value(chain, i), NULL);
		if (len <= 0 || len > f->chain + sizeof(f->chain) - p || i2d_X509(sk_X509_value(chain, i), &p) != len)
			return false;
	}
	q->chain = f->chain;
	q->chain_len = p - f->chain;
	return true;
}

/**
 * conn_vendor - what the other end's certificate says, if it is none of this CA: a manufacturer's, maybe
 * @c: the connection, its handshake done
 * @q: what is asked; gets the certificate and what came behind it, which are there until the next call
 *
 * Whose it is, and whether it is good for anything, is agent's to find out.
 *
 * Return: false, there is none, or it says that it is of this CA.
 */
bool conn_vendor(struct conn *c, struct serve_request *q)
{
	X509 *cert = SSL_get0_peer_certificate(c->ssl);
	struct pki_error err;

	if (!cert || pki_claim(&c->front->ca, cert, time(NULL), &err) != -EPERM)
		return false;
	put_certificate(c->front, cert, q);
	return q->cert_len && put_chain(c->front, SSL_get_peer_cert_chain(c->ssl), q);
}
