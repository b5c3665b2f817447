// SPDX-License-Identifier: GPL-2.0
/*
 * What operators do: quarantine and release a device, acknowledge an episode. Only with a certificate, and only where a
 * form of ours asks for it (CSRF): by the token that it carries, and by what the browser says of where it comes from.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"
#include "serve/page/web.h"

#define FORM		"application/x-www-form-urlencoded"
#define PATH_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.:%-"

/* A path of this server's, and no more: a browser goes wherever it is sent. */
static bool is_path(const char *text)
{
	return text && text[0] == '/' && text[1] != '/' && strlen(text) < SERVE_TEXT_LEN &&
	       strspn(text, PATH_CHARACTERS) == strlen(text);
}

/* NULL: it is none. evhttp_clear_headers() it. */
static bool read_form(struct evhttp_request *req, struct evkeyvalq *form)
{
	const char *type = evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type");
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);
	char text[WEB_BODY + 1];
	int ret;

	if (!type || strncmp(type, FORM, strlen(FORM)) != 0 || len > WEB_BODY)
		return false;
	evbuffer_copyout(in, text, len);
	text[len] = 0;
	ret = strlen(text) == len ? evhttp_parse_query_str(text, form) : -1;
	OPENSSL_cleanse(text, sizeof(text));
	return !ret;
}

static bool is_token(const struct web *w, const struct web_conn *c, const char *operator, const char *token)
{
	char right[WEB_TOKEN_LEN];
	bool good;

	web_token(w, operator, c->serial, right);
	good = token && right[0] && strlen(token) == strlen(right) && !CRYPTO_memcmp(token, right, strlen(right));
	OPENSSL_cleanse(right, sizeof(right));
	return good;
}

/* /device/MAC/quarantine, /device/MAC/release, /episode/ID/acknowledge. False: neither. */
static bool parse_path(const char *path, struct serve_request *q)
{
	static const struct {
		const char *head, *tail;
		uint32_t op;
	} acts[] = {
		{ "/device/", "/quarantine", SERVE_OP_QUARANTINE }, { "/device/", "/release", SERVE_OP_RELEASE },
		{ "/episode/", "/acknowledge", SERVE_OP_ACKNOWLEDGE },
	};
	const char *tail = strrchr(path, '/');
	uint8_t mac[6];
	size_t i, head, len;
	char *end;

	for (i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		head = strlen(acts[i].head);
		if (strncmp(path, acts[i].head, head) != 0 || strcmp(tail, acts[i].tail) != 0 || tail < path + head)
			continue;
		len = tail - path - head;
		if (len >= sizeof(q->detail) || !len)
			return false;
		q->op = acts[i].op;
		memcpy(q->detail, path + head, len);
		q->detail[len] = 0;
		if (q->op != SERVE_OP_ACKNOWLEDGE)
			return !policy_mac_parse(q->detail, mac);
		errno = 0;
		q->number = strtoull(q->detail, &end, 10);
		return q->detail[0] >= '1' && q->detail[0] <= '9' && !*end && !errno && q->number <= INT64_MAX;
	}
	return false;
}

static void on_done(struct web *w, void *arg, const struct serve_reply *r)
{
	struct web_call *call = arg;
	char back[SERVE_TEXT_LEN];
	struct evhttp_request *req;
	struct web_conn *c;

	strcpy(back, call->back);
	req = web_call_end(call);
	c = req ? web_conn_of(w, req) : NULL;
	if (!c)
		return;
	if (r->status != 200) {
		web_say(c, req, r->status, r->why);
		return;
	}
	evhttp_add_header(evhttp_request_get_output_headers(req), "Location", back);
	web_say(c, req, 303, "done");
}

static void ask(struct web_conn *c, struct evhttp_request *req, struct serve_request *q, const char *back)
{
	char own[SERVE_TEXT_LEN];

	snprintf(own, sizeof(own), q->op == SERVE_OP_ACKNOWLEDGE ? "/" : "/device/%.40s", q->detail);
	if (!web_call(c, req, q, is_path(back) ? back : own, on_done))
		web_refuse(c, req, 503, SERVE_PAGE_CROWDED, "too busy");
}

/**
 * web_act - a request that is to change something
 * @w: the process
 * @c: the connection
 * @req: the request, answered in any case
 * @operator: who; NULL, nobody who may
 */
void web_act(struct web *w, struct web_conn *c, struct evhttp_request *req, const char *operator)
{
	char *path = evhttp_uridecode(evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req)), 0, NULL);
	struct serve_request q = { .op = 0 };
	struct evkeyvalq form;

	TAILQ_INIT(&form);
	if (!operator)
		web_refuse(c, req, 403, SERVE_PAGE_NO_CERTIFICATE, "only an operator's certificate may act");
	else if (!path || !parse_path(path, &q))
		web_refuse(c, req, 404, SERVE_PAGE_REQUEST, "nothing that can be done");
	else if (!web_is_same_origin(req))
		web_refuse(c, req, 403, SERVE_PAGE_FORGED, "not asked for by a page of this server");
	else if (!read_form(req, &form))
		web_refuse(c, req, 400, SERVE_PAGE_REQUEST, "not a form (" FORM ")");
	else if (!is_token(w, c, operator, evhttp_find_header(&form, "token")))
		web_refuse(c, req, 403, SERVE_PAGE_FORGED,
			   "the form's token is not good: the server was started anew, or it is no form of its own; load the page again");
	else
		ask(c, req, &q, evhttp_find_header(&form, "back"));
	evhttp_clear_headers(&form);
	free(path);
}
