// SPDX-License-Identifier: GPL-2.0
/* What the enrolment and check-in server counts. */
#include "metrics/metrics.h"
#include "serve/common/serve.h"

static void counts(struct metrics_out *o, enum metrics_family family, const uint64_t *count, unsigned int n,
		   const char *(*name)(unsigned int))
{
	const char *word;
	unsigned int i;

	metrics_begin(o, family);
	for (i = 0; i < n; i++) {
		word = name(i);
		metrics_series(o, &word, count[i]);
	}
}

/**
 * metrics_serve - the server's families
 * @o: where to
 * @c: its counters
 * @fleet: it is in a fleet
 */
void metrics_serve(struct metrics_out *o, const struct serve_counters *c, bool fleet)
{
	metrics_begin(o, METRICS_SERVE_START);
	metrics_value(o, NULL, c->started);
	metrics_begin(o, METRICS_SERVE_CONNECTIONS);
	metrics_value(o, NULL, c->connections);
	counts(o, METRICS_SERVE_ACCEPTED, c->accepted, SERVE_ACCEPTED, serve_accepted_name);
	counts(o, METRICS_SERVE_REFUSED, c->refused, SERVE_REFUSED, serve_refused_name);
	counts(o, METRICS_SERVE_UPDATES, c->updates, SERVE_UPDATES, serve_update_name);
	if (!fleet)
		return;
	metrics_begin(o, METRICS_FLEET_REACHABLE);
	metrics_value(o, NULL, c->fleet_reachable);
	metrics_begin(o, METRICS_FLEET_HEARD);
	metrics_value(o, NULL, c->fleet_heard);
}
