// SPDX-License-Identifier: GPL-2.0
/*
 * A device's first certificate for the one that it has from its manufacturer (IEEE 802.1AR: IDevID; RFC 7030, 3.3.2).
 *
 * The manufacturer says which device it is, the policy that it belongs here: its file names issuer and serial number,
 * and the policy in force has the device by that name and MAC. That is all that such a certificate is good for. A
 * device that has a certificate of ours gets none by it, and one whose certificate was revoked only with an
 * operator's approval: who took it back wants no other made of what the device had from its manufacturer. That word
 * does not end when the certificate would have. A device that was retired gets none at all.
 */
#include <errno.h>
#include <string.h>

#include "serve/agent/agent.h"

#define LOOK_BACK	32	/* the newest certificates of a device that are looked at */
#define REASON_SUPERSEDED 4	/* RFC 5280, 5.3.1 */

/**
 * struct history - what certificates a device has had
 * @key_id: of the key that it wants certified
 * @now: seconds since 1970
 * @live: it has one that counts, and that arrived
 * @seen: it has had one
 * @revoked: an operator took back one that would count, or the newest. Nobody else does that: where one is superseded,
 *	a newer one is made in the same transaction
 * @again: it has one of this key that may not have arrived: @serial
 * @lost: it has such ones of other keys
 */
struct history {
	const uint8_t *key_id;
	time_t now;
	bool live;
	bool seen;
	bool revoked;
	bool again;
	uint8_t serial[STORE_SERIAL_LEN];
	uint8_t lost[LOOK_BACK][STORE_SERIAL_LEN];
	size_t n_lost;
};

static int look(const struct store_certificate *c, void *arg)
{
	struct history *h = arg;

	if (c->state == STORE_RESERVED || c->state == STORE_ABANDONED)
		return 0;
	if (!h->seen)
		h->revoked = c->state == STORE_REVOKED;
	h->seen = true;
	if (c->not_after <= h->now)
		return 0;
	if (c->state == STORE_DELIVERED) {
		h->live = true;
	} else if (c->state == STORE_REVOKED) {
		h->revoked |= c->reason != REASON_SUPERSEDED;
	} else if (c->state == STORE_ISSUED && !memcmp(c->key_id, h->key_id, sizeof(c->key_id))) {
		h->again = true;
		memcpy(h->serial, c->serial, sizeof(h->serial));
	} else if (c->state == STORE_ISSUED) {
		memcpy(h->lost[h->n_lost++], c->serial, STORE_SERIAL_LEN);
	}
	return 0;
}

/* How near it came: of several manufacturers, what is wrong with it at the nearest one is told. */
static int rank(int ret)
{
	return !ret ? 3 : ret == -EKEYEXPIRED ? 2 : ret == -EINVAL ? 1 : 0;
}

static void refuse_foreign(struct agent *a, const struct serve_request *q, struct serve_reply *r, int ret,
			   const char *serial, const struct pki_error *err)
{
	if (!ret)
		agent_refuse(a, q, r, 403, SERVE_IDEVID_UNKNOWN,
			     "the policy names no device with serial number '%s' of this manufacturer", serial);
	else
		agent_refuse(a, q, r, 403, ret == -EKEYEXPIRED ? SERVE_IDEVID_EXPIRED : SERVE_IDEVID_FOREIGN, "%s",
			     err->text);
}

/*
 * Whose certificate it is, by any manufacturer whose roots it leads to; NULL: answered. The policy's file, which may be
 * large, is not read for anybody else's.
 */
static const struct agent_vendored *recognize(struct agent *a, const struct serve_request *q, struct serve_reply *r,
					      X509 *cert)
{
	const struct agent_vendored *v = NULL;
	struct pki_error err = { "" }, why = { "" };
	char serial[POLICY_SERIAL_LEN] = "";
	int ret, nearest = -EPERM;
	size_t i;

	for (i = 0; i < a->idevid.n && !v; i++) {
		ret = pki_vendor_verify(a->idevid.list[i].roots, cert, q->chain, q->chain_len, time(NULL), &err);
		if (!ret && pki_vendor_serial(cert, serial, sizeof(serial), &err))
			ret = -EINVAL;
		if (!ret && agent_policy_load(a)) {
			agent_refuse(a, q, r, 503, SERVE_POLICY_FILE, "the gateway's policy file cannot be read");
			return NULL;
		}
		if (!ret)
			v = agent_vendored_find(&a->policy, a->idevid.list[i].name, serial);
		if (i && rank(ret) <= rank(nearest))
			continue;
		nearest = ret;
		why = err;
	}
	if (!v)
		refuse_foreign(a, q, r, nearest, serial, &why);
	return v;
}

static bool is_in_force(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			const struct agent_vendored *v)
{
	const struct device *d;
	struct cnl_summary summary;

	if (agent_summary(a, &summary)) {
		agent_refuse(a, q, r, 503, SERVE_KERNEL, "the gateway's kernel module is not loaded, or does not answer");
		return false;
	}
	a->posture.tick = 0;
	agent_posture_tick(a);
	d = devices_by_name(&a->devices, v->name);
	if (d && !memcmp(d->mac, v->mac, sizeof(v->mac)))
		return true;
	agent_refuse(a, q, r, 403, SERVE_UNKNOWN_DEVICE,
		     "the policy in force has no device '%s' by the MAC of the policy's file", v->name);
	return false;
}

/* In the registry by this name and MAC; false: answered. */
static bool meet(struct agent *a, const struct serve_request *q, struct serve_reply *r, const struct agent_vendored *v)
{
	int err = store_device_meet(&a->store, v->name, v->mac);

	if (!err)
		return true;
	if (err == -EPERM)
		agent_refuse(a, q, r, 403, SERVE_IDEVID_ENROLLED, "%s", a->store.error);
	else
		agent_registry_failed(a, q, r);
	return false;
}

static bool supersede(struct agent *a, const struct serve_request *q, struct serve_reply *r, const struct history *h)
{
	size_t i;

	for (i = 0; i < h->n_lost; i++)
		if (store_cert_revoke(&a->store, h->lost[i], h->now, REASON_SUPERSEDED)) {
			agent_registry_failed(a, q, r);
			return false;
		}
	return true;
}

/* May it have one now, by what it has had. False: answered, maybe with the one that it has got already. */
static bool is_due(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		   const struct agent_vendored *v, struct history *h)
{
	uint8_t again[STORE_SERIAL_LEN];
	struct store_device device;

	if (store_cert_newest(&a->store, v->name, LOOK_BACK, look, h) || store_device_get(&a->store, v->name, &device)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	if (device.retired) {
		agent_refuse(a, q, r, 403, SERVE_IDEVID_ENROLLED, "%s was retired: a new token takes it back", v->name);
		return false;
	}
	/* Another gateway made it: here another takes its place. */
	if (h->again && !agent_fleet_has(a, h->serial)) {
		h->again = false;
		memcpy(h->lost[h->n_lost++], h->serial, STORE_SERIAL_LEN);
	}
	if (h->live) {
		agent_refuse(a, q, r, 403, SERVE_IDEVID_ENROLLED,
			     "%s has a certificate: it must be revoked before another is given for the manufacturer's", v->name);
		return false;
	}
	if (h->again) {
		agent_hand_out_again(a, q, r, h->serial, v->name, SERVE_ENROLMENT);
		return false;
	}
	/* It was here, and nobody knows any more how that ended. */
	if (device.enrolled && !h->seen)
		h->revoked = true;
	if ((a->config->approval || device.approval || h->revoked) && !agent_approved(a, q, r, v->name, h->key_id))
		return false;
	return !agent_renew_limit(a, q, r, v->name, h->key_id, again) && supersede(a, q, r, h);
}

static bool enroll(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		   const struct agent_vendored *v, const uint8_t key_id[32])
{
	struct store_certificate cert = { .not_after = pki_later(time(NULL), a->config->valid) };
	struct pki_profile profile = { .kind = PKI_DEVICE, .name = v->name, .mac = cert.mac };
	struct history h = { .key_id = key_id, .now = time(NULL) };

	if (!agent_place_is_right(a, q, r, v->mac, v->name) || !meet(a, q, r, v) || !is_due(a, q, r, v, &h))
		return false;
	memcpy(cert.mac, v->mac, sizeof(cert.mac));
	if (agent_certify(a, q, &profile, &cert, r))
		return false;
	if (!store_pending_done(&a->store, v->name))
		return true;
	agent_registry_failed(a, q, r);
	return false;
}

/* What is done within one transaction, and after it. */
static void decide(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		   const struct agent_vendored *v, const uint8_t key_id[32])
{
	bool good;

	if (store_begin(&a->store, true)) {
		agent_registry_failed(a, q, r);
		return;
	}
	good = enroll(a, q, r, v, key_id);
	if (!good && r->status != 202) {
		store_rollback(&a->store);
	} else if (!agent_commit(a, q, r)) {
		return;
	} else if (good) {
		strcpy(r->device, v->name);
		agent_granted(a, q, r, SERVE_ENROLMENT, false);
	} else {
		agent_await(a, q, v->name, key_id, STORE_WAY_IDEVID);
	}
}

/**
 * agent_idevid - a device's first certificate, for the one that it has from its manufacturer
 * @a: the agent
 * @q: the request; that the key of its certificate was proved is front's word
 * @r: the reply
 */
void agent_idevid(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	const struct agent_vendored *v = NULL;
	struct pki_error err = { "" };
	uint8_t key_id[32];
	X509 *cert;

	if (!a->idevid.n) {
		agent_refuse(a, q, r, 401, SERVE_BAD_TOKEN, "enrolment needs the device's name and its token (RFC 7030, 3.2.3)");
		return;
	}
	if (!agent_clock_is_right(a)) {
		agent_refuse(a, q, r, 503, SERVE_CLOCK, "the server's clock is before the CA's beginning");
		return;
	}
	if (!agent_key_id(a, q, r, key_id))
		return;
	cert = pki_cert_parse(q->cert, q->cert_len, &err);
	if (cert)
		v = recognize(a, q, r, cert);
	else
		agent_refuse(a, q, r, 403, SERVE_IDEVID_FOREIGN, "%s", err.text);
	X509_free(cert);
	if (v && is_in_force(a, q, r, v))
		decide(a, q, r, v, key_id);
}
