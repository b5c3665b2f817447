// SPDX-License-Identifier: GPL-2.0
/* swap A.yaml B.yaml N: put two policies in force in turn, N times, as fast as the kernel takes them. */
#include <stdlib.h>

#include "lib/yaml.h"
#include "nl/nl.h"

int main(int argc, char **argv)
{
	struct cnl_summary summary;
	struct policy *p[2];
	struct cnl nl;
	u32 generation;
	int i, n;

	if (argc != 4 || policy_load(argv[1], &p[0], stderr) || policy_load(argv[2], &p[1], stderr))
		return 2;
	if (cnl_open(&nl) || cnl_summary(&nl, &summary)) {
		fprintf(stderr, "swap: %s\n", nl.error);
		return 1;
	}
	generation = summary.generation;
	n = atoi(argv[3]);
	for (i = 0; i < n; i++)
		if (cnl_commit(&nl, p[i % 2], NULL, generation, 0, &generation, NULL)) {
			fprintf(stderr, "swap %d: %s\n", i, nl.error);
			return 1;
		}
	printf("%d swaps, generation %u\n", n, generation);
	cnl_close(&nl);
	policy_free(p[0]);
	policy_free(p[1]);
	return 0;
}
