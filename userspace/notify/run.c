// SPDX-License-Identifier: GPL-2.0
/* One program: begun, watched, ended. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "notify/internal.h"

/* In the child from here on: only what is safe between fork() and execve(). */
static int drop(const struct notify_rule *rule)
{
	if (!geteuid() && (setgroups(0, NULL) || setresgid(rule->gid, rule->gid, rule->gid) ||
			   setresuid(rule->uid, rule->uid, rule->uid)))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void reset_signals(void)
{
	sigset_t all;
	int i;

	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* Standard error stays the caller's; the rest of its descriptors goes. */
static int place_descriptors(int in, int failed)
{
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(in, STDIN_FILENO) < 0)
		return -1;
	/* Not failed: it goes by itself. */
	if (dup2(failed, STDERR_FILENO + 1) < 0 || fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC) ||
	    syscall(SYS_close_range, STDERR_FILENO + 2, ~0U, 0))
		return -1;
	return 0;
}

__attribute__((noreturn))
static void become(const struct notify_rule *rule, const struct notify_told *t, int in, int failed)
{
	int err;

	setpgid(0, 0);
	reset_signals();
	umask(022);
	if (!place_descriptors(in, failed)) {
		failed = STDERR_FILENO + 1;
		if (!chdir("/") && !drop(rule))
			execve(rule->argv[0], rule->argv, t->env);
	}
	err = errno;
	if (write(failed, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

/* The program's standard input: all of it is written before anybody reads. */
static int open_input(const char *json)
{
	size_t len = strlen(json);
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	if (fcntl(fds[1], F_SETFL, O_NONBLOCK) || write(fds[1], json, len) != (ssize_t)len) {
		close(fds[0]);
		close(fds[1]);
		return -E2BIG;
	}
	close(fds[1]);
	return fds[0];
}

/**
 * notify_run_start - run a program
 * @r: filled; its @pid is 0
 * @rule: which
 * @t: what it is told
 * @now: in ms
 *
 * Return: 0; -errno, nothing runs.
 */
int notify_run_start(struct notify_run *r, const struct notify_rule *rule, const struct notify_told *t, int64_t now)
{
	int in = open_input(t->json), failed[2];
	pid_t pid;

	if (in < 0)
		return in;
	if (pipe2(failed, O_CLOEXEC | O_NONBLOCK)) {
		close(in);
		return -errno;
	}
	pid = fork();
	if (!pid)
		become(rule, t, in, failed[1]);
	close(in);
	close(failed[1]);
	if (pid < 0) {
		close(failed[0]);
		return -EAGAIN;
	}
	setpgid(pid, pid);
	*r = (struct notify_run){ .pid = pid, .failed = failed[0], .program = rule->argv[0],
				  .ends = now + rule->timeout * 1000LL };
	r->fd = syscall(SYS_pidfd_open, pid, 0);
	return 0;
}

static void tell_end(const struct notify_run *r, const siginfo_t *info, FILE *log)
{
	int err;

	if (read(r->failed, &err, sizeof(err)) == sizeof(err))
		fprintf(log, "notify: %s cannot be run: %s\n", r->program, strerror(err));
	else if (r->killed)
		fprintf(log, "notify: %s took too long, and was ended\n", r->program);
	else if (info->si_code == CLD_EXITED && info->si_status)
		fprintf(log, "notify: %s ended with status %d\n", r->program, info->si_status);
	else if (info->si_code != CLD_EXITED)
		fprintf(log, "notify: %s was ended by signal %d\n", r->program, info->si_status);
}

static void release(struct notify_run *r)
{
	if (r->fd >= 0)
		close(r->fd);
	close(r->failed);
	r->pid = 0;
}

/**
 * notify_run_ended - look after a program
 * @r: that runs
 * @now: in ms
 * @log: gets a line where it did not end well
 *
 * One that takes too long is asked to end, then killed, with whatever it has begun in its process group.
 * Return: it has ended.
 */
bool notify_run_ended(struct notify_run *r, int64_t now, FILE *log)
{
	siginfo_t info = { 0 };

	/* Not reaped yet: while it is there, no other group can have its number. */
	if (!waitid(P_PID, r->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == r->pid) {
		kill(-r->pid, SIGKILL);
		waitid(P_PID, r->pid, &info, WEXITED);
		tell_end(r, &info, log);
		release(r);
		return true;
	}
	if (now >= r->ends) {
		kill(-r->pid, r->killed ? SIGKILL : SIGTERM);
		r->killed = true;
		r->ends = now + NOTIFY_GRACE;
	}
	return false;
}

/** notify_run_kill - end it now */
void notify_run_kill(struct notify_run *r)
{
	kill(-r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	release(r);
}
