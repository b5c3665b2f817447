// SPDX-License-Identifier: GPL-2.0
/* What front and agent say to each other, in bytes. */
#include <string.h>

#include "lib/wire.h"
#include "serve/common/serve.h"

/**
 * serve_request_pack - a request as a message
 * @r: the request
 * @buf: where to
 * @size: of @buf
 *
 * Return: its length; 0, it does not fit.
 */
size_t serve_request_pack(const struct serve_request *r, uint8_t *buf, size_t size)
{
	struct wire_out out = { .buf = buf, .size = size };

	wire_put_u32(&out, r->op);
	wire_put_u64(&out, r->id);
	wire_put_fixed(&out, r->peer, sizeof(r->peer));
	wire_put_u32(&out, r->ifindex);
	wire_put_fixed(&out, r->serial, sizeof(r->serial));
	wire_put_fixed(&out, r->fingerprint, sizeof(r->fingerprint));
	wire_put_text(&out, r->name);
	wire_put_text(&out, r->secret);
	wire_put_text(&out, r->firmware);
	wire_put_text(&out, r->exporter);
	wire_put_text(&out, r->detail);
	wire_put_u64(&out, r->number);
	wire_put_u32(&out, r->feedback);
	wire_put_blob(&out, r->csr, r->csr_len);
	wire_put_blob(&out, r->proof, r->proof_len);
	wire_put_blob(&out, r->cert, r->cert_len);
	wire_put_blob(&out, r->chain, r->chain_len);
	return out.bad ? 0 : out.len;
}

static bool get_fixed(struct wire_in *in, void *out, size_t len)
{
	const uint8_t *p = wire_fixed(in, len);

	if (p)
		memcpy(out, p, len);
	return p;
}

/**
 * serve_request_unpack - a request from a message
 * @buf: the message; the request points into it
 * @len: of @buf
 * @r: filled
 *
 * Return: false, it is none.
 */
bool serve_request_unpack(const uint8_t *buf, size_t len, struct serve_request *r)
{
	struct wire_in in = { .p = buf, .left = len };

	memset(r, 0, sizeof(*r));
	r->op = wire_u32(&in);
	r->id = wire_u64(&in);
	get_fixed(&in, r->peer, sizeof(r->peer));
	r->ifindex = wire_u32(&in);
	get_fixed(&in, r->serial, sizeof(r->serial));
	get_fixed(&in, r->fingerprint, sizeof(r->fingerprint));
	wire_text(&in, r->name, sizeof(r->name));
	wire_text(&in, r->secret, sizeof(r->secret));
	wire_text(&in, r->firmware, sizeof(r->firmware));
	wire_text(&in, r->exporter, sizeof(r->exporter));
	wire_text(&in, r->detail, sizeof(r->detail));
	r->number = wire_u64(&in);
	r->feedback = wire_u32(&in);
	r->csr = wire_blob(&in, PKI_CSR_MAX, &r->csr_len);
	r->proof = wire_blob(&in, PKI_PROOF_MAX, &r->proof_len);
	r->cert = wire_blob(&in, PKI_CERT_MAX, &r->cert_len);
	r->chain = wire_blob(&in, SERVE_CHAIN_MAX, &r->chain_len);
	return wire_end(&in);
}

/**
 * serve_reply_pack - a reply as a message
 * @r: the reply
 * @buf: where to
 * @size: of @buf
 *
 * Return: its length; 0, it does not fit.
 */
size_t serve_reply_pack(const struct serve_reply *r, uint8_t *buf, size_t size)
{
	struct wire_out out = { .buf = buf, .size = size };

	wire_put_u64(&out, r->id);
	wire_put_u32(&out, r->status);
	wire_put_u32(&out, r->retry);
	wire_put_u32(&out, r->feedback);
	wire_put_u32(&out, r->lease);
	wire_put_fixed(&out, r->serial, sizeof(r->serial));
	wire_put_text(&out, r->device);
	wire_put_text(&out, r->segment);
	wire_put_text(&out, r->why);
	wire_put_u64(&out, r->number);
	wire_put_blob(&out, r->der, r->der_len);
	return out.bad ? 0 : out.len;
}

/**
 * serve_reply_unpack - a reply from a message
 * @buf: the message; the reply points into it
 * @len: of @buf
 * @r: filled
 *
 * Return: false, it is none.
 */
bool serve_reply_unpack(const uint8_t *buf, size_t len, struct serve_reply *r)
{
	struct wire_in in = { .p = buf, .left = len };

	memset(r, 0, sizeof(*r));
	r->id = wire_u64(&in);
	r->status = wire_u32(&in);
	r->retry = wire_u32(&in);
	r->feedback = wire_u32(&in);
	r->lease = wire_u32(&in);
	get_fixed(&in, r->serial, sizeof(r->serial));
	wire_text(&in, r->device, sizeof(r->device));
	wire_text(&in, r->segment, sizeof(r->segment));
	wire_text(&in, r->why, sizeof(r->why));
	r->number = wire_u64(&in);
	r->der = wire_blob(&in, PRIV_FRAME_MAX, &r->der_len);
	return wire_end(&in);
}

/**
 * serve_offer_pack - an offer as it stands in a reply
 * @o: the offer
 * @buf: where to
 * @size: of @buf
 *
 * Return: its length; 0, it does not fit.
 */
size_t serve_offer_pack(const struct serve_offer *o, uint8_t *buf, size_t size)
{
	struct wire_out out = { .buf = buf, .size = size };
	const struct firmware_release *r = &o->release;

	wire_put_u32(&out, o->kind);
	wire_put_u64(&out, o->action);
	wire_put_u32(&out, o->forced);
	wire_put_u32(&out, o->tell);
	wire_put_u32(&out, o->poll);
	wire_put_u64(&out, r->id);
	wire_put_text(&out, r->model);
	wire_put_text(&out, r->version);
	wire_put_text(&out, r->file);
	wire_put_text(&out, r->notes);
	wire_put_u64(&out, r->size);
	wire_put_fixed(&out, &r->hashes, sizeof(r->hashes));
	return out.bad ? 0 : out.len;
}

/**
 * serve_offer_unpack - an offer from a reply
 * @buf: the offer
 * @len: of @buf
 * @o: filled
 *
 * Return: false, it is none.
 */
bool serve_offer_unpack(const uint8_t *buf, size_t len, struct serve_offer *o)
{
	struct wire_in in = { .p = buf, .left = len };
	struct firmware_release *r = &o->release;

	memset(o, 0, sizeof(*o));
	o->kind = wire_u32(&in);
	o->action = wire_u64(&in);
	o->forced = wire_u32(&in);
	o->tell = wire_u32(&in);
	o->poll = wire_u32(&in);
	r->id = wire_u64(&in);
	wire_text(&in, r->model, sizeof(r->model));
	wire_text(&in, r->version, sizeof(r->version));
	wire_text(&in, r->file, sizeof(r->file));
	wire_text(&in, r->notes, sizeof(r->notes));
	r->size = wire_u64(&in);
	get_fixed(&in, &r->hashes, sizeof(r->hashes));
	return wire_end(&in) && o->kind <= SERVE_OFFER_CANCEL;
}
