// SPDX-License-Identifier: GPL-2.0
/* What firmware a device is offered, from the agent's side: it asks, and is told what there is for it alone. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

#define POLL_NEW	30	/* seconds */

/**
 * agent_updating - who asks about its firmware, and may it
 * @a: the agent
 * @q: the request
 * @r: says why not; else has the device's name
 * @d: the device; NULL, the kernel has none of that MAC
 */
bool agent_updating(struct agent *a, const struct serve_request *q, struct serve_reply *r, struct device **d)
{
	struct store_certificate cert;

	if (!agent_identify(a, q, r, &cert) || !agent_place_is_right(a, q, r, cert.mac, cert.name))
		return false;
	*d = devices_by_mac(&a->devices, cert.mac);
	if (!*d) {	/* it may have come this very second */
		a->posture.tick = 0;
		agent_posture_tick(a);
		*d = devices_by_mac(&a->devices, cert.mac);
	}
	return true;
}

/*
 * The same every time, and another one for each device, lest all of them come at once. One that is to tell what
 * it runs comes back when it has: some clients tell first, and look at their offer the next time. Nor does one
 * that is confined wait for long.
 */
static uint32_t poll_interval(const struct agent *a, const struct device *d, const char *device)
{
	uint32_t poll = a->config->poll, hash = 2166136261U;

	if (d && (!d->version[0] || !d->asked || d->outdated) && poll > POLL_NEW)
		poll = POLL_NEW;
	for (; *device; device++)
		hash = (hash ^ (unsigned char)*device) * 16777619U;
	return poll - poll / 10 + hash % (2 * (poll / 10) + 1);
}

/**
 * agent_reply_offer - an offer, as the reply
 * @a: the agent
 * @q: the request
 * @r: the reply
 * @o: the offer
 */
void agent_reply_offer(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		       const struct serve_offer *o)
{
	r->der_len = serve_offer_pack(o, a->buf, SERVE_OFFER_MAX);
	r->der = a->buf;
	r->status = 200;
	if (!r->der_len)
		agent_refuse(a, q, r, 500, SERVE_REGISTRY, "the offer makes no sense");
}

/**
 * agent_find_offer - what there is for a device
 * @a: the agent
 * @d: the device, or NULL
 * @o: gets kind, action, release and whether it is forced
 *
 * Return: 0; -ENOENT, nothing; another -errno.
 */
int agent_find_offer(struct agent *a, struct device *d, struct serve_offer *o)
{
	struct firmware_action action;
	time_t now = time(NULL);
	int err;

	if (!d || !d->automatic || !d->model[0])
		return -ENOENT;
	err = store_offer(&a->store, d->name, d->model, now, &action, &o->release);
	if (err)
		return err;
	o->action = action.id;
	if (action.state == FIRMWARE_CANCELING) {
		o->kind = SERVE_OFFER_CANCEL;
		return 0;
	}
	o->kind = SERVE_OFFER_RELEASE;
	o->forced = now >= (int64_t)action.offered + d->postpone;
	if (action.id != d->action) {
		d->action = action.id;
		serve_count(&a->counters->updates[SERVE_UPDATE_OFFERED]);
		serve_log(LOG_INFO, "update offered", "device", d->name, "version", o->release.version, NULL);
	}
	return 0;
}

/* What there is for whoever asks, which may be SERVE_OFFER_NONE. False: it is answered. */
static bool take_offer(struct agent *a, const struct serve_request *q, struct serve_reply *r, struct device **d,
		       struct serve_offer *o)
{
	int err;

	*o = (struct serve_offer){ .kind = SERVE_OFFER_NONE };
	if (!agent_updating(a, q, r, d))
		return false;
	err = agent_find_offer(a, *d, o);
	if (!err || err == -ENOENT)
		return true;
	agent_registry_failed(a, q, r);
	return false;
}

/**
 * agent_poll - is there anything for a device
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_poll(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct serve_offer o;
	struct device *d;

	if (!take_offer(a, q, r, &d, &o))
		return;
	o.poll = poll_interval(a, d, r->device);
	o.tell = d && !d->asked;
	serve_count(&a->counters->accepted[SERVE_POLLED]);
	agent_reply_offer(a, q, r, &o);
}

/**
 * agent_not_offered - say why an action is not what the device takes it for
 * @a: the agent
 * @q: the request, with its number
 * @r: the reply
 * @d: the device, or NULL
 *
 * Others' actions are told from those that never were by nobody.
 */
void agent_not_offered(struct agent *a, const struct serve_request *q, struct serve_reply *r, const struct device *d)
{
	static const char * const ends[] = {
		[FIRMWARE_CANCELED] = "canceled", [FIRMWARE_SUCCEEDED] = "done", [FIRMWARE_FAILED] = "failed",
	};
	unsigned long long number = q->number;
	struct firmware_action action;
	int err = store_action_get(&a->store, q->number, &action);

	if (err && err != -ENOENT)
		agent_registry_failed(a, q, r);
	else if (err || !d || strcmp(action.device, d->name))
		agent_refuse(a, q, r, 404, SERVE_NOT_OFFERED, "%s has no action %llu", r->device, number);
	else if (action.state >= FIRMWARE_CANCELED)
		agent_refuse(a, q, r, 410, SERVE_NOT_OFFERED, "action %llu is %s", number, ends[action.state]);
	else if (action.state == FIRMWARE_CANCELING)
		agent_refuse(a, q, r, 410, SERVE_NOT_OFFERED, "action %llu is to be canceled", number);
	else
		agent_refuse(a, q, r, 404, SERVE_NOT_OFFERED, "action %llu is not offered now", number);
}

/**
 * agent_deployment - what an offer is
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_deployment(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct serve_offer o;
	struct device *d;

	if (!take_offer(a, q, r, &d, &o))
		return;
	if (o.kind == SERVE_OFFER_RELEASE && o.action == q->number)
		agent_reply_offer(a, q, r, &o);
	else
		agent_not_offered(a, q, r, d);
}

/**
 * agent_artifact - may a device have an artifact: only what it is offered at this moment
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_artifact(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct serve_offer o;
	struct device *d;

	if (!take_offer(a, q, r, &d, &o))
		return;
	if (o.kind == SERVE_OFFER_RELEASE && (uint64_t)o.release.id == q->number &&
	    (!q->detail[0] || !strcmp(q->detail, o.release.file)))
		agent_reply_offer(a, q, r, &o);
	else
		agent_refuse(a, q, r, 404, SERVE_NOT_OFFERED, "%s is not offered that artifact", r->device);
}
