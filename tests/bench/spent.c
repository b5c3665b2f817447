// SPDX-License-Identifier: GPL-2.0
/* spent COMMAND...: run it, and print the nanoseconds of processor time, its own and the kernel's for it, to stderr */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long ns(const struct timeval *t)
{
	return t->tv_sec * 1000000000LL + t->tv_usec * 1000LL;
}

int main(int argc, char **argv)
{
	struct rusage use;
	pid_t pid;
	int status;

	if (argc < 2)
		return 2;
	pid = fork();
	if (pid < 0) {
		perror("spent");
		return 1;
	}
	if (!pid) {
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &use) != pid || status)
		return 1;
	fprintf(stderr, "%lld\n", ns(&use.ru_utime) + ns(&use.ru_stime));
	return 0;
}
