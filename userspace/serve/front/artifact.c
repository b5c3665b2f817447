// SPDX-License-Identifier: GPL-2.0
/*
 * Artifacts, to whom they are offered: read from the disk as the device takes them, a piece at a time, so
 * that a download costs a file and a piece, however large and slow it is.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/policy.h"
#include "serve/front/artifact.h"
#include "serve/front/call.h"
#include "serve/front/range.h"

#define PIECE		(128 * 1024)	/* bytes in memory, and as many unsent ones in the kernel */
#define RETRY		5		/* seconds, when there are too many downloads */
#define HEX_LEN		(2 * 32 + 1)

/**
 * struct download - an artifact on its way
 * @link: with the front's others
 * @req: the request that is being answered
 * @conn: its connection
 * @piece: what was read last
 * @fd: the artifact
 * @at: what comes next
 * @end: behind the last byte that was asked for
 * @size: of the whole
 * @device: name, for the log
 * @version: for the log
 */
struct download {
	TAILQ_ENTRY(download) link;
	struct evhttp_request *req;
	struct conn *conn;
	struct evbuffer *piece;
	int fd;
	uint64_t at;
	uint64_t end;
	uint64_t size;
	char device[PKI_NAME_LEN];
	char version[FIRMWARE_VERSION_LEN];
};

/**
 * artifact_directory - open the directory of the artifacts, made if it is not there
 * @path: of it
 * @group: that is to read what lies there
 *
 * Return: fd or -errno.
 */
int artifact_directory(const char *path, gid_t group)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), locked;
	struct pki_error err;
	struct stat st;

	if (fd < 0 && errno != ENOENT)
		return -errno;
	/* Whoever adds a large one has it locked for long: that is waited for only where there is a need. */
	if (fd >= 0 && !fstat(fd, &st) && (geteuid() || st.st_gid == group))
		return fd;
	if (fd >= 0)
		close(fd);
	locked = firmware_dir_lock(path, group, &err);
	if (locked < 0)
		return locked;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(locked);
	return fd < 0 ? -errno : fd;
}

/* By its hash, so no name that anybody gave ever reaches the file system. */
static int open_artifact(const struct front *f, const struct firmware_release *r, const char *name)
{
	struct stat st;
	int fd = openat(f->artifacts, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (uint64_t)st.st_size == r->size)
		return fd;
	close(fd);
	return -EBADMSG;
}

static void download_free(struct download *d)
{
	struct front *f = d->conn->front;

	TAILQ_REMOVE(&f->downloads, d, link);
	f->n_downloads--;
	evbuffer_free(d->piece);
	close(d->fd);
	free(d);
}

/* A request whose connection broke is nobody's but ours. */
static void on_lost(struct evhttp_connection *evcon, void *arg)
{
	struct download *d = arg;

	(void)evcon;
	if (!evhttp_request_get_connection(d->req))
		evhttp_request_free(d->req);
	download_free(d);
}

static void finish(struct download *d)
{
	struct evhttp_request *req = d->req;
	struct conn *c = d->conn;

	if (d->end == d->size) {
		serve_count(&c->front->counters->accepted[SERVE_DOWNLOAD]);
		serve_log(LOG_INFO, "downloaded", "device", d->device, "version", d->version, NULL);
	}
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
	conn_stream(c, false);
	download_free(d);
	c->answering = true;
	evhttp_send_reply_end(req);	/* c may be gone now */
}

static void pump(struct evhttp_connection *evcon, void *arg)
{
	struct download *d = arg;
	struct evbuffer_iovec v;
	ssize_t n = -1;

	(void)evcon;
	if (d->at == d->end) {
		finish(d);
		return;
	}
	if (evbuffer_reserve_space(d->piece, PIECE, &v, 1) == 1) {
		if (v.iov_len > PIECE)
			v.iov_len = PIECE;
		if (v.iov_len > d->end - d->at)
			v.iov_len = d->end - d->at;
		n = pread(d->fd, v.iov_base, v.iov_len, d->at);
	}
	if (n <= 0) {
		serve_log(LOG_ERR, "an artifact cannot be read", "device", d->device, "version", d->version, NULL);
		serve_count(&d->conn->front->counters->refused[SERVE_ARTIFACT]);
		conn_cut(d->conn);
		return;
	}
	v.iov_len = n;
	evbuffer_commit_space(d->piece, &v, 1);
	d->at += n;
	d->conn->answering = true;
	evhttp_send_reply_chunk_with_cb(d->req, d->piece, pump, d);
	d->conn->answering = false;
}

/* The kernel holds no more of it than that, so that many slow ones fill no memory either. */
static void hold_little(const struct conn *c)
{
	int unsent = PIECE;

	setsockopt(c->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

static void stream(struct evhttp_request *req, const struct serve_offer *o, const char *device, int fd,
		   unsigned int status, uint64_t from, uint64_t end)
{
	struct download *d = calloc(1, sizeof(*d));
	struct front *f = call_conn(req)->front;

	if (d)
		d->piece = evbuffer_new();
	if (!d || !d->piece) {
		free(d);
		close(fd);
		call_send_why(req, 503, RETRY, "no memory");
		return;
	}
	d->req = req;
	d->conn = call_conn(req);
	d->fd = fd;
	d->at = from;
	d->end = end;
	d->size = o->release.size;
	snprintf(d->device, sizeof(d->device), "%s", device);
	strcpy(d->version, o->release.version);
	TAILQ_INSERT_TAIL(&f->downloads, d, link);
	f->n_downloads++;
	hold_little(d->conn);
	conn_stream(d->conn, true);
	evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_lost, d);
	d->conn->answering = true;
	evhttp_send_reply_start(req, status, serve_status_text(status));
	d->conn->answering = false;
	pump(NULL, d);
}

static bool crowded(struct evhttp_request *req, const char *device)
{
	const struct conn *c = call_conn(req);
	const struct download *d;
	size_t same = 0;

	TAILQ_FOREACH(d, &c->front->downloads, link)
		same += !memcmp(d->conn->peer, c->peer, sizeof(c->peer));
	if (same < FRONT_DOWNLOADS_PER_PEER && c->front->n_downloads < FRONT_DOWNLOADS)
		return false;
	conn_refused(call_conn(req), SERVE_CROWDED, device, "too many downloads");
	call_send_why(req, same < FRONT_DOWNLOADS_PER_PEER ? 503 : 429, RETRY, "too many downloads");
	return true;
}

static void add_number(struct evkeyvalq *headers, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	evhttp_add_header(headers, name, text);
}

static void add_range(struct evkeyvalq *headers, uint64_t from, uint64_t end, uint64_t size)
{
	char text[80];

	if (from < end)
		snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)from,
			 (unsigned long long)end - 1, (unsigned long long)size);
	else
		snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
	evhttp_add_header(headers, "Content-Range", text);
}

/* Which part is wanted. If-Range: of this very artifact, else all of it (RFC 9110, 13.1.5). */
static enum range find_range(struct evhttp_request *req, const char *etag, uint64_t size, uint64_t *from,
			     uint64_t *end)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	const char *same = evhttp_find_header(headers, "If-Range");

	*from = 0;
	*end = size;
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD || (same && strcmp(same, etag)))
		return RANGE_ALL;
	return range_parse(evhttp_find_header(headers, "Range"), size, from, end);
}

static void send_open(struct evhttp_request *req, const struct serve_offer *o, const char *device, int fd,
		      const char *etag)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);
	const struct evkeyvalq *in = evhttp_request_get_input_headers(req);
	uint64_t from, end, size = o->release.size;
	unsigned int status = 200;

	evhttp_add_header(out, "ETag", etag);
	evhttp_add_header(out, "Accept-Ranges", "bytes");
	evhttp_add_header(out, "Cache-Control", "private, no-transform");
	if (range_etag_matches(evhttp_find_header(in, "If-None-Match"), etag)) {
		close(fd);
		call_answer_empty(req, 304);
		return;
	}
	switch (find_range(req, etag, size, &from, &end)) {
	case RANGE_BEYOND:
		close(fd);
		add_range(out, 0, 0, size);
		evhttp_remove_header(out, "Cache-Control");
		call_refuse(req, 416, SERVE_BAD_REQUEST, device, "no byte of the artifact is in that range");
		return;
	case RANGE_PART:
		add_range(out, from, end, size);
		status = 206;
		break;
	default:
		break;
	}
	evhttp_add_header(out, "Content-Type", "application/octet-stream");
	add_number(out, "Content-Length", end - from);
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD || from == end) {
		close(fd);
		call_answer_empty(req, 200);
		return;
	}
	stream(req, o, device, fd, status, from, end);
}

/**
 * artifact_send - answer a request for an artifact that is offered to the device
 * @req: the request
 * @o: the offer
 * @device: name
 */
void artifact_send(struct evhttp_request *req, const struct serve_offer *o, const char *device)
{
	char name[HEX_LEN], etag[HEX_LEN + 2];
	int fd;

	if (crowded(req, device))
		return;
	policy_hex_text(o->release.hashes.sha256, sizeof(o->release.hashes.sha256), name);
	snprintf(etag, sizeof(etag), "\"%s\"", name);
	fd = open_artifact(call_conn(req)->front, &o->release, name);
	if (fd < 0) {
		serve_log(LOG_ERR, "no artifact", "file", name, "why", strerror(-fd), NULL);
		call_refuse(req, 503, SERVE_ARTIFACT, device, "the artifact cannot be read");
		return;
	}
	send_open(req, o, device, fd, etag);
}

static int read_signature(int fd, uint8_t buf[FIRMWARE_SIGNATURE_MAX], size_t *len)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || !st.st_size || st.st_size > FIRMWARE_SIGNATURE_MAX)
		return -EBADMSG;
	n = pread(fd, buf, st.st_size, 0);
	if (n < 0)
		return -errno;
	*len = n;
	return n == st.st_size ? 0 : -EBADMSG;
}

/**
 * artifact_send_signature - answer a request for the signature that an artifact was added with
 * @req: the request
 * @o: the offer of that artifact
 * @device: name
 */
void artifact_send_signature(struct evhttp_request *req, const struct serve_offer *o, const char *device)
{
	char name[HEX_LEN + sizeof(ARTIFACT_SIGNATURE)];
	uint8_t buf[FIRMWARE_SIGNATURE_MAX];
	size_t len = 0;
	int fd, err;

	policy_hex_text(o->release.hashes.sha256, sizeof(o->release.hashes.sha256), name);
	strcat(name, ARTIFACT_SIGNATURE);
	fd = openat(call_conn(req)->front->artifacts, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	err = fd < 0 ? -errno : read_signature(fd, buf, &len);
	if (fd >= 0)
		close(fd);
	if (!err) {
		call_answer(req, 200, "application/pkcs7-signature", buf, len);
		return;
	}
	if (err != -ENOENT)
		serve_log(LOG_ERR, "no signature", "file", name, "why", strerror(-err), NULL);
	call_refuse(req, err == -ENOENT ? 404 : 503, SERVE_ARTIFACT, device,
		    err == -ENOENT ? "the artifact has no signature" : "the signature cannot be read");
}
