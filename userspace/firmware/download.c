// SPDX-License-Identifier: GPL-2.0
/* An artifact that comes in as many pieces as it takes, and is looked at as a whole before it gets its name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "device/ask.h"
#include "firmware/update.h"
#include "lib/file.h"
#include "lib/policy.h"

#define PART		"part-"
#define ARTIFACT	"artifact"
#define TRIES		8		/* in a row in which nothing comes */
#define PAUSE_MAX	60		/* seconds between two of them */
#define SYNC_EVERY	(8 << 20)	/* bytes that a power cut may cost, and the next try with them */
#define READ_LEN	65536

/**
 * struct part - an artifact that is not whole yet
 * @d: what is asked for
 * @path: of the file
 * @tag: ETag of the artifact
 * @fd: the file
 * @from: bytes there were when this was asked for
 * @have: bytes there are
 * @synced: of these, on the disk
 * @begun: content has come of this answer
 * @broken: what is wrong with this device, not with the server; or empty
 */
struct part {
	const struct update_download *d;
	char path[PATH_MAX];
	char tag[80];
	int fd;
	uint64_t from;
	uint64_t have;
	uint64_t synced;
	bool begun;
	char broken[128];
};

static const char *broken(struct part *p, const char *what)
{
	snprintf(p->broken, sizeof(p->broken), "%s: %s", what, strerror(errno));
	return p->broken;
}

/* Does the answer's head promise what the signed offer does? */
static const char *begin(struct part *p, const struct http_response *r)
{
	const uint64_t size = p->d->m->size;

	p->begun = true;
	if (r->status == 206) {
		if (!r->ranged || !p->from || r->first != p->from)
			return "another part of the artifact than was asked for";
		if (r->all != size || r->last != size - 1)
			return "a size that is not the offer's";
	} else {
		/* It does not know of ranges, or the artifact is another one now. */
		p->from = p->have = p->synced = 0;
		if (ftruncate(p->fd, 0))
			return broken(p, "cannot be written");
	}
	if (r->sized && !r->chunked && r->left != size - p->from)
		return "a size that is not the offer's";
	return NULL;
}

static const char *sink(void *arg, const struct http_response *r, const char *data, size_t len)
{
	struct part *p = arg;
	const char *why = p->begun ? NULL : begin(p, r);
	ssize_t n;

	if (!why && len > p->d->m->size - p->have)
		why = "more content than there should be";
	while (!why && len) {
		n = pwrite(p->fd, data, len, p->have);
		if (n < 0 && errno != EINTR)
			why = broken(p, "cannot be written");
		if (n > 0) {
			data += n;
			len -= n;
			p->have += n;
		}
	}
	if (!why && p->have - p->synced >= SYNC_EVERY) {
		if (fdatasync(p->fd))
			why = broken(p, "cannot be written");
		p->synced = p->have;
	}
	if (p->d->progress)
		p->d->progress(p->d->arg, p->have, p->d->m->size);
	return why;
}

static enum update_result judge(struct part *p, const struct http_response *r)
{
	struct est *e = p->d->est;

	if (r->status == 200 || r->status == 206) {
		if (p->have == p->d->m->size)
			return UPDATE_DONE;
		est_fail(e, "the server sent less than the offer promises");
		return UPDATE_BAD;
	}
	if (r->status >= 300 && r->status < 400) {
		est_fail(e, "refused: a redirect (%d), which is not followed", r->status);
		return UPDATE_BAD;
	}
	est_judge(e, r);
	e->retry_after = r->retry_after;
	if (r->status == 409 || r->status == 410)
		return UPDATE_WITHDRAWN;
	return r->status == 429 || r->status >= 500 ? UPDATE_LATER : UPDATE_BAD;
}

static enum update_result fetch_once(struct part *p)
{
	struct http_request q = { .method = "GET", .path = p->d->m->url };
	struct est *e = p->d->est;
	enum update_result ret;
	struct http_response r;

	p->begun = false;
	p->from = p->have;
	if (p->from) {
		q.from = p->from;
		q.if_range = p->tag;
	}
	http_begin(&r);
	r.sink = sink;
	r.arg = p;
	r.max = p->d->m->size;
	e->retry_after = -1;
	if (est_ask(e, &q, &r) == EST_DONE)
		ret = judge(p, &r);
	else
		ret = r.state == HTTP_BAD && !r.cut ? UPDATE_BAD : UPDATE_LATER;
	if (p->broken[0])
		est_fail(e, "%s: %s", p->path, p->broken);
	http_free(&r);
	return ret;
}

static void pause_for(struct part *p, long seconds)
{
	struct est *e = p->d->est;
	int64_t until = tls_clock() + seconds * 1000;

	if (p->d->retry)
		p->d->retry(p->d->arg, e->error, seconds);
	while (tls_remaining(until))
		poll(NULL, 0, tls_remaining(until));
}

/* Again and again, ever more slowly, unless something came meanwhile. */
static enum update_result fetch(struct part *p)
{
	struct est *e = p->d->est;
	enum update_result ret;
	long seconds = 1, wait;
	int tries = TRIES;
	uint64_t before;

	while (p->have < p->d->m->size) {
		before = p->have;
		ret = fetch_once(p);
		if (ret != UPDATE_DONE && ret != UPDATE_LATER)
			return ret;
		if (p->have > before) {
			tries = TRIES;
			seconds = 1;
		}
		if (ret == UPDATE_DONE)
			break;
		wait = e->retry_after > seconds ? e->retry_after : seconds;
		if (!--tries || wait >= tls_remaining(e->deadline) / 1000)
			return UPDATE_LATER;
		pause_for(p, wait);
		seconds = seconds * 2 > PAUSE_MAX ? PAUSE_MAX : seconds * 2;
	}
	return UPDATE_DONE;
}

/* 1, it is; 0, it is not; -errno. */
static int is_right(int fd, const struct firmware_manifest *m)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char *buf = malloc(READ_LEN);
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint64_t at = 0;
	int ret = -ENOMEM;
	ssize_t n = 1;

	if (!ctx || !buf || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		goto out;
	while (n) {
		n = pread(fd, buf, READ_LEN, at);
		if (n < 0 && errno != EINTR) {
			ret = -errno;
			goto out;
		}
		if (n > 0 && !EVP_DigestUpdate(ctx, buf, n))
			goto out;
		at += n > 0 ? n : 0;
	}
	if (EVP_DigestFinal_ex(ctx, digest, NULL))
		ret = at == m->size && !memcmp(digest, m->sha256, sizeof(m->sha256));
out:
	EVP_MD_CTX_free(ctx);
	free(buf);
	return ret;
}

/* Files of a directory that begin so, but for one. */
static int remove_files(const char *dir, const char *beginning, const char *but)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	int ret = 0;

	if (!list)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(list))) {
		const char *name = entry->d_name;

		if (!strcmp(name, ".") || !strcmp(name, "..") || strncmp(name, beginning, strlen(beginning)) != 0 ||
		    (but && !strcmp(name, but)))
			continue;
		if (unlinkat(dirfd(list), name, 0) && errno != ENOENT)
			ret = -errno;
	}
	closedir(list);
	return ret;
}

/**
 * update_artifact_remove - remove whatever was put in place to be installed
 * @dir: of the state
 *
 * Return: 0, or -errno.
 */
int update_artifact_remove(const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/" ARTIFACT, dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return remove_files(path, "", NULL);
}

static enum update_result failed(const struct update_download *d, const char *path, int err)
{
	est_fail(d->est, "%s: %s", path, strerror(-err));
	return UPDATE_BAD;
}

static enum update_result check_room(struct part *p)
{
	uint64_t needed = p->d->m->size - p->have;
	struct statvfs st;

	if (fstatvfs(p->fd, &st) || (uint64_t)st.f_bavail * st.f_frsize >= needed)
		return UPDATE_DONE;
	est_fail(p->d->est, "%s: no room: %llu bytes are needed, and %llu are free", p->d->dir,
		 (unsigned long long)needed, (unsigned long long)st.f_bavail * st.f_frsize);
	return UPDATE_BAD;
}

/* What other offers left there is of no use any more. */
static enum update_result open_part(const struct update_download *d, struct part *p)
{
	const struct firmware_manifest *m = d->m;
	struct stat st;
	char *name;

	*p = (struct part){ .d = d, .fd = -1 };
	if (snprintf(p->path, sizeof(p->path), "%s/" PART "%64s", d->dir, "") >= (int)sizeof(p->path))
		return failed(d, d->dir, -ENAMETOOLONG);
	name = p->path + strlen(d->dir) + 1;
	policy_hex_text(m->sha256, sizeof(m->sha256), name + strlen(PART));
	snprintf(p->tag, sizeof(p->tag), "\"%.64s\"", name + strlen(PART));
	remove_files(d->dir, PART, name);
	p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->fd < 0 || fstat(p->fd, &st))
		return failed(d, p->path, -errno);
	if ((uint64_t)st.st_size <= m->size)
		p->have = st.st_size;
	else if (ftruncate(p->fd, 0))
		return failed(d, p->path, -errno);
	p->synced = p->have;
	return check_room(p);
}

/* What was there before may have been damaged, by a power cut for one: then all of it comes again, once. */
static enum update_result complete(struct part *p)
{
	bool continued = p->have;
	enum update_result ret;
	int right;

	for (;;) {
		ret = fetch(p);
		if (ret != UPDATE_DONE)
			return ret;
		right = fsync(p->fd) ? -errno : is_right(p->fd, p->d->m);
		if (right > 0)
			return UPDATE_DONE;
		if (right < 0)
			return failed(p->d, p->path, right);
		if (ftruncate(p->fd, 0))
			return failed(p->d, p->path, -errno);
		p->have = p->synced = 0;
		if (!continued)
			break;
		continued = false;
	}
	unlink(p->path);
	est_fail(p->d->est, "the artifact is not the one of the offer: its SHA-256 is another");
	return UPDATE_BAD;
}

static enum update_result put_in_place(struct part *p, const char *to)
{
	int err = 0;

	/* Directory entries of both are on the disk before anybody runs it. */
	if (rename(p->path, to))
		err = -errno;
	if (!err)
		err = file_sync_dir(p->d->dir);
	return err ? failed(p->d, to, err) : UPDATE_DONE;
}

/* Whoever has broken into the gateway signs offers, too: a device may want the vendor's word. */
static enum update_result check_vendor(const struct update_download *d, int fd)
{
	struct pki_error why = { "" };
	enum update_result ret;
	uint8_t *der = NULL;
	size_t len = 0;

	if (!d->vendor)
		return UPDATE_DONE;
	ret = update_ask_signature(d->est, d->m->url, &der, &len);
	if (ret != UPDATE_DONE)
		return ret;
	if (lseek(fd, 0, SEEK_SET) ||
	    pki_cms_verify(der, len, fd, d->vendor, time(NULL), NULL, 0, &why)) {
		est_fail(d->est, "the vendor's signature: %s", why.text[0] ? why.text : strerror(errno));
		ret = UPDATE_BAD;
	}
	free(der);
	return ret;
}

/* What the vendor did not sign is of no use. */
static enum update_result find_vendor(struct part *p)
{
	enum update_result ret = check_vendor(p->d, p->fd);

	if (ret == UPDATE_BAD)
		unlink(p->path);
	return ret;
}

/* From an attempt before this; UPDATE_NOTHING, it is not. */
static enum update_result find_there(const struct update_download *d, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	enum update_result ret = UPDATE_NOTHING;

	if (fd >= 0 && is_right(fd, d->m) > 0)
		ret = check_vendor(d, fd);
	if (fd >= 0)
		close(fd);
	return ret;
}

/**
 * update_download - have the artifact of an offer, whole and verified
 * @d: the offer, its signature checked
 * @path: where it lies; free()
 *
 * What has come is kept, whatever breaks off, and continued next time, as long as the offer is of the same artifact.
 *
 * Return: UPDATE_DONE; UPDATE_LATER, the server or the network is at fault, or time is over; UPDATE_BAD, it is not
 * what the offer says, or cannot be stored; UPDATE_WITHDRAWN. All but the first with an error of @d->est.
 */
enum update_result update_download(const struct update_download *d, char **path)
{
	char dir[PATH_MAX], *to = NULL;
	enum update_result ret;
	struct part p;
	int err;

	if (snprintf(dir, sizeof(dir), "%s/" ARTIFACT, d->dir) >= (int)sizeof(dir))
		return failed(d, d->dir, -ENAMETOOLONG);
	if (asprintf(&to, "%s/%s", dir, d->m->file) < 0)
		return failed(d, dir, -ENOMEM);
	err = file_make_dirs(dir, 0700);
	if (err) {
		free(to);
		return failed(d, dir, err);
	}
	ret = find_there(d, to);
	if (ret == UPDATE_DONE) {
		*path = to;
		return ret;
	}
	if (ret == UPDATE_BAD)
		remove_files(dir, "", NULL);
	if (ret != UPDATE_NOTHING) {
		free(to);
		return ret;
	}
	remove_files(dir, "", NULL);
	ret = open_part(d, &p);
	if (ret == UPDATE_DONE)
		ret = complete(&p);
	if (ret == UPDATE_DONE)
		ret = find_vendor(&p);
	if (ret == UPDATE_DONE)
		ret = put_in_place(&p, to);
	if (ret == UPDATE_DONE && file_sync_dir(dir))
		ret = failed(d, dir, -errno);
	if (p.fd >= 0)
		close(p.fd);
	if (ret == UPDATE_DONE)
		*path = to;
	else
		free(to);
	return ret;
}
