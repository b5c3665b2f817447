/* SPDX-License-Identifier: GPL-2.0 */
/* Figures in OpenMetrics: a stand-in of one figure, until they are here. */
#ifndef CORDON_METRICS_H
#define CORDON_METRICS_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "history/history.h"

struct serve_counters;

enum metrics_format { METRICS_OPENMETRICS, METRICS_PLAIN };

struct metrics_options {
	bool devices;
	const struct serve_counters *serve;
	time_t now;
	enum metrics_format format;
};

static inline const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	       "text/plain; version=0.0.4; charset=utf-8";
}

static inline int metrics_write(struct history *h, const struct metrics_options *o, FILE *out)
{
	(void)h;
	fputs("# TYPE cordon_up gauge\n# HELP cordon_up Is it there\ncordon_up 1\n", out);
	if (o->format == METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
	return 0;
}

#endif
