// SPDX-License-Identifier: GPL-2.0
/*
 * Check-ins, from the agent's side. They read the registry and never wait for its lock; what they leave in
 * it, when a device was here last, is written a moment later, of many devices in one transaction.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

#define RECORD_IDLE	10	/* milliseconds without a request: time to write */
#define RECORD_AGE	1	/* seconds, and then it is written, busy or not */

static void refuse_lease(struct agent *a, const struct serve_request *q, struct serve_reply *r, int err)
{
	static const struct {
		int err;
		unsigned int status;
		enum serve_refused reason;
	} reasons[] = {
		{ -ENOENT, 403, SERVE_UNKNOWN_DEVICE }, { -EADDRNOTAVAIL, 403, SERVE_WRONG_ADDRESS },
		{ -EXDEV, 403, SERVE_WRONG_ADDRESS }, { -ENODEV, 403, SERVE_WRONG_ADDRESS },
		{ -EACCES, 403, SERVE_QUARANTINED },
	};
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].err == err) {
			agent_refuse(a, q, r, reasons[i].status, reasons[i].reason, "%s", a->nl.error);
			return;
		}
	if (err == -ENOTCONN)
		agent_refuse(a, q, r, 503, SERVE_KERNEL, "the gateway's kernel module is not loaded");
	else
		agent_refuse(a, q, r, 503, SERVE_KERNEL, "the kernel gives no lease: %s", a->nl.error);
}

/* @now is changed if the kernel was told something. */
static void told(struct agent *a, const uint8_t mac[6], const char *firmware, struct cnl_device *now)
{
	struct device *d = devices_by_mac(&a->devices, mac);

	if (d && *firmware)
		agent_posture_told(a, d, firmware, now);
}

/*
 * In a fleet: held here, or to be asked for. What the kernel would refuse is refused before the device is taken over:
 * the gateway where it is would end its lease for nothing. False: answered, or the request waits.
 */
static bool is_held(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		    const struct store_certificate *cert)
{
	bool held;
	int err;

	if (!agent_fleet_held(a, q, r, cert->mac, &held))
		return false;
	if (held)
		return true;
	err = agent_lease_likely(a, q, cert->mac);
	if (err)
		refuse_lease(a, q, r, err);
	else
		agent_fleet_hold(a, q, r, cert);
	return false;
}

/*
 * Who revokes a certificate writes it down, then ends its lease. If that came between the look into the
 * registry and the lease, the second look sees it; if it comes after that look, it finds the lease.
 */
static bool check_in(struct agent *a, const struct serve_request *q, struct serve_reply *r, uint8_t mac[6])
{
	struct store_certificate cert;
	struct cnl_device device;
	int err;

	if (!agent_identify(a, q, r, &cert) || (a->fleet && !is_held(a, q, r, &cert)))
		return false;
	err = agent_lease(a, q, cert.mac, &device);
	if (err) {
		refuse_lease(a, q, r, err);
		return false;
	}
	if (!agent_identify(a, q, r, &cert)) {
		err = cnl_lease_end(&a->nl, cert.mac, q->fingerprint, &device);
		if (err && err != -ENOENT)
			serve_log(LOG_ERR, "a lease cannot be ended", "device", cert.name, "why", a->nl.error, NULL);
		return false;
	}
	told(a, cert.mac, q->firmware, &device);
	memcpy(mac, cert.mac, 6);
	strcpy(r->device, device.def.name);
	strcpy(r->segment, device.effective_segment);
	r->lease = device.lease;
	return true;
}

/* Of the same check-in, or a new one; there is room after agent_records_write(). */
static void record(struct agent *a, const char *name, const uint8_t mac[6], const struct serve_request *q)
{
	struct agent_record *to = &a->records[a->n_records++];

	strcpy(to->name, name);
	memcpy(to->mac, mac, 6);
	memcpy(to->serial, q->serial, sizeof(to->serial));
	to->at = time(NULL);
	strcpy(to->firmware, q->firmware);
}

/**
 * agent_checkin - a device is here: the kernel gives it its segment's lease
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_checkin(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	char peer[POLICY_ADDR_LEN], lease[16];
	struct cordon_addr addr;
	uint8_t mac[6];

	if (!check_in(a, q, r, mac))
		return;
	record(a, r->device, mac, q);
	r->status = 200;
	serve_count(&a->counters->accepted[SERVE_CHECKIN]);
	serve_log(LOG_INFO, "checked in", "device", r->device, "segment", r->segment, "lease",
		  policy_duration_text(r->lease, lease), "peer", agent_peer(q, &addr, peer), "firmware",
		  q->firmware[0] ? q->firmware : NULL, NULL);
}

/**
 * agent_firmware - what came with a check-in that was granted just now
 * @a: the agent
 * @q: the request
 */
void agent_firmware(struct agent *a, const struct serve_request *q)
{
	struct store_certificate cert;
	struct cnl_device now;
	size_t i;

	for (i = a->n_records; i; i--)
		if (!memcmp(a->records[i - 1].serial, q->serial, sizeof(q->serial))) {
			strcpy(a->records[i - 1].firmware, q->firmware);
			told(a, a->records[i - 1].mac, q->firmware, &now);
			return;
		}
	if (store_cert_get(&a->store, q->serial, &cert, NULL, NULL))
		return;
	told(a, cert.mac, q->firmware, &now);
	record(a, cert.name, cert.mac, q);
}

static bool may_wait(const struct agent *a)
{
	struct pollfd front = { .fd = a->front.in, .events = POLLIN };

	if (a->n_records == AGENT_RECORDS)
		return false;
	if (agent_clock() < a->records_next)
		return true;
	return a->records[0].at + RECORD_AGE >= time(NULL) && poll(&front, 1, RECORD_IDLE) > 0;
}

/**
 * agent_records_write - write down the check-ins, when there is a moment for it, or must be
 * @a: the agent
 * @now: at once
 *
 * The leases are there: that nobody can write it down is no reason to end them.
 */
void agent_records_write(struct agent *a, bool now)
{
	const struct agent_record *r;
	bool alone;
	size_t i;
	int err;

	if (!a->n_records || (!now && may_wait(a)))
		return;
	err = agent_posture_begin(a, &alone);
	/* Others write: as long as there is room, it can wait. */
	if (err == -EBUSY && !now && a->n_records < AGENT_RECORDS) {
		a->records_next = agent_clock() + RECORD_AGE;
		return;
	}
	if (err) {
		serve_log(LOG_ERR, "registry", "why", a->store.error, NULL);
		a->n_records = 0;
		return;
	}
	for (i = 0; i < a->n_records; i++) {
		r = &a->records[i];
		if (store_checkin(&a->store, r->name, r->serial, r->at,
				  r->firmware[0] ? r->firmware : NULL))
			serve_log(LOG_ERR, "registry", "device", r->name, "why", a->store.error, NULL);
	}
	if (agent_posture_commit(a, alone))
		serve_log(LOG_ERR, "registry", "why", a->store.error, NULL);
	a->n_records = 0;
}
