/* SPDX-License-Identifier: GPL-2.0 */
/* One question to a server and its answer: what enrolment, check-in and updates share. */
#ifndef CORDON_EST_ASK_H
#define CORDON_EST_ASK_H

#include "client.h"
#include "http.h"

enum est_result est_fail(struct est *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void est_prepare(struct est *e, struct tls_client *c);
enum est_result est_open(struct est *e, struct tls_client *c);
enum est_result est_exchange(struct est *e, struct tls_client *c, struct http_request *q, struct http_response *r);
enum est_result est_judge(struct est *e, const struct http_response *r);
enum est_result est_expect_type(struct est *e, const struct http_response *r, const char *type);
enum est_result est_ask(struct est *e, struct http_request *q, struct http_response *r);

#endif
