// SPDX-License-Identifier: GPL-2.0
/*
 * How many certificates a device may have: each is a row of the registry, and an entry of the revocation list
 * when the device is revoked.
 */
#include <errno.h>
#include <string.h>

#include "serve/agent/agent.h"

#define LIVE		4	/* certificates of a device that are good at the same time */
#define PER_INTERVAL	3	/* that a device gets in est.renew_interval; enrolments count, too */
#define LOOK_BACK	32	/* the newest that are looked at */
#define REASON_SUPERSEDED 4	/* RFC 5280, 5.3.1 */

/** struct newest - the newest certificates of a device, from the last on */
struct newest {
	struct store_certificate list[LOOK_BACK];
	size_t n;
};

static int collect(const struct store_certificate *c, void *arg)
{
	struct newest *all = arg;

	if (c->state == STORE_ISSUED || c->state == STORE_DELIVERED || c->state == STORE_REVOKED)
		all->list[all->n++] = *c;
	return 0;
}

static bool is_live(const struct store_certificate *c, time_t now)
{
	return (c->state == STORE_ISSUED || c->state == STORE_DELIVERED) && c->not_after > now;
}

/* The answer to an earlier request for this key was lost: the device still shows the certificate before. */
static bool is_answered(const struct newest *all, const struct serve_request *q, const uint8_t key_id[32],
			time_t since)
{
	const struct store_certificate *last = &all->list[0];

	return all->n && is_live(last, time(NULL)) && agent_issued_at(last) > since &&
	       memcmp(last->serial, q->serial, sizeof(q->serial)) &&
	       !memcmp(last->key_id, key_id, sizeof(last->key_id));
}

/**
 * agent_renew_limit - may a device have another certificate by now
 * @a: the agent, in a transaction
 * @q: the request
 * @r: says why not
 * @name: of the device
 * @key_id: of the key that is to be certified
 * @again: the certificate that the device has got for this very key already
 *
 * Return: 0, it may; 1, it is to get @again; -EBUSY or -EIO, it is refused.
 */
int agent_renew_limit(struct agent *a, const struct serve_request *q, struct serve_reply *r, const char *name,
		      const uint8_t key_id[32], uint8_t again[STORE_SERIAL_LEN])
{
	time_t now = time(NULL), since = now - a->config->renew_interval;
	struct newest all = { .n = 0 };

	if (!a->config->renew_interval)
		return 0;
	if (store_cert_newest(&a->store, name, LOOK_BACK, collect, &all)) {
		agent_registry_failed(a, q, r);
		return -EIO;
	}
	if (is_answered(&all, q, key_id, since) && agent_fleet_has(a, all.list[0].serial)) {
		memcpy(again, all.list[0].serial, STORE_SERIAL_LEN);
		return 1;
	}
	if (all.n < PER_INTERVAL || agent_issued_at(&all.list[PER_INTERVAL - 1]) <= since)
		return 0;
	agent_refuse(a, q, r, 429, SERVE_TOO_SOON, "%d certificates within %u s are enough", PER_INTERVAL,
		     a->config->renew_interval);
	r->retry = agent_issued_at(&all.list[PER_INTERVAL - 1]) - since;
	return -EBUSY;
}

/**
 * agent_is_last - has a device gone on with no other certificate than this one, which has ended
 * @a: the agent, in a transaction
 * @q: the request
 * @r: says why not
 * @old: the certificate
 *
 * Whoever has an old key of it must not get in by that again, nor a device whose later certificate was revoked.
 */
bool agent_is_last(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		   const struct store_certificate *old)
{
	struct newest all = { .n = 0 };
	size_t i;

	if (store_cert_newest(&a->store, old->name, LOOK_BACK, collect, &all)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	for (i = 0; i < all.n && memcmp(all.list[i].serial, old->serial, sizeof(old->serial)); i++) {
		if (all.list[i].state == STORE_ISSUED ||
		    (all.list[i].state == STORE_DELIVERED &&
		     !memcmp(all.list[i].key_id, old->key_id, sizeof(old->key_id))))
			continue;
		agent_refuse(a, q, r, 403, SERVE_CERTIFICATE_EXPIRED,
			     "the certificate has expired, and the device was given a later one%s",
			     all.list[i].state == STORE_REVOKED ? ", which is revoked" : "");
		return false;
	}
	return true;
}

/**
 * agent_supersede - of too many certificates of a device, the oldest are revoked
 * @a: the agent, in the transaction that a new one was made in
 * @name: of the device
 * @spare: serial number of the one that stays in any case, as the device has it; or NULL
 *
 * Return: 0 or -errno, with a sentence in the registry's error.
 */
int agent_supersede(struct agent *a, const char *name, const uint8_t *spare)
{
	struct newest all = { .n = 0 };
	time_t now = time(NULL);
	size_t i, left = LIVE - !!spare;
	int err;

	err = store_cert_newest(&a->store, name, LOOK_BACK, collect, &all);
	for (i = 0; !err && i < all.n; i++) {
		if (!is_live(&all.list[i], now) ||
		    (spare && !memcmp(all.list[i].serial, spare, STORE_SERIAL_LEN)))
			continue;
		if (left)
			left--;
		else
			err = store_cert_revoke(&a->store, all.list[i].serial, now, REASON_SUPERSEDED);
	}
	return err;
}
