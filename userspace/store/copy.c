// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of the registry, by SQLite's online backup: all of it as it is at one moment, whoever writes meanwhile. A
 * restored one comes into the registry's own file by the same way, in one transaction, so that no log of the old one
 * can be applied to the new one, and whoever has it open sees the old one or the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/file.h"
#include "store/db.h"

#define BLOCK		65536
#define TRIES		300	/* of 100 ms, while another has the lock */
#define TRY_MS		100

/* Error of @s: with @what. */
static int fail(struct store *s, const char *what, int err)
{
	return db_refuse(s, err, "%.180s: %s", what, strerror(-err));
}

/* All of the one database into the other; s: for the error. */
static int copy_database(struct store *s, sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int code = SQLITE_ERROR, left = TRIES;

	if (backup) {
		/* All at once: of one moment, and never begun anew because somebody wrote. */
		while ((code = sqlite3_backup_step(backup, -1)) == SQLITE_BUSY || code == SQLITE_LOCKED) {
			if (!left--)
				break;
			sqlite3_sleep(TRY_MS);
		}
		sqlite3_backup_finish(backup);
	}
	if (code == SQLITE_DONE)
		return 0;
	return db_refuse(s, (code & 0xff) == SQLITE_BUSY ? -EBUSY : (code & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO,
			 "cannot copy the registry: %s", sqlite3_errstr(code));
}

/* Into a file that is there, empty and 0600; by itself it holds everything then. */
static int copy_into(struct store *s, const char *path)
{
	sqlite3 *to = NULL;
	int err = 0;

	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		err = db_refuse(s, -EIO, "%.180s: %s", path, sqlite3_errmsg(to));
	if (!err)
		err = copy_database(s, s->db, to);
	/* What it was copied from has a log. */
	if (!err && sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL))
		err = db_refuse(s, -EIO, "%.180s: %s", path, sqlite3_errmsg(to));
	sqlite3_close(to);
	return err;
}

static void remove_all(const char *path)
{
	static const char * const ends[] = { "", "-wal", "-shm", "-journal" };
	char *name;
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (asprintf(&name, "%s%s", path, ends[i]) >= 0) {
			unlink(name);
			free(name);
		}
}

static int check_copy(struct store *s, const char *path, void (*each)(const char *fault, bool damage, void *arg),
		      void *arg)
{
	unsigned int faults, damage = 0;
	struct store copy;
	int err = store_look(&copy, path);

	if (!err) {
		err = store_check(&copy, each, arg, &faults, &damage);
		if (err)
			memcpy(s->error, copy.error, sizeof(s->error));
		store_close(&copy);
	} else {
		memcpy(s->error, copy.error, sizeof(s->error));
	}
	return !err && damage ? db_refuse(s, -EBADMSG, "the copy is damaged, and so is the registry") : err;
}

static int sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;

	if (fd < 0 || fsync(fd))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* Make the directory of a file, or see to it that what it lists is on the disk. */
static int do_parent(const char *path, bool make)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int err = -ENOMEM;

	if (dir)
		err = make ? file_make_dirs(dir, 0700) : file_sync_dir(dir);
	free(dir);
	return err;
}

static int sync_parent(const char *path)
{
	return do_parent(path, false);
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* A name that nobody has, 0600. */
static int temporary(struct store *s, const char *path, char **out)
{
	int fd;

	if (asprintf(out, "%s.XXXXXX", path) < 0) {
		*out = NULL;
		return fail(s, path, -ENOMEM);
	}
	fd = mkostemp(*out, O_CLOEXEC);
	if (fd < 0) {
		free(*out);
		*out = NULL;
		return fail(s, path, -errno);
	}
	close(fd);
	return 0;
}

static int check_target(struct store *s, const char *path)
{
	const char *own = sqlite3_db_filename(s->db, "main");
	struct stat st;

	if (own && same_file(own, path))
		return db_refuse(s, -EINVAL, "'%.180s' is the registry itself", path);
	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		return db_refuse(s, -EINVAL, "'%.180s' is there, and is not a regular file", path);
	return 0;
}

/**
 * store_backup - all of the registry as it is at one moment, into a file
 * @s: the registry
 * @path: the file; it is there whole, on the disk and with mode 0600, or it is as it was
 * @each: told what is wrong with the copy, as by store_check(); or NULL
 * @arg: for @each
 *
 * Return: 0; -EBADMSG, the copy is damaged; another -errno.
 */
int store_backup(struct store *s, const char *path, void (*each)(const char *fault, bool damage, void *arg),
		 void *arg)
{
	char *temp = NULL;
	int err = check_target(s, path);

	if (!err)
		err = temporary(s, path, &temp);
	if (!temp)
		return err;
	err = copy_into(s, temp);
	if (!err)
		err = check_copy(s, temp, each, arg);
	if (!err) {
		err = sync_file(temp);
		if (!err && rename(temp, path))
			err = -errno;
		if (!err)
			err = sync_parent(path);
		if (err)
			fail(s, path, err);
	}
	if (err)
		remove_all(temp);
	free(temp);
	return err;
}

/* What is copied byte by byte is not changed by being looked at. */
static int copy_bytes(const char *from, const char *to, int flags)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), out = -1, err = 0;
	char *buf = malloc(BLOCK);
	struct stat st;
	ssize_t got;

	if (in < 0 || fstat(in, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	if (!err) {
		out = open(to, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
		if (out < 0)
			err = -errno;
	}
	if (!buf && !err)
		err = -ENOMEM;
	while (!err && (got = read(in, buf, BLOCK)))
		err = got < 0 ? -errno : file_write_all(out, buf, got);
	free(buf);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return err;
}

/* A copy of a registry that was in use may have its last commits in a log beside it. */
static int copy_log(const char *file, const char *staged)
{
	char *from = NULL, *to = NULL;
	int err = -ENOMEM;

	if (asprintf(&from, "%s-wal", file) < 0)
		from = NULL;
	if (asprintf(&to, "%s-wal", staged) < 0)
		to = NULL;
	if (from && to)
		err = copy_bytes(from, to, O_CREAT | O_EXCL);
	free(from);
	free(to);
	return err == -ENOENT ? 0 : err;
}

/**
 * store_stage - a copy of a backup, beside the registry, to look at and to change
 * @s: for the error
 * @file: the backup; it is not changed
 * @path: of the registry
 * @staged: gets the copy's name: store_unstage() it
 * @size: of @staged
 *
 * Return: 0 or -errno; there is no copy then.
 */
int store_stage(struct store *s, const char *file, const char *path, char *staged, size_t size)
{
	char *temp = NULL;
	int err;

	memset(s, 0, sizeof(*s));
	staged[0] = 0;
	if (same_file(file, path))
		return db_refuse(s, -EINVAL, "'%.180s' is the registry itself", file);
	err = do_parent(path, true);
	if (err)
		return fail(s, path, err);
	err = temporary(s, path, &temp);
	if (!temp)
		return err;
	err = copy_bytes(file, temp, O_TRUNC);
	if (!err)
		err = copy_log(file, temp);
	if (!err && strlen(temp) >= size)
		err = -ENAMETOOLONG;
	if (err) {
		remove_all(temp);
		fail(s, file, err);
	} else {
		strcpy(staged, temp);
	}
	free(temp);
	return err;
}

/** store_unstage - remove what store_stage() made */
void store_unstage(const char *staged)
{
	if (staged[0])
		remove_all(staged);
}

/* One that SQLite cannot read is put aside as it is, with its log; the log goes first, lest it be the next one's. */
static int put_aside(struct store *s, const char *path, const char *kept)
{
	static const char * const ends[] = { "-wal", "-shm", "" };
	char *from = NULL, *to = NULL;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < sizeof(ends) / sizeof(*ends); i++) {
		if (asprintf(&from, "%s%s", path, ends[i]) < 0)
			from = NULL;
		if (asprintf(&to, "%s%s", kept, ends[i]) < 0)
			to = NULL;
		if (!from || !to)
			err = -ENOMEM;
		else if (rename(from, to) && errno != ENOENT)
			err = -errno;
		free(from);
		free(to);
	}
	if (!err)
		err = sync_parent(path);
	return err ? fail(s, path, err) : 0;
}

/* As a file of its own; the present one is still where it was. */
static int keep_copy(struct store *s, const char *kept)
{
	int fd = open(kept, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	if (fd < 0)
		return fail(s, kept, -errno);
	close(fd);
	err = copy_into(s, kept);
	if (!err) {
		err = sync_file(kept);
		if (!err)
			err = sync_parent(kept);
		if (err)
			fail(s, kept, err);
	}
	if (err)
		remove_all(kept);
	return err;
}

static int name_kept(struct store *s, const char *path, char *kept, size_t size)
{
	time_t now = time(NULL);
	unsigned int n = 0;
	char when[48];
	struct stat st;
	struct tm tm;
	size_t len;

	len = gmtime_r(&now, &tm) ? strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm) : 0;
	do {
		/* Twice in a second. */
		snprintf(when + len, sizeof(when) - len, n ? ".%u" : "", n);
		if (snprintf(kept, size, "%s.before-%s", path, when) >= (int)size)
			return fail(s, path, -ENAMETOOLONG);
		n++;
	} while (!lstat(kept, &st));
	return 0;
}

/* Open, with what was there kept; where there was none, or none that could be read, a new one. */
static int open_target(struct store *t, const char *path, char *kept, size_t size)
{
	struct store unused = { .error = "" };
	int err = store_open(t, path, false);

	if (err == -ENOENT)
		return store_open(t, path, true);
	if (err && err != -EIO && err != -EPROTO)
		return err;
	if (name_kept(&unused, path, kept, size)) {
		memcpy(t->error, unused.error, sizeof(t->error));
		if (!err)
			store_close(t);
		return -ENAMETOOLONG;
	}
	if (err) {
		err = put_aside(t, path, kept);
		return err ? err : store_open(t, path, true);
	}
	err = keep_copy(t, kept);
	if (err)
		store_close(t);
	return err;
}

/**
 * store_replace - put a registry in the place of another one
 * @s: that which store_stage() made, open
 * @path: of the registry; what is there is replaced in one transaction, or not at all
 * @kept: gets the name under which what was there is kept; empty, there was none
 * @size: of @kept
 *
 * Return: 0 or -errno, with a sentence in @s.
 */
int store_replace(struct store *s, const char *path, char *kept, size_t size)
{
	struct store t;
	int err;

	kept[0] = 0;
	err = open_target(&t, path, kept, size);
	if (!err) {
		err = copy_database(&t, s->db, t.db);
		store_close(&t);
	}
	if (err)
		memcpy(s->error, t.error, sizeof(s->error));
	return err;
}
