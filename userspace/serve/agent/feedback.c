// SPDX-License-Identifier: GPL-2.0
/* What devices say of their firmware, and of what they were offered, from the agent's side. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

/* A device's own action that is not over; else it is answered. */
static bool find_action(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			const struct device *d, struct firmware_action *action)
{
	if (d && q->number <= INT64_MAX && !store_action_get(&a->store, q->number, action) &&
	    !strcmp(action->device, d->name) && action->state < FIRMWARE_CANCELED)
		return true;
	agent_not_offered(a, q, r, d);
	return false;
}

/**
 * agent_cancellation - an offer that is to be forgotten
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_cancellation(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct serve_offer o = { .kind = SERVE_OFFER_CANCEL, .action = q->number };
	struct firmware_action action;
	struct device *d;

	if (!agent_updating(a, q, r, &d) || !find_action(a, q, r, d, &action))
		return;
	if (action.state != FIRMWARE_CANCELING)
		agent_refuse(a, q, r, 404, SERVE_NOT_OFFERED, "action %llu is not to be canceled",
			     (unsigned long long)q->number);
	else
		agent_reply_offer(a, q, r, &o);
}

/*
 * An update that is done is done, even if it was to be canceled. Until it has heard of that, a device goes on;
 * one that has heard and will not stop goes on, too.
 */
static enum firmware_action_state next_state(const struct firmware_action *action, const struct serve_request *q)
{
	bool cancel = q->op == SERVE_OP_CANCEL_FEEDBACK;

	switch (q->feedback) {
	case SERVE_FEEDBACK_SUCCESS:
		return cancel ? FIRMWARE_CANCELED : FIRMWARE_SUCCEEDED;
	case SERVE_FEEDBACK_FAILURE:
		return FIRMWARE_FAILED;
	case SERVE_FEEDBACK_CANCELED:
		return FIRMWARE_CANCELED;
	case SERVE_FEEDBACK_REJECTED:
		if (cancel)
			return FIRMWARE_RUNNING;
		break;
	}
	return action->state == FIRMWARE_CANCELING ? FIRMWARE_CANCELING : FIRMWARE_RUNNING;
}

static void count_end(struct agent *a, const struct firmware_action *action, const char *detail, int state)
{
	static const struct {
		const char *event;
		enum serve_update what;
		int priority;
	} ends[] = {
		[FIRMWARE_CANCELED] = { "update canceled", SERVE_UPDATE_CANCELED, LOG_NOTICE },
		[FIRMWARE_SUCCEEDED] = { "updated", SERVE_UPDATE_SUCCEEDED, LOG_INFO },
		[FIRMWARE_FAILED] = { "update failed", SERVE_UPDATE_FAILED, LOG_WARNING },
	};

	if (state < FIRMWARE_CANCELED)
		return;
	serve_count(&a->counters->updates[ends[state].what]);
	serve_log(ends[state].priority, ends[state].event, "device", action->device, "version", action->version,
		  "detail", detail[0] ? detail : NULL, NULL);
}

/* @stopped: its roll-out, by this failure. */
static int write_feedback(struct agent *a, const struct firmware_action *action, const char *detail, int state,
			  bool *stopped)
{
	struct firmware_release release = { .stopped = true };
	bool alone;
	int err = agent_posture_begin(a, &alone);

	if (err)
		return err;
	if (state == FIRMWARE_FAILED)
		err = store_release_get(&a->store, action->release, &release);
	if (!err || err == -ENOENT)
		err = store_action_change(&a->store, action->id, state, detail[0] ? detail : NULL, time(NULL), stopped);
	*stopped &= !release.stopped;
	if (!err)
		return agent_posture_commit(a, alone);
	store_rollback(&a->store);
	return err;
}

/**
 * agent_action_end - an action goes on, or is over
 * @a: the agent
 * @d: the device
 * @action: its action, as it was
 * @state: enum firmware_action_state
 * @detail: words of the device; may be empty
 *
 * Return: 0, or -errno of the registry: nothing is changed then.
 */
int agent_action_end(struct agent *a, struct device *d, const struct firmware_action *action, int state,
		     const char *detail)
{
	struct cnl_device now;
	bool stopped = false;
	int err = write_feedback(a, action, detail, state, &stopped);

	if (err)
		return err;
	count_end(a, action, detail, state);
	if (stopped) {
		serve_count(&a->counters->updates[SERVE_UPDATE_STOPPED]);
		serve_log(LOG_WARNING, "roll-out stopped by failures", "model", d->model, "version", action->version,
			  NULL);
	}
	if (state == FIRMWARE_SUCCEEDED) {
		d->asked = false;
		agent_posture_told(a, d, action->version, &now);
	}
	return 0;
}

/**
 * agent_feedback - what a device says of an action
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_feedback(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct firmware_action action;
	struct device *d;

	if (!agent_updating(a, q, r, &d) || !find_action(a, q, r, d, &action))
		return;
	if (q->op == SERVE_OP_CANCEL_FEEDBACK && action.state != FIRMWARE_CANCELING) {
		agent_refuse(a, q, r, 404, SERVE_NOT_OFFERED, "action %llu is not to be canceled",
			     (unsigned long long)q->number);
		return;
	}
	if (agent_action_end(a, d, &action, next_state(&action, q), q->detail))
		agent_registry_failed(a, q, r);
	else
		r->status = 200;
}

static int write_report(struct agent *a, const struct device *d, const char *version)
{
	bool alone;
	int err = agent_posture_begin(a, &alone);

	if (err)
		return err;
	err = store_firmware_report(&a->store, d->name, version, "ddi", time(NULL));
	if (!err)
		return agent_posture_commit(a, alone);
	store_rollback(&a->store);
	return err;
}

/**
 * agent_report - a device tells what it runs, among other things
 * @a: the agent
 * @q: the request; the version may be empty
 * @r: the reply
 */
void agent_report(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct cnl_device now;
	struct device *d;
	int err;

	if (!agent_updating(a, q, r, &d))
		return;
	err = d && q->firmware[0] && strcmp(q->firmware, d->version) ? write_report(a, d, q->firmware) : 0;
	if (err == -EINVAL) {
		agent_refuse(a, q, r, 400, SERVE_BAD_REQUEST, "%s", a->store.error);
		return;
	}
	if (err) {
		agent_registry_failed(a, q, r);
		return;
	}
	r->status = 200;
	serve_count(&a->counters->accepted[SERVE_REPORT]);
	if (!d)
		return;
	d->asked = true;
	if (q->firmware[0])
		agent_posture_told(a, d, q->firmware, &now);
}
