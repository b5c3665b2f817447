// SPDX-License-Identifier: GPL-2.0
/*
 * Certificates, from the agent's side. One transaction holds the token, the serial number and the
 * certificate; the signer is asked within it, and only what is on the disk leaves the agent. So whoever is
 * killed when: either nothing was issued, or the registry has the certificate, and the same token with
 * the same key gets it again until it is known to have arrived.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

#define REASON_SUPERSEDED 4	/* RFC 5280, 5.3.1 */

/* The next element of a DER encoding: its content, and all of it in @all. */
static bool der_next(const uint8_t **p, size_t *left, uint8_t tag, const uint8_t **content, size_t *len,
		     size_t *all)
{
	size_t head = 2, n, i;

	if (*left < 2 || (*p)[0] != tag)
		return false;
	n = (*p)[1];
	if (n & 0x80) {
		head += n & 0x7f;
		if (head == 2 || head > 5 || *left < head)
			return false;
		for (n = 0, i = 2; i < head; i++)
			n = n << 8 | (*p)[i];
	}
	if (*left - head < n)
		return false;
	*content = *p + head;
	*len = n;
	*all = head + n;
	return true;
}

static bool der_skip(const uint8_t **p, size_t *left, uint8_t tag)
{
	const uint8_t *content;
	size_t len, all;

	if (!der_next(p, left, tag, &content, &len, &all))
		return false;
	*p += all;
	*left -= all;
	return true;
}

/** agent_issued_at - when a certificate was made */
time_t agent_issued_at(const struct store_certificate *cert)
{
	return pki_made(cert->not_before, cert->not_after);
}

/* SHA-256 of the SubjectPublicKeyInfo in a request. Nothing else of the request is looked at here. */
static bool csr_key_id(const uint8_t *csr, size_t len, uint8_t out[32])
{
	const uint8_t *p = csr, *content;
	size_t left = len, n, all;

	if (!der_next(&p, &left, 0x30, &content, &n, &all))
		return false;
	p = content;
	left = n;
	if (!der_next(&p, &left, 0x30, &content, &n, &all))
		return false;
	p = content;
	left = n;
	if (!der_skip(&p, &left, 0x02) || !der_skip(&p, &left, 0x30) ||
	    !der_next(&p, &left, 0x30, &content, &n, &all))
		return false;
	return EVP_Q_digest(NULL, "SHA256", NULL, p, all, out, NULL);
}

/**
 * agent_key_id - what the key in a request is known by
 * @a: the agent
 * @q: the request
 * @r: says why not
 * @out: SHA-256 of its SubjectPublicKeyInfo
 */
bool agent_key_id(struct agent *a, const struct serve_request *q, struct serve_reply *r, uint8_t out[32])
{
	if (csr_key_id(q->csr, q->csr_len, out))
		return true;
	agent_refuse(a, q, r, 400, SERVE_BAD_CSR, "the request is not PKCS #10 in DER (RFC 2986, 4.2)");
	return false;
}

/* No certificate outlives its issuer, and whoever was promised more finds out why. */
static void cut(const struct agent *a, const char *name, struct store_certificate *cert)
{
	char until[POLICY_TIME_LEN];

	if (cert->not_after <= a->ca_end)
		return;
	cert->not_after = a->ca_end;
	serve_log(LOG_WARNING, "certificate is shortened to the end of the CA's", "name", name, "until",
		  policy_time_text(a->ca_end, until), NULL);
}

/**
 * agent_clock_is_right - can it be now what the clock says
 * @a: the agent
 *
 * A machine without a battery wakes up in 1970. What is signed then is of no use, or good for too long.
 */
bool agent_clock_is_right(const struct agent *a)
{
	return time(NULL) >= a->ca_begin;
}

/* Its serial number and its beginning, written down; -EAGAIN, answered, or the request waits for the fleet. */
static int reserve(struct agent *a, const struct serve_request *q, struct serve_reply *r, struct store_certificate *cert)
{
	/* The server's own, and what offers are signed with, no other gateway ever sees. */
	if (a->fleet && cert->kind == PKI_DEVICE)
		return agent_fleet_certify(a, q, r, cert) ? store_cert_reserve(&a->store, cert) : -EAGAIN;
	pki_serial_new(cert->serial);
	cert->not_before = pki_begin(time(NULL), cert->not_after);
	return store_cert_reserve(&a->store, cert);
}

/**
 * agent_certify - have a certificate made, and written down
 * @a: the agent, in a transaction: with that, what was reserved is given back
 * @q: the request, with a PKCS #10
 * @profile: for whom; names of our own making
 * @cert: its end; the rest is filled
 * @r: gets the certificate, or says why not
 *
 * Return: 0; -EINVAL, the request is not good; -EAGAIN, the clock is not, or the fleet has to be asked first; -EIO, the
 * registry is not.
 */
int agent_certify(struct agent *a, const struct serve_request *q, struct pki_profile *profile,
		  struct store_certificate *cert, struct serve_reply *r)
{
	struct serve_sign what = { .exporter = q->exporter, .csr = q->csr, .csr_len = q->csr_len };
	struct serve_signed got;
	int err;

	if (!agent_clock_is_right(a)) {
		agent_refuse(a, q, r, 503, SERVE_CLOCK, "the server's clock is before the CA's beginning");
		return -EAGAIN;
	}
	cert->kind = profile->kind;
	cut(a, profile->name, cert);
	strcpy(cert->name, profile->name);
	if (!agent_key_id(a, q, r, cert->key_id))
		return -EINVAL;
	err = reserve(a, q, r, cert);
	if (err == -EAGAIN)
		return err;
	if (err)
		goto registry;
	profile->serial = cert->serial;
	profile->not_before = cert->not_before;
	profile->not_after = cert->not_after;
	what.profile = *profile;
	memcpy(what.key_id, cert->key_id, sizeof(what.key_id));
	err = serve_sign(&a->signer, &what, a->buf, PRIV_FRAME_MAX, &got);
	if (err) {
		serve_log(LOG_ERR, "the signer does not answer", "why", strerror(-err), NULL);
		exit(1);
	}
	if (got.error[0]) {
		agent_refuse(a, q, r, 400, SERVE_BAD_CSR, "%s", got.error);
		return -EINVAL;
	}
	if (!EVP_Q_digest(NULL, "SHA256", NULL, got.der, got.der_len, cert->fingerprint, NULL) ||
	    store_cert_issued(&a->store, cert->serial, got.der, got.der_len, cert->fingerprint,
			      cert->not_after))
		goto registry;
	memcpy(r->serial, cert->serial, sizeof(r->serial));
	r->der = got.der;
	r->der_len = got.der_len;
	return 0;
registry:
	agent_registry_failed(a, q, r);
	return -EIO;
}

/**
 * agent_granted - count and log a certificate that is in the registry
 * @a: the agent
 * @q: the request
 * @r: the reply, with device and serial number
 * @what: first or next
 * @again: it is one that was issued before
 */
void agent_granted(struct agent *a, const struct serve_request *q, struct serve_reply *r, enum serve_accepted what,
		   bool again)
{
	char serial[2 * PKI_SERIAL_LEN + 1], peer[POLICY_ADDR_LEN];
	struct cordon_addr addr;

	serve_count(&a->counters->accepted[what]);
	r->status = 200;
	pki_serial_text(r->serial, serial);
	serve_log(LOG_INFO, what == SERVE_RENEWAL ? "renewed" : "enrolled", "device", r->device, "serial", serial,
		  "peer", agent_peer(q, &addr, peer), "by", q->op == SERVE_OP_IDEVID ? "idevid" : NULL, NULL);
	agent_audit_issued(a, q, r, what == SERVE_RENEWAL ? "renew" : "enrol", again);
}

/* As agent_place_is_right(); @far: why an address from afar is refused, or NULL, it is not. */
static bool place_is_right(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			   const uint8_t *mac, const char *device, const char *far)
{
	char owner[CORDON_DEVICE_NAME_LEN], text[POLICY_ADDR_LEN];
	struct cordon_addr peer;

	agent_peer(q, &peer, text);
	switch (agent_place(a, &peer, mac, owner)) {
	case AGENT_PLACE_OWN:
		return true;
	case AGENT_PLACE_OTHER:
		if (!mac)	/* of no device: the token will be wrong */
			return true;
		agent_refuse(a, q, r, 403, SERVE_WRONG_ADDRESS, "%s is the address of %s, not of %s", text,
			     owner, device);
		return false;
	case AGENT_PLACE_REMOTE:
		if (!far)
			return true;
		agent_refuse(a, q, r, 403, SERVE_REMOTE, "%s is no device's address, and %s", text, far);
		return false;
	default:
		agent_refuse(a, q, r, 503, SERVE_KERNEL, "the kernel does not answer: %s", a->nl.error);
		return false;
	}
}

/**
 * agent_place_is_right - is it the address of the very device, or one from afar where that is allowed
 * @a: the agent
 * @q: the request
 * @r: says why not
 * @mac: of the device; NULL, there is none by that name
 * @device: its name
 */
bool agent_place_is_right(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			  const uint8_t *mac, const char *device)
{
	return place_is_right(a, q, r, mac, device, a->config->allow_remote ? NULL : "est.allow_remote is off");
}

/* What wrong tokens are counted by: a new token of the device begins anew, since its mark is another one. */
struct tried {
	char peer[POLICY_ADDR_LEN];
	char both[TRIES_KEY_LEN];
};

static int tried_by(struct agent *a, const struct serve_request *q, struct tried *by)
{
	struct cordon_addr addr;
	uint64_t mark;
	int err = store_token_mark(&a->store, q->name, &mark);

	snprintf(by->both, sizeof(by->both), "%s %s %016llx", agent_peer(q, &addr, by->peer), q->name,
		 (unsigned long long)mark);
	return err;
}

/*
 * Seconds that are left of the pause, or 0. The right one of 128 random bits is let through: nobody has guessed it,
 * and somebody else's guesses are no reason to keep its device out.
 */
static unsigned int must_wait(struct agent *a, const struct serve_request *q, const struct tried *by)
{
	time_t now = agent_clock();
	unsigned int wait = tries_wait(&a->tries, by->both, TRIES_MAX, now);
	bool right = false;

	if (!wait)
		wait = tries_wait(&a->tries, by->peer, TRIES_PEER_MAX, now);
	if (wait && !store_token_random(&a->store, q->name, q->secret, &right) && right)
		wait = 0;
	return wait;
}

static void wrong_token(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			enum store_token verdict, const struct tried *by)
{
	time_t now = agent_clock();

	if (verdict == STORE_TOKEN_WRONG) {
		tries_fail(&a->tries, by->both, now);
		tries_fail(&a->tries, by->peer, now);
	}
	if (verdict == STORE_TOKEN_EXPIRED)
		agent_refuse(a, q, r, 401, SERVE_TOKEN_EXPIRED, "the token has expired");
	else if (verdict == STORE_TOKEN_USED)
		agent_refuse(a, q, r, 401, SERVE_TOKEN_USED, "the token was used already");
	else
		agent_refuse(a, q, r, 401, SERVE_BAD_TOKEN, "no such device, or not its token");
}

/**
 * agent_hand_out_again - the same certificate again, which may not have arrived
 * @a: the agent
 * @q: the request
 * @r: the reply
 * @serial: of the certificate
 * @device: its name
 * @what: first or next
 */
void agent_hand_out_again(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			   const uint8_t serial[STORE_SERIAL_LEN], const char *device, enum serve_accepted what)
{
	struct store_certificate cert;
	uint8_t *der = NULL;
	size_t len;

	if (store_cert_get(&a->store, serial, &cert, &der, &len) || len > PKI_CERT_MAX) {
		free(der);
		agent_registry_failed(a, q, r);
		return;
	}
	memcpy(a->buf, der, len);
	free(der);
	memcpy(r->serial, serial, sizeof(r->serial));
	r->der = a->buf;
	r->der_len = len;
	strcpy(r->device, device);
	agent_granted(a, q, r, what, true);
}

/*
 * Within the transaction, so that the device whose place was looked at is the one whose token it is. True:
 * it is to be committed.
 */
static bool enroll_device(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			  const uint8_t key_id[32], const struct tried *by)
{
	struct store_certificate cert = { .not_after = pki_later(time(NULL), a->config->valid) };
	struct pki_profile profile = { .kind = PKI_DEVICE, .mac = cert.mac };
	uint8_t serial[STORE_SERIAL_LEN];
	struct store_device device;
	enum store_token verdict;
	int err;

	err = store_device_get(&a->store, q->name, &device);
	if (err && err != -ENOENT) {
		agent_registry_failed(a, q, r);
		return false;
	}
	if (!agent_place_is_right(a, q, r, err ? NULL : device.mac, q->name))
		return false;
	if (store_token_check(&a->store, q->name, q->secret, key_id, time(NULL), &verdict, &device, serial)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	verdict = agent_fleet_token(a, verdict, serial);
	if (verdict == STORE_TOKEN_PENDING) {
		agent_hand_out_again(a, q, r, serial, device.name, SERVE_ENROLMENT);
		return false;
	}
	if (verdict != STORE_TOKEN_GOOD && verdict != STORE_TOKEN_OTHER_KEY) {
		wrong_token(a, q, r, verdict, by);
		return false;
	}
	if ((a->config->approval || device.approval) && !agent_approved(a, q, r, device.name, key_id))
		return false;
	if (verdict == STORE_TOKEN_OTHER_KEY &&
	    store_cert_revoke(&a->store, serial, time(NULL), REASON_SUPERSEDED)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	memcpy(cert.mac, device.mac, 6);
	profile.name = device.name;
	if (agent_certify(a, q, &profile, &cert, r))
		return false;
	if (store_token_claim(&a->store, device.name, key_id, cert.serial) ||
	    store_pending_done(&a->store, device.name) || agent_supersede(a, device.name, NULL)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	strcpy(r->device, device.name);
	return true;
}

/**
 * agent_commit - nothing that is not on the disk leaves
 * @a: the agent, in a transaction
 * @q: the request
 * @r: the reply; on failure without a certificate, and it says why
 */
bool agent_commit(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	if (!store_commit(&a->store))
		return true;
	store_rollback(&a->store);
	r->der = NULL;
	r->der_len = 0;
	agent_registry_failed(a, q, r);
	return false;
}

/**
 * agent_enroll - a device's first certificate (RFC 7030, 4.2.1), for its token
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_enroll(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct tried by;
	uint8_t key_id[32];

	if (tried_by(a, q, &by)) {
		agent_registry_failed(a, q, r);
		return;
	}
	r->retry = must_wait(a, q, &by);
	if (r->retry) {
		agent_refuse(a, q, r, 429, SERVE_TOO_MANY_TRIES, "too many wrong tokens");
		return;
	}
	if (!agent_key_id(a, q, r, key_id))
		return;
	if (store_begin(&a->store, true)) {
		agent_registry_failed(a, q, r);
		return;
	}
	if (!enroll_device(a, q, r, key_id, &by)) {
		store_rollback(&a->store);
		if (r->status == 202)
			agent_await(a, q, q->name, key_id, STORE_WAY_TOKEN);
	} else if (agent_commit(a, q, r)) {
		tries_forget(&a->tries, by.both);
		tries_forget(&a->tries, by.peer);
		agent_granted(a, q, r, SERVE_ENROLMENT, false);
	}
}

/* As agent_identify(); @late: seconds since the certificate's end that are forgiven. */
static bool identify(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		     struct store_certificate *cert, uint32_t late)
{
	int err = store_cert_get(&a->store, q->serial, cert, NULL, NULL);

	if (err && err != -ENOENT) {
		agent_registry_failed(a, q, r);
		return false;
	}
	/* Of one that a list has and the registry has not, the serial number is all that is known. */
	if (!err && cert->state == STORE_REVOKED && !strcmp(cert->name, STORE_LOST)) {
		agent_refuse(a, q, r, 403, SERVE_CERTIFICATE_REVOKED, "the certificate is revoked");
		return false;
	}
	if (a->fleet && !err && agent_fleet_is_near(a, cert)) {
		agent_refuse(a, q, r, 503, SERVE_FLEET_UNREACHABLE, "the certificate is not known here yet: try again");
		return false;
	}
	if (err || memcmp(cert->fingerprint, q->fingerprint, PKI_FINGERPRINT_LEN) ||
	    (cert->state != STORE_ISSUED && cert->state != STORE_DELIVERED &&
	     cert->state != STORE_REVOKED)) {
		agent_refuse(a, q, r, 403, SERVE_CERTIFICATE_UNKNOWN, "the registry does not know the certificate");
		return false;
	}
	strcpy(r->device, cert->name);
	if (cert->kind != PKI_DEVICE) {
		agent_refuse(a, q, r, 403, SERVE_CERTIFICATE_FOREIGN, "the certificate is not a device's");
		return false;
	}
	if (cert->state == STORE_REVOKED) {
		agent_refuse(a, q, r, 403, SERVE_CERTIFICATE_REVOKED, "the certificate is revoked");
		return false;
	}
	if (a->fleet && !agent_fleet_identify(a, q, r, cert))
		return false;
	if (cert->not_after < time(NULL) - (time_t)late) {
		agent_refuse(a, q, r, 403, SERVE_CERTIFICATE_EXPIRED, "the certificate has expired");
		return false;
	}
	if (cert->state == STORE_ISSUED && store_cert_delivered(&a->store, cert->serial)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	return true;
}

/**
 * agent_identify - whose certificate is it, and does it still count
 * @a: the agent
 * @q: the request, with serial and fingerprint of the certificate
 * @r: says why not
 * @cert: filled
 *
 * Within a transaction. Who shows a certificate has it: its token is used up.
 */
bool agent_identify(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		    struct store_certificate *cert)
{
	return identify(a, q, r, cert, 0);
}

/*
 * Who is it, from where, and by which certificate. One that has ended counts for est.renew_after_expiry: with the key
 * that it has, from the device's own address, and only if the device did not go on with another one.
 */
static bool renew_is_right(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			   struct store_certificate *old, const uint8_t key_id[32])
{
	bool late;

	if (!identify(a, q, r, old, a->config->renew_after_expiry))
		return false;
	late = old->not_after < time(NULL);
	if (!late)
		return agent_place_is_right(a, q, r, old->mac, old->name);
	if (memcmp(key_id, old->key_id, sizeof(old->key_id))) {
		agent_refuse(a, q, r, 403, SERVE_REKEY, "the certificate has expired: it is renewed with its own key only");
		return false;
	}
	return place_is_right(a, q, r, old->mac, old->name, "the certificate has expired") &&
	       agent_is_last(a, q, r, old);
}

/* An operator who allows it sees each of them. */
static void renewed_late(const struct serve_reply *r, const struct store_certificate *old)
{
	char serial[2 * PKI_SERIAL_LEN + 1], ended[POLICY_TIME_LEN];

	pki_serial_text(old->serial, serial);
	serve_log(LOG_WARNING, "renewed a certificate that had expired", "device", r->device, "serial", serial, "ended",
		  policy_time_text(old->not_after, ended), NULL);
}

/* False: the reply says why not, or holds the certificate that the device has for this key already. */
static bool renew_is_due(struct agent *a, const struct serve_request *q, struct serve_reply *r, const char *name,
			 const uint8_t key_id[32])
{
	uint8_t again[STORE_SERIAL_LEN];
	int ret = agent_renew_limit(a, q, r, name, key_id, again);

	if (ret == 1)
		agent_hand_out_again(a, q, r, again, name, SERVE_RENEWAL);
	return !ret;
}

/**
 * agent_renew - a device's next certificate (RFC 7030, 4.2.2), for the one it has
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_renew(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct store_certificate old, cert = { .not_after = pki_later(time(NULL), a->config->valid) };
	struct pki_profile profile = { .kind = PKI_DEVICE, .name = old.name, .mac = cert.mac };
	enum agent_rekey rekey;
	uint8_t key_id[32];
	bool late;

	if (!agent_key_id(a, q, r, key_id))
		return;
	if (store_begin(&a->store, true)) {
		agent_registry_failed(a, q, r);
		return;
	}
	if (!renew_is_right(a, q, r, &old, key_id) || !renew_is_due(a, q, r, old.name, key_id)) {
		store_rollback(&a->store);
		return;
	}
	late = old.not_after < time(NULL);
	memcpy(cert.mac, old.mac, 6);
	rekey = agent_rekey(a, q, r, &old, key_id);
	if (rekey == AGENT_REKEY_REFUSED || agent_certify(a, q, &profile, &cert, r)) {
		store_rollback(&a->store);
	} else if (agent_supersede(a, old.name, old.serial)) {
		store_rollback(&a->store);
		agent_registry_failed(a, q, r);
	} else if (agent_commit(a, q, r)) {
		agent_granted(a, q, r, SERVE_RENEWAL, false);
		if (rekey == AGENT_REKEY_UNSIGNED)
			agent_rekeyed(a, q, r);
		if (late)
			renewed_late(r, &old);
	}
}
