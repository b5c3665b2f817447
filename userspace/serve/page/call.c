// SPDX-License-Identifier: GPL-2.0
/* Requests that wait for agent's answer; their connections may be gone by then. */
#include <stdlib.h>
#include <string.h>

#include "serve/page/web.h"

/* A request whose connection broke is nobody's but ours. */
static void on_gone(struct evhttp_connection *evcon, void *arg)
{
	struct web_call *call = arg;

	(void)evcon;
	if (!evhttp_request_get_connection(call->req))
		evhttp_request_free(call->req);
	call->req = NULL;
}

/**
 * web_call - have agent decide on a request
 * @c: its connection, whose certificate was looked at
 * @req: the request
 * @q: what to ask; gets who asks
 * @back: where the browser goes afterwards, or NULL
 * @done: gets a struct web_call, which it ends
 *
 * Return: false, too much is waiting already.
 */
bool web_call(struct web_conn *c, struct evhttp_request *req, struct serve_request *q, const char *back,
	      void (*done)(struct web *w, void *arg, const struct serve_reply *r))
{
	struct web_call *call = calloc(1, sizeof(*call));

	if (!call)
		return false;
	call->web = c->web;
	call->req = req;
	call->op = q->op;
	snprintf(call->back, sizeof(call->back), "%s", back ? back : "/");
	memcpy(q->peer, c->peer, sizeof(q->peer));
	memcpy(q->serial, c->serial, sizeof(q->serial));
	memcpy(q->fingerprint, c->fingerprint, sizeof(q->fingerprint));
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_gone, call);
	if (web_ask(c->web, q, done, call))
		return true;
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
	free(call);
	return false;
}

/**
 * web_call_end - agent has answered
 * @call: freed
 *
 * Return: the request, to be answered now; NULL, nobody waits for it any more.
 */
struct evhttp_request *web_call_end(struct web_call *call)
{
	struct evhttp_request *req = call->req;

	if (req)
		evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
	free(call);
	return req;
}
