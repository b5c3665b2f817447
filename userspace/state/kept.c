// SPDX-License-Identifier: GPL-2.0
/* The directory of what is kept, and the policies in it: the last good one, and one that awaits confirmation. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/yaml.h"
#include "state/state.h"

#define GOOD		"policy.yaml"
#define UNCONFIRMED	"unconfirmed.yaml"
#define MAX_FILE	(256 << 20)

/**
 * kept_is_default_place - is STATE_DIR about the network namespace at hand?
 *
 * It is about the one that the machine, or the container, was started in.
 *
 * Return: 1, it is; 0, it is not; -errno, that cannot be told.
 */
int kept_is_default_place(void)
{
	struct stat init, self;

	if (stat("/proc/1/ns/net", &init) || stat("/proc/self/ns/net", &self))
		return -errno;
	return init.st_dev == self.st_dev && init.st_ino == self.st_ino;
}

/**
 * kept_path - a file of the directory
 * @dir: the directory
 * @name: of the file
 *
 * Return: free(); NULL, no memory.
 */
char *kept_path(const char *dir, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/**
 * kept_lock - nobody else changes policy and directory meanwhile
 * @dir: made where it is missing
 *
 * Return: to be closed, which ends it; -errno.
 */
int kept_lock(const char *dir)
{
	int err = file_make_dirs(dir, 0700), fd;

	if (err)
		return err;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX))
		if (errno != EINTR) {
			err = -errno;
			close(fd);
			return err;
		}
	return fd;
}

/**
 * kept_text - a policy as it is kept
 * @p: the policy
 *
 * Return: free(); NULL, no memory.
 */
char *kept_text(const struct policy *p)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool failed;

	if (!out)
		return NULL;
	policy_print(p, out);
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

static int keep(const char *dir, const char *name, const char *text)
{
	char *path = kept_path(dir, name);
	int err = path ? file_write(path, text, strlen(text), 0600) : -ENOMEM;

	free(path);
	return err;
}

/**
 * kept_forget - no policy is being tried any more
 * @dir: the directory
 *
 * On the disk, too: after a power cut the policy in force would be taken for one that was never confirmed.
 *
 * Return: 0 or -errno.
 */
int kept_forget(const char *dir)
{
	char *path = kept_path(dir, UNCONFIRMED);
	int err = path ? 0 : -ENOMEM;

	if (path && !unlink(path))
		err = file_sync_dir(dir);
	else if (path && errno != ENOENT)
		err = -errno;
	free(path);
	return err;
}

/**
 * kept_policy - keep a policy as the last good one
 * @dir: the directory
 * @p: it is in force, for good
 *
 * Return: 0 or -errno.
 */
int kept_policy(const char *dir, const struct policy *p)
{
	char *text = kept_text(p);
	int err = text ? kept_policy_text(dir, text) : -ENOMEM;

	free(text);
	return err;
}

/**
 * kept_policy_text - the same with what kept_text() gave
 * @dir: the directory
 * @text: the policy
 *
 * Return: 0 or -errno.
 */
int kept_policy_text(const char *dir, const char *text)
{
	int err = keep(dir, GOOD, text);

	return err ? err : kept_forget(dir);
}

/**
 * kept_unconfirmed - note a policy that is tried, and may lock out who tries it
 * @dir: the directory
 * @text: the policy, from kept_text()
 *
 * Return: 0 or -errno.
 */
int kept_unconfirmed(const char *dir, const char *text)
{
	return keep(dir, UNCONFIRMED, text);
}

/**
 * kept_is_unconfirmed - was a policy tried last, and never confirmed?
 * @dir: the directory
 * @p: the policy
 */
bool kept_is_unconfirmed(const char *dir, const struct policy *p)
{
	char *path = kept_path(dir, UNCONFIRMED), *text = NULL, *tried = NULL;
	bool same = false;
	size_t len;

	if (path && !file_read(path, MAX_FILE, &tried, &len)) {
		text = kept_text(p);
		same = text && !strcmp(text, tried);
	}
	free(path);
	free(text);
	free(tried);
	return same;
}

/**
 * kept_last_good - the policy that was last in force, for good
 * @dir: the directory
 * @errors: where it is told what is wrong with it; of what it was warned of when it was applied, nothing is told
 *
 * Return: the policy; NULL, there is none, of which nothing is told, or it cannot be read.
 */
struct policy *kept_last_good(const char *dir, FILE *errors)
{
	char *path = kept_path(dir, GOOD), *said = NULL;
	struct policy *p = NULL;
	size_t len;
	FILE *out = path && !access(path, F_OK) ? open_memstream(&said, &len) : NULL;

	if (out) {
		if (policy_load(path, &p, out))
			p = NULL;
		fclose(out);
		if (!p)
			fputs(said, errors);
	}
	free(said);
	free(path);
	return p;
}
