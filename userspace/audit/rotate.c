// SPDX-License-Identifier: GPL-2.0
/*
 * A file that is large enough becomes an older one. It is copied, then emptied: so who has it open, as a process
 * without any right to its directory, goes on writing to the right one. Whenever that breaks off, every line is there:
 * in between, lines are in both files, and the copy is made again next time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "lib/file.h"

/**
 * audit_set_append - let nobody change what is in a file, only add to it
 * @fd: the file
 * @on: or let them
 *
 * Return: what it was, 0 or 1; -errno, the file system has no such thing, or CAP_LINUX_IMMUTABLE is lacking.
 */
int audit_set_append(int fd, bool on)
{
	int flags = 0, was;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -errno;
	was = !!(flags & FS_APPEND_FL);
	if (was == on)
		return was;
	flags ^= FS_APPEND_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) ? -errno : was;
}

static uint64_t first_of(const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	json_t *line = end ? json_loadb(data, end - data, 0, NULL) : NULL;
	uint64_t seq = audit_seq(line);

	json_decref(line);
	return seq;
}

/* @kept: gets the name of the copy. */
static int copy(const struct audit *a, char kept[AUDIT_PATH_LEN])
{
	size_t len = 0;
	char *data = audit_load(a->fd, &len);
	uint64_t first;
	int err;

	if (!data)
		return errno ? -errno : -EIO;
	first = first_of(data, len);
	/* Somebody has changed it; the end is known, and that many lines were before. */
	if (!first)
		first = a->end.seq;
	audit_file_name(a->path, first, kept);
	err = file_write(kept, data, len, 0600);
	free(data);
	return err;
}

static void make_append_only(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	audit_set_append(fd, true);
	close(fd);
}

static int remove_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0) {
		audit_set_append(fd, false);
		close(fd);
	}
	return unlink(path) ? -errno : 0;
}

/* Return: number of the last line that is gone; 0, none is. */
static uint64_t drop(const struct audit *a)
{
	char path[AUDIT_PATH_LEN];
	struct audit_files files;
	uint64_t until = 0;
	size_t i;

	if (audit_files_list(a->path, &files))
		return 0;
	for (i = 0; files.n - i > a->keep; i++) {
		audit_file_name(a->path, files.first[i], path);
		if (remove_file(path))
			break;
		until = (i + 1 < files.n ? files.first[i + 1] : a->end.seq + 1) - 1;
	}
	audit_files_free(&files);
	return until;
}

/* The first line of the new file tells which one came before, and what is gone. */
static int begin(struct audit *a, const char *kept)
{
	const char *name = strrchr(kept, '/');
	uint64_t until = drop(a);
	json_t *line = json_pack("{s:{s:s},s:[s],s:s,s:s}", "who", "process", "cordonctl", "what", "rotate", "kept",
				 name ? name + 1 : kept, "result", "done");
	int err = -ENOMEM;

	if (line && (!until || !json_object_set_new(line, "dropped_until", json_integer((json_int_t)until))))
		err = audit_put(a, line, NULL);
	json_decref(line);
	return err;
}

/* With the lock. */
static int rotate(struct audit *a)
{
	char kept[AUDIT_PATH_LEN];
	struct audit_end head;
	int was, err;

	/* The new file goes on from what audit.head has. */
	err = copy(a, kept);
	if (!err && (audit_head_read(a->head, &head, NULL) || head.seq < a->end.seq))
		err = audit_head_write(a->head, &a->end);
	if (err)
		return err;
	was = audit_set_append(a->fd, false);
	if (ftruncate(a->fd, 0))
		err = -errno;
	if (!err) {
		err = begin(a, kept);
		if (was == 1)
			make_append_only(kept);
	}
	if (was == 1)
		audit_set_append(a->fd, true);
	return err;
}

/**
 * audit_rotate - begin another file, if this one is large enough
 * @a: the log
 * @wait_ms: how long to wait for others who write
 *
 * Return: 0, also where there is nothing to do; -errno: this file is gone on with.
 */
int audit_rotate(struct audit *a, int wait_ms)
{
	struct stat st;
	int err;

	if (fstat(a->fd, &st) || (size_t)st.st_size <= a->file_max)
		return 0;
	err = audit_lock(a->fd, F_WRLCK, wait_ms);
	if (err)
		return err;
	/* Another process may have done it. After half a line comes one that tells of it, in the same file. */
	if (!fstat(a->fd, &st) && (size_t)st.st_size > a->file_max && audit_find_end(a, &a->end))
		err = rotate(a);
	audit_unlock(a->fd);
	return err;
}
