// SPDX-License-Identifier: GPL-2.0
/* The signed offer for devices without hawkBit, from the agent's side: firmware/manifest.h. */
#include <errno.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "firmware/manifest.h"
#include "lib/wire.h"
#include "serve/agent/agent.h"

#define CODE_KEEP	(3 * 86400)		/* then there is another one */

static int ask_signer(struct agent *a, const struct serve_sign *what, struct serve_signed *got)
{
	int err = serve_sign(&a->signer, what, a->buf, PRIV_FRAME_MAX, got);

	if (err) {
		serve_log(LOG_ERR, "the signer does not answer", "why", strerror(-err), NULL);
		exit(1);
	}
	if (got->error[0])
		serve_log(LOG_ERR, "the signer does not sign", "why", got->error, NULL);
	return got->error[0] ? -EIO : 0;
}

/* Signer keeps key and certificate; the registry has it like every other. */
static bool certify_code(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct store_certificate cert = { .not_after = pki_later(time(NULL), SERVE_CODE_VALID) };
	struct pki_profile profile = { .kind = PKI_CODE, .name = SERVE_CODE_NAME };
	struct serve_sign what = { .kind = SERVE_SIGN_REQUEST };
	struct serve_request request = *q;
	struct serve_signed got;
	uint8_t csr[PKI_CSR_MAX];

	if (ask_signer(a, &what, &got) || got.der_len > sizeof(csr)) {
		agent_refuse(a, q, r, 503, SERVE_REGISTRY, "offers cannot be signed");
		return false;
	}
	memcpy(csr, got.der, got.der_len);
	request.csr = csr;
	request.csr_len = got.der_len;
	request.exporter[0] = 0;
	if (store_begin(&a->store, true)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	if (agent_certify(a, &request, &profile, &cert, r)) {
		store_rollback(&a->store);
		return false;
	}
	if (store_cert_delivered(&a->store, cert.serial) || store_commit(&a->store)) {
		store_rollback(&a->store);
		agent_registry_failed(a, q, r);
		return false;
	}
	a->code_until = agent_clock() + CODE_KEEP;
	return true;
}

static char *text_of(const struct agent *a, const struct serve_reply *r, const struct serve_offer *o, size_t *len)
{
	const struct firmware_release *release = &o->release;
	char *file = evhttp_uriencode(release->file, -1, 0), *text = NULL;
	struct firmware_manifest m = {
		.action = o->action, .size = release->size, .issued = time(NULL),
	};
	int n;

	strcpy(m.device, r->device);
	strcpy(m.model, release->model);
	strcpy(m.version, release->version);
	strcpy(m.file, release->file);
	strcpy(m.notes, release->notes);
	memcpy(m.sha256, release->hashes.sha256, sizeof(m.sha256));
	m.expires = m.issued + MANIFEST_LIFE;
	n = snprintf(m.url, sizeof(m.url), "/%s/controller/v1/%s/softwaremodules/%lld/artifacts/%s", a->config->tenant,
		     r->device, (long long)release->id, file ? file : "");
	if (file && n < (int)sizeof(m.url))
		text = firmware_manifest_text(&m, len);
	free(file);
	return text;
}

static void reply_signed(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			 const struct serve_offer *o)
{
	struct serve_sign what = { .kind = SERVE_SIGN_OFFER };
	struct wire_out out = { .buf = a->signed_offer, .size = sizeof(a->signed_offer) };
	struct serve_signed got;
	char *text;

	text = text_of(a, r, o, &what.csr_len);
	what.csr = (uint8_t *)text;
	if (text && !ask_signer(a, &what, &got) && got.der_len <= MANIFEST_SIGNATURE_MAX) {
		wire_put_blob(&out, text, what.csr_len);
		wire_put_blob(&out, got.der, got.der_len);
	} else {
		out.bad = true;
	}
	free(text);
	if (out.bad) {
		agent_refuse(a, q, r, 503, SERVE_REGISTRY, "the offer cannot be signed");
		return;
	}
	r->status = 200;
	r->der = out.buf;
	r->der_len = out.len;
}

/* Whoever asks for its offer is not at another one: what was to be canceled is. */
static int find_offer(struct agent *a, struct device *d, struct serve_offer *o)
{
	struct firmware_action action;
	int err = agent_find_offer(a, d, o);

	if (err || o->kind != SERVE_OFFER_CANCEL)
		return err;
	err = store_action_get(&a->store, o->action, &action);
	if (!err)
		err = agent_action_end(a, d, &action, FIRMWARE_CANCELED, "");
	return err ? err : agent_find_offer(a, d, o);
}

/**
 * agent_manifest - what there is for a device, signed
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_manifest(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct serve_offer o = { .kind = SERVE_OFFER_NONE };
	struct device *d;
	int err;

	if (!agent_updating(a, q, r, &d))
		return;
	serve_count(&a->counters->accepted[SERVE_POLLED]);
	err = find_offer(a, d, &o);
	if (err == -ENOENT)
		r->status = 204;
	else if (err)
		agent_registry_failed(a, q, r);
	else if ((a->code_until && agent_clock() < a->code_until) || certify_code(a, q, r))
		reply_signed(a, q, r, &o);
}
