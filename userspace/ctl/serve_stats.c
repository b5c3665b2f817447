// SPDX-License-Identifier: GPL-2.0
/* Counters of the enrolment and check-in server, in Prometheus' text format. */
#include "ctl/ctl.h"
#include "serve/serve.h"

/**
 * prometheus_serve - print what the server that runs, or ran last, has counted
 *
 * Prints nothing where none ever ran.
 */
void prometheus_serve(void)
{
	struct serve_counters c;
	unsigned int i;

	if (serve_counters_read(SERVE_RUN, &c))
		return;
	puts("# HELP cordon_serve_start_time_seconds When the enrolment and check-in server started.\n"
	     "# TYPE cordon_serve_start_time_seconds gauge");
	printf("cordon_serve_start_time_seconds %llu\n", (unsigned long long)c.started);
	puts("# HELP cordon_serve_connections Connections that are open.\n"
	     "# TYPE cordon_serve_connections gauge");
	printf("cordon_serve_connections %llu\n", (unsigned long long)c.connections);
	puts("# HELP cordon_serve_accepted_total What was granted.\n"
	     "# TYPE cordon_serve_accepted_total counter");
	for (i = 0; i < SERVE_ACCEPTED; i++)
		printf("cordon_serve_accepted_total{what=\"%s\"} %llu\n", serve_accepted_name(i),
		       (unsigned long long)c.accepted[i]);
	puts("# HELP cordon_serve_refused_total What was refused, by reason.\n"
	     "# TYPE cordon_serve_refused_total counter");
	for (i = 0; i < SERVE_REFUSED; i++)
		printf("cordon_serve_refused_total{reason=\"%s\"} %llu\n", serve_refused_name(i),
		       (unsigned long long)c.refused[i]);
}
