// SPDX-License-Identifier: GPL-2.0
/* The audit log, as it is read: all its files, one line after the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"

#define READ_MAX (1U << 30)	/* bytes of one file: far more than it has, unless nobody rotates it */

static int fail(struct audit_reader *r, const char *path, int err)
{
	const char *why = err == -ELOOP ? AUDIT_LINK : err == -EINVAL ? "not a regular file" : strerror(-err);

	snprintf(r->error, sizeof(r->error), "%s: %s", path, why);
	return err;
}

/** audit_seq - number of a line; 0, it is none */
uint64_t audit_seq(const json_t *line)
{
	json_int_t seq = json_integer_value(json_object_get(line, "seq"));

	return seq > 0 && json_is_string(json_object_get(line, "prev")) ? (uint64_t)seq : 0;
}

static int each_line(struct audit_reader *r, const char *data, size_t len)
{
	const char *end;
	size_t n;
	int ret = 0;

	while (!ret && len) {
		end = memchr(data, '\n', len);
		n = end ? (size_t)(end - data) : len;
		ret = r->each(data, n, r->arg);
		n += !!end;
		data += n;
		len -= n;
	}
	return ret;
}

/**
 * audit_load - a whole file
 * @fd: the file
 * @len: gets its length
 *
 * Return: its bytes, to be freed; NULL, with errno.
 */
char *audit_load(int fd, size_t *len)
{
	struct stat st;
	size_t got = 0;
	ssize_t n = 1;
	char *data;

	if (fstat(fd, &st))
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size > READ_MAX) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return NULL;
	}
	data = malloc(st.st_size + 1);
	while (data && got < (size_t)st.st_size && n > 0) {
		n = pread(fd, data + got, st.st_size - got, (off_t)got);
		if (n > 0)
			got += n;
	}
	*len = got;
	if (n >= 0)
		return data;
	free(data);
	return NULL;
}

static char *load_path(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *data;

	if (fd < 0)
		return NULL;
	data = audit_load(fd, len);
	close(fd);
	return data;
}

/**
 * struct look - the log at one moment
 * @data: the newest file
 * @len: of @data
 * @first: number of its first line
 * @files: older ones
 */
struct look {
	char *data;
	size_t len;
	uint64_t first;
	struct audit_files files;
};

static void read_head(struct audit_reader *r, const char *path)
{
	char name[AUDIT_PATH_LEN];
	int fd;

	audit_beside(path, ".head", name);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return;
	r->has_end = !audit_head_read(fd, &r->end, NULL);
	close(fd);
}

static uint64_t first_of(const struct look *l)
{
	const char *end = l->data && l->len ? memchr(l->data, '\n', l->len) : NULL;
	json_t *line = end ? json_loadb(l->data, end - l->data, 0, NULL) : NULL;
	uint64_t seq = audit_seq(line);

	json_decref(line);
	return seq;
}

/* Nobody writes meanwhile; older files change no more. Who has the lock for so long is not waited for. */
static int look(struct audit_reader *r, const char *path, struct look *l)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK), err = 0;

	if (fd < 0)
		return fail(r, path, -errno);
	audit_lock(fd, F_RDLCK, AUDIT_WAIT);
	l->data = audit_load(fd, &l->len);
	err = l->data ? audit_files_list(path, &l->files) : errno ? -errno : -EIO;
	if (!err)
		read_head(r, path);
	close(fd);
	l->first = err ? 0 : first_of(l);
	return err ? fail(r, path, err) : 0;
}

/* One that is gone by now was the oldest, and was removed by rotation: else its lines are missed. */
static int read_older(struct audit_reader *r, const char *path, uint64_t first)
{
	char name[AUDIT_PATH_LEN], *data;
	size_t len;
	int ret;

	audit_file_name(path, first, name);
	data = load_path(name, &len);
	if (!data)
		return errno == ENOENT ? 0 : fail(r, name, errno ? -errno : -EIO);
	ret = each_line(r, data, len);
	free(data);
	return ret;
}

/**
 * audit_read - all lines of a log
 * @r: the reader
 * @path: of the log
 *
 * Return: 0; what @each returned; -errno, with a sentence.
 */
int audit_read(struct audit_reader *r, const char *path)
{
	struct look l = { .data = NULL };
	int ret = look(r, path, &l);
	size_t i;

	for (i = 0; !ret && i < l.files.n; i++)
		/* A rotation broke off: the newest file has all of it. */
		if (l.files.first[i] != l.first)
			ret = read_older(r, path, l.files.first[i]);
	if (!ret)
		ret = each_line(r, l.data, l.len);
	audit_files_free(&l.files);
	free(l.data);
	return ret;
}

/**
 * audit_read_files - all lines of some files
 * @r: the reader
 * @files: their names, in the order of their lines
 * @n: how many
 *
 * Return: as audit_read().
 */
int audit_read_files(struct audit_reader *r, char * const *files, size_t n)
{
	char *data;
	size_t i, len;
	int ret = 0;

	for (i = 0; !ret && i < n; i++) {
		data = load_path(files[i], &len);
		if (!data)
			return fail(r, files[i], errno ? -errno : -EIO);
		ret = each_line(r, data, len);
		free(data);
	}
	return ret;
}
