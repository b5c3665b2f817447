// SPDX-License-Identifier: GPL-2.0
/* The audit log, as it is written: one line after the other, by whichever process holds the lock. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/audit.h"
#include "lib/file.h"
#include "lib/policy.h"

#define OTHERS_WRITE	(S_IWGRP | S_IWOTH)
#define POLL		2000000	/* ns between two tries to get the lock */
#define NOTHING		"0000000000000000000000000000000000000000000000000000000000000000"

/**
 * struct tail - how the file ends
 * @end: the last line; of the file, or of audit.head, which may know of later ones
 * @torn: the file does not end with a newline
 * @broken: hash of half a line after @end; empty, there is none
 * @size: of the file
 */
struct tail {
	struct audit_end end;
	bool torn;
	char broken[AUDIT_HASH_LEN];
	off_t size;
};

/** audit_path - where the log of this machine is: AUDIT_PATH, unless the environment says otherwise */
const char *audit_path(void)
{
	const char *path = getenv(AUDIT_ENV);

	return path && *path ? path : AUDIT_PATH;
}

/**
 * audit_fail - what went wrong
 * @a: the log
 * @err: -errno
 * @fmt: a sentence
 *
 * Return: @err.
 */
int audit_fail(struct audit *a, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->error, sizeof(a->error), fmt, args);
	va_end(args);
	return err;
}

/** audit_hash - SHA-256, hexadecimal */
void audit_hash(const void *data, size_t len, char out[AUDIT_HASH_LEN])
{
	uint8_t sum[32] = { 0 };

	EVP_Q_digest(NULL, "SHA256", NULL, data, len, sum, NULL);
	policy_hex_text(sum, sizeof(sum), out);
}

/**
 * audit_beside - a file that belongs to a log
 * @path: of the log
 * @ending: instead of .jsonl
 * @out: gets the path; cut, if it is too long
 */
void audit_beside(const char *path, const char *ending, char out[AUDIT_PATH_LEN])
{
	size_t len = strlen(path);

	if (len > 6 && !strcmp(path + len - 6, ".jsonl"))
		len -= 6;
	snprintf(out, AUDIT_PATH_LEN, "%.*s%s", (int)len, path, ending);
}

/**
 * audit_lock - be the only one who writes, or one of those who read
 * @fd: the file
 * @type: F_WRLCK or F_RDLCK
 * @wait_ms: how long to wait for the others; whoever stopped while writing must not stop everybody
 *
 * Return: 0; -ETIMEDOUT; another -errno.
 */
int audit_lock(int fd, short type, int wait_ms)
{
	const struct timespec poll = { .tv_nsec = POLL };
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
	int left;

	for (left = wait_ms; fcntl(fd, F_OFD_SETLK, &lock); left -= POLL / 1000000) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -errno;
		if (left <= 0)
			return -ETIMEDOUT;
		nanosleep(&poll, NULL);
	}
	return 0;
}

/** audit_unlock - let others write */
void audit_unlock(int fd)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	fcntl(fd, F_OFD_SETLK, &lock);
}

static bool is_ours(const struct stat *st)
{
	return (!st->st_uid || st->st_uid == geteuid()) && (!(st->st_mode & OTHERS_WRITE) || (st->st_mode & S_ISVTX));
}

/* Whoever may write into the directory may put another log there. */
static int open_dir(struct audit *a)
{
	char *slash, dir[AUDIT_PATH_LEN];
	struct stat st;
	int err;

	snprintf(dir, sizeof(dir), "%s", a->path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = 0;
	else
		strcpy(dir, ".");
	err = file_make_dirs(dir, 0750);
	if (!err && stat(dir, &st))
		err = -errno;
	if (err)
		return audit_fail(a, err, "%s: %s", dir, strerror(-err));
	if (!is_ours(&st))
		return audit_fail(a, -EPERM, "%s: others may write there", dir);
	return 0;
}

static int open_file(struct audit *a, const char *path, int flags, int *out)
{
	struct stat st;
	int fd = open(path, flags | O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600), err = 0;

	if (fd < 0 || fstat(fd, &st))
		err = audit_fail(a, -errno, "%s: %s", path, errno == ELOOP ? AUDIT_LINK : strerror(errno));
	else if (!S_ISREG(st.st_mode))
		err = audit_fail(a, -EINVAL, "%s: not a regular file", path);
	else if (!is_ours(&st))
		err = audit_fail(a, -EPERM, "%s: others may write to it", path);
	if (err && fd >= 0)
		close(fd);
	if (!err)
		*out = fd;
	return err;
}

/**
 * audit_open - open a log, or begin one
 * @a: the log; on failure, with a sentence
 * @path: of its file
 *
 * Return: 0 or -errno.
 */
int audit_open(struct audit *a, const char *path)
{
	char head[AUDIT_PATH_LEN];
	int err;

	memset(a, 0, sizeof(*a));
	a->fd = a->head = -1;
	a->file_max = AUDIT_FILE_MAX;
	a->keep = AUDIT_KEEP;
	a->append = !strcmp(path, AUDIT_PATH);
	if (strlen(path) + sizeof("-18446744073709551615.jsonl") > sizeof(a->path))
		return audit_fail(a, -ENAMETOOLONG, "the audit log's path is too long");
	strcpy(a->path, path);
	audit_beside(path, ".head", head);
	err = open_dir(a);
	if (!err)
		err = open_file(a, path, O_APPEND, &a->fd);
	if (!err)
		err = open_file(a, head, 0, &a->head);
	if (err)
		audit_close(a);
	else if (a->append)
		audit_set_append(a->fd, true);
	return err;
}

/** audit_close - be done with a log that was opened, or was not */
void audit_close(struct audit *a)
{
	if (a->fd >= 0)
		close(a->fd);
	if (a->head >= 0)
		close(a->head);
	a->fd = a->head = -1;
}

static uint64_t number_of(const char *line, size_t len)
{
	json_t *json = json_loadb(line, len, 0, NULL);
	uint64_t seq = audit_seq(json);

	json_decref(json);
	return seq;
}

/* The last line in @buf, and what may stand after it; false: there is no line. */
static bool last_line(const char *buf, size_t len, struct tail *t)
{
	size_t end = len, at;
	uint64_t seq;

	while (end) {
		if (buf[end - 1] == '\n')
			end--;
		for (at = end; at && buf[at - 1] != '\n'; at--)
			;
		seq = number_of(buf + at, end - at);
		if (seq) {
			t->end.seq = seq;
			audit_hash(buf + at, end - at, t->end.hash);
			return true;
		}
		/* Half a line: of several, the last one is named. */
		if (!t->broken[0])
			audit_hash(buf + at, end - at, t->broken);
		end = at;
	}
	return false;
}

/* What audit.head has is believed where the file has less: what was cut off stays missing for ever. */
static int find_tail(struct audit *a, struct tail *t)
{
	struct audit_end head;
	char *buf = NULL;
	struct stat st;
	ssize_t n = 0;
	size_t len;

	memset(t, 0, sizeof(*t));
	if (fstat(a->fd, &st))
		return -errno;
	t->size = st.st_size;
	len = st.st_size < 2 * AUDIT_LINE_MAX ? st.st_size : 2 * AUDIT_LINE_MAX;
	if (len) {
		buf = malloc(len);
		if (!buf)
			return -ENOMEM;
		n = pread(a->fd, buf, len, st.st_size - (off_t)len);
		if (n != (ssize_t)len) {
			free(buf);
			return -EIO;
		}
		t->torn = buf[len - 1] != '\n';
		last_line(buf, len, t);
		free(buf);
	}
	if (!audit_head_read(a->head, &head, NULL) && head.seq >= t->end.seq) {
		/* What stands in the place of a line that was written whole is nothing that broke off. */
		if (head.seq > t->end.seq)
			t->broken[0] = 0;
		t->end = head;
	}
	if (!t->end.seq)
		strcpy(t->end.hash, NOTHING);
	return 0;
}

/**
 * audit_find_end - the last line, with the lock held
 * @a: the log
 * @end: filled
 *
 * Return: false, half a line stands at the end, or the file cannot be read.
 */
bool audit_find_end(struct audit *a, struct audit_end *end)
{
	struct tail t;

	if (find_tail(a, &t) || t.torn || t.broken[0])
		return false;
	*end = t.end;
	return true;
}

/* Now, as RFC 3339 has it. */
static json_t *json_now(void)
{
	char text[POLICY_TIME_LEN], out[POLICY_TIME_LEN + 8];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	policy_time_text(now.tv_sec, text);
	snprintf(out, sizeof(out), "%.*s.%03ldZ", (int)strcspn(text, "Z"), text, now.tv_nsec / 1000000);
	return json_string(out);
}

static char *compose(const struct tail *t, json_t *fields)
{
	json_t *line = json_object();
	char *text = NULL;

	if (line && !json_object_set_new(line, "seq", json_integer((json_int_t)t->end.seq + 1)) &&
	    !json_object_set_new(line, "time", json_now()) && !json_object_update(line, fields) &&
	    (!t->broken[0] || !json_object_set_new(line, "broken", json_string(t->broken))) &&
	    !json_object_set_new(line, "prev", json_string(t->end.hash)))
		text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(line);
	return text;
}

/* Known before anything is written, so that no half of a line is left: an append-only file takes nothing back. */
static int has_room(const struct audit *a, const struct tail *t, size_t len)
{
	struct rlimit most;

	if (!getrlimit(RLIMIT_FSIZE, &most) && most.rlim_cur != RLIM_INFINITY &&
	    (rlim_t)t->size + len > most.rlim_cur)
		return -EFBIG;
	if (fallocate(a->fd, FALLOC_FL_KEEP_SIZE, t->size, (off_t)len) &&
	    (errno == ENOSPC || errno == EDQUOT || errno == EROFS || errno == EIO))
		return -errno;
	return 0;
}

static int put_text(struct audit *a, const struct tail *t, const char *text, size_t len)
{
	char buf[AUDIT_LINE_MAX + 2];
	size_t n = 0;
	ssize_t done;
	int err;

	if (t->torn)
		buf[n++] = '\n';
	memcpy(buf + n, text, len);
	n += len;
	buf[n++] = '\n';
	err = has_room(a, t, n);
	if (err)
		return err;
	done = write(a->fd, buf, n);
	if (done == (ssize_t)n)
		return 0;
	err = done < 0 ? -errno : -ENOSPC;
	/* An append-only file does not let go of it: then the next line says that writing broke off. */
	if (done > 0 && !ftruncate(a->fd, t->size))
		a->dirty = true;
	return err;
}

/**
 * audit_put - write a line, with the lock held
 * @a: the log
 * @fields: what it says
 * @seq: gets its number; may be NULL
 *
 * Return: 0 or -errno, with a sentence in @a.
 */
int audit_put(struct audit *a, json_t *fields, uint64_t *seq)
{
	struct tail t;
	char *text;
	size_t len;
	int err = find_tail(a, &t);

	if (err)
		return audit_fail(a, err, "%s: %s", a->path, strerror(-err));
	text = compose(&t, fields);
	if (!text)
		return audit_fail(a, -ENOMEM, "%s: out of memory", a->path);
	len = strlen(text);
	err = len < AUDIT_LINE_MAX ? put_text(a, &t, text, len) : -E2BIG;
	if (!err) {
		a->end.seq = t.end.seq + 1;
		audit_hash(text, len, a->end.hash);
		a->dirty = true;
		if (seq)
			*seq = a->end.seq;
	}
	free(text);
	return err ? audit_fail(a, err, "%s: %s", a->path, strerror(-err)) : 0;
}

/**
 * audit_write - write a line
 * @a: the log
 * @fields: what it says, beside number, time and chain
 * @wait_ms: how long to wait for others who write
 * @seq: gets its number; may be NULL
 *
 * It is on the disk after audit_sync().
 *
 * Return: 0 or -errno, with a sentence in @a.
 */
int audit_write(struct audit *a, json_t *fields, int wait_ms, uint64_t *seq)
{
	int err = audit_lock(a->fd, F_WRLCK, wait_ms);

	if (err == -ETIMEDOUT)
		return audit_fail(a, err, "%s: another process holds its lock, and does not let go", a->path);
	if (err)
		return audit_fail(a, err, "%s: %s", a->path, strerror(-err));
	err = audit_put(a, fields, seq);
	audit_unlock(a->fd);
	return err;
}

/**
 * audit_sync - what was written is on the disk
 * @a: the log
 * @head: and audit.head knows of it
 * @wait_ms: how long to wait for others who write
 *
 * Return: 0 or -errno, with a sentence in @a.
 */
int audit_sync(struct audit *a, bool head, int wait_ms)
{
	struct audit_end now;
	int err = 0;

	if (!a->dirty)
		return 0;
	if (fdatasync(a->fd))
		err = -errno;
	if (!err && head) {
		err = audit_lock(a->fd, F_WRLCK, wait_ms);
		/* Somebody else may have been here, and gone on from this line. */
		if (!err && (audit_head_read(a->head, &now, NULL) || now.seq < a->end.seq))
			err = audit_head_write(a->head, &a->end);
		if (err != -ETIMEDOUT)
			audit_unlock(a->fd);
	}
	if (!err && head)
		a->dirty = false;
	return err ? audit_fail(a, err, "%s: %s", a->path, strerror(-err)) : 0;
}
