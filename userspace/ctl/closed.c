// SPDX-License-Identifier: GPL-2.0
/* A table of nftables that lets nothing be forwarded, for as long as there is no module that judges. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctl.h"

/* A table that is declared can be deleted, and so it is there once whether it was or not. */
static const char install[] =
	"table inet cordon_closed\n"
	"delete table inet cordon_closed\n"
	"table inet cordon_closed {\n"
	"	chain forward {\n"
	"		type filter hook forward priority -400; policy drop;\n"
	"	}\n"
	"}\n";

#define NO_NFT -1

static const char withdraw[] =
	"table inet cordon_closed\n"
	"delete table inet cordon_closed\n";

static _Noreturn void become_nft(const int pipe[2])
{
	dup2(pipe[0], STDIN_FILENO);
	close(pipe[0]);
	close(pipe[1]);
	execlp("nft", "nft", "-f", "-", NULL);
	execl("/usr/sbin/nft", "nft", "-f", "-", NULL);
	execl("/sbin/nft", "nft", "-f", "-", NULL);
	_exit(127);
}

/* The text is shorter than what a pipe holds: writing it does not wait for the reader. */
static int run_nft(const char *text)
{
	int ends[2], status = 0;
	bool written;
	pid_t pid;

	if (pipe(ends))
		return complain("nft", strerror(errno));
	pid = fork();
	if (!pid)
		become_nft(ends);
	close(ends[0]);
	written = pid > 0 && write(ends[1], text, strlen(text)) == (ssize_t)strlen(text);
	close(ends[1]);
	if (pid < 0)
		return complain("nft", strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return NO_NFT;
	return written && !status ? EXIT_DONE : complain("nft", "it failed");
}

/**
 * closed_install - from now on nothing is forwarded in this network namespace
 *
 * The gateway itself stays within reach. Return: EXIT_DONE; EXIT_REFUSED, and why is told.
 */
int closed_install(void)
{
	int ret = run_nft(install);

	return ret == NO_NFT ? complain("nft", "not found: install nftables") : ret;
}

/**
 * closed_remove - the reverse of closed_install(), also if the table is not there
 *
 * Return: EXIT_DONE; EXIT_REFUSED, and why is told.
 */
int closed_remove(void)
{
	int ret = run_nft(withdraw);

	/* Who cannot make it has not made it. */
	return ret == NO_NFT ? EXIT_DONE : ret;
}
