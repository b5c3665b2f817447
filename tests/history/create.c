// SPDX-License-Identifier: GPL-2.0
/* create DIR LIVE_DIR: make the two databases as `cordonctl watch` does, without anything in them. */
#include <stdio.h>

#include "history/history.h"

int main(int argc, char **argv)
{
	struct history h;

	if (argc != 3) {
		fprintf(stderr, "usage: create DIR LIVE_DIR\n");
		return 2;
	}
	if (history_create(&h, argv[1], argv[2])) {
		fprintf(stderr, "create: %s\n", h.error);
		return 1;
	}
	history_close(&h);
	return 0;
}
