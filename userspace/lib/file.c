// SPDX-License-Identifier: GPL-2.0
/* Files, whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

/**
 * file_read - a whole file
 * @path: the file
 * @max: what is longer is refused
 * @out: its bytes and a NUL after them; free()
 * @len: how many
 *
 * Return: 0; -EFBIG, it is longer than @max; -errno of open() and read().
 */
int file_read(const char *path, size_t max, char **out, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	char *buf = malloc(max + 2);
	size_t n = 0;
	ssize_t got;

	if (fd < 0 || !buf) {
		err = fd < 0 ? -errno : -ENOMEM;
		goto out;
	}
	while (n <= max) {
		got = read(fd, buf + n, max + 1 - n);
		if (!got)
			break;
		if (got > 0)
			n += got;
		else if (errno != EINTR)
			err = -errno;
		if (err)
			goto out;
	}
	if (n > max) {
		err = -EFBIG;
		goto out;
	}
	buf[n] = 0;
	*out = buf;
	*len = n;
	buf = NULL;
out:
	free(buf);
	if (fd >= 0)
		close(fd);
	return err;
}

/**
 * file_write_all - write all of it, however often it takes
 * @fd: where to
 * @data: what
 * @len: of @data
 *
 * Return: 0 or -errno.
 */
int file_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t done;

	while (len) {
		done = write(fd, at, len);
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			at += done;
			len -= done;
		}
	}
	return 0;
}

/**
 * file_sync_dir - what a directory lists is on the disk
 * @path: of the directory
 *
 * Return: 0 or -errno.
 */
int file_sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0 || fsync(fd))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/**
 * file_sync - what somebody else has written is on the disk
 * @path: of the file
 *
 * Return: 0, also of what no disk has, such as a pipe; -errno.
 */
int file_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err = 0;

	if (fd < 0 || (fsync(fd) && errno != EINVAL && errno != EROFS))
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (!err)
		err = file_sync_parent(path);
	return err == -EINVAL || err == -EROFS ? 0 : err;
}

/**
 * file_sync_parent - what the directory lists that a file or directory lies in is on the disk
 * @path: of the file
 *
 * Return: 0 or -errno.
 */
int file_sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int err = dir ? file_sync_dir(dir) : -ENOMEM;

	free(dir);
	return err;
}

/* -1, the caller's own user and group. */
static int replace(const char *path, const void *data, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
	char *temp = NULL;
	int fd, err;

	if (asprintf(&temp, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		free(temp);
		return err;
	}
	err = file_write_all(fd, data, len);
	if (!err && fchown(fd, uid, gid))
		err = -errno;
	if (!err && fchmod(fd, mode))
		err = -errno;
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temp, path))
		err = -errno;
	if (err)
		unlink(temp);
	else
		err = file_sync_parent(path);
	free(temp);
	return err;
}

/**
 * file_write - replace a file, or leave it as it was
 * @path: the file
 * @data: what it holds then
 * @len: of @data
 * @mode: exactly, whatever the umask
 *
 * On success it is on the disk.
 *
 * Return: 0, or -errno; the file at @path is untouched then.
 */
int file_write(const char *path, const void *data, size_t len, mode_t mode)
{
	return replace(path, data, len, mode, -1, -1);
}

/**
 * file_write_like - as file_write(), with mode, user and group of another file
 * @path: the file
 * @data: what it holds then
 * @len: of @data
 * @like: that one; whoever may not give a file away is refused
 *
 * Return: as file_write().
 */
int file_write_like(const char *path, const void *data, size_t len, const struct stat *like)
{
	return replace(path, data, len, like->st_mode & 0777, like->st_uid, like->st_gid);
}

/**
 * file_make_dirs - a directory, and those it lies in
 * @path: of the directory
 * @mode: of what is made; what is there already keeps its own
 *
 * What is made is on the disk: what is synchronised in a directory is of no use without it.
 *
 * Return: 0, or -errno; what was made so far stays.
 */
int file_make_dirs(const char *path, mode_t mode)
{
	char *copy = strdup(path), *at;
	struct stat st;
	int err = copy ? 0 : -ENOMEM;

	for (at = copy; !err && at && *at;) {
		at = strchr(at + 1, '/');
		if (at)
			*at = 0;
		if (!mkdir(copy, mode))
			err = file_sync_parent(copy);
		else if (errno != EEXIST)
			err = -errno;
		if (at)
			*at = '/';
	}
	free(copy);
	if (!err && (stat(path, &st) || !S_ISDIR(st.st_mode)))
		err = -ENOTDIR;
	return err;
}

/**
 * file_is_same - was a file neither changed nor replaced
 * @a: what stat() said of it
 * @b: and before that
 */
bool file_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}
