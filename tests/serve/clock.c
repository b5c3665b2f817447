// SPDX-License-Identifier: GPL-2.0
/* Preloaded: time() is as many seconds ahead as the file CLOCK_FILE says, whose number may change at any time. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

/* Before there is a sandbox that would not let it. */
static void __attribute__((constructor)) open_clock(void)
{
	const char *path = getenv("CLOCK_FILE");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		ahead = at;
	close(fd);
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += ahead ? *ahead : 0;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
