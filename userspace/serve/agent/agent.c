// SPDX-License-Identifier: GPL-2.0
/* The process that decides: the registry says who a device is, the kernel where it is. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#include "serve/agent/agent.h"

#define IDLE		500	/* milliseconds without a request: time to look around */
#define CRL_KEEP	3600	/* seconds after which a list is signed anew, changed or not ... */
#define CRL_RETRY	10	/* ... and after a failure */

/** agent_clock - seconds by a clock that nobody sets back */
time_t agent_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

/**
 * agent_peer - address that a request came from
 * @q: the request
 * @addr: filled
 * @text: gets it as text
 *
 * Return: @text.
 */
const char *agent_peer(const struct serve_request *q, struct cordon_addr *addr, char text[POLICY_ADDR_LEN])
{
	size_t i;

	*addr = (struct cordon_addr){ 0, 0 };
	for (i = 0; i < 8; i++) {
		addr->hi = addr->hi << 8 | q->peer[i];
		addr->lo = addr->lo << 8 | q->peer[8 + i];
	}
	return policy_addr_text(addr, text);
}

/**
 * agent_refuse - say no, count it, and log it
 * @a: the agent
 * @q: the request
 * @r: the reply
 * @status: as of HTTP
 * @reason: counted
 * @fmt: a sentence for the device
 */
void agent_refuse(struct agent *a, const struct serve_request *q, struct serve_reply *r, unsigned int status,
		  enum serve_refused reason, const char *fmt, ...)
{
	char peer[POLICY_ADDR_LEN];
	struct cordon_addr addr;
	const char *device;
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, args);
	va_end(args);
	r->status = status;
	if (status == 503)
		r->retry = SERVE_RETRY;
	r->der = NULL;
	r->der_len = 0;
	serve_count(&a->counters->refused[reason]);
	device = r->device[0] ? r->device : q->name[0] ? q->name : NULL;
	serve_log(LOG_NOTICE, "refused", "reason", serve_refused_name(reason), q->op >= SERVE_OP_OPERATOR ? "operator" :
		  "device", device, "peer", agent_peer(q, &addr, peer), "why", r->why, NULL);
	agent_audit_refused(a, q, r, reason);
}

/**
 * agent_registry_failed - the registry cannot be read or written: nothing is granted
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_registry_failed(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	serve_log(LOG_ERR, "registry", "why", a->store.error, NULL);
	agent_refuse(a, q, r, 503, SERVE_REGISTRY, "the registry does not work");
}

static void handle_delivered(struct agent *a, const struct serve_request *q)
{
	if (store_begin(&a->store, false))
		return;
	if (store_cert_delivered(&a->store, q->serial) || store_commit(&a->store)) {
		serve_log(LOG_ERR, "registry", "why", a->store.error, NULL);
		store_rollback(&a->store);
	}
}

/**
 * agent_sign_crl - have a revocation list signed
 * @a: the agent
 * @issuer: 0, the present one; else one before, as in struct serve_sign
 * @der: the list; free()
 * @len: of @der
 * @number: of the list
 *
 * Return: 0 or -errno; why there is none is logged.
 */
int agent_sign_crl(struct agent *a, unsigned int issuer, uint8_t **der, size_t *len, uint64_t *number)
{
	struct serve_sign what = { .kind = SERVE_SIGN_CRL, .issuer = issuer };
	struct serve_signed got = { .der = NULL };
	int err;

	err = revoked_list(&a->store, time(NULL), &what.entries, &what.n_entries);
	if (!err)
		err = store_crl_number(&a->store, &what.number);
	if (!err)
		err = serve_sign(&a->signer, &what, a->buf, PRIV_FRAME_MAX, &got);
	free(what.entries);
	if (!err && got.error[0])
		err = -EIO;
	if (!err) {
		*der = malloc(got.der_len);
		err = *der ? 0 : -ENOMEM;
	}
	if (err) {
		serve_log(LOG_ERR, issuer ? "no revocation list of an earlier issuer" : "no revocation list", "why",
			  got.error[0] ? got.error : strerror(-err), NULL);
		return err;
	}
	memcpy(*der, got.der, got.der_len);
	*len = got.der_len;
	*number = what.number;
	return 0;
}

static int sign_crl(struct agent *a)
{
	uint8_t *der;
	int err = agent_sign_crl(a, 0, &der, &a->crl_len, &a->crl_number);

	if (err)
		return err;
	free(a->crl);
	a->crl = der;
	return 0;
}

/**
 * agent_crl_renew - have the revocation list signed, unless the one there is holds all that is revoked
 * @a: the agent
 *
 * Return: 0; -EAGAIN, it failed a moment ago: to try costs a walk through the registry, and whoever asks is not known;
 * another -errno.
 */
int agent_crl_renew(struct agent *a)
{
	time_t made = time(NULL);
	uint64_t revocations;
	int err = store_revocations(&a->store, &revocations);

	if (err)
		return err;
	if (a->crl && revocations == a->crl_revocations && agent_clock() < a->crl_until && revoked_is_fresh(a->crl_made))
		return 0;
	if (agent_clock() < a->crl_retry)
		return -EAGAIN;
	err = sign_crl(a);
	if (err) {
		a->crl_retry = agent_clock() + CRL_RETRY;
		return err;
	}
	a->crl_revocations = revocations;
	a->crl_made = made;
	a->crl_until = agent_clock() + CRL_KEEP;
	return 0;
}

static void handle_crl(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	if (agent_crl_renew(a)) {
		agent_refuse(a, q, r, 503, SERVE_REGISTRY, "there is no revocation list that can be sent");
		r->retry = CRL_RETRY;
		return;
	}
	r->number = a->crl_number;
	if (q->number == a->crl_number) {
		r->status = 304;
		return;
	}
	r->status = 200;
	r->der = a->crl;
	r->der_len = a->crl_len;
}

/* Whoever asks waits as long as any other request would. */
static void handle_health(struct agent *a, struct serve_reply *r)
{
	struct serve_sign what = { .kind = SERVE_SIGN_NOTHING };
	struct serve_signed got;
	uint64_t revocations;
	int err = serve_sign(&a->signer, &what, a->buf, PRIV_FRAME_MAX, &got);

	r->status = 503;
	if (err || got.error[0])
		snprintf(r->why, sizeof(r->why), "signer: %.200s", err ? strerror(-err) : got.error);
	else if (store_revocations(&a->store, &revocations))
		snprintf(r->why, sizeof(r->why), "registry: %.200s", a->store.error);
	else if (!agent_clock_is_right(a))
		snprintf(r->why, sizeof(r->why), "the clock is before the CA's beginning");
	else
		r->status = 200;
}

/*
 * The file again. Returns the number of faults, which are logged; @fresh is of no use then. A file that was there
 * at the start has to be there.
 */
static int read_config(const struct agent *a, struct serve_config *fresh)
{
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	int faults;

	if (!errors)
		return 1;
	faults = serve_config_load(a->config->from_file ? a->config->path : NULL, fresh, errors);
	fclose(errors);
	if (faults)
		serve_log(LOG_ERR, "serve.yaml is not taken: what held before holds", "why", text ? text : "", NULL);
	free(text);
	return faults;
}

/* False: what held before holds, which is logged. */
static bool reload(struct agent *a)
{
	struct serve_sign what = { .kind = SERVE_SIGN_RELOAD };
	struct agent_idevid idevid = { .n = 0 };
	struct serve_config fresh;
	struct serve_signed got;
	int faults = read_config(a, &fresh);

	if (!faults)
		faults = -agent_manufacturers_load(&fresh, &a->ca, &idevid);

	__atomic_store_n(&a->counters->config_faults, faults, __ATOMIC_RELAXED);
	__atomic_store_n(&a->counters->reloaded, time(NULL), __ATOMIC_RELAXED);
	if (faults)
		return false;
	if (serve_sign(&a->signer, &what, a->buf, PRIV_FRAME_MAX, &got)) {
		serve_log(LOG_ERR, "the signer does not answer", NULL);
		exit(1);
	}
	if (got.error[0]) {
		agent_manufacturers_free(&idevid);
		__atomic_store_n(&a->counters->config_faults, 1, __ATOMIC_RELAXED);
		serve_log(LOG_ERR, "serve.yaml is not taken: what held before holds", "why", got.error, NULL);
		return false;
	}
	agent_manufacturers_free(&a->idevid);
	a->idevid = idevid;
	agent_policy_free(&a->policy);
	agent_policy_load(a);
	a->config->allow_remote = fresh.allow_remote;
	a->config->rekey_signed = fresh.rekey_signed;
	a->config->adopt = fresh.adopt;
	a->config->approval = fresh.approval;
	a->config->valid = fresh.valid;
	a->config->renew_interval = fresh.renew_interval;
	a->config->poll = fresh.poll;
	/* This machine's own names are those of the start: here it cannot see all of them any more. */
	if (!fresh.own_names) {
		memcpy(a->config->names, fresh.names, sizeof(fresh.names));
		a->config->n_names = fresh.n_names;
	}
	return true;
}

static void handle_reload(struct agent *a)
{
	agent_audit_did(a, "reload", reload(a) ? "done" : "refused");
}

/* False: the request wants no reply. */
static bool handle(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	/* A manufacturer's certificate is none of this CA. */
	if (q->op != SERVE_OP_IDEVID)
		agent_adopt(a, q);
	switch (q->op) {
	case SERVE_OP_IDEVID:
		agent_idevid(a, q, r);
		return true;
	case SERVE_OP_ENROLL:
		agent_enroll(a, q, r);
		return true;
	case SERVE_OP_RENEW:
		agent_renew(a, q, r);
		return true;
	case SERVE_OP_CHECKIN:
		agent_checkin(a, q, r);
		return true;
	case SERVE_OP_SERVER:
		agent_server(a, q, r);
		return true;
	case SERVE_OP_CRL:
		handle_crl(a, q, r);
		return true;
	case SERVE_OP_FORMER_CRL:
		agent_former_crl(a, q, r);
		return true;
	case SERVE_OP_OCSP:
	case SERVE_OP_STAPLE:
		agent_ocsp(a, q, r);
		return true;
	case SERVE_OP_POLL:
		agent_poll(a, q, r);
		return true;
	case SERVE_OP_DEPLOYMENT:
		agent_deployment(a, q, r);
		return true;
	case SERVE_OP_CANCELLATION:
		agent_cancellation(a, q, r);
		return true;
	case SERVE_OP_FEEDBACK:
	case SERVE_OP_CANCEL_FEEDBACK:
		agent_feedback(a, q, r);
		return true;
	case SERVE_OP_REPORT:
		agent_report(a, q, r);
		return true;
	case SERVE_OP_MANIFEST:
		agent_manifest(a, q, r);
		return true;
	case SERVE_OP_RESULT:
		agent_result(a, q, r);
		return true;
	case SERVE_OP_ARTIFACT:
		agent_artifact(a, q, r);
		return true;
	case SERVE_OP_HEALTH:
		handle_health(a, r);
		return true;
	case SERVE_OP_FIRMWARE:
		agent_firmware(a, q);
		return false;
	case SERVE_OP_DELIVERED:
		handle_delivered(a, q);
		return false;
	case SERVE_OP_RELOAD:
		handle_reload(a);
		serve_count(&a->counters->reloads);
		r->status = 200;
		return q->id;
	default:
		agent_refuse(a, q, r, 500, SERVE_BAD_REQUEST, "no such request");
		return true;
	}
}

/* Until front asks something; page, and who writes the history, are heard meanwhile. */
static void wait_for_request(struct agent *a, uint8_t *in, uint8_t *out)
{
	struct pollfd fds[4] = { { .fd = a->front.in, .events = POLLIN } };

	do {
		agent_records_write(a, false);
		agent_posture_tick(a);
		agent_expiry_tick(a);
		agent_saved_tick(a, false);
		agent_audit_tick(a);
		agent_watch_tick(a, out);
		agent_fleet_tick(a, out);
		fds[1] = (struct pollfd){ .fd = a->page, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = a->watch.fd, .events = POLLIN };
		fds[3] = agent_fleet_poll(a);
		if (poll(fds, 4, IDLE) <= 0)
			continue;
		/* One message, then front has its turn: whatever page says, devices do not wait longer than for that. */
		if (fds[1].revents)
			agent_page_hear(a, in, out);
		if (fds[2].revents && a->watch.fd == fds[2].fd)
			agent_watch_hear(a, out);
		if (fds[3].revents)
			agent_fleet_hear(a, out);
	} while (!fds[0].revents);
}

/**
 * agent_reply - tell front
 * @a: the agent
 * @q: the request
 * @r: the reply; what does not fit into a message is refused like everything else that cannot be had
 * @out: room for a message
 *
 * Return: what priv_send() returns.
 */
int agent_reply(struct agent *a, const struct serve_request *q, struct serve_reply *r, uint8_t *out)
{
	size_t len = serve_reply_pack(r, out, SERVE_REPLY_MAX);

	if (!len) {
		agent_refuse(a, q, r, 503, SERVE_REGISTRY, "the answer is too large");
		len = serve_reply_pack(r, out, SERVE_REPLY_MAX);
	}
	return priv_send(&a->front, out, len);
}

/**
 * agent_answer - handle a request of front's, and reply, unless it wants no reply, or is handled again later
 * @a: the agent
 * @q: the request
 * @out: room for the reply
 *
 * Return: 0 or -errno.
 */
int agent_answer(struct agent *a, const struct serve_request *q, uint8_t *out)
{
	struct serve_reply r;

	memset(&r, 0, sizeof(r));
	r.id = q->id;
	return handle(a, q, &r) && !agent_fleet_waits(a) ? agent_reply(a, q, &r, out) : 0;
}

/* Until one of the other two is gone. */
static int loop(struct agent *a, uint8_t *in, uint8_t *out)
{
	struct serve_request q;
	ssize_t len;
	int err;

	for (;;) {
		wait_for_request(a, in, out);
		len = priv_receive(&a->front, in, SERVE_REQUEST_MAX);
		if (len < 0)
			return len == -EPIPE ? 0 : 1;
		if (!serve_request_unpack(in, len, &q)) {
			serve_log(LOG_ERR, "front says what makes no sense", NULL);
			return 1;
		}
		agent_fleet_takes(a, in, len);
		err = agent_answer(a, &q, out);
		agent_fleet_takes(a, NULL, 0);
		if (err)
			return err == -EPIPE ? 0 : 1;
		if (q.op == SERVE_OP_RELOAD)
			agent_page_reload(a, out);
		explicit_bzero(q.secret, sizeof(q.secret));
		explicit_bzero(in, len);
	}
}

/* Front gives the next root from now on: who gets a certificate knows it. */
static int begin_rollover(struct agent *a)
{
	uint8_t root[PKI_FINGERPRINT_LEN];

	if (!a->ca.next || !X509_cmp(a->ca.next, a->ca.root))
		return 0;
	return pki_fingerprint(a->ca.next, root) ? -ENOMEM : store_rollover_begin(&a->store, root);
}

static int open_registry(struct agent *a)
{
	unsigned int abandoned = 0, forgotten = 0;

	if (!store_open(&a->store, a->config->registry, true) && !store_recover(&a->store, &abandoned) &&
	    !store_prune(&a->store, time(NULL) - SERVE_REMEMBERED, &forgotten) && !begin_rollover(a) &&
	    !agent_adopt_begin(a))
		return 0;
	serve_log(LOG_ERR, "registry", "file", a->config->registry, "why", a->store.error, NULL);
	return -EIO;
}

static int open_all(struct agent *a)
{
	struct pki_error err;
	int ret;

	if (pki_ca_load(a->config->ca, false, NULL, &a->ca, &err)) {
		serve_log(LOG_ERR, "cannot load the CA", "why", err.text, NULL);
		return -EIO;
	}
	if (pki_validity(a->ca.issuing, &a->ca_begin, &a->ca_end))
		a->ca_end = 0;
	ret = agent_manufacturers_load(a->config, &a->ca, &a->idevid) ? -EIO : open_registry(a);
	if (ret)
		return ret;
	a->connected = !cnl_open(&a->nl);
	if (!a->connected)
		serve_log(LOG_WARNING, "no kernel module: check-ins are refused", "why", a->nl.error, NULL);
	return 0;
}

/**
 * serve_agent - be the agent, until front or signer is gone
 * @config: what holds; changed by a reload
 * @counters: shared
 * @front: pipes
 * @signer: pipes, on which the signer has said that it is ready
 * @page: socket to page, where each message is whole, and which does not block; -1, there is no page
 *
 * Says one empty message to front when it is ready.
 *
 * Return: exit status.
 */
int serve_agent(struct serve_config *config, struct serve_counters *counters, struct priv_channel *front,
		struct priv_channel *signer, int page)
{
	struct priv_role role = {
		.user = "cordon-agent", .net_admin = true, .netlink = true, .database = true, .listing = true,
	};
	struct agent *a = calloc(1, sizeof(*a));
	uint8_t *in = malloc(SERVE_REQUEST_MAX), *out = malloc(SERVE_REPLY_MAX);
	char error[PRIV_ERROR_LEN], *dir = strdup(config->path), *policy = strdup(config->policy);
	int ret = 1;
	size_t i;

	if (a)
		a->buf = malloc(PRIV_FRAME_MAX);
	if (!a || !a->buf || !in || !out || !dir || !policy)
		goto out;
	a->config = config;
	a->counters = counters;
	a->log.audit.fd = a->log.audit.head = -1;
	if (getrandom(&a->tries.seed, sizeof(a->tries.seed), 0) < 0)
		goto out;
	a->front = *front;
	a->signer = *signer;
	a->page = page;
	a->watch.fd = -1;
	role.local = page >= 0;
	*strrchr(dir, '/') = 0;
	role.readable = dir[0] ? dir : "/";
	*strrchr(policy, '/') = 0;
	role.also[0] = config->n_manufacturers || config->fleet.n ? policy : NULL;
	role.stream = config->fleet.n;
	if (open_all(a) || agent_fleet_begin(a))
		goto out;
	agent_audit_open(a);
	serve_log_detach();
	if (priv_enter(&role, error) < 0) {
		serve_log(LOG_ERR, "cannot confine the process", "why", error, NULL);
		goto out;
	}
	agent_audit_did(a, "start", "done");
	agent_policy_load(a);	/* what is wrong is better said now than to the first device */
	if (!priv_send(&a->front, "", 0))
		ret = loop(a, in, out);
	agent_audit_close(a);
	agent_records_write(a, true);
	agent_saved_tick(a, true);
	store_close(&a->store);
out:
	if (a) {
		for (i = 0; i < AGENT_FORMER; i++)
			free(a->former[i].der);
		agent_ocsp_free(a);
		pki_ca_free(&a->ca);
		agent_manufacturers_free(&a->idevid);
		agent_policy_free(&a->policy);
		agent_fleet_end(a);
		free(a->posture.floors);
		devices_free(&a->devices);
		free(a->crl);
		free(a->buf);
	}
	free(a);
	free(dir);
	free(policy);
	free(out);
	free(in);
	return ret;
}
