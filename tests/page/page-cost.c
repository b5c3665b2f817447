// SPDX-License-Identifier: GPL-2.0
/* page-cost DIR LIVE_DIR [TIMES]: what each page costs, in processor time: the median, and the most, of so many. */
#include <stdio.h>
#include <stdlib.h>

#include "history/view.h"
#include "page/page.h"

static const char * const pages[][2] = {
	{ "/", NULL }, { "/devices", NULL }, { "/devices", "q=lamp-99&sort=denied&order=desc" }, { "/devices", "q=nothing-like-it" },
	{ "/devices", "sort=last&order=desc&page=50" }, { "/devices", "state=quarantined" }, { "/policy", NULL },
	{ "/events", NULL }, { "/events", "what=anomaly" }, { "/firmware", NULL }, { "/device/02:00:00:00:00:0a", "span=day" },
	{ "/device/02:00:00:00:00:0a", "span=week" }, { "/device/02:00:00:00:00:0a", "span=year" },
	{ "/data/device/02:00:00:00:00:0a.json", "span=year" },
};

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	int times = argc > 3 ? atoi(argv[3]) : 9, k;
	struct view_status status;
	struct page_reply reply;
	struct history h;
	double *took;
	size_t i;

	if (argc < 3 || times < 1)
		return 2;
	if (history_open(&h, argv[1], argv[2]) || view_status(&h, &status)) {
		fprintf(stderr, "page-cost: %s\n", h.error);
		return 1;
	}
	took = calloc((size_t)times, sizeof(*took));
	if (!took)
		return 1;
	printf("%8s %8s %9s\n", "median", "most", "bytes");
	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		struct page_request q = { .path = pages[i][0], .query = pages[i][1], .now = (time_t)status.sampled + 4 };

		for (k = 0; k < times; k++) {
			took[k] = milliseconds();
			if (page_answer(&h, &q, &reply) || reply.status != 200)
				return 1;
			took[k] = milliseconds() - took[k];
			if (k < times - 1)
				free(reply.body);
		}
		qsort(took, (size_t)times, sizeof(*took), order);
		printf("%5.1f ms %5.1f ms %9zu  %s%s%s\n", took[times / 2], took[times - 1], reply.len, q.path, q.query ? "?" : "",
		       q.query ? q.query : "");
		free(reply.body);
	}
	free(took);
	history_close(&h);
	return 0;
}
