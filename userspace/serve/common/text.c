// SPDX-License-Identifier: GPL-2.0
/* Words and fields of HTTP. */
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <strings.h>
#include <sys/queue.h>

#include "serve/common/serve.h"

/** serve_status_text - what a status is called (RFC 9110, 15) */
const char *serve_status_text(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *text;
	} texts[] = {
		{ 200, "OK" }, { 202, "Accepted" }, { 204, "No Content" }, { 206, "Partial Content" },
		{ 303, "See Other" }, { 304, "Not Modified" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 409, "Conflict" }, { 410, "Gone" }, { 413, "Content Too Large" }, { 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 416, "Range Not Satisfiable" }, { 421, "Misdirected Request" }, { 429, "Too Many Requests" }, { 501, "Not Implemented" }, { 503, "Service Unavailable" },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Error";
}

/**
 * serve_has_one_length - a request has one Content-Length, or none
 * @req: the request
 *
 * Of two, evhttp takes the first, and reads what follows as a request of its own.
 */
bool serve_has_one_length(struct evhttp_request *req)
{
	const struct evkeyval *h;
	unsigned int n = 0;

	TAILQ_FOREACH(h, evhttp_request_get_input_headers(req), next)
		n += !strcasecmp(h->key, "Content-Length");
	return n < 2;
}
