// SPDX-License-Identifier: GPL-2.0
/* Backups that are read: every byte must be the one that the writer would have written for the manifest. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"

/* Where a header of a tar has the size, the time and its mark. */
enum { SIZE = 124, TIME = 136, MAGIC = 257 };

/* Exactly so many bytes; -ENODATA, there are fewer. */
static int read_at(struct backup *b, uint64_t at, void *out, size_t len)
{
	size_t have = 0;
	ssize_t got;

	while (have < len) {
		got = pread(b->fd, (char *)out + have, len - have, (off_t)(at + have));
		if (got < 0 && errno != EINTR)
			return backup_fail(b, -errno, "%s", strerror(errno));
		if (!got)
			return backup_fail(b, -ENODATA, "it ends at byte %llu, in the middle of something",
					   (unsigned long long)at + have);
		have += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static int foreign(struct backup *b)
{
	return backup_fail(b, -EINVAL, "it is not a backup that cordonctl made");
}

static int check_zeros(struct backup *b, uint64_t at, size_t len, const char *behind)
{
	uint8_t zeros[TAR_END];
	size_t i;
	int err = read_at(b, at, zeros, len);

	for (i = 0; !err && i < len; i++)
		if (zeros[i])
			return backup_fail(b, -EBADMSG, "it is damaged behind %s, at byte %llu", behind,
					   (unsigned long long)at + i);
	return err;
}

static int check_header(struct backup *b, uint64_t at, const char *name, uint64_t size, mode_t mode)
{
	uint8_t want[TAR_BLOCK], got[TAR_BLOCK];
	int err = read_at(b, at, got, sizeof(got));

	if (err)
		return err;
	tar_header(name, size, mode, b->made, want);
	if (!memcmp(want, got, sizeof(want)))
		return 0;
	return backup_fail(b, -EBADMSG, "it is damaged: the header of %s, at byte %llu, is not the one that was written",
			   name, (unsigned long long)at);
}

/* The first header says how long the manifest is, and when all of it was made. */
static int read_first(struct backup *b)
{
	uint8_t first[TAR_BLOCK];
	int64_t size, made;

	if (b->size < TAR_BLOCK || read_at(b, 0, first, sizeof(first)))
		return foreign(b);
	size = tar_number(first + SIZE, 12);
	made = tar_number(first + TIME, 12);
	if (memcmp(first + MAGIC, "ustar", 6) || memcmp(first, BACKUP_MANIFEST, sizeof(BACKUP_MANIFEST)) ||
	    size <= 0 || size > BACKUP_MANIFEST_MAX || made < 0)
		return foreign(b);
	b->made = made;
	b->manifest_len = (size_t)size;
	return check_header(b, 0, BACKUP_MANIFEST, b->manifest_len, 0600);
}

static int read_manifest(struct backup *b)
{
	char want[BACKUP_CHECKSUM_LEN + 1], got[BACKUP_CHECKSUM_LEN];
	uint64_t at = TAR_BLOCK;
	int err;

	b->manifest = malloc(b->manifest_len + 1);
	if (!b->manifest)
		return backup_fail(b, -ENOMEM, "out of memory");
	err = read_at(b, at, b->manifest, b->manifest_len);
	at += b->manifest_len;
	if (!err)
		err = check_zeros(b, at, tar_padding(b->manifest_len), BACKUP_MANIFEST);
	at += tar_padding(b->manifest_len);
	if (!err)
		err = check_header(b, at, BACKUP_CHECKSUM, BACKUP_CHECKSUM_LEN, 0600);
	if (!err)
		err = read_at(b, at + TAR_BLOCK, got, sizeof(got));
	if (err)
		return err;
	backup_checksum_text(b, want);
	if (memcmp(want, got, sizeof(got)))
		return backup_fail(b, -EBADMSG, "its manifest is damaged: it does not have the checksum of " BACKUP_CHECKSUM);
	at += TAR_BLOCK + BACKUP_CHECKSUM_LEN;
	return check_zeros(b, at, tar_padding(BACKUP_CHECKSUM_LEN), BACKUP_CHECKSUM);
}

/* Where each part is follows from the sizes, and so does where the file ends. */
static int find_parts(struct backup *b)
{
	uint64_t at = TAR_BLOCK + b->manifest_len + tar_padding(b->manifest_len);
	size_t i;

	at += TAR_BLOCK + BACKUP_CHECKSUM_LEN + tar_padding(BACKUP_CHECKSUM_LEN);
	for (i = 0; i < b->n; i++) {
		struct backup_part *p = &b->parts[i];

		p->at = at + TAR_BLOCK;
		at = p->at + p->size + tar_padding(p->size);
		if (at > b->size)
			return backup_fail(b, -EBADMSG, "it is cut off: %s is not there whole, as it ends at byte %llu",
					   p->name, (unsigned long long)b->size);
	}
	at += TAR_END;
	if (at == b->size)
		return 0;
	return backup_fail(b, -EBADMSG, "it has %llu bytes and not %llu: it is %s", (unsigned long long)b->size,
			   (unsigned long long)at, at > b->size ? "cut off" : "longer than what was written");
}

static int open_file(struct backup *b, const char *path)
{
	struct stat st;

	b->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (b->fd < 0 || fstat(b->fd, &st))
		return backup_fail(b, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return backup_fail(b, -EINVAL, "it is not a regular file");
	b->size = st.st_size;
	return 0;
}

/**
 * backup_open - read the manifest of a backup
 * @b: backup_free() it, after a failure as well
 * @path: the file
 *
 * Return: 0; -EINVAL, it is another kind of file; -EPROTO, of a newer format; -EBADMSG, it is damaged; -errno.
 */
int backup_open(struct backup *b, const char *path)
{
	int err;

	backup_init(b, 0);
	err = open_file(b, path);
	if (!err)
		err = read_first(b);
	if (!err)
		err = read_manifest(b);
	if (!err)
		err = backup_manifest_read(b);
	return err ? err : find_parts(b);
}

/**
 * backup_check - look whether every byte is as it was written
 * @b: open
 *
 * Return: 0; -EBADMSG, one is not; -errno.
 */
int backup_check(struct backup *b)
{
	const struct backup_part *p;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < b->n; i++) {
		p = &b->parts[i];
		err = check_header(b, p->at - TAR_BLOCK, p->name, p->size, p->mode);
		if (!err)
			err = backup_extract(b, p, NULL, false);
		if (!err)
			err = check_zeros(b, p->at + p->size, tar_padding(p->size), p->name);
	}
	return err ? err : check_zeros(b, b->size - TAR_END, TAR_END, "the last part");
}
