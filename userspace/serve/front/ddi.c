// SPDX-License-Identifier: GPL-2.0
/*
 * hawkBit's Direct Device Integration API, version 1, as its clients use it. A device is who its certificate
 * says: the name in the path must be the same. What it may have and say, agent decides.
 */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/policy.h"
#include "serve/front/artifact.h"
#include "serve/front/call.h"
#include "serve/front/ddi.h"

#define NUMBER_DIGITS	18	/* of an action or a release */
#define MD5SUM		".MD5SUM"

/* https://HOST/TENANT/controller/v1/DEVICE */
static void base_of(const struct call *call, const char *device, char out[DDI_BASE_LEN + 256])
{
	char base[DDI_BASE_LEN];

	link_base(call->req, base);
	snprintf(out, DDI_BASE_LEN + 256, "%s/%s/controller/v1/%s", base, call->front->config->tenant, device);
}

/* hal+json, unless the client wants to hear of nothing but JSON. */
static void send_json(struct call *call, json_t *body)
{
	const char *accept = evhttp_find_header(evhttp_request_get_input_headers(call->req), "Accept");
	bool plain = accept && strstr(accept, "application/json") && !strstr(accept, "hal+json");
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	if (text)
		call_answer(call->req, 200, plain ? "application/json" : "application/hal+json", text, strlen(text));
	else
		call_send_why(call->req, 503, 1, "no memory");
	free(text);
	json_decref(body);
}

/* The call with its offer; NULL: it is over. */
static struct call *take_offer(void *arg, const struct serve_reply *r, struct serve_offer *o)
{
	struct call *call = arg;

	if (call_end(call) && r->status == 200 && serve_offer_unpack(r->der, r->der_len, o))
		return call;
	if (call->req)
		call_send_why(call->req, r->status == 200 ? 500 : r->status, r->retry, r->why);
	free(call);
	return NULL;
}

static void on_offer(void *arg, const struct serve_reply *r,
		     json_t *(*make)(const char *base, const struct serve_offer *o))
{
	char base[DDI_BASE_LEN + 256];
	struct serve_offer o;
	struct call *call = take_offer(arg, r, &o);

	if (!call)
		return;
	base_of(call, r->device, base);
	send_json(call, make(base, &o));
	free(call);
}

static void on_poll(struct front *f, void *arg, const struct serve_reply *r)
{
	(void)f;
	on_offer(arg, r, ddi_root);
}

static void on_deployment(struct front *f, void *arg, const struct serve_reply *r)
{
	(void)f;
	on_offer(arg, r, ddi_deployment);
}

static void on_artifacts(struct front *f, void *arg, const struct serve_reply *r)
{
	(void)f;
	on_offer(arg, r, ddi_artifacts);
}

static json_t *make_cancellation(const char *base, const struct serve_offer *o)
{
	(void)base;
	return ddi_cancellation(o);
}

static void on_cancellation(struct front *f, void *arg, const struct serve_reply *r)
{
	(void)f;
	on_offer(arg, r, make_cancellation);
}

static void on_artifact(struct front *f, void *arg, const struct serve_reply *r)
{
	struct serve_offer o;
	struct call *call = take_offer(arg, r, &o);

	(void)f;
	if (call)
		artifact_send(call->req, &o, r->device);
	free(call);
}

static void on_signature(struct front *f, void *arg, const struct serve_reply *r)
{
	struct serve_offer o;
	struct call *call = take_offer(arg, r, &o);

	(void)f;
	if (call)
		artifact_send_signature(call->req, &o, r->device);
	free(call);
}

/* As md5sum(1) has it. */
static void on_md5sum(struct front *f, void *arg, const struct serve_reply *r)
{
	char text[2 * 16 + FIRMWARE_FILE_LEN + 4], sum[2 * 16 + 1];
	struct serve_offer o;
	struct call *call = take_offer(arg, r, &o);

	(void)f;
	if (!call)
		return;
	snprintf(text, sizeof(text), "%s  %s\n",
		 policy_hex_text(o.release.hashes.md5, sizeof(o.release.hashes.md5), sum), o.release.file);
	call_answer(call->req, 200, "text/plain; charset=utf-8", text, strlen(text));
	free(call);
}

static void on_done(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;

	(void)f;
	if (call_end(call)) {
		if (r->status == 200)
			call_answer(call->req, 200, "application/json", "{}", 2);
		else
			call_send_why(call->req, r->status, r->retry, r->why);
	}
	free(call);
}

static const char *body_of(struct evhttp_request *req, size_t *len)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);

	*len = evbuffer_get_length(in);
	return *len ? (char *)evbuffer_pullup(in, -1) : "";
}

static void handle_poll(struct evhttp_request *req, struct serve_request *q)
{
	if (!call_method_is(req, EVHTTP_REQ_GET, "GET"))
		return;
	q->op = SERVE_OP_POLL;
	call_ask(req, q, on_poll);
}

static void handle_report(struct evhttp_request *req, struct serve_request *q)
{
	const char *body, *why;
	size_t len;

	if (!call_method_is(req, EVHTTP_REQ_PUT, "PUT"))
		return;
	body = body_of(req, &len);
	why = ddi_read_report(body, len, q->firmware);
	q->op = SERVE_OP_REPORT;
	if (why)
		call_refuse(req, 400, SERVE_BAD_REQUEST, q->name, why);
	else
		call_ask(req, q, on_done);
}

static void handle_action(struct evhttp_request *req, struct serve_request *q)
{
	bool cancel = q->op == SERVE_OP_CANCELLATION;

	if (call_method_is(req, EVHTTP_REQ_GET, "GET"))
		call_ask(req, q, cancel ? on_cancellation : on_deployment);
}

static void handle_feedback(struct evhttp_request *req, struct serve_request *q)
{
	const char *body, *why;
	size_t len;

	if (!call_method_is(req, EVHTTP_REQ_POST, "POST"))
		return;
	body = body_of(req, &len);
	why = ddi_read_feedback(body, len, q);
	q->op = q->op == SERVE_OP_CANCELLATION ? SERVE_OP_CANCEL_FEEDBACK : SERVE_OP_FEEDBACK;
	if (why)
		call_refuse(req, 400, SERVE_BAD_REQUEST, q->name, why);
	else
		call_ask(req, q, on_done);
}

static bool may_download(struct evhttp_request *req)
{
	return evhttp_request_get_command(req) == EVHTTP_REQ_HEAD || call_method_is(req, EVHTTP_REQ_GET, "GET, HEAD");
}

/* Cut what a name ends with; false, it does not end so. */
static bool cut(char *file, size_t *len, const char *end)
{
	size_t n = strlen(end);

	if (*len <= n || strcmp(file + *len - n, end))
		return false;
	*len -= n;
	file[*len] = 0;
	return true;
}

/* Of the release in @q: its list of artifacts, the artifact, its sum or signature. False: none of them. */
static bool handle_artifact(struct evhttp_request *req, struct serve_request *q, const char *rest)
{
	void (*done)(struct front *f, void *arg, const struct serve_reply *r) = on_artifact;
	size_t len;
	char *file;

	q->op = SERVE_OP_ARTIFACT;
	if (!strcmp(rest, "/artifacts")) {
		if (call_method_is(req, EVHTTP_REQ_GET, "GET"))
			call_ask(req, q, on_artifacts);
		return true;
	}
	if (strncmp(rest, "/artifacts/", 11))
		return false;
	file = evhttp_uridecode(rest + 11, 0, &len);
	if (file && cut(file, &len, MD5SUM))
		done = on_md5sum;
	else if (file && cut(file, &len, ARTIFACT_SIGNATURE))
		done = on_signature;
	/* A NUL in it would hide what follows. */
	if (!file || !*file || strlen(file) != len || strlen(file) >= FIRMWARE_FILE_LEN) {
		free(file);
		return false;
	}
	strcpy(q->detail, file);
	free(file);
	if (may_download(req))
		call_ask(req, q, done);
	return true;
}

/* A number behind a word; what follows it is left in @rest. */
static bool take_number(const char *path, const char *word, uint64_t *number, const char **rest)
{
	size_t len = strlen(word), digits;

	if (strncmp(path, word, len))
		return false;
	digits = strspn(path + len, "0123456789");
	if (!digits || digits > NUMBER_DIGITS)
		return false;
	*number = strtoull(path + len, NULL, 10);
	*rest = path + len + digits;
	return true;
}

/* Behind the device's name. False: no such resource. */
static bool route(struct evhttp_request *req, struct serve_request *q, const char *path)
{
	const char *rest;

	if (!*path || !strcmp(path, "/")) {
		handle_poll(req, q);
		return true;
	}
	if (!strcmp(path, "/configData")) {
		handle_report(req, q);
		return true;
	}
	if (take_number(path, "/softwaremodules/", &q->number, &rest))
		return handle_artifact(req, q, rest);
	if (take_number(path, "/deploymentBase/", &q->number, &rest))
		q->op = SERVE_OP_DEPLOYMENT;
	else if (take_number(path, "/cancelAction/", &q->number, &rest))
		q->op = SERVE_OP_CANCELLATION;
	else
		return false;
	if (!*rest)
		handle_action(req, q);
	else if (!strcmp(rest, "/feedback"))
		handle_feedback(req, q);
	else
		return false;
	return true;
}

/* The part of @path before the next slash, if it is this word. */
static const char *skip_word(const char *path, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(path, word, len) && (!path[len] || path[len] == '/') ? path + len : NULL;
}

/* hawkBit's own tenant is DEFAULT, and no letter's case makes another one. */
static const char *skip_tenant(const char *path, const char *tenant)
{
	size_t len = strlen(tenant);

	return !strncasecmp(path, tenant, len) && path[len] == '/' ? path + len : NULL;
}

/**
 * ddi_handle - answer a request, if it is one of DDI
 * @req: the request
 * @path: its path
 *
 * Return: false, it is none, and not answered.
 */
bool ddi_handle(struct evhttp_request *req, const char *path)
{
	const char *tenant = call_conn(req)->front->config->tenant, *api, *rest;
	struct serve_request q = { .op = 0 };

	api = path[0] == '/' ? strchr(path + 1, '/') : NULL;
	if (!api || strncmp(api, "/controller/v1/", 15))
		return false;
	if (skip_tenant(path + 1, tenant) != api) {
		call_refuse(req, 404, SERVE_WRONG_DEVICE, NULL, "no such tenant");
		return true;
	}
	if (!call_identify(req, &q))
		return true;
	rest = skip_word(api + 15, q.name);
	if (!rest)
		call_refuse(req, 403, SERVE_WRONG_DEVICE, q.name, "the certificate is another device's");
	else if (!route(req, &q, rest))
		call_refuse(req, 404, SERVE_BAD_REQUEST, q.name, "no such resource");
	return true;
}
