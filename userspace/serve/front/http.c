// SPDX-License-Identifier: GPL-2.0
/* EST (RFC 7030, RFC 8951), check-in over HTTPS, the revocation list, and whether the server is well. */
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "device/body.h"
#include "device/client.h"
#include "serve/front/call.h"
#include "serve/front/ddi.h"
#include "serve/front/former.h"

#define BODY_MAX	32768	/* bytes of a request's body */
#define HEADERS_MAX	16384	/* bytes of a request's headers */
#define EST		"/.well-known/est/"

static void send_der(struct evhttp_request *req, const char *type, const uint8_t *der, size_t len)
{
	size_t n = 0;
	char *body = est_body_encode(der, len, &n);

	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Transfer-Encoding", "base64");
	call_answer(req, 200, type, body ? body : "", n);
	free(body);
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
		call_send_why(call->req, 500, 0, "the certificate cannot be sent");
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
		call_send_why(call->req, r->status, r->retry, r->why);
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
		call_send_why(call->req, r->status, r->retry, r->why);
	} else {
		body = json_pack("{s:s,s:s,s:I}", "device", r->device, "segment", r->segment,
				   "lease_seconds", (json_int_t)r->lease);
		text = json_dumps(body, JSON_COMPACT);
		call_answer(call->req, 200, "application/json", text ? text : "", text ? strlen(text) : 0);
		free(text);
		json_decref(body);
	}
	free(call);
}

static void on_crl(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;

	if (r->status == 200)
		crl_keep(f, r);
	if (call_end(call)) {
		if (r->status != 200 && r->status != 304) {
			call_send_why(call->req, r->status, r->retry, r->why);
		} else if (!f->crl) {
			call_send_why(call->req, 503, 1, "out of memory");
		} else {
			f->crl->users++;
			call_answer_shared(call->req, "application/pkix-crl", f->crl->der, f->crl->len, crl_sent, f->crl);
		}
	}
	free(call);
}

/* The request for a certificate, in @csr; false: it is answered. */
static bool take_csr(struct evhttp_request *req, uint8_t csr[PKI_CSR_MAX], struct serve_request *q)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);
	SSL *ssl = call_conn(req)->ssl;
	uint8_t binding[32];

	if (!call_method_is(req, EVHTTP_REQ_POST, "POST"))
		return false;
	if (!est_media_type(evhttp_find_header(headers, "Content-Type"), "application/pkcs10")) {
		call_refuse(req, 415, SERVE_BAD_REQUEST, q->name,
		       "Content-Type is not application/pkcs10 (RFC 7030, 4.2.1)");
		return false;
	}
	if (!len || est_body_decode((char *)evbuffer_pullup(in, -1), len, csr, PKI_CSR_MAX, &q->csr_len)) {
		call_refuse(req, 400, SERVE_BAD_REQUEST, q->name,
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
	/* Name and token, or a manufacturer's certificate in their place (RFC 7030, 3.3.2). */
	if (!evhttp_find_header(headers, "Authorization") && conn_vendor(call_conn(req), &q)) {
		q.op = SERVE_OP_IDEVID;
		if (take_csr(req, csr, &q))
			call_ask(req, &q, on_enrolled);
		return;
	}
	if (!est_basic_auth(evhttp_find_header(headers, "Authorization"), q.name, sizeof(q.name), q.secret,
			    sizeof(q.secret)))
		call_refuse(req, 401, SERVE_BAD_TOKEN, NULL,
		       "enrolment needs the device's name and its token (RFC 7030, 3.2.3)");
	else if (take_csr(req, csr, &q))
		call_ask(req, &q, on_enrolled);
	explicit_bzero(q.secret, sizeof(q.secret));
}

/* The old key's signature over the request, which agent checks; a client that knows of none sends none. */
static bool take_proof(struct evhttp_request *req, uint8_t proof[PKI_PROOF_MAX], struct serve_request *q)
{
	const char *field = evhttp_find_header(evhttp_request_get_input_headers(req), EST_PROOF_FIELD);

	if (!field)
		return true;
	q->proof = proof;
	if (!est_body_decode(field, strlen(field), proof, PKI_PROOF_MAX, &q->proof_len) && q->proof_len)
		return true;
	call_refuse(req, 400, SERVE_BAD_REQUEST, q->name, EST_PROOF_FIELD " is not base64 of 1 to 160 bytes");
	return false;
}

static void handle_renew(struct evhttp_request *req, struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_RENEW };
	uint8_t csr[PKI_CSR_MAX], proof[PKI_PROOF_MAX];

	(void)f;
	if (call_identify(req, &q) && take_csr(req, csr, &q) && take_proof(req, proof, &q))
		call_ask(req, &q, on_enrolled);
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
		call_refuse(req, 400, SERVE_BAD_REQUEST, q->name,
		       "the body is not JSON like {\"firmware\": \"1.4.2\"}");
	return good;
}

static void handle_checkin(struct evhttp_request *req, struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_CHECKIN };
	(void)f;
	if (call_method_is(req, EVHTTP_REQ_POST, "POST") && call_identify(req, &q) && take_firmware(req, &q))
		call_ask(req, &q, on_checked_in);
}

static void handle_cacerts(struct evhttp_request *req, struct front *f)
{
	if (!call_method_is(req, EVHTTP_REQ_GET, "GET"))
		return;
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Transfer-Encoding", "base64");
	call_answer(req, 200, "application/pkcs7-mime", f->cacerts, f->cacerts_len);
}

static void handle_csrattrs(struct evhttp_request *req, struct front *f)
{
	(void)f;
	if (call_method_is(req, EVHTTP_REQ_GET, "GET"))
		send_der(req, "application/csrattrs", est_csr_attributes, est_csr_attributes_len);
}

static void handle_crl(struct evhttp_request *req, struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_CRL, .number = f->crl ? f->crl->number : 0 };

	if (call_method_is(req, EVHTTP_REQ_GET, "GET"))
		call_ask(req, &q, on_crl);
}

static void on_health(struct front *f, void *arg, const struct serve_reply *r)
{
	struct call *call = arg;
	char text[96];
	int len;

	if (call_end(call)) {
		len = snprintf(text, sizeof(text), "{\"status\":\"ok\",\"connections\":%zu}\n", f->n_conns);
		if (r->status == 200)
			call_answer(call->req, 200, "application/json", text, len);
		else
			call_send_why(call->req, r->status, 0, r->why);
	}
	free(call);
}

/* Of this machine's business only. All three processes are asked. */
static void handle_health(struct evhttp_request *req, struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_HEALTH };

	(void)f;
	if (!conn_from_loopback(call_conn(req))) {
		call_refuse(req, 404, SERVE_BAD_REQUEST, NULL, "no such resource");
		return;
	}
	if (call_method_is(req, EVHTTP_REQ_GET, "GET"))
		call_ask(req, &q, on_health);
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

static void on_request(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	struct conn *c = call_conn(req);
	struct front *f = arg;
	size_t i;

	c->served = true;
	c->spoke = false;
	c->blamed = false;
	if (!serve_has_one_length(req)) {
		evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
		call_refuse(req, 400, SERVE_BAD_REQUEST, NULL, "more than one Content-Length (RFC 9112, 6.3)");
		return;
	}
	for (i = 0; path && i < sizeof(routes) / sizeof(*routes); i++)
		if (!strcmp(routes[i].path, path)) {
			routes[i].handle(req, f);
			return;
		}
	if (path && (ddi_handle(req, path) || plain_handle(req, path) || former_handle(req, path)))
		return;
	call_refuse(req, 404, SERVE_BAD_REQUEST, NULL, "no such resource");
}

/*
 * evhttp has no limit for what comes while it writes an answer, a download for one, nor for the line with a chunk's length:
 * it would keep all of it.
 */
static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *c = arg;

	(void)in;
	if (info->n_added)
		c->spoke = true;
	if (info->n_added && info->orig_size + info->n_added > FRONT_INPUT &&
	    !(SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN))
		conn_starve(c, SERVE_BAD_REQUEST, "more bytes than a request may have");
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
