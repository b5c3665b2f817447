// SPDX-License-Identifier: GPL-2.0
/* Revocation lists of issuers before the present one, for as long as they have a key that signs. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "serve/agent/agent.h"

#define KEEP	3600	/* seconds after which a list is signed anew, changed or not ... */
#define RETRY	10	/* ... and after a failure: whoever asks is not known, and it costs a walk through the registry */

/* Which issuer has this key identifier, as RFC 5280, 4.2.1.1 has it in certificates, in hexadecimal; -1, none. */
static int find(const struct pki_ca *ca, const char *id)
{
	const ASN1_OCTET_STRING *key;
	char text[2 * 32 + 1];
	size_t i;

	for (i = 0; i < ca->n_former && i < AGENT_FORMER; i++) {
		key = X509_get0_subject_key_id(ca->former[i].cert);
		if (!key || ASN1_STRING_length(key) > 32)
			continue;
		if (!strcmp(policy_hex_text(ASN1_STRING_get0_data(key), ASN1_STRING_length(key), text), id))
			return (int)i;
	}
	return -1;
}

/**
 * agent_former_crl - the revocation list of an issuer before
 * @a: the agent
 * @q: the request; its name is the issuer's key identifier
 * @r: the reply
 */
void agent_former_crl(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	int at = find(&a->ca, q->name);
	struct agent_former *f = at < 0 ? NULL : &a->former[at];
	uint64_t revocations, number;

	if (!f) {
		agent_refuse(a, q, r, 404, SERVE_BAD_REQUEST, "no earlier issuer has this key identifier");
		return;
	}
	if (store_revocations(&a->store, &revocations)) {
		agent_registry_failed(a, q, r);
		return;
	}
	if (agent_clock() >= f->until || (f->der && (f->revocations != revocations || !revoked_is_fresh(f->made)))) {
		free(f->der);
		f->der = NULL;
		f->until = agent_clock() + (agent_sign_crl(a, at + 1, &f->der, &f->len, &number) ? RETRY : KEEP);
		f->revocations = revocations;
		f->made = time(NULL);
	}
	if (!f->der) {
		agent_refuse(a, q, r, 503, SERVE_REGISTRY, "there is no revocation list of this issuer");
		r->retry = RETRY;
		return;
	}
	r->status = 200;
	r->der = f->der;
	r->der_len = f->len;
}
