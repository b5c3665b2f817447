// SPDX-License-Identifier: GPL-2.0
/* Enrolments that wait for an operator: he lets in a key, whose fingerprint the device shows as well. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

#define APPROVAL_RETRY	30	/* seconds */

/**
 * agent_approved - is a device's key let in, as far as that needs an operator
 * @a: the agent
 * @q: the request
 * @r: says why not, with status 202: agent_await() writes it down
 * @name: of the device, which the registry knows
 * @key_id: of the key that it wants certified
 */
bool agent_approved(struct agent *a, const struct serve_request *q, struct serve_reply *r, const char *name,
		    const uint8_t key_id[32])
{
	bool approved = false;

	if (store_pending_approved(&a->store, name, key_id, &approved)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	if (approved)
		return true;
	agent_refuse(a, q, r, 202, SERVE_NOT_APPROVED, "%s waits for an operator's approval", name);
	r->retry = APPROVAL_RETRY;
	return false;
}

/**
 * agent_await - write down who waits, for 'cordonctl device pending'
 * @a: the agent, in no transaction
 * @q: the request, which was answered with 202
 * @name: of the device
 * @key_id: of its key
 * @way: by what it would enrol
 *
 * Who came ten seconds ago is not written down again. Without it the device waits all the same.
 */
void agent_await(struct agent *a, const struct serve_request *q, const char *name, const uint8_t key_id[32],
		 enum store_way way)
{
	struct store_pending p = { .way = way, .last = time(NULL) };
	char key[PKI_KEY_TEXT_LEN];
	struct cordon_addr addr;
	bool news = false;

	snprintf(p.name, sizeof(p.name), "%s", name);
	memcpy(p.key_id, key_id, sizeof(p.key_id));
	agent_peer(q, &addr, p.peer);
	if (store_pending_note(&a->store, &p, &news))
		serve_log(LOG_ERR, "registry", "device", name, "why", a->store.error, NULL);
	else if (news)
		serve_log(LOG_NOTICE, "waits for approval", "device", name, "key", pki_key_text(key_id, key), "by",
			  way == STORE_WAY_IDEVID ? "idevid" : "token", "peer", p.peer, NULL);
}
