// SPDX-License-Identifier: GPL-2.0
/* libcurl's multi interface on libevent's loop: requests go and answers come as sockets become ready. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "etcd/internal.h"

#define CONNECT_MS	2000	/* of a call's time: another member may have some, too */
#define SILENCE_MS	15000	/* unacknowledged bytes, after which a connection is dead */

/* Each answer says when it was made, to the second. */
static void hear_clock(struct etcd *e, CURL *easy)
{
	struct curl_header *h;
	time_t at;

	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &h))
		return;
	at = curl_getdate(h->value, NULL);
	if (at < 0)
		return;
	e->ahead = time(NULL) - at;
	e->has_clock = true;
}

/* Each transfer that is over; its owner may begin others. */
static void reap(struct etcd *e)
{
	struct transfer *t;
	CURLcode code;
	CURLMsg *m;
	long status;
	int left;

	while ((m = curl_multi_info_read(e->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		code = m->data.result;
		status = 0;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		hear_clock(e, m->easy_handle);
		transfer_stop(t);
		t->done(t, code, status);
	}
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct etcd *e = arg;
	int running;

	curl_multi_socket_action(e->multi, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) |
				 (what & EV_WRITE ? CURL_CSELECT_OUT : 0), &running);
	reap(e);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct etcd *e = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(e->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(e);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct etcd *e = arg;

	(void)multi;
	if (ms < 0)
		event_del(e->timer);
	else
		event_add(e->timer, &t);
	return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of)
{
	struct event *ev = of;
	struct etcd *e = arg;

	(void)easy;
	if (ev)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		ev = event_new(e->base, fd, EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
			       (what & CURL_POLL_OUT ? EV_WRITE : 0), on_socket, e);
		if (!ev || event_add(ev, NULL)) {
			if (ev)
				event_free(ev);
			ev = NULL;
		}
	}
	curl_multi_assign(e->multi, fd, ev);
	return what != CURL_POLL_REMOVE && !ev ? -1 : 0;
}

/**
 * loop_init - curl's side of a client
 * @e: the client, with its base
 *
 * Return: 0; -ENOMEM.
 */
int loop_init(struct etcd *e)
{
	static const char *const headers[] = {
		"Content-Type: application/json",
		/* A member without a leader refuses, and ends its watches. */
		"Grpc-Metadata-hasleader: true",
		"Expect:",
	};
	size_t i;

	e->multi = curl_multi_init();
	e->timer = event_new(e->base, -1, 0, on_timer, e);
	if (!e->multi || !e->timer)
		return -ENOMEM;
	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		struct curl_slist *list = curl_slist_append(e->headers, headers[i]);

		if (!list)
			return -ENOMEM;
		e->headers = list;
	}
	curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e);
	curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e);
	curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, 8L);
	curl_multi_setopt(e->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return 0;
}

/**
 * loop_exit - end it; no transfer is left
 * @e: the client
 */
void loop_exit(struct etcd *e)
{
	if (e->multi)
		curl_multi_cleanup(e->multi);
	if (e->timer)
		event_free(e->timer);
	curl_slist_free_all(e->headers);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	return t->take(t, data, size * n) ? size * n : 0;
}

static size_t on_send(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = t->len - t->read;

	if (len > size * n)
		len = size * n;
	memcpy(data, t->body + t->read, len);
	t->read += len;
	t->sent = true;
	return len;
}

/* curl would send a request again of its own accord, if a connection that it kept turns out to be dead. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
	struct transfer *t = arg;

	if ((t->once && t->sent) || origin != SEEK_SET || offset < 0 || (size_t)offset > t->len)
		return CURL_SEEKFUNC_FAIL;
	t->read = offset;
	return CURL_SEEKFUNC_OK;
}

/* The other end may be gone without a word, while a watch waits for one. */
static int on_open(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned int silence = SILENCE_MS;

	(void)arg;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof(silence));
	return CURL_SOCKOPT_OK;
}

static void set_tls(CURL *easy, struct etcd *e)
{
	struct curl_blob ca = { e->ca.data, e->ca.len, CURL_BLOB_NOCOPY };
	struct curl_blob cert = { e->cert.data, e->cert.len, CURL_BLOB_NOCOPY };
	struct curl_blob key = { e->key.data, e->key.len, CURL_BLOB_NOCOPY };

	/* These certificates and no others: Debian's curl would look into the system's as well. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
	curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &cert);
	curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
}

static void set_body(CURL *easy, struct transfer *t)
{
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->len);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(easy, CURLOPT_READDATA, t);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, t);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
}

/**
 * transfer_start - send a request; not from within curl
 * @t: with its body and callbacks, and none on its way
 * @at: to whom
 * @path: "/v3/..."
 * @timeout: ms for all of it; 0, it goes on until it is stopped
 *
 * Return: 0; -ENOMEM.
 */
int transfer_start(struct transfer *t, struct endpoint *at, const char *path, long timeout)
{
	CURL *easy = curl_easy_init();
	char url[1024];

	if (!easy)
		return -ENOMEM;
	snprintf(url, sizeof(url), "%s%s", at->url, path);
	t->read = 0;
	t->error[0] = 0;
	if (curl_easy_setopt(easy, CURLOPT_URL, url) || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->e->headers) ||
	    curl_easy_setopt(easy, CURLOPT_PROXY, "") || curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error)) {
		curl_easy_cleanup(easy);
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_RESOLVE, at->resolve);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A connection for each request: a watch never waits behind a long answer (etcd 3.4's streams did over TLS). */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 10L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_open);
	set_body(easy, t);
	if (!at->plain)
		set_tls(easy, t->e);
	t->at = at;
	t->easy = easy;
	if (curl_multi_add_handle(t->e->multi, easy)) {
		curl_easy_cleanup(easy);
		t->easy = NULL;
		return -ENOMEM;
	}
	return 0;
}

/**
 * transfer_why - why it failed
 * @t: the transfer
 * @code: curl's
 * @why: a sentence
 * @size: of @why
 */
void transfer_why(const struct transfer *t, CURLcode code, char *why, size_t size)
{
	/* TLS 1.3 refuses a certificate after the handshake: all that may be seen of it is a broken connection. */
	const char *hint = t->at->met || t->at->plain || (code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR) ? "" :
			   " (it may not take our certificate)";

	snprintf(why, size, "%.100s: %.150s%s", t->at->url, t->error[0] ? t->error : curl_easy_strerror(code), hint);
}

/**
 * transfer_stop - end it, if there is one; @done is not called. Not from within curl
 * @t: the transfer
 */
void transfer_stop(struct transfer *t)
{
	if (!t->easy)
		return;
	curl_multi_remove_handle(t->e->multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
}
