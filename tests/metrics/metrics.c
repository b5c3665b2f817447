// SPDX-License-Identifier: GPL-2.0
/*
 * metrics --names
 * metrics [--plain] [--no-devices] [--serve RUN | --counts] [--at SECONDS] [--bench N] [DIR LIVEDIR]
 *
 * The table of names; or what the history in these directories gives, or what there is without one; with what the server in
 * RUN has counted, or with counts that are made up. With --bench: N times, thrown away, and then the processor time of the
 * fastest in ms.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "serve/common/serve.h"

static int fail(const char *what)
{
	fprintf(stderr, "metrics: %s\n", what);
	return 1;
}

static int bench(struct history *h, const struct metrics_options *o, int n)
{
	clock_t began, took, best = 0;
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int i;

	for (i = 0; i < n; i++) {
		began = clock();
		out = open_memstream(&text, &len);
		if (!out || metrics_write(h, o, out) || fclose(out))
			return fail(h->error);
		took = clock() - began;
		free(text);
		if (!i || took < best)
			best = took;
	}
	printf("%ld ms, %zu bytes\n", best * 1000 / CLOCKS_PER_SEC, len);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "names", no_argument, NULL, 'n' }, { "plain", no_argument, NULL, 'p' }, { "no-devices", no_argument, NULL, 'd' },
		{ "serve", required_argument, NULL, 's' }, { "at", required_argument, NULL, 'a' },
		{ "bench", required_argument, NULL, 'b' }, { "counts", no_argument, NULL, 'c' }, { }
	};
	struct metrics_options o = { .devices = true, .now = time(NULL) };
	static struct serve_counters counters;
	int c, times = 0, ret;
	struct history h;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n') {
			metrics_names(stdout);
			return 0;
		}
		if (c == 'p')
			o.format = METRICS_PLAIN;
		else if (c == 'd')
			o.devices = false;
		else if (c == 'a')
			o.now = atoll(optarg);
		else if (c == 'b')
			times = atoi(optarg);
		else if (c == 'c')
			o = (struct metrics_options){ o.devices, &counters, true, o.now, o.format };
		else if (c == 's' && !serve_counters_read(optarg, &counters))
			o.serve = &counters;
		else
			return 2;
	}
	if (argc == optind)
		return metrics_write(NULL, &o, stdout) ? 1 : 0;
	if (argc - optind != 2)
		return 2;
	if (history_open(&h, argv[optind], argv[optind + 1]))
		return fail(h.error);
	ret = times ? bench(&h, &o, times) : metrics_write(&h, &o, stdout) ? fail(h.error) : 0;
	history_close(&h);
	return ret;
}
