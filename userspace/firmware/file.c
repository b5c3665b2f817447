// SPDX-License-Identifier: GPL-2.0
/* Artifacts and their signatures: files that are named by what is in them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/firmware.h"
#include "lib/file.h"
#include "lib/policy.h"

#define CHUNK		(256 << 10)	/* bytes that are read at a time */
#define MODE		0640		/* the group is that of the process that serves it */
#define NAME_LEN	65		/* SHA-256 in hex, terminated */
#define PATH_LEN	4096
#define SIGNATURE	".p7s"

static int path_of(const char *dir, const uint8_t sha256[32], const char *end, char path[PATH_LEN])
{
	char name[NAME_LEN];

	return snprintf(path, PATH_LEN, "%s/%s%s", dir, policy_hex_text(sha256, 32, name), end) < PATH_LEN ? 0 :
	       -ENAMETOOLONG;
}

/* Of the directory; nobody but root may give files away, and then there is but one user to read them. */
static int give_to_group(const char *dir, int fd)
{
	struct stat st;

	if (stat(dir, &st) || (fchown(fd, -1, st.st_gid) && (errno != EPERM || !geteuid())))
		return -errno;
	return fchmod(fd, MODE) ? -errno : 0;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

/** struct digests - what is computed in the same pass */
struct digests {
	EVP_MD_CTX *ctx[3];
};

static int digests_begin(struct digests *d)
{
	const EVP_MD *const kinds[3] = { EVP_sha256(), EVP_sha1(), EVP_md5() };
	int i;

	for (i = 0; i < 3; i++) {
		d->ctx[i] = EVP_MD_CTX_new();
		if (!d->ctx[i])
			return -ENOMEM;
		if (!EVP_DigestInit_ex(d->ctx[i], kinds[i], NULL))
			return -ENOTSUP;
	}
	return 0;
}

static int digests_add(struct digests *d, const void *data, size_t len)
{
	int i;

	for (i = 0; i < 3; i++)
		if (!EVP_DigestUpdate(d->ctx[i], data, len))
			return -EIO;
	return 0;
}

static int digests_end(struct digests *d, struct firmware_hashes *out)
{
	uint8_t *const to[3] = { out->sha256, out->sha1, out->md5 };
	int i;

	for (i = 0; i < 3; i++)
		if (!EVP_DigestFinal_ex(d->ctx[i], to[i], NULL))
			return -EIO;
	return 0;
}

static void digests_free(struct digests *d)
{
	int i;

	for (i = 0; i < 3; i++)
		EVP_MD_CTX_free(d->ctx[i]);
}

static int copy(int from, int to, struct digests *d, uint8_t *buf, uint64_t *size, struct pki_error *err)
{
	ssize_t got;
	int ret;

	for (*size = 0;; *size += got) {
		got = pread(from, buf, CHUNK, *size);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got < 0)
			return pki_fail(err, -errno, "cannot read it: %s", strerror(errno));
		else if (!got)
			break;
		if (*size + got > FIRMWARE_SIZE_MAX)
			return pki_fail(err, -EFBIG, "it is larger than 4 GiB");
		ret = file_write_all(to, buf, got);
		if (ret)
			return pki_fail(err, ret, "cannot write a copy: %s", strerror(-ret));
		ret = digests_add(d, buf, got);
		if (ret)
			return pki_fail(err, ret, "OpenSSL cannot hash it");
	}
	ret = fsync(to) ? -errno : 0;
	return ret ? pki_fail(err, ret, "cannot write a copy: %s", strerror(-ret)) : 0;
}

static int check_source(int from, struct stat *st, struct pki_error *err)
{
	if (fstat(from, st))
		return pki_fail(err, -errno, "cannot read it: %s", strerror(errno));
	if (S_ISDIR(st->st_mode))
		return pki_fail(err, -EISDIR, "it is a directory");
	if (!S_ISREG(st->st_mode))
		return pki_fail(err, -EINVAL, "it is not a regular file");
	if (!st->st_size)
		return pki_fail(err, -EINVAL, "it is empty");
	if ((uint64_t)st->st_size > FIRMWARE_SIZE_MAX)
		return pki_fail(err, -EFBIG, "it is larger than 4 GiB");
	return 0;
}

/* Its contents are at temp, and durable. */
static int put_in_place(const char *dir, const char *temp, const uint8_t sha256[32], struct pki_error *err)
{
	char path[PATH_LEN];
	int ret = path_of(dir, sha256, "", path);

	if (!ret && rename(temp, path))
		ret = -errno;
	if (!ret)
		ret = sync_dir(dir);
	return ret ? pki_fail(err, ret, "cannot write into '%s': %s", dir, strerror(-ret)) : 0;
}

/**
 * firmware_file_add - copy an artifact to where it is served from, and hash it on the way
 * @dir: which exists; of firmware_dir_lock(), if others may be at it
 * @from: the artifact, open: a regular file, which is read from its beginning
 * @size: bytes, on success
 * @out: on success
 * @err: why not
 *
 * The copy is whole and durable, readable by the group of @dir, or it is not there.
 *
 * Return: 0; -EISDIR, -EINVAL (empty, no regular file), -EFBIG, -EAGAIN (it changed meanwhile), -ENOSPC;
 * another -errno.
 */
int firmware_file_add(const char *dir, int from, uint64_t *size, struct firmware_hashes *out, struct pki_error *err)
{
	struct digests d = { { NULL } };
	char temp[PATH_LEN] = "";
	uint8_t *buf = NULL;
	int fd = -1, ret;
	struct stat st;

	ret = check_source(from, &st, err);
	if (ret)
		return ret;
	buf = malloc(CHUNK);
	ret = buf ? digests_begin(&d) : -ENOMEM;
	if (ret) {
		pki_fail(err, ret, "cannot hash it: %s", strerror(-ret));
		goto out;
	}
	if (snprintf(temp, sizeof(temp), "%s/.new-XXXXXX", dir) < (int)sizeof(temp))
		fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		ret = pki_fail(err, -errno, "cannot write into '%s': %s", dir, strerror(errno));
		goto out;
	}
	posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
	/* First, so that what makes it durable finds it as it will be. */
	ret = give_to_group(dir, fd);
	if (ret)
		pki_fail(err, ret, "cannot write into '%s': %s", dir, strerror(-ret));
	else
		ret = copy(from, fd, &d, buf, size, err);
	if (!ret && *size != (uint64_t)st.st_size)
		ret = pki_fail(err, -EAGAIN, "it changed while it was read");
	if (!ret && digests_end(&d, out))
		ret = pki_fail(err, -EIO, "OpenSSL cannot hash it");
	if (!ret)
		ret = put_in_place(dir, temp, out->sha256, err);
	if (ret)
		unlink(temp);
	close(fd);
out:
	digests_free(&d);
	free(buf);
	return ret;
}

/**
 * firmware_file_open - an artifact
 * @dir: where
 * @sha256: of it
 *
 * Return: a descriptor to read it; -errno.
 */
int firmware_file_open(const char *dir, const uint8_t sha256[32])
{
	char path[PATH_LEN];
	int fd, err = path_of(dir, sha256, "", path);

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/**
 * firmware_file_remove - remove an artifact and its signature
 * @dir: where
 * @sha256: of it
 *
 * Return: 0, also where there was none; -errno.
 */
int firmware_file_remove(const char *dir, const uint8_t sha256[32])
{
	char path[PATH_LEN];
	int err = path_of(dir, sha256, SIGNATURE, path);

	if (!err && unlink(path) && errno != ENOENT)
		err = -errno;
	if (!err)
		err = path_of(dir, sha256, "", path);
	if (!err && unlink(path) && errno != ENOENT)
		err = -errno;
	return err;
}

/**
 * firmware_signature_put - keep an artifact's signature beside it
 * @dir: where
 * @sha256: of the artifact
 * @der: the signature
 * @len: of @der
 * @err: why not
 *
 * Return: 0; -EFBIG; another -errno, and what was there is as it was.
 */
int firmware_signature_put(const char *dir, const uint8_t sha256[32], const uint8_t *der, size_t len,
			   struct pki_error *err)
{
	char path[PATH_LEN];
	int fd, ret;

	if (!len || len > FIRMWARE_SIGNATURE_MAX)
		return pki_fail(err, -EFBIG, "a signature has 1 to %d bytes, not %zu", FIRMWARE_SIGNATURE_MAX, len);
	ret = path_of(dir, sha256, SIGNATURE, path);
	if (!ret)
		ret = file_write(path, der, len, MODE);
	fd = ret ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (!ret)
		ret = fd < 0 ? -errno : give_to_group(dir, fd);
	if (!ret && fsync(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret ? pki_fail(err, ret, "cannot write into '%s': %s", dir, strerror(-ret)) : 0;
}

/**
 * firmware_signature_get - an artifact's signature
 * @dir: where
 * @sha256: of the artifact
 * @der: free()
 * @len: of @der
 *
 * Return: 0; -ENOENT; another -errno.
 */
int firmware_signature_get(const char *dir, const uint8_t sha256[32], uint8_t **der, size_t *len)
{
	char path[PATH_LEN], *text = NULL;
	int err = path_of(dir, sha256, SIGNATURE, path);

	if (!err)
		err = file_read(path, FIRMWARE_SIGNATURE_MAX, &text, len);
	*der = (uint8_t *)text;
	return err;
}
