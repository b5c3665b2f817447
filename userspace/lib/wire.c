// SPDX-License-Identifier: GPL-2.0
/* Bytes to and from a message; numbers in network order, blobs and texts behind their length. */
#include <string.h>

#include "wire.h"

/**
 * wire_fixed - bytes of a known number
 * @in: the message
 * @len: how many
 *
 * Return: them, in the message; NULL, there are not so many.
 */
const uint8_t *wire_fixed(struct wire_in *in, size_t len)
{
	const uint8_t *at = in->p;

	if (in->bad || in->left < len) {
		in->bad = true;
		return NULL;
	}
	in->p += len;
	in->left -= len;
	return at;
}

uint32_t wire_u32(struct wire_in *in)
{
	const uint8_t *p = wire_fixed(in, 4);

	return p ? (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3] : 0;
}

uint64_t wire_u64(struct wire_in *in)
{
	uint64_t high = wire_u32(in);

	return high << 32 | wire_u32(in);
}

/**
 * wire_blob - bytes behind their length
 * @in: the message
 * @max: a longer one is bad
 * @len: how many
 *
 * Return: them, in the message; NULL, the message is bad.
 */
const uint8_t *wire_blob(struct wire_in *in, size_t max, size_t *len)
{
	uint32_t n = wire_u32(in);

	if (n > max)
		in->bad = true;
	*len = in->bad ? 0 : n;
	return in->bad ? NULL : wire_fixed(in, n);
}

/**
 * wire_text - a text behind its length
 * @in: the message
 * @out: gets it, terminated; empty where the message is bad
 * @size: of @out; what does not fit, or holds a NUL, is bad
 */
void wire_text(struct wire_in *in, char *out, size_t size)
{
	size_t len;
	const uint8_t *p = wire_blob(in, size - 1, &len);

	out[0] = 0;
	if (!p)
		return;
	if (memchr(p, 0, len)) {
		in->bad = true;
		return;
	}
	memcpy(out, p, len);
	out[len] = 0;
}

/** wire_end - all of the message was read, and all of it was good */
bool wire_end(const struct wire_in *in)
{
	return !in->bad && !in->left;
}

void wire_put_fixed(struct wire_out *out, const void *data, size_t len)
{
	if (out->bad || out->size - out->len < len) {
		out->bad = true;
		return;
	}
	if (len)
		memcpy(out->buf + out->len, data, len);
	out->len += len;
}

void wire_put_u32(struct wire_out *out, uint32_t value)
{
	uint8_t b[4] = { value >> 24, value >> 16, value >> 8, value };

	wire_put_fixed(out, b, sizeof(b));
}

void wire_put_u64(struct wire_out *out, uint64_t value)
{
	wire_put_u32(out, value >> 32);
	wire_put_u32(out, value);
}

void wire_put_blob(struct wire_out *out, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		out->bad = true;
		return;
	}
	wire_put_u32(out, len);
	wire_put_fixed(out, data, len);
}

void wire_put_text(struct wire_out *out, const char *text)
{
	wire_put_blob(out, text, strlen(text));
}
