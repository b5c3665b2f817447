// SPDX-License-Identifier: GPL-2.0
/* EST (RFC 7030, RFC 8951), check-in over HTTPS, the revocation list, and whether the server is well. */
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "est/body.h"
#include "serve/front.h"

#define BODY_MAX	32768	/* bytes of a request's body */
#define HEADERS_MAX	16384	/* bytes of a request's headers */
#define EST		"/.well-known/est/"

/**
 * struct call - a request that agent is at
 * @req: the request; NULL, its connection is gone
 * @conn: its connection
 * @waiting: for agent's answer
 * @serial: of a certificate that is on its way to the device
 */
struct call {
	struct evhttp_request *req;
	struct conn *conn;
	struct waiting *waiting;
	uint8_t serial[PKI_SERIAL_LEN];
	struct front *front;
};

static struct conn *conn_of_request(struct evhttp_request *req)
{
	return conn_of(evhttp_connection_get_bufferevent(evhttp_request_get_connection(req)));
}

/* Headers and body in one TLS record: some clients read no more than that. */
static void answer(struct evhttp_request *req, unsigned int status, const char *reason, const char *type,
		   const void *body, size_t len)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *out = evbuffer_new();
	struct conn *c = conn_of(bev);

	conn_extend(c);
	c->answering = true;
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	if (out && evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
		evbuffer_add(out, body, len);
	evhttp_send_reply(req, status, reason, out);
	evbuffer_pullup(bufferevent_get_output(bev), -1);
	c->answering = false;
	if (out)
		evbuffer_free(out);
}

static const char *status_text(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *text;
	} texts[] = {
		{ 200, "OK" }, { 202, "Accepted" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 413, "Content Too Large" }, { 415, "Unsupported Media Type" },
		{ 429, "Too Many Requests" }, { 503, "Service Unavailable" },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Error";
}

static void send_why(struct evhttp_request *req, unsigned int status, unsigned int retry, const char *why)
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
	answer(req, status, status_text(status), "text/plain; charset=utf-8", text, len);
}

static void refuse(struct evhttp_request *req, unsigned int status, enum serve_refused reason,
		   const char *device, const char *why)
{
	conn_refused(conn_of_request(req), reason, device && *device ? device : NULL, why);
	send_why(req, status, 0, why);
}

static void send_der(struct evhttp_request *req, const char *type, const uint8_t *der, size_t len)
{
	size_t n = 0;
	char *body = est_body_encode(der, len, &n);

	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Transfer-Encoding", "base64");
	answer(req, 200, "OK", type, body ? body : "", n);
	free(body);
}

static void on_gone(struct evhttp_connection *evcon, void *arg)
{
	struct call *call = arg;

	(void)evcon;
	call->req = NULL;
}

static struct call *call_new(struct evhttp_request *req)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->req = req;
	call->conn = conn_of_request(req);
	call->front = call->conn->front;
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_gone, call);
	return call;
}

/* True: the device is still there. */
static bool call_end(struct call *call)
{
	if (!call->req)
		return false;
	evhttp_connection_set_closecb(evhttp_request_get_connection(call->req), NULL, NULL);
	call->conn->busy = false;
	return true;
}

/* The whole answer is with the kernel: the certificate is with the device. */
static void on_delivered(struct evhttp_request *req, void *arg)
{
	struct serve_request q = { .op = SERVE_OP_DELIVERED };
	struct call *call = arg;

	memcpy(q.serial, call->serial, sizeof(q.serial));
	front_tell(call->front, &q);
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
	free(call);
}

static void on_lost(struct evhttp_connection *evcon, void *arg)
{
	(void)evcon;
	free(arg);
}

/* True: @call goes with the answer, or with the connection. */
static bool send_certificate(struct call *call, const struct serve_reply *r)
{
	uint8_t *der = NULL;
	size_t len;
	bool good;

	good = !pki_cert_wrap(r->der, r->der_len, &der, &len);
	if (!good) {
		send_why(call->req, 500, 0, "the certificate cannot be sent");
	} else {
		memcpy(call->serial, r->serial, sizeof(call->serial));
		evhttp_request_set_on_complete_cb(call->req, on_delivered, call);
		evhttp_connection_set_closecb(evhttp_request_get_connection(call->req), on_lost, call);
		send_der(call->req, "application/pkcs7-mime; smime-type=certs-only", der, len);
	}
	OPENSSL_free(der);
	return good;
}

static void on_enrolled(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;

	(void)f;
	if (!call_end(call)) {
		free(call);
		return;
	}
	if (r->status == 200 && send_certificate(call, r))
		return;
	if (r->status != 200)
		send_why(call->req, r->status, r->retry, r->why);
	free(call);
}

static void on_checked_in(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;
	json_t *body;
	char *text;

	(void)f;
	if (!call_end(call)) {
		free(call);
		return;
	}
	if (r->status != 200) {
		send_why(call->req, r->status, r->retry, r->why);
	} else {
		body = json_pack("{s:s,s:s,s:I}", "device", r->device, "segment", r->segment,
				   "lease_seconds", (json_int_t)r->lease);
		text = json_dumps(body, JSON_COMPACT);
		answer(call->req, 200, "OK", "application/json", text ? text : "", text ? strlen(text) : 0);
		free(text);
		json_decref(body);
	}
	free(call);
}

static void on_crl(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;

	(void)f;
	if (call_end(call)) {
		if (r->status == 200)
			answer(call->req, 200, "OK", "application/pkix-crl", r->der, r->der_len);
		else
			send_why(call->req, r->status, r->retry, r->why);
	}
	free(call);
}

static void ask(struct evhttp_request *req, struct serve_request *q,
		void (*done)(struct front *f, void *arg, const struct serve_reply *r))
{
	struct call *call = call_new(req);

	if (call) {
		memcpy(q->peer, call->conn->peer, sizeof(q->peer));
		q->ifindex = call->conn->ifindex;
		call->waiting = front_ask(call->front, q, done, call);
		if (call->waiting) {
			call->conn->busy = true;
			return;
		}
		call_end(call);
	}
	free(call);
	send_why(req, 503, 1, "too busy");
}

static bool method_is(struct evhttp_request *req, enum evhttp_cmd_type cmd, const char *name)
{
	if (evhttp_request_get_command(req) == cmd)
		return true;
	evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", name);
	refuse(req, 405, SERVE_BAD_REQUEST, NULL, "wrong method");
	return false;
}

/* The request for a certificate, in @csr; false: it is answered. */
static bool take_csr(struct evhttp_request *req, uint8_t csr[PKI_CSR_MAX], struct serve_request *q)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);
	SSL *ssl = conn_of_request(req)->ssl;
	uint8_t binding[32];

	if (!method_is(req, EVHTTP_REQ_POST, "POST"))
		return false;
	if (!est_media_type(evhttp_find_header(headers, "Content-Type"), "application/pkcs10")) {
		refuse(req, 415, SERVE_BAD_REQUEST, q->name,
		       "Content-Type is not application/pkcs10 (RFC 7030, 4.2.1)");
		return false;
	}
	if (!len || est_body_decode((char *)evbuffer_pullup(in, -1), len, csr, PKI_CSR_MAX, &q->csr_len)) {
		refuse(req, 400, SERVE_BAD_REQUEST, q->name,
		       "the body is not base64 of at most 8192 bytes (RFC 8951, 3.2)");
		return false;
	}
	q->csr = csr;
	/* RFC 9266: what binds a request to this very connection, should it be bound to one. */
	if (SSL_export_keying_material(ssl, binding, sizeof(binding), "EXPORTER-Channel-Binding", 24,
				       NULL, 0, 0) == 1)
		EVP_EncodeBlock((unsigned char *)q->exporter, binding, sizeof(binding));
	return true;
}

static void handle_enroll(struct evhttp_request *req, struct front *f)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	struct serve_request q = { .op = SERVE_OP_ENROLL };
	uint8_t csr[PKI_CSR_MAX];

	(void)f;
	if (!est_basic_auth(evhttp_find_header(headers, "Authorization"), q.name, sizeof(q.name), q.secret,
			    sizeof(q.secret)))
		refuse(req, 401, SERVE_BAD_TOKEN, NULL,
		       "enrolment needs the device's name and its token (RFC 7030, 3.2.3)");
	else if (take_csr(req, csr, &q))
		ask(req, &q, on_enrolled);
	explicit_bzero(q.secret, sizeof(q.secret));
}

static void handle_renew(struct evhttp_request *req, struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_RENEW };
	char why[SERVE_TEXT_LEN];
	uint8_t csr[PKI_CSR_MAX];
	int reason;

	(void)f;
	reason = conn_certificate(conn_of_request(req), &q, why);
	if (reason >= 0)
		refuse(req, reason == SERVE_NO_CERTIFICATE ? 401 : 403, reason, q.name, why);
	else if (take_csr(req, csr, &q))
		ask(req, &q, on_enrolled);
}

/* {"firmware": "1.4.2"}, {} or nothing. */
static bool take_firmware(struct evhttp_request *req, struct serve_request *q)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);
	const char *version = NULL;
	json_t *body;
	bool good;

	if (!len)
		return true;
	body = json_loadb((char *)evbuffer_pullup(in, -1), len, JSON_REJECT_DUPLICATES, NULL);
	good = json_is_object(body);
	if (good && json_object_get(body, "firmware")) {
		version = json_string_value(json_object_get(body, "firmware"));
		good = version && strlen(version) < sizeof(q->firmware);
	}
	if (good && version)
		strcpy(q->firmware, version);
	json_decref(body);
	if (!good)
		refuse(req, 400, SERVE_BAD_REQUEST, q->name,
		       "the body is not JSON like {\"firmware\": \"1.4.2\"}");
	return good;
}

static void handle_checkin(struct evhttp_request *req, struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_CHECKIN };
	char why[SERVE_TEXT_LEN];
	int reason;

	(void)f;
	if (!method_is(req, EVHTTP_REQ_POST, "POST"))
		return;
	reason = conn_certificate(conn_of_request(req), &q, why);
	if (reason >= 0)
		refuse(req, reason == SERVE_NO_CERTIFICATE ? 401 : 403, reason, q.name, why);
	else if (take_firmware(req, &q))
		ask(req, &q, on_checked_in);
}

static void handle_cacerts(struct evhttp_request *req, struct front *f)
{
	if (!method_is(req, EVHTTP_REQ_GET, "GET"))
		return;
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Transfer-Encoding", "base64");
	answer(req, 200, "OK", "application/pkcs7-mime", f->cacerts, f->cacerts_len);
}

static void handle_csrattrs(struct evhttp_request *req, struct front *f)
{
	(void)f;
	if (method_is(req, EVHTTP_REQ_GET, "GET"))
		send_der(req, "application/csrattrs", est_csr_attributes, est_csr_attributes_len);
}

static void handle_crl(struct evhttp_request *req, struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_CRL };

	(void)f;
	if (method_is(req, EVHTTP_REQ_GET, "GET"))
		ask(req, &q, on_crl);
}

/* Of this machine's business only. */
static void handle_health(struct evhttp_request *req, struct front *f)
{
	char text[96];
	int len;

	if (!conn_from_loopback(conn_of_request(req))) {
		refuse(req, 404, SERVE_BAD_REQUEST, NULL, "no such resource");
		return;
	}
	if (!method_is(req, EVHTTP_REQ_GET, "GET"))
		return;
	len = snprintf(text, sizeof(text), "{\"status\":\"ok\",\"connections\":%zu}\n", f->n_conns);
	answer(req, 200, "OK", "application/json", text, len);
}

static const struct {
	const char *path;
	void (*handle)(struct evhttp_request *req, struct front *f);
} routes[] = {
	{ EST "cacerts", handle_cacerts },
	{ EST "simpleenroll", handle_enroll },
	{ EST "simplereenroll", handle_renew },
	{ EST "csrattrs", handle_csrattrs },
	{ "/cordon/v1/checkin", handle_checkin },
	{ "/cordon/v1/crl", handle_crl },
	{ "/healthz", handle_health },
};

/* Of two lengths, evhttp takes the first, and reads what follows as a request of its own. */
static bool has_one_length(struct evhttp_request *req)
{
	const struct evkeyval *h;
	unsigned int n = 0;

	TAILQ_FOREACH(h, evhttp_request_get_input_headers(req), next)
		n += !strcasecmp(h->key, "Content-Length");
	return n < 2;
}

static void on_request(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	struct conn *c = conn_of_request(req);
	struct front *f = arg;
	size_t i;

	c->served = true;
	c->spoke = false;
	c->blamed = false;
	if (!has_one_length(req)) {
		evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
		refuse(req, 400, SERVE_BAD_REQUEST, NULL, "more than one Content-Length (RFC 9112, 6.3)");
		return;
	}
	for (i = 0; path && i < sizeof(routes) / sizeof(*routes); i++)
		if (!strcmp(routes[i].path, path)) {
			routes[i].handle(req, f);
			return;
		}
	refuse(req, 404, SERVE_BAD_REQUEST, NULL, "no such resource");
}

static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *c = arg;

	(void)in;
	if (info->n_added)
		c->spoke = true;
}

static struct bufferevent *new_connection(struct event_base *base, void *arg)
{
	struct conn *c = conn_new(arg);

	(void)base;
	if (!c || !conn_bufferevent(c))
		return NULL;
	if (!evbuffer_add_cb(bufferevent_get_input(c->bev), on_input, c) || !page_watch(c)) {
		bufferevent_free(c->bev);
		return NULL;
	}
	return c->bev;
}

/**
 * http_start - be ready for requests; the listeners are added by the caller
 * @f: the front
 *
 * Return: 0, or -1: no memory.
 */
int http_start(struct front *f)
{
	f->http = evhttp_new(f->base);
	if (!f->http)
		return -1;
	evhttp_set_bevcb(f->http, new_connection, f);
	evhttp_set_gencb(f->http, on_request, f);
	evhttp_set_max_body_size(f->http, BODY_MAX);
	evhttp_set_max_headers_size(f->http, HEADERS_MAX);
	/* Ours is the clock that counts: evhttp's begins anew with each byte. */
	evhttp_set_timeout(f->http, 2 * FRONT_DEADLINE);
	evhttp_set_allowed_methods(f->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
				   EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE);
	return 0;
}
