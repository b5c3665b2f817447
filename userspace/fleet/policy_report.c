// SPDX-License-Identifier: GPL-2.0
/* from/NAME/policy: what this gateway has in force, or why not. */
#include <stdlib.h>
#include <string.h>

#include "fleet/policy.h"

static void told(const struct etcd_answer *a, void *arg)
{
	struct fleet_policy *p = arg;

	p->report = NULL;
	if (a->result == ETCD_OK && a->succeeded)
		p->told = p->telling;
}

/**
 * fleet_policy_report - tell etcd, where it does not know
 * @p: see there
 *
 * Where it fails the next tick tries again.
 */
void fleet_policy_report(struct fleet_policy *p)
{
	struct fleet *f = p->f;
	char self[STORE_KEY_LEN], key[STORE_KEY_LEN], *value;
	struct etcd_compare is = { .key = self, .target = ETCD_MOD, .relation = ETCD_EQUAL, .number = f->self };
	struct etcd_op put = { .verb = ETCD_PUT, .key = key };
	struct etcd_txn t = { .compares = &is, .n_compares = 1, .then = &put, .n_then = 1 };
	json_t *had;

	if (!p->had.number || p->said == p->told || p->report || !f->reachable)
		return;
	snprintf(self, sizeof(self), "all/gateway/%s", f->config->fleet.gateway);
	snprintf(key, sizeof(key), "from/%s/policy", f->config->fleet.gateway);
	had = fleet_had_json(&p->had);
	value = json_dumps(had, JSON_COMPACT);
	json_decref(had);
	if (!value)
		return;
	put.value = value;
	put.len = strlen(value);
	p->telling = p->said;
	p->report = etcd_txn(f->etcd, &t, 0, told, p);
	free(value);
}
