// SPDX-License-Identifier: GPL-2.0
/* replay FILE...: the inputs of a fuzzer's corpus, without the fuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_INPUT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	size_t n;
	int i;

	for (i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "r");
		/* As large as the input and not larger, so that a read beyond it is seen. */
		uint8_t *data = malloc(MAX_INPUT);

		if (!file || !data)
			return 1;
		n = fread(data, 1, MAX_INPUT, file);
		fclose(file);
		data = realloc(data, n ? n : 1);
		LLVMFuzzerTestOneInput(data, n);
		free(data);
	}
	printf("%d inputs\n", argc - 1);
	return argc < 2;
}
