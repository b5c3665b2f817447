// SPDX-License-Identifier: GPL-2.0
/* Where the registry lies: nobody but its owner may write there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "store/db.h"

#define OTHERS_WRITE	(S_IWGRP | S_IWOTH)

/* Why, and what helps. */
static int fail(struct store *s, const char *path, int err)
{
	const char *help = err == -ENOENT ? ": 'cordonctl device token' or 'cordonctl serve' makes one" : "";

	return db_refuse(s, err, "cannot open the registry '%s': %s%s", path, strerror(-err), help);
}

/* Whoever may write into the directory may put another registry there. */
static int check_dir(struct store *s, const char *dir, bool create)
{
	struct stat st;
	int err = 0;

	if (stat(dir, &st)) {
		err = -errno;
		if (err == -ENOENT && create)
			err = file_make_dirs(dir, 0700);
		/* The umask may have taken what the owner needs. */
		if (!err && (chmod(dir, 0700) || stat(dir, &st)))
			err = -errno;
		if (err)
			return fail(s, dir, err);
	}
	if (!S_ISDIR(st.st_mode))
		return fail(s, dir, -ENOTDIR);
	if ((st.st_mode & OTHERS_WRITE) && !(st.st_mode & S_ISVTX))
		return db_refuse(s, -EPERM, "directory '%s' of the registry has mode %04o: "
				 "others may write there", dir, st.st_mode & 07777);
	return 0;
}

/* SQLite must find a file, or it would make one with a mode that the umask decides. */
static int check_file(struct store *s, const char *path, bool create)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct stat st;
	int fd = -1, err = 0;

	if (create) {
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		if (fd >= 0 && fchmod(fd, 0600))
			err = -errno;
		else if (fd < 0 && errno != EEXIST)
			return fail(s, path, -errno);
	}
	if (fd < 0)
		fd = open(path, flags);
	if (fd < 0)
		return fail(s, path, -errno);
	if (!err && fstat(fd, &st))
		err = -errno;
	/* Before SQLite has it open: to close any descriptor of a file drops all its locks. */
	close(fd);
	if (err)
		return fail(s, path, err);
	if (!S_ISREG(st.st_mode))
		return db_refuse(s, -EINVAL, "registry '%s' is not a regular file", path);
	if (st.st_mode & OTHERS_WRITE)
		return db_refuse(s, -EPERM, "registry '%s' has mode %04o: others may write to it",
				 path, st.st_mode & 07777);
	if (st.st_uid != geteuid() && st.st_uid)
		return db_refuse(s, -EPERM, "registry '%s' belongs to user %u", path, st.st_uid);
	return 0;
}

/**
 * db_place - see that the registry's file is there and nobody else's
 * @s: for the error
 * @path: as the user named it
 * @create: make what is missing: the file 0600, its directory 0700, whatever the umask
 * @real: the path without symbolic links; free()
 *
 * Return: 0; -ENOENT; -EPERM, others may write to the file or its directory; another -errno.
 */
int db_place(struct store *s, const char *path, bool create, char **real)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char *dir, *where = NULL;
	int err;

	dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	*real = NULL;
	if (!dir)
		return fail(s, path, -ENOMEM);
	err = *base ? check_dir(s, dir, create) : fail(s, path, -EISDIR);
	if (err)
		goto out;
	where = realpath(dir, NULL);
	if (!where)
		err = fail(s, dir, -errno);
	else if (asprintf(real, "%s/%s", strcmp(where, "/") ? where : "", base) < 0)
		err = fail(s, path, -ENOMEM);
	else
		err = check_file(s, *real, create);
	if (err) {
		free(*real);
		*real = NULL;
	}
out:
	free(where);
	free(dir);
	return err;
}
