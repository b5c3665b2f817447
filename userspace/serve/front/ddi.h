/* SPDX-License-Identifier: GPL-2.0 */
/* Offers of firmware: hawkBit's Direct Device Integration API, version 1, and without. Within the front. */
#ifndef CORDON_DDI_H
#define CORDON_DDI_H

#include <jansson.h>

#include "serve/front/front.h"

#define DDI_BASE_LEN	(2 * SERVE_NAME_LEN)	/* https://HOST:8443, terminated */

/* ddi.c */
bool ddi_handle(struct evhttp_request *req, const char *path);

/* plain.c */
bool plain_handle(struct evhttp_request *req, const char *path);

/* ddi_json.c */
json_t *ddi_root(const char *base, const struct serve_offer *o);
json_t *ddi_deployment(const char *base, const struct serve_offer *o);
json_t *ddi_cancellation(const struct serve_offer *o);
json_t *ddi_artifacts(const char *base, const struct serve_offer *o);
const char *ddi_read_report(const char *body, size_t len, char version[FIRMWARE_VERSION_LEN]);
const char *ddi_read_feedback(const char *body, size_t len, struct serve_request *q);

/* link.c */
void link_base(struct evhttp_request *req, char out[DDI_BASE_LEN]);

#endif
