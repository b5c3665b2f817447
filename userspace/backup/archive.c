// SPDX-License-Identifier: GPL-2.0
/* Backups: what goes in, and what comes out. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "lib/file.h"

#define CHUNK 65536

/**
 * backup_fail - say what went wrong
 * @b: gets the sentence
 * @err: returned
 * @fmt: the sentence
 */
int backup_fail(struct backup *b, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(b->error, sizeof(b->error), fmt, args);
	va_end(args);
	return err;
}

/** backup_init - an empty one, made at that time, by this cordonctl */
void backup_init(struct backup *b, int64_t made)
{
	memset(b, 0, sizeof(*b));
	b->fd = -1;
	b->made = made;
	snprintf(b->version, sizeof(b->version), "%s", CORDON_VERSION);
}

/** backup_free - forget it; zeroed but for its fd, or used */
void backup_free(struct backup *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		free(b->parts[i].from);
	free(b->parts);
	free(b->manifest);
	if (b->fd >= 0)
		close(b->fd);
	b->parts = NULL;
	b->manifest = NULL;
	b->n = 0;
	b->fd = -1;
}

/** backup_find - the part of that name, or NULL */
const struct backup_part *backup_find(const struct backup *b, const char *name)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (!strcmp(b->parts[i].name, name))
			return &b->parts[i];
	return NULL;
}

/**
 * struct copying - bytes on their way
 * @in: from there
 * @at: from that byte on
 * @left: so many
 * @out: to there; -1, they are hashed alone
 * @sha256: of all of them, afterwards
 */
struct copying {
	int in;
	uint64_t at;
	uint64_t left;
	int out;
	uint8_t sha256[32];
};

/* 0; -ENODATA, there are fewer; -errno. */
static int copy(struct copying *c)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	uint8_t *buf = malloc(CHUNK);
	int err = hash && buf && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) ? 0 : -ENOMEM;
	ssize_t got;

	while (!err && c->left) {
		got = pread(c->in, buf, c->left < CHUNK ? c->left : CHUNK, (off_t)c->at);
		if (got < 0)
			err = errno == EINTR ? 0 : -errno;
		else if (!got)
			err = -ENODATA;
		if (err || got < 0)
			continue;
		c->at += got;
		c->left -= got;
		EVP_DigestUpdate(hash, buf, got);
		if (c->out >= 0)
			err = file_write_all(c->out, buf, got);
	}
	if (!err && !EVP_DigestFinal_ex(hash, c->sha256, NULL))
		err = -ENOMEM;
	EVP_MD_CTX_free(hash);
	/* It may have held a key. */
	if (buf)
		explicit_bzero(buf, CHUNK);
	free(buf);
	return err;
}

/* A regular file, open to be read; -errno. */
static int open_file(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err = 0;

	memset(st, 0, sizeof(*st));
	if (fd < 0 || fstat(fd, st))
		err = -errno;
	else if (!S_ISREG(st->st_mode))
		err = -EINVAL;
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

static struct backup_part *add_place(struct backup *b, const char *name)
{
	struct backup_part *more;
	size_t i = b->n;

	if (b->n == BACKUP_PARTS_MAX)
		return NULL;
	more = reallocarray(b->parts, b->n + 1, sizeof(*more));
	if (!more)
		return NULL;
	b->parts = more;
	for (; i && strcmp(more[i - 1].name, name) > 0; i--)
		more[i] = more[i - 1];
	b->n++;
	memset(&more[i], 0, sizeof(*more));
	strcpy(more[i].name, name);
	return &more[i];
}

/**
 * backup_add - a file that is to be in it
 * @b: not yet written
 * @name: of the part; each once
 * @from: the file; it must not change before all is written
 * @sealed: see struct backup_part
 */
int backup_add(struct backup *b, const char *name, const char *from, bool sealed)
{
	struct copying c = { .out = -1 };
	struct backup_part *p;
	struct stat st;
	int err;

	if (!backup_name_is_known(name) || backup_find(b, name))
		return backup_fail(b, -EINVAL, "%s: no name of a part, or there twice", name);
	c.in = open_file(from, &st);
	if (c.in < 0)
		return backup_fail(b, c.in, "%s: %s", from, strerror(-c.in));
	c.left = st.st_size;
	err = c.left < BACKUP_PART_MAX ? copy(&c) : -EFBIG;
	close(c.in);
	if (err)
		return backup_fail(b, err, "%s: %s", from, strerror(-err));
	p = add_place(b, name);
	if (p)
		p->from = strdup(from);
	if (!p || !p->from)
		return backup_fail(b, -ENOMEM, "out of memory, or more than %d files", BACKUP_PARTS_MAX);
	p->size = st.st_size;
	p->mode = st.st_mode & 0777;
	p->sealed = sealed;
	memcpy(p->sha256, c.sha256, sizeof(p->sha256));
	return 0;
}

static int write_header(const struct backup *b, int fd, const char *name, uint64_t size, mode_t mode)
{
	uint8_t header[TAR_BLOCK];

	tar_header(name, size, mode, b->made, header);
	return file_write_all(fd, header, sizeof(header));
}

static int write_zeros(int fd, size_t n)
{
	static const uint8_t zeros[TAR_END];

	return file_write_all(fd, zeros, n);
}

static int write_text(const struct backup *b, int fd, const char *name, const char *text, size_t len)
{
	int err = write_header(b, fd, name, len, 0600);

	if (!err)
		err = file_write_all(fd, text, len);
	return err ? err : write_zeros(fd, tar_padding(len));
}

static int write_part(struct backup *b, int fd, const struct backup_part *p)
{
	struct copying c = { .left = p->size, .out = fd };
	struct stat st;
	int err = write_header(b, fd, p->name, p->size, p->mode);

	if (err)
		return err;
	c.in = open_file(p->from, &st);
	if (c.in < 0)
		return backup_fail(b, c.in, "%s: %s", p->from, strerror(-c.in));
	err = copy(&c);
	close(c.in);
	if (err == -ENODATA || (!err && memcmp(c.sha256, p->sha256, sizeof(c.sha256))))
		return backup_fail(b, -EAGAIN, "%s: changed while it was copied: try again", p->from);
	return err ? err : write_zeros(fd, tar_padding(p->size));
}

/**
 * backup_write - write it
 * @b: with all its parts
 * @path: of the file, which must not be there; 0600, on the disk; removed again after a failure
 */
int backup_write(struct backup *b, const char *path)
{
	char checksum[BACKUP_CHECKSUM_LEN + 1];
	int err = backup_manifest_make(b), fd;
	size_t i;

	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return backup_fail(b, -errno, "%s", strerror(errno));
	backup_checksum_text(b, checksum);
	b->error[0] = 0;
	err = write_text(b, fd, BACKUP_MANIFEST, b->manifest, b->manifest_len);
	if (!err)
		err = write_text(b, fd, BACKUP_CHECKSUM, checksum, BACKUP_CHECKSUM_LEN);
	for (i = 0; !err && i < b->n; i++)
		err = write_part(b, fd, &b->parts[i]);
	if (!err)
		err = write_zeros(fd, TAR_END);
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (err && !b->error[0])
		backup_fail(b, err, "%s", strerror(-err));
	if (err)
		unlink(path);
	return err;
}

/** backup_is_same - is a file what a part of a backup is */
bool backup_is_same(const struct backup_part *p, const char *path)
{
	struct copying c = { .left = p->size, .out = -1 };
	struct stat st;
	bool same;

	c.in = open_file(path, &st);
	if (c.in < 0)
		return false;
	same = (uint64_t)st.st_size == p->size && !copy(&c) && !memcmp(c.sha256, p->sha256, sizeof(c.sha256));
	close(c.in);
	return same;
}

/* The contents of a part, to a file or to nowhere; they are what the manifest says. */
static int take(struct backup *b, const struct backup_part *p, int out)
{
	struct copying c = { .in = b->fd, .at = p->at, .left = p->size, .out = out };
	int err = copy(&c);

	if (!err && !memcmp(c.sha256, p->sha256, sizeof(c.sha256)))
		return 0;
	if (!err)
		return backup_fail(b, -EBADMSG, "%s is damaged: bytes %llu to %llu do not have its SHA-256", p->name,
				   (unsigned long long)p->at, (unsigned long long)p->at + p->size);
	return backup_fail(b, err, "%s: %s", p->name, strerror(-err));
}

/**
 * backup_extract - one of its parts as a file
 * @b: open
 * @p: the part
 * @to: the file, which must not be there; NULL, it is only looked whether the part is what the manifest says
 * @durable: it is on the disk afterwards
 */
int backup_extract(struct backup *b, const struct backup_part *p, const char *to, bool durable)
{
	int fd, err;

	if (!to)
		return take(b, p, -1);
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return backup_fail(b, -errno, "%s: %s", to, strerror(errno));
	b->error[0] = 0;
	err = take(b, p, fd);
	if (!err && (fchmod(fd, p->mode) || (durable && fsync(fd))))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (err && !b->error[0])
		backup_fail(b, err, "%s: %s", to, strerror(-err));
	if (err)
		unlink(to);
	return err;
}
