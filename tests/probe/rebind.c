// SPDX-License-Identifier: GPL-2.0
/*
 * rebind N STEP...: change single devices, each step (step.c) in turn, N steps in all, as fast as the kernel takes them.
 * Prints the mean time of a step in nanoseconds.
 */
#include <stdlib.h>
#include <time.h>

#include "step.h"

static long long nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	struct step *steps = calloc(argc, sizeof(*steps));
	int i, n = argc > 1 ? atoi(argv[1]) : 0;
	long long start;
	struct cnl nl;

	if (!steps || argc < 3 || n < 1)
		return 2;
	for (i = 2; i < argc; i++)
		if (step_read(&steps[i - 2], argv[i])) {
			fprintf(stderr, "rebind: step %d cannot be read\n", i - 1);
			return 2;
		}
	if (cnl_open(&nl)) {
		fprintf(stderr, "rebind: %s\n", nl.error);
		return 1;
	}
	start = nanoseconds();
	for (i = 0; i < n; i++)
		if (step_take(&nl, &steps[i % (argc - 2)])) {
			fprintf(stderr, "rebind: step %d: %s\n", i, nl.error);
			return 1;
		}
	printf("%lld ns\n", (nanoseconds() - start) / n);
	cnl_close(&nl);
	free(steps);
	return 0;
}
