// SPDX-License-Identifier: GPL-2.0
/* Requests over HTTPS: to agent and back, and answers in our words. */
#include <stdlib.h>
#include <string.h>

#include "serve/front/call.h"

/** call_conn - the connection that a request came by */
struct conn *call_conn(struct evhttp_request *req)
{
	return conn_of(evhttp_connection_get_bufferevent(evhttp_request_get_connection(req)));
}

static void send_body(struct evhttp_request *req, unsigned int status, const char *type, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	conn_extend(call_conn(req));
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_send_reply(req, status, serve_status_text(status), body);
}

/**
 * call_answer - answer a request
 * @req: the request
 * @status: of HTTP
 * @type: media type of the body
 * @body: copied
 * @len: of @body
 *
 * Headers and body in one TLS record: some clients read no more than that.
 */
void call_answer(struct evhttp_request *req, unsigned int status, const char *type, const void *body, size_t len)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
	struct evbuffer *out = evbuffer_new();
	struct conn *c = conn_of(bev);

	if (out && evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
		evbuffer_add(out, body, len);
	c->answering = true;
	send_body(req, status, type, out);
	evbuffer_pullup(bufferevent_get_output(bev), -1);
	c->answering = false;
	if (out)
		evbuffer_free(out);
}

/**
 * call_answer_shared - answer a request with a body that is not copied
 * @req: the request
 * @type: media type of the body
 * @body: stays as it is until @done
 * @len: of @body
 * @done: called once, when the body is sent or never will be
 * @arg: for @done
 */
void call_answer_shared(struct evhttp_request *req, const char *type, const void *body, size_t len,
			evbuffer_ref_cleanup_cb done, void *arg)
{
	struct evbuffer *out = evbuffer_new();
	struct conn *c = call_conn(req);

	if (!out || evhttp_request_get_command(req) == EVHTTP_REQ_HEAD ||
	    evbuffer_add_reference(out, body, len, done, arg))
		done(body, len, arg);
	c->answering = true;
	send_body(req, 200, type, out);
	c->answering = false;
	if (out)
		evbuffer_free(out);
}

/**
 * call_answer_empty - answer a request with nothing but headers
 * @req: the request
 * @status: of HTTP
 */
void call_answer_empty(struct evhttp_request *req, unsigned int status)
{
	struct conn *c = call_conn(req);

	conn_extend(c);
	c->answering = true;
	evhttp_send_reply(req, status, serve_status_text(status), NULL);
	c->answering = false;
}

/**
 * call_send_why - answer with a sentence
 * @req: the request
 * @status: of HTTP
 * @retry: seconds until it is worth another try, or 0
 * @why: the sentence
 */
void call_send_why(struct evhttp_request *req, unsigned int status, unsigned int retry, const char *why)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	char text[SERVE_TEXT_LEN + 2], number[16];
	int len = snprintf(text, sizeof(text), "%s\n", why);

	if (retry) {
		snprintf(number, sizeof(number), "%u", retry);
		evhttp_add_header(headers, "Retry-After", number);
	}
	if (status == 401)
		evhttp_add_header(headers, "WWW-Authenticate", "Basic realm=\"Cordon enrolment\"");
	call_answer(req, status, "text/plain; charset=utf-8", text, len);
}

/**
 * call_refuse - answer with a sentence, count and log it
 * @req: the request
 * @status: of HTTP
 * @reason: counted
 * @device: as it calls itself, or NULL
 * @why: the sentence
 */
void call_refuse(struct evhttp_request *req, unsigned int status, enum serve_refused reason, const char *device,
		 const char *why)
{
	conn_refused(call_conn(req), reason, device && *device ? device : NULL, why);
	call_send_why(req, status, status == 503 ? SERVE_RETRY : 0, why);
}

/* A request whose connection broke is nobody's but ours. */
static void on_gone(struct evhttp_connection *evcon, void *arg)
{
	struct call *call = arg;

	(void)evcon;
	if (!evhttp_request_get_connection(call->req))
		evhttp_request_free(call->req);
	call->req = NULL;
}

static struct call *call_new(struct evhttp_request *req)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->req = req;
	call->conn = call_conn(req);
	call->front = call->conn->front;
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_gone, call);
	return call;
}

/**
 * call_end - agent has answered
 * @call: the call; its request is to be answered now, and it is to be freed
 *
 * Return: the device is still there.
 */
bool call_end(struct call *call)
{
	if (!call->req)
		return false;
	evhttp_connection_set_closecb(evhttp_request_get_connection(call->req), NULL, NULL);
	call->conn->busy = false;
	return true;
}

/**
 * call_ask - have agent decide on a request
 * @req: the request; answered if that is not possible
 * @q: what to ask
 * @done: gets a struct call, to be ended and freed
 */
void call_ask(struct evhttp_request *req, struct serve_request *q,
	      void (*done)(struct front *f, void *arg, const struct serve_reply *r))
{
	struct call *call = call_new(req);

	if (call) {
		memcpy(q->peer, call->conn->peer, sizeof(q->peer));
		q->ifindex = call->conn->ifindex;
		call->waiting = front_ask(call->front, q, done, call);
		if (call->waiting) {
			call->conn->busy = true;
			/* Agent may have to ask other gateways, which takes time that is not the device's. */
			if (call->front->config->fleet.n)
				conn_extend(call->conn);
			return;
		}
		call_end(call);
	}
	free(call);
	call_send_why(req, 503, 1, "too busy");
}

/**
 * call_method_is - is it the only method that there is
 * @req: the request; answered if it is not
 * @cmd: the method
 * @name: of it
 */
bool call_method_is(struct evhttp_request *req, enum evhttp_cmd_type cmd, const char *name)
{
	if (evhttp_request_get_command(req) == cmd)
		return true;
	evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", name);
	call_refuse(req, 405, SERVE_BAD_REQUEST, NULL, "wrong method");
	return false;
}

/**
 * call_identify - whose certificate a request came with, by its own words
 * @req: the request; answered if there is none of use
 * @q: gets serial, fingerprint and name
 */
bool call_identify(struct evhttp_request *req, struct serve_request *q)
{
	char why[SERVE_TEXT_LEN];
	int reason = conn_certificate(call_conn(req), q, why);

	if (reason >= 0)
		call_refuse(req, reason == SERVE_NO_CERTIFICATE ? 401 : 403, reason, q->name, why);
	return reason < 0;
}
