// SPDX-License-Identifier: GPL-2.0
/* Files of the CA's directory written anew, all at once: the others are linked, and one rename puts them in force. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"
#include "make.h"

#define FILE_MAX_LEN	65536

/* What a rewriting has at hand. */
struct rewrite {
	struct pki_work w;
	pki_rewrite_fn *each;
	void *arg;
};

static int rewrite_file(struct rewrite *r, const char *name)
{
	char path[PATH_MAX + 2 * NAME_MAX + 16], *text, *out = NULL;
	size_t len, out_len = 0;
	struct stat st;
	int ret;

	snprintf(path, sizeof(path), "%s/%s", r->w.dir, name);
	if (lstat(path, &st))
		return pki_fail(r->w.err, -errno, "%.200s: %s", path, strerror(errno));
	ret = S_ISREG(st.st_mode) && st.st_size <= FILE_MAX_LEN ? file_read(path, FILE_MAX_LEN, &text, &len) : -EFBIG;
	/* What is too large for a key is none. */
	if (ret == -EFBIG)
		return pki_work_link(&r->w, name, name, true);
	if (ret)
		return pki_fail(r->w.err, ret, "%.200s: %s", path, strerror(-ret));
	ret = r->each(name, text, &out, &out_len, r->arg, r->w.err);
	OPENSSL_cleanse(text, len);
	free(text);
	if (!ret && out)
		ret = pki_work_write(&r->w, name, out, out_len, st.st_mode & 0777);
	else if (!ret)
		ret = pki_work_link(&r->w, name, name, true);
	OPENSSL_clear_free(out, out_len);
	return ret;
}

static bool is_ours(const char *name)
{
	return !strcmp(name, "next") || !strcmp(name, "previous") || !strcmp(name, PKI_REQUEST_DIR);
}

static int rewrite_dir(struct rewrite *r, const char *sub);

static int rewrite_sub(struct rewrite *r, const char *sub, const char *name)
{
	char path[PATH_MAX + 2 * NAME_MAX + 32];
	int ret;

	/* What was put together beside its place was never in force. */
	if (!strcmp(name, "next.new") || !strcmp(name, PKI_REQUEST_NEW))
		return 0;
	if (*sub || !is_ours(name))
		return pki_fail(r->w.err, -EISDIR, "%.190s/%.40s: no directory of a CA's: move it elsewhere", r->w.dir,
				name);
	snprintf(path, sizeof(path), "%s/%s", r->w.temp, name);
	if (mkdir(path, 0700))
		return pki_fail(r->w.err, -errno, "%.200s: %s", path, strerror(errno));
	ret = rewrite_dir(r, name);
	return ret || !file_sync_dir(path) ? ret : pki_fail(r->w.err, -EIO, "%.200s: cannot be synchronized", path);
}

/* @sub: a directory in the CA's; empty, that one itself. */
static int rewrite_dir(struct rewrite *r, const char *sub)
{
	char path[PATH_MAX + 32], name[2 * NAME_MAX + 8], full[PATH_MAX + 2 * NAME_MAX + 16];
	struct dirent *d;
	struct stat st;
	DIR *list;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/%s", r->w.dir, sub);
	list = opendir(path);
	if (!list)
		return pki_fail(r->w.err, -errno, "%.200s: %s", path, strerror(errno));
	while (!ret && (d = readdir(list))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", sub, *sub ? "/" : "", d->d_name);
		snprintf(full, sizeof(full), "%s/%s", r->w.dir, name);
		if (!lstat(full, &st) && S_ISDIR(st.st_mode))
			ret = rewrite_sub(r, sub, name);
		else
			ret = rewrite_file(r, name);
	}
	closedir(list);
	return ret;
}

/**
 * pki_ca_rewrite - change files of the CA's directory: all of them, or none
 * @dir: of the CA
 * @each: told of every file; sets what it is to hold, or leaves it as it is
 * @arg: for @each
 * @err: why not
 *
 * Return: 0; what @each returned; -EISDIR, a directory is in the way; -EBUSY; -errno. @err tells, and @dir is as it
 * was.
 */
int pki_ca_rewrite(const char *dir, pki_rewrite_fn *each, void *arg, struct pki_error *err)
{
	struct rewrite r = { .w = { .lock = -1, .err = err }, .each = each, .arg = arg };
	int ret = pki_work_begin(&r.w, dir);

	if (!ret)
		ret = pki_work_temp(&r.w, ".new");
	if (!ret)
		ret = rewrite_dir(&r, "");
	if (!ret)
		ret = pki_work_place(&r.w, r.w.dir, RENAME_EXCHANGE);
	if (!ret)
		pki_tree_remove(r.w.temp);
	pki_work_end(&r.w, ret);
	return ret;
}
