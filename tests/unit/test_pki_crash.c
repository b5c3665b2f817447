// SPDX-License-Identifier: GPL-2.0
/* A CA whose making is killed before each step that the disk sees: a whole one is there, or none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../userspace/pki/pki.h"
#include "tap.h"
#include "tree.h"

#define KILLED	99
#define STEPS	500	/* more than there are */

static const struct pki_ca_plan plan = { .name = "lab", .key = PKI_ED25519, .now = 1800000000 };
static int steps_left = -1;	/* negative: for ever */

static void step(void)
{
	if (steps_left > 0 && !--steps_left)
		_exit(KILLED);
}

/* In front of libc's. What a killed process leaves does not depend on the disk. */
int fsync(int fd)
{
	(void)fd;
	step();
	return 0;
}

int fchmod(int fd, mode_t mode)
{
	step();
	return (int)syscall(SYS_fchmod, fd, mode);
}

int mkdir(const char *path, mode_t mode)
{
	step();
	return (int)syscall(SYS_mkdir, path, mode);
}

int rename(const char *from, const char *to)
{
	step();
	return (int)syscall(SYS_rename, from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	step();
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int link(const char *from, const char *to)
{
	step();
	return (int)syscall(SYS_link, from, to);
}

int remove(const char *path)
{
	step();
	if (!unlink(path))
		return 0;
	return errno == EISDIR ? rmdir(path) : -1;
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* Did it come to its end, within so many steps; 0, as many as it takes. */
static bool run(int (*make)(const char *, const struct pki_ca_plan *, struct pki_error *),
		const char *dir, int steps)
{
	struct pki_error err;
	pid_t child = fork();
	int status;

	if (!child) {
		steps_left = steps;
		_exit(make(dir, &plan, &err) ? 1 : 0);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool loads(const char *dir)
{
	struct pki_error err;
	struct pki_ca ca;

	if (pki_ca_load(dir, true, NULL, &ca, &err)) {
		printf("# %s\n", err.text);
		return false;
	}
	pki_ca_free(&ca);
	return true;
}

static void test_make(const char *dir)
{
	unsigned int none = 0, whole = 0, broken = 0;
	int steps;

	for (steps = 1; steps < STEPS && !run(pki_ca_make, dir, steps); steps++) {
		if (!exists(dir))
			none++;
		else if (loads(dir))
			whole++;
		else
			broken++;
		tree_remove(dir);
	}
	ok(none > 10 && whole && !broken && steps < STEPS,
	   "init killed before each of %d steps: %u times none, %u times whole, %u times broken",
	   steps - 1, none, whole, broken);
	ok(loads(dir), "and not killed: whole");
}

static int activate(const char *dir, const struct pki_ca_plan *p, struct pki_error *err)
{
	return pki_ca_activate(dir, p->now, err);
}

static bool is_published(const char *dir)
{
	struct pki_error err;
	bool published;
	struct pki_ca ca;

	if (pki_ca_load(dir, true, NULL, &ca, &err))
		return false;
	published = ca.next && ca.n_former == 0;
	pki_ca_free(&ca);
	return published;
}

/* Has the CA that was published taken over, and may the one before still sign a revocation list. */
static bool is_activated(const char *dir)
{
	struct pki_error err;
	bool activated;
	struct pki_ca ca;

	if (pki_ca_load(dir, true, NULL, &ca, &err))
		return false;
	activated = !ca.next && ca.bridge && ca.n_former == 1 && ca.former[0].key;
	pki_ca_free(&ca);
	return activated;
}

/* Each kind of roll-over step, killed before each of its own, then taken again. */
static void test_publish(const char *dir)
{
	unsigned int broken = 0, taken = 0;
	char next[176];
	int steps;

	snprintf(next, sizeof(next), "%s/next", dir);
	for (steps = 1; steps < STEPS && !run(pki_ca_publish, dir, steps); steps++) {
		broken += !loads(dir);
		if (exists(next)) {
			taken++;
			broken += !is_published(dir);
			tree_remove(next);
		}
	}
	ok(steps > 20 && steps < STEPS && !broken && taken,
	   "publish killed before each of %d steps: %u times broken, %u times taken", steps - 1, broken, taken);
	ok(is_published(dir), "and not killed: published");
}

static void test_activate(const char *dir, const char *temp)
{
	unsigned int broken = 0, before = 0, after = 0;
	int steps;

	for (steps = 1; steps < STEPS && !run(activate, dir, steps); steps++) {
		before += is_published(dir);
		after += is_activated(dir);
		broken += !is_published(dir) && !is_activated(dir);
		if (!is_activated(dir))
			continue;
		tree_remove(dir);
		run(pki_ca_make, dir, 0);
		run(pki_ca_publish, dir, 0);
	}
	ok(steps > 20 && steps < STEPS && !broken && before && after,
	   "activate killed before each of %d steps: %u times not taken, %u times taken, %u times broken", steps - 1,
	   before, after, broken);
	ok(is_activated(dir) && !exists(temp), "and not killed: activated, and nothing is left beside it");
}

int main(void)
{
	char base[128], dir[160], temp[176];

	snprintf(base, sizeof(base), "%s/pki.XXXXXX",
		 getenv("CORDON_UNIT") ? getenv("CORDON_UNIT") : "/tmp");
	if (!mkdtemp(base)) {
		ok(false, "a directory");
		return tap_done();
	}
	snprintf(dir, sizeof(dir), "%s/ca", base);
	snprintf(temp, sizeof(temp), "%s.new", dir);
	test_make(dir);
	test_publish(dir);
	test_activate(dir, temp);
	ok(!tree_remove(base), "cleaned up");
	return tap_done();
}
