// SPDX-License-Identifier: GPL-2.0
/* The process that people's browsers talk to, and who collects metrics: its start, its listeners, its end. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "page/page.h"
#include "serve/page/web.h"

#define BACKLOG		64
#define FILES		1024
#define RENEW_EACH	(10 * 86400)	/* a server's certificate lasts for 30 days */

/**
 * web_accepted - one more has come
 * @w: the process
 *
 * A listener accepts as long as somebody waits, which is for ever if they come fast enough: meanwhile nobody else has a
 * turn, and all descriptors are taken.
 */
void web_accepted(struct web *w)
{
	const struct timeval next_turn = { 0, 0 };
	size_t i;

	if (++w->accepted < WEB_ACCEPTS)
		return;
	for (i = 0; i < w->n_listeners; i++)
		evconnlistener_disable(w->listeners[i]);
	event_add(w->resume, &next_turn);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct web *w = arg;
	size_t i;

	(void)fd;
	(void)what;
	w->accepted = 0;
	for (i = 0; i < w->n_listeners; i++)
		evconnlistener_enable(w->listeners[i]);
}

/* For on_accept_failed(): what a listener hands over is evhttp's. */
static struct web *only_web;

/* Mostly for want of descriptors. To try again at once would be to do nothing else. */
static void on_accept_failed(struct evconnlistener *l, void *arg)
{
	const struct timeval soon = { 0, 100000 };
	struct web *w = only_web;
	int err = errno;
	size_t i;

	(void)l;
	(void)arg;
	serve_log(LOG_ERR, "cannot accept", "why", strerror(err), NULL);
	for (i = 0; i < w->n_listeners; i++)
		evconnlistener_disable(w->listeners[i]);
	event_add(w->resume, &soon);
}

static int listen_at(struct web *w, struct evhttp *http, const struct sockaddr_storage *at)
{
	int fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, zero = 0, err;
	socklen_t len = at->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	struct evconnlistener *l = NULL;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (!bind(fd, (const struct sockaddr *)at, len))
		l = evconnlistener_new(w->base, NULL, w, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (l && evhttp_bind_listener(http, l)) {
		evconnlistener_set_error_cb(l, on_accept_failed);
		w->listeners[w->n_listeners++] = l;
		return 0;
	}
	err = errno;
	if (l)
		evconnlistener_free(l);
	else
		close(fd);
	errno = err;
	return -1;
}

static int listen_all(struct web *w)
{
	const struct serve_config *c = w->config;
	size_t i;

	for (i = 0; i < c->page.n; i++)
		if (listen_at(w, w->http, &c->page.at[i]))
			return serve_cannot_listen("page", &c->page.at[i]);
	for (i = 0; i < c->metrics.n; i++)
		if (listen_at(w, w->metrics, &c->metrics.at[i]))
			return serve_cannot_listen("metrics", &c->metrics.at[i]);
	return 0;
}

static int prepare_tls(struct web *w)
{
	struct pki_error err;

	if (!w->config->page.n)
		return 0;
	if (pki_ca_load(w->config->ca, false, NULL, &w->ca, &err)) {
		serve_log(LOG_ERR, "cannot load the CA", "why", err.text, NULL);
		return -1;
	}
	w->tls = web_tls_new(w);
	return w->tls ? web_first_certificate(w) : -1;
}

static void on_renew(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	web_renew_certificate(arg);
}

static int prepare_loop(struct web *w)
{
	const struct timeval renew = { RENEW_EACH, 0 }, second = { 1, 0 };

	only_web = w;
	w->base = event_base_new();
	if (!w->base || web_http_start(w) || listen_all(w))
		return -1;
	w->resume = event_new(w->base, -1, 0, on_resume, w);
	w->hear = event_new(w->base, w->agent, EV_READ | EV_PERSIST, web_hear, w);
	w->renew = event_new(w->base, -1, EV_PERSIST, on_renew, w);
	w->sweep = event_new(w->base, -1, EV_PERSIST, web_sweep, w);
	if (!w->resume || !w->hear || !w->renew || !w->sweep)
		return -1;
	return event_add(w->hear, NULL) || event_add(w->renew, &renew) || event_add(w->sweep, &second) ? -1 : 0;
}

/**
 * serve_page - be page, until agent is gone
 * @config: what holds
 * @counters: shared
 * @agent: socket to it
 * @ready: a byte is written to it when people may come
 *
 * Return: exit status.
 */
int serve_page(struct serve_config *config, struct serve_counters *counters, int agent, int ready)
{
	char error[PRIV_ERROR_LEN], certificates[PATH_MAX], keys[PATH_MAX];
	struct priv_role role = {
		.user = "cordon-page", .network = true, .database = true, .readable = config->history,
		.also = { config->history_live },
	};
	struct web *w = calloc(1, sizeof(*w));

	if (!w || getrandom(w->secret, sizeof(w->secret), 0) != sizeof(w->secret))
		return 1;
	w->config = config;
	w->counters = counters;
	w->agent = agent;
	TAILQ_INIT(&w->conns);
	TAILQ_INIT(&w->streams);
	if (config->certificate[0]) {
		role.also[1] = serve_directory_of(config->certificate, certificates);
		role.also[2] = serve_directory_of(config->key, keys);
	}
	if (config->page.n && page_assets_load(PAGE_DYGRAPHS))
		serve_log(LOG_NOTICE, "no library for plots: pages have plainer ones", "directory", PAGE_DYGRAPHS, NULL);
	serve_limit_files(FILES);
	if (prepare_tls(w) || prepare_loop(w))
		return 1;
	serve_log_detach();
	if (priv_enter(&role, error) < 0) {
		serve_log(LOG_ERR, "cannot confine the process", "why", error, NULL);
		return 1;
	}
	if (write(ready, "", 1) != 1)
		return 1;
	close(ready);
	event_base_dispatch(w->base);
	OPENSSL_cleanse(w->secret, sizeof(w->secret));
	/* The process ends here; what it holds goes with it. */
	return w->status;
}
