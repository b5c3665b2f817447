// SPDX-License-Identifier: GPL-2.0
/*
 * What the server issued and refused, in the audit log. Its files are open before the process is confined, and it can
 * do no more than add to them. A log that cannot be written keeps no device from its certificate: that would let a full
 * disk cut off all of them. The system's log says so, and the next line says how many are lacking.
 */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib/utf8.h"
#include "serve/agent/agent.h"

#define WAIT	250	/* ms for somebody else to have written: devices wait meanwhile */
#define SYNC	1	/* seconds after which a line is on the disk */

/**
 * agent_audit_open - open the log, as long as that is possible
 * @a: the agent, not confined yet
 */
void agent_audit_open(struct agent *a)
{
	if (audit_open(&a->log.audit, audit_path()))
		serve_log(LOG_ERR, "the audit log cannot be written: what is issued and refused is not in it", "why",
			  a->log.audit.error, NULL);
}

/* @seq: gets the number of the line, or NULL. */
static bool write_numbered(struct agent *a, json_t *line, uint64_t *seq)
{
	struct agent_log *log = &a->log;

	if (log->audit.fd < 0 || !line) {
		json_decref(line);
		return false;
	}
	if (log->lost)
		json_object_set_new(line, "lost", json_integer((json_int_t)log->lost));
	if (audit_write(&log->audit, line, WAIT, seq)) {
		log->lost++;
		serve_log(LOG_ERR, "the audit log cannot be written", "why", log->audit.error, NULL);
	} else {
		log->lost = 0;
		if (!log->sync)
			log->sync = agent_clock() + SYNC;
	}
	json_decref(line);
	return !log->lost;
}

static void write_line(struct agent *a, json_t *line)
{
	write_numbered(a, line, NULL);
}

/* Who it is stands in each line, and so does from where, if it is an address. */
static json_t *compose(const char *what, const char *peer, const char *result)
{
	json_t *line = json_pack("{s:{s:s}}", "who", "process", "serve");

	if (peer)
		json_object_set_new(line, "from", json_pack("{s:s}", "peer", peer));
	json_object_set_new(line, "what", json_pack("[s,s]", "serve", what));
	json_object_set_new(line, "result", json_string(result));
	return line;
}

/* What front says may be no UTF-8. */
static void add(json_t *line, const char *key, const char *value)
{
	char *clean = *value ? utf8_repair(value) : NULL;

	if (clean)
		json_object_set_new(line, key, json_string(clean));
	free(clean);
}

/**
 * agent_audit_did - the server did something of its own
 * @a: the agent
 * @what: what
 * @result: how it ended
 */
void agent_audit_did(struct agent *a, const char *what, const char *result)
{
	write_line(a, compose(what, NULL, result));
}

static void tell_more(const char *what, uint64_t n, int64_t seconds, void *arg)
{
	const char *peer = strchr(what, ' ');
	char reason[AUDIT_TALLY_LEN];
	struct agent *a = arg;
	json_t *line;

	snprintf(reason, sizeof(reason), "%.*s", peer ? (int)(peer - what) : (int)strlen(what), what);
	line = compose("more", peer ? peer + 1 : NULL, "refused");
	add(line, "reason", reason[0] ? reason : "others");
	json_object_set_new(line, "count", json_integer((json_int_t)n));
	json_object_set_new(line, "seconds", json_integer(seconds));
	write_line(a, line);
}

/* One network of IPv6 is whoever has one address of IPv4. */
static bool may_tell(struct agent *a, const char *what, const struct cordon_addr *peer)
{
	char key[AUDIT_TALLY_LEN], text[POLICY_ADDR_LEN];
	struct cordon_addr net = *peer;
	bool is_v4 = !peer->hi && peer->lo >> 32 == 0xffff;

	if (!is_v4)
		net.lo = 0;
	snprintf(key, sizeof(key), "%s %s%s", what, policy_addr_text(&net, text), is_v4 ? "" : "/64");
	audit_tally_end(&a->log.tally, agent_clock(), false, tell_more, a);
	return audit_tally_may(&a->log.tally, key, agent_clock());
}

/**
 * agent_audit_issued - a certificate was issued, and is in the registry
 * @a: the agent
 * @q: the request
 * @r: the reply, with name and serial number
 * @what: was asked for
 * @again: it was issued before, and is handed out once more
 */
void agent_audit_issued(struct agent *a, const struct serve_request *q, const struct serve_reply *r, const char *what,
			bool again)
{
	char serial[2 * PKI_SERIAL_LEN + 1], peer[POLICY_ADDR_LEN];
	struct cordon_addr addr;
	json_t *line;

	agent_peer(q, &addr, peer);
	if (again && !may_tell(a, "again", &addr))
		return;
	line = compose(what, q->op == SERVE_OP_SERVER ? NULL : peer, again ? "again" : "done");
	pki_serial_text(r->serial, serial);
	add(line, "device", r->device);
	add(line, "serial", serial);
	if (q->op == SERVE_OP_RENEW) {
		pki_serial_text(q->serial, serial);
		add(line, "replaces", serial);
	}
	write_line(a, line);
}

/**
 * agent_audit_adopted - a certificate was taken over that the registry did not know
 * @a: the agent
 * @q: the request that it came with
 * @cert: the certificate
 */
void agent_audit_adopted(struct agent *a, const struct serve_request *q, const struct store_certificate *cert)
{
	char serial[2 * PKI_SERIAL_LEN + 1], peer[POLICY_ADDR_LEN];
	struct cordon_addr addr;
	json_t *line = compose("adopt", agent_peer(q, &addr, peer), "done");

	pki_serial_text(cert->serial, serial);
	add(line, "device", cert->name);
	add(line, "serial", serial);
	write_line(a, line);
}

/**
 * agent_audit_act - an operator does something, over the page
 * @a: the agent
 * @q: the request
 * @operator: who
 * @what: what
 * @on: to which device, or episode
 * @result: begun, done or refused
 * @begun: number of the line that says that it began; 0, there is none; set by that one
 *
 * Return: false, the log cannot be written.
 */
bool agent_audit_act(struct agent *a, const struct serve_request *q, const char *operator, const char *what,
		     const char *on, const char *result, uint64_t *begun)
{
	char serial[2 * PKI_SERIAL_LEN + 1], peer[POLICY_ADDR_LEN];
	struct cordon_addr addr;
	json_t *line;

	pki_serial_text(q->serial, serial);
	line = json_pack("{s:{s:s,s:s},s:{s:s},s:[s,s,s],s:s}", "who", "operator", operator, "serial", serial, "from", "peer",
			 agent_peer(q, &addr, peer), "what", "page", what, on, "result", result);
	if (line && *begun)
		json_object_set_new(line, "begun", json_integer((json_int_t)*begun));
	return write_numbered(a, line, *begun ? NULL : begun);
}

static const char *op_name(uint32_t op)
{
	switch (op) {
	case SERVE_OP_ENROLL:
	case SERVE_OP_IDEVID:
		return "enrol";
	case SERVE_OP_RENEW:
		return "renew";
	case SERVE_OP_CHECKIN:
		return "checkin";
	case SERVE_OP_SERVER:
		return "server certificate";
	case SERVE_OP_OPERATOR:
	case SERVE_OP_QUARANTINE:
	case SERVE_OP_RELEASE:
	case SERVE_OP_ACKNOWLEDGE:
		return "page";
	default:
		return "request";
	}
}

/**
 * agent_audit_refused - something was refused
 * @a: the agent
 * @q: the request
 * @r: the reply, which says why
 * @reason: as it is counted
 *
 * Of a reason and an address, a few are told in ten minutes, then one line with the number of the others.
 */
void agent_audit_refused(struct agent *a, const struct serve_request *q, const struct serve_reply *r,
			 enum serve_refused reason)
{
	const char *name = serve_refused_name(reason);
	char peer[POLICY_ADDR_LEN];
	struct cordon_addr addr;
	json_t *line;

	agent_peer(q, &addr, peer);
	if (a->log.audit.fd < 0 || !may_tell(a, name, &addr))
		return;
	line = compose(op_name(q->op), peer, "refused");
	add(line, q->op >= SERVE_OP_OPERATOR ? "operator" : "device", r->device[0] ? r->device : q->name);
	add(line, "reason", name);
	add(line, "why", r->why);
	write_line(a, line);
}

static void sync_log(struct agent *a)
{
	if (audit_sync(&a->log.audit, true, WAIT))
		serve_log(LOG_ERR, "the audit log cannot be written", "why", a->log.audit.error, NULL);
	a->log.sync = 0;
}

/**
 * agent_audit_tick - have on the disk what was written, and tell what is due
 * @a: the agent
 */
void agent_audit_tick(struct agent *a)
{
	if (a->log.audit.fd < 0)
		return;
	audit_tally_end(&a->log.tally, agent_clock(), false, tell_more, a);
	if (a->log.sync && agent_clock() >= a->log.sync)
		sync_log(a);
}

/**
 * agent_audit_close - the end of it: what was not told yet is
 * @a: the agent
 */
void agent_audit_close(struct agent *a)
{
	if (a->log.audit.fd < 0)
		return;
	audit_tally_end(&a->log.tally, agent_clock(), true, tell_more, a);
	agent_audit_did(a, "stop", "done");
	sync_log(a);
	audit_close(&a->log.audit);
}
