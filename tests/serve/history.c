// SPDX-License-Identifier: GPL-2.0
/* history DIR LIVE_DIR: an empty history, as `cordonctl watch` begins one; everybody may read it. */
#include <stdio.h>
#include <sys/stat.h>

#include "history/history.h"

int main(int argc, char **argv)
{
	struct history h;
	char path[512];

	if (argc != 3)
		return 2;
	if (history_create(&h, argv[1], argv[2])) {
		fprintf(stderr, "%s\n", h.error);
		return 1;
	}
	history_close(&h);
	snprintf(path, sizeof(path), "%s/" HISTORY_FILE, argv[1]);
	if (chmod(path, 0644))
		return 1;
	snprintf(path, sizeof(path), "%s/" HISTORY_LIVE_FILE, argv[2]);
	return chmod(path, 0644) ? 1 : 0;
}
