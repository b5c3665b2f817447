// SPDX-License-Identifier: GPL-2.0
/* The installer is run, and what became of it is remembered. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/update.h"

/* Neither the lock nor ignored signals nor the terminal are the installer's. */
static void run(char *const words[], const char *version, const char *path, bool quiet, int fault)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int error;

	signal(SIGPIPE, SIG_DFL);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && (!quiet || dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) &&
	    !setenv("CORDON_ARTIFACT", path, 1) && !setenv("CORDON_VERSION", version, 1))
		execve(words[0], words, environ);
	error = errno;
	while (write(fault, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static void judge(int status, int error, const char *program, struct update_state *s)
{
	s->phase = UPDATE_FAILED;
	s->detail[0] = 0;
	if (error) {
		snprintf(s->detail, sizeof(s->detail), "%.120s cannot be run: %s", program, strerror(error));
	} else if (status == -1) {
		snprintf(s->detail, sizeof(s->detail), "how the installer ended is not known");
	} else if (WIFSIGNALED(status)) {
		snprintf(s->detail, sizeof(s->detail), "the installer was ended by signal %d", WTERMSIG(status));
	} else if (WEXITSTATUS(status)) {
		snprintf(s->detail, sizeof(s->detail), "the installer's exit status is %d", WEXITSTATUS(status));
	} else {
		s->phase = UPDATE_SUCCEEDED;
		snprintf(s->installed, sizeof(s->installed), "%s", s->version);
	}
}

/* Waits in place of the caller, with the lock: an installer may not be joined by another if that one is killed. */
static void keep(const char *dir, char *const words[], const char *path, struct update_state *s, bool quiet)
{
	struct pki_error why;
	int fault[2], error = 0, status = -1;
	pid_t pid = -1;

	if (pipe2(fault, O_CLOEXEC))
		_exit(2);
	pid = fork();
	if (!pid)
		run(words, s->version, path, quiet, fault[1]);
	close(fault[1]);
	if (pid < 0)
		error = errno;
	else if (read(fault[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	if (pid > 0)
		status = wait_for(pid);
	judge(status, error, words[0], s);
	_exit(update_state_save(dir, s, &why) ? 2 : 0);
}

static char **with_path(char *const words[], const char *path)
{
	size_t n = 0, i;
	char **out;

	while (words[n])
		n++;
	out = calloc(n + 2, sizeof(*out));
	for (i = 0; out && i < n; i++)
		out[i] = words[i];
	if (out)
		out[n] = (char *)path;
	return out;
}

/**
 * update_install - run the installer, and remember how it ended
 * @dir: of the state, locked
 * @words: program, by its path, and arguments; NULL behind them
 * @path: of the artifact, which becomes the last argument
 * @state: of the offer; UPDATE_SUCCEEDED or UPDATE_FAILED with its detail, then
 * @quiet: its output goes to standard error
 * @err: why not
 *
 * The state on the disk is UPDATE_INSTALLING before, and says how it ended after, even if the caller is killed: a
 * process of its own waits for the installer.
 *
 * Return: 0, the installer was run, or it is known why it could not be; -errno with @err.
 */
int update_install(const char *dir, char *const words[], const char *path, struct update_state *state, bool quiet,
		   struct pki_error *err)
{
	char **all = with_path(words, path);
	int ret, status;
	pid_t pid;

	if (!all) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		return -ENOMEM;
	}
	state->phase = UPDATE_INSTALLING;
	ret = update_state_save(dir, state, err);
	if (ret)
		goto out;
	fflush(NULL);
	pid = fork();
	if (!pid)
		keep(dir, all, path, state, quiet);
	status = pid < 0 ? -1 : wait_for(pid);
	if (!status)
		ret = update_state_load(dir, state, err);
	else
		judge(-1, pid < 0 ? errno : 0, words[0], state);
out:
	free(all);
	return ret;
}
