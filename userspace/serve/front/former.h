/* SPDX-License-Identifier: GPL-2.0 */
/* Revocation lists of issuers before the present one. */
#ifndef CORDON_SERVE_FORMER_H
#define CORDON_SERVE_FORMER_H

#include <stdbool.h>

struct evhttp_request;

bool former_handle(struct evhttp_request *req, const char *path);

#endif
