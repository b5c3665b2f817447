// SPDX-License-Identifier: GPL-2.0
/* Offers for devices without hawkBit: firmware/manifest.h. Within the front. */
#include <event2/buffer.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "device/base64.h"
#include "firmware/manifest.h"
#include "lib/wire.h"
#include "serve/front/call.h"
#include "serve/front/ddi.h"

#define NUMBER_DIGITS	18
#define NO_RESULT	"the body is not JSON like {\"result\": \"success\", \"version\": \"1.4.2\"}"

static void send_manifest(struct call *call, const struct serve_reply *r)
{
	struct wire_in in = { .p = r->der, .left = r->der_len };
	size_t len, der_len;
	const uint8_t *text = wire_blob(&in, MANIFEST_MAX, &len);
	const uint8_t *der = wire_blob(&in, MANIFEST_SIGNATURE_MAX, &der_len);
	char *signature = wire_end(&in) ? base64_encode(der, der_len) : NULL;

	if (signature) {
		evhttp_add_header(evhttp_request_get_output_headers(call->req), MANIFEST_FIELD, signature);
		call_answer(call->req, 200, "application/json", text, len);
	} else {
		call_send_why(call->req, 503, 1, "no memory");
	}
	free(signature);
}

static void on_manifest(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;

	(void)f;
	if (call_end(call)) {
		if (r->status == 200)
			send_manifest(call, r);
		else if (r->status == 204)
			call_answer_empty(call->req, 204);
		else
			call_send_why(call->req, r->status, r->retry, r->why);
	}
	free(call);
}

static void on_result(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;

	(void)f;
	if (call_end(call)) {
		if (r->status == 204)
			call_answer_empty(call->req, 204);
		else
			call_send_why(call->req, r->status, r->retry, r->why);
	}
	free(call);
}

/* Return: NULL, or what is wrong. */
static const char *read_result(struct evhttp_request *req, struct serve_request *q)
{
	static const char * const results[] = {
		[SERVE_FEEDBACK_RUNNING] = "running", [SERVE_FEEDBACK_SUCCESS] = "success",
		[SERVE_FEEDBACK_FAILURE] = "failure",
	};
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in), i;
	json_t *body = json_loadb(len ? (char *)evbuffer_pullup(in, -1) : "", len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *version = json_object_get(body, "version"), *detail = json_object_get(body, "detail");
	const char *result = json_string_value(json_object_get(body, "result")), *why = NULL;

	for (i = 0; result && i < sizeof(results) / sizeof(*results); i++)
		if (!strcmp(result, results[i]))
			break;
	if (!result || i == sizeof(results) / sizeof(*results))
		why = NO_RESULT;
	else if ((version && !json_is_string(version)) || json_string_length(version) >= sizeof(q->firmware))
		why = "the version is not a text of at most 63 bytes";
	else if ((detail && !json_is_string(detail)) || json_string_length(detail) >= sizeof(q->detail))
		why = "the detail is not a text of at most 255 bytes";
	if (!why) {
		q->feedback = i;
		strcpy(q->firmware, version ? json_string_value(version) : "");
		strcpy(q->detail, detail ? json_string_value(detail) : "");
	}
	json_decref(body);
	return why;
}

static void handle_result(struct evhttp_request *req, const char *number)
{
	struct serve_request q = { .op = SERVE_OP_RESULT };
	size_t digits = strspn(number, "0123456789");
	const char *why;

	if (!digits || digits > NUMBER_DIGITS || number[digits]) {
		call_refuse(req, 404, SERVE_BAD_REQUEST, NULL, "no such resource");
		return;
	}
	q.number = strtoull(number, NULL, 10);
	if (!call_method_is(req, EVHTTP_REQ_POST, "POST") || !call_identify(req, &q))
		return;
	why = read_result(req, &q);
	if (why)
		call_refuse(req, 400, SERVE_BAD_REQUEST, q.name, why);
	else
		call_ask(req, &q, on_result);
}

/**
 * plain_handle - answer a request, if it is about an offer for a device without hawkBit
 * @req: the request
 * @path: its path
 *
 * Return: false, it is not, and not answered.
 */
bool plain_handle(struct evhttp_request *req, const char *path)
{
	struct serve_request q = { .op = SERVE_OP_MANIFEST };
	size_t len = strlen(MANIFEST_PATH);

	if (strncmp(path, MANIFEST_PATH, len) || (path[len] && path[len] != '/'))
		return false;
	if (path[len])
		handle_result(req, path + len + 1);
	else if (call_method_is(req, EVHTTP_REQ_GET, "GET") && call_identify(req, &q))
		call_ask(req, &q, on_manifest);
	return true;
}
