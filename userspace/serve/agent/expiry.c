// SPDX-License-Identifier: GPL-2.0
/* Once a day the log is told which certificates end. */
#include <syslog.h>

#include "serve/agent/agent.h"
#include "serve/common/expiry.h"

#define EACH	86400	/* seconds */
#define NAMED	20	/* devices that are told one by one */

static int tell(const struct expiry *e, void *arg)
{
	char until[POLICY_TIME_LEN];
	unsigned int *devices = arg;

	if (!e->soon || (!strcmp(e->what, "device") && ++*devices > NAMED))
		return 0;
	serve_log(LOG_WARNING, e->until > time(NULL) ? "certificate ends soon" : "certificate has ended", "of", e->what,
		  "name", e->name[0] ? e->name : NULL, "until", policy_time_text(e->until, until), NULL);
	return 0;
}

/**
 * agent_expiry_tick - look whether certificates end, if it is time to
 * @a: the agent
 */
void agent_expiry_tick(struct agent *a)
{
	unsigned int devices = 0;
	char more[16];

	if (agent_clock() < a->expiry_next)
		return;
	a->expiry_next = agent_clock() + EACH;
	if (expiry_each(&a->ca, &a->store, time(NULL), tell, &devices)) {
		serve_log(LOG_ERR, "registry", "why", a->store.error, NULL);
	} else if (devices > NAMED) {
		snprintf(more, sizeof(more), "%u", devices - NAMED);
		serve_log(LOG_WARNING, "certificates of more devices end soon", "devices", more, NULL);
	}
}
