/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of notify share. */
#ifndef CORDON_NOTIFY_INTERNAL_H
#define CORDON_NOTIFY_INTERNAL_H

#include "notify/notify.h"

#define NOTIFY_ENV	24

/**
 * struct notify_told - facts, ready for a program
 * @env: NULL-terminated
 * @n: of @env
 * @json: an object, and a newline
 */
struct notify_told {
	char *env[NOTIFY_ENV + 1];
	size_t n;
	char *json;
};

/**
 * struct notify_run - a program that runs
 * @pid: of it, and of its process group; 0, none
 * @fd: of pidfd_open(), or -1
 * @failed: reads why it could not be run, an errno
 * @program: its name, for the log
 * @ends: when it is ended
 * @killed: it was asked to end by SIGTERM
 */
struct notify_run {
	pid_t pid;
	int fd;
	int failed;
	const char *program;
	int64_t ends;
	bool killed;
};

/* facts.c */
int notify_tell(struct notify_told *t, const struct notify_facts *f, bool over);
int notify_tell_suppressed(struct notify_told *t, unsigned long long n);
void notify_told_free(struct notify_told *t);

/* run.c */
int notify_run_start(struct notify_run *r, const struct notify_rule *rule, const struct notify_told *t, int64_t now);
bool notify_run_ended(struct notify_run *r, int64_t now, FILE *log);
void notify_run_kill(struct notify_run *r);

#endif
