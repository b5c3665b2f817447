// SPDX-License-Identifier: GPL-2.0
/* Metrics, over plain HTTP, for who collects them on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "metrics/metrics.h"
#include "serve/page/web.h"

/* ?devices=no leaves out all that is of one device. */
static bool wants_devices(const struct evhttp_uri *uri)
{
	const char *query = evhttp_uri_get_query(uri);

	return !query || strcmp(query, "devices=no") != 0;
}

static void send_metrics(struct web *w, struct web_conn *c, struct evhttp_request *req, const struct evhttp_uri *uri)
{
	const char *accept = evhttp_find_header(evhttp_request_get_input_headers(req), "Accept");
	struct metrics_options o = { .devices = wants_devices(uri), .serve = w->counters, .fleet = w->config->fleet.n, .now = time(NULL) };
	struct history *h = web_history(w);
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int err;

	/* Without a history, what the server counts, and cordon_watch_up 0: the server does answer. */
	o.format = accept && strstr(accept, "application/openmetrics-text") ? METRICS_OPENMETRICS : METRICS_PLAIN;
	out = open_memstream(&text, &len);
	err = out ? metrics_write(h, &o, out) : -1;
	if (out && fclose(out))
		err = -1;
	if (err) {
		serve_log(LOG_ERR, "no metrics", "why", h ? h->error : "out of memory", NULL);
		if (h)
			history_close(h);
		web_refuse(c, req, 503, SERVE_PAGE_HISTORY, "the history cannot be read: see the log");
	} else {
		serve_count(&w->counters->accepted[SERVE_METRICS]);
		web_answer(c, req, 200, metrics_content_type(o.format), text, len);
	}
	free(text);
}

/** web_metrics - a request at an address of the loopback */
void web_metrics(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	struct web *w = arg;
	struct web_conn *c = web_conn_of(w, req);

	if (!c) {
		evhttp_send_error(req, 500, NULL);
		return;
	}
	c->asked = c->served = true;
	c->until = serve_clock() + WEB_ANSWER;
	if (!web_conn_from_loopback(c))
		web_refuse(c, req, 403, SERVE_PAGE_NO_CERTIFICATE, "not from this machine");
	else if (!web_host_is_ours(w, req, true))
		web_refuse(c, req, 421, SERVE_PAGE_HOST, "not a name of the loopback");
	else if (!path || strcmp(path, "/metrics") != 0)
		web_refuse(c, req, 404, SERVE_PAGE_REQUEST, "only /metrics");
	else if (web_is_full(w))
		web_refuse(c, req, 503, SERVE_PAGE_CROWDED, "too much is on its way");
	else
		send_metrics(w, c, req, uri);
}
