/* SPDX-License-Identifier: GPL-2.0 */
/* Artifacts on their way to devices. Within the front. */
#ifndef CORDON_ARTIFACT_H
#define CORDON_ARTIFACT_H

#include "serve/front/front.h"

#define ARTIFACT_SIGNATURE	".p7s"	/* behind the name, on the disk and in the URL */

int artifact_directory(const char *path, gid_t group);
void artifact_send(struct evhttp_request *req, const struct serve_offer *o, const char *device);
void artifact_send_signature(struct evhttp_request *req, const struct serve_offer *o, const char *device);

#endif
