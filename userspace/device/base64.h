/* SPDX-License-Identifier: GPL-2.0 */
/* Base64 as EST carries it (RFC 8951, 3.1). */
#ifndef CORDON_EST_BASE64_H
#define CORDON_EST_BASE64_H

#include <stddef.h>
#include <stdint.h>

char *base64_encode(const void *data, size_t len);
int base64_decode(const char *text, size_t len, uint8_t **out, size_t *out_len);

#endif
