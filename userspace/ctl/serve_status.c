// SPDX-License-Identifier: GPL-2.0
/* serve --status: does the server run, and with the configuration that its files have. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "serve/common/serve.h"

static void print_text(const struct serve_counters *c)
{
	char when[POLICY_TIME_LEN];

	printf("running since %s, %llu connections\n", policy_time_text(c->started, when),
	       (unsigned long long)c->connections);
	if (c->accepted[SERVE_ADOPTED])
		printf("adopted %llu certificates that the registry did not know, see the log\n",
		       (unsigned long long)c->accepted[SERVE_ADOPTED]);
	if (!c->reloaded) {
		puts("configuration: as it was at the start");
		return;
	}
	printf("configuration: read again at %s, ", policy_time_text(c->reloaded, when));
	if (c->config_faults)
		printf("not taken for %llu faults: what held before holds, see the log\n",
		       (unsigned long long)c->config_faults);
	else
		puts("taken");
	if (c->certificate_faults)
		puts("certificate and key: not taken: what held before holds, see the log");
}

static json_t *json_status(const struct serve_counters *c)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "started", json_count(c->started), "connections",
			 json_count(c->connections), "adopted", json_count(c->accepted[SERVE_ADOPTED]), "reloaded",
			 json_count(c->reloaded), "config_faults", json_count(c->config_faults),
			 "certificate_faults", json_count(c->certificate_faults));
}

/**
 * serve_status - print how the server is that runs
 * @run: its directory
 * @json: as JSON
 *
 * Return: EXIT_DONE; EXIT_REFUSED, also where something of the configuration was not taken.
 */
int serve_status(const char *run, bool json)
{
	struct serve_counters c;
	int err = serve_counters_read(run, &c);

	if (err)
		return complain(run, err == -EPROTO ? "counters of another version" : strerror(-err));
	if (json)
		json_print(json_status(&c));
	else
		print_text(&c);
	return c.config_faults || c.certificate_faults ? EXIT_REFUSED : EXIT_DONE;
}
