// SPDX-License-Identifier: GPL-2.0
/* Preloaded: the process is killed before its DIE_AT-th step that a disk sees. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static void step(void)
{
	static long left = -1;
	const char *at = getenv("DIE_AT");

	if (left < 0)
		left = at ? strtol(at, NULL, 10) : 0;
	if (left > 0 && !--left)
		kill(getpid(), SIGKILL);
}

#define BEFORE(ret, name, params, ...) \
	ret name params; \
	ret name params \
	{ \
		ret (*real) params = (ret (*) params)dlsym(RTLD_NEXT, #name); \
		step(); \
		return real(__VA_ARGS__); \
	}

BEFORE(int, fsync, (int fd), fd)
BEFORE(int, mkdir, (const char *path, mode_t mode), path, mode)
BEFORE(int, link, (const char *from, const char *to), from, to)
BEFORE(int, rename, (const char *from, const char *to), from, to)
BEFORE(int, renameat2, (int a, const char *from, int b, const char *to, unsigned int flags), a, from, b, to, flags)
BEFORE(int, remove, (const char *path), path)
BEFORE(int, unlink, (const char *path), path)
