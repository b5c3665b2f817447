/* SPDX-License-Identifier: GPL-2.0 */
/* What EST puts into HTTP: base64 bodies and credentials, as clients really send them. */
#ifndef CORDON_EST_BODY_H
#define CORDON_EST_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int est_body_decode(const char *body, size_t len, uint8_t *out, size_t size, size_t *out_len);
char *est_body_encode(const uint8_t *der, size_t len, size_t *out_len);
bool est_basic_auth(const char *header, char *name, size_t name_size, char *secret, size_t secret_size);
bool est_media_type(const char *header, const char *type);

extern const uint8_t est_csr_attributes[];
extern const size_t est_csr_attributes_len;

#endif
