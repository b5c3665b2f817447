// SPDX-License-Identifier: GPL-2.0
/* What stays of a CA's directory, by another name in the one that takes its place: no file is copied. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "make.h"

/**
 * pki_work_link - one name more for a file of the present CA, among the new files
 * @w: has its temp
 * @from: its path in the CA's directory
 * @to: among the new ones
 * @needed: it must be there
 *
 * Return: 0 or -errno.
 */
int pki_work_link(const struct pki_work *w, const char *from, const char *to, bool needed)
{
	char source[PATH_MAX + NAME_MAX + 16], target[PATH_MAX + NAME_MAX + 32];

	snprintf(source, sizeof(source), "%s/%s", w->dir, from);
	snprintf(target, sizeof(target), "%s/%s", w->temp, to);
	if (!link(source, target) || (!needed && errno == ENOENT))
		return 0;
	return pki_fail(w->err, -errno, "%.200s: %s", source, strerror(errno));
}

static int link_one(const struct pki_work *w, const char *file, const char *const *known)
{
	char path[PATH_MAX + NAME_MAX + 16];
	struct stat st;

	for (; *known; known++)
		if (!strcmp(file, *known))
			return 0;
	snprintf(path, sizeof(path), "%s/%s", w->dir, file);
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : pki_fail(w->err, -errno, "%.200s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return pki_fail(w->err, -EISDIR, "%.200s: no directory of a CA's: move it elsewhere first", path);
	return pki_work_link(w, file, file, false);
}

/**
 * pki_work_link_rest - keep files that others have put beside the CA's: revocation list, key that signs firmware,
 *	what the operator keeps
 * @w: has its temp
 * @known: names that are left out, NULL at the end
 *
 * Return: 0; -EISDIR, there is a directory that is none of ours; -errno.
 */
int pki_work_link_rest(const struct pki_work *w, const char *const *known)
{
	DIR *list = opendir(w->dir);
	struct dirent *d;
	int ret = 0;

	if (!list)
		return pki_fail(w->err, -errno, "%.200s: %s", w->dir, strerror(errno));
	while (!ret && (d = readdir(list)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			ret = link_one(w, d->d_name, known);
	closedir(list);
	return ret;
}
