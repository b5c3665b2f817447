// SPDX-License-Identifier: GPL-2.0
/*
 * Files and directories that replace others: all of them, or none. At any moment each is the old one or the new one,
 * and what was there is kept beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "lib/file.h"

/* A name that nobody has. */
static char *name_kept(const char *to, const char *stamp)
{
	unsigned int n = 0;
	struct stat st;
	char *name;

	if (asprintf(&name, "%s.before-%s", to, stamp) < 0)
		return NULL;
	while (!lstat(name, &st)) {
		free(name);
		if (asprintf(&name, "%s.before-%s.%u", to, stamp, ++n) < 0)
			return NULL;
	}
	return name;
}

/**
 * places_add - one more
 * @all: zeroed, or with those before
 * @staged: in the directory that @to is in
 * @to: of the same kind, or nothing
 * @dir: they are directories
 *
 * Return: 0 or -ENOMEM.
 */
int places_add(struct places *all, const char *staged, const char *to, bool dir)
{
	struct place *more = reallocarray(all->list, all->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	all->list = more;
	more += all->n;
	*more = (struct place){ .staged = strdup(staged), .to = strdup(to), .dir = dir };
	more->kept = name_kept(to, all->stamp);
	all->n++;
	return more->staged && more->to && more->kept ? 0 : -ENOMEM;
}

static int swap(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) ? -errno : 0;
}

static int move(const char *from, const char *to)
{
	return rename(from, to) ? -errno : 0;
}

/* The new one waits under the name that the old one gets, so that the old one is never where a restore cleans up. */
static int put_dir(struct place *p)
{
	int err = renameat2(AT_FDCWD, p->staged, AT_FDCWD, p->kept, RENAME_NOREPLACE) ? -errno : 0;

	if (err)
		return err;
	err = swap(p->kept, p->to);
	if (err)
		move(p->kept, p->staged);
	return err;
}

static int put_file(struct place *p)
{
	int err = link(p->to, p->kept) ? -errno : move(p->staged, p->to);

	if (err && err != -EEXIST)
		unlink(p->kept);
	return err;
}

static int put(struct place *p)
{
	struct stat st;
	int err;

	if (lstat(p->to, &st)) {
		if (errno != ENOENT)
			return -errno;
		p->kept[0] = 0;
		err = move(p->staged, p->to);
	} else if (p->dir ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
		return p->dir ? -ENOTDIR : -EINVAL;
	} else {
		err = p->dir ? put_dir(p) : put_file(p);
	}
	p->done = !err;
	return err ? err : file_sync_parent(p->to);
}

/**
 * places_put - put all of them where they belong
 * @all: them
 * @error: gets a sentence
 * @size: of @error
 *
 * Return: 0; -errno, and everything is as it was.
 */
int places_put(struct places *all, char *error, size_t size)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < all->n; i++) {
		err = put(&all->list[i]);
		if (err)
			snprintf(error, size, "%s: %s", all->list[i].to, strerror(-err));
	}
	if (err)
		places_undo(all);
	return err;
}

static void undo(struct place *p)
{
	if (!p->kept[0])
		move(p->to, p->staged);
	else if (!p->dir)
		move(p->kept, p->to);
	else if (!swap(p->kept, p->to))
		move(p->kept, p->staged);
	p->done = false;
	file_sync_parent(p->to);
}

/** places_undo - take back what was put where it belongs, the last one first */
void places_undo(struct places *all)
{
	size_t i;

	for (i = all->n; i--;)
		if (all->list[i].done)
			undo(&all->list[i]);
}

/** places_free - forget them */
void places_free(struct places *all)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		free(all->list[i].staged);
		free(all->list[i].to);
		free(all->list[i].kept);
	}
	free(all->list);
	all->list = NULL;
	all->n = 0;
}
