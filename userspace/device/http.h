/* SPDX-License-Identifier: GPL-2.0 */
/* One HTTP/1.1 request and its answer (RFC 9112), within limits. Pure: bytes in, state out. */
#ifndef CORDON_EST_HTTP_H
#define CORDON_EST_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX		(16 * 1024)	/* bytes of status lines and fields */
#define HTTP_FIELDS_MAX		64
#define HTTP_CHUNK_LINE_MAX	256
#define HTTP_BODY_MAX		(256 * 1024)
#define HTTP_WORD_LEN		80

/**
 * enum http_state - what an answer's next bytes are
 * @HTTP_STATUS: of the status line
 * @HTTP_FIELDS: of the fields
 * @HTTP_LENGTH: of a body whose length is known
 * @HTTP_CLOSE: of a body that ends with the connection
 * @HTTP_CHUNK: of a chunk's size
 * @HTTP_DATA: of a chunk
 * @HTTP_CHUNK_END: of the line's end behind a chunk
 * @HTTP_TRAILER: of fields behind the last chunk
 * @HTTP_DONE: none, it is complete
 * @HTTP_BAD: none, it is malformed
 */
enum http_state {
	HTTP_STATUS,
	HTTP_FIELDS,
	HTTP_LENGTH,
	HTTP_CLOSE,
	HTTP_CHUNK,
	HTTP_DATA,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_DONE,
	HTTP_BAD,
};

/**
 * struct http_response - an answer on its way
 * @state: what comes next
 * @error: what is malformed, where @state is HTTP_BAD
 * @cut: it is well-formed as far as it goes, and breaks off
 * @sink: where the content of a 200 or 206 goes, piece by piece, instead of @body; returns NULL, or what is
 *	wrong, which ends it; set after http_begin(); NULL, none
 * @arg: for @sink
 * @max: bytes of content for @sink
 * @keep: name of a field whose value is kept, or NULL; set after http_begin()
 * @kept: its value, or NULL
 * @status: 200
 * @minor: of HTTP/1.x
 * @reason: what the status line says behind the status
 * @type: media type, in lower case, without parameters; or empty
 * @retry_after: seconds, or -1
 * @ranged: it had a Content-Range (RFC 9110, 14.4) with all three numbers:
 * @first: byte
 * @last: byte
 * @all: bytes of the whole
 * @body: the content, NUL-terminated; NULL while there is none
 * @len: of @body
 * @size: of the memory at @body
 * @seen: bytes of content so far
 * @left: bytes to come of the body or the chunk
 * @chunked: it comes in chunks
 * @sized: it had a Content-Length
 * @head: bytes of lines so far
 * @fields: so far
 * @line_len: of @line
 * @line: what has come of a line
 */
struct http_response {
	enum http_state state;
	const char *error;
	bool cut;
	const char *(*sink)(void *arg, const struct http_response *r, const char *data, size_t len);
	void *arg;
	uint64_t max;
	const char *keep;
	char *kept;
	int status;
	int minor;
	char reason[HTTP_WORD_LEN];
	char type[HTTP_WORD_LEN];
	long retry_after;
	bool ranged;
	uint64_t first;
	uint64_t last;
	uint64_t all;
	char *body;
	size_t len;
	size_t size;
	uint64_t seen;
	uint64_t left;
	bool chunked;
	bool sized;
	size_t head;
	unsigned int fields;
	size_t line_len;
	char line[HTTP_HEAD_MAX + 1];
};

/**
 * struct http_request - what is asked
 * @method: GET or POST
 * @path: of the resource
 * @host: as in a URL: address in brackets, port
 * @type: media type of @body, or NULL
 * @user: for Basic authentication, or NULL
 * @password: likewise
 * @body: what is sent, or NULL
 * @len: of @body
 * @from: first byte that is wanted; 0, all
 * @extra: name of one more field, or NULL
 * @extra_value: its value
 * @if_range: ETag of what @from refers to (RFC 9110, 13.1.5), or NULL
 */
struct http_request {
	const char *method;
	const char *path;
	const char *host;
	const char *type;
	const char *user;
	const char *password;
	const char *body;
	size_t len;
	uint64_t from;
	const char *if_range;
	const char *extra;
	const char *extra_value;
};

void http_begin(struct http_response *r);
void http_feed(struct http_response *r, const char *data, size_t len);
void http_end(struct http_response *r);
void http_free(struct http_response *r);

char *http_request_text(const struct http_request *q, size_t *len);

#endif
