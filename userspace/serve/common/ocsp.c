// SPDX-License-Identifier: GPL-2.0
/* Status of certificates: what is asked of agent and signer in bytes, and how often. */
#include <string.h>

#include "lib/wire.h"
#include "serve/common/serve.h"

/**
 * serve_ocsp_pack - certificates and their statuses as part of a message
 * @what: them
 * @buf: where to
 * @size: of @buf; SERVE_OCSP_MAX do
 *
 * Return: its length; 0, it does not fit.
 */
size_t serve_ocsp_pack(const struct pki_ocsp *what, uint8_t *buf, size_t size)
{
	struct wire_out out = { .buf = buf, .size = size };
	size_t i;

	wire_put_blob(&out, what->nonce, what->nonce_len);
	wire_put_u32(&out, what->n);
	for (i = 0; i < what->n; i++) {
		wire_put_u32(&out, what->ids[i].digest);
		wire_put_blob(&out, what->ids[i].serial, what->ids[i].serial_len);
		wire_put_u32(&out, what->ids[i].status);
		wire_put_u64(&out, what->ids[i].revoked);
		wire_put_u32(&out, what->ids[i].reason);
	}
	return out.bad ? 0 : out.len;
}

static bool get_bytes(struct wire_in *in, uint8_t *to, size_t max, size_t *len)
{
	const uint8_t *p = wire_blob(in, max, len);

	if (p)
		memcpy(to, p, *len);
	return p;
}

static bool get_id(struct wire_in *in, struct pki_ocsp_id *id)
{
	id->digest = wire_u32(in);
	if (!get_bytes(in, id->serial, sizeof(id->serial), &id->serial_len))
		return false;
	id->status = wire_u32(in);
	id->revoked = wire_u64(in);
	id->reason = wire_u32(in);
	return id->serial_len && id->digest < PKI_OCSP_DIGESTS && id->status <= PKI_STATUS_UNKNOWN;
}

/**
 * serve_ocsp_unpack - certificates and their statuses from a part of a message
 * @buf: the part
 * @len: of @buf
 * @what: filled
 *
 * Return: false, it is none.
 */
bool serve_ocsp_unpack(const uint8_t *buf, size_t len, struct pki_ocsp *what)
{
	struct wire_in in = { .p = buf, .left = len };
	size_t i;

	memset(what, 0, sizeof(*what));
	get_bytes(&in, what->nonce, sizeof(what->nonce), &what->nonce_len);
	what->n = wire_u32(&in);
	if (!what->n || what->n > PKI_OCSP_IDS)
		return false;
	for (i = 0; i < what->n; i++)
		if (!get_id(&in, &what->ids[i]))
			return false;
	return wire_end(&in);
}

/** serve_clock - seconds by a clock that nobody sets back */
time_t serve_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

/**
 * serve_bucket_take - may it be done once more
 * @b: how often it was; zeroed before the first time
 * @rate: so often a second, and so often at once
 */
bool serve_bucket_take(struct serve_bucket *b, unsigned int rate)
{
	struct timespec now;
	uint64_t ms;

	clock_gettime(CLOCK_BOOTTIME, &now);
	ms = (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (!b->last || ms - b->last >= 1000)
		b->spent = 0;
	else if (b->spent > (ms - b->last) * rate)
		b->spent -= (ms - b->last) * rate;
	else
		b->spent = 0;
	b->last = ms;
	if (b->spent > (uint64_t)(rate - 1) * 1000)
		return false;
	b->spent += 1000;
	return true;
}
