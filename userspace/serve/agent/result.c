// SPDX-License-Identifier: GPL-2.0
/* What a device without hawkBit says of its offer, from the agent's side: firmware/manifest.h. */
#include <errno.h>
#include <string.h>

#include "serve/agent/agent.h"

/* Nobody asked for it any more, but it runs now. */
static void success_after_all(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			      struct device *d, const struct firmware_action *action)
{
	struct cnl_device now;
	bool alone;
	int err = agent_posture_begin(a, &alone);

	if (!err) {
		err = store_firmware_report(&a->store, d->name, action->version, "update", time(NULL));
		if (err)
			store_rollback(&a->store);
		else
			err = agent_posture_commit(a, alone);
	}
	if (err) {
		agent_registry_failed(a, q, r);
		return;
	}
	agent_posture_told(a, d, action->version, &now);
	r->status = 204;
}

/* The action is over. What is said again, since the answer was lost, is answered like the first time. */
static void result_afterwards(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			      struct device *d, const struct firmware_action *action)
{
	if (q->feedback == SERVE_FEEDBACK_SUCCESS && action->state != FIRMWARE_SUCCEEDED)
		success_after_all(a, q, r, d, action);
	else if ((q->feedback == SERVE_FEEDBACK_SUCCESS && action->state == FIRMWARE_SUCCEEDED) ||
		 (q->feedback == SERVE_FEEDBACK_FAILURE && action->state == FIRMWARE_FAILED))
		r->status = 204;
	else
		agent_refuse(a, q, r, 409, SERVE_NOT_OFFERED, "action %llu is over", (unsigned long long)q->number);
}

/**
 * agent_result - how far a device is
 * @a: the agent
 * @q: the request
 * @r: the reply
 */
void agent_result(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	static const enum firmware_action_state states[] = {
		[SERVE_FEEDBACK_RUNNING] = FIRMWARE_RUNNING, [SERVE_FEEDBACK_SUCCESS] = FIRMWARE_SUCCEEDED,
		[SERVE_FEEDBACK_FAILURE] = FIRMWARE_FAILED,
	};
	struct firmware_action action;
	struct device *d;
	bool canceling;
	int err;

	if (!agent_updating(a, q, r, &d))
		return;
	if (!d || store_action_get(&a->store, q->number, &action) || strcmp(action.device, d->name)) {
		agent_refuse(a, q, r, 404, SERVE_NOT_OFFERED, "%s has no action %llu", r->device,
			     (unsigned long long)q->number);
		return;
	}
	if (q->firmware[0] && strcmp(q->firmware, action.version)) {
		agent_refuse(a, q, r, 400, SERVE_BAD_REQUEST, "action %llu is about version %s",
			     (unsigned long long)q->number, action.version);
		return;
	}
	if (action.state >= FIRMWARE_CANCELED) {
		result_afterwards(a, q, r, d, &action);
		return;
	}
	canceling = action.state == FIRMWARE_CANCELING && q->feedback != SERVE_FEEDBACK_SUCCESS;
	err = agent_action_end(a, d, &action, canceling ? FIRMWARE_CANCELED : states[q->feedback], q->detail);
	if (err)
		agent_registry_failed(a, q, r);
	else if (canceling)
		agent_refuse(a, q, r, 409, SERVE_NOT_OFFERED, "action %llu was taken back",
			     (unsigned long long)q->number);
	else
		r->status = 204;
}
