// SPDX-License-Identifier: GPL-2.0
/* The process that faces the devices: listeners, the pipe to the agent, the server's own certificate. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <limits.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "device/body.h"
#include "serve/front/artifact.h"
#include "serve/front/front.h"

#define BACKLOG		512
#define FILES		4096
#define END_WAIT	5000	/* milliseconds that agent and signer have to end ... */
#define END_POLL	5	/* ... and between two looks */
#define RENEW_EACH	(10 * 86400)	/* a server's certificate lasts for 30 days */

static void end(struct front *f, int status, const char *why)
{
	if (status)
		serve_log(LOG_ERR, why, NULL);
	f->status = status;
	event_base_loopbreak(f->base);
}

static void send_to_agent(struct front *f, const struct serve_request *q)
{
	struct evbuffer *queue = bufferevent_get_output(f->to_agent);
	uint8_t buf[sizeof(uint32_t) + SERVE_REQUEST_MAX];
	ssize_t sent = 0;
	uint32_t head;
	size_t len;

	len = serve_request_pack(q, buf + sizeof(head), SERVE_REQUEST_MAX);
	head = htonl(len);
	memcpy(buf, &head, sizeof(head));
	len += sizeof(head);
	/* At once, unless others wait; what does not fit, and what fails, is left to the loop. */
	if (!evbuffer_get_length(queue))
		sent = write(f->agent->out, buf, len);
	if (sent < 0)
		sent = 0;
	if ((size_t)sent < len)
		bufferevent_write(f->to_agent, buf + sent, len - sent);
	explicit_bzero(buf, len);
}

/**
 * front_ask - have the agent decide
 * @f: the front
 * @q: the request; gets its number
 * @done: told of the reply, or of nothing if the arg of what is returned is NULL by then
 * @arg: for @done
 *
 * Return: NULL, too much is waiting already.
 */
struct waiting *front_ask(struct front *f, struct serve_request *q,
			  void (*done)(struct front *f, void *arg, const struct serve_reply *r), void *arg)
{
	struct waiting *w;
	size_t i;

	for (i = 0; i < FRONT_WAITING; i++) {
		w = &f->waiting[++f->last_id % FRONT_WAITING];
		if (w->id)
			continue;
		q->id = f->last_id;
		*w = (struct waiting){ .id = q->id, .done = done, .arg = arg };
		send_to_agent(f, q);
		return w;
	}
	return NULL;
}

/**
 * front_tell - let the agent know; there is no reply
 * @f: the front
 * @q: the request
 */
void front_tell(struct front *f, struct serve_request *q)
{
	send_to_agent(f, q);
}

static void take_reply(struct front *f, const uint8_t *buf, size_t len)
{
	struct waiting *w, was;
	struct serve_reply r;

	if (!serve_reply_unpack(buf, len, &r)) {
		end(f, 1, "agent says what makes no sense");
		return;
	}
	w = &f->waiting[r.id % FRONT_WAITING];
	if (!r.id || w->id != r.id) {
		end(f, 1, "agent answers what nobody asked");
		return;
	}
	was = *w;
	w->id = 0;
	was.done(f, was.arg, &r);
}

static void on_agent_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct front *f = arg;
	uint32_t len;

	while (evbuffer_copyout(in, &len, sizeof(len)) == sizeof(len)) {
		len = ntohl(len);
		if (len > SERVE_REPLY_MAX) {
			end(f, 1, "agent says too much");
			return;
		}
		if (evbuffer_get_length(in) < sizeof(len) + len)
			return;
		evbuffer_drain(in, sizeof(len));
		take_reply(f, evbuffer_pullup(in, len), len);
		evbuffer_drain(in, len);
	}
}

static void on_agent_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	end(arg, 1, "agent is gone");
}

static void on_child(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	/* One that is only stopped sends the same signal. */
	if (waitpid(-1, NULL, WNOHANG))
		end(arg, 1, "agent, signer or page is gone");
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end(arg, 0, NULL);
}

/**
 * front_accepted - one more has come
 * @f: the front
 *
 * A listener accepts as long as somebody waits, which is for ever if they come fast enough: meanwhile nobody's
 * handshake would go on.
 */
void front_accepted(struct front *f)
{
	const struct timeval next_turn = { 0, 0 };
	size_t i;

	if (++f->accepted < FRONT_ACCEPTS)
		return;
	for (i = 0; i < f->n_listeners; i++)
		evconnlistener_disable(f->listeners[i]);
	event_add(f->resume, &next_turn);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;
	size_t i;

	(void)fd;
	(void)what;
	f->accepted = 0;
	/* Whoever is enabled first is asked first: each in turn, else a crowd at one port keeps all others waiting. */
	f->first = (f->first + 1) % f->n_listeners;
	for (i = 0; i < f->n_listeners; i++)
		evconnlistener_enable(f->listeners[(f->first + i) % f->n_listeners]);
}

/* For on_accept_failed(): what a listener hands over is its service's, which evhttp sets. */
static struct front *only_front;

/* Mostly for want of descriptors. To try again at once would be to do nothing else. */
static void on_accept_failed(struct evconnlistener *l, void *arg)
{
	const struct timeval soon = { 0, 100000 };
	struct front *f = only_front;
	int err = errno;
	size_t i;

	(void)l;
	(void)arg;
	serve_log(LOG_ERR, "cannot accept", "why", strerror(err), NULL);
	if (err == EMFILE || err == ENFILE)
		conn_spare(f, FRONT_CUTS);
	for (i = 0; i < f->n_listeners; i++)
		evconnlistener_disable(f->listeners[i]);
	event_add(f->resume, &soon);
}

static void on_visit(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *at, int len,
			   void *arg)
{
	(void)l;
	(void)at;
	(void)len;
	visit_accept(arg, fd);
}

static struct evconnlistener *listen_at(struct front *f, const struct sockaddr_storage *at,
					evconnlistener_cb accept)
{
	int fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, zero = 0, err;
	socklen_t len = at->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	struct evconnlistener *l = NULL;

	if (fd < 0)
		return NULL;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->ss_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	}
	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	if (!bind(fd, (const struct sockaddr *)at, len))
		l = evconnlistener_new(f->base, accept, f, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
				       BACKLOG, fd);
	if (!l) {
		err = errno;
		close(fd);
		errno = err;
		return NULL;
	}
	evconnlistener_set_error_cb(l, on_accept_failed);
	f->listeners[f->n_listeners++] = l;
	return l;
}

static int listen_all(struct front *f)
{
	const struct serve_config *c = f->config;
	struct evconnlistener *l;
	size_t i;

	for (i = 0; i < c->est.n; i++) {
		l = listen_at(f, &c->est.at[i], NULL);
		if (!l || !evhttp_bind_listener(f->http, l))
			return serve_cannot_listen("est.listen", &c->est.at[i]);
	}
	for (i = 0; i < c->checkin.n; i++)
		if (!listen_at(f, &c->checkin.at[i], on_visit))
			return serve_cannot_listen("checkin.listen", &c->checkin.at[i]);
	for (i = 0; i < c->status.n; i++) {
		l = listen_at(f, &c->status.at[i], NULL);
		if (!l || !evhttp_bind_listener(f->status_http, l))
			return serve_cannot_listen("status.listen", &c->status.at[i]);
	}
	return 0;
}

/**
 * front_server_key - a new key for the server, and a request for its certificate
 * @f: the front; keeps the key until front_server_cert()
 * @csr: the request, DER; OPENSSL_free()
 * @len: of @csr
 *
 * The key never leaves this process.
 *
 * Return: 0 or -1.
 */
int front_server_key(struct front *f, uint8_t **csr, size_t *len)
{
	EVP_PKEY_free(f->server_key);
	f->server_key = pki_key_new(PKI_P256);
	return f->server_key && !pki_csr_new(f->server_key, NULL, NULL, csr, len) ? 0 : -1;
}

/**
 * front_server_cert - from now on, be known by this certificate
 * @f: the front
 * @r: agent's reply with it
 *
 * Return: 0 or -1; the one before stays then.
 */
int front_server_cert(struct front *f, const struct serve_reply *r)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct pki_error err = { "no memory" };
	X509 *cert = NULL;
	int ret = -1;

	if (r->status == 200)
		cert = pki_cert_parse(r->der, r->der_len, &err);
	else
		snprintf(err.text, sizeof(err.text), "%s", r->why);
	/* Another CA may have been activated between two processes' start. */
	if (cert && X509_check_issued(f->ca.issuing, cert) != X509_V_OK)
		strcpy(err.text, "the CA has changed meanwhile: start the server again");
	else if (cert && chain && !pki_ca_chain(&f->ca, chain) &&
		 SSL_CTX_use_cert_and_key(f->tls, cert, f->server_key, chain, 1) == 1)
		ret = 0;
	else
		serve_log(LOG_ERR, "no server certificate", "why", err.text, NULL);
	X509_free(cert);
	sk_X509_free(chain);
	EVP_PKEY_free(f->server_key);
	f->server_key = NULL;
	front_certificate_told(f);
	return ret;
}

static void on_server_cert(struct front *f, void *arg, const struct serve_reply *r)
{
	(void)arg;
	if (front_server_cert(f, r))
		return;
	serve_log(LOG_INFO, "new server certificate", NULL);
	staple_renew(f);
}

/* The operator's own certificate, which nobody else renews. */
static void look_at_own(struct front *f)
{
	X509 *cert = SSL_CTX_get0_certificate(f->tls);
	time_t from, until, now = time(NULL);
	char days[24];

	if (!cert || pki_validity(cert, &from, &until) || !pki_ends_soon(from, until, now))
		return;
	snprintf(days, sizeof(days), "%lld", (long long)(until - now) / 86400);
	serve_log(LOG_WARNING, until > now ? "certificate ends soon" : "certificate has ended", "of", "server", "file",
		  f->config->certificate, "days", days, NULL);
}

static void renew(struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_SERVER };
	uint8_t *csr = NULL;

	if (f->config->certificate[0])
		look_at_own(f);
	if (f->config->certificate[0] || f->server_key)
		return;
	if (!front_server_key(f, &csr, &q.csr_len)) {
		q.csr = csr;
		front_ask(f, &q, on_server_cert, f);
	}
	OPENSSL_free(csr);
}

static void on_renew(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	renew(arg);
}

/* Both files were put in place by somebody else, who may not be done. */
static void take_files(struct front *f)
{
	const char *why = serve_tls_files(f->tls, f->config);

	__atomic_store_n(&f->counters->certificate_faults, !!why, __ATOMIC_RELAXED);
	if (why)
		serve_log(LOG_ERR, "certificate and key are not taken: what held before holds", "certificate",
			  f->config->certificate, "key", f->config->key, "why", why, NULL);
	else
		serve_log(LOG_INFO, "new server certificate", "certificate", f->config->certificate, NULL);
	staple_renew(f);
}

static void on_reload(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;

	(void)fd;
	(void)what;
	serve_log(LOG_INFO, "reload", NULL);
	f->manager->reload(false, f->manager->arg);
	if (f->config->certificate[0])
		take_files(f);
	front_certificate_told(f);
	front_reload_ask(f);
	renew(f);
}

/* Before there is a loop: agent is asked, and waited for. */
static int first_certificate(struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_SERVER, .id = 1 };
	const struct serve_config *c = f->config;
	uint8_t *csr = NULL, *buf;
	const char *why;
	struct serve_reply r;
	ssize_t len = -1;
	int ret = -1;

	if (c->certificate[0]) {
		why = serve_tls_files(f->tls, c);
		if (why)
			serve_log(LOG_ERR, "cannot use the server's certificate", "certificate", c->certificate, "key",
				  c->key, "why", why, NULL);
		else
			look_at_own(f);
		front_certificate_told(f);
		return why ? -1 : 0;
	}
	buf = malloc(SERVE_REPLY_MAX);
	if (!buf || front_server_key(f, &csr, &q.csr_len))
		goto out;
	q.csr = csr;
	if (!priv_send(f->agent, buf, serve_request_pack(&q, buf, SERVE_REPLY_MAX)))
		len = priv_receive(f->agent, buf, SERVE_REPLY_MAX);
	if (len >= 0 && serve_reply_unpack(buf, len, &r))
		ret = front_server_cert(f, &r);
out:
	OPENSSL_free(csr);
	free(buf);
	return ret;
}

static int prepare_tls(struct front *f)
{
	struct pki_error err;
	uint8_t *der = NULL;
	size_t len;

	if (pki_ca_load(f->config->ca, false, NULL, &f->ca, &err)) {
		serve_log(LOG_ERR, "cannot load the CA", "why", err.text, NULL);
		return -1;
	}
	if (pki_ca_certs(&f->ca, &der, &len))
		return -1;
	f->cacerts = est_body_encode(der, len, &f->cacerts_len);
	OPENSSL_free(der);
	f->tls = conn_tls_new(f);
	if (f->tls)
		front_name_issuers(f);
	return f->cacerts && f->tls ? first_certificate(f) : -1;
}

static int watch(struct front *f, int signal, event_callback_fn call)
{
	struct event *e = evsignal_new(f->base, signal, call, f);

	return e && !event_add(e, NULL) ? 0 : -1;
}

/* Each connection changes what is waited for a dozen times: most of it while nothing is waited for. */
static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && !event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST))
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static int prepare_loop(struct front *f)
{
	const struct timeval each = { RENEW_EACH, 0 };

	f->base = base_new();
	if (f->base)
		f->resume = event_new(f->base, -1, 0, on_resume, f);
	if (!f->resume || http_start(f) || status_start(f) || listen_all(f))
		return -1;
	evutil_make_socket_nonblocking(f->agent->in);
	evutil_make_socket_nonblocking(f->agent->out);
	f->from_agent = bufferevent_socket_new(f->base, f->agent->in, 0);
	f->to_agent = bufferevent_socket_new(f->base, f->agent->out, 0);
	f->renew = event_new(f->base, -1, EV_PERSIST, on_renew, f);
	if (!f->from_agent || !f->to_agent || !f->renew || watch(f, SIGTERM, on_stop) ||
	    watch(f, SIGINT, on_stop) || watch(f, SIGHUP, on_reload) || watch(f, SIGCHLD, on_child))
		return -1;
	bufferevent_setcb(f->from_agent, on_agent_read, NULL, on_agent_event, f);
	bufferevent_setcb(f->to_agent, NULL, NULL, on_agent_event, f);
	bufferevent_disable(f->to_agent, EV_READ);
	bufferevent_enable(f->from_agent, EV_READ);
	event_add(f->renew, &each);
	return staple_start(f);
}

static void on_beaten(struct front *f, void *arg, const struct serve_reply *r)
{
	(void)arg;
	f->beating = false;
	if (r->status != 200)
		serve_log(LOG_ERR, "not well", "why", r->why, NULL);
	/* What fails but answers is no better for being started again. */
	f->manager->alive(f->manager->arg);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct serve_request q = { .op = SERVE_OP_HEALTH };
	struct front *f = arg;

	(void)fd;
	(void)what;
	if (!f->beating)
		f->beating = front_ask(f, &q, on_beaten, f);
}

static int start_beat(struct front *f)
{
	const struct timeval each = { f->manager->each / 1000, f->manager->each % 1000 * 1000 };

	if (!f->manager->each)
		return 0;
	f->beat = event_new(f->base, -1, EV_PERSIST, on_beat, f);
	return f->beat && !event_add(f->beat, &each) ? 0 : -1;
}

/* Who waits for this process to end finds the registry closed, and may copy it. */
static void wait_for_others(struct front *f)
{
	unsigned int i;

	priv_channel_close(f->agent);
	for (i = 0; i < END_WAIT / END_POLL && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		poll(NULL, 0, END_POLL);
}

/**
 * serve_front - be the front, until told to stop, or until agent or signer is gone
 * @config: what holds
 * @counters: shared
 * @agent: pipes, on which agent has said that it is ready
 * @manager: whom to tell how it goes
 *
 * Return: exit status.
 */
int serve_front(struct serve_config *config, struct serve_counters *counters, struct priv_channel *agent,
		const struct serve_manager *manager)
{
	struct priv_role role = { .user = "cordon-front", .network = true };
	struct front *f = calloc(1, sizeof(*f));
	char error[PRIV_ERROR_LEN], certificates[PATH_MAX], keys[PATH_MAX];

	if (!f)
		return 1;
	f->config = config;
	f->counters = counters;
	f->agent = agent;
	f->manager = manager;
	only_front = f;
	TAILQ_INIT(&f->conns);
	TAILQ_INIT(&f->downloads);
	TAILQ_INIT(&f->askers);
	f->artifacts = artifact_directory(config->firmware, priv_group(role.user));
	if (config->certificate[0]) {
		role.also[0] = serve_directory_of(config->certificate, certificates);
		role.also[1] = serve_directory_of(config->key, keys);
	}
	if (f->artifacts >= 0)
		role.readable = config->firmware;
	else
		serve_log(LOG_WARNING, "no artifacts can be had", "directory", config->firmware, "why",
			  strerror(-f->artifacts), NULL);
	serve_limit_files(FILES);
	if (config->fleet.n)
		role.also[2] = config->fleet.directory;
	if (prepare_tls(f) || prepare_loop(f) || front_fleet_begin(f) || start_beat(f))
		return 1;
	serve_log_detach();
	if (priv_enter(&role, error) < 0) {
		serve_log(LOG_ERR, "cannot confine the process", "why", error, NULL);
		return 1;
	}
	manager->ready(manager->arg);
	event_base_dispatch(f->base);
	wait_for_others(f);
	/* The process ends here; what it holds goes with it. */
	return f->status;
}
