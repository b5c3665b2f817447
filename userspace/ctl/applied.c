// SPDX-License-Identifier: GPL-2.0
/* Who applied the policy that awaits confirmation: the same session cannot show, at once, that it still gets in. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "host/session.h"
#include "lib/file.h"
#include "serve/common/serve.h"

#define APPLIED		SERVE_RUN "/applied"
#define WAIT		5	/* seconds: a script or '&&' is faster, somebody who looks and types is not */

/**
 * struct applied - the last 'apply --confirm'
 * @generation: that it gave
 * @when: it did, by CLOCK_BOOTTIME
 * @device: of the network namespace's file
 * @inode: likewise
 * @caller: from where it was called
 */
struct applied {
	u32 generation;
	time_t when;
	dev_t device;
	ino_t inode;
	struct host_caller caller;
};

static struct applied now(u32 generation)
{
	struct applied a;
	struct timespec t;
	struct stat st;

	memset(&a, 0, sizeof(a));
	a.generation = generation;
	if (!clock_gettime(CLOCK_BOOTTIME, &t))
		a.when = t.tv_sec;
	if (!stat("/proc/self/ns/net", &st)) {
		a.device = st.st_dev;
		a.inode = st.st_ino;
	}
	host_caller_find("", getpid(), &a.caller);
	return a;
}

/**
 * applied_note - a policy was applied that must be confirmed
 * @generation: its
 */
void applied_note(u32 generation)
{
	struct applied a = now(generation);
	int err = file_make_dirs(SERVE_RUN, 0755);

	if (!err)
		err = file_write(APPLIED, &a, sizeof(a), 0600);
	if (err)
		fprintf(stderr, "cordonctl: warning: " APPLIED ": %s: 'cordonctl confirm' will not see whether it is "
			"called from the same session\n", strerror(-err));
}

/**
 * applied_too_soon - it was applied from here, just now
 * @generation: that awaits confirmation
 *
 * Return: seconds to wait; 0, none. What another version of cordonctl wrote counts as nothing.
 */
unsigned int applied_too_soon(u32 generation)
{
	struct applied here = now(generation), then;
	char *bytes;
	size_t len;
	bool same;

	if (file_read(APPLIED, sizeof(then), &bytes, &len))
		return 0;
	same = len == sizeof(then);
	if (same)
		memcpy(&then, bytes, sizeof(then));
	free(bytes);
	if (!same || then.generation != generation || then.device != here.device || then.inode != here.inode ||
	    then.caller.n > HOST_SESSIONS || here.when < then.when || here.when - then.when >= WAIT)
		return 0;
	then.caller.ssh[HOST_SSH_LEN - 1] = 0;
	return host_caller_same(&then.caller, &here.caller) ? then.when + WAIT - here.when : 0;
}
