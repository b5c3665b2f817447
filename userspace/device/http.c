// SPDX-License-Identifier: GPL-2.0
/* One HTTP/1.1 request and its answer (RFC 9112), within limits. Pure: bytes in, state out. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base64.h"
#include "http.h"

#define DIGITS "0123456789"

static void bad(struct http_response *r, const char *why)
{
	r->state = HTTP_BAD;
	r->error = why;
}

/* A number of at most that many digits, or -1. */
static int64_t number(const char *text, size_t digits)
{
	size_t len = strlen(text);

	return len && len <= digits && strspn(text, DIGITS) == len ? strtoll(text, NULL, 10) : -1;
}

static bool for_sink(const struct http_response *r)
{
	return r->sink && (r->status == 200 || r->status == 206);
}

/* How much content there may still be. */
static uint64_t room(const struct http_response *r)
{
	return (for_sink(r) ? r->max : HTTP_BODY_MAX) - r->seen;
}

static void too_much(struct http_response *r)
{
	bad(r, for_sink(r) ? "more content than there should be" : "more than 256 KiB of content");
}

static void take_status(struct http_response *r)
{
	const char *l = r->line;

	if (strncmp(l, "HTTP/1.", 7) || (l[7] != '0' && l[7] != '1') || l[8] != ' ' ||
	    strspn(l + 9, DIGITS) != 3 || l[9] == '0' || (l[12] && l[12] != ' ')) {
		bad(r, "no status line of HTTP/1.1");
		return;
	}
	r->minor = l[7] - '0';
	r->status = (int)strtol(l + 9, NULL, 10);
	snprintf(r->reason, sizeof(r->reason), "%s", l[12] ? l + 13 : "");
	r->state = HTTP_FIELDS;
}

static bool is_name(const char *name, size_t len)
{
	static const char letters[] = "!#$%&'*+-.^_`|~" DIGITS "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return len && strspn(name, letters) == len;
}

static void take_length(struct http_response *r, const char *value)
{
	int64_t n = number(value, 15);

	if (n < 0)
		bad(r, "no number in Content-Length");
	else if (r->sized && r->left != (uint64_t)n)
		bad(r, "two different Content-Length");
	else if ((uint64_t)n > room(r))
		too_much(r);
	r->sized = true;
	r->left = n < 0 ? 0 : n;
}

/* Seconds, or one of HTTP's dates in the form that is still sent (RFC 9110, 5.6.7). */
static long delay(const char *value)
{
	long n = number(value, 9);
	struct tm tm = { };
	const char *end;
	time_t at;

	if (n >= 0)
		return n;
	end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (!end || *end)
		return -1;
	/* After 2038 where a time_t has 32 bits: not known, rather than at once. */
	at = timegm(&tm);
	if (at == (time_t)-1)
		return -1;
	at -= time(NULL);
	return at < 0 ? 0 : at;
}

static void take_type(struct http_response *r, const char *value)
{
	size_t len = strcspn(value, "; \t"), i;

	if (len >= sizeof(r->type))
		return;
	for (i = 0; i < len; i++)
		r->type[i] = value[i] >= 'A' && value[i] <= 'Z' ? value[i] + 32 : value[i];
	r->type[len] = 0;
}

/* "bytes FIRST-LAST/ALL"; a size that is not known, and a range that is none, are of no use. */
static void take_range(struct http_response *r, char *value)
{
	char *first = value + 6, *last = strchr(value, '-'), *all = strchr(value, '/');

	if (r->ranged) {
		bad(r, "more than one Content-Range");
		return;
	}
	if (strncasecmp(value, "bytes ", 6) != 0 || !last || !all || last > all)
		return;
	*last++ = *all++ = 0;
	if (number(first, 15) < 0 || number(last, 15) < 0 || number(all, 15) < 0)
		return;
	r->ranged = true;
	r->first = number(first, 15);
	r->last = number(last, 15);
	r->all = number(all, 15);
}

static void keep_field(struct http_response *r, const char *value)
{
	if (r->kept)
		bad(r, "a field twice that must not be");
	else
		r->kept = strdup(value);
}

static void take_field(struct http_response *r)
{
	char *name = r->line, *value = strchr(name, ':'), *end;

	if (++r->fields > HTTP_FIELDS_MAX) {
		bad(r, "more than 64 fields");
		return;
	}
	if (!value || !is_name(name, value - name)) {
		bad(r, "a field without a proper name");
		return;
	}
	*value++ = 0;
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	if (r->state == HTTP_TRAILER)
		return;
	if (r->keep && !strcasecmp(name, r->keep))
		keep_field(r, value);
	else if (!strcasecmp(name, "Content-Range"))
		take_range(r, value);
	else if (!strcasecmp(name, "Content-Length"))
		take_length(r, value);
	else if (!strcasecmp(name, "Content-Type"))
		take_type(r, value);
	else if (!strcasecmp(name, "Retry-After"))
		r->retry_after = delay(value);
	else if (!strcasecmp(name, "Transfer-Encoding") && !r->chunked &&
		 !strcasecmp(value, "chunked"))
		r->chunked = true;
	else if (!strcasecmp(name, "Transfer-Encoding"))
		bad(r, "a Transfer-Encoding other than chunked");
	else if (!strcasecmp(name, "Content-Encoding") && strcasecmp(value, "identity"))
		bad(r, "a Content-Encoding that was not asked for");
}

/* Behind the last field: which body follows (RFC 9112, 6.3). */
static void end_fields(struct http_response *r)
{
	if (r->status == 101)
		bad(r, "a change of protocol");
	else if (r->chunked && (r->sized || !r->minor))
		bad(r, "chunks together with Content-Length or HTTP/1.0");
	else if (r->status < 200)
		r->state = HTTP_STATUS;
	else if (r->status == 204 || r->status == 304)
		r->state = HTTP_DONE;
	else if (r->chunked)
		r->state = HTTP_CHUNK;
	else if (!r->sized)
		r->state = HTTP_CLOSE;
	else
		r->state = r->left ? HTTP_LENGTH : HTTP_DONE;
	if (r->state != HTTP_STATUS)
		return;
	/* An interim answer says nothing about the one that follows. */
	r->chunked = r->sized = false;
	r->left = 0;
	r->type[0] = 0;
	r->retry_after = -1;
	r->ranged = false;
	free(r->kept);
	r->kept = NULL;
}

static void take_chunk(struct http_response *r)
{
	size_t digits = strspn(r->line, DIGITS "abcdefABCDEF");
	const char *rest = r->line + digits + strspn(r->line + digits, " \t");

	if (!digits || digits > 8 || (*rest && *rest != ';')) {
		bad(r, "a chunk without a size");
		return;
	}
	r->left = strtoul(r->line, NULL, 16);
	if (r->left > room(r))
		too_much(r);
	else
		r->state = r->left ? HTTP_DATA : HTTP_TRAILER;
}

static void take_line(struct http_response *r)
{
	switch (r->state) {
	case HTTP_STATUS:
		take_status(r);
		break;
	case HTTP_FIELDS:
		if (r->line[0])
			take_field(r);
		else
			end_fields(r);
		break;
	case HTTP_CHUNK:
		take_chunk(r);
		break;
	case HTTP_CHUNK_END:
		if (r->line[0])
			bad(r, "a chunk longer than its size");
		else
			r->state = HTTP_CHUNK;
		break;
	default:
		if (r->line[0])
			take_field(r);
		else
			r->state = HTTP_DONE;
	}
}

/* A line ends with LF, before which one CR may stand (RFC 9112, 2.2). */
static void add_to_line(struct http_response *r, char c)
{
	bool in_body = r->state == HTTP_CHUNK || r->state == HTTP_CHUNK_END;

	if (c == '\n') {
		if (r->line_len && r->line[r->line_len - 1] == '\r')
			r->line_len--;
		r->line[r->line_len] = 0;
		r->line_len = 0;
		take_line(r);
	} else if (((unsigned char)c < ' ' && c != '\t' && c != '\r') || c == 127 ||
		   (r->line_len && r->line[r->line_len - 1] == '\r')) {
		bad(r, "a control character in a line");
	} else if (in_body ? r->line_len == HTTP_CHUNK_LINE_MAX : ++r->head > HTTP_HEAD_MAX) {
		bad(r, in_body ? "too long a line before a chunk" : "more than 16 KiB of fields");
	} else {
		r->line[r->line_len++] = c;
	}
}

static void add_to_body(struct http_response *r, const char *data, size_t len)
{
	size_t size = r->size ? r->size : 1024;
	const char *why;
	char *body;

	if (len > room(r)) {
		too_much(r);
		return;
	}
	r->seen += len;
	if (for_sink(r)) {
		why = r->sink(r->arg, r, data, len);
		if (why)
			bad(r, why);
		return;
	}
	while (size <= r->len + len)
		size *= 2;
	if (size != r->size) {
		body = realloc(r->body, size);
		if (!body) {
			bad(r, "content for which there is no memory");
			return;
		}
		r->body = body;
		r->size = size;
	}
	memcpy(r->body + r->len, data, len);
	r->len += len;
	r->body[r->len] = 0;
}

/**
 * http_begin - nothing has come yet
 * @r: the answer
 */
void http_begin(struct http_response *r)
{
	memset(r, 0, sizeof(*r));
	r->retry_after = -1;
}

/**
 * http_feed - more of an answer
 * @r: the answer
 * @data: what has come, cut anywhere; what lies behind the answer's end is left alone
 * @len: of @data
 */
void http_feed(struct http_response *r, const char *data, size_t len)
{
	size_t n;

	while (len && r->state != HTTP_DONE && r->state != HTTP_BAD) {
		n = 1;
		switch (r->state) {
		case HTTP_CLOSE:
			n = len;
			add_to_body(r, data, n);
			break;
		case HTTP_LENGTH:
		case HTTP_DATA:
			n = len < r->left ? len : r->left;
			add_to_body(r, data, n);
			r->left -= n;
			if (!r->left && r->state != HTTP_BAD)
				r->state = r->state == HTTP_DATA ? HTTP_CHUNK_END : HTTP_DONE;
			break;
		default:
			add_to_line(r, *data);
		}
		data += n;
		len -= n;
	}
}

/**
 * http_end - the connection was closed in a proper way
 * @r: the answer; HTTP_DONE or HTTP_BAD then
 */
void http_end(struct http_response *r)
{
	if (r->state == HTTP_CLOSE)
		r->state = HTTP_DONE;
	else if (r->state == HTTP_STATUS && !r->head)
		bad(r, "an empty answer");
	else if (r->state != HTTP_DONE && r->state != HTTP_BAD)
		r->cut = true;
	if (r->cut)
		bad(r, "an answer that breaks off");
}

/**
 * http_free - forget an answer
 * @r: http_begin() was called
 */
void http_free(struct http_response *r)
{
	if (r->body)
		OPENSSL_cleanse(r->body, r->size);
	free(r->body);
	free(r->kept);
	r->body = r->kept = NULL;
}

static bool is_plain(const char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			return false;
	return true;
}

static char *credentials(const struct http_request *q)
{
	char *pair = NULL, *text = NULL;
	int len;

	len = asprintf(&pair, "%s:%s", q->user, q->password);
	if (len < 0)
		return NULL;
	text = base64_encode(pair, len);
	OPENSSL_cleanse(pair, len);
	free(pair);
	return text;
}

/**
 * http_request_text - a request in one piece, so that it leaves in one record
 * @q: what is asked
 * @len: of the text
 *
 * Return: the text; OPENSSL_cleanse() and free() it. NULL: no memory, or a control
 * character in a word, which could begin a line of its own.
 */
char *http_request_text(const struct http_request *q, size_t *len)
{
	char *auth = NULL, *head = NULL, *text = NULL, range[48] = "";
	int n = -1;

	if (!is_plain(q->host) || !is_plain(q->path) || !is_plain(q->user) ||
	    !is_plain(q->password) || !is_plain(q->if_range) || !is_plain(q->extra) ||
	    !is_plain(q->extra_value))
		return NULL;
	if (q->from)
		snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-\r\n", q->from);
	if (q->user) {
		auth = credentials(q);
		if (!auth)
			return NULL;
	}
	n = asprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: cordonctl\r\n"
		     "Connection: close\r\n%s%s%s%s%s%s%s%s%s%s%s%s%s%s", q->method, q->path, q->host,
		     auth ? "Authorization: Basic " : "", auth ? auth : "", auth ? "\r\n" : "",
		     q->type ? "Content-Type: " : "", q->type ? q->type : "",
		     q->type ? "\r\n" : "", range, q->if_range ? "If-Range: " : "",
		     q->if_range ? q->if_range : "", q->if_range ? "\r\n" : "",
		     q->extra ? q->extra : "", q->extra ? ": " : "", q->extra ? q->extra_value : "",
		     q->extra ? "\r\n" : "");
	if (n >= 0)
		text = malloc(n + 64 + q->len);
	if (text) {
		memcpy(text, head, n);
		if (q->body)
			*len = n + sprintf(text + n, "Content-Length: %zu\r\n\r\n", q->len);
		else
			*len = n + sprintf(text + n, "\r\n");
		if (q->body)
			memcpy(text + *len, q->body, q->len);
		*len += q->len;
	}
	if (n >= 0) {
		OPENSSL_cleanse(head, n);
		free(head);
	}
	if (auth)
		OPENSSL_cleanse(auth, strlen(auth));
	free(auth);
	return text;
}
