/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes to and from a message: no read beyond its end, no write beyond the buffer. */
#ifndef CORDON_WIRE_H
#define CORDON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct wire_in - a message that is read
 * @p: what comes next
 * @left: bytes left
 * @bad: something did not fit; everything read since is empty
 */
struct wire_in {
	const uint8_t *p;
	size_t left;
	bool bad;
};

/**
 * struct wire_out - a message that is written
 * @buf: where to
 * @size: of @buf
 * @len: so far
 * @bad: it did not fit
 */
struct wire_out {
	uint8_t *buf;
	size_t size;
	size_t len;
	bool bad;
};

uint32_t wire_u32(struct wire_in *in);
uint64_t wire_u64(struct wire_in *in);
const uint8_t *wire_fixed(struct wire_in *in, size_t len);
const uint8_t *wire_blob(struct wire_in *in, size_t max, size_t *len);
void wire_text(struct wire_in *in, char *out, size_t size);
bool wire_end(const struct wire_in *in);

void wire_put_u32(struct wire_out *out, uint32_t value);
void wire_put_u64(struct wire_out *out, uint64_t value);
void wire_put_fixed(struct wire_out *out, const void *data, size_t len);
void wire_put_blob(struct wire_out *out, const void *data, size_t len);
void wire_put_text(struct wire_out *out, const char *text);

#endif
