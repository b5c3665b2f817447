// SPDX-License-Identifier: GPL-2.0
/* Words of HTTP. */
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
