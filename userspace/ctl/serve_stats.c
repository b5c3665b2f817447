// SPDX-License-Identifier: GPL-2.0
/* Counters of the enrolment and check-in server: a table, JSON, or Prometheus' text format. */
#include <errno.h>
#include <string.h>

#include "ctl/ctl.h"
#include "metrics/metrics.h"
#include "serve/common/serve.h"

/**
 * prometheus_serve - print what the server that runs, or ran last, has counted
 * @o: where to
 *
 * Prints nothing where none ever ran.
 */
void prometheus_serve(struct metrics_out *o)
{
	struct serve_counters c;

	if (!serve_counters_read(SERVE_RUN, &c))
		metrics_serve(o, &c, c.fleet_since);
}

static void print_text(const struct serve_counters *c)
{
	unsigned int i;

	printf("connections %llu\n", (unsigned long long)c->connections);
	for (i = 0; i < SERVE_ACCEPTED; i++)
		printf("%-28s %12llu\n", serve_accepted_name(i), (unsigned long long)c->accepted[i]);
	for (i = 0; i < SERVE_REFUSED; i++)
		if (c->refused[i])
			printf("refused: %-19s %12llu\n", serve_refused_name(i),
			       (unsigned long long)c->refused[i]);
	for (i = 0; i < SERVE_UPDATES; i++)
		if (c->updates[i])
			printf("updates: %-19s %12llu\n", serve_update_name(i),
			       (unsigned long long)c->updates[i]);
}

static json_t *json_counters(const struct serve_counters *c)
{
	json_t *accepted = json_object(), *refused = json_object(), *updates = json_object();
	unsigned int i;

	for (i = 0; i < SERVE_ACCEPTED; i++)
		json_object_set_new(accepted, serve_accepted_name(i), json_count(c->accepted[i]));
	for (i = 0; i < SERVE_REFUSED; i++)
		json_object_set_new(refused, serve_refused_name(i), json_count(c->refused[i]));
	for (i = 0; i < SERVE_UPDATES; i++)
		json_object_set_new(updates, serve_update_name(i), json_count(c->updates[i]));
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "started", json_count(c->started), "connections",
			 json_count(c->connections), "accepted", accepted, "refused", refused,
			 "updates", updates);
}

/**
 * serve_stats - print what the server that runs, or ran last, has counted
 * @run: its directory
 * @json: as JSON
 *
 * Return: an exit status.
 */
int serve_stats(const char *run, bool json)
{
	struct serve_counters c;
	int err = serve_counters_read(run, &c);

	if (err == -ENOENT)
		return complain(run, "no server has counted anything there: 'cordonctl serve' starts one");
	if (err)
		return complain(run, err == -EPROTO ? "counters of another version" : strerror(-err));
	if (json)
		json_print(json_counters(&c));
	else
		print_text(&c);
	return EXIT_DONE;
}
