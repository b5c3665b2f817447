// SPDX-License-Identifier: GPL-2.0
/*
 * A renewal's key. Front says who asks, and whether a TLS handshake proved it; a front that lies must not get a
 * certificate for a key of its own. So the proof is one that agent and signer see for themselves:
 *
 * - The key of the certificate that is shown, or of another one of the device that counts: the request is signed
 *   with it, which signer checks (RFC 2986, 4.2).
 * - Another key: the request comes with a signature of the old key over all of it, which agent checks here. That
 *   is what cordonctl renew --rekey sends.
 * - Another key without that, as other EST clients ask for it: only front can tell. It is granted once in a while,
 *   and said; never with 'rekey: signed'.
 */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

#define INTERVAL_MAX	86400	/* seconds between two that nothing proves */

static uint32_t interval(const struct agent *a)
{
	return a->config->valid / 4 < INTERVAL_MAX ? a->config->valid / 4 : INTERVAL_MAX;
}

static enum agent_rekey check_proof(struct agent *a, const struct serve_request *q, struct serve_reply *r,
				    const struct store_certificate *old)
{
	struct store_certificate same;
	struct pki_error err = { "" };
	uint8_t *der = NULL;
	size_t len = 0;
	int ret;

	if (store_cert_get(&a->store, old->serial, &same, &der, &len)) {
		agent_registry_failed(a, q, r);
		return AGENT_REKEY_REFUSED;
	}
	/* Another gateway made it: the device has shown it, and the registry knows its fingerprint. */
	if (!len)
		ret = pki_proof_check(q->cert, q->cert_len, q->csr, q->csr_len, q->proof, q->proof_len, &err);
	else
		ret = pki_proof_check(der, len, q->csr, q->csr_len, q->proof, q->proof_len, &err);
	free(der);
	if (!ret)
		return AGENT_REKEY_SIGNED;
	agent_refuse(a, q, r, 403, SERVE_REKEY, "another key: %s", err.text);
	return AGENT_REKEY_REFUSED;
}

/* A clock that was ahead once does not lock a device out: a time to come counts as none. */
static enum agent_rekey admit_unsigned(struct agent *a, const struct serve_request *q, struct serve_reply *r,
				       const struct store_certificate *old)
{
	time_t now = time(NULL), last;

	if (a->config->rekey_signed) {
		agent_refuse(a, q, r, 403, SERVE_REKEY,
			     "another key without the old key's signature over the request, and est.rekey is signed");
		return AGENT_REKEY_REFUSED;
	}
	if (store_rekey_get(&a->store, old->name, &last)) {
		agent_registry_failed(a, q, r);
		return AGENT_REKEY_REFUSED;
	}
	if (last && last <= now && (int64_t)now - last < interval(a)) {
		r->retry = interval(a) - (now - last);
		agent_refuse(a, q, r, 429, SERVE_REKEY,
			     "another key without the old key's signature: the last one was %lld s ago",
			     (long long)(now - last));
		return AGENT_REKEY_REFUSED;
	}
	if (!store_rekey_put(&a->store, old->name, old->mac, now))
		return AGENT_REKEY_UNSIGNED;
	agent_registry_failed(a, q, r);
	return AGENT_REKEY_REFUSED;
}

/**
 * agent_rekey - may a device have a certificate of the key that it asks with
 * @a: the agent, in a transaction
 * @q: the request
 * @r: says why not
 * @old: the certificate that it showed, which counts
 * @key_id: of the key in the request
 *
 * Return: what is proved, and by what; AGENT_REKEY_REFUSED.
 */
enum agent_rekey agent_rekey(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			     const struct store_certificate *old, const uint8_t key_id[32])
{
	bool has = false;

	if (!memcmp(key_id, old->key_id, sizeof(old->key_id)))
		return AGENT_REKEY_SAME;
	if (store_cert_has_key(&a->store, old->name, old->mac, key_id, time(NULL), &has)) {
		agent_registry_failed(a, q, r);
		return AGENT_REKEY_REFUSED;
	}
	if (has)
		return AGENT_REKEY_SAME;
	return q->proof_len ? check_proof(a, q, r, old) : admit_unsigned(a, q, r, old);
}

/**
 * agent_rekeyed - say that another key was granted on front's word alone
 * @a: the agent, the certificate being in the registry
 * @q: the request
 * @r: the reply, with the new serial number
 */
void agent_rekeyed(struct agent *a, const struct serve_request *q, const struct serve_reply *r)
{
	char serial[2 * PKI_SERIAL_LEN + 1], old[2 * PKI_SERIAL_LEN + 1], peer[POLICY_ADDR_LEN];
	struct cordon_addr addr;

	serve_count(&a->counters->accepted[SERVE_REKEY_UNSIGNED]);
	pki_serial_text(r->serial, serial);
	pki_serial_text(q->serial, old);
	serve_log(LOG_WARNING, "re-keyed without the old key's signature", "device", r->device, "serial", serial,
		  "replaces", old, "peer", agent_peer(q, &addr, peer), NULL);
	agent_audit_issued(a, q, r, "re-key unsigned", false);
}
