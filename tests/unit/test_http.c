// SPDX-License-Identifier: GPL-2.0
/* Answers of HTTP servers, whole and cut at every byte; requests. */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/device/http.h"
#include "tap.h"

#define OK200 "HTTP/1.1 200 OK\r\n"

/**
 * struct row - an answer
 * @name: of the case
 * @text: what comes
 * @error: what is malformed, or NULL
 * @body: what is understood
 * @status: likewise
 * @retry: likewise
 */
struct row {
	const char *name;
	const char *text;
	const char *error;
	const char *body;
	int status;
	long retry;
};

#define BREAK "an answer that breaks off"
#define STATUS "no status line of HTTP/1.1"
#define FIELD "a field without a proper name"
#define CONTROL "a control character in a line"
#define MUCH "more than 256 KiB of content"
#define CHUNKED OK200 "Transfer-Encoding: chunked\r\n\r\n"

static const struct row rows[] = {
	{ "length", OK200 "Content-Length: 3\r\n\r\nabc", NULL, "abc", 200, -1 },
	{ "length, more behind it", OK200 "Content-Length: 3\r\n\r\nabcdef", NULL, "abc", 200, -1 },
	{ "length 0", OK200 "content-length:0\r\n\r\n", NULL, "", 200, -1 },
	{ "same length twice", OK200 "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", NULL, "a",
	  200, -1 },
	{ "until the end", "HTTP/1.0 200\r\n\r\nabc", NULL, "abc", 200, -1 },
	{ "bare line ends", "HTTP/1.1 200 OK\nContent-Length: 1\n\na", NULL, "a", 200, -1 },
	{ "chunks", CHUNKED "2\r\nab\r\n01;x=y\r\nc\r\n0\r\n\r\n", NULL, "abc", 200, -1 },
	{ "chunks, trailer", CHUNKED "1\r\na\r\n0\r\nContent-Length: 9\r\n\r\n", NULL, "a", 200, -1 },
	{ "no content", "HTTP/1.1 204 No Content\r\n\r\n", NULL, "", 204, -1 },
	{ "interim answer", "HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n"
	  "HTTP/1.1 401 No\r\nContent-Length: 1\r\n\r\nx", NULL, "x", 401, -1 },
	{ "retry after seconds", "HTTP/1.1 202 Wait\r\nRetry-After:  30 \r\nContent-Length: 0\r\n\r\n",
	  NULL, "", 202, 30 },
	{ "retry at a date gone by", "HTTP/1.1 202 Wait\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT"
	  "\r\nContent-Length: 0\r\n\r\n", NULL, "", 202, 0 },
	{ "retry at no time", "HTTP/1.1 202 Wait\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n",
	  NULL, "", 202, -1 },
	{ "nothing", "", "an empty answer", NULL, 0, 0 },
	{ "not HTTP", "SSH-2.0-OpenSSH\r\n", STATUS, NULL, 0, 0 },
	{ "HTTP/2", "HTTP/2 200\r\n\r\n", STATUS, NULL, 0, 0 },
	{ "status of two digits", "HTTP/1.1 20 OK\r\n\r\n", STATUS, NULL, 0, 0 },
	{ "status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", STATUS, NULL, 0, 0 },
	{ "status 099", "HTTP/1.1 099 OK\r\n\r\n", STATUS, NULL, 0, 0 },
	{ "cut in the status", "HTTP/1.1 2", BREAK, NULL, 0, 0 },
	{ "cut in the fields", OK200 "Content-Le", BREAK, NULL, 0, 0 },
	{ "cut in the content", OK200 "Content-Length: 3\r\n\r\nab", BREAK, NULL, 0, 0 },
	{ "cut in a chunk", CHUNKED "3\r\nab", BREAK, NULL, 0, 0 },
	{ "cut before the last chunk", CHUNKED "1\r\na\r\n", BREAK, NULL, 0, 0 },
	{ "cut in the trailer", CHUNKED "0\r\n", BREAK, NULL, 0, 0 },
	{ "field without a colon", OK200 "Content-Length\r\n\r\n", FIELD, NULL, 0, 0 },
	{ "field without a name", OK200 ": 1\r\n\r\n", FIELD, NULL, 0, 0 },
	{ "space before the colon", OK200 "Content-Length : 1\r\n\r\n", FIELD, NULL, 0, 0 },
	{ "folded field", OK200 "X: a\r\n b\r\n\r\n", FIELD, NULL, 0, 0 },
	{ "CR inside a line", OK200 "X: a\rb\r\n\r\n", CONTROL, NULL, 0, 0 },
	{ "escape in a line", OK200 "X: \033[2J\r\n\r\n", CONTROL, NULL, 0, 0 },
	{ "length no number", OK200 "Content-Length: +1\r\n\r\na", "no number in Content-Length",
	  NULL, 0, 0 },
	{ "length negative", OK200 "Content-Length: -1\r\n\r\na", "no number in Content-Length",
	  NULL, 0, 0 },
	{ "length beyond all bounds", OK200 "Content-Length: 99999999999999999999\r\n\r\na",
	  "no number in Content-Length", NULL, 0, 0 },
	{ "length too much", OK200 "Content-Length: 262145\r\n\r\na", MUCH, NULL, 0, 0 },
	{ "two lengths", OK200 "Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
	  "two different Content-Length", NULL, 0, 0 },
	{ "length and chunks", OK200 "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "chunks together with Content-Length or HTTP/1.0", NULL, 0, 0 },
	{ "chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "chunks together with Content-Length or HTTP/1.0", NULL, 0, 0 },
	{ "gzip", OK200 "Transfer-Encoding: gzip, chunked\r\n\r\n",
	  "a Transfer-Encoding other than chunked", NULL, 0, 0 },
	{ "packed content", OK200 "Content-Encoding: br\r\n\r\n",
	  "a Content-Encoding that was not asked for", NULL, 0, 0 },
	{ "another protocol", "HTTP/1.1 101 Switching\r\n\r\n", "a change of protocol", NULL, 0, 0 },
	{ "chunk without a size", CHUNKED ";x\r\n", "a chunk without a size", NULL, 0, 0 },
	{ "chunk of size -1", CHUNKED "-1\r\n", "a chunk without a size", NULL, 0, 0 },
	{ "chunk of size 0x1", CHUNKED "0x1\r\n", "a chunk without a size", NULL, 0, 0 },
	{ "chunk size too long", CHUNKED "000000001\r\n", "a chunk without a size", NULL, 0, 0 },
	{ "chunk too big", CHUNKED "ffffffff\r\n", MUCH, NULL, 0, 0 },
	{ "chunk longer than said", CHUNKED "1\r\nabc\r\n", "a chunk longer than its size", NULL, 0, 0 },
};

static bool is_right(const struct row *row, const struct http_response *r)
{
	if (row->error)
		return r->state == HTTP_BAD && !strcmp(r->error, row->error);
	return r->state == HTTP_DONE && r->status == row->status && r->retry_after == row->retry &&
	       r->len == strlen(row->body) && !memcmp(r->body ? r->body : "", row->body, r->len);
}

/* Fed in pieces of which each lies in memory of its own, so that a read beyond it is seen. */
static void feed(struct http_response *r, const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	http_feed(r, copy, len);
	free(copy);
}

static void test_rows(void)
{
	static struct http_response r;
	size_t i, at, len;
	bool same;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		len = strlen(rows[i].text);
		same = true;
		for (at = 0; at <= len; at++) {
			http_begin(&r);
			feed(&r, rows[i].text, at);
			feed(&r, rows[i].text + at, len - at);
			http_end(&r);
			same = same && is_right(&rows[i], &r);
			http_free(&r);
		}
		http_begin(&r);
		for (at = 0; at < len; at++)
			feed(&r, rows[i].text + at, 1);
		http_end(&r);
		if (!ok(same && is_right(&rows[i], &r), "http_feed: %s", rows[i].name))
			printf("# state %d, %s, status %d\n", r.state, r.error ? r.error : "", r.status);
		http_free(&r);
	}
}

/* HEAD, N times TEXT: is it refused with ERROR, or understood where that is NULL? */
static bool flood(const char *head, const char *text, size_t n, const char *end, const char *error)
{
	static struct http_response r;
	bool right;

	http_begin(&r);
	http_feed(&r, head, strlen(head));
	while (n--)
		http_feed(&r, text, strlen(text));
	http_feed(&r, end, strlen(end));
	http_end(&r);
	right = error ? r.state == HTTP_BAD && !strcmp(r.error, error) : r.state == HTTP_DONE;
	http_free(&r);
	return right;
}

/* Where a time_t has 32 bits it ends before: no time then, rather than at once. */
static void test_far_date(void)
{
	static const char text[] = "HTTP/1.1 202 Wait\r\nRetry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n"
				   "Content-Length: 0\r\n\r\n";
	static struct http_response r;

	http_begin(&r);
	http_feed(&r, text, strlen(text));
	http_end(&r);
	ok(r.state == HTTP_DONE && (sizeof(time_t) > 4 ? r.retry_after > 0 : r.retry_after == -1),
	   "http_feed: retry after 2038: %ld", r.retry_after);
	http_free(&r);
}

static void test_limits(void)
{
	static const char kib[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

	ok(flood(OK200, "X: y\r\n", 64, "\r\n", NULL), "http_feed: 64 fields");
	ok(flood(OK200, "X: y\r\n", 65, "\r\n", "more than 64 fields"), "http_feed: 65 fields");
	ok(flood(OK200 "X: ", kib, 254, "\r\n\r\n", NULL), "http_feed: a long field");
	ok(flood(OK200 "X: ", kib, 256, "\r\n\r\n", "more than 16 KiB of fields"),
	   "http_feed: a field without end");
	ok(flood("", kib, 257, "", "more than 16 KiB of fields"),
	   "http_feed: a status line without end");
	ok(flood("", "HTTP/1.1 100\n\n", 4096, "", "more than 16 KiB of fields"),
	   "http_feed: interim answers without end");
	ok(flood(OK200 "\r\n", kib, HTTP_BODY_MAX / 64, "", NULL), "http_feed: 256 KiB");
	ok(flood(OK200 "\r\n", kib, HTTP_BODY_MAX / 64, "x", MUCH), "http_feed: a byte more");
	ok(flood(CHUNKED, "40\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n",
		 HTTP_BODY_MAX / 64, "1\r\nx", MUCH), "http_feed: a chunk more");
	ok(flood(CHUNKED "1;", kib, 5, "\r\n", "too long a line before a chunk"),
	   "http_feed: a chunk's extension without end");
}

static void test_request(void)
{
	struct http_request q = { .method = "POST", .path = "/p", .host = "h:1", .type = "t/t",
				  .user = "a", .password = "b", .body = "xyz", .len = 3 };
	static const char wanted[] =
		"POST /p HTTP/1.1\r\nHost: h:1\r\nUser-Agent: cordonctl\r\nConnection: close\r\n"
		"Authorization: Basic YTpi\r\nContent-Type: t/t\r\nContent-Length: 3\r\n\r\nxyz";
	size_t len = 0;
	char *text = http_request_text(&q, &len);

	ok(text && len == strlen(wanted) && !memcmp(text, wanted, len), "http_request_text: all of it");
	free(text);
	q.user = "a\r\nX: y";
	ok(!http_request_text(&q, &len), "http_request_text: a line's end in the user");
	q.user = "a";
	q.password = "b\n";
	ok(!http_request_text(&q, &len), "http_request_text: a line's end in the password");
	q.password = "b";
	q.host = "h\rx";
	ok(!http_request_text(&q, &len), "http_request_text: a line's end in the host");
}

/* What a sink has got. */
struct got {
	size_t len;
	char data[64];
};

static const char *take(void *arg, const struct http_response *r, const char *data, size_t len)
{
	struct got *g = arg;

	if (r->ranged && r->first != 3)
		return "another range";
	memcpy(g->data + g->len, data, len);
	g->len += len;
	return NULL;
}

static void test_sink(void)
{
#define PART "HTTP/1.1 206 Partial Content\r\n"
	static const struct {
		const char *name;
		const char *text;
		const char *error;
		const char *sunk;
		const char *body;
	} answers[] = {
		{ "length", OK200 "Content-Length: 8\r\n\r\nabcdefgh", NULL, "abcdefgh", "" },
		{ "chunks", CHUNKED "3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n", NULL, "abcdefgh", "" },
		{ "part", PART "Content-Range: bytes 3-5/9\r\nContent-Length: 3\r\n\r\ndef", NULL, "def", "" },
		{ "another part", PART "Content-Range: bytes 2-5/9\r\nContent-Length: 4\r\n\r\ncdef",
		  "another range", "", "" },
		{ "two parts", PART "Content-Range: bytes 3-5/9\r\nContent-Range: bytes 3-5/9\r\n\r\n",
		  "more than one Content-Range", "", "" },
		{ "a refusal", "HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nnot there", NULL, "", "not there" },
		{ "a byte too much", OK200 "Content-Length: 9\r\n\r\nabcdefghi",
		  "more content than there should be", "", "" },
		{ "a byte too much until the end", OK200 "\r\nabcdefghi", "more content than there should be", NULL, "" },
		{ "a chunk too much", CHUNKED "8\r\nabcdefgh\r\n1\r\ni", "more content than there should be",
		  "abcdefgh", "" },
		{ "a cut", OK200 "Content-Length: 8\r\n\r\nabc", BREAK, "abc", "" },
		{ "a field twice", OK200 "S: a\r\nS: b\r\n\r\n", "a field twice that must not be", "", "" },
		{ "a field of an interim answer", "HTTP/1.1 103 Early\r\nS: a\r\n\r\n" OK200 "S: kept\r\n\r\n", NULL, "", "" },
	};
	static struct http_response r;
	struct got got;
	size_t i, at;

	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		http_begin(&r);
		got.len = 0;
		r.sink = take;
		r.arg = &got;
		r.max = 8;
		r.keep = "s";
		for (at = 0; answers[i].text[at]; at++)
			feed(&r, answers[i].text + at, 1);
		http_end(&r);
		ok((answers[i].error ? r.state == HTTP_BAD && !strcmp(r.error, answers[i].error) : r.state == HTTP_DONE) &&
		   r.cut == (answers[i].error && !strcmp(answers[i].error, BREAK)) &&
		   (!answers[i].sunk || (got.len == strlen(answers[i].sunk) && !memcmp(got.data, answers[i].sunk, got.len))) &&
		   !strcmp(r.body ? r.body : "", answers[i].body) &&
		   (!strstr(answers[i].text, "kept") || !strcmp(r.kept, "kept")), "http_feed: a sink: %s", answers[i].name);
		http_free(&r);
	}
}

static void test_range(void)
{
	struct http_request q = { .method = "GET", .path = "/p", .host = "h", .from = 5000000000,
				  .if_range = "\"tag\"" };
	static const char wanted[] = "GET /p HTTP/1.1\r\nHost: h\r\nUser-Agent: cordonctl\r\nConnection: close\r\n"
				     "Range: bytes=5000000000-\r\nIf-Range: \"tag\"\r\n\r\n";
	size_t len = 0;
	char *text = http_request_text(&q, &len);

	ok(text && len == strlen(wanted) && !memcmp(text, wanted, len), "http_request_text: a range");
	free(text);
	q.if_range = "\"a\r\nX: y\"";
	ok(!http_request_text(&q, &len), "http_request_text: a line's end in a tag");
}

int main(void)
{
	test_rows();
	test_sink();
	test_range();
	test_far_date();
	test_limits();
	test_request();
	return tap_done();
}
