// SPDX-License-Identifier: GPL-2.0
/* from/NAME/policy: what this gateway has in force, or why not. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fleet/internal.h"
#include "fleet/policy.h"

#define FEW	200	/* gateways that may all write at once */

static void told(const struct etcd_answer *a, void *arg)
{
	struct fleet_policy *p = arg;

	p->report = NULL;
	if (a->result == ETCD_OK && a->succeeded)
		p->told = p->telling;
}

/* An order comes to all gateways at once, and in a large fleet not all of them answer in that moment. */
static bool is_time(struct fleet_policy *p)
{
	struct timespec t;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = t.tv_sec * 1000LL + t.tv_nsec / 1000000;
	if (p->drawn != p->said) {
		p->drawn = p->said;
		p->from = fleet_gateways_count(p->f) < FEW ? now : now + fleet_spread(p->f, 1, 0, 10000);
	}
	return now >= p->from;
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
	struct etcd_compare is = { .key = self, .target = ETCD_MOD, .number = f->self };
	struct etcd_op put = { .verb = ETCD_PUT, .key = key };
	struct etcd_txn t = { .compares = &is, .n_compares = 1, .then = &put, .n_then = 1 };
	json_t *had;

	if (!p->had.number || p->said == p->told || p->report || !f->reachable || !is_time(p))
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
