/* SPDX-License-Identifier: GPL-2.0 */
/* Requests over HTTPS and their answers, whatever they are about. Within the front. */
#ifndef CORDON_CALL_H
#define CORDON_CALL_H

#include <event2/buffer.h>

#include "serve/front/front.h"

/**
 * struct call - a request that agent is at
 * @req: the request; NULL, its connection is gone
 * @conn: its connection
 * @waiting: for agent's answer
 * @front: whose
 * @serial: of a certificate that is on its way to the device
 */
struct call {
	struct evhttp_request *req;
	struct conn *conn;
	struct waiting *waiting;
	struct front *front;
	uint8_t serial[PKI_SERIAL_LEN];
};

struct conn *call_conn(struct evhttp_request *req);
void call_answer(struct evhttp_request *req, unsigned int status, const char *type, const void *body, size_t len);
void call_answer_shared(struct evhttp_request *req, const char *type, const void *body, size_t len,
			evbuffer_ref_cleanup_cb done, void *arg);
void call_answer_empty(struct evhttp_request *req, unsigned int status);
void call_send_why(struct evhttp_request *req, unsigned int status, unsigned int retry, const char *why);
void call_refuse(struct evhttp_request *req, unsigned int status, enum serve_refused reason, const char *device,
		 const char *why);
void call_ask(struct evhttp_request *req, struct serve_request *q,
	      void (*done)(struct front *f, void *arg, const struct serve_reply *r));
bool call_end(struct call *call);
bool call_method_is(struct evhttp_request *req, enum evhttp_cmd_type cmd, const char *name);
bool call_identify(struct evhttp_request *req, struct serve_request *q);

#endif
