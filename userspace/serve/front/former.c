// SPDX-License-Identifier: GPL-2.0
/* Revocation lists of issuers before the present one, by their key identifier. */
#include <stdlib.h>
#include <string.h>

#include "serve/front/call.h"
#include "serve/front/former.h"

#define PREFIX	"/cordon/v1/crl/"

static void on_list(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;

	(void)f;
	if (call_end(call)) {
		if (r->status == 200)
			call_answer(call->req, 200, "application/pkix-crl", r->der, r->der_len);
		else
			call_send_why(call->req, r->status, r->retry, r->why);
	}
	free(call);
}

/**
 * former_handle - take a request for the list of an issuer before
 * @req: the request
 * @path: its path
 *
 * Return: false, it is for something else.
 */
bool former_handle(struct evhttp_request *req, const char *path)
{
	struct serve_request q = { .op = SERVE_OP_FORMER_CRL };
	const char *id = path + strlen(PREFIX);
	size_t len;

	if (strncmp(path, PREFIX, strlen(PREFIX)) != 0)
		return false;
	len = strlen(id);
	if (!len || len >= sizeof(q.name) || strspn(id, "0123456789abcdef") != len) {
		call_refuse(req, 404, SERVE_BAD_REQUEST, NULL, "not a key identifier in hexadecimal");
	} else if (call_method_is(req, EVHTTP_REQ_GET, "GET")) {
		memcpy(q.name, id, len);
		call_ask(req, &q, on_list);
	}
	return true;
}
