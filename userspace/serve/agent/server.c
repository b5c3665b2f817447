// SPDX-License-Identifier: GPL-2.0
/* The server's own certificate. */
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

/* Front may have had it made for a key that it was not to have: whoever reads the log sees each of them. */
static void server_certified(struct agent *a, const struct serve_request *q, struct serve_reply *r, const char *name)
{
	char serial[2 * PKI_SERIAL_LEN + 1];

	pki_serial_text(r->serial, serial);
	serve_log(LOG_INFO, "server certificate issued", "name", name, "serial", serial, NULL);
	agent_audit_issued(a, q, r, "server certificate", false);
}

/**
 * agent_server - the server's own certificate, by the names that the configuration gives
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_server(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct store_certificate cert = { .not_after = time(NULL) + SERVE_SERVER_VALID };
	struct pki_profile profile = { .kind = PKI_SERVER, .n_names = a->config->n_names };
	char name[PKI_NAME_LEN];
	const char *names[SERVE_NAMES_MAX];
	size_t i;

	/* A common name has at most 64 bytes (RFC 5280, A.1); clients look at the alternative names. */
	stpncpy(name, a->config->names[0], sizeof(name) - 1)[0] = 0;
	for (i = 0; i < profile.n_names; i++)
		names[i] = a->config->names[i];
	profile.name = name;
	profile.names = names;
	if (store_begin(&a->store, true)) {
		agent_registry_failed(a, q, r);
		return;
	}
	if (agent_certify(a, q, &profile, &cert, r)) {
		store_rollback(&a->store);
	} else if (store_cert_delivered(&a->store, cert.serial)) {
		store_rollback(&a->store);
		agent_registry_failed(a, q, r);
	} else if (agent_commit(a, q, r)) {
		r->status = 200;
		server_certified(a, q, r, name);
	}
}
