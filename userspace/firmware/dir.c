// SPDX-License-Identifier: GPL-2.0
/* The directory of the artifacts: whose it is, who is at it, and what does not belong there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/firmware.h"
#include "lib/file.h"

#define MODE		0750
#define OTHERS_WRITE	(S_IWGRP | S_IWOTH)

/* What lies there already goes with it. */
static int change_group(int fd, gid_t group)
{
	const struct dirent *entry;
	int copy = dup(fd), err = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		return err;
	}
	rewinddir(dir);
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && fchownat(fd, entry->d_name, -1, group, AT_SYMLINK_NOFOLLOW))
			err = -errno;
	/* Last, so that it is done again if this was cut short. */
	if (!err && fchown(fd, -1, group))
		err = -errno;
	closedir(dir);
	return err;
}

static int check(int fd, gid_t group)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if ((st.st_mode & OTHERS_WRITE) || (st.st_uid && st.st_uid != geteuid()))
		return -EPERM;
	if (group != (gid_t)-1 && st.st_gid != group && !geteuid())
		return change_group(fd, group);
	return 0;
}

/**
 * firmware_dir_lock - make the directory what it must be, and have it alone
 * @dir: made where it is missing, whatever the umask
 * @group: that may read what lies in it; (gid_t)-1, whatever it is
 * @err: why not
 *
 * Waits for others.
 *
 * Return: a descriptor, which close() unlocks; -EPERM, others may write there; another -errno.
 */
int firmware_dir_lock(const char *dir, gid_t group, struct pki_error *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0 && errno == ENOENT) {
		ret = file_make_dirs(dir, 0700);
		fd = ret ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && fchmod(fd, MODE))
			ret = -errno;
	}
	if (fd < 0 && !ret)
		ret = -errno;
	while (!ret && flock(fd, LOCK_EX))
		ret = errno == EINTR ? 0 : -errno;
	if (!ret)
		ret = check(fd, group);
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(err->text, sizeof(err->text), "%s",
		 ret == -EPERM ? "others may write there" : strerror(-ret));
	return ret;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of an artifact or its signature; false, it is another's file. */
static bool parse(const char *name, uint8_t sha256[32])
{
	int i, high, low;

	for (i = 0; i < 32; i++, name += 2) {
		high = digit(name[0]);
		low = high < 0 ? -1 : digit(name[1]);
		if (low < 0)
			return false;
		sha256[i] = high << 4 | low;
	}
	/* The signature's own temporary file has more behind it. */
	return !*name || !strncmp(name, ".p7s", 4);
}

/* 1, it is; 0, it is not, or not ours to say; -errno. */
static int is_orphan(const char *name, int (*needed)(const uint8_t sha256[32], void *arg), void *arg)
{
	uint8_t sha256[32];
	int need;

	if (!strncmp(name, ".new-", 5))
		return 1;
	if (!parse(name, sha256))
		return 0;
	if (strlen(name) > 64 + strlen(".p7s"))
		return 1;
	need = needed(sha256, arg);
	return need < 0 ? need : !need;
}

/**
 * firmware_dir_sweep - remove what was left by somebody who was killed
 * @dir: the directory; the caller has locked it
 * @needed: 1, the registry has a release with that artifact; 0, it has none; -errno ends it
 * @arg: for @needed
 *
 * Files with other names than this program gives are left alone.
 *
 * Return: 0 or -errno.
 */
int firmware_dir_sweep(const char *dir, int (*needed)(const uint8_t sha256[32], void *arg), void *arg)
{
	const struct dirent *entry;
	DIR *all = opendir(dir);
	int ret = 0;

	if (!all)
		return -errno;
	while (ret >= 0 && (entry = readdir(all))) {
		ret = is_orphan(entry->d_name, needed, arg);
		if (ret == 1 && unlinkat(dirfd(all), entry->d_name, 0) && errno != ENOENT)
			ret = -errno;
	}
	closedir(all);
	return ret < 0 ? ret : 0;
}
