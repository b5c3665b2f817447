// SPDX-License-Identifier: GPL-2.0
/*
 * Operators, and what they do over the page. Who it is says the registry each time: what was revoked a moment ago is
 * worth nothing now.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

static void refuse(struct agent *a, const struct serve_request *q, struct serve_reply *r, enum serve_refused reason,
		   const char *why)
{
	agent_refuse(a, q, r, 403, reason, "%s", why);
	r->feedback = reason;
}

/* True: whose certificate it is, is in @r. */
static bool identify(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct store_certificate cert;
	int err = store_cert_get(&a->store, q->serial, &cert, NULL, NULL);

	if (err && err != -ENOENT) {
		agent_registry_failed(a, q, r);
		return false;
	}
	if (err || (memcmp(cert.fingerprint, q->fingerprint, PKI_FINGERPRINT_LEN) && strcmp(cert.name, STORE_LOST) != 0) ||
	    cert.state == STORE_RESERVED || cert.state == STORE_ABANDONED) {
		refuse(a, q, r, SERVE_PAGE_UNKNOWN, "the registry does not know the certificate");
		return false;
	}
	/* Of one that a list has and the registry has not, the serial number is all that is known. */
	if (cert.state == STORE_REVOKED && !strcmp(cert.name, STORE_LOST)) {
		refuse(a, q, r, SERVE_PAGE_REVOKED, "the certificate is revoked");
		return false;
	}
	strcpy(r->device, cert.name);
	if (cert.kind != PKI_OPERATOR)
		refuse(a, q, r, SERVE_PAGE_NO_OPERATOR, "the certificate is not an operator's");
	else if (cert.state == STORE_REVOKED)
		refuse(a, q, r, SERVE_PAGE_REVOKED, "the certificate is revoked");
	else if (cert.not_after < time(NULL))
		refuse(a, q, r, SERVE_PAGE_EXPIRED, "the certificate has expired");
	else
		r->status = 200;
	return r->status == 200;
}

static const char *act_name(uint32_t op)
{
	return op == SERVE_OP_QUARANTINE ? "quarantine" : op == SERVE_OP_RELEASE ? "release" : "acknowledge";
}

/**
 * agent_act_begin - as 'cordonctl device' does it: what opens does not begin where the audit log cannot be written
 * @a: the agent
 * @act: what is wanted
 * @r: the reply, with the operator's name
 *
 * Return: false, it is refused.
 */
bool agent_act_begin(struct agent *a, struct agent_act *act, struct serve_reply *r)
{
	const struct serve_request *q = act->request;

	if (agent_audit_act(a, q, r->device, act_name(q->op), act->on, "begun", &act->begun) || q->op == SERVE_OP_QUARANTINE)
		return true;
	agent_act_failed(a, act, r, 503, "not begun, as the audit log cannot be written");
	return false;
}

/**
 * agent_act_failed - what an operator wanted is not done: counted, logged, and in the audit log
 * @a: the agent
 * @act: what was wanted
 * @r: the reply, with the operator's name
 * @status: as of HTTP
 * @fmt: a sentence for the operator
 */
void agent_act_failed(struct agent *a, struct agent_act *act, struct serve_reply *r, unsigned int status, const char *fmt,
		      ...)
{
	const char *what = act_name(act->request->op);
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, args);
	va_end(args);
	r->status = status;
	r->feedback = SERVE_PAGE_ACT_FAILED;
	serve_count(&a->counters->refused[SERVE_PAGE_ACT_FAILED]);
	serve_log(LOG_WARNING, "not done", "what", what, "operator", r->device, "on", act->on, "why", r->why, NULL);
	agent_audit_act(a, act->request, r->device, what, act->on, "refused", &act->begun);
}

/**
 * agent_act_done - what an operator wanted is done
 * @a: the agent
 * @act: what it was
 * @r: the reply, with the operator's name
 */
void agent_act_done(struct agent *a, struct agent_act *act, struct serve_reply *r)
{
	const char *what = act_name(act->request->op);

	r->status = 200;
	serve_count(&a->counters->accepted[SERVE_PAGE_ACT]);
	serve_log(LOG_NOTICE, what, "operator", r->device, "on", act->on, NULL);
	agent_audit_act(a, act->request, r->device, what, act->on, "done", &act->begun);
}

static void set_state(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	int state = q->op == SERVE_OP_QUARANTINE ? CORDON_STATE_QUARANTINED : CORDON_STATE_ACTIVE, err;
	struct agent_act act = { .request = q, .on = "?" };
	struct cnl_device now;
	uint8_t mac[6];

	if (policy_mac_parse(q->detail, mac)) {
		agent_act_failed(a, &act, r, 400, "not a MAC");
		return;
	}
	policy_mac_text(mac, act.on);
	if (!agent_act_begin(a, &act, r))
		return;
	err = agent_device_state(a, mac, state, &now);
	if (err == -ENOTCONN)
		agent_act_failed(a, &act, r, 503, "the gateway's kernel module is not loaded");
	else if (err == -ENOENT)
		agent_act_failed(a, &act, r, 404, "no such device");
	else if (err)
		agent_act_failed(a, &act, r, 409, "%s", a->nl.error[0] ? a->nl.error : strerror(-err));
	else
		agent_act_done(a, &act, r);
}

/**
 * agent_operator_handle - who an operator is, and what he wants of a device or an episode
 * @a: the agent
 * @q: the request
 * @r: the reply
 *
 * An acknowledgement is only looked at here: whoever calls goes on with it where @r->status is 200.
 *
 * Return: false, it is none of these.
 */
bool agent_operator_handle(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	switch (q->op) {
	case SERVE_OP_OPERATOR:
	case SERVE_OP_ACKNOWLEDGE:
		identify(a, q, r);
		return true;
	case SERVE_OP_QUARANTINE:
	case SERVE_OP_RELEASE:
		if (identify(a, q, r))
			set_state(a, q, r);
		return true;
	default:
		return false;
	}
}
